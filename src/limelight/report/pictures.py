"""Pictures: static images next to the page; the same inputs give the same bytes."""

from __future__ import annotations

import io
import warnings

import numpy as np
from matplotlib.figure import Figure

from limelight.data.outline import smooth
from limelight.explanation.drawing.axes import (
    MOST_NAMED_CHANNELS,
    draw_channel,
    draw_series,
    legend_rows,
    style_time_axis,
)
from limelight.explanation.drawing.figures import most_important_channels
from limelight.explanation.drawing.titles import series_title
from limelight.report.inputs import ReportInputs, StepImportance
from limelight.report.series import LEAST_COLOUR_PEAK, width_of_stripes

WIDTH, HEIGHT, DPI = 8.0, 3.0, 150
LEGEND_INCHES, LABEL_INCHES, TITLE_INCHES, CHANNEL_INCHES = 0.18, 0.48, 0.3, 1.1


def series_png(inputs: ReportInputs, row: int, target: str | None = None) -> bytes:
    """Draw one series of the report as a static image with a title.

    Parameters
    ----------
    inputs
        The inputs of the report.
    row
        The row of the series in the panel.
    target
        The class or label to explain; None explains the prediction.

    Returns
    -------
    bytes
        A PNG file, 1200 pixels wide.
    """
    importance = next(iter(inputs.explain(row, target).values()), None)
    if importance is None or len(inputs.panel.channels) == 1:
        figure = _one_panel(inputs, row, importance)
    else:
        figure = _panel_of_each_channel(inputs, row, importance)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that the font lacks become boxes; the page has the full name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="png", metadata={"Software": None}, dpi=DPI)
    return stream.getvalue()


def _one_panel(inputs: ReportInputs, row: int, importance: StepImportance | None) -> Figure:
    """Draw all channels of a series in one panel."""
    above = TITLE_INCHES + LEGEND_INCHES * _legend_rows(inputs)
    height = HEIGHT + above
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    # Fixed margins are several times faster than a matplotlib layout engine.
    box = (0.62 / WIDTH, LABEL_INCHES / height, 1 - 0.7 / WIDTH, 1 - (LABEL_INCHES + above) / height)
    draw_series(
        figure.add_axes(box),
        inputs.panel,
        row,
        None
        if importance is None
        else smooth(importance.importance[:, None], width_of_stripes(importance, len(importance.importance)))[:, 0],
        inputs.prediction,
        signed=importance is not None and importance.target is not None,
    )
    return figure


def _panel_of_each_channel(inputs: ReportInputs, row: int, importance: StepImportance) -> Figure:
    """Draw the most important channels of a series one above the other, each with its own axis and colours."""
    panel = inputs.panel
    shared = np.repeat(importance.importance[:, None], len(panel.channels), axis=1)
    by_channel = shared if importance.channels is None else importance.channels
    by_channel = smooth(by_channel, width_of_stripes(importance, len(by_channel)))
    chosen = most_important_channels(by_channel)
    height = CHANNEL_INCHES * len(chosen) + TITLE_INCHES + LABEL_INCHES
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    sizes = np.abs(by_channel)
    peak = max(float(sizes.max(initial=0.0)), LEAST_COLOUR_PEAK * float(sizes.mean()))
    for place, channel in enumerate(chosen, start=1):
        bottom = LABEL_INCHES + CHANNEL_INCHES * (len(chosen) - place)
        box = (0.82 / WIDTH, bottom / height, 1 - 0.9 / WIDTH, (CHANNEL_INCHES - 0.12) / height)
        ax = figure.add_axes(box)
        draw_channel(ax, panel, row, channel, by_channel[:, channel], signed=importance.target is not None, peak=peak)
        if place == 1:
            ax.set_title(series_title(panel, row, inputs.prediction), loc="left", fontsize=10, parse_math=False)
        if place == len(chosen):
            style_time_axis(ax, panel, row)
        else:
            ax.tick_params(labelbottom=False)
    return figure


def _legend_rows(inputs: ReportInputs) -> int:
    channels = len(inputs.panel.channels)
    named = channels if 1 < channels <= MOST_NAMED_CHANNELS else 0
    return legend_rows(named + (inputs.panel.intervals is not None))
