"""Batches for training: shuffled anew each epoch, series of similar length together, the same again for a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from limelight.data.panel import Panel
from limelight.model.batching import batches_by_length, make_batch
from limelight.nn.batch import Batch

Rows = NDArray[np.int64]
POOL = 32
"""Batches whose series are sorted by length together; more would sort better and shuffle worse."""


class BatchesOfPanel(Dataset[Batch]):
    """Gives whole batches: the index is an array of rows.

    Parameters
    ----------
    panel
        The series.
    codes
        Class of each series, shape (n,).
    """

    def __init__(self, panel: Panel, codes: NDArray[np.int64]) -> None:
        self.panel, self.codes = panel, codes

    def __getitem__(self, rows: Rows) -> Batch:
        return make_batch(self.panel, rows, self.codes)


class ShuffledBatches(Sampler[Rows]):
    """Rows of every training batch of one epoch.

    Each epoch has its own order, made from seed and number of the epoch alone, so that a resumed training sees the
    batches it would have seen.

    Parameters
    ----------
    lengths
        Steps of each series, shape (n,).
    batch_size
        Series in a batch, at least 1.
    seed
        Any whole number.
    least_batches
        Go through the set as often as it takes for so many batches.

    Example
    -------
    >>> sampler = ShuffledBatches(np.full(5, 10), batch_size=2, seed=0, least_batches=1)
    >>> [len(rows) for rows in sampler], sorted(np.concatenate(list(sampler)).tolist())
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """

    def __init__(self, lengths: NDArray[np.int64], batch_size: int, seed: int, least_batches: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.passes = max(1, math.ceil(least_batches * batch_size / len(lengths)))
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) * self.passes / self.batch_size)

    def __iter__(self) -> Iterator[Rows]:
        # A generator: Lightning asks for the iterator of a resumed epoch before it tells the number of that epoch.
        random = np.random.default_rng([self.seed, self.epoch])
        order = np.concatenate([random.permutation(len(self.lengths)) for _ in range(self.passes)])
        if self.lengths.min() == self.lengths.max():
            batches = self._cut(order)
        else:
            pools = [order[i : i + POOL * self.batch_size] for i in range(0, len(order), POOL * self.batch_size)]
            sorted_pools = [pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools]
            batches = [batch for pool in sorted_pools for batch in self._cut(pool)]
            batches = [batches[place] for place in random.permutation(len(batches))]
        yield from batches

    def _cut(self, order: Rows) -> list[Rows]:
        return [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]


def training_loader(
    panel: Panel, codes: NDArray[np.int64], batch_size: int, seed: int, least_batches: int
) -> DataLoader[Batch]:
    """Give the shuffled batches of a training panel; ``loader.sampler.epoch`` says of which epoch."""
    sampler = ShuffledBatches(panel.lengths, batch_size, seed, least_batches)
    return _loader(BatchesOfPanel(panel, codes), sampler)


def validation_loader(panel: Panel, codes: NDArray[np.int64]) -> DataLoader[Batch]:
    """Give every series of a panel once, in few large batches."""
    return _loader(BatchesOfPanel(panel, codes), list(batches_by_length(panel)))


def _loader(batches: BatchesOfPanel, sampler: Any) -> DataLoader[Batch]:
    # Every iterator draws a number that only workers need. It comes from a generator of its own: taken from the
    # global one it would shift the dropout of a resumed epoch.
    return DataLoader(batches, batch_size=None, sampler=sampler, generator=torch.Generator())
