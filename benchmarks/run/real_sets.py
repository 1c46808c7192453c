"""Test accuracy on real sets over several seeds, next to always giving the commonest class.

    python benchmarks/real_sets.py DATA arrow_head basic_motions italy_power_demand --seeds 5

``DATA`` holds a folder for each set, with ``series.parquet``, ``labels.csv`` and ``split.csv``. The test part is scored
once for each seed and model; nothing is chosen by it. Prints a table and writes ``benchmarks/results/real_sets.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import torch

from limelight.config.reading import read_experiment
from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
from limelight.runs.dataset import Dataset, read_data
from limelight.training.fit import fit

MODELS: dict[str, dict[str, Any]] = {
    "conv_lstm": {"encoder": "conv_lstm"},
    "attention_bilstm": {"preset": "attention_bilstm"},
}


def accuracy_of(data: Dataset, changes: dict[str, Any], folder: Path, seed: int) -> tuple[float, float]:
    """Train once; give test accuracy and seconds of training."""
    experiment = read_experiment(folder, {**changes, "seed": seed})
    validation = data.validation
    training = fit(data.part("train"), data.task, experiment.model, validation=validation, seed=seed)
    test = data.part("test")
    return score_prediction(training.model.predict(test), test.require_labels())["accuracy"], training.seconds


def main() -> None:
    """Run every set, model and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("sets", nargs="+", help="names of the sets")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    print(f"{'set':22}{'model':20}{'accuracy':>10}{'spread':>9}{'lowest':>9}{'highest':>9}{'seconds':>9}")
    for name in options.sets:
        folder = options.data / name
        data = read_data(read_experiment(folder))
        test = data.part("test")
        baseline = score_baseline(data.part("train").require_labels(), test.require_labels(), data.task)["accuracy"]
        print(f"{name:22}{'commonest class':20}{baseline:10.3f}", flush=True)
        found[name] = {"baseline": baseline}
        for model, changes in MODELS.items():
            runs = [accuracy_of(data, changes, folder, seed) for seed in range(options.seeds)]
            scores, seconds = zip(*runs, strict=True)
            spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
            mean, time = statistics.mean(scores), statistics.median(seconds)
            print(
                f"{'':22}{model:20}{mean:10.3f}{spread:9.3f}{min(scores):9.3f}{max(scores):9.3f}{time:9.1f}", flush=True
            )
            found[name][model] = {"accuracy": scores, "seconds": seconds}
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads()}
    versions = {package: version(package) for package in ("limelight", "torch", "lightning", "numpy")}
    file = Path(__file__).parent / "results" / "real_sets.json"
    file.write_text(json.dumps({"machine": machine, "versions": versions, "sets": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
