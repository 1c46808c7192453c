"""The scores of a run as tables of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight.errors import counted
from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.events.false_alarms import alarm_lines
from limelight.evaluation.events.scores import event_lines
from limelight.evaluation.metrics.per_class import AVERAGED
from limelight.text import aligned

MOST_CLASSES = 12
"""The most classes for which a confusion matrix is printed."""
SCORE_TITLES = {
    "accuracy": "accuracy",
    "subset_accuracy": "subset accuracy",
    "hamming_loss": "Hamming loss",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "matthews": "Matthews correlation",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
}
AVERAGES = {
    "macro": "macro (over {things})",
    "weighted": "weighted (by support)",
    "micro": "micro (pooled counts)",
    "samples": "samples (over {unit})",
}


def score_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Format the scores of a run as tables for a terminal.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``: ``test`` and ``baseline`` as returned by ``score_prediction`` and
        ``score_baseline``; optionally ``groups``, ``decision``, ``events``, ``metadata`` and ``localisation``.

    Returns
    -------
    list[str]
        Lines without line breaks: scores of the model next to the baseline, with 95 % confidence intervals if there
        are any; scores per class or label, and their averages; the confusion matrix for up to 12 classes; scores per
        value of a metadata field; calibration and prediction sets; events; permutation importance; a sentence on where
        the attention falls.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
    >>> from limelight.model.fitted import Prediction
    >>> from limelight.task import Task
    >>> task, truth = Task(("fault", "ok")), ["fault", "ok"] * 20
    >>> prediction = Prediction(np.arange(40).astype(str), task, np.array([[-2.0], [2.0]] * 19 + [[2.0], [2.0]]))
    >>> test, baseline = score_prediction(prediction, truth), score_baseline(["ok"], truth, task)
    >>> print("\\n".join(score_lines({"test": test, "baseline": baseline})[:3]))
                          model   95 % interval  baseline
    accuracy              0.975  0.871 to 0.996     0.500
    precision (ok)        0.952                     0.500
    """
    test = metrics["test"]
    lines = [*_unknown_lines(test), *_overall_lines(test, metrics["baseline"])]
    lines += [f"({sentence})" for sentence in dict.fromkeys(test["undefined"].values())]
    lines += ["", *_class_lines(test), "", *_average_lines(test)]
    lines += confusion_lines(test)
    for field, scored in (metrics.get("groups") or {}).items():
        lines += ["", *_group_lines(field, scored, test)]
    lines += _decision_lines(metrics.get("decision"))
    if metrics.get("events"):
        lines += ["", *event_lines(metrics["events"])]
        if metrics["events"].get("alarms"):
            lines += ["", *alarm_lines(metrics["events"]["alarms"])]
    lines += _metadata_lines(metrics.get("metadata"))
    sentence = localisation_sentence(metrics.get("localisation"))
    return [*lines, "", sentence] if sentence else lines


def _decision_lines(decision: Mapping[str, Any] | None) -> list[str]:
    """Format the scores before and after calibration, and the coverage of prediction sets."""
    lines: list[str] = []
    if decision and "calibration" in decision:
        columns = before_and_after(decision["calibration"])
        names = {"expected_calibration_error": "calibration error", "log_loss": "log loss", "brier": "Brier score"}
        rows = [["", *columns]]
        rows += [
            [title, *(_number(one[name]) for one in columns.values())]
            for name, title in names.items()
            if name in columns["as trained"]
        ]
        lines += ["", *aligned(rows)]
    if decision and "sets" in decision:
        sets = decision["sets"]
        measured, size = f"{100 * sets['coverage']:.1f} %", f"{sets['mean_size']:.2f}"
        title = f"prediction sets at {100 * sets['target']:.0f} % coverage"
        lines += ["", f"{title}: measured coverage {measured}, mean size {size}", *sets.get("notes", [])]
    return [*lines, *_abstention_lines((decision or {}).get("abstain"))]


def _abstention_lines(abstention: Mapping[str, Any] | None) -> list[str]:
    """Format how many series are answered, and how many answers are wrong."""
    if abstention is None or abstention["coverage"] is None:
        return []
    goal = f"abstention for {abstention['goal']} {abstention['value']:g}"
    if abstention["error"] is None:
        return ["", f"{goal}: no series is answered"]
    low, high = abstention["interval"]
    return [
        "",
        f"{goal}: {100 * abstention['coverage']:.1f} % of the series are answered, {100 * abstention['error']:.1f} % "
        f"of the answers are wrong ({100 * low:.1f} to {100 * high:.1f} %); of all series it would be "
        f"{100 * abstention['error_of_all']:.1f} %",
    ]


def _metadata_lines(permuted: Mapping[str, Any] | None) -> list[str]:
    """Format the permutation importance of metadata, signals and series."""
    if not permuted:
        return []
    title = f"permutation importance: drop from the balanced accuracy of {permuted['score']:.3f}"
    rows = [["permuted", "drop", "sd"]]
    rows += [[name, f"{drop['mean']:.3f}", f"{drop['deviation']:.3f}"] for name, drop in permuted["drops"].items()]
    return ["", title, *aligned(rows)]


def localisation_sentence(localisation: Mapping[str, Any] | None) -> str:
    """Describe in one sentence how much of the attention falls inside the true intervals.

    Parameters
    ----------
    localisation
        As returned by ``score_localisation``; None if no true interval is known.

    Returns
    -------
    str
        One sentence, or an empty string for None.

    Example
    -------
    >>> localisation_sentence({"series": 10, "attention_inside": 0.8, "attention_inside_uniform": 0.3,
    ...                        "peak_inside": 0.9, "peak_inside_uniform": 0.3})
    '80 % of the attention falls inside the true interval (30 % if it were uniform), and its peak does in 90 % of
    the 10 series with a known interval (30 % by chance).'
    """
    if localisation is None:
        return ""
    share = {name: f"{100 * value:.0f} %" for name, value in localisation.items() if isinstance(value, float)}
    return (
        f"{share['attention_inside']} of the attention falls inside the true interval "
        f"({share['attention_inside_uniform']} if it were uniform), and its peak does in {share['peak_inside']} of the "
        f"{localisation['series']:,} series with a known interval ({share['peak_inside_uniform']} by chance)."
    )


def _unit(scores: Mapping[str, Any]) -> str:
    return "steps" if scores["level"] == "step" else "series"


def _things(scores: Mapping[str, Any]) -> str:
    return "labels" if scores["kind"] == "multilabel" else "classes"


def _unknown_lines(scores: Mapping[str, Any]) -> list[str]:
    """Count the examples that were scored and the unknown labels that were ignored, if there are any."""
    unknown = scores["unknown"]
    return (
        [f"{scores['n']:,} {_unit(scores)} scored, {counted(unknown, 'unknown label')} ignored", ""] if unknown else []
    )


def _overall_lines(test: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    shown = [name for name in SCORE_TITLES if name in test and not (name == "accuracy" and "subset_accuracy" in test)]
    intervals = test.get("intervals") or {}
    intervals = {**intervals, "subset_accuracy": intervals.get("accuracy")}
    rows = [
        [score_title(name, test), _number(test[name]), _interval(intervals.get(name)), _number(baseline[name])]
        for name in shown
    ]
    table = [["", "model", "95 % interval", "baseline"], *rows]
    return aligned(table if any(row[2] for row in rows) else [[row[0], row[1], row[3]] for row in table])


def score_title(name: str, scores: Mapping[str, Any]) -> str:
    """Return the title of a score, with its positive class or average if it has one."""
    if name not in AVERAGED:
        return SCORE_TITLES[name]
    return f"{SCORE_TITLES[name]} ({'macro' if scores['positive'] is None else scores['positive']})"


def _class_lines(scores: Mapping[str, Any]) -> list[str]:
    names = (*AVERAGED, "roc_auc", "average_precision", "brier")
    header = ["label" if scores["kind"] == "multilabel" else "class", *(SCORE_TITLES[name] for name in names)]
    rows = [
        [label, *(_number(one[name]) for name in names), f"{one['support']:,}", _number(one["prevalence"])]
        for label, one in scores["per_class"].items()
    ]
    return aligned([[*header, "support", "prevalence"], *rows])


def _average_lines(scores: Mapping[str, Any]) -> list[str]:
    things, unit = _things(scores), _unit(scores)
    rows = [
        [title.format(things=things, unit=unit), *(_number(scores[kind][name]) for name in AVERAGED)]
        for kind, title in AVERAGES.items()
        if kind in scores
    ]
    return aligned([["average", *(SCORE_TITLES[name] for name in AVERAGED)], *rows])


def confusion_lines(scores: Mapping[str, Any]) -> list[str]:
    """Format the confusion matrix, after an empty line; nothing for more than 12 classes."""
    labels, counts = scores["confusion"]["labels"], scores["confusion"]["counts"]
    if scores["kind"] == "multilabel":
        header = ["label", "true positives", "false negatives", "false positives", "true negatives"]
        rows = [
            [label, *(f"{count:,}" for count in (tp, fn, fp, tn))]
            for label, ((tn, fp), (fn, tp)) in zip(labels, counts, strict=True)
        ]
        return ["", *aligned([header, *rows])]
    if len(labels) > MOST_CLASSES:
        return []
    rows = [[label, *(f"{count:,}" for count in row)] for label, row in zip(labels, counts, strict=True)]
    return ["", "confusion matrix: true (rows) and predicted (columns)", *aligned([["", *labels], *rows])]


def _group_lines(field: str, scored: Mapping[str, Any], test: Mapping[str, Any]) -> list[str]:
    """Format the scores for each value of a metadata field, and the lowest with its p-value."""
    names = ("accuracy", "f1", "balanced_accuracy")
    titles = [
        "subset accuracy" if "subset_accuracy" in test else "accuracy",
        *(score_title(name, test) for name in names[1:]),
    ]
    rows = [
        [one["value"], *(_number(one[name]) for name in names), _interval(one["interval"]), f"{one['n']:,}"]
        for one in scored["groups"]
    ]
    lines = aligned([[field, *titles, "95 % interval", "series"], *rows])
    if scored["worst"] is None:
        return lines
    worst = scored["groups"][scored["worst"]]
    return [
        *lines,
        f"lowest balanced accuracy: {worst['balanced_accuracy']:.3f} for {worst['value']} "
        f"(permutation test: p = {scored['chance']:.3f})",
    ]


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
