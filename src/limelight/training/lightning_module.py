"""Lightning module: one network, one loss, AdamW with a one-cycle learning rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import LightningModule
from sklearn.metrics import f1_score
from torch import Tensor, distributed

from limelight.errors import ParameterError
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.task import UNKNOWN, Task
from limelight.training.augmentation import augment, suitable_methods
from limelight.training.losses import Loss
from limelight.training.ranks import gather_from_ranks, is_shared, sum_over_ranks
from limelight.training.settings import TrainingSettings


class TrainedNetwork(LightningModule):
    """A network with its loss and optimizer, as Lightning trains it.

    Parameters
    ----------
    network
        With fitted normalisation.
    loss
        The loss of the task.
    settings
        Resolved for the number of training series.
    total_steps
        Length of the learning-rate schedule.
    fingerprint
        Identifies data, model, settings and seed; a checkpoint with another fingerprint is rejected.
    """

    def __init__(
        self, network: Network, loss: Loss, settings: TrainingSettings, total_steps: int, fingerprint: str
    ) -> None:
        super().__init__()
        self.fingerprint = fingerprint
        self.network, self.loss, self.settings, self.total_steps = network, loss, settings, total_steps
        self.smoothed_loss = replace(loss, smoothing=settings.label_smoothing or 0.0)
        self.methods = suitable_methods(
            settings.augmentation or (),
            by_step=loss.task.by_step,
            metadata=network.context is not None,
            clock=network.architecture.needs_clock,
        )
        self._logits: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._weights: list[Tensor] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Compute the loss of one batch."""
        changed = augment(batch, self.methods, self.network.normalisation)
        assert changed.batch.targets is not None
        logits = self.network(changed.batch).logits.float()
        loss = self._loss_of_all_ranks(logits, changed.batch.targets, changed.batch.weights)
        if changed.other is not None:
            other = self._loss_of_all_ranks(logits, changed.other, changed.other_weights)
            loss = changed.share * loss + (1 - changed.share) * other
        shown, size = _of_whole_batch(loss, batch)
        self.log("train_loss", shown, on_step=False, on_epoch=True, batch_size=size)
        return loss

    def _loss_of_all_ranks(self, logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Compute the loss of a batch, or of a share of it: then the mean over the shares is the loss of the batch."""
        if not is_shared():
            return self.smoothed_loss(logits, targets, weights)
        summed, total = self.smoothed_loss.sums(logits, targets, weights)
        whole = sum_over_ranks(torch.as_tensor(total, dtype=torch.float32, device=logits.device))
        return summed * distributed.get_world_size() / whole.clamp(min=torch.finfo(torch.float32).tiny)

    def validation_step(self, batch: Batch, index: int) -> None:
        """Collect the logits of known targets until all validation series are done."""
        assert batch.targets is not None
        logits, targets, task = self.network(batch).logits.float(), batch.targets, self.loss.task
        weights = batch.mask.new_ones(len(batch)).float() if batch.weights is None else batch.weights
        if task.by_step:
            weights = weights[:, None].expand_as(batch.mask)[batch.mask]
            logits, targets = logits[batch.mask], targets[batch.mask]
        known = targets != UNKNOWN if not task.multilabel else (targets != UNKNOWN).any(dim=1)
        self._logits.append(logits[known].cpu())
        self._targets.append(targets[known].cpu())
        self._weights.append(weights[known].cpu())

    def on_validation_epoch_end(self) -> None:
        """Score the validation series of all processes as one set, not batch by batch."""
        found = gather_from_ranks([torch.cat(one) for one in (self._logits, self._targets, self._weights)])
        logits, targets, weights = (torch.cat(one) for one in zip(*found, strict=True))
        self._logits, self._targets, self._weights = [], [], []
        accuracy, f1 = validation_scores(self.loss.task, logits, targets)
        self.log("validation_loss", self.loss(logits, targets, weights))
        self.log("validation_accuracy", accuracy)
        self.log("validation_f1", f1)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the fingerprint."""
        checkpoint["fingerprint"] = self.fingerprint

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Reject the checkpoint of another training before its weights are loaded."""
        if checkpoint.get("fingerprint") != self.fingerprint:
            raise ParameterError(
                "expected the data, model, settings and seed of the training to resume, got different ones; resume "
                "with the same experiment, or train without resuming"
            )

    def configure_optimizers(self) -> Any:
        """Return AdamW and its one-cycle schedule, which is updated at every step."""
        settings = self.settings
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=settings.learning_rate, total_steps=self.total_steps + 1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _of_whole_batch(loss: Tensor, batch: Batch) -> tuple[Tensor, int]:
    """Return the loss and the number of series of the batch of which a process has a share."""
    if not is_shared():
        return loss, len(batch)
    has_series = batch.weights is None or bool(batch.weights.any())
    sums = sum_over_ranks(torch.stack([loss.detach(), loss.new_tensor(float(len(batch) * has_series))]))
    return sums[0] / distributed.get_world_size(), int(sums[1])


def validation_scores(task: Task, logits: Tensor, targets: Tensor) -> tuple[float, float]:
    """Compute accuracy and F1 over known targets; F1 is that of the positive class if binary, else macro-averaged.

    Parameters
    ----------
    task
        The classes or labels.
    logits
        Shape (N, outputs).
    targets
        Shape (N,), or (N, labels), where -1 is unknown.

    Returns
    -------
    tuple[float, float]
        In [0, 1]; for multi-label the share of correct labels, and the mean F1 over labels.

    Example
    -------
    >>> validation_scores(Task(("a", "b")), torch.tensor([[2.0], [-1.0]]), torch.tensor([1, 1]))
    (0.5, 0.666...)
    """
    if task.multilabel:
        known, guesses = targets != UNKNOWN, (logits > 0).long()
        right = (guesses == targets) & known
        both = (guesses * targets * known).sum(dim=0)
        either = ((guesses + targets) * known).sum(dim=0)
        f1 = torch.where(either > 0, 2 * both / either.clamp(min=1), 0.0).mean()
        return float(right.sum() / known.sum().clamp(min=1)), float(f1)
    binary = task.kind == "binary"
    guesses = (logits[:, 0] > 0).long() if binary else logits.argmax(dim=1)
    average, positive = ("binary", task.positive_index) if binary else ("macro", 1)
    f1 = f1_score(targets, guesses, average=average, pos_label=positive, zero_division=0.0)
    return float((guesses == targets).float().mean()), float(f1)
