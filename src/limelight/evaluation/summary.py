"""The scores of a run as lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.events.scores import event_lines
from limelight.evaluation.metrics.per_class import AVERAGED
from limelight.text import aligned

MOST_CLASSES = 12
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
    "macro": "mean of the {}",
    "weighted": "weighted by {unit}",
    "micro": "all counts together",
    "samples": "mean of the {unit}",
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
        Lines without line ends: model beside baseline, with 95 % intervals where they are known; every class or
        label, and the averages; what was confused, of up to 12 classes; each value of a metadata field; the attention
        in one sentence.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
    >>> from limelight.model.fitted import Prediction
    >>> from limelight.task import Task
    >>> task, truth = Task(("fault", "ok")), ["fault", "ok"] * 20
    >>> answers = Prediction(np.arange(40).astype(str), task, np.array([[-2.0], [2.0]] * 19 + [[2.0], [2.0]]))
    >>> test, baseline = score_prediction(answers, truth), score_baseline(["ok"], truth, task)
    >>> print("\\n".join(score_lines({"test": test, "baseline": baseline})[:3]))
                          model   95 % interval  baseline
    accuracy              0.975  0.925 to 1.000     0.500
    precision (ok)        0.952                     0.500
    """
    test = metrics["test"]
    lines = [*_unknown_lines(test), *_overall_lines(test, metrics["baseline"])]
    lines += [f"({sentence})" for sentence in dict.fromkeys(test["undefined"].values())]
    lines += ["", *_class_lines(test), "", *_average_lines(test)]
    lines += _confusion_lines(test)
    for field, scored in (metrics.get("groups") or {}).items():
        lines += ["", *_group_lines(field, scored, test)]
    lines += _decision_lines(metrics.get("decision"))
    if metrics.get("events"):
        lines += ["", *event_lines(metrics["events"])]
    lines += _metadata_lines(metrics.get("metadata"))
    sentence = localisation_sentence(metrics.get("localisation"))
    return [*lines, "", sentence] if sentence else lines


def _decision_lines(decision: Mapping[str, Any] | None) -> list[str]:
    """Say what calibration did to the probabilities, and how often sets held the truth."""
    lines: list[str] = []
    if decision and "calibration" in decision:
        columns = before_and_after(decision["calibration"])
        names = {"expected_calibration_error": "calibration error", "log_loss": "log loss", "brier": "Brier score"}
        rows = [["", *columns]]
        rows += [
            [said, *(_number(one[name]) for one in columns.values())]
            for name, said in names.items()
            if name in columns["as trained"]
        ]
        lines += ["", *aligned(rows)]
    if decision and "sets" in decision:
        sets = decision["sets"]
        held, size = f"{100 * sets['coverage']:.1f} %", f"{sets['mean_size']:.2f}"
        lines += ["", f"prediction sets of {100 * sets['target']:.0f} %: {held} hold the truth, {size} in a set"]
    return lines


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


def _unit(scores: Mapping[str, Any]) -> str:
    return "steps" if scores["level"] == "step" else "series"


def _things(scores: Mapping[str, Any]) -> str:
    return "labels" if scores["kind"] == "multilabel" else "classes"


def _unknown_lines(scores: Mapping[str, Any]) -> list[str]:
    """Say what was left out because its label is not known."""
    unknown = scores["unknown"]
    return (
        [f"scored: {scores['n']:,} {_unit(scores)}; labels that are not known, left out: {unknown:,}", ""]
        if unknown
        else []
    )


def _overall_lines(test: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    shown = [name for name in SCORE_TITLES if name in test and not (name == "accuracy" and "subset_accuracy" in test)]
    known = test.get("intervals") or {}
    ends = {**known, "subset_accuracy": known.get("accuracy")}
    rows = [
        [_title(name, test), _number(test[name]), _interval(ends.get(name)), _number(baseline[name])] for name in shown
    ]
    table = [["", "model", "95 % interval", "baseline"], *rows]
    return aligned(table if any(row[2] for row in rows) else [[row[0], row[1], row[3]] for row in table])


def _title(name: str, scores: Mapping[str, Any]) -> str:
    """Say of which class a score is, where it is of one."""
    if name not in AVERAGED:
        return SCORE_TITLES[name]
    about = f"mean of {_things(scores)}" if scores["positive"] is None else scores["positive"]
    return f"{SCORE_TITLES[name]} ({about})"


def _class_lines(scores: Mapping[str, Any]) -> list[str]:
    names = (*AVERAGED, "roc_auc", "average_precision", "brier")
    what = "label" if scores["kind"] == "multilabel" else "class"
    rows = [
        [label, *(_number(one[name]) for name in names), f"{one['support']:,}", _number(one["prevalence"])]
        for label, one in scores["per_class"].items()
    ]
    return aligned([[what, *(SCORE_TITLES[name] for name in names), _unit(scores), "share"], *rows])


def _average_lines(scores: Mapping[str, Any]) -> list[str]:
    names = {kind: title for kind, title in AVERAGES.items() if kind in scores}
    rows = [
        [title.format(_things(scores), unit=_unit(scores)), *(_number(scores[kind][name]) for name in AVERAGED)]
        for kind, title in names.items()
    ]
    return aligned([["average", *(SCORE_TITLES[name] for name in AVERAGED)], *rows])


def _confusion_lines(scores: Mapping[str, Any]) -> list[str]:
    labels, counts = scores["confusion"]["labels"], scores["confusion"]["counts"]
    if scores["kind"] == "multilabel":
        header = ["label", "there, found", "there, missed", "not there, said", "not there, not said"]
        rows = [
            [label, *(f"{count:,}" for count in (found, missed, said, silent))]
            for label, ((silent, said), (missed, found)) in zip(labels, counts, strict=True)
        ]
        return ["", *aligned([header, *rows])]
    if len(labels) > MOST_CLASSES:
        return []
    rows = [[label, *(f"{count:,}" for count in row)] for label, row in zip(labels, counts, strict=True)]
    return ["", "true (rows) and predicted (columns)", *aligned([["", *labels], *rows])]


def _group_lines(field: str, scored: Mapping[str, Any], test: Mapping[str, Any]) -> list[str]:
    """Show the scores for each value of a metadata field, and where they are lowest."""
    names = ("accuracy", "f1", "balanced_accuracy")
    titles = [
        "subset accuracy" if "subset_accuracy" in test else "accuracy",
        *(_title(name, test) for name in names[1:]),
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
        f"Lowest: {worst['value']}, with a balanced accuracy of {worst['balanced_accuracy']:.3f}. If {field} said "
        f"nothing, the lowest would be as low in {100 * scored['chance']:.1f} % of the cases.",
    ]


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
