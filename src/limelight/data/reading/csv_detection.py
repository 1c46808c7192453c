"""Find how a CSV file is written from its content."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from limelight.data.reading.compression import suffix_of, unpacking
from limelight.data.reading.csv_form import (
    STATED_SEPARATOR,
    Form,
    Head,
    Sample,
    cells_of,
    comment_regex,
    find_form,
    find_head,
    ignored_lines,
    named_columns,
    require_names,
)
from limelight.data.reading.csv_text import (
    other_encoding,
    read_last_lines,
    read_later_lines,
    read_sample,
    recurs,
    sample_lines,
    scan,
    undecodable,
)
from limelight.data.reading.dialect import CELL_SEPARATORS, CsvOptions, Dialect, sign_name
from limelight.data.reading.footers import count_footers
from limelight.data.reading.formats import OTHER_TEXT
from limelight.data.reading.number_formats import NumberFormat, find_formats, is_number
from limelight.errors import DataError, ParameterError, listing

_COMMENTS = ("#", "%", "//")
_QUOTED = re.compile(r"(?:^|[,;\t|])\s*'[^']*'\s*(?=[,;\t|]|\s*$)")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}$")
_BLANK_SUFFIXES = (".txt", *OTHER_TEXT)
_SAMPLE_ROWS = 300
_FOOTER_ROWS = 60


def find_dialect(path: Path, name: str, options: CsvOptions, *, thorough: bool = False) -> Dialect:
    """Find how a CSV file is written.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    options
        What the user states, which overrides what is detected.
    thorough
        Whether to read the whole file for bytes that are not UTF-8 and for comment lines, instead of the first lines.

    Returns
    -------
    Dialect
        How the file is written.

    Raises
    ------
    DataError
        If a column name occurs twice, or the text cannot be decoded.
    ParameterError
        If the file is not as the user states.
    """
    stat = path.stat()
    return _find_cached(path, name, options, thorough, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _find_cached(path: Path, name: str, options: CsvOptions, thorough: bool, size: int, changed: int) -> Dialect:
    try:
        with unpacking(path, name):
            marked: list[str] = []
            if thorough:
                unicode, marked = scan(path)
                if options.encoding is None and not unicode:
                    options = replace(options, encoding=other_encoding(path))
            return _find(path, name, options, marked, thorough=thorough)
    except UnicodeError as error:
        raise undecodable(name, options.encoding or "utf-8") from error
    except csv.Error as error:
        raise DataError(f"expected a CSV file, got {name}, which cannot be parsed as CSV; write it again") from error


def _find(path: Path, name: str, options: CsvOptions, marked: Sequence[str], *, thorough: bool) -> Dialect:
    text, encoding, complete = read_sample(path, options.encoding)
    lines = sample_lines(text)
    quote = _find_quote(lines) if options.quote is None else options.quote
    comment = _find_comment(lines) if options.comment is None else options.comment
    sample = Sample(lines, ignored_lines(comment), quote, complete)
    form = _choose_form(sample, options, name, suffix_of(path))
    if options.comment is None:
        sure = _sure_comment(sample, form, comment) if comment else _late_comment(marked, form)
        if sure != comment:
            comment = sure
            sample = replace(sample, ignored=ignored_lines(comment))
            form = _choose_form(sample, options, name, suffix_of(path))
    head = _stated_head(options.names, form, name) or find_head(sample, form, comment, options.units_row)
    header = _header_line(sample, form, head)
    rows = [record for _, record in form.records[head.first :] if len(record) == form.width]
    blank_rows = sample.has_blank_rows(form.separator)
    for piece in read_later_lines(path, encoding):
        later = replace(sample, lines=piece, complete=True)
        rows += [record for _, record in later.records(form.separator) if len(record) == form.width]
        blank_rows = blank_rows or later.has_blank_rows(form.separator)
    titles = [record for record in rows if [cell.strip() for cell in record] == head.names]
    footers = _find_footers(path, encoding, sample, form, head.first)
    repeated = header if header and (titles or (thorough and recurs(path, encoding, header))) else ""
    below = [cells for _, cells in footers]
    rows = [record for record in rows if record not in below and not (repeated and record in titles)]
    require_names(head.names, rows, form, name)
    names, dropped = named_columns(head.names, rows, form.width, name)
    cells = [cells_of(rows, place) for place in range(len(names))]
    numbers = find_formats(cells, form.separator, options.decimal, options.thousands)
    _require_decimal(options, cells, names, name)
    blank = form.separator if blank_rows and form.width > 1 else ""
    ignored = ignored_lines(comment, blank, repeated, [line for line, _ in footers])
    data_line = form.records[head.first][0] if head.first < len(form.records) else len(lines) + 1
    return Dialect(
        names=tuple(names),
        separator=form.separator,
        quote=quote,
        encoding=encoding,
        comment=comment,
        numbers=numbers.main,
        formats=numbers.columns,
        samples=tuple(_are_simple(column, numbers.main) for column in cells),
        units=head.units_of(names),
        dropped=tuple(dropped),
        skipped=sum(1 for line in lines[: data_line - 1] if ignored is None or not ignored.match(line)),
        data_line=data_line,
        preamble=head.preamble,
        header_rows=head.rows,
        ignored=ignored,
        assumption=numbers.assumption,
        repeated=bool(repeated),
        footers=tuple(dict.fromkeys(next(cell.strip() for cell in cells if cell.strip()) for cells in below)),
    )


def _find_footers(path: Path, encoding: str, sample: Sample, form: Form, first: int) -> list[tuple[str, list[str]]]:
    """Return the last lines of a file that are not data, with their cells; ``first`` is the place of the first data."""
    records = form.records[first:]
    if not sample.complete:
        sample = replace(sample, lines=read_last_lines(path, encoding), complete=True)
        records = sample.records(form.separator)
    last = records[-_FOOTER_ROWS:]
    count = count_footers([cells for _, cells in last], form.width, form.typed)
    found = [(sample.lines[line - 1].strip(), cells) for line, cells in last[len(last) - count :]]
    return [] if any("\n" in cell for _, cells in found for cell in cells) else found


def _stated_head(names: Sequence[str] | None, form: Form, name: str) -> Head | None:
    """Return the names that the user states for a file whose first record is data; None for other files."""
    if not names or not form.is_data(0):
        return None
    if len(names) != form.width:
        raise ParameterError(
            f"expected a name for each of the {form.width} columns of {name} (set by csv), got {len(names)}: "
            f"{listing(names, 12)}; name every column"
        )
    return Head(list(names), [], 0)


def _header_line(sample: Sample, form: Form, head: Head) -> str:
    """Return the line of the header without its end; "" if there is none, or it has one column or several lines."""
    if head.first == 0 or form.width < 2:
        return ""
    text = sample.lines[form.records[head.preamble][0] - 1].strip()
    return "" if sample.quote and text.count(sample.quote) % 2 else text


def _are_simple(cells: Sequence[str], number: NumberFormat) -> bool:
    """Whether Arrow can read these cells as numbers: all are in the format, and none has groups of digits."""
    return bool(cells) and all(number.matches(cell) and not number.is_grouped(cell) for cell in cells)


def _find_quote(lines: Sequence[str]) -> str:
    """Find the sign around text: the single quote only if it stands around cells of most lines."""
    head = lines[:_SAMPLE_ROWS]
    if any('"' in line for line in head):
        return '"'
    return "'" if 2 * sum(bool(_QUOTED.search(line)) for line in head) > len(head) else '"'


def _find_comment(lines: Sequence[str]) -> str:
    """Find the sign that comment lines begin with; "" if there are none."""
    written = [line for line in lines if line.strip()]
    for sign in _COMMENTS:
        regex = comment_regex(sign)
        marked = [bool(regex.match(line)) for line in written]
        if not any(marked) or all(marked[1:]):
            continue
        if marked[0] or 2 * sum(marked) < len(marked):
            return sign
    return ""


def _sure_comment(sample: Sample, form: Form, comment: str) -> str:
    """Return the sign of comments, "" if a line below the first record begins with it and has a cell a column."""
    first, regex = (form.records[0][0] if form.records else 0), comment_regex(comment)
    records = replace(sample, ignored=None).records(form.separator)
    marked = [cells for line, cells in records if line > first and regex.match(sample.lines[line - 1])]
    return "" if any(len(cells) == form.width for cells in marked) else comment


def _late_comment(marked: Sequence[str], form: Form) -> str:
    """Find the sign of comments below the first lines, which have other numbers of cells than the table."""
    for sign in _COMMENTS:
        regex = comment_regex(sign)
        found = [line for line in marked if regex.match(line)]
        if found and all(line.count(form.separator) + 1 != form.width for line in found):
            return sign
    return ""


def _choose_form(sample: Sample, options: CsvOptions, name: str, suffix: str) -> Form:
    """Choose the separator that fits best; ParameterError if that of the user does not occur."""
    stated = STATED_SEPARATOR.match("".join(sample.lines[:1]))
    chosen = options.separator or (stated[1] if stated else None)
    forms = [find_form(sample, one) for one in (*CELL_SEPARATORS, *([chosen] if chosen else []))]
    fitting = [one for one in forms if one.width > 1 and 4 * one.misfits < 3 * len(one.records)]
    if chosen is not None:
        form = next(one for one in forms if one.separator == chosen)
        if form.width > 1 or not options.separator or not fitting:
            return form
        better = min(fitting, key=_cost)
        raise ParameterError(
            f"expected cells of {name} separated by {sign_name(chosen)} (set by csv), got cells separated by "
            f"{sign_name(better.separator)}; correct the separator, or leave it out to detect it"
        )
    strong = [one for one in fitting if one.separator != " "]
    if suffix not in _BLANK_SUFFIXES and strong:
        fitting = strong
    fitting = [one for one in fitting if one.separator != " " or (not one.misfits and one.typed and not sample.quoted)]
    return min(fitting, key=_cost, default=forms[0])


def _cost(form: Form) -> tuple[float, int, int]:
    return form.misfits, -len(form.typed), -form.width


def _require_decimal(options: CsvOptions, columns: Sequence[Sequence[str]], names: Sequence[str], name: str) -> None:
    """Check that numbers have the decimal sign that the user states; ParameterError if all have the other."""
    if options.decimal is None:
        return
    stated, other = NumberFormat(options.decimal), NumberFormat("." if options.decimal == "," else ",")
    odd: tuple[str, str] | None = None
    for column, cells in zip(names, columns, strict=True):
        for cell in cells:
            if options.decimal in cell and is_number(cell):
                return
            if odd is None and other.decimal in cell and other.matches(cell) and not _GROUPED.match(cell):
                odd = cell, column
    if odd is not None:
        raise ParameterError(
            f"expected numbers with decimal {stated.decimal!r} in {name} (set by csv), got {odd[0]!r} in column "
            f"{odd[1]!r}; correct the decimal, or leave it out to detect it"
        )
