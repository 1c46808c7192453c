"""Open a table of labels: one file, or a file of intervals for each recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.places import local_path, url_of
from limelight.data.reading.compression import stem_of
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.interval_tables import find_interval_columns
from limelight.data.reading.locating import TRACK_SUFFIXES, label_paths
from limelight.data.reading.names import is_named
from limelight.data.reading.sources import Source, open_source
from limelight.errors import DataError, counted, listing

FILE_COLUMN = "file"
"""The column with the names of the files, from which the labels of several files are read."""
TRACK_COLUMNS = ("start", "end", "label")
TRACK = "a start, an end and a label in each line"
TRACK_LINE = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\t(-?\d+(?:[.,]\d+)?)\t(.*)")
DETAIL = "\\"
"""Begins a line with the frequencies of the label above it, in tracks of Audacity."""
MOST_TRACK_BYTES = 1 << 26


def open_labels(labels: Any, csv: CsvOptions = DETECT) -> Source:
    """Open a table of labels.

    Parameters
    ----------
    labels
        A file or a table in Python, as for ``open_source``; or a pattern or a folder of files, each with the intervals
        of the recording of its name. Text without a header whose lines hold a start, an end and a label, separated by
        tabs, is a label track, as Audacity exports it.
    csv
        As for ``open_source``.

    Returns
    -------
    Source
        The rows of all files; of several files, the column ``file`` holds their names without suffix, unless they have
        ids.

    Raises
    ------
    DataError
        As ``open_source``, or if the files have other columns or no intervals.

    Example
    -------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "monday.txt"
    >>> _ = file.write_text("0.5\\t2.25\\tsong\\n7\\t8.5\\tcall\\n")
    >>> open_labels(file).table.to_pydict()
    {'start': ['0.5', '7'], 'end': ['2.25', '8.5'], 'label': ['song', 'call']}
    """
    paths = label_paths(labels)
    if paths is None:
        is_file = isinstance(labels, str | Path) and url_of(labels) is None
        track = _label_track(local_path(labels)) if is_file else None
        if track is None:
            return open_source(labels, "labels", csv)
        return replace(track, notes=(f"read {track.name} as a label track: {TRACK}",))
    tracks = [_label_track(path) for path in paths]
    sources = [track or open_source(path, "labels", csv) for path, track in zip(paths, tracks, strict=True)]
    if len(sources) == 1 and find_interval_columns(sources[0].columns) is None:
        return sources[0]
    what = f"label tracks: {TRACK}" if all(tracks) else "tables of intervals"
    return _joined(paths, sources, repr(str(labels)), what)


def _joined(paths: Sequence[Path], sources: Sequence[Source], name: str, what: str) -> Source:
    """Join the intervals of several files, with the names of the files as their ids."""
    columns = sources[0].columns
    for path, source in zip(paths, sources, strict=True):
        if source.columns != columns:
            raise DataError(
                f"expected the same columns in every file of {name}, got {listing(source.columns)} in {path.name!r} "
                f"and {listing(columns)} in {paths[0].name!r}; make them the same"
            )
    if find_interval_columns(columns) is None:
        raise DataError(
            f"expected one table of labels, or a start and an end in each file of {name}, got {listing(columns)}; "
            "write the labels of all series into one table, or name the columns 'start' and 'end'"
        )
    tables = [source.table for source in sources]
    if not any(is_named(column, "id") for column in columns):
        tables = [
            table.append_column(FILE_COLUMN, pa.array([stem_of(path)] * table.num_rows, pa.large_string()))
            for path, table in zip(paths, tables, strict=True)
        ]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"expected cells of one kind in each column of {name}, got numbers in one file and words or dates in "
            "another; write them in the same way"
        ) from error
    notes = [f"read {counted(len(paths), 'file')} of {name} as {what}"]
    notes += dict.fromkeys(note for source in sources for note in source.notes)
    return replace(sources[0], table=table, name=name, csv=None, notes=tuple(notes))


def _label_track(path: Path) -> Source | None:
    """Read a label track; None if the file is something else."""
    if path.suffix.lower() not in TRACK_SUFFIXES or not path.is_file() or path.stat().st_size > MOST_TRACK_BYTES:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(DETAIL)]
    found = [TRACK_LINE.fullmatch(line) for line in lines]
    if not found or not all(found):
        return None
    rows = [match.groups() for match in found if match]
    cells = {
        column: pa.array([row[place].strip().replace(",", ".") if place < 2 else row[place].strip() for row in rows],
                         pa.large_string())
        for place, column in enumerate(TRACK_COLUMNS)
    }  # fmt: skip
    return Source(pa.table(cells), repr(str(path)))
