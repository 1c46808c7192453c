"""What is asked of a model: for series or for steps, one of several classes or several labels, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import LabelError, ModelFolderError, ParameterError, counted, listing
from limelight.types import Codes

TaskKind = Literal["binary", "multiclass", "multilabel"]
Level = Literal["series", "step"]
Label = str | int | float | bool
UNKNOWN = -1
"""The code of a label that is not known: it gives no loss and no score."""


@dataclass(frozen=True)
class Task:
    """For each series, or each step: one of two classes (binary) or more (multi-class), or any of several labels.

    Parameters
    ----------
    classes
        Names. Of the classes, sorted, at least two, of which one is right; or, when multi-label, of the labels, at
        least one, each of which is there or not. Their order is the order of the probabilities.
    positive
        The class that precision, recall and F1 are about when there are two; None means the last one.
    multilabel
        Whether the labels are independent of each other.
    level
        ``"series"`` for answers about whole series, ``"step"`` for an answer at each step.

    Raises
    ------
    LabelError
        If there are too few classes.
    ParameterError
        If ``positive`` is not one of the classes, or said of a task that has none.

    Example
    -------
    >>> task = Task.from_labels(["ok", "fault", "ok"], positive="fault")
    >>> task.kind, task.classes, task.outputs
    ('binary', ('fault', 'ok'), 1)
    >>> task.encode(["ok", None, "fault"]).tolist()
    [1, -1, 0]
    >>> both = Task(("rain", "fog"), multilabel=True)
    >>> both.kind, both.outputs, both.encode([[1, 0], [0, np.nan]]).tolist()
    ('multilabel', 2, [[1, 0], [0, -1]])
    """

    classes: tuple[Label, ...]
    positive: Label | None = None
    multilabel: bool = False
    level: Level = "series"

    def __post_init__(self) -> None:
        if self.multilabel:
            self._check_labels()
        elif len(self.classes) < 2:
            got = f"one class only, {listing(self.classes)}" if self.classes else "none that is known"
            raise LabelError(
                f"expected labels of at least two classes, got {got}; "
                "a classifier needs series of another class to compare with"
            )
        elif self.positive is not None and self.positive not in self.classes:
            raise ParameterError(
                f"positive={self.positive!r} is not one of the classes; they are {listing(self.classes, 20)}"
            )

    def _check_labels(self) -> None:
        if not self.classes:
            raise LabelError("expected at least one label for a multi-label task, got none; name its columns")
        if self.positive is not None:
            raise ParameterError(
                f"expected no positive class with several labels, got positive={self.positive!r}: each label is there "
                "or not; leave it out"
            )

    @classmethod
    def from_labels(
        cls,
        labels: ArrayLike,
        positive: Label | None = None,
        names: tuple[str, ...] | None = None,
        level: Level = "series",
    ) -> Task:
        """Read the task off the labels of the training part.

        Parameters
        ----------
        labels
            One label for each series or step, shape (n,): strings, whole numbers or booleans, None, NaN or "" where
            one is not known; or 0 and 1 for each of several labels, NaN where not known, shape (n, labels).
        positive
            The positive class when there are two; None means the last in sorted order.
        names
            Of several labels; None numbers them.
        level
            What the labels are of.

        Returns
        -------
        Task
            Binary for two distinct labels, multi-class for more, multi-label for a matrix.

        Raises
        ------
        LabelError
            If there is one class only, or a matrix holds something else than 0 and 1.

        Example
        -------
        >>> Task.from_labels([3, 1, 2, 1]).kind
        'multiclass'
        >>> Task.from_labels([[0, 1], [1, 1]], names=("rain", "fog")).classes
        ('rain', 'fog')
        """
        array = np.asarray(labels)
        if array.ndim == 2:
            task = cls(names or tuple(f"label_{place}" for place in range(array.shape[1])), positive, True, level)
            task.encode(array)
            return task
        known = is_known(array)
        given = array if known.all() else _of_one_type(array[known])
        return cls(tuple(np.unique(given).tolist()), positive, level=level)

    @property
    def kind(self) -> TaskKind:
        """``"binary"`` for two classes, ``"multiclass"`` for more, ``"multilabel"`` for independent labels."""
        return "multilabel" if self.multilabel else "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """How many logits the network gives: 1 when binary (of the second class), else one for each class or label."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def positive_index(self) -> int:
        """The place in ``classes`` of the class that the two-class scores are about."""
        return len(self.classes) - 1 if self.positive is None else self.classes.index(self.positive)

    @property
    def by_step(self) -> bool:
        """Whether each step has an answer of its own."""
        return self.level == "step"

    def encode(self, labels: ArrayLike) -> Codes:
        """Turn labels into places in ``classes``, or, of several labels, into 0 and 1.

        Parameters
        ----------
        labels
            As for ``from_labels``.

        Returns
        -------
        NDArray[np.int64]
            Of the same shape; -1 where a label is not known.

        Raises
        ------
        LabelError
            If a label is not one of the classes, or of several labels one is not 0 or 1, or their number differs.
        """
        if self.multilabel:
            return self._encode_matrix(labels)
        place = {label: index for index, label in enumerate(self.classes)}
        array = np.asarray(labels)
        given, known = array.tolist(), is_known(array)
        unknown = sorted({str(label) for label, said in zip(given, known, strict=True) if said and label not in place})
        if unknown:
            raise LabelError(
                f"expected labels among the classes {listing(self.classes, 20)}, got {listing(unknown)}; "
                "leave these series out, or train with series of that class"
            )
        codes = [place[label] if said else UNKNOWN for label, said in zip(given, known, strict=True)]
        return np.array(codes, dtype=np.int64)

    def _encode_matrix(self, labels: ArrayLike) -> Codes:
        array = np.asarray(labels)
        if array.ndim != 2 or array.shape[1] != len(self.classes):
            raise LabelError(
                f"expected 0 or 1 for each of {counted(len(self.classes), 'label')} ({listing(self.classes)}), got an "
                f"array of shape {array.shape}; give a matrix (series, {len(self.classes)})"
            )
        try:
            numbers = array.astype(np.float64)
        except (TypeError, ValueError):
            raise LabelError(
                f"expected 0 and 1 for several labels, got {array.dtype}; turn them into numbers"
            ) from None
        wrong = ~(np.isnan(numbers) | (numbers == 0) | (numbers == 1))
        if wrong.any():
            row, column = (int(place) for place in np.argwhere(wrong)[0])
            raise LabelError(
                f"expected 0 or 1 for label {self.classes[column]!r}, got {array[row, column]} in row {row}; a label "
                "that is not known is NaN"
            )
        return np.where(np.isnan(numbers), UNKNOWN, np.nan_to_num(numbers)).astype(np.int64)

    def decode(self, codes: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Turn codes back into labels of the same shape; 0 and 1 stay what they are when multi-label."""
        labels: NDArray[Any] = codes if self.multilabel else np.array(self.classes)[codes]
        return labels

    def shares(self, codes: Codes) -> NDArray[np.float64]:
        """Say how frequent each class or label is among what is known, shape (classes,).

        Example
        -------
        >>> Task(("a", "b")).shares(np.array([0, 1, 1, 1, -1])).tolist()
        [0.25, 0.75]
        """
        known = codes != UNKNOWN
        if self.multilabel:
            shares: NDArray[np.float64] = ((codes == 1) & known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
            return shares
        return np.bincount(codes[known], minlength=len(self.classes)) / max(int(known.sum()), 1)

    def decide(self, probabilities: NDArray[np.float64], thresholds: ArrayLike | None = None) -> Codes:
        """Turn probabilities into codes.

        Parameters
        ----------
        probabilities
            Shape (N, classes) or (N, labels).
        thresholds
            The probability from which the positive class, shape (1,), or each of several labels, shape (labels,), is
            answered. None answers the most probable class, of equal ones the first, and labels from 0.5.

        Returns
        -------
        NDArray[np.int64]
            Shape (N,), or (N, labels) when multi-label.

        Raises
        ------
        ParameterError
            If there are thresholds for more than two classes, or not as many as needed.

        Example
        -------
        >>> task = Task(("fault", "ok"), positive="fault")
        >>> task.decide(np.array([[0.3, 0.7], [0.1, 0.9]]), [0.2]).tolist()
        [0, 1]
        """
        if thresholds is None:
            answers: NDArray[Any] = probabilities >= 0.5 if self.multilabel else probabilities.argmax(axis=1)
            return answers.astype(np.int64)
        if self.kind == "multiclass":
            raise ParameterError(
                f"expected no thresholds for {len(self.classes)} classes, of which the most probable is answered, "
                "got some; leave them out"
            )
        values = np.asarray(thresholds, dtype=np.float64)
        if values.shape != (self.outputs,):
            raise ParameterError(
                f"expected thresholds of shape ({self.outputs},) for {self.kind} answers, got {values.shape}; "
                "give one for the positive class, or one for each label"
            )
        if self.multilabel:
            return (probabilities >= values).astype(np.int64)
        positive = self.positive_index
        return np.where(probabilities[:, positive] >= values[0], positive, 1 - positive).astype(np.int64)

    def describe(self, unit: str = "series") -> str:
        """Say the task in one line.

        Example
        -------
        >>> Task(("rain", "fog"), multilabel=True, level="step").describe()
        'multilabel: any of rain, fog at each step'
        """
        choice = "any of" if self.multilabel else "one of"
        where = "at each step" if self.by_step else f"for each {unit}"
        return f"{self.kind}: {choice} {', '.join(map(str, self.classes))} {where}"

    def to_json(self) -> dict[str, Any]:
        """Say the task in a form that JSON can hold."""
        return {
            "level": self.level,
            "kind": self.kind,
            "classes": list(self.classes),
            "positive": self.positive,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Task:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        classes: Any = content.get("classes") if isinstance(content, dict) else None
        named = isinstance(classes, list) and all(isinstance(label, (str, int, float)) for label in classes)
        if not named or len(set(classes)) < len(classes) or content.get("level") not in ("series", "step"):
            raise ModelFolderError(
                "expected a task with a level and a list of classes, "
                f"got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            )
        multilabel = content.get("kind") == "multilabel"
        return cls(tuple(classes), content.get("positive"), multilabel, content["level"])


def is_known(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which labels are known: all but None, NaN and the empty word; of the same shape.

    Example
    -------
    >>> is_known(np.array(["a", None, ""], dtype=object)).tolist()
    [True, False, False]
    """
    known: NDArray[np.bool_] = labels == labels  # NaN is unlike itself
    if labels.dtype.kind in "US":
        known = labels != labels.dtype.type()
    if labels.dtype.kind != "O":
        return known
    flat = [word is not None and word == word and word != "" for word in labels.reshape(-1).tolist()]
    return np.array(flat, dtype=bool).reshape(labels.shape)


def _of_one_type(labels: NDArray[Any]) -> NDArray[Any]:
    """Give known labels without the type that only missing ones needed: object to words, decimals to whole numbers."""
    if labels.dtype.kind == "O":
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all():
        return labels.astype(np.int64)
    return labels
