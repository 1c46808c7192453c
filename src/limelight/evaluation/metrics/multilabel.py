"""Overall scores of multi-label predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    hamming_loss,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

from limelight.errors import listing
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.evaluation.metrics.per_class import AVERAGED, none_if_undefined
from limelight.task import UNKNOWN
from limelight.types import Codes

TWO_BY_TWO = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
"""True and predicted code of each cell of a 2 x 2 confusion matrix."""


def score_multilabel(
    predictions: LabelledPredictions,
    counts: Codes,
    macro: Mapping[str, float | None],
    per_class: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Compute the overall scores of multi-label predictions.

    Parameters
    ----------
    predictions
        N predictions, each with at least one known label.
    counts, macro, per_class
        As returned by ``confusion_counts``, ``average_classes`` and ``score_classes``.

    Returns
    -------
    dict[str, Any]
        As described in ``score``, with the reason for each None under ``undefined``.
    """
    known = predictions.codes != UNKNOWN
    complete = predictions.at(known.all(axis=1))
    true, predicted = predictions.codes[known], predictions.decisions[known]
    probabilities = predictions.probabilities[known]
    subset_accuracy = (
        float(accuracy_score(_two_columns(complete.codes), _two_columns(complete.decisions)))
        if len(complete.codes)
        else None
    )
    per_label = {
        "balanced_accuracy": [_balanced(matrix) for matrix in counts],
        "matthews": [_matthews(matrix) for matrix in counts],
        **{name: [one[name] for one in per_class.values()] for name in ("roc_auc", "average_precision")},
    }
    scores: dict[str, Any] = {
        "accuracy": subset_accuracy,
        "subset_accuracy": subset_accuracy,
        "hamming_loss": float(hamming_loss(true, predicted)),
        **{name: macro[name] for name in AVERAGED},
        **{name: _mean(values, skip=name == "balanced_accuracy") for name, values in per_label.items()},
        "log_loss": float(log_loss(true, np.stack([1 - probabilities, probabilities], axis=1), labels=[0, 1])),
        "brier": float(brier_score_loss(true, probabilities, labels=[0, 1])),
        "samples": _average_samples(complete),
    }
    without = {
        name: [label for label, value in zip(predictions.names, values, strict=True) if value is None]
        for name, values in per_label.items()
    }
    why = _reasons(predictions.unit, without)
    return {**scores, "undefined": {name: why[name] for name, value in scores.items() if value is None}}


def _two_columns(codes: Codes) -> Codes:
    """Pad codes to at least two labels, as scikit-learn takes a single column for a binary task."""
    return np.hstack([codes, np.zeros_like(codes)]) if codes.shape[1] == 1 else codes


def _average_samples(complete: LabelledPredictions) -> dict[str, float | None]:
    """Compute averages over the examples with a true or predicted label; other examples have no defined scores."""
    labelled = (complete.codes | complete.decisions).any(axis=1)
    if not labelled.any():
        return dict.fromkeys(AVERAGED)
    values = precision_recall_fscore_support(
        _two_columns(complete.codes[labelled]),
        _two_columns(complete.decisions[labelled]),
        average="samples",
        zero_division=0,
    )
    mean = dict(zip(AVERAGED, map(float, values[:3]), strict=True))
    return none_if_undefined("samples", mean, bool(complete.codes.any()), bool(complete.decisions.any()))


def _balanced(matrix: NDArray[np.int64]) -> float | None:
    support = matrix.sum(axis=1)
    return float((matrix.diagonal() / support).mean()) if support.all() else None


def _matthews(matrix: NDArray[np.int64]) -> float | None:
    if not (matrix.sum(axis=0).all() and matrix.sum(axis=1).all()):
        return None
    return float(matthews_corrcoef(*TWO_BY_TWO, sample_weight=matrix.reshape(-1)))


def _mean(values: list[float | None], skip: bool) -> float | None:
    """Compute the mean over labels; unless ``skip``, a single undefined value makes the mean undefined."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined and (skip or len(defined) == len(values)) else None


def _reasons(unit: str, without: Mapping[str, list[str]]) -> dict[str, str]:
    labels = {name: listing(names) for name, names in without.items()}
    complete = f"is undefined without {unit} whose labels are all known"
    return {
        "accuracy": f"accuracy {complete}",
        "subset_accuracy": f"subset accuracy {complete}",
        "precision": "precision is undefined without predicted labels",
        "recall": "recall is undefined without true labels",
        "f1": "F1 is undefined without true or predicted labels",
        "balanced_accuracy": "balanced accuracy is undefined if every label is always or never true",
        "matthews": f"Matthews correlation is undefined for {labels['matthews']}: always or never true, or always or "
        "never predicted",
        "roc_auc": f"ROC AUC is undefined for {labels['roc_auc']}: always or never true",
        "average_precision": f"average precision is undefined for {labels['average_precision']}: never true",
    }
