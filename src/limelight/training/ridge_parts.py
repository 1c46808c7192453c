"""Sums of a ridge regression over parts of the rows, computed anywhere and merged: the map and reduce of a head.

The parts depend on the rows alone, not on who computes them, and are merged in order. Therefore, the head is the same
whatever the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class RidgeSums:
    """Sums of products of features and targets, shifted by about the mean of the features to avoid cancellation.

    Parameters
    ----------
    shift
        What is subtracted from each feature, shape (features,).
    outputs
        Number of outputs.
    emphasis
        What standardised features are multiplied by, shape (features,); None for 1.
    """

    def __init__(self, shift: Float[Tensor, " features"], outputs: int, emphasis: Tensor | None = None) -> None:
        self.emphasis = 1.0 if emphasis is None else emphasis.double()
        width = len(shift)
        self.shift = shift
        self.products = torch.zeros(width, width, dtype=torch.float64)
        self.with_targets = torch.zeros(width, outputs, dtype=torch.float64)
        self.features = torch.zeros(width, dtype=torch.float64)
        self.targets = torch.zeros(outputs, dtype=torch.float64)
        self.rows = 0.0

    def add(
        self,
        features: Float[Tensor, "n features"],
        targets: Float[Tensor, "n outputs"],
        weights: Float[Tensor, " n"],
    ) -> None:
        """Add rows with their weights to the sums."""
        roots = weights.sqrt().to(features.dtype)[:, None]
        shifted = (features - self.shift) * roots
        self.products += shifted.T @ shifted
        self.with_targets += shifted.T @ (targets.to(shifted.dtype) * roots)
        self.features += (shifted * roots).sum(dim=0, dtype=torch.float64)
        self.targets += (targets * weights[:, None]).sum(dim=0, dtype=torch.float64)
        self.rows += float(weights.sum())

    def merge(self, other: RidgeSums) -> None:
        """Add the sums over other rows, which have the same shift."""
        self.products += other.products
        self.with_targets += other.with_targets
        self.features += other.features
        self.targets += other.targets
        self.rows += other.rows

    def mean(self) -> Tensor:
        """Return the mean of each feature."""
        return self.features / self.rows + self.shift

    def solve(self, alpha: float) -> tuple[Tensor, Tensor] | None:
        """Return weights for unstandardised features and the bias; None if the penalty is too small to solve with."""
        mean, centre = self.features / self.rows, self.targets / self.rows
        products = torch.addr(self.products, mean, mean, alpha=-self.rows)
        variance = products.diagonal() / self.rows
        scale = torch.where(variance > 1e-12, variance, 1.0).sqrt() / self.emphasis
        right = torch.addr(self.with_targets, mean, centre, alpha=-self.rows) / scale[:, None]
        products.div_(scale).div_(scale[:, None])
        products.diagonal().add_(alpha)
        factor, failed = torch.linalg.cholesky_ex(products)
        if failed:
            return None
        weight = torch.cholesky_solve(right, factor).T / scale
        return weight, centre - weight @ (mean + self.shift)


@dataclass(frozen=True, eq=False)
class RidgePart:
    """Sums over some rows, and the rows among them that are held out.

    Parameters
    ----------
    sums
        Over all rows that are not held out.
    rows
        Positions of the rows held out in the stream of all rows, shape (m,).
    features, targets, weights
        Of the rows held out, shapes (m, features), (m, outputs) and (m,).
    seen
        Number of rows.
    """

    sums: RidgeSums
    rows: Int64[Tensor, " m"]
    features: Float[Tensor, "m features"]
    targets: Float[Tensor, "m outputs"]
    weights: Float[Tensor, " m"]
    seen: int


def sum_part(
    batches: Iterable[tuple[Tensor, ...]],
    *,
    every: int,
    emphasis: Tensor | None = None,
    first: int = 0,
    shift: Tensor | None = None,
) -> RidgePart | None:
    """Sum some batches of the stream of all rows.

    Parameters
    ----------
    batches
        As for ``fit_ridge_streamed``.
    every
        Hold out one row in this many of the stream.
    emphasis
        As for ``fit_ridge``.
    first
        Number of rows of the stream before these batches.
    shift
        As for ``RidgeSums``, the same for all parts; None takes the mean of the first batch.

    Returns
    -------
    RidgePart or None
        None if there are no batches.

    Example
    -------
    >>> rows = torch.arange(6.0)[:, None]
    >>> part = sum_part([(rows, rows.sign())], every=3, first=1)
    >>> part.rows.tolist(), part.sums.rows, part.seen
    ([2, 5], 4.0, 6)
    """
    sums, held, rows, seen = None, [], [], 0
    for features, targets, *rest in batches:
        weights = rest[0] if rest else torch.ones(len(targets), dtype=torch.float64)
        out = torch.arange(first + seen, first + seen + len(features)) % every == every - 1
        if sums is None:
            sums = RidgeSums(features.mean(dim=0) if shift is None else shift, targets.shape[1], emphasis)
        sums.add(features[~out], targets[~out], weights[~out])
        held.append((features[out], targets[out], weights[out]))
        rows.append(first + seen + out.nonzero()[:, 0])
        seen += len(features)
    if sums is None:
        return None
    held_features, held_targets, held_weights = (torch.cat(parts) for parts in zip(*held, strict=True))
    return RidgePart(sums, torch.cat(rows), held_features, held_targets, held_weights, seen)
