"""Tables of the report: metrics as formatted text and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.decision.thresholds import describe_alarm_goal
from limelight.evaluation.events.false_alarms import delay_text
from limelight.evaluation.metrics.exact_intervals import wilson_interval
from limelight.evaluation.metrics.per_class import AVERAGED
from limelight.evaluation.summary import SCORE_TITLES
from limelight.evaluation.verdict import stands_out

NO_VALUE = "\N{EN DASH}"
CLASS_SCORES = (*AVERAGED, "roc_auc", "average_precision", "brier")
AVERAGE_NAMES = {
    "macro": "macro (over {things})",
    "weighted": "weighted (by support)",
    "micro": "micro (pooled counts)",
    "samples": "samples (over {unit})",
}
LOWER_IS_BETTER = ("hamming_loss", "log_loss", "brier")

Table = dict[str, Any]
MOST_CLASSES_VARIED = 6


def headline_scores(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Select the scores for the top of the page.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``.

    Returns
    -------
    list[dict[str, Any]]
        For each score, its ``title``, an explanation as ``note``, ``value`` and ``baseline`` in [0, 1] or None, and
        its ``interval`` or None.
    """
    test, baseline = metrics["test"], metrics["baseline"]
    multilabel, positive = "hamming_loss" in test, test.get("positive")
    average = f"of {positive!r}" if positive is not None else f"mean of the {'labels' if multilabel else 'classes'}"
    titles = {
        "accuracy": ("Subset accuracy", "share of predictions with all labels correct")
        if multilabel
        else ("Accuracy", "share of correct predictions"),
        "f1": ("F1", average),
        "balanced_accuracy": ("Balanced accuracy", "mean recall, every class counts equally"),
        "roc_auc": ("ROC AUC", average if multilabel else "how well probabilities rank the classes"),
    }
    intervals = test.get("intervals") or {}
    return [
        {"title": title, "note": note, "value": test[name], "baseline": baseline[name], "interval": intervals.get(name)}
        for name, (title, note) in titles.items()
    ]


def score_table(test: Mapping[str, Any], baseline: Mapping[str, Any]) -> Table:
    """Build the table of all scores of the model and the baseline."""
    shown = [name for name in SCORE_TITLES if name in test and not (name == "accuracy" and "subset_accuracy" in test)]
    intervals = {**(test.get("intervals") or {})}
    intervals["subset_accuracy"] = intervals.get("accuracy")
    rows = []
    for name in shown:
        title = f"{SCORE_TITLES[name]} (lower is better)" if name in LOWER_IS_BETTER else SCORE_TITLES[name]
        rows.append([title, number(test[name]), interval(intervals.get(name)), number(baseline[name])])
    return {"head": ["Score", "Model", "95 % interval", "Baseline"], "rows": rows}


def class_table(test: Mapping[str, Any], unit: str) -> Table:
    """Build the table of the scores of each class or label, with the averages in the last rows.

    Series are independent of each other, so that their recall has an interval; the steps of a series are not.
    """
    multilabel, by_step = test.get("kind") == "multilabel", test.get("level") == "step"
    things = "labels" if multilabel else "classes"
    recall = [] if by_step else ["95 % of recall"]
    head = [
        "Label" if multilabel else "Class",
        *(_capital(SCORE_TITLES[key]) for key in CLASS_SCORES[:2]),
        *recall,
        *(_capital(SCORE_TITLES[key]) for key in CLASS_SCORES[2:]),
        "Support",
        "Prevalence",
    ]
    rows = [
        [
            name,
            *(number(scores.get(key)) for key in CLASS_SCORES[:2]),
            *(_recall_interval(scores) for _ in recall),
            *(number(scores.get(key)) for key in CLASS_SCORES[2:]),
            count(scores["support"]),
            share(scores.get("prevalence"), 1),
        ]
        for name, scores in test["per_class"].items()
    ]
    feet = []
    for kind, title in AVERAGE_NAMES.items():
        if kind in test:
            precision, recalled, f1 = (number(test[kind][key]) for key in AVERAGED)
            name = title.format(things=things, unit=unit)
            feet.append([name, precision, recalled, *("" for _ in recall), f1, *[""] * 5])
    return {"head": head, "rows": rows, "feet": feet}


def _recall_interval(scores: Mapping[str, Any]) -> str:
    """Format the interval of a recall, which is a share of independent examples; also if it is 0 or 1."""
    n, recall = scores["support"], scores.get("recall")
    return "" if not n or recall is None else interval(wilson_interval(round(recall * n), n))


def confusion_matrix(confusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the confusion matrix with the share of each cell in its row.

    Parameters
    ----------
    confusion
        ``labels`` and ``counts``, with a row for each true class.

    Returns
    -------
    list[dict[str, Any]]
        For each true class, its ``label``, ``total`` and ``cells``; each cell with ``count``, ``share`` in [0, 1] and
        ``correct``.

    Example
    -------
    >>> confusion_matrix({"labels": ["a", "b"], "counts": [[3, 1], [0, 0]]})[0]["cells"]
    [{'count': 3, 'share': 0.75, 'correct': True}, {'count': 1, 'share': 0.25, 'correct': False}]
    """
    rows = []
    for place, (label, counts) in enumerate(zip(confusion["labels"], confusion["counts"], strict=True)):
        total = sum(counts)
        cells = [
            {"count": count, "share": count / total if total else 0.0, "correct": column == place}
            for column, count in enumerate(counts)
        ]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def confusion_of_labels(confusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the confusion matrix of absent and present for each label of a multi-label task."""
    return [
        {"label": label, "rows": confusion_matrix({"labels": ["absent", "present"], "counts": counts})}
        for label, counts in zip(confusion["labels"], confusion["counts"], strict=True)
    ]


def calibration_table(calibration: Mapping[str, Any]) -> Table:
    """Build the table of overall calibration scores, before and after temperature scaling."""
    columns = before_and_after(calibration)
    names = {"expected_calibration_error": "calibration error", "log_loss": "log loss", "brier": "Brier score"}
    rows = [
        [title, *(number(scores[key]) for scores in columns.values())]
        for key, title in names.items()
        if key in calibration["before"]
    ]
    return {"head": ["Lower is better", *map(_capital, columns)], "rows": rows}


def calibration_of_classes(calibration: Mapping[str, Any]) -> Table | None:
    """Build the table of the calibration error of each class or label; None for a binary task."""
    per_class, columns = calibration["before"]["per_class"], before_and_after(calibration)
    if len(per_class) < 3 and len((calibration.get("temperature") or {}).get("values", [])) < 2:
        return None
    key = "expected_calibration_error"
    rows = [
        [name, *(number(scores["per_class"][name][key]) for scores in columns.values()), count(before["n"])]
        for name, before in per_class.items()
    ]
    return {"head": ["Calibration error", *map(_capital, columns), "Known"], "rows": rows}


def threshold_table(thresholds: Mapping[str, Any]) -> Table | None:
    """Build the table of the thresholds and how they change the scores on validation data."""
    table = thresholds.get("table")
    if not table:
        return None
    keys = [key for key in ("precision", "recall", "f1", "cost") if key in table[0]["half"]]
    head = [
        "Label",
        "Threshold",
        *(_capital({"f1": "F1"}.get(key, key)) for key in keys),
        "Predicted",
        "Positive",
        "Known",
    ]
    rows = []
    for row in table:
        before, after = row["half"], row["chosen"]
        changes = [f"{number(before[key])} → {number(after[key])}" for key in keys]
        predicted = f"{before['answered']:,} → {after['answered']:,}"
        counts = [predicted, count(row["positives"]), count(row["known"])]
        rows.append([row["label"], f"{row['threshold']:.3g}", *changes, *counts])
    return {"head": head, "rows": rows}


def describe_rule(rule: str | Mapping[str, Any]) -> str:
    """Describe the rule by which thresholds were chosen.

    Example
    -------
    >>> describe_rule({"precision": 0.9})
    'a precision of at least 0.9'
    """
    if isinstance(rule, str):
        return "the best F1" if rule == "f1" else rule
    ((what, least),) = rule.items()
    if what == "false_alarms":
        return describe_alarm_goal(least)
    return "the lowest cost" if what == "cost" else f"a {what} of at least {least:g}"


def set_table(sets: Mapping[str, Any]) -> Table:
    """Build the table of the coverage and the mean size of prediction sets."""
    groups = [("all", sets), *sets["per_class"].items()]
    rows = [
        [name, share(scores["coverage"], 1), number(scores["mean_size"], 2), count(scores["n"])]
        for name, scores in groups
    ]
    return {"head": ["True class", "Coverage", "Mean set size", "Known"], "rows": rows}


def event_table(events: Mapping[str, Any]) -> Table:
    """Build the table of event scores."""
    keys = ("precision", "recall", "f1", "any_precision", "any_recall")
    head = ["Label", "True", "Predicted", "Matched", "Precision", "Recall", "F1", "Any precision", "Any recall",
            "Onset delay"]  # fmt: skip

    def row(name: str, scores: Mapping[str, Any]) -> list[str]:
        counts = [count(scores[key]) if key in scores else "" for key in ("true", "predicted", "matched")]
        delay = scores["onset_delay"]
        signed_delay = NO_VALUE if delay is None else f"{delay:+.1f}".replace("-", "\N{MINUS SIGN}")
        return [name, *counts, *(number(scores[key]) for key in keys), signed_delay]

    rows = [row(name, scores) for name, scores in events["per_label"].items()]
    feet = [row("micro average", events["micro"])]
    feet += [row("macro average", events["macro"])] if len(rows) > 1 else []
    return {"head": head, "rows": rows, "feet": feet}


def alarm_table(alarms: Mapping[str, Any]) -> Table:
    """Build the table of false alarms in time, with the share of true events that are detected and their delay."""
    head = ["Label", "Alarms", "False", f"Observed ({alarms['unit']})", f"False per {alarms['title']}", "95 % interval",
            "Detected", "Median delay"]  # fmt: skip
    rows = [
        [
            name,
            count(one["alarms"]),
            count(one["false"]),
            number(one["observed"], 2),
            number(one["rate"], 2),
            interval(one["interval"]),
            NO_VALUE if one["detected"] is None else share(one["detected"], 1),
            NO_VALUE if one["delay"] is None else delay_text(one["delay"], alarms["delay_unit"]),
        ]
        for name, one in alarms["per_label"].items()
    ]
    return {"head": head, "rows": rows}


def group_tables(groups: Mapping[str, Any], test: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Build a table of the scores for each value of each metadata field, with a sentence on the lowest."""
    multilabel = "hamming_loss" in test
    head = ["Subset accuracy" if multilabel else "Accuracy", "F1", "Balanced accuracy", "95 % interval", "Series"]
    groups_by_field = []
    for field, scored in groups.items():
        scores, weak = ("accuracy", "f1", "balanced_accuracy"), stands_out(scored)
        rows = [
            [group["value"], *(number(group[key]) for key in scores), interval(group["interval"]), count(group["n"])]
            for group in scored["groups"]
        ]
        groups_by_field.append(
            {
                "field": field,
                "table": {"head": [field, *head], "rows": rows, "worst": scored["worst"] if weak else None},
                "sentence": _lowest_group(field, scored),
                "stands_out": weak,
            }
        )
    return groups_by_field


def _lowest_group(field: str, scored: Mapping[str, Any]) -> str:
    if scored["worst"] is None:
        return ""
    worst = scored["groups"][scored["worst"]]
    lowest = f"The balanced accuracy is lowest for {field} = {worst['value']}: {worst['balanced_accuracy']:.3f}."
    p_value = 100 * scored["chance"]
    how_often = "less than 1 %" if p_value < 1 else f"{p_value:.0f} %"
    return f"{lowest} If {field} made no difference, the lowest would be this low in {how_often} of cases."


def metadata_table(permuted: Mapping[str, Any]) -> Table:
    """Build the table of the permutation importance of metadata, signals and series."""
    rows = [
        [name, f"{drop['mean']:.3f}".replace("-", "\N{MINUS SIGN}"), f"± {drop['deviation']:.3f}"]
        for name, drop in permuted["drops"].items()
    ]
    return {"head": ["Permuted", "Drop in balanced accuracy", "Standard deviation"], "rows": rows}


def what_if_table(name: str, field: Mapping[str, Any]) -> dict[str, Any]:
    """Build the table of the predictions with each value of a metadata field, and its sentence."""
    classes = list(field["values"][0]["probabilities"])[:MOST_CLASSES_VARIED]
    rows = [
        [str(one["value"]), share(one["own"]), *(share(one["probabilities"][name]) for name in classes)]
        for one in field["values"]
    ]
    return {
        "name": name,
        "turned": share(field["turned"]),
        "change": share(field["change"]),
        "table": {"head": ["Value", "Series that have it", *classes], "rows": rows},
    }


def number(value: float | None, digits: int = 3) -> str:
    """Format a number, a dash for None."""
    return NO_VALUE if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def share(value: float | None, digits: int = 0) -> str:
    """Format a share as percent, a dash for None."""
    return NO_VALUE if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def count(value: int) -> str:
    """Format a count with thousands separators."""
    return f"{value:,}"


def interval(ends: Sequence[float] | None) -> str:
    """Format both ends of an interval, an empty string for None."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
