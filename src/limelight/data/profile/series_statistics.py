"""Statistics of each channel of each series, in one pass over blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limelight.data.panel import Panel
from limelight.types import Doubles, Integers

STATISTICS = ("level", "spread", "lowest", "highest", "roughness", "missing", "frozen")
"""The statistics of a channel of a series, in the order of the last axis of ``SeriesStatistics.channels``."""
LEVEL, SPREAD, LOWEST, HIGHEST, ROUGHNESS, MISSING, FROZEN = range(len(STATISTICS))


@dataclass(frozen=True, eq=False)
class SeriesStatistics:
    """Statistics of n series.

    Parameters
    ----------
    channels
        Shape (n, channels, 7), in the order of ``STATISTICS``: mean, standard deviation, minimum and maximum in the
        unit of the channel; mean absolute change between steps, divided by the standard deviation; share of missing
        steps; share of steps that repeat the value before. NaN where a statistic is undefined.
    lengths
        Number of steps, shape (n,).
    steps
        Mean time step, in seconds for dates, else in the unit of the clock; NaN without a clock, shape (n,).
    """

    channels: Doubles
    lengths: Integers
    steps: Doubles

    def __getitem__(self, rows: slice) -> SeriesStatistics:
        return SeriesStatistics(self.channels[rows], self.lengths[rows], self.steps[rows])


def series_statistics(panel: Panel) -> SeriesStatistics:
    """Compute the statistics of every series; memory grows by 7 numbers for each series and channel.

    Parameters
    ----------
    panel
        The series, n of them; values may be missing.

    Returns
    -------
    SeriesStatistics
        In the order of the panel.

    Example
    -------
    >>> found = series_statistics(Panel.from_series([[1.0, 2.0, 3.0, 3.0, np.nan]]))
    >>> dict(zip(STATISTICS, found.channels[0, 0].round(2).tolist()))
    {'level': 2.25, 'spread': 0.83, 'lowest': 1.0, 'highest': 3.0, 'roughness': 0.8, 'missing': 0.2, 'frozen': 0.33}
    """
    blocks = [_of_block(block) for block in panel.blocks()]
    channels = np.concatenate([np.empty((0, len(panel.channels), len(STATISTICS))), *blocks])
    channels[:, :, [LEVEL, LOWEST, HIGHEST]] += panel.offset[None, :, None]
    return SeriesStatistics(channels, panel.lengths, _mean_steps(panel))


def _of_block(block: Panel) -> Doubles:
    """Compute the statistics of a compact block, relative to its offset."""
    values, starts, lengths = block.values.astype(np.float64), block.starts, block.lengths
    known = np.isfinite(values)
    count = np.add.reduceat(known, starts, dtype=np.int64)
    low = np.minimum.reduceat(values if known.all() else np.where(known, values, np.inf), starts)
    high = np.maximum.reduceat(values if known.all() else np.where(known, values, -np.inf), starts)
    change = np.abs(np.diff(values, axis=0, prepend=np.nan))
    change[starts] = np.nan
    values[~known] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.add.reduceat(values, starts) / count
        values -= np.repeat(level, lengths, axis=0)
        values[~known] = 0.0
        spread = np.sqrt(np.add.reduceat(np.square(values, out=values), starts) / count)
        compared = np.isfinite(change)
        pairs = np.add.reduceat(compared, starts, dtype=np.int64)
        frozen = np.add.reduceat(change == 0.0, starts, dtype=np.int64) / pairs
        change[~compared] = 0.0
        roughness = np.add.reduceat(change, starts) / pairs / spread
    roughness[spread == 0.0] = np.nan
    missing = 1 - count / lengths[:, None]
    low[count == 0], high[count == 0] = np.nan, np.nan
    return np.stack([level, spread, low, high, roughness, missing, frozen], axis=2)


def _mean_steps(panel: Panel) -> Doubles:
    ends = panel.first_and_last_times()
    if ends is None:
        return np.full(len(panel), np.nan)
    elapsed = ends[:, 1] - ends[:, 0]
    seconds = elapsed / np.timedelta64(1, "s") if elapsed.dtype.kind == "m" else elapsed.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps: Doubles = np.where(panel.lengths > 1, seconds / (panel.lengths - 1), np.nan)
    return steps
