"""What decided: which explanation to trust, and what the model depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.report.curves import LEGEND
from limelight.report.plotting import ACCENT, QUIET, Figure, line, literal, look_of, square
from limelight.report.tables import Table, number, share

MOST_IMPORTANCE_BARS = 12
BAR = 26
IMPORTANCE_KINDS = {"channels": "channel", "fields": "metadata", "signals": "signal"}
TITLES = {"channels": "channels", "fields": "metadata", "signals": "side signals"}
LOST = "balanced accuracy lost"


def explain_facts(explanations: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Collect what the page says of explanations that were measured.

    Parameters
    ----------
    explanations
        As from ``measure_explanations``; None where nothing was measured.

    Returns
    -------
    dict[str, Any] | None
        ``said``, ``series``, ``table``, the figures ``deletion`` and ``insertion``, and ``importance``.
    """
    if not explanations:
        return None
    figures = faithfulness_figures(explanations)
    return {
        "said": explanations["said"],
        "series": explanations["series"],
        "table": explanation_table(explanations),
        "importance": importance_facts(explanations.get("importance")),
        **figures,
    }


def explanation_table(explanations: Mapping[str, Any]) -> Table:
    """Lay out how faithful each way to explain is, beside a random order."""
    methods = explanations["methods"]
    known = any(one.get("overlap") for one in methods.values())
    head = ["Method", "Deletion (lower is better)", "Insertion", "Better than random by"]
    rows = []
    for name, one in methods.items():
        gain = "" if name == "random" else f"{number(one['gain'])} ± {number(one['error'])}"
        inside = [share((one.get("overlap") or {}).get("inside"))] if known else []
        rows.append([name, number(one["deletion"]), number(one["insertion"]), gain, *inside])
    return {"head": [*head, "Inside the true interval"] if known else head, "rows": rows}


def faithfulness_figures(explanations: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw how probable the answer stays while the steps that matter most are hidden, or shown, first.

    Parameters
    ----------
    explanations
        As from ``faithfulness``: ``shares``, and ``methods`` by name with ``curves``.

    Returns
    -------
    dict[str, dict]
        ``deletion`` and ``insertion``, with a line for each method and a dotted one for a random order.
    """
    figures = {}
    for way, x_title in (("deletion", "share of steps hidden"), ("insertion", "share of steps shown")):
        traces = []
        for place, (name, one) in enumerate(explanations["methods"].items()):
            style = {"color": QUIET, "dash": "dot"} if name == "random" else look_of(place)
            y = [round(value, 6) for value in one["curves"][way]]
            traces.append(line(explanations["shares"], y, name, width=2, **style, hovertemplate="%{y:.3f}"))
        figures[way] = square(traces, x_title, "probability", 324)
        margin = {"t": 52, "r": 12, "b": 44, "l": 52}
        figures[way]["layout"] |= {"hovermode": "x unified", "showlegend": True, "legend": LEGEND, "margin": margin}
    return figures


def importance_facts(importance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Collect how much worse the model answers with a part of every series taken from another one.

    Parameters
    ----------
    importance
        As from ``importance``, with the number of ``series``; None where it was not measured.

    Returns
    -------
    dict[str, Any] | None
        ``score``, the balanced accuracy, ``series``, ``repeats``; ``figures`` by what they show, with a bar for each
        part; ``left_out``, how many channels, fields and signals have none.
    """
    if importance is None:
        return None
    parts = {
        f"{said} {name}": drop
        for kind, said in IMPORTANCE_KINDS.items()
        for name, drop in importance.get(kind, {}).items()
    }
    most = sorted(parts, key=lambda name: -float(parts[name]["mean"]))[:MOST_IMPORTANCE_BARS]
    figures = {"Stretches of each series": _stretches(importance["stretches"])}
    if len(parts) > 1:
        kinds = [said for kind, said in TITLES.items() if importance.get(kind)]
        figures = {", ".join(kinds).capitalize(): _parts({name: parts[name] for name in most}), **figures}
    return {
        **{key: importance[key] for key in ("score", "series", "repeats")},
        "figures": figures,
        "left_out": len(parts) - len(most) if len(parts) > 1 else 0,
    }


def _parts(drops: Mapping[str, Mapping[str, float]]) -> Figure:
    """Give a bar to the right for each part, the longest above."""
    names = list(drops)
    layout: Figure = {
        "height": BAR * len(names) + 80,
        "margin": {"t": 28, "r": 12, "b": 44, "l": 150},
        "xaxis": {"title": {"text": LOST}, "zeroline": True, "nticks": 6},
        "yaxis": {
            "autorange": "reversed",
            "showgrid": False,
            "tickvals": list(range(len(names))),
            "ticktext": [literal(name, 22) for name in names],
        },
    }
    bars = _bars(drops, "x", "y")
    return {"data": [{**bars, "orientation": "h"}], "layout": layout}


def _stretches(drops: Mapping[str, Mapping[str, float]]) -> Figure:
    """Give a bar upwards for each stretch, in the order of time."""
    layout: Figure = {
        "height": 300,
        "xaxis": {
            "title": {"text": "percent of the way through a series"},
            "showgrid": False,
            "tickvals": [place - 0.5 for place in range(0, len(drops) + 1, 2)],
            "ticktext": [*(name.split("-")[0] for name in list(drops)[::2]), "100"],
        },
        "yaxis": {"title": {"text": LOST}, "zeroline": True, "nticks": 6},
    }
    return {"data": [_bars(drops, "y", "x")], "layout": layout}


def _bars(drops: Mapping[str, Mapping[str, float]], along: str, across: str) -> Figure:
    spread = [round(one["deviation"], 6) for one in drops.values()]
    return {
        "type": "bar",
        along: [round(one["mean"], 6) for one in drops.values()],
        across: list(range(len(drops))),
        "customdata": spread,
        "marker": {"color": ACCENT},
        f"error_{along}": {"type": "data", "array": spread, "color": QUIET, "thickness": 1.2, "width": 3},
        "hovertemplate": f"%{{{along}:.3f}} ± %{{customdata:.3f}}<extra></extra>",
    }
