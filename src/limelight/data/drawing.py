"""A panel in a notebook: its table of a few series with sparklines, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from limelight.errors import ParameterError
from limelight.markup import html_bar, html_card, html_table, sparkline

MOST_ROWS, MOST_CHANNELS, MOST_LISTED, MOST_DRAWN = 4, 5, 8, 12


def panel_html(panel: Any) -> str:
    """Format a panel for a notebook: the summary, the classes, and one series of each of the first classes.

    Parameters
    ----------
    panel
        A ``Panel``.

    Returns
    -------
    str
        HTML with a sparkline for each of up to 5 channels of up to 4 series.
    """
    rows = _examples(panel)
    channels = panel.channels[:MOST_CHANNELS]
    has_labels = panel.labels is not None and panel.labels.ndim == 1
    header = ["series", *(["label"] if has_labels else []), *channels]
    cells = []
    for row in rows:
        values = panel.series(row)
        label = [escape(str(panel.labels[row]))] if has_labels else []
        lines = [sparkline(values[:, place], f"{name} of {panel.ids[row]}") for place, name in enumerate(channels)]
        cells.append([escape(str(panel.ids[row])), *label, *lines])
    omitted = [f"{len(panel) - len(rows):,} more series"] if len(panel) > len(rows) else []
    omitted += [f"{len(panel.channels) - len(channels)} more channels"] if len(panel.channels) > len(channels) else []
    content = [_classes(panel), html_table(header, cells, "and " + " and ".join(omitted) if omitted else "")]
    if panel.metadata is not None:
        content.append(f"<div>metadata: {escape(', '.join(panel.metadata.column_names))}</div>")
    return html_card("Panel", panel.describe(), *content)


def _examples(panel: Any) -> list[int]:
    """Return the first row of each of the first classes; the first rows without labels."""
    if panel.labels is None or panel.labels.ndim != 1:
        return list(range(min(MOST_ROWS, len(panel))))
    _, firsts = np.unique(panel.labels.astype(str), return_index=True)
    return sorted(firsts.tolist())[:MOST_ROWS]


def _classes(panel: Any) -> str:
    if panel.step_labels is not None:
        labels = panel.step_labels
        several = len(labels.names) > 1
        names = labels.names if several else labels.classes
        known = labels.codes[labels.codes >= 0]
        counts = (labels.codes == 1).sum(axis=0) if several else np.bincount(known, minlength=len(names))
        return _counts(names, counts, len(labels), "steps")
    if panel.labels is None or panel.labels.ndim != 1:
        return ""
    names, counts = np.unique(panel.labels.astype(str), return_counts=True)
    return _counts(names.tolist(), counts, len(panel), "series")


def _counts(names: Sequence[str], counts: Any, total: int, unit: str) -> str:
    """Return a table of the most frequent classes."""
    order = np.argsort(-counts, kind="stable")[:MOST_LISTED]
    rows = [[escape(str(names[one])), html_bar(counts[one] / max(total, 1)), f"{counts[one]:,}"] for one in order]
    more = len(names) - len(order)
    return html_table(["class", "share", unit], rows, f"and {more} more" if more else "")


def panel_figure(panel: Any, rows: Sequence[int] | None = None) -> Any:
    """Draw series, one set of axes each, with a line for each channel.

    Parameters
    ----------
    panel
        A ``Panel`` of at least one series.
    rows
        The rows to draw, at most 12; None takes one series of each of the first classes.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ParameterError
        If there are no rows, more than 12, or one that the panel does not have.
    """
    from matplotlib.figure import Figure

    chosen = _examples(panel) if rows is None else [int(row) for row in np.ravel(np.asarray(rows))]
    wrong = [row for row in chosen if not -len(panel) <= row < len(panel)]
    if wrong or not 0 < len(chosen) <= MOST_DRAWN:
        got = f"row {wrong[0]} of {len(panel)} series" if wrong else f"{len(chosen)} rows"
        raise ParameterError(f"expected 1 to {MOST_DRAWN} rows of the panel to plot, got {got}; choose others")
    figure = Figure(figsize=(8, 1.9 * len(chosen) + 0.4), layout="constrained")
    for ax, row in zip(figure.subplots(len(chosen), squeeze=False)[:, 0], chosen, strict=True):
        _draw(ax, panel, row)
    return figure


def _draw(ax: Any, panel: Any, row: int) -> None:
    clock, values = panel.clock(row), panel.series(row)
    for place, name in enumerate(panel.channels[:MOST_CHANNELS]):
        ax.plot(clock, values[:, place], linewidth=1.0, label=name)
    label = "" if panel.labels is None or panel.labels.ndim != 1 else f" | {panel.labels[row]}"
    ax.set_title(f"{panel.ids[row]}{label}", loc="left", fontsize=10, parse_math=False)
    if len(panel.channels) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8)


def split_html(counts: dict[str, int], rule: str) -> str:
    """Format the numbers of series in the parts of a split for a notebook."""
    total = max(1, sum(counts.values()))
    rows = [[escape(name), html_bar(count / total), f"{count:,}"] for name, count in counts.items()]
    return html_card("Split", rule, html_table(["part", "share", "series"], rows))
