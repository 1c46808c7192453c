"""A clock in several columns: a date beside a time of day or an hour, or year, month and day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limelight.data.reading.columns import is_number_column, numbers_or_missing
from limelight.data.reading.names import is_named, plain_name
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.times import read_clock
from limelight.errors import DataError

TIMES_OF_DAY = ("time", "time_of_day", "clock", "uhrzeit", "zeit", "tageszeit", "heure", "hora")
HOURS = ("hour", "hours", "hr", "stunde", "std", "heure", "hora")
UNITS_OF_DATES = (
    ("year", "yr", "jahr", "annee", "ano", "anio"),
    ("month", "monat", "mois", "mes"),
    ("day", "tag", "jour", "dia"),
    HOURS,
    ("minute", "minutes", "minuto"),
    ("second", "seconds", "sekunde", "seconde", "segundo"),
)
"""Names of the columns of a date in parts, from the year down."""
RANGES = ((1900, 2099), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59))
DATE_ALONE = r"[T ]00:00(:00(\.0+)?)?$"
COMPACT_DATE = r"^(\d{4})(\d{2})(\d{2})$"
TIME = r"^\s*\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(\s*[AaPp]\.?[Mm]\.?)?(Z|[+-]\d{2}:?\d{2})?\s*$"


@dataclass(frozen=True)
class ClockColumns:
    """The columns that together are the clock of a table.

    Parameters
    ----------
    parts
        A date, and a time of day or an hour; or year, month and day, and what else there is down to the second.

    Example
    -------
    >>> columns = ClockColumns(("day", "at"))
    >>> columns.joined(pa.table({"day": ["31.01.2024"], "at": ["08:05"], "x": [1.5]})).to_pylist()
    [{'x': 1.5, 'day at': '31.01.2024 08:05:00'}]
    """

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the clock."""
        return " ".join(self.parts)

    def needed(self, columns: Sequence[str]) -> list[str]:
        """Return the columns of the file that columns of the table are read from."""
        return [part for name in columns for part in (self.parts if name == self.name else (name,))]

    def joined(self, table: pa.Table) -> pa.Table:
        """Return a table with the clock in place of its parts; unchanged if they were not read."""
        if not {*self.parts} <= {*table.column_names}:
            return table
        words = [_as_text(table[part]) for part in self.parts]
        if len(words) == 2:
            clock = _joined(_dates_alone(words[0]), _with_minutes(words[1]), sign=" ")
        else:
            numbers = [pc.utf8_lpad(pc.replace_substring_regex(one, r"\.0+$", ""), 2, "0") for one in words]
            zeros = [_word("00") for _ in range(6 - len(words))]
            clock = _joined(_joined(*numbers[:3], sign="-"), _joined(*numbers[3:], *zeros, sign=":"), sign=" ")
        return table.drop_columns(list(self.parts)).append_column(self.name, clock)


def find_clock_columns(sample: Source, excluded: Collection[str] = ()) -> ClockColumns | None:
    """Find a clock in several columns, by their names and the first rows.

    Parameters
    ----------
    sample
        The first rows of a table.
    excluded
        Columns that have another role.

    Returns
    -------
    ClockColumns or None
        A column of dates without a time of day, and one of times of day, or of hours if dates repeat; or columns of
        year, month and day. None if there are no such columns, or several.

    Example
    -------
    >>> table = pa.table({"Datum": ["31.01.2024", "31.01.2024"], "Uhrzeit": ["08:00", "08:05"], "x": [1.5, 2]})
    >>> find_clock_columns(Source(table, "the series table")).parts
    ('Datum', 'Uhrzeit')
    """
    free = [name for name in sample.columns if name not in excluded]
    dates = [name for name in free if is_named(name, "time") and _holds_dates(sample, name)]
    times = [name for name in free if plain_name(name) in (*TIMES_OF_DAY, *HOURS) and name not in dates]
    of_day = [name for name in times if _holds_times(sample, name)]
    others = [name for name in free if is_named(name, "time") and name not in (*dates, *of_day)]
    if len(dates) == len(of_day) == 1:
        return _unless_taken((dates[0], of_day[0]), sample)
    units = _units_of_date(sample, free)
    if len(dates) == 1 and not others and len(units) == 1 and plain_name(units[0]) in HOURS:
        return _unless_taken((dates[0], units[0]), sample) if _repeats(sample, dates[0]) else None
    is_date = len(units) > 2 and plain_name(units[2]) in UNITS_OF_DATES[2]
    return _unless_taken(tuple(units), sample) if is_date and not {*dates, *others} - {*units} else None


def _unless_taken(parts: tuple[str, ...], sample: Source) -> ClockColumns | None:
    found = ClockColumns(parts)
    return None if found.name in sample.columns else found


def _units_of_date(sample: Source, free: Sequence[str]) -> list[str]:
    """Return the columns of year, month, day and so on, one for each, up to the first that is missing or repeated.

    Hours alone are returned too.
    """
    found: list[str] = []
    for names, (least, most) in zip(UNITS_OF_DATES, RANGES, strict=True):
        columns = [name for name in free if plain_name(name) in names and _lies_in(sample, name, least, most)]
        if len(columns) == 1:
            found += columns
        elif found:
            break
    return found


def _lies_in(sample: Source, name: str, least: int, most: int) -> bool:
    if not is_number_column(sample, name):
        return False
    numbers = numbers_or_missing(sample, name)
    return bool(np.all((numbers >= least) & (numbers <= most) & (numbers == np.floor(numbers))))


def _holds_dates(sample: Source, name: str) -> bool:
    """Whether all cells of a column are dates without a time of day."""
    try:
        times = read_clock(sample, name).times
    except DataError:
        return False
    return times.dtype.kind == "M" and bool(np.all(times == times.astype("datetime64[D]")))


def _holds_times(sample: Source, name: str) -> bool:
    kind = sample.table[name].type
    if pa.types.is_time(kind):
        return True
    return is_text(kind) and bool(pc.all(pc.match_substring_regex(sample.table[name], TIME)).as_py())


def _repeats(sample: Source, name: str) -> bool:
    times = read_clock(sample, name).times
    return bool(np.any(times[1:] == times[:-1]))


def _as_text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_floating(column.type):
        column = column.cast(pa.int64())
    return pc.utf8_trim_whitespace(column.cast(pa.large_string()))


def _word(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _joined(*parts: Any, sign: str) -> Any:
    return pc.binary_join_element_wise(*parts, _word(sign))


def _dates_alone(words: Any) -> Any:
    """Return dates without midnight, and with signs between year, month and day."""
    return pc.replace_substring_regex(pc.replace_substring_regex(words, DATE_ALONE, ""), COMPACT_DATE, r"\1-\2-\3")


def _with_minutes(words: Any) -> Any:
    """Return times of day with minutes and seconds, of hours or of hours and minutes."""
    hours = pc.replace_substring_regex(words, r"^(\d{1,2})$", r"\1:00")
    return pc.replace_substring_regex(hours, r"^(\d{1,2}:\d{2})$", r"\1:00")
