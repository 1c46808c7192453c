"""Measure whether metadata are learned, and what metadata without meaning cost.

    python -m benchmarks.run.fusion --seeds 10 --first 10
    python -m benchmarks.run.fusion --sham DATA --seeds 5

Planted: the label is an exclusive or of the series and a mode (``generate_bumps``: 1,200 training and 400 test series
of 80 steps). Each encoder is trained with each fusion and default settings, with several seeds of the data and of the
training; ``--first`` is the first seed. Sham: the series of real sets with metadata that say nothing (a category and a
number at random, an identifier), against the same without metadata, scored once on the official test part.

The results are added to ``benchmarks/results/fusion.json``, so that it can be run in pieces.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import numpy as np
import pyarrow as pa

from benchmarks.result_files import describe_environment, read_results, write_results
from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.estimator import TimeSeriesClassifier
from limelight.parts.fusions import FUSION_WORDS
from limelight.runs.dataset import read_data

CLOSED = ("blocks", "rocket")
NETWORKS = ("conv_lstm", "inception", "lstm", "gru")
SHAM_SETS = ("italy_power_demand", "ecg200", "basic_motions", "japanese_vowels", "arrow_head", "trace")


def score_planted(encoder: str, fusion: str, seed: int) -> dict[str, float]:
    """Return the test accuracy and the processor seconds of one training on the planted set."""
    panel, _ = generate_bumps(BumpSettings(dataset_size=1_600, num_points=80), seed)
    train, test = panel[:1_200], panel[1_200:]
    started = time.process_time()
    model = TimeSeriesClassifier(encoder, fusion=fusion, random_state=seed, progress=False).fit(train)
    seconds = time.process_time() - started
    return {"accuracy": float(model.score(test, test.labels)), "cpu_seconds": round(seconds, 1)}


def with_sham(panel: Panel, random: np.random.Generator) -> Panel:
    """Return series with a category, a number and an identifier that say nothing."""
    n = len(panel)
    table = {
        "site": random.choice(["north", "south", "east", "west"], n).tolist(),
        "age": random.normal(size=n),
        "code": [f"c{number}" for number in random.permutation(n)],
    }
    return panel.replace(metadata=pa.table(table))


def score_sham(data: Path, encoder: str, seed: int) -> dict[str, float]:
    """Return the test accuracy with and without sham metadata."""
    changes = {"model.encoder": encoder, "seed": seed}
    read = read_data(read_experiment(data, changes))
    train, test = (read.part(part).replace(metadata=None) for part in ("train", "test"))
    scores = {}
    random = np.random.default_rng(seed)
    sham = with_sham(train, random), with_sham(test, random)
    for name, (fitted, scored) in {"without": (train, test), "with": sham}.items():
        model = TimeSeriesClassifier(encoder, random_state=seed, progress=False).fit(fitted)
        scores[name] = float(model.score(scored, scored.labels))
    return scores


def main() -> None:
    """Run what the options select and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", nargs="+", default=[*CLOSED, *NETWORKS])
    parser.add_argument("--fusions", nargs="+", default=[word for word in FUSION_WORDS if word != "auto"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    parser.add_argument("--sham", type=Path, default=None, help="folder that contains a folder per data set")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    for encoder in options.encoders:
        if options.sham is not None:
            _add(
                "sham", {f"{encoder}, {name}": partial_sham(options.sham / name, encoder, seeds) for name in SHAM_SETS}
            )
            continue
        for fusion in options.fusions if encoder not in CLOSED else ["late"]:
            runs = [{"seed": seed, **score_planted(encoder, fusion, seed)} for seed in seeds]
            _add("planted", {f"{encoder}, {fusion}": runs})
            accuracies = [run["accuracy"] for run in runs]
            print(f"{encoder:12}{fusion:11}{statistics.mean(accuracies):.3f}, lowest {min(accuracies):.3f}", flush=True)


def partial_sham(data: Path, encoder: str, seeds: range) -> list[dict[str, float]]:
    """Score one set with each seed."""
    runs = [{"seed": seed, **score_sham(data, encoder, seed)} for seed in seeds]
    change = statistics.mean(run["with"] - run["without"] for run in runs)
    print(f"{encoder:12}{data.name:22}{100 * change:+.2f} points", flush=True)
    return runs


def _add(kind: str, found: dict[str, Any]) -> None:
    """Add results to the file, replacing those of the same names."""
    before = read_results("fusion")
    results = {
        **describe_environment("limelight", "torch", "numpy"),
        **{k: before.get(k, {}) for k in ("planted", "sham")},
    }
    results[kind] = {**results[kind], **found}
    write_results("fusion", results)


if __name__ == "__main__":
    main()
