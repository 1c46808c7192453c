"""How time and memory grow with the number of series, their length and their channels, up to a hundred times.

    python benchmarks/growth.py --peers PEERS/bin/python

``--peers`` is the Python of an environment with ``benchmarks/requirements.txt``. From 100 series of 100 steps and one channel
each of the three grows ten and a hundred times. Every fit and prediction is a process of its own, the sides in turn, with the
same number of threads. Networks train one epoch; limelight makes at least 30 batches of one. Memory is the highest resident
memory of the process. Prints a table and writes ``benchmarks/results/growth.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

import sides

SIDES = ("limelight:rocket", "aeon:MiniRocket", "limelight:conv_lstm", "keras:tensorflow")
AXES = ("series", "steps", "channels")
BASE = {"series": 100, "steps": 100, "channels": 1}


def sizes(times: list[int]) -> list[tuple[str, int, dict[str, int]]]:
    """Give the axis that grows, how many times, and the size."""
    grown = [(axis, factor, {**BASE, axis: BASE[axis] * factor}) for axis in AXES for factor in times]
    return [("nothing", 1, BASE), *grown]


def main() -> None:
    """Go through the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--sides", nargs="+", default=SIDES)
    parser.add_argument("--times", nargs="+", type=int, default=[10, 100])
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900, help="seconds until a run is given up")
    options = parser.parse_args()
    found: list[dict[str, Any]] = []
    print(
        f"{'grows':10}{'times':>6}  {'side':22}{'fit s':>8}{'predict s':>10}{'processor s':>12}{'peak MB':>9}{'load':>6}"
    )
    for axis, factor, size in sizes(options.times):
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in options.sides}
        for _ in range(options.rounds):
            for side in options.sides:
                python = sys.executable if side.startswith("limelight") else options.peers
                load = sides.machine(options.threads)["load"]
                request = {"side": side, "threads": options.threads, **size}
                outcome = sides.run_once(python, "growth_side.py", request, options.threads, options.limit)
                answer = {
                    **(outcome.answer or {}),
                    "trouble": outcome.trouble,
                    "peak_mb": outcome.peak_mb,
                    "load": load,
                }
                runs[side].append(answer)
        for side, answers in runs.items():
            good = [one for one in answers if not one["trouble"]]
            if not good:
                print(f"{axis:10}{factor:6}  {side:22}  {answers[0]['trouble']}", flush=True)
                continue
            fit, predict, one, two, peak, load = (
                statistics.median(answer[key] for answer in good)
                for key in ("fit", "predict", "fit_processor", "predict_processor", "peak_mb", "load")
            )
            line = f"{fit:8.2f}{predict:10.2f}{one + two:12.2f}{peak:9.0f}{load:6.1f}"
            print(f"{axis:10}{factor:6}  {side:22}{line}", flush=True)
        found.append({"grows": axis, "times": factor, **size, "runs": runs})
    content = {
        "machine": sides.machine(options.threads),
        "versions": sides.versions(sys.executable, sides.OURS),
        "peers": sides.versions(options.peers, sides.PEERS),
        "sizes": found,
    }
    (sides.HERE / "results" / "growth.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
