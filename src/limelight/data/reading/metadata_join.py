"""Join metadata to the series, by their ids or by another column that both tables have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.reading.columns import Words, read_optional_words
from limelight.data.reading.id_columns import MatchedIds, find_id_column, require_agreement, require_match
from limelight.data.reading.ids import match_ids
from limelight.data.reading.names import is_named, plain_name
from limelight.data.reading.plain import plain_column
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.validity import find_validity
from limelight.errors import DataError, listing
from limelight.types import Rows

MOST_SHARED = 6
ENDING = re.compile(r"_(id|nr|no|num|number|nummer|name|key|code)$")


@dataclass(frozen=True, eq=False)
class _Key:
    """The columns that identify the rows of a table, and the key of each series."""

    columns: tuple[str, ...]
    words: Words  # the key in each row of the table
    places: Rows  # the position in ``words.names`` of the key of each series, -1 if there is none, shape (n,)
    notes: tuple[str, ...] = ()
    thing: str = "series"

    @property
    def coverage(self) -> float:
        return float((self.places >= 0).mean()) if len(self.places) else 0.0

    @property
    def is_unique(self) -> bool:
        return len(self.words.names) == int((self.words.codes >= 0).sum())


def join_metadata(
    source: Source,
    id: str,
    ids: NDArray[np.str_],
    *,
    fields: Mapping[str, Any] | None = None,
    starts: NDArray[Any] | None = None,
) -> tuple[pa.Table, list[str]]:
    """Read metadata from a table with one row per series, machine, subject or the like.

    Parameters
    ----------
    source
        The metadata table. A column of a CSV file becomes numbers if every cell is a number.
    id
        The id column. Without it, rows are matched to series by the columns that identify them: another column with
        the ids, or the columns that have the same names as ``fields``. Rows may be valid for some time only: see
        ``find_validity``.
    ids
        The ids of the series, shape (n,).
    fields
        Columns that are known of each series, such as its machine, shape (n,) each.
    starts
        The time at which each series begins, shape (n,), or None.

    Returns
    -------
    tuple[pa.Table, list[str]]
        A row for each series in the order of ``ids``, null for a series that is not in the table; and notes on how the
        table was joined, on series without metadata and on rows that were ignored.

    Raises
    ------
    DataError
        If the table has none of the series, two rows for one series differ or are valid at the same time, or the
        validity cannot be compared with the times of the series.

    Example
    -------
    >>> source = Source(pa.table({"machine": ["m2", "m1"], "power": [3, 5]}), "the metadata table")
    >>> table, notes = join_metadata(source, "series_id", np.array(["a", "b"]), fields={"machine": ["m1", "m1"]})
    >>> table.to_pylist(), notes
    ([{'power': 5}, {'power': 5}], ["joined metadata by 'machine'"])
    """
    key = _find_key(source, id, ids, fields or {})
    validity = find_validity(source, repeated=not key.is_unique)
    notes = [*key.notes]
    absent = ids[key.places < 0].tolist()
    if absent:
        notes.append(f"no metadata for {len(absent)} series: {listing(absent)}")
    if validity is None:
        rows = _rows_of_keys(source, key, notes)
    else:
        rows = validity.rows(source, key.words, key.places, ids, starts, notes)
    chosen = pa.array(rows, pa.int64(), mask=rows < 0)
    used = (*key.columns, *(() if validity is None else validity.columns))
    names = [name for name in source.columns if name not in used]
    return pa.table({name: plain_column(source, name).take(chosen) for name in names}), notes


def _rows_of_keys(source: Source, key: _Key, notes: list[str]) -> Rows:
    rest = [name for name in source.columns if name not in key.columns]
    notes += require_agreement(source, key.words, rest, key.thing)
    codes, first = np.unique(key.words.codes, return_index=True)
    row_of_code = np.full(len(key.words.names) + 1, -1, dtype=np.int64)
    row_of_code[codes[codes >= 0]] = first[codes >= 0]
    rows: Rows = row_of_code[key.places]
    return rows


def _find_key(source: Source, id: str, ids: NDArray[np.str_], fields: Mapping[str, Any]) -> _Key:
    """Find the columns by which the table is joined: the id, or else the columns that cover most series."""
    column = _id_column_or_none(source, id, ids)
    if column is not None and column.name == id and (column.rows >= 0).any():
        return _key_of_ids(column)
    shared = _shared_key(source, fields)
    by_id = None if column is None else _key_of_ids(column)
    if shared is not None and (column is None or by_id is None or _is_better(shared, by_id, column.name)):
        return shared
    if by_id is not None and by_id.coverage:
        return by_id
    by_content = next(_keys_by_content(source, fields), None)
    if by_content is not None:
        return by_content
    if column is None:
        raise DataError(_unjoined(source, id, ids, fields))
    require_match(source, column, ids, "metadata for the series")
    return _key_of_ids(column)


def _is_better(shared: _Key, by_id: _Key, id: str) -> bool:
    """Whether shared columns cover more series than the ids do, or as many as ids found by content."""
    return shared.coverage > by_id.coverage or (shared.coverage == by_id.coverage and not is_named(id, "id"))


def _id_column_or_none(source: Source, id: str, ids: NDArray[np.str_]) -> MatchedIds | None:
    if id in source.columns:
        return find_id_column(source, id, ids)
    try:
        return find_id_column(source, id, ids)
    except DataError:
        return None


def _key_of_ids(column: MatchedIds) -> _Key:
    places = np.where(column.rows < 0, -1, column.words.codes[column.rows])
    notes = [*column.notes]
    if column.unknown and (places >= 0).any():
        notes.append(f"metadata for {len(column.unknown)} unknown series ignored: {listing(column.unknown)}")
    return _Key((column.name,), column.words, places, tuple(notes))


def _shared_key(source: Source, fields: Mapping[str, Any]) -> _Key | None:
    """Find the fewest columns with names of ``fields`` that identify the rows; None if there are none."""
    pairs = [(field, name) for name in source.columns for field in fields if bare_name(field) == bare_name(name)]
    shared = dict(sorted(pairs, key=lambda pair: pair[0].casefold() == pair[1].casefold()))
    matched = [(name, *_matched(source, name, fields[field])) for field, name in list(shared.items())[:MOST_SHARED]]
    matched = [one for one in matched if (one[2] >= 0).any()]
    keys = []
    for size in range(1, len(matched) + 1):
        keys = [_combined(chosen) for chosen in combinations(matched, size)]
        unique = [key for key in keys if key.coverage and (key.is_unique or _is_unique_by_date(source, key))]
        if unique:
            return max(unique, key=lambda key: key.coverage)
    return keys[-1] if keys else None


def bare_name(name: str) -> str:
    """Return a column name without case, accents and an ending such as "_id", by which two tables name the same.

    Example
    -------
    >>> bare_name("Machine ID"), bare_name("machineNo"), bare_name("id")
    ('machine', 'machine', 'id')
    """
    plain = plain_name(name)
    return ENDING.sub("", plain) or plain


def _is_unique_by_date(source: Source, key: _Key) -> bool:
    """Whether rows with the same key differ in the time from or until which they are valid."""
    validity = find_validity(source, repeated=True)
    if validity is None:
        return False
    dates = np.stack([read_optional_words(source, name, "metadata").codes for name in validity.columns], axis=1)
    return len(np.unique(np.column_stack([key.words.codes, dates]), axis=0)) == source.rows


def _matched(source: Source, name: str, cells: Any) -> tuple[Words, Rows, str | None]:
    """Return the words of a column, the position among them of the word of each series, and a note."""
    words = read_optional_words(source, name, "metadata")
    column = pa.table({name: cells if isinstance(cells, pa.Array | pa.ChunkedArray) else pa.array(list(cells))})
    own = read_optional_words(Source(column, "the series"), name, "metadata")
    places, note = match_ids(own.names, words.names, f"column {name!r} of {source.name}")
    return words, np.append(places, -1)[own.codes], note


def _combined(chosen: tuple[tuple[str, Words, Rows, str | None], ...]) -> _Key:
    """Combine the words of several columns into one key."""
    names = tuple(one[0] for one in chosen)
    cells = np.stack([one[1].codes for one in chosen], axis=1)
    own = np.stack([one[2] for one in chosen], axis=1)
    distinct, codes = np.unique(cells, axis=0, return_inverse=True)
    codes = np.where((cells < 0).any(axis=1), -1, codes.reshape(-1))
    place = {tuple(one): code for code, one in enumerate(distinct.tolist()) if min(one) >= 0}
    order = {code: position for position, code in enumerate(sorted(place.values()))}
    words = [" and ".join(str(part[1].names[code]) for part, code in zip(chosen, one, strict=True)) for one in place]
    recoded = np.array([order.get(code, -1) for code in codes.tolist()], dtype=np.int64)
    places = np.array([order.get(place.get(tuple(one), -1), -1) for one in own.tolist()], dtype=np.int64)
    notes = (f"joined metadata by {' and '.join(map(repr, names))}", *(one[3] for one in chosen if one[3]))
    return _Key(names, Words(recoded, np.array(words, dtype=np.str_)), places, notes, " and ".join(names))


def _keys_by_content(source: Source, fields: Mapping[str, Any]) -> Iterator[_Key]:
    """Yield keys of one column of text that holds every word of a field of another name."""
    texts = [name for name in source.columns if is_text(source.column(name, "metadata").type)]
    for field, cells in fields.items():
        for name in texts:
            key = _combined(((name, *_matched(source, name, cells)),))
            if key.coverage == 1 and key.is_unique and not any(word.isdigit() for word in key.words.names.tolist()):
                yield _Key(
                    key.columns,
                    key.words,
                    key.places,
                    (f"joined metadata by {name!r}, which is {field!r} of the series",),
                )


def _unjoined(source: Source, id: str, ids: NDArray[np.str_], fields: Mapping[str, Any]) -> str:
    others = f" or {listing(fields)}" if fields else ""
    return (
        f"expected a column in {source.name} with the ids of the series ({id!r}){others}, got columns "
        f"{listing(source.columns)}, none of which holds them; the series are {listing(ids.tolist(), 3)}"
    )
