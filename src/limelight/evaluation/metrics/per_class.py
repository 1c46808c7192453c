"""Scores of each class or label, and their averages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, brier_score_loss, confusion_matrix_at_thresholds, precision_recall_fscore_support

from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.types import Codes, Probabilities

AVERAGED = ("precision", "recall", "f1")
Cells = tuple[Codes, Codes, Codes]
"""True code, answered code, and how often the two met."""


def pooled_cells(answers: LabelledPredictions, counts: Codes) -> Cells:
    """Lay a confusion matrix out as pairs of codes with their counts.

    Parameters
    ----------
    answers
        What was counted.
    counts
        As from ``confusion_counts``. Of several labels, K for short, the matrices are put together: an absent label
        has the code K, which is scored nowhere.

    Returns
    -------
    tuple[NDArray, NDArray, NDArray]
        True code, answered code and count of each pair that occurs.

    Example
    -------
    >>> from limelight.task import Task
    >>> task = Task(("rain", "fog"), multilabel=True)
    >>> answers = LabelledPredictions.of(task, [[1, 0]], [[0.2, 0.7]])
    >>> [part.tolist() for part in pooled_cells(answers, np.array([[[0, 0], [1, 0]], [[0, 1], [0, 0]]]))]
    [[0, 2], [2, 1], [1, 1]]
    """
    places = counts.nonzero()
    if not answers.task.multilabel:
        return places[0], places[1], counts[places]
    label, there, given = places
    absent = len(answers.task.classes)
    return np.where(there, label, absent), np.where(given, label, absent), counts[places]


def score_classes(answers: LabelledPredictions, cells: Cells) -> dict[str, dict[str, Any]]:
    """Score each class against all others, or each label, by name.

    Parameters
    ----------
    answers
        N of them, none of them wholly unknown.
    cells
        As from ``pooled_cells``.

    Returns
    -------
    dict[str, dict[str, Any]]
        ``precision``, ``recall``, ``f1``, ``support`` (how often it is true), ``prevalence`` (the share), ``roc_auc``,
        ``average_precision`` and ``brier``; None where one is not defined, with the reason under ``undefined``.

    Source
    ------
    scikit-learn computes every number. Precision and recall at all thresholds come from one sort, which both areas
    share.
    """
    true, given, times = cells
    places = np.arange(len(answers.names))
    *each, support = precision_recall_fscore_support(
        true, given, labels=places, sample_weight=times, zero_division=np.nan
    )
    scored = {}
    for place, name in enumerate(answers.names):
        truth, probability = answers.side(place)
        scores = {score: _number(values[place]) for score, values in zip(AVERAGED, each, strict=True)}
        scores["roc_auc"], scores["average_precision"] = _areas(truth, probability)
        scores["brier"] = float(brier_score_loss(truth, probability, labels=[False, True])) if len(truth) else None
        scored[name] = {
            **scores,
            "support": int(support[place]),
            "prevalence": float(truth.mean()) if len(truth) else None,
            "undefined": _reasons(answers, name, scores, truth),
        }
    return scored


def average_classes(cells: Cells, width: int) -> dict[str, dict[str, float | None]]:
    """Average precision, recall and F1 over the classes or labels that occur or are answered.

    Parameters
    ----------
    cells
        As from ``pooled_cells``.
    width
        How many classes or labels there are.

    Returns
    -------
    dict[str, dict[str, float | None]]
        ``macro``: the plain mean, in which a precision without answers and a recall without a true one count as 0;
        ``weighted``: by how often each is true; ``micro``: from the counts of all put together. None where it is not
        defined for any class.

    Example
    -------
    >>> cells = np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([6, 2, 2])
    >>> {name: round(scores["recall"], 3) for name, scores in average_classes(cells, 2).items()}
    {'macro': 0.875, 'micro': 0.8, 'weighted': 0.8}
    """
    true, given, times = cells
    met = np.intersect1d(np.arange(width), np.concatenate([true, given]))
    if not len(met):
        return {kind: dict.fromkeys(AVERAGED) for kind in ("macro", "micro", "weighted")}
    averages = {}
    for kind in ("macro", "micro", "weighted"):
        values = precision_recall_fscore_support(
            true, given, labels=met, average=kind, sample_weight=times, zero_division=0
        )
        averages[kind] = dict(zip(AVERAGED, map(float, values[:3]), strict=True))
    occurs, answered = bool(np.isin(true, met).any()), bool(np.isin(given, met).any())
    return {kind: where_defined(kind, mean, occurs, answered) for kind, mean in averages.items()}


def where_defined(kind: str, mean: dict[str, float], occurs: bool, answered: bool) -> dict[str, float | None]:
    """Put None for what no class defines: precision where none is answered, recall and weights where none occurs."""
    defined = {"precision": answered, "recall": occurs, "f1": True}
    return {name: value if defined[name] and (occurs or kind != "weighted") else None for name, value in mean.items()}


def _areas(truth: NDArray[np.bool_], probability: Probabilities) -> tuple[float | None, float | None]:
    """Give the area under the ROC curve and the average precision, each None where it is not defined."""
    if not truth.any():
        return None, None
    _, fps, _, tps, _ = confusion_matrix_at_thresholds(truth, probability)
    recall = tps / tps[-1]
    precision = float(np.sum(np.diff(recall, prepend=0.0) * tps / (tps + fps)))
    if truth.all():
        return None, precision
    return float(auc(np.append(0.0, fps / fps[-1]), np.append(0.0, recall))), precision


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _reasons(
    answers: LabelledPredictions, name: str, scores: dict[str, float | None], truth: NDArray[np.bool_]
) -> dict[str, str]:
    unit = answers.unit
    of_it = f"with label {name!r}" if answers.task.multilabel else f"of class {name!r}"
    none = "no others" if truth.any() else f"none {of_it}"
    lacking = {
        "precision": f"the precision needs answers {of_it}, and there are none",
        "recall": f"the recall needs {unit} {of_it}, and there are none",
        "f1": f"the F1 needs {unit} or answers {of_it}, and there are none",
        "roc_auc": f"the ROC AUC needs {unit} {of_it} and others, and there are {none}",
        "average_precision": f"the average precision needs {unit} {of_it}, and there are none",
        "brier": f"the Brier score needs {unit} of which label {name!r} is known, and there are none",
    }
    return {score: lacking[score] for score, value in scores.items() if value is None}
