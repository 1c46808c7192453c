"""Standardisation inside the network: fitted on training data, saved and exported with the weights."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


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
