"""Annotations of series: per-step labels, categorical signals, and the recordings that windows were cut from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, counted, listing
from limelight.task import UNKNOWN


@dataclass(frozen=True, eq=False)
class StepLabels:
    """One label per time step, or several independent labels per step (multi-label).

    Parameters
    ----------
    codes
        The class of each step, as an index into ``classes``, -1 if unknown, int16, shape (steps, labels).
    names
        The names of the labels, for example ``("label",)`` or ``("label_rain", "label_fog")``.
    classes
        The names of the classes. For multi-label, all labels share the classes ``("0", "1")``.

    Raises
    ------
    DataError
        If the shapes do not fit together, or multi-label classes are not 0 and 1.

    Example
    -------
    >>> labels = StepLabels.of(["rest", "walk", "walk", None])
    >>> labels.classes, labels.codes[:, 0].tolist()
    (('rest', 'walk'), [0, 1, 1, -1])
    """

    codes: NDArray[np.int16]
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] != len(self.names):
            raise DataError(
                f"expected step labels of shape (steps, {len(self.names)}), one column for each of "
                f"{listing(self.names)}, got shape {self.codes.shape}"
            )
        if len(self.names) > 1 and self.classes != ("0", "1"):
            raise DataError(
                f"expected 0 and 1 as the classes of several per-step labels, got {listing(self.classes)}; "
                "name the one label to use"
            )

    @classmethod
    def of(cls, words: ArrayLike, name: str = "label") -> StepLabels:
        """Build step labels from one word or number per step, shape (steps,); None, "" and NaN mean unknown."""
        array = np.asarray(words, dtype=object)
        known = np.array([_is_known(word) for word in array], dtype=bool)
        classes, known_codes = np.unique([_class_name(word) for word in array[known]], return_inverse=True)
        codes = np.full(len(array), UNKNOWN, dtype=np.int16)
        codes[known] = known_codes
        return cls(codes[:, None], (name,), tuple(classes.tolist()))

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, steps: Any) -> StepLabels:
        """Return the labels of some steps, indexed like an array."""
        return StepLabels(self.codes[steps], self.names, self.classes)

    @classmethod
    def joined(cls, parts: Sequence[StepLabels]) -> StepLabels:
        """Return the labels of the steps of all parts, one after the other; DataError if their names differ.

        Example
        -------
        >>> joined = StepLabels.joined([StepLabels.of(["rest"]), StepLabels.of(["walk", None, "rest"])])
        >>> joined.classes, joined.codes[:, 0].tolist()
        (('rest', 'walk'), [0, 1, -1, 0])
        """
        first = parts[0]
        for part in parts[1:]:
            if part.names != first.names:
                raise DataError(
                    f"expected the same labels of steps in every file, got {listing(first.names)} in one and "
                    f"{listing(part.names)} in another; give them the same names"
                )
        classes = tuple(sorted({name for part in parts for name in part.classes}))
        places = [np.array([*map(classes.index, part.classes), UNKNOWN], dtype=np.int16) for part in parts]
        codes = [place[part.codes] for place, part in zip(places, parts, strict=True)]
        return cls(np.concatenate(codes), first.names, classes)


@dataclass(frozen=True, eq=False)
class StepSignals:
    """Categorical signals: one category per step and signal, such as an operating mode.

    Parameters
    ----------
    codes
        The category of each step, as an index into ``classes`` of the signal, -1 if unknown, int16, shape
        (steps, signals).
    names
        The names of the signals.
    classes
        The categories of each signal.

    Raises
    ------
    DataError
        If the shapes do not fit together.

    Example
    -------
    >>> signals = StepSignals(np.array([[0], [-1]], dtype=np.int16), ("mode",), (("idle", "run"),))
    >>> len(signals), signals.at([1]).codes.tolist()
    (2, [[-1]])
    """

    codes: NDArray[np.int16]
    names: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or not self.codes.shape[1] == len(self.names) == len(self.classes):
            raise DataError(
                f"expected codes of shape (steps, {len(self.names)}) and classes for each of {listing(self.names)}, "
                f"got shape {self.codes.shape} and classes for {counted(len(self.classes), 'signal')}"
            )

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, steps: Any) -> StepSignals:
        """Return the signals of some steps, indexed like an array."""
        return StepSignals(self.codes[steps], self.names, self.classes)

    def concatenate(self, other: StepSignals) -> StepSignals:
        """Join these signals with others of the same steps, these first."""
        codes = np.concatenate([self.codes, other.codes], axis=1)
        return StepSignals(codes, self.names + other.names, self.classes + other.classes)


@dataclass(frozen=True, eq=False)
class Origin:
    """The recording and the position that each window was cut from.

    Parameters
    ----------
    recordings
        The id of the recording of each window, shape (n,).
    offsets
        The first step of each window within its recording, shape (n,).

    Example
    -------
    >>> Origin(np.array(["r1", "r1"]), np.array([0, 50])).at([1]).offsets.tolist()
    [50]
    """

    recordings: NDArray[np.str_]
    offsets: NDArray[np.int64]

    def at(self, rows: Any) -> Origin:
        """Return the origin of some windows, indexed like an array."""
        return Origin(self.recordings[rows], self.offsets[rows])


def _is_known(word: Any) -> bool:
    return word is not None and word == word and word != ""


def _class_name(word: Any) -> str:
    return str(int(word)) if isinstance(word, (float, np.floating)) and float(word).is_integer() else str(word)


RECORDING = "recording"
"""Name of the group formed by the windows of one recording."""
