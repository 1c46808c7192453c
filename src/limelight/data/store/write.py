"""Write a Panel as a store, or create a store whose arrays are filled chunk by chunk."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from limelight.data.labels import INTERVAL, columns_of_labels
from limelight.data.panel import Panel
from limelight.data.places import local_path, url_of, write_place
from limelight.data.store.open import (
    ARRAY_TYPES,
    FORMAT,
    RESERVED_COLUMNS,
    SERIES_FILE,
    STORE_FILE,
    VERSION,
    WINDOW_COLUMNS,
    StoreShape,
    fingerprint_of,
    is_store,
)
from limelight.errors import DataError, listing
from limelight.files import whole_folder

WRITTEN_AT_ONCE = 1 << 24
RELEASE_AFTER_WRITING = 1 << 27


def write_store(panel: Panel, folder: Path | str, split: list[str] | None = None) -> Path:
    """Write a Panel as a store, completely or not at all.

    Parameters
    ----------
    panel
        The series.
    folder
        The folder of the store, or a URL; an older store there is replaced.
    split
        ``"train"``, ``"validation"`` or ``"test"`` for each series, or None.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the disk is full or the folder cannot be written.
    DataError
        If the folder exists and is not a store, or metadata has a name that a store uses itself.

    Example
    -------
    >>> import tempfile
    >>> from limelight.data.store.open import open_store
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]], labels=["a", "b"])
    >>> open_store(write_store(panel, tempfile.mkdtemp())).series(1).tolist()
    [[3.0]]
    """
    folder, steps = Path(folder), int(panel.lengths.sum())
    step_labels = () if panel.step_labels is None else panel.step_labels.names
    clock = None if panel.times is None else stored_dtype(panel.times.dtype)
    signals = () if panel.signals is None else panel.signals.names
    shape = StoreShape(steps, panel.channels, clock, step_labels, signals)
    with new_store(folder, shape) as (temporary, arrays):
        start = 0
        for block in panel.blocks():
            stop = start + len(block.values)
            arrays["values"][start:stop] = block.values
            if block.times is not None:
                arrays["times"][start:stop] = block.times
            if block.step_labels is not None:
                arrays["step_labels"][start:stop] = block.step_labels.codes
            if block.signals is not None:
                arrays["signals"][start:stop] = block.signals.codes
            start = stop
            release_pages(arrays)
        starts = np.cumsum(panel.lengths) - panel.lengths
        stored = Panel(arrays["values"], starts, panel.lengths, ids=panel.ids, channels=panel.channels)
        for name in (
            "labels",
            "label_names",
            "intervals",
            "step_labels",
            "signals",
            "metadata",
            "origin",
            "units",
            "offset",
            "notes",
        ):
            setattr(stored, name, getattr(panel, name))
        finish_store(temporary, shape, stored, split)
    return folder


@contextmanager
def new_store(folder: Path, shape: StoreShape) -> Iterator[tuple[Path, dict[str, NDArray[Any]]]]:
    """Create a store: a context manager in which the caller fills the arrays and calls ``finish_store``.

    Parameters
    ----------
    folder
        The folder of the store, or a URL, which appears when the block ends without an error; an older store there is
        replaced. A store for a URL is written to a temporary folder first.
    shape
        The shapes of its arrays.

    Returns
    -------
    Iterator[tuple[Path, dict[str, NDArray]]]
        The temporary folder, and the arrays by name, mapped to files whose disk space is already reserved: a full disk
        raises an error here and not while the arrays are filled.

    Raises
    ------
    OutputError
        If the disk is full or the folder cannot be written; nothing is left on disk then.
    DataError
        If the folder exists and is not a store.
    """
    url = url_of(folder)
    if url is not None:
        with tempfile.TemporaryDirectory(prefix="limelight-") as temporary_folder:
            local = Path(temporary_folder) / "store"
            with new_store(local, shape) as created:
                yield created
            write_place(local, url, last=STORE_FILE)
        return
    folder = local_path(folder)
    if folder.exists() and not is_store(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{str(folder)!r} already exists and is not a store; choose another name for the store")
    with whole_folder(folder) as temporary:
        arrays = {}
        for name, extent in shape.files().items():
            dtype = np.dtype(ARRAY_TYPES[name])
            file = temporary / f"{name}.bin"
            _reserve_space(file, int(np.prod(extent)) * dtype.itemsize)
            mapped = np.memmap(file, dtype, "r+", shape=extent)
            arrays[name] = mapped.view(shape.clock) if name == "times" and shape.clock else mapped
        yield temporary, arrays


def release_pages(arrays: dict[str, NDArray[Any]]) -> None:
    """Release the memory of mapped arrays; the system keeps what was written and saves it to disk."""
    for array in arrays.values():
        mapped = array
        while not isinstance(mapped, mmap.mmap):
            mapped = mapped.base  # type: ignore[assignment]
        if hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def finish_store(temporary: Path, shape: StoreShape, panel: Panel, split: list[str] | None = None) -> None:
    """Write the offsets, the table of series and the description of a store whose arrays are filled.

    Parameters
    ----------
    temporary
        The temporary folder from ``new_store``.
    shape
        The shapes of the arrays.
    panel
        The series; their values are not read.
    split
        ``"train"``, ``"validation"`` or ``"test"`` for each series, or None.

    Raises
    ------
    DataError
        If metadata has a name that a store uses itself.
    """
    np.append(panel.starts, len(panel.values)).astype("<i8").tofile(temporary / "offsets.bin")
    columns: dict[str, Any] = {"series_id": pa.array(panel.ids.tolist())}
    columns.update(columns_of_labels(panel.labels, panel.label_names))
    if panel.intervals is not None:
        columns.update(zip(INTERVAL, panel.intervals.T.tolist(), strict=True))
    if panel.origin is not None:
        columns.update(
            zip(WINDOW_COLUMNS, (panel.origin.recordings.tolist(), panel.origin.offsets.tolist()), strict=True)
        )
    if split is not None:
        columns["split"] = pa.array(split)
    if panel.metadata is not None:
        taken = [name for name in panel.metadata.column_names if name in (*RESERVED_COLUMNS, *columns)]
        if taken:
            raise DataError(
                f"expected metadata names other than {listing(taken)}, which a store uses itself; rename them"
            )
        columns.update(zip(panel.metadata.column_names, panel.metadata, strict=True))
    parquet.write_table(pa.table(columns), temporary / SERIES_FILE, compression="zstd")
    labels = panel.step_labels
    description: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "series": len(panel),
        "steps": shape.steps,
        "channels": list(shape.channels),
        "units": panel.units,
        "offset": panel.offset.tolist(),
        "clock": shape.clock,
        "step_labels": None if labels is None else {"names": list(labels.names), "classes": list(labels.classes)},
        "signals": None
        if panel.signals is None
        else dict(zip(panel.signals.names, panel.signals.classes, strict=True)),
        "labels": None if panel.label_names is None else list(panel.label_names),
        "notes": list(panel.notes),
    }
    names = [*(f"{name}.bin" for name in shape.files()), "offsets.bin", SERIES_FILE]
    description["files"] = {name: (temporary / name).stat().st_size for name in names}
    description["fingerprint"] = fingerprint_of(temporary, description)
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    (temporary / STORE_FILE).write_text(text, encoding="utf-8")


def stored_dtype(dtype: np.dtype[Any]) -> str:
    """Return the type of times in a store: dates in nanoseconds, other times as 64-bit numbers."""
    if dtype.kind == "M":
        return "<M8[ns]"
    return "<f8" if dtype.kind == "f" else "<i8"


def _reserve_space(file: Path, size: int) -> None:
    """Create a file of the given size with its blocks allocated, so that the disk cannot fill up during writing."""
    with file.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, size)
            return
        zeros = bytes(WRITTEN_AT_ONCE)
        for start in range(0, size, WRITTEN_AT_ONCE):
            stream.write(zeros[: min(WRITTEN_AT_ONCE, size - start)])
