"""The models of a server, each with its name and version, replaced while serving if their files change."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limelight.errors import LimelightError, ParameterError, listing, nearest
from limelight.model.predictor import Predictor
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.metrics import ServerMetrics
from limelight.serving.passes import Passes

Loaded = tuple[Predictor, Mapping[str, Any]]
Load = Callable[[Path], Loaded]
"""Loads a model from a path, and how its training series were read."""


@dataclass(frozen=True)
class ServedModel:
    """One version of a model.

    Parameters
    ----------
    name
        In the address of requests.
    version
        The beginning of the hash of its files.
    model
        Predicts.
    reading
        How its training series were read, see ``read_as_trained``.
    loaded
        When it was loaded, in UTC.
    """

    name: str
    version: str
    model: Predictor
    reading: Mapping[str, Any] = field(default_factory=dict)
    loaded: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what a client may know of the model, as JSON types."""
        task = self.model.task
        fields = {} if self.model.vocabulary is None else {one.name: one.kind for one in self.model.vocabulary.fields}
        return {
            "name": self.name,
            "version": self.version,
            "loaded": self.loaded,
            "task": task.kind,
            "level": task.level,
            "classes": [str(name) for name in task.classes],
            "channels": list(self.model.channels),
            "metadata": {name: kind for name, kind in fields.items() if kind != "ignore"},
            "accepts_missing": self.model.accepts_missing,
            "reads_clock": self.model.reads_clock,
        }


class ModelRegistry:
    """All models of a server.

    Parameters
    ----------
    sources
        Run folders, model folders or exported files; the name of each is its model's.
    load
        Loads one of them.
    limits
        Of requests.

    Raises
    ------
    ParameterError
        If two models have the same name.
    """

    def __init__(self, sources: Sequence[Path], load: Load, limits: ServerLimits) -> None:
        self.metrics = ServerMetrics()
        self.sources = {_name_of(source): source.resolve() for source in sources}
        if len(self.sources) < len(sources):
            names = [_name_of(source) for source in sources]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ParameterError(f"expected models with distinct names, got {listing(twice)} twice; rename a folder")
        self._load = load
        self.marks = {name: _mark(source) for name, source in self.sources.items()}
        self.models = {name: self._served(name) for name in self.sources}
        self.passes = {name: Passes(name, limits, self.metrics) for name in self.sources}

    def __getitem__(self, name: str) -> ServedModel:
        if name not in self.models:
            raise RequestError(404, f"there is no model {name[:200]!r}{nearest(name[:200], self.models)}")
        return self.models[name]

    async def reload_changed(self) -> None:
        """Load every model whose files have changed; a model that cannot be loaded is kept as it was."""
        for name, source in self.sources.items():
            mark = _mark(source)
            if mark == self.marks[name] or not mark:
                continue
            self.marks[name] = mark
            try:
                self.models[name] = await asyncio.to_thread(self._served, name)
                self.metrics.count("limelight_reloads_total", model=name, result="replaced")
            except LimelightError:
                self.metrics.count("limelight_reloads_total", model=name, result="failed")

    async def watch(self, seconds: float) -> None:
        """Look for changed files again and again."""
        while True:
            await asyncio.sleep(seconds)
            await self.reload_changed()

    def close(self) -> None:
        """End the threads of all passes once they are done."""
        for passes in self.passes.values():
            passes.executor.shutdown()

    def _served(self, name: str) -> ServedModel:
        source = self.sources[name]
        model, reading = self._load(source)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return ServedModel(name, version_of(source), model, reading, now)


def version_of(source: Path) -> str:
    """Compute the version of a model, the beginning of the hash of its files.

    Parameters
    ----------
    source
        A run folder, a model folder or an exported file.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for file in _files_of(source):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _name_of(source: Path) -> str:
    resolved = source.resolve()
    return resolved.stem if resolved.is_file() else resolved.name


def _files_of(source: Path) -> list[Path]:
    """Return the files that a model consists of; none if it is not there."""
    if source.is_file():
        return [source]
    folder = source / "model" if (source / "model").is_dir() else source
    names = ("model.json", "weights.safetensors")
    return [folder / name for name in names if (folder / name).is_file()]


def _mark(source: Path) -> tuple[tuple[int, int, int], ...]:
    """Return what changes if a file of a model is replaced."""
    try:
        states = [file.stat() for file in _files_of(source)]
    except OSError:
        return ()
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in states)
