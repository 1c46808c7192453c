from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.data.splitting.folds import make_folds
from limelight.data.windowing.windows import cut_windows
from limelight.errors import ParameterError
from limelight.model.targets import task_of
from limelight.model_selection.folds import fold_panel


def _folds_or_none(*arguments, **named):
    """Return no folds if they are impossible; other tests check the error."""
    try:
        return make_folds(*arguments, **named)
    except ParameterError:
        return []


@given(
    begins=st.lists(st.integers(0, 50), min_size=12, max_size=40),
    folds=st.integers(2, 4),
    grouped=st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_by_time_folds_start_after_their_training_series(begins, folds, grouped):
    starts = np.array(begins)
    groups = np.char.add("day ", (starts // 5).astype(str)) if grouped else None
    made = _folds_or_none(
        np.zeros(len(starts)), folds=folds, groups=groups, times=np.stack([starts, starts + 3], axis=1)
    )
    for fold in made:
        first = starts if groups is None else np.array([starts[groups == group].min() for group in groups])
        assert first[fold.train].max() <= first[fold.held_out].min()
    for earlier, later in pairwise(made):
        assert sorted([*earlier.train, *earlier.held_out]) == later.train.tolist()


def test_folds_by_time_match_scikit_learn():
    begins = np.random.default_rng(0).permutation(23)
    order = np.argsort(begins)
    theirs = TimeSeriesSplit(4).split(order)
    ours = make_folds(np.zeros(23), folds=4, times=np.stack([begins, begins], axis=1))
    for fold, (train, held_out) in zip(ours, theirs, strict=True):
        assert fold.train.tolist() == sorted(order[train])
        assert fold.held_out.tolist() == sorted(order[held_out])


def _panel(n=12, **attributes):
    return Panel.from_series([np.zeros(4)] * n, **{"labels": list("ab") * (n // 2), **attributes})


def test_rule_states_folds_strata_groups_and_seed():
    panel = _panel(metadata=pa.table({"machine": [*"uuvvwwxxyyzz"]}))
    assert fold_panel(panel, task_of(panel), folds=3, repeats=2, group="machine", seed=1)[1] == (
        "3 folds of 12 series, 2 times, at random, stratified by label, no machine in two parts, seed 1"
    )


def test_rule_by_time_counts_overlapping_series():
    times = [np.arange(4) + 3 * row for row in range(12)]
    panel = _panel(times=times)
    assert fold_panel(panel, task_of(panel), folds=2, by="time")[1] == (
        "2 folds of 12 series, by time, each held out from a fit on all series that start earlier; "
        "2 training series still run when their held-out fold starts"
    )


def test_rule_names_a_class_missing_from_a_fold():
    panel = _panel(labels=[*"aaaaabbbbbb", "c"])
    assert fold_panel(panel, task_of(panel), folds=2)[1].endswith(
        ", seed 0; class 'c' is not on both sides of every fold"
    )


def test_windows_of_one_recording_stay_together():
    labels = StepLabels.of([*"aaaabbbb"] * 6)
    panel = cut_windows(Panel.from_series([np.zeros(8)] * 6, step_labels=labels), length=4)
    made, rule = fold_panel(panel, task_of(panel), folds=3)
    assert "no recording in two parts" in rule
    for fold in made:
        assert not set(panel.origin.recordings[fold.train]) & set(panel.origin.recordings[fold.held_out])


def test_per_step_classes_are_stratified_by_the_rarest():
    rare = np.arange(12) % 4 == 0
    words = np.concatenate([[*"aab", "c" if one else "b"] for one in rare])
    panel = Panel.from_series([np.zeros(4)] * 12, step_labels=StepLabels.of(words))
    for fold in fold_panel(panel, task_of(panel), folds=3)[0]:
        assert rare[fold.held_out].sum() == 1


def test_per_step_labels_are_stratified_by_the_rarest():
    rare = np.arange(12) % 4 == 0
    codes = np.zeros((48, 2), dtype=np.int16)
    codes[::2, 0] = 1
    codes[::4, 1] = rare
    panel = Panel.from_series([np.zeros(4)] * 12, step_labels=StepLabels(codes, ("label_x", "label_y"), ("0", "1")))
    for fold in fold_panel(panel, task_of(panel), folds=3)[0]:
        assert rare[fold.held_out].sum() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"folds": 7},
            "expected a class with at least 7 series for 7 folds, got at most 6 of a class; use fewer folds, or more "
            "series",
        ),
        (
            {"folds": 13, "stratify": False},
            "expected at least 13 series for 13 folds, got at most 12; use fewer folds, or more series",
        ),
        ({"by": "tme"}, "expected folds by 'random' or 'time', got 'tme'; did you mean 'time'?"),
        (
            {"by": "time"},
            "expected series with a clock for folds by time, got series without; fold at random",
        ),
        (
            {"group": "site"},
            "expected at least 5 distinct values of 'site' for 5 folds, got 2; use fewer folds, or group by another "
            "field",
        ),
    ],
)
def test_impossible_folds_are_refused(arguments, message):
    panel = _panel(metadata=pa.table({"site": ["n", "s"] * 6}))
    with pytest.raises(ParameterError) as error:
        fold_panel(panel, task_of(panel), **arguments)
    assert str(error.value) == message


def test_repeats_by_time_are_refused():
    times = np.arange(20).reshape(10, 2)
    with pytest.raises(ParameterError) as error:
        make_folds(np.zeros(10), folds=2, repeats=2, times=times)
    assert str(error.value) == "expected repeats=1 for folds by time, which are not random, got 2"


def test_one_training_class_is_refused():
    times = np.arange(20).reshape(10, 2)
    with pytest.raises(ParameterError) as error:
        make_folds([*"aaaabbbbbb"], folds=4, times=times)
    assert str(error.value) == (
        "expected training series of at least two classes in every fold, got one class in fold 1; use a different "
        "number of folds, or more series"
    )


def test_a_fold_with_one_training_class_is_rejected():
    panel = _panel(labels=[*"aaaaaabbbbbb"], times=[np.arange(4) + 3 * row for row in range(12)])
    with pytest.raises(ParameterError) as error:
        fold_panel(panel, task_of(panel), folds=3, by="time")
    assert str(error.value).startswith("expected training series of at least two classes in every fold, got one class")
