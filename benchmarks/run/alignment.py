"""Compare how fast limelight, pandas and polars align a side signal with the clocks of series.

    python -m benchmarks.run.alignment --steps 1000000 --samples 100000

The data are series of 500 steps and three channels, each with its own clock, and a side signal (a temperature) whose
samples are sorted by time with the series interleaved, as a data logger writes them. For every step, each library looks
up the last sample at or before it. The libraries take turns for several rounds after one warm-up round, and every round
checks that all three return the same numbers.

What is timed: limelight starts from a Panel and an Arrow table, checks the order and sorts if it has to. pandas and
polars start from frames that are sorted by series and time. ``pandas.merge_asof`` needs both frames sorted by time over
all series, so its time includes sorting the steps and restoring their order (also reported separately).
``polars.join_asof`` needs the order within each series only and does not check it. The ids are text in one run and
integers in another. Prints a table and writes ``benchmarks/results/alignment.json``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from benchmarks.result_files import describe_environment, write_results
from limelight.data.align import align
from limelight.data.panel import Panel

CHANNELS = ("x", "y", "z")
STEPS = 500
Aligned = tuple[float, np.ndarray]
"""The seconds it took, and the temperature of every step."""


def draw(steps: int, samples: int, ids: str) -> tuple[Panel, dict[str, Any], dict[str, Any]]:
    """Draw series and a side signal; return the series as a Panel and as columns, and the signal as columns."""
    random = np.random.default_rng(0)
    series = steps // STEPS
    names = np.arange(series) if ids == "integers" else np.array([f"machine_{one:06d}" for one in range(series)])
    begins = np.datetime64("2024-01-01", "ns") + random.integers(0, 10**9, series)
    times = begins[:, None] + np.cumsum(random.integers(1, 2 * 10**9, (series, STEPS)), axis=1)
    values = random.normal(size=(series * STEPS, len(CHANNELS))).astype(np.float32)
    starts, lengths = np.arange(series) * STEPS, np.full(series, STEPS)
    panel = Panel(values, starts, lengths, ids=names, channels=CHANNELS, times=times.reshape(-1))
    table = {"series_id": np.repeat(names, STEPS), "time": panel.times} | dict(zip(CHANNELS, values.T, strict=True))
    machines = random.integers(0, series, samples)
    at = times[machines, random.integers(0, STEPS, samples)] + random.integers(-(10**9), 10**9, samples)
    order = np.argsort(at)
    _, once = np.unique(np.stack([machines, at.astype(np.int64)])[:, order], axis=1, return_index=True)
    order = order[np.sort(once)]
    heat = random.normal(60, 10, len(order)).astype(np.float32)
    return panel, table, {"series_id": names[machines[order]], "time": at[order], "heat": heat}


def with_limelight(panel: Panel, signal: pa.Table) -> Aligned:
    started = time.perf_counter()
    aligned = align(panel, signal)
    return time.perf_counter() - started, aligned.values[:, -1]


def with_pandas(steps: pd.DataFrame, signal: pd.DataFrame, sorting: list[float]) -> Aligned:
    started = time.perf_counter()
    ordered = steps.sort_values("time")
    sorted_at = time.perf_counter()
    joined = pd.merge_asof(ordered, signal, on="time", by="series_id")
    joined_at = time.perf_counter()
    joined = joined.set_index(ordered.index).sort_index()
    ended = time.perf_counter()
    sorting.append(sorted_at - started + ended - joined_at)
    return ended - started, joined["heat"].to_numpy()


def with_polars(steps: pl.DataFrame, signal: pl.DataFrame) -> Aligned:
    started = time.perf_counter()
    joined = steps.join_asof(signal, on="time", by="series_id", check_sortedness=False)
    return time.perf_counter() - started, joined["heat"].to_numpy()


def time_all(steps: int, samples: int, ids: str, repeats: int) -> dict[str, Any]:
    """Time all libraries in turn and assert that their results agree."""
    panel, table, signal = draw(steps, samples, ids)
    frames = pd.DataFrame(table), pd.DataFrame(signal), pl.DataFrame(table), pl.DataFrame(signal), pa.table(signal)
    sorting: list[float] = []
    runs: dict[str, Callable[[], Aligned]] = {
        "limelight": lambda: with_limelight(panel, frames[4]),
        "pandas": lambda: with_pandas(frames[0], frames[1], sorting),
        "polars": lambda: with_polars(frames[2], frames[3]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        results = {name: run() for name, run in runs.items()}
        for name, (taken, heat) in results.items():
            np.testing.assert_array_equal(heat, results["limelight"][1], err_msg=f"{name} and limelight differ")
            if repeat:
                seconds[name].append(taken)
    middle = statistics.median(seconds["limelight"])
    return {
        "samples": len(signal["time"]),
        "steps_without_a_value": int(np.isnan(results["limelight"][1]).sum()),
        "seconds": seconds,
        "of_these_pandas_sorts": sorting[1:],
        "ratio": {name: statistics.median(times) / middle for name, times in seconds.items()},
    }


def main() -> None:
    """Run the benchmark for both types of ids."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    results = {}
    print(f"{'ids':15}{'library':12}{'seconds':>9}{'lowest':>9}{'highest':>9}{'ratio':>8}")
    for ids in ("text", "integers"):
        results[ids] = one = time_all(options.steps, options.samples, ids, options.repeats)
        for name, times in one["seconds"].items():
            middle = statistics.median(times)
            print(f"{ids:15}{name:12}{middle:9.3f}{min(times):9.3f}{max(times):9.3f}{one['ratio'][name]:8.2f}")
        print(f"{'':15}{'(pandas sorting':>18} {statistics.median(one['of_these_pandas_sorts']):.3f} s of that)")
    print("all results agree; a ratio above 1 means slower than limelight")
    environment = describe_environment("limelight", "pandas", "polars", "pyarrow", "numpy")
    write_results("alignment", {**environment, "steps": options.steps, "ids": results})


if __name__ == "__main__":
    main()
