"""Sources: a CSV file, a Parquet file or a DataFrame as one Arrow table that knows where each row stands."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from limelight.errors import DataError, listing, nearest

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True, eq=False)
class Source:
    """A table, and the words to say where something in it stands.

    Parameters
    ----------
    table
        The columns; those of a CSV file are all text, so that class codes and ids stay as they are written.
    name
        What messages call it: the path in quotes, or for example ``"the series table"``.
    csv
        The CSV file that it was read from, or None.

    Example
    -------
    >>> source = Source(pa.table({"id": ["a", "b"]}), "the series table")
    >>> source.place(1)
    'row 1 (the first is 0) of the series table'
    >>> source.rows
    2
    """

    table: pa.Table
    name: str
    csv: Path | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> list[str]:
        """The column names in their order."""
        return list(self.table.column_names)

    def column(self, name: str, option: str) -> Any:
        """Give one column as one Arrow array without dictionaries or text views.

        Parameters
        ----------
        name
            The column.
        option
            The argument that names this column, for the message.

        Returns
        -------
        pa.Array
            Shape (rows,).

        Raises
        ------
        DataError
            If there is no such column.
        """
        if name not in self.columns:
            raise DataError(
                f"expected a column {name!r} (set by {option!r}) in {self.name}, got none of that name"
                f"{nearest(name, self.columns)}"
            )
        column = self.table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if is_text(column.type):
            column = column.cast(pa.large_string())
        return column.combine_chunks()

    def place(self, row: int) -> str:
        """Say where a row stands: the line of a CSV file (the header is line 1), else the row from 0."""
        if self.csv is None:
            return f"row {row} (the first is 0) of {self.name}"
        return f"line {_line(self.csv, row)} of {self.name}"


def is_text(kind: pa.DataType) -> bool:
    """Say whether an Arrow type is text of any layout."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def open_source(given: Any, what: str) -> Source:
    """Open a CSV or Parquet file, or take a DataFrame.

    Parameters
    ----------
    given
        A path ending in .csv or .parquet, or a DataFrame (pandas, polars, pyarrow, anything narwhals knows).
    what
        What is in it, for messages: ``"series"``, ``"labels"`` or ``"split"``.

    Returns
    -------
    Source
        With at least one row.

    Raises
    ------
    DataError
        If the file is not there, is not of these kinds, is damaged or is empty.
    """
    if isinstance(given, str | Path):
        source = _open_file(Path(given))
    else:
        source = Source(_frame_table(given, what), f"the {what} table")
    if source.rows == 0:
        raise DataError(f"expected at least one row in {source.name}, got none")
    return source


def _frame_table(given: Any, what: str) -> pa.Table:
    try:
        frame = nw.from_native(given)
        frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        try:
            return frame.to_arrow().select(list(frame.columns))  # an index of pandas is not a column
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.table({name: _column_array(frame[name]) for name in frame.columns})
    except TypeError as error:
        raise DataError(
            f"expected the {what} as a path to a .csv or .parquet file or as a DataFrame, got {type(given).__name__}"
        ) from error
    except (pa.ArrowException, nw.exceptions.NarwhalsError) as error:
        raise DataError(
            f"expected a DataFrame of plain columns as {what}, got one that cannot be turned into a table: "
            f"{str(error).splitlines()[0]}; give every column one type and its own name"
        ) from error


def _column_array(series: Any) -> Any:
    """Give one column; one of mixed types becomes text, so that the odd cell can be named later."""
    try:
        return series.to_arrow()
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        cells = series.to_list()
        if any(isinstance(cell, list | tuple | dict | set) for cell in cells):
            raise
        empty = series.is_null().to_list()
        return pa.array([None if blank else str(cell) for cell, blank in zip(cells, empty, strict=True)])


def _open_file(path: Path) -> Source:
    name = repr(str(path))
    if not path.is_file():
        raise DataError(f"expected a file at {name}, there is none{_neighbour(path)}")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"expected a .csv or .parquet file, got {name}; save the table as one of these")
    if path.stat().st_size == 0:
        raise DataError(f"expected a table in {name}, got an empty file")
    try:
        if path.suffix.lower() == ".csv":
            return Source(_csv_table(path, name), name, path)
        with parquet.ParquetFile(path) as file:
            return Source(file.read(), name)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise DataError(f"cannot read {name}: {error.strerror}") from error
        raise DataError(
            f"expected a whole Parquet file, got {name}, which is damaged or of another kind; write it again"
        ) from error


def _neighbour(path: Path) -> str:
    if path.is_dir():
        return ", it is a folder; name the file in it"
    if not path.parent.is_dir():
        return f", and no folder {str(path.parent)!r}; check the path"
    tables = sorted(file.name for file in path.parent.iterdir() if file.suffix.lower() in SUFFIXES)
    hint = nearest(path.name, tables)
    return hint if 0 < len(hint) < 200 else "; check the path"


def _csv_table(path: Path, name: str) -> pa.Table:
    header = _csv_header(path, name)
    kinds = {column: pa.large_string() for column in header}
    try:
        table = arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise DataError(_csv_fault(path, name, len(header))) from error
    return table.rename_columns([column.strip() for column in header])


def _csv_header(path: Path, name: str) -> list[str]:
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


def _line(path: Path, row: int) -> int:
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
