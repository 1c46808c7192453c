"""Plotting: plotly figures as plain data that follows plotly's schema."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INK, QUIET, LINE, ACCENT, WRONG, FAINT = "#1b2733", "#5b6770", "#e1e6ea", "#0b6e99", "#c2410c", "#b9c2c9"
COLOURS = ("#0072b2", "#d55e00", "#00795c", "#a3306f", "#3f9fd6", "#8a6200")
"""Distinguishable by colour-blind readers and dark enough on white, after Okabe and Ito; `report.js` knows each."""
DASHES = ("solid", "dash")
GLOW_SCALE = [[0.0, "rgba(249, 178, 51, 0)"], [0.5, "rgba(249, 178, 51, 0.5)"], [1.0, "rgba(239, 149, 0, 0.85)"]]
DIVERGING_SCALE = [
    [0.0, "rgba(123, 107, 181, 0.85)"],
    [0.4999, "rgba(123, 107, 181, 0)"],
    [0.5, "rgba(249, 178, 51, 0)"],
    [0.75, "rgba(249, 178, 51, 0.5)"],
    [1.0, "rgba(239, 149, 0, 0.85)"],
]
"""Orange is evidence for the target, purple against it, as in the static images; transparent on any background."""

Figure = dict[str, Any]


def literal(text: str, most: int = 60) -> str:
    """Convert a user-supplied text to one that plotly shows literally, not as HTML, and cut it if too long.

    Example
    -------
    >>> literal("<b>a & b</b>")
    '&lt;b&gt;a &amp; b&lt;/b&gt;'
    """
    short = text if len(text) <= most else text[: most - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def packed(numbers: NDArray[Any] | Sequence[float], kind: str = "f4") -> dict[str, str]:
    """Encode numbers in plotly's compact form: their bytes in base64.

    Example
    -------
    >>> packed([1.0, 2.0])
    {'dtype': 'f4', 'bdata': 'AACAPwAAAEA='}
    """
    array = np.ascontiguousarray(numbers, dtype=np.dtype(kind).newbyteorder("<"))
    shape = {"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {}
    return {"dtype": kind, "bdata": base64.b64encode(array.tobytes()).decode("ascii"), **shape}


def line_style(place: int) -> dict[str, Any]:
    """Return colour and dash style of one of up to 12 lines."""
    return {"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place // len(COLOURS) % len(DASHES)]}


def line(x: Any, y: Any, name: str, **style: Any) -> Figure:
    """Return a line trace with an escaped name."""
    hover = style.pop("hovertemplate", None)
    trace: Figure = {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": literal(name), "line": style}
    return trace | ({"hovertemplate": hover} if hover else {})


def square(traces: list[Figure], x_title: str, y_title: str, height: int = 380) -> Figure:
    """Return a figure with both axes from 0 to 1."""
    axis = {"range": [-0.01, 1.01], "constrain": "domain", "tickformat": ".1f", "dtick": 0.2}
    layout = {
        "height": height,
        "hovermode": "closest",
        "xaxis": {**axis, "title": {"text": x_title}},
        "yaxis": {**axis, "title": {"text": y_title}},
    }
    return {"data": traces, "layout": layout}
