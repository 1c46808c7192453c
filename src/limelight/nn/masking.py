"""Operations on real steps only. A mask is True for real steps, which come first in each row, False for padding."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


def lengths_of(mask: Bool[Tensor, "batch time"]) -> Int64[Tensor, " batch"]:
    """Count the real steps of each row.

    Example
    -------
    >>> lengths_of(torch.tensor([[True, True, False]])).tolist()
    [2]
    """
    return mask.sum(dim=1)


def masked_softmax(
    scores: Float[Tensor, "batch steps"], mask: Bool[Tensor, "batch steps"]
) -> Float[Tensor, "batch steps"]:
    """Compute weights that sum to 1 over the real steps and are exactly 0 for padding.

    Parameters
    ----------
    scores
        Any finite numbers, shape (batch, steps).
    mask
        True for real steps, at least one in each row, shape (batch, steps).

    Returns
    -------
    Tensor
        Weights in [0, 1], shape (batch, steps).

    Example
    -------
    >>> masked_softmax(torch.zeros(1, 3), torch.tensor([[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=1)


def reverse_real(
    values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch time width"]:
    """Reverse the real steps of each row; padding stays at the end.

    On reversed values, the backward direction of a layer starts at the last real step of every row and never reads
    padding. Packed sequences would do the same, but take up to twice as long per step on a CPU.

    Parameters
    ----------
    values
        Values to reverse, shape (batch, time, width).
    mask
        True for real steps, False for padding, shape (batch, time).

    Returns
    -------
    Tensor
        Shape (batch, time, width); applying the function twice returns ``values``.

    Example
    -------
    >>> values = torch.tensor([[[1.0], [2.0], [0.0]]])
    >>> reverse_real(values, torch.tensor([[True, True, False]])).flatten().tolist()
    [2.0, 1.0, 0.0]
    """
    if bool(mask.all()):
        return values.flip(1)
    steps = torch.arange(mask.shape[1], device=mask.device)
    mirrored = lengths_of(mask)[:, None] - 1 - steps
    places = torch.where(mask, mirrored, steps)
    return values.gather(1, places[:, :, None].expand_as(values))


def at_last_real(
    values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch width"]:
    """Select the last real step of each row, shape (batch, time, width) to (batch, width).

    Example
    -------
    >>> at_last_real(torch.tensor([[[1.0], [2.0], [9.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[2.0]]
    """
    last = lengths_of(mask) - 1
    return values[torch.arange(len(values), device=values.device), last]


def mask_every(mask: Bool[Tensor, "batch time"], stride: int) -> Bool[Tensor, "batch steps"]:
    """Return the mask of strided steps: True if a strided step covers at least one real time step.

    Parameters
    ----------
    mask
        True for real time steps, False for padding, shape (batch, time).
    stride
        Number of time steps per strided step, at least 1.

    Returns
    -------
    Tensor
        Shape (batch, ceil(time / stride)).

    Example
    -------
    >>> mask_every(torch.tensor([[True, True, True, False, False]]), 2).tolist()
    [[True, True, False]]
    """
    return mask[:, ::stride]


def spread_over_time(
    weights: Float[Tensor, "batch steps"], mask: Bool[Tensor, "batch time"], stride: int
) -> Float[Tensor, "batch time"]:
    """Split the weight of each strided step evenly among the real time steps that it covers.

    Parameters
    ----------
    weights
        Weights of the strided steps, shape (batch, ceil(time / stride)).
    mask
        True for real time steps, False for padding, shape (batch, time).
    stride
        Number of time steps per strided step, at least 1.

    Returns
    -------
    Tensor
        Weights of the time steps, shape (batch, time), 0 for padding; the sum of each row is unchanged.

    Example
    -------
    >>> mask = torch.tensor([[True, True, True, False]])
    >>> spread_over_time(torch.tensor([[0.5, 0.5]]), mask, 2).tolist()
    [[0.25, 0.25, 0.5, 0.0]]
    """
    time = mask.shape[1]
    repeated = weights.repeat_interleave(stride, dim=1)[:, :time]
    cells = torch.arange(time, device=mask.device) // stride
    covered = torch.zeros_like(weights).index_add_(1, cells, mask.to(weights.dtype))
    shared = covered.clamp(min=1).repeat_interleave(stride, dim=1)[:, :time]
    return repeated / shared * mask
