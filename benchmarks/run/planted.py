"""Measure whether the scores of explanations predict the truth, on tasks of which it is known which values decide.

    python -m benchmarks.run.planted --models rocket conv_lstm --seeds 5 --first 7

For each planted task and each of four models, every explanation is compared with the truth by NDCG. The agreement with
random masks (its correlation, and its NDCG by estimated effects) and the gain of deletion and insertion are measured on
other test series, and the method that each score recommends is compared with the best one. The agreement was designed
on the tasks in ``DESIGNED_ON`` with the seeds 100 to 102; use other seeds here. Writes
``benchmarks/results/planted.json`` after each model, so that a run can be stopped.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.result_files import describe_environment, write_results
from limelight.data.synthetic.planted import PLANTED_TASKS, Planted, generate_planted
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain, methods_of
from limelight.explanation.quality.faithfulness import CLEAR, faithfulness
from limelight.explanation.quality.measure import DRAWS, FRACTIONS, ORDERS, SETTINGS
from limelight.explanation.quality.ranking import rank_by_effect
from limelight.model.fitted import FittedModel

DESIGNED_ON = ("held_wave", "exclusive_or", "frequency", "channel", "metadata", "distractor", "nothing")
TRAIN, TEST, POINTS, MEASURED, FRESH = 120, 60, 48, 20, 300
MODELS: dict[str, dict[str, Any]] = {
    "rocket": {"encoder": {"name": "rocket", "features": 1680}},
    "conv_lstm": {"encoder": {"name": "conv_lstm", "filters": 32, "hidden_size": 32}, "max_epochs": 10},
    "inception": {
        "encoder": {"name": "inception", "filters": 24, "depth": 2},
        "pooling": "conjunctive",
        "max_epochs": 10,
    },
    "blocks": {"encoder": "blocks"},
}
CLOSE = 0.02
"""A method is as good as the best if its NDCG is lower by at most this."""
SKILL = 0.1
"""A model has learned a task if its accuracy on fresh series exceeds the share of the largest class by this."""


def ndcg(importance: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Compute the NDCG of a ranking of values against the truth, and that of a random order."""
    return rank_by_effect(importance, truth.astype(float))


def by_value(explanation: Explanation) -> list[np.ndarray]:
    """Return the importance of each value, (time, channels); a method without channels has the same for all."""
    if explanation.channels is not None:
        return [np.asarray(one) for one in explanation.channels]
    channels = len(explanation.panel.channels)
    return [np.repeat(np.asarray(one)[:, None], channels, axis=1) for one in explanation.importance]


def compare_with_truth(model: FittedModel, planted: Planted, train: Planted) -> dict[str, Any]:
    """Compute the NDCG of each method over the series that have a truth; empty for a task without."""
    found = {}
    for name in methods_of(model):
        settings = {**SETTINGS.get(name, {}), **({"background": train.panel} if name == "occlusion" else {})}
        settings.pop("by_channel", None)
        explanation = explain(model, planted.panel, name, **settings)
        pairs = [
            ndcg(one, truth) for one, truth in zip(by_value(explanation), planted.truth, strict=True) if truth.any()
        ]
        if pairs:
            own, chance = np.array(pairs).T
            gain = own - chance
            found[name] = {
                "ndcg": float(own.mean()),
                "chance": float(chance.mean()),
                "corrected": float(gain.mean() / (1 - chance.mean())),
                "above_chance": bool(gain.mean() > CLEAR * gain.std(ddof=1) / np.sqrt(len(gain))),
            }
    return found


def measure(task: str, encoder: str, seed: int) -> dict[str, Any]:
    """Fit one model to one task and measure its explanations."""
    started = time.perf_counter()
    planted = generate_planted(task, TRAIN + TEST, POINTS, seed=seed)
    train, test = planted[np.arange(TRAIN)], planted[np.arange(TRAIN, TRAIN + TEST)]
    model = TimeSeriesClassifier(random_state=seed, progress=False, **MODELS[encoder]).fit(train.panel).model_
    fresh = generate_planted(task, FRESH, POINTS, seed=seed + 50_000).panel
    accuracy = float((model.predict(fresh).labels == fresh.labels).mean())
    largest = float(np.unique(fresh.labels, return_counts=True)[1].max() / FRESH)
    fitted = time.perf_counter()
    faithful = faithfulness(
        model,
        test.panel,
        background=train.panel,
        series=MEASURED,
        fractions=FRACTIONS,
        draws=DRAWS,
        orders=ORDERS,
        seed=seed,
        settings=SETTINGS,
    )
    measured = time.perf_counter()
    truth = compare_with_truth(model, test[np.arange(MEASURED)], train)
    learned = accuracy > largest + SKILL
    gains = {name: faithful["methods"][name] for name in methods_of(model)}
    better_than_chance = [name for name in gains if faithful["trusted"] and name not in faithful["chance"]]
    better = [name for name, one in gains.items() if one["gain"] > CLEAR * one["error"]]
    return {
        "task": task,
        "model": encoder,
        "seed": seed,
        "accuracy": accuracy,
        "learned": learned,
        "at_chance": not learned or not any(one["above_chance"] for one in truth.values()),
        "truth": truth,
        "agreement": {name: one["agreement"]["score"] for name, one in gains.items()},
        "ndcg": {name: one["agreement"]["ndcg"] for name, one in gains.items()},
        "gain": {name: one["gain"] for name, one in gains.items()},
        "recommended": {
            "agreement": next(iter(faithful["trusted"]), None),
            "ndcg": max(better_than_chance, key=lambda name: float(gains[name]["agreement"]["ndcg"]), default=None),
            "gain": max(better, key=lambda name: float(gains[name]["gain"]), default=None),
        },
        "seconds": {"fit": round(fitted - started, 1), "measure": round(measured - fitted, 1)},
    }


def summarise(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Compare both scores with the truth over some tasks, models and methods."""
    found: dict[str, Any] = {"cells": len(cells), "at_chance": sum(cell["at_chance"] for cell in cells)}
    learned = [cell for cell in cells if cell["learned"] and cell["truth"]]
    pairs = [(cell, name) for cell in learned for name in cell["truth"]]
    for score in ("agreement", "ndcg", "gain"):
        own = [cell[score][name] for cell, name in pairs]
        rank = {
            kind: float(spearmanr(own, [cell["truth"][name][kind] for cell, name in pairs]).statistic)
            for kind in ("ndcg", "corrected")
        }
        best, none = [], []
        for cell in cells:
            chosen = cell["recommended"][score]
            if cell["at_chance"]:
                none.append(chosen is None)
                continue
            highest = max(one["ndcg"] for one in cell["truth"].values())
            best.append(chosen is not None and cell["truth"][chosen]["ndcg"] >= highest - CLOSE)
        found[score] = {
            "spearman": rank,
            "recommends_best": float(np.mean(best)) if best else None,
            "trusts_none": float(np.mean(none)) if none else None,
        }
    return {**found, "methods": len(pairs)}


def summarise_parts(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarise all cells and those of the tasks that the design did not use, together and for each seed."""
    found: dict[str, Any] = {}
    unseen = [cell for cell in cells if cell["task"] not in DESIGNED_ON]
    for part, own in {"all": cells, **({"unseen": unseen} if unseen else {})}.items():
        seeds = sorted({cell["seed"] for cell in own})
        by_seed = {str(seed): summarise([cell for cell in own if cell["seed"] == seed]) for seed in seeds}
        found[part] = {**summarise(own), "by_seed": by_seed}
    return found


def main() -> None:
    """Measure every task and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds of data and model")
    parser.add_argument("--first", type=int, default=7, help="first seed")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--tasks", nargs="+", default=list(PLANTED_TASKS), choices=PLANTED_TASKS)
    options = parser.parse_args()
    environment = describe_environment("limelight", "torch", "numpy", threads=torch.get_num_threads())
    cells: list[dict[str, Any]] = []
    for seed, encoder, task in product(
        range(options.first, options.first + options.seeds), options.models, options.tasks
    ):
        cells.append(measure(task, encoder, seed))
        print(cells[-1], flush=True)
        write_results("planted", {**environment, "summary": summarise_parts(cells), "cells": cells})
    for name, one in summarise_parts(cells).items():
        print(name, one)


if __name__ == "__main__":
    main()
