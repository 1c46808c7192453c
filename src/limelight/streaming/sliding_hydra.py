"""The features of Hydra over the last steps of a stream: sums that are carried from step to step."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from limelight.nn.hydra import RIVALS, HydraBlock
from limelight.nn.hydra_sums import HydraSums, sum_contests
from limelight.nn.value_grid import Singles, exponent_of, to_units
from limelight.streaming.tap_window import TapRow, TapWindow


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
        self._weights = block.unrolled_weights()
        rows = [TapRow(one, source=place, zeroed=place, begins=place) for place in (0, 1) for one in block.dilations]
        self._taps = TapWindow(rows, block.reads.shape[-1], window)
        none = np.zeros((RIVALS, len(rows), block.groups), dtype=np.int64)
        self._sums = HydraSums(none, none.astype(np.int32))
        self._exponent = 0
        self._planned: NDArray[np.bool_] | None = None
        self._signs, self._lowest = np.zeros((2, self._taps.minus.stop, len(rows), 1), dtype=np.float32)

    def another(self) -> SlidingHydra:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._taps = self._taps.another()
        return new

    def restart(self, steps: Singles) -> None:
        """Sum over the whole window."""
        self._exponent = exponent_of(steps)
        values = to_units(steps, self._exponent, self.block.bits)
        self._taps.restart(np.stack([values, np.diff(values, axis=0, prepend=values[:1])]))
        wins, losses = sum_contests(values, self._weights, self.block.dilations)
        self._sums = HydraSums(wins, losses.astype(np.int32))

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Add what changes with the new step and without the dropped one; sum anew if the grid of values changes."""
        if exponent_of(steps) != self._exponent:
            self.restart(steps)
            return
        last = to_units(steps[-2:], self._exponent, self.block.bits)
        inputs = self._taps.advance(np.stack([last[-1], last[-1] - last[0]]), dropped)
        used = self._taps.minus.stop
        outputs = np.empty((RIVALS, used, *self._sums.wins.shape[1:]), dtype=np.float32)
        np.matmul(inputs[:, :used], self._weights, out=outputs.swapaxes(1, 2))
        if self._planned is not self._taps.exist:
            self._plan(self._taps.exist)
        self._add(outputs)

    def _plan(self, planned: NDArray[np.bool_]) -> None:
        """Prepare what depends on the outputs that exist: their signs, and what keeps others from being the lowest."""
        self._planned = planned
        exist = planned[:, : self._taps.minus.stop].T[..., None]
        self._signs = exist.astype(np.float32)
        self._signs[self._taps.minus] *= -1
        self._lowest = np.where(exist, np.float32(0), np.float32(-np.inf))

    def _add(self, outputs: Singles) -> None:
        """Add the contests of outputs, shape (rivals, entries, rows, groups)."""
        top, low = np.maximum.reduce(outputs), np.minimum.reduce(outputs)
        wins = (outputs == top).astype(np.int32)
        wins *= (top * self._signs).astype(np.int32)
        losses = (outputs == low + self._lowest).view(np.int8)
        both = (self._taps.plus, self._taps.minus)
        more, fewer = (np.add.reduce(losses[:, entries], axis=1, dtype=np.int8) for entries in both)
        np.add(self._sums.wins, np.add.reduce(wins, axis=1, dtype=np.int32), out=self._sums.wins)
        np.add(self._sums.losses, more - fewer, out=self._sums.losses)

    def features(self, steps: Singles) -> Singles:
        """Return the mean output where each kernel wins and the share of positions where it loses, shape (width,)."""
        return self.block.features_of(self._sums, len(steps), self._exponent)
