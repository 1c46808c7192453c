"""The last values of a stream, and what dilated kernels read where one more step changes their outputs. Needs no
torch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

ARM = 4
"""Taps of a kernel on each side of its centre."""
CENTRES = ARM + 1
"""The positions of a dilation whose kernels read a new last value, and likewise an old first one."""
PLUS, MINUS, CENTRE = slice(0, 2 * CENTRES), slice(2 * CENTRES, 4 * CENTRES + 1), 4 * CENTRES + 1
"""Outputs that exist after a step, those that existed before, and that of the first kernel that lay within; each has
a number, an entry."""
NEW_CENTRE, ZEROED_CENTRE, BEFORE_ZEROED_CENTRE = ARM, 2 * CENTRES - 1, 4 * CENTRES - 1
ENTRIES = CENTRE + 1


class TapRow(NamedTuple):
    """What the kernels of a dilation read.

    Parameters
    ----------
    dilation
        Distance between the taps, in steps, at least 1.
    source
        Index of the values that are read.
    zeroed
        0, or 1 if the values are differences between steps: once the first step is dropped, the difference that is
        so many steps behind it becomes 0.
    begins
        Number of steps of the window before the first position: 0, or 1 if the first difference is none.
    """

    dilation: int
    source: int = 0
    zeroed: int = 0
    begins: int = 0


class TapWindow:
    """A window of values between zeros that slides step by step under kernels of nine taps.

    A new last value changes the outputs at the positions that it is 0 to 4 dilations behind, and dropping the first
    value those that are 0 to 4 dilations behind it. All other outputs stay as they are, so that sums of outputs over
    the window can be carried from step to step.

    Parameters
    ----------
    rows
        What is read, one for each dilation and source.
    channels
        Number of values of a step, at least 1.
    window
        The most values in the window, at least 2.

    Example
    -------
    >>> window = TapWindow([TapRow(dilation=1)], channels=1, window=3)
    >>> window.restart(np.array([[[1.0], [2.0], [4.0]]], dtype=np.float32))
    >>> inputs = window.advance(np.array([[8.0]], dtype=np.float32), drops=True)
    >>> inputs[0].sum(axis=1)[:3].tolist(), inputs[0].sum(axis=1)[window.minus][:3].tolist()
    ([15.0, 15.0, 15.0], [7.0, 7.0, 7.0])
    >>> window.exist[0, :5].tolist(), window.exist[0, window.minus][:4].tolist()
    ([True, True, True, True, False], [True, True, True, False])
    """

    def __init__(self, rows: Sequence[TapRow], channels: int, window: int) -> None:
        steps = np.minimum([row.dilation for row in rows], window + 1)  # beyond, all taps but the centre read zeros
        self._zeroed, self._begins = (np.array([row[field] for row in rows]) for field in (2, 3))
        sources = np.array([row.source for row in rows])
        zeroed_of = dict(zip(sources.tolist(), self._zeroed.tolist(), strict=True))
        self._zeroed_values = np.array([zeroed_of[source] for source in sorted(zeroed_of)])
        self._margin = 2 * ARM * int(steps.max()) + 2
        self._shape = (len(zeroed_of), 2 * self._margin + 4 * window + 1_000, channels)
        possible = np.ones(ENTRIES, dtype=bool)
        possible[2 * CENTRES] = False  # the new position, before
        self._own = self._zeroed == self._begins  # the dropped position has an entry of its own
        possible[[CENTRES, 3 * CENTRES]] = not self._own.all()
        self._entries = np.flatnonzero(possible)
        self.plus, self.minus = (
            slice(0, int(possible[PLUS].sum())),
            slice(int(possible[PLUS].sum()), self.place_of(CENTRE)),
        )
        positions, of_last = _positions(steps, self._zeroed, self._begins)
        self._positions, self._of_last = positions[:, possible], of_last[possible]
        taps = np.arange(-ARM, ARM + 1) * steps[:, None]
        self._reads = self._positions[:, :, None] + taps[:, None] + (sources * self._shape[1])[:, None, None]
        kept = np.ones((ENTRIES, 2 * ARM + 1, 1), dtype=np.float32)
        for behind in range(CENTRES):
            kept[2 * CENTRES + behind, ARM + behind] = 0  # before, the new value was 0
            kept[CENTRES + behind, ARM - behind] = 0  # afterwards, the first value is 0
        self._kept = kept[possible]
        self.restart(np.zeros((len(zeroed_of), 0, channels), dtype=np.float32))

    def place_of(self, entry: int) -> int:
        """Return the place of an entry among those of outputs that can exist."""
        return int(np.searchsorted(self._entries, entry))

    def another(self) -> TapWindow:
        """Return an empty window under the same kernels."""
        new = copy.copy(self)
        new.restart(np.zeros((self._shape[0], 0, self._shape[2]), dtype=np.float32))
        return new

    def restart(self, values: Float[NDArray[np.float32], "sources steps channels"]) -> None:
        """Fill the window with values; of differences, the first of a window is 0."""
        self._values = np.zeros(self._shape, dtype=np.float32)
        self._first, self._stop = self._margin, self._margin + values.shape[1]
        self._values[:, self._first : self._stop] = values
        self._planned = (-1, False)

    def advance(
        self, values: Float[NDArray[np.float32], "sources channels"], drops: bool
    ) -> Float[NDArray[np.float32], "rows entries inputs"]:
        """Add the last values, drop the first if ``drops``, and return what the kernels read where outputs change.

        Returns
        -------
        numpy.ndarray
            The inputs of each kernel, 9 · channels, for the outputs ``plus`` that exist afterwards, ``minus`` that
            existed before, and last that of the first kernel that lay within the window. ``exist`` is whether there is
            such an output.
        """
        if self._stop + self._margin >= self._shape[1]:
            self.restart(self._values[:, self._first : self._stop].copy())
        first, last = self._first, self._stop
        self._values[:, last] = values
        if self._planned != (last - first, drops):
            self._plan(last - first, drops)
        by_tap = self._values.reshape(-1, self._shape[2]).take(self._indices + first, axis=0)
        by_tap *= self._kept
        self._stop += 1
        if drops:
            self._values[np.arange(len(self._values)), first + self._zeroed_values] = 0
            self._first += 1
        inputs: NDArray[np.float32] = by_tap.reshape(*self._positions.shape, -1)
        return inputs

    def _plan(self, length: int, drops: bool) -> None:
        """Prepare what depends on the number of steps of the window before the new one."""
        self._planned = (length, drops)
        self._indices = self._reads + self._of_last[:, None] * length
        positions = self._positions + self._of_last * length
        self.exist: Bool[NDArray[np.bool_], "rows entries"] = positions >= self._begins[:, None]
        self.exist &= positions <= length
        if not self._own.all():
            self.exist[np.ix_(self._own, [self.place_of(CENTRES), self.place_of(3 * CENTRES)])] = False
        if not drops:
            self.exist &= self._of_last


def _positions(
    steps: NDArray[np.int64], zeroed: NDArray[np.int64], begins: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the position of each entry, shape (rows, entries), and whether it is relative to the last step.

    The others are relative to the first step. The order of ``MINUS``: before the new value (5), before the first is 0
    (5), the dropped position.
    """
    behind = np.arange(CENTRES) * steps[:, None]
    from_first = behind + zeroed[:, None]
    centre = begins[:, None] + ARM * steps[:, None]
    positions = np.concatenate([-behind, from_first, -behind, from_first, begins[:, None], centre], axis=1)
    of_last = np.zeros(ENTRIES, dtype=bool)
    of_last[[*range(CENTRES), *range(2 * CENTRES, 3 * CENTRES)]] = True
    return positions, of_last
