"""Overall scores where each of several labels is there or not."""

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
from limelight.evaluation.metrics.per_class import AVERAGED, where_defined
from limelight.task import UNKNOWN
from limelight.types import Codes

SIDES = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
"""Truth and answer of the cells of a matrix of two by two."""


def score_several(
    answers: LabelledPredictions,
    counts: Codes,
    macro: Mapping[str, float | None],
    per_class: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Give the overall scores of answers with several labels.

    Parameters
    ----------
    answers
        N of them, at least one label of each known.
    counts, macro, per_class
        As from ``confusion_counts``, ``average_classes`` and ``score_classes``.

    Returns
    -------
    dict[str, Any]
        As told by ``score``, with the reasons for None under ``undefined``.
    """
    known = answers.codes != UNKNOWN
    whole = answers.at(known.all(axis=1))
    truth, given, chances = answers.codes[known], answers.decisions[known], answers.probabilities[known]
    all_right = float(accuracy_score(_matrix(whole.codes), _matrix(whole.decisions))) if len(whole.codes) else None
    parts = {
        "balanced_accuracy": [_balanced(matrix) for matrix in counts],
        "matthews": [_matthews(matrix) for matrix in counts],
        **{name: [one[name] for one in per_class.values()] for name in ("roc_auc", "average_precision")},
    }
    scores: dict[str, Any] = {
        "accuracy": all_right,
        "subset_accuracy": all_right,
        "hamming_loss": float(hamming_loss(truth, given)),
        **{name: macro[name] for name in AVERAGED},
        **{name: _mean(values, skip=name == "balanced_accuracy") for name, values in parts.items()},
        "log_loss": float(log_loss(truth, np.stack([1 - chances, chances], axis=1), labels=[0, 1])),
        "brier": float(brier_score_loss(truth, chances, labels=[0, 1])),
        "samples": _average_samples(whole),
    }
    lacking = {
        name: [label for label, value in zip(answers.names, values, strict=True) if value is None]
        for name, values in parts.items()
    }
    why = _reasons(answers.unit, lacking)
    return {**scores, "undefined": {name: why[name] for name, value in scores.items() if value is None}}


def _matrix(codes: Codes) -> Codes:
    """Give 0 and 1 for at least two labels: scikit-learn takes one column for two classes."""
    return np.hstack([codes, np.zeros_like(codes)]) if codes.shape[1] == 1 else codes


def _average_samples(whole: LabelledPredictions) -> dict[str, float | None]:
    """Average over what has a label or an answer; nothing is right or wrong about the others."""
    met = (whole.codes | whole.decisions).any(axis=1)
    if not met.any():
        return dict.fromkeys(AVERAGED)
    values = precision_recall_fscore_support(
        _matrix(whole.codes[met]), _matrix(whole.decisions[met]), average="samples", zero_division=0
    )
    mean = dict(zip(AVERAGED, map(float, values[:3]), strict=True))
    return where_defined("samples", mean, bool(whole.codes.any()), bool(whole.decisions.any()))


def _balanced(matrix: NDArray[np.int64]) -> float | None:
    occurring = matrix.sum(axis=1)
    return float((matrix.diagonal() / occurring).mean()) if occurring.all() else None


def _matthews(matrix: NDArray[np.int64]) -> float | None:
    if not (matrix.sum(axis=0).all() and matrix.sum(axis=1).all()):
        return None
    return float(matthews_corrcoef(*SIDES, sample_weight=matrix.reshape(-1)))


def _mean(values: list[float | None], skip: bool) -> float | None:
    """Average over labels; one that is not defined makes the mean so too, unless it may be skipped."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined and (skip or len(defined) == len(values)) else None


def _reasons(unit: str, lacking: Mapping[str, list[str]]) -> dict[str, str]:
    named = {name: listing(labels) for name, labels in lacking.items()}
    complete = f"needs {unit} of which all labels are known, and there are none"
    return {
        "accuracy": f"the accuracy {complete}",
        "subset_accuracy": f"the subset accuracy {complete}",
        "precision": "the precision needs answers with a label, and there are none",
        "recall": f"the recall needs {unit} with a label, and there are none",
        "f1": f"the F1 needs {unit} or answers with a label, and there are none",
        "balanced_accuracy": f"the balanced accuracy needs {unit} with and without a label, and there is no such label",
        "matthews": "the Matthews correlation needs every label both there and not, in truth and answers, which is not "
        f"so of {named['matthews']}",
        "roc_auc": f"the ROC AUC needs {unit} with and without every label, which is not so of {named['roc_auc']}",
        "average_precision": f"the average precision needs {unit} with every label, and there are none with "
        f"{named['average_precision']}",
    }
