"""Facts that travel with series: labels of single steps, words about them, and where a window was cut from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, counted, listing
from limelight.task import UNKNOWN


@dataclass(frozen=True, eq=False)
class StepLabels:
    """One label for each time step, or several that are independent of each other.

    Parameters
    ----------
    codes
        Which class each step has, by its place in ``classes``, -1 where it is not known, int16, shape
        (steps, labels).
    names
        Of the labels, for example ``("label",)`` or ``("label_rain", "label_fog")``.
    classes
        What the codes stand for. Several labels share the two classes ``("0", "1")``.

    Raises
    ------
    DataError
        If the shapes do not fit together, or several labels have other classes than 0 and 1.

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
                f"expected 0 and 1 in each of several labels of a step, got {listing(self.classes)}; "
                "name the one label to use"
            )

    @classmethod
    def of(cls, words: ArrayLike, name: str = "label") -> StepLabels:
        """Make step labels from one word or number for each step, shape (steps,); None, "" and NaN are not known."""
        array = np.asarray(words, dtype=object)
        known = np.array([_is_known(word) for word in array], dtype=bool)
        classes, codes = np.unique([_word(word) for word in array[known]], return_inverse=True)
        every = np.full(len(array), UNKNOWN, dtype=np.int16)
        every[known] = codes
        return cls(every[:, None], (name,), tuple(classes.tolist()))

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, steps: Any) -> StepLabels:
        """Give the labels of some steps, chosen as in an array."""
        return StepLabels(self.codes[steps], self.names, self.classes)


@dataclass(frozen=True, eq=False)
class StepSignals:
    """Words about single steps: what each side signal said when the step was taken.

    Parameters
    ----------
    codes
        Which word, by its place in ``classes``, -1 where none is known, int16, shape (steps, signals).
    names
        Of the signals.
    classes
        What the codes of each signal stand for.

    Raises
    ------
    DataError
        If the shapes do not fit together.

    Example
    -------
    >>> facts = StepSignals(np.array([[0], [-1]], dtype=np.int16), ("mode",), (("idle", "run"),))
    >>> len(facts), facts.at([1]).codes.tolist()
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
        """Give the words of some steps, chosen as in an array."""
        return StepSignals(self.codes[steps], self.names, self.classes)

    def beside(self, other: StepSignals) -> StepSignals:
        """Give these signals and then those of the other, about the same steps."""
        codes = np.concatenate([self.codes, other.codes], axis=1)
        return StepSignals(codes, self.names + other.names, self.classes + other.classes)


@dataclass(frozen=True, eq=False)
class Origin:
    """Where each window was cut from.

    Parameters
    ----------
    recordings
        The id of the recording of each window, shape (n,).
    offsets
        The step of the recording at which each window begins, shape (n,).

    Example
    -------
    >>> Origin(np.array(["r1", "r1"]), np.array([0, 50])).at([1]).offsets.tolist()
    [50]
    """

    recordings: NDArray[np.str_]
    offsets: NDArray[np.int64]

    def at(self, rows: Any) -> Origin:
        """Give the origin of some windows, chosen as in an array."""
        return Origin(self.recordings[rows], self.offsets[rows])


def _is_known(word: Any) -> bool:
    return word is not None and word == word and word != ""


def _word(word: Any) -> str:
    return str(int(word)) if isinstance(word, (float, np.floating)) and float(word).is_integer() else str(word)


RECORDING = "recording"
"""The group that windows of one recording make."""
