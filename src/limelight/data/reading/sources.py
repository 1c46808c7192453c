"""Sources: a CSV file, a Parquet file or a DataFrame as one Arrow table that knows where each row stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as parquet

from limelight.data.reading.csv_files import csv_batches, csv_header, csv_table, line_of
from limelight.errors import DataError, nearest

SUFFIXES = (".csv", ".parquet")
PIECE_ROWS = 1 << 19


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
    first_row
        How many rows of the file came before, where the table is a piece of it.

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
    first_row: int = 0

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
        row += self.first_row
        if self.csv is None:
            return f"row {row} (the first is 0) of {self.name}"
        return f"line {line_of(self.csv, row)} of {self.name}"


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
        source = open_file(Path(given))
    else:
        source = Source(_frame_table(given, what), f"the {what} table")
    if source.rows == 0:
        raise DataError(f"expected at least one row in {source.name}, got none")
    return source


def columns_of(path: Path) -> list[str]:
    """Read the column names of a file and nothing else; raises as ``open_source``."""
    name = _require_table(path)
    if path.suffix.lower() == ".csv":
        return [column.strip() for column in csv_header(path, name)]
    with _parquet(path, name) as file:
        return list(file.schema_arrow.names)


def arrow_fields(path: Path) -> list[pa.Field]:
    """Read the fields of a Parquet file, whose metadata may tell units and signals; none of a CSV file."""
    if path.suffix.lower() == ".csv":
        return []
    with _parquet(path, repr(str(path))) as file:
        return list(file.schema_arrow)


def units_of_fields(fields: Iterable[pa.Field]) -> dict[str, str]:
    """Read the units of columns, which stand in the metadata of Arrow fields as ``unit``."""
    return {
        field.name: (field.metadata or {})[b"unit"].decode() for field in fields if b"unit" in (field.metadata or {})
    }


def signals_of_fields(fields: Iterable[pa.Field]) -> list[str]:
    """Read which columns hold words about single steps: the metadata of their Arrow fields have ``role`` as signal."""
    return [field.name for field in fields if (field.metadata or {}).get(b"role") == b"signal"]


def open_file(path: Path, words: Sequence[str] = (), columns: Sequence[str] | None = None) -> Source:
    """Read a whole CSV or Parquet file.

    Parameters
    ----------
    path
        The file.
    words
        Columns of a CSV file that stay text however they look. What looks like numbers elsewhere is read as such
        where words are named; without, every column stays text.
    columns
        Which to read; None reads all.

    Returns
    -------
    Source
        Possibly without rows.

    Raises
    ------
    DataError
        As ``open_source``.
    """
    name = _require_table(path)
    if path.suffix.lower() == ".csv":
        return Source(csv_table(path, name, words, columns), name, path)
    with _parquet(path, name) as file:
        return Source(file.read(None if columns is None else list(columns)), name)


def stream_file(path: Path, words: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[Source]:
    """Read a file piece by piece, each some tens of megabytes.

    Parameters
    ----------
    path, words, columns
        As for ``open_file``.

    Returns
    -------
    Iterator[Source]
        Every row once, in order.

    Raises
    ------
    DataError
        As ``open_source``.
    """
    name = _require_table(path)
    first = 0
    if path.suffix.lower() == ".csv":
        for batch in csv_batches(path, name, words, columns):
            yield Source(pa.Table.from_batches([batch]), name, path, first)
            first += batch.num_rows
        return
    with _parquet(path, name, stream=True) as file:
        for batch in file.iter_batches(PIECE_ROWS, columns=None if columns is None else list(columns)):
            yield Source(pa.Table.from_batches([batch]), name, None, first)
            first += batch.num_rows


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


def _require_table(path: Path) -> str:
    """Give the name of a file for messages; DataError if it is not there or no table."""
    name = repr(str(path))
    if not path.is_file():
        raise DataError(f"expected a file at {name}, there is none{_neighbour(path)}")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"expected a .csv or .parquet file, got {name}; save the table as one of these")
    if path.stat().st_size == 0:
        raise DataError(f"expected a table in {name}, got an empty file")
    return name


@contextmanager
def _parquet(path: Path, name: str, *, stream: bool = False) -> Iterator[parquet.ParquetFile]:
    try:
        # Arrow keeps every column chunk that it has buffered ahead until the file is closed.
        with parquet.ParquetFile(path, pre_buffer=not stream) as file:
            yield file
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
