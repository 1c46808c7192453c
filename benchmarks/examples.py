"""Test scores of the experiment files in ``examples`` over several seeds, next to always giving the commonest class.

    python benchmarks/examples.py DATA japanese_vowels plaid dodger_loop pbcseq --seeds 5

``DATA`` holds a folder for each set. Everything that is not in an experiment file is the default. The test part is
scored once for each seed; nothing is chosen by it. Prints a table and writes ``benchmarks/results/examples.json``,
where sets of earlier runs stay.
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
from limelight.data.splits import PARTS
from limelight.evaluation.metrics import score_baseline, score_prediction
from limelight.runs.series import read_data
from limelight.training.fit import fit

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
RESULTS = HERE / "results" / "examples.json"
SCORES = ("accuracy", "balanced_accuracy", "f1")


def score(name: str, folder: Path, seeds: int) -> dict[str, Any]:
    """Train and score one example with each seed."""
    runs: list[dict[str, float]] = []
    for seed in range(seeds):
        experiment = read_experiment(EXAMPLES / f"{name}.json", {"data.folder": str(folder), "seed": seed})
        data = read_data(experiment)
        validation = data.part("validation") if len(data.split.validation) else None
        training = fit(
            data.part("train"),
            data.task,
            experiment.model,
            validation=validation,
            settings=experiment.training,
            seed=seed,
            progress=False,
            fields=experiment.data.fields,
        )
        test = data.part("test")
        scores = score_prediction(training.model.predict(test), test.require_labels())
        runs.append({**{key: scores[key] for key in SCORES}, "seconds": training.seconds})
    baseline = score_baseline(data.part("train").require_labels(), test.require_labels(), data.task)
    return {
        "model": training.model.sentence.describe(),
        "series": data.panel.describe(),
        "counts": {part: len(data.split.part(part)) for part in PARTS},
        "baseline": {key: baseline[key] for key in SCORES},
        "runs": runs,
    }


def main() -> None:
    """Run every example and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("sets", nargs="+", help="names of examples")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text())["sets"] if RESULTS.exists() else {}
    print(f"{'set':20}{'commonest':>10}{'accuracy':>10}{'spread':>8}{'balanced':>10}{'f1':>7}{'seconds':>9}")
    for name in options.sets:
        one = score(name, options.data / name, options.seeds)
        of = {key: [run[key] for run in one["runs"]] for key in (*SCORES, "seconds")}
        spread = statistics.stdev(of["accuracy"]) if options.seeds > 1 else 0.0
        means = {key: statistics.mean(values) for key, values in of.items()}
        print(
            f"{name:20}{one['baseline']['accuracy']:10.3f}{means['accuracy']:10.3f}{spread:8.3f}"
            f"{means['balanced_accuracy']:10.3f}{means['f1']:7.3f}{statistics.median(of['seconds']):9.1f}",
            flush=True,
        )
        found[name] = one
        machine = {"processor": platform.machine(), "threads": torch.get_num_threads()}
        versions = {package: version(package) for package in ("limelight", "torch", "lightning", "numpy")}
        RESULTS.write_text(json.dumps({"machine": machine, "versions": versions, "sets": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
