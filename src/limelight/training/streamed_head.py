"""The head of an encoder with fixed features for many series: features are computed part by part and never stored.

The parts may be computed by several processes. Which series a part holds, their batches and which series are held out
depend on the seed alone, and sums are merged in the order of the parts: the head is the same, to rounding, whatever the
number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from limelight.data.panel import Panel
from limelight.model.padding import batches_by_length
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parallel import run_parallel
from limelight.training.loaders import BatchesOfPanel
from limelight.training.ridge import HELD_OUT, Ridge, fit_ridge_parts
from limelight.training.ridge_parts import RidgePart, sum_part
from limelight.training.runtime import one_thread
from limelight.types import Rows

MOST_PARTS, BATCHES_OF_A_PART = 16, 4
"""The most parts of the series, which is also the most processes that help, and the fewest batches of one."""
MOST_HELD_OUT = 20_000
"""Series held out to choose the penalty; their features are in memory."""


class _Part(NamedTuple):
    """A part of the series, with all that a process needs to sum it."""

    network: Network
    series: BatchesOfPanel
    batches: list[Rows]
    wanted: Tensor
    weights: Tensor | None
    first: int
    shift: Tensor
    every: int
    emphasis: Tensor | None


def fit_streamed(
    network: Network,
    series: BatchesOfPanel,
    wanted: Float[Tensor, "n outputs"],
    random: np.random.Generator,
    emphasis: Float[Tensor, " features"] | None = None,
    weights: Float[Tensor, "n outputs"] | None = None,
    *,
    advance: Callable[[int], object] = int,
    workers: int = 0,
) -> tuple[Ridge, Int64[Tensor, " n"]]:
    """Fit a head in one pass over the features of all series.

    Memory: the square of the number of features, for each process, and the features of the series held out: one in
    ten, at most about 20,000.

    Parameters
    ----------
    network
        With fitted thresholds.
    series
        The training series.
    wanted
        Targets of -1 and 1, shape (n, outputs), all known.
    random
        Draws the order of the series.
    emphasis
        As for ``fit_ridge``.
    weights
        Of each series, the same for each output, shape (n, outputs); None for 1.
    advance
        Called with the number of series done since the last call.
    workers
        Processes; 0 and 1 compute all features in this one.

    Returns
    -------
    tuple[Ridge, Tensor]
        The head, whose rows are positions in the order, and the order: the row of the panel at each position.
    """
    batches = _shuffled_batches(series.panel, random)
    shift = pooled(network, series[batches[0]]).mean(dim=0)
    every = max(HELD_OUT, len(series.panel) // MOST_HELD_OUT)
    firsts = [0, *accumulate(map(len, batches))]
    count = max(1, min(MOST_PARTS, len(batches) // BATCHES_OF_A_PART))
    bounds = np.unique(np.searchsorted(firsts, np.linspace(0, firsts[-1], count + 1))).tolist()

    def parts() -> Iterator[_Part]:
        for start, stop in pairwise(bounds):
            rows = np.concatenate(batches[start:stop])
            places = np.split(np.arange(len(rows)), np.cumsum([len(one) for one in batches[start:stop]])[:-1])
            part = BatchesOfPanel(series.panel[rows], None, series.architecture, series.vocabulary)
            chosen = None if weights is None else weights[rows, 0]
            yield _Part(network, part, places, wanted[rows], chosen, firsts[start], shift, every, emphasis)

    sums: Iterator[RidgePart]
    if workers < 2:
        sums = (_sum_part(part, advance) for part in parts())
    else:
        sums = _counted(run_parallel(_sum_in_worker, ((part,) for part in parts()), workers, ordered=True), advance)
    ridge = fit_ridge_parts(sums, every=every)
    return ridge, torch.from_numpy(np.concatenate(batches))


@torch.no_grad()
def pooled(network: Network, batch: Batch) -> Float[Tensor, "n width"]:
    """Compute the inputs of the head for a batch."""
    return network.with_products(network.pooled(batch))


def _counted(sums: Iterator[RidgePart], advance: Callable[[int], object]) -> Iterator[RidgePart]:
    for part in sums:
        advance(part.seen)
        yield part
        del part


def _sum_in_worker(part: _Part) -> RidgePart:
    with one_thread():
        return _sum_part(part)


def _sum_part(part: _Part, advance: Callable[[int], object] = int) -> RidgePart:
    def batches() -> Iterator[tuple[Tensor, ...]]:
        for rows in part.batches:
            weighted = [] if part.weights is None else [part.weights[rows]]
            yield pooled(part.network, part.series[rows]), part.wanted[rows], *weighted
            advance(len(rows))

    found = sum_part(batches(), every=part.every, emphasis=part.emphasis, first=part.first, shift=part.shift)
    assert found is not None
    return found


def _shuffled_batches(panel: Panel, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Split all rows into batches of similar lengths, in random order."""
    batches = list(batches_by_length(panel))
    return [random.permutation(batches[place]) for place in random.permutation(len(batches))]
