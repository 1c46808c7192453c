"""Compare limelight's ``conv_lstm`` with the article's training, written in plain torch, on the sine experiment.

    python -m benchmarks.run.sine            about 10 minutes on two cores, most of them for the article's training
    python -m benchmarks.run.sine --quick    one minute on few series, to check that the benchmark runs

Both models get the same training, validation and test series, in one run. limelight is trained by ``fit`` rather than
by ``TimeSeriesClassifier``, which would draw validation series of its own. Prints a table and writes
``benchmarks/results/sine.json``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # for both models, as the command line sets it; before torch is loaded

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from benchmarks.result_files import describe_environment, write_results
from limelight.data.panel import Panel
from limelight.data.synthetic.sine import ANOMALOUS, SineSettings, generate_sine
from limelight.explanation.quality.localisation import score_localisation
from limelight.parts.architecture import Architecture, preset
from limelight.task import Task
from limelight.training.fit import fit
from limelight.training.settings import TrainingSettings

ENCODER = "conv_lstm"
SPLIT = {"test": 0.2, "validation": 0.1}
F1_TO_REACH = 0.977
BATCH, EPOCHS, PATIENCE, RATE = 32, 50, 5, 1e-3


class ArticlesNetwork(nn.Module):
    """The network of the article in plain torch: BiLSTM 32, additive attention 64, one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True, bidirectional=True)
        self.project, self.score, self.head = nn.Linear(64, 64), nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, series: Tensor) -> Tensor:
        features, _ = self.lstm(series)
        weights = torch.softmax(self.score(torch.tanh(self.project(features))), dim=1)
        return self.head((weights * features).sum(dim=1))[:, 0]


def tensors(panel: Panel, task: Task) -> tuple[Tensor, Tensor]:
    """Return the values (n, time, 1) and the targets (n,) of a Panel."""
    values = panel.compact().values.reshape(len(panel), -1, 1)
    return torch.from_numpy(values), torch.from_numpy(task.encode(panel.labels)).float()


def step(network: nn.Module, optimizer: torch.optim.Optimizer, series: Tensor, targets: Tensor) -> float:
    """Update the weights on one batch and return the loss."""
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(network(series), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_article(parts: dict[str, Panel], task: Task, epochs: int) -> dict[str, Any]:
    """Train as the article does: Adam 1e-3, batches of 32, stop after 5 epochs without a better validation loss.

    The model keeps the weights of the last epoch, which is the default of Keras.
    """
    torch.manual_seed(0)
    network = ArticlesNetwork()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    (x, y), (x_validation, y_validation), (x_test, y_test) = (tensors(parts[name], task) for name in parts)
    best, since, reached, started = float("inf"), 0, None, time.perf_counter()
    for epoch in range(1, epochs + 1):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            step(network, optimizer, x[rows], y[rows])
        logits = predict_logits(network, x_validation)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y_validation).item()
        f1 = f1_score(y_validation, logits > 0)
        if reached is None and f1 >= F1_TO_REACH:
            reached = time.perf_counter() - started
        print(
            f"  article: epoch {epoch}, {time.perf_counter() - started:.0f} s, validation F1 {f1:.3f}",
            flush=True,
        )
        best, since = (loss, 0) if loss < best else (best, since + 1)
        if since == PATIENCE:
            break
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "epochs": epoch,
        "seconds_to_validation_f1": reached,
        "test_f1": float(f1_score(y_test, predict_logits(network, x_test) > 0)),
    }


def predict_logits(network: nn.Module, series: Tensor) -> Tensor:
    """Return the logits of series, shape (n,)."""
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(batch) for batch in series.split(256)])


def train_limelight(parts: dict[str, Panel], task: Task, seed: int) -> dict[str, Any]:
    """Train limelight's network on the same series, with one seed."""
    fitted = fit(parts["train"], task, Architecture.of(ENCODER), validation=parts["validation"], seed=seed)
    clock = np.cumsum([row["seconds"] for row in fitted.history])
    clock += fitted.seconds - clock[-1]  # setup counts too, as if all of it came before the first epoch
    hits = [second for second, row in zip(clock, fitted.history, strict=True) if row["validation_f1"] >= F1_TO_REACH]
    prediction = fitted.model.predict(parts["test"], attention=True)
    truth = task.encode(parts["test"].labels) == task.positive_index
    predicted = prediction.labels == ANOMALOUS
    return {
        "seed": seed,
        "seconds": fitted.seconds,
        "epochs": len(fitted.history),
        "seconds_to_validation_f1": float(hits[0]) if hits else None,
        "test_f1": float(f1_score(truth, predicted)),
        "localisation": score_localisation(prediction, parts["test"]),
    }


def step_times(train: Panel, task: Task, steps: int, rounds: int) -> dict[str, Any]:
    """Time a training step of the article's network in plain torch and in limelight, alternating."""
    panel = train[: steps * BATCH]
    x, y = tensors(panel, task)

    def in_torch() -> float:
        network = ArticlesNetwork()
        optimizer = torch.optim.Adam(network.parameters(), RATE)
        started = time.perf_counter()
        for rows in torch.randperm(len(x)).split(BATCH):
            step(network, optimizer, x[rows], y[rows])
        return (time.perf_counter() - started) / steps * 1000

    def in_limelight() -> float:
        settings = TrainingSettings(max_epochs=1, batch_size=BATCH)
        fitted = fit(panel, task, preset("attention_bilstm"), settings=settings)
        return fitted.history[0]["seconds"] / steps * 1000

    in_torch(), in_limelight()  # warm-up
    pairs = [
        (in_torch(), in_limelight()) if round_ % 2 else (in_limelight(), in_torch())[::-1] for round_ in range(rounds)
    ]
    bare, ours = zip(*pairs, strict=True)
    ratios = [limelight / torch_alone for torch_alone, limelight in pairs]
    return {
        "bare_ms": statistics.median(bare),
        "limelight_ms": statistics.median(ours),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def show(results: dict[str, Any]) -> None:
    """Print the results as a table."""
    article, ours, times = results["article"], results["limelight"], results["step"]
    f1 = [one["test_f1"] for one in ours]
    hits = [one["seconds_to_validation_f1"] for one in ours]
    reached = article["seconds_to_validation_f1"]
    rows = [
        ("", "article", "limelight", ""),
        ("seconds of training", f"{article['seconds']:.1f}", f"{statistics.mean(o['seconds'] for o in ours):.1f}", ""),
        (
            f"seconds to validation F1 {F1_TO_REACH}",
            "never" if reached is None else f"{reached:.1f}",
            "never" if None in hits else f"{statistics.mean(hits):.1f}",
            "",
        ),
        ("test F1", f"{article['test_f1']:.4f}", f"{statistics.mean(f1):.4f}", f"{min(f1):.4f} to {max(f1):.4f}"),
        (
            "ms per training step of the BiLSTM",
            f"{times['bare_ms']:.1f}",
            f"{times['limelight_ms']:.1f}",
            f"ratio {times['ratio']:.3f}",
        ),
    ]
    for name, in_article, in_ours, note in rows:
        print(f"{name:36}{in_article:>12}{in_ours:>12}   {note}")


def main() -> None:
    """Train both models and time their steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few series, to check that the benchmark runs")
    parser.add_argument("--threads", type=int, default=None, help="threads of torch, for both models")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = SineSettings(dataset_size=600, num_points=100) if options.quick else SineSettings()
    panel = generate_sine(settings, seed=0)
    parts = dict(zip(("train", "validation", "test"), panel.split(**SPLIT), strict=True))
    task = Task.from_labels(panel.labels, positive=ANOMALOUS)
    article_task = Task(("normal", "anomalous"))  # target 1 is the anomalous class, as in the article
    results = {
        **describe_environment("limelight", "torch", "lightning", "numpy", threads=torch.get_num_threads()),
        "quick": options.quick,
        "step": step_times(parts["train"], task, *((30, 2) if options.quick else (60, 21))),
        "limelight": [train_limelight(parts, task, seed) for seed in range(1 if options.quick else 3)],
        "article": train_article(parts, article_task, 2 if options.quick else EPOCHS),
    }
    show(results)
    write_results("sine_quick" if options.quick else "sine", results)


if __name__ == "__main__":
    main()
