"""The cells of labels: text, numbers or dates; dates and bytes become text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.containers.numbers import as_array
from limelight.data.containers.words import decoded, encodable, has_surrogates, is_date
from limelight.errors import LabelError, listing, shown

NOT_LABELS = {"c": "complex numbers", "V": "structured values", "m": "durations"}
"""Kinds of NumPy that no label has."""


def label_array(labels: Any) -> NDArray[Any]:
    """Convert an array or a list of labels: dates and bytes become text.

    Parameters
    ----------
    labels
        Text, whole numbers, booleans or dates; None, NaN or NaT if unknown. Any shape.

    Returns
    -------
    NDArray
        Of the same shape. An unknown label is NaN among numbers, else None.

    Raises
    ------
    LabelError
        If a label is something else, or there are labels of several types.

    Example
    -------
    >>> label_array([b"ok", None, b"worn"]).tolist()
    ['ok', None, 'worn']
    """
    if isinstance(labels, (list, tuple)) and not any(_is_container(cell) for cell in labels):
        return _of_cells(list(labels))
    listed = hasattr(labels, "__getitem__") or hasattr(labels, "__array__")
    array = as_array(labels) if listed and not isinstance(labels, (str, bytes)) else np.asarray(None)
    kind = array.dtype.kind
    if array.ndim == 0:
        raise LabelError(f"expected a label for each series, got {shown(labels)}; pass a list or an array of labels")
    if kind in NOT_LABELS:
        raise LabelError(f"expected text, whole numbers or dates as labels, got {NOT_LABELS[kind]}; convert them")
    if kind == "M":
        return dates_as_text(array)
    if kind == "O":
        cells = _of_cells(array.ravel().tolist(), dtype=object)
        return cells.reshape(array.shape)
    if kind == "S":
        words = [decoded(word, "labels") for word in array.ravel().tolist()]
        return np.array(words, dtype=str).reshape(array.shape)
    if kind == "U":
        wrong = has_surrogates(array)
        if wrong.any():
            _reject_surrogates(array.ravel()[wrong].tolist()[0])
    return array


def _is_container(cell: Any) -> bool:
    return isinstance(cell, (list, tuple)) or getattr(cell, "ndim", 0) > 0 or hasattr(cell, "detach")


def _of_cells(cells: list[Any], dtype: Any = None) -> NDArray[Any]:
    """Convert labels of one type, some of them unknown, to an array of shape (n,)."""
    kinds: dict[str, Any] = {}
    for cell in cells:
        kinds.setdefault(kind_of_cell(cell), cell)
    some_missing = kinds.pop("missing", cells) is not cells
    if "other" in kinds:
        wrong = kinds["other"]
        raise LabelError(
            f"expected text, whole numbers or dates as labels, got {shown(wrong)} of type {type(wrong).__name__}; "
            "convert the labels to text, for example with str"
        )
    if len(kinds) > 1:
        raise LabelError(
            f"expected labels of one type, got {' and '.join(sorted(kinds))}, such as "
            f"{' and '.join(shown(cell) for cell in list(kinds.values())[:2])}; write all as text, or all as numbers"
        )
    missing = [some_missing and kind_of_cell(cell) == "missing" for cell in cells]
    if "dates" in kinds:
        return dates_as_text(_stamps(cells, missing))
    if not kinds and dtype is object:
        return _objects([None] * len(cells))
    if not kinds or "numbers" in kinds:
        return _numbers(cells, missing) if dtype is None or some_missing else _objects(cells)
    words = [None if empty else _text(cell) for cell, empty in zip(cells, missing, strict=True)]
    return _objects(words) if some_missing or dtype is object else np.array(words)


def _objects(cells: list[Any]) -> NDArray[Any]:
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def _numbers(cells: list[Any], missing: list[bool]) -> NDArray[Any]:
    if any(missing):
        try:
            return np.array([np.nan if empty else float(cell) for cell, empty in zip(cells, missing, strict=True)])
        except OverflowError:
            _reject_large(cells)
    array = np.array(cells)
    if array.dtype.kind not in "biuf":
        _reject_large(cells)
    return array


def _reject_large(cells: list[Any]) -> None:
    large = [cell for cell in cells if isinstance(cell, int) and abs(cell) > np.iinfo(np.int64).max]
    raise LabelError(f"expected whole numbers of at most 64 bits as labels, got {listing(large)}; write them as text")


def _text(cell: Any) -> str:
    word = decoded(cell, "labels") if isinstance(cell, bytes) else str(cell)
    if not encodable(word):
        _reject_surrogates(word)
    return word


def _reject_surrogates(word: str) -> None:
    raise LabelError(
        f"expected labels that can be saved, got {shown(word)}, which has half of a surrogate pair; remove it, or "
        "decode the text again"
    )


def kind_of_cell(cell: Any) -> str:
    """Return the kind of a label: ``"missing"``, ``"text"``, ``"numbers"``, ``"dates"`` or ``"other"``.

    Example
    -------
    >>> kind_of_cell(3), kind_of_cell(np.datetime64("NaT")), kind_of_cell({1})
    ('numbers', 'missing', 'other')
    """
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return "missing"
    if isinstance(cell, (str, bytes)):
        return "text"
    if is_date(cell):
        return "missing" if isinstance(cell, np.datetime64) and np.isnat(cell) else "dates"
    if isinstance(cell, (bool, int, float, np.bool_, np.integer, np.floating)):
        return "missing" if cell != cell else "numbers"
    return "other"


def _stamps(cells: list[Any], missing: list[bool]) -> NDArray[Any]:
    """Convert dates to datetime64, those with a time zone in UTC."""
    stamps = [None if empty else _in_utc(cell) for cell, empty in zip(cells, missing, strict=True)]
    return np.array(stamps, dtype="datetime64[s]")


def _in_utc(cell: Any) -> Any:
    if hasattr(cell, "to_pydatetime"):  # a Timestamp of pandas
        cell = cell.to_pydatetime(warn=False)
    return cell.astimezone(UTC).replace(tzinfo=None) if isinstance(cell, datetime) and cell.tzinfo else cell


def dates_as_text(array: NDArray[Any]) -> NDArray[Any]:
    """Write dates as text, without a time of day if none has one; None for a missing date.

    Example
    -------
    >>> dates_as_text(np.array(["2024-01-31", "NaT"], "datetime64[D]")).tolist()
    ['2024-01-31', None]
    """
    stamps = array.astype("datetime64[s]")
    days = stamps.astype("datetime64[D]")
    texts = (days if (days == stamps)[~np.isnat(stamps)].all() else stamps).astype(str)
    if not np.isnat(stamps).any():
        return np.asarray(texts)
    words = texts.astype(object)
    words[np.isnat(stamps)] = None
    return np.asarray(words)
