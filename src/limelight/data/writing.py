"""Write a Panel and a split as tables that ``reading.tables`` reads back unchanged."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import ArrayLike

from limelight.data.labels import INTERVAL, STEP_LABEL, columns_of_labels
from limelight.data.long_table import series_schema, series_table
from limelight.data.panel import Panel
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
        schema = series_schema(panel)
        with parquet.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=["series_id"]) as writer:
            for block in panel.blocks():
                writer.write_table(series_table(block, schema))
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
