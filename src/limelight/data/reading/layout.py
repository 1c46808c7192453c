"""Decide how series are laid out: a store, files of complete series, a long table or a wide table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limelight.data.reading.datasets import TableDataset
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.formats import is_readable, is_table
from limelight.data.reading.locating import find_files, opened
from limelight.data.reading.sources import columns_of, open_source
from limelight.data.reading.wide import looks_wide
from limelight.data.store.open import is_store

STORE, FILES, LONG, WIDE = "store", "files", "long", "wide"
LAYOUTS = ("auto", LONG, WIDE)


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
    """

    kind: str
    paths: tuple[Path, ...] = ()
    columns: tuple[str, ...] = ()
    series: Any = None


def find_layout(
    series: Any,
    *,
    layout: str = "auto",
    id: str = "series_id",
    time: str | None = "time",
    csv: CsvOptions = DETECT,
) -> SeriesLayout:
    """Find how series are laid out.

    Parameters
    ----------
    series, layout, id, time, csv
        As for ``read_table``.

    Returns
    -------
    SeriesLayout
        For ``"auto"``, a table is long or wide by its column names.

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
    if paths and is_readable(paths[0]) and not is_table(paths[0]):
        return SeriesLayout(FILES, tuple(paths), series=series)
    columns: Sequence[str]
    if isinstance(series, TableDataset):
        columns = series.columns
    else:
        columns = columns_of(paths[0], csv) if paths else open_source(series, "series").columns
    wide = layout == WIDE or (layout == "auto" and looks_wide(columns, id, time))
    return SeriesLayout(WIDE if wide else LONG, tuple(paths), tuple(columns), series)
