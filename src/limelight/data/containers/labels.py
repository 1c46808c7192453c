"""Labels in containers of Python, aligned with the series and brought to plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from limelight.data.containers.frames import is_default_index
from limelight.data.containers.label_cells import dates_as_text, label_array
from limelight.data.containers.numbers import has_index, is_column, is_frame, opened_frame
from limelight.data.containers.words import checked_words
from limelight.errors import LabelError, listing, shown

FEWEST_ONE_HOT = 10
"""A matrix of 0 and 1 is one-hot only if it has at least this many rows, each with exactly one 1."""


@dataclass
class PlainLabels:
    """Labels as an array or a list of arrays.

    Parameters
    ----------
    labels
        In the order of the series.
    names
        The names of the columns of a frame of labels, or None.
    notes
        What was assumed, one sentence each.
    """

    labels: Any
    names: tuple[str, ...] | None = None
    notes: list[str] = field(default_factory=list)


def plain_labels(labels: Any, ids: NDArray[np.str_], *, named: bool) -> PlainLabels:
    """Align labels with series and convert them to an array or a list of arrays.

    Parameters
    ----------
    labels
        An array, a list, a Series or frame of pandas or polars, or a dict of labels by id.
    ids
        The ids of the series, shape (n,).
    named
        Whether the series have an index or ids of their own, by which the index of the labels is aligned.

    Returns
    -------
    PlainLabels
        Labels in the order of the series. Missing cells are None or NaN, dates are text, and categories are their
        values.

    Raises
    ------
    LabelError
        If the ids or the index of the labels do not meet those of the series.

    Example
    -------
    >>> plain_labels({"b": 1, "a": 0}, np.array(["a", "b"]), named=True).labels.tolist()
    [0, 1]
    """
    if isinstance(labels, Mapping):
        return _of_dict(labels, ids)
    names = None
    if is_frame(labels):
        opened = opened_frame(labels)
        names = tuple(str(name) for name in opened.columns)
        if not names:
            raise LabelError("expected at least one column of labels, got a frame without columns; pass the labels")
        array: Any = np.stack([_cells(opened[name]) for name in opened.columns], axis=1)
        if len(names) == 1:
            array, names = array[:, 0], None
    elif is_column(labels):
        array = _cells(nw.from_native(labels, series_only=True))
    elif _is_list_of_objects(labels) and _are_separate(labels):
        return PlainLabels([_of_steps(one) for one in labels])
    else:
        array = label_array(labels)
    order = _order_of_index(labels.index, ids, named) if has_index(labels) else None
    if order is None:
        return PlainLabels(array, names)
    return PlainLabels(array[order], names, ["y was brought to the order of X by its index"])


def _is_list_of_objects(labels: Any) -> bool:
    listed = isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind == "O"
    return listed or isinstance(labels, (list, tuple))


def _are_separate(labels: Sequence[Any]) -> bool:
    """Whether a list holds the labels of the steps of each series: arrays, columns, or lists of different lengths."""
    if any(is_column(one) or getattr(one, "ndim", 0) > 0 for one in labels):
        return True
    lengths = {len(one) for one in labels if isinstance(one, (list, tuple))}
    return len(lengths) > 1


def _of_dict(labels: Mapping[Any, Any], ids: NDArray[np.str_]) -> PlainLabels:
    of_id = dict(zip(checked_words(labels, "the id of a label"), labels.values(), strict=True))
    absent = [name for name in ids.tolist() if name not in of_id]
    unknown = [name for name in of_id if name not in set(ids.tolist())]
    if absent:
        raise LabelError(
            f"expected a label for every series, got none for {listing(absent)}; the labels are for {listing(of_id)}"
        )
    notes = [f"labels of unknown series were ignored: {listing(unknown)}"] if unknown else []
    values = [of_id[name] for name in ids.tolist()]
    if any(np.ndim(value) > 0 for value in values):
        return PlainLabels([_of_steps(value) for value in values], notes=notes)
    return PlainLabels(label_array(values), notes=notes)


def _of_steps(labels: Any) -> NDArray[Any]:
    """Convert the labels of the steps of one series."""
    if is_column(labels):
        return _cells(nw.from_native(labels, series_only=True))
    if not isinstance(labels, (list, tuple)) and getattr(labels, "ndim", 0) == 0:
        raise LabelError(
            f"expected an array of labels for each series, got {shown(labels)} for one of them; pass one label for "
            "each series, or one for each step of it"
        )
    return label_array(labels)


def aligned_weights(weights: Any, ids: NDArray[np.str_], *, named: bool) -> Any:
    """Return the weights of series in the order of the series, by their index if both have one.

    Parameters
    ----------
    weights
        One weight for each series, shape (n,), as an array, a list or a column.
    ids
        The names of the series, shape (n,).
    named
        Whether these names are those of the user.

    Raises
    ------
    LabelError
        If the index of the weights lacks a series or repeats one.

    Example
    -------
    >>> import pandas as pd
    >>> aligned_weights(pd.Series([1.0, 2.0], index=["b", "a"]), np.array(["a", "b"]), named=True).tolist()
    [2.0, 1.0]
    """
    if not has_index(weights):
        return weights
    order = _order_of_index(weights.index, ids, named, "sample_weight")
    array = np.asarray(weights)
    return array if order is None else array[order]


def _order_of_index(index: Any, ids: NDArray[np.str_], named: bool, name: str = "y") -> list[int] | None:
    """Return the positions of the series in the index of the labels; None if labels are in the order of the series."""
    if not named or getattr(index, "nlevels", 1) > 1:
        return None
    words = checked_words(index, f"the index of {name}")
    if words == ids.tolist() or (
        is_default_index(index) and len(index) == len(ids) and set(words) != set(ids.tolist())
    ):
        return None
    place = {word: row for row, word in enumerate(words)}
    absent = [name for name in ids.tolist() if name not in place]
    if absent or len(place) < len(words):
        found = f"none for {listing(absent)}" if absent else "repeated entries"
        raise LabelError(
            f"expected the index of {name} to name the series of X, got {found}; its first entries are "
            f"{listing(words)}; give both the same index, or pass {name}.to_numpy() if it is in the order of the series"
        )
    return [place[name] for name in ids.tolist()]


def _cells(column: Any) -> NDArray[Any]:
    """Convert a column of narwhals: missing numbers to NaN, other missing cells to None, dates to text."""
    if isinstance(column.dtype, nw.Duration):
        raise LabelError("expected text, whole numbers or dates as labels, got durations; convert them")
    if isinstance(column.dtype, nw.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(column.dtype, (nw.Datetime, nw.Date)):
        return dates_as_text(np.asarray(column.to_numpy(), dtype="datetime64[us]"))
    if column.dtype.is_numeric() and column.is_null().any():
        return np.asarray(column.cast(nw.Float64).to_numpy(), dtype=np.float64)
    if column.dtype.is_numeric() or (column.dtype == nw.Boolean and not column.is_null().any()):
        return label_array(np.asarray(column.to_numpy()))
    missing = column.is_null().to_list()
    return label_array([None if empty else cell for cell, empty in zip(column.to_list(), missing, strict=True)])


def one_hot_codes(labels: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return the column of the 1 in each row of a one-hot matrix; None if the labels are not one-hot.

    Parameters
    ----------
    labels
        Shape (n, labels). One-hot: at least 10 rows of 0 and 1, each with exactly one 1, and a 1 in every column.

    Example
    -------
    >>> one_hot_codes(np.eye(3)[np.arange(12) % 3]).tolist()[:4]
    [0, 1, 2, 0]
    """
    if labels.dtype.kind not in "biuf" or len(labels) < FEWEST_ONE_HOT or labels.shape[1] < 2:
        return None
    ones = labels == 1
    if not (ones | (labels == 0)).all() or not (ones.sum(axis=1) == 1).all() or not ones.any(axis=0).all():
        return None
    return np.asarray(ones.argmax(axis=1))


def without_blanks(labels: NDArray[Any], classes: Sequence[Any] = ()) -> tuple[NDArray[Any], list[str]]:
    """Strip blanks around labels of text if two labels differ by nothing else, or if a model knows them without.

    Parameters
    ----------
    labels
        One label for each series, shape (n,).
    classes
        The classes of a model; empty while fitting.

    Returns
    -------
    tuple[NDArray, list[str]]
        The labels, and those that were changed, sorted.

    Example
    -------
    >>> without_blanks(np.array(["walk", "walk ", "run"]))[0].tolist()
    ['walk', 'walk', 'run']
    >>> without_blanks(np.array([" walk ", "run"]))[0].tolist()
    [' walk ', 'run']
    """
    words = {word for word in labels.tolist() if isinstance(word, str)}
    forms: dict[str, set[str]] = {}
    for word in words:
        forms.setdefault(word.strip(), set()).add(word)
    known = {str(name) for name in classes}
    changed = {
        word
        for stripped, own in forms.items()
        for word in own
        if word != stripped and word not in known and (stripped in known if known else len(own) > 1)
    }
    if not changed:
        return labels, []
    cells = [word.strip() if word in changed else word for word in labels.tolist()]
    return np.array(cells, dtype=object if labels.dtype.kind == "O" else None), sorted(changed)
