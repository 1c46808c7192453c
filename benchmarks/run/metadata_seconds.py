"""Measure the seconds of ``limelight train`` with and without metadata, now and in an earlier version.

    git worktree add BEFORE 8fe2387
    python -m benchmarks.run.metadata_seconds DATA --before BEFORE

``DATA`` contains the folders that ``python examples/data.py --into DATA`` makes. Each run is a process of its own with
default settings, from the start of Python to the written report; the versions take turns. ``--before`` is a checkout of
the version in which a single column of metadata was a reason to train a network. Prints the times and writes
``benchmarks/results/metadata_seconds.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.processes import current_load, run_once
from benchmarks.result_files import ROOT, describe_environment, write_results

SETS = ("dodger_loop", "pbcseq", "migraine", "weather_events", "suthaharan")
WITHOUT = ["--set", "model.fusion=[]"]


def seconds_of_train(source: Path, folder: Path, words: list[str], limit: float) -> dict[str, Any]:
    """Train on a folder in a process of its own; return its seconds and what it scored."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place, "run")
        request = {"words": ["train", str(folder.resolve()), "--output", str(output), *words]}
        load = current_load()
        result = run_once(sys.executable, "command_side.py", request, 1, limit, source=source / "src")
        cost = {"seconds": round(result.seconds, 1), "cpu_seconds": round(result.processor_seconds, 1)}
        found: dict[str, Any] = {**cost, "error": result.error, "load": load}
        if not result.error:
            metrics = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
            found["balanced_accuracy"] = metrics["test"].get("balanced_accuracy")
            found["parts"] = {name: round(value, 1) for name, value in metrics["seconds"].items()}
        return found


def main() -> None:
    """Train on each set with and without metadata; the versions take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--before", required=True, type=Path, help="an earlier checkout of this repository")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a run is killed")
    options = parser.parse_args()
    command = ["git", "-C", str(options.before), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    results: dict[str, Any] = {**describe_environment("limelight", "torch", threads=1), "before": commit, "sets": {}}
    versions = {"before": options.before, "now": ROOT}
    for name, metadata in product(options.sets, (True, False)):
        words = [] if metadata else WITHOUT
        runs = {
            one: seconds_of_train(source, options.data / name, words, options.limit) for one, source in versions.items()
        }
        results["sets"].setdefault(name, {})["with" if metadata else "without"] = runs
        shown = ", ".join(f"{one} {run['error'] or run['cpu_seconds']}" for one, run in runs.items())
        print(f"{name:16}{'with' if metadata else 'without':9}{shown}", flush=True)
        write_results("metadata_seconds", results)


if __name__ == "__main__":
    main()
