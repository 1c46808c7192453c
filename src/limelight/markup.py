"""HTML of objects in a notebook: escaped, without scripts, in the colours of the page, light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from limelight.types import Doubles

_POINTS = 120
"""The most points of a sparkline; longer series are shown by the lowest and highest value of each stretch."""
_SIZE = (150, 28)
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
    array = _outline(np.asarray(values, dtype=np.float64).reshape(-1))
    width, height = _SIZE
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
    label = escape(title, quote=True)
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{label}" style="vertical-align:middle">'
        f'<title>{label}</title><path d="{"".join(path)}" fill="none" stroke="currentColor" stroke-width="1.2"/></svg>'
    )


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
