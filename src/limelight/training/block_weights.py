"""Weights of blocks of features under one ridge head, chosen by leave-one-out log loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from limelight.training.ridge import LEAST_DEVIATION

COLUMNS_AT_ONCE = 4_096
WEIGHTS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Candidate weights of a block."""
WEIGHTS_OF_TEXTS = (*WEIGHTS, 10.0)
"""The same for the words of a text, which may matter more than the series."""
WEIGHTS_AT_START: Mapping[str, float] = MappingProxyType({"rocket": 1.0, "hydra": 1.0, "shapelets": 1.0})
"""Weights of blocks at the start of the search; every other block has the weight 0."""
ROUNDS = 2
PENALTIES = tuple(float(penalty) for penalty in np.logspace(-4, 2, 13))
SCALES = tuple(float(scale) for scale in np.logspace(-0.5, 1.7, 19))
LEAST_GAIN = 1e-6
STANDARD_ERRORS_OF_TWO, STANDARD_ERRORS = 1.0, 2.0
"""The mean gain that a change needs, in standard errors, with two blocks and with more, which offer more chances to fit
noise."""
STANDARD_ERRORS_OF_METADATA = 1.0
"""The same for the weight of the metadata, which is 0 at the start."""


def choose_emphasis(
    features: Float[Tensor, "n width"],
    spans: Sequence[slice],
    wanted: Float[Tensor, "n outputs"],
    known: Bool[Tensor, "n outputs"],
    *,
    one_of: bool,
    start: Sequence[float] | None = None,
    metadata: int = 0,
    texts: int = 0,
) -> Float[Tensor, " width"] | None:
    """Choose how much each block of features counts in a ridge regression.

    The search varies the weight of one block after the other. A change is kept if it lowers the leave-one-out log loss,
    at the best penalty and scale of the logits, by more than a multiple of the standard error of the difference. Each
    weighting costs one eigendecomposition of a matrix of shape (n, n).

    Parameters
    ----------
    features
        Finite, shape (n, width), n at least 2.
    spans
        The columns of each block, which together are all columns.
    wanted, known
        Targets of -1 and 1, and which of them are known, each shape (n, outputs). Rows with an unknown target are not
        used; if fewer than two are left, the weights stay as they are at the start.
    one_of
        Whether the outputs are exclusive classes; else each is a label.
    start
        The weight of each block at the start, at least 0, not all 0; None is 1 for the first and 0 for the others.
    metadata
        Number of last blocks that are metadata, whose weights need a gain of one standard error however many blocks
        there are.
    texts
        Number of last blocks that are words of texts, whose columns are not standardised: a rare word does not count
        more than a frequent one.

    Returns
    -------
    Tensor or None
        The factor of each standardised feature, at least 0, shape (width,), as ``emphasis`` of ``fit_ridge``; None if
        there is one block only.

    Example
    -------
    >>> random = np.random.default_rng(0)
    >>> wanted = torch.tensor(random.permutation([-1.0, 1.0] * 20))[:, None]
    >>> noise, signal = torch.randn(40, 30, generator=torch.Generator().manual_seed(0)), wanted + 0.1
    >>> emphasis = choose_emphasis(
    ...     torch.cat([noise, signal], 1), [slice(0, 30), slice(30, 31)], wanted, torch.ones(40, 1).bool(), one_of=True
    ... )
    >>> bool(emphasis[0] < emphasis[30])
    True
    """
    if len(spans) < 2:
        return None
    rows = known.all(dim=1)
    first_text = len(spans) - texts
    blocks = [weigh_block(features[:, span], rows, place >= first_text) for place, span in enumerate(spans)]
    weights = [1.0] + [0.0] * (len(spans) - 1) if start is None else list(start)
    if int(rows.sum()) > 1:
        errors = [STANDARD_ERRORS if len(spans) > 2 else STANDARD_ERRORS_OF_TWO] * len(spans)
        errors[len(spans) - metadata :] = [STANDARD_ERRORS_OF_METADATA] * metadata
        tried = [WEIGHTS] * first_text + [WEIGHTS_OF_TEXTS] * texts
        weights = _search([block.products for block in blocks], wanted[rows].double(), one_of, weights, errors, tried)
    total, share = sum(block.size for block in blocks[:first_text]), sum(weights)
    emphasis = features.new_zeros(features.shape[1])
    for span, block, weight in zip(spans, blocks, weights, strict=True):
        emphasis[span] = block.factors * (weight / share * total / block.size) ** 0.5
    return emphasis


class WeightedBlock(NamedTuple):
    """What a block of features adds to the products of the rows of all features.

    Parameters
    ----------
    factors
        The factor of each standardised column, shape (width,).
    size
        The sum of the squared factors of the columns that vary, above 0.
    products
        The products of the rows of the weighted columns, divided by ``size``, float64, shape (n, n).
    """

    factors: Tensor
    size: float
    products: Tensor


def weigh_block(features: Float[Tensor, "m width"], rows: Bool[Tensor, " m"], as_given: bool) -> WeightedBlock:
    """Compute the products of some rows of standardised columns, or of columns that count as they are given.

    Parameters
    ----------
    features
        Finite, shape (m, width).
    rows
        Which rows are multiplied, n of m; mean and deviation are those of all rows.
    as_given
        Whether the columns keep their deviations, so that a column counts by its variance.

    Returns
    -------
    WeightedBlock
        Its products are those of centred columns.

    Example
    -------
    >>> block = weigh_block(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([True, True]), as_given=True)
    >>> block.factors.tolist(), block.size, block.products.tolist()
    ([1.0, 2.0], 5.0, [[1.0, -1.0], [-1.0, 1.0]])
    """
    products = torch.zeros(int(rows.sum()), int(rows.sum()), dtype=torch.float64)
    factors, size = features.new_ones(features.shape[1]), 0.0
    for some, columns, deviation in standardised_columns(features):
        varies = (deviation > LEAST_DEVIATION).double()
        if as_given:
            factors[some] = (deviation * varies).to(factors.dtype)
            columns = columns * deviation
        size += float((deviation.square() * varies if as_given else varies).sum())
        known = columns[rows]
        known = known - known.mean(dim=0)
        products.addmm_(known, known.T)
    return WeightedBlock(factors, size or 1.0, products / (size or 1.0))


def standardised_columns(features: Float[Tensor, "n width"]) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Yield the standardised columns of features, a few thousand at a time.

    Parameters
    ----------
    features
        Finite, shape (n, width).

    Yields
    ------
    tuple of slice, Tensor and Tensor
        Some columns; their values with mean 0 and standard deviation 1, float64, shape (n, columns), 0 where a column
        does not vary; and the standard deviations before, shape (columns,).

    Example
    -------
    >>> [(columns, deviation)] = [found[1:] for found in standardised_columns(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))]
    >>> columns.tolist(), deviation.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [1.0, 0.0])
    """
    for start in range(0, features.shape[1], COLUMNS_AT_ONCE):
        some = slice(start, start + COLUMNS_AT_ONCE)
        values = features[:, some].double()
        deviation, mean = torch.std_mean(values, dim=0, correction=0)
        yield some, torch.where(deviation > LEAST_DEVIATION, (values - mean) / deviation, 0.0), deviation


def _search(
    products: Sequence[Tensor],
    wanted: Tensor,
    one_of: bool,
    weights: list[float],
    errors: Sequence[float],
    tried: Sequence[Sequence[float]],
) -> list[float]:
    """Vary the weight of one block after the other and keep what lowers the leave-one-out log loss beyond noise."""

    def losses(candidate: Sequence[float]) -> Tensor:
        mixed = sum(weight * product for weight, product in zip(candidate, products, strict=True))
        return leave_one_out_losses(torch.as_tensor(mixed) / sum(candidate), wanted, one_of=one_of)

    lowest = losses(weights)
    for _ in range(ROUNDS):
        before = weights
        for block in range(len(products)):
            for weight in tried[block]:
                candidate = [*weights[:block], weight, *weights[block + 1 :]]
                if candidate == weights or sum(candidate) == 0:
                    continue
                found = losses(candidate)
                gain = lowest - found
                if is_clear(gain, errors[block]):
                    lowest, weights = found, candidate
        if weights == before:
            break
    return weights


def is_clear(gain: Float[Tensor, " n"], errors: float) -> bool:
    """Whether the mean of the gains of n series is above so many of its standard errors.

    Example
    -------
    >>> is_clear(torch.tensor([1.0, 2.0, 3.0]), 3.0), is_clear(torch.tensor([1.0, 2.0, 3.0]), 4.0)
    (True, False)
    """
    return bool(gain.mean() > LEAST_GAIN + errors * gain.std() / len(gain) ** 0.5)


def leave_one_out_losses(
    products: Float[Tensor, "n n"], wanted: Float[Tensor, "n outputs"], *, one_of: bool
) -> Float[Tensor, " n"]:
    """Compute leave-one-out log losses of a ridge regression, at the penalty and scale of the lowest mean.

    Parameters
    ----------
    products
        Products of the centred rows of features, shape (n, n).
    wanted
        Targets of -1 and 1, float64, shape (n, outputs).
    one_of
        Whether the outputs are exclusive classes; else each is a label.

    Returns
    -------
    Tensor
        The loss of each series, for labels the mean over them, shape (n,).
    """
    values, vectors = torch.linalg.eigh(products)
    values = values.clamp(min=0)
    centre = wanted.mean(dim=0)
    rotated = vectors.T @ (wanted - centre)
    squares = vectors.square()
    found = []
    for penalty in PENALTIES:
        shrunk = values / (values + penalty)
        fitted = vectors @ (shrunk[:, None] * rotated)
        leverage = squares @ shrunk + 1 / len(wanted)
        errors = (wanted - centre - fitted) / (1 - leverage).clamp(min=1e-6)[:, None]
        found.append(lowest_log_losses(wanted - errors, wanted, one_of=one_of))
    return min(found, key=lambda losses: float(losses.mean()))


def lowest_log_losses(
    scores: Float[Tensor, "n outputs"], wanted: Float[Tensor, "n outputs"], *, one_of: bool
) -> Float[Tensor, " n"]:
    """Compute the log losses of scores as logits, at the scale of the logits with the lowest mean.

    Targets are slightly smoothed, as in ``fit_scale``.

    Parameters
    ----------
    scores, wanted
        Scores of a ridge regression, and their targets of -1 and 1, each shape (n, outputs).
    one_of
        Whether the outputs are exclusive classes, with one scale; else each is a label with a scale of its own.

    Returns
    -------
    Tensor
        The loss of each series, for labels the mean over them, shape (n,).

    Example
    -------
    >>> losses = lowest_log_losses(torch.tensor([[0.0], [0.0]]), torch.tensor([[-1.0], [1.0]]), one_of=True)
    >>> [round(loss, 4) for loss in losses.tolist()]
    [0.6931, 0.6931]
    """
    scales = torch.tensor(SCALES, dtype=scores.dtype)[:, None, None]
    outputs = scores.shape[1]
    if one_of and outputs > 1:
        unsure = 1 / (len(scores) + outputs)
        log_probabilities = torch.log_softmax(scales * scores, dim=2)
        right, total = log_probabilities[:, wanted > 0], log_probabilities.sum(dim=2)
        losses = -((1 - outputs * unsure) * right + unsure * total)
        return losses[losses.mean(dim=1).argmin()]
    unsure = 1 / (len(scores) + 2)
    margins = scales * scores * wanted
    right, wrong = (torch.nn.functional.logsigmoid(sign * margins) for sign in (1, -1))
    losses = -((1 - unsure) * right + unsure * wrong)
    best = losses.mean(dim=1).argmin(dim=0)
    return losses[best, :, torch.arange(outputs)].mean(dim=0)
