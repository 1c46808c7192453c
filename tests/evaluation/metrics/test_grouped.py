"""Scores for each value of a metadata field."""

import numpy as np
import pytest

from limelight.errors import DataError
from limelight.evaluation.metrics.grouped import score_groups
from limelight.evaluation.metrics.scoring import score
from limelight.task import Task
from support.predictions import random_predictions, through_json

TASK = Task(("a", "b"))
LABELS = Task(("rain", "fog"), multilabel=True)


def groups_of(values, **more):
    truth, chances = random_predictions(TASK, len(values))
    return through_json(score_groups(TASK, truth, chances, values, **more))["groups"]


def named(groups):
    return [(group["value"], group["kind"], group["n"]) for group in groups]


@pytest.mark.parametrize("task", [TASK, LABELS], ids=["binary", "multilabel"])
def test_each_value_has_the_scores_of_its_series(task):
    truth, chances = random_predictions(task, 200)
    machine = np.array(["m1", "m2"])[np.arange(200) % 2]
    for group in score_groups(task, truth, chances, machine)["groups"]:
        mine = machine == group["value"]
        alone = score(task, truth[mine], chances[mine])
        assert {name: group[name] for name in ("n", "accuracy", "balanced_accuracy", "f1")} == pytest.approx(
            {name: alone[name] for name in ("n", "accuracy", "balanced_accuracy", "f1")}
        )
        assert group["interval"][0] < group["balanced_accuracy"] < group["interval"][1]


def test_steps_have_the_metadata_value_of_their_series():
    truth, chances = random_predictions(TASK, 6)
    task = Task(("a", "b"), level="step")
    groups = score_groups(task, truth, chances, ["m1", "m2", "m1"], [1, 3, 2])["groups"]
    expected = score(TASK, truth[[0, 4, 5]], chances[[0, 4, 5]])["accuracy"]
    assert [(group["value"], group["n"]) for group in groups] == [("m1", 2), ("m2", 1)]
    assert groups[0]["accuracy"] == expected


def test_numbers_are_cut_into_quartiles():
    assert named(groups_of(np.arange(100) / 4)) == [
        ("below 6.25", "range", 25),
        ("6.25 to below 12.5", "range", 25),
        ("12.5 to below 18.75", "range", 25),
        ("from 18.75", "range", 25),
    ]


def test_dates_are_cut_into_quartiles():
    days = np.datetime64("2024-01-01") + np.arange(40)
    assert [group["value"] for group in groups_of(days)][:2] == [
        "below 2024-01-11", "2024-01-11 to below 2024-01-21"
    ]  # fmt: skip


def test_few_different_numbers_are_values():
    assert named(groups_of([3, 1, 1, np.nan])) == [("1", "value", 2), ("3", "value", 1), ("missing", "missing", 1)]


def test_equal_numbers_stay_together():
    assert named(groups_of([0.0] * 90 + list(range(1, 21)))) == [("below 1", "range", 90), ("from 1", "range", 20)]


def test_rare_values_are_merged_into_one_row():
    words = [f"w{place:02}" for place in range(14) for _ in range(20 - place)]
    groups = named(groups_of(words))
    assert len(groups) == 13
    assert groups[0] == ("w00", "value", 20)
    assert groups[-1] == ("other", "other", 8 + 7)


@pytest.mark.parametrize(
    "values", [["m1", None, ""], ["m1", "", ""], [True, None, None], [1, None, None],
               np.array(["2024-01-01", "NaT", "NaT"], dtype="datetime64[D]")]
)  # fmt: skip
def test_series_with_missing_metadata_have_their_own_row(values):
    assert named(groups_of(values))[-1] == ("missing", "missing", 2)


def test_booleans_are_named_true_and_false():
    assert named(groups_of([True, False, None]))[0] == ("False", "value", 1)


def test_a_group_without_known_labels_has_no_scores():
    groups = score_groups(TASK, [0, -1], [[0.9, 0.1]] * 2, ["m1", "m2"])["groups"]
    assert groups[1] == {
        "value": "m2", "kind": "value", "n": 0,
        "accuracy": None, "balanced_accuracy": None, "f1": None, "interval": None,
    }  # fmt: skip


def test_the_failing_group_is_found_with_its_chance():
    truth, _ = random_predictions(TASK, 200)
    machine = np.arange(200) % 5
    right = (machine != 3) | (np.arange(200) % 2 == 0)
    chances = np.where((truth == 0) == right, 0.9, 0.1)[:, None] * [1, -1] + [0, 1]
    found = score_groups(TASK, truth, chances, machine.astype(str))
    assert found["groups"][found["worst"]]["value"] == "3"
    assert found["chance"] == 1 / 201


def test_the_worst_of_many_like_groups_may_be_by_chance():
    chances = []
    for seed in range(30):
        truth, predictions = random_predictions(TASK, 240, seed)
        machine = np.random.default_rng(1000 + seed).integers(0, 8, 240).astype(str)
        chances.append(score_groups(TASK, truth, predictions, machine)["chance"])
    assert np.mean(np.array(chances) < 0.05) <= 0.15
    assert 0.35 < np.mean(chances) < 0.65


def test_groups_of_fewer_than_ten_series_are_not_called_worst():
    found = score_groups(
        TASK, [0] * 29, [[0.9, 0.1]] * 10 + [[0.8, 0.2]] * 10 + [[0.1, 0.9]] * 9, list("x" * 10 + "y" * 10 + "z" * 9)
    )
    assert found["groups"][2]["accuracy"] == 0.0
    assert found["groups"][found["worst"]]["value"] == "x"
    assert score_groups(TASK, [0], [[0.9, 0.1]], ["x"])["worst"] is None


def test_another_number_of_values_is_refused():
    with pytest.raises(DataError) as error:
        score_groups(TASK, [0, 1], [[0.5, 0.5]] * 2, ["m1"])
    assert str(error.value) == (
        "expected one value of the field for each of the 2 series, got an array of shape (1,); pass them in the order "
        "of the series"
    )
