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
from limelight.model.targets import Targets
from limelight.model.vocabulary import Vocabulary
from limelight.nn.batch import Batch
from limelight.parts.architecture import Architecture
from limelight.types import Rows

POOL = 32
"""Batches whose series are sorted by length together; more would sort better and shuffle worse."""


class BatchesOfPanel(Dataset[Batch]):
    """Gives whole batches: the index is an array of rows.

    Parameters
    ----------
    panel
        The series.
    targets
        The truth about them.
    architecture
        Of the network that takes the batches: says whether they have the time between steps and missing values.
    vocabulary
        Turns the metadata of the series into numbers; None without.
    """

    def __init__(
        self, panel: Panel, targets: Targets, architecture: Architecture, vocabulary: Vocabulary | None = None
    ) -> None:
        self.panel, self.targets, self.architecture = panel, targets, architecture
        self.facts = None if vocabulary is None else vocabulary.encode(panel.metadata, len(panel), panel.signals)

    def __getitem__(self, rows: Rows) -> Batch:
        architecture = self.architecture
        return make_batch(
            self.panel,
            rows,
            self.targets,
            elapsed=architecture.needs_clock,
            missing=architecture.takes_missing,
            facts=self.facts,
        )


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
    weights
        How probable each series is at each draw, shape (n,); None takes each once in every pass.

    Example
    -------
    >>> sampler = ShuffledBatches(np.full(5, 10), batch_size=2, seed=0, least_batches=1)
    >>> [len(rows) for rows in sampler], sorted(np.concatenate(list(sampler)).tolist())
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        lengths: NDArray[np.int64],
        batch_size: int,
        seed: int,
        least_batches: int,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.lengths, self.batch_size, self.seed, self.weights = lengths, batch_size, seed, weights
        self.passes = max(1, math.ceil(least_batches * batch_size / len(lengths)))
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) * self.passes / self.batch_size)

    def __iter__(self) -> Iterator[Rows]:
        # A generator: Lightning asks for the iterator of a resumed epoch before it tells the number of that epoch.
        random = np.random.default_rng([self.seed, self.epoch])
        n = len(self.lengths)
        if self.weights is None:
            order = np.concatenate([random.permutation(n) for _ in range(self.passes)])
        else:
            order = random.choice(n, size=n * self.passes, p=self.weights)
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


class LateLoader(DataLoader[Batch]):
    """Asks its sampler for the first rows when the first batch is wanted.

    Workers ask for rows ahead, from the moment an iterator is made. Lightning makes that of a resumed epoch before it
    tells the number of the epoch, on which the order of the rows depends.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        yield from super().__iter__()


def training_loader(
    batches: BatchesOfPanel,
    batch_size: int,
    seed: int,
    least_batches: int,
    workers: int = 0,
    weights: NDArray[np.float64] | None = None,
) -> DataLoader[Batch]:
    """Give the shuffled batches of a training panel; ``loader.sampler.epoch`` says of which epoch."""
    rows = ShuffledBatches(batches.panel.lengths, batch_size, seed, least_batches, weights)
    return _loader(batches, rows, workers)


def validation_loader(batches: BatchesOfPanel) -> DataLoader[Batch]:
    """Give every series of a panel once, in few large batches."""
    return _loader(batches, list(batches_by_length(batches.panel)), workers=0)


def _loader(batches: BatchesOfPanel, sampler: Any, workers: int) -> DataLoader[Batch]:
    # Every iterator draws a number that only workers need. It comes from a generator of its own: taken from the
    # global one it would shift the dropout of a resumed epoch.
    return LateLoader(
        batches,
        batch_size=None,
        sampler=sampler,
        generator=torch.Generator(),
        num_workers=workers,
        persistent_workers=workers > 0,
    )
