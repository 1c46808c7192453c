"""Find the rows of the series in another table: its id column, the row of each series, repeated rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.reading.columns import ID_REMEDY, Words, read_optional_words, read_words
from limelight.data.reading.ids import match_ids, show_both
from limelight.data.reading.names import is_named, is_named_as_row_number
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.spelling import describe_spellings
from limelight.errors import DataError, listing
from limelight.types import Rows


@dataclass(frozen=True, eq=False)
class MatchedIds:
    """The id column of a table that is joined to the series.

    Parameters
    ----------
    name
        The name of the column.
    words
        The id in each row of the table.
    rows
        The first row of each series, -1 if the table has none, shape (n,).
    notes
        How the column was found, and which ids are written differently.
    """

    name: str
    words: Words
    rows: Rows
    notes: tuple[str, ...]

    @property
    def unknown(self) -> list[str]:
        """The ids that are not those of a series, in order of first appearance."""
        known = set(self.words.codes[self.rows[self.rows >= 0]].tolist())
        return [str(name) for code, name in enumerate(self.words.names) if code not in known]


def find_id_column(
    source: Source, id: str, ids: NDArray[np.str_], *, series_name: str = "the series", excluded: Collection[str] = ()
) -> MatchedIds:
    """Find the id column of a table, and the row of each series.

    Parameters
    ----------
    source
        The table.
    id
        The name of the column. If there is none of this name, columns with common names are tried, and then columns
        whose cells are ids of the series.
    ids
        The ids of the series, shape (n,).
    series_name
        The name of the table of the series, for messages.
    excluded
        Columns that are not the id.

    Returns
    -------
    MatchedIds
        The column and the rows of the series, some of which may be absent.

    Raises
    ------
    DataError
        If no column holds ids of the series, or a cell is empty.

    Example
    -------
    >>> source = Source(pa.table({"file": ["s2.csv", "s1.csv"], "state": ["ok", "worn"]}), "the labels table")
    >>> column = find_id_column(source, "series_id", np.array(["s1", "s2"]))
    >>> column.name, column.rows.tolist()
    ('file', [1, 0])
    """
    if id in source.columns:
        return _match_column(source, id, ids)
    best, most = None, 0
    for name in sorted(source.columns, key=lambda name: not is_named(name, "id")):
        if name not in excluded and not is_named_as_row_number(name):
            matched = _count_matches(source, name, ids)
            best, most = (name, matched) if matched > most else (best, most)
    if best is None:
        raise _no_ids(source, id, ids, series_name, excluded)
    column = _match_column(source, best, ids)
    return MatchedIds(best, column.words, column.rows, (f"took column {best!r} of {source.name} as id", *column.notes))


def _no_ids(source: Source, id: str, ids: NDArray[np.str_], series_name: str, excluded: Collection[str]) -> DataError:
    """Build the error for a table without a column of ids, or with the ids in a column that is named as another."""
    for name in excluded:
        if name in source.columns and _count_matches(source, name, ids):
            return DataError(
                f"expected a column with the ids of {series_name} beside {name!r} in {source.name}, got these ids in "
                f"{name!r} itself; name another column in its place"
            )
    return DataError(
        f"expected a column {id!r} with the ids of {series_name} in {source.name}, got columns "
        f"{listing(source.columns)}, none of which holds such ids; the series are {listing(ids.tolist(), 3)}"
    )


def _count_matches(source: Source, name: str, ids: NDArray[np.str_]) -> int:
    """Count the series whose id is in a column; 0 if the column must be something else."""
    kind = source.table.schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return 0
    words = read_optional_words(source, name, "id")
    matched = int((match_ids(ids, words.names, by_number=is_named(name, "id"))[0] >= 0).sum())
    if is_named(name, "id"):
        return matched
    numbers = all(word.lstrip("+-").replace(".", "", 1).isdigit() for word in words.names.tolist())
    sure = matched == len(ids) and len(words.names) == source.rows if numbers else 2 * matched >= len(ids)
    return matched if sure else 0


def _match_column(source: Source, name: str, ids: NDArray[np.str_]) -> MatchedIds:
    words = read_words(source, name, "id", ID_REMEDY)
    places, note = match_ids(ids, words.names, source.name)
    first = _first_rows(words)
    rows = np.append(first, -1)[places]
    notes = [*describe_spellings("ids", name, words.spellings), *([note] if note else [])]
    return MatchedIds(name, words, rows, tuple(notes))


def _first_rows(words: Words) -> Rows:
    """Return the first row of each distinct word, shape (words,)."""
    rows: Rows = np.unique(words.codes, return_index=True)[1].astype(np.int64)
    return rows


def require_known(source: Source, column: MatchedIds, ids: NDArray[np.str_], series_name: str) -> None:
    """Check that no row is for a series that is not in ``ids``; DataError shows both."""
    unknown = column.unknown
    if unknown:
        row = int(np.flatnonzero(column.words.decode() == unknown[0])[0])
        without = ids[column.rows < 0].tolist()
        ending = "remove these lines, or add the series"
        if without:
            ending = f"there is no line for the series {listing(without)}; write the ids in the same way"
        raise DataError(
            f"expected ids of {series_name} in {source.name}, got {listing(unknown)}, the first in "
            f"{source.location(row)}; {ending}"
        )


def require_match(source: Source, column: MatchedIds, ids: NDArray[np.str_], content: str) -> None:
    """Check that at least one series has a row; DataError shows the ids of both."""
    if len(ids) and (column.rows < 0).all():
        raise DataError(
            f"expected {content} in {source.name}, got none of their ids in column {column.name!r}: "
            f"{show_both(ids, column.words.names)}; write them in the same way, or name the column with the ids"
        )


def require_agreement(source: Source, words: Words, columns: Sequence[str], thing: str = "series") -> list[str]:
    """Check that rows with the same id, or another key, agree.

    Parameters
    ----------
    source
        The table.
    words
        The id in each row.
    columns
        The columns that must agree.
    thing
        What the key identifies, for messages.

    Returns
    -------
    list[str]
        A note if ids are repeated.

    Raises
    ------
    DataError
        If two rows with the same id differ; the message names both.
    """
    keyed = np.flatnonzero(words.codes >= 0)
    if len(words.names) == len(keyed):
        return []
    codes = words.codes[keyed]
    first = keyed[np.unique(codes, return_index=True)[1]][codes]
    for name in columns:
        cells = read_optional_words(source, name, "columns")
        differing = np.flatnonzero(cells.codes[keyed] != cells.codes[first])
        if len(differing):
            row, earlier = int(keyed[differing[0]]), int(first[differing[0]])
            one, other = [str(cells.decode()[place]) for place in (row, earlier)]
            raise DataError(
                f"expected each {thing} once in {source.name}, got {words.at(row)!r} with {name} {one!r} in "
                f"{source.location(row)}, and with {other!r} in {source.location(earlier)}; keep one of the two"
            )
    repeated = np.flatnonzero(np.bincount(codes) > 1)
    return [
        f"rows of {source.name} that repeat a {thing} with the same content were ignored: "
        f"{listing(words.names[repeated].tolist())}"
    ]
