"""The smallest distances to shapelets over the last steps of a stream: each step adds one stretch for each shapelet."""

from __future__ import annotations

import copy

import numpy as np

from limelight.nn.shapelets import ShapeletBlock
from limelight.nn.value_grid import Singles, exponent_of, to_grid


class SlidingShapelets:
    """How closely the shapelets of a ``ShapeletBlock`` match each stretch of the last steps.

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
        self._closeness = np.zeros((window, *self._matches.shape), dtype=np.float32)
        self._last = self._exponent = 0

    def another(self) -> SlidingShapelets:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._closeness = np.empty_like(self._closeness)
        return new

    def restart(self, steps: Singles) -> None:
        """Compare all stretches of the window."""
        self._exponent, self._last = exponent_of(steps), len(steps) - 1
        self._closeness[:] = -np.inf
        start = 0
        for found in self._matches.of_series(to_grid(steps, self._exponent, self.block.bits)):
            self._closeness[start : start + len(found)] = found
            start += len(found)

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Compare the newest stretches and forget the oldest; start anew if the grid of values changes.

        A window shorter than a shapelet has one stretch, which its last value continues.
        """
        if exponent_of(steps) != self._exponent:
            self.restart(steps)
            return
        self._last += 1
        if dropped:
            self._closeness[self._last % self._window] = -np.inf
        starts = np.maximum(len(steps) - 1 - self._matches.reach, 0)
        rows = (self._last - (len(steps) - 1) + starts) % self._window
        values = to_grid(steps, self._exponent, self.block.bits)
        self._closeness[rows, np.arange(len(rows))] = self._matches.at(values, starts[:, None])[0]

    def features(self, steps: Singles) -> Singles:
        """Return the smallest distance to each shapelet, shape (width,)."""
        return self._matches.distances(self._closeness.max(axis=0))
