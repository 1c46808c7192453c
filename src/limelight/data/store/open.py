"""Open a store: a Panel in memory-mapped files, so that it may be larger than memory.

    store.json        format, version, shapes, channels, units, notes, file sizes and a fingerprint; written last
    values.bin        float32, series after series, shape (steps, channels), relative to the offset of each channel
    times.bin         int64 or float64 (for dates, nanoseconds since 1970), shape (steps,), if there is a clock
    step_labels.bin   int16 codes of the per-step labels, shape (steps, labels), if there are any
    signals.bin       int16 codes of the signals, shape (steps, signals), if there are any
    offsets.bin       int64, the first step of each series, and the number of steps, shape (n + 1,)
    series.parquet    id, label, interval, split and metadata of each series

All numbers are little-endian. A reader rejects stores of a newer version than its own.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from limelight.data.annotations import Origin, StepLabels, StepSignals
from limelight.data.labels import INTERVAL, STEP_LABEL
from limelight.data.panel import Panel
from limelight.data.places import PATTERN_SIGNS, is_file_there, local_copy, local_path, url_of
from limelight.errors import DataError

FORMAT, VERSION = "limelight-store", 3
STORE_FILE, SERIES_FILE = "store.json", "series.parquet"
ARRAY_TYPES = {"values": "<f4", "times": "<i8", "step_labels": "<i2", "signals": "<i2", "offsets": "<i8"}
WINDOW_COLUMNS = ("window_of", "window_start")
RESERVED_COLUMNS = ("series_id", "label", *INTERVAL, "split", *WINDOW_COLUMNS)
PAGE_CLUSTER = 1 << 20
"""Bytes that the system may map around each page that is accessed: large folios of the page cache are mapped whole."""
RELEASE_AFTER = 1 << 28
"""Bytes of mapped pages after which all are released; their content stays in the page cache of the system."""
SAMPLES = 64
SAMPLE_BYTES = 4096


class MappedArrays:
    """The memory-mapped files of a store; pickled by path, so that worker processes share the pages.

    Parameters
    ----------
    folder
        The folder of the store.
    description
        The checked content of ``store.json``.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder, self.description = folder, description
        self._maps: list[mmap.mmap] = []
        self._touched = 0
        self._arrays = self._open()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the content of the store."""
        return str(self.description["fingerprint"])

    def arrays(self) -> dict[str, Any]:
        """Return the mapped values, times, per-step labels and signals, as keyword arguments of ``Panel``."""
        return self._arrays

    def note_read(self, lengths: NDArray[np.int64]) -> None:
        """Count the pages read for series of these lengths, and release all pages once they exceed a limit.

        Released pages cost no memory: the map is read-only, so the system can read them again from the files.
        """
        width = 4 * len(self.description["channels"]) * len(self._maps)
        self._touched += int(np.sum(-(-lengths * width // PAGE_CLUSTER) + 1)) * PAGE_CLUSTER
        if self._touched > RELEASE_AFTER:
            self.release()

    def release(self) -> None:
        """Release all mapped pages; the system maps them again when they are accessed."""
        self._touched = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_DONTNEED)

    def _open(self) -> dict[str, Any]:
        description = self.description
        steps = description["steps"]
        values = self._map("values", (steps, len(description["channels"])))
        times = None
        if description["clock"] is not None:
            times = self._map("times", (steps,)).view(description["clock"])
        labels = None
        if description["step_labels"] is not None:
            names, classes = description["step_labels"]["names"], description["step_labels"]["classes"]
            labels = StepLabels(self._map("step_labels", (steps, len(names))), tuple(names), tuple(classes))
        signals = None
        if description.get("signals"):  # stores of version 1 have no signals
            words_of = {name: tuple(words) for name, words in description["signals"].items()}
            codes = self._map("signals", (steps, len(words_of)))
            signals = StepSignals(codes, tuple(words_of), tuple(words_of.values()))
        return {"values": values, "times": times, "step_labels": labels, "signals": signals}

    def _map(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        with (self.folder / f"{name}.bin").open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._maps.append(mapped)
        return np.frombuffer(mapped, dtype=ARRAY_TYPES[name]).reshape(shape)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "description": self.description}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


@dataclass(frozen=True)
class StoreShape:
    """The shapes of the arrays of a store, which must be known before the first value is written.

    Parameters
    ----------
    steps
        The number of steps of all series together.
    channels
        The names of the channels.
    clock
        The type of the times as a NumPy type string, for example ``"<i8"`` or ``"<M8[ns]"``, or None.
    step_labels, signals
        The names of the per-step labels and of the signals; empty if there are none.
    """

    steps: int
    channels: tuple[str, ...]
    clock: str | None = None
    step_labels: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()

    def files(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array, by the name of its file without suffix."""
        files: dict[str, tuple[int, ...]] = {"values": (self.steps, len(self.channels))}
        if self.clock is not None:
            files["times"] = (self.steps,)
        if self.step_labels:
            files["step_labels"] = (self.steps, len(self.step_labels))
        if self.signals:
            files["signals"] = (self.steps, len(self.signals))
        return files


def is_store(path: Path | str) -> bool:
    """Whether there is a store in a folder or at a URL."""
    url = url_of(path)
    if url is None:
        return (local_path(path) / STORE_FILE).is_file()
    return not any(sign in url for sign in PATTERN_SIGNS) and is_file_there(url, STORE_FILE)


def local_store(path: Path | str) -> Path:
    """Return the folder of a store; that of the local copy of a store at a URL."""
    url = url_of(path)
    return local_path(path) if url is None else local_copy(url)


def open_store(folder: Path | str) -> Panel:
    """Open a store as a Panel whose values stay in their files until they are accessed.

    Parameters
    ----------
    folder
        A folder written by ``write_store`` or ``limelight pack``, or a URL of one, of which a local copy is made.

    Returns
    -------
    Panel
        The series, in the order in which they were written.

    Raises
    ------
    DataError
        If the folder is not a store, its files are inconsistent or truncated, or its version is newer than supported.
    """
    folder = local_store(folder).resolve()
    description = _read_description(folder)
    table = _read_series(folder, description)
    offsets = np.fromfile(folder / "offsets.bin", dtype=ARRAY_TYPES["offsets"])
    series, steps = description["series"], description["steps"]
    if len(offsets) != series + 1 or offsets[-1] != steps or (np.diff(offsets) < 1).any():
        raise _damaged(folder / "offsets.bin", "its positions of the series are invalid")
    backing = MappedArrays(folder, description)
    label_names = description.get("labels")  # stores of version 1 have no such entry
    label_columns = [f"{STEP_LABEL}{name}" for name in label_names or ()]
    reserved = {name: table[name] for name in (*RESERVED_COLUMNS, *label_columns) if name in table.column_names}
    metadata = [name for name in table.column_names if name not in reserved]
    intervals = None
    if INTERVAL[0] in reserved:
        intervals = np.stack([reserved[name].to_numpy() for name in INTERVAL], axis=1)
    origin = None
    if WINDOW_COLUMNS[0] in reserved:
        recordings, window_starts = (reserved[name].to_numpy() for name in WINDOW_COLUMNS)
        origin = Origin(recordings.astype(np.str_), window_starts.astype(np.int64))
    return Panel(
        **backing.arrays(),
        starts=offsets[:-1],
        lengths=np.diff(offsets),
        ids=np.array(reserved["series_id"].to_pylist(), dtype=np.str_),
        channels=description["channels"],
        labels=_stored_labels(reserved, label_columns),
        label_names=label_names,
        intervals=intervals,
        metadata=table.select(metadata) if metadata else None,
        origin=origin,
        units=description["units"],
        offset=description.get("offset"),  # stores before version 3 have none
        notes=description["notes"],
        backing=backing,
    )


def _stored_labels(columns: dict[str, Any], label_columns: list[str]) -> NDArray[Any] | None:
    """Decode the labels of a store; ``label_columns`` is empty unless they are multi-label."""
    if label_columns:
        return np.stack([columns[name].to_numpy() for name in label_columns], axis=1).astype(np.float64)
    if "label" not in columns:
        return None
    return np.array(columns["label"].to_pylist(), dtype=object if columns["label"].null_count else np.str_)


def stored_split(folder: Path | str) -> list[str] | None:
    """Read the part of each series of a store; None if it was packed without a split."""
    with parquet.ParquetFile(local_store(folder) / SERIES_FILE) as file:
        if "split" not in file.schema_arrow.names:
            return None
        parts: list[str] = file.read(["split"])["split"].to_pylist()
    return parts


def fingerprint_of(folder: Path, description: dict[str, Any]) -> str:
    """Compute a hash of the content of a store: its description, its series, and samples of its larger arrays."""
    content = {name: value for name, value in description.items() if name != "fingerprint"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, size in description["files"].items():
        with (folder / name).open("rb") as file:
            whole = not name.endswith(".bin") or size <= SAMPLES * SAMPLE_BYTES
            if whole:
                digest.update(file.read())
                continue
            for start in np.linspace(0, size - SAMPLE_BYTES, SAMPLES).astype(np.int64).tolist():
                file.seek(start)
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def _read_description(folder: Path) -> dict[str, Any]:
    file = folder / STORE_FILE
    if not file.is_file():
        raise DataError(
            f"expected a store in {str(folder)!r}, got no {STORE_FILE!r} there; create one with limelight pack"
        )
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise _damaged(file, str(error)) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"{str(file)!r} was not written by limelight: its format is not {FORMAT!r}")
    if description.get("version") not in range(1, VERSION + 1):
        raise DataError(
            f"{str(file)!r} has format version {description.get('version')!r}, but this version of limelight reads up "
            f"to {VERSION}; update limelight"
        )
    try:
        shape = StoreShape(
            int(description["steps"]),
            tuple(description["channels"]),
            description["clock"],
            tuple((description["step_labels"] or {"names": ()})["names"]),
            tuple(dict(description.get("signals") or {})),
        )
        entries = {f"{name}.bin": int(np.prod(extent)) for name, extent in shape.files().items()}
        entries["offsets.bin"] = int(description["series"]) + 1
        sizes = {name: int(size) for name, size in description["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, f"{error!s} is missing or of the wrong type") from error
    for name, size in sizes.items():
        _require_size(folder / name, size, entries.get(name))
    if set(sizes) != {*entries, SERIES_FILE} or fingerprint_of(folder, description) != description.get("fingerprint"):
        raise DataError(
            f"the files of the store {str(folder)!r} do not match: one of them was damaged, changed or replaced; "
            "pack it again"
        )
    return description


def _require_size(file: Path, size: int, entries: int | None) -> None:
    """Check that a file has the size in the description and, for an array, the size of its entries."""
    if not file.is_file():
        raise _damaged(file, "it is missing")
    actual = file.stat().st_size
    if actual != size:
        raise _damaged(file, f"it has {actual} bytes instead of {size}")
    if entries is not None and size != entries * np.dtype(ARRAY_TYPES[file.stem]).itemsize:
        raise _damaged(file, f"its {size} bytes do not match the shapes in {STORE_FILE}")


def _read_series(folder: Path, description: dict[str, Any]) -> pa.Table:
    try:
        table = parquet.read_table(folder / SERIES_FILE)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder / SERIES_FILE, str(error).splitlines()[0]) from error
    series = description["series"]
    if table.num_rows != series or "series_id" not in table.column_names:
        raise _damaged(folder / SERIES_FILE, f"it does not name {series} series")
    return table


def _damaged(file: Path, reason: str) -> DataError:
    return DataError(f"the store file {str(file)!r} is damaged: {reason}; pack it again")
