"""Compare limelight's default encoder and its ``rocket`` with aeon's MiniRocket on the sine experiment.

    python -m benchmarks.run.sine_peers --peers PEERS/bin/python

``--peers`` is the Python of an environment with the packages of ``benchmarks/requirements.txt``. The data are 10,000
waves of 500 steps with the test set of ``benchmarks.run.sine``; all other waves are for training. Every run is a
process of its own, and its time covers the whole process, from the start of Python until the predictions are written.
The classifiers take turns and use the same number of threads. Prints a table and writes
``benchmarks/results/sine_peers.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from sklearn.metrics import f1_score

from benchmarks.processes import current_load, describe_environments, run_once
from benchmarks.result_files import write_results
from benchmarks.run.sine import SPLIT
from benchmarks.sides.archive_side import read_parts
from limelight.data.synthetic.sine import ANOMALOUS, SineSettings, generate_sine
from limelight.data.writing import write_table

CLASSIFIERS = ("limelight:rocket", "aeon:MiniRocket", "limelight:auto")


def write_waves(folder: Path, settings: SineSettings) -> np.ndarray:
    """Write the waves and their split, and return the labels of the test set in the order in which they are read."""
    panel = generate_sine(settings, seed=0)
    write_table(panel, folder)
    train, validation, test = panel.split(**SPLIT)
    parts = {"train": [*train.ids, *validation.ids], "test": [*test.ids]}
    table = {
        "series_id": [str(one) for ids in parts.values() for one in ids],
        "split": [part for part, ids in parts.items() for _ in ids],
    }
    pyarrow.csv.write_csv(pa.table(table), folder / "split.csv")
    return read_parts(folder)[1]["test"]


def main() -> None:
    """Run every seed; the classifiers take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS, help="as library:name")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="for every library")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a run is killed")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {classifier: [] for classifier in options.classifiers}
    settings = SineSettings(dataset_size=options.series)
    with tempfile.TemporaryDirectory() as folder:
        truth = write_waves(Path(folder), settings) == ANOMALOUS
        for seed in range(options.seeds):
            for classifier in options.classifiers:
                python = sys.executable if classifier.startswith("limelight:") else options.peers
                request = {"folder": folder, "classifier": classifier, "seed": seed, "threads": options.threads}
                load = current_load()
                result = run_once(python, "archive_side.py", {**request, "epochs": 1}, options.threads, options.limit)
                run = {
                    "seed": seed,
                    "f1": None,
                    "trouble": result.error,
                    "seconds": round(result.seconds, 2),
                    "processor_seconds": round(result.processor_seconds, 2),
                    "peak_mb": round(result.peak_mb),
                    "load": load,
                }
                if result.response:
                    predicted = np.array(result.response["predictions"]) == ANOMALOUS
                    run["f1"] = float(f1_score(truth, predicted))
                runs[classifier].append(run)
                print(f"seed {seed} {classifier:20}", run, flush=True)
    show(runs)
    environments = describe_environments(options.peers, options.threads)
    sizes = {"series": options.series, "steps": settings.num_points}
    write_results("sine_peers", {**environments, **sizes, "runs": runs})


def show(runs: dict[str, list[dict[str, Any]]]) -> None:
    """Print the lowest F1 and the median cost of every classifier."""
    print(f"{'classifier':22}{'lowest F1':>10}{'seconds':>9}{'CPU':>11}{'MB':>7}")
    for classifier, seeds in runs.items():
        completed = [one for one in seeds if one["f1"] is not None]
        if not completed:
            print(f"{classifier:22}{seeds[0]['trouble']}")
            continue
        wall, processor, peak = (
            statistics.median(one[key] for one in completed) for key in ("seconds", "processor_seconds", "peak_mb")
        )
        lowest = min(one["f1"] for one in completed)
        print(f"{classifier:22}{lowest:10.4f}{wall:9.1f}{processor:11.1f}{peak:7.0f}")


if __name__ == "__main__":
    main()
