"""Overall scores of binary and multi-class predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, matthews_corrcoef, recall_score

from limelight.errors import listing
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.evaluation.metrics.per_class import AVERAGED, Cells

AREAS = {"roc_auc": "ROC AUC", "average_precision": "average precision"}


def score_multiclass(
    predictions: LabelledPredictions,
    cells: Cells,
    macro: Mapping[str, float | None],
    per_class: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Compute the overall scores of binary or multi-class predictions.

    Parameters
    ----------
    predictions
        N predictions, whose true codes are all known.
    cells, macro, per_class
        As returned by ``pooled_cells``, ``average_classes`` and ``score_classes``.

    Returns
    -------
    dict[str, Any]
        As described in ``score``, with the reason for each None under ``undefined``.
    """
    true, predicted, times = cells
    task, names = predictions.task, predictions.names
    indices = np.arange(len(names))
    absent = [name for name in names if not per_class[name]["support"]]
    scores: dict[str, Any] = {
        "accuracy": float(accuracy_score(true, predicted, sample_weight=times)),
        "balanced_accuracy": float(
            recall_score(true, predicted, labels=np.unique(true), average="macro", sample_weight=times, zero_division=0)
        ),
        "matthews": (
            None
            if _constant(true) or _constant(predicted)
            else float(matthews_corrcoef(true, predicted, sample_weight=times))
        ),
        "log_loss": float(log_loss(predictions.codes, predictions.probabilities, labels=indices)),
        "brier": float(brier_score_loss(predictions.codes, predictions.probabilities, labels=indices)),
    }
    undefined = {}
    if scores["matthews"] is None:
        side, codes = ("true labels", true) if _constant(true) else ("predictions", predicted)
        undefined["matthews"] = f"Matthews correlation is undefined if all {side} are {names[codes[0]]!r}"
    if task.kind == "binary":
        main = per_class[names[task.positive_index]]
        scores |= {name: main[name] for name in (*AVERAGED, *AREAS)}
        undefined |= {name: why for name, why in main["undefined"].items() if name in scores}
    else:
        scores |= {name: macro[name] for name in AVERAGED}
        for name in AREAS:
            scores[name] = None if absent else float(np.mean([one[name] for one in per_class.values()]))
            undefined |= {name: _why_undefined(AREAS[name], absent, predictions.unit)} if absent else {}
    if absent:
        undefined["roc_auc"] = _why_undefined(AREAS["roc_auc"], absent, predictions.unit)
    return {**scores, "undefined": undefined}


def _constant(codes: Any) -> bool:
    return bool((codes == codes[0]).all())


def _why_undefined(score: str, absent: list[str], unit: str) -> str:
    classes = "classes" if len(absent) > 1 else "class"
    return f"{score} is undefined without {unit} of {classes} {listing(absent)}"
