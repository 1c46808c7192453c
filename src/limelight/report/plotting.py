"""Plotting: plotly figures as plain data that follows plotly's schema."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INK, QUIET, LINE, ACCENT, WRONG, FAINT = "#1b2733", "#5b6770", "#e1e6ea", "#0b6e99", "#c2410c", "#b9c2c9"
COLOURS = ("#0072b2", "#d55e00", "#00795c", "#a3306f", "#3f9fd6", "#8a6200")
"""Distinguishable by colour-blind readers and dark enough on white, after Okabe and Ito."""
DASHES = ("solid", "dash")
GLOW_SCALE = [[0.0, "#ffffff"], [0.25, "#fff0c9"], [0.5, "#ffd778"], [0.75, "#f9b233"], [1.0, "#ef9500"]]
DIVERGING_SCALE = [[0.0, "#7b6bb5"], [1 / 6, "#a99fd2"], [1 / 3, "#dcd8ec"], [0.5, "#ffffff"], [2 / 3, "#fff0c9"],
             [5 / 6, "#fbc45c"], [1.0, "#ef9500"]]  # fmt: skip
"""Orange is evidence for the target, purple against it, as in the static images."""

Figure = dict[str, Any]


def literal(text: str, most: int = 60) -> str:
    """Escape and shorten a user-supplied text, so that plotly does not interpret it as HTML.

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
