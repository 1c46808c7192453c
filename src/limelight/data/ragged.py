"""Series of any length, concatenated in one array that is in memory or memory-mapped from files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels, StepSignals
from limelight.data.precision import absolute

PER_STEP = ("values", "times", "step_labels", "signals")
"""Attributes of a Panel with one entry per step."""
BLOCK_STEPS = 1 << 20
"""Steps that are processed at a time, to bound the memory used."""


class Backing(Protocol):
    """Files from which the per-step arrays of a Panel are memory-mapped; pickled by path, never by content."""

    def arrays(self) -> dict[str, Any]:
        """Return the per-step arrays by name: values, times, step_labels, signals."""

    def note_read(self, lengths: NDArray[np.int64]) -> None:
        """Record that series of these lengths were read; release mapped memory from time to time."""


class Ragged(ABC):
    """The per-step arrays of a ``Panel`` and the position of each series in them; ``Panel`` checks them.

    Parameters
    ----------
    values, offset, starts, lengths, times, step_labels, signals, backing
        As for ``Panel``.
    """

    values: NDArray[np.float32]
    offset: NDArray[np.float64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    channels: tuple[str, ...]
    times: NDArray[Any] | None
    step_labels: StepLabels | None
    signals: StepSignals | None
    backing: Backing | None

    @abstractmethod
    def __getitem__(self, rows: Any) -> Self: ...

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The number of series, the steps of the longest series, and the number of channels."""
        return len(self), int(self.lengths.max(initial=0)), len(self.channels)

    @property
    def ndim(self) -> int:
        """Always 3: series, time, channels."""
        return 3

    def series(self, row: int) -> NDArray[np.float32] | NDArray[np.float64]:
        """Return the values of one series, shape (time, channels): float32 without a copy, float64 with an offset."""
        start = self.starts[row]
        return absolute(self.values[start : start + self.lengths[row]], self.offset)

    def clock(self, row: int) -> NDArray[Any]:
        """Return the times of one series, shape (time,); step numbers if there are no times."""
        start, length = self.starts[row], self.lengths[row]
        return np.arange(length) if self.times is None else self.times[start : start + length]

    def first_and_last_times(self) -> NDArray[Any] | None:
        """Return the first and last time of each series, shape (n, 2); None if there are no times."""
        if self.times is None:
            return None
        return np.stack([self.times[self.starts], self.times[self.starts + self.lengths - 1]], axis=1)

    def _with(self, **changes: Any) -> Self:
        """Replace attributes without any check; the caller passes values that fit together."""
        panel = type(self).__new__(type(self))
        panel.__dict__.update(self.__dict__)
        panel.__dict__.update(changes)
        return panel

    def compact(self) -> Self:
        """Return an equal panel that holds only the values of its own series, in their order.

        Returns
        -------
        Panel
            A panel whose series fill ``values`` without gaps. Nothing is copied if the series are consecutive already.
        """
        starts = np.cumsum(self.lengths) - self.lengths
        if len(self) and np.array_equal(self.starts - self.starts[0], starts):
            first, steps = int(self.starts[0]), int(self.lengths.sum())
            if steps == len(self.values):
                return self
            return self._with(starts=starts, **self._select_steps(slice(first, first + steps)))
        return self._with(starts=starts, **self._select_steps(self.step_positions()))

    def _select_steps(self, steps: Any) -> dict[str, Any]:
        return {
            "values": self.values[steps],
            "times": None if self.times is None else self.times[steps],
            "step_labels": None if self.step_labels is None else self.step_labels.at(steps),
            "signals": None if self.signals is None else self.signals.at(steps),
            "backing": None,
        }

    def blocks(self, steps: int = BLOCK_STEPS) -> Iterator[Self]:
        """Iterate over all series in compact panels of limited size, to process data larger than memory.

        Parameters
        ----------
        steps
            The maximum number of steps per block; a longer series forms a block of its own.

        Returns
        -------
        Iterator[Self]
            Blocks that together contain every row once, in order.

        Example
        -------
        >>> from limelight.data.panel import Panel
        >>> panel = Panel.from_series([[1.0, 2.0], [3.0], [4.0]])
        >>> [block.values[:, 0].tolist() for block in panel.blocks(steps=3)]
        [[1.0, 2.0, 3.0], [4.0]]
        """
        if not len(self):
            return
        ends = np.cumsum(self.lengths)
        start = 0
        while start < len(self):
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + steps, side="right")))
            yield self[start:stop].compact()
            self.note_read(self.lengths[start:stop])
            start = stop

    def note_read(self, lengths: NDArray[np.int64]) -> None:
        """Record that series of these lengths were read, so that mapped files release memory from time to time."""
        if self.backing is not None:
            self.backing.note_read(lengths)

    def step_positions(self) -> NDArray[np.int64]:
        """Return the row of ``values`` of every step, series by series, shape (steps,)."""
        ends = np.cumsum(self.lengths)
        shift = np.repeat(self.starts - (ends - self.lengths), self.lengths)
        positions: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0) + shift
        return positions

    def __getstate__(self) -> dict[str, Any]:
        if self.backing is None:
            return dict(self.compact().__dict__)  # so that a pickled row does not include the whole set
        return {name: value for name, value in self.__dict__.items() if name not in PER_STEP}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.backing is not None:
            self.__dict__.update(self.backing.arrays())
