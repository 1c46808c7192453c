"""Fusion: combine the metadata of a series with its steps."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


def append_to_each_step(
    inputs: Float[Tensor, "batch time width"],
    context: Float[Tensor, "batch context"],
    mask: Bool[Tensor, "batch time"],
) -> Float[Tensor, "batch time both"]:
    """Concatenate the context vector to the inputs of each real step, and zeros to padding.

    Parameters
    ----------
    inputs
        Inputs of each step, shape (batch, time, width).
    context
        Encoded metadata of each series, shape (batch, context).
    mask
        True for real steps, False for padding, shape (batch, time).

    Returns
    -------
    Tensor
        Shape (batch, time, width + context).

    Example
    -------
    >>> append_to_each_step(torch.ones(1, 2, 1), torch.tensor([[5.0]]), torch.tensor([[True, False]])).tolist()
    [[[1.0, 5.0], [1.0, 0.0]]]
    """
    return torch.cat([inputs, context[:, None] * mask[:, :, None]], dim=2)


class Film(nn.Module):
    """Scale and shift each feature depending on the metadata: features · (1 + scale) + shift.

    The layer starts at zero, so features are unchanged at the start of training, whatever the metadata; padding is
    never changed.

    Parameters
    ----------
    context_width
        Width of the context vector, at least 1.
    width
        Number of features, at least 1.

    Source
    ------
    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018.

    Example
    -------
    >>> features = torch.ones(1, 3, 2)
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> torch.equal(Film(context_width=4, width=2)(features, mask, torch.ones(1, 4)), features)
    True
    """

    def __init__(self, context_width: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(context_width, 2 * width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(
        self,
        features: Float[Tensor, "batch steps width"],
        mask: Bool[Tensor, "batch steps"],
        context: Float[Tensor, "batch context"],
    ) -> Float[Tensor, "batch steps width"]:
        """Scale and shift features of shape (batch, steps, width); the shape does not change."""
        scale, shift = self.project(context)[:, None].chunk(2, dim=2)
        return torch.where(mask[:, :, None], features * (1 + scale) + shift, features)
