"""Measure how faithful each explanation method is to the model, and how long it takes.

    python -m benchmarks.run.explanations DATA --seeds 3

``DATA`` contains the folders italy_power_demand and basic_motions; the third data set is generated sine waves, with one
seed. ``conv_lstm`` and ``rocket`` are fitted on the training set, explanations are measured on test series, and the
background comes from the training set. The test set is not used for any choice. Writes
``benchmarks/results/explanations.json`` and, with ``--pictures``, ``docs/pictures/explanation.png``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.result_files import PICTURES, describe_environment, write_results
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

PICTURE = PICTURES / "explanation.png"
SETS = ("italy_power_demand", "basic_motions")
ENCODERS = ("conv_lstm", "rocket")
WAVES = {"dataset_size": 1_500, "num_points": 500}
EPOCHS = 25
SANITY_SERIES = 20


def fit_waves(encoder: str, seed: int) -> tuple[FittedModel, Panel, Panel]:
    """Fit a model to sine waves; return it with the training and test series."""
    train, test = generate_sine(SineSettings(**WAVES), seed + 1).split(test=0.2)
    task = Task.from_labels(train.require_labels(), "anomalous")
    settings = TrainingSettings.checked(max_epochs=EPOCHS, patience=EPOCHS)
    model = fit(train, task, Architecture.of(encoder), settings=settings, seed=seed, progress=False).model
    return model, train, test


def fit_real(folder: Path, encoder: str, seed: int) -> tuple[FittedModel, Panel, Panel]:
    """Fit a model to a real data set; return it with the training and test series."""
    experiment = read_experiment(folder, {"seed": seed})
    data = read_data(experiment)
    validation = data.validation
    train, test, architecture = data.part("train"), data.part("test"), Architecture.of(encoder)
    return fit(train, data.task, architecture, validation=validation, seed=seed, progress=False).model, train, test


def measure(name: str, model: FittedModel, train: Panel, test: Panel, seed: int) -> dict[str, Any]:
    """Measure every explanation method on one model."""
    measured = faithfulness(model, test, background=train, seed=seed)
    measured["accuracy"] = score_prediction(model.predict(test), test.require_labels())["accuracy"]
    rows = np.random.default_rng(seed).permutation(len(test))[:SANITY_SERIES]
    measured["sanity"] = sanity(model, test[rows], methods_of(model), seed=seed, background=train)
    if "gradients" in methods_of(model):
        measured["completeness"] = {
            str(points): completeness_error(model, test[rows], points) for points in (64, 256, None)
        }
    print(f"{name}, seed {seed}: accuracy {measured['accuracy']:.3f}. {measured['verdict']}", flush=True)
    for method, one in measured["methods"].items():
        numbers = " ".join(f"{one[key]:9.3f}" for key in ("deletion", "insertion", "gain", "error"))
        inside = "" if one["overlap"] is None else f" inside {one['overlap']['inside']:.3f}"
        similarity = measured["sanity"].get(method, {}).get("signed")
        sanity_check = "" if similarity is None else f" correlation with random weights {similarity:.2f}"
        print(f"  {method:12}{numbers}{inside}{sanity_check}", flush=True)
    print(f"  completeness {measured.get('completeness', 'does not apply')}", flush=True)
    return measured


def completeness_error(model: FittedModel, panel: Panel, points: int | None) -> dict[str, float]:
    """Compute how far sums of integrated gradients are from their target, and the size of the target, in log odds."""
    explanation = explain(model, panel, "gradients", points=points)
    assert explanation.completeness is not None
    target = np.array([one.sum() for one in explanation.importance]) - explanation.completeness
    error = np.abs(explanation.completeness)
    return {
        "median": float(np.median(error)),
        "largest": float(error.max()),
        "wanted": float(np.median(np.abs(target))),
    }


def time_methods(model: FittedModel, panel: Panel, background: Panel) -> dict[str, list[float]]:
    """Measure the seconds that every explanation method takes, three times."""
    seconds: dict[str, list[float]] = {}
    for name in methods_of(model):
        settings = {"background": background} if name == "occlusion" else {}
        seconds[name] = []
        for _ in range(3):
            started = time.perf_counter()
            explain(model, panel, name, **settings)
            seconds[name].append(round(time.perf_counter() - started, 3))
        print(f"{name:12}{statistics.median(seconds[name]):8.2f} s for {len(panel)} series", flush=True)
    return seconds


def draw_picture(models: Sequence[FittedModel], train: Panel, test: Panel) -> None:
    """Plot one anomalous wave with the explanations of every model and method."""
    assert test.labels is not None
    (row,) = np.flatnonzero(test.labels == "anomalous")[:1]
    pairs = [(model, name) for model in models for name in methods_of(model)]
    figure = Figure(figsize=(8.0, 2.2 * len(pairs)), layout="constrained")
    for ax, (model, name) in zip(figure.subplots(len(pairs), 1), pairs, strict=True):
        settings = {"background": train} if name == "occlusion" else {}
        explain(model, test[[int(row)]], name, **settings).plot(ax=ax)
        title = f"{name} of {model.architecture.encoder.name}. {ax.get_title(loc='left')}"
        ax.set_title(title, loc="left", fontsize="medium", pad=20)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    """Measure every model and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", action="store_true")
    options = parser.parse_args()
    environment = describe_environment("limelight", "torch", "captum", "numpy", threads=torch.get_num_threads())
    results: dict[str, Any] = {**environment, "sets": {}, "seconds": {}}
    models = []
    for encoder in ENCODERS:
        for name in SETS:
            fitted = [(seed, *fit_real(options.data / name, encoder, seed)) for seed in range(options.seeds)]
            measured = [measure(f"{encoder} on {name}", *parts, seed) for seed, *parts in fitted]
            results["sets"].setdefault(name, {})[encoder] = measured
        model, train, test = fit_waves(encoder, 0)
        results["sets"].setdefault("sine", {})[encoder] = [measure(f"{encoder} on sine", model, train, test, 0)]
        results["seconds"][encoder] = time_methods(model, test[:100], train)
        models.append(model)
    if options.pictures:
        draw_picture(models, train, test)
    write_results("explanations", results)


if __name__ == "__main__":
    main()
