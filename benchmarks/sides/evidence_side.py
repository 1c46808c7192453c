"""Measure evidence on planted bursts, weights on rare classes, and single answers; ``evidence`` starts this script.

python evidence_side.py REQUEST.json RESPONSE.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from limelight import TimeSeriesClassifier

STEPS, WIDTH = 2_000, 40


def bursts(seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw noise with a burst at a random place in every second series; return values, labels and first steps."""
    random = np.random.default_rng(seed)
    values, starts = random.normal(size=(count, STEPS, 1)), random.integers(0, STEPS - WIDTH, count)
    for row in range(1, count, 2):
        values[row, starts[row] : starts[row] + WIDTH, 0] += 3 * np.sin(np.arange(WIDTH) * 2 * np.pi / 12)
    return values, np.arange(count) % 2, starts


def strongest_steps(encoder: str, seed: int) -> dict[str, float]:
    """Return the accuracy, and where the strongest step of series with a burst is: in the burst, or at the ends."""
    values, labels, _ = bursts(seed)
    model = TimeSeriesClassifier(encoder, random_state=seed, progress=False).fit(values, labels)
    new, truth, starts = bursts(1_000 + seed)
    evidence = model.explain(new[truth == 1], method="evidence", target=1).importance
    strongest, starts = np.array([steps.argmax() for steps in evidence]), starts[truth == 1]
    end = STEPS // 100
    return {
        "accuracy": float((model.predict(new) == truth).mean()),
        "inside": float(((strongest >= starts) & (strongest < starts + WIDTH)).mean()),
        "at_ends": float(((strongest < end) | (strongest >= STEPS - end)).mean()),
    }


def rare_class(encoder: str, seed: int) -> dict[str, float]:
    """Return the balanced accuracy with and without weights where one series in twenty is of the rare class."""
    random = np.random.default_rng(seed)
    labels = (np.arange(400) % 20 == 0).astype(int)
    scores = {}
    values = random.normal(size=(800, 100, 1))
    for row in np.flatnonzero(np.tile(labels, 2)):
        place = random.integers(0, 80)
        values[row, place : place + 20] += 1.0
    for name in ("none", "weights"):
        model = TimeSeriesClassifier(encoder, training={"imbalance": name}, random_state=seed, progress=False)
        right = model.fit(values[:400], labels).predict(values[400:]) == labels
        scores[name] = float(np.mean([right[labels == label].mean() for label in (0, 1)]))
    return scores


def single_series(encoder: str, steps: int) -> dict[str, float]:
    """Return the median milliseconds of processor time of one prediction and of its evidence."""
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(100, steps, 1)), np.arange(100) % 2
    values[1::2] += np.sin(np.arange(steps) / 5)[:, None]
    model = TimeSeriesClassifier(encoder, random_state=0, progress=False).fit(values, labels)
    found = {}
    for name, call in (
        ("predict", model.predict_proba),
        ("explain", lambda one: model.explain(one, method="evidence")),
    ):
        times = []
        for _ in range(30):
            started = time.process_time()
            call(values[:1])
            times.append(time.process_time() - started)
        found[name] = 1_000 * float(np.median(times))
    return found


def main() -> None:
    """Answer the request."""
    request: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    work = {"bursts": strongest_steps, "rare": rare_class, "single": single_series}[request["work"]]
    Path(sys.argv[2]).write_text(json.dumps(work(request["encoder"], request["number"])))


if __name__ == "__main__":
    main()
