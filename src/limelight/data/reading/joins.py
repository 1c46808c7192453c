"""Joining: what is known about each series, brought into the order of the series by id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.labels import INTERVAL, STEP_LABEL, names_of_columns
from limelight.data.reading.booleans import read_truths
from limelight.data.reading.columns import Words, read_numbers, read_some_words, read_words
from limelight.data.reading.csv_files import NO_NUMBERS
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, LabelError, listing
from limelight.types import Rows


def joined_labels(
    source: Source, id: str, label: str, ids: NDArray[np.str_], lengths: Rows, known: str, mask: str | None = None
) -> dict[str, Any]:
    """Read labels, and intervals if there are any, from a table with one row for each series.

    Parameters
    ----------
    source
        The labels table.
    id, label
        Its columns. Without a column ``label``, one that begins with ``label_`` is taken for it, and several are
        several labels: 0, 1, or empty where one is not known.
    ids, lengths
        The series that need a label, and how many steps they have, each shape (n,).
    known
        What messages call the series table.
    mask
        A column that says whether the labels of a series are known: 0 or false where not. Labels may be empty then.

    Returns
    -------
    dict[str, Any]
        ``labels``, ``label_names`` and ``intervals`` as ``Panel`` takes them; intervals are left out where none are
        known.

    Raises
    ------
    DataError
        If a series stands twice or is unknown, or an interval lies outside its series.
    LabelError
        If a series has no label.
    """
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    rows = rows_in_order(source, names, ids, known)
    absent = ids[rows < 0].tolist()
    if absent:
        raise LabelError(
            f"expected a label for every series of {known} in {source.name}, got none for "
            f"{listing(absent)}; add a line for each, or leave these series out"
        )
    facts = _labels_of_rows(source, id, label, mask, rows)
    known_columns = [name for name in INTERVAL if name in source.columns]
    if not known_columns:
        return facts
    if len(known_columns) == 1:
        raise DataError(
            f"expected both columns {listing(INTERVAL)} in {source.name}, got {known_columns[0]!r} only; "
            "add the other, or leave both out"
        )
    return {**facts, "intervals": _intervals(source, names, rows, lengths)}


def _labels_of_rows(source: Source, id: str, label: str, mask: str | None, rows: Rows) -> dict[str, Any]:
    several = [name for name in source.columns if name.startswith(STEP_LABEL) and name != mask]
    unknown = np.zeros(source.rows, dtype=bool) if mask is None else ~read_truths(source, mask)
    if label not in source.columns and len(several) == 1:
        label = several[0]
    if label in source.columns or len(several) < 2:
        if mask is None:
            words = read_words(source, label, "label", "write the label, or leave that series out", LabelError)
            return {"labels": words.every()[rows]}
        some = read_some_words(source, label, "label").every().astype(object)
        some[unknown | (some == "")] = None
        return {"labels": some[rows]}
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    numbers = [read_numbers(source, name, keep_missing=True, series_at=names.at) for name in several]
    matrix = np.stack(numbers, axis=1).astype(np.float64)
    wrong = np.argwhere(~(np.isnan(matrix) | (matrix == 0) | (matrix == 1)))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise LabelError(
            f"expected 0 or 1 in column {several[column]!r} of several labels, got {matrix[row, column]:g} in "
            f"{source.place(row)}; leave the cell empty where the label is not known"
        )
    matrix[unknown] = np.nan
    return {"labels": matrix[rows], "label_names": names_of_columns(several)}


def joined_metadata(source: Source, id: str, ids: NDArray[np.str_]) -> tuple[pa.Table, list[str]]:
    """Read the facts about each series from a table with one row for each.

    Parameters
    ----------
    source
        The metadata table. In a CSV file a column of which every cell is a number is one of numbers.
    id
        Its id column.
    ids
        The series, shape (n,).

    Returns
    -------
    tuple[pa.Table, list[str]]
        A row for each series, empty where the table has none, and what was left out.

    Raises
    ------
    DataError
        If a series stands twice in the table, or none of the series is in it.

    Example
    -------
    >>> source = Source(pa.table({"series_id": ["b", "a"], "age": [3, 5]}), "the metadata table")
    >>> table, notes = joined_metadata(source, "series_id", np.array(["a", "c"]))
    >>> table.to_pylist(), notes
    ([{'age': 5}, {'age': None}], ["no metadata for 1 series: 'c'", "metadata for 1 unknown series left out: 'b'"])
    """
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    require_once(source, names)
    place = {name: row for row, name in enumerate(names.every().tolist())}
    rows = [place.get(name) for name in ids.tolist()]
    absent = [name for name, row in zip(ids.tolist(), rows, strict=True) if row is None]
    if len(absent) == len(ids):
        raise DataError(
            f"expected metadata for the series, got none of them in {source.name}, which knows "
            f"{listing(names.names.tolist())}; check the column {id!r}"
        )
    unknown = sorted(set(place) - set(ids.tolist()), key=place.__getitem__)
    notes = [f"no metadata for {len(absent)} series: {listing(absent)}"] if absent else []
    if unknown:
        notes.append(f"metadata for {len(unknown)} unknown series left out: {listing(unknown)}")
    fields = [name for name in source.columns if name != id]
    chosen = pa.array(rows, pa.int64())
    return pa.table({name: plain_column(source, name).take(chosen) for name in fields}), notes


def plain_column(source: Source, name: str) -> pa.Array:
    """Give a column; text of a CSV file that is all numbers as numbers, empty cells as null."""
    column = source.column(name, "metadata")
    if not is_text(column.type):
        return column
    if source.csv is None:
        return column.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(column)
    empty = pc.is_in(trimmed, value_set=pa.array(NO_NUMBERS, trimmed.type))
    words = pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)
    for kind in (pa.int64(), pa.float64()):
        try:
            return words.cast(kind)
        except pa.ArrowInvalid:
            continue
    return words.cast(pa.string())


def rows_in_order(source: Source, names: Words, ids: NDArray[np.str_], known: str) -> Rows:
    """Find each series in a table with one row for each.

    Parameters
    ----------
    source, names
        The table and the words of its id column.
    ids
        The series to find, shape (n,).
    known
        What messages call the place that ``ids`` come from.

    Returns
    -------
    NDArray[np.int64]
        The row of each, shape (n,), -1 where there is none.

    Raises
    ------
    DataError
        If a series stands twice in the table, or is not in ``ids``.

    Example
    -------
    >>> names = Words(np.array([0, 1]), np.array(["b", "a"]))
    >>> rows_in_order(None, names, np.array(["a", "b", "c"]), "the series")
    array([ 1,  0, -1])
    """
    require_once(source, names)
    place = {name: row for row, name in enumerate(names.every().tolist())}
    unknown = sorted(set(place) - set(ids.tolist()), key=place.__getitem__)
    if unknown:
        raise DataError(
            f"expected ids of {known} in {source.name}, got {listing(unknown)}, the first in "
            f"{source.place(place[unknown[0]])}; leave these lines out, or add the series"
        )
    return np.array([place.get(name, -1) for name in ids.tolist()], dtype=np.int64)


def require_once(source: Source, names: Words) -> None:
    """Refuse a table in which a series stands twice; DataError names both rows."""
    if len(names.names) < len(names.codes):
        seen: NDArray[np.bool_] = np.ones(len(names.codes), dtype=bool)
        seen[np.unique(names.codes, return_index=True)[1]] = False
        row = int(np.flatnonzero(seen)[0])
        first = int(np.flatnonzero(names.codes == names.codes[row])[0])
        raise DataError(
            f"expected each series once in {source.name}, got {names.at(row)!r} again in "
            f"{source.place(row)}, first in {source.place(first)}; keep one of the two"
        )


def _intervals(source: Source, names: Words, rows: Rows, lengths: Rows) -> Rows:
    both = [read_numbers(source, name, keep_missing=True, series_at=names.at) for name in INTERVAL]
    found = np.nan_to_num(np.stack(both, axis=1), nan=-1)[rows]
    start, stop = found.T
    whole = (found == np.floor(found)).all(axis=1)
    within = (start >= 0) & (start < stop) & (stop <= lengths)
    faults = np.flatnonzero(~(whole & (within | (found == -1).all(axis=1))))
    if len(faults):
        series, row = int(faults[0]), int(rows[faults[0]])
        raise DataError(
            f"expected an interval of whole steps within the {lengths[series]} steps of series "
            f"{names.at(row)!r}, got {start[series]:g} to {stop[series]:g} in {source.place(row)}; "
            "the stop is the step after the last, and both are -1 or empty for none"
        )
    return found.astype(np.int64)
