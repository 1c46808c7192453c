"""The smallest distances to shapelets over the last steps of a stream: each step adds one stretch for each shapelet."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.nn.shapelets import FLAT_SPREAD, SHAPES, TOGETHER, ShapeletBlock
from limelight.streaming.value_grid import Singles, exponent_of, to_grid


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
        dilations = np.array(block.dilations)
        self._reach = (block.steps - 1) * dilations
        self._taps = np.arange(block.steps) * dilations[:, None]
        self._patterns = block.patterns.numpy().astype(np.float32)
        self._reads = block.reads.numpy().astype(np.float32)
        self._units = block.units.numpy()[..., SHAPES:] / np.float32(block.steps)
        self._levels = block.levels.numpy()[..., SHAPES:]
        self._norms, self._own = (one.numpy() for one in block.scales((slice(None), slice(None))))
        self._closeness = np.zeros((window, len(dilations), block.groups, TOGETHER), dtype=np.float32)
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
        for number, found in enumerate(self.block.closeness_of_one(torch.from_numpy(steps))):
            self._closeness[: found.shape[-1], number] = np.moveaxis(found.numpy(), -1, 0)

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
        starts = np.maximum(len(steps) - 1 - self._reach, 0)
        rows = (self._last - (len(steps) - 1) + starts) % self._window
        self._closeness[rows, np.arange(len(rows))] = self._newest(steps, starts)

    def _newest(self, steps: Singles, starts: NDArray[np.int64]) -> Singles:
        """Return how closely the stretches from some steps on match, shape (dilations, groups, shapelets)."""
        count = self.block.steps
        read = steps[np.minimum(starts[:, None] + self._taps, len(steps) - 1)]
        values = to_grid(read, self._exponent, self.block.bits)
        stretches: Singles = values.swapaxes(1, 2) if values.shape[2] == 1 else self._reads @ values.swapaxes(1, 2)
        numbers = stretches.astype(np.float64)
        total, squares = numbers.sum(axis=2, keepdims=True), np.square(numbers).sum(axis=2, keepdims=True)
        variance = (count * squares - total * total) / count**2
        spread = np.sqrt(np.maximum(variance, FLAT_SPREAD**2)).astype(np.float32)
        mean, square = (total / count).astype(np.float32), (squares / count).astype(np.float32)
        outputs: Singles = (self._patterns @ stretches[..., None])[..., 0]
        outputs[..., :SHAPES] /= spread
        levels = outputs[..., SHAPES:]
        levels *= self._units
        levels += mean * self._levels
        levels -= square / 2
        return outputs

    def features(self, steps: Singles) -> Singles:
        """Return the smallest distance to each shapelet, shape (width,)."""
        best = self._closeness.max(axis=0)
        squares = np.empty_like(best)
        squares[..., :SHAPES] = 2 - 2 * best[..., :SHAPES] / self._norms[..., :SHAPES]
        squares[..., SHAPES:] = self._own[..., SHAPES:] - 2 * best[..., SHAPES:]
        distances: Singles = np.sqrt(np.maximum(squares, 0), dtype=np.float64).astype(np.float32)
        return distances.reshape(-1)
