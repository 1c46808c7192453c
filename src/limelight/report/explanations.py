"""Explanations in the report: faithfulness of the methods and permutation importance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.model.fitted import numbered
from limelight.report.curves import LEGEND
from limelight.report.inputs import StepImportance
from limelight.report.plotting import ACCENT, QUIET, Figure, line, line_style, literal, square
from limelight.report.tables import Table, number, share

MOST_IMPORTANCE_BARS = 12
MOST_FIELDS_IN_SUM = 6
MOST_FREQUENCIES, MOST_FREQUENCY_LINES = 400, 3
BAR = 26
IMPORTANCE_KINDS = {"channels": "channel", "fields": "metadata", "signals": "signal"}
TITLES = {"channels": "channels", "fields": "metadata", "signals": "side signals"}
DROP = "drop in balanced accuracy"


def collect_explanations(explanations: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Collect the measured quality of explanations for the page.

    Parameters
    ----------
    explanations
        The result of ``measure_explanations``; None if nothing was measured.

    Returns
    -------
    dict[str, Any] | None
        ``recommendation``, ``series``, ``table``, the figures ``deletion`` and ``insertion``, and ``importance``.
    """
    if not explanations:
        return None
    figures = faithfulness_figures(explanations)
    return {
        "recommendation": explanations["verdict"],
        "series": explanations["series"],
        "table": explanation_table(explanations),
        "importance": collect_importance(explanations.get("importance")),
        **figures,
    }


def explanation_table(explanations: Mapping[str, Any]) -> Table:
    """Build the table of the faithfulness of each method and of a random order."""
    methods = explanations["methods"]
    has_agreement = any(scores.get("agreement") for scores in methods.values())  # not in runs of earlier versions
    has_overlap = any(scores.get("overlap") for scores in methods.values())
    head = ["Method", "Deletion (lower is better)", "Insertion (higher is better)", "Gain over random"]
    rows = []
    for name, scores in methods.items():
        gain = "" if name == "random" else f"{number(scores['gain'])} ± {number(scores['error'])}"
        inside = [share((scores.get("overlap") or {}).get("inside"))] if has_overlap else []
        agreement = _agreement(scores.get("agreement") or {}) if has_agreement else []
        rows.append([name, *agreement, number(scores["deletion"]), number(scores["insertion"]), gain, *inside])
    head = [head[0], *(["Agreement", "Estimated NDCG"] if has_agreement else []), *head[1:]]
    return {"head": [*head, "Inside the true interval"] if has_overlap else head, "rows": rows}


def _agreement(scores: Mapping[str, Any]) -> list[str]:
    """Return the cells of the correlation and of the NDCG, which runs of earlier versions lack."""
    if not scores:
        return ["", ""]
    several = len(scores["by_class"]) > 1
    agreement = f"{number(scores['score'])} ± {number(scores['error'])}" + (f" ({scores['class']})" if several else "")
    if "ndcg" not in scores:
        return [agreement, ""]
    of_class = f"; {scores['ndcg_class']}" if several else ""
    return [agreement, f"{number(scores['ndcg'])} (chance {number(scores['ndcg_by_chance'])}{of_class})"]


def faithfulness_figures(explanations: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw the deletion and insertion curves: the probability of the target as more steps are removed or restored.

    Parameters
    ----------
    explanations
        The result of ``faithfulness``: ``shares``, and ``methods`` by name with ``curves``.

    Returns
    -------
    dict[str, dict]
        ``deletion`` and ``insertion``, with a line for each method and a dotted line for random order.
    """
    figures = {}
    for curve, x_title in (("deletion", "share of steps removed"), ("insertion", "share of steps restored")):
        traces = []
        for place, (name, scores) in enumerate(explanations["methods"].items()):
            style = {"color": QUIET, "dash": "dot"} if name == "random" else line_style(place)
            y = [round(value, 6) for value in scores["curves"][curve]]
            traces.append(line(explanations["shares"], y, name, width=2, **style, hovertemplate="%{y:.3f}"))
        figures[curve] = square(traces, x_title, "probability", 324)
        margin = {"t": 52, "r": 12, "b": 44, "l": 52}
        figures[curve]["layout"] |= {"hovermode": "x unified", "showlegend": True, "legend": LEGEND, "margin": margin}
    return figures


def collect_importance(importance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Collect the permutation importance for the page.

    Parameters
    ----------
    importance
        The result of ``permutation_importance`` and the number of ``series``; None if it was not measured.

    Returns
    -------
    dict[str, Any] | None
        ``score``, the balanced accuracy; ``series``; ``repeats``; ``figures`` by title, with a bar for each input; and
        ``omitted``, the number of channels, fields and signals without a bar.
    """
    if importance is None:
        return None
    drops = {
        f"{prefix} {name}": drop
        for kind, prefix in IMPORTANCE_KINDS.items()
        for name, drop in importance.get(kind, {}).items()
    }
    most = sorted(drops, key=lambda name: -float(drops[name]["mean"]))[:MOST_IMPORTANCE_BARS]
    figures = {"Stretches of each series": _stretch_bars(importance["stretches"])}
    if len(drops) > 1:
        kinds = [title for kind, title in TITLES.items() if importance.get(kind)]
        figures = {", ".join(kinds).capitalize(): _horizontal_bars({name: drops[name] for name in most}), **figures}
    return {
        **{key: importance[key] for key in ("score", "series", "repeats")},
        "figures": figures,
        "omitted": len(drops) - len(most) if len(drops) > 1 else 0,
    }


def describe_sum(method: str, steps: StepImportance) -> dict[str, Any] | None:
    """Describe how the logit of one series adds up, if its importance is a decomposition of the logit.

    Parameters
    ----------
    method
        The name of the explanation method.
    steps
        The importance of the steps of one series.

    Returns
    -------
    dict[str, Any] | None
        ``method``, ``target``, ``logit`` and ``parts``: pairs of a name and what it adds, from the average series over
        all time steps to the most important metadata fields. None if there is no such sum.

    Example
    -------
    >>> steps = StepImportance(np.array([0.5, 1.0]), "fault", fields={"mode": -0.25}, base=0.125)
    >>> describe_sum("evidence", steps)["parts"]
    [('an average series', 0.125), ('its 2 time steps', 1.5), ('mode', -0.25)]
    """
    if steps.base is None:
        return None
    own, most = float(steps.importance.sum(dtype=np.float64)), MOST_FIELDS_IN_SUM
    fields = sorted(steps.fields.items(), key=lambda one: -abs(one[1]))
    rest = [(f"{len(fields) - most} more fields", sum(added for _, added in fields[most:]))] if fields[most:] else []
    count = f"its {len(steps.importance):,} time steps" if len(steps.importance) > 1 else "its time step"
    parts = [("an average series", steps.base), (count, own), *fields[:most], *rest]
    return {"method": method, "target": steps.target, "parts": parts, "logit": sum(added for _, added in parts)}


def frequency_figure(panel: Panel, importance: Mapping[str, StepImportance]) -> Figure | None:
    """Draw what each frequency of one series adds to the logit.

    Parameters
    ----------
    panel
        The panel that contains the series.
    importance
        The importance of its steps by method.

    Returns
    -------
    dict | None
        A figure with a line for each of the most important channels; None if no method distinguishes frequencies.
    """
    found = next((one.frequencies for one in importance.values() if one.frequencies is not None), None)
    if found is None or not np.abs(found).max(initial=0.0):
        return None
    numbers = found.astype(np.float64)
    chosen = sorted(np.argsort(-np.abs(numbers).sum(axis=0), kind="stable")[:MOST_FREQUENCY_LINES].tolist())
    size = -(-len(numbers) // MOST_FREQUENCIES)
    starts = np.arange(0, len(numbers), size)
    cycles = [float(one) for one in starts + 1]
    names = ["value" if numbered(panel.channels) and len(panel.channels) == 1 else name for name in panel.channels]
    traces = []
    for place, channel in enumerate(chosen):
        added = [float(f"{one:.4g}") for one in np.add.reduceat(numbers[:, channel], starts)]
        style = {**line_style(place), "width": 1.5, "shape": "hvh"}
        traces.append(line(cycles, added, names[channel], **style, hovertemplate="%{y:+.3~g}"))
    layout: Figure = {
        "height": 150,
        "hovermode": "x unified",
        "showlegend": len(chosen) > 1,
        "legend": LEGEND,
        "margin": {"t": 20 if len(chosen) < 2 else 44, "r": 12, "b": 44, "l": 52},
        "xaxis": {"title": {"text": "cycles per series"}, "showgrid": False},
        "yaxis": {"nticks": 4, "zeroline": True},
    }
    return {"data": traces, "layout": layout}


def _horizontal_bars(drops: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw a horizontal bar for each input, the longest at the top."""
    names = list(drops)
    layout: Figure = {
        "height": BAR * len(names) + 80,
        "margin": {"t": 28, "r": 12, "b": 44, "l": 150},
        "xaxis": {"title": {"text": DROP}, "zeroline": True, "nticks": 6},
        "yaxis": {
            "autorange": "reversed",
            "showgrid": False,
            "tickvals": list(range(len(names))),
            "ticktext": [literal(name, 22) for name in names],
        },
    }
    bars = _bars(drops, "x", "y")
    return {"data": [{**bars, "orientation": "h"}], "layout": layout}


def _stretch_bars(drops: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw a vertical bar for each stretch, in the order of time."""
    layout: Figure = {
        "height": 300,
        "xaxis": {
            "title": {"text": "position in the series (percent)"},
            "showgrid": False,
            "tickvals": [place - 0.5 for place in range(0, len(drops) + 1, 2)],
            "ticktext": [*(name.split("-")[0] for name in list(drops)[::2]), "100"],
        },
        "yaxis": {"title": {"text": DROP}, "zeroline": True, "nticks": 6},
    }
    return {"data": [_bars(drops, "y", "x")], "layout": layout}


def _bars(drops: Mapping[str, Mapping[str, float]], along: str, across: str) -> Figure:
    spread = [round(drop["deviation"], 6) for drop in drops.values()]
    return {
        "type": "bar",
        along: [round(drop["mean"], 6) for drop in drops.values()],
        across: list(range(len(drops))),
        "customdata": spread,
        "marker": {"color": ACCENT},
        f"error_{along}": {"type": "data", "array": spread, "color": QUIET, "thickness": 1.2, "width": 3},
        "hovertemplate": f"%{{{along}:.3f}} ± %{{customdata:.3f}}<extra></extra>",
    }
