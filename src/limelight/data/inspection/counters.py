"""Channels that only count, or that continue from one series to the next, and so name the series."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.types import Doubles

FEWEST_SERIES, FEWEST_STEPS = 3, 3
TOLERANCE = 1e-3
"""How much the steps of a counter may differ, as a share of a step, as values are float32."""


class CounterFinder:
    """Find channels that only count or continue from series to series, block by block.

    Parameters
    ----------
    channels
        The number of channels.
    """

    def __init__(self, channels: int) -> None:
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.missing = np.zeros(channels, dtype=bool)
        self.ends: list[NDArray[np.float64]] = []
        self.longest = 0

    def add(self, block: Panel) -> None:
        """Add the series of a block, which follow those of the block before."""
        starts, stops = block.starts, block.starts + block.lengths - 1
        self.ends.append(np.stack([block.values[starts], block.values[stops]]).astype(np.float64))
        self.longest = max(self.longest, int(block.lengths.max(initial=0)))
        inside = np.ones(max(len(block.values) - 1, 0), dtype=bool)
        inside[starts[1:] - 1] = False
        for channel in range(block.values.shape[1]):
            if self.missing[channel] or self.low[channel] <= 0 <= self.high[channel]:
                continue  # it has gaps, or both rises and falls
            steps = np.diff(block.values[:, channel])[inside]
            if len(steps):
                self.low[channel] = min(self.low[channel], float(steps.min()))  # NaN if any is
                self.high[channel] = max(self.high[channel], float(steps.max()))
                self.missing[channel] |= bool(not np.isfinite(steps.min()))

    def counters(self) -> dict[int, Literal["counts", "continues"]]:
        """Return the channels found, by number: ``"counts"`` in equal steps, or ``"continues"`` from series to series.

        Example
        -------
        >>> rows = np.arange(12.0).reshape(3, 4, 1)
        >>> found = CounterFinder(1)
        >>> found.add(Panel.from_series(list(rows)))
        >>> found.counters()
        {0: 'continues'}
        """
        if not self.ends or self.longest < FEWEST_STEPS:
            return {}
        first, last = np.concatenate(self.ends, axis=1)
        found: dict[int, Literal["counts", "continues"]] = {}
        for channel, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            if self.missing[channel] or not np.isfinite(low) or low * high <= 0:
                continue
            even = high - low <= TOLERANCE * max(abs(low), abs(high))
            if len(first) >= FEWEST_SERIES and _are_disjoint(first[:, channel], last[:, channel], even=even):
                found[channel] = "continues"
            elif even:
                found[channel] = "counts"
        return found


def _are_disjoint(first: Doubles, last: Doubles, *, even: bool) -> bool:
    """Whether no two series have values in common and, unless they count evenly, are in the order of their values."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    order = np.argsort(low, kind="stable")
    ordered = even or bool((np.diff(order) == 1).all() or (np.diff(order) == -1).all())
    return ordered and bool((high[order][:-1] < low[order][1:]).all())
