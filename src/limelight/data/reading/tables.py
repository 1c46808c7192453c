"""Read files and DataFrames of any supported layout into a Panel."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.data.arrays import join_panels
from limelight.data.labels import OUTSIDE
from limelight.data.missing_values import mark_missing, require_complete
from limelight.data.panel import Panel
from limelight.data.reading.clock_units import notes_on_unit
from limelight.data.reading.columns import read_optional_words, read_words
from limelight.data.reading.compression import stem_of
from limelight.data.reading.datasets import TableDataset
from limelight.data.reading.dialect import DETECT, CsvOptions, csv_options
from limelight.data.reading.file_names import field_names, read_names, without_labels
from limelight.data.reading.id_columns import find_id_column, require_agreement, require_known
from limelight.data.reading.interval_labels import join_labels_or_intervals
from limelight.data.reading.joins import (
    drop_label,
    find_label_in_metadata,
    join_fields,
    join_labels_of_metadata,
    reject_labels_of_channels,
)
from limelight.data.reading.label_files import open_labels
from limelight.data.reading.layout import FILES, LAYOUTS, LONG, STORE, SeriesLayout, find_layout
from limelight.data.reading.locating import content_at
from limelight.data.reading.long import read_long
from limelight.data.reading.metadata_join import bare_name, join_metadata
from limelight.data.reading.roles import find_roles
from limelight.data.reading.row_filter import RowFilter, row_filter
from limelight.data.reading.series_files import MOST_DOUBTFUL_STEPS, read_series_files
from limelight.data.reading.sheets import open_sheets
from limelight.data.reading.sources import Source, index_levels, open_source
from limelight.data.reading.step_names import NAMELESS
from limelight.data.reading.wide import may_be_steps, read_wide
from limelight.data.splitting.part_words import are_parts, part_of
from limelight.data.splitting.splits import Split, named_split
from limelight.data.store.open import open_store
from limelight.errors import DataError, ParameterError, listing, nearest

LEVEL_OF_LABELS = {None: "auto", True: "steps", False: "series"}


def read_table(
    series: Any,
    *,
    labels: Any = None,
    metadata: Any = None,
    id: str = "series_id",
    time: str | None = "time",
    label: str | None = "label",
    channels: Sequence[str] | None = None,
    mask: str | None = None,
    fields: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    layout: str = "auto",
    per_step: bool | None = None,
    missing: str = "keep",
    missing_values: Sequence[float] = (),
    sort: bool = False,
    csv: Mapping[str, Any] | CsvOptions | None = None,
    names: str | None = None,
    filter: str | Sequence[str] | None = None,
    outside: str | None = OUTSIDE,
) -> Panel:
    """Read labelled series from tables, archive files or a store.

    A long table has one row per step. The rows of different series may be interleaved; the series are returned in
    order of first appearance. A wide table has one row per series and one column per step. The ``notes`` of the Panel
    list what was guessed or ignored.

    Parameters
    ----------
    series
        A path to a table (CSV, Parquet, Excel, Arrow), to a file of the UCR/UEA archive, to arrays (NumPy, MATLAB), to
        a WFDB record, or to a store written by ``limelight pack``; a folder of such files or of Parquet partitions, a
        pattern such as ``"logs/*.csv"``, a list of paths, or a URL of any of these (``s3://``, ``gs://``, ``abfs://``);
        or a table in Python: a DataFrame (pandas, polars), an Arrow table, reader or dataset, a relation of DuckDB, or
        any object that exports an Arrow stream. If no column names the series, each of several files is one series.
    labels
        A table with one row per series: its id, its label (or, for multi-label, several columns that begin with
        ``label_`` and hold 0 or 1, empty if unknown) and, if known, the interval in which the label is visible:
        ``interval_start``, its first step, and ``interval_stop``, the step after its last (-1 or empty for none).
        None reads the label column of ``series`` if there is one, which must be constant within each series. A table
        with one row per interval labels steps: an id, a start, an end or a duration, and a label; a pattern or a folder
        names a file of intervals for each recording.
    metadata
        A table with one row per series: its id, and columns of text, numbers or dates that describe it.
    id, time, label
        The names of these columns. If a default name is missing, a column with another common name (``Messung``,
        ``timestamp``, ``class``, ...) or with matching content is used, with a note: values that each fill one block of
        rows are the id, values that rise within each series the clock, and the only values that are few and constant
        within each series the label. Without a clock, the order of the rows is the clock; without a label, the Panel
        has no labels. A column of any other name must exist. ``label=None`` reads no labels, ``time=None`` no clock.
    channels
        The columns to read as channels, in this order; None takes every column of numbers except these three, those
        that begin with ``label_``, row numbers such as the index of pandas, and numbers that are constant within each
        series, which are metadata.
    mask
        A column next to the labels, of series or of steps, that is 0 or false if they are unknown.
    fields
        Columns of the series table that are metadata if they are constant within each series, also if the channels
        are named.
    units
        The unit of each channel by name, and of the clock as ``"time"``.
    layout
        ``"long"`` if each row is a step, ``"wide"`` if each row is a series, or ``"auto"``, which infers it from the
        column names, and for files of arrays from their number.
    per_step
        Whether labels are per step: the label column, or without it every column that begins with ``label_``. None
        reads the label column as per-step labels if it changes within a series, and a table of labels as intervals if
        a series has several rows with a start and an end.
    missing
        ``"keep"`` reads a missing number as NaN, ``"error"`` rejects it.
    missing_values
        Numbers that stand for a missing value in the channels, such as -999; they are read as NaN.
    sort
        True sorts the steps of each series by time, False requires them to be sorted. Times in the index of a pandas
        frame are always sorted.
    csv
        The dialect of CSV files, if it is not detected correctly: ``separator``, ``decimal``, ``thousands``,
        ``encoding``, ``quote``, ``comment`` and ``units_row``, such as ``{"decimal": ","}``; and ``names``, the columns
        of files that have no header.
    names
        The pattern of the file names: ``"{label}_{id}"``, or ``"{label}/{id}"`` for folders of classes. Fields
        other than ``label`` and ``id`` are metadata.
    filter
        The rows of the series table to read: comparisons that must all hold, such as ``"day >= 2024-05-01"`` or
        ``"site in A, B"``. Parquet files and row groups without such rows are not read.
    outside
        The class of steps in no interval of a table of labels, "not X" by default if all intervals have the label X;
        None if these steps are unknown.

    Returns
    -------
    Panel
        The series, with float32 values and labels as strings.

    Raises
    ------
    DataError
        If a file, a column or a cell is invalid; the message names it and its location.
    LabelError
        If a series has no label, or more than one.
    ParameterError
        If an argument is invalid.

    Example
    -------
    >>> table = pa.table({"series_id": ["a", "b", "a"], "speed": [1.0, 5.0, 2.0], "label": [1, 2, 1]})
    >>> panel = read_table(table)
    >>> panel.ids.tolist(), panel.series(0).tolist(), panel.labels.tolist()
    (['a', 'b'], [[1.0], [2.0]], ['1', '2'])
    """
    for option, value, choices in (("missing", missing, ("error", "keep")), ("layout", layout, LAYOUTS)):
        if value not in choices:
            raise ParameterError(f"expected {option} to be {' or '.join(map(repr, choices))}, got {value!r}")
    options, rows = csv_options(csv), row_filter(filter)
    series_name = repr(str(series)) if isinstance(series, str | Path) else "the series table"
    series, labels, metadata, names = _in_folder(series, labels, metadata, names)
    label_in_series = label if labels is None else None
    found = find_layout(series, layout=layout, id=id, time=time, channels=channels, csv=options)
    if found.guessed and len(found.paths) > 1 and labels is not None and _name_files(labels, found.paths, options):
        found = replace(found, kind=LONG)
    series = found.series
    panel = _read_unless_long(found, options, names, rows, layout, id=id, label=label_in_series, channels=channels)
    if panel is None:
        sheets = open_sheets(series, options, names=names, id=id, filter=rows)
        sheets, roles = find_roles(
            sheets,
            id=id,
            time=time,
            label=label or "label",
            channels=channels,
            labels=None if label_in_series is None else LEVEL_OF_LABELS[per_step],
            mask=mask if labels is None else None,
            fields=(*fields, *field_names(names), *shared_fields(sheets.columns, metadata, options)),
        )
        by_index = roles.time is not None and roles.time in index_levels(series)
        panel = read_long(sheets, roles, missing=missing, sort=sort or by_index)
        if roles.time is not None and panel.times is not None and "time" not in {**panel.units, **(units or {})}:
            panel = panel.replace(notes=(*panel.notes, *notes_on_unit(roles.time, panel.times)))
        if len(panel) > 1 and (panel.lengths == 1).all() and may_be_steps(panel.channels):
            note = (
                f"each series has one step of {len(panel.channels)} channels; if the columns {listing(panel.channels)} "
                "are its steps, set layout='wide' (--set data.layout=wide)"
            )
            panel = panel.replace(notes=(*panel.notes, note))
        if by_index:
            note = f"took index level {roles.time!r} as time, and sorted the steps of each series by it"
            panel = panel.replace(notes=(*panel.notes, note))
    elif missing == "error":
        require_complete(panel)
    panel = join_tables(
        panel,
        labels=labels,
        metadata=metadata,
        id=id,
        label=label,
        mask=mask,
        units=units,
        series_name=series_name,
        csv=options,
        per_step=None if labels is None else per_step,
        outside=outside,
    )
    return mark_missing(panel, missing_values) if missing_values else panel


def shared_fields(columns: Sequence[str], metadata: Any, csv: CsvOptions = DETECT) -> list[str]:
    """Return the columns of the series that the metadata table has too: they may join the two.

    Example
    -------
    >>> shared_fields(["series_id", "machine", "x"], pa.table({"Machine": [7], "power": [1]}))
    ['machine']
    """
    names = [] if metadata is None else open_source(metadata, "metadata", csv).columns
    shared = {bare_name(name) for name in names}
    return [name for name in columns if bare_name(name) in shared]


def join_tables(
    panel: Panel,
    *,
    labels: Any = None,
    metadata: Any = None,
    id: str = "series_id",
    label: str | None = "label",
    mask: str | None = None,
    units: Mapping[str, str] | None = None,
    series_name: str = "the series",
    csv: CsvOptions = DETECT,
    per_step: bool | None = None,
    outside: str | None = OUTSIDE,
) -> Panel:
    """Join labels, metadata and units to the series of a Panel.

    Parameters
    ----------
    panel
        The series.
    labels, metadata, id, label, mask, units, csv, per_step, outside
        As for ``read_table``.
    series_name
        The name of the series table in messages.

    Returns
    -------
    Panel
        The same series with their labels, metadata and units.

    Raises
    ------
    DataError, LabelError
        As ``read_table``.
    ParameterError
        If a unit is for an unknown channel.
    """
    changes: dict[str, Any] = {"units": {**panel.units, **(units or {})}}
    notes = [*panel.notes]
    fields = {} if panel.metadata is None else dict(zip(panel.metadata.column_names, panel.metadata, strict=True))
    keys: dict[str, Any] = {}
    unknown = sorted(set(units or {}) - {*panel.channels, "time"})
    if unknown:
        raise ParameterError(
            f"expected units for channels or for time, got a unit for {listing(unknown)}"
            f"{nearest(unknown[0], panel.channels)}"
        )
    if labels is not None:
        source = open_labels(labels, csv)
        reject_labels_of_channels(source, panel, series_name)
        if label is None:
            joined = join_fields(source, id, panel.ids)
        else:
            joined = join_labels_or_intervals(
                source,
                panel.replace(**changes),
                id=id,
                label=label,
                mask=mask,
                series_name=series_name,
                per_step=per_step,
                outside=outside,
            )
        notes += [*source.notes, *joined.pop("notes")]
        fields |= joined.pop("fields")
        keys = joined.pop("keys")
        changes.update(joined)
    if metadata is not None:
        starts = None if panel.times is None else panel.times[panel.starts]
        source = open_source(metadata, "metadata", csv)
        own, joined = None if label is None else find_label_in_metadata(source, label), dict[str, Any]()
        if own and panel.labels is None and panel.step_labels is None and labels is None:
            joined = join_labels_of_metadata(source, id, own, panel.ids, panel.lengths, series_name, mask)
            changes |= joined
            notes += [f"took column {own!r} of {source.name} as label"] * bool(joined)
        table, notes_of_join = join_metadata(source, id, panel.ids, fields={**keys, **fields}, starts=starts)
        if joined:
            table = table.select([name for name in table.column_names if name != own])
        elif own == label:
            table = drop_label(table, own, changes.get("labels", panel.labels), notes_of_join)
        notes += [*source.notes, *notes_of_join]
        fields |= dict(zip(table.column_names, table, strict=True))
    if fields:
        changes["metadata"] = pa.table(fields)
    return panel.replace(**changes, notes=notes)


def _in_folder(series: Any, labels: Any, metadata: Any, names: str | None) -> tuple[Any, Any, Any, str | None]:
    """Replace a folder by the files of series, labels and metadata in it, unless these are named."""
    content = content_at(series)
    if content is None:
        return series, labels, metadata, names
    tables = content.tables
    found = content.names if labels is None else without_labels(content.names)
    return (
        content.series,
        tables.get("labels") if labels is None else labels,
        tables.get("metadata") if metadata is None else metadata,
        found if names is None else names,
    )


def _read_unless_long(
    found: SeriesLayout,
    csv: CsvOptions,
    names: str | None,
    rows: RowFilter | None,
    layout: str,
    *,
    channels: Sequence[str] | None,
    **columns: Any,
) -> Panel | None:
    """Read a store, files of series or wide tables; None if the series are a long table."""
    paths = found.paths
    if found.kind in (STORE, FILES) and rows is not None:
        raise ParameterError(
            f"expected a table whose rows the filter '{rows}' can select, got {str(paths[0])!r}, which holds whole "
            "series; remove the filter"
        )
    if found.kind == STORE:
        return _with_channels(open_store(paths[0]), channels, paths[0])
    if found.kind == FILES:
        panel = read_series_files(paths, label=columns["label"], names=names, layout=layout)
        return _with_channels(panel, channels, paths[0])
    if found.kind == LONG:
        return None
    if isinstance(found.series, TableDataset):
        source = Source(found.series.table(rows), found.series.name)
        return read_wide(source.require_rows(), channels=channels, **columns)
    if not paths:
        source = open_source(found.series, "series").filtered(rows).require_rows()
        panel = read_wide(source, channels=channels, **columns)
        return panel.replace(notes=(*panel.notes, *_doubt(found, panel)))
    sources = [source.filtered(rows) for source in _wide_sources(paths, csv, names)]
    paths = tuple(path for path, source in zip(paths, sources, strict=True) if source.rows) or paths[:1]
    sources = [source for source in sources if source.rows] or [sources[0].require_rows()]
    panels = [read_wide(source, channels=channels, **columns) for source in sources]
    if len(panels) > 1:  # rows without ids are numbered from 0 in each file
        panels = [
            panel.replace(ids=[f"{stem_of(path)}_{name}" for name in panel.ids])
            if panel.ids.tolist() == [str(row) for row in range(len(panel))]
            else panel
            for panel, path in zip(panels, paths, strict=True)
        ]
    joined = join_panels(panels)
    return joined.replace(notes=(*joined.notes, *_doubt(found, joined)))


def _doubt(found: SeriesLayout, panel: Panel) -> list[str]:
    """Return a note if the columns of a table that looks wide may be channels: few, in a table without ids."""
    if not found.guessed or panel.ids[0] not in ("0", f"{stem_of(found.paths[0])}_0" if found.paths else "0"):
        return []
    steps = int(panel.lengths.max())
    if steps > MOST_DOUBTFUL_STEPS or panel.channels == (NAMELESS,):
        return []
    return [
        f"read each row as a series of {steps} steps, by the numbers in the names of the columns; if these are "
        "channels and each row is a step, set layout='long' (--set data.layout=long)"
    ]


def _name_files(labels: Any, paths: Sequence[Path], csv: CsvOptions) -> bool:
    """Whether a column of the labels table holds the names of all files, so that each of them is one series."""
    source = open_labels(labels, csv)
    known = ({*read_optional_words(source, name, "labels").names.tolist()} for name in source.columns)
    return any({stem_of(path) for path in paths} <= words or {path.name for path in paths} <= words for words in known)


def _wide_sources(paths: Sequence[Path], csv: CsvOptions, names: str | None) -> Iterator[Source]:
    """Open wide tables, with what the names of the files mean as columns."""
    fields = {} if names is None else read_names(paths, names).fields
    for row, path in enumerate(paths):
        source = open_source(path, "series", csv)
        table = source.table
        for name, words in fields.items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array([words[row]] * source.rows, pa.large_string()))
        source = replace(source, table=table)
        yield source if source.csv is None or len(paths) == 1 else source.in_table(repr(str(paths[0].parent)))


def _with_channels(panel: Panel, channels: Sequence[str] | None, path: Path) -> Panel:
    """Select channels by name; the channels of a store cannot be changed."""
    if channels is None or tuple(channels) == panel.channels:
        return panel
    unknown = [name for name in channels if name not in panel.channels]
    if unknown or panel.backing is not None:
        raise DataError(
            f"expected the channels of {str(path)!r}, which are {listing(panel.channels, 20)}, got "
            f"{listing(channels, 20)}; " + ("pack only the channels you want" if panel.backing else "choose from them")
        )
    columns = [panel.channels.index(name) for name in channels]
    return panel.replace(values=panel.values[:, columns], channels=tuple(channels), offset=panel.offset[columns])


def read_split(
    split: Any,
    panel_ids: ArrayLike,
    *,
    id: str = "series_id",
    column: str = "split",
    csv: Mapping[str, Any] | CsvOptions | None = None,
) -> Split:
    """Read a split into train, validation and test from a table.

    Parameters
    ----------
    split
        A path to a .csv or .parquet file, or a DataFrame, with the id and the part of each series: train, validation
        or test, or a usual spelling of these (``TRAIN``, ``val``, ``training``).
    panel_ids
        The ids of the series in the order of the Panel, shape (n,).
    id, column
        The names of the two columns. Without a column ``split``, the one whose words name parts is taken.
    csv
        As for ``read_table``.

    Returns
    -------
    Split
        The rows of the Panel in each part.

    Raises
    ------
    DataError
        If a series is repeated, not in the Panel or not in the table, or its part is none of the three.

    Example
    -------
    >>> table = pa.table({"series_id": ["b", "a"], "split": ["test", "train"]})
    >>> read_split(table, ["a", "b"]).test.tolist()
    [1]
    """
    ids = np.asarray(panel_ids).astype(str)
    split_name = repr(str(split)) if isinstance(split, str | Path) else "the split table"
    return named_split(read_parts(split, ids, id=id, column=column, csv=csv), ids, split_name)


def read_parts(
    split: Any,
    ids: NDArray[np.str_],
    *,
    id: str = "series_id",
    column: str = "split",
    csv: Mapping[str, Any] | CsvOptions | None = None,
) -> list[str]:
    """Read the part of each series from a split table; parameters and errors as for ``read_split``."""
    source = open_source(split, "split", csv_options(csv))
    column = _column_of_parts(source, column)
    found = find_id_column(source, id, ids, excluded=(column,))
    words = read_words(source, column, "column", "write train, validation or test")
    require_known(source, found, ids, "the series")
    require_agreement(source, found.words, (column,))
    absent = ids[found.rows < 0].tolist()
    if absent:
        raise DataError(
            f"expected every series in {source.name}, got none of {listing(absent)}; add a line for each, or "
            "leave these series out"
        )
    return [part_of(word) for word in words.decode()[found.rows].tolist()]


def _column_of_parts(source: Source, column: str) -> str:
    """Return the column of parts; without a column "split", the first one whose words name parts and nothing else."""
    if column in source.columns or column != "split":
        return column
    named = (name for name in source.columns if are_parts(read_optional_words(source, name, "column").names.tolist()))
    return next(named, column)
