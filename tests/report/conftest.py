"""Facts of a run made by hand: no training needed."""

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.evaluation.localisation import score_localisation
from limelight.evaluation.metrics import score_baseline, score_prediction
from limelight.model.fitted import Prediction
from limelight.report.facts import ReportFacts
from limelight.task import Task

HISTORY = [
    {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 1.1 / epoch, "validation_f1": 1 - 1 / epoch}
    for epoch in range(1, 6)
]


def _make_facts(n=30, classes=("fault", "ok"), *, width=1, attention=True, intervals=True, sharp=2.0, **changes):
    """A run whose answers are mostly right."""
    random = np.random.default_rng(0)
    task = Task(tuple(sorted(classes)))
    codes = np.arange(n) % len(classes)
    lengths = random.integers(20, 40, n)
    panel = Panel.from_series(
        [random.normal(size=(length, width)) for length in lengths],
        ids=changes.pop("ids", None),
        channels=changes.pop("channels", None),
        labels=np.array(task.classes)[codes],
        intervals=[(5, 12) if code == 0 else (-1, -1) for code in codes] if intervals else None,
    )
    logits = random.normal(size=(n, task.outputs))
    if task.outputs == 1:
        logits[:, 0] += sharp * (2 * codes - 1)
    else:
        logits[np.arange(n), codes] += sharp
    weights = [random.dirichlet(np.ones(length)).astype(np.float32) for length in lengths]
    prediction = Prediction(panel.ids, task, logits, weights if attention else None)
    metrics = {
        "test": score_prediction(prediction, panel.labels),
        "baseline": score_baseline(panel.labels, panel.labels, task),
        "seconds": {"train": 12.34, "evaluate": 0.5},
        "task": task.kind,
        "counts": {"train": 1000, "validation": 100, "test": n},
        "localisation": score_localisation(prediction, panel),
    }
    facts = {
        "title": "bearing",
        "asked": {"data": "bearings.parquet", "model": "conv_lstm (64), attention, mlp"},
        "metrics": metrics,
        "history": HISTORY,
        "prediction": prediction,
        "panel": panel,
        "warnings": ["3 series are equal to another one."],
        "reproduce": {"command": "limelight train experiment.json", "seed": "0"},
    }
    return ReportFacts(**{**facts, **changes})


@pytest.fixture(scope="session")
def make_facts():
    return _make_facts
