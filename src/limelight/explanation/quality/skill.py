"""Skill: whether a model is shown to be better than guessing; if not, no explanation of it can be right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limelight.data.panel import Panel
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN

STANDARD_ERRORS = 2.0


class Skill(NamedTuple):
    """How well a model predicts the classes of some series.

    Parameters
    ----------
    balanced_accuracy
        Mean accuracy over the classes that occur, in [0, 1].
    better
        Whether it is above that of guessing by more than two standard errors.
    series
        Number of labelled series.
    """

    balanced_accuracy: float
    better: bool
    series: int


def measure_skill(model: FittedModel, panel: Panel) -> Skill | None:
    """Measure whether a model predicts the classes of labelled series better than guessing.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        Series that were not used for training.

    Returns
    -------
    Skill | None
        None for labels per step and multi-label, and if fewer than two classes occur.

    Source
    ------
    The standard error of each accuracy is that of a proportion with one more success and one more failure: Agresti and
    Coull, Approximate is better than "exact", 1998.
    """
    if model.task.by_step or model.task.multilabel or panel.labels is None:
        return None
    codes = targets_of(model.task, panel).every()
    panel, codes = panel[codes != UNKNOWN], codes[codes != UNKNOWN]
    classes = np.unique(codes)
    if len(classes) < 2:
        return None
    prediction = model.predict(panel)
    correct = model.task.decide(prediction.probabilities, prediction.thresholds) == codes
    counts = np.array([(codes == code).sum() for code in classes])
    hits = np.array([correct[codes == code].sum() for code in classes])
    smoothed = (hits + 1) / (counts + 2)
    error = float(np.sqrt((smoothed * (1 - smoothed) / (counts + 2)).sum()) / len(classes))
    accuracy = float((hits / counts).mean())
    return Skill(accuracy, accuracy - STANDARD_ERRORS * error > 1 / len(classes), len(codes))
