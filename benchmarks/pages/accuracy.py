"""Prepare sections of ``docs/background/results.md``: sine waves, real sets, examples and metadata."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from benchmarks.run import sine as sine_benchmark
from benchmarks.run.examples import SCORES
from benchmarks.run.metadata_tasks import ALONE, FOLDS, LONGEST, NETWORK, NETWORK_ALONE, NETWORK_FUSIONS, PEER, SIDES
from limelight.data.synthetic.sine import SineSettings
from limelight.evaluation.metrics.paired import MORE, WORSE, paired_gain

DECIDED = 0.05
"""The gain in accuracy from which metadata count as decisive."""


def sine(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the numbers of limelight over seeds, and what was trained."""
    runs, article = results["limelight"], results["article"]
    hits = [run["seconds_to_validation_f1"] for run in runs]
    localisation = [run["localisation"] for run in runs]
    return {
        "waves": SineSettings(),
        "shares": {"train": 1 - sum(sine_benchmark.SPLIT.values()), **sine_benchmark.SPLIT},
        "benchmark": sine_benchmark,
        "runs": runs,
        "seconds": [run["seconds"] for run in runs],
        "hits": hits,
        "test_f1": [run["test_f1"] for run in runs],
        "speedup": article["seconds"] / statistics.mean(hits),
        "quartiles": statistics.quantiles(results["step"]["ratios"]),
        "inside": [one["attention_inside"] for one in localisation],
        "inside_uniform": [one["attention_inside_uniform"] for one in localisation],
        "peak_inside": [one["peak_inside"] for one in localisation],
    }


def real_sets(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each data set and model."""
    rows = [
        {"name": name, "baseline": models["baseline"], "model": model, **scores}
        for name, models in results["sets"].items()
        for model, scores in models.items()
        if model != "baseline"
    ]
    return {"rows": rows, "seeds": len(rows[0]["accuracy"])}


def examples(results: dict[str, Any]) -> dict[str, Any]:
    """Collect the scores of each experiment file over seeds, and the rows about calibration, sets and events."""
    rows, calibration, prediction_sets, events = [], [], [], []
    for name, one in results["sets"].items():
        runs = one["runs"]
        rows.append(
            {
                "name": name,
                "series": one["series"],
                "baseline": one["baseline"]["f1"],
                **{key: [run[key] for run in runs] for key in (*SCORES, "seconds")},
                "encoders": Counter(run["model"].split(maxsplit=1)[0].strip(",") for run in runs),
            }
        )
        errors, coverages, found = ([run[key] for run in runs] for key in ("calibration_error", "coverage", "events"))
        if all(errors):
            calibration.append({"name": name, **_columns(errors, "before", "after")})
        if all(coverages):
            prediction_sets.append({"name": name, **one["counts"], **_columns(coverages, "coverage", "mean_size")})
        if all(found):
            numbers = _columns(found, "predicted", "matched", "precision", "recall", "f1")
            events.append({"name": name, "true": found[0]["true"], **numbers})
    counts = {name: len(one["runs"]) for name, one in results["sets"].items()}
    return {
        "rows": rows,
        "calibration": calibration,
        "prediction_sets": prediction_sets,
        "events": events,
        "seeds": max(counts.values()),
        "fewer_seeds": {name: count for name, count in counts.items() if count < max(counts.values())},
    }


def metadata(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each data set and score, with and without metadata."""
    rows = []
    for name, one in results["real"].items():
        for score in ("accuracy", "balanced_accuracy"):
            without, with_metadata = ([run[score] for run in one[variant]] for variant in ("without", "with"))
            rows.append(
                {
                    "name": name,
                    "score": score.replace("_", " "),
                    "baseline": one["commonest"][score],
                    "without": without,
                    "with": with_metadata,
                    "gain": [more - less for more, less in zip(with_metadata, without, strict=True)],
                }
            )
    return {
        "rows": rows,
        "seeds": len(rows[0]["with"]),
        "planted_seeds": len(next(iter(results["planted"].values()))),
        "own_mode": results["attention"]["its own mode"],
        "other_mode": results["attention"]["the other mode"],
    }


def fusion(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each encoder and fusion on the planted set, and for each set with sham metadata."""
    planted = [
        {
            "name": name,
            "accuracies": [run["accuracy"] for run in runs],
            "learned": sum(run["accuracy"] >= 0.95 for run in runs),
            "seconds": [run["cpu_seconds"] for run in runs],
        }
        for name, runs in results["planted"].items()
    ]
    sham = [
        {"name": name, "changes": [100 * (run["with"] - run["without"]) for run in runs]}
        for name, runs in results["sham"].items()
    ]
    means = [statistics.mean(row["changes"]) for row in sham]
    return {"planted": planted, "sham": sham, "sham_mean": statistics.mean(means) if means else 0.0}


def metadata_tasks(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each task: the accuracy of each side, and what the default gains over the series alone."""
    tasks = {name: sides for name, sides in results["tasks"].items() if {ALONE, "auto"} <= set(sides)}
    of_table = [side for side in SIDES if not side.startswith(NETWORK)]
    sides = [side for side in of_table if any(side in scored for scored in tasks.values())]
    rows = []
    for name, scored in tasks.items():
        base = scored[ALONE]["accuracy"]
        gains = {side: paired_gain(found["accuracy"], base, 1 / FOLDS) for side, found in scored.items()}
        rows.append(
            {
                "name": name,
                "series": scored[ALONE]["series"],
                "accuracies": [statistics.mean(scored[side]["accuracy"]) if side in scored else None for side in sides],
                "gain": gains["auto"],
                "best": max(gain.mean for side, gain in gains.items() if side != PEER),
                "best_of_all": max(gain.mean for gain in gains.values()),
                "seconds": [scored[side]["cpu_seconds"] / len(base) for side in (ALONE, "auto")],
            }
        )
    decided = [row for row in rows if row["best"] >= DECIDED]
    peers = [
        [statistics.mean(scored[side]["accuracy"]) for side in ("auto", PEER)]
        for scored in tasks.values()
        if PEER in scored
    ]
    return {
        "sides": sides,
        "rows": rows,
        "better": sum(row["gain"].verdict == MORE for row in rows),
        "worse": sum(row["gain"].verdict == WORSE for row in rows),
        "kept": [row["gain"].mean / row["best"] for row in decided],
        "kept_of_all": [row["gain"].mean / row["best_of_all"] for row in rows if row["best_of_all"] >= DECIDED],
        "peers": peers,
        "better_peers": sum(peer > own for own, peer in peers),
        "longest": LONGEST,
        "sham": statistics.mean(row["gain"].mean for row in rows if row["name"].startswith("sham")),
        **_network_fusions(tasks),
    }


def _network_fusions(tasks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Collect a row for each task: the accuracy of the network alone, and what each fusion gains over it."""
    rows = [
        {
            "name": name,
            "alone": statistics.mean(scored[NETWORK_ALONE]["accuracy"]),
            "gains": [
                paired_gain(scored[f"{NETWORK} + {fusion}"]["accuracy"], scored[NETWORK_ALONE]["accuracy"], 1 / FOLDS)
                for fusion in NETWORK_FUSIONS
            ],
        }
        for name, scored in tasks.items()
        if {NETWORK_ALONE, *(f"{NETWORK} + {fusion}" for fusion in NETWORK_FUSIONS)} <= set(scored)
    ]
    by_fusion = {name: [row["gains"][place] for row in rows] for place, name in enumerate(NETWORK_FUSIONS)}
    return {
        "network": NETWORK,
        "network_rows": rows,
        "network_fusions": [
            {
                "name": name,
                "mean": statistics.mean(gain.mean for gain in gains),
                "better": sum(gain.verdict == MORE for gain in gains),
                "worse": sum(gain.verdict == WORSE for gain in gains),
            }
            for name, gains in by_fusion.items()
            if gains
        ],
    }


def notes(results: dict[str, Any]) -> dict[str, Any]:
    """Collect a row for each set of texts and number of training series: the accuracies of each side."""
    runs = results["runs"]
    sides = list(dict.fromkeys(side for by_size in runs.values() for found in by_size.values() for side in found))
    rows = [
        {
            "corpus": corpus,
            "size": int(size),
            "commonest": statistics.mean(run["commonest"] for run in next(iter(found.values()))),
            "accuracies": [[run["accuracy"] for run in found[side]] if side in found else None for side in sides],
        }
        for corpus, by_size in runs.items()
        for size, found in by_size.items()
    ]
    return {"rows": rows, "sides": sides, "seeds": len(next(iter(rows[0]["accuracies"])))}


def _columns(runs: list[dict[str, Any]], *keys: str) -> dict[str, list[float]]:
    """Collect the values of each key over runs; a missing value counts as 0."""
    return {key: [run[key] or 0 for run in runs] for key in keys}
