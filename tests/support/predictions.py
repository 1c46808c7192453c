"""Predictions without a model, and their scores as JSON."""

import json
from typing import Any

import numpy as np

from limelight.model.fitted import Prediction
from limelight.task import Task


def prediction_of(task: Task, logits: Any) -> Prediction:
    """Return a prediction of whole series from logits, shape (n,) or (n, outputs)."""
    logits = np.asarray(logits, dtype=float)
    return Prediction(np.arange(len(logits)).astype(str), task, logits.reshape(len(logits), task.outputs))


def random_predictions(task: Task, n: int, seed: int = 0, unknown: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return random codes, a share of them unknown, and unrelated probabilities, shape (n, classes).

    Multi-label codes have the shape of the probabilities.
    """
    random = np.random.default_rng(seed)
    width = len(task.classes)
    if task.multilabel:
        codes, probabilities = random.integers(0, 2, (n, width)), random.random((n, width))
    else:
        codes, probabilities = random.integers(0, width, n), random.dirichlet(np.ones(width), n)
    return np.where(random.random(codes.shape) < unknown, -1, codes), probabilities


def through_json(content: Any) -> Any:
    """Return the content after it was written to JSON, which allows no NaN and no infinity, and read back."""
    return json.loads(json.dumps(content, allow_nan=False))
