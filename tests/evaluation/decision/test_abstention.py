"""Abstention: the stated error or coverage holds on new series."""

import json

import numpy as np
import pytest

from limelight.errors import ModelFolderError, ParameterError
from limelight.evaluation.decision.abstention import Abstention, fit_abstention, risk_coverage
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.model.fitted import Prediction
from limelight.task import Task

TWO = Task(("a", "b"))


def calibrated(n, seed):
    random = np.random.default_rng(seed)
    sure = random.uniform(0.5, 1.0, n)
    return sure, random.random(n) < sure


@pytest.mark.parametrize("error", [0.05, 0.1, 0.2])
def test_the_error_holds_on_new_series(error):
    rates = []
    for seed in range(200):
        rule = fit_abstention({"error": error}, *calibrated(100, seed))
        sure, correct = calibrated(500, seed + 1000)
        answered = sure >= rule.least_probability
        rates.append((~correct[answered]).mean() if answered.any() else 0.0)
    assert np.mean(rates) <= error


def test_the_coverage_holds_on_new_series():
    shares = []
    for seed in range(50):
        rule = fit_abstention({"coverage": 0.7}, *calibrated(200, seed))
        shares.append((calibrated(500, seed + 1000)[0] >= rule.least_probability).mean())
    assert np.mean(shares) == pytest.approx(0.7, abs=0.02)


def test_an_unreachable_error_abstains_from_every_series():
    rule = fit_abstention({"error": 0.01}, np.array([0.9, 0.8]), np.array([True, True]))
    assert rule.abstains(prediction([0.99, 0.999])).all()
    assert rule.describe() == ["abstains always: no probability reaches an error of at most 0.01 on held-out series"]


def test_equal_probabilities_have_the_same_decision():
    rule = fit_abstention({"coverage": 0.5}, np.full(10, 0.8), np.ones(10, dtype=bool))
    assert (rule.least_probability, rule.coverage) == (0.8, 1.0)


def prediction(sure, novelty=None):
    logits = np.log(np.array(sure) / (1 - np.array(sure)))[:, None]
    return Prediction(
        np.arange(len(sure)).astype(str), TWO, logits, novelty=None if novelty is None else np.array(novelty)
    )


def test_novel_series_are_abstained_from():
    rule = fit_abstention({"coverage": 0.9}, np.array([0.6, 0.7, 0.8]), np.ones(3, dtype=bool), 1.2)
    assert rule.most_novelty == 1.5
    assert rule.abstains(prediction([0.99, 0.99, 0.51], [1.4, 1.6, 0.5])).tolist() == [False, True, True]


def test_the_rule_is_measured_on_known_labels():
    rule = Abstention("error", 0.1, 0.8)
    found = rule.score(prediction([0.9, 0.9, 0.9, 0.6, 0.7]), np.array([1, 1, 0, 0, -1]))
    assert {name: found[name] for name in ("n", "coverage", "error", "error_of_all")} == {
        "n": 4, "coverage": 0.75, "error": pytest.approx(1 / 3), "error_of_all": 0.5,
    }  # fmt: skip
    assert found["curve"][-1] == [1.0, 0.5]


def test_the_curve_ends_at_the_error_of_all():
    curve = risk_coverage(*calibrated(1000, 0))
    assert len(curve) == 101
    assert curve[-1] == [1.0, pytest.approx(1 - calibrated(1000, 0)[1].mean())]
    assert curve[20][1] < curve[-1][1]


def test_a_rule_is_kept_as_json():
    rule = fit_abstention({"error": 0.2}, *calibrated(100, 0), 1.3)
    assert Abstention.from_json(json.loads(json.dumps(rule.to_json()))) == rule
    with pytest.raises(ModelFolderError) as error:
        Abstention.from_json({"goal": "error"})
    assert str(error.value) == (
        "expected a rule for abstention, got \"{'goal': 'error'}\"; the model is damaged or from a newer limelight"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"errors": 0.1}, "expected abstain with error or coverage, got 'errors'; did you mean 'error'?"),
        ({"error": 2}, 'expected abstain as {"error": 0.05} or {"coverage": 0.9}, got {\'error\': 2}'),
        ({}, 'expected abstain as {"error": 0.05} or {"coverage": 0.9}, got {}'),
    ],
)
def test_rules_that_do_not_exist_are_refused(rule, message):
    with pytest.raises(ParameterError) as error:
        DecisionRule(abstain=rule)
    assert str(error.value) == message


def test_abstention_needs_one_class_for_each_series():
    with pytest.raises(ParameterError) as error:
        DecisionRule(abstain={"error": 0.1}).require_possible(Task(("a", "b"), multilabel=True))
    assert str(error.value) == (
        "expected one class for each series to abstain from, got several labels or labels per step; drop abstain"
    )
