"""Measure exported models: size, time to write, difference from the model itself, and time to answer.

    python -m benchmarks.run.export

Each kind of network is fitted to 64 series of noise and waves and exported. Own predictions and those of the exported
model take turns on one thread; times are processor times, median of 30. Prints the numbers and writes
``benchmarks/results/export.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from typing import Any

from benchmarks.processes import current_load, run_once
from benchmarks.result_files import ROOT, describe_environment, read_results, write_results
from benchmarks.sides.export_side import KINDS

STARTS = 5


def answer(**request: Any) -> Any:
    """Run the side on a request in a process of its own."""
    result = run_once(sys.executable, "export_side.py", request, 1, 1800, ROOT / "src")
    if result.response is None:
        sys.exit(f"{request} failed: {result.error}")
    return result


def measure_starts(steps: int) -> dict[str, Any]:
    """Measure processes that open a model and answer one series, with torch and without."""
    with tempfile.TemporaryDirectory() as folder:
        answer(work="times", kind="conv_lstm", steps=steps, folder=folder)
        results: dict[str, list[Any]] = {"own": [], "onnx": []}
        for _ in range(STARTS):
            for engine, found in results.items():
                found.append(answer(work="start", engine=engine, folder=folder))
        return {
            engine: {
                "seconds": statistics.median(one.processor_seconds for one in found),
                "mb": statistics.median(one.peak_mb for one in found),
                "torch": found[0].response["torch"],
            }
            for engine, found in results.items()
        }


def main() -> None:
    """Measure every kind and length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[150, 500], help="lengths of the series")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), help="the others keep their earlier numbers")
    options = parser.parse_args()
    packages = ("limelight", "torch", "onnx", "onnxruntime", "numpy")
    results: dict[str, Any] = {**describe_environment(*packages, threads=1), "load": current_load()}
    earlier = read_results("export").get("kinds", {})
    measured = {
        kind: {str(steps): answer(work="times", kind=kind, steps=steps).response for steps in options.steps}
        for kind in options.kinds
    }
    results["kinds"] = {kind: measured.get(kind) or earlier[kind] for kind in KINDS if kind in {**earlier, **measured}}
    results["start"] = measure_starts(options.steps[0])
    write_results("export", results)
    for kind, by_steps in results["kinds"].items():
        for steps, one in by_steps.items():
            times = ", ".join(f"{name} {one[name]:.2f}" for name in ("own_1", "onnx_1", "own_64", "onnx_64"))
            print(f"{kind:24}{steps:>5} steps: {one['file_kb']:.0f} kB, off {one['difference']:.1e}, ms: {times}")
    print(results["start"])


if __name__ == "__main__":
    main()
