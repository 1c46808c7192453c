"""Measure whether a model knows when it does not know: calibration, coverage, announced shifts, estimated accuracy.

    python -m benchmarks.run.trust DATA --archive UCR
    python -m benchmarks.run.trust DATA --resampled --seeds 10 --archive UCR

``DATA`` contains a folder per data set with ``series.parquet``, ``labels.csv`` and ``split.csv``. The test set is not
used for any choice. Prints a line for each set and writes ``benchmarks/results/trust.json``; finished sets are not
repeated unless ``--again`` is given.

For each set and seed, one model is fitted to the training series. Measured on the test series: log loss and calibration
error before and after calibration; the coverage of prediction sets, for all series and by class, also calibrated by
class; abstention; and for the unshifted test series and each of 20 made shifts, what ``monitor`` announces. A drop is
announced if the estimated accuracy is at least 5 points below that on held-out series, or if more series are outside
the training data than chance explains.

``--resampled`` measures coverage and false alarms where training and test series are exchangeable, as prediction sets
assume: all series of a set with labels per series are split at random, by each seed anew, into parts of the sizes of
the official ones. Archive sets are not always split so, and neither are those of other persons or places. ``UCR`` is
the folder that ``benchmarks.ucr_sets`` writes; of its sets those of up to 500 steps and with 60 to 1,000 official
training series are taken, a choice that depends on sizes only. Without ``--resampled``, ``--archive`` adds the sets
whose test series come from other conditions, households, years or persons, without made shifts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.made_shifts import SHIFTS, shifted_panel
from benchmarks.result_files import describe_environment, read_results, write_results
from benchmarks.ucr_datasets import chosen_ucr_sets, natural_ucr_sets, read_ucr_set
from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.decision.rule import fit_decision, score_decision
from limelight.evaluation.metrics.scoring import mean_accuracy
from limelight.evaluation.monitoring.monitor import monitor_model
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.recipe import Recipe
from limelight.runs.dataset import Dataset, read_data
from limelight.training.result import FitResult
from limelight.training.validation_split import HoldOut

SETS = (
    "acsf1",
    "arrow_head",
    "basic_motions",
    "coffee",
    "dodger_loop",
    "dodger_loop_events",
    "ecg200",
    "italy_power_demand",
    "japanese_vowels",
    "migraine",
    "pbcseq",
    "plaid",
    "spar_watch",
    "suthaharan",
    "trace",
    "weather_events",
    "electric_devices",
)
NATURAL_SHIFTS = {
    "computers": "households",
    "electric_devices": "households",
    "ford_b": "conditions",
    "gun_point_persons": "persons",
    "gun_point_years": "years",
    "large_kitchen_appliances": "households",
    "migraine": "persons",
    "spar_watch": "subjects",
    "suthaharan": "sensors",
    "weather_events": "cities",
}
"""Sets whose test series come from others than the training series."""
GROUPS = {"spar_watch": "subject", "weather_events": "city", "suthaharan": "mote"}
MOST_TRAINING_SERIES = 1000
MOST_TEST_SERIES = 500
MOST_SHIFTED_SERIES = 200
ANNOUNCED = 0.05
LARGE_CLASS = 30
"""Least test series of a class whose coverage is reported."""


def fit_model(data: Dataset, name: str, seed: int) -> tuple[FitResult, Panel]:
    """Fit ``blocks``, or a small network where labels are per step; with prediction sets if possible.

    Returns the result, and the training series.
    """
    train = data.part("train")
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:MOST_TRAINING_SERIES])
    train = train[rows]
    encoder = {"encoder": "conv_lstm"} if data.task.by_step else {"encoder": "blocks"}
    settings = {"max_epochs": 15} if data.task.by_step else None
    hold_out = HoldOut(0.25 if data.task.by_step else None, group=GROUPS.get(name))
    rule = DecisionRule(coverage=0.9, abstain=None if data.task.by_step or data.task.multilabel else {"error": 0.05})
    recipe = Recipe.of(encoder, settings, rule, hold_out)
    return recipe.fit(train, data.task, seed=seed, progress=False), train


def accuracy_of(model: FittedModel, panel: Panel) -> float:
    """Return the accuracy; if multi-label, of single labels."""
    prediction, codes = model.predict(panel), targets_of(model.task, panel).every()
    if not model.task.multilabel:
        return mean_accuracy(prediction, codes)
    decided = model.task.decide(prediction.probabilities, prediction.thresholds)
    return float((decided == codes)[codes >= 0].mean())


def announce(model: FittedModel, panel: Panel, usual: float | None = None) -> dict[str, Any]:
    """Monitor some series, and compare with their labels."""
    found, outside = monitor_model(model, panel), model.check(panel)
    assert outside is not None
    accuracy = accuracy_of(model, panel)
    drop = found.held_out - found.accuracy
    return {
        "accuracy": accuracy,
        "estimated": found.accuracy,
        "confidence": found.confidence,
        "held_out": found.held_out,
        "drop": None if usual is None else usual - accuracy,
        "by_estimate": bool(drop >= ANNOUNCED),
        "by_outside": bool(outside.unexpected),
        "drifted": len(found.drifted),
        "announced": bool(drop >= ANNOUNCED or outside.unexpected),
    }


def seconds_of(action: Any) -> float:
    """Return the least of three times that an action took."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def measure(data: Dataset, name: str, seed: int) -> dict[str, Any]:
    """Measure one set with one seed."""
    result, train = fit_model(data, name, seed)
    model, test = result.model, data.part("test")
    test = test[np.sort(np.random.default_rng(seed).permutation(len(test))[:MOST_TEST_SERIES])]
    prediction = model.predict(test)
    scores = score_decision(model, prediction, test) or {}
    calibration = scores["calibration"]
    by_class = None
    if not (data.task.by_step or data.task.multilabel or name in GROUPS):
        by_class = _coverage_by_class(result, train, test)
    usual = announce(model, test)
    shifts = {}
    if not (data.task.by_step or model.reads_clock) and name in SETS:
        some = test[np.arange(min(len(test), MOST_SHIFTED_SERIES))]
        reference = accuracy_of(model, some)
        shifts = {shift: announce(model, shifted_panel(some, shift, seed), reference) for shift in SHIFTS}
    plain = seconds_of(lambda: _without_novelty(model).predict(test))
    return {
        "seed": seed,
        "calibration": {
            when: {key: calibration[when][key] for key in ("log_loss", "expected_calibration_error")}
            for when in ("before", "after")
        },
        "highest_probability": float(prediction.probabilities.max()),
        "sets": {key: scores["sets"][key] for key in ("coverage", "mean_size", "n", "notes", "interval")},
        "by_class": by_class,
        "abstain": _without_curve(scores.get("abstain")),
        "unshifted": usual,
        "shifts": shifts,
        "seconds": {
            "predict": plain,
            "novelty": seconds_of(lambda: model.predict(test)) - plain,
            "check": seconds_of(lambda: model.check(test)),
        },
    }


def _without_curve(abstention: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if abstention is None else {key: value for key, value in abstention.items() if key != "curve"}


def _without_novelty(model: FittedModel) -> FittedModel:
    return replace(model, novelty=None)


def _coverage_by_class(result: FitResult, train: Panel, test: Panel) -> list[dict[str, Any]]:
    """Return the coverage of each class with at least 30 test series, by sets of the same model calibrated by class."""
    held_out, logits = result.calibration_data(train, None, independent=True)
    own = fit_decision(result.model, held_out, DecisionRule(coverage=0.9, coverage_by="class"), logits)
    scores = score_decision(own, own.predict(test), test) or {}
    found = scores["sets"]["per_class"]
    return [{"class": label, **one} for label, one in found.items() if one["n"] >= LARGE_CLASS]


def resampled(data: Dataset, seed: int) -> Dataset:
    """Return the series of a set, split at random into parts of the official sizes, with the classes in proportion."""
    known = np.sort(np.concatenate([data.split.train, data.split.validation, data.split.test]))
    panel = data.panel[known]
    split = panel.make_split(test=len(data.split.test) / len(known), validation=0.0, seed=seed)
    return replace(data, panel=panel, split=split, recordings=panel)


def measure_resampled(data: Dataset, name: str, seed: int) -> dict[str, Any]:
    """Measure coverage and false alarms of one set on a random split."""
    again = resampled(data, seed)
    result, train = fit_model(again, "", seed)
    model, test = result.model, again.part("test")
    test = test[np.sort(np.random.default_rng(seed).permutation(len(test))[:MOST_TEST_SERIES])]
    scores = score_decision(model, model.predict(test), test) or {}
    large = not data.task.multilabel and max(np.unique(test.labels, return_counts=True)[1]) >= LARGE_CLASS
    return {
        "seed": seed,
        "training": len(train),
        "sets": {key: scores["sets"][key] for key in ("coverage", "mean_size", "n")},
        "by_class": _coverage_by_class(result, train, test) if large else [],
        "unshifted": announce(model, test),
    }


def measure_all_resampled(readers: Mapping[str, Callable[[], Dataset]], seeds: int) -> None:
    """Measure every set with labels per series, with several random splits each."""
    for seed in range(seeds):
        for name, read in readers.items():
            results = read_results("trust")
            runs: dict[str, list[dict[str, Any]]] = results.get("resampled", {})
            done = runs.get(name, [])
            if any(one["seed"] == seed for one in done) or (data := read()).task.by_step:
                continue
            started = time.perf_counter()
            one = measure_resampled(data, name, seed)
            print(
                f"{name:30} seed {seed} coverage {one['sets']['coverage']:.3f} accuracy "
                f"{one['unshifted']['accuracy']:.3f} estimated {one['unshifted']['estimated']:.3f} alarm "
                f"{one['unshifted']['announced']} {time.perf_counter() - started:.0f} s",
                flush=True,
            )
            write_results("trust", {**results, "resampled": {**runs, name: [*done, one]}})


def readers_of(folder: Path, names: Sequence[str], archive: Path | None = None) -> dict[str, Callable[[], Dataset]]:
    """Return what reads each set by its name: those of ``folder``, and chosen sets of the UCR archive."""
    readers: dict[str, Callable[[], Dataset]] = {
        name: (lambda name=name: read_data(read_experiment(folder / name))) for name in names
    }
    if archive is not None:
        readers |= {file.stem: (lambda file=file: read_ucr_set(file)) for file in chosen_ucr_sets(archive, names)}
    return readers


def main() -> None:
    """Measure every set and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--resampled", action="store_true", help="random splits in place of the official ones")
    parser.add_argument("--archive", type=Path, help="folder of benchmarks.ucr_sets, for more sets")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.resampled:
        if options.again:
            write_results("trust", {**read_results("trust"), "resampled": {}})
        measure_all_resampled(readers_of(options.data, options.sets, options.archive), options.seeds)
        return
    readers = readers_of(options.data, options.sets) | (
        {} if options.archive is None else natural_ucr_sets(options.archive)
    )
    runs: dict[str, list[dict[str, Any]]] = {} if options.again else read_results("trust").get("runs", {})
    for seed in range(options.seeds):
        for name, read in readers.items():
            done = runs.setdefault(name, [])
            if any(one["seed"] == seed for one in done):
                continue
            started = time.perf_counter()
            done.append(measure(read(), name, seed))
            one = done[-1]
            big = [shift for shift in one["shifts"].values() if shift["drop"] >= 0.1]
            print(
                f"{name:20} coverage {one['sets']['coverage']:.3f}  calibration error "
                f"{one['calibration']['before']['expected_calibration_error']:.3f} -> "
                f"{one['calibration']['after']['expected_calibration_error']:.3f}  announced "
                f"{sum(shift['announced'] for shift in big)} of {len(big)} drops, unshifted "
                f"{one['unshifted']['announced']}  {time.perf_counter() - started:.0f} s",
                flush=True,
            )
            write_results(
                "trust",
                {
                    **read_results("trust"),
                    **describe_environment("limelight", "torch", "numpy", threads=1),
                    "runs": runs,
                },
            )


if __name__ == "__main__":
    main()
