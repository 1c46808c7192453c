"""Generate ``docs/background/extremes.md`` from ``benchmarks/results/extremes.json``.

python -m benchmarks.pages.extremes
"""

from __future__ import annotations

from typing import Any

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results
from benchmarks.run.extremes import EXTREMES

PAGE = ROOT / "docs" / "background" / "extremes.md"
TITLES = {
    "usual": "usual",
    "constant": "all values 1",
    "constant by class": "constant, another value for each class",
    "huge": "values of 1e37",
    "tiny": "values of 1e-30",
    "denormal": "values of 1e-40 (denormal)",
    "steps": "100,000 steps",
    "channels": "5,000 channels",
    "series": "100,000 series",
    "classes": "500 classes",
    "imbalance": "10,000 series of one class, 2 of the other",
}


def render_extremes_page() -> str:
    """Return the page: one row for each measured fit, in the order of the benchmark."""
    results = read_results("extremes")
    rows: list[dict[str, Any]] = [
        {**row, "title": TITLES[name]}
        for name in EXTREMES
        for row in results["rows"].values()
        if row["extreme"] == name
    ]
    return environment().get_template("extremes.md.jinja").render(results=results, rows=rows)


if __name__ == "__main__":
    PAGE.write_text(render_extremes_page())
