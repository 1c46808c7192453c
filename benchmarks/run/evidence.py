"""Measure whether evidence points to planted bursts, what weights do for a rare class, and how fast one answer is.

    git worktree add BEFORE 8fe2387
    python -m benchmarks.run.evidence --before BEFORE

Series of 2,000 steps are noise; every second has a burst of 40 steps at a random place. ``--before`` is a checkout of
the version in which all evidence of a convolution stood at its centre, relative to a baseline that was the same at
every step; its encoder ``rocket`` is measured beside. Prints the numbers and writes
``benchmarks/results/evidence.json``; with ``--single`` only the times of one answer are new.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import current_load, run_once
from benchmarks.result_files import ROOT, describe_environment, read_results, write_results

ENCODERS = ("blocks", "rocket")
STEPS = (100, 150, 500, 2_000)


def measure(work: str, encoder: str, number: int, source: Path) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    request = {"work": work, "encoder": encoder, "number": number}
    result = run_once(sys.executable, "evidence_side.py", request, 1, 600, source / "src")
    if result.response is None:
        sys.exit(f"{work} of {encoder} failed: {result.error}")
    return result.response


def show(results: dict[str, Any]) -> None:
    """Print the means and the lowest of the seeds, and the times."""
    for work in ("bursts", "rare"):
        for name, runs in results[work].items():
            numbers = {key: [run[key] for run in runs] for key in runs[0]}
            shown = [f"{key} {statistics.mean(own):.3f} (lowest {min(own):.3f})" for key, own in numbers.items()]
            print(f"{work:8}{name:16}{', '.join(shown)}")
    for encoder, by_steps in results["single"].items():
        for steps, times in by_steps.items():
            print(f"{encoder} {steps} steps: predict {times['predict']:.1f} ms, explain {times['explain']:.1f} ms")


def main() -> None:
    """Measure every encoder and seed; the versions take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="checkout of the earlier version")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--single", action="store_true", help="times of one answer alone; the rest stays as it was")
    options = parser.parse_args()
    if options.single:
        results = read_results("evidence")
    else:
        environment = describe_environment("limelight", "torch", "numpy", threads=1)
        results = {**environment, "load": current_load(), **measure_evidence(options)}
    results["single"] = {}
    for steps in STEPS:
        for encoder in ENCODERS:
            results["single"].setdefault(encoder, {})[str(steps)] = measure("single", encoder, steps, ROOT)
    write_results("evidence", results)
    show(results)


def measure_evidence(options: argparse.Namespace) -> dict[str, Any]:
    """Measure where evidence lies and what weights do, with every seed."""
    results: dict[str, Any] = {"seeds": options.seeds, "bursts": {}, "rare": {}}
    versions = [(name, name, ROOT) for name in ENCODERS]
    if options.before:
        versions.append(("rocket before", "rocket", options.before))
    for seed in range(options.seeds):
        for name, encoder, source in versions:
            results["bursts"].setdefault(name, []).append(measure("bursts", encoder, seed, source))
        for encoder in ENCODERS:
            results["rare"].setdefault(encoder, []).append(measure("rare", encoder, seed, ROOT))
    return results


if __name__ == "__main__":
    main()
