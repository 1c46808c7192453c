"""Measure how time and memory grow with the number of series, their length and their channels.

    python -m benchmarks.run.growth --peers PEERS/bin/python

``--peers`` is the Python of an environment with the packages of ``benchmarks/requirements.txt``. The smallest size is
100 series of 100 steps and one channel; each of the three numbers grows by factors of ten and a hundred. Fitting and
predicting at one size is one process; the libraries take turns and use the same number of threads. Networks train for
one epoch, which in limelight has at least 30 batches. Memory is the peak resident memory of the process. Prints a table
and writes ``benchmarks/results/growth.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from benchmarks.processes import current_load, describe_environments, run_once
from benchmarks.result_files import write_results

SIDES = ("limelight:rocket", "aeon:MiniRocket", "limelight:conv_lstm", "keras:tensorflow")
AXES = ("series", "steps", "channels")
BASE = {"series": 100, "steps": 100, "channels": 1}


def sizes(times: list[int]) -> list[tuple[str, int, dict[str, int]]]:
    """Return, for each size to measure, the axis that grows, its factor, and the size."""
    grown = [(axis, factor, {**BASE, axis: BASE[axis] * factor}) for axis in AXES for factor in times]
    return [("nothing", 1, BASE), *grown]


def main() -> None:
    """Measure every size; the libraries take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--sides", nargs="+", default=SIDES)
    parser.add_argument("--times", nargs="+", type=int, default=[10, 100])
    parser.add_argument("--threads", type=int, default=2, help="for every library")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a run is killed")
    options = parser.parse_args()
    measured: list[dict[str, Any]] = []
    print(
        f"{'grows':10}{'times':>6}  {'library':22}{'fit s':>8}{'predict s':>10}{'CPU s':>12}{'peak MB':>9}{'load':>6}"
    )
    for axis, factor, size in sizes(options.times):
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in options.sides}
        for _ in range(options.rounds):
            for side in options.sides:
                python = sys.executable if side.startswith("limelight") else options.peers
                load = current_load()
                request = {"side": side, "threads": options.threads, **size}
                result = run_once(python, "growth_side.py", request, options.threads, options.limit)
                cost = {"trouble": result.error, "peak_mb": result.peak_mb, "load": load}
                runs[side].append({**(result.response or {}), **cost})
        for side, rounds in runs.items():
            completed = [one for one in rounds if not one["trouble"]]
            if not completed:
                print(f"{axis:10}{factor:6}  {side:22}  {rounds[0]['trouble']}", flush=True)
                continue
            fit, predict, fit_processor, predict_processor, peak, load = (
                statistics.median(one[key] for one in completed)
                for key in ("fit", "predict", "fit_processor", "predict_processor", "peak_mb", "load")
            )
            line = f"{fit:8.2f}{predict:10.2f}{fit_processor + predict_processor:12.2f}{peak:9.0f}{load:6.1f}"
            print(f"{axis:10}{factor:6}  {side:22}{line}", flush=True)
        measured.append({"grows": axis, "times": factor, **size, "runs": runs})
    write_results("growth", {**describe_environments(options.peers, options.threads), "sizes": measured})


if __name__ == "__main__":
    main()
