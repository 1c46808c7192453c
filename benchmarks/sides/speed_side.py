"""Time one library; the benchmark ``speed`` starts this script, which answers requests with one line of JSON each.

    python speed_side.py limelight | torch | keras_tensorflow | keras_jax | sktime

Every library builds the same two networks: an LSTM of 64 units with a linear layer on its last state, and a
bidirectional LSTM of 32 units with additive attention of 64. sktime has neither; its GRU of 64 units is compared with
the first. All train with Adam and cross-entropy on two classes of noise. Training is one epoch, called as a user of the
library would, by a new call of ``fit`` if there is one. An epoch has at least 30 steps, which is limelight's minimum.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

BATCH, STEPS = 32, 500
RANDOM = np.random.default_rng(0)


def draw(series: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise, shape (series, 500, 1), and alternating labels 0 and 1."""
    return RANDOM.standard_normal((series, STEPS, 1)).astype(np.float32), np.arange(series) % 2


class Limelight:
    """limelight, by ``fit`` and ``predict`` as a user calls them."""

    def __init__(self, network: str) -> None:
        from limelight.parts.architecture import Architecture, preset
        from limelight.parts.encoders import LSTM

        plain = Architecture.of(LSTM(hidden_size=64), "last", "linear")
        self.architecture = plain if network == "lstm" else preset("attention_bilstm")

    def prepare(self, values: np.ndarray, labels: np.ndarray) -> None:
        from limelight.data.panel import Panel

        self.panel = Panel.from_series(list(values), labels=labels.astype(str))

    def train(self) -> float:
        """Train for one epoch and return its seconds, without the setup by Lightning."""
        from limelight.task import Task
        from limelight.training.fit import fit
        from limelight.training.settings import TrainingSettings

        settings = TrainingSettings(max_epochs=1, batch_size=BATCH)
        fitted = fit(
            self.panel, Task.from_labels(self.panel.labels), self.architecture, settings=settings, progress=False
        )
        self.model = fitted.model
        return float(fitted.history[0]["seconds"])

    def predict(self, series: int) -> Any:
        return self.model.predict(self.panel[:series])


class Torch:
    """The same networks in plain torch, trained by a plain loop."""

    def __init__(self, network: str) -> None:
        import torch
        from torch import nn

        class Plain(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm, self.head = nn.LSTM(1, 64, batch_first=True), nn.Linear(64, 1)

            def forward(self, series: torch.Tensor) -> torch.Tensor:
                logits: torch.Tensor = self.head(self.lstm(series)[0][:, -1])[:, 0]
                return logits

        class Attention(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm = nn.LSTM(1, 32, batch_first=True, bidirectional=True)
                self.project, self.score, self.head = nn.Linear(64, 64), nn.Linear(64, 1), nn.Linear(64, 1)

            def forward(self, series: torch.Tensor) -> torch.Tensor:
                features, _ = self.lstm(series)
                weights = torch.softmax(self.score(torch.tanh(self.project(features))), dim=1)
                logits: torch.Tensor = self.head((weights * features).sum(dim=1))[:, 0]
                return logits

        self.network = Plain() if network == "lstm" else Attention()

    def prepare(self, values: np.ndarray, labels: np.ndarray) -> None:
        import torch

        self.values, self.targets = torch.from_numpy(values), torch.from_numpy(labels).float()

    def train(self) -> None:
        import torch

        optimizer = torch.optim.Adam(self.network.parameters(), 1e-3)
        self.network.train()
        for rows in torch.randperm(len(self.values)).split(BATCH):
            optimizer.zero_grad()
            logits = self.network(self.values[rows])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, self.targets[rows])
            loss.backward()
            optimizer.step()
            loss.item()

    def predict(self, series: int) -> Any:
        import torch

        self.network.eval()
        with torch.inference_mode():
            return torch.cat([self.network(batch) for batch in self.values[:series].split(256)]).sigmoid()


class Keras:
    """The same networks in Keras, on the backend of the environment variable KERAS_BACKEND."""

    def __init__(self, network: str) -> None:
        import keras
        from keras import layers

        series = keras.Input((STEPS, 1))
        if network == "lstm":
            pooled = layers.LSTM(64)(series)
        else:
            features = layers.Bidirectional(layers.LSTM(32, return_sequences=True))(series)
            scores = layers.Dense(1)(layers.Dense(64, activation="tanh")(features))
            weights = layers.Softmax(axis=1)(scores)
            pooled = layers.Dot(axes=1)([weights, features])
            pooled = layers.Flatten()(pooled)
        self.network = keras.Model(series, layers.Dense(1, activation="sigmoid")(pooled))
        self.network.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")

    def prepare(self, values: np.ndarray, labels: np.ndarray) -> None:
        self.values, self.targets = values, labels[:, None]

    def train(self) -> None:
        self.network.fit(self.values, self.targets, batch_size=BATCH, epochs=1, verbose=0)

    def predict(self, series: int) -> Any:
        if series == 1:  # faster than predict()
            return self.network.predict_on_batch(self.values[:1])
        return self.network.predict(self.values[:series], batch_size=256, verbose=0)


class Sktime:
    """sktime's GRU with one layer of 64 units, by ``fit`` and ``predict``."""

    def __init__(self, network: str) -> None:
        assert network == "lstm"

    def prepare(self, values: np.ndarray, labels: np.ndarray) -> None:
        self.values, self.labels = values.transpose(0, 2, 1), labels

    def train(self) -> None:
        from sktime.classification.deep_learning.gru import GRUClassifier

        self.network = GRUClassifier(
            hidden_dim=64, n_layers=1, batch_first=True, num_epochs=1, batch_size=BATCH, random_state=0
        )
        self.network.fit(self.values, self.labels)

    def predict(self, series: int) -> Any:
        return self.network.predict(self.values[:series])


SIDES: dict[str, Any] = {
    "limelight": Limelight,
    "torch": Torch,
    "keras_tensorflow": Keras,
    "keras_jax": Keras,
    "sktime": Sktime,
}


def time_calls(work: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Return the median wall time and CPU time of ``repeats`` calls, in seconds, and the result of the last call."""
    times = []
    for _ in range(repeats):
        clock, processor = time.perf_counter(), time.process_time()
        result = work()
        times.append((time.perf_counter() - clock, time.process_time() - processor))
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times), result


def main() -> None:
    """Answer requests until the input ends."""
    name = sys.argv[1]
    if name.startswith("keras_"):
        os.environ["KERAS_BACKEND"] = name.removeprefix("keras_")
    sides: dict[str, Any] = {}
    warm: set[tuple[str, str]] = set()
    for line in sys.stdin:
        request = json.loads(line)
        network = request["network"]
        if network not in sides:
            sides[network] = SIDES[name](network)
        side = sides[network]
        series = request["steps"] * BATCH
        values, labels = draw(series)
        side.prepare(values, labels)
        work = {"train": side.train, "predict": partial(side.predict, series), "latency": partial(side.predict, 1)}
        response = {}
        for measure, repeats in (("train", 1), ("predict", 3), ("latency", 20)):
            if (network, measure) not in warm:  # the first call may compile
                work[measure]()
                warm.add((network, measure))
            clock, processor, result = time_calls(work[measure], repeats)
            count = {"train": request["steps"], "predict": series, "latency": 1}[measure]
            response[measure], response[f"{measure}_processor"] = clock / count, processor / count
            if measure == "train" and result is not None:
                response["epoch"] = result / count
        print(json.dumps(response), flush=True)


if __name__ == "__main__":
    main()
