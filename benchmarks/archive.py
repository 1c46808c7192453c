"""Accuracy and time on archive sets: limelight against the fast classifiers of aeon, every run a process of its own.

    python benchmarks/archive.py DATA --peers PEERS/bin/python

``DATA`` holds a folder for each set, with ``series.parquet``, ``labels.csv`` and ``split.csv``; ``--peers`` is the Python
of an environment with ``benchmarks/requirements.txt``. Every classifier has its library's defaults, but InceptionTime,
which trains one network of few epochs instead of five of 1,500, for at most ``--limit-once`` seconds. ``--once`` names those
that are run with one seed only. Time is that of the whole process, from the start of Python to predictions written; the test part is scored once for each seed, and nothing is chosen by it. A run that is in
the results already is not made again, so an interrupted benchmark goes on where it was; ``--again`` starts anew.
Prints a table, writes ``benchmarks/results/archive.json`` and draws ``docs/pictures/ranks.png``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from itertools import product
from pathlib import Path
from typing import Any

import sides
from ranks import critical_difference, draw, mean_ranks

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
RESULTS = sides.HERE / "results" / "archive.json"
PICTURE = sides.HERE.parent / "docs" / "pictures" / "ranks.png"
Runs = dict[str, dict[str, list[dict[str, Any]]]]
"""For each set and classifier one run for each seed."""


def run(options: argparse.Namespace, name: str, classifier: str, seed: int) -> dict[str, Any]:
    """Make one run."""
    load = sides.machine(options.threads)["load"]
    outcome = sides.run_once(
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
        "accuracy": outcome.answer and outcome.answer["accuracy"],
        "trouble": outcome.trouble,
        "seconds": round(outcome.seconds, 2),
        "processor_seconds": round(outcome.processor_seconds, 2),
        "peak_mb": round(outcome.peak_mb),
        "load": load,
    }


def accuracies(runs: Runs) -> tuple[list[str], dict[str, list[float]]]:
    """Give the sets that all classifiers but those run once answered on, and the mean accuracies over seeds on them.

    A classifier that is run once is left out where it has no answer for one of these sets.
    """
    names = dict.fromkeys(classifier for of in runs.values() for classifier in of)
    answered = {
        name: {one for one in names if of.get(one) and all(made["accuracy"] is not None for made in of[one])}
        for name, of in runs.items()
    }
    compared = [name for name in runs if answered[name] >= {*names} - {*ONCE}]
    scores = {
        one: [statistics.mean(made["accuracy"] for made in runs[name][one]) for name in compared]
        for one in names
        if all(one in answered[name] for name in compared)
    }
    return compared, scores


def show(runs: Runs, classifiers: list[str]) -> None:
    """Print accuracy, its spread and the seconds of every set and classifier, and the mean ranks."""
    print(f"{'set':20}{'classifier':24}{'accuracy':>9}{'spread':>8}{'seconds':>9}{'processor':>10}{'MB':>7}{'load':>6}")
    for name, of in runs.items():
        for classifier in classifiers:
            made = of.get(classifier, [])
            right = [one["accuracy"] for one in made if one["accuracy"] is not None]
            if not right:
                print(f"{name:20}{classifier:24}  {made[0]['trouble'] if made else 'not run yet'}")
                continue
            middle = {
                key: statistics.median(one[key] for one in made)
                for key in ("seconds", "processor_seconds", "peak_mb", "load")
            }
            spread = statistics.stdev(right) if len(right) > 1 else 0.0
            print(
                f"{name:20}{classifier:24}{statistics.mean(right):9.3f}{spread:8.3f}{middle['seconds']:9.1f}"
                f"{middle['processor_seconds']:10.1f}{middle['peak_mb']:7.0f}{middle['load']:6.1f}"
            )
    compared, scores = accuracies(runs)
    if len(compared) > 1 and len(scores) > 1:
        for classifier, rank in sorted(mean_ranks(scores).items(), key=lambda pair: pair[1]):
            print(f"mean rank {rank:.2f}, mean accuracy {statistics.mean(scores[classifier]):.4f}  {classifier}")
        print(f"critical difference {critical_difference(scores):.2f} over {len(compared)} sets")
        draw(scores, PICTURE)


def main() -> None:
    """Run every seed, set and classifier, the classifiers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS, help="library:name")
    parser.add_argument("--once", nargs="*", default=ONCE, help="classifiers that are run with the first seed only")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--epochs", type=int, default=30, help="of InceptionTime")
    parser.add_argument("--limit", type=float, default=900, help="seconds until a run is given up")
    parser.add_argument("--limit-once", type=float, default=240, help="the same for those that are run once")
    parser.add_argument("--again", action="store_true", help="forget earlier runs")
    options = parser.parse_args()
    earlier = RESULTS.exists() and not options.again
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if earlier else {"runs": {}}
    found["machine"] = sides.machine(options.threads)
    found["versions"] = sides.versions(sys.executable, sides.OURS)
    found["peers"] = sides.versions(options.peers, sides.PEERS)
    found["epochs"], found["limit"], found["limit_once"] = options.epochs, options.limit, options.limit_once
    runs: Runs = found["runs"]
    often = [one for one in options.classifiers if one not in options.once]
    once = [one for one in options.classifiers if one in options.once]
    for seed, classifiers in [*((seed, often) for seed in range(options.seeds)), (0, once)]:
        for name, classifier in product(options.sets, classifiers):
            made = runs.setdefault(name, {}).setdefault(classifier, [])
            if any(one["seed"] == seed for one in made):
                continue
            made.append(run(options, name, classifier, seed))
            said = made[-1]["trouble"] or f"{made[-1]['accuracy']:.3f}"
            cost = f"{made[-1]['seconds']:9.1f} s{made[-1]['processor_seconds']:9.1f} s of processor"
            print(f"seed {seed} {name:20}{classifier:24}{said:>8}{cost}", flush=True)
            RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    show(runs, list(options.classifiers))


if __name__ == "__main__":
    main()
