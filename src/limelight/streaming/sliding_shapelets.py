"""The smallest distances to shapelets over the last steps of a stream: each step adds one stretch for each shapelet."""

from __future__ import annotations

import copy

import numpy as np
import torch

from limelight.nn.shapelets import FLATTEST, SHAPES, TOGETHER, ShapeletBlock
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
        self._back = self._reach[:, None] - np.arange(block.steps) * dilations[:, None]
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

        A window shorter than the longest shapelets is continued with its last value, so that it is compared anew too.
        """
        if exponent_of(steps) != self._exponent or len(steps) <= self._reach[-1]:
            self.restart(steps)
            return
        self._last += 1
        if dropped:
            self._closeness[self._last % self._window] = -np.inf
        rows = (self._last - self._reach) % self._window
        self._closeness[rows, np.arange(len(rows))] = self._newest(steps)

    def _newest(self, steps: Singles) -> Singles:
        """Return how closely the stretches that end with the last step match, shape (dilations, groups, shapelets)."""
        count = self.block.steps
        values = to_grid(steps[len(steps) - 1 - self._back], self._exponent, self.block.bits)
        stretches: Singles = values.swapaxes(1, 2) if values.shape[2] == 1 else self._reads @ values.swapaxes(1, 2)
        numbers = stretches.astype(np.float64)
        total, squares = numbers.sum(axis=2, keepdims=True), np.square(numbers).sum(axis=2, keepdims=True)
        variance = (count * squares - total * total) / count**2
        spread = np.sqrt(np.maximum(variance, FLATTEST**2)).astype(np.float32)
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
