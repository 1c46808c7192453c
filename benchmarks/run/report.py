"""Measure the size of a report and how long a browser takes to show it, for up to 10,000 test series.

    python -m benchmarks.run.report

Nothing is trained: the predictions are synthetic, and some of them are wrong. Each page is written once and opened
``--repeats`` times from disk in a headless Chromium, which reports when the text is painted, when the page is loaded
and when every figure is drawn. The load of the machine over the last 15 minutes is recorded too. Writes
``benchmarks/results/report.json``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.result_files import ROOT, describe_environment, write_results

sys.path[:0] = [str(ROOT / "tests" / "report"), str(ROOT / "tests")]

from conftest import _make_inputs as make_inputs
from limelight.report.inputs import StepImportance
from limelight.report.page import write_report
from support.browser import BROWSER, Browser

STEPS, CHANNELS = 500, 4
KINDS = {
    "two classes": {"kind": "series"},
    "nine classes": {"kind": "series", "classes": [f"class {number}" for number in range(9)]},
    "several labels of steps": {"kind": "labels of steps", "classes": ("fog", "rain", "snow")},
}
DRAWN = "document.documentElement.dataset.drawn === 'all'"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"


def importance(row: int, target: str | None) -> StepImportance:
    """Draw a random importance for the steps of one series."""
    return StepImportance(np.random.default_rng(row).normal(size=STEPS), target or "answered")


def measure(kind: str, series: int, repeats: int) -> dict[str, Any]:
    """Write one page and open it ``repeats`` times; return its size and the times."""
    options: dict[str, Any] = {"attention": False, "known": False, "extras": True, "width": CHANNELS, **KINDS[kind]}
    inputs = make_inputs(series, steps=(STEPS, STEPS + 1), explainers={"occlusion": importance}, **options)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        page = write_report(Path(folder), inputs)
        measured: dict[str, Any] = {
            "kind": kind,
            "series": series,
            "seconds_to_make": time.perf_counter() - started,
            "page_bytes": page.stat().st_size,
            "plotly_bytes": page.with_name("plotly.min.js").stat().st_size,
            "pictures_bytes": sum(file.stat().st_size for file in page.parent.glob("*.png")),
            "text": [],
            "loaded": [],
            "drawn": [],
        }
        browser = Browser()
        for _ in range(repeats):
            started = time.perf_counter()
            measured["loaded"].append(browser.open(page))
            browser.wait(DRAWN)
            measured["drawn"].append(time.perf_counter() - started)
            measured["text"].append(browser.run(f"{PAINTED}.startTime") / 1000)
            measured["figures"] = browser.run("document.querySelectorAll('.plot').length")
        measured["complaints"] = browser.complaints
        browser.close()
    return measured


def main() -> None:
    """Measure the report of every task at every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if BROWSER is None:
        sys.exit("this benchmark needs chromium or chrome on the PATH, and found neither; install one")
    pages = []
    for kind in KINDS:
        for series in options.series:
            page = measure(kind, series, options.repeats)
            pages.append(page)
            times = ", ".join(f"{name} {statistics.median(page[name]):.2f} s" for name in ("text", "loaded", "drawn"))
            print(f"{kind}, {series} series: {page['page_bytes'] / 1000:.0f} kB; {times}", flush=True)
    environment = describe_environment("limelight", "plotly", "jinja2", "numpy", threads=torch.get_num_threads())
    environment["machine"]["load"] = round(os.getloadavg()[2], 1)
    sizes = {"steps": STEPS, "channels": CHANNELS, "repeats": options.repeats}
    write_results("report", {**environment, **sizes, "pages": pages})


if __name__ == "__main__":
    main()
