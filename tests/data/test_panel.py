import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, train_test_split

from limelight.data.panel import Panel
from limelight.errors import DataError, LabelError
from support.panels import values_of

SERIES = [np.arange(6.0).reshape(3, 2), np.arange(10.0).reshape(5, 2) + 100, np.arange(2.0).reshape(1, 2) - 7]
PANEL = Panel.from_series(
    SERIES, ids=["a", "b", "c"], channels=["x", "y"], labels=["u", "v", "u"], intervals=[[0, 2], [-1, -1], [0, 1]]
)


def test_series_are_unchanged() -> None:
    assert values_of(PANEL) == [one.tolist() for one in SERIES]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.integers(0, 2), min_size=1, max_size=6), twice=st.booleans())
def test_rows_keep_ids_labels_and_intervals(rows: list[int], twice: bool) -> None:
    taken = PANEL[np.array(rows)]
    if twice:
        taken, rows = taken[::-1], rows[::-1]
    assert values_of(taken) == [SERIES[row].tolist() for row in rows]
    assert taken.ids.tolist() == [PANEL.ids[row] for row in rows]
    assert taken.labels.tolist() == [PANEL.labels[row] for row in rows]
    assert taken.intervals.tolist() == [PANEL.intervals[row].tolist() for row in rows]


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (1, ["b"]),
        (-1, ["c"]),
        (slice(1, None), ["b", "c"]),
        ([2, 0], ["c", "a"]),
        (np.array([True, False, True]), ["a", "c"]),
        ((np.array([1, 2]), ...), ["b", "c"]),
    ],
)
def test_rows_are_indexed_as_arrays(rows: object, ids: list[str]) -> None:
    assert PANEL[rows].ids.tolist() == ids  # type: ignore[index]


def test_selecting_rows_copies_no_values() -> None:
    assert np.shares_memory(PANEL[[2, 0]].values, PANEL.values)


def test_compact_contains_only_its_own_series() -> None:
    compact = PANEL[[2, 0]].compact()
    assert len(compact.values) == 4
    assert values_of(compact) == values_of(PANEL[[2, 0]])


def test_pickled_row_contains_only_its_own_series() -> None:
    large = Panel.from_series([np.zeros(100_000), np.ones(3)])
    pickled = pickle.dumps(large[[1]])
    assert len(pickled) < 10_000
    assert values_of(pickle.loads(pickled)) == [[[1.0], [1.0], [1.0]]]


def test_shape_is_series_longest_channels() -> None:
    assert (PANEL.shape, PANEL.ndim, len(PANEL)) == ((3, 5, 2), 3, 3)


def test_times_stay_with_their_series() -> None:
    panel = Panel(PANEL.values, PANEL.starts, PANEL.lengths, times=np.arange(9.0) * 10)
    assert panel[[2, 0]].clock(0).tolist() == [80.0]
    assert panel[[2, 0]].compact().clock(1).tolist() == [0.0, 10.0, 20.0]


def test_the_clock_counts_steps_without_times() -> None:
    assert PANEL.clock(1).tolist() == [0, 1, 2, 3, 4]


def test_iterating_yields_panels_of_one_series() -> None:
    assert [one.ids.tolist() for one in PANEL] == [["a"], ["b"], ["c"]]


def test_rows_are_found_by_id() -> None:
    assert PANEL.rows_of(["c", "a"]).tolist() == [2, 0]
    with pytest.raises(DataError) as error:
        PANEL.rows_of(["a", "z"])
    assert str(error.value) == "expected ids of series, got 'z'; known are 'a', 'b', 'c'"


def test_scikit_learn_splits_a_panel() -> None:
    train, test = train_test_split(PANEL, test_size=1, random_state=0)
    assert sorted([*train.ids, *test.ids]) == ["a", "b", "c"]
    rows, _ = next(iter(GroupKFold(2).split(PANEL, groups=[0, 0, 1])))
    assert len(PANEL[rows]) in (1, 2)


def test_repr_describes_the_panel() -> None:
    assert repr(PANEL) == "Panel(3 series, 1 to 5 steps, 2 channels, 2 classes)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": ["u"]}, "expected one label for each of the 3 series, got an array of shape (1,)"),
        ({"channels": ["x"]}, "expected values of shape (steps, 1 channels), got (9, 2)"),
        (
            {"ids": ["a"]},
            "expected one start, one length and one id for each series, got 3 starts, 3 lengths and 1 ids",
        ),
    ],
)
def test_inconsistent_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as error:
        Panel(PANEL.values, PANEL.starts, PANEL.lengths, **arguments)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_values_of_any_precision_are_kept_as_float32() -> None:
    assert Panel(PANEL.values.astype(np.float64), PANEL.starts, PANEL.lengths).values.dtype == np.float32


@pytest.mark.parametrize(("starts", "lengths"), [([0, 8], [3, 2]), ([-1, 3], [3, 2])])
def test_series_outside_the_values_are_refused(starts: list[int], lengths: list[int]) -> None:
    with pytest.raises(DataError) as error:
        Panel(PANEL.values, np.array(starts), np.array(lengths))
    assert str(error.value) == (
        "expected every series to lie within the 9 steps of values, got one that begins or ends outside"
    )


def test_clock_of_another_length_is_refused() -> None:
    with pytest.raises(DataError) as error:
        Panel(PANEL.values, PANEL.starts, PANEL.lengths, times=np.arange(3))
    assert str(error.value) == "expected a time for each of the 9 steps, got 3 times"


def test_missing_labels_are_refused_if_required() -> None:
    with pytest.raises(LabelError) as error:
        Panel.from_series(SERIES).require_labels()
    assert str(error.value) == "expected labelled series, got series without labels; give labels with them"
