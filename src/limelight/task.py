"""What is asked of a model: the kind of label, and the classes by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import LabelError, ModelFolderError, ParameterError, listing

Kind = Literal["binary", "multiclass"]
Label = str | int | float | bool


@dataclass(frozen=True)
class Task:
    """One label for each series, out of two classes (binary) or more (multi-class).

    Parameters
    ----------
    classes
        The class names, sorted, at least two. Their order is the order of the probabilities.
    positive
        The class that precision, recall and F1 are about when there are two; None means the last one.

    Raises
    ------
    LabelError
        If there are fewer than two classes.
    ParameterError
        If ``positive`` is not one of the classes.

    Example
    -------
    >>> task = Task.from_labels(["ok", "fault", "ok"], positive="fault")
    >>> task.kind, task.classes, task.outputs
    ('binary', ('fault', 'ok'), 1)
    >>> task.encode(["ok", "fault"]).tolist()
    [1, 0]
    """

    classes: tuple[Label, ...]
    positive: Label | None = None

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise LabelError(
                f"expected labels of at least two classes, got one class only, {listing(self.classes)}; "
                "a classifier needs series of another class to compare with"
            )
        if self.positive is not None and self.positive not in self.classes:
            raise ParameterError(
                f"positive={self.positive!r} is not one of the classes; they are {listing(self.classes, 20)}"
            )

    @classmethod
    def from_labels(cls, labels: ArrayLike, positive: Label | None = None) -> Task:
        """Read the task off the labels of the training series.

        Parameters
        ----------
        labels
            One label for each series, shape (n,): strings, whole numbers or booleans.
        positive
            The positive class when there are two; None means the last in sorted order.

        Returns
        -------
        Task
            Binary for two distinct labels, multi-class for more.

        Raises
        ------
        LabelError
            If there is one class only.

        Example
        -------
        >>> Task.from_labels([3, 1, 2, 1]).kind
        'multiclass'
        """
        return cls(tuple(np.unique(np.asarray(labels)).tolist()), positive)

    @property
    def kind(self) -> Kind:
        """``"binary"`` for two classes, ``"multiclass"`` for more."""
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """How many logits the network gives: 1 when binary (of the second class), else one for each class."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def positive_index(self) -> int:
        """The place in ``classes`` of the class that the two-class scores are about."""
        return len(self.classes) - 1 if self.positive is None else self.classes.index(self.positive)

    def encode(self, labels: ArrayLike) -> NDArray[np.int64]:
        """Turn labels into places in ``classes``.

        Parameters
        ----------
        labels
            Shape (n,).

        Returns
        -------
        NDArray[np.int64]
            Shape (n,), from 0 to the number of classes - 1.

        Raises
        ------
        LabelError
            If a label is not one of the classes.
        """
        place = {label: index for index, label in enumerate(self.classes)}
        given = np.asarray(labels).tolist()
        unknown = sorted({str(label) for label in given if label not in place})
        if unknown:
            raise LabelError(
                f"expected labels among the classes {listing(self.classes, 20)}, got {listing(unknown)}; "
                "leave these series out, or train with series of that class"
            )
        return np.array([place[label] for label in given], dtype=np.int64)

    def decode(self, codes: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Turn places in ``classes`` back into labels, shape (n,) to shape (n,)."""
        labels: NDArray[Any] = np.array(self.classes)[codes]
        return labels

    def to_json(self) -> dict[str, Any]:
        """Say the task in a form that JSON can hold."""
        return {
            "level": "series",
            "kind": self.kind,
            "classes": list(self.classes),
            "positive": self.positive,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Task:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        classes: Any = content.get("classes") if isinstance(content, dict) else None
        named = isinstance(classes, list) and all(isinstance(label, (str, int, float)) for label in classes)
        if not named or len(set(classes)) < len(classes) or content.get("level") != "series":
            raise ModelFolderError(
                "expected a task with one label for each series and a list of classes, "
                f"got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            )
        return cls(tuple(classes), content.get("positive"))
