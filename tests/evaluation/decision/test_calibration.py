"""Temperatures and reliability: by hand, and against scikit-learn and torchmetrics."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from torchmetrics.functional.classification import multiclass_calibration_error

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError
from limelight.evaluation.decision.calibration import (
    Temperature,
    compare_calibration,
    fit_mixing,
    fit_temperature,
    reliability,
    to_probabilities,
)
from limelight.task import Task

TWO = Task(("a", "b"))
THREE = Task(("a", "b", "c"))
LABELS = Task(("rain", "fog"), multilabel=True)
TASKS = [TWO, THREE, LABELS]


def too_sure(task, factor, n=4000, seed=0):
    """Logits that are so many times larger than those that the truth was drawn from."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, task.outputs)) * 1.5
    probabilities = to_probabilities(task, logits)
    if task.multilabel:
        codes = (random.random(logits.shape) < probabilities).astype(int)
    else:
        codes = (random.random((n, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return logits * factor, codes


def mean_log_loss(task, logits, codes):
    """Return the log loss of scikit-learn."""
    probabilities = to_probabilities(task, logits)
    if task.multilabel:
        return np.mean(
            [reference.log_loss(codes[:, k], probabilities[:, k], labels=[0, 1]) for k in range(codes.shape[1])]
        )
    return reference.log_loss(codes, probabilities, labels=range(len(task.classes)))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_factor_by_which_logits_are_too_large_is_found(task, factor):
    found = fit_temperature(task, *too_sure(task, factor))
    assert found.values.shape == ((2,) if task.multilabel else (1,))
    assert found.values == pytest.approx(factor, rel=0.1)
    assert found.notes == ()


@pytest.mark.parametrize("classes", [2, 3])
def test_calibrated_probabilities_are_those_of_scikit_learn(classes):
    X, y = make_classification(900, 20, n_informative=6, n_classes=classes, flip_y=0.2, random_state=0)
    model = LogisticRegression(C=100).fit(X[:100], y[:100])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(X[100:500], y[100:500])
    task = Task(tuple(range(classes)))
    logits = model.decision_function(X).reshape(len(X), task.outputs)
    found = fit_temperature(task, logits[100:500], y[100:500])
    ours = to_probabilities(task, found.apply(logits[500:]))
    np.testing.assert_allclose(ours, theirs.predict_proba(X[500:]), atol=1e-5)


@given(seed=st.integers(0, 1000), at=st.floats(0.06, 19), task=st.sampled_from(TASKS))
@settings(deadline=None, max_examples=50)
def test_no_other_temperature_has_a_lower_log_loss(seed, at, task):
    random = np.random.default_rng(seed)
    logits, codes = random.normal(size=(40, task.outputs)), too_sure(task, 1, 40, seed)[1]
    found = fit_temperature(task, logits, codes)
    assert mean_log_loss(task, found.apply(logits), codes) <= mean_log_loss(task, logits / at, codes) + 1e-7


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_a_temperature_changes_no_decision(task):
    logits, codes = too_sure(task, 3)
    before, after = (
        to_probabilities(task, one) for one in (logits, fit_temperature(task, logits, codes).apply(logits))
    )
    if task.multilabel:
        np.testing.assert_array_equal(before >= 0.5, after >= 0.5)
    else:
        np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_unknown_labels_are_excluded(task):
    logits, codes = too_sure(task, 2, n=200)
    more = np.concatenate([logits, np.full_like(logits, 7.0)])
    partly_known = np.concatenate([codes, np.full_like(codes, -1)])
    assert (
        fit_temperature(task, more, partly_known).values.tolist()
        == fit_temperature(task, logits, codes).values.tolist()
    )
    chances = [to_probabilities(task, one) for one in (more, logits)]
    assert reliability(task, chances[0], partly_known) == reliability(task, chances[1], codes)


@pytest.mark.parametrize(
    ("logits", "codes", "reason"),
    [
        ([1.0, -1.0] * 9 + [5.0] * 5, [0, 1] * 9 + [-1] * 5, "18 known examples, at least 20 are needed"),
        ([1.0, -1.0] * 10, [1] * 20, "all 20 known examples have the same label"),
        (
            [0.1, -0.1] * 10,
            [1, 0] * 10,
            "all 20 known examples are predicted correctly, so the log loss has no minimum",
        ),
    ],
)
def test_an_undetermined_temperature_is_one_with_a_reason(logits, codes, reason):
    column = np.array(logits)[:, None]
    found = fit_temperature(TWO, column, codes)
    assert (found.values.tolist(), found.notes) == ([1.0], (f"the temperature is left at 1: {reason}",))
    fog = fit_temperature(Task(("fog",), multilabel=True), column, np.array(codes)[:, None])
    assert (fog.values.tolist(), fog.notes) == ([1.0], (f"the temperature of 'fog' is left at 1: {reason}",))


def test_uninformative_logits_get_the_highest_temperature():
    found = fit_temperature(TWO, [[1.0], [-1.0]] * 20, [0, 1] * 20)
    assert found.values == pytest.approx(20, rel=1e-3)
    assert found.notes == ("the temperature is at a bound of its range, 0.05 to 20",)


def test_large_logits_do_not_overflow():
    found = fit_temperature(TWO, [[1000.0], [-1000.0], [1000.0], [-1000.0]] * 10, [1, 0, 0, 0] * 10)
    assert found.values == pytest.approx(20, rel=1e-3)
    assert np.isfinite(to_probabilities(TWO, [[1e6], [-1e6]])).all()


@pytest.mark.parametrize(
    ("task", "width"), [(TWO, 2), (THREE, 3), (LABELS, 2)], ids=["binary", "multiclass", "multilabel"]
)
def test_probabilities_are_those_of_torch(task, width):
    logits = np.random.default_rng(0).normal(size=(50, task.outputs)) * 4
    given_logits = torch.tensor(np.concatenate([0 * logits, logits], axis=1) if task.kind == "binary" else logits)
    expected = given_logits.sigmoid() if task.multilabel else given_logits.softmax(dim=1)
    found = to_probabilities(task, logits)
    assert found.shape == (50, width)
    np.testing.assert_allclose(found, expected.numpy())


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        ([0.0], "expected logits of shape (N, 1) for a binary task, got (1,); pass the output of the network"),
        ([[0.0, 1.0]], "expected logits of shape (N, 1) for a binary task, got (1, 2); pass the output of the network"),
        (
            [[np.nan]],
            "expected finite logits, got NaN or infinity; check why the training diverged",
        ),
    ],
)
def test_logits_that_do_not_fit_are_refused(logits, message):
    with pytest.raises(DataError) as error:
        to_probabilities(TWO, logits)
    assert str(error.value) == message


def test_a_curve_by_hand():
    chances = np.array([0.1, 0.3, 0.8, 0.9])
    found = reliability(TWO, np.stack([1 - chances, chances], axis=1), [0, 1, 1, 1], bins=2)
    assert found["per_class"]["b"] == {
        "n": 4,
        "expected_calibration_error": pytest.approx((2 * abs(0.2 - 0.5) + 2 * abs(0.85 - 1)) / 4),
        "brier": pytest.approx((0.01 + 0.49 + 0.04 + 0.01) / 4),
        "curve": [
            {"predicted": pytest.approx(0.2), "observed": 0.5, "count": 2},
            {"predicted": pytest.approx(0.85), "observed": 1.0, "count": 2},
        ],
    }
    # answered: a with 0.9 (right) and 0.7 (wrong), b with 0.8 and 0.9 (right); all in the upper half
    assert found["expected_calibration_error"] == pytest.approx(abs(0.825 - 0.75))
    assert found["brier"] == found["per_class"]["b"]["brier"]
    assert (found["n"], found["bins"], found["strategy"]) == (4, 2, "uniform")


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_curves_are_those_of_scikit_learn(task, strategy):
    logits, codes = too_sure(task, 2, n=500)
    chances = to_probabilities(task, logits)
    found = reliability(task, chances, codes, bins=10, strategy=strategy)
    for place, name in enumerate(task.classes):
        truth = codes[:, place] if task.multilabel else codes == place
        observed, predicted = calibration_curve(truth, chances[:, place], n_bins=10, strategy=strategy)
        curve = found["per_class"][name]["curve"]
        np.testing.assert_allclose([point["observed"] for point in curve], observed)
        np.testing.assert_allclose([point["predicted"] for point in curve], predicted)
        assert sum(point["count"] for point in curve) == 500
        expected = reference.brier_score_loss(truth, chances[:, place])
        assert found["per_class"][name]["brier"] == pytest.approx(expected)


@pytest.mark.parametrize("task", [TWO, THREE], ids=lambda task: task.kind)
@pytest.mark.parametrize("bins", [10, 15])
def test_the_expected_calibration_error_is_that_of_torchmetrics(task, bins):
    logits, codes = too_sure(task, 2, n=500)
    chances = to_probabilities(task, logits)
    expected = multiclass_calibration_error(
        torch.tensor(chances), torch.tensor(codes), num_classes=len(task.classes), n_bins=bins, norm="l1"
    )
    found = reliability(task, chances, codes, bins=bins)["expected_calibration_error"]
    assert found == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("task", [TWO, THREE], ids=lambda task: task.kind)
def test_the_brier_score_is_that_of_scikit_learn(task):
    logits, codes = too_sure(task, 2, n=500)
    chances = to_probabilities(task, logits)
    expected = reference.brier_score_loss(codes, chances, labels=range(len(task.classes)))
    assert reliability(task, chances, codes)["brier"] == pytest.approx(expected)


def test_multilabel_scores_are_means_over_known_labels():
    logits, codes = too_sure(LABELS, 2, n=200)
    chances = to_probabilities(LABELS, logits)
    both = reliability(LABELS, chances, codes)
    for score in ("expected_calibration_error", "brier"):
        assert both[score] == pytest.approx(np.mean([both["per_class"][name][score] for name in LABELS.classes]))
    codes[:, 1] = -1
    rain = reliability(LABELS, chances, codes)
    assert rain["brier"] == rain["per_class"]["rain"]["brier"]
    assert rain["per_class"]["fog"] == {"n": 0, "expected_calibration_error": None, "brier": None, "curve": []}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_the_temperature_improves_calibration_on_new_data(task):
    found = compare_calibration(task, *too_sure(task, 4, seed=1), fit_temperature(task, *too_sure(task, 4, seed=0)))
    for score in ("expected_calibration_error", "brier", "log_loss"):
        assert found["after"][score] < found["before"][score]
    assert found["after"]["expected_calibration_error"] < 0.03
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_the_log_loss_is_that_of_scikit_learn(task):
    logits, codes = too_sure(task, 2, n=300)
    found = compare_calibration(task, logits, codes, Temperature(np.array([2.0])))
    assert found["before"]["log_loss"] == pytest.approx(mean_log_loss(task, logits, codes))
    assert found["after"]["log_loss"] == pytest.approx(mean_log_loss(task, logits / 2, codes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 1}, "expected 2 to 1000 bins, got 1; use for example 15"),
        ({"bins": 2.5}, "expected 2 to 1000 bins, got 2.5; use for example 15"),
        (
            {"strategy": "quantiles"},
            "expected strategy uniform or quantile, got 'quantiles'; did you mean 'quantile'?",
        ),
    ],
)
def test_impossible_bins_are_refused(arguments, message):
    with pytest.raises(ParameterError) as error:
        reliability(TWO, [[0.5, 0.5]], [0], **arguments)
    assert str(error.value) == message


def test_no_known_label_is_refused():
    with pytest.raises(LabelError) as error:
        reliability(TWO, [[0.5, 0.5]], [-1])
    assert str(error.value) == (
        "expected at least one known label to compare probabilities with, got none; pass labels"
    )


def test_temperatures_survive_json():
    found = Temperature(np.array([1.5, 0.25]), ("a note",))
    again = Temperature.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert again.to_json() == found.to_json()
    assert again.describe() == ["temperature: 1.5, 0.25", "a note"]


@pytest.mark.parametrize("content", [{"values": [0.0], "notes": []}, {"values": 1.0, "notes": []}, {"values": [1.0]}])
def test_foreign_json_is_refused(content):
    with pytest.raises(ModelFolderError) as error:
        Temperature.from_json(content)
    assert str(error.value) == (
        f"expected a temperature, got {str(content)!r}; the model is damaged or from a newer limelight"
    )


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_a_prior_holds_the_temperature_of_few_examples_near_one(task):
    few, many = too_sure(task, 4, n=12), too_sure(task, 4, n=4000)
    shrunk, free = (fit_temperature(task, *few, prior=prior).values for prior in (5.0, 1e-6))
    assert (np.abs(np.log(shrunk)) < np.abs(np.log(free))).all()
    assert fit_temperature(task, *many, prior=5.0).values == pytest.approx(
        fit_temperature(task, *many).values, rel=0.01
    )


def test_the_prior_weighs_examples_by_their_number_of_groups():
    logits, codes = too_sure(TWO, 4, n=30)
    repeated = fit_temperature(TWO, logits.repeat(50, axis=0), codes.repeat(50), units=30, prior=5.0)
    assert repeated.values == pytest.approx(fit_temperature(TWO, logits, codes, prior=5.0).values, rel=1e-4)


def test_the_mixture_explains_a_confident_mistake_without_a_high_temperature():
    logits, codes = np.array([[6.0], [-6.0]] * 50), np.array([1, 0] * 50)
    codes[0] = 0
    mixing = fit_mixing(TWO, codes, 100)
    assert fit_temperature(TWO, logits, codes, mixing=mixing).values < fit_temperature(TWO, logits, codes).values


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_the_certainty_is_bounded_by_the_number_of_series(task):
    codes = np.zeros((20, 2), dtype=int) if task.multilabel else np.arange(20) % len(task.classes)
    mixed = fit_mixing(task, codes, 20).apply(
        to_probabilities(task, np.full((1, task.outputs), 50.0) * [1, *[-1] * (task.outputs - 1)])
    )
    assert mixed.max() <= 21 / 22 + 1 / 22 * 0.5
    assert mixed.min() > 0
    if not task.multilabel:
        assert mixed.sum() == pytest.approx(1)


def test_the_log_loss_after_mixing_is_that_of_scikit_learn():
    for task in TASKS:
        logits, codes = too_sure(task, 3, n=200)
        mixing = fit_mixing(task, codes, 8)
        found = compare_calibration(task, logits, codes, Temperature(np.array([2.0])), mixing)["after"]
        mixed = mixing.apply(to_probabilities(task, logits / 2))
        columns = zip(codes.T, mixed.T, strict=True) if task.multilabel else [(codes, mixed)]
        expected = [
            reference.log_loss(true, p, labels=range(2 if task.multilabel else p.shape[1])) for true, p in columns
        ]
        assert found["log_loss"] == pytest.approx(np.mean(expected))
