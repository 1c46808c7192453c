"""The features of rocket over the last steps of a stream: counts that are carried from step to step."""

from __future__ import annotations

import copy
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.nn.rocket import KERNELS, RocketEncoder
from limelight.nn.value_grid import Singles, exponent_of, to_grid
from limelight.streaming.tap_window import (
    BEFORE_ZEROED_CENTRE,
    CENTRE,
    NEW_CENTRE,
    ZEROED_CENTRE,
    TapRow,
    TapWindow,
)

HALF_OF_KERNELS = KERNELS // 2
"""Kernels of a dilation that count the whole window, and likewise those that count only positions within it."""
WITHIN = [NEW_CENTRE, CENTRE]
"""Entries that change the counts of kernels that lie within the window; the first is added."""
WITHIN_DIFFERENCES = [NEW_CENTRE, ZEROED_CENTRE, CENTRE, BEFORE_ZEROED_CENTRE]
"""The same for differences between steps; the first two are added."""


class SlidingRocket:
    """The counts of a ``RocketEncoder`` over the last steps.

    Parameters
    ----------
    block
        A fitted block that evaluates kernels at every step.
    window
        The most steps in the window, at least 2.
    differences
        Whether the block reads differences between steps, of which the first is 0.
    """

    def __init__(self, block: RocketEncoder, window: int, *, differences: bool = False) -> None:
        self.block, self.differences = block, differences
        rows = [TapRow(one.step, zeroed=int(differences)) for one in block.plan]
        self._taps = TapWindow(rows, block.reads.shape[-1], window)
        self._reach = np.array([one.reach for one in block.plan])
        self._kernels = _kernels_of(block)
        self._counters: dict[int, tuple[_Counter, _Counter]] = {}
        self._exponent, self._fits = 0, self._reach < 0
        self._lay_out(np.zeros(block.width, dtype=np.int32), 0)

    def another(self) -> SlidingRocket:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._taps = self._taps.another()
        return new

    def _lay_out(self, counts: NDArray[np.int32], length: int) -> None:
        """Separate the counts of kernels that lie within a window of some length from those over all positions."""
        self._fits = length > 2 * self._reach
        key = int(self._fits.sum())
        if key not in self._counters:
            entries = [self._taps.place_of(one) for one in (WITHIN_DIFFERENCES if self.differences else WITHIN)]
            every, added = list(range(self._taps.minus.stop)), self._taps.plus.stop
            is_within = np.stack([np.zeros_like(self._fits), self._fits])
            self._counters[key] = (
                _Counter(self._kernels, np.argwhere(~is_within), every, added),
                _Counter(self._kernels, np.argwhere(is_within), entries, len(entries) // 2),
            )
        self._both = self._counters[key]
        self._counts = [counts[one.features] for one in self._both]
        self._order = np.empty(len(counts), dtype=int)
        self._order[np.concatenate([one.features for one in self._both])] = np.arange(len(counts))
        self._totals_of = -1

    def _read(self, steps: Singles) -> Singles:
        return np.diff(steps, axis=0, prepend=steps[:1]) if self.differences else steps

    def restart(self, steps: Singles) -> None:
        """Count over the whole window."""
        read = self._read(steps)
        self._exponent = exponent_of(read)
        self._taps.restart(to_grid(read, self._exponent, self.block.bits)[None])
        self._lay_out(self.block.counts_of_one(read).astype(np.int32), len(steps))

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Count what the new step adds and the dropped one takes away; count anew if the grid of values changes."""
        read = self._read(steps)
        if exponent_of(read) != self._exponent:
            self.restart(steps)
            return
        inputs = self._taps.advance(to_grid(read[-1:], self._exponent, self.block.bits), dropped)
        if (len(steps) > 2 * self._reach).sum() > self._fits.sum():
            self._begin_to_fit(len(steps))
        for counts, counter in zip(self._counts, self._both, strict=True):
            counts += counter.change(inputs, self._taps.exist)

    def _begin_to_fit(self, length: int) -> None:
        """Begin to count only positions within the window, for the kernels that fit into it from now on."""
        fitted = self._fits
        self._lay_out(np.concatenate(self._counts)[self._order], length)
        self._counts[1][~fitted[self._both[1].places]] = 0

    def features(self, steps: Singles) -> Singles:
        """Return the share of counted positions at which each kernel is above each threshold, shape (width,)."""
        if len(steps) != self._totals_of:
            every, within = (np.full(len(counts), len(steps), dtype=np.float32) for counts in self._counts)
            within -= 2 * self._reach[self._both[1].places]
            self._totals, self._totals_of = np.concatenate([every, within]), len(steps)
        shares: Singles = np.concatenate(self._counts, dtype=np.float32, casting="unsafe")
        shares /= self._totals
        return shares.take(self._order)


class _Kernels(NamedTuple):
    """The kernels of a block by half: those that count the whole window, and those within it.

    Parameters
    ----------
    weights
        Shape (2, dilations, 9 · channels, kernels).
    first
        The first feature of each kernel, shape (2, dilations, kernels).
    counts
        The number of features of each kernel of a dilation, shape (dilations,).
    thresholds
        Of the features, shape (width,).
    """

    weights: Singles
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    thresholds: Singles


def _kernels_of(block: RocketEncoder) -> _Kernels:
    """Separate the kernels of each dilation, which alternate."""
    places = np.arange(len(block.plan))
    own = np.stack([np.arange(half, KERNELS, 2) for half in (0, 1)])
    kernels = own[(np.array([[0], [1]]) + places) % 2]
    weights = (block.taps[:, :, None] * block.reads[:, :, None]).numpy().astype(np.float32)
    by_half = weights[places[:, None], kernels].reshape(2, len(places), HALF_OF_KERNELS, -1)
    starts, counts = (np.array(each) for each in zip(*((one.start, one.thresholds) for one in block.plan), strict=True))
    first = starts[:, None] + kernels * counts[:, None]
    return _Kernels(np.ascontiguousarray(by_half.swapaxes(2, 3)), first, counts, block.thresholds.numpy())


class _Counter:
    """How counts change with one more step, for kernels that count the same positions.

    Parameters
    ----------
    kernels
        All kernels.
    chosen
        Index of the half and of the dilation of those that are counted, shape (halves, 2).
    entries
        The outputs of ``TapWindow`` that change the counts.
    added
        The number of entries that are added; the others are subtracted.
    """

    def __init__(self, kernels: _Kernels, chosen: NDArray[np.int64], entries: list[int], added: int) -> None:
        self._entries, self._added = np.array(entries), added
        half, self._rows = chosen[np.argsort(-kernels.counts[chosen[:, 1]], kind="stable")].T
        self._weights, first = kernels.weights[half, self._rows], kernels.first[half, self._rows].reshape(-1)
        self._planned: tuple[Any, tuple[NDArray[np.int64], ...]] = (None, ())
        places = np.repeat(self._rows, HALF_OF_KERNELS)
        counts = kernels.counts[places]
        kernels_of_rank = [int((counts > rank).sum()) for rank in range(counts.max(initial=0))]
        none = np.zeros(0, dtype=int)
        self.features = np.concatenate([none, *(first[:many] + rank for rank, many in enumerate(kernels_of_rank))])
        self.places = np.concatenate([none, *(places[:many] for many in kernels_of_rank)])
        limits = kernels.thresholds[self.features]
        self._limits: list[tuple[slice, Singles]] = []  # features, and as many thresholds of each of the first kernels
        begin = 0
        for columns, alike in groupby(kernels_of_rank):
            span = slice(begin, begin + columns * len(list(alike)))
            self._limits.append((span, limits[span].reshape(-1, columns)))
            begin = span.stop

    def change(self, inputs: Singles, exist: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Return what is added to the count of each of ``features``, of inputs of shape (rows, entries, taps)."""
        own = inputs[self._rows[:, None], self._entries]
        outputs = np.empty((len(self._entries), len(self._rows), HALF_OF_KERNELS), dtype=np.float32)
        np.matmul(own, self._weights, out=outputs.transpose(1, 0, 2))
        planned, missing = self._planned
        if planned is not exist:
            missing = np.nonzero(~exist[self._rows[:, None], self._entries].T)
            self._planned = exist, missing
        if len(missing[0]):
            outputs[missing] = -np.inf
        flat = outputs.reshape(len(self._entries), -1)
        above = np.empty((len(self._entries), len(self.features)), dtype=bool)
        for span, limits in self._limits:
            read = flat[:, None, : limits.shape[1]]
            np.greater(read, limits, out=above[:, span].reshape(len(flat), *limits.shape))
        more, fewer = (
            np.add.reduce(some.view(np.int8), axis=0, dtype=np.int8)
            for some in (above[: self._added], above[self._added :])
        )
        changes: NDArray[np.int8] = more - fewer
        return changes
