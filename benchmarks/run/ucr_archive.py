"""Compare accuracy and time over the 79 data sets of the UCR archive that packages contain, on several resamples.

    python -m benchmarks.ucr_sets DATA
    python -m benchmarks.run.ucr_archive DATA --peers PEERS/bin/python

``--peers`` is the Python of an environment with the packages of ``benchmarks/requirements.txt``. Resample 0 is the
official split; the others are drawn by the rule of the bake-off, and their number is the seed of the classifiers. Test
sets are scored once per resample, and are not used for any choice.

Every run is a process of its own; its time covers the whole process, from the start of Python until the predictions are
written. Small data sets come first, and the classifiers take turns. Runs that are already in the results are not
repeated, so that the benchmark can run in pieces; ``--minutes`` ends a piece. Several pieces may run at the same time.

Prints tables and writes ``benchmarks/results/ucr_archive.json``.
"""

from __future__ import annotations

import argparse
import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import current_load, describe_environments, run_once
from benchmarks.result_files import RESULTS, ROOT, read_results, write_results
from benchmarks.ucr_scores import CLASSIFIERS, print_tables

PEERS = ("aeon", "torch", "numba", "numpy", "scikit-learn")
NUMBERS = ("accuracy", "balanced_accuracy", "log_loss", "fit_seconds", "predict_seconds", "encoder", "evidence_error")


def by_size(folder: Path) -> list[Path]:
    """Return the files of the data sets, the smallest first."""

    def values(file: Path) -> int:
        with np.load(file) as content:
            return int(content["values"].size)

    return sorted(folder.glob("*.npz"), key=values)


def run(options: argparse.Namespace, file: Path, classifier: str, resample: int) -> dict[str, Any]:
    """Run one classifier on one resample of a data set."""
    load, ours = current_load(), classifier.startswith("limelight:")
    result = run_once(
        sys.executable if ours else options.peers,
        "ucr_side.py",
        {
            "file": str(file.resolve()),
            "classifier": classifier,
            "resample": resample,
            "threads": options.threads,
        },
        options.threads,
        options.limit,
        source=options.source if ours else None,
    )
    response = result.response or {}
    return {
        **{name: _rounded(response[name]) for name in NUMBERS if name in response},
        "error": result.error,
        "seconds": round(result.seconds, 2),
        "processor_seconds": round(result.processor_seconds, 2),
        "peak_mb": round(result.peak_mb),
        "load": load,
    }


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Run every resample, data set and classifier that is not in the results yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of benchmarks.ucr_sets")
    parser.add_argument("--peers", help="Python of the environment with the peers")
    parser.add_argument("--sets", nargs="+", help="names of data sets; all if not given")
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS, help="as library:name; a block is a name too")
    parser.add_argument("--resamples", type=int, nargs="+", default=range(5))
    parser.add_argument("--threads", type=int, default=1, help="for every library")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a run is killed")
    parser.add_argument("--minutes", type=float, default=np.inf, help="no run begins after these")
    parser.add_argument("--source", type=Path, help="folder of the package limelight, if it is not the installed one")
    parser.add_argument("--results", default="ucr_archive", help="name of the file of results")
    parser.add_argument("--table", action="store_true", help="only print the tables")
    options = parser.parse_args()
    if not options.table:
        about = {"limit": options.limit, "commit": commit_of(options.source or ROOT)}
        if options.peers:
            about |= describe_environments(options.peers, options.threads, PEERS)
        with changed_results(options.results) as results:
            results |= about
        complete(options)
    print_tables(read_results(options.results)["runs"])


def commit_of(folder: Path) -> str:
    """Return the commit that is checked out in a folder."""
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def changed_results(name: str) -> Iterator[dict[str, Any]]:
    """Read the results for a change, and write them; another process waits meanwhile."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = {"runs": {}, **read_results(name)}
        yield results
        write_results(name, results)


def complete(options: argparse.Namespace) -> None:
    """Add the missing runs to the results."""
    end = time.monotonic() + 60 * options.minutes
    files = [file for file in by_size(options.data) if not options.sets or file.stem in options.sets]
    for resample, file, classifier in product(options.resamples, files, options.classifiers):
        if time.monotonic() > end:
            return
        if str(resample) in read_results(options.results)["runs"].get(file.stem, {}).get(classifier, {}):
            continue
        one = run(options, file, classifier, resample)
        outcome = one["error"] or f"{one['accuracy']:.3f}"
        print(f"{resample} {file.stem:32}{classifier:24}{outcome:>8}{one['seconds']:8.1f} s", flush=True)
        with changed_results(options.results) as results:
            results["runs"].setdefault(file.stem, {}).setdefault(classifier, {})[str(resample)] = one


if __name__ == "__main__":
    main()
