"""The form of the table in a CSV file: its width, its header, the row of units and the names of the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from limelight.data.reading.csv_text import NumberedLines, csv_records
from limelight.data.reading.header_rows import MOST_HEADER_ROWS, joined_names
from limelight.data.reading.missing import is_missing
from limelight.data.reading.number_formats import is_number
from limelight.errors import DataError, listing

_SPREADSHEET_ERRORS = r"#(?:N/A|NV|NA|NULL|DIV/0|VALUE|WERT|REF|BEZUG|NAME|NUM|ZAHL)\b"
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?$|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?$")
_UNIT = re.compile(r"[\[(<{].*[\])>}]$|[-\u2013\u2014]?$|[yYmMdDhHsS:./T_ -]+$")
STATED_SEPARATOR = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
_LONGEST_UNIT = 20
_LONGEST_PREAMBLE = 60
_MOST_ROWS = 300
_TYPED_SHARE = 0.8

Record = tuple[int, list[str]]


def comment_regex(sign: str) -> re.Pattern[str]:
    """Return the regular expression of a comment line; words such as ``#N/A`` at its begin make it a line of data."""
    return re.compile(rf"[ \t]*(?!{_SPREADSHEET_ERRORS}){re.escape(sign)}")


def ignored_lines(
    comment: str, blank_separator: str = "", header: str = "", footers: Sequence[str] = ()
) -> re.Pattern[str] | None:
    """Return the regular expression of lines that are not data: comments, bare separators, headers, footers.

    Example
    -------
    >>> ignored_lines("#").sub("", "# a\\n1,2\\n#N/A,3\\n")
    '1,2\\n#N/A,3\\n'
    """
    kinds = [rf"(?!{_SPREADSHEET_ERRORS}){re.escape(comment)}[^\r\n]*"] if comment else []
    if blank_separator:
        kinds.append(rf"{re.escape(blank_separator)}[{re.escape(blank_separator)} \t]*(?=[\r\n]|\Z)")
    lines = [header, *footers] if header else footers
    kinds += [rf"{re.escape(line)}[ \t]*(?=[\r\n]|\Z)" for line in lines]
    return re.compile(rf"(?m)^[ \t]*(?:{'|'.join(kinds)})(?:\r\n|\r|\n|\Z)") if kinds else None


@dataclass(frozen=True)
class Sample:
    """The first lines of a file.

    Parameters
    ----------
    lines
        The lines with their ends.
    ignored
        A regular expression of lines that are not data, or None.
    quote
        The sign around text.
    complete
        Whether these are all lines, so that the last record ends with them.
    """

    lines: list[str]
    ignored: re.Pattern[str] | None
    quote: str
    complete: bool

    @property
    def states_separator(self) -> bool:
        """Whether the first line states the separator, as spreadsheets write it."""
        return bool(self.lines) and STATED_SEPARATOR.match(self.lines[0]) is not None

    @property
    def quoted(self) -> bool:
        """Whether a line holds a quote."""
        return bool(self.quote) and any(self.quote in line for line in self.lines)

    def records(self, separator: str) -> list[Record]:
        """Return line and cells of each record that is not blank."""
        found = list(csv_records(NumberedLines(self.lines, self.ignored), separator, self.quote))
        found = found if self.complete or len(found) < 2 else found[:-1]
        start = 2 if self.states_separator else 1
        return [one for one in found if one[0] >= start and any(cell.strip() for cell in one[1])]

    def has_blank_rows(self, separator: str) -> bool:
        """Whether a record holds nothing but separators."""
        if not any(separator in line and not line.strip(f"{separator} \t\r\n") for line in self.lines):
            return False
        found = csv_records(NumberedLines(self.lines, self.ignored), separator, self.quote)
        return any(len(cells) > 1 and not any(cell.strip() for cell in cells) for _, cells in found)


@dataclass(frozen=True)
class Form:
    """How a separator fits.

    Parameters
    ----------
    separator
        The separator.
    records
        Line and cells of each record that is not blank.
    width
        The number of cells of a record.
    header
        The place of the header in ``records``.
    units
        Whether the record below the header holds units.
    misfits
        The number of records before the header, and of those after it with another width.
    typed
        The columns of numbers or dates.
    """

    separator: str
    records: list[Record]
    width: int
    header: int
    units: bool
    misfits: int
    typed: tuple[int, ...]

    def is_data(self, place: int) -> bool:
        """Whether a record exists and holds numbers or dates in at least half of their columns."""
        if not self.typed or not 0 <= place < len(self.records) or len(self.records[place][1]) < self.width:
            return False
        record = self.records[place][1]
        cells = [record[column].strip() for column in self.typed if column < len(record)]
        fitting = sum(_is_typed(cell) or is_missing(cell) for cell in cells)
        return 2 * fitting >= len(cells) and any(map(_is_typed, cells))

    def is_header(self, place: int) -> bool:
        """Whether a record has names in all columns of numbers or dates."""
        cells = [cell.strip() for cell in self.records[place][1]]
        if not _fits(cells, self.width):
            return False
        return all(column < len(cells) and _is_name(cells[column]) for column in self.typed)

    def is_units(self, place: int) -> bool:
        """Whether a record may hold units: short words above numbers, at least one, and nothing else above words."""
        if not self.typed or place >= len(self.records):
            return False
        cells = [cell.strip() for cell in self.records[place][1]]
        above = [cells[column] for column in self.typed if column < len(cells)]
        if not _fits(cells, self.width) or all(map(is_missing, above)):
            return False
        return all(
            not _is_typed(cell) and len(cell) <= _LONGEST_UNIT
            if column in self.typed
            else _UNIT.match(cell) is not None
            for column, cell in enumerate(cells)
        )


def _fits(cells: Sequence[str], width: int) -> bool:
    """Whether a header has as many cells as the table; the last cell of either may be empty."""
    return len(cells) in (width, width - 1) or (len(cells) == width + 1 and not cells[-1])


def _is_typed(cell: str) -> bool:
    return is_number(cell) or _DATE.match(cell) is not None


def _is_name(cell: str) -> bool:
    return not is_missing(cell) and not _is_typed(cell)


def cells_of(rows: Sequence[Sequence[str]], column: int) -> list[str]:
    """Return the cells of a column that are not empty and no word for a missing value."""
    cells = (row[column].strip() for row in rows if column < len(row))
    return [cell for cell in cells if not is_missing(cell)]


def find_form(sample: Sample, separator: str) -> Form:
    """Find width and header of a table for a separator.

    The width is that of most records in the second half of the sample. The header is the first record with names, not
    numbers, in every column of numbers that is followed by a record of numbers.
    """
    records = sample.records(separator)
    half = [cells for _, cells in records[len(records) // 2 :]][-_MOST_ROWS:]
    widths = Counter(len(cells) for cells in half)
    width = max(widths, key=lambda one: (widths[one], one), default=0)
    rows = [cells for cells in half if len(cells) == width]
    form = Form(separator, records, width, 0, False, 0, _typed_columns(rows, width))
    header, units = _find_header(form)
    first = records[header][1] if records else []
    trailing = len(first) == width - 1 and all(not cells[-1].strip() for cells in rows)
    if not _fits(first, width) or (len(first) == width - 1 and not trailing):
        return Form(separator, records, len(first), 0, False, _misfits(records, 0, len(first)), form.typed)
    return Form(separator, records, width, header, units, _misfits(records, header, width), form.typed)


def _misfits(records: Sequence[Record], header: int, width: int) -> int:
    return header + sum(len(cells) != width for _, cells in records[header + 1 :])


def _typed_columns(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    typed = []
    for column in range(width):
        cells = cells_of(rows, column)
        if cells and sum(map(_is_typed, cells)) >= _TYPED_SHARE * len(cells):
            typed.append(column)
    return tuple(typed)


def _find_header(form: Form) -> tuple[int, bool]:
    """Return the place of the header, and whether a row of units follows."""
    records = form.records
    for place in range(min(_LONGEST_PREAMBLE, len(records))):
        if not form.typed or not form.is_header(place):
            continue
        units = form.is_units(place + 1) and form.is_data(place + 2)
        if units or form.is_data(place + 1):
            return (place, units) if _may_skip(form, place) else (0, False)
    for place in range(min(_LONGEST_PREAMBLE, len(records))):
        cells = [cell.strip() for cell in records[place][1]]
        if len(cells) == form.width:
            named = _is_steps(cells) or not any(map(is_number, cells))
            narrow = all(len(one) < min(form.width, 3) for _, one in records[:place])
            return (place if named and narrow else 0), False
    return 0, False


def _may_skip(form: Form, header: int) -> bool:
    """Whether the records before a header are no part of the table: the first of them is no header of it."""
    if header < 2:
        apart = header == 0 or form.records[0][0] + 1 < form.records[1][0]
        return apart or not _fits(form.records[0][1], form.width)
    return True


def _is_steps(cells: Sequence[str]) -> bool:
    """Whether cells are the numbers of steps, as in the header of a wide table."""
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    return len(numbers) > 2 and all(later == number + 1 for number, later in pairwise(numbers))


@dataclass(frozen=True)
class Head:
    """What stands above the data of a CSV file.

    Parameters
    ----------
    names
        The names of the columns, as written.
    units
        The cells of the row of units; empty without one.
    first
        The place of the first record of data.
    preamble
        The number of records before the header.
    rows
        The number of rows of the header.
    """

    names: list[str]
    units: list[str]
    first: int
    preamble: int = 0
    rows: int = 1

    def units_of(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return the unit of each column that has one, without brackets."""
        units = [(name, unit.strip("[](){}<> ")) for name, unit in zip(names, self.units, strict=False)]
        return tuple((name, unit) for name, unit in units if name and unit.strip("-\u2013\u2014 "))


def find_head(sample: Sample, form: Form, comment: str, units_row: bool | None) -> Head:
    """Find names and units above the data: in records, or in the last comment lines before the data."""
    if not form.records:
        return Head([], [], 0)
    if comment and form.is_data(0):
        head = _commented_head(sample, form, comment)
        if head is not None:
            return head
    head = _head_of_rows(form)
    if head is not None and units_row is None:
        return head
    place = form.header
    names = [cell.strip() for cell in form.records[place][1]]
    with_units = form.units if units_row is None else units_row
    units = (
        [cell.strip() for cell in form.records[place + 1][1]] if with_units and place + 1 < len(form.records) else []
    )
    return Head(names, units, place + 1 + bool(units), place)


def _head_of_rows(form: Form) -> Head | None:
    """Return a header of two or three rows; None if there is one row.

    It begins where the header was found or, if this may hold units or has a name twice, one or two rows above.
    """
    names = [cell.strip() for cell in form.records[form.header][1] if cell.strip()]
    doubtful = len({*names}) < len(names) or form.is_units(form.header)
    first = max(0, form.header - MOST_HEADER_ROWS + 1) if doubtful else form.header
    heads = (_head_of_rows_at(form, place) for place in range(first, form.header + 1))
    return next((head for head in heads if head is not None), None)


def _head_of_rows_at(form: Form, place: int) -> Head | None:
    for count in range(2, MOST_HEADER_ROWS + 1):
        rows = [cells for _, cells in form.records[place : place + count]]
        if len(rows) < count or form.is_data(place + count - 1) or not all(_fits(cells, form.width) for cells in rows):
            return None
        has_units = form.is_units(place + count) and form.is_data(place + count + 1)
        names = joined_names(rows, form.width, form.typed) if has_units or form.is_data(place + count) else None
        if names is not None:
            units = [cell.strip() for cell in form.records[place + count][1]] if has_units else []
            return Head(names, units, place + count + has_units, place, count)
    return None


def _commented_head(sample: Sample, form: Form, comment: str) -> Head | None:
    """Find a header in the comment lines before the data: the last that has a name for every column."""
    regex = comment_regex(comment)
    lines = [line.strip() for line in sample.lines[: form.records[0][0] - 1] if regex.match(line)]
    texts = [line[len(comment) :].strip(f" {comment}") for line in lines]
    rows = [next(csv_records(NumberedLines([text], None), form.separator, sample.quote), (1, []))[1] for text in texts]
    rows = [[cell.strip() for cell in row] for row in rows]
    named = [place for place, row in enumerate(rows) if len(row) == form.width and all(map(_is_name, row))]
    if not named:
        return None
    last = named[-1]
    above = last - 1 in named and all(map(_UNIT.match, rows[last]))
    return Head(rows[last - 1], rows[last], 0) if above else Head(rows[last], [], 0)


def require_names(header: Sequence[str], rows: Sequence[Sequence[str]], form: Form, name: str) -> None:
    """Check that a header holds names; DataError if it is a record of data, which would be lost.

    A header with numbers or dates above numbers is data if a word in it occurs again in the same column, or if there
    are no words and the numbers do not rise as steps, times and wavelengths do.
    """
    typed = [header[column] for column in form.typed if column < len(header) and header[column]]
    if not typed or not all(map(_is_typed, typed)):
        return
    words = [column for column, cell in enumerate(header) if cell and column not in form.typed]
    repeated = [column for column in words if any(row[column].strip() == header[column] for row in rows)]
    if repeated or (not words and rows and not _rise(typed)):
        shown = [header[repeated[0]]] if repeated else []
        raise DataError(
            f"expected the names of the columns in the first line of {name}, got data: {listing([*shown, *typed], 4)}; "
            "write a line of names above them, such as series_id,time,value, or pass the names with csv={'names': "
            "['time', 'value']} (--set 'data.csv.names=[\"time\",\"value\"]')"
        )


def _rise(cells: Sequence[str]) -> bool:
    """Whether cells are three rising numbers or dates, or more, or count from 0."""
    if list(cells) == [str(number) for number in range(len(cells))]:
        return True
    try:
        numbers = [float(cell.replace(",", ".")) for cell in cells]
    except ValueError:
        return len(cells) > 2 and all(first < second for first, second in pairwise(cells))
    return len(cells) > 2 and all(first < second for first, second in pairwise(numbers))


def named_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int, name: str
) -> tuple[list[str], list[int]]:
    """Return the names of the columns of a table.

    Parameters
    ----------
    header, rows, width
        The cells of the header, the records of data, and their number of cells.
    name
        The name of the file in messages.

    Returns
    -------
    tuple
        The names, and the places of columns without name and values. A first column without name keeps the name "",
        others are named by their place: ``column_3``.

    Raises
    ------
    DataError
        If a name occurs twice.
    """
    names = [*header, ""] if len(header) == width - 1 else [*header[:-1]] if len(header) == width + 1 else [*header]
    dropped = []
    for place, column in enumerate(names):
        if not column and not any(row[place].strip() for row in rows if place < len(row)):
            dropped.append(place)
        elif not column and place:
            names[place] = f"column_{place + 1}"
    kept = [column for place, column in enumerate(names) if place not in dropped]
    repeated = sorted({column for column in kept if kept.count(column) > 1})
    if repeated:
        raise DataError(f"expected unique column names in {name}, got {listing(repeated)} twice; rename one")
    return names, dropped
