"""Read files that hold complete series: archive files, arrays and records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.data.reading.archive import read_archive_files
from limelight.data.reading.array_files import (
    hold_recordings,
    labels_of_recordings,
    read_arrays,
    read_npy,
    require_time_first,
)
from limelight.data.reading.file_names import ID, LABEL, NamedFiles, describe_names, read_names
from limelight.data.reading.formats import format_of
from limelight.data.reading.wfdb_records import read_records
from limelight.errors import DataError

ARRAY_READERS = {"npy": read_npy, "npz": read_arrays, "mat": read_arrays}
MOST_DOUBTFUL_STEPS = 32
OF_RECORDINGS = (
    "read each of the {} files as one series with a step in each row; if each row is a series, set layout='wide' "
    "(--set data.layout=wide)"
)
OF_ROWS = "took each row as a series; if each row is a step of one series, set layout='long' (--set data.layout=long)"
OF_ONE_SERIES = "save each array transposed, or set layout='long' (--set data.layout=long) if the rows are steps"


def read_series_files(
    paths: Sequence[Path], *, label: str | None = "label", names: str | None = None, layout: str = "auto"
) -> Panel:
    """Read files that hold complete series.

    Parameters
    ----------
    paths
        Files of one format, at least one.
    label
        None reads no labels.
    names
        What the names of the files mean, as for ``read_names``; None takes the names from the format.
    layout
        Of files of arrays: ``"long"`` if each is one series with a step in each row, ``"wide"`` if each row is a
        series; ``"auto"`` decides as ``are_recordings``.

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
    kind = next(iter(kinds))
    recordings = are_recordings(paths, layout=layout, names=names)
    named = None if names is None else read_names(paths, names)
    column = None
    if named is not None and label is not None:
        column = next((one for one in (label, LABEL) if one in named.fields), None)
    own_label = label if column is None else None
    notes: list[str] = []
    if recordings:
        panels = _read_recordings(paths, kind, own_label, checked=layout == "auto")
        notes += [OF_RECORDINGS.format(len(paths))] if len(paths) > 1 else []
        panels = panels if own_label is None else _with_labels_beside(panels, paths, notes)
    elif named is None:
        panels = [_read(paths, kind, own_label)]
    else:
        panels = [_read([path], kind, own_label) for path in paths]
    if named is not None:
        panels = [_with_fields(panel, named, row, column) for row, panel in enumerate(panels)]
    panel = panels[0] if len(panels) == 1 else join_panels(panels)
    if layout == "auto" and kind in ARRAY_READERS and not recordings and _rows_may_be_steps(panel):
        notes.append(OF_ROWS)
    if named is not None and names is not None:
        notes.append(describe_names(names, list(named.fields)))
    return panel.replace(notes=(*panel.notes, *notes))


def _rows_may_be_steps(panel: Panel) -> bool:
    """Whether the rows of arrays of two dimensions may be the steps of one series: they are few, or have no labels."""
    few = int(panel.lengths.max()) <= MOST_DOUBTFUL_STEPS
    return len(panel) > 1 and len(panel.channels) == 1 and (few or (panel.labels is None and panel.step_labels is None))


def are_recordings(paths: Sequence[Path], *, layout: str = "auto", names: str | None = None) -> bool:
    """Whether each file of arrays is one series, with a step in each row.

    Parameters
    ----------
    paths
        Files of complete series.
    layout, names
        As for ``read_table``. For ``"auto"``, each of several files is one series if no array has labels or ids of
        several, and if the names of the files do not name the label alone.
    """
    if format_of(paths[0]).name not in ARRAY_READERS or layout == "wide":
        return False
    of_classes = names is not None and f"{{{LABEL}}}" in names and f"{{{ID}}}" not in names
    return layout == "long" or (not of_classes and hold_recordings(paths))


def _read_recordings(paths: Sequence[Path], kind: str, label: str | None, *, checked: bool) -> list[Panel]:
    """Read files of which each is one series; ``checked`` refuses arrays that look like (channels, time)."""
    named = read_names(paths).ids
    panels = [ARRAY_READERS[kind](path, repr(str(path)), label=label is not None, recording=True) for path in paths]
    if checked:
        shapes = [panel.values.shape for panel in panels if len(panel.channels) > 1]
        require_time_first(shapes, repr(str(paths[0].parent)), OF_ONE_SERIES)
    for path, panel in zip(paths, panels, strict=True):
        if len(panel.channels) != len(panels[0].channels):
            raise DataError(
                f"expected one number of channels in all files, got {len(panels[0].channels)} in {str(paths[0])!r} and "
                f"{len(panel.channels)} in {str(path)!r}; make the channels equal, or leave one of the files out"
            )
    return [_in_order(panel, panels[0].channels).replace(ids=[name]) for panel, name in zip(panels, named, strict=True)]


def _in_order(panel: Panel, channels: tuple[str, ...]) -> Panel:
    """Return the same series with the channels in another order, if they are the same."""
    if panel.channels == channels or {*panel.channels} != {*channels}:
        return panel
    columns = [panel.channels.index(name) for name in channels]
    return panel.replace(values=panel.values[:, columns], channels=channels, offset=panel.offset[columns])


def _with_labels_beside(panels: list[Panel], paths: Sequence[Path], notes: list[str]) -> list[Panel]:
    """Add the labels in an array beside recordings, in the order of the names of the files, with a note."""
    found = labels_of_recordings(paths) if paths[0].suffix.lower() == ".npy" and panels[0].labels is None else None
    if found is None:
        return panels
    notes.append(f"took the labels in {str(found[0])!r}, one for each file in the order of their names")
    return [panel.replace(labels=[label]) for panel, label in zip(panels, found[1], strict=True)]


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
