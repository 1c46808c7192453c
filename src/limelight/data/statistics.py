"""Statistics of every value and of the clock in one pass over blocks, whatever the size of the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.ragged import BLOCK_STEPS

GAP = 1.5
"""A step longer than so many typical ones is a gap."""
OTHER_STEP = 0.05
"""A step that differs from the typical one by more than this share of it is another one."""
IRREGULAR = 0.01
"""A clock is irregular where more than this share of its steps are others."""
SAMPLE = 1_000_000

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClockStatistics:
    """The clock: seconds for dates, else the unit of its numbers.

    Parameters
    ----------
    kind
        What the times are.
    typical_step
        The median step within series, of a sample of a million where there are more; None if no series has two steps.
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
    minimum: Floats
    maximum: Floats
    mean: Floats
    deviation: Floats
    clock: ClockStatistics | None


@dataclass
class _Moments:
    """Count, mean and sum of squared deviations of each column, merged block by block."""

    count: Counts
    mean: Floats
    squares: Floats

    @classmethod
    def empty(cls, columns: int) -> _Moments:
        return cls(np.zeros(columns, dtype=np.int64), np.zeros(columns), np.zeros(columns))

    def add(self, values: Floats, known: NDArray[np.bool_]) -> None:
        """Take some rows; those not known have any finite value."""
        count = known.sum(axis=0)
        total = self.count + count
        mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
        shift = mean - self.mean
        share = count / np.maximum(total, 1)
        self.squares += squares + shift**2 * self.count * share
        self.mean += shift * share
        self.count = total

    def deviation(self) -> Floats:
        """Give the standard deviation of the population."""
        deviation: Floats = np.sqrt(self.squares / np.maximum(self.count, 1))
        return deviation


def channel_statistics(panel: Panel, block_steps: int = BLOCK_STEPS) -> ChannelStatistics:
    """Go through a panel once, in blocks, and count, bound and average every channel and the clock.

    Parameters
    ----------
    panel
        The series; values may be missing or infinite.
    block_steps
        Steps of a block; what is in memory at a time is a few times that.

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
    columns = len(panel.channels)
    moments = _Moments.empty(columns)
    missing, infinite = np.zeros(columns, dtype=np.int64), np.zeros(columns, dtype=np.int64)
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    clock = None if panel.times is None else _Clock(panel)
    for block in panel.blocks(block_steps):
        values = block.values.astype(np.float64)
        known = np.isfinite(values)
        absent = np.isnan(values).sum(axis=0)
        missing += absent
        infinite += len(values) - known.sum(axis=0) - absent
        values[~known] = 0.0
        low = np.minimum(low, np.min(values, axis=0, initial=np.inf, where=known))
        high = np.maximum(high, np.max(values, axis=0, initial=-np.inf, where=known))
        moments.add(values, known)
        if clock is not None:
            clock.add(block)
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

    def add(self, block: Panel) -> None:
        """Take the steps of a block."""
        steps = _plain(np.diff(block.times)) if block.times is not None else np.zeros(0)
        elapsed = np.concatenate([[0.0], steps])
        first = np.zeros(len(elapsed), dtype=bool)
        first[block.starts] = True
        elapsed[first] = 0.0
        self.moments.add(elapsed[:, None], np.ones((len(elapsed), 1), dtype=bool))
        if self.typical is None:
            return
        steps, series = elapsed[~first], np.repeat(np.arange(len(block)), block.lengths)[~first]
        gaps = steps > GAP * self.typical
        self.steps += len(steps)
        self.others += int((np.abs(steps - self.typical) > OTHER_STEP * self.typical).sum())
        self.gaps += int(gaps.sum())
        self.series_with_gaps += len(np.unique(series[gaps]))

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


def _typical_step(panel: Panel) -> float | None:
    """Give the median step within series, of series taken evenly where there are very many steps."""
    every = max(1, int(panel.lengths.sum()) // SAMPLE)
    sample = panel[panel.lengths > 1]
    sample = sample[::every] if every > 1 else sample
    steps = [_plain(np.diff(sample.clock(row)[:SAMPLE])) for row in range(len(sample))]
    return float(np.median(np.concatenate(steps))) if steps else None


def _plain(steps: NDArray[Any]) -> Floats:
    """Give time steps as numbers, those between dates in nanoseconds."""
    if steps.dtype.kind == "m":
        steps = steps.astype("timedelta64[ns]")
    return steps.astype(np.float64)
