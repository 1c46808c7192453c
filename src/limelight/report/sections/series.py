"""Selected series: the most confident correct, the wrong, and the least confident predictions."""

from __future__ import annotations

from typing import Any

from limelight.report.explanations import describe_sum, frequency_figure
from limelight.report.highlights import MOST_PICTURED_CLASSES, choose_highlights, threshold_of
from limelight.report.inputs import ReportInputs
from limelight.report.section import Section
from limelight.report.series import MOST_CHANNELS, MOST_PROBABILITIES, count_omitted_channels, series_figure
from limelight.task import UNKNOWN

MOST_PROBABLE = 3
NONE = "none"


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    """Collect the highlighted series as cards; a series on several cards is drawn on the first only."""
    drawn: set[int] = set()
    resolutions = {1}
    highlights = choose_highlights(inputs)
    task = inputs.prediction.task
    one_class = not (task.by_step or task.multilabel)

    def card(row: int, heading: str, target: str | None = None) -> dict[str, Any]:
        content = {"row": row, "heading": heading, "target": "", "figure": None, "frequencies": None}
        content |= {"sums": [], **_labels_of(inputs, row)}
        if row in drawn:
            return content
        drawn.add(row)
        importance = inputs.explain(row, target)
        resolutions.update(one.resolution for one in importance.values())
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
    intervals = inputs.panel.intervals
    sections |= {
        "methods": inputs.methods,
        "resolution": max(resolutions),
        "has_intervals": intervals is not None and bool((intervals[:, 0] >= 0).any()),
    }
    return {**sections, "drawn": len(drawn)} if drawn else None


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


SERIES = Section("series", "Series", _collect)
