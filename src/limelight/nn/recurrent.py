"""Recurrent encoders: stacked LSTM or GRU layers, unidirectional or bidirectional, with tanh or relu."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limelight.nn.masking import reverse_real
from limelight.nn.side_by_side import in_halves, side_by_side


class ReluLSTM(nn.Module):
    """One LSTM layer with relu instead of tanh for the candidate and the cell.

    torch has no such layer; the weights have the layout of ``torch.nn.LSTM``. The state is set to zero on padding: relu
    is unbounded, and a state that kept growing over padding would become infinite and then NaN.

    Parameters
    ----------
    input_size, hidden_size
        Width of the input and number of units, at least 1.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih_l0 = _weight(hidden_size, 4 * hidden_size, input_size)
        self.weight_hh_l0 = _weight(hidden_size, 4 * hidden_size, hidden_size)
        self.bias_ih_l0 = _weight(hidden_size, 4 * hidden_size)
        self.bias_hh_l0 = _weight(hidden_size, 4 * hidden_size)

    def forward(
        self, values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time hidden"]:
        """Encode the real steps in order, shape (batch, time, width) to (batch, time, hidden)."""
        projected = functional.linear(values, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)
        hidden = cell = projected.new_zeros(len(values), self.weight_hh_l0.shape[1])
        outputs = []
        for step, real in zip(projected.unbind(1), mask[:, :, None].unbind(1), strict=True):
            gates = torch.addmm(step, hidden, self.weight_hh_l0.t())
            into, forget, candidate, out = gates.chunk(4, dim=1)
            cell = (forget.sigmoid() * cell + into.sigmoid() * candidate.relu()).masked_fill(~real, 0.0)
            hidden = out.sigmoid() * cell.relu()
            outputs.append(hidden)
        return torch.stack(outputs, dim=1)


class ReluGRU(nn.Module):
    """One GRU layer with relu instead of tanh for the candidate; the weights have the layout of ``torch.nn.GRU``.

    Parameters
    ----------
    input_size, hidden_size
        Width of the input and number of units, at least 1.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih_l0 = _weight(hidden_size, 3 * hidden_size, input_size)
        self.weight_hh_l0 = _weight(hidden_size, 3 * hidden_size, hidden_size)
        self.bias_ih_l0 = _weight(hidden_size, 3 * hidden_size)
        self.bias_hh_l0 = _weight(hidden_size, 3 * hidden_size)

    def forward(
        self, values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time hidden"]:
        """Encode the real steps in order, shape (batch, time, width) to (batch, time, hidden)."""
        projected = functional.linear(values, self.weight_ih_l0, self.bias_ih_l0)
        hidden = projected.new_zeros(len(values), self.weight_hh_l0.shape[1])
        outputs = []
        for step, real in zip(projected.unbind(1), mask[:, :, None].unbind(1), strict=True):
            recalled = functional.linear(hidden, self.weight_hh_l0, self.bias_hh_l0)
            reset, update, candidate = step.chunk(3, dim=1)
            reset_recalled, update_recalled, candidate_recalled = recalled.chunk(3, dim=1)
            keep = (update + update_recalled).sigmoid()
            fresh = (candidate + (reset + reset_recalled).sigmoid() * candidate_recalled).relu()
            hidden = (keep * hidden + (1 - keep) * fresh).masked_fill(~real, 0.0)
            outputs.append(hidden)
        return torch.stack(outputs, dim=1)


class RecurrentLayer(nn.Module):
    """One layer, unidirectional or bidirectional; the backward direction starts at the last real step.

    Parameters
    ----------
    cell
        ``"lstm"`` or ``"gru"``.
    input_size, hidden_size
        Width of the input and number of units per direction, at least 1.
    bidirectional
        Whether to also read backwards and concatenate both outputs.
    activation
        ``"tanh"`` or ``"relu"``.
    """

    def __init__(self, cell: str, input_size: int, hidden_size: int, bidirectional: bool, activation: str) -> None:
        super().__init__()
        self.ahead = _one_direction(cell, input_size, hidden_size, activation)
        self.back = _one_direction(cell, input_size, hidden_size, activation) if bidirectional else None

    def forward(
        self, values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time features"]:
        """Encode the real steps, shape (batch, time, width) to (batch, time, hidden × directions)."""
        if self.back is None:
            return _outputs(self.ahead, values, mask)
        reversed_values = reverse_real(values, mask)
        if isinstance(self.back, (ReluLSTM, ReluGRU)):
            ahead, back = self.ahead(values, mask), self.back(reversed_values, mask)
        else:
            ahead, back = side_by_side(self.ahead, self.back, values, reversed_values)
        return torch.cat([ahead, reverse_real(back, mask)], dim=2)


class RecurrentEncoder(nn.Module):
    """Stacked recurrent layers with dropout after each layer; one feature vector per time step.

    Parameters
    ----------
    cell
        ``"lstm"`` or ``"gru"``.
    channels
        Width of the input, at least 1.
    sizes
        Number of units per direction of each layer.
    bidirectional, activation
        As for ``RecurrentLayer``.
    dropout
        Share of features set to zero in training, in [0, 1).

    Example
    -------
    >>> encoder = RecurrentEncoder("lstm", 3, [8, 4], bidirectional=True)
    >>> features, mask = encoder(torch.zeros(2, 10, 3), torch.ones(2, 10, dtype=torch.bool))
    >>> features.shape, encoder.width
    (torch.Size([2, 10, 8]), 8)
    """

    stride = 1

    def __init__(
        self,
        cell: str,
        channels: int,
        sizes: Sequence[int],
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        inputs = [channels, *(size * directions for size in sizes[:-1])]
        self.layers = nn.ModuleList(
            RecurrentLayer(cell, width, size, bidirectional, activation)
            for width, size in zip(inputs, sizes, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.bidirectional = bidirectional
        self.width = sizes[-1] * directions

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch time width"], Bool[Tensor, "batch time"]]:
        """Return features and their mask, shapes (batch, time, width) and (batch, time)."""
        features = values
        for layer in self.layers:
            features = self.dropout(layer(features, mask))
        return features, mask


def _one_direction(cell: str, input_size: int, hidden_size: int, activation: str) -> nn.Module:
    fused: dict[str, type[nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU}
    looped: dict[str, type[nn.Module]] = {"lstm": ReluLSTM, "gru": ReluGRU}
    if activation == "relu":
        return looped[cell](input_size, hidden_size)
    return fused[cell](input_size, hidden_size, batch_first=True)


def _outputs(layer: nn.Module, values: Tensor, mask: Tensor) -> Tensor:
    if isinstance(layer, (ReluLSTM, ReluGRU)):
        looped: Tensor = layer(values, mask)
        return looped
    return in_halves(layer, values)


def _weight(hidden_size: int, *shape: int) -> nn.Parameter:
    """Create a weight, initialised in the same range as in torch's own recurrent layers."""
    bound = 1 / math.sqrt(hidden_size)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
