"""Measure whether limits of false alarms that were chosen on held-out recordings hold on others.

    python -m benchmarks.run.false_alarms DATA

``DATA`` contains the folder ``weather_events`` with ``series.parquet``, ``metadata.csv`` and ``split.csv``: months of
daily weather in five cities, in which rain, thunderstorms and fog are events of days. Hail and snow are too rare.

For each seed, months are split at random into training, validation and test (50, 25 and 25 %), and apart from that by
city as published, where the test cities are unseen in training. Thresholds are chosen on the validation months for
several limits, with and without a confidence, and measured on the test months. The test months are not used for any
choice. Prints a line for each run and writes ``benchmarks/results/false_alarms.json``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from benchmarks.result_files import describe_environment, write_results
from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.evaluation.decision.rule import limit_false_alarms
from limelight.evaluation.events.rule import EventRule
from limelight.model.targets import targets_of
from limelight.recipe import Recipe
from limelight.runs.dataset import read_data
from limelight.runs.scores import score_events_of
from limelight.task import Task

LABELS = ("fog", "rain", "thunderstorm")
GOALS: tuple[Any, ...] = (
    "0.02/day",
    "0.05/day",
    {"rate": "0.05/day", "confidence": 0.9},
)
SETTINGS = {"max_epochs": 15}


def parts_of(panel: Panel, official: tuple[Panel, Panel], seed: int, *, by_city: bool) -> tuple[Panel, Panel, Panel]:
    """Return training, validation and test months."""
    if by_city:
        train, validation = official[0].split(test=0.33, seed=seed, stratify=False)
        return train, validation, official[1]
    train, validation, test = panel.split(validation=0.25, test=0.25, seed=seed, stratify=False)
    return train, validation, test


def measure(parts: tuple[Panel, Panel, Panel], task: Task, seed: int) -> list[dict[str, Any]]:
    """Fit one model, and measure each limit for each label."""
    train, validation, test = parts
    recipe = Recipe.of({"encoder": "conv_lstm"}, SETTINGS)
    fitted = recipe.fit(train, task, seed=seed, validation=validation, progress=False).model
    codes, rows = targets_of(task, test).every(), []
    for goal in GOALS:
        model = limit_false_alarms(fitted, validation, goal)
        scores = score_events_of(model, model.predict(test), test, codes, EventRule())
        assert scores is not None
        chosen = model.decision.provenance["false_alarms"]["per_label"]
        for label in LABELS:
            name = next(one for one in scores["alarms"]["per_label"] if one.endswith(label))
            found, held_out = scores["alarms"]["per_label"][name], chosen[name]
            rows.append(
                {
                    "goal": goal,
                    "label": label,
                    "most": scores["alarms"]["most"],
                    "held_out_days": held_out["observed"],
                    "held_out_rate": held_out["rate"],
                    "held_out_detected": held_out["detected"],
                    **{key: found[key] for key in ("observed", "false", "rate", "true", "detected", "delay")},
                }
            )
    return rows


def main() -> None:
    """Run every seed and both splits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.data / "weather_events"
    files = {f"data.{key}": str(folder / f"{key}.csv") for key in ("metadata", "split")}
    data = read_data(read_experiment(folder / "series.parquet", {**files, "data.time": "time"}))
    panel = data.panel.replace(metadata=None)
    official = (panel[data.split.train], panel[data.split.test])
    if len(data.split.validation):
        official = (panel[sorted([*data.split.train, *data.split.validation])], official[1])
    runs: dict[str, list[Any]] = {"months": [], "cities": []}
    for name in runs:
        for seed in range(options.seeds):
            rows = measure(parts_of(panel, official, seed, by_city=name == "cities"), data.task, seed)
            runs[name].append({"seed": seed, "rows": rows})
            for row in rows:
                shown = {key: row[key] for key in ("goal", "label", "held_out_rate", "rate", "detected", "delay")}
                print(f"seed {seed} {name}", shown, flush=True)
            write_results("false_alarms", {**describe_environment("limelight", "torch", threads=1), "runs": runs})


if __name__ == "__main__":
    main()
