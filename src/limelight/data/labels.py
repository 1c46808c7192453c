"""Labels: one or several for each series, and what they say about how to part the series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.data.annotations import StepLabels
from limelight.errors import DataError, counted, listing
from limelight.task import is_known

STEP_LABEL = "label_"
"""How the columns of several labels begin."""


def names_of_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Give the names of labels from those of their columns: ``label_rain`` is about rain."""
    return tuple(name.removeprefix(STEP_LABEL) for name in columns)


def checked_labels(given: ArrayLike, n: int) -> NDArray[Any]:
    """Give labels as an array of shape (n,) or (n, labels); DataError if there is not one row for each series."""
    labels = np.asarray(given)
    if labels.shape[:1] != (n,) or labels.ndim > 2:
        raise DataError(f"expected one label for each of the {n} series, got an array of shape {labels.shape}")
    return labels


def names_of_labels(labels: NDArray[Any] | None, names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Name several labels, "label_0" and so on where nothing is said; None where each series has one or none.

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
    return tuple(names or (f"label_{place}" for place in range(width)))


def describe_labels(labels: NDArray[Any] | None, steps: StepLabels | None) -> str:
    """Say how many classes or labels there are, as the end of a list; nothing where there are none.

    Example
    -------
    >>> describe_labels(np.array(["a", "b", "a"]), None)
    ', 2 classes'
    """
    if labels is not None and labels.ndim == 2:
        return f", {counted(labels.shape[1], 'label')}"
    if labels is not None:
        return f", {len(np.unique(labels[is_known(labels)].astype(str)))} classes"
    if steps is None:
        return ""
    return (
        f", {len(steps.names)} labels of steps" if len(steps.names) > 1 else f", {len(steps.classes)} classes of steps"
    )


def columns_of_labels(labels: NDArray[Any] | None, names: Sequence[str] | None) -> dict[str, pa.Array]:
    """Give labels as columns of a table, empty where not known; none without labels."""
    if labels is None:
        return {}
    if labels.ndim == 1:
        known = is_known(labels).tolist()
        words = [str(label) if one else None for label, one in zip(labels.tolist(), known, strict=True)]
        return {"label": pa.array(words, pa.string())}
    numbers = labels.astype(np.float64)
    return {
        f"{STEP_LABEL}{name}": pa.array(column, pa.int8() if not np.isnan(column).any() else None, from_pandas=True)
        for name, column in zip(names or (), numbers.T, strict=True)
    }


def labelled(labels: NDArray[Any] | None, series: int) -> int:
    """Count the series of which a label is known; all of them where labels are of steps.

    Example
    -------
    >>> labelled(np.array([[1, np.nan], [np.nan, np.nan]]), 2)
    1
    """
    if labels is None:
        return series
    known = is_known(labels)
    return int((known.any(axis=1) if known.ndim == 2 else known).sum())


def stratify_by(labels: NDArray[Any] | None) -> NDArray[Any] | None:
    """Give what a split should keep in its proportions, shape (n,).

    Parameters
    ----------
    labels
        Of the series, shape (n,) or (n, labels), or None.

    Returns
    -------
    NDArray | None
        The labels themselves; of several the rarest that a series has, "none" where it has none, as the rarest are
        what a split at random loses. None without labels.

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
    there = np.nan_to_num(labels.astype(np.float64)) == 1
    order = np.argsort(there.sum(axis=0), kind="stable")
    rarest = order[there[:, order].argmax(axis=1)]
    return np.where(there.any(axis=1), rarest.astype(str), "none")


INTERVAL = ("interval_start", "interval_stop")
