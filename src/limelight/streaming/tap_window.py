"""The last values of a stream, and the outputs of dilated kernels that one more step changes. Needs no torch."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

ARM = 4
"""Taps of a kernel on each side of its centre."""
CENTRES = ARM + 1
"""The positions of a dilation whose kernels read a new last value, and likewise an old first one."""
PLUS, MINUS, CENTRE = slice(0, 2 * CENTRES), slice(2 * CENTRES, 4 * CENTRES + 1), 4 * CENTRES + 1
"""Outputs that exist after a step, those that existed before, and that of the first kernel that lay within."""
NEW_CENTRE, ZEROED_CENTRE, BEFORE_ZEROED_CENTRE = ARM, 2 * CENTRES - 1, 4 * CENTRES - 1
ENTRIES = CENTRE + 1


class TapWindow:
    """A window of values between zeros that slides step by step under kernels of nine taps.

    A new last value changes the outputs at the positions that it is 0 to 4 dilations behind, and dropping the first
    value those that are 0 to 4 dilations behind it. All other outputs stay as they are, so that sums of outputs over
    the window can be carried from step to step.

    Parameters
    ----------
    dilations
        Distances between the taps, in steps, shape (dilations,).
    weights
        Shape (dilations, 9 · channels, kernels), tap by tap.
    window
        The most values in the window, at least 2.
    differences
        Whether the values are differences between steps, of which the first of a window is 0.

    Example
    -------
    >>> window = TapWindow([1], np.ones((1, 9, 1), dtype=np.float32), window=3, differences=False)
    >>> window.restart(np.array([[1.0], [2.0], [4.0]], dtype=np.float32))
    >>> outputs = window.advance(np.array([8.0], dtype=np.float32), drops=True)
    >>> outputs[:3, 0, 0].tolist(), outputs[MINUS][:3, 0, 0].tolist()
    ([15.0, 15.0, 15.0], [-inf, 7.0, 7.0])
    """

    def __init__(
        self, dilations: Sequence[int], weights: Float[NDArray[np.float32], "d t k"], window: int, differences: bool
    ) -> None:
        steps = np.minimum(np.array(dilations), window + 1)  # beyond, every tap but the central one reads zeros
        self.weights, self.differences = np.ascontiguousarray(weights, dtype=np.float32), differences
        self.channels = weights.shape[1] // (2 * ARM + 1)
        self._margin = 2 * ARM * int(steps.max()) + 2
        self._size = 2 * self._margin + 4 * window + 1_000
        behind, taps = np.arange(CENTRES), np.arange(-ARM, ARM + 1)
        from_last, from_first = -behind[:, None] * steps, behind[:, None] * steps + int(differences)
        dropped, centre = np.zeros((1, len(steps)), dtype=int), ARM * steps[None]
        self._of_last = np.zeros(ENTRIES, dtype=bool)
        self._of_last[[*range(CENTRES), *range(2 * CENTRES, 3 * CENTRES)]] = True
        self._positions = np.concatenate([from_last, from_first, from_last, from_first, dropped, centre])
        # the order of MINUS: before the new value (5), before the first is 0 (5), the dropped position; then the centre
        self._reads = self._positions[:, :, None] + taps * steps[:, None]
        self.restart(np.zeros((0, self.channels), dtype=np.float32))

    def another(self) -> TapWindow:
        """Return an empty window under the same kernels, whose weights are shared."""
        new = copy.copy(self)
        new.restart(np.zeros((0, self.channels), dtype=np.float32))
        return new

    def restart(self, values: Float[NDArray[np.float32], "steps channels"]) -> None:
        """Fill the window with values."""
        self._values = np.zeros((self._size, self.channels), dtype=np.float32)
        self._first, self._stop = self._margin, self._margin + len(values)
        self._values[self._first : self._stop] = values

    def advance(
        self, value: Float[NDArray[np.float32], " channels"], drops: bool
    ) -> Float[NDArray[np.float32], "entries dilations kernels"]:
        """Add a last value, drop the first if ``drops``, and return the outputs that change.

        Returns
        -------
        numpy.ndarray
            The outputs ``PLUS`` that exist afterwards, ``MINUS`` that existed before, and ``CENTRE``: of the first
            kernel that lay within the window. Minus infinity where there is none.
        """
        if self._stop + self._margin >= self._size:
            self.restart(self._values[self._first : self._stop].copy())
        first, last = self._first, self._stop
        self._values[last] = value
        base = np.where(self._of_last, last, first)
        inputs = self._values[self._reads + base[:, None, None]]
        for behind in range(CENTRES):
            inputs[2 * CENTRES + behind, :, ARM + behind] = 0  # before, the new value was 0
            inputs[CENTRES + behind, :, ARM - behind] = 0  # afterwards, the first value is 0
        flat = inputs.reshape(ENTRIES, len(self.weights), -1).transpose(1, 0, 2)
        outputs: NDArray[np.float32] = np.matmul(flat, self.weights).transpose(1, 0, 2).copy()
        outputs[~self._exist(self._positions + base[:, None], drops)] = -np.inf
        self._stop += 1
        if drops:
            self._values[first] = 0
            self._first += 1
            if self.differences:
                self._values[self._first] = 0
        return outputs

    def _exist(self, positions: NDArray[np.int64], drops: bool) -> Bool[NDArray[np.bool_], "entries dilations"]:
        """Whether each output lies within the window, shape (entries, dilations)."""
        exist: NDArray[np.bool_] = (positions >= self._first) & (positions <= self._stop)
        exist[2 * CENTRES] = False  # the new position, before
        if not self.differences:
            exist[[CENTRES, 3 * CENTRES]] = False  # the dropped position has an entry of its own
        return exist if drops else exist & self._of_last[:, None]
