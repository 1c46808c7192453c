"""Pictures of explanations: a series channel by channel, the series to look at first, and answers about steps."""

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
    draw_series,
    dress_time,
    one_channel,
    time_axis,
    title_pad,
)
from limelight.explanation.drawing.titles import series_title
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN
from limelight.types import Floats

BANDS = ("#dfe5ea", "#f9b233", "#0072b2", "#a3306f", "#00735a", "#5d4fa3", "#7a4a12", "#56b4e9")
"""One colour for each class of steps, the first for the first; more classes begin again."""


def explanation_figure(explanation: Drawable) -> Figure:
    """Draw what counted behind the series, channel by channel where channels are explained.

    Parameters
    ----------
    explanation
        Of at least one series.

    Returns
    -------
    Figure
        With axes for each series, at most 12; where several channels are explained one by one, axes for each channel of
        as many series as 12 axes have room for, at least of one.
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
    """Draw the first series of a panel, at most 12, one above the other.

    Parameters
    ----------
    panel
        The series, n of them.
    importance
        For each series the weight of each time step, shape (time,).
    prediction
        The answers about the n series.

    Returns
    -------
    Figure
        With axes for each series drawn.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0, 5.0, 1.0], [2.0, 2.0]])
    >>> answers = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0], [2.0]]))
    >>> figure = attention_figure(panel, [np.full(3, 1 / 3), np.full(2, 1 / 2)], answers)
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['0: predicted fault (73 %)', '1: predicted ok (88 %)']
    """
    drawn = min(len(panel), MOST_SERIES)
    figure = Figure(figsize=(9.0, 0.4 + 2.3 * max(drawn, 1)), dpi=100, layout="constrained")
    if drawn:
        for row, ax in enumerate(figure.subplots(drawn, 1, squeeze=False)[:, 0]):
            draw_series(ax, panel, row, importance[row], prediction)
    return figure


def draw_explanation(figure: Any, explanation: Drawable, row: int) -> list[Axes]:
    """Draw one series: axes for each channel that counts most, what it adds as colour behind it.

    Parameters
    ----------
    figure
        A figure, or a part of one.
    explanation
        Of the series.
    row
        Which series.

    Returns
    -------
    list[Axes]
        From the top; of many channels the 12 that count most, in their order.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([np.arange(8.0).reshape(4, 2)], channels=["speed", "height"], ids=["pump"])
    >>> parts = np.array([[0.0, 1.0], [0.5, 0.0], [0.0, -2.0], [0.0, 0.0]])
    >>> answer = Prediction(panel.ids, Task(("fault", "ok")), np.array([[-1.0]]))
    >>> target = np.array(["fault"])
    >>> from limelight.explanation.explanation import Explanation
    >>> explanation = Explanation(panel, answer, [parts.sum(axis=1)], "gradients", target, [parts])
    >>> [ax.get_ylabel() for ax in draw_explanation(Figure(), explanation, 0)]
    ['speed', 'height']
    """
    panel = explanation.panel
    parts = None if explanation.channels is None else np.asarray(explanation.channels[row], dtype=np.float64)
    if parts is None or len(panel.channels) == 1:
        ax = figure.subplots()
        draw_series(ax, panel, row, explanation.importance[row], explanation.prediction, signed=explanation.signed)
        _colour_bar(figure, ax.images[0], [ax], explanation, row)
        _say_fields(ax, explanation, row)
        return [ax]
    chosen = np.sort(np.argsort(-np.abs(parts).sum(axis=0), kind="stable")[:MOST_SERIES])
    every: list[Axes] = figure.subplots(len(chosen), 1, squeeze=False, sharex=True)[:, 0].tolist()
    peak = float(np.abs(parts).max(initial=0.0))
    for ax, channel in zip(every, chosen.tolist(), strict=True):
        image = one_channel(ax, panel, row, channel, parts[:, channel], signed=explanation.signed, peak=peak)
    dress_time(every[-1], panel, row)
    every[0].set_title(
        series_title(panel, row, explanation.prediction), loc="left", fontsize=10, color=INK, parse_math=False
    )
    _colour_bar(figure, image, every, explanation, row)
    _say_fields(every[0], explanation, row)
    return every


def _colour_bar(figure: Any, image: Any, axes: Sequence[Axes], explanation: Drawable, row: int) -> None:
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.04, aspect=12 * len(axes))
    said = "attention" if explanation.target is None else f"log odds of\n{str(explanation.target[row])[:18]}"
    bar.set_label(said, fontsize=8, color=QUIET)
    bar.ax.yaxis.label.set_parse_math(False)
    bar.ax.tick_params(labelsize=7.5, colors=QUIET, length=2)
    bar.ax.locator_params(nbins=3 if len(axes) == 1 else 5)
    bar.outline.set_visible(False)


def _say_fields(ax: Axes, explanation: Drawable, row: int) -> None:
    """Say at the right what metadata there are and what they add."""
    table = explanation.panel.metadata
    known = {} if table is None else {name: table[name][row].as_py() for name in table.column_names}
    names = [*known, *(name for name in explanation.fields if name not in known)][:6]
    if not names:
        return
    lines = []
    for name in names:
        value = f" = {known[name]}" if name in known else ""
        added = f" ({explanation.fields[name][row]:+.2f})" if name in explanation.fields else ""
        lines.append(f"{name}{value}"[:32] + added)
    legend = ax.get_legend()
    pad = title_pad(0 if legend is None else len(legend.get_texts()))  # one for all titles of the axes
    ax.set_title("\n".join(lines), loc="right", fontsize=8, color=QUIET, pad=pad, parse_math=False)


def bands(panel: Panel, row: int, prediction: Prediction, importance: NDArray[Any] | None = None) -> Figure:
    """Draw the answers about the steps of one series: the series, the truth and the answer as bands, probabilities.

    Parameters
    ----------
    panel
        The series.
    row
        Which one.
    prediction
        Answers about every step of the panel.
    importance
        What counted for one of the answers, shape (time,), signed; None draws no colour behind the series.

    Returns
    -------
    Figure
        From the top: the series, bands, and the probability of each class or label.

    Raises
    ------
    ParameterError
        If the answers are about whole series.
    """
    task, lengths = prediction.task, prediction.lengths
    if not task.by_step or lengths is None:
        raise ParameterError("expected answers about steps to draw bands, got answers about whole series; use plot")
    start = int(lengths[:row].sum())
    own = slice(start, start + int(lengths[row]))
    chances = prediction.probabilities[own]
    decided = task.decide(chances, prediction.thresholds)
    truth = None if panel.step_labels is None else targets_of(task, panel[[row]]).every()
    names = [str(name) for name in task.classes]
    lines = len(names) if task.multilabel else 1
    figure = Figure(figsize=(9.0, 4.2 + 0.3 * lines), dpi=100, layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[2.0, 0.35 + 0.3 * lines, 1.5])
    draw_series(top, panel, row, importance, signed=True)
    top.set_xlabel("")
    clock, _ = time_axis(panel, row)
    _draw_bands(middle, clock, truth, decided, names, several=task.multilabel)
    for place, name in enumerate(names):
        if len(names) == 2 and not task.multilabel and place != task.positive_index:
            continue
        colour = BANDS[place % len(BANDS)] if place else LINES[0]
        bottom.plot(clock, chances[:, place], lw=1.2, color=colour, label=name)
    bottom.set_ylim(-0.03, 1.03)
    one = names[task.positive_index] if task.kind == "binary" else None
    bottom.set_ylabel(f"probability of\n{one[:18]}" if one else "probability", fontsize=9, color=QUIET)
    if one is None:
        bottom.legend(fontsize=8, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.1)
    dress_time(bottom, panel, row)
    return figure


def _draw_bands(
    ax: Axes, clock: NDArray[Any], truth: Any, decided: NDArray[np.int64], names: list[str], *, several: bool
) -> None:
    """Draw a line of colours for truth and answer, or one for each label above the other."""
    width = np.diff(clock).mean() if len(clock) > 1 else 1.0
    edges = np.append(clock, clock[-1] + width)
    rows: list[tuple[str, NDArray[Any]]] = []
    for column in range(len(names) if several else 1):
        ending = f" {names[column][:14]}" if several else ""
        if truth is not None:
            rows.append((f"true{ending}", truth[:, column] if several else truth))
        rows.append((f"answer{ending}", decided[:, column] if several else decided))
    shown = np.array([codes for _, codes in rows], dtype=np.float64)
    shown[shown == UNKNOWN] = np.nan
    count = 2 if several else len(names)
    colours = [BANDS[code % len(BANDS)] for code in range(count)]
    shades = LinearSegmentedColormap.from_list("bands", colours, N=count)
    ax.pcolormesh(
        edges, np.arange(len(rows) + 1), np.ma.masked_invalid(shown), cmap=shades, vmin=-0.5, vmax=count - 0.5
    )
    ax.invert_yaxis()
    ax.set_yticks(np.arange(len(rows)) + 0.5, [name for name, _ in rows], fontsize=8.5, color=QUIET)
    ax.tick_params(length=0, labelbottom=False)
    ax.spines[:].set_visible(False)
    said = ["no", "yes"] if several else names
    keys = [Patch(color=colour, label=name[:18]) for colour, name in zip(colours, said, strict=True)]
    ax.legend(
        handles=keys, fontsize=8, frameon=False, ncols=6, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.1
    )
