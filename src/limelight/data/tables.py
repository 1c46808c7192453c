"""Tables: long CSV files, Parquet files and DataFrames, one row for each step, to a Panel and back."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import ArrayLike, NDArray

from limelight.data.columns import (
    Words,
    is_number_column,
    read_clock,
    read_numbers,
    read_words,
    spoken_time,
)
from limelight.data.joining import INTERVAL, joined_labels, own_labels, rows_in_order
from limelight.data.panel import Panel
from limelight.data.sources import Source, open_source
from limelight.data.splits import PARTS, Split, named_split
from limelight.errors import DataError, ParameterError, listing
from limelight.files import whole_file

Rows = NDArray[np.int64]


def read_table(
    series: Any,
    *,
    labels: Any = None,
    id: str = "series_id",
    time: str = "time",
    label: str | None = "label",
    channels: Sequence[str] | None = None,
    missing: str = "error",
    sort: bool = False,
) -> Panel:
    """Read labelled series from a long table, one row for each step.

    The rows of different series may be mixed; the series come out in the order in which they first appear.

    Parameters
    ----------
    series
        A path to a .csv or .parquet file, or a DataFrame (pandas, polars, pyarrow).
    labels
        The same with one row for each series: its id, its label and, where known, the first step of the
        stretch where the label shows and the step after it as ``interval_start`` and ``interval_stop`` (-1 or
        empty for none). None takes the label column of ``series`` if it has one, the same within each series.
    id, time, label
        The names of these columns. Without a column ``time`` the order of the rows is the clock, and without
        a column ``label`` the Panel has no labels; any other name must be there. ``label=None`` reads no labels.
    channels
        The columns to take, in this order; None takes every column of numbers but these three and those that
        begin with ``label_``.
    missing
        ``"error"`` refuses a missing number, ``"keep"`` gives NaN for it.
    sort
        True sorts the steps of each series by time, False expects them sorted.

    Returns
    -------
    Panel
        Float32 values, labels as strings.

    Raises
    ------
    DataError
        If a file, a column or a cell is not as it should be; the message says which and where.
    LabelError
        If a series has no label, or more than one.
    ParameterError
        If an argument is impossible.

    Example
    -------
    >>> table = pa.table({"series_id": ["a", "b", "a"], "speed": [1.0, 5.0, 2.0], "label": [1, 2, 1]})
    >>> panel = read_table(table)
    >>> panel.ids.tolist(), panel.series(0).tolist(), panel.labels.tolist()
    (['a', 'b'], [[1.0], [2.0]], ['1', '2'])
    """
    if missing not in ("error", "keep"):
        raise ParameterError(f"expected missing='error' or missing='keep', got missing={missing!r}")
    source = open_source(series, "series")
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    times = read_clock(source, time) if _has(source, time, "time") else None
    if sort and times is None:
        raise ParameterError(f"expected a time column to sort by, got none in {source.name}; leave sort out")
    chosen = _channels(source, channels, (id, time, label or "label"))
    values = np.empty((source.rows, len(chosen)), dtype=np.float32)
    for place, channel in enumerate(chosen):
        values[:, place] = read_numbers(source, channel, keep_missing=missing == "keep", series_at=names.at)
    order = _order(names.codes, times if sort else None)
    if order is not None:
        values, times = values[order], None if times is None else times[order]
    if times is not None:
        _check_clock(source, names, times, order)
    lengths = np.bincount(names.codes, minlength=len(names.names))
    facts, intervals = None, None
    if labels is not None and label is not None:
        table = open_source(labels, "labels")
        facts, intervals = joined_labels(table, id, label, names.names, lengths, source.name)
    elif label is not None and _has(source, label, "label"):
        facts = own_labels(source, label, names)
    return Panel(
        values,
        np.cumsum(lengths) - lengths,
        lengths,
        ids=names.names,
        channels=chosen,
        times=times,
        labels=facts,
        intervals=intervals,
    )


def read_split(split: Any, panel_ids: ArrayLike, *, id: str = "series_id", column: str = "split") -> Split:
    """Read which series train, validate and test.

    Parameters
    ----------
    split
        A path to a .csv or .parquet file, or a DataFrame, with the id of each series and train, validation or
        test.
    panel_ids
        The ids of the series in the order of the Panel, shape (n,).
    id, column
        The names of the two columns.

    Returns
    -------
    Split
        Rows of the Panel.

    Raises
    ------
    DataError
        If a series stands twice, is not in the Panel or is not in the table, or a word is none of the three.

    Example
    -------
    >>> table = pa.table({"series_id": ["b", "a"], "split": ["test", "train"]})
    >>> read_split(table, ["a", "b"]).test.tolist()
    [1]
    """
    source = open_source(split, "split")
    ids = np.asarray(panel_ids).astype(str)
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    words = read_words(source, column, "column", "write train, validation or test")
    rows = rows_in_order(source, names, ids, "the series")
    absent = ids[rows < 0].tolist()
    if absent:
        raise DataError(
            f"expected every series in {source.name}, got none of {listing(absent)}; add a line for each, or "
            "leave these series out"
        )
    return named_split(words.every()[rows], ids, source.name)


def write_table(panel: Panel, folder: Path) -> None:
    """Write ``series.parquet`` and ``labels.csv``, which ``read_table`` reads back as an equal Panel.

    Parameters
    ----------
    panel
        The series; labels are written as text. Without labels no ``labels.csv`` is written.
    folder
        Where to write; it is made if needed.

    Raises
    ------
    DataError
        If an id stands twice, or a channel has the name of another column.
    OutputError
        If the place cannot be written.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_table(Panel.from_series([[1.0, 2.0]], ids=["a"], labels=["ok"]), folder)
    >>> read_table(folder / "series.parquet", labels=folder / "labels.csv")
    Panel(1 series, 2 steps, 1 channel, 1 classes)
    """
    _check_writable(panel)
    panel = panel.compact()
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    columns = {"series_id": pa.array(panel.ids.tolist()).take(pa.array(series))}
    if panel.times is not None:
        columns["time"] = pa.array(panel.times)
    for place, channel in enumerate(panel.channels):
        columns[channel] = pa.array(np.ascontiguousarray(panel.values[:, place]))
    with whole_file(folder / "series.parquet") as temporary:
        parquet.write_table(pa.table(columns), temporary, compression="zstd", use_dictionary=["series_id"])
    if panel.labels is None:
        return
    facts = {"series_id": panel.ids.tolist(), "label": [str(one) for one in panel.labels.tolist()]}
    if panel.intervals is not None:
        facts.update(zip(INTERVAL, panel.intervals.T.tolist(), strict=True))
    _write_csv(facts, folder / "labels.csv")


def write_split(split: Split, panel_ids: ArrayLike, folder: Path) -> None:
    """Write ``split.csv``, which ``read_split`` reads back as the same parts.

    Parameters
    ----------
    split
        The rows of each part.
    panel_ids
        The ids of the series in the order of the rows, shape (n,).
    folder
        Where to write; it is made if needed.

    Raises
    ------
    OutputError
        If the place cannot be written.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_split(Split([1], [], [0]), ["a", "b"], folder)
    >>> (folder / "split.csv").read_text().split()
    ['series_id,split', 'a,test', 'b,train']
    """
    ids = np.asarray(panel_ids).astype(str)
    words = {row: name for name in PARTS for row in split.part(name).tolist()}
    rows = sorted(words)
    _write_csv({"series_id": ids[rows].tolist(), "split": [words[row] for row in rows]}, folder / "split.csv")


def _write_csv(facts: dict[str, list[Any]], path: Path) -> None:
    # Arrow would put quotes around every word, and people read and edit these files
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(facts)
        writer.writerows(zip(*facts.values(), strict=True))


def _has(source: Source, name: str, option: str) -> bool:
    """Say whether an optional column is there; a name that was stated, or only written otherwise, must be."""
    if name in source.columns:
        return True
    alike = [column for column in source.columns if column.strip().lower() == name.lower()]
    if alike:
        raise DataError(
            f"expected a column {name!r} in {source.name}, got {alike[0]!r}; rename it, or say {option}={alike[0]!r}"
        )
    if name != option:
        source.column(name, option)
    return False


def _channels(source: Source, stated: Sequence[str] | None, taken: tuple[str, ...]) -> list[str]:
    if stated is None:
        # labels of single steps, taken as channels, would give the answer away
        free = [name for name in source.columns if name not in taken and not name.startswith("label_")]
        chosen = [name for name in free if is_number_column(source, name)]
        if not chosen:
            raise DataError(
                f"expected at least one column of numbers beside {listing(taken)} in {source.name}, "
                f"got {listing(free) or 'none'}; add the measurements"
            )
        return chosen
    chosen = [stated] if isinstance(stated, str) else list(stated)
    wrong = [name for place, name in enumerate(chosen) if name in taken or name in chosen[:place]]
    if wrong or not chosen:
        raise ParameterError(
            "expected channels to name columns of measurements, each once, "
            f"got {listing(wrong) or 'no name'}; leave channels out to take every column of numbers"
        )
    return chosen


def _order(codes: Rows, times: NDArray[Any] | None) -> Rows | None:
    """Say in which order the rows make series after series, by time if given; None if they do already."""
    if times is not None:
        order = np.lexsort((times, codes))
        return order if np.any(order[1:] < order[:-1]) else None
    if not np.any(codes[1:] < codes[:-1]):  # codes count up by first appearance
        return None
    small = codes.astype(np.uint16) if codes.max() < 2**16 else codes  # numpy sorts short integers by radix
    return np.argsort(small, kind="stable")


def _check_clock(source: Source, names: Words, times: NDArray[Any], order: Rows | None) -> None:
    codes = names.codes if order is None else names.codes[order]
    faults = np.flatnonzero((times[1:] <= times[:-1]) & (codes[1:] == codes[:-1]))
    if not len(faults):
        return
    place = int(faults[0])
    first, second = (place, place + 1) if order is None else (int(order[place]), int(order[place + 1]))
    now, before = spoken_time(times[place + 1]), spoken_time(times[place])
    if now == before:
        raise DataError(
            f"expected each time once in a series, got time {now} of series {names.at(second)!r} again in "
            f"{source.place(second)}, first in {source.place(first)}; keep one of the two rows"
        )
    raise DataError(
        f"expected times that rise within each series, got {now} after {before} in {source.place(second)} "
        f"(series {names.at(second)!r}); sort the rows by time, or say sort=True "
        '("sort": true in an experiment file)'
    )


def _check_writable(panel: Panel) -> None:
    twice = np.unique(panel.ids, return_counts=True)
    if (twice[1] > 1).any():
        raise DataError(
            f"expected each id once, got {listing(twice[0][twice[1] > 1].tolist())} more than once; "
            "give every series an id of its own before writing"
        )
    reserved = [name for name in panel.channels if name in ("series_id", "time") or f"{name}_".startswith("label_")]
    if reserved:
        raise DataError(
            f"expected channels with names of their own, got {listing(reserved)}, which the table uses for "
            "other columns; rename them before writing"
        )
