"""The sine waves of ``limelight generate``: limelight's default and its rocket against aeon's MiniRocket, in one run.

    python benchmarks/sine_peers.py --peers PEERS/bin/python

``--peers`` is the Python of an environment with ``benchmarks/requirements.txt``. 10,000 waves of 500 steps, and the test part
of ``sine.py``; every side gets all the others to train on. Every run is a process of its own, the sides in turn with the
same number of threads, and its time is that of the whole process, from the start of Python to predictions written.
Prints a table and writes ``benchmarks/results/sine_peers.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from sklearn.metrics import f1_score

import sides
from archive_side import read
from limelight.data.synthetic.sine import ANOMALOUS, SineSettings, generate_sine
from limelight.data.writing import write_table

CLASSIFIERS = ("limelight:rocket", "aeon:MiniRocket", "limelight:auto")


def write(folder: Path, settings: SineSettings) -> np.ndarray:
    """Write the waves as every side reads them, and give the labels of the test part."""
    panel = generate_sine(settings, seed=0)
    write_table(panel, folder)
    train, validation, test = panel.split(test=0.2, validation=0.1)
    parts = {"train": [*train.ids, *validation.ids], "test": [*test.ids]}
    table = {
        "series_id": [str(one) for ids in parts.values() for one in ids],
        "split": [part for part, ids in parts.items() for _ in ids],
    }
    pyarrow.csv.write_csv(pa.table(table), folder / "split.csv")
    return read(folder)[1]["test"]


def main() -> None:
    """Run every seed, the sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS, help="library:name")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--limit", type=float, default=1800, help="seconds until a run is given up")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {classifier: [] for classifier in options.classifiers}
    settings = SineSettings(dataset_size=options.series)
    with tempfile.TemporaryDirectory() as place:
        truth = write(Path(place), settings) == ANOMALOUS
        for seed in range(options.seeds):
            for classifier in options.classifiers:
                python = sys.executable if classifier.startswith("limelight:") else options.peers
                asked = {"folder": place, "classifier": classifier, "seed": seed, "threads": options.threads}
                load = sides.machine(options.threads)["load"]
                outcome = sides.run_once(
                    python, "archive_side.py", {**asked, "epochs": 1}, options.threads, options.limit
                )
                made = {
                    "seed": seed,
                    "f1": None,
                    "trouble": outcome.trouble,
                    "seconds": round(outcome.seconds, 2),
                    "processor_seconds": round(outcome.processor_seconds, 2),
                    "peak_mb": round(outcome.peak_mb),
                    "load": load,
                }
                if outcome.answer:
                    guessed = np.array(outcome.answer["predictions"]) == ANOMALOUS
                    made["f1"] = float(f1_score(truth, guessed))
                runs[classifier].append(made)
                print(f"seed {seed} {classifier:20}", made, flush=True)
    show(runs)
    content = {
        "machine": sides.machine(options.threads),
        "versions": sides.versions(sys.executable, sides.OURS),
        "peers": sides.versions(options.peers, sides.PEERS),
        "series": options.series,
        "steps": settings.num_points,
        "runs": runs,
    }
    (sides.HERE / "results" / "sine_peers.json").write_text(json.dumps(content, indent=2) + "\n")


def show(runs: dict[str, list[dict[str, Any]]]) -> None:
    """Print the medians."""
    print(f"{'side':22}{'lowest F1':>10}{'seconds':>9}{'processor':>11}{'MB':>7}")
    for classifier, made in runs.items():
        good = [one for one in made if one["f1"] is not None]
        if not good:
            print(f"{classifier:22}{made[0]['trouble']}")
            continue
        middle = [statistics.median(one[key] for one in good) for key in ("seconds", "processor_seconds", "peak_mb")]
        lowest = min(one["f1"] for one in good)
        print(f"{classifier:22}{lowest:10.4f}{middle[0]:9.1f}{middle[1]:11.1f}{middle[2]:7.0f}")


if __name__ == "__main__":
    main()
