"""The curve and the table of early answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.report.plotting import ACCENT, FAINT, INK, QUIET, Figure, line
from limelight.report.tables import Table, number, share


def early_figure(early: Mapping[str, Any]) -> Figure | None:
    """Draw the accuracy against the mean share of the steps seen.

    Parameters
    ----------
    early
        As returned by ``measure_early``.

    Returns
    -------
    dict | None
        A figure: a line over margins, a dotted line if all series are answered after the same number of steps, the
        rule as a dot, and the accuracy of guessing; None without known labels.
    """
    if early["accuracy"] is None:
        return None
    hover = "seen %{x:.1%}, accuracy %{y:.3f}"
    looks = [(one["seen"], one["accuracy"]) for one in early["looks"]]
    traces = [_curve(sorted(looks), "all after the same steps", color=QUIET, dash="dot", width=1.5)]
    if early["curve"]:
        traces.append(_curve(sorted(early["curve"]), "by margin", color=ACCENT, width=2))
    traces.append(
        _curve([(early["seen"], early["accuracy"])], "this rule")
        | {"mode": "markers", "marker": {"size": 10, "color": INK}}
    )
    if early["baseline"] is not None:
        traces.append(
            _curve([(0, early["baseline"]), (1, early["baseline"])], "most frequent class", color=FAINT, width=1.2)
        )
    for trace in traces:
        trace["hovertemplate"] = hover
    layout: Figure = {
        "height": 320,
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {"title": {"text": "mean share of the steps seen"}, "range": [0, 1.02], "tickformat": ".1f"},
        "yaxis": {"title": {"text": "accuracy"}, "tickformat": ".2f"},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    return {"data": traces, "layout": layout}


def _curve(points: Any, name: str, **style: Any) -> Figure:
    return line([round(x, 4) for x, _ in points], [round(y, 4) for _, y in points], name, **style)


def early_table(early: Mapping[str, Any]) -> Table:
    """Build the table of the looks: share seen, accuracy if all were answered, share that the rule answers there."""
    rows = [
        [
            "end" if one["steps"] is None else f"{one['steps']:,} steps",
            share(one["seen"]),
            number(one["accuracy"]),
            share(one["answered"], 1),
        ]
        for one in early["looks"]
    ]
    return {"head": ["Answered after", "Seen", "Accuracy of all", "Answered by the rule"], "rows": rows}
