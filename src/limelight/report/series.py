"""One series as a figure: its channels in panels, the attention behind, and the labels of its steps below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.model.fitted import numbered
from limelight.report.highlights import threshold_of
from limelight.report.inputs import Counted, ReportInputs
from limelight.report.plotting import (
    ACCENT,
    DIVERGING_SCALE,
    FAINT,
    GLOW_SCALE,
    INK,
    LINE,
    WRONG,
    Figure,
    line,
    literal,
    look_of,
    packed,
)
from limelight.task import UNKNOWN
from limelight.types import Floats

MOST_CHANNELS = 12
MOST_POINTS = 2_000
MOST_POINTS_OF_ALL = 8_000
MOST_CELLS = 600
MOST_LANES = 12
MOST_CHANCES = 6
MOST_BARS = 400
MOST_LABEL_LETTERS = 14
LEAST_COLOUR_PEAK = 3.0
"""What is spread evenly must look faint: the darkest shade is the peak, yet at least so many times the mean."""
HEIGHTS = ((1, 170), (2, 110), (4, 80), (6, 56), (MOST_CHANNELS, 40))
"""Up to how many channels, and how high each is then, in pixels."""
LANE, CHANCES, GAP, ABOVE, BELOW = 26, 90, 20, 20, 44


@dataclass(frozen=True)
class _Clock:
    """The times of the steps of one series, rising, and the edges between them."""

    steps: Floats
    edges: Floats
    kind: str
    title: str

    @property
    def x(self) -> dict[str, Any]:
        """The times of all steps in the shortest form."""
        if self.kind == "linear" and len(self.steps) > 1 and (np.diff(self.steps) == 1).all():
            return {"x0": float(self.steps[0]), "dx": 1}
        return {"x": self.at(np.arange(len(self.steps)))}

    def at(self, places: NDArray[np.int64]) -> dict[str, str]:
        """The times of some steps."""
        return packed(self.steps[places], "f8")


def series_figure(facts: ReportInputs, row: int, counted: Mapping[str, Counted] | None = None) -> Figure:
    """Draw one series.

    Parameters
    ----------
    facts
        Of the run.
    row
        Which series of the panel.
    counted
        As from ``facts.counted_in``; None asks for it.

    Returns
    -------
    dict
        ``data`` and ``layout`` of a plotly figure: a panel for each of at most 12 channels, thinned to at most 2,000
        points each, which keep the lowest and the highest of each stretch; behind them as colour what counted, by each
        method, of which the first is visible; for labels of steps a lane for each label with where it is true and where
        it was answered, and the probabilities.
    """
    panel = facts.panel
    clock = _clock_of(panel, row)
    channels = min(len(panel.channels), MOST_CHANNELS)
    height = next(height for most, height in HEIGHTS if channels <= most)
    counted = facts.counted_in(row) if counted is None else counted
    panels = [
        (height, _channel(panel, row, place, clock, counted), _value_axis(panel, place)) for place in range(channels)
    ]
    if facts.prediction.task.by_step:
        panels += _answered_steps(facts, row, clock)
    figure = _stacked(panels, clock)
    behind = [_behind(clock, one, name) for name, one in counted.items()]
    figure["data"][:0] = [{**one, "visible": place == 0} for place, one in enumerate(behind)]
    figure["layout"]["shapes"] = _true_interval(panel, row, clock)
    return figure


def left_out(panel: Panel) -> int:
    """Say how many channels are not drawn."""
    return max(0, len(panel.channels) - MOST_CHANNELS)


def outline(values: Floats, most: int) -> NDArray[np.int64]:
    """Choose steps that keep the look of a line.

    Parameters
    ----------
    values
        Shape (time,), NaN where one is missing.
    most
        How many steps at most, at least 4.

    Returns
    -------
    NDArray[np.int64]
        All of a short line; else the first, the last, and the lowest and the highest of each of equal stretches.

    Example
    -------
    >>> outline(np.array([0.0, 1, 2, 9, 4, 5, 6, -3, 8, 9, 1, 2]), 6).tolist()
    [0, 3, 7, 9, 11]
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    width = -(-n // ((most - 2) // 2))
    stretches = -(-n // width)
    padded = np.full(stretches * width, np.nan)
    padded[:n] = values
    table, starts = padded.reshape(stretches, width), np.arange(stretches) * width
    # A missing value is neither lowest nor highest, so that only a stretch without any known value becomes a gap.
    low = starts + np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = starts + np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    return np.unique(np.concatenate([[0], low, high, [n - 1]]))


def _clock_of(panel: Panel, row: int) -> _Clock:
    times = panel.clock(row)
    dates = times.dtype.kind == "M"
    steps = times.astype("datetime64[us]").astype(np.float64) / 1000 if dates else times.astype(np.float64)
    timed = panel.times is not None and np.isfinite(steps).all() and bool((np.diff(steps) > 0).all())
    if not timed:
        steps = np.arange(len(times), dtype=np.float64)
    middles = (steps[1:] + steps[:-1]) / 2
    half = float(np.median(np.diff(steps))) / 2 if len(steps) > 1 else 0.5
    edges = np.concatenate([[steps[0] - half], middles, [steps[-1] + half]])
    unit = panel.units.get("time")
    title = "step" if not timed else "" if dates else f"time ({literal(unit, 20)})" if unit else "time"
    return _Clock(steps, edges, "date" if timed and dates else "linear", title)


def _channel(panel: Panel, row: int, place: int, clock: _Clock, counted: Mapping[str, Counted]) -> list[Figure]:
    values = panel.series(row)[:, place].astype(np.float64)
    most = min(MOST_POINTS, MOST_POINTS_OF_ALL // min(len(panel.channels), MOST_CHANNELS))
    keep = outline(values, most)
    whole = len(keep) == len(values)
    trace = line(None, packed(values[keep]), _name(panel, place), color=INK, width=1.3)
    trace.pop("x")
    trace |= clock.x if whole else {"x": clock.at(keep)}
    alone = _alone(values[keep])
    if alone.any():
        trace |= {"mode": "lines+markers", "marker": {"color": INK, "size": np.where(alone, 4, 0).tolist()}}
    trace["hovertemplate"] = "%{y:.5~g}"
    if counted and place == 0:
        columns = [one.importance * (1 if one.target else len(values)) for one in counted.values()]
        trace["customdata"] = packed(np.stack(columns, axis=1)[keep])
        trace["hovertemplate"] += "".join(
            f"<br>{name} %{{customdata[{number}]:{'+.2~g' if one.target else '.3~g'}}}"
            + (f" for {literal(one.target, 20)}" if one.target else " × even")  # noqa: RUF001
            for number, (name, one) in enumerate(counted.items())
        )
    return [trace]


def _alone(values: Floats) -> NDArray[np.bool_]:
    """Find the values that no line would show, as both neighbours are missing."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    alone: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone


def _name(panel: Panel, place: int) -> str:
    if numbered(panel.channels):
        return "value" if len(panel.channels) == 1 else f"channel {place}"
    return panel.channels[place]


def _value_axis(panel: Panel, place: int) -> dict[str, Any]:
    unit = panel.units.get(panel.channels[place])
    name = _name(panel, place)
    title = literal(f"{name} ({unit})" if unit else name)
    return {
        "said": "" if title == "value" else title,
        "nticks": 4 if len(panel.channels) < 3 else 2 if len(panel.channels) > 6 else 3,
        "zeroline": False,
    }


def _answered_steps(facts: ReportInputs, row: int, clock: _Clock) -> list[tuple[int, list[Figure], dict[str, Any]]]:
    """Give the panel of lanes and the panel of probabilities of one series."""
    answers, mine = facts.answers, facts.answers_of(row)
    truth, decided, chances = answers.codes[mine], answers.decisions[mine], answers.probabilities[mine]
    lanes = _lanes(facts, row)
    several = answers.task.multilabel
    shown = lanes[:MOST_CHANCES]
    bars: list[Figure] = []
    for lane, place in enumerate(lanes):
        there, said = ((each[:, place] == 1) if several else (each == place) for each in (truth, decided))
        known = (truth[:, place] if several else truth) != UNKNOWN
        for which, kind, up in ((there, INK, 0.2), (~known, FAINT, 0.2), (said & (there | ~known), ACCENT, -0.2),
                                (said & ~there & known, WRONG, -0.2)):  # fmt: skip
            bars += _bars(which, clock, -lane + up, kind)
    names = [
        f'<span style="color:{look_of(lane)["color"]}">{literal(answers.names[place], MOST_LABEL_LETTERS)}</span>'
        if place in shown
        else literal(answers.names[place], MOST_LABEL_LETTERS)
        for lane, place in enumerate(lanes)
    ]
    axis = {
        "range": [-len(lanes) + 0.4, 0.6],
        "tickvals": [-lane for lane in range(len(lanes))],
        "ticktext": names,
        "words": [answers.names[place] for place in lanes],
        "showgrid": False,
        "zeroline": False,
        "said": "",
    }
    lines = [_chance(chances[:, place], clock, answers.names[place], lane) for lane, place in enumerate(shown)]
    given = facts.prediction.thresholds
    at = [] if given is None else [threshold_of(answers, given, place) for place in shown]
    limits = [_limit(threshold, clock, lane) for lane, threshold in enumerate(at)]
    top = max(float(chances[:, shown].max(initial=0.0)), max(at, default=0.0))
    top = 1.0 if top > 0.4 else max(1.2 * min(top, 1.0), 0.02)
    below = {"range": [-0.03 * top, 1.03 * top], "nticks": 3, "zeroline": False, "said": "probability"}
    return [(LANE * len(lanes) + 8, bars, axis), (CHANCES, [*limits, *lines], below)]


def _lanes(facts: ReportInputs, row: int) -> list[int]:
    """Choose the labels to show: the positive one of two, or those that are true or answered in this series."""
    answers, mine = facts.answers, facts.answers_of(row)
    if answers.task.kind == "binary":
        return [answers.task.positive_index]
    truth, decided = answers.codes[mine], answers.decisions[mine]
    places = len(answers.names)
    if answers.task.multilabel:
        counts = (truth == 1).sum(axis=0) + (decided == 1).sum(axis=0)
    else:
        counts = np.bincount(truth[truth != UNKNOWN], minlength=places) + np.bincount(decided, minlength=places)
    if places > MOST_CHANCES:  # few are there at a time
        wanted = np.argsort(-counts, kind="stable")[: max(1, min(MOST_LANES, int((counts > 0).sum())))]
        return sorted(wanted.tolist())
    return list(range(places))


def _bars(which: NDArray[np.bool_], clock: _Clock, y: float, color: str) -> list[Figure]:
    """Give a bar for each stretch where something holds; of very many the longest."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(np.int8)))
    starts, stops = clock.edges[change[::2]], clock.edges[change[1::2]]
    if not len(starts):
        return []
    if len(starts) > MOST_BARS:
        longest = np.sort(np.argsort(starts - stops, kind="stable")[:MOST_BARS])
        starts, stops = starts[longest], stops[longest]
    return [
        {
            "type": "bar",
            "orientation": "h",
            "base": packed(starts, "f8"),
            "x": packed(stops - starts, "f8"),
            "y": [y] * len(starts),
            "width": 0.34,
            "marker": {"color": color, "line": {"width": 0}},
            "hoverinfo": "skip",
        }
    ]


def _chance(chances: Floats, clock: _Clock, name: str, lane: int) -> Figure:
    keep = outline(chances, MOST_POINTS // 2)
    look = {**look_of(lane), "width": 1.5}
    return line(clock.at(keep), packed(chances[keep]), name, **look, hovertemplate="%{y:.3f}")


def _limit(threshold: float, clock: _Clock, lane: int) -> Figure:
    look = {"color": look_of(lane)["color"], "dash": "dot", "width": 1}
    ends = clock.at(np.array([0, len(clock.steps) - 1]))
    return {**line(ends, [threshold, threshold], "threshold", **look), "hoverinfo": "skip"}


def _stacked(panels: list[tuple[int, list[Figure], dict[str, Any]]], clock: _Clock) -> Figure:
    """Put panels above each other on one time axis; the first axis of y, over all of them, stays for what is behind."""
    inner = sum(height for height, _, _ in panels) + GAP * (len(panels) - 1)
    data: list[Figure] = []
    letters = max((len(word) for _, _, axis in panels for word in axis.get("words", ())), default=0)
    left = max(52, 12 + 7 * min(letters, MOST_LABEL_LETTERS))
    layout: Figure = {
        "height": inner + ABOVE + BELOW,
        "margin": {"t": ABOVE, "b": BELOW, "l": left, "r": 12},
        "barmode": "overlay",
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "yaxis": {"domain": [0, 1], "visible": False, "fixedrange": True, "range": [0, 1]},
        "annotations": [],
    }
    top = float(inner)
    for number, (height, traces, axis) in enumerate(panels, start=2):
        domain = [max(0.0, (top - height) / inner), top / inner]
        said = axis["said"]
        layout[f"yaxis{number}"] = {
            "domain": domain,
            "fixedrange": True,
            "anchor": "x",
            **{key: axis[key] for key in axis if key not in ("said", "words")},
        }
        if said:
            layout["annotations"].append(_caption(said, domain[1]))
        data += [{**trace, "yaxis": f"y{number}"} for trace in traces]
        top -= height + GAP
    ends = [float(clock.edges[0]), float(clock.edges[-1])]
    layout["xaxis"] = {
        "type": clock.kind,
        "range": ends,
        "anchor": f"y{len(panels) + 1}",
        "showgrid": False,
        "showline": True,
        "linecolor": LINE,
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "hovered data",
        "spikethickness": 1,
        "spikecolor": FAINT,
        "spikedash": "solid",
        "title": {"text": clock.title},
    }
    return {"data": data, "layout": layout}


def _caption(said: str, top: float) -> dict[str, Any]:
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": top, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "yshift": -2, "text": said, "showarrow": False}


def _behind(clock: _Clock, counted: Counted, name: str) -> Figure:
    """Colour the time behind the channels; of a long series each cell is the peak of its steps."""
    numbers, signed = counted.importance, counted.target is not None
    n = len(numbers)
    starts = np.arange(0, n, -(-n // MOST_CELLS))
    high, low = (way.reduceat(numbers, starts) for way in (np.maximum, np.minimum))
    cells = np.where(-low > high, low, high)
    sizes = np.abs(numbers)
    peak = max(float(sizes.max(initial=0.0)), LEAST_COLOUR_PEAK * float(sizes.mean())) or 1.0
    return {
        "type": "heatmap",
        "name": name,
        "x": packed(clock.edges[np.append(starts, n)], "f8"),
        "y": [0, 1],
        "z": [[float(f"{one:.4g}") for one in cells.tolist()]],
        "zmin": -peak if signed else 0,
        "zmax": peak,
        "colorscale": DIVERGING_SCALE if signed else GLOW_SCALE,
        "showscale": False,
        "hoverinfo": "skip",
        "zsmooth": False,
    }


def _true_interval(panel: Panel, row: int, clock: _Clock) -> list[dict[str, Any]]:
    if panel.intervals is None:
        return []
    start, stop = panel.intervals[row].tolist()
    if not 0 <= start < stop or start >= len(clock.steps):
        return []
    ends = {"x0": float(clock.edges[start]), "x1": float(clock.edges[min(stop, len(clock.steps))])}
    return [{"type": "rect", "yref": "paper", "y0": 0, "y1": 0.035, **ends, "fillcolor": ACCENT, "line": {"width": 0}}]
