"""Tables: long CSV files, Parquet files and DataFrames, one row for each step, to a Panel and back."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import ArrayLike, NDArray

from limelight.data.archive import ARCHIVE_SUFFIXES, read_archive_files
from limelight.data.coercion import join_panels
from limelight.data.columns import read_words
from limelight.data.joining import INTERVAL, joined_labels, joined_metadata, rows_in_order
from limelight.data.long import read_long
from limelight.data.panel import Panel
from limelight.data.roles import STEP_LABEL, find_roles
from limelight.data.sheets import find_files, open_sheets
from limelight.data.sources import columns_of, open_source
from limelight.data.splits import PARTS, Split, named_split
from limelight.data.store import is_store, open_store
from limelight.data.wide import looks_wide, read_wide
from limelight.errors import DataError, ParameterError, listing, nearest
from limelight.files import whole_file

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
        A table with one row for each series: its id, its label and, where known, the first step of the
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
    panel = _open_other(series, layout, id=id, label=own, channels=channels)
    if panel is None:
        sheets, roles = find_roles(
            open_sheets(series),
            id=id,
            time=time,
            label=label or "label",
            channels=channels,
            labels=None if own is None else "steps" if per_step else "series",
        )
        panel = read_long(sheets, roles, missing=missing, sort=sort)
    elif missing == "error":
        _require_known(panel)
    known = repr(str(series)) if isinstance(series, str | Path) else "the series table"
    return with_tables(panel, labels=labels, metadata=metadata, id=id, label=label, units=units, known=known)


def with_tables(
    panel: Panel,
    *,
    labels: Any = None,
    metadata: Any = None,
    id: str = "series_id",
    label: str | None = "label",
    units: Mapping[str, str] | None = None,
    known: str = "the series",
) -> Panel:
    """Bring what other tables know about the series to them.

    Parameters
    ----------
    panel
        The series.
    labels, metadata, id, label, units
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
        facts["labels"], intervals = joined_labels(table, id, label, panel.ids, panel.lengths, known)
        facts["intervals"] = panel.intervals if intervals is None else intervals
    if metadata is not None:
        table, notes = joined_metadata(open_source(metadata, "metadata"), id, panel.ids)
        own = {} if panel.metadata is None else dict(zip(panel.metadata.column_names, panel.metadata, strict=True))
        facts["metadata"] = pa.table({**own, **dict(zip(table.column_names, table, strict=True))})
        facts["notes"] = (*panel.notes, *notes)
    return panel.with_facts(**facts)


def _open_other(series: Any, layout: str, **columns: Any) -> Panel | None:
    """Read what is no long table; None if it is one."""
    if isinstance(series, (str, Path, list, tuple)):
        paths = find_files(series)
        if is_store(paths[0]):
            return open_store(paths[0])
        if paths[0].suffix.lower() in ARCHIVE_SUFFIXES:
            return read_archive_files(paths)[0]
        if layout == "long" or (layout == "auto" and not looks_wide(columns_of(paths[0]), columns["id"])):
            return None
        sources = [open_source(path, "series") for path in paths]
    else:
        source = open_source(series, "series")
        if layout == "long" or (layout == "auto" and not looks_wide(source.columns, columns["id"])):
            return None
        sources = [source]
    panels = [read_wide(source, **columns) for source in sources]
    return panels[0] if len(panels) == 1 else join_panels(panels)


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


def write_table(panel: Panel, folder: Path) -> None:
    """Write a Panel as tables, which ``read_table`` reads back as an equal Panel.

    Parameters
    ----------
    panel
        The series; labels are written as text. Of windows, each is written as a series of its own.
    folder
        Where to write; it is made if needed. ``series.parquet`` has the values, labels of single steps, and the units
        in the metadata of its fields; ``labels.csv`` and ``metadata.parquet`` are written where there are any.

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
    with whole_file(folder / "series.parquet") as temporary:
        schema = _series_schema(panel)
        with parquet.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=["series_id"]) as writer:
            for block in panel.blocks():
                writer.write_table(_series_table(block, schema))
    if panel.metadata is not None:
        facts = {"series_id": pa.array(panel.ids.tolist())}
        facts.update(zip(panel.metadata.column_names, panel.metadata, strict=True))
        with whole_file(folder / "metadata.parquet") as temporary:
            parquet.write_table(pa.table(facts), temporary, compression="zstd")
    if panel.labels is None:
        return
    labels = {"series_id": panel.ids.tolist(), "label": [str(one) for one in panel.labels.tolist()]}
    if panel.intervals is not None:
        labels.update(zip(INTERVAL, panel.intervals.T.tolist(), strict=True))
    _write_csv(labels, folder / "labels.csv")


def _series_schema(panel: Panel) -> pa.Schema:
    kinds: dict[str, pa.DataType] = {"series_id": pa.string()}
    if panel.times is not None:
        kinds["time"] = pa.array(panel.times[:1]).type
    kinds.update(dict.fromkeys(panel.channels, pa.float32()))
    kinds.update(dict.fromkeys(_step_label_columns(panel), pa.string()))
    units = {name: {"unit": unit} for name, unit in panel.units.items()}
    return pa.schema([pa.field(name, kind, metadata=units.get(name)) for name, kind in kinds.items()])


def _series_table(block: Panel, schema: pa.Schema) -> pa.Table:
    series = pa.array(np.repeat(np.arange(len(block)), block.lengths))
    columns = {"series_id": pa.array(block.ids.tolist()).take(series)}
    if block.times is not None:
        columns["time"] = pa.array(block.times)
    for place, channel in enumerate(block.channels):
        columns[channel] = pa.array(np.ascontiguousarray(block.values[:, place]))
    if block.step_labels is not None:
        words = pa.array([*block.step_labels.classes, None], pa.string())
        for name, codes in zip(_step_label_columns(block), block.step_labels.codes.T, strict=True):
            columns[name] = words.take(pa.array(np.where(codes < 0, len(words) - 1, codes)))
    return pa.table(columns, schema=schema)


def _step_label_columns(panel: Panel) -> list[str]:
    names = () if panel.step_labels is None else panel.step_labels.names
    one = len(names) == 1
    return [name if name.startswith(STEP_LABEL) or (one and name == "label") else STEP_LABEL + name for name in names]


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


def _check_writable(panel: Panel) -> None:
    twice = np.unique(panel.ids, return_counts=True)
    if (twice[1] > 1).any():
        raise DataError(
            f"expected each id once, got {listing(twice[0][twice[1] > 1].tolist())} more than once; "
            "give every series an id of its own before writing"
        )
    own = ("series_id", "time")
    reserved = [name for name in panel.channels if name in own or f"{name}_".startswith(STEP_LABEL)]
    if reserved:
        raise DataError(
            f"expected channels with names of their own, got {listing(reserved)}, which the table uses for "
            "other columns; rename them before writing"
        )
