"""Measure exported pages in a browser: size, time until the first answer, time for each series, and differences.

    python -m benchmarks.run.page

Each kind of network is fitted to 64 series of noise and waves and exported as a page, which a headless Chromium opens
from disk. The same 64 series are chosen twice: processor time of the page until the first answers, which includes
opening it and starting ONNX Runtime Web, and of the second answers alone; both include reading the table. Medians of
``--repeats`` browsers. Writes ``benchmarks/results/page.json``.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import current_load
from benchmarks.result_files import ROOT, describe_environment, write_results
from benchmarks.sides.export_side import KINDS, SERIES, draw
from limelight import Panel, TimeSeriesClassifier
from limelight.export.web_page import export_page
from limelight.export.web_runtime import RUNTIME_VERSION

sys.path.insert(0, str(ROOT / "tests"))

from support.browser import BROWSER, Browser

SHOWN = "!document.querySelector('.answers').hidden"
DOWNLOAD_SECONDS = 60


def write_long_table(file: Path, values: np.ndarray) -> None:
    """Write series as a long table."""
    lines = ["series_id,time,x"]
    for row, series in enumerate(values[:, :, 0]):
        lines += [f"s{row},{step},{value!r}" for step, value in enumerate(series.astype(np.float32).tolist())]
    file.write_text("\n".join(lines))


def processor_seconds(browser: Browser) -> float:
    """Return the processor time that the page has taken so far."""
    metrics = browser.send("Performance.getMetrics")["metrics"]
    (found,) = [one["value"] for one in metrics if one["name"] == "ProcessTime"]
    return float(found)


def wait_for_answers(browser: Browser, table: Path) -> float:
    """Choose a table, wait for its answers, and return the processor time of the page so far."""
    browser.run("document.querySelector('.answers').hidden = true")
    browser.choose("input.files", table)
    browser.wait(SHOWN)
    return processor_seconds(browser)


def probabilities_shown(browser: Browser, folder: Path) -> np.ndarray:
    """Download the predictions of a page, shape (series, 2)."""
    file = folder / "predictions.csv"
    file.unlink(missing_ok=True)
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.run("document.querySelector('.predictions').click()")
    for _ in range(100 * DOWNLOAD_SECONDS):
        if file.is_file():
            break
        time.sleep(0.01)
    with file.open(newline="", encoding="utf-8") as stream:
        return np.array([[row["probability_0"], row["probability_1"]] for row in csv.DictReader(stream)], dtype=float)


def measure(kind: str, steps: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Fit, export and answer in the browser."""
    values, labels = draw(steps)
    model = TimeSeriesClassifier(**KINDS[kind], max_epochs=1, random_state=0, progress=False).fit(values, labels).model_
    page, table = export_page(model, folder / "model.html"), folder / "new.csv"
    write_long_table(table, values)
    own = model.predict(Panel.from_series(values.astype(np.float32))).probabilities
    first, again = [], []
    for _ in range(repeats):
        browser = Browser()
        try:
            browser.open(page)
            browser.send("Performance.enable")
            first.append(wait_for_answers(browser, table))
            again.append(wait_for_answers(browser, table) - first[-1])
            difference = float(np.abs(probabilities_shown(browser, folder) - own).max())
        finally:
            browser.close()
    return {
        "page_kb": page.stat().st_size / 1024,
        "first_seconds": statistics.median(first),
        "again_seconds": statistics.median(again),
        "difference": difference,
    }


def main() -> None:
    """Measure every kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150, help="length of the series")
    parser.add_argument("--repeats", type=int, default=5, help="browsers that open each page")
    options = parser.parse_args()
    if BROWSER is None:
        sys.exit("no chromium or chrome on the PATH")
    results: dict[str, Any] = {**describe_environment("limelight", "torch", "onnx", threads=1), "load": current_load()}
    results |= {"runtime": RUNTIME_VERSION, "steps": options.steps, "series": SERIES}
    results |= {"repeats": options.repeats, "kinds": {}}
    with tempfile.TemporaryDirectory() as name:
        for kind in KINDS:
            found = measure(kind, options.steps, options.repeats, Path(name))
            results["kinds"][kind] = found
            print(kind, {key: f"{value:.3g}" for key, value in found.items()}, flush=True)
        scripts = [file.stat().st_size for file in Path(name).glob("onnxruntime-web-*.js")]
        results["runtime_mb"] = scripts[0] / 1e6
    write_results("page", results)


if __name__ == "__main__":
    main()
