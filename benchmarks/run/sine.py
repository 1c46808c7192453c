"""The sine experiment: the article's training written plainly in torch, against limelight's ``conv_lstm``, in one run.

    python benchmarks/sine.py            about 10 minutes on two cores, nearly all of it the article's side
    python benchmarks/sine.py --quick    a minute, on few series: to see that it runs, not for numbers

Prints a table and writes ``benchmarks/results/sine.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it; for both sides, before torch is loaded

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from limelight.data.panel import Panel
from limelight.data.synthetic.sine import ANOMALOUS, SineSettings, generate_sine
from limelight.explanation.quality.localisation import score_localisation
from limelight.parts.architecture import Architecture, preset
from limelight.task import Task
from limelight.training.fit import fit
from limelight.training.settings import TrainingSettings

F1_TO_REACH = 0.977
BATCH, EPOCHS, PATIENCE, RATE = 32, 50, 5, 1e-3


class ArticlesNetwork(nn.Module):
    """BiLSTM 32, additive attention 64, one logit: as the article has it, in torch's own words."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True, bidirectional=True)
        self.project, self.score, self.head = nn.Linear(64, 64), nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, series: Tensor) -> Tensor:
        features, _ = self.lstm(series)
        weights = torch.softmax(self.score(torch.tanh(self.project(features))), dim=1)
        return self.head((weights * features).sum(dim=1))[:, 0]


def tensors(panel: Panel, task: Task) -> tuple[Tensor, Tensor]:
    values = panel.compact().values.reshape(len(panel), -1, 1)
    return torch.from_numpy(values), torch.from_numpy(task.encode(panel.labels)).float()


def step(network: nn.Module, optimizer: torch.optim.Optimizer, series: Tensor, targets: Tensor) -> float:
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(network(series), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def article_side(parts: dict[str, Panel], task: Task, epochs: int) -> dict[str, Any]:
    """Train as the article does: Adam 1e-3, batches of 32, stop after 5 epochs without a better validation loss.

    The last weights are kept, as Keras does unless it is told otherwise.
    """
    torch.manual_seed(0)
    network = ArticlesNetwork()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    (x, y), (x_check, y_check), (x_test, y_test) = (tensors(parts[name], task) for name in parts)
    best, since, reached, started = float("inf"), 0, None, time.perf_counter()
    for epoch in range(1, epochs + 1):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            step(network, optimizer, x[rows], y[rows])
        logits = answers(network, x_check)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y_check).item()
        f1 = f1_score(y_check, logits > 0)
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
        "test_f1": float(f1_score(y_test, answers(network, x_test) > 0)),
    }


def answers(network: nn.Module, series: Tensor) -> Tensor:
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(batch) for batch in series.split(256)])


def our_side(parts: dict[str, Panel], task: Task, seed: int) -> dict[str, Any]:
    """Train limelight's ``conv_lstm``."""
    training = fit(parts["train"], task, Architecture.of("conv_lstm"), validation=parts["validation"], seed=seed)
    clock = np.cumsum([row["seconds"] for row in training.history])
    clock += training.seconds - clock[-1]  # what lies outside the epochs counts too, all of it before the first
    hits = [second for second, row in zip(clock, training.history, strict=True) if row["validation_f1"] >= F1_TO_REACH]
    prediction = training.model.predict(parts["test"], attention=True)
    truth = task.encode(parts["test"].labels) == task.positive_index
    guessed = prediction.labels == ANOMALOUS
    return {
        "seed": seed,
        "seconds": training.seconds,
        "epochs": len(training.history),
        "seconds_to_validation_f1": float(hits[0]) if hits else None,
        "test_f1": float(f1_score(truth, guessed)),
        "localisation": score_localisation(prediction, parts["test"]),
    }


def step_times(train: Panel, task: Task, steps: int, rounds: int) -> dict[str, Any]:
    """Time a step of the same BiLSTM, bare and in limelight, in turn."""
    panel = train[: steps * BATCH]
    x, y = tensors(panel, task)

    def plainly() -> float:
        network = ArticlesNetwork()
        optimizer = torch.optim.Adam(network.parameters(), RATE)
        started = time.perf_counter()
        for rows in torch.randperm(len(x)).split(BATCH):
            step(network, optimizer, x[rows], y[rows])
        return (time.perf_counter() - started) / steps * 1000

    def by_us() -> float:
        settings = TrainingSettings(max_epochs=1, batch_size=BATCH)
        training = fit(panel, task, preset("attention_bilstm"), settings=settings)
        return training.history[0]["seconds"] / steps * 1000

    plainly(), by_us()  # a first round warms up and is not counted
    pairs = [(plainly(), by_us()) if turn % 2 else (by_us(), plainly())[::-1] for turn in range(rounds)]
    bare, ours = zip(*pairs, strict=True)
    ratios = [mine / plain for mine, plain in zip(ours, bare, strict=True)]
    return {
        "bare_ms": statistics.median(bare),
        "limelight_ms": statistics.median(ours),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def show(found: dict[str, Any]) -> None:
    """Print what was found."""
    article, ours, times = found["article"], found["limelight"], found["step"]
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
            "ms a step of the same BiLSTM",
            f"{times['bare_ms']:.1f}",
            f"{times['limelight_ms']:.1f}",
            f"ratio {times['ratio']:.3f}",
        ),
    ]
    for name, theirs, own, note in rows:
        print(f"{name:34}{theirs:>12}{own:>12}   {note}")


def main() -> None:
    """Run both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few series; the numbers mean nothing")
    parser.add_argument("--threads", type=int, default=None, help="of torch, on both sides")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = SineSettings(dataset_size=600, num_points=100) if options.quick else SineSettings()
    panel = generate_sine(settings, seed=0)
    parts = dict(zip(("train", "validation", "test"), panel.split(test=0.2, validation=0.1), strict=True))
    task = Task.from_labels(panel.labels, positive=ANOMALOUS)
    article_task = Task(("normal", "anomalous"))  # targets are 1 where the wave was held, as in the article
    found = {
        "machine": {"processor": platform.machine(), "threads": torch.get_num_threads()},
        "versions": {name: version(name) for name in ("limelight", "torch", "lightning", "numpy")},
        "quick": options.quick,
        "step": step_times(parts["train"], task, *((30, 2) if options.quick else (60, 21))),
        "limelight": [our_side(parts, task, seed) for seed in range(1 if options.quick else 3)],
        "article": article_side(parts, article_task, 2 if options.quick else EPOCHS),
    }
    show(found)
    file = Path(__file__).parent / "results" / ("sine_quick.json" if options.quick else "sine.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
