"""Read CSV files with Arrow, and find the line of an error with the csv module, since Arrow does not report it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from limelight.data.reading.compression import compression_of, open_bytes, unpacking
from limelight.data.reading.csv_detection import find_dialect
from limelight.data.reading.csv_text import PlainBytes, open_records, undecodable
from limelight.data.reading.dialect import DETECT, CsvOptions, Dialect
from limelight.errors import DataError

NULL_WORDS = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none"]
CHUNK_BYTES = 1 << 21
UNNAMED = "\0"
"""Begins the names of dropped columns while Arrow reads them."""


@dataclass(frozen=True)
class CsvFile:
    """A CSV file and how it is written.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    dialect
        How the file is written.
    """

    path: Path
    name: str
    dialect: Dialect

    @property
    def notes(self) -> tuple[str, ...]:
        """What was detected, as at most one note."""
        note = self.dialect.note(self.name)
        return (note,) if note else ()

    def line_of(self, row: int) -> int:
        """Find the line on which a row begins; the first line of the file is 1, and a row may span several lines."""
        with open_records(self.path, self.name, self.dialect) as records:
            return next(line for index, (line, _) in enumerate(records) if index == row)

    def read(self, text_columns: Sequence[str], columns: Sequence[str] | None) -> pa.Table:
        """Read the whole file; parameters and errors as of ``csv_table``."""
        for types in self._types(text_columns):
            try:
                with self._input() as content:
                    return self._plain(arrow_csv.read_csv(content, **self._options(types, columns)), types)
            except pa.ArrowInvalid as error:
                last_error = error
        raise DataError(self._fault()) from last_error

    def has_words_among_numbers(self, table: pa.Table, text_columns: Sequence[str]) -> bool:
        """Whether a column whose first rows are numbers was read as text, as for a header among the data."""
        numbers = [name for name, number in zip(self._arrow_names, self.dialect.samples, strict=True) if number]
        return any(
            table.schema.field(name).type == pa.large_string()
            for name in numbers
            if name in table.column_names and name not in text_columns
        )

    def stream(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """Stream the file in chunks of some megabytes, all columns as text; errors as of ``csv_table``."""
        types = self._text_types()
        try:
            with (
                unpacking(self.path, self.name),
                self._input() as content,
                arrow_csv.open_csv(content, **self._options(types, columns, CHUNK_BYTES)) as reader,
            ):
                for batch in reader:
                    yield self._plain(pa.Table.from_batches([batch]), types)
        except pa.ArrowInvalid as error:
            raise DataError(self._fault()) from error
        except UnicodeDecodeError as error:
            raise undecodable(self.name, self.dialect.encoding) from error

    @property
    def _arrow_names(self) -> list[str]:
        dropped = self.dialect.dropped
        return [f"{UNNAMED}{place}" if place in dropped else name for place, name in enumerate(self.dialect.names)]

    @contextmanager
    def _input(self) -> Iterator[Any]:
        """Open what Arrow reads: the file itself, or a stream of its text in plain form."""
        if self.dialect.is_clean and not compression_of(self.path):
            yield self.path
            return
        plain = open_bytes(self.path) if self.dialect.is_clean else PlainBytes(self.path, self.dialect)
        with closing(plain) as content:
            yield pa.PythonFile(content, mode="r")

    def _text_types(self) -> dict[str, pa.DataType]:
        return {name: pa.null() if name.startswith(UNNAMED) else pa.large_string() for name in self._arrow_names}

    def _types(self, text_columns: Sequence[str]) -> Iterator[dict[str, pa.DataType]]:
        """Yield the column types to try: first numbers as in the first rows, if text columns are named; then text."""
        if text_columns:
            types = self._text_types()
            for name, number in zip(self._arrow_names, self.dialect.samples, strict=True):
                if number and name not in text_columns:
                    types[name] = pa.float64()
            yield types
        yield self._text_types()

    def _options(self, types: dict[str, pa.DataType], columns: Sequence[str] | None, block: int = 0) -> dict[str, Any]:
        dialect, names = self.dialect, self._arrow_names
        read = {"block_size": block} if block else {}
        chosen = None if columns is None else [name for name in names if name in columns or name.startswith(UNNAMED)]
        return {
            "read_options": arrow_csv.ReadOptions(column_names=names, skip_rows=dialect.skipped, **read),
            "parse_options": arrow_csv.ParseOptions(
                delimiter="\t" if dialect.separator == " " else dialect.separator,
                quote_char=dialect.quote or False,
                newlines_in_values=True,
            ),
            "convert_options": arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=chosen,
                strings_can_be_null=False,
                null_values=NULL_WORDS,
                decimal_point=dialect.numbers.decimal,
            ),
        }

    def _plain(self, table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
        """Drop columns without names and values, and write numbers in text with a decimal point."""
        formats = dict(zip(self._arrow_names, self.dialect.formats, strict=True))
        table = table.select([name for name in table.column_names if not name.startswith(UNNAMED)])
        for place, name in enumerate(table.column_names):
            number = formats[name]
            if number is not None and not number.is_plain and types[name] == pa.large_string():
                table = table.set_column(place, name, number.plain(table[name]))
        return table

    def _fault(self) -> str:
        """Find the line that Arrow could not read, and describe the error for a message."""
        width, dropped = len(self.dialect.names), self.dialect.dropped
        with open_records(self.path, self.name, self.dialect) as records:
            for line, record in records:
                if len(record) != width:
                    digits = sum(cell.strip().lstrip("+-").isdigit() for cell in record)
                    if self.dialect.separator == "," and len(record) > width and digits >= 2 * (len(record) - width):
                        return (
                            f"expected {width} cells in every line of {self.name}, got {len(record)} in line {line}; "
                            "if commas are decimal signs, separate the cells by semicolons, else put text that "
                            "contains commas in double quotes"
                        )
                    if len(record) < width:
                        return (
                            f"expected {width} cells in every line of {self.name}, got {len(record)} in line {line}; "
                            "complete the line, or remove it if it is no row of the table"
                        )
                    return (
                        f"expected {width} cells in every line of {self.name}, got {len(record)} in line {line}; "
                        f"put text that contains {_plural(self.dialect.separator)} in double quotes"
                    )
                filled = next((place for place in dropped if record[place].strip()), None)
                if filled is not None:
                    return (
                        f"expected no cell in column {filled + 1} of {self.name}, which has no name and is empty at "
                        f"first, got {record[filled]!r} in line {line}; name the column, or remove the cell"
                    )
        return f"expected a CSV file, got {self.name}, which cannot be parsed as CSV; write it again"


def _plural(separator: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks"}.get(separator, repr(separator))


def open_csv(path: Path, name: str, options: CsvOptions = DETECT, *, thorough: bool = False) -> CsvFile:
    """Find how a CSV file is written; parameters and errors as of ``find_dialect``."""
    return CsvFile(path, name, find_dialect(path, name, options, thorough=thorough))


def csv_table(
    path: Path, name: str, text_columns: Sequence[str], columns: Sequence[str] | None, options: CsvOptions = DETECT
) -> tuple[pa.Table, CsvFile]:
    """Read a whole CSV file.

    Columns are read as numbers if their first cells look like numbers; if any cell then turns out not to be a number,
    every column is read as text. If the file cannot be read, the whole of it is searched for another encoding and for
    comment lines.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    text_columns
        Columns to read as text even if they look like numbers; if empty, every column is read as text.
    columns
        The columns to read; None reads all.
    options
        What is known about how the file is written; the rest is detected.

    Returns
    -------
    tuple
        The columns, their names stripped of surrounding spaces, with numbers in plain form; and how the file is
        written.

    Raises
    ------
    DataError
        If the file cannot be decoded or is not CSV; the message names the line.
    """
    file = open_csv(path, name, options)
    try:
        with unpacking(path, name):
            table, failure = None, None
            try:
                table = file.read(text_columns, columns)
            except DataError as error:
                failure = error
            if table is not None and not (text_columns and file.has_words_among_numbers(table, text_columns)):
                return table, file
            again = open_csv(path, name, options, thorough=True)
            if again != file:
                return again.read(text_columns, columns), again
            if failure is not None:
                raise failure
            return table, file
    except UnicodeDecodeError as error:
        raise undecodable(name, file.dialect.encoding) from error
