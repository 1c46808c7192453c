"""Size of a report and the time until a browser shows it, with up to 10,000 test series behind it.

    python benchmarks/report.py

The answers are made by hand, so nothing is trained: a share of them is wrong. Each page is made, opened ``--repeats`` times
in a headless Chromium from the disk, and timed until its text is on the screen, until it is loaded, and until every figure
is drawn. The load of the machine over the last 15 minutes is noted, as others may work on it. Writes ``benchmarks/results/report.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / "report"), str(HERE.parent / "tests")]

from browser import BROWSER, Browser
from conftest import _make_facts as make_facts
from limelight.report.inputs import Counted
from limelight.report.page import write_report

STEPS, CHANNELS = 500, 4
KINDS = {
    "two classes": {"kind": "series"},
    "nine classes": {"kind": "series", "classes": [f"class {number}" for number in range(9)]},
    "several labels of steps": {"kind": "labels of steps", "classes": ("fog", "rain", "snow")},
}
DRAWN = "document.documentElement.dataset.drawn === 'all'"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"


def look(row: int, target: str | None) -> Counted:
    """What counted in one series, as occlusion says it."""
    return Counted(np.random.default_rng(row).normal(size=STEPS), target or "answered")


def measure(kind: str, series: int, repeats: int) -> dict[str, Any]:
    """Make one page, and open it again and again."""
    asked: dict[str, Any] = {"attention": False, "known": False, "extras": True, "width": CHANNELS, **KINDS[kind]}
    facts = make_facts(series, steps=(STEPS, STEPS + 1), looks={"occlusion": look}, **asked)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        page = write_report(Path(folder), facts)
        found: dict[str, Any] = {
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
            found["loaded"].append(browser.open(page))
            browser.wait(DRAWN)
            found["drawn"].append(time.perf_counter() - started)
            found["text"].append(browser.run(f"{PAINTED}.startTime") / 1000)
            found["figures"] = browser.run("document.querySelectorAll('.plot').length")
        found["complaints"] = browser.complaints
        browser.close()
    return found


def main() -> None:
    """Measure every kind at every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    if BROWSER is None:
        sys.exit("expected chromium or chrome on the PATH, got none; install one")
    pages = []
    for kind in KINDS:
        for series in asked.series:
            found = measure(kind, series, asked.repeats)
            pages.append(found)
            times = ", ".join(f"{name} {statistics.median(found[name]):.2f} s" for name in ("text", "loaded", "drawn"))
            print(f"{kind}, {series} series: {found['page_bytes'] / 1000:.0f} kB; {times}", flush=True)
    load = round(os.getloadavg()[2], 1)
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads(), "load": load}
    content = {
        "machine": machine,
        "versions": {name: version(name) for name in ("limelight", "plotly", "jinja2", "numpy")},
        "steps": STEPS,
        "channels": CHANNELS,
        "repeats": asked.repeats,
        "pages": pages,
    }
    (HERE / "results" / "report.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
