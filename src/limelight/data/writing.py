"""Write a Panel and a split as tables that ``reading.tables`` reads back unchanged."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import ArrayLike, NDArray

from limelight.data.labels import INTERVAL, STEP_LABEL, columns_of_labels
from limelight.data.panel import Panel
from limelight.data.precision import absolute
from limelight.data.splitting.splits import PARTS, Split
from limelight.errors import DataError, listing
from limelight.files import whole_file
from limelight.task import is_known

KNOWN = "known"
"""Column of ``labels.csv`` that marks unknown labels, if there are any."""


def write_table(panel: Panel, folder: Path) -> None:
    """Write a Panel as tables that ``read_table`` reads back as an equal Panel.

    Parameters
    ----------
    panel
        The series; labels are written as text. Windows are written as independent series.
    folder
        The folder to write to, created if needed. ``series.parquet`` has the values, per-step labels and signals, with
        the units in the metadata of its fields; ``labels.csv`` and ``metadata.parquet`` are written if there are labels
        or metadata. If some labels of series are unknown, ``labels.csv`` has a column ``known``: read it with
        ``mask="known"``.

    Raises
    ------
    DataError
        If an id is repeated, or a channel has the name of another column.
    OutputError
        If the folder cannot be written to.

    Example
    -------
    >>> import tempfile
    >>> from limelight.data.reading.tables import read_table
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_table(Panel.from_series([[1.0, 2.0]], ids=["a"], labels=["ok"]), folder)
    >>> read_table(folder / "series.parquet", labels=folder / "labels.csv")
    Panel(1 series, 2 steps, 1 channel, 1 class)
    """
    _check_writable(panel)
    with whole_file(folder / "series.parquet") as temporary:
        schema = _series_schema(panel)
        with parquet.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=["series_id"]) as writer:
            for block in panel.blocks():
                writer.write_table(_series_table(block, schema))
    if panel.metadata is not None:
        metadata = {"series_id": pa.array(panel.ids.tolist())}
        metadata.update(zip(panel.metadata.column_names, panel.metadata, strict=True))
        with whole_file(folder / "metadata.parquet") as temporary:
            parquet.write_table(pa.table(metadata), temporary, compression="zstd")
    if panel.labels is None:
        return
    labels = {"series_id": panel.ids.tolist()}
    labels.update(
        {name: column.to_pylist() for name, column in columns_of_labels(panel.labels, panel.label_names).items()}
    )
    if panel.labels.ndim == 1 and not is_known(panel.labels).all():
        labels[KNOWN] = is_known(panel.labels).astype(int).tolist()
    if panel.intervals is not None:
        labels.update(zip(INTERVAL, panel.intervals.T.tolist(), strict=True))
    _write_csv(labels, folder / "labels.csv")


def _series_schema(panel: Panel) -> pa.Schema:
    types: dict[str, pa.DataType] = {"series_id": pa.string()}
    if panel.times is not None:
        types["time"] = pa.array(panel.times[:1]).type
    types.update(
        (name, pa.float64() if offset else pa.float32())
        for name, offset in zip(panel.channels, panel.offset.tolist(), strict=True)
    )
    signals = () if panel.signals is None else panel.signals.names
    types.update(dict.fromkeys((*_step_label_columns(panel), *signals), pa.string()))
    field_metadata: dict[str, dict[str, str]] = {name: {"role": "channel"} for name in panel.channels}
    field_metadata.update((name, {"role": "signal"}) for name in signals)
    for name, unit in panel.units.items():
        field_metadata.setdefault(name, {})["unit"] = unit
    return pa.schema([pa.field(name, kind, metadata=field_metadata.get(name)) for name, kind in types.items()])


def _series_table(block: Panel, schema: pa.Schema) -> pa.Table:
    series = pa.array(np.repeat(np.arange(len(block)), block.lengths))
    columns = {"series_id": pa.array(block.ids.tolist()).take(series)}
    if block.times is not None:
        columns["time"] = pa.array(block.times)
    for number, channel in enumerate(block.channels):
        values = absolute(block.values[:, [number]], block.offset[[number]])
        columns[channel] = pa.array(np.ascontiguousarray(values[:, 0]))
    if block.step_labels is not None:
        for name, codes in zip(_step_label_columns(block), block.step_labels.codes.T, strict=True):
            columns[name] = _as_text(codes, block.step_labels.classes)
    if block.signals is not None:
        for name, codes, classes in zip(block.signals.names, block.signals.codes.T, block.signals.classes, strict=True):
            columns[name] = _as_text(codes, classes)
    return pa.table(columns, schema=schema)


def _as_text(codes: NDArray[np.int16], classes: tuple[str, ...]) -> pa.Array:
    return pa.array([*classes, None], pa.string()).take(pa.array(np.where(codes < 0, len(classes), codes)))


def _step_label_columns(panel: Panel) -> list[str]:
    names = () if panel.step_labels is None else panel.step_labels.names
    single = len(names) == 1
    return [
        name if name.startswith(STEP_LABEL) or (single and name == "label") else STEP_LABEL + name for name in names
    ]


def write_split(split: Split, panel_ids: ArrayLike, folder: Path) -> None:
    """Write a split as ``split.csv``, which ``read_split`` reads back as the same parts.

    Parameters
    ----------
    split
        The rows of each part.
    panel_ids
        The ids of the series in the order of the rows, shape (n,).
    folder
        The folder to write to, created if needed.

    Raises
    ------
    OutputError
        If the folder cannot be written to.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_split(Split([1], [], [0]), ["a", "b"], folder)
    >>> (folder / "split.csv").read_text().split()
    ['series_id,split', 'a,test', 'b,train']
    """
    ids = np.asarray(panel_ids).astype(str)
    part_of = {row: name for name in PARTS for row in split.part(name).tolist()}
    rows = sorted(part_of)
    _write_csv({"series_id": ids[rows].tolist(), "split": [part_of[row] for row in rows]}, folder / "split.csv")


def _write_csv(columns: dict[str, list[Any]], path: Path) -> None:
    # not with Arrow, which quotes all text; people read and edit these files
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _check_writable(panel: Panel) -> None:
    ids, counts = np.unique(panel.ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f"expected each id once, got {listing(ids[counts > 1].tolist())} more than once; "
            "give every series a distinct id before writing"
        )
    reserved = ("series_id", "time")
    names = (*panel.channels, *(() if panel.signals is None else panel.signals.names))
    clashes = [name for name in names if name in reserved or f"{name}_".startswith(STEP_LABEL)]
    if clashes:
        raise DataError(
            f"expected no channel or signal with a reserved column name, got {listing(clashes)}; rename them before "
            "writing"
        )
