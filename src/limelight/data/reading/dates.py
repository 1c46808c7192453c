"""Dates as spreadsheets write them, such as 31.01.2024 14:05 or 1/31/2024 2:05 PM, rewritten in ISO form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.reading.date_forms import in_order_of_iso

DayOrder = Literal["day first", "month first"]

DATE = (
    r"^\s*(?P<first>\d{1,4})(?P<sign>[./-])(?P<second>\d{1,2})[./-](?P<third>\d{1,4})"
    r"(?:(?:\s+|T|,\s*)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<seconds>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?:\s*(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2}))?)?\s*$"
)
TIME_OF_DAY = (
    r"^\s*(?:(?P<days>\d{1,6}) days?,?\s+)?(?P<hour>\d{1,4}):(?P<minute>\d{1,3}):(?P<seconds>\d{2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?\s*$"
)
MINUTES = r"^\s*(\d{1,3}:\d{2}[.,]\d{1,9}\s*)$"
"""Minutes and seconds, as spreadsheets write times below an hour: only a fraction shows that no hours are meant."""
TWO_NUMBERS = r"^\s*(\d{1,3}:\d{2}(?:[.,]\d{1,9})?)(\s*[AaPp]\.?[Mm]\.?)?\s*$"


@dataclass(frozen=True, eq=False)
class SpreadsheetDates:
    """A column of dates in one of the forms that spreadsheets write.

    Parameters
    ----------
    parts
        The parts of each date as text: year, first and second number, time of day; shape (rows,).
    orders
        The orders of day and month that the cells show: a number above 12 is a day; without such a number, dates with
        dots begin with the day, and dates with AM or PM begin with the month. Empty if no cell shows the order or if
        every date begins with the year, and two entries if cells contradict each other.
    year_first
        Whether every date begins with the year, so that the order is known.

    Example
    -------
    >>> dates = spreadsheet_dates(pa.array(["31.1.2024 14:05", "1.2.2024"]))
    >>> dates.orders, dates.iso("day first").to_pylist()
    (('day first',), ['2024-01-31 14:05:00', '2024-02-01 00:00:00'])
    """

    parts: dict[str, Any]
    orders: tuple[DayOrder, ...]
    year_first: bool

    def first_row(self, order: DayOrder) -> int | None:
        """Return the first row that shows this order of day and month; None if no row does."""
        rows = np.flatnonzero(_showing(self.parts)[order].fill_null(False).to_numpy(zero_copy_only=False))
        return int(rows[0]) if len(rows) else None

    def iso(self, order: DayOrder) -> Any:
        """Return the dates as ISO text, read in the given order of day and month; null for an empty cell."""
        parts, by_year = self.parts, self.parts["year_first"]
        day, month = parts["second"], parts["first"]
        if order == "day first":
            day, month = month, day
        month, day = pc.if_else(by_year, parts["second"], month), pc.if_else(by_year, parts["third"], day)
        date = _joined(parts["year"], _padded(month), _padded(day), sign="-")
        clock = _joined(parts["hour"], parts["minute"], parts["seconds"], sign=":")
        return _joined(date, _word(" "), clock, parts["fraction"], parts["zone"])


def spreadsheet_dates(column: Any) -> SpreadsheetDates | None:
    """Parse a column of text as dates of spreadsheets.

    Parameters
    ----------
    column
        An Arrow array of text; null for an empty cell.

    Returns
    -------
    SpreadsheetDates or None
        The parsed dates; None unless every cell that is not empty is such a date.

    Example
    -------
    >>> spreadsheet_dates(pa.array(["1/31/2024 2:05 PM"])).iso("month first").to_pylist()
    ['2024-01-31 14:05:00']
    >>> spreadsheet_dates(pa.array(["31.1.2024", "today"])) is None
    True
    """
    column = in_order_of_iso(column.cast(pa.large_string()))
    found = pc.extract_regex(column, DATE)
    if found.null_count > column.null_count or column.null_count == len(column):
        return None
    parts = {field.name: found.field(number) for number, field in enumerate(found.type)}
    # fields of a null row are empty text, so that rows are marked by hand
    empty = column.is_null()
    null = pa.scalar(None, pa.large_string())
    parts = {name: pc.if_else(empty, null, part.cast(pa.large_string())) for name, part in parts.items()}
    parts["year_first"] = pc.equal(pc.utf8_length(parts["first"]), 4)
    if not _have_one_year(parts):
        return None
    parts["year"] = _years(pc.if_else(parts["year_first"], parts["first"], parts["third"]))
    parts["hour"] = _hours(parts["hour"], parts["half"])
    for name in ("minute", "seconds"):
        parts[name] = _filled(parts[name], "00")
    fraction = parts["fraction"]
    parts["zone"] = _zones(parts["zone"])
    parts["fraction"] = pc.if_else(pc.equal(fraction, ""), fraction, _joined(_word("."), fraction))
    return SpreadsheetDates(parts, _orders(parts), bool(pc.all(parts["year_first"]).as_py()))


def seconds_of_day(column: Any) -> Any | None:
    """Parse times of day and durations, such as ``14:05``, ``2:05 PM`` and ``1 days 14:05:00``, as seconds.

    None unless every cell is one. Two numbers are hours and minutes; minutes and seconds if one of them has a fraction.

    Example
    -------
    >>> seconds_of_day(pa.array(["00:00:01,5", "01:00", "1 days 00:00:00"])).to_pylist()
    [1.5, 3600.0, 86400.0]
    >>> seconds_of_day(pa.array(["30:00.5", "31:00"])).to_pylist()
    [1800.5, 1860.0]
    >>> seconds_of_day(pa.array(["12:05 AM", "2:05:00 PM"])).to_pylist()
    [300.0, 50700.0]
    """
    column = column.cast(pa.large_string())
    with_fraction = pc.any(pc.match_substring_regex(column, MINUTES)).as_py()
    column = pc.replace_substring_regex(column, TWO_NUMBERS, r"0:\1\2" if with_fraction else r"\1:00\2")
    found = pc.extract_regex(column, TIME_OF_DAY)
    if found.null_count or not len(column):
        return None
    fields = (found.field(number).cast(pa.large_string()) for number in range(6))
    days, hour, minute, seconds, fraction, half = fields
    if pc.any(pc.and_(pc.not_equal(half, ""), pc.greater(hour.cast(pa.int64()), 12))).as_py():
        return None
    hour = _hours(hour, half)
    total = _joined(seconds, _filled(fraction, "0"), sign=".").cast(pa.float64())
    for part, size in ((_filled(days, "0"), 86400.0), (hour, 3600.0), (minute, 60.0)):
        total = pc.add(total, pc.multiply(part.cast(pa.float64()), size))
    return total


def compact_dates(numbers: NDArray[np.int64]) -> NDArray[np.datetime64] | None:
    """Parse whole numbers such as 20240131, 2024013114 or 20240131140500 as dates; None unless every number is one.

    Parameters
    ----------
    numbers
        Year, month and day of the years 1900 to 2099, with or without hour, minute and second; shape (n,).

    Example
    -------
    >>> compact_dates(np.array([2024013114, 2024020100])).tolist()
    [datetime.datetime(2024, 1, 31, 14, 0), datetime.datetime(2024, 2, 1, 0, 0)]
    >>> compact_dates(np.array([20240131, 20240132])) is None
    True
    """
    digits = len(str(int(numbers[0]))) if len(numbers) else 0
    if digits not in (8, 10, 12, 14) or not _are_compact(numbers, digits):
        return None
    rest = numbers * 10 ** (14 - digits)
    parts = []
    for _ in range(5):
        parts.append(rest % 100)
        rest = rest // 100
    second, minute, hour, day, month = parts
    months = ((rest - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    if ((month < 1) | (month > 12) | (day < 1) | (hour > 23) | (minute > 59) | (second > 59)).any():
        return None
    if (days.astype("datetime64[M]") != months).any():
        return None
    dates: NDArray[np.datetime64] = days.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    return dates


def _are_compact(numbers: NDArray[np.int64], digits: int) -> bool:
    unit = 10 ** (digits - 4)
    return bool(1900 * unit <= numbers.min() and numbers.max() < 2100 * unit)


def _have_one_year(parts: dict[str, Any]) -> bool:
    """Whether each date has four digits for its year, or two at its end, and at most two for month and day."""
    first, third = pc.utf8_length(parts["first"]), pc.utf8_length(parts["third"])
    by_year = pc.less_equal(third, 2)
    by_day = pc.and_(pc.less_equal(first, 2), pc.or_(pc.equal(third, 2), pc.equal(third, 4)))
    return bool(pc.all(pc.if_else(parts["year_first"], by_year, by_day)).as_py())


def _word(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _joined(*parts: Any, sign: str = "") -> Any:
    return pc.binary_join_element_wise(*parts, _word(sign))


def _padded(number: Any) -> Any:
    return pc.utf8_lpad(number, 2, "0")


def _filled(part: Any, default: str) -> Any:
    return pc.if_else(pc.equal(part, ""), _word(default), part)


def _years(year: Any) -> Any:
    """Return years of four digits: 70 to 99 are 1970 to 1999, 00 to 69 are 2000 to 2069."""
    century = pc.if_else(pc.greater_equal(year, _word("70")), _word("19"), _word("20"))
    return pc.if_else(pc.equal(pc.utf8_length(year), 4), year, _joined(century, year))


def _zones(zone: Any) -> Any:
    """Return zones of ISO: an offset, or Z for UTC and GMT."""
    offset = pc.replace_substring_regex(zone, r"^(UTC|GMT)([+-])", r"\2")
    return pc.if_else(pc.is_in(offset, pa.array(["UTC", "GMT"], pa.large_string())), _word("Z"), offset)


def _hours(hour: Any, half: Any) -> Any:
    """Return hours from 00 to 23; ``half`` is the letter of AM or PM, or empty."""
    number = pc.cast(_filled(hour, "0"), pa.int64())
    half = pc.utf8_lower(half)
    number = pc.if_else(pc.and_(pc.not_equal(half, ""), pc.equal(number, 12)), 0, number)
    number = pc.if_else(pc.equal(half, "p"), pc.add(number, 12), number)
    return _padded(number.cast(pa.large_string()))


def _orders(parts: dict[str, Any]) -> tuple[DayOrder, ...]:
    """Collect the orders of day and month that cells show: those of numbers above 12, or else those of their form."""
    showing = _showing(parts)
    by_number = tuple(order for order, cells in showing.items() if pc.any(cells).as_py())
    if by_number or pc.all(parts["year_first"]).as_py():
        return by_number
    if pc.all(pc.equal(parts["sign"], ".")).as_py():
        return ("day first",)
    return ("month first",) if pc.any(pc.not_equal(parts["half"], "")).as_py() else ()


def _showing(parts: dict[str, Any]) -> dict[DayOrder, Any]:
    """Find the rows whose day is above 12, so that it cannot be a month."""
    open_cells = pc.invert(parts["year_first"])
    first, second = (pc.cast(parts[name], pa.int64()) for name in ("first", "second"))
    return {
        "day first": pc.and_(open_cells, pc.greater(first, 12)),
        "month first": pc.and_(open_cells, pc.greater(second, 12)),
    }
