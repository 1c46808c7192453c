"""Compare accuracy and time of limelight and the fast classifiers of aeon on archive data sets.

    python -m benchmarks.run.archive DATA --peers PEERS/bin/python

``DATA`` contains a folder per data set with ``series.parquet``, ``labels.csv`` and ``split.csv``; ``--peers`` is the
Python of an environment with the packages of ``benchmarks/requirements.txt``.

Every run is a process of its own, and its time covers the whole process, from the start of Python until the predictions
are written. All classifiers have the defaults of their library, except InceptionTime: it trains one network for a few
epochs instead of five networks for 1,500, for at most ``--limit-once`` seconds. The classifiers in ``--once`` run with
one seed only. The test set is scored once per seed and is not used for any choice.

Runs that are already in the results are not repeated, so an interrupted benchmark resumes; ``--again`` starts over.
Prints a table, writes ``benchmarks/results/archive.json`` and draws ``docs/pictures/ranks.png``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.critical_difference import critical_difference, draw_diagram, mean_ranks
from benchmarks.processes import current_load, describe_environments, run_once
from benchmarks.result_files import PICTURES, read_results, write_results

SETS = (
    "acsf1",
    "arrow_head",
    "basic_motions",
    "coffee",
    "dodger_loop",
    "ecg200",
    "italy_power_demand",
    "japanese_vowels",
    "plaid",
    "trace",
    "electric_devices",
)
CLASSIFIERS = (
    "limelight:auto",
    "limelight:rocket",
    "limelight:conv_lstm",
    "aeon:MiniRocket",
    "aeon:MultiRocketHydra",
    "aeon:InceptionTime",
)
ONCE = ("limelight:conv_lstm", "aeon:InceptionTime")
PICTURE = PICTURES / "ranks.png"
Runs = dict[str, dict[str, list[dict[str, Any]]]]
"""For each data set and classifier, one run per seed."""


def run(options: argparse.Namespace, name: str, classifier: str, seed: int) -> dict[str, Any]:
    """Run one classifier on one data set with one seed."""
    load = current_load()
    result = run_once(
        sys.executable if classifier.startswith("limelight:") else options.peers,
        "archive_side.py",
        {
            "folder": str((options.data / name).resolve()),
            "classifier": classifier,
            "seed": seed,
            "threads": options.threads,
            "epochs": options.epochs,
        },
        options.threads,
        options.limit if classifier not in options.once else options.limit_once,
    )
    return {
        "seed": seed,
        "accuracy": result.response and result.response["accuracy"],
        "trouble": result.error,
        "seconds": round(result.seconds, 2),
        "processor_seconds": round(result.processor_seconds, 2),
        "peak_mb": round(result.peak_mb),
        "load": load,
    }


def mean_accuracies(runs: Runs) -> tuple[list[str], dict[str, list[float]]]:
    """Return the data sets to rank on, and the mean accuracies over seeds of each ranked classifier on them.

    These are the data sets that every classifier with several seeds completed. A classifier with one seed is ranked
    only if it completed all of them too.
    """
    classifiers = dict.fromkeys(classifier for by_classifier in runs.values() for classifier in by_classifier)
    completed = {
        name: {
            classifier
            for classifier in classifiers
            if by_classifier.get(classifier) and all(one["accuracy"] is not None for one in by_classifier[classifier])
        }
        for name, by_classifier in runs.items()
    }
    ranked_on = [name for name in runs if completed[name] >= {*classifiers} - {*ONCE}]
    scores = {
        classifier: [statistics.mean(one["accuracy"] for one in runs[name][classifier]) for name in ranked_on]
        for classifier in classifiers
        if all(classifier in completed[name] for name in ranked_on)
    }
    return ranked_on, scores


def show(runs: Runs, classifiers: list[str]) -> None:
    """Print accuracy, standard deviation and cost for every data set and classifier, and the mean ranks."""
    print(f"{'set':20}{'classifier':24}{'accuracy':>9}{'spread':>8}{'seconds':>9}{'processor':>10}{'MB':>7}{'load':>6}")
    for name, by_classifier in runs.items():
        for classifier in classifiers:
            seeds = by_classifier.get(classifier, [])
            accuracy = [one["accuracy"] for one in seeds if one["accuracy"] is not None]
            if not accuracy:
                print(f"{name:20}{classifier:24}  {seeds[0]['trouble'] if seeds else 'not run yet'}")
                continue
            median = {
                key: statistics.median(one[key] for one in seeds)
                for key in ("seconds", "processor_seconds", "peak_mb", "load")
            }
            spread = statistics.stdev(accuracy) if len(accuracy) > 1 else 0.0
            print(
                f"{name:20}{classifier:24}{statistics.mean(accuracy):9.3f}{spread:8.3f}{median['seconds']:9.1f}"
                f"{median['processor_seconds']:10.1f}{median['peak_mb']:7.0f}{median['load']:6.1f}"
            )
    ranked_on, scores = mean_accuracies(runs)
    if len(ranked_on) > 1 and len(scores) > 1:
        for classifier, rank in sorted(mean_ranks(scores).items(), key=lambda pair: pair[1]):
            print(f"mean rank {rank:.2f}, mean accuracy {statistics.mean(scores[classifier]):.4f}  {classifier}")
        print(f"critical difference {critical_difference(scores):.2f} over {len(ranked_on)} sets")
        draw_diagram(scores, PICTURE)


def main() -> None:
    """Run every seed, data set and classifier; the classifiers take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS, help="as library:name")
    parser.add_argument("--once", nargs="*", default=ONCE, help="classifiers that run with the first seed only")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="for every library")
    parser.add_argument("--epochs", type=int, default=30, help="for InceptionTime")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a run is killed")
    parser.add_argument("--limit-once", type=float, default=240, help="the same for the classifiers in --once")
    parser.add_argument("--again", action="store_true", help="discard earlier runs")
    options = parser.parse_args()
    earlier = {} if options.again else read_results("archive")
    results: dict[str, Any] = {"runs": {}, **earlier, **describe_environments(options.peers, options.threads)}
    results |= {"epochs": options.epochs, "limit": options.limit, "limit_once": options.limit_once}
    runs: Runs = results["runs"]
    every_seed = [one for one in options.classifiers if one not in options.once]
    first_seed = [one for one in options.classifiers if one in options.once]
    for seed, classifiers in [*((seed, every_seed) for seed in range(options.seeds)), (0, first_seed)]:
        for name, classifier in product(options.sets, classifiers):
            seeds = runs.setdefault(name, {}).setdefault(classifier, [])
            if any(one["seed"] == seed for one in seeds):
                continue
            seeds.append(run(options, name, classifier, seed))
            outcome = seeds[-1]["trouble"] or f"{seeds[-1]['accuracy']:.3f}"
            cost = f"{seeds[-1]['seconds']:9.1f} s{seeds[-1]['processor_seconds']:9.1f} s of CPU time"
            print(f"seed {seed} {name:20}{classifier:24}{outcome:>8}{cost}", flush=True)
            write_results("archive", results)
    show(runs, list(options.classifiers))


if __name__ == "__main__":
    main()
