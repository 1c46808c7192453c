"""Sheets: one long table in one file, in many files, or in memory, gone through piece by piece as often as needed."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.reading.sources import (
    SUFFIXES,
    Source,
    arrow_fields,
    columns_of,
    open_file,
    open_source,
    signals_of_fields,
    stream_file,
    units_of_fields,
)
from limelight.errors import DataError, listing

PATTERN = "*?["


@dataclass(frozen=True, eq=False)
class Sheets:
    """One table in pieces.

    Parameters
    ----------
    name
        What messages call it: a path or a pattern in quotes, or ``"the series table"``.
    columns
        The names of its columns.
    paths
        Its files; none if it is in memory.
    units, signals
        The units of columns, and which of them hold words about single steps, as far as a Parquet file tells.
    sources
        The table itself, if it is in memory.
    file_column
        The column to make of the name of each file, or None.

    Example
    -------
    >>> sheets = open_sheets(pa.table({"series_id": ["a", "b"]}))
    >>> [piece.rows for piece in sheets.pieces(["series_id"])], sheets.name
    ([2], 'the series table')
    """

    name: str
    columns: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    signals: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    file_column: str | None = None

    def named_by_file(self, column: str) -> Sheets:
        """Give the same table with a further column that holds the name of the file of each row, without its ending."""
        return replace(self, columns=(*self.columns, column), file_column=column)

    def pieces(
        self, words: Sequence[str], columns: Sequence[str] | None = None, *, stream: bool = False
    ) -> Iterator[Source]:
        """Go through the table.

        Parameters
        ----------
        words
            Columns of CSV files that stay text however they look.
        columns
            Which to read; None reads all.
        stream
            Whether to read some megabytes at a time; otherwise a file at a time, which is faster.

        Returns
        -------
        Iterator[Source]
            Every row once, in order; a piece has at least one row.

        Raises
        ------
        DataError
            If a file is not what it should be.
        """
        if self.sources:
            yield from self.sources
            return
        wanted = None if columns is None else [column for column in columns if column != self.file_column]
        for path in self.paths:
            for piece in stream_file(path, words, wanted) if stream else [open_file(path, words, wanted)]:
                if piece.rows:
                    yield piece if self.file_column is None else _with_column(piece, self.file_column, path.stem)

    def loaded(self, words: Sequence[str]) -> Sheets:
        """Give the same table in memory, so that going through it again costs nothing; ``words`` as for ``pieces``."""
        return replace(self, sources=tuple(self.pieces(words)))

    @property
    def size(self) -> int:
        """Bytes of the files, 0 in memory."""
        return sum(path.stat().st_size for path in self.paths)


def open_sheets(given: Any) -> Sheets:
    """Find the files of a table, or take a DataFrame; of the files only the names of the columns are read.

    Parameters
    ----------
    given
        A path to a .csv or .parquet file, a pattern such as ``"logs/*.csv"``, a list of paths, or a DataFrame.

    Returns
    -------
    Sheets
        Files in the order of their names.

    Raises
    ------
    DataError
        If a pattern matches nothing, the columns of two files differ, or a file is no table.
    """
    if not isinstance(given, (str, Path, list, tuple)):
        source = open_source(given, "series")
        return Sheets(source.name, tuple(source.columns), **_told(source.table.schema), sources=(source,))
    paths = find_files(given)
    columns = columns_of(paths[0])
    for path in paths[1:]:
        _require_same_columns(paths[0], columns, path)
    name = repr(str(paths[0])) if len(paths) == 1 else repr(given if isinstance(given, str) else str(paths[0].parent))
    return Sheets(name, tuple(columns), tuple(paths), **_told(arrow_fields(paths[0])))


def _told(fields: Iterable[pa.Field]) -> dict[str, Any]:
    fields = list(fields)
    return {"units": tuple(units_of_fields(fields).items()), "signals": tuple(signals_of_fields(fields))}


def find_files(given: str | Path | Sequence[str | Path]) -> list[Path]:
    """Find the files that a path, a pattern or a list of paths names, in the order of their names.

    Raises
    ------
    DataError
        If a pattern matches nothing.
    """
    if isinstance(given, (list, tuple)):
        if not given or not all(isinstance(one, str | Path) for one in given):
            raise DataError(f"expected series as a DataFrame, a path, or a list of paths, got {str(given)[:40]!r}")
        return [Path(one) for one in given]
    text = str(given)
    if Path(text).exists() or not any(sign in text for sign in PATTERN):
        return [Path(text)]
    found = sorted(Path(one) for one in glob.glob(text, recursive=True) if Path(one).is_file())
    if not found:
        folder = next(one for one in Path(text).parents if not any(sign in str(one) for sign in PATTERN))
        beside = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        there = f"the folder {str(folder)!r} holds {listing(beside)}" if beside else f"{str(folder)!r} holds nothing"
        raise DataError(f"expected files that match {text!r}, got none; {there}")
    return found


def is_table(path: Path) -> bool:
    """Say whether a file ends like a table."""
    return path.suffix.lower() in SUFFIXES


def _require_same_columns(first: Path, columns: list[str], path: Path) -> None:
    other = columns_of(path)
    for here, there, lacking, having in ((other, columns, path, first), (columns, other, first, path)):
        absent = [column for column in there if column not in here]
        if absent:
            raise DataError(
                f"expected the same columns in every file, got {listing(absent)} in {str(having)!r} and not in "
                f"{str(lacking)!r}; make the files alike, or read those apart that differ"
            )


def _with_column(piece: Source, column: str, word: str) -> Source:
    words = pa.DictionaryArray.from_arrays(pa.array([0] * piece.rows, pa.int32()), pa.array([word]))
    return replace(piece, table=piece.table.append_column(column, words))
