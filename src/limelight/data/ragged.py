"""Ragged: series of any length that stand one after the other in one array, in memory or mapped from files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels, StepSignals

PER_STEP = ("values", "times", "step_labels", "signals")
BLOCK_STEPS = 1 << 20


class Backing(Protocol):
    """Files that the arrays of a Panel are mapped from; pickled by name, never by content."""

    def arrays(self) -> dict[str, Any]:
        """Give what belongs to single steps: values, times, step_labels, signals."""

    def note_read(self, lengths: NDArray[np.int64]) -> None:
        """Take note that series of these lengths were read, and give memory back now and then."""


class Ragged(ABC):
    """What belongs to single steps, and where each series has its own; the base of ``Panel``, which checks it.

    Parameters
    ----------
    values, starts, lengths, times, step_labels, signals, backing
        As for ``Panel``.
    """

    values: NDArray[np.float32]
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
        """Series, steps of the longest series, channels."""
        return len(self), int(self.lengths.max(initial=0)), len(self.channels)

    @property
    def ndim(self) -> int:
        """Always 3: series, time, channels."""
        return 3

    def series(self, row: int) -> NDArray[np.float32]:
        """Give the values of one series, shape (time, channels), without copying."""
        start = self.starts[row]
        return self.values[start : start + self.lengths[row]]

    def clock(self, row: int) -> NDArray[Any]:
        """Give the times of one series, shape (time,); the step numbers where no time is known."""
        start, length = self.starts[row], self.lengths[row]
        return np.arange(length) if self.times is None else self.times[start : start + length]

    def first_and_last_times(self) -> NDArray[Any] | None:
        """Give the time of the first and of the last step of each series, shape (n, 2); None without a clock."""
        if self.times is None:
            return None
        return np.stack([self.times[self.starts], self.times[self.starts + self.lengths - 1]], axis=1)

    def _with(self, **changes: Any) -> Self:
        """Give the same panel with other facts, which fit it: nothing is checked."""
        panel = type(self).__new__(type(self))
        panel.__dict__.update(self.__dict__)
        panel.__dict__.update(changes)
        return panel

    def compact(self) -> Self:
        """Give a panel that holds the values of its own series alone, in their order.

        Returns
        -------
        Panel
            Equal to this one, with ``starts`` running from 0 without gaps. Nothing is copied where the series stand
            one after the other already.
        """
        starts = np.cumsum(self.lengths) - self.lengths
        if len(self) and np.array_equal(self.starts - self.starts[0], starts):
            first, steps = int(self.starts[0]), int(self.lengths.sum())
            if steps == len(self.values):
                return self
            return self._with(starts=starts, **self._steps(slice(first, first + steps)))
        return self._with(starts=starts, **self._steps(self.step_places()))

    def _steps(self, places: Any) -> dict[str, Any]:
        return {
            "values": self.values[places],
            "times": None if self.times is None else self.times[places],
            "step_labels": None if self.step_labels is None else self.step_labels.at(places),
            "signals": None if self.signals is None else self.signals.at(places),
            "backing": None,
        }

    def blocks(self, steps: int = BLOCK_STEPS) -> Iterator[Self]:
        """Go through all series in compact panels of about so many steps, which is how to read what memory cannot hold.

        Parameters
        ----------
        steps
            Of one block; a longer series makes a block of its own.

        Returns
        -------
        Iterator[Self]
            Every row once, in order.

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
        """Take note that series of these lengths were read: mapped files give their memory back now and then."""
        if self.backing is not None:
            self.backing.note_read(lengths)

    def step_places(self) -> NDArray[np.int64]:
        """Give where every step of every series stands in ``values``, series after series, shape (steps,)."""
        ends = np.cumsum(self.lengths)
        shift = np.repeat(self.starts - (ends - self.lengths), self.lengths)
        places: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0) + shift
        return places

    def __getstate__(self) -> dict[str, Any]:
        if self.backing is None:
            return dict(self.compact().__dict__)  # a pickled row does not take the whole set along
        return {name: fact for name, fact in self.__dict__.items() if name not in PER_STEP}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.backing is not None:
            self.__dict__.update(self.backing.arrays())
