"""The few lines that a training prints: the verdict, the most important scores, the confusion of few classes."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from limelight.evaluation.summary import confusion_lines, score_title
from limelight.evaluation.verdict import verdict
from limelight.text import aligned

FIRST = ("accuracy", "subset_accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss")
FEW_CLASSES = 5
WIDTH = 100


def highlight_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Format the most important scores of a run for a terminal.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``.

    Returns
    -------
    list[str]
        The verdict; up to five scores next to the baseline, with 95 % confidence intervals if there are any; the
        confusion matrix of up to 5 classes. At most 18 lines.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75, "intervals": {"accuracy": [0.3, 0.95]}, "level": "series"}
    >>> test["confusion"] = {"labels": list("abcdef"), "counts": []}
    >>> print("\\n".join(highlight_lines({"test": test, "baseline": {"accuracy": 0.5}})))
    3 of 4 series were classified correctly (75.0 %). The model is not shown to be better than guessing:
    always predicting the most frequent class would be correct for 50.0 %, which lies within its 95 %
    interval.
    <BLANKLINE>
              model   95 % interval  baseline
    accuracy  0.750  0.300 to 0.950     0.500
    """
    test, baseline = metrics["test"], metrics["baseline"]
    shown = [name for name in FIRST if name in test and not (name == "accuracy" and "subset_accuracy" in test)]
    intervals = test.get("intervals") or {}
    intervals = {**intervals, "subset_accuracy": intervals.get("accuracy")}
    rows = [["", "model", "95 % interval", "baseline"]]
    for name in shown:
        ends = intervals.get(name)
        interval = "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
        rows.append([score_title(name, test), _score(test[name]), interval, _score(baseline.get(name))])
    lines = [*wrap(verdict(metrics), WIDTH), "", *aligned(rows)]
    if len(test["confusion"]["labels"]) <= FEW_CLASSES:
        lines += confusion_lines(test)
    return lines


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
