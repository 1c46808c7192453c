"""Read and write the JSON files in ``benchmarks/results``, and record the machine and the package versions in them."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PICTURES = ROOT / "docs" / "pictures"
EXAMPLES = ROOT / "examples"


def read_results(name: str) -> dict[str, Any]:
    """Read the results of the benchmark ``name``; return an empty dict if it has not been run yet."""
    file = RESULTS / f"{name}.json"
    content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return content


def write_results(name: str, content: dict[str, Any]) -> None:
    """Write the results of the benchmark ``name``, replacing those of an earlier run."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def describe_environment(*packages: str, threads: int | None = None) -> dict[str, Any]:
    """Return the processor, the number of threads (default: one per core) and the versions of ``packages``."""
    return {
        "machine": {"processor": platform.machine(), "threads": threads or os.cpu_count()},
        "versions": {package: version(package) for package in packages},
    }
