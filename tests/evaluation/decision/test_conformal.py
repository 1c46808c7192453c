"""Prediction sets: computed by hand, and their coverage over many draws."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError
from limelight.evaluation.decision.conformal import ConformalSets, coverage, fit_conformal
from limelight.task import Task

TWO = Task(("a", "b"))
THREE = Task(("a", "b", "c"))
LABELS = Task(("rain", "fog"), multilabel=True)
STEPS = Task(("a", "b"), level="step")
TASKS = [TWO, THREE, LABELS]


def overconfident_predictions(task, n, random):
    """Draw predictions of an overconfident model, and the true codes."""
    width = len(task.classes)
    logits = random.normal(size=(n, width)) * 2
    if task.multilabel:
        chances, true = (1 / (1 + np.exp(-scale * logits)) for scale in (2, 1))
        return chances, (random.random(logits.shape) < true).astype(int)
    chances, true = (np.exp(scale * logits) for scale in (2, 1))
    chances, true = (one / one.sum(axis=1, keepdims=True) for one in (chances, true))
    codes = (random.random((n, 1)) > true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return chances, codes


def two(chances):
    chances = np.asarray(chances, dtype=float)
    return np.stack([1 - chances, chances], axis=1)


def test_the_limit_is_the_right_one_in_rank_by_hand():
    # nine examples, of which the true class has 0.1 to 0.9: rank ceil(10 * 0.8) = 8 of the strangeness
    fitted = fit_conformal(TWO, two(np.arange(1, 10) / 10), [1] * 9, 0.8)
    assert fitted.limits == pytest.approx(np.array([[0.8, 0.8]]))
    assert fitted.sets(TWO, two([0.1, 0.5, 0.85])).tolist() == [[True, False], [True, True], [False, True]]


@given(seed=st.integers(0, 1000), n=st.integers(1, 60), target=st.sampled_from([0.5, 0.55, 0.7, 0.8, 0.9, 0.95]))
@settings(deadline=None, max_examples=50)
def test_the_limit_is_the_score_of_that_rank(seed, n, target):
    chances, codes = overconfident_predictions(THREE, n, np.random.default_rng(seed))
    limit = fit_conformal(THREE, chances, codes, target).limits[0, 0]
    rank = math.ceil(round((n + 1) * target, 9))
    scores = np.sort(1 - chances[np.arange(n), codes])
    assert limit == (scores[rank - 1] if rank <= n else math.inf)


def test_decimal_targets_are_exact():
    # 0.55 * 100 is 55.00000000000001 in floating point, whose ceiling would be 56
    scores = np.arange(1, 100) / 100
    fitted = fit_conformal(TWO, two(1 - scores), [1] * 99, 0.55)
    assert fitted.limits[0, 0] == pytest.approx(0.55)


@pytest.mark.parametrize("target", [0.8, 0.9])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_coverage_holds_over_many_draws_and_is_tight(task, target):
    random, n = np.random.default_rng(0), 49
    found = []
    for _ in range(300):
        fitted = fit_conformal(task, *overconfident_predictions(task, n, random), target)
        chances, codes = overconfident_predictions(task, 200, random)
        found.append(coverage(task, fitted.sets(task, chances), codes)["coverage"])
    expected = math.ceil(round((n + 1) * target, 9)) / (n + 1)  # exact where no two are equally strange
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 4 * error


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_coverage_of_the_adaptive_score_holds_over_draws(task):
    random = np.random.default_rng(0)
    found = []
    for _ in range(300):
        fitted = fit_conformal(task, *overconfident_predictions(task, 49, random), 0.8, score="aps")
        chances, codes = overconfident_predictions(task, 200, random)
        found.append(coverage(task, fitted.sets(task, chances), codes)["coverage"])
    assert np.mean(found) > 0.8 - 4 * np.std(found) / np.sqrt(len(found))


@pytest.mark.parametrize("score", ["lac", "aps"])
def test_coverage_by_class_holds_for_each_class(score):
    random = np.random.default_rng(0)
    found = {name: [] for name in THREE.classes}
    for _ in range(300):
        chances, codes = overconfident_predictions(THREE, 120, random)
        chances = chances * [1.0, 0.5, 0.2]  # the model believes too little in c
        chances /= chances.sum(axis=1, keepdims=True)
        fitted = fit_conformal(THREE, chances[:60], codes[:60], 0.8, score=score, by_class=True)
        scores = coverage(THREE, fitted.sets(THREE, chances[60:]), codes[60:])
        for name, one in scores["per_class"].items():
            found[name].append(one["coverage"])
    for shares in found.values():
        assert np.mean(shares) > 0.8 - 4 * np.std(shares) / np.sqrt(len(shares))


def of_unequal_series(n, random):
    """Steps of series, of which the shorter are the harder; two classes."""
    hard = random.random(n) < 0.3
    lengths = np.where(hard, 2, 40)
    groups = np.repeat(np.arange(n), lengths)
    right = random.random(len(groups)) < np.where(hard, 0.5, 0.98)[groups]
    sure = random.uniform(0.5, 1, len(groups))
    codes = random.integers(0, 2, len(groups))
    return two(np.where(right == (codes == 1), sure, 1 - sure)), codes, groups


def test_coverage_per_step_holds_for_new_series():
    random = np.random.default_rng(0)
    by_series, by_step = [], []
    for _ in range(200):
        chances, codes, groups = of_unequal_series(30, random)
        new_chances, new_codes, new_groups = of_unequal_series(50, random)
        for found, calibration in ((by_series, groups), (by_step, np.arange(len(groups)))):
            fitted = fit_conformal(STEPS, chances, codes, 0.8, groups=calibration)
            found.append(coverage(STEPS, fitted.sets(STEPS, new_chances), new_codes, new_groups)["coverage"])
    assert np.mean(by_series) > 0.8 - 4 * np.std(by_series) / np.sqrt(len(by_series))
    assert np.mean(by_step) < 0.8 - 4 * np.std(by_step) / np.sqrt(len(by_step))


@given(seed=st.integers(0, 1000), n=st.integers(1, 60), score=st.sampled_from(["lac", "aps"]))
@settings(deadline=None, max_examples=50)
def test_groups_of_one_series_change_no_set(seed, n, score):
    random = np.random.default_rng(seed)
    chances, codes = overconfident_predictions(THREE, n, random)
    alone = fit_conformal(THREE, chances, codes, 0.8, score=score)
    grouped = fit_conformal(THREE, chances, codes, 0.8, score=score, groups=random.permutation(n))
    np.testing.assert_array_equal(alone.limits, grouped.limits)


@given(seed=st.integers(0, 1000), times=st.integers(2, 5))
@settings(deadline=None, max_examples=50)
def test_a_series_of_equal_steps_counts_as_one(seed, times):
    chances, codes = overconfident_predictions(THREE, 30, np.random.default_rng(seed))
    groups = np.repeat(np.arange(30), times)
    again = fit_conformal(THREE, chances.repeat(times, axis=0), codes.repeat(times), 0.8, groups=groups)
    np.testing.assert_allclose(again.limits, fit_conformal(THREE, chances, codes, 0.8).limits)


def test_groups_may_be_named():
    chances, codes = overconfident_predictions(TWO, 20, np.random.default_rng(0))
    numbered = fit_conformal(TWO, chances, codes, 0.5, groups=np.arange(20) // 4)
    named = fit_conformal(TWO, chances, codes, 0.5, groups=[f"r{place // 4}" for place in range(20)])
    np.testing.assert_array_equal(numbered.limits, named.limits)


def test_the_adaptive_score_sums_the_more_probable_classes():
    fitted = ConformalSets(0.9, "aps", np.array([[0.5, 0.5, 0.5]]))
    chances = [[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]]
    # before each class stand 0.8 0 0.5; 0.9 0 0.6; 0.4 0.7 0 (of equally probable ones the first comes first)
    assert fitted.sets(THREE, chances).tolist() == [[False, True, True], [False, True, False], [True, False, True]]


@given(seed=st.integers(0, 1000), n=st.integers(1, 40))
@settings(deadline=None, max_examples=50)
def test_adaptive_sets_are_never_empty(seed, n):
    random = np.random.default_rng(seed)
    fitted = fit_conformal(THREE, *overconfident_predictions(THREE, n, random), 0.5, score="aps")
    assert fitted.sets(THREE, overconfident_predictions(THREE, 50, random)[0]).any(axis=1).all()


@given(seed=st.integers(0, 1000), score=st.sampled_from(["lac", "aps"]))
@settings(deadline=None, max_examples=50)
def test_a_higher_target_only_adds_classes(seed, score):
    random = np.random.default_rng(seed)
    calibration, (chances, _) = (
        overconfident_predictions(THREE, 50, random),
        overconfident_predictions(THREE, 50, random),
    )
    low, high = (fit_conformal(THREE, *calibration, target, score=score).sets(THREE, chances) for target in (0.6, 0.9))
    assert (low <= high).all()


def test_each_label_has_a_set_of_absent_and_present():
    chances = np.stack([np.arange(1, 10) / 10, np.full(9, 0.5)], axis=1)
    fitted = fit_conformal(LABELS, chances, np.ones((9, 2), dtype=int), 0.8)
    assert fitted.limits == pytest.approx(np.array([[0.8, 0.8], [0.5, 0.5]]))
    assert fitted.sets(LABELS, [[0.1, 0.5], [0.9, 0.6]]).tolist() == [
        [[True, False], [True, True]],
        [[False, True], [False, True]],
    ]


def test_unknown_labels_are_excluded():
    for task in TASKS:
        chances, codes = overconfident_predictions(task, 40, np.random.default_rng(0))
        codes[20:] = -1
        part = fit_conformal(task, chances[:20], codes[:20], 0.8)
        np.testing.assert_array_equal(fit_conformal(task, chances, codes, 0.8).limits, part.limits)
        sets = part.sets(task, chances)
        assert coverage(task, sets, codes) == coverage(task, sets[:20], codes[:20])


def test_too_few_examples_yield_full_sets_with_a_note():
    fitted = fit_conformal(TWO, two(np.full(8, 0.9)), [1] * 8, 0.9)
    assert fitted.sets(TWO, two([0.99])).tolist() == [[True, True]]
    assert fitted.notes == (
        "the prediction sets always contain every class: 8 known examples, at least 9 are needed for a coverage of 0.9",
    )
    assert fit_conformal(TWO, two(np.full(9, 0.9)), [1] * 9, 0.9).notes == ()


def test_too_few_examples_of_a_class_always_include_it():
    by_class = fit_conformal(TWO, two(np.full(10, 0.9)), [1] * 9 + [0], 0.9, by_class=True)
    assert by_class.sets(TWO, two([0.99, 0.5])).tolist() == [[True, True], [True, False]]
    assert by_class.notes == (
        "the prediction sets always contain 'a': 1 known example of 'a', at least 9 are needed for a coverage of 0.9",
    )
    codes = np.array([[1, -1]] * 9 + [[0, -1]])
    labels = fit_conformal(LABELS, np.full((10, 2), 0.9), codes, 0.9, by_class=True)
    assert labels.notes == (
        "the prediction sets of 'rain' always contain 'absent': 1 known example of 'absent', at least 9 are needed for "
        "a coverage of 0.9",
        "the prediction sets of 'fog' always contain 'absent': 0 known examples of 'absent', at least 9 are needed for "
        "a coverage of 0.9",
        "the prediction sets of 'fog' always contain 'there': 0 known examples of 'there', at least 9 are needed for a "
        "coverage of 0.9",
    )


def test_steps_do_not_compensate_for_too_few_series():
    fitted = fit_conformal(STEPS, two(np.full(800, 0.9)), [1] * 800, 0.9, groups=np.arange(800) // 100)
    assert np.isinf(fitted.limits).all()
    assert fitted.notes == (
        "the prediction sets always contain every class: 8 known groups, at least 9 are needed for a coverage of 0.9",
    )


def test_coverage_and_sizes_by_hand():
    sets = np.array([[True, False, False], [True, True, False], [False, False, False], [True, True, True]])
    assert coverage(THREE, sets, [0, 2, 1, 2]) == {
        "n": 4,
        "coverage": 0.5,
        "mean_size": 1.5,
        "empty": 0.25,
        "single": 0.25,
        "per_class": {
            "a": {"n": 1, "coverage": 1.0, "mean_size": 1.0},
            "b": {"n": 1, "coverage": 0.0, "mean_size": 0.0},
            "c": {"n": 2, "coverage": 0.5, "mean_size": 2.5},
        },
    }


def test_multilabel_coverage_is_the_mean_over_known_labels():
    sets = np.array([[[True, False], [True, True]], [[True, False], [True, True]]])
    found = coverage(LABELS, sets, [[0, -1], [1, -1]])
    assert (found["n"], found["coverage"], found["mean_size"]) == (2, 0.5, 1.0)
    assert found["per_class"]["rain"] == {
        "n": 2,
        "coverage": 0.5,
        "mean_size": 1.0,
        "empty": 0.0,
        "single": 1.0,
        "absent": {"n": 1, "coverage": 1.0, "mean_size": 1.0},
        "there": {"n": 1, "coverage": 0.0, "mean_size": 1.0},
    }
    assert found["per_class"]["fog"]["coverage"] is None
    assert coverage(LABELS, sets, [[-1, -1], [-1, -1]])["coverage"] is None


def test_each_series_has_equal_weight_in_coverage_of_steps():
    sets = np.array([[True, False]] * 4)
    found = coverage(STEPS, sets, [0, 1, 1, 1], groups=[0, 1, 1, 1])
    assert (found["coverage"], found["n"]) == (pytest.approx(0.5), 4)
    assert coverage(STEPS, sets, [0, 1, 1, 1])["coverage"] == 0.25


@pytest.mark.parametrize(
    ("task", "arguments", "kind", "message"),
    [
        (
            STEPS,
            {},
            ParameterError,
            "expected groups for a per-step task, got none; pass the index of the series of each step, as the steps of "
            "a series are not exchangeable",
        ),
        (TWO, {"target": 90}, ParameterError, "expected a target above 0 and below 1, got 90; use for example 0.9"),
        (TWO, {"target": 1.0}, ParameterError, "expected a target above 0 and below 1, got 1.0; use for example 0.9"),
        (TWO, {"score": "apps"}, ParameterError, "expected score lac or aps, got 'apps'; did you mean 'aps'?"),
        (
            TWO,
            {"groups": [0, 1]},
            LabelError,
            "expected a group for each of 1 predictions, got an array of shape (2,); pass one each",
        ),
    ],
)
def test_impossible_coverages_are_refused(task, arguments, kind, message):
    with pytest.raises(kind) as error:
        fit_conformal(task, [[0.5, 0.5]], [0], **arguments)
    assert str(error.value) == message


def test_sets_of_another_task_are_refused():
    fitted = ConformalSets(0.9, "lac", np.array([[0.5, 0.5]]))
    with pytest.raises(DataError) as error:
        fitted.sets(THREE, [[0.2, 0.3, 0.5]])
    assert str(error.value) == (
        "expected limits of shape (1, 3) for this task, got (1, 2); calibrate the sets with the task of the predictions"
    )
    with pytest.raises(DataError) as error:
        coverage(LABELS, np.ones((4, 2), dtype=bool), [0, 1, 1, 0])
    assert str(error.value) == "expected sets of shape (N, 2, 2), got (4, 2); pass the result of ConformalSets.sets"


def test_prediction_sets_survive_json():
    chances, codes = overconfident_predictions(THREE, 12, np.random.default_rng(0))
    fitted = fit_conformal(THREE, chances, codes, 0.9, score="aps", by_class=True)
    assert np.isinf(fitted.limits).any()
    again = ConformalSets.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again.to_json() == fitted.to_json()
    np.testing.assert_array_equal(again.limits, fitted.limits)


@pytest.mark.parametrize("changes", [{"target": 2}, {"limits": [0.5]}, {"limits": [[float("nan")]]}, {"score": "raps"}])
def test_foreign_json_is_refused(changes):
    content = {**ConformalSets(0.9, "lac", np.array([[0.5, 0.5]])).to_json(), **changes}
    with pytest.raises(ModelFolderError) as error:
        ConformalSets.from_json(content)
    assert str(error.value) == (
        f"expected prediction sets, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
    )


def test_description_states_the_coverage():
    fitted = ConformalSets(0.9, "lac", np.array([[0.5, 0.5]]), by_class=True, notes=("a note",))
    assert fitted.describe() == [
        "prediction sets at 90 % coverage of each true class (score lac)",
        "a note",
    ]
