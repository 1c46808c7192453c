"""Read one column of a table as words, numbers or times; errors name the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, InputError

EMPTY_WORDS = ("", "na", "n/a", "nan", "null", "none", "nat")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
CLOCK_TYPES = (pa.int64(), pa.float64(), pa.timestamp("ns"), pa.timestamp("ns", "UTC"))


@dataclass(frozen=True, eq=False)
class Words:
    """A dictionary-encoded column of words.

    Parameters
    ----------
    codes
        The index into ``names`` for each row, -1 for an empty cell, shape (rows,).
    names
        The distinct words in order of first appearance.

    Example
    -------
    >>> words = Words(np.array([0, 1, 0]), np.array(["b", "a"]))
    >>> words.at(2), words.decode().tolist()
    ('b', ['b', 'a', 'b'])
    """

    codes: NDArray[np.int64]
    names: NDArray[np.str_]

    def at(self, row: int) -> str:
        """Return the word in one row."""
        return str(self.names[self.codes[row]])

    def decode(self) -> NDArray[np.str_]:
        """Return the word in each row, "" for an empty cell, shape (rows,)."""
        return np.append(self.names, "")[self.codes]


def read_words(source: Source, name: str, option: str, remedy: str, error_class: type[InputError] = DataError) -> Words:
    """Read ids or labels as words: text unchanged, whole numbers without a decimal point.

    Parameters
    ----------
    source, name
        The table and the column.
    option
        The argument that names the column, for messages.
    remedy
        What to do about an empty cell, for messages.
    error_class
        The error to raise for an empty cell.

    Returns
    -------
    Words
        One word for each row.

    Raises
    ------
    InputError
        If the column is missing or a cell is empty.

    Example
    -------
    >>> source = Source(pa.table({"label": [1.0, -1.0, 1.0]}), "the labels table")
    >>> read_words(source, "label", "label", "fill it in").decode().tolist()
    ['1', '-1', '1']
    """
    words = read_optional_words(source, name, option)
    if words.codes.min(initial=0) < 0:
        row = int(np.flatnonzero(words.codes < 0)[0])
        raise error_class(f"expected no empty cell in column {name!r}, got one in {source.location(row)}; {remedy}")
    return words


def read_optional_words(source: Source, name: str, option: str) -> Words:
    """Read a column of words in which cells may be empty, with code -1; DataError if the column is missing.

    Example
    -------
    >>> source = Source(pa.table({"mode": ["idle", None, ""]}), "the series table")
    >>> read_optional_words(source, "mode", "metadata").codes.tolist()
    [0, -1, -1]
    """
    encoded = source.column(name, option).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    names = [_word(value) for value in encoded.dictionary.to_pylist()]
    if "" in names:
        kept = np.cumsum([word != "" for word in names]) - 1
        kept[[word == "" for word in names]] = -1
        codes = np.append(kept, -1)[codes]
        names = [word for word in names if word != ""]
    return Words(codes, np.array(names, dtype=np.str_))


def read_numbers(
    source: Source, name: str, *, keep_missing: bool, series_at: Callable[[int], str]
) -> NDArray[np.float32]:
    """Read one channel as float32.

    Parameters
    ----------
    source, name
        The table and the column.
    keep_missing
        True reads an empty cell as NaN, False rejects it.
    series_at
        Returns the id of the series in a row, for messages.

    Returns
    -------
    NDArray[np.float32]
        Shape (rows,).

    Raises
    ------
    DataError
        If a cell is text, infinite or, unless ``keep_missing``, empty.

    Example
    -------
    >>> source = Source(pa.table({"a": [1.5, None]}), "the series table")
    >>> read_numbers(source, "a", keep_missing=True, series_at=str)
    array([1.5, nan], dtype=float32)
    """
    column = source.column(name, "channels")
    try:
        column = _cleaned(column) if is_text(column.type) else column
        numbers = column.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"expected numbers in column {name!r} of {source.name}, got cells of type {column.type}; "
            "leave it out of the channels or convert it to numbers"
        ) from error
    except pa.ArrowInvalid as error:
        row = _first_unreadable(column, pa.float32())
        raise DataError(
            f"expected a number in column {name!r}, got {column[row].as_py()!r} in {source.location(row)} "
            f"(series {series_at(row)!r}); correct it, or leave the cell empty if the value is unknown"
        ) from error
    _check_finite(numbers, source, name, keep_missing, series_at)
    return np.asarray(numbers, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ClockColumn:
    """A column of times.

    Parameters
    ----------
    times
        Shape (rows,): int64, float64 or datetime64[ns], the latter in UTC if the time zone is known.
    zone
        Whether dates have a time zone; False for numbers.
    zones
        The time zones found in text, such as ``"+02:00"``, if there are several.
    """

    times: NDArray[Any]
    zone: bool = False
    zones: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``"numbers"``, ``"dates without a time zone"`` or ``"dates with a time zone"``."""
        if self.times.dtype.kind != "M":
            return "numbers"
        return "dates with a time zone" if self.zone else "dates without a time zone"


def read_clock(source: Source, name: str) -> ClockColumn:
    """Read the time column.

    Parameters
    ----------
    source, name
        The table and the column: numbers, dates, timestamps, durations (converted to seconds), or text that holds
        numbers or ISO dates.

    Returns
    -------
    ClockColumn
        One time for each row.

    Raises
    ------
    DataError
        If a cell is empty or neither a number nor a date, if numbers and dates are mixed, or if only some dates have
        a time zone.

    Example
    -------
    >>> source = Source(pa.table({"time": ["2024-01-31", "2024-02-01"]}), "the series table")
    >>> read_clock(source, "time").times.astype("datetime64[D]").tolist()
    [datetime.date(2024, 1, 31), datetime.date(2024, 2, 1)]
    """
    column = source.column(name, "time")
    text = is_text(column.type)
    if text:
        column = _cleaned(column)
    _check_timed(column.is_null(), source, name)
    times = _clock_column(column, source, name)
    if pa.types.is_timestamp(times.type):
        stamps: NDArray[Any] = times.cast(pa.int64()).to_numpy(zero_copy_only=False).view("datetime64[ns]")
        zone = times.type.tz is not None
        return ClockColumn(stamps, zone, _zones(column) if text and zone else ())
    _check_timed(pc.invert(pc.is_finite(times)), source, name)
    return ClockColumn(np.asarray(times.to_numpy(zero_copy_only=False)))


def _zones(column: Any) -> tuple[str, ...]:
    found = pc.extract_regex(column, r"(?P<zone>Z|[+-]\d{2}:?\d{0,2})$").field(0).unique().to_pylist()
    return tuple(sorted(str(zone) for zone in found)) if len(found) > 1 else ()


def is_number_column(source: Source, name: str) -> bool:
    """Whether a column is a channel by default: it holds numbers, or text that is mostly numbers.

    One stray word among numbers does not make the column text: it is an error to report.

    Example
    -------
    >>> source = Source(pa.table({"a": ["1", "2", "fast"], "b": ["x", "y", "3"]}), "the series table")
    >>> is_number_column(source, "a"), is_number_column(source, "b")
    (True, False)
    """
    kind = source.table.schema.field(name).type
    if not is_text(kind):
        types = pa.types
        return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind))
    column = _cleaned(source.column(name, "channels"))
    try:
        column.cast(pa.float32())
    except pa.ArrowInvalid:
        readable = pc.sum(pc.match_substring_regex(column, NUMBER)).as_py() or 0
        return bool(2 * readable > len(column) - column.null_count)
    return True


def _word(value: Any) -> str:
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _cleaned(column: Any) -> Any:
    """Remove surrounding spaces from text, and replace words for a missing number, such as "NaN", with null."""
    try:
        column.cast(pa.float32())
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(column)
        empty = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(EMPTY_WORDS, trimmed.type))
        return pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)
    return column


def _first_unreadable(column: Any, kind: pa.DataType) -> int:
    """Find the first cell that cannot be cast, by bisection; the length of the column if all can."""
    low, high = 0, len(column)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            column[low:middle].cast(kind)
            low = middle
        except pa.ArrowInvalid:
            if middle == low + 1:
                return low
            high = middle
    return low


def _check_finite(
    numbers: NDArray[Any], source: Source, name: str, keep_missing: bool, series_at: Callable[[int], str]
) -> None:
    if np.isfinite(np.sum(numbers, dtype=np.float64)):
        return
    missing = np.flatnonzero(np.isnan(numbers))
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        row = int(infinite[0])
        raise DataError(
            f"expected a finite number in column {name!r}, got infinity, or a number too large for float32, "
            f"in {source.location(row)} (series {series_at(row)!r}); correct it, or leave that series out"
        )
    if len(missing) and not keep_missing:
        row = int(missing[0])
        raise DataError(
            f"expected a number in every cell of column {name!r}, got {len(missing)} missing, the first in "
            f"{source.location(row)} (series {series_at(row)!r}); fill them in, or set missing='keep' to read "
            "them as missing values"
        )


def _check_timed(missing: Any, source: Source, name: str) -> None:
    rows = np.flatnonzero(missing.to_numpy(zero_copy_only=False))
    if len(rows):
        raise DataError(
            f"expected a time in every row of column {name!r}, got none in {source.location(int(rows[0]))}; "
            "fill it in, or leave the row out"
        )


def _clock_column(column: Any, source: Source, name: str) -> Any:
    if is_text(column.type):
        return _parsed_clock(column, source, name)
    types, kind = pa.types, column.type
    try:
        if types.is_integer(kind):
            return column.cast(pa.int64())
        if types.is_floating(kind) or types.is_decimal(kind):
            return column.cast(pa.float64())
        if types.is_date(kind) or types.is_timestamp(kind):
            return column.cast(pa.timestamp("ns", getattr(kind, "tz", None)))
        if types.is_duration(kind):
            nanoseconds = column.cast(pa.duration("ns")).cast(pa.int64())
            return pc.divide(nanoseconds.cast(pa.float64(), safe=False), 1e9)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"expected whole numbers up to 2^63 or dates from 1678 to 2262 in column {name!r} of "
            f"{source.name}, got some outside this range; count the time from a later start"
        ) from error
    raise DataError(
        f"expected numbers or dates in the time column {name!r} of {source.name}, got cells of type {kind}; "
        "convert them to numbers or dates"
    )


def _parsed_clock(column: Any, source: Source, name: str) -> Any:
    for kind in CLOCK_TYPES:
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    readable = {kind: _first_unreadable(column, kind) for kind in CLOCK_TYPES}
    row = max(readable.values())
    kinds = {_kind_of(column[index].as_py()) for index in (0, row)} - {None}
    if len(kinds) == 2:
        both = " and ".join(sorted(kind for kind in kinds if kind))
        raise DataError(
            f"expected one kind of time in column {name!r}, got {both}: {column[0].as_py()!r} in {source.location(0)} "
            f"and {column[row].as_py()!r} in {source.location(row)}; write all times in the same format"
        )
    raise DataError(
        f"expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column {name!r}, "
        f"got {column[row].as_py()!r} in {source.location(row)}; write all times in one of these formats"
    )


def _kind_of(cell: str) -> str | None:
    """Name the kind of a single time; None if the cell is not a time."""
    array = pa.array([cell], pa.large_string())
    for kind, name in zip(
        CLOCK_TYPES, ("numbers", "numbers", "dates without a time zone", "dates with a time zone"), strict=True
    ):
        try:
            array.cast(kind)
        except pa.ArrowInvalid:
            continue
        return name
    return None
