"""Report inputs built without training."""

import numpy as np
import pytest

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.evaluation.decision.calibration import compare_calibration, fit_temperature
from limelight.evaluation.decision.conformal import coverage, fit_conformal
from limelight.evaluation.decision.thresholds import choose_thresholds
from limelight.evaluation.events.detection import true_events
from limelight.evaluation.events.scores import score_events
from limelight.evaluation.metrics.bootstrap import intervals
from limelight.evaluation.metrics.grouped import score_groups
from limelight.evaluation.metrics.scoring import score, score_constant
from limelight.explanation.quality.localisation import score_localisation
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.report.inputs import ReportInputs
from limelight.task import Task

HISTORY = [
    {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 1.1 / epoch, "validation_f1": 1 - 1 / epoch}
    for epoch in range(1, 6)
]
EXPLANATIONS = {
    "series": 50,
    "shares": [0.0, 0.5, 1.0],
    "methods": {
        "gradients": {
            "deletion": 0.3, "insertion": 0.8, "gain": 0.2, "error": 0.01, "overlap": {"series": 9, "inside": 0.75},
            "curves": {"deletion": [0.9, 0.2, 0.1], "insertion": [0.1, 0.8, 0.9]},
        },
        "random": {
            "deletion": 0.4, "insertion": 0.7, "gain": 0.0, "error": 0.0, "overlap": None,
            "curves": {"deletion": [0.9, 0.5, 0.1], "insertion": [0.1, 0.5, 0.9]},
        },
    },
    "trusted": ["gradients"],
    "verdict": "Trust gradients most for this model.",
    "importance": {
        "score": 0.9, "series": 30, "repeats": 3,
        "channels": {"x": {"mean": 0.2, "deviation": 0.01}},
        "stretches": {"0-50 %": {"mean": 0.2, "deviation": 0.01}, "50-100 %": {"mean": -0.1, "deviation": 0.02}},
        "fields": {"place": {"mean": 0.1, "deviation": 0.01}}, "signals": {},
    },
}  # fmt: skip


def _truth(task, lengths, random):
    """Codes of each series or step; for multi-label and per-step tasks, a few are unknown."""
    n = int(lengths.sum()) if task.by_step else len(lengths)
    if task.multilabel:
        codes = (random.random((n, len(task.classes))) < 0.4).astype(int)
    elif task.by_step:
        codes = np.arange(n) // 7 % len(task.classes)
    else:
        codes = np.arange(n) % len(task.classes)
    if task.multilabel or task.by_step:
        codes[random.random(codes.shape) < 0.02] = -1
    return codes


def _logits(task, codes, sharp, random):
    logits = random.normal(size=(len(codes), task.outputs))
    if task.kind == "multiclass":
        logits[np.arange(len(codes)), codes] += sharp
    else:
        logits += sharp * (2 * codes.reshape(logits.shape) - 1)
    return logits


def _step_labels(task, codes):
    if task.multilabel:
        return StepLabels(codes.astype(np.int16), tuple(f"label_{name}" for name in task.classes), ("0", "1"))
    return StepLabels(codes.astype(np.int16)[:, None], ("label",), tuple(map(str, task.classes)))


def _labels(task, codes):
    return np.where(codes < 0, np.nan, codes) if task.multilabel else np.array(task.classes)[codes]


def _decision(task, logits, codes, lengths):
    """Calibration, thresholds and prediction sets, fitted on the series that they are scored on."""
    temperature = fit_temperature(task, logits, codes)
    probabilities = Prediction(np.zeros(0), task, logits).probabilities
    series = np.repeat(np.arange(len(lengths)), lengths) if task.by_step else None
    sets = fit_conformal(task, probabilities, codes, 0.8, groups=series)
    found = {
        "calibration": compare_calibration(task, logits, codes, temperature),
        "sets": {"target": 0.8, **coverage(task, sets.sets(task, probabilities), codes, series)},
    }
    if task.kind != "multiclass":
        found["thresholds"] = choose_thresholds(task, probabilities, codes, "f1").to_json()
    return found


def _make_inputs(
    n=30, classes=("fault", "ok"), *, kind="series", width=1, attention=True, known=True, sharp=2.0, extras=False,
    steps=(20, 40), **changes
):  # fmt: skip
    """Inputs of a run with mostly correct predictions; ``kind`` is series, labels, steps or labels of steps."""
    random = np.random.default_rng(0)
    several, by_step = "labels" in kind, "steps" in kind
    task = Task(tuple(sorted(classes)), multilabel=several, level="step" if by_step else "series")
    lengths = random.integers(*steps, n)
    values = random.normal(size=(int(lengths.sum()), width))
    codes = _truth(task, lengths, random)
    truth = {"step_labels": _step_labels(task, codes)} if by_step else {"labels": _labels(task, codes)}
    if several and not by_step:
        truth["label_names"] = task.classes
    if known and not by_step:
        there = (codes == 0) if codes.ndim == 1 else (codes[:, 0] == 1)
        truth["intervals"] = [(5, 12) if one else (-1, -1) for one in there]
    panel = Panel(
        values.astype(np.float32), np.cumsum(lengths) - lengths, lengths, ids=changes.pop("ids", None),
        channels=changes.pop("channels", None), units=changes.pop("units", None), times=changes.pop("times", None),
        **truth,
    )  # fmt: skip
    logits = _logits(task, codes, sharp, random)
    weights = [random.dirichlet(np.ones(length)).astype(np.float32) for length in lengths] if attention else None
    prediction = Prediction(panel.ids, task, logits, weights, lengths if by_step else None)
    if extras and task.kind != "multiclass":
        thresholds = choose_thresholds(task, prediction.probabilities, codes, "f1").values
        prediction = Prediction(panel.ids, task, logits, weights, prediction.lengths, thresholds)
    codes = targets_of(task, panel).every()
    test = score(task, codes, prediction.probabilities, thresholds=prediction.thresholds)
    test["intervals"] = intervals(
        task, codes, prediction.probabilities, prediction.lengths, thresholds=prediction.thresholds
    )
    metrics = {
        "test": test,
        "baseline": score_constant(task, task.shares(codes), codes),
        "seconds": {"train": 12.34, "evaluate": 0.5},
        "task": task.kind,
        "counts": {"train": 1000, "validation": 100, "test": n},
        "localisation": score_localisation(prediction, panel) if attention and not by_step else None,
    }
    if extras:
        metrics |= _extras(task, prediction, codes, logits, lengths)
    inputs = {
        "title": "bearing",
        "setup": {"data": "bearings.parquet", "model": "conv_lstm (64), attention, mlp"},
        "metrics": metrics,
        "history": HISTORY,
        "prediction": prediction,
        "panel": panel,
        "warnings": ["3 series are duplicates."],
        "reproduce": {"command": "limelight train experiment.json", "seed": "0"},
    }
    return ReportInputs(**{**inputs, **changes})


def _extras(task, prediction, codes, logits, lengths):
    """Optional metrics of a run: decision, groups, metadata, events, explanations."""
    place = np.array(["north", "south"])[np.arange(len(lengths)) % 2]
    of_steps = lengths if task.by_step else None
    metrics = {
        "decision": _decision(task, logits, codes, lengths),
        "groups": {"place": score_groups(task, codes, prediction.probabilities, place, of_steps)},
        "metadata": {"score": 0.9, "repeats": 5, "drops": {"place": {"mean": -0.01, "deviation": 0.02}}},
        "explanations": EXPLANATIONS,
        "training": {"best_epoch": 3, "stopped": "all epochs done"},
    }
    if task.by_step:
        predicted = task.decide(prediction.probabilities, prediction.thresholds)
        ground = task.classes[0] if task.kind == "multiclass" else None
        metrics["events"] = score_events(
            *(true_events(task, one, lengths, ground) for one in (predicted, codes)), task, lengths, codes,
            background=ground,
        )  # fmt: skip
    return metrics


@pytest.fixture(scope="session")
def make_inputs():
    return _make_inputs
