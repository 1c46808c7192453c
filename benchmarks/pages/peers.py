"""Prepare the sections of ``docs/background/results.md`` that compare limelight with aeon, Keras, sktime and torch."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from benchmarks import ucr_scores
from benchmarks.critical_difference import critical_difference, mean_ranks
from benchmarks.run.archive import Runs, mean_accuracies
from benchmarks.run.sine import SPLIT
from benchmarks.run.speed import MEASURES

OURS = "limelight:auto"


def archive(results: dict[str, Any]) -> dict[str, Any]:
    """Compute mean accuracies, ranks, and ratios of cost to the peers."""
    runs = results["runs"]
    classifiers = list(dict.fromkeys(classifier for by_classifier in runs.values() for classifier in by_classifier))
    ranked_on, scores = mean_accuracies(runs)
    means = {classifier: statistics.mean(values) for classifier, values in scores.items()}
    seeds = {name: max(len(by_classifier.get(name, [])) for by_classifier in runs.values()) for name in classifiers}
    loads = {
        name: [run["load"] for by_classifier in runs.values() for run in by_classifier.get(name, [])]
        for name in classifiers
    }
    busy = [name for name in classifiers if statistics.median(loads[name]) > results["machine"]["cores"]]
    compared = [
        {
            "name": peer,
            "accuracy": means[OURS] - means[peer],
            "processor": _ratio(runs, OURS, peer, "processor_seconds"),
            "wall": _ratio(runs, OURS, peer, "seconds"),
        }
        for peer in classifiers
        if peer in means and peer != OURS
    ]
    return {
        "classifiers": classifiers,
        "seeds": seeds,
        "rows": {
            name: [_archive_cell(by_classifier.get(one, []), seeds[one]) for one in classifiers]
            for name, by_classifier in runs.items()
        },
        "means": means,
        "ranks": mean_ranks(scores),
        "ranked_on": ranked_on,
        "critical_difference": critical_difference(scores),
        "compared": compared,
        "loads": [load for values in loads.values() for load in values],
        "busy": busy if len(busy) < len(classifiers) else [],
    }


def ucr_archive(results: dict[str, Any]) -> dict[str, Any]:
    """Average over data sets on the official split and, if there are others, over resamples; compare every pair."""
    runs = results["runs"]
    tables = []
    for resamples in ucr_scores.tabled(runs):
        names, scores = ucr_scores.mean_scores(runs, ucr_scores.classifiers_with(runs, resamples), resamples)
        rows, pairs = ucr_scores.rows_of(scores), ucr_scores.compare(scores)
        tables.append({"resamples": len(resamples), "sets": len(names), "rows": rows, "pairs": pairs})
    every = [
        {"name": name, "classifier": classifier, **one}
        for name, by_classifier in runs.items()
        for classifier, by_resample in by_classifier.items()
        for one in by_resample.values()
    ]
    errors = [
        by_classifier["limelight:blocks"]["0"]["evidence_error"]
        for by_classifier in runs.values()
        if "evidence_error" in by_classifier.get("limelight:blocks", {}).get("0", {})
    ]
    ours = [one["encoder"] for one in every if one["classifier"] == "limelight:blocks" and "encoder" in one]
    used = Counter(name for one in ours for name in one.removeprefix("blocks (").rstrip(")").split(", "))
    return {
        "sets": len(runs),
        "tables": tables,
        "others": ucr_scores.rows_of_others(runs),
        "published": ucr_scores.PUBLISHED,
        "networks": ucr_scores.rows_of_published(runs),
        "loads": {
            name: statistics.median(one["load"] for one in every if one["classifier"] == name)
            for name in dict.fromkeys(one["classifier"] for one in every)
        },
        "evidence": {"largest": max(errors), "median": statistics.median(errors), "runs": len(errors)},
        "blocks": used.most_common(),
        "models": len(ours),
        "failed": [one for one in every if one["error"]],
    }


def evidence(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the rows of the three tables."""

    def rows(work: str) -> list[dict[str, Any]]:
        return [
            {"name": name, **{key: [run[key] for run in runs] for key in runs[0]}}
            for name, runs in results[work].items()
        ]

    single = [
        {"name": name, "steps": int(steps), **times}
        for name, by_steps in results["single"].items()
        for steps, times in by_steps.items()
    ]
    return {"bursts": rows("bursts"), "rare": rows("rare"), "single": single}


def sine_peers(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the runs of each classifier that ended in time."""
    runs = results["runs"]
    return {
        "completed": {name: [run for run in seeds if run["f1"] is not None] for name, seeds in runs.items()},
        "test_share": SPLIT["test"],
        "seeds": max(map(len, runs.values())),
        "loads": [run["load"] for seeds in runs.values() for run in seeds],
    }


def speed(results: dict[str, Any]) -> dict[str, Any]:
    """Compute, for each network, library and measure, the median time and its ratios to limelight."""
    rows = []
    for network, one in results["networks"].items():
        ours = one["answers"]["limelight"]
        for library, rounds in one["answers"].items():
            cells = [
                {
                    "time": factor * statistics.median(round_[measure] for round_ in rounds),
                    "wall": _median_ratio(rounds, ours, measure),
                    "processor": _median_ratio(rounds, ours, f"{measure}_processor"),
                }
                for measure, factor in MEASURES.items()
            ]
            rows.append({"network": network, "library": library, "cells": cells})
    return {
        "rows": rows,
        "rounds": len(rounds),
        "loads": [load for one in results["networks"].values() for load in one["load"]],
        "epoch_shares": {
            network: statistics.median(round_["epoch"] / round_["train"] for round_ in one["answers"]["limelight"])
            for network, one in results["networks"].items()
        },
        "imports": {name: statistics.median(seconds) for name, seconds in results["imports"].items()},
    }


def growth(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each size and classifier, with its cost relative to the smallest size."""
    rows = []
    smallest: dict[str, dict[str, float]] = {}
    for size in results["sizes"]:
        for name, runs in size["runs"].items():
            completed = [run for run in runs if not run["trouble"]]
            row = {"size": size, "name": name, "trouble": runs[0]["trouble"]}
            if completed:
                cost = {
                    "seconds": statistics.median(run["fit_processor"] + run["predict_processor"] for run in completed),
                    "peak": statistics.median(run["peak_mb"] for run in completed),
                }
                first = smallest.setdefault(name, cost)
                relative = {"times": cost["seconds"] / first["seconds"], "more_memory": cost["peak"] - first["peak"]}
                row |= {"trouble": "", **cost, **relative}
            rows.append(row)
    loads = [run["load"] for size in results["sizes"] for runs in size["runs"].values() for run in runs]
    return {"rows": rows, "loads": loads}


def _archive_cell(runs: list[dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Collect accuracy and CPU time of one classifier on one data set, or why there are none."""
    completed = [run for run in runs if run["accuracy"] is not None]
    if not completed:
        return {"trouble": runs[0]["trouble"] if runs else "not run"}
    return {
        "trouble": "",
        "accuracy": statistics.mean(run["accuracy"] for run in completed),
        "seconds": statistics.median(run["processor_seconds"] for run in completed),
        "fewer_seeds": len(completed) if len(completed) < seeds else None,
    }


def _ratio(runs: Runs, ours: str, peer: str, key: str) -> float:
    """Compute the cost of ``ours`` relative to ``peer``, as the median over data sets and seeds that both completed."""
    pairs = [
        (mine[key], theirs[key])
        for by_classifier in runs.values()
        for mine, theirs in zip(by_classifier.get(ours, []), by_classifier.get(peer, []), strict=False)
        if not mine["trouble"] and not theirs["trouble"]
    ]
    return statistics.median(mine / theirs for mine, theirs in pairs)


def _median_ratio(rounds: list[dict[str, float]], ours: list[dict[str, float]], measure: str) -> float:
    """Compute a time relative to limelight's in the same round, as the median over rounds."""
    return statistics.median(one[measure] / mine[measure] for one, mine in zip(rounds, ours, strict=True))
