"""Measure one exported model, or the start of a process that answers one series; ``export`` starts this script.

python export_side.py REQUEST.json RESPONSE.json
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SERIES, REPEATS = 64, 30
KINDS: dict[str, dict[str, Any]] = {
    "rocket": {"encoder": "rocket"},
    "blocks": {"encoder": "blocks"},
    "conv_lstm": {"encoder": "conv_lstm"},
    "inception, conjunctive": {"encoder": "inception", "pooling": "conjunctive", "head": "linear"},
    "lstm, attention": {"encoder": "lstm"},
    "bidirectional lstm": {"encoder": {"name": "lstm", "hidden_size": 32, "bidirectional": True}},
    "gru": {"encoder": "gru"},
    "relu lstm, last": {
        "encoder": {"name": "lstm", "hidden_size": 50, "activation": "relu"},
        "pooling": "last",
        "training": {"learning_rate": 1e-4},
    },
}


def draw(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise, with a wave in every second series."""
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(SERIES, steps, 1)), np.arange(SERIES) % 2
    values[1::2] += np.sin(np.arange(steps) / 5)[:, None]
    return values, labels


def milliseconds(*calls: Callable[[], Any]) -> list[float]:
    """Return the median processor time of each call; the calls take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(REPEATS):
        for own, call in zip(times, calls, strict=True):
            started = time.process_time()
            call()
            own.append(1_000 * (time.process_time() - started))
    return [float(np.median(own)) for own in times]


def measure(kind: str, steps: int, folder: Path) -> dict[str, Any]:
    """Fit, export and predict; the model and its file stay in the folder."""
    import torch

    from limelight import Panel, TimeSeriesClassifier
    from limelight.runtime import open_model

    torch.set_num_threads(1)
    values, labels = draw(steps)
    settings = {"max_epochs": 1, "random_state": 0, "progress": False}
    classifier = TimeSeriesClassifier(**KINDS[kind], **settings).fit(values, labels)
    model = classifier.model_
    classifier.save(folder / "model")
    started = time.process_time()
    file = classifier.export(folder / "model.onnx")
    written = 1_000 * (time.process_time() - started)
    exported = open_model(file, threads=1)
    lengths = np.random.default_rng(1).integers(1, 2 * steps, 60)
    ragged = Panel.from_series([np.random.default_rng(length).normal(size=(length, 1)) for length in lengths])
    pairs = [
        (model.predict(one).probabilities, exported.predict(one).probabilities)
        for one in (ragged, Panel.from_series(values))
    ]
    found: dict[str, Any] = {
        "model_kb": (folder / "model" / "weights.safetensors").stat().st_size / 1024,
        "file_kb": file.stat().st_size / 1024,
        "write_ms": written,
        "difference": max(float(np.abs(own - other).max()) for own, other in pairs),
    }
    for count in (1, 64):
        some = Panel.from_series(values[:count])
        own, other = milliseconds(lambda some=some: model.predict(some), lambda some=some: exported.predict(some))
        found |= {f"own_{count}": own, f"onnx_{count}": other}
    if model.architecture.encoder.has_evidence:
        found["evidence"] = measure_evidence(classifier, values, ragged, folder)
    return found


def measure_evidence(classifier: Any, values: np.ndarray, ragged: Any, folder: Path) -> dict[str, float]:
    """Export fixed features with evidence, and compare it with that of the model itself."""
    from limelight import Panel
    from limelight.explanation.methods.evidence import explain_evidence
    from limelight.runtime import open_model

    model, positive = classifier.model_, classifier.classes_[1]
    exported = open_model(classifier.export(folder / "evidence.onnx", evidence=True), threads=1)
    pairs = zip(exported.evidence(ragged)[0], explain_evidence(model, ragged, positive).importance, strict=True)
    found = {
        "file_kb": (folder / "evidence.onnx").stat().st_size / 1024,
        "difference": max(float(np.abs(one[0] - other).max()) for one, other in pairs),
    }
    for count in (1, 64):
        some = Panel.from_series(values[:count])
        own, other = milliseconds(
            lambda some=some: explain_evidence(model, some, positive), lambda some=some: exported.evidence(some)
        )
        found |= {f"own_{count}": own, f"onnx_{count}": other}
    return found


def answer_once(engine: str, folder: Path) -> dict[str, Any]:
    """Start with nothing imported, and answer one series."""
    values, _ = draw(150)
    if engine == "onnx":
        import limelight.runtime

        model: Any = limelight.runtime.open_model(folder / "model.onnx", threads=1)
        shares = model.predict(values[:1]).probabilities
    else:
        import limelight

        shares = limelight.load(folder / "model").predict_proba(values[:1])
    return {"probability": float(shares[0, 0]), "torch": "torch" in sys.modules}


def main() -> None:
    """Answer the request."""
    request: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    if request["work"] == "start":
        response = answer_once(request["engine"], Path(request["folder"]))
    elif "folder" in request:
        response = measure(request["kind"], request["steps"], Path(request["folder"]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            response = measure(request["kind"], request["steps"], Path(folder))
    Path(sys.argv[2]).write_text(json.dumps(response))


if __name__ == "__main__":
    main()
