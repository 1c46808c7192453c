"""Time one fit and one prediction on generated series; the benchmark ``growth`` starts this script.

python growth_side.py REQUEST.json RESPONSE.json
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def draw(series: int, steps: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy waves of two frequencies, shape (series, steps, channels), and alternating labels 0 and 1."""
    random = np.random.default_rng(0)
    values = random.standard_normal((series, steps, channels), dtype=np.float32)
    labels = np.arange(series) % 2
    waves = np.sin(np.linspace(0, 20, steps)[None] * (1 + labels[:, None])).astype(np.float32)
    values += waves[:, :, None]
    return values, labels


def build_classifier(side: str, threads: int) -> tuple[Any, bool]:
    """Build a classifier; also return whether it expects arrays (series, channels, steps)."""
    library, _, kind = side.partition(":")
    if library == "limelight":
        from limelight import TimeSeriesClassifier

        return TimeSeriesClassifier(kind, max_epochs=1, random_state=0, progress=False, layout="ntc"), False
    if library == "aeon":
        from aeon.classification import convolution_based

        return getattr(convolution_based, f"{kind}Classifier")(random_state=0, n_jobs=threads), True
    os.environ["KERAS_BACKEND"] = kind
    return KerasLSTM(), False


class KerasLSTM:
    """An LSTM of 64 units with a linear layer on its last state, trained for one epoch."""

    def fit(self, values: np.ndarray, labels: np.ndarray) -> None:
        import keras

        series = keras.Input(values.shape[1:])
        output = keras.layers.Dense(1, activation="sigmoid")(keras.layers.LSTM(64)(series))
        self.network = keras.Model(series, output)
        self.network.compile(optimizer="adam", loss="binary_crossentropy")
        self.network.fit(values, labels[:, None], batch_size=32, epochs=1, verbose=0)

    def predict(self, values: np.ndarray) -> Any:
        return self.network.predict(values, batch_size=256, verbose=0)


def main() -> None:
    """Fit, predict, and write the times."""
    request = json.loads(Path(sys.argv[1]).read_text())
    classifier, channels_first = build_classifier(request["side"], request["threads"])
    values, labels = draw(request["series"], request["steps"], request["channels"])
    if channels_first:
        values = np.ascontiguousarray(values.transpose(0, 2, 1))
    times = {}
    for name, work in (
        ("fit", lambda: classifier.fit(values, labels)),
        ("predict", lambda: classifier.predict(values)),
    ):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        times[name], times[f"{name}_processor"] = time.perf_counter() - clock, time.process_time() - processor
    Path(sys.argv[2]).write_text(json.dumps({**times, "values_mb": values.nbytes / 2**20}))


if __name__ == "__main__":
    main()
