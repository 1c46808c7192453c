"""HTML of objects in a notebook: escaped, without scripts, in the colours of the page, light or dark."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from limelight.types import Doubles

_POINTS = 120
"""The most points of a sparkline; longer series are shown by the lowest and highest value of each stretch."""
_SIZE, _LARGE_SIZE = (150, 28), (640, 96)
_CELLS = 160
"""The most cells of colour; the importance of a longer series is averaged."""
_QUIET = "opacity:.65"
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:middle;border:0"


def html_card(title: str, summary: str, *content: str) -> str:
    """Format a block with a title, a line of text and further HTML.

    Parameters
    ----------
    title, summary
        Text, which is escaped.
    *content
        HTML.

    Returns
    -------
    str
        HTML without scripts and without colours of its own.

    Example
    -------
    >>> html_card("Panel", "<2 series>")
    '<div style="color:inherit;line-height:1.5"><b>Panel</b> &lt;2 series&gt;</div>'
    """
    inner = "".join(content)
    return f'<div style="color:inherit;line-height:1.5"><b>{escape(title)}</b> {escape(summary)}{inner}</div>'


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], omitted: str = "") -> str:
    """Format a table.

    Parameters
    ----------
    header
        Titles of the columns, as text, which is escaped.
    rows
        Cells as HTML: escape text with ``html.escape``.
    omitted
        A line below the table, as text; empty for none.

    Returns
    -------
    str
        HTML.
    """
    style = f"background:none;color:inherit;{_CELL}"
    top = "".join(f'<th style="{style};{_QUIET}">{escape(title)}</th>' for title in header)
    body = "".join(
        '<tr style="background:none">' + "".join(f'<td style="{style}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    below = f'<div style="{_QUIET}">{escape(omitted)}</div>' if omitted else ""
    head = f'<thead><tr style="background:none">{top}</tr></thead>' if any(header) else ""
    return f'<table style="border:0;margin:4px 0;color:inherit">{head}<tbody>{body}</tbody></table>{below}'


def sparkline(values: ArrayLike, title: str = "") -> str:
    """Draw one channel of a series as a small line; a missing value is a gap.

    Parameters
    ----------
    values
        Shape (time,).
    title
        Shown when the pointer rests on it, and read by screen readers.

    Returns
    -------
    str
        An SVG element in the colour of the text.

    Example
    -------
    >>> sparkline([0.0, 1.0, float("nan"), 0.0]).count("M")
    2
    """
    width, height = _SIZE
    label = escape(title, quote=True)
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{label}" style="vertical-align:middle">'
        f"<title>{label}</title>{_line(np.asarray(values, dtype=np.float64).reshape(-1), width, height)}</svg>"
    )


def coloured_line(values: ArrayLike, importance: ArrayLike, title: str = "") -> str:
    """Draw one channel of a series over the colours of its importance; a cell names its numbers under the pointer.

    Parameters
    ----------
    values
        Shape (time,); a missing value is a gap.
    importance
        Of each step, shape (time,): orange if positive, purple if negative, the stronger the larger.
    title
        Read by screen readers.

    Returns
    -------
    str
        An SVG element without a script.

    Example
    -------
    >>> svg = coloured_line([1.0, 2.0], [0.5, -1.0])
    >>> svg.count("<rect"), "step 1: -1, value 2" in svg
    (2, True)
    """
    series, weights = (np.asarray(one, dtype=np.float64).reshape(-1) for one in (values, importance))
    width, height = _LARGE_SIZE
    edges = np.linspace(0, len(series), min(len(series), _CELLS) + 1).astype(int)
    means = [float(weights[start:stop].mean()) for start, stop in itertools.pairwise(edges)]
    peak = max((abs(mean) for mean in means), default=0.0) or 1.0
    cells = []
    for (start, stop), mean in zip(itertools.pairwise(edges), means, strict=True):
        left, right = (2 + (width - 4) * edge / len(series) for edge in (start, stop))
        known = series[start:stop][np.isfinite(series[start:stop])]
        place = f"step {start}" if stop - start == 1 else f"steps {start} to {stop - 1}"
        value = f"value {known.mean():.4g}" if len(known) else "missing"
        cells.append(
            f'<rect x="{left:.1f}" width="{right - left:.1f}" height="{height}" '
            f'fill="{"darkorange" if mean >= 0 else "slateblue"}" opacity="{0.8 * abs(mean) / peak:.2f}">'
            f"<title>{place}: {mean:+.3g}, {value}</title></rect>"
        )
    label = escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}" style="width:100%;max-width:{width}px">'
        f'{"".join(cells)}<g pointer-events="none">{_line(series, width, height)}</g></svg>'
    )


def _line(values: Doubles, width: int, height: int) -> str:
    """Return a path over the whole size with the shape of a series."""
    array = _outline(values)
    known = array[np.isfinite(array)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    across = np.linspace(2, width - 2, max(len(array), 2))
    scaled = (array - low) / ((high - low) or 1.0)
    up = height - 2 - (height - 4) * (scaled if high > low else np.where(np.isfinite(array), 0.5, np.nan))
    path, is_open = [], False
    for x, y in zip(across, up, strict=False):
        if np.isfinite(y):
            path.append(f"{'L' if is_open else 'M'}{x:.1f},{y:.1f}" if is_open else f"M{x:.1f},{y:.1f}h.1")
        is_open = bool(np.isfinite(y))
    return f'<path d="{"".join(path)}" fill="none" stroke="currentColor" stroke-width="1.2"/>'


def html_bar(share: float, width: int = 80) -> str:
    """Draw a share in [0, 1] as a bar in the colour of the text."""
    filled = width * min(max(share, 0.0), 1.0)
    return (
        f'<svg width="{width}" height="10" style="vertical-align:middle"><rect width="{width}" height="10" '
        f'fill="currentColor" opacity=".12"/><rect width="{filled:.1f}" height="10" fill="currentColor" opacity=".6"/>'
        "</svg>"
    )


def _outline(values: Doubles) -> Doubles:
    """Return the lowest and the highest value of each of at most ``_POINTS / 2`` stretches, in order of time."""
    if len(values) <= _POINTS:
        return values
    kept = []
    for stretch in np.array_split(values, _POINTS // 2):
        if np.isnan(stretch).all():
            kept += [np.nan, np.nan]
        else:
            ends = sorted((int(np.nanargmin(stretch)), int(np.nanargmax(stretch))))
            kept += [float(stretch[ends[0]]), float(stretch[ends[1]])]
    return np.array(kept)
