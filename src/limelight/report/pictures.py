"""Still pictures beside the page, as bytes that are the same for the same facts."""

from __future__ import annotations

import io
import warnings

from matplotlib.figure import Figure

from limelight.explanation.drawing.axes import MOST_NAMED_CHANNELS, draw_series, legend_rows
from limelight.report.inputs import ReportInputs

WIDTH, HEIGHT, DPI = 8.0, 3.0, 150
LEGEND_INCHES, LABEL_INCHES, TITLE_INCHES = 0.18, 0.48, 0.3


def series_png(facts: ReportInputs, row: int) -> bytes:
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
    above = TITLE_INCHES + LEGEND_INCHES * _legend_rows(facts)
    height = HEIGHT + above
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    # Room for the labels is set by hand: several times faster than letting matplotlib look for it.
    box = (0.62 / WIDTH, LABEL_INCHES / height, 1 - 0.7 / WIDTH, 1 - (LABEL_INCHES + above) / height)
    counted = next(iter(facts.counted_in(row).values()), None)
    draw_series(
        figure.add_axes(box),
        facts.panel,
        row,
        None if counted is None else counted.importance,
        facts.prediction,
        signed=counted is not None and counted.target is not None,
    )
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The font lacks some letters: a box stands for such a one, and the page has the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="png", metadata={"Software": None}, dpi=DPI)
    return stream.getvalue()


def _legend_rows(facts: ReportInputs) -> int:
    channels = len(facts.panel.channels)
    named = channels if 1 < channels <= MOST_NAMED_CHANNELS else 0
    return legend_rows(named + (facts.panel.intervals is not None))
