"""Batches for training: reshuffled every epoch, series of similar length together, reproducible by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from limelight.data.panel import Panel
from limelight.model.batching import make_batch
from limelight.model.padding import batches_by_length
from limelight.model.targets import Targets
from limelight.model.vocabulary import Vocabulary
from limelight.nn.batch import Batch
from limelight.parts.architecture import Architecture
from limelight.types import Rows

POOL = 32
"""Number of batches whose series are sorted by length together; more would sort better and shuffle worse."""


class PanelBatches(Dataset[Batch]):
    """A dataset of batches of the series of ``panel``, indexed by rows."""

    panel: Panel


class BatchesOfPanel(PanelBatches):
    """A dataset of whole batches: the index is an array of rows.

    Parameters
    ----------
    panel
        The series.
    targets
        Their targets; None if they are not needed.
    architecture
        Of the network; whether batches need the time between steps and may have missing values.
    vocabulary
        Encodes the metadata of the series; None without metadata.
    offset
        What batches are relative to, as for ``make_batch``.
    """

    def __init__(
        self,
        panel: Panel,
        targets: Targets | None,
        architecture: Architecture,
        vocabulary: Vocabulary | None = None,
        offset: NDArray[np.float64] | None = None,
    ) -> None:
        self.offset = offset
        self.panel, self.targets, self.architecture, self.vocabulary = panel, targets, architecture, vocabulary
        self.weights = None if panel.weights is None else panel.weights / panel.weights.mean()
        self.metadata = None if vocabulary is None else vocabulary.encode(panel.metadata, len(panel), panel.signals)

    def __getitem__(self, rows: Rows) -> Batch:
        architecture = self.architecture
        batch = make_batch(
            self.panel,
            rows,
            self.targets,
            elapsed=architecture.needs_clock,
            missing=architecture.takes_missing,
            metadata=self.metadata,
            offset=self.offset,
        )
        if self.weights is not None:
            batch.weights = torch.from_numpy(self.weights[rows]).to(batch.values.dtype)
        return batch


class ShuffledBatches(Sampler[Rows]):
    """Sampler of the rows of every training batch of an epoch.

    The order depends on the seed and the number of the epoch alone, so that a resumed training sees the same batches.

    Parameters
    ----------
    lengths
        Steps of each series, shape (n,).
    batch_size
        Series in a batch, at least 1.
    seed
        An integer.
    least_batches
        Repeat the series until there are this many batches.
    weights
        Sampling probability of each series, shape (n,); None takes each once in every pass.

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
        # A generator: Lightning requests the iterator of a resumed epoch before it sets the number of that epoch.
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
    """A loader that draws its first rows when the first batch is requested, not when the iterator is created.

    Workers prefetch rows as soon as an iterator exists. Lightning creates the iterator of a resumed epoch before it
    sets the number of the epoch, on which the order of the rows depends.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        yield from super().__iter__()


def training_loader(
    batches: PanelBatches,
    batch_size: int,
    seed: int,
    least_batches: int,
    workers: int = 0,
    weights: NDArray[np.float64] | None = None,
) -> DataLoader[Batch]:
    """Build the loader of shuffled training batches; ``loader.sampler.epoch`` is the epoch."""
    rows = ShuffledBatches(batches.panel.lengths, batch_size, seed, least_batches, weights)
    return _loader(batches, rows, workers)


def validation_loader(batches: PanelBatches) -> DataLoader[Batch]:
    """Build the loader of every series of a panel once, in few large batches."""
    return _loader(batches, list(batches_by_length(batches.panel)), workers=0)


def _loader(batches: PanelBatches, sampler: Any, workers: int) -> DataLoader[Batch]:
    # Every iterator draws a number that only workers need. It comes from its own generator: drawn from the global one
    # it would shift the dropout of a resumed epoch.
    return LateLoader(
        batches,
        batch_size=None,
        sampler=sampler,
        generator=torch.Generator(),
        num_workers=workers,
        persistent_workers=workers > 0,
    )
