"""Join labels, intervals and further columns of a labels table to the series by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.labels import INTERVAL, STEP_LABEL, names_of_columns
from limelight.data.panel import Panel
from limelight.data.reading.booleans import read_booleans, with_binary_numbers
from limelight.data.reading.columns import Words, named_classes, read_numbers, read_optional_words, read_words
from limelight.data.reading.id_columns import (
    MatchedIds,
    find_id_column,
    require_agreement,
    require_known,
)
from limelight.data.reading.interval_tables import find_interval_columns, repeated_series
from limelight.data.reading.missing import OddWords
from limelight.data.reading.names import STATES, is_named, is_named_as_row_number, plain_name
from limelight.data.reading.plain import plain_column
from limelight.data.reading.sources import Source
from limelight.data.reading.spelling import describe_spellings
from limelight.data.splitting.part_words import are_parts
from limelight.errors import DataError, LabelError, listing
from limelight.types import Rows

NO_FIELDS = ("known", "mask", "split", "fold")
"""Columns of a labels table that describe its use and not the series."""


def join_labels(
    source: Source,
    id: str,
    label: str,
    ids: NDArray[np.str_],
    lengths: Rows,
    series_name: str,
    mask: str | None = None,
) -> dict[str, Any]:
    """Read labels, intervals if there are any, and further columns from a table with one row per series.

    Parameters
    ----------
    source
        The labels table.
    id, label
        The columns with the id and the label. If there is no column ``label``, a single column that begins with
        ``label_`` is the label, and several such columns are a multi-label target: 0 or no, 1 or yes, or empty
        if unknown. Else a column with a common name of a label is taken, or the only column left. The id is found as
        in ``find_id_column``.
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
        the table has none. The other columns are ``fields``, which are metadata, and ``keys``, which only identify the
        rows or rename the label, in the order of ``ids``.

    Raises
    ------
    DataError
        If a series is repeated with different labels, rows are for unknown series while series have no row, or an
        interval lies outside its series.
    LabelError
        If a series has no label.
    """
    given = [name for name in source.columns if name in (label, mask, *INTERVAL) or name.startswith(STEP_LABEL)]
    _reject_intervals(source, id, ids, given)
    column = find_id_column(source, id, ids, series_name=series_name, excluded=given)
    notes = [*column.notes]
    absent = ids[column.rows < 0].tolist()
    if absent:
        require_known(source, column, ids, series_name)
        raise LabelError(
            f"expected a label for every series of {series_name} in {source.name}, got none for "
            f"{listing(absent)}; add a line for each, or leave these series out"
        )
    if column.unknown:
        notes.append(f"labels for {len(column.unknown)} unknown series ignored: {listing(column.unknown)}")
    label = find_joined_label(source, label, (column.name, mask), notes)
    labels = labels_of_rows(source, column.words, label, mask, column.rows, notes)
    used = [name for name in source.columns if name in (label, mask, *INTERVAL) or name.startswith(STEP_LABEL)]
    notes += require_agreement(source, column.words, used)
    fields, keys = further_fields(source, column, (column.name, *used), labels["labels"], notes)
    intervals = _intervals(source, column.words, column.rows, lengths)
    return {**labels, **intervals, "fields": fields, "keys": keys, "notes": notes}


def reject_labels_of_channels(source: Source, panel: Panel, series_name: str) -> None:
    """Raise DataError if the labels are for the columns of a table, of which each is a series."""
    if len(panel) > 1 or len(panel.channels) < 2:
        return
    for name in source.columns:
        words = {*read_optional_words(source, name, "labels").names.tolist()}
        labelled = [channel for channel in panel.channels if channel in words]
        if 2 * len(labelled) > len(panel.channels):
            raise DataError(
                f"expected a column for each channel in {series_name}, got one for each series: {source.name} has "
                f"lines for {listing(labelled)}; transpose the table, so that each row is a series, or write the "
                "series below each other with a column of ids"
            )


def _reject_intervals(source: Source, id: str, ids: NDArray[np.str_], given: Sequence[str]) -> None:
    """Raise DataError if the rows of a labels table are intervals: several for one series, or without ids."""
    columns = find_interval_columns(source.columns)
    if columns is None:
        return
    series = repeated_series(source, id, ids, (*given, columns.start, columns.end))
    if series is not None:
        got = f"several of series {series!r}" if series else "without the id of a series"
        raise DataError(
            f"expected one row for each series in {source.name}, got intervals from {columns.start!r} to "
            f"{columns.end!r}, {got}; set per_step=None (--set data.level=auto) to read them as labels of steps"
        )


def join_fields(source: Source, id: str, ids: NDArray[np.str_]) -> dict[str, Any]:
    """Read only the further columns of a labels table, which describe series whose labels are not wanted.

    Parameters
    ----------
    source, id, ids
        As for ``join_labels``. Series may be absent.

    Returns
    -------
    dict[str, Any]
        ``fields``, ``keys`` and ``notes`` as in ``join_labels``, null for absent series; empty if no column holds ids
        of the series.

    Example
    -------
    >>> source = Source(pa.table({"series_id": ["a"], "label": ["ok"], "machine": ["m1"]}), "the labels table")
    >>> joined = join_fields(source, "series_id", np.array(["a"]))
    >>> {name: column.to_pylist() for name, column in joined["fields"].items()}
    {'machine': ['m1']}
    """
    labels = [name for name in source.columns if is_named(name, "label") or plain_name(name) in STATES]
    used = [name for name in source.columns if name in (*labels, *INTERVAL) or name.startswith(STEP_LABEL)]
    try:
        column, notes = find_id_column(source, id, ids, excluded=used), list[str]()
    except DataError:  # a labels table of other series is of no use here, and not needed
        return {"fields": {}, "keys": {}, "notes": []}
    fields, keys = further_fields(source, column, (column.name, *used), None, notes)
    return {"fields": fields, "keys": keys, "notes": [*column.notes, *notes] if fields or keys else []}


def find_label_in_metadata(source: Source, label: str) -> str | None:
    """Return the column of a metadata table with the name of the label, or a common name of labels for ``"label"``.

    Example
    -------
    >>> source = Source(pa.table({"id": ["a"], "Label": ["ok"], "machine": ["m1"]}), "the metadata table")
    >>> find_label_in_metadata(source, "label"), find_label_in_metadata(source, "state")
    ('Label', None)
    """
    if label in source.columns:
        return label
    named = [name for name in source.columns if is_named(name, "label")] if label == "label" else []
    return named[0] if len(named) == 1 else None


def join_labels_of_metadata(source: Source, id: str, label: str, ids: NDArray[np.str_], *others: Any) -> dict[str, Any]:
    """Read the labels of series that have none elsewhere from a column of the metadata table.

    Parameters
    ----------
    source, id, ids
        As for ``join_labels``.
    label
        A column of the table.
    others
        ``lengths``, ``series_name`` and ``mask`` of ``join_labels``.

    Returns
    -------
    dict[str, Any]
        ``labels``, ``label_names`` and ``intervals`` as arguments for ``Panel``; empty if no column holds ids of the
        series.

    Raises
    ------
    DataError, LabelError
        As ``join_labels``.
    """
    try:
        find_id_column(source, id, ids, excluded=(label,))
    except DataError:  # a row of the table describes several series, such as those of a machine
        return {}
    joined = join_labels(source, id, label, ids, *others)
    return {name: joined[name] for name in joined.keys() - {"fields", "keys", "notes"}}


def drop_label(table: pa.Table, name: str | None, labels: NDArray[Any] | None, notes: list[str]) -> pa.Table:
    """Return metadata without a column that is the label, in the same or other words.

    Parameters
    ----------
    table
        Metadata of n series.
    name
        The column that may be the label.
    labels
        The classes, shape (n,), or a multi-label target, shape (n, labels), which no column can repeat; None if there
        are no labels.
    notes
        Receives a sentence if the column is dropped.

    Example
    -------
    >>> table = pa.table({"label": [1, 0, 1], "age": [3, 4, 5]})
    >>> drop_label(table, "label", np.array(["on", "off", "on"]), []).column_names
    ['age']
    """
    if labels is None or name not in table.column_names:
        return table
    words = np.array(["" if value is None else str(value) for value in table[name].to_pylist()], dtype=object)
    if not _renames(words, labels):
        return table
    notes.append(f"column {name!r} of the metadata is the label: no metadata")
    return table.drop_columns([name])


def find_joined_label(source: Source, label: str, taken: tuple[str | None, ...], notes: list[str]) -> str:
    """Find the label column by its name or, for the name "label", by other common names or as the only one left."""
    if label in source.columns or label != "label" or any(name.startswith(STEP_LABEL) for name in source.columns):
        return label
    left = [name for name in source.columns if name not in (*taken, *INTERVAL) and not _is_no_field(name)]
    left = [name for name in left if not are_parts(read_optional_words(source, name, "label").names.tolist())]
    named = [name for name in left if is_named(name, "label")]
    named = named or [name for name in left if plain_name(name) in STATES]
    chosen = named or left
    if len(chosen) > 1:
        raise DataError(
            f"expected one label column in {source.name}, got {listing(chosen)}; choose one with label=... "
            '("label" in the data section of an experiment file, --label on the command line)'
        )
    if chosen:
        notes.append(f"took column {chosen[0]!r} of {source.name} as label")
    return chosen[0] if chosen else label


def _is_no_field(name: str) -> bool:
    return name.strip().lower() in NO_FIELDS or is_named_as_row_number(name)


def further_fields(
    source: Source, column: MatchedIds, used: Sequence[str], labels: NDArray[Any] | None, notes: list[str]
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """Read the other columns of a labels table: metadata, and those that only identify rows or rename the label."""
    fields, keys, parts = {}, {}, {}
    rows = pa.array(column.rows, mask=column.rows < 0)
    for name in source.columns:
        if name in used or is_named_as_row_number(name):
            continue
        words = read_optional_words(source, name, "metadata")
        if are_parts(words.names.tolist()):
            parts[name] = plain_column(source, name).take(rows)
        elif _is_no_field(name):
            continue
        elif _repeated_differently(column.words, words):
            notes.append(f"column {name!r} of {source.name} differs among the rows of one series: not read")
        elif _is_identifier(name, words, source.rows):
            notes.append(f"column {name!r} of {source.name} only tells the rows apart: no metadata")
            keys[name] = plain_column(source, name).take(rows)
        elif labels is not None and _renames(words.decode()[column.rows], labels):
            notes.append(f"column {name!r} of {source.name} is the label in other words: no metadata")
            keys[name] = plain_column(source, name).take(rows)
        else:
            fields[name] = plain_column(source, name).take(rows)
    if fields:
        notes.append(f"took columns of {source.name} besides the labels as metadata: {listing(fields)}")
    return {**fields, **parts}, keys


def _is_identifier(name: str, words: Words, rows: int) -> bool:
    """Whether a column numbers the rows, or has a common name of ids and another word in each row."""
    if len(words.names) < rows or rows < 2:
        return False
    numbers = [int(word) for word in words.names.tolist() if word.isdecimal()]
    return is_named(name, "id") or numbers == list(range(numbers[0] if numbers else 1, rows + (numbers or [1])[0]))


def _renames(words: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Whether each word occurs with one class only and each class with one word only."""
    if labels.ndim == 2:
        return False
    pairs = {(str(word), str(label)) for word, label in zip(words.tolist(), labels.tolist(), strict=True)}
    return 1 < len(pairs) == len({word for word, _ in pairs}) == len({label for _, label in pairs}) < len(labels)


def _repeated_differently(ids: Words, words: Words) -> bool:
    first = np.unique(ids.codes, return_index=True)[1]
    return bool((words.codes != words.codes[first][ids.codes]).any())


def labels_of_rows(
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
    odd, source = OddWords(), with_binary_numbers(source, label_columns)
    columns = [read_numbers(source, name, keep_missing=True, series_at=names.at, odd=odd) for name in label_columns]
    notes += odd.notes()
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


def _intervals(source: Source, names: Words, rows: Rows, lengths: Rows) -> dict[str, Rows]:
    """Read and check the interval of each series, shape (n, 2), as an argument for ``Panel`` if there are any."""
    present = [name for name in INTERVAL if name in source.columns]
    if not present:
        return {}
    if len(present) == 1:
        raise DataError(
            f"expected both columns {listing(INTERVAL)} in {source.name}, got only {present[0]!r}; "
            "add the other, or leave both out"
        )
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
    return {"intervals": intervals.astype(np.int64)}
