"""Tables of the benchmark ``ucr_archive``: means, pairwise tests, and the critical-difference diagram."""

from __future__ import annotations

import csv
import statistics
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmarks.critical_difference import draw_diagram, mean_ranks
from benchmarks.result_files import PICTURES

PICTURE = PICTURES / "ucr_ranks.png"
CLASSIFIERS = (
    "limelight:blocks",
    "limelight:blocks_without_shapelets",
    "limelight:rocket",
    "aeon:MiniRocket",
    "aeon:MultiRocketHydra",
    "aeon:QUANT",
)
"""The classifiers that are compared in pairs; others have a table of their own."""
PUBLISHED = {"HIVE-COTE 2": 0.8821, "MultiRocket-Hydra": 0.8756, "MiniRocket": 0.8694}
"""Mean accuracy over these 79 data sets and 30 resamples, as published with the bake-off (Middlehurst et al., 2024)."""
NETWORKS = Path(__file__).with_name("published_networks.csv")
"""Accuracies on the official split, published with LITE (Ismail-Fawaz et al., 2023): ResNet is the mean of five
networks, InceptionTime and LITETime are ensembles of five."""
Runs = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""For each data set and classifier, the run of each resample."""


def finished(runs: Runs, classifier: str, resamples: list[str]) -> set[str]:
    """Return the data sets on which a classifier finished some resamples."""
    return {
        name
        for name, by_classifier in runs.items()
        if all(not by_classifier.get(classifier, {}).get(one, {"error": "missing"})["error"] for one in resamples)
    }


def mean_scores(runs: Runs, classifiers: list[str], resamples: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Average over the resamples, on the data sets that every classifier finished.

    Returns
    -------
    tuple
        The data sets; and for each classifier the mean ``accuracy``, ``balanced_accuracy``, ``log_loss`` (None if a
        classifier has no probabilities) and ``processor_seconds`` of each data set.
    """
    names = sorted(set.intersection(*(finished(runs, one, resamples) for one in classifiers)))
    scores: dict[str, Any] = {}
    for classifier in classifiers:
        own = [[runs[name][classifier][one] for one in resamples] for name in names]
        scores[classifier] = {
            key: [
                None if any(one[key] is None for one in some) else statistics.mean(one[key] for one in some)
                for some in own
            ]
            for key in ("accuracy", "balanced_accuracy", "log_loss", "processor_seconds")
        }
    return names, scores


def compare(scores: dict[str, Any], level: float = 0.05) -> list[dict[str, Any]]:
    """Compare every pair by Wilcoxon's signed-rank test on accuracies, with Holm's correction.

    Returns
    -------
    list[dict]
        For each pair ``better`` and ``worse`` by mean accuracy, the mean ``gain``, ``wins``, ``losses``, ``ties``, the
        ``uncorrected`` p, the corrected ``p``, and whether the difference is ``significant`` by the latter.
    """
    pairs = []
    for one, other in combinations(scores, 2):
        gains = np.subtract(scores[one]["accuracy"], scores[other]["accuracy"]).round(6)
        better, worse = (one, other) if gains.mean() >= 0 else (other, one)
        gains = gains if better == one else -gains
        p = float(wilcoxon(gains).pvalue) if gains.any() else 1.0
        counts = {"wins": int((gains > 0).sum()), "losses": int((gains < 0).sum()), "ties": int((gains == 0).sum())}
        pairs.append(
            {"better": better, "worse": worse, "gain": float(gains.mean()), **counts, "uncorrected": p, "p": p}
        )
    highest = 0.0
    for place, pair in enumerate(sorted(pairs, key=lambda pair: pair["p"])):
        highest = max(highest, min(1.0, pair["p"] * (len(pairs) - place)))
        pair["p"] = highest
        pair["significant"] = highest < level
    return sorted(pairs, key=lambda pair: -pair["gain"])


def rows_of(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row of means for each classifier, the best mean rank first."""
    ranks = mean_ranks({name: own["accuracy"] for name, own in scores.items()})
    rows = []
    for name in sorted(ranks, key=lambda name: ranks[name]):
        own = scores[name]
        losses = own["log_loss"]
        rows.append(
            {
                "classifier": name,
                "rank": ranks[name],
                "accuracy": statistics.mean(own["accuracy"]),
                "balanced_accuracy": statistics.mean(own["balanced_accuracy"]),
                "log_loss": None if None in losses else statistics.mean(losses),
                "median_seconds": statistics.median(own["processor_seconds"]),
                "total_minutes": sum(own["processor_seconds"]) / 60,
            }
        )
    return rows


def classifiers_with(runs: Runs, resamples: list[str], share: float = 0.9) -> list[str]:
    """Return the compared classifiers that finished some resamples of most data sets."""
    return [one for one in CLASSIFIERS if len(finished(runs, one, resamples)) >= share * len(runs)]


def resamples_of(runs: Runs, classifier: str, share: float = 0.9) -> list[str]:
    """Return the resamples that a classifier finished on most data sets."""
    found = {one for by_classifier in runs.values() for one in by_classifier.get(classifier, {})}
    return [one for one in sorted(found, key=int) if len(finished(runs, classifier, [one])) >= share * len(runs)]


def tabled(runs: Runs) -> list[list[str]]:
    """Return the resamples of each table: those that some classifier finished, the fewest first."""
    finished_by = {tuple(resamples_of(runs, one)) for one in CLASSIFIERS}
    return [list(resamples) for resamples in sorted(finished_by, key=len) if resamples]


def rows_of_others(runs: Runs) -> list[dict[str, Any]]:
    """Return a row for each classifier that is not compared in pairs, on the official split, the best gain last.

    Returns
    -------
    list[dict]
        ``classifier``, the number of ``sets`` it finished, its mean ``accuracy`` and ``log_loss`` on them, those of
        ``blocks`` on the same sets as ``blocks_accuracy`` and ``blocks_log_loss``, and ``median_seconds``.
    """
    rows = []
    for name in dict.fromkeys(one for by_classifier in runs.values() for one in by_classifier):
        sets = sorted(finished(runs, name, ["0"]) & finished(runs, "limelight:blocks", ["0"]))
        if name in CLASSIFIERS or not sets:
            continue
        own, blocks = ([runs[one][who]["0"] for one in sets] for who in (name, "limelight:blocks"))
        means = {
            prefix + key: statistics.mean(one[key] for one in some)
            for prefix, some in (("", own), ("blocks_", blocks))
            for key in ("accuracy", "log_loss")
        }
        seconds = statistics.median(one["processor_seconds"] for one in own)
        rows.append({"classifier": name, "sets": len(sets), **means, "median_seconds": seconds})
    return sorted(rows, key=lambda row: row["accuracy"] - row["blocks_accuracy"])


def rows_of_published(runs: Runs) -> list[dict[str, Any]]:
    """Compare ``blocks`` and ``inception`` with published networks on the official split by Wilcoxon's test.

    Returns
    -------
    list[dict]
        For each ``classifier`` and published ``network``, the number of ``sets``, both mean accuracies as ``own`` and
        ``other``, ``wins``, ``ties`` and ``losses``, and ``p``.
    """
    with NETWORKS.open(encoding="utf-8", newline="") as file:
        published = {
            row.pop("dataset"): {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
        }
    rows = []
    for classifier in ("limelight:blocks", "limelight:inception"):
        sets = sorted(finished(runs, classifier, ["0"]) & set(published))
        own = np.array([runs[name][classifier]["0"]["accuracy"] for name in sets]).round(4)
        for network in next(iter(published.values())):
            other = np.array([published[name][network] for name in sets])
            signs = np.sign((own - other).round(4))
            rows.append(
                {
                    "classifier": classifier,
                    "network": network,
                    "sets": len(sets),
                    "own": float(own.mean()),
                    "other": float(other.mean()),
                    **{word: int((signs == sign).sum()) for word, sign in (("wins", 1), ("ties", 0), ("losses", -1))},
                    "p": float(wilcoxon(own - other).pvalue),
                }
            )
    return rows


def draw(runs: Runs) -> None:
    """Draw the critical-difference diagram of the official split."""
    resamples = tabled(runs)[0]
    _, scores = mean_scores(runs, classifiers_with(runs, resamples), resamples)
    draw_diagram({name: own["accuracy"] for name, own in scores.items()}, PICTURE)


def print_tables(runs: Runs) -> None:
    """Print the means and the pairwise tests of each table."""
    for resamples in tabled(runs):
        names, scores = mean_scores(runs, classifiers_with(runs, resamples), resamples)
        print(f"\n{len(names)} data sets, {len(resamples)} resamples")
        print(
            f"{'classifier':32}{'rank':>6}{'accuracy':>10}{'balanced':>10}{'log loss':>10}{'median s':>10}"
            f"{'minutes':>9}"
        )
        for row in rows_of(scores):
            loss = "" if row["log_loss"] is None else f"{row['log_loss']:.4f}"
            print(
                f"{row['classifier']:32}{row['rank']:6.2f}{row['accuracy']:10.4f}{row['balanced_accuracy']:10.4f}"
                f"{loss:>10}{row['median_seconds']:10.1f}{row['total_minutes']:9.1f}"
            )
        for pair in compare(scores):
            counts = f"{pair['wins']} wins, {pair['ties']} ties, {pair['losses']} losses"
            print(
                f"{pair['better']} - {pair['worse']}: {pair['gain']:+.4f}, {counts}, p {pair['uncorrected']:.3g}, "
                f"corrected {pair['p']:.3g}"
            )
    for row in rows_of_others(runs):
        print(
            f"{row['classifier']:32} on {row['sets']} data sets: accuracy {row['accuracy']:.4f}, log loss "
            f"{row['log_loss']:.4f}; blocks {row['blocks_accuracy']:.4f}, {row['blocks_log_loss']:.4f}"
        )
