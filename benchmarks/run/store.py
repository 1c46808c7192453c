"""Peak memory and time from tables that grow: packing, one epoch of training, predicting, each a command of its own.

    python benchmarks/store.py --gigabytes 0.5 1 2 4

For each size a long table of waves (series of 500 steps, four channels, two classes) is written as Parquet, packed into
a store, trained on for one epoch with evaluation and report, and predicted. The peak is the resident memory of the
process at its highest, as the system counts it. Prints a table and writes ``benchmarks/results/store.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

STEPS, CHANNELS = 500, 4
SERIES_AT_ONCE = 2_000


def draw(file: Path, series: int) -> None:
    """Write a long table: waves of two frequencies with noise."""
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


def measured(*words: str) -> tuple[float, float]:
    """Run a command of limelight; give its seconds and its peak megabytes."""
    command = [sys.executable, "-m", "limelight", *words]
    started = time.perf_counter()
    silent = os.open(os.devnull, os.O_WRONLY)
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1)])
    _, status, usage = os.wait4(process, 0)
    os.close(silent)
    if status:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def measure(folder: Path, gigabytes: float) -> dict[str, Any]:
    """Pack, train and predict at one size."""
    series = round(gigabytes * 2**30 / (4 * STEPS * CHANNELS))
    table, store, run = folder / "series.parquet", folder / "waves.store", folder / "run"
    draw(table, series)
    found: dict[str, Any] = {"gigabytes": gigabytes, "series": series, "steps": series * STEPS}
    found["pack"] = measured("pack", str(table), "--output", str(store))
    table.unlink()
    found["train"] = measured(
        "train", str(store), "--output", str(run), "--set", "training.max_epochs=1", "--set", "model.encoder=conv_lstm"
    )
    with (run / "history.csv").open() as history:
        found["epoch_seconds"] = float(next(csv.DictReader(history))["seconds"])
    found["accuracy"] = json.loads((run / "metrics.json").read_text())["test"]["accuracy"]
    found["predict"] = measured("predict", str(run), str(store), "--output", str(folder / "answers.parquet"))
    for place in (store, run):
        shutil.rmtree(place)
    (folder / "answers.parquet").unlink()
    return found


def main() -> None:
    """Go through the sizes."""
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
            found = measure(Path(folder), gigabytes)
            line = "".join(f"{found[name][0]:11.1f}{found[name][1]:9.0f}" for name in ("pack", "train", "predict"))
            print(f"{gigabytes:5.1f}{found['series']:9}{line}{found['epoch_seconds']:9.1f}", flush=True)
            sizes.append(found)
    machine = {"processor": platform.machine(), "threads": os.cpu_count()}
    versions = {package: version(package) for package in ("limelight", "torch", "pyarrow", "numpy")}
    file = Path(__file__).parent / "results" / "store.json"
    file.write_text(json.dumps({"machine": machine, "versions": versions, "sizes": sizes}, indent=2) + "\n")


if __name__ == "__main__":
    main()
