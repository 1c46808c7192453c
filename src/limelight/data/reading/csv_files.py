"""Read CSV files with Arrow, and find the line of an error with the csv module, since Arrow does not report it."""

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

from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.errors import DataError, listing

NUMBER_CELL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
NULL_WORDS = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none"]
CHUNK_BYTES = 1 << 21


def csv_table(
    path: Path, name: str, text_columns: Sequence[str], columns: Sequence[str] | None, options: CsvOptions = DETECT
) -> pa.Table:
    """Read a whole CSV file.

    Columns are read as numbers if their first cells look like numbers; if any cell then turns out not to be a number,
    every column is read as text.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    text_columns
        Columns to read as text even if they look like numbers; if empty, every column is read as text.
    columns
        The columns to read; None reads all.

    Returns
    -------
    pa.Table
        The columns, their names stripped of surrounding spaces.

    Raises
    ------
    DataError
        If the file is not CSV in UTF-8; the message names the line.
    """
    header = csv_header(path, name)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    for types in _csv_types(path, header, text_columns):
        try:
            table = arrow_csv.read_csv(path, parse_options=parse, convert_options=_convert(header, types, columns))
        except pa.ArrowInvalid as error:
            last_error = error
        else:
            return table.rename_columns([column.strip() for column in table.column_names])
    raise DataError(_describe_fault(path, name, len(header))) from last_error


def csv_batches(
    path: Path, name: str, columns: Sequence[str] | None, options: CsvOptions = DETECT
) -> Iterator[pa.RecordBatch]:
    """Stream a file in chunks of some megabytes, all columns as text; parameters as for ``csv_table``."""
    header = csv_header(path, name)
    read = arrow_csv.ReadOptions(block_size=CHUNK_BYTES)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    convert = _convert(header, {column: pa.large_string() for column in header}, columns)
    try:
        with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            names = [column.strip() for column in reader.schema.names]
            for batch in reader:
                yield batch.rename_columns(names)
    except pa.ArrowInvalid as error:
        raise DataError(_describe_fault(path, name, len(header))) from error


def _csv_types(path: Path, header: list[str], text_columns: Sequence[str]) -> Iterator[dict[str, pa.DataType]]:
    """Yield the column types to try: first numbers as in the first rows, if text columns are named; then all text."""
    all_text: dict[str, pa.DataType] = {column: pa.large_string() for column in header}
    if text_columns:
        types = dict(all_text)
        for column, sample in zip(header, _sample(path, len(header)), strict=True):
            if column.strip() not in text_columns and sample and all(NUMBER_CELL.match(cell) for cell in sample):
                types[column] = pa.float32()
        yield types
    yield all_text


def _sample(path: Path, width: int, rows: int = 100) -> list[list[str]]:
    """Read the non-empty cells of the first rows, column by column."""
    with _records(path, repr(str(path))) as records:
        lines = [record for _, record in islice(records, 1, rows + 1)]
    return [
        [line[index].strip() for line in lines if len(line) == width and line[index].strip()] for index in range(width)
    ]


def _convert(header: list[str], types: dict[str, pa.DataType], columns: Sequence[str] | None) -> Any:
    chosen = None if columns is None else [column for column in header if column.strip() in columns]
    return arrow_csv.ConvertOptions(
        column_types=types,
        include_columns=chosen,
        strings_can_be_null=False,
        null_values=NULL_WORDS,
    )


def csv_header(path: Path, name: str, options: CsvOptions = DETECT) -> list[str]:
    """Read the column names without stripping them; DataError if a name occurs twice or the separator is no comma."""
    with _records(path, name) as records:
        header = next((record for _, record in records), [])
    stripped = [column.strip() for column in header]
    if len(header) == 1:
        for separator, separator_name in ((";", "';'"), ("\t", "tabs"), ("|", "'|'")):
            if separator in header[0]:
                raise DataError(
                    f"expected columns separated by commas in {name}, got {separator_name}; save it with commas"
                )
    repeated = sorted({column for column in stripped if stripped.count(column) > 1})
    if repeated:
        raise DataError(f"expected unique column names in {name}, got {listing(repeated)} twice; rename one")
    return header


def _describe_fault(path: Path, name: str, width: int) -> str:
    """Find the line that Arrow could not read, and describe the error for a message."""
    with _records(path, name) as records:
        for line, record in records:
            if len(record) != width:
                return (
                    f"expected {width} cells in every line of {name}, got {len(record)} in line {line}; "
                    "put text that contains commas in double quotes"
                )
    return f"expected a CSV file, got {name}, which cannot be parsed as CSV; write it again"


def line_of(path: Path, row: int) -> int:
    """Find the line on which a row begins; the header is line 1, and a row may span several lines."""
    with _records(path, repr(str(path))) as records:
        return next(line for index, (line, _) in enumerate(records) if index == row + 1)


@contextmanager
def _records(path: Path, name: str) -> Iterator[Iterable[tuple[int, list[str]]]]:
    """Iterate over the records of a CSV file and the line on which each begins; slow: for headers and errors only."""
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
