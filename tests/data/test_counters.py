"""Columns that are counters instead of measurements."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.data.counters import ColumnCourse, counting_channels
from limelight.data.panel import Panel

SERIES = np.repeat(np.arange(6), 10)
RANDOM = np.random.default_rng(0)


def course(values: np.ndarray, series: np.ndarray = SERIES, chunk: int = 60) -> ColumnCourse:
    found = ColumnCourse()
    for start in range(0, len(values), chunk):
        found.add(values[start : start + chunk], series[start : start + chunk])
    return found


@pytest.mark.parametrize("first", [0, 1, 500])
@pytest.mark.parametrize("order", [np.arange(60), RANDOM.permutation(60)], ids=["in order", "sorted anew"])
def test_row_numbers_are_counters(first: int, order: np.ndarray) -> None:
    assert course(first + order.astype(float), SERIES[order]).counts_rows


@pytest.mark.parametrize("chunk", [7, 60])
def test_row_numbers_of_filtered_rows_are_counters(chunk: int) -> None:
    kept = np.sort(RANDOM.permutation(600)[:120])
    series = np.repeat(np.arange(6), 20)
    assert course(kept.astype(float), series, chunk).counts_rows
    assert course(RANDOM.permutation(kept).astype(float), series, chunk).counts_rows


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.normal(size=60),
        RANDOM.integers(0, 4096, 60),
        np.where(np.arange(60) == 5, np.nan, np.arange(60)),
        np.arange(60) - 1.0,
        np.tile(np.arange(10), 6),
    ],
    ids=["measured", "whole numbers", "one missing", "negative", "steps of each series"],
)
def test_measurements_are_not_counters(values: np.ndarray) -> None:
    assert not course(values.astype(float)).counts_rows


def test_few_rows_do_not_show_a_counter() -> None:
    assert not course(np.arange(10.0), SERIES[:10]).counts_rows


@given(st.booleans(), st.integers(1, 60))
def test_chunks_and_interleaved_rows_change_nothing(interleaved: bool, chunk: int) -> None:
    rows = np.arange(60).reshape(6, 10).T.ravel() if interleaved else np.arange(60)
    values = np.stack([np.arange(60.0), np.tile(np.arange(10.0), 6), np.repeat(np.arange(6.0), 10)])[:, rows]
    found = [course(column, SERIES[rows], chunk) for column in values]
    assert [one.counts_rows for one in found] == [True, False, False]
    assert [one.rises for one in found] == [True, True, False]
    assert [one.is_constant for one in found] == [False, False, True]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.tile(np.arange(10), 6), "steps"),
        (np.tile(np.arange(10) * 0.25 + 3, 6), "steps"),
        (np.arange(60), "rows"),
        (np.cumsum(RANDOM.exponential(size=60)), "on"),
        (RANDOM.normal(size=60), None),
        (np.concatenate([np.cumsum(RANDOM.exponential(size=10)) for _ in range(6)]), None),
    ],
    ids=["step numbers", "even clock", "row numbers", "counter never reset", "measured", "counter of each series"],
)
def test_channels_that_are_counters_are_found(values: np.ndarray, found: str | None) -> None:
    panel = Panel.from_series(np.split(np.stack([RANDOM.normal(size=60), values], axis=1), 6), channels=["x", "n"])
    assert counting_channels(panel).get("n") == found
    assert "x" not in counting_channels(panel)
