"""Measure data that are extreme in one respect: values, length, channels, number of series, classes, imbalance.

    python -m benchmarks.run.extremes
    python -m benchmarks.run.extremes --only denormal classes

Each fit is a process of its own, which then predicts 200 new series of the same kind (500 with 500 classes). Series are
noisy waves whose frequency is that of their class. ``auto`` is what users get; ``conv_lstm`` is trained for three
epochs. Memory is the peak resident memory of the process. Prints a table and writes
``benchmarks/results/extremes.json``; with ``--only``, the other rows of the file are kept.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks.processes import current_load, run_once
from benchmarks.result_files import describe_environment, read_results, write_results

BASE = {"series": 200, "steps": 100, "channels": 1, "classes": 2}
EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "constant": {"constant": "everywhere"},
    "constant by class": {"constant": "by class"},
    "huge": {"scale": 1e37},
    "tiny": {"scale": 1e-30},
    "denormal": {"scale": 1e-40},
    "steps": {"steps": 100_000, "series": 100},
    "channels": {"channels": 5_000, "series": 100},
    "series": {"series": 100_000},
    "classes": {"classes": 500, "series": 5_000},
    "imbalance": {"series": 10_002, "rare": 2},
}
ENCODERS = {"auto": None, "conv_lstm": 3}


def main() -> None:
    """Fit every encoder to every extreme, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=EXTREMES, default=list(EXTREMES), metavar="EXTREME")
    parser.add_argument("--encoders", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a process is killed")
    options = parser.parse_args()
    rows: dict[str, Any] = read_results("extremes").get("rows", {})
    print(f"{'extreme':18} {'encoder':10}{'fit s':>9}{'predict s':>10}{'CPU s':>9}{'peak MB':>9}{'balanced':>9}")
    for name in options.only:
        for encoder in options.encoders:
            size = {**BASE, **EXTREMES[name]}
            request = {"size": size, "encoder": encoder, "epochs": ENCODERS[encoder]}
            load = current_load()
            result = run_once(sys.executable, "extremes_side.py", request, options.threads, options.limit)
            cost = {"processor": result.processor_seconds, "peak_mb": result.peak_mb, "load": load}
            row = {**size, **(result.response or {}), **cost, "trouble": result.error}
            rows[f"{name}, {encoder}"] = {"extreme": name, "asked": encoder, **row}
            told = result.error or (
                f"{row['fit']:9.1f}{row['predict']:10.2f}{row['processor']:9.1f}{row['peak_mb']:9.0f}"
                f"{row['balanced_accuracy']:9.3f}"
            )
            print(f"{name:18} {encoder:10}{told}", flush=True)
            environment = describe_environment("limelight", "torch", "numpy", threads=options.threads)
            write_results("extremes", {**environment, "rows": rows})


if __name__ == "__main__":
    main()
