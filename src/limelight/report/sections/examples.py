"""Examples: the training series that a prediction resembles, and the shortest stretch that would turn it."""

from __future__ import annotations

from typing import Any

import numpy as np

from limelight.data.outline import outline
from limelight.data.panel import Panel
from limelight.explanation.examples import Examples
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import ReportInputs
from limelight.report.plotting import ACCENT, INK, QUIET, Figure, line, literal, packed
from limelight.report.section import Section
from limelight.report.series import caption
from limelight.report.tables import Table
from limelight.types import Floats

MOST_CARDS, MOST_CLASSES, MOST_POINTS = 3, 5, 1_000
HEIGHT, GAP, ABOVE, BELOW = 80, 26, 22, 40
CHANGED = "rgba(249, 178, 51, 0.35)"
COLOURS_OF_ROWS = (INK, ACCENT, QUIET)


def _collect(inputs: ReportInputs) -> dict[str, Any] | None:
    """Collect up to three cards: wrong predictions first, then uncertain and confident ones."""
    if inputs.find_examples is None:
        return None
    highlights = choose_highlights(inputs)
    confident = [row for row in highlights.confident.values() if row is not None]
    ranked = [*highlights.wrong[:2], *highlights.uncertain[:1], *confident, *highlights.wrong, *highlights.uncertain]
    rows = list(dict.fromkeys(ranked))[:MOST_CARDS]
    found = inputs.find_examples(rows) if rows else None
    if found is None:
        return None
    examples, background = found
    return {
        "cards": [
            _card(inputs, row, place, examples, background) for place, row in enumerate(rows[: len(examples.ids)])
        ]
    }


def _card(inputs: ReportInputs, row: int, place: int, examples: Examples, background: Panel) -> dict[str, Any]:
    predicted, into = str(examples.predicted[place]), str(examples.turned_into[place])
    nearest = dict(zip(map(str, examples.classes), map(str, examples.nearest[place]), strict=True))
    start, stop = int(examples.start[place]), int(examples.stop[place])
    turned = start >= 0
    shown = [(f"{nearest[predicted]}, nearest {predicted!r}", nearest[predicted])] if nearest[predicted] else []
    if into:
        guide = str(examples.turned_by[place])
        shown.append((f"{guide}, nearest {into!r}", guide))
    truth = inputs.labelled.codes[row]
    return {
        "id": str(examples.ids[place]),
        "predicted": predicted,
        "truth": inputs.labelled.names[int(truth)] if truth >= 0 else "unknown",
        "correct": truth < 0 or inputs.labelled.names[int(truth)] == predicted,
        "into": into,
        "guide": str(examples.turned_by[place]),
        "turned": turned,
        "start": start,
        "stop": stop,
        "steps": int(inputs.panel.lengths[row]),
        "probability": float(examples.probability[place]) if turned else None,
        "table": _table(examples, place),
        "figure": _figure(inputs.panel, row, shown, background, (start, stop) if turned else None),
    }


def _table(examples: Examples, place: int) -> Table:
    order = np.argsort(examples.distances[place], kind="stable")[:MOST_CLASSES].tolist()
    rows = [
        [str(examples.classes[code]), str(examples.nearest[place, code]), f"{examples.distances[place, code]:.3g}"]
        for code in order
        if np.isfinite(examples.distances[place, code])
    ]
    return {"head": ["Class", "Nearest training series", "Distance"], "rows": rows}


def _figure(
    panel: Panel, row: int, shown: list[tuple[str, str]], background: Panel, stretch: tuple[int, int] | None
) -> Figure:
    """Draw one channel of the series and of its examples below each other, on the same scale."""
    others = [(title, int(background.rows_of([name])[0])) for title, name in shown]
    place = _channel(panel, row, background, others[-1][1] if others else None, stretch)
    drawn = [("this series", _values(panel, row, place))]
    drawn += [(title, _values(background, other, place)) for title, other in others]
    inner = HEIGHT * len(drawn) + GAP * (len(drawn) - 1)
    values = np.concatenate([one[np.isfinite(one)] for _, one in drawn])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.05 * (high - low) or 1.0
    name = f": {panel.channels[place]}" if len(panel.channels) > 1 else ""
    figure: Figure = {
        "data": [],
        "layout": {
            "height": inner + ABOVE + BELOW,
            "margin": {"t": ABOVE, "b": BELOW, "l": 52, "r": 12},
            "hovermode": "x unified",
            "annotations": [],
            "shapes": [] if stretch is None else [_shade(*stretch)],
            "xaxis": {"anchor": _axis(len(drawn) - 1), "title": {"text": "step"}, "showgrid": False},
        },
    }
    for number, (title, series) in enumerate(drawn):
        top = 1 - number * (HEIGHT + GAP) / inner
        axis = _axis(number)
        figure["layout"][axis.replace("y", "yaxis")] = {
            "domain": [max(0.0, top - HEIGHT / inner), top],
            "range": [low - margin, high + margin],
            "nticks": 3,
            "zeroline": False,
            "fixedrange": True,
            "anchor": "x",
        }
        figure["layout"]["annotations"].append(caption(literal(title + name), top))
        keep = outline(series, MOST_POINTS)
        trace = line(packed(keep, "f8"), packed(series[keep]), title, color=COLOURS_OF_ROWS[number], width=1.3)
        figure["data"].append({**trace, "yaxis": axis, "hovertemplate": "%{y:.5~g}"})
    return figure


def _values(panel: Panel, row: int, place: int) -> Floats:
    offset = 0.0 if panel.offset is None else float(panel.offset[place])
    values: Floats = panel.series(row)[:, place].astype(np.float64) + offset
    return values


def _axis(number: int) -> str:
    return "y" if number == 0 else f"y{number + 1}"


def _shade(start: int, stop: int) -> dict[str, Any]:
    """Return a rectangle over some steps of all series."""
    ends = {"x0": start - 0.5, "x1": stop - 0.5, "y0": 0, "y1": 1}
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        **ends,
        "fillcolor": CHANGED,
        "line": {"width": 0},
        "layer": "below",
    }


def _channel(panel: Panel, row: int, background: Panel, guide: int | None, stretch: tuple[int, int] | None) -> int:
    """Return the channel that the exchange changes most, in units of its spread; the first without an exchange."""
    if guide is None or stretch is None or len(panel.channels) == 1:
        return 0
    own, other = panel.series(row), background.series(guide)
    stop = min(stretch[1], len(other))
    if stop <= stretch[0]:
        return 0
    change = np.abs(own[stretch[0] : stop] - other[stretch[0] : stop])
    spread = np.nanstd(np.concatenate([own, other]), axis=0)
    return int(np.argmax(np.nan_to_num(np.nanmean(change, axis=0) / np.where(spread > 0, spread, 1.0))))


EXAMPLES_SECTION = Section("examples", "Examples", _collect)
