"""Prediction sets by class, by metadata field and by group: coverage on new groups, and their description."""

import json

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.evaluation.decision.conformal import fit_conformal
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.decision.prediction_sets import PredictionSets, fit_prediction_sets
from limelight.parts.architecture import Architecture
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.training.validation_split import HoldOut
from support.models import random_network_model

TWO = Task(("a", "b"))


def panel_of(n, **fields):
    return Panel.from_series(np.zeros((n, 3)), metadata=pa.table(fields) if fields else None)


def predictions(n, error, seed):
    """Return probabilities of 0.9 for one class, which is wrong in a share ``error`` of the examples."""
    random = np.random.default_rng(seed)
    codes, sure = random.integers(0, 2, n), random.uniform(0.6, 0.99, n)
    predicted = np.where(random.random(n) < error, 1 - codes, codes)
    return np.where(np.arange(2) == predicted[:, None], sure[:, None], 1 - sure[:, None]), codes


def of_machines(n, errors, seed):
    """Return predictions for machines with different shares of errors, and the machine of each example."""
    parts = [predictions(n, error, 10 * seed + place) for place, error in enumerate(errors)]
    names = [f"m{place}" for place in range(len(errors)) for _ in range(n)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([c for _, c in parts]), names


def covered(sets, task, chances, codes, panel):
    return sets.sets(task, chances, panel)[np.arange(len(codes)), codes]


def test_the_coverage_holds_for_each_value_of_a_field():
    rates = []
    for seed in range(20):
        chances, codes, names = of_machines(200, (0.02, 0.3), seed)
        new, truth, _ = of_machines(200, (0.02, 0.3), seed + 100)
        panel = panel_of(400, machine=names)
        fitted = fit_prediction_sets(TWO, chances, codes, panel, 0.9, by="machine")
        rates.append([part.mean() for part in np.split(covered(fitted, TWO, new, truth, panel), 2)])
    assert np.abs(np.mean(rates, axis=0) - 0.9).max() < 0.02


def test_an_unknown_value_gets_the_widest_limits():
    chances, codes, names = of_machines(200, (0.02, 0.3), 0)
    fitted = fit_prediction_sets(TWO, chances, codes, panel_of(400, machine=names), 0.9, by="machine")
    new, _ = predictions(50, 0.1, 3)
    widest = fitted.by_value["m1"].sets(TWO, new)
    np.testing.assert_array_equal(fitted.sets(TWO, new, panel_of(50, machine=["m9"] * 50)), widest)


def test_new_subjects_are_covered_when_subjects_were_held_out():
    rng, by_series, by_subject = np.random.default_rng(0), [], []
    for seed in range(30):
        errors = rng.choice([0.0, 0.0, 0.5], size=24)
        chances, codes, names = of_machines(20, errors, seed)
        panel = panel_of(480, subject=names)
        new, truth, new_names = of_machines(20, rng.choice([0.0, 0.0, 0.5], size=24), seed + 50)
        for group, rates in ((None, by_series), ("subject", by_subject)):
            fitted = fit_prediction_sets(TWO, chances, codes, panel, 0.8, group=group)
            rates.append(covered(fitted, TWO, new, truth, panel_of(480, subject=new_names)).mean())
    assert np.mean(by_subject) >= 0.8


def test_too_few_groups_use_the_limit_of_the_widest():
    chances, codes, names = of_machines(100, (0.02, 0.3), 1)
    panel = panel_of(200, subject=names)
    fitted = fit_prediction_sets(TWO, chances, codes, panel, 0.9, group="subject")
    for part in np.split(covered(fitted, TWO, chances, codes, panel), 2):
        assert part.mean() >= 0.9
    assert fitted.describe() == [
        "prediction sets at 90 % coverage (score lac), calibrated on 2 subjects",
        "the coverage of the prediction sets is not guaranteed: 2 known groups, at least 9 are needed for a coverage of "
        "0.9; every known group reaches it",
    ]


def test_sets_of_too_few_groups_contain_the_predicted_class():
    codes, names = np.zeros(40, dtype=int), ["m0"] * 20 + ["m1"] * 20
    sure = np.tile([0.999, 0.001], (40, 1))
    fitted = fit_prediction_sets(TWO, sure, codes, panel_of(40, subject=names), 0.9, group="subject")
    found = fitted.sets(TWO, [[0.9, 0.1], [0.2, 0.8]], panel_of(2, subject=["x", "y"]))
    assert found.tolist() == [[True, False], [False, True]]


def test_sets_for_new_groups_are_described():
    chances, codes, names = of_machines(20, (0.1,) * 10, 1)
    fitted = fit_prediction_sets(TWO, chances, codes, panel_of(200, subject=names), 0.9, group="subject")
    model = random_network_model(channels=1)
    known, new = panel_of(2, subject=["m0", "m1"]), panel_of(3, subject=["m0", "x", "y"])
    assert fitted.notes_about(model, known) == []
    assert fitted.notes_about(model, new) == [
        "2 prediction sets of 3 are for a subject that calibration did not have; the coverage holds on average over new "
        "ones, and was calibrated on 10 subjects"
    ]


def test_a_coverage_below_the_target_is_noted():
    chances, codes = predictions(200, 0.02, 0)
    fitted = fit_prediction_sets(TWO, chances, codes, panel_of(200), 0.9)
    found = fitted.score(random_network_model(channels=1), *predictions(400, 0.3, 1), panel_of(400))
    low, high = found["interval"]
    assert low < found["coverage"] < high < 0.9
    assert found["notes"] == [
        f"the coverage is below the target beyond chance ({100 * low:.1f} to {100 * high:.1f} %): these series are "
        "unlike the calibration series"
    ]
    same = fitted.score(random_network_model(channels=1), chances, codes, panel_of(200))
    assert same["notes"] == []


@pytest.mark.parametrize("by", [None, "class", "machine"])
def test_prediction_sets_are_kept_as_json(by):
    chances, codes, names = of_machines(30, (0.02, 0.3), 0)
    panel = panel_of(60, machine=names, subject=[str(place % 12) for place in range(60)])
    fitted = fit_prediction_sets(TWO, chances, codes, panel, 0.9, by=by, score="aps", group="subject")
    again = PredictionSets.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again.to_json() == fitted.to_json()
    np.testing.assert_array_equal(again.sets(TWO, chances, panel), fitted.sets(TWO, chances, panel))


def test_sets_of_earlier_versions_are_read():
    chances, codes = predictions(60, 0.1, 0)
    earlier = fit_conformal(TWO, chances, codes, 0.8)
    found = PredictionSets.from_json(earlier.to_json()).sets(TWO, chances, panel_of(60))
    np.testing.assert_array_equal(found, earlier.sets(TWO, chances))


def test_a_missing_field_is_named():
    chances, codes = predictions(20, 0.1, 0)
    with pytest.raises(DataError) as error:
        fit_prediction_sets(TWO, chances, codes, panel_of(20, machine=["m"] * 20), 0.9, by="machin")
    assert str(error.value) == (
        "expected the metadata field 'machin', by which prediction sets are calibrated, got 'machine'; did you mean "
        "'machine'?; add the field"
    )


def test_a_closed_form_head_calibrates_sets_on_every_group():
    random, n = np.random.default_rng(0), 60
    values = random.normal(size=(n, 30)) + np.where(np.arange(n) % 2, 1.5, 0.0)[:, None]
    subjects = pa.table({"subject": [f"s{row // 6}" for row in range(n)]})
    panel = Panel.from_series(values, labels=["a", "b"] * 30, metadata=subjects)
    rule = DecisionRule(coverage=0.8)
    rocket = Architecture.of({"name": "rocket", "features": 84}, fusion=[])
    recipe = Recipe(rocket, decision=rule, hold_out=HoldOut(group="subject"))
    model = recipe.fit(panel, TWO, seed=0).model
    fitted = PredictionSets.from_json(model.decision.provenance["sets"])
    assert fitted.units == tuple(sorted({f"s{row}" for row in range(10)}))
    assert model.decision.mixing is not None
    assert model.decision.mixing.weight == 1 / 12
