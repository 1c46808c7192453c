"""Verdict: how good a model is, and whether it is shown to be better than guessing, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def verdict(metrics: Mapping[str, Any], unit: str | None = None) -> str:
    """Summarise in plain words how good the model is.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``.
    unit
        The noun for what is predicted, in the plural; None takes steps or series, according to the scores.

    Returns
    -------
    str
        Two sentences: the share of correct predictions, and whether it is shown to exceed that of the baseline, which
        predicts the most frequent class: if the whole 95 % interval of the accuracy, or else of the balanced accuracy,
        lies above. For multi-label, the share of correct single labels, and the balanced accuracy.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75, "intervals": {"accuracy": [0.3, 0.95]}}
    >>> verdict({"test": test, "baseline": {"accuracy": 0.5}})
    '3 of 4 series were classified correctly (75.0 %). The model is not shown to be better than guessing: always
    predicting the most frequent class would be correct for 50.0 %, which lies within its 95 % interval.'
    """
    test, baseline = metrics["test"], metrics["baseline"]
    unit = unit or ("steps" if test.get("level") == "step" else "series")
    if "hamming_loss" in test:
        correct, constant = 1 - test["hamming_loss"], 1 - baseline["hamming_loss"]
        return f"{_correct_labels(test, correct, unit)} {_comparison(test, baseline, correct, constant, None)}"
    correct, constant = test["accuracy"], baseline["accuracy"]
    number, n = round(correct * test["n"]), test["n"]
    first = f"{number:,} of {n:,} {unit} were classified correctly ({_percent(correct)})."
    first = f"All {n:,} {unit} were classified correctly." if number == n > 1 else first
    interval = (test.get("intervals") or {}).get("accuracy")
    return f"{first} {_comparison(test, baseline, correct, constant, interval)}"


def _correct_labels(test: Mapping[str, Any], correct: float, unit: str) -> str:
    labels = len(test["per_class"])
    subset = test["accuracy"]  # None if all labels are known for none of the examples
    of_all = "" if labels < 2 or subset is None else f"; all labels are correct for {_percent(subset)} of the {unit}"
    return f"Of the single labels, {_percent(correct)} are correct{of_all}."


def _comparison(
    test: Mapping[str, Any],
    baseline: Mapping[str, Any],
    correct: float,
    constant: float,
    interval: Sequence[float] | None,
) -> str:
    """Describe whether the model is shown to be better than a constant prediction."""
    what = "value of each label" if "hamming_loss" in test else "class"
    rule = f"always predicting the most frequent {what} would be correct for {_percent(constant)}"
    if interval is not None and interval[0] > constant:
        return (
            f"The model is shown to be better than guessing: its accuracy is at least {_percent(interval[0])} "
            f"(95 % interval), and {rule}."
        )
    balanced, chance = test.get("balanced_accuracy"), baseline.get("balanced_accuracy")
    ends = (test.get("intervals") or {}).get("balanced_accuracy")
    if ends is not None and chance is not None and ends[0] > chance:
        reached = f"its balanced accuracy is at least {ends[0]:.3f} (95 % interval) compared with {chance:.3f}"
        if correct > constant:
            return f"The model is shown to be better than guessing: {reached}, and {rule}."
        return (
            f"{rule[0].upper()}{rule[1:]}; but if every class counts equally, the model is shown to be better than "
            f"guessing: {reached}."
        )
    if correct > constant:
        if interval is None:
            return f"The model is not shown to be better than guessing: {rule}."
        return f"The model is not shown to be better than guessing: {rule}, which lies within its 95 % interval."
    if balanced is None or chance is None or balanced <= chance:
        return f"The model is no better than guessing: {rule}."
    return (
        f"The model is not shown to be better than guessing: {rule}; if every class counts equally, it is better, but "
        f"not beyond chance: a balanced accuracy of {balanced:.3f} compared with {chance:.3f}."
    )


def _percent(share: float) -> str:
    rounded = f"{100 * share:.1f} %"
    return "more than 99.9 %" if rounded == "100.0 %" and share < 1 else rounded
