"""A store: a Panel in files, mapped instead of read, so that it may be larger than memory.

    store.json        format, version, shapes, channels, units, notes, sizes and a fingerprint; written last
    values.bin        float32, series after series, shape (steps, channels)
    times.bin         int64 or float64 (of dates: nanoseconds since 1970), shape (steps,), if there is a clock
    step_labels.bin   int16, shape (steps, labels), if steps have labels
    signals.bin       int16, shape (steps, signals), if something is said about steps
    offsets.bin       int64, where each series begins, and the end, shape (n + 1,)
    series.parquet    id, label, interval, split and metadata of each series

All numbers are little-endian. A reader refuses a version newer than its own.
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
from limelight.errors import DataError

FORMAT, VERSION = "limelight-store", 2
STORE_FILE, SERIES_FILE = "store.json", "series.parquet"
ARRAY_TYPES = {"values": "<f4", "times": "<i8", "step_labels": "<i2", "signals": "<i2", "offsets": "<i8"}
WINDOW = ("window_of", "window_start")
OWN_COLUMNS = ("series_id", "label", *INTERVAL, "split", *WINDOW)
PAGE_CLUSTER = 1 << 20
"""Bytes that the system may map around a page that is touched: large folios of its cache come whole."""
RELEASE_AFTER = 1 << 28
"""Bytes of mapped pages after which they are given back; they stay in the cache of the system."""
SAMPLES = 64
SAMPLE_BYTES = 4096


class MappedArrays:
    """The files of a store as arrays of a Panel; pickled by name, so that worker processes share the pages.

    Parameters
    ----------
    folder
        Of the store.
    description
        The content of ``store.json``, checked.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder, self.description = folder, description
        self._maps: list[mmap.mmap] = []
        self._touched = 0
        self._arrays = self._open()

    @property
    def fingerprint(self) -> str:
        """Says which values these are."""
        return str(self.description["fingerprint"])

    def arrays(self) -> dict[str, Any]:
        """Give values, times, step labels and signals, mapped."""
        return self._arrays

    def note_read(self, lengths: NDArray[np.int64]) -> None:
        """Count what was read, and give the pages back when it is much: a map that is only read costs no memory."""
        width = 4 * len(self.description["channels"]) * len(self._maps)
        self._touched += int(np.sum(-(-lengths * width // PAGE_CLUSTER) + 1)) * PAGE_CLUSTER
        if self._touched > RELEASE_AFTER:
            self.release()

    def release(self) -> None:
        """Give all mapped pages back to the system, which reads them again when they are needed."""
        self._touched = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_DONTNEED)

    def _open(self) -> dict[str, Any]:
        facts = self.description
        values = self._map("values", (facts["steps"], len(facts["channels"])))
        times = None
        if facts["clock"] is not None:
            times = self._map("times", (facts["steps"],)).view(facts["clock"])
        labels = None
        if facts["step_labels"] is not None:
            names, classes = facts["step_labels"]["names"], facts["step_labels"]["classes"]
            labels = StepLabels(self._map("step_labels", (facts["steps"], len(names))), tuple(names), tuple(classes))
        signals = None
        if facts.get("signals"):  # version 1 had none
            said = {name: tuple(words) for name, words in facts["signals"].items()}
            codes = self._map("signals", (facts["steps"], len(said)))
            signals = StepSignals(codes, tuple(said), tuple(said.values()))
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
    """How large the files of a store are, known before the first value is written.

    Parameters
    ----------
    steps
        Of all series together.
    channels
        Their names.
    clock
        The type of the times as NumPy spells it, for example ``"<i8"`` or ``"<M8[ns]"``, or None.
    step_labels, signals
        Their names, or none.
    """

    steps: int
    channels: tuple[str, ...]
    clock: str | None = None
    step_labels: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()

    def files(self) -> dict[str, tuple[int, ...]]:
        """Give the shape of the array in each file."""
        files: dict[str, tuple[int, ...]] = {"values": (self.steps, len(self.channels))}
        if self.clock is not None:
            files["times"] = (self.steps,)
        if self.step_labels:
            files["step_labels"] = (self.steps, len(self.step_labels))
        if self.signals:
            files["signals"] = (self.steps, len(self.signals))
        return files


def is_store(path: Path | str) -> bool:
    """Say whether a folder holds a store."""
    return (Path(path) / STORE_FILE).is_file()


def open_store(folder: Path | str) -> Panel:
    """Open a store as a Panel, whose values stay in their files until they are needed.

    Parameters
    ----------
    folder
        What ``write_store`` or ``limelight pack`` wrote.

    Returns
    -------
    Panel
        Its series in the order in which they were written.

    Raises
    ------
    DataError
        If it is no store, its files disagree or were cut short, or it comes from a newer version.
    """
    folder = Path(folder).resolve()
    facts = _read_description(folder)
    table = _read_series(folder, facts)
    offsets = np.fromfile(folder / "offsets.bin", dtype=ARRAY_TYPES["offsets"])
    if len(offsets) != facts["series"] + 1 or offsets[-1] != facts["steps"] or (np.diff(offsets) < 1).any():
        raise _damaged(folder / "offsets.bin", "it does not say where the series are")
    backing = MappedArrays(folder, facts)
    several = [f"{STEP_LABEL}{name}" for name in facts.get("labels") or ()]  # version 1 had none
    own = {name: table[name] for name in (*OWN_COLUMNS, *several) if name in table.column_names}
    told = [name for name in table.column_names if name not in own]
    intervals = None
    if INTERVAL[0] in own:
        intervals = np.stack([own[name].to_numpy() for name in INTERVAL], axis=1)
    return Panel(
        **backing.arrays(),
        starts=offsets[:-1],
        lengths=np.diff(offsets),
        ids=np.array(own["series_id"].to_pylist(), dtype=np.str_),
        channels=facts["channels"],
        labels=_stored_labels(own, several),
        label_names=facts.get("labels"),
        intervals=intervals,
        metadata=table.select(told) if told else None,
        origin=Origin(
            *(own[name].to_numpy().astype(kind) for name, kind in zip(WINDOW, (np.str_, np.int64), strict=True))
        )
        if WINDOW[0] in own
        else None,
        units=facts["units"],
        notes=facts["notes"],
        backing=backing,
    )


def _stored_labels(own: dict[str, Any], several: list[str]) -> NDArray[Any] | None:
    if several:
        return np.stack([own[name].to_numpy() for name in several], axis=1).astype(np.float64)
    if "label" not in own:
        return None
    return np.array(own["label"].to_pylist(), dtype=object if own["label"].null_count else np.str_)


def stored_split(folder: Path | str) -> list[str] | None:
    """Give the part of each series of a store, if it was packed with a split."""
    with parquet.ParquetFile(Path(folder) / SERIES_FILE) as file:
        if "split" not in file.schema_arrow.names:
            return None
        words: list[str] = file.read(["split"])["split"].to_pylist()
    return words


def fingerprint_of(folder: Path, facts: dict[str, Any]) -> str:
    """Say in a few letters what a store holds: its description, its series, and samples of its values."""
    told = {name: value for name, value in facts.items() if name != "fingerprint"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, size in facts["files"].items():
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
            f"expected a store, there is no {STORE_FILE!r} in {str(folder)!r}; make one with limelight pack"
        )
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise _damaged(file, str(error)) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise DataError(f"{str(file)!r} was not written by limelight: it does not say format {FORMAT!r}")
    if facts.get("version") not in range(1, VERSION + 1):
        raise DataError(
            f"{str(file)!r} has format version {facts.get('version')!r}, this limelight reads up to {VERSION}; "
            "update limelight"
        )
    try:
        shape = StoreShape(
            int(facts["steps"]),
            tuple(facts["channels"]),
            facts["clock"],
            tuple((facts["step_labels"] or {"names": ()})["names"]),
            tuple(dict(facts.get("signals") or {})),
        )
        wanted = {f"{name}.bin": int(np.prod(extent)) for name, extent in shape.files().items()}
        wanted["offsets.bin"] = int(facts["series"]) + 1
        sizes = {name: int(size) for name, size in facts["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, f"{error!s} is missing or of the wrong type") from error
    for name, size in sizes.items():
        _require_size(folder / name, size, wanted.get(name))
    if set(sizes) != {*wanted, SERIES_FILE} or fingerprint_of(folder, facts) != facts.get("fingerprint"):
        raise DataError(
            f"the files of the store {str(folder)!r} do not belong together: one was damaged, changed or exchanged; "
            "pack it again"
        )
    return facts


def _require_size(file: Path, size: int, entries: int | None) -> None:
    if not file.is_file():
        raise _damaged(file, "it is missing")
    there = file.stat().st_size
    if there != size:
        raise _damaged(file, f"it has {there} bytes instead of {size}")
    if entries is not None and size != entries * np.dtype(ARRAY_TYPES[file.stem]).itemsize:
        raise _damaged(file, f"it has {size} bytes, which is not what {STORE_FILE} describes")


def _read_series(folder: Path, facts: dict[str, Any]) -> pa.Table:
    try:
        table = parquet.read_table(folder / SERIES_FILE)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder / SERIES_FILE, str(error).splitlines()[0]) from error
    if table.num_rows != facts["series"] or "series_id" not in table.column_names:
        raise _damaged(folder / SERIES_FILE, f"it does not name {facts['series']} series")
    return table


def _damaged(file: Path, why: str) -> DataError:
    return DataError(f"the store file {str(file)!r} is damaged: {why}; pack it again")
