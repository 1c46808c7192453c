"""CSV files through Arrow, and a slow walk that finds the line of a fault, which Arrow does not know."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from limelight.errors import DataError, listing

NUMBER_CELL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
NO_NUMBERS = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none"]
PIECE_BYTES = 1 << 21


def csv_table(path: Path, name: str, words: Sequence[str], columns: Sequence[str] | None) -> pa.Table:
    """Read a whole file: numbers as numbers where that works for every cell of a column, else all as text.

    Parameters
    ----------
    path, name
        The file, and what messages call it.
    words
        Columns that stay text however they look; without any, every column stays text.
    columns
        Which to read; None reads all.

    Returns
    -------
    pa.Table
        With the names of the columns stripped.

    Raises
    ------
    DataError
        If it is not CSV in UTF-8; the message names the line.
    """
    header = csv_header(path, name)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    for kinds in _csv_kinds(path, header, words):
        try:
            table = arrow_csv.read_csv(path, parse_options=parse, convert_options=_convert(header, kinds, columns))
        except pa.ArrowInvalid as error:
            fault = error
        else:
            return table.rename_columns([column.strip() for column in table.column_names])
    raise DataError(_csv_fault(path, name, len(header))) from fault


def csv_batches(path: Path, name: str, words: Sequence[str], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """Read a file in pieces of some megabytes, all columns as text; parameters as for ``csv_table``."""
    header = csv_header(path, name)
    read = arrow_csv.ReadOptions(block_size=PIECE_BYTES)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    convert = _convert(header, {column: pa.large_string() for column in header}, columns)
    try:
        with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            names = [column.strip() for column in reader.schema.names]
            for batch in reader:
                yield batch.rename_columns(names)
    except pa.ArrowInvalid as error:
        raise DataError(_csv_fault(path, name, len(header))) from error


def _csv_kinds(path: Path, header: list[str], words: Sequence[str]) -> Iterator[dict[str, pa.DataType]]:
    """Give the types to try: numbers where the first lines have them, if columns of words are named; then all text."""
    text: dict[str, pa.DataType] = {column: pa.large_string() for column in header}
    if words:
        kinds = dict(text)
        for column, sample in zip(header, _sample(path, len(header)), strict=True):
            if column.strip() not in words and sample and all(NUMBER_CELL.match(cell) for cell in sample):
                kinds[column] = pa.float32()
        yield kinds
    yield text


def _sample(path: Path, width: int, rows: int = 100) -> list[list[str]]:
    """Give the cells of the first rows that are not empty, column by column."""
    with _records(path, repr(str(path))) as records:
        lines = [record for _, record in islice(records, 1, rows + 1)]
    return [
        [line[place].strip() for line in lines if len(line) == width and line[place].strip()] for place in range(width)
    ]


def _convert(header: list[str], kinds: dict[str, pa.DataType], columns: Sequence[str] | None) -> Any:
    chosen = None if columns is None else [column for column in header if column.strip() in columns]
    return arrow_csv.ConvertOptions(
        column_types=kinds,
        include_columns=chosen,
        strings_can_be_null=False,
        null_values=NO_NUMBERS,
    )


def csv_header(path: Path, name: str) -> list[str]:
    """Read the names of the columns as they are written; DataError if one stands twice or commas do not part them."""
    with _records(path, name) as records:
        header = next((record for _, record in records), [])
    stripped = [column.strip() for column in header]
    if len(header) == 1:
        for separator, spoken in ((";", "';'"), ("\t", "tabs"), ("|", "'|'")):
            if separator in header[0]:
                raise DataError(f"expected columns separated by commas in {name}, got {spoken}; save it with commas")
    twice = sorted({column for column in stripped if stripped.count(column) > 1})
    if twice:
        raise DataError(f"expected every column of {name} once, got {listing(twice)} twice; rename one")
    return header


def _csv_fault(path: Path, name: str, width: int) -> str:
    """Find what Arrow could not read; Arrow itself does not know the line."""
    with _records(path, name) as records:
        for line, record in records:
            if len(record) != width:
                return (
                    f"expected {width} cells in every line of {name}, got {len(record)} in line {line}; "
                    "put text with commas in it into double quotes"
                )
    return f"expected a CSV file, got {name}, which cannot be read as one; write it again"


def line_of(path: Path, row: int) -> int:
    """Find the line on which a row begins; the header is line 1, and a row may take several lines."""
    with _records(path, repr(str(path))) as records:
        return next(line for place, (line, _) in enumerate(records) if place == row + 1)


@contextmanager
def _records(path: Path, name: str) -> Iterator[Iterable[tuple[int, list[str]]]]:
    """Walk a CSV file with the line on which each record begins; slow, so for the header and faults alone."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield _numbered(file)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"expected CSV in UTF-8, got {name}, which is not; save it as UTF-8") from error


def _numbered(file: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(file)
    line = 1
    for record in reader:
        if record:
            yield line, record
        line = reader.line_num + 1
