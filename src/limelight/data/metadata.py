"""Fields: columns of metadata as words, numbers or dates, whatever they came as; nothing is learned here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.data.panel import Panel
from limelight.data.reading.booleans import BOOLEAN_WORDS
from limelight.data.reading.columns import EMPTY_WORDS, read_optional_words
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, listing

DatePart = Literal["month", "weekday", "hour", "year"]
FieldKind = Literal["category", "number", "boolean", "date", "text", "ignore"]
STAMP = pa.timestamp("us")
Values = NDArray[Any]  # words, "" where missing; numbers, NaN where missing; or dates, NaT where missing


def determines(metadata: pa.Table, labels: ArrayLike) -> list[str]:
    """Name the fields that give the label away.

    Parameters
    ----------
    metadata
        One row for each series.
    labels
        Shape (n,).

    Returns
    -------
    list[str]
        Fields that are the label, as text; and fields of which each known value goes with one label only, if at least
        two values are met twice.

    Example
    -------
    >>> determines(pa.table({"station": ["a", "a", "b", "b"], "age": [1, 2, 3, 4]}), ["ok", "ok", "bad", "bad"])
    ['station']
    """
    said = words_in(pa.array(np.asarray(labels).tolist()), "label")
    return [name for name, column in fields_of(metadata).items() if _gives_away(words_in(column, name), said)]


def _gives_away(words: Values, labels: Values) -> bool:
    known = words != ""
    words, labels = words[known], labels[known]
    _, first, place, counts = np.unique(words, return_index=True, return_inverse=True, return_counts=True)
    told = len(np.unique(labels)) > 1 and (labels == labels[first][place]).all()
    return bool(told and ((counts >= 2).sum() >= 2 or (words == labels).all()))


def words_of_signals(panel: Panel) -> dict[str, tuple[str, ...]]:
    """Give the words that each signal says in the steps of these series, by its name.

    Example
    -------
    >>> from limelight.data.annotations import StepSignals
    >>> modes = StepSignals(np.array([[0], [1], [-1]], dtype=np.int16), ("mode",), (("idle", "run"),))
    >>> words_of_signals(Panel.from_series([[1.0], [2.0, 3.0]], signals=modes)[[1]])
    {'mode': ('run',)}
    """
    if panel.signals is None:
        return {}
    met = [np.zeros(len(words) + 1, dtype=bool) for words in panel.signals.classes]
    for block in panel.blocks():
        assert block.signals is not None
        for said, codes in zip(met, block.signals.codes.T, strict=True):
            said[codes] = True  # -1 marks the last place
    return {
        name: tuple(word for word, one in zip(words, said[:-1], strict=True) if one)
        for name, words, said in zip(panel.signals.names, panel.signals.classes, met, strict=True)
    }


def fields_of(metadata: pa.Table | None) -> dict[str, Any]:
    """Give the columns of metadata as booleans, numbers, dates or text, by name; DataError if a name stands twice."""
    names = [] if metadata is None else metadata.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"expected each metadata field once, got {listing(twice)} again; rename one of them")
    return {} if metadata is None else {name: _plain(metadata[name].combine_chunks()) for name in names}


def _plain(column: Any) -> Any:
    """Give booleans, numbers, timestamps in UTC where a zone is known, and all else as text."""
    types = pa.types
    column = column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
    kind = column.type
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.cast(STAMP, safe=False)
    if types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False).cast(pa.int64())
    if types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pa.float64())
    if types.is_boolean(kind) or types.is_integer(kind) or kind == pa.string():
        return column
    return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())


def words_in(column: Any, name: str) -> Values:
    """Give the cells of a column as words, "" where missing."""
    column = column.cast(pa.string()) if column.type in (pa.bool_(), STAMP) else column
    words = read_optional_words(Source(pa.table({name: column}), "the metadata"), name, "metadata")
    return np.array([*(word.strip() for word in words.names.tolist()), ""], dtype=object)[words.codes]


def read_field(column: Any, name: str, kind: FieldKind) -> tuple[Values, NDArray[np.bool_]]:
    """Give the cells as a field of that kind has them, and where they are missing."""
    if kind not in ("number", "date"):
        words = words_in(column, name)
        words = (
            np.array([BOOLEAN_WORDS.get(word.lower(), word) for word in words], object) if kind == "boolean" else words
        )
        return words, words == ""
    if is_text(column.type) or (column.type == STAMP) != (kind == "date"):
        words = words_in(column, name)
        cells = [parsed(word, kind) for word in words]
        wanted = "a date such as 2024-01-31" if kind == "date" else "a number"
        refuse_cells(np.array([isinstance(cell, str) for cell in cells], dtype=bool), words, wanted, name)
        column = pa.array(cells, pa.timestamp("us", "UTC") if kind == "date" else pa.float64())
    column = column.cast(STAMP if kind == "date" else pa.float64(), safe=False)
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if kind == "number":
        refuse_cells(np.abs(values) > np.finfo(np.float32).max, values, "a finite number within float32", name)
    return values, np.isnan(values)


def parsed(word: str, kind: FieldKind) -> Any:
    """Read a number or a date; None where it is missing, the word itself where it is neither."""
    try:
        return None if word.lower() in EMPTY_WORDS else datetime.fromisoformat(word) if kind == "date" else float(word)
    except ValueError:
        return word


def refuse_cells(wrong: NDArray[np.bool_], values: Values, wanted: str, name: str) -> None:
    """Refuse the first cell that is wrong, with a DataError that says what was wanted."""
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"expected {wanted} in metadata {name!r}, got {values.tolist()[row]!r} in row {row} (the first series is "
            "row 0); correct it, leave the cell empty, or train with another kind for the field"
        )


def date_parts(dates: Values) -> dict[DatePart, NDArray[np.float64]]:
    """Give sine and cosine of month, weekday and hour, and years since 2000 by the day, each shape (n, 2) or (n, 1)."""
    days = dates.astype("datetime64[D]")
    turns: dict[DatePart, Values] = {
        "month": dates.astype("datetime64[M]").astype(np.int64) % 12 / 12,
        "weekday": (days.astype(np.int64) + 3) % 7 / 7,  # from Monday
        "hour": (dates - days).astype("timedelta64[h]").astype(np.int64) / 24,
    }
    parts = {part: np.stack([np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)], 1) for part, turn in turns.items()}
    parts["year"] = (days - np.datetime64("2000-01-01")).astype(np.int64)[:, None] / 365.2425
    return {part: np.where(np.isnat(dates)[:, None], np.nan, columns) for part, columns in parts.items()}
