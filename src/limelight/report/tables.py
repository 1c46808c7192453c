"""The tables of the page: metrics laid out in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.metrics.per_class import AVERAGED
from limelight.evaluation.summary import SCORE_TITLES

NO_VALUE = "\N{EN DASH}"
EACH = (*AVERAGED, "roc_auc", "average_precision", "brier")
AVERAGE_NAMES = {
    "macro": "mean of the {things}",
    "weighted": "weighted by support",
    "micro": "all counts together",
    "samples": "mean of the {unit}",
}
LEAST_BETTER = ("hamming_loss", "log_loss", "brier")

Table = dict[str, Any]


def headline_scores(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Pick the numbers that come first.

    Parameters
    ----------
    metrics
        What ``metrics.json`` holds.

    Returns
    -------
    list[dict[str, Any]]
        For each number its ``title``, its meaning as ``note``, its ``value`` and ``baseline`` in [0, 1] or None, and
        its ``interval`` or None.
    """
    test, baseline = metrics["test"], metrics["baseline"]
    several, positive = "hamming_loss" in test, test.get("positive")
    about = f"of {positive!r}" if positive is not None else f"mean of the {'labels' if several else 'classes'}"
    titles = {
        "accuracy": ("All labels right", "share of answers without a mistake")
        if several
        else ("Accuracy", "share of correct answers"),
        "f1": ("F1", about),
        "balanced_accuracy": ("Balanced accuracy", "every class counts the same"),
        "roc_auc": ("ROC AUC", about if several else "how well the classes are ranked"),
    }
    known = test.get("intervals") or {}
    return [
        {"title": title, "note": note, "value": test[name], "baseline": baseline[name], "interval": known.get(name)}
        for name, (title, note) in titles.items()
    ]


def score_table(test: Mapping[str, Any], baseline: Mapping[str, Any]) -> Table:
    """Lay all scores out, model beside baseline."""
    shown = [name for name in SCORE_TITLES if name in test and not (name == "accuracy" and "subset_accuracy" in test)]
    known = {**(test.get("intervals") or {})}
    known["subset_accuracy"] = known.get("accuracy")
    rows = []
    for name in shown:
        title = f"{SCORE_TITLES[name]} (lower is better)" if name in LEAST_BETTER else SCORE_TITLES[name]
        rows.append([title, number(test[name]), interval(known.get(name)), number(baseline[name])])
    return {"head": ["Score", "Model", "95 % interval", "Baseline"], "rows": rows}


def class_table(test: Mapping[str, Any], unit: str) -> Table:
    """Lay the scores of each class or label out, and the averages below."""
    several = test.get("kind") == "multilabel"
    things = "labels" if several else "classes"
    rows = [
        [name, *(number(one.get(key)) for key in EACH), count(one["support"]), share(one.get("prevalence"), 1)]
        for name, one in test["per_class"].items()
    ]
    feet = [
        [title.format(things=things, unit=unit), *(number(test[kind][key]) for key in AVERAGED), "", "", "", "", ""]
        for kind, title in AVERAGE_NAMES.items()
        if kind in test
    ]
    head = ["Label" if several else "Class", *(_capital(SCORE_TITLES[key]) for key in EACH), _capital(unit), "Share"]
    return {"head": head, "rows": rows, "feet": feet}


def confusion_matrix(confusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the confusion matrix with the share of each cell in its row.

    Parameters
    ----------
    confusion
        ``labels`` and ``counts``, a row for each true class.

    Returns
    -------
    list[dict[str, Any]]
        For each true class its ``label``, ``total`` and ``cells``, each with ``count``, ``share`` in
        [0, 1] and ``right``.

    Example
    -------
    >>> confusion_matrix({"labels": ["a", "b"], "counts": [[3, 1], [0, 0]]})[0]["cells"]
    [{'count': 3, 'share': 0.75, 'right': True}, {'count': 1, 'share': 0.25, 'right': False}]
    """
    rows = []
    for place, (label, counts) in enumerate(zip(confusion["labels"], confusion["counts"], strict=True)):
        total = sum(counts)
        cells = [
            {"count": count, "share": count / total if total else 0.0, "right": column == place}
            for column, count in enumerate(counts)
        ]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def confusion_of_labels(confusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a matrix of absent and there for each of several labels, as from ``confusion_matrix``."""
    return [
        {"label": label, "rows": confusion_matrix({"labels": ["absent", "there"], "counts": counts})}
        for label, counts in zip(confusion["labels"], confusion["counts"], strict=True)
    ]


def calibration_table(calibration: Mapping[str, Any]) -> Table:
    """Lay out what the temperature did to the probabilities, all together."""
    shown = before_and_after(calibration)
    names = {"expected_calibration_error": "calibration error", "log_loss": "log loss", "brier": "Brier score"}
    rows = [
        [said, *(number(one[key]) for one in shown.values())]
        for key, said in names.items()
        if key in calibration["before"]
    ]
    return {"head": ["Lower is better", *map(_capital, shown)], "rows": rows}


def calibration_of_classes(calibration: Mapping[str, Any]) -> Table | None:
    """Lay out what the temperature did to the probabilities of each class or label; None where there are just two."""
    known, shown = calibration["before"]["per_class"], before_and_after(calibration)
    if len(known) < 3 and len((calibration.get("temperature") or {}).get("values", [])) < 2:
        return None
    key = "expected_calibration_error"
    rows = [
        [name, *(number(one["per_class"][name][key]) for one in shown.values()), count(of["n"])]
        for name, of in known.items()
    ]
    return {"head": ["Calibration error", *map(_capital, shown), "Known"], "rows": rows}


def threshold_table(thresholds: Mapping[str, Any]) -> Table | None:
    """Lay out from which probability each label is answered, and what that changes on validation data."""
    table = thresholds.get("table")
    if not table:
        return None
    keys = [key for key in ("precision", "recall", "f1", "cost") if key in table[0]["half"]]
    head = ["Label", "Threshold", *(_capital({"f1": "F1"}.get(key, key)) for key in keys), "Answered", "True", "Known"]
    rows = []
    for one in table:
        half, chosen = one["half"], one["chosen"]
        changes = [f"{number(half[key])} → {number(chosen[key])}" for key in keys]
        answered = f"{half['answered']:,} → {chosen['answered']:,}"
        counts = [answered, count(one["positives"]), count(one["known"])]
        rows.append([one["label"], f"{one['threshold']:.3g}", *changes, *counts])
    return {"head": head, "rows": rows}


def rule_in_words(rule: str | Mapping[str, Any]) -> str:
    """Say by what rule thresholds were chosen.

    Example
    -------
    >>> rule_in_words({"precision": 0.9})
    'a precision of at least 0.9'
    """
    if isinstance(rule, str):
        return "the best F1" if rule == "f1" else rule
    ((what, least),) = rule.items()
    return "the least cost" if what == "cost" else f"a {what} of at least {least:g}"


def set_table(sets: Mapping[str, Any]) -> Table:
    """Lay out how often prediction sets hold the truth, and how large they are."""
    said = [("all", sets), *sets["per_class"].items()]
    rows = [[name, share(one["coverage"], 1), number(one["mean_size"], 2), count(one["n"])] for name, one in said]
    return {"head": ["Truth", "Sets that hold it", "Classes in a set", "Known"], "rows": rows}


def event_table(events: Mapping[str, Any]) -> Table:
    """Lay the scores of events out."""
    keys = ("precision", "recall", "f1", "any_precision", "any_recall")
    head = ["Label", "True", "Predicted", "Matched", "Precision", "Recall", "F1", "Any precision", "Any recall",
            "Onset delay"]  # fmt: skip

    def row(name: str, one: Mapping[str, Any]) -> list[str]:
        counts = [count(one[key]) if key in one else "" for key in ("true", "predicted", "matched")]
        delay = one["onset_delay"]
        late = NO_VALUE if delay is None else f"{delay:+.1f}".replace("-", "\N{MINUS SIGN}")
        return [name, *counts, *(number(one[key]) for key in keys), late]

    rows = [row(name, one) for name, one in events["per_label"].items()]
    feet = [row("all together", events["micro"])]
    feet += [row("mean of labels", events["macro"])] if len(rows) > 1 else []
    return {"head": head, "rows": rows, "feet": feet}


def group_tables(groups: Mapping[str, Any], test: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lay the scores for each value of each metadata field out, with a sentence on the lowest."""
    several = "hamming_loss" in test
    head = ["All labels right" if several else "Accuracy", "F1", "Balanced accuracy", "95 % interval", "Series"]
    found = []
    for field, scored in groups.items():
        scores = ("accuracy", "f1", "balanced_accuracy")
        rows = [
            [one["value"], *(number(one[key]) for key in scores), interval(one["interval"]), count(one["n"])]
            for one in scored["groups"]
        ]
        found.append(
            {
                "field": field,
                "table": {"head": [field, *head], "rows": rows, "worst": scored["worst"]},
                "sentence": _worst(field, scored),
            }
        )
    return found


def _worst(field: str, scored: Mapping[str, Any]) -> str:
    if scored["worst"] is None:
        return ""
    worst = scored["groups"][scored["worst"]]
    low = f"Lowest where {field} is {worst['value']}: a balanced accuracy of {worst['balanced_accuracy']:.3f}."
    chance = 100 * scored["chance"]
    often = "less than 1 %" if chance < 1 else f"{chance:.0f} %"
    return f"{low} If {field} said nothing, the lowest would be as low in {often} of the cases."


def metadata_table(permuted: Mapping[str, Any]) -> Table:
    """Lay out how much worse the answers get with the metadata, or the series, of others."""
    rows = [
        [name, f"{drop['mean']:.3f}".replace("-", "\N{MINUS SIGN}"), f"± {drop['deviation']:.3f}"]
        for name, drop in permuted["drops"].items()
    ]
    return {"head": ["Taken from others", "Balanced accuracy falls by", "Spread"], "rows": rows}


def number(value: float | None, digits: int = 3) -> str:
    """Give a number with three digits, or a dash."""
    return NO_VALUE if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def share(value: float | None, digits: int = 0) -> str:
    """Give a share as percent, or a dash."""
    return NO_VALUE if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def count(value: int) -> str:
    """Give a count with commas."""
    return f"{value:,}"


def interval(ends: Sequence[float] | None) -> str:
    """Give both ends of an interval, or nothing."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
