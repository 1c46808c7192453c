"""Compare early answers of limelight with TEASER of aeon: accuracy against the share of the series seen.

    python -m benchmarks.run.early DATA --peers PEERS/bin/python

``DATA`` contains a folder per data set with ``series.parquet``, ``labels.csv`` and ``split.csv``; ``--peers`` is the
Python of an environment with the packages of ``benchmarks/requirements.txt``; without it only limelight runs.

Models of limelight are fitted with the encoder ``blocks`` for each tenth of the series, and each rule is chosen on
out-of-fold predictions of the training series, in 5 folds. TEASER has the defaults of aeon, and may answer at the same
numbers of steps; aeon drops the first of them if they are too short for its classifier. The test set is measured once
per seed and is not used for any choice. The official split of some sets is no random one, and its test series are
unlike the training series; the part ``resampled`` repeats the runs of limelight on random splits of the same sizes,
stratified by class, a different one for each seed. The series of these sets were normalised over their whole length by
those who published them, which helps both sides early.

Finished runs are not repeated, so an interrupted benchmark resumes. Prints a line for each run and writes
``benchmarks/results/early.json``.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.processes import PEERS, package_versions, run_once
from benchmarks.result_files import describe_environment, read_results, write_results
from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.data.splitting.splits import random_split
from limelight.evaluation.early.looks import look_at, steps_of_looks
from limelight.evaluation.early.measure import harmonic_mean, measure_early
from limelight.evaluation.early.rule import choose_early_rule
from limelight.model.targets import targets_of
from limelight.model_selection.early_fit import fit_looks
from limelight.recipe import Recipe
from limelight.runs.dataset import Dataset, read_data

PARTS = ("runs", "resampled", "teaser")
SETS = ("italy_power_demand", "ecg200", "arrow_head", "trace", "coffee")
RULES: dict[str, dict[str, float]] = {
    "differ 0.05": {"differ": 0.05},
    "differ 0.1": {"differ": 0.1},
    "differ 0.2": {"differ": 0.2},
    "cost 0.05": {"cost_of_delay": 0.05},
    "cost 0.2": {"cost_of_delay": 0.2},
    "cost 0.5": {"cost_of_delay": 0.5},
}
KEPT = ("accuracy", "accuracy_of_whole", "early", "seen", "harmonic_mean", "differ", "interval", "margin", "waits")


def resampled(data: Dataset, seed: int) -> tuple[Panel, Panel]:
    """Split training and test series at random into parts of the same sizes, stratified by class."""
    rows = np.concatenate([data.split.train, data.split.test])
    panel = data.panel[rows]
    split = random_split(
        len(rows), test=len(data.split.test) / len(rows), validation=0, seed=seed, labels=panel.require_labels()
    )
    return panel[split.train], panel[split.test]


def measure_rules(data: Dataset, train: Panel, test: Panel, seed: int) -> dict[str, Any]:
    """Fit the looks once, and measure every rule on the test series."""
    started = time.perf_counter()
    fitted = fit_looks(Recipe.of({"encoder": "blocks"}), train, data.task, seed=seed)
    seconds = time.perf_counter() - started
    looks, codes = look_at(fitted.models, fitted.steps, test), targets_of(data.task, test).every()
    found: dict[str, Any] = {}
    for name, goal in RULES.items():
        rule = choose_early_rule(fitted.held_out, fitted.codes, **goal)
        measured = measure_early(looks, rule, codes)
        found[name] = {key: measured[key] for key in KEPT} | {"notes": list(rule.notes)}
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "held_out": len(fitted.held_out),
        "rules": found,
        "looks": [{key: one[key] for key in ("seen", "accuracy")} for one in measured["looks"]],
        "curve": measured["curve"],
    }


def measure_teaser(options: argparse.Namespace, data: Dataset, name: str, seed: int) -> dict[str, Any]:
    """Measure TEASER at the same numbers of steps."""
    lengths = data.part("train").lengths
    points = [*map(int, steps_of_looks(lengths)), int(data.panel.lengths.max())]
    request = {"folder": str((options.data / name).resolve()), "points": points, "seed": seed}
    result = run_once(options.peers, "early_side.py", request, 1, options.limit)
    response = result.response or {}
    mean = harmonic_mean(response["accuracy"], response["seen"]) if response else None
    return {
        "seed": seed,
        **response,
        "harmonic_mean": mean,
        "trouble": result.error,
        "processor_seconds": round(result.processor_seconds, 1),
    }


def store(part: str, name: str, one: dict[str, Any], about: dict[str, Any]) -> None:
    """Add a run to the results, which another process may have changed meanwhile."""
    results = {"runs": {}, "resampled": {}, "teaser": {}, **read_results("early"), **about}
    results[part].setdefault(name, []).append(one)
    write_results("early", results)


def main() -> None:
    """Run every set and seed, limelight first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--peers", help="Python of the environment with aeon")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--parts", nargs="+", default=PARTS, help="runs and resampled are limelight")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which TEASER is killed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    about = describe_environment("limelight", "torch", "numpy", threads=1)
    if options.peers:
        about["peers"] = package_versions(options.peers, tuple(one for one in PEERS if one in ("aeon", "numba")))
    parts = [part for part in options.parts if part != "teaser" or options.peers]
    for part, seed, name in product(parts, range(options.seeds), options.sets):
        earlier = read_results("early").get(part, {}).get(name, [])
        if any(one["seed"] == seed for one in earlier):
            continue
        folder = options.data / name
        changes = {f"data.{key}": str(folder / f"{key}.csv") for key in ("labels", "split")}
        data = read_data(read_experiment(folder / "series.parquet", changes))
        if part == "teaser":
            one = measure_teaser(options, data, name, seed)
        else:
            train, test = resampled(data, seed) if part == "resampled" else (data.part("train"), data.part("test"))
            one = measure_rules(data, train, test, seed)
        store(part, name, one, about)
        shown = one if part == "teaser" else one["rules"]["differ 0.1"]
        print(f"{part} seed {seed} {name:20}", {key: shown.get(key) for key in (*KEPT[:5], "trouble")}, flush=True)


if __name__ == "__main__":
    main()
