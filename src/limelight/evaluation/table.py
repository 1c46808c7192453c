"""The scores of a run as lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.text import aligned

MOST_CLASSES = 12
SCORES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
}


def score_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Lay the scores out for a terminal.

    Parameters
    ----------
    metrics
        What ``metrics.json`` holds: ``test`` and ``baseline`` as from ``score_prediction`` and
        ``score_baseline``, and ``localisation`` as from ``score_localisation`` (may be missing).

    Returns
    -------
    list[str]
        Lines without line ends: model beside baseline, every class, the confusion matrix up to 12 classes,
        the attention in one sentence.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.evaluation.metrics import score_baseline, score_prediction
    >>> from limelight.model.fitted import Prediction
    >>> from limelight.task import Task
    >>> task, truth = Task(("fault", "ok")), ["fault", "ok"]
    >>> answers = Prediction(np.array(["a", "b"]), task, np.array([[-2.0], [2.0]]))
    >>> test, baseline = score_prediction(answers, truth), score_baseline(["ok"], truth, task)
    >>> print("\\n".join(score_lines({"test": test, "baseline": baseline})[:3]))
                       model  baseline
    accuracy           1.000     0.500
    precision (ok)     1.000     0.500
    """
    test, baseline = metrics["test"], metrics["baseline"]
    lines = aligned(
        [["", "model", "baseline"]]
        + [[_title(name, test), _number(test[name]), _number(baseline[name])] for name in SCORES]
    )
    lines += [f"({sentence})" for sentence in test["undefined"].values()]
    lines += ["", *_class_lines(test["per_class"])]
    if len(test["confusion"]["labels"]) <= MOST_CLASSES:
        lines += ["", "true (rows) and predicted (columns)", *_confusion_lines(test["confusion"])]
    lines += _metadata_lines(metrics.get("metadata"))
    sentence = localisation_sentence(metrics.get("localisation"))
    return [*lines, "", sentence] if sentence else lines


def _metadata_lines(permuted: Mapping[str, Any] | None) -> list[str]:
    """Say how much worse the answers get with the metadata, or the series, of others."""
    if not permuted:
        return []
    title = f"balanced accuracy {permuted['score']:.3f}; with those of others instead:"
    rows = [["", "falls by", "spread"]]
    rows += [[name, f"{drop['mean']:.3f}", f"{drop['deviation']:.3f}"] for name, drop in permuted["drops"].items()]
    return ["", title, *aligned(rows)]


def localisation_sentence(localisation: Mapping[str, Any] | None) -> str:
    """Say in one sentence where the attention went, with numbers; empty where that is not known.

    Parameters
    ----------
    localisation
        As from ``score_localisation``.

    Returns
    -------
    str
        One sentence.

    Example
    -------
    >>> localisation_sentence({"series": 10, "attention_inside": 0.8, "attention_inside_uniform": 0.3,
    ...                        "peak_inside": 0.9, "peak_inside_uniform": 0.3})
    'Of the attention 80 % fell inside the true interval (spread evenly it would be 30 %), and its peak
    was inside in 90 % of the 10 series whose interval is known (by chance 30 %).'
    """
    if localisation is None:
        return ""
    share = {name: f"{100 * value:.0f} %" for name, value in localisation.items() if isinstance(value, float)}
    inside, inside_evenly = share["attention_inside"], share["attention_inside_uniform"]
    peak, peak_by_chance = share["peak_inside"], share["peak_inside_uniform"]
    return (
        f"Of the attention {inside} fell inside the true interval (spread evenly it would be {inside_evenly}), and "
        f"its peak was inside in {peak} of the {localisation['series']:,} series whose interval is known "
        f"(by chance {peak_by_chance})."
    )


def _title(name: str, scores: Mapping[str, Any]) -> str:
    """Say of which class a score is, where it is of one."""
    about = "mean of classes" if scores["positive"] is None else scores["positive"]
    return f"{SCORES[name]} ({about})" if name in ("precision", "recall", "f1") else SCORES[name]


def _class_lines(per_class: Mapping[str, Mapping[str, Any]]) -> list[str]:
    names = ("precision", "recall", "f1", "roc_auc")
    header = ["class", *(SCORES[name] for name in names), "series"]
    rows = [
        [label, *(_number(scores[name]) for name in names), str(scores["support"])]
        for label, scores in per_class.items()
    ]
    return aligned([header, *rows])


def _confusion_lines(confusion: Mapping[str, Any]) -> list[str]:
    labels: list[str] = confusion["labels"]
    rows = [
        [label, *(str(count) for count in counts)] for label, counts in zip(labels, confusion["counts"], strict=True)
    ]
    return aligned([["", *labels], *rows])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
