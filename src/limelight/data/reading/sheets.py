"""One long table in one file, in many files or in memory, read in chunks as often as needed."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.sources import (
    SUFFIXES,
    Source,
    arrow_fields,
    columns_declared,
    columns_of,
    open_file,
    open_source,
    stream_file,
    units_of_fields,
)
from limelight.errors import DataError, listing

PATTERN_SIGNS = "*?["


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
    sources
        The chunks of the table, if it is in memory.
    file_column
        A column to add that holds the name of each row's file, or None.
    csv
        What is known about how CSV files are written; the rest is detected.

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
    sources: tuple[Source, ...] = ()
    file_column: str | None = None
    csv: CsvOptions = DETECT

    def named_by_file(self, column: str) -> Sheets:
        """Return the same table with a column added that holds the name of each row's file, without its suffix."""
        return replace(self, columns=(*self.columns, column), file_column=column)

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
        in_file = None if columns is None else [column for column in columns if column != self.file_column]
        for path in self.paths:
            for chunk in (
                stream_file(path, in_file, self.csv) if stream else [open_file(path, text_columns, in_file, self.csv)]
            ):
                if chunk.rows:
                    yield self._completed(chunk, path)

    def first_chunk(self) -> Source | None:
        """Read the first rows of the table, all columns of CSV files as text; None if there are no rows."""
        if self.sources:
            return self.sources[0]
        for path in self.paths:
            try:
                chunk = next(stream_file(path, csv=self.csv, thorough=False), None)
            except DataError:
                chunk = next(stream_file(path, csv=self.csv), None)
            if chunk is not None and chunk.rows:
                return self._completed(chunk, path)
        return None

    def _completed(self, chunk: Source, path: Path) -> Source:
        """Return a chunk with the name of its file, if that is a column, and with notes that name the table."""
        chunk = chunk.in_table(self.name)
        return chunk if self.file_column is None else _with_column(chunk, self.file_column, path.stem)

    def loaded(self, text_columns: Sequence[str]) -> Sheets:
        """Load the table into memory, so that iterating again costs nothing; ``text_columns`` as for ``chunks``."""
        return replace(self, sources=tuple(self.chunks(text_columns)))

    @property
    def size(self) -> int:
        """The total size of the files in bytes, 0 if the table is in memory."""
        return sum(path.stat().st_size for path in self.paths)


def open_sheets(series: Any, csv: CsvOptions = DETECT) -> Sheets:
    """Open a table in files or a DataFrame; of files, only the column names are read.

    Parameters
    ----------
    series
        A path to a .csv or .parquet file, a pattern such as ``"logs/*.csv"``, a list of paths, or a DataFrame.
    csv
        What is known about how CSV files are written; the rest is detected.

    Returns
    -------
    Sheets
        The table; files that match a pattern are sorted by path.

    Raises
    ------
    DataError
        If a pattern matches no file, the columns of two files differ, or a file is not a table.
    """
    if not isinstance(series, (str, Path, list, tuple)):
        source = open_source(series, "series")
        annotations = _column_annotations(source.table.schema)
        return Sheets(source.name, tuple(source.columns), **annotations, sources=(source,))
    paths = find_files(series)
    columns = columns_of(paths[0], csv)
    for path in paths[1:]:
        _require_same_columns(paths[0], columns, path, csv)
    name = str(paths[0]) if len(paths) == 1 else series if isinstance(series, str) else str(paths[0].parent)
    return Sheets(repr(name), tuple(columns), tuple(paths), **_column_annotations(arrow_fields(paths[0], csv)), csv=csv)


def _column_annotations(fields: Iterable[pa.Field]) -> dict[str, Any]:
    """Read units, signals and channels from the metadata of Arrow fields, as keyword arguments for ``Sheets``."""
    fields = list(fields)
    return {
        "units": tuple(units_of_fields(fields).items()),
        "signals": tuple(columns_declared(fields, "signal")),
        "channels": tuple(columns_declared(fields, "channel")),
    }


def find_files(path_or_pattern: str | Path | Sequence[str | Path]) -> list[Path]:
    """Find the files named by a path, a pattern or a list of paths.

    Returns
    -------
    list[Path]
        The files that match a pattern, sorted by path; a path or a list of paths as given, without checking that the
        files exist.

    Raises
    ------
    DataError
        If a pattern matches no file.
    """
    if isinstance(path_or_pattern, (list, tuple)):
        paths = path_or_pattern
        if not paths or not all(isinstance(path, str | Path) for path in paths):
            raise DataError(f"expected series as a DataFrame, a path, or a list of paths, got {str(paths)[:40]!r}")
        return [Path(path) for path in paths]
    pattern = str(path_or_pattern)
    if Path(pattern).exists() or not any(sign in pattern for sign in PATTERN_SIGNS):
        return [Path(pattern)]
    matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True) if Path(match).is_file())
    if not matches:
        folder = next(one for one in Path(pattern).parents if not any(sign in str(one) for sign in PATTERN_SIGNS))
        names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        content = f"the folder {str(folder)!r} holds {listing(names)}" if names else f"{str(folder)!r} holds nothing"
        raise DataError(f"expected files that match {pattern!r}, got none; {content}")
    return matches


def is_table(path: Path) -> bool:
    """Whether the suffix of a file is that of a table."""
    return path.name.lower().endswith(SUFFIXES)


def _require_same_columns(first: Path, columns: list[str], path: Path, csv: CsvOptions) -> None:
    other = columns_of(path, csv)
    for present, required, without, having in ((other, columns, path, first), (columns, other, first, path)):
        absent = [column for column in required if column not in present]
        if absent:
            raise DataError(
                f"expected the same columns in every file, got {listing(absent)} in {str(having)!r} but not in "
                f"{str(without)!r}; make the columns the same, or read the files separately"
            )


def _with_column(chunk: Source, column: str, word: str) -> Source:
    words = pa.DictionaryArray.from_arrays(pa.array([0] * chunk.rows, pa.int32()), pa.array([word]))
    return replace(chunk, table=chunk.table.append_column(column, words))
