"""Processes that train one network together: the share of each in a batch, and what they agree on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, distributed

from limelight.nn.batch import Batch
from limelight.task import UNKNOWN
from limelight.training.callbacks import StopOnInterrupt
from limelight.training.loaders import BatchesOfPanel, PanelBatches
from limelight.types import Rows


@dataclass(frozen=True)
class Rank:
    """One of the processes of a training.

    Parameters
    ----------
    number
        From 0 to ``world`` - 1; the process 0 writes files and returns the model.
    world
        Number of processes, at least 1.
    stop_file
        A file whose presence ends the training after the current step; None if there is only this process.
    parent
        The number of the process that started the processes.
    """

    number: int = 0
    world: int = 1
    stop_file: Path | None = None
    parent: int = 0


ONLY_RANK = Rank()


class ShareOfBatches(PanelBatches):
    """The share of one process in batches of whole rows: every ``world``-th series, so that lengths are alike.

    A batch with fewer series than processes has no share for some of them. They get its first series without a label
    and with the weight 0, which adds nothing to the loss.

    Parameters
    ----------
    batches
        The whole batches.
    rank
        The process.
    """

    def __init__(self, batches: BatchesOfPanel, rank: Rank) -> None:
        self.batches, self.rank = batches, rank
        self.panel = batches.panel

    def __getitem__(self, rows: Rows) -> Batch:
        share = rows[self.rank.number :: self.rank.world]
        if len(share):
            return self.batches[share]
        batch = self.batches[rows[:1]]
        assert batch.targets is not None
        batch.targets = torch.full_like(batch.targets, UNKNOWN)
        batch.weights = torch.zeros(1)
        return batch


class StopOnRequest(StopOnInterrupt):
    """Stop all processes after the same step, once the process that started them has written a file.

    Parameters
    ----------
    file
        The file.
    parent
        The number of the process that started this one.
    """

    def __init__(self, file: Path, parent: int) -> None:
        super().__init__()
        self.file, self.parent = file, parent

    def __enter__(self) -> Self:
        return self  # Ctrl-C is for the process that started this one

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *args: Any) -> None:
        """Stop if any process has seen the file, and end at once if the process that started this one is gone."""
        if os.getppid() != self.parent:
            os._exit(1)  # nobody would read a result, and files are whole at any time
        self.interrupted = float(sum_over_ranks(torch.tensor(float(self.file.exists())))) > 0
        super().on_train_batch_end(trainer, module, *args)


def sum_over_ranks(value: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes of the training, without a gradient; the tensor if it is alone.

    Example
    -------
    >>> sum_over_ranks(torch.tensor(3.0))
    tensor(3.)
    """
    if not is_shared():
        return value
    value = value.detach().clone()
    if distributed.get_backend() == "nccl":
        value = value.cuda()
    distributed.all_reduce(value)
    return value


def gather_from_ranks(value: Any) -> list[Any]:
    """Return the values of all processes of the training, in their order.

    Example
    -------
    >>> gather_from_ranks("a")
    ['a']
    """
    if not is_shared():
        return [value]
    found: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, value)
    return found


def is_shared() -> bool:
    """Whether other processes train the same network."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
