"""Statistics of every value and of the clock in one pass over blocks, whatever the size of the panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.ragged import BLOCK_STEPS
from limelight.types import Doubles

GAP = 1.5
"""A step longer than so many typical ones is a gap."""
OTHER_STEP = 0.05
"""A step that differs from the typical one by more than this share of it is another one."""
IRREGULAR = 0.01
"""A clock is irregular where more than this share of its steps are others."""
SAMPLE = 1_000_000
"""Of how many steps the typical one is the median, where there are more."""
SAMPLE_AT_ONCE = 20_000

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClockStatistics:
    """The clock: seconds for dates, else the unit of its numbers.

    Parameters
    ----------
    kind
        What the times are.
    typical_step
        The median step within series, of a million spread evenly over all where there are more; None if no series has
        two steps.
    gaps, series_with_gaps
        Steps longer than 1.5 typical ones, and how many series have any.
    irregular
        Whether more than 1 % of the steps differ from the typical one by more than 5 %.
    mean_step, deviation_step
        Of the time since the step before, over all steps, where the first of each series counts as 0.
    """

    kind: Literal["numbers", "dates"]
    typical_step: float | None
    gaps: int
    series_with_gaps: int
    irregular: bool
    mean_step: float
    deviation_step: float


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Numbers about each channel over all steps, each an array of shape (channels,).

    Parameters
    ----------
    count, missing, infinite
        Finite values, NaN, and infinities.
    minimum, maximum, mean, deviation
        Of the finite values, in the unit of the channel; the deviation is that of the population. NaN where there is
        no finite value.
    clock
        None without times.
    """

    count: Counts
    missing: Counts
    infinite: Counts
    minimum: Doubles
    maximum: Doubles
    mean: Doubles
    deviation: Doubles
    clock: ClockStatistics | None


@dataclass
class _Moments:
    """Count, mean and sum of squared deviations of each channel, merged piece by piece."""

    count: Counts
    mean: Doubles
    squares: Doubles

    @classmethod
    def empty(cls, channels: int) -> _Moments:
        return cls(np.zeros(channels, dtype=np.int64), np.zeros(channels), np.zeros(channels))

    def add(self, values: Doubles, known: NDArray[np.bool_]) -> None:
        """Take some steps, shape (channels, steps); those not known are 0."""
        count = known.sum(axis=1)
        total = self.count + count
        mean = values.sum(axis=1) / np.maximum(count, 1)
        squares = (np.where(known, values - mean[:, None], 0.0) ** 2).sum(axis=1)
        shift = mean - self.mean
        share = count / np.maximum(total, 1)
        self.squares += squares + shift**2 * self.count * share
        self.mean += shift * share
        self.count = total

    def deviation(self) -> Doubles:
        """Give the standard deviation of the population."""
        deviation: Doubles = np.sqrt(self.squares / np.maximum(self.count, 1))
        return deviation


def channel_statistics(panel: Panel, at_once: int = BLOCK_STEPS) -> ChannelStatistics:
    """Go through a panel once, in blocks, and count, bound and average every channel and the clock.

    Parameters
    ----------
    panel
        The series; values may be missing or infinite.
    at_once
        How many values are taken at a time, at least 1; what is in memory is a few times that, however long a series
        is and however many channels there are.

    Returns
    -------
    ChannelStatistics
        In float64.

    Source
    ------
    Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983 (merging the moments of blocks).

    Example
    -------
    >>> found = channel_statistics(Panel.from_series([[1.0, 2.0], [np.nan, 6.0]]))
    >>> found.count.tolist(), found.missing.tolist(), found.mean.tolist(), found.maximum.tolist()
    ([3], [1], [3.0], [6.0])
    """
    channels = len(panel.channels)
    moments = _Moments.empty(channels)
    missing, infinite = np.zeros(channels, dtype=np.int64), np.zeros(channels, dtype=np.int64)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    clock = None if panel.times is None else _Clock(panel)
    steps = max(1, at_once // max(channels, 1))
    for block in panel.blocks(steps):
        for begin in range(0, len(block.values), steps):
            values = block.values[begin : begin + steps].T.astype(np.float64, order="C")
            known = np.isfinite(values)
            absent = np.isnan(values).sum(axis=1)
            missing += absent
            infinite += values.shape[1] - known.sum(axis=1) - absent
            low = np.minimum(low, np.where(known, values, np.inf).min(axis=1))
            high = np.maximum(high, np.where(known, values, -np.inf).max(axis=1))
            values[~known] = 0.0
            moments.add(values, known)
        if clock is not None:
            clock.add(block, steps)
    empty = moments.count == 0
    minimum, maximum, mean, deviation = (
        np.where(empty, np.nan, numbers) for numbers in (low, high, moments.mean, moments.deviation())
    )
    found = None if clock is None else clock.statistics()
    return ChannelStatistics(moments.count, missing, infinite, minimum, maximum, mean, deviation, found)


class _Clock:
    """What is counted of the clock while the blocks go by."""

    def __init__(self, panel: Panel) -> None:
        assert panel.times is not None
        dates = panel.times.dtype.kind == "M"
        self.kind: Literal["numbers", "dates"] = "dates" if dates else "numbers"
        self.unit = 1e-9 if dates else 1.0  # counted in nanoseconds, which is exact, and told in seconds
        self.typical = _typical_step(panel)
        self.moments = _Moments.empty(1)
        self.steps = self.others = self.gaps = self.series_with_gaps = 0

    def add(self, block: Panel, at_once: int) -> None:
        """Take the steps of a block, so many at a time."""
        gappy = np.zeros(len(block), dtype=bool)
        for begin, elapsed, first in _elapsed(block, at_once):
            self.moments.add(elapsed[None], np.ones((1, len(elapsed)), dtype=bool))
            if self.typical is None:
                continue
            other = ~first & (np.abs(elapsed - self.typical) > OTHER_STEP * self.typical)
            gaps = np.flatnonzero(~first & (elapsed > GAP * self.typical))
            self.steps += int((~first).sum())
            self.others += int(other.sum())
            self.gaps += len(gaps)
            gappy[np.searchsorted(block.starts, begin + gaps, side="right") - 1] = True
        self.series_with_gaps += int(gappy.sum())

    def statistics(self) -> ClockStatistics:
        """Give what was found."""
        return ClockStatistics(
            self.kind,
            None if self.typical is None else self.typical * self.unit,
            self.gaps,
            self.series_with_gaps,
            self.others > IRREGULAR * self.steps,
            float(self.moments.mean[0]) * self.unit,
            float(self.moments.deviation()[0]) * self.unit,
        )


def _elapsed(block: Panel, at_once: int) -> Iterator[tuple[int, Doubles, NDArray[np.bool_]]]:
    """Give, piece by piece, its first step, the time since the step before, and which steps begin a series."""
    assert block.times is not None
    for begin in range(0, len(block.times), at_once):
        times = block.times[max(begin - 1, 0) : begin + at_once]
        elapsed = _plain(np.diff(times, prepend=times[:1]))[min(begin, 1) :]
        first = np.zeros(len(elapsed), dtype=bool)
        low, high = np.searchsorted(block.starts, [begin, begin + at_once])
        first[block.starts[low:high] - begin] = True
        elapsed[first] = 0.0
        yield begin, elapsed, first


def _typical_step(panel: Panel) -> float | None:
    """Give the median step within series, of a sample spread evenly over the steps where there are very many."""
    after = np.cumsum(panel.lengths - 1)
    total = int(after[-1]) if len(after) else 0
    if not total:
        return None
    count = min(total, SAMPLE)
    sample = np.empty(count)
    for begin in range(0, count, SAMPLE_AT_ONCE):
        chosen = np.arange(begin, min(begin + SAMPLE_AT_ONCE, count)) * total // count
        rows = np.searchsorted(after, chosen, side="right")
        places = panel.starts[rows] + panel.lengths[rows] + chosen - after[rows]
        assert panel.times is not None
        sample[begin : begin + len(chosen)] = _plain(panel.times[places] - panel.times[places - 1])
        panel.note_read(np.ones(len(chosen), dtype=np.int64))
    return float(np.median(sample))


def _plain(steps: NDArray[Any]) -> Doubles:
    """Give time steps as numbers, those between dates in nanoseconds."""
    if steps.dtype.kind == "m":
        steps = steps.astype("timedelta64[ns]")
    return steps.astype(np.float64)
