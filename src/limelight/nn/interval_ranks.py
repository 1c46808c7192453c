"""Where the quantiles of intervals are among their sorted values, for all intervals of a series at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

MOST_STEPS_REMEMBERED = 4_096
"""Steps of the longest series whose ranks are remembered from one call to the next."""


class Ranks(NamedTuple):
    """Ranks of quantiles in series of one length; the values of intervals stand side by side, the shortest first.

    Parameters
    ----------
    steps
        The step of each value, shape (values,).
    groups
        The values of intervals with equally many, and how many each of them has.
    below, above, share
        For each feature the sorted values around it, and the share of the upper one, shape (features,).
    intervals
        The intervals of the features that are relative to a mean.
    """

    steps: NDArray[np.int64]
    groups: Sequence[tuple[slice, int]]
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    share: NDArray[np.float64]
    intervals: NDArray[np.int64]


class IntervalRanks:
    """Computes evenly spaced quantiles of intervals of series, every second relative to the mean of its interval.

    Parameters
    ----------
    starts, stops
        Where each interval begins and ends, as shares of the length of a series, shape (intervals,).
    quantiles
        The number of quantiles of each interval, at least 1, shape (intervals,); 1 is the median.

    Example
    -------
    >>> IntervalRanks([0.0, 0.5], [1.0, 1.0], [2, 1]).quantiles(np.array([[[3.0, 1.0, 4.0, 6.0]]])).tolist()
    [[[1.0, 2.5, 5.0]]]
    """

    def __init__(self, starts: Sequence[float], stops: Sequence[float], quantiles: Sequence[int]) -> None:
        self._starts, self._stops = np.asarray(starts, dtype=np.float64), np.asarray(stops, dtype=np.float64)
        self._interval = np.repeat(np.arange(len(quantiles)), quantiles)
        self._level = np.concatenate([np.linspace(0, 1, each) if each > 1 else np.array([0.5]) for each in quantiles])
        within = np.concatenate([np.arange(each) for each in quantiles])
        self._relative = np.flatnonzero(within % 2 == 1)
        self._last: tuple[int, Ranks] | None = None

    def of_length(self, length: int) -> Ranks:
        """Return the ranks in series of so many steps, at least 1."""
        last = self._last
        if last is not None and last[0] == length:
            return last[1]
        ranks = self._ranks(length)
        if length <= MOST_STEPS_REMEMBERED:
            self._last = (length, ranks)
        return ranks

    def _ranks(self, length: int) -> Ranks:
        first = np.minimum((self._starts * length + 1e-9).astype(np.int64), length - 1)
        counts = np.maximum(first + 1, (self._stops * length + 1e-9).astype(np.int64)) - first
        order = np.argsort(counts, kind="stable")
        ends = np.cumsum(counts[order])
        offsets = np.empty_like(ends)
        offsets[order] = ends - counts[order]
        steps = np.repeat((first - offsets)[order], counts[order]) + np.arange(ends[-1])
        positions = self._level * (counts[self._interval] - 1)
        below = positions.astype(np.int64)
        begin, above = offsets[self._interval], np.minimum(below + 1, counts[self._interval] - 1)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return Ranks(
            steps,
            _groups(counts[order]),
            begin + below,
            begin + above,
            positions - below,
            place[self._interval[self._relative]],
        )

    def quantiles(
        self, read: Float[NDArray[np.float64], "batch channels steps"]
    ) -> Float[NDArray[np.float64], "batch channels features"]:
        """Return the quantiles of every interval of series."""
        ranks = self.of_length(read.shape[-1])
        ordered, means = read.take(ranks.steps, axis=-1), []
        for span, count in ranks.groups:
            part = ordered[..., span].reshape(*read.shape[:2], -1, count)
            part.sort(axis=-1)
            ordered[..., span] = part.reshape(*read.shape[:2], -1)
            means.append(np.add.reduce(part, axis=-1) / count)
        found: NDArray[np.float64] = ordered.take(ranks.below, axis=-1) * (1 - ranks.share)
        found += ordered.take(ranks.above, axis=-1) * ranks.share
        found[..., self._relative] -= np.concatenate(means, axis=-1).take(ranks.intervals, axis=-1)
        return found


def _groups(counts: NDArray[np.int64]) -> list[tuple[slice, int]]:
    """Return the values of intervals with equally many, of sorted counts, and how many each of them has."""
    different, many = np.unique(counts, return_counts=True)
    ends = np.cumsum(different * many)
    return [
        (slice(end - count * some, end), count)
        for end, count, some in zip(ends.tolist(), different.tolist(), many.tolist(), strict=True)
    ]
