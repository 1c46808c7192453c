"""Figures of explanations: series with their importance, channel by channel, and per-step predictions as bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.drawing.axes import (
    INK,
    LINES,
    MOST_SERIES,
    QUIET,
    Drawable,
    draw_channel,
    draw_series,
    style_time_axis,
    time_axis,
    title_pad,
)
from limelight.explanation.drawing.titles import series_title
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN
from limelight.types import Floats

BANDS = ("#dfe5ea", "#f9b233", "#0072b2", "#a3306f", "#00735a", "#5d4fa3", "#7a4a12", "#56b4e9")
"""One colour for each class of the steps, in the order of the classes; the colours repeat if there are more classes."""


def explanation_figure(explanation: Drawable) -> Figure:
    """Draw series with their importance, channel by channel if channels are explained separately.

    Parameters
    ----------
    explanation
        Explanation of at least one series.

    Returns
    -------
    Figure
        A figure with axes for each series, at most 12; if channels are explained separately, with axes for each channel
        of as many series as fit into 12 axes, at least one.
    """
    if explanation.channels is None or len(explanation.panel.channels) == 1:
        if not explanation.signed:
            return attention_figure(explanation.panel, explanation.importance, explanation.prediction)
        each = 1
    else:
        each = min(len(explanation.panel.channels), MOST_SERIES)
    drawn = min(len(explanation), max(1, MOST_SERIES // each))
    height = 2.3 if each == 1 else 1.25 * each + 0.7
    figure = Figure(figsize=(9.0, 0.4 + height * max(drawn, 1)), dpi=100, layout="constrained")
    for row, part in enumerate(figure.subfigures(max(drawn, 1), 1, squeeze=False)[:drawn, 0]):
        draw_explanation(part, explanation, row)
    return figure


def attention_figure(panel: Panel, importance: Sequence[Floats], prediction: Prediction) -> Figure:
    """Draw the first 12 series of a panel with their attention, one above the other.

    Parameters
    ----------
    panel
        The n series.
    importance
        For each series, the weight of each time step, shape (time,).
    prediction
        Predictions for the n series.

    Returns
    -------
    Figure
        A figure with axes for each series.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0, 5.0, 1.0], [2.0, 2.0]])
    >>> prediction = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0], [2.0]]))
    >>> figure = attention_figure(panel, [np.full(3, 1 / 3), np.full(2, 1 / 2)], prediction)
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['0 | predicted: fault (73 %)', '1 | predicted: ok (88 %)']
    """
    drawn = min(len(panel), MOST_SERIES)
    figure = Figure(figsize=(9.0, 0.4 + 2.3 * max(drawn, 1)), dpi=100, layout="constrained")
    if drawn:
        for row, ax in enumerate(figure.subplots(drawn, 1, squeeze=False)[:, 0]):
            draw_series(ax, panel, row, importance[row], prediction)
    return figure


def draw_explanation(figure: Any, explanation: Drawable, row: int) -> list[Axes]:
    """Draw one series with axes for each of its most important channels and their importance as colour.

    Parameters
    ----------
    figure
        A figure or subfigure.
    explanation
        The explanation that contains the series.
    row
        The row of the series in the explanation.

    Returns
    -------
    list[Axes]
        The axes from top to bottom, for at most the 12 most important channels, in their original order.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([np.arange(8.0).reshape(4, 2)], channels=["speed", "height"], ids=["pump"])
    >>> importance = np.array([[0.0, 1.0], [0.5, 0.0], [0.0, -2.0], [0.0, 0.0]])
    >>> prediction = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0]]))
    >>> target = np.array(["fault"])
    >>> from limelight.explanation.explanation import Explanation
    >>> explanation = Explanation(panel, prediction, [importance.sum(axis=1)], "gradients", target, [importance])
    >>> [ax.get_ylabel() for ax in draw_explanation(Figure(), explanation, 0)]
    ['speed', 'height']
    """
    panel = explanation.panel
    by_channel = None if explanation.channels is None else np.asarray(explanation.channels[row], dtype=np.float64)
    if by_channel is None or len(panel.channels) == 1:
        ax = figure.subplots()
        draw_series(ax, panel, row, explanation.importance[row], explanation.prediction, signed=explanation.signed)
        _colour_bar(figure, ax.images[0], [ax], explanation, row)
        _show_fields(ax, explanation, row)
        return [ax]
    chosen = most_important_channels(by_channel)
    axes: list[Axes] = figure.subplots(len(chosen), 1, squeeze=False, sharex=True)[:, 0].tolist()
    peak = float(np.abs(by_channel).max(initial=0.0))
    for ax, channel in zip(axes, chosen, strict=True):
        image = draw_channel(ax, panel, row, channel, by_channel[:, channel], signed=explanation.signed, peak=peak)
    style_time_axis(axes[-1], panel, row)
    axes[0].set_title(
        series_title(panel, row, explanation.prediction), loc="left", fontsize=10, color=INK, parse_math=False
    )
    _colour_bar(figure, image, axes, explanation, row)
    _show_fields(axes[0], explanation, row)
    return axes


def most_important_channels(by_channel: NDArray[np.floating[Any]]) -> list[int]:
    """Return the at most 12 channels with the largest total importance, in their original order.

    Example
    -------
    >>> most_important_channels(np.array([[0.0, 1.0], [0.5, -2.0]]))
    [0, 1]
    """
    most: list[int] = np.argsort(-np.abs(by_channel).sum(axis=0), kind="stable")[:MOST_SERIES].tolist()
    return sorted(most)


def _colour_bar(figure: Any, image: Any, axes: Sequence[Axes], explanation: Drawable, row: int) -> None:
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.04, aspect=12 * len(axes))
    label = "attention" if explanation.target is None else f"log odds of\n{str(explanation.target[row])[:18]}"
    bar.set_label(label, fontsize=8, color=QUIET)
    bar.ax.yaxis.label.set_parse_math(False)
    bar.ax.tick_params(labelsize=7.5, colors=QUIET, length=2)
    bar.ax.locator_params(nbins=3 if len(axes) == 1 else 5)
    bar.outline.set_visible(False)


def _show_fields(ax: Axes, explanation: Drawable, row: int) -> None:
    """Show the metadata of a series and their importance to the right of the title."""
    table = explanation.panel.metadata
    values = {} if table is None else {name: table[name][row].as_py() for name in table.column_names}
    names = [*values, *(name for name in explanation.fields if name not in values)][:6]
    if not names:
        return
    lines = []
    for name in names:
        value = f" = {values[name]}" if name in values else ""
        added = f" ({explanation.fields[name][row]:+.2f})" if name in explanation.fields else ""
        lines.append(f"{name}{value}"[:32] + added)
    legend = ax.get_legend()
    pad = title_pad(
        0 if legend is None else len(legend.get_texts())
    )  # matplotlib uses one padding for all titles of the axes
    ax.set_title("\n".join(lines), loc="right", fontsize=8, color=QUIET, pad=pad, parse_math=False)


def bands(panel: Panel, row: int, prediction: Prediction, importance: NDArray[Any] | None = None) -> Figure:
    """Draw the per-step predictions of one series: the series, true and predicted labels as bands, and probabilities.

    Parameters
    ----------
    panel
        The panel that contains the series.
    row
        The row of the series in the panel.
    prediction
        Predictions for every step of the panel.
    importance
        Signed importance for one class or label, shape (time,); None draws no colour behind the series.

    Returns
    -------
    Figure
        From top to bottom: the series, the bands, and the probability of each class or label.

    Raises
    ------
    ParameterError
        If the predictions are for whole series.
    """
    task, lengths = prediction.task, prediction.lengths
    if not task.by_step or lengths is None:
        raise ParameterError("expected per-step predictions to draw bands, got predictions for whole series; use plot")
    start = int(lengths[:row].sum())
    own = slice(start, start + int(lengths[row]))
    probabilities = prediction.probabilities[own]
    decided = task.decide(probabilities, prediction.thresholds)
    truth = None if panel.step_labels is None else targets_of(task, panel[[row]]).every()
    names = [str(name) for name in task.classes]
    lines = len(names) if task.multilabel else 1
    figure = Figure(figsize=(9.0, 4.2 + 0.3 * lines), dpi=100, layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[2.0, 0.35 + 0.3 * lines, 1.5])
    draw_series(top, panel, row, importance, signed=True)
    top.set_xlabel("")
    clock, _ = time_axis(panel, row)
    _draw_bands(middle, clock, truth, decided, names, multilabel=task.multilabel)
    for place, name in enumerate(names):
        if len(names) == 2 and not task.multilabel and place != task.positive_index:
            continue
        colour = BANDS[place % len(BANDS)] if place else LINES[0]
        bottom.plot(clock, probabilities[:, place], lw=1.2, color=colour, label=name)
    bottom.set_ylim(-0.03, 1.03)
    positive = names[task.positive_index] if task.kind == "binary" else None
    bottom.set_ylabel(f"probability of\n{positive[:18]}" if positive else "probability", fontsize=9, color=QUIET)
    if positive is None:
        bottom.legend(fontsize=8, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.1)
    style_time_axis(bottom, panel, row)
    return figure


def _draw_bands(
    ax: Axes, clock: NDArray[Any], truth: Any, decided: NDArray[np.int64], names: list[str], *, multilabel: bool
) -> None:
    """Draw a coloured band for the true and one for the predicted labels; for multi-label, two bands for each label."""
    width = np.diff(clock).mean() if len(clock) > 1 else 1.0
    edges = np.append(clock, clock[-1] + width)
    rows: list[tuple[str, NDArray[Any]]] = []
    for column in range(len(names) if multilabel else 1):
        ending = f" {names[column][:14]}" if multilabel else ""
        if truth is not None:
            rows.append((f"true{ending}", truth[:, column] if multilabel else truth))
        rows.append((f"predicted{ending}", decided[:, column] if multilabel else decided))
    shown = np.array([codes for _, codes in rows], dtype=np.float64)
    shown[shown == UNKNOWN] = np.nan
    count = 2 if multilabel else len(names)
    colours = [BANDS[code % len(BANDS)] for code in range(count)]
    shades = LinearSegmentedColormap.from_list("bands", colours, N=count)
    ax.pcolormesh(
        edges, np.arange(len(rows) + 1), np.ma.masked_invalid(shown), cmap=shades, vmin=-0.5, vmax=count - 0.5
    )
    ax.invert_yaxis()
    ax.set_yticks(np.arange(len(rows)) + 0.5, [name for name, _ in rows], fontsize=8.5, color=QUIET)
    ax.tick_params(length=0, labelbottom=False)
    ax.spines[:].set_visible(False)
    entries = ["no", "yes"] if multilabel else names
    keys = [Patch(color=colour, label=name[:18]) for colour, name in zip(colours, entries, strict=True)]
    ax.legend(
        handles=keys, fontsize=8, frameon=False, ncols=6, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.1
    )
