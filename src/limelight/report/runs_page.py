"""The HTML page of ``limelight runs A B``: scores, differences on the same series, and what changed, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limelight.files import whole_file
from limelight.report.rendering import render_template

RUNS_TEMPLATE = "runs.html.jinja"


def write_runs_page(file: Path, found: Any) -> None:
    """Write the page of a comparison of runs.

    Parameters
    ----------
    file
        The HTML file; it needs no other file and no network.
    found
        A ``RunComparison``.

    Raises
    ------
    OutputError
        If the file cannot be written; an existing page is then unchanged.
    """
    page = render_template(RUNS_TEMPLATE, {"found": found, "pairs": [(pair, _widest(pair)) for pair in found.pairs]})
    with whole_file(file) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _widest(pair: Any) -> float:
    """Return the greatest distance from 0 of an interval, to which the picture of a pair is scaled."""
    if pair.difference is None:
        return 1.0
    ends = [abs(end) for _, low, high in pair.difference.differences.values() for end in (low, high) if end == end]
    return float(max([*ends, 1e-9]))
