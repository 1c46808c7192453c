"""Prepare the sections of ``docs/background/results.md`` about time and memory of limelight's own steps."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.run import long_series as long_series_benchmark
from benchmarks.run import reading as reading_benchmark
from benchmarks.run import store as store_benchmark

COMMANDS = ("pack", "train", "predict")


def alignment(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the number of samples of the side signal."""
    return {"samples": next(iter(results["ids"].values()))["samples"]}


def reading(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each file and library."""
    rows, versions = [], []
    for kind, readers in results["files"].items():
        ours = statistics.median(readers["limelight"]["seconds"])
        before = readers.get(reading_benchmark.BEFORE)
        if before is not None:
            now, then = (one["cpu_seconds"] for one in (readers["limelight"], before))
            versions.append({"kind": kind, "now": now, "then": then, "ratio": min(now) / min(then)})
        for library, one in readers.items():
            if one is before:
                continue
            median = statistics.median(one["seconds"])
            row = {"kind": kind, "megabytes": results["megabytes"][kind], "library": library, "ratio": median / ours}
            rows.append({**row, **one})
    return {
        "rows": rows,
        "versions": versions,
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


def long_series(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each size with the medians of both versions and their ratio."""
    rows, loads, one = [], [], {}
    for size in results["sizes"]:
        sides = {name: _median_cost(runs) for name, runs in size["runs"].items()}
        both = [sides[name].get("seconds") for name in ("before", "now")]
        rows.append({"work": size["work"], "size": size, "ratio": both[1] / both[0] if all(both) else None, **sides})
        loads += [run["load"] for runs in size["runs"].values() for run in runs]
        if size["steps"] == long_series_benchmark.SINGLE_STEPS:
            one = {name: min(run["one"] for run in runs) for name, runs in size["runs"].items()}
    return {
        "rows": rows,
        "loads": loads,
        "one": one,
        "cores": results["machine"]["cores"],
        "libraries": results["libraries_mb"],
        "rounds": max(len(runs) for size in results["sizes"] for runs in size["runs"].values()),
        "page_mb": results["sizes"][-1]["runs"]["now"][0]["page_mb"],
    }


def _median_cost(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Compute the median seconds and peak memory of the runs of one version, or why there are none."""
    completed = [run for run in runs if not run["trouble"]]
    if not completed:
        return {"trouble": runs[0]["trouble"], "peak": None}
    seconds = statistics.median(map(long_series_benchmark.seconds_of, completed))
    return {"trouble": "", "seconds": seconds, "peak": statistics.median(run["peak_mb"] for run in completed)}


def metadata_seconds(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the runs of each set without and with metadata, before and now, and how much longer the latter take."""
    rows = []
    ratios: dict[str, list[float]] = {"before": [], "now": []}
    for name, runs in results["sets"].items():
        rows.append({"name": name, "runs": [runs[one][when] for one in ("without", "with") for when in ratios]})
        for when, found in ratios.items():
            bare, full = runs["without"][when], runs["with"][when]
            if not bare["error"] and not full["error"]:
                found.append(full["cpu_seconds"] / bare["cpu_seconds"])
    loads = [run["load"] for row in rows for run in row["runs"]]
    return {"rows": rows, "ratios": ratios["now"], "before": ratios["before"], "load": statistics.median(loads)}
