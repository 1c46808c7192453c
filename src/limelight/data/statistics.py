"""Statistics of channels and time steps, in one pass over blocks, so that the panel may exceed memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.ragged import BLOCK_STEPS
from limelight.types import Doubles, Integers

GAP = 1.5
"""A time step longer than this many typical steps is a gap."""
DEVIATING_STEP = 0.05
"""A time step that differs from the typical step by more than this share of it is irregular."""
IRREGULAR = 0.01
"""A clock is irregular if more than this share of its steps are irregular."""
SAMPLE = 1_000_000
"""Maximum number of time steps whose median is the typical step."""
SAMPLE_AT_ONCE = 20_000
"""Number of sampled steps that are read at a time."""


@dataclass(frozen=True)
class ClockStatistics:
    """Statistics of the time steps, in seconds for dates, else in the unit of the clock.

    Parameters
    ----------
    kind
        The kind of times.
    typical_step
        The median time step within series, of at most a million steps spread evenly over all; None if no series has
        two steps.
    gaps, series_with_gaps
        Number of time steps longer than 1.5 typical steps, and number of series with any.
    irregular
        Whether more than 1 % of the time steps differ from the typical step by more than 5 %.
    mean_step, deviation_step
        Mean and standard deviation of the time since the previous step, over all steps; 0 for the first of each series.
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
    """Statistics of each channel over all steps, each of shape (channels,).

    Parameters
    ----------
    count, missing, infinite
        Numbers of finite values, NaN, and infinities.
    minimum, maximum, mean, deviation
        Statistics of the finite values, in the unit of the channel; the deviation is the population standard deviation.
        NaN if there is no finite value.
    clock
        Statistics of the time steps; None if the series have no times.
    """

    count: Integers
    missing: Integers
    infinite: Integers
    minimum: Doubles
    maximum: Doubles
    mean: Doubles
    deviation: Doubles
    clock: ClockStatistics | None


@dataclass
class _Moments:
    """Count, mean and sum of squared deviations of each channel, merged over chunks."""

    count: Integers
    mean: Doubles
    squares: Doubles

    @classmethod
    def empty(cls, channels: int) -> _Moments:
        return cls(np.zeros(channels, dtype=np.int64), np.zeros(channels), np.zeros(channels))

    def add(self, values: Doubles, known: NDArray[np.bool_]) -> None:
        """Add steps, shape (channels, steps), with 0 for values that are not known."""
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
        """Return the population standard deviation."""
        deviation: Doubles = np.sqrt(self.squares / np.maximum(self.count, 1))
        return deviation


def channel_statistics(panel: Panel, at_once: int = BLOCK_STEPS) -> ChannelStatistics:
    """Compute statistics of every channel and of the time steps in one pass over the panel.

    Parameters
    ----------
    panel
        The series; values may be missing or infinite.
    at_once
        Number of values processed at a time, at least 1; the memory used is a few times this, whatever the length of
        the series and the number of channels.

    Returns
    -------
    ChannelStatistics
        Statistics in float64.

    Source
    ------
    Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983 (merging the moments of blocks).

    Example
    -------
    >>> statistics = channel_statistics(Panel.from_series([[1.0, 2.0], [np.nan, 6.0]]))
    >>> [numbers.tolist() for numbers in (statistics.count, statistics.missing, statistics.mean, statistics.maximum)]
    [[3], [1], [3.0], [6.0]]
    """
    channels = len(panel.channels)
    moments = _Moments.empty(channels)
    missing, infinite = np.zeros(channels, dtype=np.int64), np.zeros(channels, dtype=np.int64)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    clock = None if panel.times is None else _ClockAccumulator(panel)
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
        np.where(empty, np.nan, numbers)
        for numbers in (low + panel.offset, high + panel.offset, moments.mean + panel.offset, moments.deviation())
    )
    clock_statistics = None if clock is None else clock.statistics()
    return ChannelStatistics(moments.count, missing, infinite, minimum, maximum, mean, deviation, clock_statistics)


class _ClockAccumulator:
    """Counts and moments of the time steps, accumulated over blocks."""

    def __init__(self, panel: Panel) -> None:
        assert panel.times is not None
        dates = panel.times.dtype.kind == "M"
        self.kind: Literal["numbers", "dates"] = "dates" if dates else "numbers"
        self.unit = 1e-9 if dates else 1.0  # dates: exact in nanoseconds, reported in seconds
        self.typical = _typical_step(panel)
        self.moments = _Moments.empty(1)
        self.steps = self.deviating = self.gaps = self.series_with_gaps = 0

    def add(self, block: Panel, at_once: int) -> None:
        """Add the steps of a block, ``at_once`` steps at a time."""
        gappy = np.zeros(len(block), dtype=bool)
        for begin, elapsed, first in _elapsed(block, at_once):
            self.moments.add(elapsed[None], np.ones((1, len(elapsed)), dtype=bool))
            if self.typical is None:
                continue
            deviating = ~first & (np.abs(elapsed - self.typical) > DEVIATING_STEP * self.typical)
            gaps = np.flatnonzero(~first & (elapsed > GAP * self.typical))
            self.steps += int((~first).sum())
            self.deviating += int(deviating.sum())
            self.gaps += len(gaps)
            gappy[np.searchsorted(block.starts, begin + gaps, side="right") - 1] = True
        self.series_with_gaps += int(gappy.sum())

    def statistics(self) -> ClockStatistics:
        """Return the statistics of all blocks added so far."""
        return ClockStatistics(
            self.kind,
            None if self.typical is None else self.typical * self.unit,
            self.gaps,
            self.series_with_gaps,
            self.deviating > IRREGULAR * self.steps,
            float(self.moments.mean[0]) * self.unit,
            float(self.moments.deviation()[0]) * self.unit,
        )


def _elapsed(block: Panel, at_once: int) -> Iterator[tuple[int, Doubles, NDArray[np.bool_]]]:
    """Yield chunks: first step, time since the previous step, and a mask of the steps that begin a series."""
    assert block.times is not None
    for begin in range(0, len(block.times), at_once):
        times = block.times[max(begin - 1, 0) : begin + at_once]
        elapsed = _as_numbers(np.diff(times, prepend=times[:1]))[min(begin, 1) :]
        first = np.zeros(len(elapsed), dtype=bool)
        low, high = np.searchsorted(block.starts, [begin, begin + at_once])
        first[block.starts[low:high] - begin] = True
        elapsed[first] = 0.0
        yield begin, elapsed, first


def _typical_step(panel: Panel) -> float | None:
    """Compute the median time step within series, of an evenly spread sample if there are very many steps."""
    after = np.cumsum(panel.lengths - 1)
    total = int(after[-1]) if len(after) else 0
    if not total:
        return None
    count = min(total, SAMPLE)
    sample = np.empty(count)
    for begin in range(0, count, SAMPLE_AT_ONCE):
        sampled = np.arange(begin, min(begin + SAMPLE_AT_ONCE, count)) * total // count
        rows = np.searchsorted(after, sampled, side="right")
        steps = panel.starts[rows] + panel.lengths[rows] + sampled - after[rows]
        assert panel.times is not None
        sample[begin : begin + len(sampled)] = _as_numbers(panel.times[steps] - panel.times[steps - 1])
        panel.note_read(np.ones(len(sampled), dtype=np.int64))
    return float(np.median(sample))


def _as_numbers(steps: NDArray[Any]) -> Doubles:
    """Convert time steps to floats, in nanoseconds between dates."""
    if steps.dtype.kind == "m":
        steps = steps.astype("timedelta64[ns]")
    return steps.astype(np.float64)
