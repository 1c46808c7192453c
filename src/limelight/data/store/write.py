"""Packing: a Panel, or a long table of any size, into a store."""

from __future__ import annotations

import json
import mmap
import os
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
from limelight.data.store.open import (
    ARRAY_TYPES,
    FORMAT,
    OWN_COLUMNS,
    SERIES_FILE,
    STORE_FILE,
    VERSION,
    WINDOW,
    StoreShape,
    fingerprint_of,
    is_store,
)
from limelight.errors import DataError, listing
from limelight.files import whole_folder

WRITTEN_AT_ONCE = 1 << 24
RELEASE_AFTER_WRITING = 1 << 27


def write_store(panel: Panel, folder: Path | str, split: list[str] | None = None) -> Path:
    """Write a Panel as a store, whole or not at all.

    Parameters
    ----------
    panel
        The series.
    folder
        Where; an older store there is replaced.
    split
        ``"train"``, ``"validation"`` or ``"test"`` for each series, or None.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If there is no room, or the place cannot be written.
    DataError
        If there is something else than a store.

    Example
    -------
    >>> import tempfile
    >>> from limelight.data.store.open import open_store
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]], labels=["a", "b"])
    >>> open_store(write_store(panel, tempfile.mkdtemp())).series(1).tolist()
    [[3.0]]
    """
    folder, steps = Path(folder), int(panel.lengths.sum())
    names = () if panel.step_labels is None else panel.step_labels.names
    clock = None if panel.times is None else stored_dtype(panel.times.dtype)
    told = () if panel.signals is None else panel.signals.names
    shape = StoreShape(steps, panel.channels, clock, names, told)
    with new_store(folder, shape) as (temporary, arrays):
        start = 0
        for block in panel.blocks():
            place = slice(start, start + len(block.values))
            arrays["values"][place] = block.values
            if block.times is not None:
                arrays["times"][place] = block.times
            if block.step_labels is not None:
                arrays["step_labels"][place] = block.step_labels.codes
            if block.signals is not None:
                arrays["signals"][place] = block.signals.codes
            start = place.stop
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
            "notes",
        ):
            setattr(stored, name, getattr(panel, name))
        finish_store(temporary, shape, stored, split)
    return folder


@contextmanager
def new_store(folder: Path, shape: StoreShape) -> Iterator[tuple[Path, dict[str, NDArray[Any]]]]:
    """Make a store: its arrays are to be filled and ``finish_store`` to be called inside the block.

    Parameters
    ----------
    folder
        What appears when the block ends well; an older store there is replaced.
    shape
        Of its arrays.

    Returns
    -------
    Iterator[tuple[Path, dict[str, NDArray]]]
        The temporary folder, and the arrays by name, mapped to files whose room is taken already: a full disk is an
        error here, not in the middle.

    Raises
    ------
    OutputError
        If there is no room, or the place cannot be written; nothing is left then.
    DataError
        If there is something else than a store.
    """
    if folder.exists() and not is_store(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{str(folder)!r} is there and is not a store; choose another name for the store")
    with whole_folder(folder) as temporary:
        arrays = {}
        for name, extent in shape.files().items():
            kind = np.dtype(ARRAY_TYPES[name])
            file = temporary / f"{name}.bin"
            _take_room(file, int(np.prod(extent)) * kind.itemsize)
            mapped = np.memmap(file, kind, "r+", shape=extent)
            arrays[name] = mapped.view(shape.clock) if name == "times" and shape.clock else mapped
        yield temporary, arrays


def release_pages(arrays: dict[str, NDArray[Any]]) -> None:
    """Give the memory of mapped arrays back; what was written stays with the system, which puts it on disk."""
    for array in arrays.values():
        mapped = array
        while not isinstance(mapped, mmap.mmap):
            mapped = mapped.base  # type: ignore[assignment]
        if hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def finish_store(temporary: Path, shape: StoreShape, panel: Panel, split: list[str] | None = None) -> None:
    """Write what belongs to each series, and the description.

    Parameters
    ----------
    temporary
        What ``new_store`` gave.
    shape
        Of its arrays.
    panel
        The series; values are not touched.
    split
        ``"train"``, ``"validation"`` or ``"test"`` for each series, or None.
    """
    np.append(panel.starts, len(panel.values)).astype("<i8").tofile(temporary / "offsets.bin")
    columns: dict[str, Any] = {"series_id": pa.array(panel.ids.tolist())}
    columns.update(columns_of_labels(panel.labels, panel.label_names))
    if panel.intervals is not None:
        columns.update(zip(INTERVAL, panel.intervals.T.tolist(), strict=True))
    if panel.origin is not None:
        columns.update(zip(WINDOW, (panel.origin.recordings.tolist(), panel.origin.offsets.tolist()), strict=True))
    if split is not None:
        columns["split"] = pa.array(split)
    if panel.metadata is not None:
        taken = [name for name in panel.metadata.column_names if name in (*OWN_COLUMNS, *columns)]
        if taken:
            raise DataError(f"expected other names for metadata than {listing(taken)}, which a store uses; rename them")
        columns.update(zip(panel.metadata.column_names, panel.metadata, strict=True))
    parquet.write_table(pa.table(columns), temporary / SERIES_FILE, compression="zstd")
    labels = panel.step_labels
    facts: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "series": len(panel),
        "steps": shape.steps,
        "channels": list(shape.channels),
        "units": panel.units,
        "clock": shape.clock,
        "step_labels": None if labels is None else {"names": list(labels.names), "classes": list(labels.classes)},
        "signals": None
        if panel.signals is None
        else dict(zip(panel.signals.names, panel.signals.classes, strict=True)),
        "labels": None if panel.label_names is None else list(panel.label_names),
        "notes": list(panel.notes),
    }
    names = [*(f"{name}.bin" for name in shape.files()), "offsets.bin", SERIES_FILE]
    facts["files"] = {name: (temporary / name).stat().st_size for name in names}
    facts["fingerprint"] = fingerprint_of(temporary, facts)
    (temporary / STORE_FILE).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def stored_dtype(kind: np.dtype[Any]) -> str:
    """Give the type of times as a store writes it: dates to the nanosecond, numbers of 64 bits."""
    if kind.kind == "M":
        return "<M8[ns]"
    return "<f8" if kind.kind == "f" else "<i8"


def _take_room(file: Path, size: int) -> None:
    """Make a file of that size whose blocks are taken, so that writing to its map cannot run out of disk."""
    with file.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, size)
            return
        empty = bytes(WRITTEN_AT_ONCE)
        for start in range(0, size, WRITTEN_AT_ONCE):
            stream.write(empty[: min(WRITTEN_AT_ONCE, size - start)])
