"""Measure the test accuracy of two networks on real data sets, compared with predicting the most frequent class.

    python -m benchmarks.run.real_sets DATA arrow_head basic_motions italy_power_demand --seeds 5

``DATA`` contains a folder per data set with ``series.parquet``, ``labels.csv`` and ``split.csv``. The test set is
scored once per seed and model and is not used for any choice. Prints a table and writes
``benchmarks/results/real_sets.json``.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import torch

from benchmarks.result_files import describe_environment, write_results
from limelight.config.reading import read_experiment
from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
from limelight.runs.dataset import Dataset, read_data
from limelight.training.fit import fit

MODELS: dict[str, dict[str, Any]] = {
    "conv_lstm": {"model.encoder": "conv_lstm"},
    "attention_bilstm": {"preset": "attention_bilstm"},
}


def fit_and_score(data: Dataset, changes: dict[str, Any], folder: Path, seed: int) -> tuple[float, float]:
    """Fit one model; return its test accuracy and the seconds of training."""
    experiment = read_experiment(folder, {**changes, "seed": seed})
    validation = data.validation
    fitted = fit(data.part("train"), data.task, experiment.model, validation=validation, seed=seed)
    test = data.part("test")
    return score_prediction(fitted.model.predict(test), test.require_labels())["accuracy"], fitted.seconds


def main() -> None:
    """Run every data set, model and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("sets", nargs="+", help="names of the data sets")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    print(f"{'set':22}{'model':20}{'accuracy':>10}{'spread':>9}{'lowest':>9}{'highest':>9}{'seconds':>9}")
    for name in options.sets:
        folder = options.data / name
        data = read_data(read_experiment(folder))
        test = data.part("test")
        baseline = score_baseline(data.part("train").require_labels(), test.require_labels(), data.task)["accuracy"]
        print(f"{name:22}{'most frequent':20}{baseline:10.3f}", flush=True)
        results[name] = {"baseline": baseline}
        for model, changes in MODELS.items():
            runs = [fit_and_score(data, changes, folder, seed) for seed in range(options.seeds)]
            scores, seconds = zip(*runs, strict=True)
            spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
            mean, time = statistics.mean(scores), statistics.median(seconds)
            print(
                f"{'':22}{model:20}{mean:10.3f}{spread:9.3f}{min(scores):9.3f}{max(scores):9.3f}{time:9.1f}", flush=True
            )
            results[name][model] = {"accuracy": scores, "seconds": seconds}
    environment = describe_environment("limelight", "torch", "lightning", "numpy", threads=torch.get_num_threads())
    write_results("real_sets", {**environment, "sets": results})


if __name__ == "__main__":
    main()
