"""Content of the report: every section as plain data, collected before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.summary import localisation_sentence
from limelight.evaluation.verdict import verdict
from limelight.report import tables
from limelight.report.curves import learning_figures, reliability_figure, risk_figure, score_curves
from limelight.report.explanations import collect_explanations, describe_sum, frequency_figure
from limelight.report.highlights import MOST_PICTURED_CLASSES, Highlights, choose_highlights, threshold_of
from limelight.report.inputs import ReportInputs
from limelight.report.series import MOST_CHANNELS, MOST_PROBABILITIES, count_omitted_channels, series_figure
from limelight.task import UNKNOWN

MOST_PROBABLE = 3
NONE = "none"
LEAST_SECONDS = 0.05
"""Shorter times would be displayed as 0.0 s, so they are not shown."""


def collect(inputs: ReportInputs) -> dict[str, Any]:
    """Collect the content of the page.

    Parameters
    ----------
    inputs
        The inputs of the report.

    Returns
    -------
    dict[str, Any]
        Plain texts, numbers, tables and figures, ready for JSON; a section that does not apply is None or empty.
    """
    metrics, task = inputs.metrics, inputs.prediction.task
    test, highlights = metrics["test"], choose_highlights(inputs)
    return {
        "title": inputs.title,
        "setup": dict(inputs.setup),
        "verdict": verdict(metrics, inputs.unit),
        "headline": tables.headline_scores(metrics),
        "undefined": list(dict.fromkeys(test["undefined"].values())),
        "unknown": test.get("unknown", 0),
        "scores": tables.score_table(test, metrics["baseline"]),
        "learning": _learning(inputs),
        "things": "labels" if task.multilabel else "classes",
        "unit": inputs.unit,
        "row_noun": inputs.row_noun,
        "classes": tables.class_table(test, inputs.unit),
        "confusion": [] if task.multilabel else tables.confusion_matrix(test["confusion"]),
        "long_names": len(task.classes) > 8 and max(len(str(name)) for name in task.classes) > 3,
        "confusion_of_labels": tables.confusion_of_labels(test["confusion"]) if task.multilabel else [],
        "curves": score_curves(inputs),
        "decision": _decision(metrics.get("decision"), test),
        "events": _events(metrics.get("events")),
        "groups": tables.group_tables(metrics.get("groups") or {}, test),
        "metadata": _metadata(metrics.get("metadata")),
        "attention": _attention(inputs),
        "explanations": collect_explanations(metrics.get("explanations")),
        "series": _series(inputs, highlights),
        "warnings": list(inputs.warnings),
        "reproduce": dict(inputs.reproduce),
    }


def _learning(inputs: ReportInputs) -> dict[str, Any]:
    training = inputs.metrics.get("training") or {}
    best, stopped = training.get("best_epoch"), training.get("stopped")
    seconds = inputs.metrics.get("seconds") or {}
    return {
        "figures": learning_figures(inputs.history, best),
        "epochs": len(inputs.history),
        "best": best,
        "stopped": stopped,
        "solved": stopped == "solved",
        "seconds": {stage: number for stage, number in seconds.items() if number >= LEAST_SECONDS},
    }


def _decision(decision: Mapping[str, Any] | None, test: Mapping[str, Any]) -> dict[str, Any] | None:
    if not decision:
        return None
    content: dict[str, Any] = {"calibration": None, "thresholds": None, "sets": None, "abstain": None}
    if decision.get("abstain") and decision["abstain"]["coverage"] is not None:
        content["abstain"] = {**decision["abstain"], "figure": risk_figure(decision["abstain"])}
    if "calibration" in decision:
        calibration = decision["calibration"]
        content["calibration"] = {
            "figure": reliability_figure(calibration, test.get("positive")),
            "table": tables.calibration_table(calibration),
            "per_class": tables.calibration_of_classes(calibration),
            "notes": list((calibration.get("temperature") or {}).get("notes", [])),
            "positive": test.get("positive"),
            "changed": len(before_and_after(calibration)) > 1,
        }
    if "thresholds" in decision:
        thresholds = decision["thresholds"]
        content["thresholds"] = {
            "table": tables.threshold_table(thresholds),
            "rule": tables.describe_rule(thresholds["rule"]),
            "notes": list(thresholds["notes"]),
        }
    if "sets" in decision:
        sets = decision["sets"]
        content["sets"] = {key: sets[key] for key in ("target", "coverage", "mean_size")}
        content["sets"]["notes"] = list(sets.get("notes", []))
        content["sets"]["table"] = tables.set_table(sets)
    return content


def _events(events: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not events:
        return None
    return {
        "overlap": events["overlap"],
        "unscored": events["unscored"],
        "table": tables.event_table(events),
        "notes": list(dict.fromkeys(events["undefined"].values())),
        "micro": dict(events["micro"]),
    }


def _metadata(permuted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if not permuted else {"score": permuted["score"], "table": tables.metadata_table(permuted)}


def _attention(inputs: ReportInputs) -> dict[str, Any]:
    localisation = inputs.metrics.get("localisation")
    intervals = inputs.panel.intervals
    return {
        "methods": inputs.methods,
        "sentence": localisation_sentence(localisation),
        "correct": (localisation or {}).get("correct"),
        "has_intervals": intervals is not None and bool((intervals[:, 0] >= 0).any()),
    }


def _series(inputs: ReportInputs, highlights: Highlights) -> dict[str, Any]:
    """Collect the highlighted series as cards; a series on several cards is drawn on the first only."""
    drawn: set[int] = set()
    task = inputs.prediction.task
    one_class = not (task.by_step or task.multilabel)

    def card(row: int, heading: str, target: str | None = None) -> dict[str, Any]:
        content = {"row": row, "heading": heading, "target": "", "figure": None, "frequencies": None}
        content |= {"sums": [], **_labels_of(inputs, row)}
        if row in drawn:
            return content
        drawn.add(row)
        importance = inputs.explain(row, target)
        targets = {one.target for one in importance.values() if one.target is not None}
        # With one class per series, the target is the predicted class, which the card names anyway.
        explained = "" if one_class else ", ".join(sorted(targets))
        return {
            **content,
            "target": explained,
            "figure": series_figure(inputs, row, importance),
            "sums": [one for name, steps in importance.items() if (one := describe_sum(name, steps)) is not None],
            "frequencies": frequency_figure(inputs.panel, importance),
        }

    by = "label" if task.multilabel else "class"
    title = "Most confident correct predictions" if one_class else f"Most confident series by {by}"
    sections = {
        "confident": [card(row, label, label) for label, row in highlights.confident.items() if row is not None],
        "never_correct": [label for label, row in highlights.confident.items() if row is None],
        "omitted_classes": max(0, len(inputs.labelled.names) - MOST_PICTURED_CLASSES),
        "confident_title": title,
        "wrong": [card(row, _mistake(inputs, row)) for row in highlights.wrong],
        "wrong_total": highlights.wrong_total,
        "total": len(inputs.panel),
        "uncertain": [card(row, "") for row in highlights.uncertain],
        "by_step": task.by_step,
        "one_class": one_class,
        "channels": min(len(inputs.panel.channels), MOST_CHANNELS),
        "omitted_channels": count_omitted_channels(inputs.panel),
    }
    return {**sections, "drawn": len(drawn)}


def _labels_of(inputs: ReportInputs, row: int) -> dict[str, Any]:
    """Collect the true and the predicted labels of one series."""
    labelled, own = inputs.labelled, inputs.slice_of(row)
    codes, decisions, probabilities = labelled.codes[own], labelled.decisions[own], labelled.probabilities[own]
    content: dict[str, Any] = {"id": str(inputs.panel.ids[row])}
    known = codes != UNKNOWN
    wrong = known & (codes != decisions)
    if labelled.task.by_step:
        return {**content, "wrong": int(wrong.sum()), "known": int(known.sum()), "correct": not wrong.any()}
    names, multilabel = labelled.names, labelled.task.multilabel
    thresholds = inputs.prediction.thresholds
    most_probable = (-probabilities[0]).argsort(kind="stable")[: len(names) if multilabel else MOST_PROBABLE].tolist()
    if multilabel:
        true, predicted = (
            [name for name, code in zip(names, one[0], strict=True) if code == 1] for one in (codes, decisions)
        )
    else:
        true, predicted = ([names[int(one[0])]] if one[0] != UNKNOWN else ["unknown"] for one in (codes, decisions))
    return {
        **content,
        "truth": ", ".join(true) or NONE,
        "predicted": ", ".join(predicted) or NONE,
        "correct": not wrong.any(),
        "probabilities": [
            {
                "label": names[place],
                "probability": float(probabilities[0, place]),
                "threshold": None if thresholds is None else threshold_of(labelled, thresholds, place),
            }
            for place in most_probable[:MOST_PROBABILITIES]
        ],
    }


def _mistake(inputs: ReportInputs, row: int) -> str:
    """Return the heading of a wrong prediction, empty for per-step tasks."""
    return "" if inputs.prediction.task.by_step else f"Predicted as {_labels_of(inputs, row)['predicted']}"
