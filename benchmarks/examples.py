"""Test scores of the experiment files in ``examples`` over several seeds, next to knowing only how frequent labels are.

    python benchmarks/examples.py DATA japanese_vowels plaid weather_events suthaharan --seeds 5

``DATA`` holds a folder for each set, as ``examples/data.py`` makes them. Everything that is not in an experiment file is
the default. The test part is scored once for each seed; nothing is chosen by it. Prints a table and writes
``benchmarks/results/examples.json``, where sets of earlier runs stay.
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
from limelight.data.splitting.splits import PARTS
from limelight.evaluation.decision.rule import fit_decision
from limelight.runs.dataset import independent_series, read_data
from limelight.runs.scores import score_answers
from limelight.training.fit import fit

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
RESULTS = HERE / "results" / "examples.json"
SCORES = ("f1", "balanced_accuracy", "average_precision", "accuracy")


def score(name: str, folder: Path, seeds: int) -> dict[str, Any]:
    """Train and score one example with each seed."""
    runs: list[dict[str, Any]] = []
    for seed in range(seeds):
        experiment = read_experiment(EXAMPLES / f"{name}.json", {"data.folder": str(folder), "seed": seed})
        data = read_data(experiment)
        train, validation = data.part("train"), data.validation
        training = fit(
            train,
            data.task,
            experiment.model,
            validation=validation,
            settings=experiment.training,
            seed=seed,
            progress=False,
            fields=experiment.data.fields,
        )
        calibration_data, logits = training.calibration_data(
            train, validation, alone=independent_series(experiment, train)
        )
        model = fit_decision(training.model, calibration_data, experiment.decision, logits)
        test = data.part("test")
        found = score_answers(model, model.predict(test), test, experiment.events)
        seconds, architecture = training.seconds + training.choosing, training.model.architecture.describe()
        runs.append({**headline(found), "seconds": seconds, "model": architecture, "notes": training.notes})
    return {
        "series": data.panel.describe(),
        "task": found["task"],
        "counts": {part: len(data.split.part(part)) for part in PARTS},
        "decision": experiment.to_json()["decision"],
        "baseline": scores_of(found["baseline"]),
        "runs": runs,
    }


def scores_of(scores: dict[str, Any]) -> dict[str, Any]:
    """Pick the four scores; F1 is the mean over the classes or labels, also where there are two classes."""
    return {**{key: scores[key] for key in SCORES}, "f1": scores["macro"]["f1"]}


def headline(found: dict[str, Any]) -> dict[str, Any]:
    """Pick the numbers of a run that are compared; None where one is not defined or was not asked for."""
    decision = found["decision"] or {}
    calibration, sets = decision.get("calibration"), decision.get("sets")
    error = "expected_calibration_error"
    return {
        **scores_of(found["test"]),
        "per_class": {label: one["f1"] for label, one in found["test"]["per_class"].items()},
        "events": found["events"] and found["events"]["micro"],
        "calibration_error": calibration and {when: calibration[when][error] for when in ("before", "after")},
        "coverage": sets and {key: sets[key] for key in ("target", "coverage", "mean_size")},
    }


def main() -> None:
    """Run every example and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("sets", nargs="+", help="names of examples")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'set':20}{'by shares':>10}{'f1':>7}{'spread':>8}{'balanced':>10}{'precision':>10}{'seconds':>9}")
    for name in options.sets:
        one = score(name, options.data / name, options.seeds)
        of = {key: [run[key] or 0.0 for run in one["runs"]] for key in (*SCORES, "seconds")}
        spread = statistics.stdev(of["f1"]) if options.seeds > 1 else 0.0
        means = {key: statistics.mean(values) for key, values in of.items()}
        print(
            f"{name:20}{one['baseline']['f1'] or 0:10.3f}{means['f1']:7.3f}{spread:8.3f}"
            f"{means['balanced_accuracy']:10.3f}{means['average_precision']:10.3f}{statistics.median(of['seconds']):9.1f}",
            flush=True,
        )
        found: dict[str, Any] = json.loads(RESULTS.read_text())["sets"] if RESULTS.exists() else {}
        found[name] = one
        machine = {"processor": platform.machine(), "threads": torch.get_num_threads()}
        versions = {package: version(package) for package in ("limelight", "torch", "lightning", "numpy")}
        RESULTS.write_text(json.dumps({"machine": machine, "versions": versions, "sets": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
