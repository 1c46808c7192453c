"""Tables: the door through which files and DataFrames of any kind become a Panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.data.reading.archive import ARCHIVE_SUFFIXES, read_archive_files
from limelight.data.reading.columns import read_words
from limelight.data.reading.joins import joined_labels, joined_metadata, rows_in_order
from limelight.data.reading.long import read_long
from limelight.data.reading.roles import find_roles
from limelight.data.reading.sheets import find_files, open_sheets
from limelight.data.reading.sources import columns_of, open_source
from limelight.data.reading.wide import looks_wide, read_wide
from limelight.data.splitting.splits import Split, named_split
from limelight.data.store.open import is_store, open_store
from limelight.errors import DataError, ParameterError, listing, nearest

LAYOUTS = ("auto", "long", "wide")


def read_table(
    series: Any,
    *,
    labels: Any = None,
    metadata: Any = None,
    id: str = "series_id",
    time: str = "time",
    label: str | None = "label",
    channels: Sequence[str] | None = None,
    mask: str | None = None,
    units: Mapping[str, str] | None = None,
    layout: str = "auto",
    per_step: bool = False,
    missing: str = "keep",
    sort: bool = False,
) -> Panel:
    """Read labelled series from tables or archive files.

    A long table has one row for each step. The rows of different series may be mixed; the series come out in the
    order in which they first appear. A wide table has one row for each series and one column for each step. What was
    guessed or left out stands in ``notes`` of the Panel.

    Parameters
    ----------
    series
        A path to a .csv or .parquet file, to a .ts or .tsv file of the UCR/UEA archive, or to a store that
        ``limelight pack`` wrote; a pattern such as ``"logs/*.csv"`` or a list of such paths; or a DataFrame (pandas,
        polars, pyarrow). Where no column names the series, each of several files is one.
    labels
        A table with one row for each series: its id, its label (or several columns of 0 and 1 that begin with
        ``label_``, empty where not known) and, where known, the first step of the
        stretch where the label shows and the step after it as ``interval_start`` and ``interval_stop`` (-1 or
        empty for none). None takes the label column of ``series`` if it has one, the same within each series.
    metadata
        A table with one row for each series: its id, and any facts.
    id, time, label
        The names of these columns. Without a column ``time`` the order of the rows is the clock, and without
        a column ``label`` the Panel has no labels; any other name must be there. ``label=None`` reads no labels.
    channels
        The columns to take, in this order; None takes every column of numbers but these three and those that
        begin with ``label_``.
    mask
        A column beside the labels, of series or of steps, that says whether they are known: 0 or false where not.
    units
        The unit of a channel by its name, and of the clock as ``"time"``.
    layout
        ``"long"``, ``"wide"``, or ``"auto"``, which looks at the names of the columns.
    per_step
        Whether labels are of single steps: the label column, or every column that begins with ``label_``.
    missing
        ``"keep"`` gives NaN for a missing number, ``"error"`` refuses it.
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
    for option, value, known in (("missing", missing, ("error", "keep")), ("layout", layout, LAYOUTS)):
        if value not in known:
            raise ParameterError(f"expected {option} to be {' or '.join(map(repr, known))}, got {value!r}")
    own = label if labels is None else None  # of the series table itself
    panel = _open_other(series, layout, time, id=id, label=own, channels=channels)
    if panel is None:
        sheets, roles = find_roles(
            open_sheets(series),
            id=id,
            time=time,
            label=label or "label",
            channels=channels,
            labels=None if own is None else "steps" if per_step else "series",
            mask=mask if labels is None else None,
        )
        panel = read_long(sheets, roles, missing=missing, sort=sort)
    elif missing == "error":
        _require_known(panel)
    where = repr(str(series)) if isinstance(series, str | Path) else "the series table"
    return with_tables(panel, labels=labels, metadata=metadata, id=id, label=label, mask=mask, units=units, known=where)


def with_tables(
    panel: Panel,
    *,
    labels: Any = None,
    metadata: Any = None,
    id: str = "series_id",
    label: str | None = "label",
    mask: str | None = None,
    units: Mapping[str, str] | None = None,
    known: str = "the series",
) -> Panel:
    """Bring what other tables know about the series to them.

    Parameters
    ----------
    panel
        The series.
    labels, metadata, id, label, mask, units
        As for ``read_table``.
    known
        What messages call the place that the series come from.

    Returns
    -------
    Panel
        The same series.

    Raises
    ------
    DataError, LabelError
        As ``read_table``.
    """
    facts: dict[str, Any] = {"units": {**panel.units, **(units or {})}}
    unknown = sorted(set(units or {}) - {*panel.channels, "time"})
    if unknown:
        raise ParameterError(
            f"expected units of channels or of time, got one of {listing(unknown)}{nearest(unknown[0], panel.channels)}"
        )
    if labels is not None and label is not None:
        table = open_source(labels, "labels")
        facts.update(joined_labels(table, id, label, panel.ids, panel.lengths, known, mask))
    if metadata is not None:
        table, notes = joined_metadata(open_source(metadata, "metadata"), id, panel.ids)
        own = {} if panel.metadata is None else dict(zip(panel.metadata.column_names, panel.metadata, strict=True))
        facts["metadata"] = pa.table({**own, **dict(zip(table.column_names, table, strict=True))})
        facts["notes"] = (*panel.notes, *notes)
    return panel.replace(**facts)


def _open_other(series: Any, layout: str, time: str, **columns: Any) -> Panel | None:
    """Read what is no long table; None if it is one."""
    paths = find_files(series) if isinstance(series, (str, Path, list, tuple)) else []
    if paths and is_store(paths[0]):
        return _with_channels(open_store(paths[0]), columns["channels"], paths[0])
    if paths and paths[0].suffix.lower() in ARCHIVE_SUFFIXES:
        panel = read_archive_files(paths)[0]
        return _with_channels(panel if columns["label"] else panel.replace(labels=None), columns["channels"], paths[0])
    names = columns_of(paths[0]) if paths else open_source(series, "series").columns
    if layout == "long" or (layout == "auto" and not looks_wide(names, columns["id"], time)):
        return None
    if not paths:
        return read_wide(open_source(series, "series"), **columns)
    panels = [read_wide(open_source(path, "series"), **columns) for path in paths]
    if len(panels) > 1:  # rows without ids are numbered from 0 in each file
        panels = [
            panel.replace(ids=[f"{path.stem}_{name}" for name in panel.ids])
            if panel.ids.tolist() == [str(row) for row in range(len(panel))]
            else panel
            for panel, path in zip(panels, paths, strict=True)
        ]
    return join_panels(panels)


def _with_channels(panel: Panel, channels: Sequence[str] | None, path: Path) -> Panel:
    """Pick the channels that were asked for; those of a store stay as they were packed."""
    if channels is None or tuple(channels) == panel.channels:
        return panel
    unknown = [name for name in channels if name not in panel.channels]
    if unknown or panel.backing is not None:
        raise DataError(
            f"expected the channels of {str(path)!r}, which are {listing(panel.channels, 20)}, got "
            f"{listing(channels, 20)}; " + ("pack those that you want" if panel.backing else "take some of them")
        )
    places = [panel.channels.index(name) for name in channels]
    return panel.replace(values=panel.values[:, places], channels=tuple(channels))


def _require_known(panel: Panel) -> None:
    for row in range(len(panel)):
        missing = np.argwhere(np.isnan(panel.series(row)))
        if len(missing):
            step, channel = missing[0]
            raise DataError(
                f"expected a number everywhere, got a missing value in series {str(panel.ids[row])!r}, step {step}, "
                f"channel {panel.channels[channel]!r}; say missing='keep' to read it as missing"
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
    ids = np.asarray(panel_ids).astype(str)
    where = repr(str(split)) if isinstance(split, str | Path) else "the split table"
    return named_split(read_parts(split, ids, id=id, column=column), ids, where)


def read_parts(split: Any, ids: NDArray[np.str_], *, id: str = "series_id", column: str = "split") -> list[str]:
    """Read the word of each series in a split table; parameters and errors as for ``read_split``."""
    source = open_source(split, "split")
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    words = read_words(source, column, "column", "write train, validation or test")
    rows = rows_in_order(source, names, ids, "the series")
    absent = ids[rows < 0].tolist()
    if absent:
        raise DataError(
            f"expected every series in {source.name}, got none of {listing(absent)}; add a line for each, or "
            "leave these series out"
        )
    parts: list[str] = words.every()[rows].tolist()
    return parts
