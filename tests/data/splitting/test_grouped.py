from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from limelight.data.annotations import Origin
from limelight.data.panel import Panel
from limelight.data.splitting.splits import PARTS, Split, make_split
from limelight.errors import DataError, ParameterError
from support.errors import message_of

shares = st.sampled_from([(0.2, 0.0), (0.2, 0.1), (0.34, 0.33), (0.5, 0.0)])
names = st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=40)


def split_error(kind, n, **rule):
    return message_of(kind, make_split, n, **{"test": 0.25, "validation": 0.0, "seed": 0, **rule})


def _everything_once(split, n):
    assert sorted(np.concatenate([split.part(part) for part in PARTS]).tolist()) == list(range(n))


@given(names=names, shares=shares, seed=st.integers(0, 3), labelled=st.booleans(), draw=st.data())
@settings(deadline=None, max_examples=80)
def test_no_group_is_in_two_parts(names, shares, seed, labelled, draw):
    test, validation = shares
    groups = np.array(names)
    assume(len(set(names)) >= 2 + (validation > 0))
    labels = draw.draw(st.lists(st.sampled_from("xyz"), min_size=len(names), max_size=len(names))) if labelled else None
    rule = {"test": test, "validation": validation, "seed": seed, "labels": labels, "groups": groups}
    split = make_split(len(names), **rule)
    _everything_once(split, len(names))
    sides = [set(groups[split.part(part)]) for part in PARTS]
    assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
    assert all(len(rows) for rows in (split.train, split.test))
    assert (len(split.validation) > 0) == (validation > 0)
    assert [make_split(len(names), **rule).part(part).tolist() for part in PARTS] == [
        split.part(part).tolist() for part in PARTS
    ]


@given(
    begins=st.lists(st.integers(0, 30), min_size=4, max_size=30),
    lasts=st.integers(0, 9),
    shares=shares,
    grouped=st.booleans(),
    dates=st.booleans(),
)
@settings(deadline=None, max_examples=80)
def test_by_time_no_training_series_begins_after_test_series(begins, lasts, shares, grouped, dates):
    assume(len(set(begins)) > 1)
    test, validation = shares
    times = np.array([[begin, begin + lasts] for begin in begins])
    if dates:
        times = times.astype("datetime64[D]").astype("datetime64[ns]")
    groups = np.array([str(begin % 4) for begin in begins]) if grouped else None
    first = times[:, 0]
    if grouped:
        assume(len(set(groups)) >= 2 + (validation > 0))
        first = np.array([first[groups == group].min() for group in groups])
        assume(len(set(first.tolist())) > 1)
    split = make_split(len(begins), test=test, validation=validation, seed=0, times=times, by="time", groups=groups)
    _everything_once(split, len(begins))
    parts = [rows for rows in (split.train, split.validation, split.test) if len(rows)]
    for earlier, later in pairwise(parts):
        assert first[earlier].max() <= first[later].min()
    if not grouped:
        assert (len(split.test), len(split.validation)) == (
            max(1, round(test * len(begins))),
            round(validation * len(begins)),
        )


def test_classes_are_spread_over_groups_if_possible():
    groups = np.repeat([f"g{number}" for number in range(20)], 5)
    labels = np.repeat(["a", "b"], 50)
    split = make_split(100, test=0.2, validation=0.2, seed=0, labels=labels, groups=groups)
    for part in (split.validation, split.test):
        assert np.unique(labels[part], return_counts=True)[1].tolist() == [10, 10]


def test_the_rule_names_the_groups_of_each_part():
    groups = np.repeat(["a", "b", "c", "d"], 3)
    split = make_split(12, test=0.25, validation=0.0, seed=0, groups=groups, group_name="machine")
    assert split.describe() == (
        "split: 9 train, 0 validation, 3 test; at random, no machine in two parts (3 in train, 1 in test), seed 0"
    )


def test_a_class_that_no_division_of_groups_spreads_is_named():
    groups, labels = np.repeat(["a", "b"], 3), np.repeat(["x", "y"], 3)
    split = make_split(6, test=0.5, validation=0.0, seed=0, groups=groups, labels=labels)
    assert split.rule.endswith("seed 0; too few groups to put class 'x', 'y' into every part")


@pytest.mark.parametrize("seed", range(4))
def test_a_class_in_three_groups_is_in_every_part(seed):
    groups, labels = np.repeat(np.arange(100).astype(str), 10), np.repeat(["rare", "common"], [30, 970])
    split = make_split(1000, test=0.2, validation=0.1, seed=seed, groups=groups, labels=labels)
    assert all("rare" in labels[split.part(part)] for part in PARTS)


@pytest.mark.parametrize("seed", range(4))
def test_a_class_in_one_group_stays_in_train(seed):
    groups, labels = np.repeat(np.arange(20).astype(str), 5), np.repeat(["rare", "common"], [5, 95])
    split = make_split(100, test=0.5, validation=0.0, seed=seed, groups=groups, labels=labels)
    assert "rare" in labels[split.train]
    assert split.rule.endswith("; too few groups to put class 'rare' into every part")


def test_a_class_missing_by_chance_is_reported():
    groups = np.arange(90).astype(str)
    labels = np.repeat([f"class {number:02}" for number in range(30)], 3)
    split = make_split(90, test=0.1, validation=0.1, seed=0, groups=groups, labels=labels)
    assert "too few groups" not in split.rule
    assert "; no draw put class 'class 00'" in split.rule


def test_groups_of_one_are_noted():
    split = make_split(4, test=0.25, validation=0.0, seed=0, groups=np.array(list("abcd")), group_name="machine")
    assert split.rule == (
        "at random, no machine in two parts (3 in train, 1 in test), though every machine has only one series, seed 0"
    )


def test_a_group_with_one_member_may_be_a_part():
    split = make_split(5, test=0.2, validation=0.0, seed=0, groups=np.array(list("aaaab")))
    assert split.test.tolist() == [4]


def test_series_that_overlap_a_later_part_are_counted():
    times = np.array([[0, 10], [1, 2], [2, 3], [6, 12]])
    split = make_split(4, test=0.25, validation=0.0, seed=0, times=times, by="time")
    assert split.rule == "by time, test from 6 on; 1 earlier series still running when test begins"


@pytest.mark.parametrize(
    ("n", "test", "validation", "sizes"),
    [(2, 0.5, 0.1, (1, 0, 1)), (3, 0.67, 0.1, (1, 0, 2)), (5, 0.05, 0.2, (4, 1, 0)), (1, 0.2, 0.2, (1, 0, 0))],
)
def test_by_time_a_part_of_zero_is_empty(n, test, validation, sizes):
    times = np.arange(n)[:, None] + np.zeros(2)
    split = make_split(n, test=test, validation=validation, seed=0, times=times, by="time")
    assert tuple(len(split.part(part)) for part in PARTS) == sizes


def test_by_time_two_groups_suffice_without_validation():
    times, groups = np.arange(10).reshape(5, 2), np.array(list("aaabb"))
    split = make_split(5, test=0.4, validation=0.05, seed=0, times=times, by="time", groups=groups)
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1, 2], [3, 4])


def test_by_time_there_is_a_series_for_each_part():
    assert split_error(ParameterError, 2, test=0.4, validation=0.4, by="time", times=np.array([[0, 1], [2, 3]])) == (
        "expected at least 3 series to split by time into 3 parts, got 2; use smaller fractions or more series"
    )


@pytest.mark.parametrize("kind", ["float64", "datetime64[ns]"])
def test_a_clock_with_gaps_is_refused(kind):
    times = np.arange(8).reshape(4, 2).astype(kind)
    times[1, 1] = "NaT" if kind != "float64" else np.nan
    assert split_error(DataError, 4, by="time", times=times) == (
        "expected the time of the first and of the last step of every series to split by time, got none in rows 1; "
        "leave these series out, or split at random"
    )


def test_too_few_groups_are_refused():
    assert split_error(ParameterError, 3, groups=np.array(["a", "a", "a"]), group_name="machine") == (
        "expected at least 2 distinct values of 'machine' to split by, got 1: 'a'; use fewer parts, or split by "
        "another field"
    )


def test_by_time_needs_a_clock_that_differs():
    assert split_error(ParameterError, 3, by="time") == (
        "expected series with times to split by time, got series without; split at random"
    )
    assert split_error(ParameterError, 3, by="time", times=np.zeros((3, 2), dtype=np.int64)) == (
        "expected series that begin at different times to split by time, got 0 for all; split at random, or give times "
        "that count from a common beginning"
    )


def test_another_rule_is_refused():
    assert split_error(ParameterError, 3, by="tme") == (
        "expected a split by 'random' or 'time', got 'tme'; did you mean 'time'?"
    )


def test_a_group_in_two_parts_is_named():
    with pytest.raises(DataError) as error:
        Split([0], [], [1]).require_disjoint_groups(np.array(["a", "a"]), "recording")
    assert str(error.value) == (
        "expected every recording in one part of the split, got 'a' in train and in test; a model must not be "
        "tested on a recording that it was trained on"
    )


def test_a_panel_keeps_windows_of_a_recording_together():
    origin = Origin(np.repeat(["r1", "r2", "r3", "r4"], 2), np.tile([0, 5], 4))
    windows = Panel.from_series(np.zeros((8, 5)), origin=origin)
    train, test = windows.split(test=0.25)
    assert not set(train.origin.recordings) & set(test.origin.recordings)


def test_a_panel_is_split_by_a_metadata_field():
    import pyarrow as pa

    metadata = pa.table({"machine": ["a", "a", "b", "b"], "age": [1, None, 2, 3]})
    panel = Panel.from_series(np.zeros((4, 5)), metadata=metadata)
    train, test = panel.split(test=0.5, group="machine")
    assert len(set(test.metadata["machine"].to_pylist())) == 1
    assert train.metadata["machine"].to_pylist() != test.metadata["machine"].to_pylist()
    for field, message in (
        ("machin", "expected a metadata field 'machin' to group by, found none; did you mean 'machine'?"),
        (
            "age",
            "expected a group in 'age' for every series, got none for '1'; fill it in, or leave these series out",
        ),
    ):
        with pytest.raises(DataError) as error:
            panel.split(test=0.5, group=field)
        assert str(error.value) == message
