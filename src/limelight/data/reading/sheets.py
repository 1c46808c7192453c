"""One long table in one file, in many files or in memory, read in chunks as often as needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.reading.clock_columns import ClockColumns
from limelight.data.reading.datasets import PIECE_ROWS, TableDataset
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.file_names import ID, describe_names, read_names
from limelight.data.reading.interval_tables import INTERVALS_REMEDY, find_interval_columns
from limelight.data.reading.locating import find_files, opened
from limelight.data.reading.row_filter import RowFilter
from limelight.data.reading.sources import (
    Source,
    arrow_fields,
    columns_declared,
    columns_of,
    notes_of,
    open_file,
    open_source,
    stream_file,
    units_of_fields,
)
from limelight.errors import DataError, listing

FIRST_ROWS = 1 << 15
"""Rows of a Parquet file that are read first; they are kept while the columns get their roles."""


@dataclass(frozen=True, eq=False)
class Sheets:
    """One table that may span several files.

    Parameters
    ----------
    name
        The name of the table in messages: a path or a pattern in quotes, or ``"the series table"``.
    columns
        The column names.
    paths
        The files; empty if the table is in memory.
    units, signals, channels
        The units of columns, and the columns declared as signals or channels, from the metadata of Arrow fields.
    of_sheets
        The column with the names of the sheets, if files are workbooks with several sheets of the same columns.
    sources
        The chunks of the table, if it is in memory.
    of_files
        Columns to add, with their word for each file: ids and what else the names of the files mean.
    csv
        What is known about how CSV files are written; the rest is detected.
    dataset
        The Parquet files of the table, if pyarrow reads them as a dataset.
    filter
        Which rows are read; None for all.
    notes
        What was assumed while opening the table, one sentence each.
    clock
        The columns that together are the clock, if it has several.

    Example
    -------
    >>> sheets = open_sheets(pa.table({"series_id": ["a", "b"]}))
    >>> [chunk.rows for chunk in sheets.chunks(["series_id"])], sheets.name
    ([2], 'the series table')
    """

    name: str
    columns: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    signals: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    of_sheets: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    of_files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    csv: CsvOptions = DETECT
    dataset: TableDataset | None = None
    filter: RowFilter | None = None
    notes: tuple[str, ...] = ()
    clock: ClockColumns | None = None

    def with_clock(self, clock: ClockColumns) -> Sheets:
        """Return the same table with one column in place of those that together are the clock."""
        columns = (*(name for name in self.columns if name not in clock.parts), clock.name)
        sources = tuple(replace(source, table=clock.joined(source.table)) for source in self.sources)
        return replace(self, columns=columns, sources=sources, clock=clock)

    def named_by_file(self, column: str) -> Sheets:
        """Return the same table with a column added that holds the name of each row's file, without its suffix."""
        return self.with_words(column, read_names(self.paths).ids)

    def with_words(self, column: str, words: tuple[str, ...]) -> Sheets:
        """Return the same table with a column added that holds one word for each file."""
        return replace(self, columns=(*self.columns, column), of_files=(*self.of_files, (column, words)))

    def chunks(
        self, text_columns: Sequence[str], columns: Sequence[str] | None = None, *, stream: bool = False
    ) -> Iterator[Source]:
        """Iterate over the table in chunks.

        Parameters
        ----------
        text_columns
            Columns of CSV files to read as text even if they look like numbers.
        columns
            The columns to read; None reads all.
        stream
            Whether to read some megabytes at a time, with every column of a CSV file as text; False reads a file at a
            time, which is faster.

        Returns
        -------
        Iterator[Source]
            Chunks that hold every row once, in order; a chunk has at least one row.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        if self.sources:
            yield from self.sources
            return
        if self.dataset is not None:
            yield from self._pieces(self.dataset, columns)
            return
        if self.clock is not None:
            text_columns = self.clock.needed(text_columns)
            columns = None if columns is None else self.clock.needed(columns)
        added = [name for name, _ in self.of_files]
        compared = () if self.filter is None else self.filter.columns
        in_file = None if columns is None else [one for one in dict.fromkeys((*columns, *compared)) if one not in added]
        for row, path in enumerate(self.paths):
            for chunk in (
                stream_file(path, in_file, self.csv) if stream else [open_file(path, text_columns, in_file, self.csv)]
            ):
                completed = self._completed(chunk, row)
                if completed.rows:
                    yield completed

    def _pieces(self, dataset: TableDataset, columns: Sequence[str] | None, rows: int = PIECE_ROWS) -> Iterator[Source]:
        needed = columns if columns is None or self.clock is None else self.clock.needed(columns)
        for table, name, first in dataset.pieces(needed, self.filter, rows):
            if table.num_rows:
                yield self._with_joined_clock(Source(table, name, None, first))

    def _with_joined_clock(self, chunk: Source) -> Source:
        return chunk if self.clock is None else replace(chunk, table=self.clock.joined(chunk.table))

    @property
    def partitions(self) -> tuple[str, ...]:
        """The columns that the folders of a dataset make."""
        return () if self.dataset is None else self.dataset.partitions

    @cached_property
    def first_chunk(self) -> Source | None:
        """The first rows of the table, all columns of CSV files as text; None if there are no rows."""
        if self.sources:
            return self.sources[0]
        if self.dataset is not None:
            return next(self._pieces(self.dataset, None, FIRST_ROWS), None)
        for row, path in enumerate(self.paths):
            for chunk in self._first_chunks(path):
                completed = self._completed(chunk, row)
                if completed.rows:
                    return completed
        return None

    def _first_chunks(self, path: Path) -> Iterator[Source]:
        """Stream a file, after a search for what the first rows do not show if these cannot be read."""
        try:
            first = next(stream_file(path, csv=self.csv, thorough=False, rows=FIRST_ROWS), None)
        except DataError:
            first = None
        if first is not None and (first.rows and self.filter is None):
            yield first
            return
        yield from stream_file(path, csv=self.csv, rows=FIRST_ROWS)

    def _completed(self, chunk: Source, row: int) -> Source:
        """Return the rows kept, with columns for the name of their file, and with notes that name the table."""
        chunk = chunk if chunk.csv is None else chunk.in_table(self.name)
        completed = _with_columns(chunk, {name: words[row] for name, words in self.of_files}).filtered(self.filter)
        return self._with_joined_clock(completed)

    def loaded(self, text_columns: Sequence[str], columns: Sequence[str]) -> Sheets:
        """Load the table into memory, so that iterating again costs nothing.

        ``text_columns`` and ``columns`` are as for ``chunks``; files that are not of a dataset are read whole.
        """
        return replace(self, sources=tuple(self.chunks(text_columns, columns if self.dataset is not None else None)))

    @property
    def size(self) -> int:
        """The total size of the files in bytes, 0 if the table is in memory."""
        return sum(path.stat().st_size for path in self.paths)


def open_sheets(
    series: Any,
    csv: CsvOptions = DETECT,
    *,
    names: str | None = None,
    id: str = ID,
    filter: RowFilter | None = None,
) -> Sheets:
    """Open a table in files or a DataFrame; of files, only the column names are read.

    Parameters
    ----------
    series
        A path or URL of a table, a pattern such as ``"logs/*.csv"``, a list of paths, a folder, a dataset of Parquet
        files, or a DataFrame.
    csv
        What is known about how CSV files are written; the rest is detected.
    names
        What the names of the files mean, as for ``read_names``: its fields become columns.
    id
        The column for the field ``{id}``.
    filter
        Which rows to read; None reads all.

    Returns
    -------
    Sheets
        The table; files that match a pattern are sorted by path.

    Raises
    ------
    DataError
        If a pattern matches no file, the columns or units of two files differ, a file is not a table, or the filter
        compares a column that there is not, or keeps no row.
    """
    series = opened(series)
    notes = () if filter is None else (f"only rows with {filter} were read",)
    if isinstance(series, TableDataset):
        annotations = _column_annotations(series.dataset.schema)
        return _with_rows(
            Sheets(series.name, tuple(series.columns), **annotations, dataset=series, filter=filter, notes=notes)
        )
    if not isinstance(series, (str, Path, list, tuple)):
        source = open_source(series, "series").filtered(filter)
        annotations = _column_annotations(source.table.schema)
        sheets = Sheets(source.name, tuple(source.columns), **annotations, sources=(source,), notes=notes)
        return _with_rows(replace(sheets, filter=filter))
    paths = find_files(series)
    columns = columns_of(paths[0], csv)
    for path in paths[1:]:
        _require_same_columns(paths[0], columns, path, csv)
    units = _common_units_of(paths, csv)
    name = str(paths[0]) if len(paths) == 1 else series if isinstance(series, str) else str(paths[0].parent)
    annotations = _column_annotations(arrow_fields(paths[0], csv))
    notes = (*dict.fromkeys(note for path in paths for note in notes_of(path, csv)), *notes)
    annotations["units"] = tuple(units.items())
    sheets = Sheets(repr(name), tuple(columns), tuple(paths), **annotations, csv=csv, filter=filter, notes=notes)
    return _with_rows(sheets if names is None else _with_names(sheets, names, id))


def _with_rows(sheets: Sheets) -> Sheets:
    """Return a table after checking that its filter keeps a row; DataError if not."""
    if sheets.filter is not None and (sheets.first_chunk is None or not sheets.first_chunk.rows):
        raise DataError(f"expected rows with {sheets.filter} in {sheets.name}, got none; correct the filter")
    return sheets


def _with_names(sheets: Sheets, pattern: str, id: str) -> Sheets:
    """Add the fields of the file names as columns; a column of the table comes before a field of the same name."""
    named = read_names(sheets.paths, pattern)
    fields = {**({id: named.ids} if f"{{{ID}}}" in pattern and id not in sheets.columns else {}), **named.fields}
    added = [name for name in fields if name not in sheets.columns]
    notes = [*sheets.notes, describe_names(pattern, added)] if added else [*sheets.notes]
    ignored = [name for name in named.fields if name in sheets.columns]
    if ignored:
        notes.append(f"{listing(ignored)} in the names of the files was not read: the table has a column of that name")
    for name in added:
        sheets = sheets.with_words(name, fields[name])
    return replace(sheets, notes=tuple(notes))


def _column_annotations(fields: Iterable[pa.Field]) -> dict[str, Any]:
    """Read what the metadata of Arrow fields declares, as keyword arguments for ``Sheets``."""
    fields = list(fields)
    return {
        "units": tuple(units_of_fields(fields).items()),
        "signals": tuple(columns_declared(fields, "signal")),
        "channels": tuple(columns_declared(fields, "channel")),
        "of_sheets": tuple(columns_declared(fields, "sheet")),
    }


def _require_same_columns(first: Path, columns: list[str], path: Path, csv: CsvOptions) -> None:
    other = columns_of(path, csv)
    for present, required, without, having in ((other, columns, path, first), (columns, other, first, path)):
        absent = [column for column in required if column not in present]
        if absent:
            raise DataError(
                f"expected the same columns in every file, got {listing(absent)} in {str(having)!r} but not in "
                f"{str(without)!r}; {_remedy_for_files({first: columns, path: other})}"
            )


def _common_units_of(paths: Sequence[Path], csv: CsvOptions) -> dict[str, str]:
    """Return the unit of each column that has one in a file; DataError if the units of two files differ."""
    found: dict[str, tuple[str, Path]] = {}
    for path in paths:
        for column, unit in units_of_fields(arrow_fields(path, csv)).items():
            known, first = found.setdefault(column, (unit, path))
            if known != unit:
                raise DataError(
                    f"expected one unit for column {column!r} in every file, got {known!r} in {str(first)!r} and "
                    f"{unit!r} in {str(path)!r}; convert one of them, or write the same unit"
                )
    return {column: unit for column, (unit, _) in found.items()}


def _remedy_for_files(columns: dict[Path, list[str]]) -> str:
    """Return what to do about two files with other columns: one of them may hold labels or metadata."""
    for path, names in columns.items():
        if find_interval_columns(names):
            return f"if {path.name!r} holds intervals of the series, {INTERVALS_REMEDY}"
    first, second = columns.values()
    if 2 * len({*first} & {*second}) < len({*first, *second}):
        return (
            "if one of them is no series, name the series with a pattern such as 'logs/run*.csv', and pass the other "
            "file with --labels, --metadata or --signals"
        )
    return "make the columns the same, or read the files separately"


def _with_columns(chunk: Source, words: dict[str, str]) -> Source:
    table = chunk.table
    for column, word in words.items():
        cells = pa.DictionaryArray.from_arrays(pa.array([0] * chunk.rows, pa.int32()), pa.array([word]))
        table = table.append_column(column, cells)
    return replace(chunk, table=table) if words else chunk
