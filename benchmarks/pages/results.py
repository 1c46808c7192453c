"""Generate ``docs/background/results.md`` from the files in ``benchmarks/results``, where all its numbers come from.

python -m benchmarks.pages.results
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks import ucr_scores
from benchmarks.critical_difference import draw_diagram
from benchmarks.pages import accuracy, cost, explanations, peers
from benchmarks.result_files import ROOT, read_results
from benchmarks.run.archive import PICTURE, mean_accuracies

TEMPLATES = Path(__file__).parent / "templates"
PAGE = ROOT / "docs" / "background" / "results.md"
Results = dict[str, Any]
SECTIONS: dict[str, Callable[[Results], dict[str, Any]]] = {
    "sine": accuracy.sine,
    "real_sets": accuracy.real_sets,
    "examples": accuracy.examples,
    "metadata": accuracy.metadata,
    "fusion": accuracy.fusion,
    "metadata_tasks": accuracy.metadata_tasks,
    "notes": accuracy.notes,
    "metadata_seconds": cost.metadata_seconds,
    "alignment": cost.alignment,
    "explanations": explanations.explanations,
    "planted": explanations.planted,
    "evidence": peers.evidence,
    "reading": cost.reading,
    "store": cost.store,
    "ucr_archive": peers.ucr_archive,
    "archive": peers.archive,
    "sine_peers": peers.sine_peers,
    "speed": peers.speed,
    "growth": peers.growth,
    "long_series": cost.long_series,
    "recurrence": cost.recurrence,
    "report": cost.report,
}
"""For each benchmark, in the order of the page, the function that prepares what its template shows."""


def fixed(value: float, digits: int = 0) -> str:
    """Format a number with a fixed number of decimals."""
    return f"{value:.{digits}f}"


def signed(value: float, digits: int = 0) -> str:
    """Format a number with its sign and a fixed number of decimals."""
    return f"{value:+.{digits}f}"


def thousands(value: float) -> str:
    """Format a number as an integer with separators for thousands."""
    return f"{value:,.0f}"


def spread(values: Sequence[float], digits: int) -> str:
    """Format mean and standard deviation."""
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def side_name(name: str) -> str:
    """Format the name of a library's classifier: ``"aeon:MiniRocket"`` becomes ``"aeon MiniRocket"``."""
    return name.replace(":", " ")


def environment() -> Environment:
    """Create the Jinja environment of the templates."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # the output is Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    templates.filters |= {
        "fixed": fixed,
        "mean": statistics.mean,
        "min": min,
        "median": statistics.median,
        "side_name": side_name,
        "signed": signed,
        "spread": spread,
        "stdev": statistics.stdev,
        "thousands": thousands,
    }
    return templates


def render_page() -> str:
    """Render the whole page as Markdown."""
    templates = environment()
    sections = []
    for name, prepare in SECTIONS.items():
        results = read_results(name)
        sections.append(templates.get_template(f"{name}.md.jinja").render(results=results, **prepare(results)))
    return templates.get_template("results.md.jinja").render(sections=sections)


def main() -> None:
    """Write the page and draw its critical-difference diagrams."""
    PAGE.write_text(render_page())
    _, scores = mean_accuracies(read_results("archive")["runs"])
    draw_diagram(scores, PICTURE)
    ucr_scores.draw(read_results("ucr_archive")["runs"])


if __name__ == "__main__":
    main()
