"""Convert metadata columns to categories, numbers or dates, without fitting anything to the data."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.data.panel import Panel
from limelight.data.reading.booleans import BOOLEAN_WORDS
from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.date_forms import in_iso_form
from limelight.data.reading.missing import MISSING_WORDS, is_missing
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, listing
from limelight.types import FieldKind

DatePart = Literal["month", "weekday", "hour", "year"]
STAMP = pa.timestamp("us")
TYPES = {"number": pa.float64(), "date": pa.timestamp("us", "UTC")}
MOST_WORDS, FEWEST_AROUND_A_WORD = 0.05, 10
Values = NDArray[Any]
"""Text, "" if missing; numbers, NaN if missing; or dates, NaT if missing."""


def leaking_fields(metadata: pa.Table, labels: ArrayLike) -> list[str]:
    """List the metadata fields that give the label away.

    Parameters
    ----------
    metadata
        One row per series.
    labels
        The label of each series, shape (n,).

    Returns
    -------
    list[str]
        Fields equal to the label, compared as text; and fields whose every known value occurs with one label only, if
        at least two of the values occur twice.

    Example
    -------
    >>> leaking_fields(pa.table({"station": ["a", "a", "b", "b"], "age": [1, 2, 3, 4]}), ["ok", "ok", "bad", "bad"])
    ['station']
    """
    classes = words_in(pa.array(np.asarray(labels).tolist()), "label")
    return [name for name, column in fields_of(metadata).items() if _determines(words_in(column, name), classes)]


def _determines(values: Values, classes: Values) -> bool:
    known = values != ""
    values, classes = values[known], classes[known]
    _, first, codes, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True)
    unique_class = len(np.unique(classes)) > 1 and (classes == classes[first][codes]).all()
    return bool(unique_class and ((counts >= 2).sum() >= 2 or (values == classes).all()))


def observed_categories(panel: Panel) -> dict[str, tuple[str, ...]]:
    """Collect the categories of each signal that occur in these series, by the name of the signal.

    Example
    -------
    >>> from limelight.data.annotations import StepSignals
    >>> modes = StepSignals(np.array([[0], [1], [-1]], dtype=np.int16), ("mode",), (("idle", "run"),))
    >>> observed_categories(Panel.from_series([[1.0], [2.0, 3.0]], signals=modes)[[1]])
    {'mode': ('run',)}
    """
    if panel.signals is None:
        return {}
    observed = [np.zeros(len(classes) + 1, dtype=bool) for classes in panel.signals.classes]
    for block in panel.blocks():
        assert block.signals is not None
        for occurs, codes in zip(observed, block.signals.codes.T, strict=True):
            occurs[codes] = True  # -1 marks the additional last entry
    return {
        name: tuple(category for category, seen in zip(classes, occurs[:-1], strict=True) if seen)
        for name, classes, occurs in zip(panel.signals.names, panel.signals.classes, observed, strict=True)
    }


def fields_of(metadata: pa.Table | None) -> dict[str, Any]:
    """Return metadata columns by name as booleans, numbers, dates or text; raise DataError if a name is repeated."""
    names = [] if metadata is None else metadata.column_names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"expected distinct metadata fields, got {listing(repeated)} more than once; rename one of them"
        )
    return {} if metadata is None else {name: _simplify(metadata[name].combine_chunks()) for name in names}


def _simplify(column: Any) -> Any:
    """Convert a column to booleans, numbers, timestamps (in UTC if the time zone is known) or text."""
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
    """Return the cells of a column as text, "" if missing."""
    column = column.cast(pa.string()) if column.type in (pa.bool_(), STAMP) else column
    words = read_optional_words(Source(pa.table({name: column}), "the metadata"), name, "metadata")
    return np.array([*(word.strip() for word in words.names.tolist()), ""], dtype=object)[words.codes]


def read_field(
    column: Any, name: str, kind: FieldKind, notes: list[str] | None = None
) -> tuple[Values, NDArray[np.bool_]]:
    """Return the cells of a column, converted to a kind of field, and a mask of the missing cells.

    Words in text that are neither numbers nor dates are missing, with one of the ``notes``; without ``notes`` they
    must stand for a missing value, or be few (see ``few_words``), else DataError.
    """
    if kind not in ("number", "date"):
        words = words_in(column, name)
        if kind == "boolean":
            readable = [BOOLEAN_WORDS.get(word.lower(), "" if is_missing(word) else word) for word in words]
            words = np.array(readable, object)
        return words, words == ""
    if is_text(column.type) or (column.type == STAMP) != (kind == "date"):
        words = words_in(column, name)
        cells = [parse_cell(word, kind) for word in words]
        column = pa.array(_without_words(column, words, cells, name, kind, notes), TYPES[kind])
    column = column.cast(STAMP if kind == "date" else pa.float64(), safe=False)
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if kind == "number":
        reject_cells(np.abs(values) > np.finfo(np.float32).max, values, "a finite number within float32", name)
    return values, np.isnan(values)


def _without_words(
    column: Any, words: Values, cells: list[Any], name: str, kind: FieldKind, notes: list[str] | None
) -> list[Any]:
    """Replace cells that could not be parsed by None, unless a cell must be rejected."""
    odd = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
    known = int((words != "").sum())
    if not is_text(column.type) or (notes is None and not few_words(int(odd.sum()), known - int(odd.sum()))):
        reject_cells(odd, words, "a date such as 2024-01-31" if kind == "date" else "a number", name)
    if notes is not None and odd.any():
        notes.append(f"{describe_odd_words(name, words[odd], len(words), kind)}; treated as unknown")
    return [None if wrong else cell for cell, wrong in zip(cells, odd, strict=True)]


def describe_odd_words(name: str, odd: Values, series: int, kind: FieldKind) -> str:
    """Describe words among the numbers or dates of a field, as the beginning of a note."""
    shown = listing(sorted({str(word) for word in odd}))
    return f"metadata {name!r} has words among its {kind}s in {len(odd)} of {series} series: {shown}"


def few_words(words: int, others: int) -> bool:
    """Whether so few words occur among numbers or dates that they must be mistakes.

    Parameters
    ----------
    words
        The number of cells with a word that does not stand for a missing value.
    others
        The number of cells with a number or a date.

    Returns
    -------
    bool
        True for no words, and for at most 5 % words, or a single one, among at least 10 numbers or dates.

    Example
    -------
    >>> few_words(0, 3), few_words(1, 3), few_words(1, 10), few_words(2, 10), few_words(8, 152)
    (True, False, True, False, True)
    """
    return words == 0 or (others >= FEWEST_AROUND_A_WORD and words <= max(1, MOST_WORDS * (words + others)))


def parse_cell(word: str, kind: FieldKind) -> Any:
    """Parse a number or a date; return None if the cell is missing, and the text itself if it cannot be parsed."""
    if word.lower() in MISSING_WORDS:
        return None
    if "_" in word:  # Python takes 1_000 for a number
        return word
    try:
        return datetime.fromisoformat(in_iso_form(word)) if kind == "date" else float(word)
    except ValueError:
        return word


def reject_cells(wrong: NDArray[np.bool_], values: Values, expected: str, name: str) -> None:
    """Raise DataError for the first wrong cell, if there is one."""
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"expected {expected} in metadata {name!r}, got {values.tolist()[row]!r} in row {row} (the first series is "
            "row 0); correct it, leave the cell empty, or train with another kind for the field"
        )


def date_parts(dates: Values) -> dict[DatePart, NDArray[np.float64]]:
    """Compute sine and cosine of month, weekday and hour, shape (n, 2) each, and years since 2000, shape (n, 1)."""
    days = dates.astype("datetime64[D]")
    turns: dict[DatePart, Values] = {
        "month": dates.astype("datetime64[M]").astype(np.int64) % 12 / 12,
        "weekday": (days.astype(np.int64) + 3) % 7 / 7,  # from Monday
        "hour": (dates - days).astype("timedelta64[h]").astype(np.int64) / 24,
    }
    parts = {part: np.stack([np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)], 1) for part, turn in turns.items()}
    parts["year"] = (days - np.datetime64("2000-01-01")).astype(np.int64)[:, None] / 365.2425
    return {part: np.where(np.isnat(dates)[:, None], np.nan, columns) for part, columns in parts.items()}
