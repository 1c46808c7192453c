"""Pictures: static images next to the page; the same inputs give the same bytes."""

from __future__ import annotations

import io
import warnings

from matplotlib.figure import Figure

from limelight.explanation.drawing.axes import MOST_NAMED_CHANNELS, draw_series, legend_rows
from limelight.report.inputs import ReportInputs

WIDTH, HEIGHT, DPI = 8.0, 3.0, 150
LEGEND_INCHES, LABEL_INCHES, TITLE_INCHES = 0.18, 0.48, 0.3


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
    above = TITLE_INCHES + LEGEND_INCHES * _legend_rows(inputs)
    height = HEIGHT + above
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    # Fixed margins are several times faster than a matplotlib layout engine.
    box = (0.62 / WIDTH, LABEL_INCHES / height, 1 - 0.7 / WIDTH, 1 - (LABEL_INCHES + above) / height)
    importance = next(iter(inputs.explain(row, target).values()), None)
    draw_series(
        figure.add_axes(box),
        inputs.panel,
        row,
        None if importance is None else importance.importance,
        inputs.prediction,
        signed=importance is not None and importance.target is not None,
    )
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that the font lacks become boxes; the page has the full name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="png", metadata={"Software": None}, dpi=DPI)
    return stream.getvalue()


def _legend_rows(inputs: ReportInputs) -> int:
    channels = len(inputs.panel.channels)
    named = channels if 1 < channels <= MOST_NAMED_CHANNELS else 0
    return legend_rows(named + (inputs.panel.intervals is not None))
