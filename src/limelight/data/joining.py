"""Joining: what is known about each series, brought into the order of the series by id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limelight.data.columns import Words, read_numbers, read_words
from limelight.data.sources import Source
from limelight.errors import DataError, LabelError, listing

Rows = NDArray[np.int64]
INTERVAL = ("interval_start", "interval_stop")


def own_labels(source: Source, label: str, names: Words) -> NDArray[np.str_]:
    """Read the label of each series from a column of the series table.

    Parameters
    ----------
    source, label
        The series table and its label column.
    names
        The series of each row.

    Returns
    -------
    NDArray[np.str_]
        Shape (n,), in the order of ``names.names``.

    Raises
    ------
    LabelError
        If a label is empty or changes within a series.
    """
    words = read_words(source, label, "label", "write the label in every row of its series", LabelError)
    first = np.zeros(len(names.names), dtype=np.int64)
    first[names.codes[::-1]] = words.codes[::-1]
    faults = np.flatnonzero(first[names.codes] != words.codes)
    if len(faults):
        row = int(faults[0])
        kept = str(words.names[first[names.codes[row]]])
        raise LabelError(
            f"expected one label for each series, got {kept!r} and then {words.at(row)!r} in series "
            f"{names.at(row)!r}, at {source.place(row)}; cut the series where its "
            "label changes, or give it one label"
        )
    return words.names[first]


def joined_labels(
    source: Source, id: str, label: str, ids: NDArray[np.str_], lengths: Rows, known: str
) -> tuple[NDArray[np.str_], Rows | None]:
    """Read labels, and intervals if there are any, from a table with one row for each series.

    Parameters
    ----------
    source
        The labels table.
    id, label
        Its columns.
    ids, lengths
        The series that need a label, and how many steps they have, each shape (n,).
    known
        What messages call the series table.

    Returns
    -------
    tuple[NDArray[np.str_], NDArray[np.int64] | None]
        Labels, shape (n,), and intervals, shape (n, 2), or None.

    Raises
    ------
    DataError
        If a series stands twice or is unknown, or an interval lies outside its series.
    LabelError
        If a series has no label.
    """
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    words = read_words(source, label, "label", "write the label, or leave that series out", LabelError)
    rows = rows_in_order(source, names, ids, known)
    absent = ids[rows < 0].tolist()
    if absent:
        raise LabelError(
            f"expected a label for every series of {known} in {source.name}, got none for "
            f"{listing(absent)}; add a line for each, or leave these series out"
        )
    known_columns = [name for name in INTERVAL if name in source.columns]
    if not known_columns:
        return words.every()[rows], None
    if len(known_columns) == 1:
        raise DataError(
            f"expected both columns {listing(INTERVAL)} in {source.name}, got {known_columns[0]!r} only; "
            "add the other, or leave both out"
        )
    return words.every()[rows], _intervals(source, names, rows, lengths)


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
    if len(names.names) < len(names.codes):
        seen: NDArray[np.bool_] = np.ones(len(names.codes), dtype=bool)
        seen[np.unique(names.codes, return_index=True)[1]] = False
        row = int(np.flatnonzero(seen)[0])
        first = int(np.flatnonzero(names.codes == names.codes[row])[0])
        raise DataError(
            f"expected each series once in {source.name}, got {names.at(row)!r} again in "
            f"{source.place(row)}, first in {source.place(first)}; keep one of the two"
        )
    place = {name: row for row, name in enumerate(names.every().tolist())}
    unknown = sorted(set(place) - set(ids.tolist()), key=place.__getitem__)
    if unknown:
        raise DataError(
            f"expected ids of {known} in {source.name}, got {listing(unknown)}, the first in "
            f"{source.place(place[unknown[0]])}; leave these lines out, or add the series"
        )
    return np.array([place.get(name, -1) for name in ids.tolist()], dtype=np.int64)


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
