"""Random inputs: each is read, used and written, and must read back equal."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

import limelight
from campaigns import strategies
from campaigns.array_campaign import ARRAYS, estimator
from campaigns.tally import Tally
from limelight.config.reading import read_experiment
from limelight.data.array_labels import attach_labels
from limelight.model.vocabulary import Vocabulary, fit_vocabulary
from support.strategies import assert_equal, panels

SERIES = 12


def read_and_write(content: bytes) -> None:
    """Read a table, write it as limelight does, and read it again; AssertionError unless both are equal."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "series.csv"
        file.write_bytes(content)
        panel = limelight.read_table(file)
        repr(panel)
        written_again(panel)


def written_again(panel: limelight.Panel) -> None:
    """Write a panel as a table and as a store, and read both; AssertionError unless all are equal."""
    kept = panel.replace(labels=None, label_names=None, intervals=None, metadata=None, notes=())
    with tempfile.TemporaryDirectory() as folder:
        limelight.write_table(kept, Path(folder))
        table = limelight.read_table(Path(folder) / "series.parquet", per_step=kept.step_labels is not None)
        assert_equal(kept, table.replace(notes=()))
        limelight.write_store(kept, Path(folder) / "store")
        assert_equal(kept, limelight.open_store(Path(folder) / "store").compact().replace(notes=()))


EXPERIMENT = {
    "data": {"series": "series.csv", "labels": "labels.csv", "channels": ["x"], "missing_values": [-999]},
    "model": {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "last", "head": "linear", "fusion": ["late"]},
    "training": {"max_epochs": 1, "learning_rate": 0.01, "batch_size": 8},
    "split": {"test": 0.2, "by": "random"}, "decision": {"thresholds": "f1"}, "windows": {"length": 10, "stride": 5},
    "seed": 3, "output": "run",
}  # fmt: skip


def read_changed_experiment(content: Any) -> None:
    """Write a changed experiment file and read it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "e.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        read_experiment(file)


def attach(labels: list[Any]) -> None:
    """Attach labels to series, and write and read them."""
    panel = attach_labels(limelight.Panel.from_series(list(ARRAYS["table"]())), labels)
    repr(panel)
    with tempfile.TemporaryDirectory() as folder:
        limelight.write_table(panel, Path(folder))
        limelight.write_store(panel, Path(folder) / "store")


def encode(metadata: Any) -> None:
    """Fit a vocabulary to metadata, encode them, and encode them again when it is restored from JSON."""
    panel = limelight.Panel.from_series(list(ARRAYS["table"]()), metadata=metadata)
    vocabulary = fit_vocabulary(panel.metadata)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json(), allow_nan=False)))
    one, other = (known.encode(panel.metadata, SERIES) for known in (vocabulary, again))
    for name, left in vars(one).items():
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, getattr(other, name))


@cache
def folder_of(kind: str) -> Path:
    """Return a folder with a model or a store, written once."""
    folder = Path(tempfile.mkdtemp(prefix="limelight-campaign-"))
    panel = limelight.Panel.from_series(
        list(ARRAYS["table"]()), labels=["a", "b"] * (SERIES // 2), metadata={"site": ["x", "y", None] * (SERIES // 3)}
    )
    if kind == "store":
        return limelight.write_store(panel, folder / kind)
    return estimator().fit(panel).save(folder / kind)


def open_damaged(kind: str, name: str, content: Any) -> None:
    """Replace a file of a model or a store, with a matching hash, open the folder, and use it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / kind
        shutil.copytree(folder_of(kind), place)
        (place / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        if name == "weights.safetensors":
            description = json.loads((place / "model.json").read_text())
            description["weights_sha256"] = hashlib.sha256((place / name).read_bytes()).hexdigest()
            (place / "model.json").write_text(json.dumps(description))
        if kind == "store":
            panel = limelight.open_store(place)
            repr(panel)
            _ = [panel.series(row) for row in range(len(panel))]
        else:
            model = limelight.load(place)
            model.predict(limelight.Panel.from_series(list(ARRAYS["table"]()), metadata={"site": ["x"] * SERIES}))


@st.composite
def damages(draw: st.DrawFn, kind: str) -> tuple[str, str, Any]:
    """A file of a model or a store, and what it is replaced by."""
    names = sorted(file.name for file in folder_of(kind).iterdir() if file.is_file())
    name = draw(st.sampled_from(names))
    content = (folder_of(kind) / name).read_bytes()
    if name.endswith(".json") and draw(st.integers(0, 3)):
        return kind, name, draw(strategies.changed_json(json.loads(content)))
    if name == "weights.safetensors" and draw(st.booleans()):
        return kind, name, draw(forged_weights(content))
    return kind, name, draw(strategies.damaged(content))


@st.composite
def forged_weights(draw: st.DrawFn, content: bytes) -> bytes:
    """Weights in their format, one tensor of which is lost or has another shape, type or content."""
    tensors = load(content)
    chosen = draw(st.sampled_from(sorted(tensors)))
    number = draw(st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 1e30]))
    tensor = tensors.pop(chosen)
    made = {
        "fill": lambda: tensor.clone().fill_(number) if tensor.is_floating_point() else tensor.clone().fill_(-1),
        "empty": lambda: tensor[:0].clone() if tensor.ndim else tensor,
        "flat": lambda: tensor.reshape(-1).clone(),
        "double": lambda: tensor.double(),
    }
    kind = draw(st.sampled_from(["lose", *made]))
    if kind != "lose":
        tensors[chosen] = made[kind]()
    return save(tensors)


CAMPAIGNS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[..., Any]]] = {
    "CSV tables": (strategies.tables, read_and_write),
    "panels written and read again": (panels, written_again),
    "experiment files": (lambda: strategies.changed_json(EXPERIMENT), read_changed_experiment),
    "lists of labels": (lambda: strategies.labels(SERIES), attach),
    "tables of metadata": (lambda: strategies.metadata(SERIES), encode),
    "stores": (lambda: damages("store"), lambda damage: open_damaged(*damage)),
    "model folders": (lambda: damages("model"), lambda damage: open_damaged(*damage)),
}


def run(name: str, inputs: int, start: int = 0) -> Tally:
    """Try random inputs of one kind, or none; the same ``start`` gives the same inputs."""
    tally = Tally(name)
    if not inputs:
        return tally
    strategy, use = CAMPAIGNS[name]
    for kind in ("model", "store"):  # fitting draws random numbers, which strategies must not
        folder_of(kind)

    @seed(zlib.crc32(f"{name} {start}".encode()))
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy())
    def attempt(value: Any) -> None:
        tally.attempt(f"{value!r:.300}", lambda: use(value))

    attempt()
    return tally
