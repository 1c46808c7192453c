"""Read files that hold complete series: archive files, arrays and records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.data.reading.archive import read_archive_files
from limelight.data.reading.array_files import read_arrays, read_npy
from limelight.data.reading.file_names import LABEL, NamedFiles, describe_names, read_names
from limelight.data.reading.formats import format_of
from limelight.data.reading.wfdb_records import read_records
from limelight.errors import DataError

ARRAY_READERS = {"npy": read_npy, "npz": read_arrays, "mat": read_arrays}


def read_series_files(paths: Sequence[Path], *, label: str | None = "label", names: str | None = None) -> Panel:
    """Read files that hold complete series.

    Parameters
    ----------
    paths
        Files of one format, at least one.
    label
        None reads no labels.
    names
        What the names of the files mean, as for ``read_names``; None takes the names from the format.

    Returns
    -------
    Panel
        The series of all files in order.

    Raises
    ------
    DataError, LabelError
        If the formats differ, a file cannot be read, or the files do not fit together.
    """
    kinds = {format_of(path).name: path for path in paths}
    if len(kinds) > 1:
        first, second = list(kinds.values())[:2]
        raise DataError(f"expected files of one format, got {str(first)!r} and {str(second)!r}; read them separately")
    for path in paths:
        if not path.is_file():
            raise DataError(f"expected a file at {str(path)!r}, got none; check the path")
    if names is None:
        return _read(paths, next(iter(kinds)), label)
    named = read_names(paths, names)
    column = None if label is None else next((one for one in (label, LABEL) if one in named.fields), None)
    panels = [
        _with_fields(_read([path], next(iter(kinds)), label if column is None else None), named, row, column)
        for row, path in enumerate(paths)
    ]
    panel = join_panels(panels)
    return panel.replace(notes=(*panel.notes, describe_names(names, list(named.fields))))


def _read(paths: Sequence[Path], kind: str, label: str | None) -> Panel:
    if kind == "wfdb":
        return read_records(paths, label=label)
    if kind in ARRAY_READERS:
        panels = [ARRAY_READERS[kind](path, repr(str(path)), label=label is not None) for path in paths]
        return panels[0] if len(panels) == 1 else join_panels(panels)
    panel = read_archive_files(paths)[0]
    return panel if label is not None else panel.replace(labels=None)


def _with_fields(panel: Panel, named: NamedFiles, row: int, label: str | None) -> Panel:
    """Add what the name of a file means to each of its series; ``label`` is the field with the label, or None."""
    metadata = {} if panel.metadata is None else dict(zip(panel.metadata.column_names, panel.metadata, strict=True))
    for name, words in named.fields.items():
        if name not in (label, LABEL):
            metadata[name] = pa.array([words[row]] * len(panel), pa.string())
    ids = [named.ids[row]] if len(panel) == 1 else [f"{named.ids[row]}_{number}" for number in range(len(panel))]
    labels = panel.labels if label is None else np.array([named.fields[label][row]] * len(panel))
    return panel.replace(ids=ids, labels=labels, metadata=pa.table(metadata) if metadata else None)
