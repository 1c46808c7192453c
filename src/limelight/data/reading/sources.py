"""Open a file or a DataFrame as one Arrow table that can locate each row in its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from limelight.data.places import local_copy, local_path, url_of
from limelight.data.reading.csv_files import CsvFile, csv_table, open_csv
from limelight.data.reading.datasets import TableDataset
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.formats import SERIES, TABLE_SUFFIXES, format_of, require_file
from limelight.data.reading.nested import has_lists, nested_table, unnested
from limelight.data.reading.row_filter import RowFilter
from limelight.data.reading.table_files import file_chunks, file_notes, file_schema
from limelight.errors import DataError, listing, nearest

CHUNK_ROWS = 1 << 19
NO_ROWS_REMEDY = "check the path, or write the table again"


@dataclass(frozen=True, eq=False)
class Source:
    """A table, or a chunk of one, that can locate its rows for messages.

    Parameters
    ----------
    table
        The columns; those of a CSV file are text by default, so that class codes and ids are kept as written.
    name
        The name of the table in messages: the path in quotes, or for example ``"the series table"``.
    csv
        The CSV file that the table was read from and how it is written, or None.
    first_row
        The row of the file at which the table begins, if it is a chunk of the file.
    notes
        What was assumed while reading, one sentence each.
    kept
        The row of the unfiltered chunk that each row is, if a filter dropped rows; else None.

    Example
    -------
    >>> source = Source(pa.table({"id": ["a", "b"]}), "the series table")
    >>> source.location(1)
    'row 1 (the first is 0) of the series table'
    >>> source.rows
    2
    """

    table: pa.Table
    name: str
    csv: CsvFile | None = None
    first_row: int = 0
    notes: tuple[str, ...] = ()
    kept: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> list[str]:
        """The column names, in order."""
        return list(self.table.column_names)

    def column(self, name: str, option: str) -> Any:
        """Return one column as a contiguous Arrow array, without dictionaries or string views.

        Parameters
        ----------
        name
            The column.
        option
            The argument that names the column, for messages.

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

    def slice(self, start: int, rows: int) -> Source:
        """Return some consecutive rows."""
        table = self.table.slice(start, rows)
        if self.kept is not None:
            return replace(self, table=table, kept=self.kept[start : start + rows])
        return replace(self, table=table, first_row=self.first_row + start)

    def filtered(self, rows: RowFilter | None) -> Source:
        """Return the rows that a filter keeps; DataError if a column of the filter is missing."""
        if rows is None:
            return self
        kept = rows.kept(self.table, self.name)
        return replace(self, table=self.table.take(kept), kept=kept if self.kept is None else self.kept[kept])

    def require_rows(self) -> Source:
        """Return the table itself; DataError if it has no rows."""
        if self.rows == 0:
            raise DataError(f"expected at least one row in {self.name}, got none; {NO_ROWS_REMEDY}")
        return self

    def in_table(self, name: str) -> Source:
        """Return the same rows with notes that name the table that the file is a part of."""
        return replace(self, notes=tuple(note.replace(self.name, name, 1) for note in self.notes))

    def location(self, row: int) -> str:
        """Describe where a row is: the line of a CSV file (the header is line 1), else the row counted from 0."""
        row = self.first_row + (row if self.kept is None else int(self.kept[row]))
        if self.csv is None:
            return f"row {row} (the first is 0) of {self.name}"
        return f"line {self.csv.line_of(row)} of {self.name}"


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a string type of any layout."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def open_source(path_or_frame: Any, content: str, csv: CsvOptions = DETECT) -> Source:
    """Open a file or a DataFrame.

    Parameters
    ----------
    path_or_frame
        A path or URL of a table of any format that is read, or a DataFrame (pandas, polars, pyarrow, any that narwhals
        supports).
    content
        What the table holds, for messages: ``"series"``, ``"labels"`` or ``"split"``.
    csv
        What is known about how CSV files are written; the rest is detected.

    Returns
    -------
    Source
        The table, with at least one row.

    Raises
    ------
    DataError
        If the file is missing, damaged, empty or of another type.
    """
    if isinstance(path_or_frame, str | Path):
        url = url_of(path_or_frame)
        source = open_file(local_path(path_or_frame) if url is None else local_copy(url), csv=csv)
    elif isinstance(path_or_frame, TableDataset):
        source = Source(path_or_frame.table(), path_or_frame.name)
    else:
        name = f"the {content} table"
        table, notes = unnested(_frame_table(path_or_frame, content), name)
        source = Source(table, name, notes=notes)
    return source.require_rows()


def columns_of(path: Path, csv: CsvOptions = DETECT) -> list[str]:
    """Read only the column names of a file; raises as ``open_source``."""
    return [field.name for field in arrow_fields(path, csv)]


def notes_of(path: Path, csv: CsvOptions = DETECT) -> tuple[str, ...]:
    """Return notes on what is assumed about a file before its rows are read, one sentence each."""
    if has_lists(path):
        return nested_table(path, repr(str(path)), csv)[1]
    if format_of(path).name in ("csv", "parquet"):
        return ()
    return file_notes(path, repr(str(path)))


def arrow_fields(path: Path, csv: CsvOptions = DETECT) -> list[pa.Field]:
    """Read the columns of a file as Arrow fields, whose metadata may hold units and roles; raises as ``open_source``.

    The units of a CSV file are those in the row below the header.
    """
    name = _require_table(path)
    if has_lists(path):
        return list(nested_table(path, name, csv)[0].schema)
    kind = format_of(path).name
    if kind == "csv":
        dialect = open_csv(path, name, csv).dialect
        units = dict(dialect.units)
        return [
            pa.field(column, pa.large_string(), metadata={"unit": units[column]} if column in units else None)
            for column in dialect.kept
        ]
    if kind != "parquet":
        return list(file_schema(path, name))
    with _parquet(path, name) as file:
        return list(file.schema_arrow)


def units_of_fields(fields: Iterable[pa.Field]) -> dict[str, str]:
    """Return the unit of each column that has one: the metadata entry ``unit`` of its Arrow field."""
    return {
        field.name: (field.metadata or {})[b"unit"].decode() for field in fields if b"unit" in (field.metadata or {})
    }


def columns_declared(fields: Iterable[pa.Field], role: str) -> list[str]:
    """Return the columns declared as ``"signal"`` or ``"channel"`` by the metadata entry ``role`` of their field."""
    return [field.name for field in fields if (field.metadata or {}).get(b"role") == role.encode()]


def open_file(
    path: Path, text_columns: Sequence[str] = (), columns: Sequence[str] | None = None, csv: CsvOptions = DETECT
) -> Source:
    """Read a whole file.

    Parameters
    ----------
    path
        The file.
    text_columns
        Columns of a CSV file to read as text even if they look like numbers. If empty, every column of a CSV file is
        read as text; otherwise the other columns are read as numbers if they look like numbers.
    columns
        The columns to read; None reads all.
    csv
        What is known about how CSV files are written; the rest is detected.

    Returns
    -------
    Source
        The table, which may have no rows.

    Raises
    ------
    DataError
        As ``open_source``.
    """
    name = _require_table(path)
    if has_lists(path):
        table, notes = nested_table(path, name, csv)
        return Source(table if columns is None else table.select(list(columns)), name, notes=notes)
    kind = format_of(path).name
    if kind == "csv":
        table, file = csv_table(path, name, text_columns, columns, csv)
        return Source(table, name, file, notes=file.notes)
    if kind != "parquet":
        return Source(pa.concat_tables(file_chunks(path, name, columns)), name, notes=file_notes(path, name))
    with _parquet(path, name) as parquet_file:
        table = parquet_file.read(None if columns is None else list(columns))
        table.validate(full=True)  # words that are not UTF-8 are kept as they are
        return Source(table, name)


def stream_file(
    path: Path,
    columns: Sequence[str] | None = None,
    csv: CsvOptions = DETECT,
    *,
    thorough: bool = True,
    rows: int | None = None,
) -> Iterator[Source]:
    """Stream a file in chunks of some megabytes.

    Parameters
    ----------
    path, columns, csv
        As for ``open_file``; every column of a CSV file is read as text.
    thorough
        Whether to search a whole CSV file for bytes that are not UTF-8 and for comment lines before reading it.
    rows
        The rows of a chunk of a Parquet file, if not ``CHUNK_ROWS``.

    Returns
    -------
    Iterator[Source]
        Chunks that hold every row once, in order.

    Raises
    ------
    DataError
        As ``open_source``.
    """
    name = _require_table(path)
    if has_lists(path):
        yield open_file(path, columns=columns, csv=csv)
        return
    first = 0
    kind = format_of(path).name
    if kind == "csv":
        file = open_csv(path, name, csv, thorough=thorough)
        for table in file.stream(columns):
            yield Source(table, name, file, first, file.notes)
            first += table.num_rows
        return
    if kind != "parquet":
        for chunk in file_chunks(path, name, columns):
            yield Source(chunk, name, None, first)
            first += chunk.num_rows
        return
    with _parquet(path, name, stream=True) as parquet_file:
        for batch in parquet_file.iter_batches(rows or CHUNK_ROWS, columns=None if columns is None else list(columns)):
            batch.validate(full=True)
            yield Source(pa.Table.from_batches([batch]), name, None, first)
            first += batch.num_rows


def _frame_table(native: Any, content: str) -> pa.Table:
    if nw.dependencies.is_pandas_dataframe(native):
        _require_plain_columns(native, content)
    try:
        frame = nw.from_native(_with_index_columns(native))
        frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        try:
            return frame.to_arrow().select(list(frame.columns))  # drops the index of a pandas frame
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.table({name: _column_array(frame[name]) for name in frame.columns})
    except TypeError as error:
        raise DataError(
            f"expected the {content} as a path to a table ({', '.join(TABLE_SUFFIXES)}) or as a DataFrame, "
            f"got {type(native).__name__}"
        ) from error
    except (pa.ArrowException, nw.exceptions.NarwhalsError) as error:
        raise DataError(
            f"expected a DataFrame of plain columns as {content}, got one that cannot be converted to a table: "
            f"{str(error).splitlines()[0]}; give every column one type and a unique name"
        ) from error


def _require_plain_columns(frame: Any, content: str) -> None:
    """Raise unless a pandas frame has one name for each column, and no name twice."""
    if frame.columns.nlevels > 1:
        raise DataError(
            f"expected one name for each column of the DataFrame of {content}, got columns of {frame.columns.nlevels} "
            "levels; join their names, such as frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()].unique()]
    if twice:
        raise DataError(
            f"expected columns of different names in the DataFrame of {content}, got {listing(twice)} more than once; "
            "rename or drop the others"
        )


def index_levels(frame: Any) -> list[str]:
    """Return the levels of a pandas index that are read as columns: the named ones; two unnamed ones are id and time.

    Example
    -------
    >>> import pandas as pd
    >>> index_levels(pd.DataFrame({"x": [1.0]}, index=pd.Index([0], name="time"))), index_levels("series.csv")
    (['time'], [])
    """
    if not nw.dependencies.is_pandas_dataframe(frame):
        return []
    names = frame.index.names
    if len(names) == 2 and not any(names):
        names = ["series_id", "time"]
    return [name for name in names if name is not None and name not in frame.columns]


def _with_index_columns(native: Any) -> Any:
    """Return a frame with the levels of a pandas index that ``index_levels`` lists as columns."""
    levels = index_levels(native)
    if not levels:
        return native
    index = native.index if any(native.index.names) else native.index.set_names(levels)
    return native.set_axis(index, axis=0).reset_index(level=levels)


def _column_array(series: Any) -> Any:
    """Convert one column to Arrow; a column of mixed types becomes text, so that errors can name the odd cell later."""
    try:
        return series.to_arrow()
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        cells = series.to_list()
        if all(isinstance(cell, np.ndarray) and cell.ndim == 2 for cell in cells):
            return pa.array([cell.tolist() for cell in cells])
        if any(isinstance(cell, list | tuple | dict | set) for cell in cells):
            raise
        empty = series.is_null().to_list()
        return pa.array([None if blank else str(cell) for cell, blank in zip(cells, empty, strict=True)])


def _require_table(path: Path) -> str:
    """Check that a file is a table, and return its name for messages; DataError if it is missing, empty or no table."""
    name = repr(str(path))
    require_file(path)
    found = format_of(path)
    if found.kind == SERIES:
        raise DataError(
            f"expected a table ({', '.join(TABLE_SUFFIXES)}), got {name}, {found.description}; save the table as one "
            "of these"
        )
    if path.stat().st_size == 0:
        raise DataError(f"expected a table in {name}, got an empty file; {NO_ROWS_REMEDY}")
    return name


@contextmanager
def _parquet(path: Path, name: str, *, stream: bool = False) -> Iterator[parquet.ParquetFile]:
    try:
        # with pre_buffer, Arrow keeps every column chunk that it has read ahead until the file is closed
        with parquet.ParquetFile(path, pre_buffer=not stream) as file:
            _ = file.schema_arrow.names  # names that are not UTF-8 are an error here, and not later
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise DataError(f"cannot read {name}: {error.strerror}") from error
        raise DataError(
            f"expected a complete Parquet file, got {name}, which is damaged or of another type; write it again"
        ) from error
