"""Measure what metadata add to accuracy, on a generated data set and on three real ones.

    python -m benchmarks.run.metadata DATA --seeds 5

``DATA`` contains the folders dodger_loop, pbcseq and spar_watch. Each experiment file in ``examples`` is run with the
encoder ``conv_lstm``, which supports every fusion, once as it is and once with ``"fusion": []``. The test set is scored
once per seed and is not used for any choice. Writes ``benchmarks/results/metadata.json`` and
``docs/pictures/modes.png``, which shows the attention of one model to the same series with two values of its metadata.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import matplotlib as mpl
import pyarrow as pa
import torch

from benchmarks.result_files import EXAMPLES, PICTURES, describe_environment, write_results
from limelight.config.reading import read_experiment
from limelight.config.sections import Experiment
from limelight.data.align import align
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
from limelight.explanation.methods.attention import explain_attention
from limelight.explanation.quality.localisation import score_localisation
from limelight.runs.dataset import read_data
from limelight.training.fit import fit

mpl.use("agg")
PICTURE = PICTURES / "modes.png"
SETS = ("dodger_loop", "pbcseq", "spar_watch")
SCORES = ("accuracy", "balanced_accuracy")
MODE_TYPES = ("category", "number", "boolean", "text", "signal")
PATIENT = {"max_epochs": 30, "patience": 30}
"""The label is an exclusive or, which brings no gain in the first epochs; the default patience would stop too early."""
FUSIONS = ("late", "repeat", "attention", "film")


def score_real(name: str, folder: Path, seeds: int) -> dict[str, Any]:
    """Run one example with and without its metadata, with each seed."""
    scores: dict[str, Any] = {"with": [], "without": []}
    for seed in range(seeds):
        changes = {"data.folder": str(folder / name), "model.encoder": "conv_lstm", "seed": seed}
        experiment = read_experiment(EXAMPLES / f"{name}.json", changes)
        plain = experiment.model_copy(update={"model": replace(experiment.model, fusion=())})
        scores["with"].append(fit_and_score(experiment))
        scores["without"].append(fit_and_score(plain))
    data = read_data(experiment)
    train, test = (data.part(part).require_labels() for part in ("train", "test"))
    scores["commonest"] = {key: score_baseline(train, test, data.task)[key] for key in SCORES}
    return scores


def fit_and_score(experiment: Experiment) -> dict[str, float]:
    """Fit the model of an experiment and score it on the test set."""
    data = read_data(experiment)
    training = fit(
        data.part("train"),
        data.task,
        experiment.model,
        validation=data.validation,
        settings=experiment.training,
        seed=experiment.seed,
        progress=False,
        fields=experiment.data.fields,
    )
    test = data.part("test")
    scores = score_prediction(training.model.predict(test), test.require_labels())
    return {**{key: scores[key] for key in SCORES}, "seconds": training.seconds}


def draw_bumps(mode_as: str, seed: int) -> tuple[Panel, Panel]:
    """Generate the planted data set and split it into training and test series."""
    settings = BumpSettings(dataset_size=1200, num_points=60, noise=0.2, mode_as=mode_as)  # type: ignore[arg-type]
    panel, modes = generate_bumps(settings, seed)
    train, test = (panel if modes is None else align(panel, modes)).split(test=0.25)
    return train, test


def score_planted(seeds: int) -> dict[str, list[float]]:
    """Return test accuracies on the planted data set for each fusion, each type of field, and without metadata."""
    settings: dict[str, tuple[str, Any]] = {f"fusion {fusion}": ("category", fusion) for fusion in FUSIONS}
    settings |= {f"mode as {mode_as}": (mode_as, "auto") for mode_as in MODE_TYPES}
    settings["without metadata"] = ("category", [])
    scores: dict[str, list[float]] = {name: [] for name in settings}
    for seed in range(seeds):
        for name, (mode_as, fusion) in settings.items():
            train, test = draw_bumps(mode_as, seed)
            model = TimeSeriesClassifier(
                "conv_lstm", fusion=fusion, random_state=seed, training=PATIENT, progress=False
            )
            scores[name].append(float(model.fit(train).score(test, test.labels)))
    return scores


def measure_attention() -> dict[str, Any]:
    """Measure where the attention of one model lies under either mode, and plot it for one series."""
    train, test = draw_bumps("category", 0)
    model = (
        TimeSeriesClassifier("conv_lstm", fusion="attention", random_state=0, training=PATIENT, progress=False)
        .fit(train)
        .model_
    )
    shares = {}
    assert test.metadata is not None
    own = test.metadata["mode"].to_pylist()
    swapped = ["late" if mode == "early" else "early" for mode in own]
    for title, modes in {"its own mode": own, "the other mode": swapped}.items():
        panel = test.replace(metadata=pa.table({"mode": modes}))
        localisation = score_localisation(model.predict(panel, attention=True), panel)
        assert localisation is not None
        shares[title] = {
            key: localisation[key] for key in ("attention_inside", "attention_inside_uniform", "peak_inside")
        }
    modes = [own[0], swapped[0]]
    both = test[[0, 0]].replace(metadata=pa.table({"mode": modes}), ids=[f"mode {mode}" for mode in modes], labels=None)
    figure = explain_attention(model, both).plot()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    return shares


def main() -> None:
    """Measure attention, the planted data set and the real ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    environment = describe_environment("limelight", "torch", "lightning", "numpy", threads=torch.get_num_threads())
    results: dict[str, Any] = {**environment, "attention": measure_attention()}
    for title, shares in results["attention"].items():
        print(f"{title}: {shares}", flush=True)
    results["planted"] = score_planted(min(3, options.seeds))
    for name, scores in results["planted"].items():
        print(f"{name:20}{statistics.mean(scores):8.3f}  {min(scores):.3f} to {max(scores):.3f}", flush=True)
    results["real"] = {}
    for name in SETS:
        results["real"][name] = one = score_real(name, options.data, options.seeds)
        for variant in ("without", "with"):
            scores = [run["balanced_accuracy"] for run in one[variant]]
            print(f"{name:14}{variant:9}{statistics.mean(scores):8.3f} ± {statistics.stdev(scores):.3f}", flush=True)
    write_results("metadata", results)


if __name__ == "__main__":
    main()
