"""Measure seconds and memory for each series from 100,000 to millions of short series, and one worker against two.

    OMP_NUM_THREADS=1 python -m benchmarks.run.scale --series 100000 300000 1000000

For each size, a long table of noisy waves (50 steps, one channel, two classes) is written as Parquet and packed into a
store. ``train`` fits ``rocket`` on four fifths of the series, evaluates it on at most 20,000 of the others
(``evaluate.series``) and writes a report; then the store is predicted, evaluated with that limit and without it, and
the report is written again. Each command is a process of its own; its peak is the maximum resident memory that the
operating system reports. What a series costs is the slope from the smallest to the largest size, so that the start of
Python does not count.

Throughput: predictions, and fits of folds, by one process, by two of joblib, and on Ray with one and two processors,
three times in turn. Prints tables and writes ``benchmarks/results/scale.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from benchmarks.processes import current_load
from benchmarks.result_files import describe_environment, read_results, write_results
from benchmarks.run.store import run_command

STEPS, AT_ONCE = 50, 20_000
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
MODEL = {"encoder": {"name": "rocket", "features": 840}}
SCORED = 20_000
COMMANDS = ("pack", "train", "predict", "evaluate", "evaluate all", "report")
ROUNDS = 3
PREDICTED, VALIDATED, FOLDS = 60_000, 16_000, 4


def noisy_waves(count: int, random: np.random.Generator) -> tuple[Any, Any]:
    """Return waves of two frequencies with noise, shape (count, steps), and their classes."""
    classes = random.integers(0, 2, count)
    phase = np.linspace(0, 12, STEPS) * (1 + 0.3 * classes[:, None]) + random.uniform(0, 6, (count, 1))
    return (np.sin(phase) + random.normal(0, 1.0, phase.shape)).astype(np.float32), classes


def write_table(file: Path, series: int) -> None:
    """Write a long table of noisy waves."""
    random = np.random.default_rng(0)
    schema = pa.schema([("series_id", pa.string()), ("value", pa.float32()), ("label", pa.string())])
    with pyarrow.parquet.ParquetWriter(file, schema, use_dictionary=["series_id", "label"]) as out:
        for first in range(0, series, AT_ONCE):
            count = min(AT_ONCE, series - first)
            waves, classes = noisy_waves(count, random)
            rows = pa.array(np.repeat(np.arange(count), STEPS))
            ids = pa.array([f"series_{first + place:08d}" for place in range(count)]).take(rows)
            labels = pa.array(["slow", "fast"]).take(pa.array(classes)).take(rows)
            out.write_table(pa.table([ids, pa.array(waves.reshape(-1)), labels], schema=schema))


def measure_size(folder: Path, series: int) -> dict[str, Any]:
    """Run every command at one size; return the seconds and peak megabytes of each, and the seconds of parts."""
    table, store, run = folder / "series.parquet", folder / "waves.store", folder / "run"
    write_table(table, series)
    found: dict[str, Any] = {"series": series, "load": current_load()}
    found["pack"] = run_command("pack", str(table), "--output", str(store))
    table.unlink()
    found["train"] = run_command(
        "train", str(store), "--output", str(run), "--set", f"model={json.dumps(MODEL)}", "--set", "explain=false",
        "--set", f"evaluate.series={SCORED}",
    )  # fmt: skip
    metrics = json.loads((run / "metrics.json").read_text())
    found["fit_seconds"], found["accuracy"] = metrics["seconds"]["train"], metrics["test"]["accuracy"]
    found["predict"] = run_command("predict", str(run), str(store), "--output", str(folder / "predictions.parquet"))
    found["evaluate"] = run_command("evaluate", str(run), "--part", "all")
    found["evaluate all"] = run_command("evaluate", str(run), str(store), "--part", "all")
    found["report"] = run_command("report", str(run))
    found["report_bytes"] = (run / "report" / "index.html").stat().st_size
    for place in (store, run):
        shutil.rmtree(place)
    (folder / "predictions.parquet").unlink()
    return found


def measure_throughput() -> dict[str, Any]:
    """Measure series predicted and folds fitted a second, by processes of joblib and by Ray, in turn."""
    import ray  # here, since the peak of a child process is at least the memory of this one

    from limelight.data.panel import Panel
    from limelight.model.targets import task_of
    from limelight.model_selection.cross_validation import validate
    from limelight.parts.architecture import Architecture
    from limelight.training.fit import fit
    from limelight.training.runtime import one_thread

    random = np.random.default_rng(0)
    values, classes = noisy_waves(PREDICTED, random)
    panel = Panel.from_series(values[:, :, None], labels=np.array(["slow", "fast"])[classes])
    few = panel[:VALIDATED].compact()
    with one_thread():
        model = fit(few, task_of(few), Architecture.of(**MODEL)).model
    sides: dict[str, dict[str, Any]] = {
        "1 process": {},
        "2 processes of joblib": {"jobs": 2},
        "Ray, 1 processor": {"on": "ray"},
        "Ray, 2 processors": {"on": "ray"},
    }
    seconds: dict[str, dict[str, list[float]]] = {name: {"predict": [], "fit": []} for name in sides}
    for _ in range(ROUNDS):
        for name, where in sides.items():
            if "on" in where:
                processors = int(name.split()[1])
                ray.init("local", num_cpus=processors, include_dashboard=False, log_to_driver=False)
            with one_thread():
                model.predict(panel[:200], **where)  # starts the workers
                started = time.perf_counter()
                model.predict(panel, **where)
                seconds[name]["predict"].append(time.perf_counter() - started)
                started = time.perf_counter()
                validate(few, MODEL, folds=FOLDS, **where)
                seconds[name]["fit"].append(time.perf_counter() - started)
            ray.shutdown()
            print(f"{name:>24}{seconds[name]['predict'][-1]:9.1f}{seconds[name]['fit'][-1]:9.1f}", flush=True)
    return {
        "series": {"predict": PREDICTED, "fit": VALIDATED},
        "folds": FOLDS,
        "load": current_load(),
        "seconds": seconds,
        "median": {
            name: {task: statistics.median(each) for task, each in of_side.items()} for name, of_side in seconds.items()
        },
    }


def main() -> None:
    """Measure every size, then throughput."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--keep", action="store_true", help="add to the sizes that were measured before")
    options = parser.parse_args()
    content: dict[str, Any] = {**describe_environment("limelight", "torch", "joblib", "ray", threads=THREADS)}
    earlier = read_results("scale")["sizes"] if options.keep else []
    content["sizes"] = [size for size in earlier if size["series"] not in options.series]
    print(f"{'series':>9}" + "".join(f"{name + ' s':>11}{'peak MB':>9}" for name in COMMANDS))
    with tempfile.TemporaryDirectory() as folder:
        for series in options.series:
            found = measure_size(Path(folder), series)
            content["sizes"].append(found)
            print(f"{series:9}" + "".join(f"{found[name][0]:11.1f}{found[name][1]:9.0f}" for name in COMMANDS))
            write_results("scale", content)
    content["throughput"] = measure_throughput()
    write_results("scale", content)


if __name__ == "__main__":
    main()
