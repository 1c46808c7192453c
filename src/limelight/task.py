"""The prediction task: its classes or labels, and whether it is about whole series or single steps."""

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
"""The code of an unknown label, which no loss and no score counts."""


@dataclass(frozen=True)
class Task:
    """A classification task: binary, multi-class or multi-label, per series or per step.

    Parameters
    ----------
    classes
        Names in the order of the predicted probabilities: at least two mutually exclusive classes, sorted; or, if
        multi-label, at least one label, each of which is present or absent.
    positive
        The class that precision, recall and F1 refer to in a binary task; None is the last one, or "x" of the classes
        "x" and "not x".
    multilabel
        Whether the labels are independent of each other.
    level
        ``"series"`` for one prediction per series, ``"step"`` for one prediction per step.

    Raises
    ------
    LabelError
        If there are too few classes or labels.
    ParameterError
        If ``positive`` is not one of the classes, or is set for a multi-label task.

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
            got = f"one class, {listing(self.classes)}" if self.classes else "no known label"
            raise LabelError(
                f"expected labels of at least two classes, got {got}; add labelled examples of other classes"
            )
        elif self.positive is not None and self.positive not in self.classes:
            raise ParameterError(
                f"expected one of the classes {listing(self.classes, 20)} for positive, got {self.positive!r}"
            )

    def _check_labels(self) -> None:
        if not self.classes:
            raise LabelError("expected at least one label for a multi-label task, got none; name its columns")
        if self.positive is not None:
            raise ParameterError(
                f"expected no positive class for a multi-label task, got positive={self.positive!r}; remove it, as "
                "each label has a positive class of its own"
            )

    @classmethod
    def from_labels(
        cls,
        labels: ArrayLike,
        positive: Label | None = None,
        names: tuple[str, ...] | None = None,
        level: Level = "series",
    ) -> Task:
        """Infer the task from training labels.

        Parameters
        ----------
        labels
            One label per series or step, shape (n,): strings, integers or booleans; None, NaN or "" if unknown. Or,
            if multi-label, 0 or 1 per label, NaN if unknown, shape (n, labels).
        positive
            The positive class of a binary task; None is the last in sorted order.
        names
            Names of the labels if multi-label; None numbers them.
        level
            Whether the labels are per series or per step.

        Returns
        -------
        Task
            Binary for two distinct labels, multi-class for more, multi-label for a matrix.

        Raises
        ------
        LabelError
            If there is only one class, or a matrix contains anything but 0, 1 and NaN.

        Example
        -------
        >>> Task.from_labels([3, 1, 2, 1]).kind
        'multiclass'
        >>> Task.from_labels([[0, 1], [1, 1]], names=("rain", "fog")).classes
        ('rain', 'fog')
        """
        array = np.asarray(labels)
        if array.ndim == 2:
            task = cls(names or tuple(f"label_{column}" for column in range(array.shape[1])), positive, True, level)
            task.encode(array)
            return task
        known = is_known(array)
        known_labels = array if known.all() else _narrow_type(array[known])
        return cls(tuple(np.unique(known_labels).tolist()), positive, level=level)

    @property
    def kind(self) -> TaskKind:
        """``"binary"`` for two classes, ``"multiclass"`` for more, ``"multilabel"`` for independent labels."""
        return "multilabel" if self.multilabel else "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """The number of logits: 1 if binary (for the second class), else one per class or label."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def positive_index(self) -> int:
        """The index in ``classes`` of the positive class of a binary task."""
        if self.positive is not None:
            return self.classes.index(self.positive)
        return 0 if len(self.classes) == 2 and self.classes[1] == f"not {self.classes[0]}" else len(self.classes) - 1

    @property
    def by_step(self) -> bool:
        """Whether each step has a prediction of its own."""
        return self.level == "step"

    def encode(self, labels: ArrayLike) -> Codes:
        """Encode labels as indices into ``classes``, or as 0 and 1 if multi-label.

        Parameters
        ----------
        labels
            As for ``from_labels``.

        Returns
        -------
        NDArray[np.int64]
            Codes of the same shape; -1 for an unknown label.

        Raises
        ------
        LabelError
            If a label is not one of the classes; or, if multi-label, a value is not 0 or 1 or the number of columns
            is wrong.
        """
        if self.multilabel:
            return self._encode_matrix(labels)
        index_of = {label: index for index, label in enumerate(self.classes)}
        array = np.asarray(labels)
        pairs = list(zip(array.tolist(), is_known(array), strict=True))
        foreign = sorted({str(label) for label, known in pairs if known and label not in index_of})
        if foreign:
            raise LabelError(
                f"expected labels among the classes {listing(self.classes, 20)}, got {listing(foreign)}; "
                "remove these series, or train with series of that class"
            )
        return np.array([index_of[label] if known else UNKNOWN for label, known in pairs], dtype=np.int64)

    def _encode_matrix(self, labels: ArrayLike) -> Codes:
        array = np.asarray(labels)
        if array.ndim != 2 or array.shape[1] != len(self.classes):
            raise LabelError(
                f"expected 0 or 1 for each of {counted(len(self.classes), 'label')} ({listing(self.classes)}), got an "
                f"array of shape {array.shape}; pass a matrix of shape (series, {len(self.classes)})"
            )
        try:
            numbers = array.astype(np.float64)
        except (TypeError, ValueError):
            raise LabelError(
                f"expected 0 and 1 for multi-label targets, got {array.dtype}; convert them to numbers"
            ) from None
        wrong = ~(np.isnan(numbers) | (numbers == 0) | (numbers == 1))
        if wrong.any():
            row, column = (int(index) for index in np.argwhere(wrong)[0])
            raise LabelError(
                f"expected 0 or 1 for label {self.classes[column]!r}, got {array[row, column]} in row {row}; use NaN "
                "for an unknown label"
            )
        return np.where(np.isnan(numbers), UNKNOWN, np.nan_to_num(numbers)).astype(np.int64)

    def decode(self, codes: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Decode codes to labels of the same shape; multi-label codes stay 0 and 1."""
        labels: NDArray[Any] = codes if self.multilabel else np.array(self.classes)[codes]
        return labels

    def shares(self, codes: Codes) -> NDArray[np.float64]:
        """Compute the relative frequency of each class or label among known codes, shape (classes,).

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
        """Convert probabilities to predicted codes.

        Parameters
        ----------
        probabilities
            Shape (N, classes) or (N, labels).
        thresholds
            The lowest probability at which the positive class, shape (1,), or each label, shape (labels,), is
            predicted. None predicts the most probable class, the first one if several are equally probable, and
            labels from 0.5.

        Returns
        -------
        NDArray[np.int64]
            Shape (N,), or (N, labels) if multi-label.

        Raises
        ------
        ParameterError
            If there are thresholds for more than two classes, or their number is wrong.

        Example
        -------
        >>> task = Task(("fault", "ok"), positive="fault")
        >>> task.decide(np.array([[0.3, 0.7], [0.1, 0.9]]), [0.2]).tolist()
        [0, 1]
        """
        if thresholds is None:
            codes: NDArray[Any] = probabilities >= 0.5 if self.multilabel else probabilities.argmax(axis=1)
            return codes.astype(np.int64)
        if self.kind == "multiclass":
            raise ParameterError(
                f"expected no thresholds for {len(self.classes)} classes, got some; remove them, as the most probable "
                "class is predicted"
            )
        values = np.asarray(thresholds, dtype=np.float64)
        if values.shape != (self.outputs,):
            raise ParameterError(
                f"expected thresholds of shape ({self.outputs},) for a {self.kind} task, got {values.shape}; "
                "pass one for the positive class, or one for each label"
            )
        if self.multilabel:
            return (probabilities >= values).astype(np.int64)
        positive = self.positive_index
        return np.where(probabilities[:, positive] >= values[0], positive, 1 - positive).astype(np.int64)

    def describe(self, unit: str = "series") -> str:
        """Describe the task in one line.

        Example
        -------
        >>> Task(("rain", "fog"), multilabel=True, level="step").describe()
        'multilabel: any of rain, fog at each step'
        """
        choice = "any of" if self.multilabel else "one of"
        where = "at each step" if self.by_step else f"for each {unit}"
        return f"{self.kind}: {choice} {', '.join(map(str, self.classes))} {where}"

    def to_json(self) -> dict[str, Any]:
        """Convert the task to plain values for JSON."""
        return {
            "level": self.level,
            "kind": self.kind,
            "classes": list(self.classes),
            "positive": self.positive,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Task:
        """Restore a task from ``to_json``; ModelFolderError if the content is not valid."""
        classes: Any = content.get("classes") if isinstance(content, dict) else None
        has_names = isinstance(classes, list) and all(isinstance(label, (str, int, float)) for label in classes)
        if not has_names or len(set(classes)) < len(classes) or content.get("level") not in ("series", "step"):
            raise ModelFolderError(
                "expected a task with a level and a list of classes, "
                f"got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            )
        multilabel = content.get("kind") == "multilabel"
        return cls(tuple(classes), content.get("positive"), multilabel, content["level"])


def is_known(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of known labels, of the same shape: unknown are None, NaN and the empty string.

    Example
    -------
    >>> is_known(np.array(["a", None, ""], dtype=object)).tolist()
    [True, False, False]
    """
    known: NDArray[np.bool_] = labels == labels  # NaN is not equal to itself
    if labels.dtype.kind in "US":
        known = labels != labels.dtype.type()
    if labels.dtype.kind != "O":
        return known
    flat = [word is not None and word == word and word != "" for word in labels.reshape(-1).tolist()]
    return np.array(flat, dtype=bool).reshape(labels.shape)


def _narrow_type(labels: NDArray[Any]) -> NDArray[Any]:
    """Convert labels to the type they would have without missing values: objects to strings, floats to integers."""
    if labels.dtype.kind == "O":
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all() and (np.abs(labels) < 2.0**63).all():
        return labels.astype(np.int64)
    return labels
