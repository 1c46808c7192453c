"""Run the experiment files in ``examples`` with several seeds and compare their test scores with a baseline.

    python -m benchmarks.run.examples DATA japanese_vowels plaid weather_events suthaharan --seeds 5

``DATA`` contains a folder per data set, as ``examples/data.py`` writes them. The experiments run as ``limelight train``
runs them, without measuring explanations; settings that a file does not name have their defaults. The baseline predicts
the label frequencies of the training set. The test set is scored once per seed and is not used for any choice. Prints a
table and writes ``benchmarks/results/examples.json``, which keeps the data sets of earlier runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import torch

from benchmarks.result_files import EXAMPLES, describe_environment, read_results, write_results
from limelight.config.reading import read_experiment
from limelight.runs.dataset import read_data
from limelight.runs.train import run_experiment

SCORES = ("f1", "balanced_accuracy", "average_precision", "accuracy")


def score(name: str, folder: Path, seeds: int) -> dict[str, Any]:
    """Run one example with each seed."""
    runs: list[dict[str, Any]] = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as output:
            changes = {"data.folder": str(folder), "seed": seed, "explain": False, "output": f"{output}/run"}
            experiment = read_experiment(EXAMPLES / f"{name}.json", changes)
            run = run_experiment(experiment, progress=False)
        fitted = run.training
        runs.append(
            {
                **headline(run.metrics),
                "seconds": fitted.seconds + fitted.choosing,
                "model": fitted.model.architecture.describe(),
                "notes": fitted.notes,
            }
        )
    return {
        "series": read_data(experiment).panel.describe(),
        "task": run.metrics["task"],
        "counts": run.metrics["counts"],
        "decision": experiment.to_json()["decision"],
        "baseline": select_scores(run.metrics["baseline"]),
        "runs": runs,
    }


def select_scores(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the scores to compare; F1 is the mean over classes or labels, also for two classes."""
    return {**{key: scores[key] for key in SCORES}, "f1": scores["macro"]["f1"]}


def headline(metrics: dict[str, Any]) -> dict[str, Any]:
    """Select the numbers of a run to compare; a number that the experiment does not have is None."""
    decision = metrics["decision"] or {}
    calibration, sets = decision.get("calibration"), decision.get("sets")
    error = "expected_calibration_error"
    return {
        **select_scores(metrics["test"]),
        "per_class": {label: one["f1"] for label, one in metrics["test"]["per_class"].items()},
        "events": metrics["events"] and metrics["events"]["micro"],
        "calibration_error": calibration and {when: calibration[when][error] for when in ("before", "after")},
        "coverage": sets and {key: sets[key] for key in ("target", "coverage", "mean_size")},
    }


def main() -> None:
    """Run every example with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("sets", nargs="+", help="names of experiment files in examples")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'set':20}{'baseline':>10}{'f1':>7}{'spread':>8}{'balanced':>10}{'precision':>10}{'seconds':>9}")
    for name in options.sets:
        one = score(name, options.data / name, options.seeds)
        values = {key: [run[key] or 0.0 for run in one["runs"]] for key in (*SCORES, "seconds")}
        spread = statistics.stdev(values["f1"]) if options.seeds > 1 else 0.0
        means = {key: statistics.mean(numbers) for key, numbers in values.items()}
        print(
            f"{name:20}{one['baseline']['f1'] or 0:10.3f}{means['f1']:7.3f}{spread:8.3f}"
            f"{means['balanced_accuracy']:10.3f}{means['average_precision']:10.3f}{statistics.median(values['seconds']):9.1f}",
            flush=True,
        )
        environment = describe_environment("limelight", "torch", "lightning", "numpy", threads=torch.get_num_threads())
        sets = {**read_results("examples").get("sets", {}), name: one}
        write_results("examples", {**environment, "sets": sets})


if __name__ == "__main__":
    main()
