"""The features of Hydra over the last steps of a stream: sums that are carried from step to step."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.nn.fixed_features import TAPS
from limelight.nn.hydra import RIVALS, WEIGHT_BITS, HydraBlock
from limelight.streaming.tap_window import MINUS, PLUS, TapRow, TapWindow
from limelight.streaming.value_grid import Singles, exponent_of, to_units


class SlidingHydra:
    """The sums of a ``HydraBlock`` over the last steps, as whole numbers of units of the grid of values.

    Parameters
    ----------
    block
        A fitted block that evaluates kernels at every step.
    window
        The most steps in the window, at least 2.
    """

    def __init__(self, block: HydraBlock, window: int) -> None:
        self.block = block
        kernels = block.kernels.numpy().astype(np.float32)
        weights = kernels[..., None] * block.reads.numpy()[:, :, :, None, None, :]
        dilations, channels = len(block.dilations), weights.shape[-1]
        by_rival = weights.reshape(2 * dilations, block.groups, RIVALS, TAPS * channels).transpose(2, 0, 3, 1)
        self._weights = np.ascontiguousarray(by_rival)
        rows = [TapRow(one, source=place, zeroed=place, begins=place) for place in (0, 1) for one in block.dilations]
        self._taps = TapWindow(rows, channels, window)
        self._wins = np.zeros((RIVALS, 2 * dilations, block.groups), dtype=np.int64)
        self._losses = np.zeros(self._wins.shape, dtype=np.int32)
        self._exponent = 0

    def another(self) -> SlidingHydra:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._taps = self._taps.another()
        return new

    @property
    def _unit(self) -> float:
        return float(2.0 ** (self._exponent - self.block.bits - WEIGHT_BITS))

    def restart(self, steps: Singles) -> None:
        """Sum over the whole window."""
        self._exponent = exponent_of(steps)
        values = to_units(steps, self._exponent, self.block.bits)
        self._taps.restart(np.stack([values, np.diff(values, axis=0, prepend=values[:1])]))
        sums = self.block.sums_of_one(torch.from_numpy(steps)).numpy().transpose(4, 3, 0, 1, 2)
        by_rival = sums.reshape(RIVALS, 2, -1, self.block.groups)
        self._wins = (by_rival[:, 0] / self._unit).astype(np.int64)
        self._losses = by_rival[:, 1].astype(np.int32)

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Add what changes with the new step and without the dropped one; sum anew if the grid of values changes."""
        if exponent_of(steps) != self._exponent:
            self.restart(steps)
            return
        last = to_units(steps[-2:], self._exponent, self.block.bits)
        inputs = self._taps.advance(np.stack([last[-1], last[-1] - last[0]]), dropped)
        used = slice(PLUS.start, MINUS.stop)
        outputs = np.empty((RIVALS, MINUS.stop, *self._wins.shape[1:]), dtype=np.float32)
        np.matmul(inputs[:, used], self._weights, out=outputs.swapaxes(1, 2))
        self._add(outputs, self._taps.exist[:, used].T[..., None])

    def _add(self, outputs: Singles, exist: NDArray[np.bool_]) -> None:
        """Add the contests of outputs, shape (rivals, entries, rows, groups), of which some do not exist."""
        top, low = np.maximum.reduce(outputs), np.minimum.reduce(outputs)
        wins = (outputs == top).astype(np.int32)
        wins *= np.where(exist, top, 0).astype(np.int32)
        loses = (outputs == np.where(exist, low, -np.inf)).view(np.int8)
        for entries, add in ((PLUS, np.add), (MINUS, np.subtract)):
            add(self._wins, np.add.reduce(wins[:, entries], axis=1, dtype=np.int32), out=self._wins)
            add(self._losses, np.add.reduce(loses[:, entries], axis=1, dtype=np.int8), out=self._losses)

    def features(self, steps: Singles) -> Singles:
        """Return the mean output where each kernel wins and the share of positions where it loses, shape (width,)."""
        sums = np.empty((*self._wins.shape[1:], 2, RIVALS))
        np.multiply(self._wins.transpose(1, 2, 0), self._unit, out=sums[:, :, 0])
        sums[:, :, 1] = self._losses.transpose(1, 2, 0)
        sums /= len(steps)
        return sums.astype(np.float32).reshape(-1)
