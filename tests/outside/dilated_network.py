"""The network of the encoder ``dilated``."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional


class DilatedEncoder(nn.Module):
    """Causal convolutions whose taps are further apart from layer to layer, each added to its input.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    filters, depth, kernel_size, growth, dropout
        As for ``Dilated``.
    """

    stride = 1
    bidirectional = False

    def __init__(
        self, channels: int, *, filters: int, depth: int, kernel_size: int, growth: int, dropout: float
    ) -> None:
        super().__init__()
        self.width = filters
        self.project = nn.Linear(channels, filters)
        distances: list[int] = [growth**layer for layer in range(depth)]
        self.before = [(kernel_size - 1) * distance for distance in distances]
        self.layers = nn.ModuleList(
            nn.Conv1d(filters, filters, kernel_size, dilation=distance) for distance in distances
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch time width"], Bool[Tensor, "batch time"]]:
        """Return features and their mask, shapes (batch, time, width) and (batch, time); padding comes last, unseen."""
        features: Tensor = self.project(values).transpose(1, 2)
        for layer, before in zip(self.layers, self.before, strict=True):
            features = features + self.dropout(functional.silu(layer(functional.pad(features, (before, 0)))))
        return features.transpose(1, 2), mask
