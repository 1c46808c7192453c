"""Compare time and memory of ``rocket`` on long series with those of an earlier checkout.

    git worktree add BEFORE 8fe2387
    python -m benchmarks.run.long_series --before BEFORE

Every measurement is a process of its own; the two checkouts take turns. The estimator fits and predicts at sizes that
grow in one of length, series and channels, and predicts a single series; ``limelight train`` reads a Parquet table of
the same series and writes its report. The earlier checkout runs once at the longest size. Seconds are CPU time, memory
is the peak resident memory of the process. Prints a table and writes ``benchmarks/results/long_series.json``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.processes import OURS, current_load, run_once
from benchmarks.result_files import ROOT, describe_environment, write_results

ESTIMATOR = "fit and predict"
TRAIN = "limelight train"
SIZES = (
    (ESTIMATOR, 20, 2_000, 1),
    (ESTIMATOR, 20, 20_000, 1),
    (ESTIMATOR, 20, 200_000, 1),
    (ESTIMATOR, 200, 2_000, 1),
    (ESTIMATOR, 20, 2_000, 10),
    (ESTIMATOR, 2_000, 300, 1),
    (ESTIMATOR, 100, 500, 1),
    (TRAIN, 20, 2_000, 1),
    (TRAIN, 20, 20_000, 1),
    (TRAIN, 20, 200_000, 1),
)
LONGEST = 200_000
SINGLE_STEPS, SINGLE_PREDICTIONS = 500, 20
"""Length of the series that is predicted alone, and how many times."""


def measure(source: Path, request: dict[str, Any], threads: int, limit: float) -> dict[str, Any]:
    """Run one request with the package in ``source``; return its times, its peak memory and its error."""
    load = current_load()
    result = run_once(sys.executable, "long_series_side.py", request, threads, limit, source=source / "src")
    cost = {"trouble": result.error, "peak_mb": result.peak_mb, "processor": result.processor_seconds, "load": load}
    return {**(result.response or {}), **cost}


def seconds_of(run: dict[str, Any]) -> float:
    """Return the CPU seconds of the work, without the imports."""
    return float(run["train"] if "train" in run else run["fit"] + run["predict"])


def describe(before: Path, threads: int) -> dict[str, Any]:
    """Return the machine, the package versions, the earlier commit, and the memory of the libraries alone."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=before, capture_output=True, text=True, check=True).stdout.strip()
    described = describe_environment(*OURS, threads=threads)
    described["machine"]["cores"] = os.cpu_count()
    libraries = measure(ROOT, {"work": "import", "series": 2, "steps": 100, "channels": 1}, threads, 60)
    return {**described, "before": commit, "libraries_mb": libraries["peak_mb"]}


def main() -> None:
    """Measure every size; the checkouts take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, type=Path, help="an earlier checkout of this repository")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=400, help="seconds after which a run is killed")
    options = parser.parse_args()
    sides = {"before": options.before, "now": ROOT}
    measured: list[dict[str, Any]] = []
    described = describe(options.before, options.threads)
    head = f"{'work':16}{'series':>7}{'steps':>8}{'channels':>9}  {'side':8}"
    print(f"{head}{'seconds':>9}{'one':>8}{'peak MB':>9}{'load':>6}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for work, series, steps, channels in SIZES:
            size = {"series": series, "steps": steps, "channels": channels}
            table = f"{folder}/{series}_{steps}_{channels}.parquet"
            if work == TRAIN:
                measure(ROOT, {"work": "write", "table": table, **size}, options.threads, options.limit)
            kind = "train" if work == TRAIN else "estimator"
            request = {"work": kind, "table": table, "repeats": SINGLE_PREDICTIONS, **size}
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
            for number in range(options.rounds):
                for name, source in sides.items():
                    if number == 0 or name == "now" or steps < LONGEST:
                        runs[name].append(measure(source, request, options.threads, options.limit))
            for name, rounds in runs.items():
                completed = [run for run in rounds if not run["trouble"]]
                shown = f"{work:16}{series:7}{steps:8}{channels:9}  {name:8}"
                if not completed:
                    print(f"{shown}{rounds[0]['trouble']}", flush=True)
                    continue
                one = min(run.get("one", 0.0) for run in completed)
                peak, load = (statistics.median(run[key] for run in completed) for key in ("peak_mb", "load"))
                seconds = statistics.median(map(seconds_of, completed))
                print(f"{shown}{seconds:9.2f}{one:8.4f}{peak:9.0f}{load:6.1f}", flush=True)
            measured.append({"work": work, **size, "runs": runs})
            write_results("long_series", {**described, "sizes": measured})


if __name__ == "__main__":
    main()
