"""Decide how series are laid out: a store, files of complete series, a long table or a wide table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limelight.data.reading.datasets import TableDataset
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.formats import has_known_suffix, is_table
from limelight.data.reading.locating import find_files, opened
from limelight.data.reading.row_meaning import rows_are_steps
from limelight.data.reading.sources import Source, columns_of, open_source, stream_file
from limelight.data.reading.wide import looks_wide
from limelight.data.store.open import is_store
from limelight.errors import DataError

STORE, FILES, LONG, WIDE = "store", "files", "long", "wide"
LAYOUTS = ("auto", LONG, WIDE)
ROWS_OF_SAMPLE = 200


@dataclass(frozen=True)
class SeriesLayout:
    """How series are laid out.

    Parameters
    ----------
    kind
        ``"store"``, ``"files"`` (of complete series), ``"long"`` or ``"wide"``.
    paths
        The files; empty if the table is in memory.
    columns
        The columns of the first table; empty for stores and files of complete series.
    series
        What was opened: a dataset, a table in memory, or the series as given.
    guessed
        Whether a table is wide only by the numbers in the names of its columns.
    """

    kind: str
    paths: tuple[Path, ...] = ()
    columns: tuple[str, ...] = ()
    series: Any = None
    guessed: bool = False


def find_layout(
    series: Any,
    *,
    layout: str = "auto",
    id: str = "series_id",
    time: str | None = "time",
    channels: Sequence[str] | None = None,
    csv: CsvOptions = DETECT,
) -> SeriesLayout:
    """Find how series are laid out.

    Parameters
    ----------
    series, layout, id, time, channels, csv
        As for ``read_table``.

    Returns
    -------
    SeriesLayout
        For ``"auto"``, a table is long or wide by its column names, and by its first rows if its columns are numbered;
        it is long if it has a column for each of ``channels``.

    Raises
    ------
    DataError
        If there are no such files, or their format is not read.

    Example
    -------
    >>> import pyarrow as pa
    >>> find_layout(pa.table({"series_id": ["a"], "time": [0], "x": [1.0]})).kind
    'long'
    """
    series = opened(series)
    paths = find_files(series) if isinstance(series, str | Path | list | tuple) else []
    if paths and is_store(paths[0]):
        return SeriesLayout(STORE, tuple(paths), series=series)
    if paths and has_known_suffix(paths[0]) and not is_table(paths[0]):
        return SeriesLayout(FILES, tuple(paths), series=series)
    columns: Sequence[str]
    if isinstance(series, TableDataset):
        columns = series.columns
    else:
        columns = columns_of(paths[0], csv) if paths else open_source(series, "series").columns
    wide = layout == WIDE or (layout == "auto" and looks_wide(columns, id, time))
    if wide and layout == "auto" and channels and {*channels} <= {*columns}:
        wide = False
    elif wide and layout == "auto":
        sample = _first_rows(series, paths, csv)
        wide = sample is None or not rows_are_steps(sample, id, time)
    return SeriesLayout(WIDE if wide else LONG, tuple(paths), tuple(columns), series, wide and layout == "auto")


def _first_rows(series: Any, paths: Sequence[Path], csv: CsvOptions) -> Source | None:
    """Return some rows of a table; None if it has none, or cannot be read."""
    if isinstance(series, TableDataset):
        return next((Source(table, name) for table, name, _ in series.pieces(size=ROWS_OF_SAMPLE)), None)
    if not paths:
        return open_source(series, "series").slice(0, ROWS_OF_SAMPLE)
    try:
        first = next(stream_file(paths[0], csv=csv, thorough=False, rows=ROWS_OF_SAMPLE), None)
    except DataError:  # reported when the whole table is read
        return None
    return None if first is None else first.slice(0, ROWS_OF_SAMPLE)
