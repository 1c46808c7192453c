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
"""True code, predicted code and count of each non-empty cell of a confusion matrix."""


def pooled_cells(predictions: LabelledPredictions, counts: Codes) -> Cells:
    """Convert a confusion matrix to its non-empty cells.

    Parameters
    ----------
    predictions
        The counted predictions.
    counts
        As returned by ``confusion_counts``. The matrices of K labels are pooled: an absent label gets the code K, for
        which no score is computed.

    Returns
    -------
    tuple[NDArray, NDArray, NDArray]
        True code, predicted code and count of each cell with a count above 0.

    Example
    -------
    >>> from limelight.task import Task
    >>> task = Task(("rain", "fog"), multilabel=True)
    >>> predictions = LabelledPredictions.of(task, [[1, 0]], [[0.2, 0.7]])
    >>> [part.tolist() for part in pooled_cells(predictions, np.array([[[0, 0], [1, 0]], [[0, 1], [0, 0]]]))]
    [[0, 2], [2, 1], [1, 1]]
    """
    indices = counts.nonzero()
    if not predictions.task.multilabel:
        return indices[0], indices[1], counts[indices]
    label, true, predicted = indices
    absent = len(predictions.task.classes)
    return np.where(true, label, absent), np.where(predicted, label, absent), counts[indices]


def score_classes(predictions: LabelledPredictions, cells: Cells) -> dict[str, dict[str, Any]]:
    """Score each class against the rest, or each label.

    Parameters
    ----------
    predictions
        N predictions, each with at least one known label.
    cells
        True code, predicted code and count of each cell of the confusion matrix, as returned by ``pooled_cells``.

    Returns
    -------
    dict[str, dict[str, Any]]
        By name of the class or label: ``precision``, ``recall``, ``f1``, ``support`` (the number of true examples),
        ``prevalence`` (their share), ``roc_auc``, ``average_precision`` and ``brier``; None if undefined, with the
        reason under ``undefined``.

    Source
    ------
    scikit-learn computes every number. ROC AUC and average precision share one sort of the probabilities.
    """
    true, predicted, times = cells
    indices = np.arange(len(predictions.names))
    *averaged, support = precision_recall_fscore_support(
        true, predicted, labels=indices, sample_weight=times, zero_division=np.nan
    )
    scored = {}
    for index, name in enumerate(predictions.names):
        truth, probability = predictions.one_vs_rest(index)
        scores = {score: _number(values[index]) for score, values in zip(AVERAGED, averaged, strict=True)}
        scores["roc_auc"], scores["average_precision"] = _areas(truth, probability)
        scores["brier"] = float(brier_score_loss(truth, probability, labels=[False, True])) if len(truth) else None
        scored[name] = {
            **scores,
            "support": int(support[index]),
            "prevalence": float(truth.mean()) if len(truth) else None,
            "undefined": _reasons(predictions, name, scores, truth),
        }
    return scored


def average_classes(cells: Cells, width: int) -> dict[str, dict[str, float | None]]:
    """Compute averages of precision, recall and F1 over the classes or labels that occur in the targets or the
    predictions.

    Parameters
    ----------
    cells
        As returned by ``pooled_cells``.
    width
        The number of classes or labels.

    Returns
    -------
    dict[str, dict[str, float | None]]
        ``macro``: the unweighted mean, in which the precision of a class that is never predicted and the recall of a
        class that does not occur count as 0; ``weighted``: the mean weighted by support; ``micro``: from the pooled
        counts. None if undefined for every class.

    Example
    -------
    >>> cells = np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([6, 2, 2])
    >>> {name: round(scores["recall"], 3) for name, scores in average_classes(cells, 2).items()}
    {'macro': 0.875, 'micro': 0.8, 'weighted': 0.8}
    """
    true, predicted, times = cells
    present = np.intersect1d(np.arange(width), np.concatenate([true, predicted]))
    if not len(present):
        return {kind: dict.fromkeys(AVERAGED) for kind in ("macro", "micro", "weighted")}
    averages = {}
    for kind in ("macro", "micro", "weighted"):
        values = precision_recall_fscore_support(
            true, predicted, labels=present, average=kind, sample_weight=times, zero_division=0
        )
        averages[kind] = dict(zip(AVERAGED, map(float, values[:3]), strict=True))
    any_true, any_predicted = bool(np.isin(true, present).any()), bool(np.isin(predicted, present).any())
    return {kind: none_if_undefined(kind, mean, any_true, any_predicted) for kind, mean in averages.items()}


def none_if_undefined(
    kind: str, mean: dict[str, float], any_true: bool, any_predicted: bool
) -> dict[str, float | None]:
    """Replace undefined averages by None: precision without predictions, recall and all weighted ones without truth."""
    defined = {"precision": any_predicted, "recall": any_true, "f1": True}
    return {name: value if defined[name] and (any_true or kind != "weighted") else None for name, value in mean.items()}


def _areas(truth: NDArray[np.bool_], probability: Probabilities) -> tuple[float | None, float | None]:
    """Compute ROC AUC and average precision, each None if undefined."""
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
    predictions: LabelledPredictions, name: str, scores: dict[str, float | None], truth: NDArray[np.bool_]
) -> dict[str, str]:
    unit = predictions.unit
    with_it, without_it = (
        (f"with label {name!r}", f"without label {name!r}")
        if predictions.task.multilabel
        else (f"of class {name!r}", f"of a class other than {name!r}")
    )
    reasons = {
        "precision": f"precision is undefined without predictions {with_it}",
        "recall": f"recall is undefined without {unit} {with_it}",
        "f1": f"F1 is undefined without {unit} or predictions {with_it}",
        "roc_auc": f"ROC AUC is undefined without {unit} {without_it if truth.any() else with_it}",
        "average_precision": f"average precision is undefined without {unit} {with_it}",
        "brier": f"Brier score is undefined without {unit} for which label {name!r} is known",
    }
    return {score: reasons[score] for score, value in scores.items() if value is None}
