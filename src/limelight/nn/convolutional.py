"""Strided convolutions before an LSTM: the LSTM runs over fewer steps, and each step covers a stretch of the series."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limelight.nn.masking import mask_every
from limelight.nn.recurrent import RecurrentEncoder


class StridedConvolution(nn.Module):
    """Convolutions over time, the first with a stride; padding stays zero and never affects a real step.

    There is no normalisation layer: batch normalisation would include padding in its statistics, and normalisation over
    the filters of a step failed to learn on smooth series (chance level on Coffee) and removed the amplitude.

    Step k of the output covers the time steps from k·stride to (k+1)·stride - 1, with its kernel centred on them.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    filters
        Number of filters of every convolution, at least 1.
    depth
        Number of convolutions, at least 1.
    stride
        Number of time steps per output step, at least 1. The first kernel is twice as long, and at least 5 steps.
    """

    def __init__(self, channels: int, filters: int, depth: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.kernel_size = max(5, 2 * stride) + (max(5, 2 * stride) - stride) % 2
        self.first = nn.Conv1d(channels, filters, self.kernel_size, stride=stride)
        self.rest = nn.ModuleList(nn.Conv1d(filters, filters, 5, padding="same") for _ in range(depth - 1))

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch steps filters"], Bool[Tensor, "batch steps"]]:
        """Compute features and their mask, shapes (batch, ceil(time / stride), filters) and (batch, steps)."""
        time = values.shape[1]
        steps = -(-time // self.stride)
        before = (self.kernel_size - self.stride) // 2
        behind = (steps - 1) * self.stride + self.kernel_size - before - time
        step_mask = mask_every(mask, self.stride)
        padded = functional.pad(values.transpose(1, 2), (before, behind))
        features = functional.relu(self.first(padded)) * step_mask[:, None, :]
        for convolution in self.rest:
            features = functional.relu(convolution(features)) * step_mask[:, None, :]
        return features.transpose(1, 2), step_mask


class ConvLSTMEncoder(nn.Module):
    """Strided convolutions followed by an LSTM.

    Parameters
    ----------
    channels, filters, depth, stride
        As for ``StridedConvolution``.
    hidden_size
        Number of units of the LSTM per direction, at least 1.
    bidirectional
        Whether the LSTM reads in both directions.
    dropout
        Share of features set to zero before and after the LSTM in training, in [0, 1).
    """

    def __init__(
        self,
        channels: int,
        *,
        filters: int,
        depth: int,
        stride: int,
        hidden_size: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.convolution = StridedConvolution(channels, filters, depth, stride)
        self.dropout = nn.Dropout(dropout)
        self.recurrence = RecurrentEncoder("lstm", filters, [hidden_size], bidirectional=bidirectional, dropout=dropout)
        self.stride = stride
        self.bidirectional = bidirectional
        self.width = self.recurrence.width

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch steps width"], Bool[Tensor, "batch steps"]]:
        """Compute features and their mask, shapes (batch, ceil(time / stride), width) and (batch, steps)."""
        features, step_mask = self.convolution(values, mask)
        states: tuple[Tensor, Tensor] = self.recurrence(self.dropout(features), step_mask)
        return states
