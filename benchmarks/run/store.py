"""Measure time and peak memory of ``limelight pack``, ``train`` and ``predict`` as the table grows.

    python -m benchmarks.run.store --gigabytes 0.5 1 2 4

For each size, a long table of waves (series of 500 steps, four channels, two classes) is written as Parquet and packed
into a store. A model is trained on it for one epoch, with evaluation and report, and predicts all series. Each command
is a process of its own; its peak is the maximum resident memory that the operating system reports. Prints a table and
writes ``benchmarks/results/store.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from benchmarks.result_files import describe_environment, write_results

STEPS, CHANNELS = 500, 4
SERIES_AT_ONCE = 2_000


def write_waves(file: Path, series: int) -> None:
    """Write a long table of noisy waves with two frequencies."""
    random = np.random.default_rng(0)
    schema = pa.schema(
        [
            ("series_id", pa.string()),
            *((f"c{place}", pa.float32()) for place in range(CHANNELS)),
            ("label", pa.string()),
        ]
    )
    phase = np.linspace(0, 20, STEPS)[:, None]
    with pyarrow.parquet.ParquetWriter(file, schema, compression="none", use_dictionary=["series_id", "label"]) as out:
        for first in range(0, series, SERIES_AT_ONCE):
            count = min(SERIES_AT_ONCE, series - first)
            classes = random.integers(0, 2, count)
            shift = random.uniform(0, 6, (count, 1, CHANNELS))
            waves = np.sin(phase[None] * (1 + 0.3 * classes[:, None, None]) + shift)
            waves = (waves + random.normal(0, 0.5, waves.shape)).astype(np.float32).reshape(-1, CHANNELS)
            row_of = pa.array(np.repeat(np.arange(count), STEPS))
            columns: list[Any] = [pa.array([f"series_{first + place:07d}" for place in range(count)]).take(row_of)]
            columns += [pa.array(np.ascontiguousarray(waves[:, place])) for place in range(CHANNELS)]
            columns.append(pa.array(["slow", "fast"]).take(pa.array(classes)).take(row_of))
            out.write_table(pa.Table.from_arrays(columns, schema=schema))


def run_command(*words: str) -> tuple[float, float]:
    """Run a command of limelight; return its seconds and its peak megabytes."""
    command = [sys.executable, "-m", "limelight", *words]
    started = time.perf_counter()
    silent = os.open(os.devnull, os.O_WRONLY)
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1)])
    _, status, usage = os.wait4(process, 0)
    os.close(silent)
    if status:
        sys.exit(f"{' '.join(words)} ended with exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def measure(folder: Path, gigabytes: float) -> dict[str, Any]:
    """Pack, train and predict at one size."""
    series = round(gigabytes * 2**30 / (4 * STEPS * CHANNELS))
    table, store, run = folder / "series.parquet", folder / "waves.store", folder / "run"
    write_waves(table, series)
    measured: dict[str, Any] = {"gigabytes": gigabytes, "series": series, "steps": series * STEPS}
    measured["pack"] = run_command("pack", str(table), "--output", str(store))
    table.unlink()
    measured["train"] = run_command(
        "train", str(store), "--output", str(run), "--set", "training.max_epochs=1", "--set", "model.encoder=conv_lstm"
    )
    with (run / "history.csv").open() as history:
        measured["epoch_seconds"] = float(next(csv.DictReader(history))["seconds"])
    measured["accuracy"] = json.loads((run / "metrics.json").read_text())["test"]["accuracy"]
    measured["predict"] = run_command("predict", str(run), str(store), "--output", str(folder / "predictions.parquet"))
    for place in (store, run):
        shutil.rmtree(place)
    (folder / "predictions.parquet").unlink()
    return measured


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.5, 1, 2, 4])
    options = parser.parse_args()
    sizes = []
    print(
        f"{'GB':>5}{'series':>9}"
        + "".join(f"{name + ' s':>11}{'peak MB':>9}" for name in ("pack", "train", "predict"))
        + f"{'epoch s':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for gigabytes in options.gigabytes:
            measured = measure(Path(folder), gigabytes)
            line = "".join(
                f"{measured[name][0]:11.1f}{measured[name][1]:9.0f}" for name in ("pack", "train", "predict")
            )
            print(f"{gigabytes:5.1f}{measured['series']:9}{line}{measured['epoch_seconds']:9.1f}", flush=True)
            sizes.append(measured)
    write_results("store", {**describe_environment("limelight", "torch", "pyarrow", "numpy"), "sizes": sizes})


if __name__ == "__main__":
    main()
