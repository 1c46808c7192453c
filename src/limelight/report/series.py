"""Series figures: the channels of one series in panels, importance as colour behind them, per-step labels below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.outline import outline, smooth
from limelight.data.panel import Panel
from limelight.model.fitted import numbered
from limelight.report.highlights import threshold_of
from limelight.report.inputs import ReportInputs, StepImportance
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
    line_style,
    literal,
    packed,
)
from limelight.task import UNKNOWN
from limelight.types import Floats

MOST_CHANNELS = 12
MOST_POINTS = 2_000
MOST_POINTS_OF_ALL = 8_000
MOST_CELLS = 600
MOST_LANES = 12
MOST_PROBABILITIES = 6
MOST_BARS = 400
MOST_LABEL_LETTERS = 14
LEAST_COLOUR_PEAK = 3.0
"""Uniform importance must look faint: the darkest shade is the peak, but at least this many times the mean."""
HEIGHTS = ((1, 170), (2, 110), (4, 80), (6, 56), (MOST_CHANNELS, 40))
"""Pairs of a number of channels and the height in pixels of each channel panel up to this number."""
LANE_HEIGHT, PROBABILITY_HEIGHT, GAP, ABOVE, BELOW = 26, 90, 20, 20, 44


FEWEST_STRIPES, MOST_STRIPES = 8, 200
"""Importance is averaged over at most and at least this part of a series: finer stripes cannot be distinguished."""
MOST_MARKED = 40
"""The most points of a line that are marked one by one."""
REGULAR_SHARE, GAP_STEPS = 0.5, 1.5
"""If this share of the steps takes the median time, a step that takes this many times as long is a gap."""


@dataclass(frozen=True)
class _Clock:
    """The increasing times of the steps of one series, the edges of each step, and the steps before a gap."""

    steps: Floats
    left: Floats
    right: Floats
    before_gap: NDArray[np.bool_]
    kind: str
    title: str

    @property
    def x(self) -> dict[str, Any]:
        """The times of all steps in their most compact form."""
        if self.kind == "linear" and len(self.steps) > 1 and (np.diff(self.steps) == 1).all():
            return {"x0": float(self.steps[0]), "dx": 1}
        return {"x": self.at(np.arange(len(self.steps)))}

    def at(self, places: NDArray[np.int64]) -> dict[str, str]:
        """Encode the times of some steps."""
        return packed(self.steps[places], "f8")

    def with_gaps(self, places: NDArray[np.int64], columns: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
        """Return times and columns, shape (points, columns), of some steps, with a missing point in each gap."""
        gaps = np.concatenate([[0], np.cumsum(self.before_gap)])
        after = np.flatnonzero(np.diff(gaps[places]) > 0) + 1
        middle = (self.steps[places[after]] + self.steps[places[after - 1]]) / 2
        return np.insert(self.steps[places], after, middle), np.insert(columns, after, np.nan, axis=0)


def series_figure(inputs: ReportInputs, row: int, importance: Mapping[str, StepImportance] | None = None) -> Figure:
    """Draw one series.

    Parameters
    ----------
    inputs
        The inputs of the report.
    row
        The row of the series in the panel.
    importance
        The importance of the steps by method, as returned by ``inputs.explain``; None computes it.

    Returns
    -------
    dict
        ``data`` and ``layout`` of a plotly figure: a panel for each of at most 12 channels, thinned to at most 2,000
        points that keep the lowest and highest value of each stretch; behind the panels, one layer of colour for the
        importance of each method, of which the first is visible, with colours of its own behind each channel if the
        method distinguishes channels; for per-step tasks, one lane of true and predicted
        steps for each label, and the probabilities.
    """
    panel = inputs.panel
    clock = _clock_of(panel, row)
    channels = min(len(panel.channels), MOST_CHANNELS)
    height = next(height for most, height in HEIGHTS if channels <= most)
    importance = inputs.explain(row) if importance is None else importance
    panels = [
        (height, _channel(panel, row, place, clock, importance), _value_axis(panel, place)) for place in range(channels)
    ]
    if inputs.prediction.task.by_step:
        panels += _step_panels(inputs, row, clock)
    figure = _stacked(panels, clock)
    bands = [figure["layout"][f"yaxis{place + 2}"]["domain"] for place in range(channels)]
    layers = [_importance_layer(clock, steps, name, bands) for name, steps in importance.items()]
    figure["data"][:0] = [{**layer, "visible": place == 0} for place, layer in enumerate(layers)]
    figure["layout"]["shapes"] = _true_interval(panel, row, clock)
    return figure


def count_omitted_channels(panel: Panel) -> int:
    """Return the number of channels that are not drawn."""
    return max(0, len(panel.channels) - MOST_CHANNELS)


def _clock_of(panel: Panel, row: int) -> _Clock:
    times = panel.clock(row)
    dates = times.dtype.kind == "M"
    steps = times.astype("datetime64[us]").astype(np.float64) / 1000 if dates else times.astype(np.float64)
    timed = panel.times is not None and np.isfinite(steps).all() and bool((np.diff(steps) > 0).all())
    if not timed:
        steps = np.arange(len(times), dtype=np.float64)
    elapsed = np.diff(steps)
    usual = float(np.median(elapsed)) if len(elapsed) else 1.0
    regular = len(elapsed) > 0 and float(np.isclose(elapsed, usual, rtol=0.01).mean()) >= REGULAR_SHARE
    gap = (elapsed > GAP_STEPS * usual) if regular else np.zeros(len(elapsed), dtype=bool)
    middles = (steps[1:] + steps[:-1]) / 2
    left = np.concatenate([[steps[0] - usual / 2], np.where(gap, steps[1:] - usual / 2, middles)])
    right = np.concatenate([np.where(gap, steps[:-1] + usual / 2, middles), [steps[-1] + usual / 2]])
    unit = panel.units.get("time")
    title = "step" if not timed else "" if dates else f"time ({literal(unit, 20)})" if unit else "time"
    return _Clock(steps, left, right, gap, "date" if timed and dates else "linear", title)


def _channel(
    panel: Panel, row: int, place: int, clock: _Clock, importance: Mapping[str, StepImportance]
) -> list[Figure]:
    values = panel.series(row)[:, place].astype(np.float64)
    most = min(MOST_POINTS, MOST_POINTS_OF_ALL // min(len(panel.channels), MOST_CHANNELS))
    keep = outline(values, most)
    shown = {
        name: (steps.importance[:, None] if steps.channels is None else steps.channels[:, [place]], steps)
        for name, steps in importance.items()
        if place == 0 or steps.channels is not None
    }
    # weights are shown as multiples of uniform attention
    columns = [
        smooth(own, width_of_stripes(steps, len(values))) * (1 if steps.target else len(values))
        for own, steps in shown.values()
    ]
    table = np.concatenate([values[:, None], *columns], axis=1)[keep]
    times, drawn = clock.with_gaps(keep, table)
    trace = line(packed(times, "f8"), packed(drawn[:, 0]), _name(panel, place), color=INK, width=1.3)
    if len(drawn) == len(values):
        trace.pop("x")
        trace |= clock.x
    isolated = _isolated(drawn[:, 0])
    marked = isolated | (len(drawn) <= MOST_MARKED)
    if marked.any():
        trace |= {"mode": "lines+markers", "marker": {"color": INK, "size": np.where(marked, 4, 0).tolist()}}
    trace["hovertemplate"] = "%{y:.5~g}"
    if shown:
        trace["customdata"] = packed(drawn[:, 1:])
        trace["hovertemplate"] += "".join(
            f"<br>{name} %{{customdata[{number}]:{'+.2~g' if steps.target else '.3~g'}}}"
            + (f" for {literal(steps.target, 20)}" if steps.target else " × uniform")  # noqa: RUF001
            for number, (name, (_, steps)) in enumerate(shown.items())
        )
    return [trace]


def width_of_stripes(steps: StepImportance, length: int) -> int:
    """Return over how many steps the importance is averaged: what the model resolves, and no less than can be seen."""
    return max(1, min(length // FEWEST_STRIPES, max(steps.resolution, -(-length // MOST_STRIPES))))


def _isolated(values: Floats) -> NDArray[np.bool_]:
    """Find the values that a line would not show because both neighbours are missing."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    isolated: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return isolated


def _name(panel: Panel, place: int) -> str:
    if numbered(panel.channels):
        return "value" if len(panel.channels) == 1 else f"channel {place}"
    return panel.channels[place]


def _value_axis(panel: Panel, place: int) -> dict[str, Any]:
    unit = panel.units.get(panel.channels[place])
    name = _name(panel, place)
    title = literal(f"{name} ({unit})" if unit else name)
    return {
        "caption": "" if title == "value" else title,
        "nticks": 4 if len(panel.channels) < 3 else 2 if len(panel.channels) > 6 else 3,
        "zeroline": False,
    }


def _step_panels(inputs: ReportInputs, row: int, clock: _Clock) -> list[tuple[int, list[Figure], dict[str, Any]]]:
    """Return the panel of label lanes and the panel of probabilities of one series."""
    labelled, own = inputs.labelled, inputs.slice_of(row)
    truth, decided, probabilities = labelled.codes[own], labelled.decisions[own], labelled.probabilities[own]
    lanes = _lanes(inputs, row)
    multilabel = labelled.task.multilabel
    shown = lanes[:MOST_PROBABILITIES]
    bars: list[Figure] = []
    for lane, place in enumerate(lanes):
        is_true, is_predicted = (
            (codes[:, place] == 1) if multilabel else (codes == place) for codes in (truth, decided)
        )
        known = (truth[:, place] if multilabel else truth) != UNKNOWN
        for mask, colour, offset in (
            (is_true, INK, 0.2),
            (~known, FAINT, 0.2),
            (is_predicted & (is_true | ~known), ACCENT, -0.2),
            (is_predicted & ~is_true & known, WRONG, -0.2),
        ):
            bars += _bars(mask, clock, offset - lane, colour)
    names = [
        f'<span style="color:{line_style(lane)["color"]}">{literal(labelled.names[place], MOST_LABEL_LETTERS)}</span>'
        if place in shown
        else literal(labelled.names[place], MOST_LABEL_LETTERS)
        for lane, place in enumerate(lanes)
    ]
    axis = {
        "range": [-len(lanes) + 0.4, 0.6],
        "tickvals": [-lane for lane in range(len(lanes))],
        "ticktext": names,
        "labels": [labelled.names[place] for place in lanes],
        "showgrid": False,
        "zeroline": False,
        "caption": "",
    }
    lines = [
        _probability_line(probabilities[:, place], clock, labelled.names[place], lane)
        for lane, place in enumerate(shown)
    ]
    given = inputs.prediction.thresholds
    thresholds = [] if given is None else [threshold_of(labelled, given, place) for place in shown]
    threshold_lines = [_threshold_line(threshold, clock, lane) for lane, threshold in enumerate(thresholds)]
    top = max(float(probabilities[:, shown].max(initial=0.0)), max(thresholds, default=0.0))
    top = 1.0 if top > 0.4 else max(1.2 * min(top, 1.0), 0.02)
    probability_axis = {"range": [-0.03 * top, 1.03 * top], "nticks": 3, "zeroline": False, "caption": "probability"}
    return [
        (LANE_HEIGHT * len(lanes) + 8, bars, axis),
        (PROBABILITY_HEIGHT, [*threshold_lines, *lines], probability_axis),
    ]


def _lanes(inputs: ReportInputs, row: int) -> list[int]:
    """Choose the labels to show: the positive class of a binary task, or labels true or predicted in this series."""
    labelled, own = inputs.labelled, inputs.slice_of(row)
    if labelled.task.kind == "binary":
        return [labelled.task.positive_index]
    truth, decided = labelled.codes[own], labelled.decisions[own]
    places = len(labelled.names)
    if labelled.task.multilabel:
        counts = (truth == 1).sum(axis=0) + (decided == 1).sum(axis=0)
    else:
        counts = np.bincount(truth[truth != UNKNOWN], minlength=places) + np.bincount(decided, minlength=places)
    if places > MOST_PROBABILITIES:  # few of many labels occur in one series
        most_frequent = np.argsort(-counts, kind="stable")[: max(1, min(MOST_LANES, int((counts > 0).sum())))]
        return sorted(most_frequent.tolist())
    return list(range(places))


def _bars(mask: NDArray[np.bool_], clock: _Clock, y: float, colour: str) -> list[Figure]:
    """Return a bar for each stretch of masked steps; if there are very many, for the longest."""
    joined = mask[1:] & mask[:-1] & ~clock.before_gap
    first = np.flatnonzero(mask & ~np.concatenate([[False], joined]))
    last = np.flatnonzero(mask & ~np.concatenate([joined, [False]]))
    starts, stops = clock.left[first], clock.right[last]
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
            "marker": {"color": colour, "line": {"width": 0}},
            "hoverinfo": "skip",
        }
    ]


def _probability_line(probabilities: Floats, clock: _Clock, name: str, lane: int) -> Figure:
    keep = outline(probabilities, MOST_POINTS // 2)
    times, drawn = clock.with_gaps(keep, probabilities[keep, None].astype(np.float64))
    style = {**line_style(lane), "width": 1.5}
    return line(packed(times, "f8"), packed(drawn[:, 0]), name, **style, hovertemplate="%{y:.3f}")


def _threshold_line(threshold: float, clock: _Clock, lane: int) -> Figure:
    style = {"color": line_style(lane)["color"], "dash": "dot", "width": 1}
    ends = clock.at(np.array([0, len(clock.steps) - 1]))
    return {**line(ends, [threshold, threshold], "threshold", **style), "hoverinfo": "skip"}


def _stacked(panels: list[tuple[int, list[Figure], dict[str, Any]]], clock: _Clock) -> Figure:
    """Stack panels on one time axis; the first y axis spans all of them and is kept for the importance layers."""
    inner = sum(height for height, _, _ in panels) + GAP * (len(panels) - 1)
    data: list[Figure] = []
    letters = max((len(label) for _, _, axis in panels for label in axis.get("labels", ())), default=0)
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
        text = axis["caption"]
        layout[f"yaxis{number}"] = {
            "domain": domain,
            "fixedrange": True,
            "anchor": "x",
            **{key: axis[key] for key in axis if key not in ("caption", "labels")},
        }
        if text:
            layout["annotations"].append(caption(text, domain[1]))
        data += [{**trace, "yaxis": f"y{number}"} for trace in traces]
        top -= height + GAP
    ends = [float(clock.left[0]), float(clock.right[-1])]
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


def caption(text: str, top: float) -> dict[str, Any]:
    """Return the annotation that names a panel, at the height of its top, in [0, 1]."""
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": top, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "yshift": -2, "text": text, "showarrow": False}


def _importance_layer(clock: _Clock, steps: StepImportance, name: str, bands: list[list[float]]) -> Figure:
    """Return a heatmap of the smoothed importance over time; a gap in time has no colour.

    Channels that are distinguished have a row of cells each, as high as their panel, with empty rows between.
    """
    signed = steps.target is not None
    by_channel = None if len(bands) == 1 else steps.channels
    numbers = steps.importance[:, None] if by_channel is None else by_channel[:, : len(bands)]
    n = len(numbers)
    numbers = smooth(numbers, width_of_stripes(steps, n))
    starts = np.union1d(np.arange(0, n, -(-n // MOST_CELLS)), np.flatnonzero(clock.before_gap) + 1)
    ends = np.append(starts[1:], n) - 1
    sizes = np.abs(numbers)
    peak = max(float(sizes.max(initial=0.0)), LEAST_COLOUR_PEAK * float(sizes.mean())) or 1.0
    means = np.add.reduceat(numbers, starts, axis=0) / (ends - starts + 1)[:, None]
    edges: list[float] = [float(clock.left[0])]
    filled: list[list[float | None]] = [[] for _ in means.T]
    for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        is_after_gap = bool(place and clock.before_gap[start - 1])
        edges += [float(clock.left[start]), float(clock.right[end])] if is_after_gap else [float(clock.right[end])]
        for cells, mean in zip(filled, means[place].tolist(), strict=True):
            cells += [None, float(f"{mean:.4g}")] if is_after_gap else [float(f"{mean:.4g}")]
    heights, rows = [0.0, 1.0], filled
    if by_channel is not None:
        empty: list[float | None] = [None] * len(filled[0])
        heights = [edge for bottom, top in reversed(bands) for edge in (bottom, top)]
        rows = [row for own in reversed(filled) for row in (own, empty)][:-1]
    return {
        "type": "heatmap",
        "name": name,
        "x": packed(edges, "f8"),
        "y": heights,
        "z": rows,
        "hoverongaps": False,
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
    ends = {"x0": float(clock.left[start]), "x1": float(clock.right[min(stop, len(clock.steps)) - 1])}
    return [{"type": "rect", "yref": "paper", "y0": 0, "y1": 0.035, **ends, "fillcolor": ACCENT, "line": {"width": 0}}]
