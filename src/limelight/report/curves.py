"""Curves of a run: learning, precision against recall, ROC, reliability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix_at_thresholds

from limelight.evaluation.decision.calibration import before_and_after
from limelight.report.highlights import MOST_PICTURED_CLASSES
from limelight.report.inputs import ReportInputs
from limelight.report.plotting import ACCENT, FAINT, QUIET, Figure, line, look_of, packed, square
from limelight.types import Doubles

MOST_CURVE_POINTS = 300
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def learning_figures(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> dict[str, Figure]:
    """Draw how the training went.

    Parameters
    ----------
    history
        A row of numbers for each epoch.
    best_epoch
        The epoch whose weights were kept, from 1, or None.

    Returns
    -------
    dict[str, dict]
        Figures by what they show: ``"Loss"`` and, with validation series, ``"Validation F1"``.
    """
    wanted = {
        "Loss": {"train_loss": "training", "validation_loss": "validation"},
        "Validation F1": {"validation_f1": "validation"},
    }
    figures = {}
    for title, names in wanted.items():
        curves = {says: _numbers_of(history, name) for name, says in names.items()}
        known = {says: points for says, points in curves.items() if points}
        if known:
            figures[title] = _learning(known, title, best_epoch)
    return figures


def _numbers_of(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    numbers = [(row.get("epoch"), row.get(name)) for row in history]
    return [
        (int(epoch), float(value))
        for epoch, value in numbers
        if epoch is not None and value is not None and math.isfinite(value)
    ]


def _learning(curves: Mapping[str, list[tuple[int, float]]], title: str, best: int | None) -> Figure:
    traces = []
    for says, points in curves.items():
        style = {"color": QUIET, "dash": "dot"} if says == "training" else {"color": ACCENT}
        x, y = zip(*points, strict=True)
        traces.append(line(list(x), [round(one, 6) for one in y], says, width=2, **style, hovertemplate="%{y:.4f}"))
        traces[-1] |= {"mode": "lines+markers", "marker": {"size": 4}}
    kept = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": best, "x1": best, "layer": "below"}
    free = {"y": 1, "yanchor": "top"} if title == "Loss" else {"y": 0, "yanchor": "bottom"}
    said = {**free, "yref": "paper", "x": best, "text": "kept", "showarrow": False, "xanchor": "left"}
    layout: Figure = {
        "height": 260,
        "showlegend": True,
        "hovermode": "x unified",
        "xaxis": {"title": {"text": "epoch"}, "tickformat": "d", "showgrid": False},
        "yaxis": {"rangemode": "tozero" if title == "Loss" else "normal", "nticks": 6},
        "legend": LEGEND,
        "shapes": [] if best is None else [{**kept, "line": {"color": FAINT, "width": 1.5}}],
        "annotations": [] if best is None else [said],
    }
    return {"data": traces, "layout": layout}


def score_curves(facts: ReportInputs) -> dict[str, Any] | None:
    """Draw precision against recall, and the ROC curve, of each class or label.

    Parameters
    ----------
    facts
        Of the run.

    Returns
    -------
    dict | None
        ``keys``: name and look of each class that has curves, of at most 12, the commonest; ``precision_recall`` and
        ``roc``: figures with a line for each, of at most 300 points; ``left_out``: how many classes have none. Of two
        classes the positive one alone. None where no class is both there and absent.
    """
    answers = facts.answers.known_rows()
    task = answers.task
    places = [task.positive_index] if task.kind == "binary" else list(range(len(answers.names)))
    sides = {place: answers.one_vs_rest(place) for place in places}
    both = {place: int(there.sum()) for place, (there, _) in sides.items() if 0 < there.sum() < len(there)}
    chosen = sorted(sorted(both, key=lambda place: -both[place])[:MOST_PICTURED_CLASSES])
    if not chosen:
        return None
    per_class = facts.metrics["test"]["per_class"]
    keys, precision_recall, roc = [], [], []
    for number, place in enumerate(chosen):
        name = answers.names[place]
        style = {"width": 2, **look_of(number)}
        curves = _curves(*sides[place])
        precision_recall.append(_traced(curves["recall"], curves["precision"], curves["at"], name, style))
        roc.append(_traced(curves["false"], curves["recall"], curves["at"], name, style))
        areas = {key: per_class[name][key] for key in ("average_precision", "roc_auc")}
        keys.append({"name": name, **look_of(number), **areas})
    chance = line([0, 1], [0, 1], "chance", color=FAINT, dash="dot", width=1.2) | {"hoverinfo": "skip"}
    return {
        "keys": keys,
        "left_out": len(places) - len(chosen),
        "precision_recall": square(precision_recall, "recall", "precision"),
        "roc": square([*roc, chance], "false positive rate", "true positive rate"),
    }


def _curves(there: NDArray[np.bool_], chance: Doubles) -> dict[str, Doubles]:
    """Give precision, recall and share of false alarms at every threshold that changes them, from one sort."""
    tn, fp, fn, tp, at = confusion_matrix_at_thresholds(there, chance)
    recall, false = tp / (tp + fn), fp / (fp + tn)
    precision = tp / np.maximum(tp + fp, 1)
    start = {"recall": 0.0, "false": 0.0, "precision": precision[0], "at": 1.0}
    found = {"recall": recall, "false": false, "precision": precision, "at": at}
    whole = {name: np.concatenate([[start[name]], values]) for name, values in found.items()}
    keep = thin(np.stack([whole[name] for name in ("recall", "false", "precision")], axis=1))
    return {name: values[keep] for name, values in whole.items()}


def thin(points: Doubles, most: int = MOST_CURVE_POINTS) -> NDArray[np.int64]:
    """Choose points that keep the look of a curve.

    Parameters
    ----------
    points
        Shape (n, coordinates), one after the other on the curve.
    most
        How many to keep at most, at least 2.

    Returns
    -------
    NDArray[np.int64]
        Places of points about as far from each other on the way, with the first and the last.

    Example
    -------
    >>> thin(np.array([[0.0], [0.1], [0.2], [1.0], [2.0]]), 3).tolist()
    [0, 3, 4]
    """
    if len(points) <= most:
        return np.arange(len(points))
    way = np.append(0.0, np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum())
    return np.unique(np.append(np.searchsorted(way, np.linspace(0, way[-1], most)[:-1]), len(points) - 1))


def _traced(x: Doubles, y: Doubles, at: Doubles, name: str, style: Mapping[str, Any]) -> Figure:
    hover = "%{x:.3f}, %{y:.3f}<br>from probability %{customdata:.3f}"
    trace = line(packed(x), packed(y), name, **style, hovertemplate=hover)
    return {**trace, "customdata": packed(at)}


def reliability_figure(calibration: Mapping[str, Any], positive: str | None) -> Figure:
    """Draw how often something was true against how probable it was thought, before and after calibration.

    Parameters
    ----------
    calibration
        As from ``compare_calibration``.
    positive
        The class to show of two; None puts all classes or labels together.

    Returns
    -------
    dict
        A figure with the diagonal on which probabilities mean what they say.
    """
    perfect = line([0, 1], [0, 1], "perfect", color=FAINT, dash="dot", width=1.2)
    perfect |= {"hoverinfo": "skip", "showlegend": False}
    traces = [perfect]
    styles = {"as trained": {"color": QUIET, "dash": "dash"}, "calibrated": {"color": ACCENT}}
    for said, reliability in before_and_after(calibration).items():
        points, style = _pooled(reliability, positive), styles[said]
        hover = "%{x:.3f} thought, %{y:.3f} true<br>%{customdata:,} answers"
        trace = line([x for x, _, _ in points], [y for _, y, _ in points], said, width=1, **style, hovertemplate=hover)
        most = max(count for _, _, count in points)
        sizes = [round(3 + 11 * math.sqrt(count / most), 1) for _, _, count in points]
        marker = {"size": sizes, "color": style["color"], "opacity": 0.9}
        trace |= {
            "mode": "lines+markers",
            "marker": marker,
            "customdata": [count for _, _, count in points],
            "cliponaxis": False,
        }
        traces.append(trace)
    figure = square(traces, "probability", "share that was true", 360)
    figure["layout"] |= {"showlegend": True, "legend": {**LEGEND, "itemsizing": "constant"}}
    return figure


def _pooled(reliability: Mapping[str, Any], positive: str | None) -> list[tuple[float, float, int]]:
    """Put the curves of classes together, range by range."""
    bins = reliability["bins"]
    table = np.zeros((bins, 3))
    chosen = reliability["per_class"].values() if positive is None else [reliability["per_class"][positive]]
    for one in chosen:
        for point in one["curve"]:
            place = min(max(math.ceil(point["predicted"] * bins) - 1, 0), bins - 1)
            table[place] += np.array([point["predicted"], point["observed"], 1.0]) * point["count"]
    filled = table[table[:, 2] > 0]
    return [(round(x / n, 6), round(y / n, 6), int(n)) for x, y, n in filled.tolist()]
