"""The HTML page of ``limelight runs A B``: scores, differences on the same series, and what changed, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from limelight.files import whole_file
from limelight.report import tables
from limelight.report.page import HERE, STYLE

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
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(count=tables.count)
    pairs = [(pair, _widest(pair)) for pair in found.pairs]
    style = Markup((HERE / STYLE).read_text(encoding="utf-8"))
    page = environment.get_template(RUNS_TEMPLATE).render(found=found, pairs=pairs, style=style)
    with whole_file(file) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _widest(pair: Any) -> float:
    """Return the greatest distance from 0 of an interval, to which the picture of a pair is scaled."""
    if pair.difference is None:
        return 1.0
    ends = [abs(end) for _, low, high in pair.difference.differences.values() for end in (low, high) if end == end]
    return float(max([*ends, 1e-9]))
