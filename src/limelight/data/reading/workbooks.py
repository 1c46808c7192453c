"""Read the first table of an Excel workbook with openpyxl, from one sheet or from several with the same header."""

from __future__ import annotations

import datetime as dt
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.reading.footers import count_footers
from limelight.data.reading.header_rows import MOST_HEADER_ROWS, joined_names
from limelight.data.reading.missing import is_missing
from limelight.data.reading.number_formats import is_number
from limelight.errors import DataError, counted, listing

HEADER_WITHIN = 50
ROWS_BELOW_UNITS = 300
LAST_ROWS = 60
LONGEST_UNIT = 20
SIGN_OF_NO_UNIT = re.compile(r"[\[(<{].*[\])>}]|[-\u2013\u2014]?")
CELL_ERRORS = frozenset(("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"))

SHEET_NAMES = ("sheet", "sheet_name", "workbook_sheet")
"""Names of the column with the names of sheets; the first one that no column of the table has."""

_UNNAMED = "Unnamed: {}"
"""The name of a column without a word in the header, with its place, as pandas names it."""

SheetRow = tuple[Any, ...]


@dataclass(frozen=True)
class _Sheet:
    """A sheet with a table.

    Parameters
    ----------
    title
        Its name.
    header
        The words of the header; "" for cells without one.
    rows
        The rows below it.
    units
        The unit of each column that has one, by its place.
    skipped
        The number of rows above the header.
    footers
        The first words of rows below the table that are not data.
    header_rows
        The number of rows whose words are the header.
    """

    title: str
    header: tuple[str, ...]
    rows: list[SheetRow]
    units: dict[int, str]
    skipped: int
    footers: tuple[str, ...] = ()
    header_rows: int = 1

    def arranged(self, header: tuple[str, ...]) -> list[SheetRow]:
        """Return the rows in the order of another header with the same words; cells without a word stay at the end."""
        if header == self.header:
            return self.rows
        places = [self.header.index(word) for word in header]
        return [
            (*(row[place] if place < len(row) else None for place in places), *row[len(header) :]) for row in self.rows
        ]


def workbook_table(path: Path, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Read the first sheet that holds a table, or several sheets with the same columns.

    If sheets have the columns of the first, or others of them have more rows, these are read one below the other, and
    the column ``"sheet"``, whose field has the metadata entry ``role`` of ``sheet``, holds their names.

    The header is the first row that is at least half as full as the fullest row, so that titles and empty rows above it
    are skipped. A row of units below it holds the units of the columns. Empty rows and columns are skipped, and cells
    with an error such as ``#N/A`` are empty.

    Parameters
    ----------
    path, name
        The workbook, and its name in messages.

    Returns
    -------
    tuple[pa.Table, tuple[str, ...]]
        The columns, whose numbers, dates and words keep their type; and notes on what was chosen.

    Raises
    ------
    DataError
        If the file is not a workbook, no sheet holds a table, two columns have the same name, the units of two sheets
        differ, or no formula was calculated.
    """
    status = path.stat()
    return _cached_table(path, name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _cached_table(path: Path, name: str, changed: int, size: int) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a workbook; it is parsed once although names, types and values of its columns are read one by one."""
    with _opened(path, name) as book:
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        cells = {sheet.title: _filled_rows(sheet) for sheet in visible}
    table, notes, titles = _first_table(cells, name)
    if any(column.null_count for column in table.columns):
        for title in titles:
            _require_results(path, title, name)
    return table, notes


@contextmanager
def _opened(path: Path, name: str, *, formulas: bool = False) -> Iterator[Any]:
    """Open a workbook with openpyxl, whose rows are read on use; DataError if they cannot be read."""
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and rules that it does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=not formulas)
        try:
            yield book
        finally:
            book.close()
    except Exception as error:  # zipfile, zlib, XML and openpyxl raise a dozen kinds for damaged files
        raise DataError(
            f"expected an Excel workbook, got {name}, which is damaged or of another type; save it as .xlsx again"
        ) from error


def _filled_rows(sheet: Any) -> list[SheetRow]:
    """Return the rows of a sheet with at least one cell that is not empty."""
    sheet.reset_dimensions()  # some programs write a wrong range of cells
    return [row for row in sheet.iter_rows(values_only=True) if any(not _is_empty(cell) for cell in row)]


def _require_results(path: Path, title: str, name: str) -> None:
    """Check that the formulas of a sheet were calculated; DataError if none has a result."""
    uncalculated = ""
    with _opened(path, name) as results, _opened(path, name, formulas=True) as formulas:
        for sheet in (results[title], formulas[title]):
            sheet.reset_dimensions()
        for written, row in zip(formulas[title].iter_rows(), results[title].iter_rows(values_only=True), strict=False):
            for cell, result in zip(written, row, strict=False):
                if cell.value is not None and cell.data_type == "f":
                    if result is not None:
                        return
                    uncalculated = uncalculated or cell.coordinate
    if uncalculated:
        raise DataError(
            f"expected the results of formulas in {name}, got none, first in cell {uncalculated}: the workbook was "
            "never calculated; open it in Excel or LibreOffice and save it again"
        )


def _first_table(cells: Mapping[str, list[SheetRow]], name: str) -> tuple[pa.Table, tuple[str, ...], list[str]]:
    """Read the first sheet with a table, and those with the same columns; return table, notes and titles."""
    found = [one for title, rows in cells.items() if (one := _read_sheet(title, rows)) is not None]
    if not found:
        raise DataError(
            f"expected a sheet with a header and rows in {name}, got none in {listing(cells)}; add the table"
        )
    same = _sheets_of_one_table(found)
    first = same[0]
    rows = [row for one in same for row in one.arranged(first.header)]
    table = _table(first.header, rows, name, first.units if len(same) == 1 else _common_units(same, name))
    if len(same) > 1:
        column = next(one for one in SHEET_NAMES if one not in table.column_names)
        words = [one.title for one in same for _ in one.rows]
        field = pa.field(column, pa.large_string(), metadata={"role": "sheet"})
        table = table.append_column(field, pa.array(words, pa.large_string()))
    titles = [one.title for one in same]
    return table, tuple(_notes(same, list(cells), name)), titles


def _sheets_of_one_table(sheets: Sequence[_Sheet]) -> list[_Sheet]:
    """Return the sheets with the columns of the first, or those of the most rows if several have other columns."""
    groups: dict[tuple[str, ...], list[_Sheet]] = {}
    for one in sheets:
        is_plain = len({*one.header}) == len(one.header)
        groups.setdefault(tuple(sorted(one.header)) if is_plain else (one.title,), []).append(one)
    several = [group for group in groups.values() if len(group) > 1]
    return max([next(iter(groups.values())), *several], key=lambda group: sum(len(one.rows) for one in group))


def _common_units(sheets: Sequence[_Sheet], name: str) -> dict[int, str]:
    """Return the units of all sheets by the place of their column in the first; DataError if two differ."""
    header, units = sheets[0].header, dict[int, str]()
    for one in sheets:
        for place, unit in one.units.items():
            is_named = place < len(header)
            known = units.setdefault(header.index(one.header[place]) if is_named else place, unit)
            if known != unit:
                column = one.header[place] if is_named else _UNNAMED.format(place)
                raise DataError(
                    f"expected one unit for column {column!r} in all sheets of {name}, got {known!r} and, in sheet "
                    f"{one.title!r}, {unit!r}; convert one of them, or write the same unit"
                )
    return units


def _notes(same: list[_Sheet], visible: list[str], name: str) -> list[str]:
    """Return notes on the sheets that were read, and on what is above and below their headers."""
    titles, notes = [one.title for one in same], []
    others = [title for title in visible if title not in titles]
    ending = f" and not {listing(others)}; save another sheet as its own file to read it" if others else ""
    if len(same) > 1:
        notes.append(f"read {len(same)} sheets of {name} with the same columns as one table: {listing(titles)}{ending}")
    elif others:
        notes.append(f"read sheet {titles[0]!r} of {name}{ending}")
    if same[0].skipped:
        notes.append(f"skipped {counted(same[0].skipped, 'row')} above the header in {name}")
    if same[0].header_rows > 1:
        notes.append(f"joined the {same[0].header_rows} rows of the header in {name}: {listing(same[0].header[-3:])}")
    if footers := [word for one in same for word in one.footers]:
        notes.append(
            f"ignored {counted(len(footers), 'row')} below the table in {name}: {listing(dict.fromkeys(footers))}"
        )
    if any(one.units for one in same):
        notes.append(f"took the row below the header in {name} as units")
    return notes


def _read_sheet(title: str, rows: list[SheetRow]) -> _Sheet | None:
    """Find the table in the rows of a sheet; None if it holds none."""
    header = _find_header(rows)
    if header is None:
        return None
    words, count = _header_words(rows[header:])
    if header and len({*filter(None, words)}) < len([*filter(None, words)]):
        above, several = _header_words(rows[header - 1 :])
        header, words, count = (header - 1, above, several) if several > 1 else (header, words, count)
    units = _units_of(rows[header + count], rows[header + count + 1 :])
    below = rows[header + count + bool(units) :]
    filled = max((place for place, word in enumerate(words) if word), default=-1) + 1
    last = [["" if _is_empty(cell) else _word(cell) for cell in row] for row in below[-LAST_ROWS:]]
    ended = count_footers(last, len(words), _typed_columns(below[-LAST_ROWS:]))
    footers = tuple(next(cell for cell in row if cell.strip()) for row in last[len(last) - ended :])
    return _Sheet(title, words[:filled], below[: len(below) - ended], units, header, footers, count)


def _header_words(rows: Sequence[SheetRow]) -> tuple[tuple[str, ...], int]:
    """Return the words of the header at the top of some rows, and its number of rows, which are joined."""
    words = [["" if _is_empty(cell) else _word(cell).strip() for cell in row] for row in rows[:MOST_HEADER_ROWS]]
    for count in range(2, min(MOST_HEADER_ROWS, len(rows) - 1) + 1):
        first = count + bool(len(rows) > count + 1 and _units_of(rows[count], rows[count + 1 :]))
        typed = _typed_columns(rows[first : first + ROWS_BELOW_UNITS])
        begins = rows[first]
        if not any(not isinstance(begins[place], str) for place in typed if place < len(begins)):
            continue
        names = joined_names(words[:count], max(map(len, words[:count])), typed)
        return (tuple(names), count) if names is not None else (tuple(words[0]), 1)
    return tuple(words[0]), 1


def _typed_columns(rows: Sequence[SheetRow]) -> list[int]:
    """Return the columns of which most cells are numbers or dates, also those stored as text."""
    typed = []
    for place in range(max((len(row) for row in rows), default=0)):
        cells = [row[place] for row in rows if place < len(row) and not _is_empty(row[place])]
        if 2 * sum(not isinstance(cell, str) or is_number(cell.strip()) for cell in cells) > len(cells):
            typed.append(place)
    return typed


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell.strip() or cell in CELL_ERRORS))


def _find_header(rows: Sequence[SheetRow]) -> int | None:
    """Find the first row at least half as full as the fullest one, with rows below it; None if there is none."""
    filled = [sum(not _is_empty(cell) for cell in row) for row in islice(rows, HEADER_WITHIN)]
    widest = max(filled, default=0)
    if widest < 2:
        return None
    header = next(index for index, count in enumerate(filled) if 2 * count >= widest and count >= 2)
    return header if header + 1 < len(rows) else None


def _units_of(first: SheetRow, rows: Sequence[SheetRow]) -> dict[int, str]:
    """Return the units in the first row below a header by the place of their column; empty if it holds data.

    A row of units has short words above numbers and dates, at least one, and nothing but signs such as "-" above words.
    """
    units: dict[int, str] = {}
    for place, unit in enumerate(first):
        if _is_empty(unit):
            continue
        cells = [row[place] for row in rows[:ROWS_BELOW_UNITS] if place < len(row) and not _is_empty(row[place])]
        words = any(isinstance(cell, str) for cell in cells)
        if not isinstance(unit, str) or len(unit) > LONGEST_UNIT:
            return {}
        if words and not SIGN_OF_NO_UNIT.fullmatch(unit.strip()):
            return {}
        if cells and not words and not is_missing(unit):
            units[place] = unit.strip().strip("[](){}<> ")
    return units


def _table(header: Sequence[str], rows: Sequence[SheetRow], name: str, units: dict[int, str]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    fields: list[pa.Field] = []
    repeated = []
    width = max(len(header), *(len(row) for row in rows))
    for index in range(width):
        cells = [None if index >= len(row) or _is_empty(row[index]) else row[index] for row in rows]
        column = header[index] if index < len(header) else ""
        if not column and all(cell is None for cell in cells):
            continue
        column = column or _UNNAMED.format(index)
        if column in columns:
            repeated.append(column)
        columns[column] = _column(cells)
        fields.append(
            pa.field(column, columns[column].type, metadata={"unit": units[index]} if index in units else None)
        )
    if repeated:
        raise DataError(f"expected unique column names in {name}, got {listing(repeated)} twice; rename one")
    return pa.table(columns, schema=pa.schema(fields))


def _column(cells: list[Any]) -> pa.Array:
    """Convert cells to the narrowest of numbers, dates and booleans that holds them all, else to words."""
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds <= {"int"}:
        return pa.array(cells, pa.int64() if kinds else pa.float64())
    if kinds <= {"int", "float"}:
        return pa.array([None if cell is None else _float(cell) for cell in cells], pa.float64())
    if kinds == {"bool"}:
        return pa.array(cells, pa.bool_())
    if kinds == {"date"}:
        return pa.array([None if cell is None else _moment(cell) for cell in cells], pa.timestamp("us"))
    if kinds == {"duration"}:
        return pa.array([None if cell is None else cell.total_seconds() for cell in cells], pa.float64())
    return pa.array([None if cell is None else _word(cell) for cell in cells], pa.large_string())


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "bool"
    if isinstance(cell, int):
        return "int" if -(1 << 63) <= cell < 1 << 63 else "float"
    if isinstance(cell, dt.date):  # also a datetime
        return "date"
    if isinstance(cell, dt.timedelta):
        return "duration"
    return "float" if isinstance(cell, float) else "word"


def _float(cell: float) -> float:
    """Convert a number; an integer beyond the largest float is infinite, as 1e400 is."""
    try:
        return float(cell)
    except OverflowError:
        return math.inf if cell > 0 else -math.inf


def _moment(cell: dt.date) -> dt.datetime:
    return cell if isinstance(cell, dt.datetime) else dt.datetime(cell.year, cell.month, cell.day)


def _word(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)
