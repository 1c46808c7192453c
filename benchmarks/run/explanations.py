"""Which explanation is right about a model, and what each takes: sine waves and two real sets.

    python benchmarks/explanations.py DATA --seeds 3

``DATA`` holds the folders italy_power_demand and basic_motions. ``conv_lstm`` and ``rocket``, fitted on the training part;
test series are explained, other series are drawn from the training part, and nothing is chosen by it. The waves have one
seed. Writes
``benchmarks/results/explanations.json`` and, with ``--pictures``, ``docs/pictures/explanation.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import numpy as np
import torch
from matplotlib.figure import Figure

from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.evaluation.metrics.scoring import score_prediction
from limelight.explanation.methods.registry import explain, methods_of
from limelight.explanation.quality.faithfulness import faithfulness
from limelight.explanation.quality.sanity import sanity
from limelight.model.fitted import FittedModel
from limelight.parts.architecture import Architecture
from limelight.runs.dataset import read_data
from limelight.task import Task
from limelight.training.fit import fit
from limelight.training.settings import TrainingSettings

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "explanations.json"
PICTURE = HERE.parent / "docs" / "pictures" / "explanation.png"
SETS = ("italy_power_demand", "basic_motions")
ENCODERS = ("conv_lstm", "rocket")
WAVES = {"dataset_size": 1_500, "num_points": 500}
EPOCHS = 25
COMPARED = 20


def waves(encoder: str, seed: int) -> tuple[FittedModel, Panel, Panel]:
    """Fit a network to sine waves."""
    train, test = generate_sine(SineSettings(**WAVES), seed + 1).split(test=0.2)  # type: ignore[arg-type]
    task = Task.from_labels(train.require_labels(), "anomalous")
    settings = TrainingSettings.checked(max_epochs=EPOCHS, patience=EPOCHS)
    model = fit(train, task, Architecture.of(encoder), settings=settings, seed=seed, progress=False).model
    return model, train, test


def real(folder: Path, encoder: str, seed: int) -> tuple[FittedModel, Panel, Panel]:
    """Fit a network to a real set."""
    experiment = read_experiment(folder, {"seed": seed})
    data = read_data(experiment)
    validation = data.validation
    train, test, architecture = data.part("train"), data.part("test"), Architecture.of(encoder)
    return fit(train, data.task, architecture, validation=validation, seed=seed, progress=False).model, train, test


def measure(name: str, model: FittedModel, train: Panel, test: Panel, seed: int) -> dict[str, Any]:
    """Measure every method on one model."""
    found = faithfulness(model, test, background=train, seed=seed)
    found["accuracy"] = score_prediction(model.predict(test), test.require_labels())["accuracy"]
    rows = np.random.default_rng(seed).permutation(len(test))[:COMPARED]
    found["sanity"] = sanity(model, test[rows], methods_of(model), seed=seed, background=train)
    if "gradients" in methods_of(model):
        found["completeness"] = {str(points): missed(model, test[rows], points) for points in (64, 256, None)}
    print(f"{name}, seed {seed}: accuracy {found['accuracy']:.3f}. {found['said']}", flush=True)
    for method, one in found["methods"].items():
        numbers = " ".join(f"{one[key]:9.3f}" for key in ("deletion", "insertion", "gain", "error"))
        inside = "" if one["overlap"] is None else f" inside {one['overlap']['inside']:.3f}"
        kept = found["sanity"].get(method, {}).get("signed")
        print(f"  {method:12}{numbers}{inside}" + ("" if kept is None else f" kept {kept:.2f}"), flush=True)
    print(f"  completeness {found.get('completeness', 'does not apply')}", flush=True)
    return found


def missed(model: FittedModel, panel: Panel, points: int | None) -> dict[str, float]:
    """Say by how much the sums of gradients miss, in log odds, beside what they should sum to."""
    shown = explain(model, panel, "gradients", points=points)
    assert shown.completeness is not None
    wanted = np.array([one.sum() for one in shown.importance]) - shown.completeness
    off = np.abs(shown.completeness)
    return {"median": float(np.median(off)), "largest": float(off.max()), "wanted": float(np.median(np.abs(wanted)))}


def seconds(model: FittedModel, panel: Panel, background: Panel) -> dict[str, list[float]]:
    """Time every method three times."""
    taken: dict[str, list[float]] = {}
    for name in methods_of(model):
        settings = {"background": background} if name == "occlusion" else {}
        taken[name] = []
        for _ in range(3):
            started = time.perf_counter()
            explain(model, panel, name, **settings)
            taken[name].append(round(time.perf_counter() - started, 3))
        print(f"{name:12}{statistics.median(taken[name]):8.2f} s for {len(panel)} series", flush=True)
    return taken


def picture(models: Sequence[FittedModel], train: Panel, test: Panel) -> None:
    """Draw one held wave by every method of each model."""
    assert test.labels is not None
    (row,) = np.flatnonzero(test.labels == "anomalous")[:1]
    named = [(model, name) for model in models for name in methods_of(model)]
    figure = Figure(figsize=(8.0, 2.2 * len(named)), layout="constrained")
    for ax, (model, name) in zip(figure.subplots(len(named), 1), named, strict=True):
        settings = {"background": train} if name == "occlusion" else {}
        explain(model, test[[int(row)]], name, **settings).plot(ax=ax)
        title = f"{name} of {model.architecture.encoder.name}. {ax.get_title(loc='left')}"
        ax.set_title(title, loc="left", fontsize="medium", pad=20)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "threads": torch.get_num_threads()},
        "versions": {package: version(package) for package in ("limelight", "torch", "captum", "numpy")},
        "sets": {},
    }
    found["seconds"] = {}
    drawn = []
    for encoder in ENCODERS:
        for name in SETS:
            models = [(seed, *real(options.data / name, encoder, seed)) for seed in range(options.seeds)]
            measured = [measure(f"{encoder} on {name}", *parts, seed) for seed, *parts in models]
            found["sets"].setdefault(name, {})[encoder] = measured
        model, train, test = waves(encoder, 0)
        found["sets"].setdefault("sine", {})[encoder] = [measure(f"{encoder} on sine", model, train, test, 0)]
        found["seconds"][encoder] = seconds(model, test[:100], train)
        drawn.append(model)
    if options.pictures:
        picture(drawn, train, test)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
