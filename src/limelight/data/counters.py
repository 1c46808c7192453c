"""Columns that count instead of measuring: row numbers, step numbers, counters that run on through all series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.precision import absolute
from limelight.types import Rows

ROWS_TO_JUDGE = 20
"""In a shorter table, a column may count its rows, or be constant within each series, by chance."""
SERIES_TO_JUDGE = 3
SPARSEST = 20
"""Distinct whole numbers in any order are row numbers if there are at most this many numbers to each row."""
SPARSEST_SORTED = 50
EVEN = 0.9
"""Share of the steps of an evenly spaced column that have the typical increment."""
LARGEST = 1 << 31
BITS = 1 << 16

Counting = Literal["rows", "steps", "on"]


@dataclass
class Seen:
    """The whole numbers that have occurred, one bit each, in blocks that are added if needed."""

    blocks: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, numbers: Rows) -> bool:
        """Add numbers from 0 to 2^31; return whether all of them are new and distinct."""
        ordered = np.sort(numbers)
        if np.any(ordered[1:] == ordered[:-1]):
            return False
        block_of = ordered // BITS
        blocks, begins = np.unique(block_of, return_index=True)
        for block, places in zip(blocks.tolist(), np.split(ordered % BITS, begins[1:]), strict=True):
            flags = np.zeros(BITS, dtype=np.uint8)
            flags[places] = 1
            bits = np.packbits(flags)
            known = self.blocks.setdefault(block, np.zeros_like(bits))
            if np.any(bits & known):
                return False
            known |= bits
        return True


@dataclass
class ColumnCourse:
    """The course of a column of numbers along the rows and within the series, accumulated over chunks.

    Example
    -------
    >>> course = ColumnCourse()
    >>> course.add(np.arange(30.0), np.repeat([0, 1, 2], 10))
    >>> course.counts_rows, course.counts_steps, course.runs_on
    (True, False, True)
    """

    rows: int = 0
    series: int = 0
    missing: int = 0
    whole: bool = True
    distinct: bool = True
    increasing: bool = True
    rises: bool = True
    constant: bool = True
    even_steps: int = 0
    steps: int = 0
    increment: float = np.nan
    low: float = np.inf
    high: float = -np.inf
    first: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    last: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _previous: float = -np.inf
    _seen: Seen = field(default_factory=Seen)

    def add(self, values: NDArray[Any], series: Rows) -> None:
        """Add the values of a chunk, NaN if missing, and the series of each row, each of shape (rows,)."""
        values = np.asarray(values, dtype=np.float64)
        if not len(values):
            return
        self.rows, self.series = self.rows + len(values), max(self.series, int(series.max()) + 1)
        self.missing += int(np.isnan(values).sum())
        self._follow_rows(values)
        if self.rises or self.constant:
            self._follow_series(values, series)

    def _follow_rows(self, values: NDArray[np.float64]) -> None:
        self.whole = self.whole and self.missing == 0 and bool(np.all(values == np.floor(values)))
        self.increasing = self.increasing and bool(self._previous < values[0]) and bool(np.all(np.diff(values) > 0))
        self._previous = float(values[-1])
        if not self.whole:
            self.distinct = False
            return
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.distinct = self.distinct and self.low >= 0 and self.high < LARGEST
        self.distinct = self.distinct and self._seen.add(values.astype(np.int64))

    def _follow_series(self, values: NDArray[np.float64], series: Rows) -> None:
        new = np.arange(self.series) >= len(self.first)
        self.first = np.append(self.first, np.full(new.sum(), np.nan))
        self.last = np.append(self.last, np.full(new.sum(), np.nan))
        order = np.argsort(series, kind="stable")
        ordered, owner = values[order], series[order]
        begins = np.append(True, owner[1:] != owner[:-1])
        before = np.append(np.nan, ordered[:-1])
        before[begins] = self.last[owner[begins]]
        fresh = begins & new[owner]
        self.first[owner[fresh]] = ordered[fresh]
        ends = np.append(begins[1:], True)
        self.last[owner[ends]] = ordered[ends]
        increments = (ordered - before)[~fresh]
        both_missing = (np.isnan(ordered) & np.isnan(before))[~fresh]
        self.constant = self.constant and bool(np.all((increments == 0) | both_missing))
        self.rises = self.rises and self.missing == 0 and bool(np.all(increments > 0))
        if self.rises and len(increments):
            if np.isnan(self.increment):
                self.increment = float(np.median(increments))
            self.steps += len(increments)
            self.even_steps += int((np.abs(increments - self.increment) <= 0.2 * self.increment).sum())

    @property
    def counts_rows(self) -> bool:
        """Whether the values are row numbers: those of the whole table, or of a filtered or sorted part of a table."""
        if self.rows < ROWS_TO_JUDGE or self.missing or not self.whole or not self.distinct:
            return False
        span = self.high - self.low + 1
        if self.increasing:
            even = self.even_steps == self.steps
            return span <= SPARSEST_SORTED * self.rows and (even or self.series > 1)
        return self.series > 1 and (span == self.rows or span <= min(SPARSEST * self.rows, self.rows**2 / 20))

    @property
    def rises_evenly(self) -> bool:
        """Whether the values rise within every series, mostly by about the same increment, as a clock does."""
        return self.rises and self.steps > 0 and self.even_steps >= EVEN * self.steps

    @property
    def counts_steps(self) -> bool:
        """Whether the values count the steps of each series from the same start, and do nothing else."""
        if not self.rises or self.steps < 2 or self.even_steps < self.steps:
            return False
        same_start = bool(np.all(np.abs(self.first - self.first[0]) <= 1e-3 * self.increment))
        spread = self.last - self.first
        exact = bool(np.all(np.abs(spread / self.increment - np.round(spread / self.increment)) <= 1e-3))
        return same_start and exact

    @property
    def runs_on(self) -> bool:
        """Whether the values rise within each series and no two series share a range, as of a counter never reset."""
        if not self.rises or self.steps < 2 or self.series < SERIES_TO_JUDGE:
            return False
        order = np.argsort(self.first)
        return bool(np.all(self.last[order][:-1] < self.first[order][1:]))

    @property
    def is_constant(self) -> bool:
        """Whether the values are constant within each series, differ between series that have two steps on average."""
        if not self.constant or self.series < 2 or self.rows < max(ROWS_TO_JUDGE, 2 * self.series):
            return False
        known = self.first[~np.isnan(self.first)]
        return bool(len(known) < len(self.first) or np.any(known != known[0]))


def counting_channels(panel: Panel) -> dict[str, Counting]:
    """Find the channels that only count.

    Parameters
    ----------
    panel
        The series.

    Returns
    -------
    dict[str, str]
        For each channel that counts: ``"rows"`` if its values are the row numbers of a table, ``"steps"`` if they
        count the steps of each series, ``"on"`` if they rise in each series and continue from one series to another.

    Example
    -------
    >>> panel = Panel.from_series([np.arange(30.0), np.arange(25.0)], channels=["step"])
    >>> counting_channels(panel)
    {'step': 'steps'}
    """
    found: dict[str, Counting] = {}
    courses = {name: ColumnCourse() for name in panel.channels}
    begin = 0
    for block in panel.blocks():
        series = begin + np.repeat(np.arange(len(block)), block.lengths)
        for index, course in enumerate(courses.values()):
            if course.rises or course.distinct:
                values = absolute(block.values[:, [index]], block.offset[[index]])[:, 0]
                course.add(np.where(np.isinf(values), np.nan, values), series)
        begin += len(block)
    for name, course in courses.items():
        if course.counts_steps and course.series > 1:
            found[name] = "steps"
        elif course.counts_rows:
            found[name] = "rows"
        elif course.runs_on:
            found[name] = "on"
    return found
