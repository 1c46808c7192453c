"""Numbers that seem to stand for a missing value, such as -999: repeated exactly, and far from all other values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from limelight.types import Floats

KEPT = 3
"""Number of the lowest and of the highest distinct values that are counted."""
MOST = 2
"""The largest number of sentinels on either side."""
SAMPLED = 5_000
"""Values of a channel that are kept to judge how many distinct ones there are."""
FEWEST_REPEATS, FEWEST_DISTINCT = 3, 5
KNOWN_GAP = 0.3
"""Distance from all others, as a share of their range, from which a usual sentinel such as 9999 is recognised."""
LIMITS = {32767.0, 32768.0, 65535.0, 2147483647.0, 2147483648.0, 4294967295.0, 4294967296.0}
NINES = re.compile(r"9{2,}\.?9*|9\.9{2,}")


@dataclass(frozen=True)
class Sentinel:
    """A number that may stand for a missing value in a channel.

    Parameters
    ----------
    channel, value, count
        The number and how often it occurs in the channel.
    low, high
        The range of all other values.
    """

    channel: str
    value: float
    count: int
    low: float
    high: float


@dataclass
class ExtremeValues:
    """The lowest and the highest distinct values of a channel with their counts, gathered block by block."""

    low: dict[float, int] = field(default_factory=dict)
    high: dict[float, int] = field(default_factory=dict)
    count: int = 0
    sample: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def add(self, values: Floats) -> None:
        """Add values, shape (any,); those that are missing or infinite are not counted."""
        values = values[np.isfinite(values)]
        self.count += len(values)
        if len(self.sample) < SAMPLED and len(values):
            evenly = np.linspace(0, len(values) - 1, min(len(values), SAMPLED)).astype(np.int64)
            self.sample = np.concatenate([self.sample, values[evenly]])
        self.low = _merged(self.low, values, 1)
        self.high = _merged(self.high, values, -1)

    def sentinels(self, channel: str) -> list[Sentinel]:
        """Return the numbers of the channel that may stand for a missing value, the most frequent first."""
        low, high = sorted(self.low.items()), sorted(self.high.items(), reverse=True)
        numbers = ((below, above) for below in range(MOST + 1) for above in range(MOST + 1) if below + above)
        for below, above in sorted(numbers, key=lambda pair: -sum(pair)):
            if below < len(low) and above < len(high) and self._stand_out(low, high, below, above):
                found = [*low[:below], *high[:above]]
                least, most = low[below][0], high[above][0]
                return [Sentinel(channel, value, n, least, most) for value, n in sorted(found, key=lambda one: -one[1])]
        return []

    def _stand_out(self, low: list[tuple[float, int]], high: list[tuple[float, int]], below: int, above: int) -> bool:
        """Whether each of some lowest and highest values is a sentinel, given the rest."""
        least, most = low[below][0], high[above][0]
        found = [*low[:below], *high[:above]]
        if least > most or 2 * sum(count for _, count in found) > self.count:
            return False
        rest = np.unique(self.sample[(self.sample >= least) & (self.sample <= most)])
        gap_below = least - low[below - 1][0] if below else np.inf
        gap_above = high[above - 1][0] - most if above else np.inf
        size = max(abs(least), abs(most))
        if len(rest) < FEWEST_DISTINCT and min(gap_below, gap_above) < 10 * max(size, most - least):
            return False
        if size == 0 and not all(is_usual(value) for value, _ in found):
            return False  # a channel that is on or off
        lone, spread = least >= 0 and _is_continuous(rest), most - least
        return all(_is_sentinel(value, count, gap_below, spread, lone=lone) for value, count in low[:below]) and all(
            _is_sentinel(value, count, gap_above, spread, lone=False) for value, count in high[:above]
        )


def _is_sentinel(value: float, count: int, gap: float, spread: float, *, lone: bool) -> bool:
    """Whether a value is far enough from all others, given how often it occurs and how usual it is as a sentinel."""
    if is_usual(value):
        return gap >= (KNOWN_GAP if count > 1 else 1.0) * spread
    if count < FEWEST_REPEATS:
        return False
    return gap >= spread or (lone and value in (-1.0, -9.0))


def is_usual(value: float) -> bool:
    """Whether a number is commonly written for a missing value: only nines, the limit of an integer, or huge.

    Example
    -------
    >>> [is_usual(number) for number in (-999.0, 99.99, 32767.0, 1e20, 9.0, 250.0)]
    [True, True, True, True, False, False]
    """
    size = abs(value)
    return size in LIMITS or size >= 1e10 or NINES.fullmatch(f"{size:.7g}") is not None


def _is_continuous(values: NDArray[np.float64]) -> bool:
    """Whether most of the distinct values are no whole numbers."""
    return bool((values != np.floor(values)).mean() > 0.5) if len(values) else False


def _merged(kept: dict[float, int], values: Floats, sign: int) -> dict[float, int]:
    """Merge the lowest distinct values (the highest for sign -1) into those kept so far."""
    merged = dict(kept)
    for _ in range(KEPT):
        if not len(values):
            break
        extreme = values.min() if sign > 0 else values.max()
        rest = values[values != extreme]
        merged[float(extreme)] = merged.get(float(extreme), 0) + len(values) - len(rest)
        values = rest
    return {value: merged[value] for value in sorted(merged, key=lambda one: sign * one)[:KEPT]}
