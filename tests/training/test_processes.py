"""Networks trained in two processes on one machine: the weights of one process, one set of files, and kills."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib.externals import loky

from limelight.data.panel import Panel
from limelight.errors import LostWorkerError, ParameterError
from limelight.model.targets import targets_of, task_of
from limelight.parts.architecture import Architecture
from limelight.training.devices import require_device
from limelight.training.fit import fit
from limelight.training.loaders import BatchesOfPanel
from limelight.training.losses import loss_for
from limelight.training.ranks import Rank, ShareOfBatches, StopOnRequest
from limelight.training.result import FitResult
from limelight.training.settings import TrainingSettings

GRU = Architecture.of({"name": "gru", "hidden_size": 4, "dropout": 0.0}, head="linear")


def ragged(n: int = 37) -> Panel:
    """Series of three classes, one of them rare, of different lengths and weights."""
    random = np.random.default_rng(0)
    labels = np.minimum(np.arange(n) % 5, 2)
    series = [random.normal(label, 1.0, (int(random.integers(4, 9)), 2)) for label in labels]
    return Panel.from_series(series, labels=labels).replace(weights=random.uniform(0.5, 2.0, n))


def fitted(folder: Path | None = None, resume: bool = False, **settings: object) -> FitResult:
    panel = ragged()
    chosen = TrainingSettings(**{"batch_size": 4, "imbalance": "weights", "device": "cpu", **settings})  # type: ignore[arg-type]
    train, validation = panel[:25], panel[25:]  # five times 25 series: the last batch of an epoch has one
    return fit(train, task_of(panel), GRU, validation=validation, settings=chosen, folder=folder, resume=resume)


@pytest.mark.slow
def test_two_processes_end_at_the_weights_of_one(tmp_path: Path) -> None:
    alone, together = fitted(tmp_path / "alone", max_epochs=3), fitted(tmp_path / "both", max_epochs=3, devices=2)
    for name, weight in alone.model.network.state_dict().items():
        torch.testing.assert_close(together.model.network.state_dict()[name], weight, rtol=1e-4, atol=1e-4)
    for mine, its in zip(alone.history, together.history, strict=True):
        for name in ("train_loss", "validation_loss", "validation_accuracy", "learning_rate"):
            assert its[name] == pytest.approx(mine[name], abs=1e-4)
    files = [sorted(file.name for file in (tmp_path / one).rglob("*.c*")) for one in ("alone", "both")]
    assert files == [["history.csv", "last.ckpt"]] * 2


@pytest.mark.slow
def test_a_killed_process_ends_a_training_that_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pools = []

    class Pool(loky.ProcessPoolExecutor):  # type: ignore[misc]
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)
            pools.append(self)

    def kill_one() -> None:
        while not (tmp_path / "checkpoints" / "last.ckpt").is_file():
            time.sleep(0.01)
        os.kill(max(pools[0]._processes), signal.SIGKILL)

    monkeypatch.setattr(loky, "ProcessPoolExecutor", Pool)
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    with pytest.raises(LostWorkerError) as error:
        fitted(tmp_path, devices=2, max_epochs=12, patience=12)
    killer.join()
    assert str(error.value) == (
        "expected 2 processes that train, got one that was killed, perhaps for want of memory; resume the training, or "
        "use fewer devices"
    )
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    done = int(checkpoint["epoch"]) + 1
    assert 1 <= done < 12
    monkeypatch.undo()
    resumed = fitted(tmp_path, resume=True, max_epochs=12, patience=12)
    assert [row["epoch"] for row in resumed.history] == list(range(1, 13))


def test_a_process_ends_with_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getppid", lambda: 1)
    monkeypatch.setattr("os._exit", sys.exit)
    with pytest.raises(SystemExit, match="1"):
        StopOnRequest(tmp_path / "stop", parent=7).on_train_batch_end(None, None)  # type: ignore[arg-type]


def test_losses_of_parts_sum_to_the_loss_of_the_batch() -> None:
    panel = ragged()
    task = task_of(panel)
    targets = targets_of(task, panel)
    whole, loss = BatchesOfPanel(panel, targets, GRU), loss_for(task, targets.every(), "weights")
    logits = torch.randn(len(panel), 3)
    for rows in (np.arange(7), np.array([11])):
        batch = whole[rows]
        expected = loss(logits[rows], batch.targets, batch.weights)
        summed = total = torch.zeros(())
        for number in range(2):
            share = ShareOfBatches(whole, Rank(number, 2))[rows]
            own = rows[number::2] if len(rows[number::2]) else rows[:1]
            of_share, weight = loss.sums(logits[own], share.targets, share.weights)
            summed, total = summed + of_share, total + weight
        torch.testing.assert_close(summed / total, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "float16"}, "expected a GPU for precision='float16', got none in use; use 'bfloat16' or 'float32'"),
        ({"strategy": "ddp_nccl"}, "expected GPUs for strategy='ddp_nccl', got none in use; use 'ddp' or 'ddp_gloo'"),
    ],
)  # fmt: skip
def test_settings_for_a_gpu_are_refused_without_one(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        require_device(TrainingSettings(device="cpu", **settings))  # type: ignore[arg-type]
    assert str(error.value) == message


def test_more_gpus_than_available_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ParameterError) as error:
        require_device(TrainingSettings(devices=4))
    assert str(error.value) == "expected 4 GPUs, got 1; lower devices, or train on device='cpu'"


def test_bfloat16_trains_to_float32_weights() -> None:
    found = fitted(max_epochs=2, precision="bfloat16")
    assert {weight.dtype for weight in found.model.network.parameters()} == {torch.float32}
    assert found.history[-1]["validation_loss"] < found.history[0]["validation_loss"] + 0.5
