"""Products of features and metadata under a ridge head: whether leave-one-out shows that they help, and of what."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from limelight.training.block_weights import WEIGHTS, is_clear, leave_one_out_losses, standardised_columns
from limelight.training.ridge import LEAST_DEVIATION

ERRORS_OF_A_GAIN = 2.0
"""The mean gain in leave-one-out log loss that products need, in standard errors."""
LEAST_ROWS = 12


class ChosenProducts(NamedTuple):
    """Combinations of features whose products with the metadata help, as ``limelight.nn.fusion.Products`` takes them.

    Parameters
    ----------
    directions
        Shape (width, components), float32.
    centre, typical
        Means of the features and of the encoded metadata, shapes (width,) and (context,).
    emphasis
        The factor of each standardised product, as ``emphasis`` of ``fit_ridge``, shape (components * context,).
    """

    directions: Float[Tensor, "width components"]
    centre: Float[Tensor, " width"]
    typical: Float[Tensor, " context"]
    emphasis: Float[Tensor, " products"]


def choose_products(
    features: Float[Tensor, "n width"],
    context: Float[Tensor, "n context"],
    emphasis: Float[Tensor, " both"] | None,
    spans: Mapping[str, slice],
    wanted: Float[Tensor, "n outputs"],
    known: Bool[Tensor, "n outputs"],
    *,
    components: int,
    one_of: bool,
    multiplied: Float[Tensor, "n columns"] | None = None,
    optional: bool = True,
    errors: float = ERRORS_OF_A_GAIN,
) -> ChosenProducts | None:
    """Choose products of the metadata with principal components of the features by leave-one-out log loss.

    Two sets of components are compared: those of the features as they are weighted in the head, and those of all blocks
    of features alike, as a block can matter only together with the metadata.

    Parameters
    ----------
    features, context
        Features of the encoder and encoded metadata, finite, shapes (n, width) and (n, context).
    emphasis
        Factors of the standardised features and of the metadata, shape (width + context,); None is 1 for all.
    spans
        The columns of each block of features.
    wanted, known
        Targets of -1 and 1, and which of them are known, each shape (n, outputs).
    components
        Number of principal components, at least 1.
    one_of
        Whether the outputs are exclusive classes; else each is a label.
    multiplied
        The columns of the metadata that are multiplied, shape (n, columns), if they are not ``context``.
    optional
        Whether to return None unless the log loss falls by more than ``errors`` of its standard errors.
    errors
        At least 0.

    Returns
    -------
    ChosenProducts or None
        None if products do not help, or there are fewer than 12 series with known targets.

    Example
    -------
    >>> generator = torch.Generator().manual_seed(0)
    >>> series, mode = (torch.randint(0, 2, (60, 1), generator=generator).float() for _ in range(2))
    >>> wanted = 2 * (series == mode).double() - 1
    >>> known = torch.ones(60, 1, dtype=torch.bool)
    >>> spans = {"only": slice(0, 1)}
    >>> chosen = choose_products(series, mode, None, spans, wanted, known, components=1, one_of=True)
    >>> chosen.directions.shape
    torch.Size([1, 1])
    >>> choose_products(series, mode, None, spans, 2 * series - 1, known, components=1, one_of=True) is None
    True
    """
    rows = known.all(dim=1)
    if int(rows.sum()) < LEAST_ROWS:
        return None
    multiplied = (context if multiplied is None else multiplied)[rows]
    features, context, wanted = features[rows], context[rows], wanted[rows].double()
    width = features.shape[1]
    factors = torch.ones(width + context.shape[1]) if emphasis is None else emphasis
    total = float(factors.square().sum())
    own = (products_of_rows(features, factors[:width]) + products_of_rows(context, factors[width:])) / total
    lowest = leave_one_out_losses(own, wanted, one_of=one_of)
    candidates = [
        candidate
        for weighting in _weightings(factors[:width], spans)
        if (candidate := _candidate(features, multiplied, weighting, components)) is not None
    ]
    chosen = None
    for candidate, weight in itertools.product(candidates, WEIGHTS[1:]):
        losses = leave_one_out_losses((own + weight * candidate.products) / (1 + weight), wanted, one_of=one_of)
        forced = chosen is None and not optional
        if forced or is_clear(lowest - losses, errors):
            lowest, chosen = losses, candidate.weighted(weight * total)
    return chosen


class _Candidate(NamedTuple):
    """Principal components of the features, and the products of their rows once multiplied with the metadata."""

    directions: Tensor
    centre: Tensor
    typical: Tensor
    factors: Tensor
    products: Tensor

    def weighted(self, weight: float) -> ChosenProducts:
        """Return the products with factors whose squares have this sum."""
        factors = self.factors * (weight / float(self.factors.square().sum())) ** 0.5
        return ChosenProducts(self.directions.float(), self.centre.float(), self.typical.float(), factors.float())


def _candidate(features: Tensor, context: Tensor, weighting: Tensor, components: int) -> _Candidate | None:
    """Return products of the metadata with components of the weighted features; None if no feature varies."""
    found = _components(features, weighting, components)
    if found is None:
        return None
    directions, shares = found
    centre, typical = features.double().mean(dim=0), context.double().mean(dim=0)
    values = ((features.double() - centre) @ directions)[:, :, None] * (context.double() - typical)[:, None]
    factors = shares.sqrt()[:, None].expand(-1, context.shape[1]).flatten()
    products = products_of_rows(values.flatten(1), factors) / float(factors.square().sum())
    return _Candidate(directions, centre, typical, factors, products)


def _weightings(factors: Tensor, spans: Mapping[str, slice]) -> list[Tensor]:
    """Return the factors of the features in the head, and factors by which all blocks count alike, if they differ."""
    alike = torch.zeros_like(factors)
    for span in spans.values():
        alike[span] = (len(factors) / (len(spans) * max(span.stop - span.start, 1))) ** 0.5
    used = [factors] if bool(factors.any()) else []
    return [*used, *([] if len(spans) == 1 and used else [alike])]


def products_of_rows(features: Tensor, factors: Tensor) -> Tensor:
    """Return the products of the rows of the standardised features times their factors, shape (n, n).

    Example
    -------
    >>> products_of_rows(torch.tensor([[1.0], [3.0]]), torch.ones(1)).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    total = torch.zeros(len(features), len(features), dtype=torch.float64)
    for some, columns, _ in standardised_columns(features):
        scaled = columns * factors[some].double()
        total.addmm_(scaled, scaled.T)
    return total


def _components(features: Tensor, factors: Tensor, components: int) -> tuple[Tensor, Tensor] | None:
    """Compute principal components of weighted standardised features: directions, and their shares of the variance.

    The combinations have the standard deviation 1 on these rows. Missing components, if there are few rows or features,
    are zeros; None if no feature varies.
    """
    values, vectors = torch.linalg.eigh(products_of_rows(features, factors))
    values, vectors = values[-components:].flip(0).clamp(min=0), vectors[:, -components:].flip(1)
    if not float(values[0]) > 0:
        return None
    vectors, values = vectors[:, values > 1e-9 * values[0]], values[values > 1e-9 * values[0]]
    directions = torch.zeros(features.shape[1], components, dtype=torch.float64)
    for some, columns, deviation in standardised_columns(features):
        scale = torch.where(deviation > LEAST_DEVIATION, factors[some].double() / deviation, 0.0)
        loadings = (columns * factors[some].double()).T @ vectors
        directions[some, : len(values)] = scale[:, None] * loadings / values * len(features) ** 0.5
    shares = torch.zeros(components, dtype=torch.float64)
    shares[: len(values)] = values / values.sum()
    return directions, shares
