"""Fusion: combine the metadata of a series with its steps."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

SCALE_AT_START = 0.6
"""Standard deviation of the scales of ``Film`` at the start of training, for metadata with standard deviation 1."""


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

    Scales start at random, small against 1; shifts start the same way. Padding is never changed.

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
    >>> film = Film(context_width=4, width=2)
    >>> torch.equal(film(features, mask, torch.zeros(1, 4)), features)
    True
    >>> torch.equal(film(features, mask, torch.ones(1, 4)), features)
    False
    """

    def __init__(self, context_width: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(context_width, 2 * width)
        nn.init.normal_(self.project.weight, std=SCALE_AT_START / context_width**0.5)
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


class Products(nn.Module):
    """Products of linear combinations of the features with the encoded metadata, both relative to their means.

    With these products as further inputs of a linear head, metadata change what the features mean; a series with
    average metadata, or with average features, has only zeros.

    Parameters
    ----------
    width
        Number of features, at least 1.
    context_width
        Number of columns of the context, at least 1.
    components
        Number of linear combinations, at least 1.

    Attributes
    ----------
    directions, centre, typical
        Weights of the combinations, shape (width, components); the mean features, shape (width,), and the mean context,
        shape (context_width,), of the training series. Set by the code that fits the head.

    Example
    -------
    >>> products = Products(width=2, context_width=2, components=1)
    >>> products.set(torch.tensor([[1.0], [1.0]]), torch.tensor([1.0, 1.0]), torch.tensor([0.5, 0.5]))
    >>> products(torch.tensor([[3.0, 2.0]]), torch.tensor([[1.0, 0.0]])).tolist()
    [[1.5, -1.5]]
    """

    directions: Tensor
    centre: Tensor
    typical: Tensor

    def __init__(self, width: int, context_width: int, components: int) -> None:
        super().__init__()
        self.width = components * context_width
        self.register_buffer("directions", torch.zeros(width, components))
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("typical", torch.zeros(context_width))

    def set(
        self,
        directions: Float[Tensor, "width components"],
        centre: Float[Tensor, " width"],
        typical: Float[Tensor, " context"],
    ) -> None:
        """Set the combinations and the means."""
        for name, value in (("directions", directions), ("centre", centre), ("typical", typical)):
            getattr(self, name).copy_(value)

    def forward(
        self, features: Float[Tensor, "batch width"], context: Float[Tensor, "batch context"]
    ) -> Float[Tensor, "batch products"]:
        """Multiply each combination of features by each column of the context, shape (batch, components * context)."""
        combined = (features.double() - self.centre.double()) @ self.directions.double()
        relative = context.double() - self.typical.double()
        return (combined[:, :, None] * relative[:, None]).flatten(1).to(features.dtype)

    def weights_under(
        self, weights: Float[Tensor, "outputs products"], context: Float[Tensor, " context"]
    ) -> Float[Tensor, "outputs width"]:
        """Compute what a linear head on the products adds to the weights of the features, given the metadata.

        Parameters
        ----------
        weights
            Weights of the products, float64, shape (outputs, components * context).
        context
            The encoded metadata of one series, shape (context,).

        Returns
        -------
        Tensor
            Float64, shape (outputs, width).
        """
        relative = context.double() - self.typical.double()
        by_component = weights.reshape(len(weights), self.directions.shape[1], -1) @ relative
        added: Tensor = by_component @ self.directions.double().T
        return added
