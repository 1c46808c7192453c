"""Fit and predict through the estimator, or train by the command; the benchmark ``long_series`` starts this script.

python long_series_side.py REQUEST.json RESPONSE.json
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def draw(series: int, steps: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy sine waves, shape (series, steps, channels), half of them with a burst, and labels 0 and 1."""
    random = np.random.default_rng(0)
    values = random.normal(scale=0.3, size=(series, steps, channels)).astype(np.float32)
    labels, time_steps, burst = np.arange(series) % 2, np.arange(steps), max(steps // 20, 10)
    for row in range(series):
        values[row] += np.sin(2 * np.pi * time_steps / 97 + random.uniform(0, 6))[:, None]
        if labels[row]:
            start = random.integers(0, steps - burst)
            values[row, start : start + burst] += np.sin(2 * np.pi * np.arange(burst) / 11)[:, None]
    return values, labels


def write_table(file: Path, values: np.ndarray, labels: np.ndarray) -> None:
    """Write the series as a long Parquet table."""
    import pyarrow as pa
    import pyarrow.parquet

    series, steps, channels = values.shape
    columns: dict[str, Any] = {
        "series_id": np.repeat(np.arange(series), steps),
        "time": np.tile(np.arange(steps), series),
        "label": pa.array(np.array(["plain", "burst"])[np.repeat(labels, steps)]),
    }
    columns |= {f"x{place}": values[:, :, place].ravel() for place in range(channels)}
    pyarrow.parquet.write_table(pa.table(columns), file)


def time_estimator(values: np.ndarray, labels: np.ndarray, repeats: int) -> dict[str, float]:
    """Return the CPU seconds of a fit, of predicting all series, and the lowest of predicting one series."""
    from limelight import TimeSeriesClassifier

    classifier = TimeSeriesClassifier("rocket", random_state=0, progress=False, layout="ntc")
    started = time.process_time()
    classifier.fit(values, labels)
    fitted = time.process_time()
    classifier.predict(values)
    times = {"fit": fitted - started, "predict": time.process_time() - fitted}
    singles = []
    for _ in range(repeats):
        started = time.process_time()
        classifier.predict(values[:1])
        singles.append(time.process_time() - started)
    return {**times, "one": min(singles)}


def time_command(table: str) -> dict[str, float]:
    """Return the CPU seconds of ``limelight train`` with default settings, without the imports."""
    from limelight.cli.app import main

    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["limelight", "train", table, "--output", f"{folder}/run"]
        started = time.process_time()
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
        page = Path(folder) / "run" / "report" / "index.html"
        return {"train": time.process_time() - started, "page_mb": page.stat().st_size / 2**20}


def main() -> None:
    """Do the work of the request, and write the times."""
    request, answer = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])  # a command replaces sys.argv
    size = {axis: request[axis] for axis in ("series", "steps", "channels")}
    if request["work"] == "import":
        import limelight.runs.outcome
        import limelight.runs.train  # noqa: F401

        response: dict[str, float] = {"imported": 1.0}
    elif request["work"] == "write":
        write_table(Path(request["table"]), *draw(**size))
        response = {"written": 1.0}
    elif request["work"] == "train":
        response = time_command(request["table"])
    else:
        response = time_estimator(*draw(**size), repeats=request["repeats"])
    answer.write_text(json.dumps(response))


if __name__ == "__main__":
    main()
