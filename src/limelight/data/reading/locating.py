"""Find what a user names as series: local files, the Parquet files of a dataset, or objects that are read once."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from limelight.data.places import PATTERN_SIGNS, is_file_there, list_place, local_copy, local_path, url_of
from limelight.data.reading.array_files import is_partner
from limelight.data.reading.datasets import (
    TableDataset,
    dataset_at,
    dataset_of,
    is_partition_file,
    is_partitioned,
    is_pyarrow_dataset,
)
from limelight.data.reading.folders import TABLES, FolderContent, folder_content
from limelight.data.reading.formats import is_table
from limelight.data.store.open import is_store
from limelight.errors import DataError, listing

TRACK_SUFFIXES = ("", ".txt", ".lab", ".tsv")
"""Suffixes of label tracks: lines with a start, an end and a label."""


def opened(series: Any) -> Any:
    """Open what is not read as local files: a dataset of Parquet files, or an object that can be read only once.

    Parameters
    ----------
    series
        As for ``read_table``.

    Returns
    -------
    Any
        A ``TableDataset`` for a partitioned folder, Parquet files at a URL, or a dataset of pyarrow; an Arrow table for
        a reader, a lazy frame or a relation, without a copy where its library allows; otherwise ``series``.

    Raises
    ------
    DataError
        If there is nothing at a URL, or an object cannot be read.

    Example
    -------
    >>> opened(pa.table({"x": [1.0]}).to_reader()).num_rows, opened("series.csv")
    (1, 'series.csv')
    """
    if isinstance(series, str | Path):
        return _opened_place(series)
    if isinstance(series, list | tuple):
        return _opened_files(series)
    if is_pyarrow_dataset(series):
        return TableDataset(series, "the series dataset", of_files=False)
    if isinstance(series, TableDataset | pa.Table) or nw.dependencies.is_pandas_dataframe(series):
        return series
    try:
        if isinstance(series, pa.RecordBatchReader):
            return series.read_all()
        if isinstance(nw.from_native(series, pass_through=True), nw.DataFrame):
            return series
        if hasattr(series, "__arrow_c_stream__"):
            return pa.table(series)
        frame = nw.from_native(series, pass_through=True)
        return frame.collect().to_arrow() if isinstance(frame, nw.LazyFrame) else series
    except (pa.ArrowException, nw.exceptions.NarwhalsError, TypeError) as error:
        raise DataError(
            f"expected series that can be read as a table, got {type(series).__name__}: {str(error).splitlines()[0]}"
        ) from error


def find_files(path_or_pattern: str | Path | Sequence[str | Path]) -> list[Path]:
    """Find the files named by a path, a folder, a pattern, a URL or a list of these.

    Returns
    -------
    list[Path]
        The files that match a pattern, sorted by path; a path or a list of paths as given, without checking that the
        files exist; local copies of what is at a URL.

    Raises
    ------
    DataError
        If a pattern matches no file, or there is nothing at a URL.
    """
    if not isinstance(path_or_pattern, str | Path):
        paths = path_or_pattern
        if not paths or not all(isinstance(path, str | Path) for path in paths):
            raise DataError(f"expected series as a DataFrame, a path, or a list of paths, got {str(paths)[:40]!r}")
        return [local_file(path) for path in paths]
    return _find_place(path_or_pattern)


def _find_place(named: str | Path) -> list[Path]:
    url = url_of(named)
    if url is not None:
        copies = [local_copy(one) for one in list_place(url)] if is_pattern(url) else [local_copy(url)]
        return copies if len(copies) > 1 or not copies[0].is_dir() else _find_place(copies[0])
    place = local_path(named)
    if place.is_dir() and not is_store(place):
        series = folder_content(place).series
        return list(series) if isinstance(series, list) else [Path(series)]
    if place.exists() or not is_pattern(str(place)):
        return [place]
    return _matches(str(place))


def label_paths(labels: Any) -> list[Path] | None:
    """Return the files that hold labels, if they are named by a pattern or a folder; None for anything else.

    Parameters
    ----------
    labels
        As for ``read_table``.

    Returns
    -------
    list[Path] or None
        Sorted by path; of a folder, the tables and label tracks in it.

    Raises
    ------
    DataError
        If there are no such files.
    """
    if not isinstance(labels, str | Path):
        return None
    url = url_of(labels)
    if url is not None:
        return find_files(labels) if is_pattern(url) else None
    place = local_path(labels)
    if not place.is_dir():
        return find_files(labels) if is_pattern(str(place)) and not place.exists() else None
    files = [one for one in sorted(place.iterdir()) if one.is_file() and not one.name.startswith((".", "~"))]
    files = [one for one in files if is_table(one) or one.suffix.lower() in TRACK_SUFFIXES]
    if not files:
        raise DataError(f"expected files with labels in the folder {str(place)!r}, got none; name the table of labels")
    return files


def content_at(place: Any) -> FolderContent | None:
    """Find the series and the tables of a folder, also at a URL; None for a store, a file, a pattern or an object.

    Raises
    ------
    DataError
        As ``folder_content``, or if there is nothing at a URL.
    """
    if not isinstance(place, str | Path) or is_store(place):
        return None
    url = url_of(place)
    if url is None:
        path = local_path(place)
        return folder_content(path) if path.is_dir() else None
    if is_pattern(url) or is_file_there(url):
        return None
    there = list_place(url)
    if not isinstance(_opened_place(url), TableDataset):
        return folder_content(local_copy(url))
    tables = {name: f"{url.rstrip('/')}/{name}{suffix}" for name in TABLES for suffix in (".csv", ".parquet")}
    return FolderContent(url, {name: file for name, file in tables.items() if file in there})


def _matches(pattern: str) -> list[Path]:
    """Return the local files that match a pattern, sorted by path; DataError if there are none."""
    matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True) if Path(match).is_file())
    matches = [path for path in matches if not is_partner(path)] or matches
    if not matches:
        folder = next(one for one in Path(pattern).parents if not is_pattern(str(one)))
        names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        content = f"the folder {str(folder)!r} holds {listing(names)}" if names else f"{str(folder)!r} holds nothing"
        raise DataError(f"expected files that match {pattern!r}, got none; {content}")
    return matches


def is_pattern(place: str) -> bool:
    """Whether a path or URL has one of the signs of a pattern."""
    return any(sign in place for sign in PATTERN_SIGNS)


def local_file(place: str | Path) -> Path:
    """Return the path of a local file, or that of the local copy of a URL."""
    url = url_of(place)
    return local_path(place) if url is None else local_copy(url)


def _opened_place(place: str | Path) -> Any:
    url = url_of(place)
    if url is not None:
        if is_store(url):
            return place
        tables = [f"{url.rstrip('/')}/{name}.parquet" for name in TABLES]
        found = dataset_at(url, tables)
        return place if found is None else found
    path = local_path(place)
    if is_partitioned(path):
        return dataset_at(path, [str(path / f"{name}.parquet") for name in TABLES])
    if is_pattern(str(path)) and not path.exists():
        return _opened_files(_matches(str(path)), str(path))
    return place


def _opened_files(paths: Sequence[Any], name: str | None = None) -> Any:
    """Open a list of files as a dataset if all are Parquet files with partitions, or at URLs of one scheme."""
    if not paths or not all(isinstance(path, str | Path) for path in paths):
        return paths
    urls = [url_of(path) for path in paths]
    if all(url is not None and url.lower().endswith(".parquet") for url in urls):
        files = [str(url) for url in urls]
        return dataset_of(files, repr(name or f"{files[0]} and {len(files) - 1} more"), files[0])
    if not any(urls) and all(is_partition_file(local_path(path)) for path in paths):
        return dataset_of([str(path) for path in paths], repr(name or str(local_path(paths[0]).parent)))
    return paths if name is None else name
