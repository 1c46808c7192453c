import re

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.data.synthetic.planted import PLANTED_TASKS, generate_planted
from limelight.errors import ParameterError
from limelight.estimator import TimeSeriesClassifier

DECIDED_IN_EVERY_SERIES = {
    "exclusive_or",
    "order",
    "frequency",
    "amplitude",
    "channel",
    "metadata",
    "class_places",
    "unequal_lengths",
    "distractor",
}


@pytest.fixture(scope="module", params=PLANTED_TASKS)
def planted(request):
    return generate_planted(request.param, size=60, points=48)


def without_noise(name):
    return generate_planted(name, size=60, points=48, noise=0.0)


def without_truth(name, seed):
    """Generate series whose decisive values are noise; a class without has noise where another series has them."""
    planted = generate_planted(name, size=240, points=48, seed=seed)
    random = np.random.default_rng(seed)
    decided = [flags for flags in planted.truth if flags.any()]
    series = []
    for row, flags in enumerate(planted.truth):
        values = planted.panel.series(row).copy()
        hidden = flags if flags.any() else decided[random.integers(len(decided))]
        values[hidden] = random.normal(scale=0.3, size=int(hidden.sum()))
        series.append(values)
    return Panel.from_series(series, labels=planted.panel.labels, metadata=planted.panel.metadata)


def test_classes_are_balanced(planted):
    counts = np.unique(planted.panel.labels, return_counts=True)[1]
    assert np.ptp(counts) <= 1


def test_truth_has_the_shape_of_the_series(planted):
    shapes = [planted.panel.series(row).shape for row in range(len(planted.panel))]
    assert [flags.shape for flags in planted.truth] == shapes


def test_truth_is_part_of_each_series(planted):
    assert all(flags.mean() <= 0.5 for flags in planted.truth)


def test_every_task_but_the_control_has_a_truth(planted):
    decided = np.array([flags.any() for flags in planted.truth])
    assert {len(np.unique(decided[planted.panel.labels == name])) for name in np.unique(planted.panel.labels)} == {1}
    assert decided.all() == (planted.name in DECIDED_IN_EVERY_SERIES)
    assert decided.any() == (planted.name != "nothing")


# Scattered missing values are themselves what decides the other class of missing_stretch.
@pytest.mark.parametrize("name", sorted(PLANTED_TASKS.keys() - {"nothing", "missing_stretch"}))
def test_values_outside_the_truth_are_uninformative(name):
    train, test = without_truth(name, 1), without_truth(name, 2)
    model = TimeSeriesClassifier({"name": "rocket", "features": 840}, random_state=0, progress=False).fit(train)
    assert model.score(test, test.labels) < 1 / len(np.unique(test.labels)) + 0.12


def test_the_same_seed_generates_the_same_series(planted):
    again = generate_planted(planted.name, size=60, points=48)
    assert np.array_equal(again.panel.values, planted.panel.values, equal_nan=True)
    assert again.panel.labels.tolist() == planted.panel.labels.tolist()
    other = generate_planted(planted.name, size=60, points=48, seed=1)
    assert not np.array_equal(other.panel.values, planted.panel.values, equal_nan=True)


def test_a_held_wave_keeps_its_value():
    planted = without_noise("held_wave")
    held = [row for row, flags in enumerate(planted.truth) if flags.any()]
    assert {len(np.unique(planted.panel.series(row)[planted.truth[row]])) for row in held} == {1}


@pytest.mark.parametrize("name", ["unequal_lengths", "distractor", "channel"])
def test_the_sign_of_the_decisive_values_is_the_label(name):
    planted = without_noise(name)
    sums = [planted.panel.series(row)[flags].sum() for row, flags in enumerate(planted.truth)]
    assert planted.panel.labels.tolist() == ["up" if one > 0 else "down" for one in sums]


def test_the_values_that_metadata_select_are_the_label():
    planted = without_noise("metadata")
    late = [mode == "late" for mode in planted.panel.metadata["mode"].to_pylist()]
    assert [bool(flags.nonzero()[0].min() > 24) for flags in planted.truth] == late
    sums = [planted.panel.series(row)[flags].sum() for row, flags in enumerate(planted.truth)]
    assert planted.panel.labels.tolist() == ["up" if one > 0 else "down" for one in sums]


def test_missing_values_are_as_many_in_both_classes():
    planted = without_noise("missing_stretch")
    assert {int(np.isnan(planted.panel.series(row)).sum()) for row in range(60)} == {6}
    for row, flags in enumerate(planted.truth):
        assert not flags.any() or np.array_equal(np.isnan(planted.panel.series(row)), flags)


def test_some_series_are_selected_with_their_truth():
    planted = generate_planted("peak", size=8)[np.array([3, 1])]
    assert planted.panel.ids.tolist() == ["peak_3", "peak_1"]
    assert [len(flags) for flags in planted.truth] == [80, 80]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("peek", {}, "expected a planted task, got 'peek'; did you mean 'peak'?"),
        ("peak", {"size": 3}, "expected size of at least 4, got size=3; increase size"),
        ("peak", {"points": 8}, "expected points of at least 16, got points=8; increase points"),
        ("peak", {"noise": -1.0}, "expected noise of at least 0, got noise=-1.0; increase noise"),
    ],
)
def test_impossible_tasks_are_rejected(name, changes, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        generate_planted(name, **changes)
