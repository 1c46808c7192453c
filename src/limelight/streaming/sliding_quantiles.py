"""Quantiles of intervals over the last steps of a stream, each computed once, when its interval ends."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from limelight.nn.quantiles import QuantileBlock, quantile_ranks
from limelight.nn.value_grid import Singles
from limelight.streaming.computed_anew import ComputedAnew
from limelight.types import Doubles


class SlidingQuantiles:
    """The features of a ``QuantileBlock`` of values or differences over the last steps.

    The quantiles of an interval do not change while it moves through a full window. Therefore a step computes only
    those of the intervals that end with it, one of each length, and reads all others where they were kept. Until all
    of them are there, features are computed anew.

    Parameters
    ----------
    block
        A block that does not read the spectrum.
    window
        The most steps in the window, at least 2.
    """

    def __init__(self, block: QuantileBlock, window: int) -> None:
        self.block, self._anew, self._window = block, ComputedAnew(block), window
        self._differences = block.reading == "differences"
        length = window - int(self._differences)
        groups = block.alike(length)
        self._counts, quantiles = ([each[place].shape[1] for each in groups] for place in (0, 1))
        begins, firsts = np.cumsum([0, *self._counts]), np.cumsum([0, *quantiles])
        self._sorted = [slice(*each) for each in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True)]
        ranks = [quantile_ranks(*each) for each in zip(quantiles, self._counts, strict=True)]
        self._below, self._above = (
            np.concatenate([begin + rank[side] for begin, rank in zip(begins, ranks, strict=False)]) for side in (0, 1)
        )
        self._share = np.concatenate([rank[2] for rank in ranks])
        within = np.concatenate([np.arange(each) for each in quantiles])
        self._relative = np.flatnonzero(within % 2 == 1)
        self._group_of_relative = np.repeat(np.arange(len(groups)), quantiles)[self._relative]
        features = block.width // block.channels
        self._lags, self._columns = np.zeros((2, features), dtype=int)
        for (steps, columns), first in zip(groups, firsts, strict=False):
            self._lags[columns] = length - 1 - steps[:, -1:]
            self._columns[columns] = first + np.arange(columns.shape[1])
        self._kept = np.zeros((0, 0, 0), dtype=np.float32)
        self._step = 0

    def another(self) -> SlidingQuantiles:
        """Return the same features for another stream, to be restarted."""
        return copy.copy(self)

    def restart(self, steps: Singles) -> None:
        """Keep the quantiles of the intervals that end with the last step."""
        self._kept = np.zeros((self._window, len(self._share), self.block.channels), dtype=np.float32)
        self._step = 0
        self._keep(steps)

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Keep the quantiles of the intervals that end with the new step, too."""
        self._step += 1
        self._keep(steps)

    def _keep(self, steps: Singles) -> None:
        read = steps.T.astype(np.float64)
        if self._differences:
            read = np.diff(read, axis=1)
        ordered = np.zeros((len(read), self._sorted[-1].stop))
        means = np.zeros((len(read), len(self._sorted)))
        for group, (span, count) in enumerate(zip(self._sorted, self._counts, strict=True)):
            if count <= read.shape[1]:
                part = ordered[:, span]
                part[:] = read[:, -count:]
                part.sort(axis=1)
                means[:, group] = np.add.reduce(part, axis=1) / count
        found: Doubles = ordered.take(self._below, axis=1) * (1 - self._share)
        found += ordered.take(self._above, axis=1) * self._share
        found[:, self._relative] -= means[:, self._group_of_relative]
        self._kept[self._step % self._window] = found.T

    def features(self, steps: Singles) -> Singles:
        """Return the quantiles of each interval and channel of the window, shape (width,)."""
        if len(steps) < self._window or self._step < self._lags.max():
            return self._anew.features(steps)
        rows: NDArray[np.int64] = (self._step - self._lags) % self._window
        return self._kept[rows, self._columns].reshape(-1)
