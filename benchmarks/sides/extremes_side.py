"""Fit and predict one extreme data set; the benchmark ``extremes`` starts this script.

python extremes_side.py REQUEST.json RESPONSE.json
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

TEST_SERIES = 200


def draw(size: dict[str, Any], labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw noisy waves, shape (series, steps, channels), whose frequency is that of the class.

    With ``constant`` they are constant instead: 1 everywhere, or the number of the class. ``scale`` multiplies them.
    """
    random = np.random.default_rng(seed)
    series, steps, channels = len(labels), size["steps"], size["channels"]
    if "constant" in size:
        levels = labels if size["constant"] == "by class" else np.ones(series)
        return np.broadcast_to(levels[:, None, None], (series, steps, channels)).astype(np.float64)
    values = random.standard_normal((series, steps, channels), dtype=np.float32)
    values *= 0.3
    turns = 1 + labels * (min(steps / 4, 60) / size["classes"])
    waves = np.sin(2 * np.pi * turns[:, None] * np.linspace(0, 1, steps)[None])
    values += waves.astype(np.float32)[:, :, None]
    return values.astype(np.float64) * size["scale"] if "scale" in size else values


def main() -> None:
    """Fit, predict new series of the same kind, and write times, balanced accuracy and notes."""
    from sklearn.metrics import balanced_accuracy_score

    from limelight import TimeSeriesClassifier

    request = json.loads(Path(sys.argv[1]).read_text())
    size = request["size"]
    labels = np.arange(size["series"]) % size["classes"]
    if "rare" in size:
        labels = (np.arange(size["series"]) < size["rare"]).astype(int)
    test_labels = np.arange(max(TEST_SERIES, size["classes"])) % size["classes"]
    model = TimeSeriesClassifier(
        request["encoder"], max_epochs=request["epochs"], random_state=0, progress=False, layout="ntc"
    )
    warnings.simplefilter("ignore")
    values = draw(size, labels, seed=0)
    started = time.perf_counter()
    model.fit(values, labels)
    fitted = time.perf_counter()
    del values
    test = draw(size, test_labels, seed=1)
    before = time.perf_counter()
    probabilities = model.predict_proba(test)
    predicted = time.perf_counter()
    Path(sys.argv[2]).write_text(
        json.dumps(
            {
                "fit": fitted - started,
                "predict": predicted - before,
                "balanced_accuracy": balanced_accuracy_score(test_labels, model.classes_[probabilities.argmax(axis=1)]),
                "finite": bool(np.isfinite(probabilities).all()),
                "encoder": model.model_.architecture.encoder.name,
                "notes": list(model.notes_),
            }
        )
    )


if __name__ == "__main__":
    main()
