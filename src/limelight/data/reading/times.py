"""Read the time column of a table: numbers, dates in ISO form or as spreadsheets write them, times of day."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.clock import format_time
from limelight.data.reading.columns import cleaned
from limelight.data.reading.date_forms import are_whole_months
from limelight.data.reading.dates import DayOrder, SpreadsheetDates, compact_dates, seconds_of_day, spreadsheet_dates
from limelight.data.reading.missing import is_missing
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError

CLOCK_TYPES = (pa.int64(), pa.float64(), pa.timestamp("ns"), pa.timestamp("ns", "UTC"))


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
    order
        The order of day and month in dates such as 31.01.2024: as the cells show it, ``"undecided"`` if no cell shows
        it, or None if the dates have another form.
    compact
        How the first cell was read, such as ``"20240131 as 2024-01-31"``, if dates are written as whole numbers.
    """

    times: NDArray[Any]
    zone: bool = False
    zones: tuple[str, ...] = ()
    order: DayOrder | Literal["undecided"] | None = None
    compact: str = ""

    @property
    def kind(self) -> str:
        """``"numbers"``, ``"dates without a time zone"`` or ``"dates with a time zone"``."""
        if self.times.dtype.kind != "M":
            return "numbers"
        return "dates with a time zone" if self.zone else "dates without a time zone"


def read_clock(source: Source, name: str, order: DayOrder | None = None) -> ClockColumn:
    """Read the time column.

    Parameters
    ----------
    source, name
        The table and the column: numbers, dates, timestamps, durations and times of day (converted to seconds), or
        text that holds numbers, ISO dates, dates of spreadsheets (``31.01.2024 14:05``, ``1/31/2024 2:05 PM``) or times
        of day (``14:05:00``). Whole numbers that are all dates, such as 20240131 or 20240131140500, are dates.
    order
        The order of day and month in dates of spreadsheets; None reads the order that the cells show, and the day
        first if no cell shows it.

    Returns
    -------
    ClockColumn
        One time for each row.

    Raises
    ------
    DataError
        If a cell is empty or neither a number nor a date, if numbers and dates are mixed, or if only some dates have
        a time zone, or if the order of day and month differs among the cells.

    Example
    -------
    >>> source = Source(pa.table({"time": ["2024-01-31", "2024-02-01"]}), "the series table")
    >>> read_clock(source, "time").times.astype("datetime64[D]").tolist()
    [datetime.date(2024, 1, 31), datetime.date(2024, 2, 1)]
    """
    column = source.column(name, "time")
    text = is_text(column.type)
    if text:
        column = cleaned(column)
    _check_timed(column.is_null(), source, name)
    shown, times = _clock_column(column, source, name, order)
    if pa.types.is_timestamp(times.type):
        stamps = times.cast(pa.int64()).to_numpy(zero_copy_only=False).view("datetime64[ns]")
        zone = times.type.tz is not None
        return ClockColumn(stamps, zone, _zones(column) if text and zone else (), shown)
    _check_timed(pc.invert(pc.is_finite(times)), source, name)
    numbers = np.asarray(times.to_numpy(zero_copy_only=False))
    dates = compact_dates(numbers) if numbers.dtype.kind == "i" else None
    if dates is not None:
        stamps = dates.astype("datetime64[ns]")
        return ClockColumn(stamps, compact=f"{numbers[0]} as {format_time(stamps[0])}")
    return ClockColumn(numbers)


def are_times(words: Iterable[str]) -> bool:
    """Whether words are dates or times of day, apart from words for a missing value; months alone are words.

    Example
    -------
    >>> are_times(["31.01.2024 08:00", "n/a"]), are_times(["08:00", "08:05"]), are_times(["idle", "run"])
    (True, True, False)
    """
    known = pa.array([word for word in words if not is_missing(word)], pa.large_string())
    if not len(known) or are_whole_months(known):
        return False
    cast = _cast_clock(known)
    return _is_clock(known) if cast is None else pa.types.is_timestamp(cast.type)


def common_order(orders: Collection[str | None], column: str | None, table: str, notes: list[str]) -> DayOrder | None:
    """Return the order of day and month of a clock that was read in chunks, and note what was assumed.

    Parameters
    ----------
    orders
        The ``order`` of each chunk.
    column, table
        The time column and the name of the table, for messages.
    notes
        The note on the order is appended.

    Returns
    -------
    str or None
        ``"day first"`` or ``"month first"``; None if the dates have another form.

    Raises
    ------
    DataError
        If chunks show different orders.

    Example
    -------
    >>> notes = []
    >>> common_order(["undecided", "month first"], "time", "the series table", notes), notes
    ('month first', ["read the dates in 'time' with the month first"])
    """
    certain: list[DayOrder] = [order for order in ("day first", "month first") if order in orders]
    if len(certain) > 1:
        raise DataError(
            f"expected one order of day and month in column {column!r} of {table}, got dates with the day first and "
            "dates with the month first; write all dates in the same format, best as 2024-01-31"
        )
    if certain:
        notes.append(f"read the dates in {column!r} with the {certain[0]}")
        return certain[0]
    if "undecided" not in orders:
        return None
    notes.append(
        f"read the dates in {column!r} with the day first, although no date shows whether day or month comes first; "
        "write dates as 2024-01-31 if the month comes first"
    )
    return "day first"


def _zones(column: Any) -> tuple[str, ...]:
    found = pc.extract_regex(column, r"(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{0,2})$").field(0).unique().to_pylist()
    return tuple(sorted(str(zone) for zone in found)) if len(found) > 1 else ()


def _check_timed(missing: Any, source: Source, name: str) -> None:
    rows = np.flatnonzero(missing.to_numpy(zero_copy_only=False))
    if len(rows):
        raise DataError(
            f"expected a time in every row of column {name!r}, got none in {source.location(int(rows[0]))}; "
            "fill it in, or leave the row out"
        )


def _clock_column(column: Any, source: Source, name: str, order: DayOrder | None) -> tuple[Any, Any]:
    """Return the order of day and month that the text of a column shows, and its cells as numbers or timestamps."""
    if is_text(column.type):
        return _parsed_clock(column, source, name, order)
    return None, _typed_clock(column, source, name)


def _typed_clock(column: Any, source: Source, name: str) -> Any:
    types, kind = pa.types, column.type
    try:
        if types.is_integer(kind):
            return column.cast(pa.int64())
        if types.is_floating(kind) or types.is_decimal(kind):
            return column.cast(pa.float64())
        if types.is_date(kind) or types.is_timestamp(kind):
            return column.cast(pa.timestamp("ns", getattr(kind, "tz", None)))
        if types.is_duration(kind) or types.is_time(kind):
            nanoseconds = column.cast(pa.duration("ns") if types.is_duration(kind) else pa.time64("ns")).cast(
                pa.int64()
            )
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


def _parsed_clock(column: Any, source: Source, name: str, order: DayOrder | None) -> tuple[Any, Any]:
    times = _cast_clock(column)
    if times is not None:
        return None, times
    dates = spreadsheet_dates(column)
    if dates is not None:
        return _dated_clock(dates, column, source, name, order)
    seconds = seconds_of_day(column)
    if seconds is not None:
        return None, seconds
    raise _unreadable_clock(column, source, name)


def _cast_clock(column: Any) -> Any | None:
    for kind in CLOCK_TYPES:
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _dated_clock(
    dates: SpreadsheetDates, column: Any, source: Source, name: str, order: DayOrder | None
) -> tuple[Any, Any]:
    """Convert dates of spreadsheets to timestamps."""
    shown: set[DayOrder] = {order} if order else set(dates.orders)
    if len({*shown, *dates.orders}) > 1:
        rows = [dates.first_row("day first"), dates.first_row("month first")]
        cells = [f"{column[row].as_py()!r} in {source.location(row)}" for row in rows if row is not None]
        raise DataError(
            f"expected one order of day and month in column {name!r}, got {' and '.join(cells)}; write all dates in "
            "the same format, best as 2024-01-31"
        )
    chosen: DayOrder = next(iter(shown), "day first")
    iso = dates.iso(chosen)
    times = _cast_clock(iso)
    if times is None:
        raise _unreadable_clock(iso, source, name, column)
    return None if dates.year_first else next(iter(shown), "undecided"), times


def _unreadable_clock(column: Any, source: Source, name: str, written: Any = None) -> DataError:
    """Build the error for a column that is no clock; ``written`` has the cells as in the table, if they differ."""
    written = column if written is None else written
    row = _first_unreadable_time(column)
    kinds = {_kind_of(column[index].as_py()) for index in (0, row)} - {None}
    if len(kinds) == 2:
        both = " and ".join(sorted(kind for kind in kinds if kind))
        return DataError(
            f"expected one kind of time in column {name!r}, got {both}: {written[0].as_py()!r} in {source.location(0)} "
            f"and {written[row].as_py()!r} in {source.location(row)}; write all times in the same format"
        )
    return DataError(
        f"expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column {name!r}, "
        f"got {written[row].as_py()!r} in {source.location(row)}; write all times in one of these formats"
    )


def _first_unreadable_time(column: Any) -> int:
    """Find the first cell with which a column is no clock: the search doubles its steps, as most words come early."""
    low, high = 0, 1
    while high < len(column) and _is_clock(column[:high]):
        low, high = high, 2 * high
    high = min(high, len(column))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_clock(column[:middle]) else (low, middle)
    return low


def _is_clock(column: Any) -> bool:
    if _cast_clock(column) is not None:
        return True
    dates = spreadsheet_dates(column)
    if dates is None:
        return seconds_of_day(column) is not None
    return _cast_clock(dates.iso(next(iter(dates.orders), "day first"))) is not None


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
