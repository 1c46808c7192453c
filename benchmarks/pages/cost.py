"""Prepare the sections of ``docs/results.md`` about time and memory of limelight's own steps."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.run import reading as reading_benchmark
from benchmarks.run import store as store_benchmark

COMMANDS = ("pack", "train", "predict")


def alignment(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the number of samples of the side signal."""
    return {"samples": next(iter(results["ids"].values()))["samples"]}


def reading(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each file and library."""
    rows = []
    for kind, readers in results["files"].items():
        ours = statistics.median(readers["limelight"]["seconds"])
        for library, one in readers.items():
            median = statistics.median(one["seconds"])
            row = {"kind": kind, "megabytes": results["megabytes"][kind], "library": library, "ratio": median / ours}
            rows.append({**row, **one})
    return {
        "rows": rows,
        "repeats": len(rows[0]["seconds"]),
        "steps": reading_benchmark.STEPS,
        "channels": len(reading_benchmark.CHANNELS),
    }


def store(results: dict[str, Any]) -> dict[str, Any]:
    """Compute how many bytes per series the peak memory of each command grows by."""
    first, last = results["sizes"][0], results["sizes"][-1]
    series = last["series"] - first["series"]
    return {
        "commands": COMMANDS,
        "factor": last["gigabytes"] / first["gigabytes"],
        "bytes_per_series": {name: (last[name][1] - first[name][1]) * 2**20 / series for name in COMMANDS},
        "bytes_of_values": 4 * store_benchmark.STEPS * store_benchmark.CHANNELS,
        "steps": store_benchmark.STEPS,
        "channels": store_benchmark.CHANNELS,
    }


def recurrence(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the times of all variants in one table."""
    return {"variants": results["directions"] | results["ways"]}


def report(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the size of plotly's script, which all pages share."""
    return {"plotly_bytes": results["pages"][0]["plotly_bytes"]}
