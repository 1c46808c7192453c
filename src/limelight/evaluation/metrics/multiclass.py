"""Overall scores where one of two or more classes is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, matthews_corrcoef, recall_score

from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.evaluation.metrics.per_class import AVERAGED, Cells

AREAS = {"roc_auc": "ROC AUC", "average_precision": "average precision"}


def score_one_of(
    answers: LabelledPredictions,
    cells: Cells,
    macro: Mapping[str, float | None],
    per_class: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Give the overall scores of answers with one right class.

    Parameters
    ----------
    answers
        N of them, every truth known.
    cells, macro, per_class
        As from ``pooled_cells``, ``average_classes`` and ``score_classes``.

    Returns
    -------
    dict[str, Any]
        As told by ``score``, with the reasons for None under ``undefined``.
    """
    true, given, times = cells
    task, names = answers.task, answers.names
    places = np.arange(len(names))
    absent = [name for name in names if not per_class[name]["support"]]
    scores: dict[str, Any] = {
        "accuracy": float(accuracy_score(true, given, sample_weight=times)),
        "balanced_accuracy": float(
            recall_score(true, given, labels=np.unique(true), average="macro", sample_weight=times, zero_division=0)
        ),
        "matthews": None if _one(true) or _one(given) else float(matthews_corrcoef(true, given, sample_weight=times)),
        "log_loss": float(log_loss(answers.codes, answers.probabilities, labels=places)),
        "brier": float(brier_score_loss(answers.codes, answers.probabilities, labels=places)),
    }
    undefined = {}
    if scores["matthews"] is None:
        whose, codes = (answers.unit, true) if _one(true) else ("answers", given)
        undefined["matthews"] = (
            f"the Matthews correlation needs two classes in truth and answers, and all {whose} are {names[codes[0]]!r}"
        )
    if task.kind == "binary":
        main = per_class[names[task.positive_index]]
        scores |= {name: main[name] for name in (*AVERAGED, *AREAS)}
        undefined |= {name: why for name, why in main["undefined"].items() if name in scores}
    else:
        scores |= {name: macro[name] for name in AVERAGED}
        for name in AREAS:
            scores[name] = None if absent else float(np.mean([one[name] for one in per_class.values()]))
            undefined |= {name: _why_undefined(AREAS[name], absent, answers.unit)} if absent else {}
    if absent:
        undefined["roc_auc"] = _why_undefined(AREAS["roc_auc"], absent, answers.unit)
    return {**scores, "undefined": undefined}


def _one(codes: Any) -> bool:
    return bool((codes == codes[0]).all())


def _why_undefined(score: str, absent: list[str], unit: str) -> str:
    classes = "classes" if len(absent) > 1 else "class"
    named = ", ".join(repr(name) for name in absent[:5]) + (" and others" if len(absent) > 5 else "")
    return f"the {score} needs {unit} of every class, and there are none of {classes} {named}"
