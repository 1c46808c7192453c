"""The encoder of the example ``custom_encoder``: a part with its parameters, and its network."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from limelight.parts.base import Units
from limelight.parts.encoders import Encoder, register_encoder


@register_encoder
@dataclass
class Smoothing(Encoder):
    """Running means of the channels, mixed by one linear layer.

    Parameters
    ----------
    width
        Number of features, 1 to 8192.
    memory
        Share of the running mean that a step keeps, in [0, 1).
    """

    name = "smoothing"
    network = "outside_smoothing:SmoothingNetwork"
    width: Units = 16
    memory: Annotated[float, Field(ge=0, lt=1)] = 0.8


class SmoothingNetwork(nn.Module):
    """Return ``width`` features for each step; padding comes last, so it never changes a real step."""

    stride = 1
    bidirectional = False

    def __init__(self, channels: int, *, width: int, memory: float) -> None:
        super().__init__()
        self.width, self.memory = width, memory
        self.mix = nn.Linear(2 * channels, width)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (batch, time, width) and the mask of their steps."""
        mean, means = torch.zeros_like(values[:, 0]), []
        for step in values.unbind(dim=1):
            mean = self.memory * mean + (1 - self.memory) * step
            means.append(mean)
        smooth = torch.stack(means, dim=1)
        return torch.tanh(self.mix(torch.cat([smooth, values - smooth], dim=2))), mask
