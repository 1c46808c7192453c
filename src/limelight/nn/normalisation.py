"""Normalisation inside the network: of the inputs, fitted on training data, and of features, over real steps."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5


class Standardisation(nn.Module):
    """Subtract the training mean of each channel and divide by its standard deviation; padding becomes 0.

    A missing value (NaN) stays NaN.

    Parameters
    ----------
    channels
        Number of channels, at least 1. Until ``set_statistics`` is called, values are not changed.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    def set_statistics(self, mean: Float[Tensor, " channels"], deviation: Float[Tensor, " channels"]) -> None:
        """Set the training statistics; a constant channel is only shifted.

        Parameters
        ----------
        mean, deviation
            Mean and standard deviation of each channel, in its own unit, shape (channels,).
        """
        flat = deviation <= 1e-6 * mean.abs().clamp(min=1e-30)
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(flat, torch.ones_like(deviation), deviation))

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time channels"]:
        """Scale values of shape (batch, time, channels); the shape does not change."""
        return ((values - self.mean) / self.scale) * mask[:, :, None]


class MaskedBatchNorm(nn.Module):
    """Batch normalisation whose statistics count real steps only; padding becomes 0.

    In prediction, the running statistics of the training are used, so that neither padding nor the other series of a
    batch change an answer.

    Parameters
    ----------
    features
        Number of features, at least 1.
    affine
        Whether to learn a scale and a shift for each feature.
    momentum
        Weight of a batch in the running statistics, in (0, 1].

    Source
    ------
    Ioffe and Szegedy, Batch Normalization, 2015.

    Example
    -------
    >>> features = torch.tensor([[[1.0, 3.0, 9.0]]])
    >>> MaskedBatchNorm(1)(features, torch.tensor([[True, True, False]])).round(decimals=3).tolist()
    [[[-1.0, 1.0, 0.0]]]
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, affine: bool = True, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.scale = nn.Parameter(torch.ones(features)) if affine else None
        self.shift = nn.Parameter(torch.zeros(features)) if affine else None
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(
        self, features: Float[Tensor, "batch features steps"], mask: Bool[Tensor, "batch steps"]
    ) -> Float[Tensor, "batch features steps"]:
        """Normalise features of shape (batch, features, steps); the shape does not change."""
        if bool(mask.all()):
            return functional.batch_norm(
                features, self.mean, self.variance, self.scale, self.shift, self._counts(mask), self.momentum
            )
        mean, variance = self.mean, self.variance
        if self._counts(mask):
            mean, variance = self._statistics(features, mask)
        factor = (variance + EPSILON).rsqrt()
        factor = factor if self.scale is None else factor * self.scale
        shift = -mean * factor if self.shift is None else self.shift - mean * factor
        return (features * factor[:, None] + shift[:, None]) * mask[:, None]

    def _counts(self, mask: Bool[Tensor, "batch steps"]) -> bool:
        """Whether the statistics of the batch count: in training, unless it is a single step."""
        return self.training and int(mask.sum()) > 1

    def _statistics(
        self, features: Float[Tensor, "batch features steps"], mask: Bool[Tensor, "batch steps"]
    ) -> tuple[Float[Tensor, " features"], Float[Tensor, " features"]]:
        """Compute mean and variance of the real steps, and update the running ones as torch does."""
        real, count = mask[:, None], mask.sum()
        mean = (features * real).sum(dim=(0, 2)) / count
        variance = ((features - mean[:, None]).square() * real).sum(dim=(0, 2)) / count
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance * count / (count - 1), self.momentum)
        return mean, variance
