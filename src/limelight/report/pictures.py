"""The pictures of the page, as bytes that are the same for the same facts."""

from __future__ import annotations

import base64
import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from limelight.explanation.plots import (
    MOST_NAMED_CHANNELS,
    QUIET,
    TRUTH,
    draw_series,
    legend_rows,
    name_lines,
)
from limelight.report.facts import ReportFacts

CARD_INCHES, FILE_INCHES = (4.6, 1.95), (8.0, 3.0)
LEGEND_INCHES, LABEL_INCHES, TITLE_INCHES = 0.18, 0.48, 0.3
# The salt names the clip paths, which are random otherwise; text stays text for the fonts of the reader.
STABLE: Any = {"svg.hashsalt": "limelight", "svg.fonttype": "none", "path.simplify": True}
SVG_FACTS = {"Date": None, "Creator": None, "Format": None, "Type": None}


def series_svg(facts: ReportFacts, row: int) -> str:
    """Draw one series of the report for the page.

    Parameters
    ----------
    facts
        Of the run.
    row
        Which series of the panel.

    Returns
    -------
    str
        A ``data:`` address of an SVG picture without a title; the page says it in words.
    """
    alone = len(facts.panel.channels) == 1
    figure, ax = _axes(CARD_INCHES, 0 if alone else _legend_rows(facts))
    draw_series(ax, facts.panel, row, facts.attention_of(row))
    ax.set_title("", loc="left")
    legend = ax.get_legend()
    if alone and legend is not None:  # the page has a key of its own for the true interval
        legend.remove()
    return _data_address(figure)


def series_png(facts: ReportFacts, row: int) -> bytes:
    """Draw one series of the report as a picture that stands alone, with title.

    Parameters
    ----------
    facts
        Of the run.
    row
        Which series of the panel.

    Returns
    -------
    bytes
        A PNG file, 1200 pixels wide.
    """
    figure, ax = _axes(FILE_INCHES, _legend_rows(facts), TITLE_INCHES)
    draw_series(ax, facts.panel, row, facts.attention_of(row), facts.prediction)
    return _saved(figure, "png", {"Software": None}, dpi=150)


def learning_curves(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> dict[str, str]:
    """Draw how the training went.

    Parameters
    ----------
    history
        A row of numbers for each epoch.
    best_epoch
        The epoch whose weights were kept, from 1, or None.

    Returns
    -------
    dict[str, str]
        ``data:`` addresses of SVG pictures by what they show: ``"Loss"`` and, with validation series,
        ``"Validation F1"``.
    """
    wanted = {
        "Loss": {"train_loss": "training", "validation_loss": "validation"},
        "Validation F1": {"validation_f1": "validation"},
    }
    pictures = {}
    for title, names in wanted.items():
        curves = {says: _curve(history, name) for name, says in names.items()}
        if any(curves.values()):
            pictures[title] = _data_address(_curve_figure(curves, title, best_epoch))
    return pictures


def _curve(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    numbers = [(row.get("epoch"), row.get(name)) for row in history]
    return [
        (float(epoch), float(value))
        for epoch, value in numbers
        if epoch is not None and value is not None and math.isfinite(value)
    ]


def _curve_figure(curves: Mapping[str, list[tuple[float, float]]], title: str, best: int | None) -> Figure:
    figure, ax = _axes(CARD_INCHES, 1)
    for says, points in curves.items():
        if points:
            color, style = (QUIET, "--") if says == "training" else (TRUTH, "-")
            ax.plot(*zip(*points, strict=True), style, color=color, lw=1.8, marker="o", ms=3, label=says)
    if best is not None:
        ax.axvline(best, color="#ef9500", lw=1.4, zorder=0, label="weights kept")
    low, high = ax.get_ylim()
    ax.set_ylim((min(0.0, low), high) if title == "Loss" else (low, min(high, 1.02)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    ax.set_xlabel("epoch", fontsize=9, color=QUIET, loc="left")
    ax.tick_params(labelsize=8.5, colors=QUIET, length=3)
    ax.grid(axis="y", color="#e6eaed", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#b9c2c9")
    name_lines(ax, *ax.get_legend_handles_labels())
    return figure


def _axes(inches: tuple[float, float], legend_lines: int, title_inches: float = 0.06) -> tuple[Figure, Axes]:
    """Make axes with room for their labels: several times faster than letting matplotlib look for it."""
    above = title_inches + LEGEND_INCHES * legend_lines
    width, height = inches[0], inches[1] + above
    figure = Figure(figsize=(width, height), dpi=100)
    return figure, figure.add_axes(
        (0.62 / width, LABEL_INCHES / height, 1 - 0.7 / width, 1 - (LABEL_INCHES + above) / height)
    )


def _legend_rows(facts: ReportFacts) -> int:
    channels = len(facts.panel.channels)
    named = channels if 1 < channels <= MOST_NAMED_CHANNELS else 0
    return legend_rows(named + (facts.panel.intervals is not None))


def _data_address(figure: Figure) -> str:
    svg = _saved(figure, "svg", SVG_FACTS)
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def _saved(figure: Figure, kind: str, metadata: Mapping[str, None], dpi: int = 100) -> bytes:
    stream = io.BytesIO()
    with matplotlib.rc_context(STABLE), warnings.catch_warnings():
        # Names in any script are fine: the browser has the letters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format=kind, metadata=dict(metadata), dpi=dpi)
    return stream.getvalue()
