"""Fusion: the facts about a series meet its steps."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


def append_to_each_step(
    inputs: Float[Tensor, "batch time width"],
    facts: Float[Tensor, "batch facts"],
    mask: Bool[Tensor, "batch time"],
) -> Float[Tensor, "batch time both"]:
    """Put the facts about a series behind the inputs of each of its real steps, and 0 where padded.

    Parameters
    ----------
    inputs
        Shape (batch, time, width).
    facts
        Shape (batch, facts).
    mask
        True where a step is real, shape (batch, time).

    Returns
    -------
    Tensor
        Shape (batch, time, width + facts).

    Example
    -------
    >>> append_to_each_step(torch.ones(1, 2, 1), torch.tensor([[5.0]]), torch.tensor([[True, False]])).tolist()
    [[[1.0, 5.0], [1.0, 0.0]]]
    """
    return torch.cat([inputs, facts[:, None] * mask[:, :, None]], dim=2)


class Film(nn.Module):
    """Scale and shift each feature by what the facts about the series say: features · (1 + scale) + shift.

    The layer starts at zero, so at the start of training features pass unchanged, whatever the facts; padding always
    does.

    Parameters
    ----------
    facts
        Width of the facts, at least 1.
    width
        Of the features, at least 1.

    Source
    ------
    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018.

    Example
    -------
    >>> features = torch.ones(1, 3, 2)
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> torch.equal(Film(facts=4, width=2)(features, mask, torch.ones(1, 4)), features)
    True
    """

    def __init__(self, facts: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(facts, 2 * width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(
        self,
        features: Float[Tensor, "batch steps width"],
        mask: Bool[Tensor, "batch steps"],
        facts: Float[Tensor, "batch facts"],
    ) -> Float[Tensor, "batch steps width"]:
        """Give the changed features, shape (batch, steps, width) to the same."""
        scale, shift = self.project(facts)[:, None].chunk(2, dim=2)
        return torch.where(mask[:, :, None], features * (1 + scale) + shift, features)
