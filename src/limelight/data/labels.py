"""Labels of series, single or multi-label: checks, names, table columns and strata for splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.annotations import StepLabels
from limelight.data.containers.label_cells import label_array
from limelight.data.containers.words import checked_words
from limelight.errors import DataError, LabelError, counted, listing, shown
from limelight.task import is_known
from limelight.types import Doubles

if TYPE_CHECKING:
    import pyarrow as pa

STEP_LABEL = "label_"
"""Prefix of the column names of multi-label labels."""
OUTSIDE = "none"
"""The class of steps in no interval of a table of labels, unless another is named."""


def names_of_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of labels from the names of their columns: ``rain`` for ``label_rain``."""
    return tuple(name.removeprefix(STEP_LABEL) for name in columns)


def classes_of_column(column: str, words: Iterable[str]) -> dict[str, str]:
    """Return the names of the two classes of a label that is 0 or 1, by the words for them.

    Parameters
    ----------
    column
        The name of the label column.
    words
        The words in the column.

    Returns
    -------
    dict[str, str]
        The class for each of the two words, the negative one first; empty unless the name begins with ``label_`` and
        the words are 0 and 1, or false and true, or the two classes themselves.

    Example
    -------
    >>> classes_of_column("label_cavitation", ["0", "1"])
    {'0': 'not cavitation', '1': 'cavitation'}
    """
    name, found = column.removeprefix(STEP_LABEL), set(words)
    if name == column or not name:
        return {}
    classes = (f"not {name}", name)
    for pair in (("0", "1"), ("False", "True"), ("false", "true"), classes):
        if found and found <= set(pair):
            return dict(zip(pair, classes, strict=True))
    return {}


def checked_labels(labels: ArrayLike, n: int) -> NDArray[Any]:
    """Return labels as an array of shape (n,) or (n, labels); raise DataError unless there is one row per series."""
    array = label_array(labels)
    if array.shape[:1] != (n,) or array.ndim > 2 or 0 in array.shape[1:]:
        raise DataError(f"expected one label for each of the {n} series, got an array of shape {array.shape}")
    return array if array.ndim == 1 or array.dtype.kind in "biuf" else _numbers_of_matrix(array)


def _numbers_of_matrix(labels: NDArray[Any]) -> Doubles:
    """Convert labels of shape (n, labels) to numbers, NaN if unknown; DataError if they are text."""
    try:
        return labels.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"expected 0, 1 or NaN in labels of shape {labels.shape}, got text; pass one label for each series, or a "
            "column of 0 and 1 for each label"
        ) from None


def checked_weights(weights: ArrayLike, n: int) -> Doubles:
    """Check the weights of series.

    Parameters
    ----------
    weights
        Finite numbers of at least 0, not all 0, shape (n,).
    n
        Number of series.

    Returns
    -------
    Doubles
        Shape (n,).

    Raises
    ------
    DataError
        If there is not one weight for each series, or a weight is not such a number.

    Example
    -------
    >>> checked_weights([1, 0.5], 2).tolist()
    [1.0, 0.5]
    """
    try:
        plain = np.asarray(weights)
        if plain.dtype.kind not in "biufOU":
            raise TypeError
        array = plain.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise DataError(
            f"expected a number as the weight of each series, got {shown(weights, 60)}; pass numbers"
        ) from None
    if array.shape != (n,):
        raise DataError(
            f"expected one weight for each of the {n} series, shape ({n},), got shape {array.shape}; pass a weight for "
            "every series"
        )
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise DataError(
            f"expected finite weights of at least 0, got {array[wrong[0]]} for series {wrong[0]}; leave out series "
            "that must not count"
        )
    if n and not array.any():
        raise DataError(
            "expected a weight above zero for at least one series, got zero for all; pass no weights to weight all "
            "alike"
        )
    return array


def names_of_labels(labels: NDArray[Any] | None, names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Name the columns of multi-label labels, by default "label_0", ...; LabelError unless they are 0, 1 or NaN.

    Example
    -------
    >>> names_of_labels(np.zeros((3, 2)), None)
    ('label_0', 'label_1')
    """
    if labels is None or labels.ndim == 1:
        return None
    width = labels.shape[1]
    if names is not None and len(names) != width:
        raise DataError(f"expected a name for each of {counted(width, 'label')}, got {listing(names)}")
    found = tuple(checked_words(names, "the name of a label") if names else (f"label_{n}" for n in range(width)))
    _require_binary(labels, found)
    return found


def _require_binary(labels: NDArray[Any], names: Sequence[str]) -> None:
    """Raise LabelError unless labels of shape (n, labels) are 0, 1 or NaN."""
    wrong = (labels != 0) & (labels != 1) & (labels == labels)  # NaN is not equal to itself
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise LabelError(
            f"expected 0 or 1 for label {names[column]!r}, got {labels[row, column]} in row {row}; use NaN for an "
            "unknown label"
        )


def describe_labels(labels: NDArray[Any] | None, steps: StepLabels | None) -> str:
    """Describe the number of classes or labels, as the tail of a list; empty for unlabelled series.

    Example
    -------
    >>> describe_labels(np.array(["a", "b", "a"]), None)
    ', 2 classes'
    """
    if labels is not None and labels.ndim == 2:
        return f", {counted(labels.shape[1], 'label')}"
    if labels is not None:
        return f", {_counted_classes(len(np.unique(labels[is_known(labels)].astype(str))))}"
    if steps is None:
        return ""
    if len(steps.names) > 1:
        return f", {len(steps.names)} per-step labels"
    return f", {_counted_classes(len(steps.classes), 'per-step ')}"


def _counted_classes(count: int, kind: str = "") -> str:
    return f"{count} {kind}class{'' if count == 1 else 'es'}"


def columns_of_labels(labels: NDArray[Any] | None, names: Sequence[str] | None) -> dict[str, pa.Array]:
    """Return labels as columns of a table, with nulls for unknown labels; no columns for unlabelled series."""
    import pyarrow as pa  # predicting arrays needs none

    if labels is None:
        return {}
    if labels.ndim == 1:
        known = is_known(labels).tolist()
        names_or_none = [str(label) if ok else None for label, ok in zip(labels.tolist(), known, strict=True)]
        return {"label": pa.array(names_or_none, pa.string())}
    floats = labels.astype(np.float64)
    return {
        f"{STEP_LABEL}{name}": pa.array(column, pa.int8() if not np.isnan(column).any() else None, from_pandas=True)
        for name, column in zip(names or (), floats.T, strict=True)
    }


def count_labelled(labels: NDArray[Any] | None, series: int) -> int:
    """Count the series with a known label; all of them if labels are per step.

    Example
    -------
    >>> count_labelled(np.array([[1, np.nan], [np.nan, np.nan]]), 2)
    1
    """
    if labels is None:
        return series
    known = is_known(labels)
    return int((known.any(axis=1) if known.ndim == 2 else known).sum())


def stratify_by(labels: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the stratum of each series, whose proportions a stratified split keeps.

    Parameters
    ----------
    labels
        Labels of the series, shape (n,) or (n, labels), or None.

    Returns
    -------
    NDArray | None
        Shape (n,): the labels themselves, "unknown" if unknown; for multi-label the rarest label that a series has,
        or "none", since a random split loses the rarest labels first. None for unlabelled series.

    Example
    -------
    >>> stratify_by(np.array([[1, 0], [1, 1], [0, 0]])).tolist()
    ['0', '1', 'none']
    """
    if labels is None:
        return None
    if labels.ndim == 1:
        known = is_known(labels)
        return labels if known.all() else np.where(known, labels.astype(str), "unknown")
    present = np.nan_to_num(labels.astype(np.float64)) == 1
    order = np.argsort(present.sum(axis=0), kind="stable")
    rarest = order[present[:, order].argmax(axis=1)]
    return np.where(present.any(axis=1), rarest.astype(str), "none")


INTERVAL = ("interval_start", "interval_stop")
"""Columns that hold the interval of a series that its label refers to."""
