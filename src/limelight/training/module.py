"""The Lightning module: one network, one loss, AdamW under a one-cycle learning rate."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from sklearn.metrics import f1_score
from torch import Tensor
from torch.nn import functional

from limelight.errors import ParameterError
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.task import Task
from limelight.training.settings import TrainingSettings


def loss_of(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    """Give the mean loss of a batch: binary or categorical cross-entropy, from logits.

    Parameters
    ----------
    task
        What is asked.
    logits
        Shape (batch, outputs).
    targets
        Class of each series, shape (batch,).

    Returns
    -------
    Tensor
        A single number, in nats.

    Example
    -------
    >>> loss = loss_of(Task(("a", "b")), torch.zeros(1, 1), torch.tensor([1]))
    >>> round(loss.item(), 4)
    0.6931
    """
    if task.kind == "binary":
        return functional.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype))
    return functional.cross_entropy(logits, targets)


class TrainedNetwork(LightningModule):
    """What Lightning trains.

    Parameters
    ----------
    network
        With its normalisation fitted.
    task
        What is asked.
    settings
        Settled for the training series.
    total_steps
        Of the whole schedule.
    fingerprint
        Says data, model, settings and seed; a checkpoint with another one is refused.
    """

    def __init__(
        self, network: Network, task: Task, settings: TrainingSettings, total_steps: int, fingerprint: str
    ) -> None:
        super().__init__()
        self.fingerprint = fingerprint
        self.network, self.task, self.settings, self.total_steps = network, task, settings, total_steps
        self._logits: list[Tensor] = []
        self._targets: list[Tensor] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Give the loss of one batch."""
        assert batch.targets is not None
        loss = loss_of(self.task, self.network(batch).logits, batch.targets)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Keep the answers until all validation series are through."""
        assert batch.targets is not None
        self._logits.append(self.network(batch).logits.cpu())
        self._targets.append(batch.targets.cpu())

    def on_validation_epoch_end(self) -> None:
        """Score the validation series as one set, not batch by batch."""
        logits, targets = torch.cat(self._logits), torch.cat(self._targets)
        self._logits, self._targets = [], []
        binary = self.task.kind == "binary"
        guesses = (logits[:, 0] > 0).long() if binary else logits.argmax(dim=1)
        f1 = f1_score(
            targets,
            guesses,
            average="binary" if binary else "macro",
            pos_label=self.task.positive_index if binary else 1,
            zero_division=0.0,
        )
        self.log("validation_loss", loss_of(self.task, logits, targets))
        self.log("validation_accuracy", (guesses == targets).float().mean())
        self.log("validation_f1", float(f1))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note what is being trained."""
        checkpoint["fingerprint"] = self.fingerprint

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to go on with another training, before its weights are put in."""
        if checkpoint.get("fingerprint") != self.fingerprint:
            raise ParameterError(
                "expected the data, model, training and seed that the training to resume began with, got others; "
                "resume with the same experiment, or train without resuming"
            )

    def configure_optimizers(self) -> Any:
        """Give AdamW and its one-cycle schedule, which moves at every step."""
        settings = self.settings
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=settings.learning_rate, total_steps=self.total_steps + 1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
