"""Join labels, intervals and metadata from other tables to the series by id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.labels import INTERVAL, STEP_LABEL, names_of_columns
from limelight.data.reading.booleans import read_booleans
from limelight.data.reading.columns import Words, named_classes, read_numbers, read_optional_words, read_words
from limelight.data.reading.csv_files import NULL_WORDS
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.spelling import describe_spellings
from limelight.errors import DataError, LabelError, listing
from limelight.types import Rows


def join_labels(
    source: Source,
    id: str,
    label: str,
    ids: NDArray[np.str_],
    lengths: Rows,
    series_name: str,
    mask: str | None = None,
) -> dict[str, Any]:
    """Read labels, and intervals if there are any, from a table with one row per series.

    Parameters
    ----------
    source
        The labels table.
    id, label
        The columns with the id and the label. If there is no column ``label``, a single column that begins with
        ``label_`` is the label, and several such columns are a multi-label target: 0, 1, or empty if unknown.
    ids, lengths
        The series that need a label, and their numbers of steps, each shape (n,).
    series_name
        The name of the series table in messages.
    mask
        A column that is 0 or false if the labels of a series are unknown. With a mask, labels may be empty.

    Returns
    -------
    dict[str, Any]
        ``labels``, ``label_names``, ``intervals`` and ``notes`` as arguments for ``Panel``, without ``intervals`` if
        the table has none.

    Raises
    ------
    DataError
        If a series is repeated or unknown, or an interval lies outside its series.
    LabelError
        If a series has no label.
    """
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    rows = find_rows(source, names, ids, series_name)
    absent = ids[rows < 0].tolist()
    if absent:
        raise LabelError(
            f"expected a label for every series of {series_name} in {source.name}, got none for "
            f"{listing(absent)}; add a line for each, or leave these series out"
        )
    notes = describe_spellings("ids", id, names.spellings)
    labels = _labels_of_rows(source, names, label, mask, rows, notes)
    interval_columns = [name for name in INTERVAL if name in source.columns]
    if not interval_columns:
        return {**labels, "notes": notes}
    if len(interval_columns) == 1:
        raise DataError(
            f"expected both columns {listing(INTERVAL)} in {source.name}, got only {interval_columns[0]!r}; "
            "add the other, or leave both out"
        )
    return {**labels, "intervals": _intervals(source, names, rows, lengths), "notes": notes}


def _labels_of_rows(
    source: Source, names: Words, label: str, mask: str | None, rows: Rows, notes: list[str]
) -> dict[str, Any]:
    """Read a single label or a multi-label target for the given rows."""
    label_columns = [name for name in source.columns if name.startswith(STEP_LABEL) and name != mask]
    unknown = np.zeros(source.rows, dtype=bool) if mask is None else ~read_booleans(source, mask)
    if label not in source.columns and len(label_columns) == 1:
        label = label_columns[0]
    if label in source.columns or len(label_columns) < 2:
        if mask is None:
            words = read_words(source, label, "label", "write the label, or leave that series out", LabelError)
            notes += describe_spellings("labels", label, words.spellings)
            return {"labels": named_classes(words, label).decode()[rows]}
        words = read_optional_words(source, label, "label")
        notes += describe_spellings("labels", label, words.spellings)
        labels = named_classes(words, label).decode().astype(object)
        labels[unknown | (labels == "")] = None
        return {"labels": labels[rows]}
    columns = [read_numbers(source, name, keep_missing=True, series_at=names.at) for name in label_columns]
    matrix = np.stack(columns, axis=1).astype(np.float64)
    invalid = np.argwhere(~(np.isnan(matrix) | (matrix == 0) | (matrix == 1)))
    if len(invalid):
        row, column = invalid[0].tolist()
        raise LabelError(
            f"expected 0 or 1 in multi-label column {label_columns[column]!r}, got {matrix[row, column]:g} in "
            f"{source.location(row)}; leave the cell empty if the label is unknown"
        )
    matrix[unknown] = np.nan
    return {"labels": matrix[rows], "label_names": names_of_columns(label_columns)}


def join_metadata(source: Source, id: str, ids: NDArray[np.str_]) -> tuple[pa.Table, list[str]]:
    """Read metadata from a table with one row per series.

    Parameters
    ----------
    source
        The metadata table. A column of a CSV file becomes numbers if every cell is a number.
    id
        The id column.
    ids
        The ids of the series, shape (n,).

    Returns
    -------
    tuple[pa.Table, list[str]]
        A row for each series in the order of ``ids``, null for a series that is not in the table; and notes on series
        without metadata and on rows that were ignored.

    Raises
    ------
    DataError
        If a series is repeated in the table, or the table has none of the series.

    Example
    -------
    >>> source = Source(pa.table({"series_id": ["b", "a"], "age": [3, 5]}), "the metadata table")
    >>> table, notes = join_metadata(source, "series_id", np.array(["a", "c"]))
    >>> table.to_pylist(), notes
    ([{'age': 5}, {'age': None}], ["no metadata for 1 series: 'c'", "metadata for 1 unknown series ignored: 'b'"])
    """
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    require_unique_ids(source, names)
    row_of = {name: row for row, name in enumerate(names.decode().tolist())}
    rows = [row_of.get(name) for name in ids.tolist()]
    absent = [name for name, row in zip(ids.tolist(), rows, strict=True) if row is None]
    if len(absent) == len(ids):
        raise DataError(
            f"expected metadata for the series, got none of their ids in {source.name}, which has "
            f"{listing(names.names.tolist())}; check the column {id!r}"
        )
    unknown = sorted(set(row_of) - set(ids.tolist()), key=row_of.__getitem__)
    notes = [f"no metadata for {len(absent)} series: {listing(absent)}"] if absent else []
    if unknown:
        notes.append(f"metadata for {len(unknown)} unknown series ignored: {listing(unknown)}")
    fields = [name for name in source.columns if name != id]
    chosen = pa.array(rows, pa.int64())
    return pa.table({name: plain_column(source, name).take(chosen) for name in fields}), notes


def plain_column(source: Source, name: str) -> pa.Array:
    """Return a column of metadata; text of a CSV file becomes numbers if every cell is one, empty cells become null."""
    column = source.column(name, "metadata")
    if not is_text(column.type):
        return column
    if source.csv is None:
        return column.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(column)
    empty = pc.is_in(trimmed, value_set=pa.array(NULL_WORDS, trimmed.type))
    words = pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)
    for number_type in (pa.int64(), pa.float64()):
        try:
            return words.cast(number_type)
        except pa.ArrowInvalid:
            continue
    return words.cast(pa.string())


def find_rows(source: Source, names: Words, ids: NDArray[np.str_], series_name: str) -> Rows:
    """Find the row of each series in a table with one row per series.

    Parameters
    ----------
    source, names
        The table and its id column.
    ids
        The ids to find, shape (n,).
    series_name
        The name of the table that ``ids`` come from, for messages.

    Returns
    -------
    NDArray[np.int64]
        The row of each series, -1 if the table has none, shape (n,).

    Raises
    ------
    DataError
        If a series is repeated in the table, or is not in ``ids``.

    Example
    -------
    >>> names = Words(np.array([0, 1]), np.array(["b", "a"]))
    >>> find_rows(None, names, np.array(["a", "b", "c"]), "the series")
    array([ 1,  0, -1])
    """
    require_unique_ids(source, names)
    row_of = {name: row for row, name in enumerate(names.decode().tolist())}
    unknown = sorted(set(row_of) - set(ids.tolist()), key=row_of.__getitem__)
    if unknown:
        raise DataError(
            f"expected ids of {series_name} in {source.name}, got {listing(unknown)}, the first in "
            f"{source.location(row_of[unknown[0]])}; remove these lines, or add the series"
        )
    return np.array([row_of.get(name, -1) for name in ids.tolist()], dtype=np.int64)


def require_unique_ids(source: Source, names: Words) -> None:
    """Check that no series is repeated; DataError names both rows."""
    if len(names.names) < len(names.codes):
        repeated: NDArray[np.bool_] = np.ones(len(names.codes), dtype=bool)
        repeated[np.unique(names.codes, return_index=True)[1]] = False
        row = int(np.flatnonzero(repeated)[0])
        first = int(np.flatnonzero(names.codes == names.codes[row])[0])
        raise DataError(
            f"expected each series once in {source.name}, got {names.at(row)!r} again in "
            f"{source.location(row)}, first in {source.location(first)}; keep one of the two"
        )


def _intervals(source: Source, names: Words, rows: Rows, lengths: Rows) -> Rows:
    """Read and check the interval of each series, shape (n, 2)."""
    bounds = [read_numbers(source, name, keep_missing=True, series_at=names.at) for name in INTERVAL]
    intervals = np.nan_to_num(np.stack(bounds, axis=1), nan=-1)[rows]
    start, stop = intervals.T
    whole = (intervals == np.floor(intervals)).all(axis=1)
    within = (start >= 0) & (start < stop) & (stop <= lengths)
    invalid = np.flatnonzero(~(whole & (within | (intervals == -1).all(axis=1))))
    if len(invalid):
        series, row = int(invalid[0]), int(rows[invalid[0]])
        raise DataError(
            f"expected an interval of whole steps within the {lengths[series]} steps of series "
            f"{names.at(row)!r}, got {start[series]:g} to {stop[series]:g} in {source.location(row)}; "
            "the stop is the step after the last, and both are -1 or empty for no interval"
        )
    return intervals.astype(np.int64)
