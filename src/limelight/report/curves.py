"""Curves: learning curves, precision-recall and ROC curves, and the reliability diagram."""

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
from limelight.report.plotting import ACCENT, FAINT, INK, QUIET, Figure, line, line_style, packed, square
from limelight.types import Doubles

MOST_CURVE_POINTS = 300
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def learning_figures(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> dict[str, Figure]:
    """Draw the learning curves.

    Parameters
    ----------
    history
        One row of numbers for each epoch.
    best_epoch
        The epoch whose weights were kept, counted from 1, or None.

    Returns
    -------
    dict[str, dict]
        Figures by title: ``"Loss"`` and, with a validation split, ``"Validation F1"``.
    """
    wanted = {
        "Loss": {"train_loss": "training", "validation_loss": "validation"},
        "Validation F1": {"validation_f1": "validation"},
    }
    figures = {}
    for title, names in wanted.items():
        curves = {label: _points_of(history, name) for name, label in names.items()}
        curves = {label: points for label, points in curves.items() if points}
        if curves:
            figures[title] = _learning_figure(curves, title, best_epoch)
    return figures


def _points_of(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    numbers = [(row.get("epoch"), row.get(name)) for row in history]
    return [
        (int(epoch), float(value))
        for epoch, value in numbers
        if epoch is not None and value is not None and math.isfinite(value)
    ]


def _learning_figure(curves: Mapping[str, list[tuple[int, float]]], title: str, best: int | None) -> Figure:
    traces = []
    for label, points in curves.items():
        style = {"color": QUIET, "dash": "dot"} if label == "training" else {"color": ACCENT}
        x, y = zip(*points, strict=True)
        traces.append(
            line(list(x), [round(value, 6) for value in y], label, width=2, **style, hovertemplate="%{y:.4f}")
        )
        traces[-1] |= {"mode": "lines+markers", "marker": {"size": 4}}
    marker = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": best, "x1": best, "layer": "below"}
    corner = {"y": 1, "yanchor": "top"} if title == "Loss" else {"y": 0, "yanchor": "bottom"}
    annotation = {**corner, "yref": "paper", "x": best, "text": "best epoch", "showarrow": False, "xanchor": "left"}
    layout: Figure = {
        "height": 260,
        "showlegend": True,
        "hovermode": "x unified",
        "xaxis": {"title": {"text": "epoch"}, "tickformat": "d", "showgrid": False},
        "yaxis": {"rangemode": "tozero" if title == "Loss" else "normal", "nticks": 6},
        "legend": LEGEND,
        "shapes": [] if best is None else [{**marker, "line": {"color": FAINT, "width": 1.5}}],
        "annotations": [] if best is None else [annotation],
    }
    return {"data": traces, "layout": layout}


def score_curves(inputs: ReportInputs) -> dict[str, Any] | None:
    """Draw the precision-recall curve and the ROC curve of each class or label.

    Parameters
    ----------
    inputs
        The inputs of the report.

    Returns
    -------
    dict | None
        ``keys``: name, line style and areas under the curves of each class with curves, at most the 12 most frequent;
        ``precision_recall`` and ``roc``: figures with a line of at most 300 points for each class; ``omitted``: the
        number of classes without curves. For a binary task, only the positive class. None if no class has both
        positive and negative examples.
    """
    labelled = inputs.labelled.known_rows()
    task = labelled.task
    places = [task.positive_index] if task.kind == "binary" else list(range(len(labelled.names)))
    truths = {place: labelled.one_vs_rest(place) for place in places}
    positives = {
        place: int(is_true.sum()) for place, (is_true, _) in truths.items() if 0 < is_true.sum() < len(is_true)
    }
    chosen = sorted(sorted(positives, key=lambda place: -positives[place])[:MOST_PICTURED_CLASSES])
    if not chosen:
        return None
    per_class = inputs.metrics["test"]["per_class"]
    keys, precision_recall, roc = [], [], []
    for number, place in enumerate(chosen):
        name = labelled.names[place]
        style = {"width": 2, **line_style(number)}
        curves = _curves(*truths[place])
        precision_recall.append(_curve_trace(curves["recall"], curves["precision"], curves["threshold"], name, style))
        roc.append(_curve_trace(curves["false_positive_rate"], curves["recall"], curves["threshold"], name, style))
        areas = {key: per_class[name][key] for key in ("average_precision", "roc_auc")}
        keys.append({"name": name, **line_style(number), **areas})
    diagonal = line([0, 1], [0, 1], "chance", color=FAINT, dash="dot", width=1.2) | {"hoverinfo": "skip"}
    return {
        "keys": keys,
        "omitted": len(places) - len(chosen),
        "precision_recall": square(precision_recall, "recall", "precision"),
        "roc": square([*roc, diagonal], "false positive rate", "true positive rate"),
    }


def _curves(is_true: NDArray[np.bool_], probabilities: Doubles) -> dict[str, Doubles]:
    """Compute precision, recall and false positive rate at every threshold that changes them, with one sort."""
    tn, fp, fn, tp, threshold = confusion_matrix_at_thresholds(is_true, probabilities)
    precision = tp / np.maximum(tp + fp, 1)
    curves = {
        "recall": np.append(0.0, tp / (tp + fn)),
        "false_positive_rate": np.append(0.0, fp / (fp + tn)),
        "precision": np.append(precision[0], precision),
        "threshold": np.append(1.0, threshold),
    }
    keep = thin(np.stack([curves[name] for name in ("recall", "false_positive_rate", "precision")], axis=1))
    return {name: values[keep] for name, values in curves.items()}


def thin(points: Doubles, most: int = MOST_CURVE_POINTS) -> NDArray[np.int64]:
    """Choose points that preserve the shape of a curve.

    Parameters
    ----------
    points
        Consecutive points on the curve, shape (n, coordinates).
    most
        Maximum number of points to keep, at least 2.

    Returns
    -------
    NDArray[np.int64]
        Indices of points at about equal distances along the curve, including the first and the last.

    Example
    -------
    >>> thin(np.array([[0.0], [0.1], [0.2], [1.0], [2.0]]), 3).tolist()
    [0, 3, 4]
    """
    if len(points) <= most:
        return np.arange(len(points))
    distance = np.append(0.0, np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum())
    return np.unique(np.append(np.searchsorted(distance, np.linspace(0, distance[-1], most)[:-1]), len(points) - 1))


def _curve_trace(x: Doubles, y: Doubles, threshold: Doubles, name: str, style: Mapping[str, Any]) -> Figure:
    hover = "%{x:.3f}, %{y:.3f}<br>threshold %{customdata:.3f}"
    trace = line(packed(x), packed(y), name, **style, hovertemplate=hover)
    return {**trace, "customdata": packed(threshold)}


def reliability_figure(calibration: Mapping[str, Any], positive: str | None) -> Figure:
    """Draw the reliability diagram, observed frequency against predicted probability, before and after calibration.

    Parameters
    ----------
    calibration
        The result of ``compare_calibration``.
    positive
        The class to show for a binary task; None pools all classes or labels.

    Returns
    -------
    dict
        A figure with the diagonal of perfect calibration.
    """
    perfect = line([0, 1], [0, 1], "perfect", color=FAINT, dash="dot", width=1.2)
    perfect |= {"hoverinfo": "skip", "showlegend": False}
    traces = [perfect]
    styles = {"as trained": {"color": QUIET, "dash": "dash"}, "calibrated": {"color": ACCENT}}
    for label, reliability in before_and_after(calibration).items():
        points, style = _pooled(reliability, positive), styles[label]
        hover = "predicted %{x:.3f}, observed %{y:.3f}<br>%{customdata:,} predictions"
        trace = line([x for x, _, _ in points], [y for _, y, _ in points], label, width=1, **style, hovertemplate=hover)
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
    figure = square(traces, "predicted probability", "observed frequency", 360)
    figure["layout"] |= {"showlegend": True, "legend": {**LEGEND, "itemsizing": "constant"}}
    return figure


def _pooled(reliability: Mapping[str, Any], positive: str | None) -> list[tuple[float, float, int]]:
    """Pool the reliability curves of several classes, bin by bin."""
    bins = reliability["bins"]
    table = np.zeros((bins, 3))
    chosen = reliability["per_class"].values() if positive is None else [reliability["per_class"][positive]]
    for scores in chosen:
        for point in scores["curve"]:
            place = min(max(math.ceil(point["predicted"] * bins) - 1, 0), bins - 1)
            table[place] += np.array([point["predicted"], point["observed"], 1.0]) * point["count"]
    filled = table[table[:, 2] > 0]
    return [(round(x / n, 6), round(y / n, 6), int(n)) for x, y, n in filled.tolist()]


def risk_figure(abstention: Mapping[str, Any]) -> Figure:
    """Draw the risk-coverage curve: the share of wrong answers against the share of series answered.

    Parameters
    ----------
    abstention
        As returned by ``Abstention.score``.

    Returns
    -------
    dict
        A figure; a dot marks the coverage and the error at the chosen probability.
    """
    x, y = zip(*abstention["curve"], strict=True)
    hover = "answered %{x:.1%}, wrong %{y:.1%}"
    traces = [line([round(one, 4) for one in x], [round(one, 4) for one in y], "error", color=ACCENT, width=2)]
    if abstention["error"] is not None:
        marker = {"size": 10, "color": INK}
        chosen = line([round(abstention["coverage"], 4)], [round(abstention["error"], 4)], "chosen")
        traces.append(chosen | {"mode": "markers", "marker": marker})
    for trace in traces:
        trace["hovertemplate"] = hover
    layout: Figure = {
        "height": 300,
        "hovermode": "closest",
        "xaxis": {"title": {"text": "share of series answered"}, "range": [0, 1.01], "tickformat": ".1f"},
        "yaxis": {"title": {"text": "share of wrong answers"}, "rangemode": "tozero", "tickformat": ".2f"},
    }
    return {"data": traces, "layout": layout}
