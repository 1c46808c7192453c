"""The HTML page of ``limelight monitor``: the estimated accuracy, what drifted most, and how it moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.data.profile.series_statistics import STATISTICS, series_statistics
from limelight.data.profile.training_profile import SHARES, TrainingProfile
from limelight.evaluation.monitoring.drift import Drift
from limelight.evaluation.monitoring.monitor import CERTAIN_DRIFT, Monitoring
from limelight.files import whole_folder
from limelight.report import tables
from limelight.report.plotting import ACCENT, QUIET, Figure, line, literal
from limelight.report.rendering import PLOTLY, render_template

MONITOR_TEMPLATE = "monitor.html.jinja"
MOST_PICTURED_DRIFTS = 6


def write_monitor_page(folder: Path, found: Monitoring, profile: TrainingProfile, panel: Panel, title: str) -> Path:
    """Write the page, with plotly next to it.

    Parameters
    ----------
    folder
        Replaced as a whole.
    found
        The result of ``monitor_model``.
    profile, panel
        Of the training, and the new series with the same channels.
    title
        Name of the run.

    Returns
    -------
    Path
        ``folder/index.html``.

    Raises
    ------
    OutputError
        If the folder cannot be written; an existing page is then unchanged.
    """
    from plotly.offline import get_plotlyjs

    page = render_template(
        MONITOR_TEMPLATE,
        {
            "title": title,
            "found": found,
            "drifted": len(found.drifted),
            "table": drift_table(found.drifts),
            "figures": drift_figures(found, profile, panel),
        },
    )
    with whole_folder(folder) as temporary:
        (temporary / "index.html").write_text(page, encoding="utf-8")
        (temporary / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")
    return folder / "index.html"


def drift_table(drifts: Sequence[Drift]) -> dict[str, Any]:
    """Build the table of all tests, the most certain first."""
    rows = [
        [
            literal(one.name),
            one.kind,
            one.what,
            _short(one.before),
            _short(one.now),
            f"{one.distance:.2f}",
            f"{one.p:.2g}",
            "drift" if one.p < CERTAIN_DRIFT else "",
        ]
        for one in drifts
    ]
    return {"head": ["Input", "Kind", "Moved most", "Training", "Now", "Distance", "p (Holm)", ""], "rows": rows}


def drift_figures(found: Monitoring, profile: TrainingProfile, panel: Panel) -> list[dict[str, Any]]:
    """Draw the cumulative shares in training and now, for the channels that drifted most."""
    statistics = series_statistics(panel)
    figures: list[dict[str, Any]] = []
    for one in found.drifted:
        if one.kind == "channel" and len(figures) < MOST_PICTURED_DRIFTS:
            channel, place = profile.channel_names.index(one.name), STATISTICS.index(one.what)
            now = statistics.channels[:, channel, place]
            figure = _shares_figure(profile.quantiles[channel, place], now[~np.isnan(now)], one.what)
            figures.append({"title": f"{one.name}: {one.what}", "figure": figure})
    return figures


def _shares_figure(before: Any, now: Any, what: str) -> Figure:
    traces = [line(_rounded(before), _rounded(SHARES), "training", color=QUIET, dash="dot", width=2)]
    if len(now):
        traces.append(line(_rounded(np.quantile(now, SHARES)), _rounded(SHARES), "now", color=ACCENT, width=2))
    layout: Figure = {
        "height": 260,
        "showlegend": True,
        "hovermode": "closest",
        "xaxis": {"title": {"text": what}},
        "yaxis": {"title": {"text": "share of series below"}, "range": [-0.01, 1.01]},
    }
    return {"data": traces, "layout": layout}


def _rounded(numbers: Any) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.6g}") for value in np.asarray(numbers).tolist()]


def _short(value: float | None) -> str:
    return tables.NO_VALUE if value is None else f"{value:.4g}"
