"""The smallest distances to shapelets over the last steps of a stream: each step adds one stretch for each shapelet."""

from __future__ import annotations

import copy
import math

import numpy as np

from limelight.nn.shapelets import ShapeletBlock
from limelight.nn.value_grid import Singles, exponent_of, to_grid


class SlidingShapelets:
    """How closely the shapelets of a ``ShapeletBlock`` match each stretch of the last steps.

    The best matches of some consecutive steps are kept too, so that a step compares those of two rows of them.

    Parameters
    ----------
    block
        A fitted block that reads stretches from every step on.
    window
        The most steps in the window, at least 2.
    """

    def __init__(self, block: ShapeletBlock, window: int) -> None:
        self.block, self._window = block, window
        self._matches = block.matches()
        self._together = math.isqrt(window)
        parts = -(-window // self._together)
        self._closeness = np.zeros((parts, self._together, *self._matches.shape), dtype=np.float32)
        self._best = np.zeros((parts, *self._matches.shape), dtype=np.float32)
        self._last = self._exponent = 0

    def another(self) -> SlidingShapelets:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._closeness, new._best = np.empty_like(self._closeness), np.empty_like(self._best)
        return new

    def restart(self, steps: Singles) -> None:
        """Compare all stretches of the window."""
        self._exponent, self._last = exponent_of(steps), len(steps) - 1
        self._closeness[:] = -np.inf
        by_step, start = self._closeness.reshape(-1, *self._matches.shape), 0
        for found in self._matches.of_series(to_grid(steps, self._exponent, self.block.bits)):
            by_step[start : start + len(found)] = found
            start += len(found)
        self._best = self._closeness.max(axis=1)

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Compare the newest stretches and forget the oldest; start anew if the grid of values changes.

        A window shorter than a shapelet has one stretch, which its last value continues.
        """
        if exponent_of(steps) != self._exponent:
            self.restart(steps)
            return
        self._last += 1
        if dropped:
            part, place = divmod(self._last % self._window, self._together)
            self._closeness[part, place] = -np.inf
            self._best[part] = self._closeness[part].max(axis=0)
        starts = np.maximum(len(steps) - 1 - self._matches.reach, 0)
        parts, places = np.divmod((self._last - (len(steps) - 1) + starts) % self._window, self._together)
        values, every = to_grid(steps, self._exponent, self.block.bits), np.arange(len(starts))
        self._closeness[parts, places, every] = self._matches.at(values, starts[:, None])[0]
        self._best[parts, every] = self._closeness[parts, :, every].max(axis=1)

    def features(self, steps: Singles) -> Singles:
        """Return the smallest distance to each shapelet, shape (width,)."""
        return self._matches.distances(self._best.max(axis=0))
