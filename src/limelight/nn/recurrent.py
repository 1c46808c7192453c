"""Recurrent encoders: stacked LSTM or GRU layers, unidirectional or bidirectional, with tanh or relu."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limelight.nn.masking import reverse_real
from limelight.nn.side_by_side import in_halves, side_by_side

LSTM_GATES = 4


@torch.no_grad()
def initialise_gates(layer: nn.Module) -> None:
    """Initialise the weights of a recurrent layer as Keras does, gate by gate.

    The weights of the inputs are Glorot uniform, those of the state are orthogonal, and biases are 0, except 1 for the
    forget gate of an LSTM. torch's own initialisation, uniform in ±1 / sqrt(units), lets the features begin so small
    that a network whose label needs series and metadata together can stay at chance.

    Parameters
    ----------
    layer
        With weights in the layout of ``torch.nn.LSTM`` or ``torch.nn.GRU``, one layer and one direction.

    Source
    ------
    Glorot and Bengio, 2010 (inputs); Saxe et al., 2014 (state); Jozefowicz et al., 2015 (forget gate).

    Example
    -------
    >>> layer = nn.LSTM(3, 2)
    >>> initialise_gates(layer)
    >>> layer.bias_ih_l0.tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """
    of_inputs, of_state, bias, second_bias = layer.parameters()
    units = of_state.shape[1]
    gates = len(bias) // units
    for inputs, state in zip(of_inputs.chunk(gates), of_state.chunk(gates), strict=True):
        nn.init.xavier_uniform_(inputs)
        nn.init.orthogonal_(state)
    bias.zero_()
    second_bias.zero_()
    if gates == LSTM_GATES:
        bias[units : 2 * units] = 1.0


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
        self.weight_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size))
        initialise_gates(self)

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


class SteppedGRU(nn.Module):
    """One GRU layer that runs step by step, for what ``torch.nn.GRU`` lacks; the weights have its layout.

    Parameters
    ----------
    input_size, hidden_size
        Width of the input and number of units, at least 1.
    activation
        Of the candidate, ``"tanh"`` or ``"relu"``.
    reset_after
        Whether the reset gate scales the recurrent part of the candidate, or the state that it is computed from.
    """

    def __init__(self, input_size: int, hidden_size: int, activation: str, reset_after: bool) -> None:
        super().__init__()
        self.activation = torch.relu if activation == "relu" else torch.tanh
        self.reset_after = reset_after
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size))
        initialise_gates(self)

    def forward(
        self, values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time hidden"]:
        """Encode the real steps in order, shape (batch, time, width) to (batch, time, hidden)."""
        projected = functional.linear(values, self.weight_ih_l0, self.bias_ih_l0)
        hidden = projected.new_zeros(len(values), self.weight_hh_l0.shape[1])
        outputs = []
        for step, real in zip(projected.unbind(1), mask[:, :, None].unbind(1), strict=True):
            hidden = self._next(step, hidden).masked_fill(~real, 0.0)
            outputs.append(hidden)
        return torch.stack(outputs, dim=1)

    def _next(self, step: Tensor, hidden: Tensor) -> Tensor:
        """Compute the next state from the projected inputs of a step and the state, both (batch, ...)."""
        units = hidden.shape[1]
        recalled = functional.linear(hidden, self.weight_hh_l0[: 2 * units], self.bias_hh_l0[: 2 * units])
        reset, keep = (step[:, : 2 * units] + recalled).sigmoid().chunk(2, dim=1)
        weight, bias = self.weight_hh_l0[2 * units :], self.bias_hh_l0[2 * units :]
        if self.reset_after:
            candidate = step[:, 2 * units :] + reset * functional.linear(hidden, weight, bias)
        else:
            candidate = step[:, 2 * units :] + functional.linear(reset * hidden, weight, bias)
        return keep * hidden + (1 - keep) * self.activation(candidate)


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
    reset_after
        Where the reset gate of a GRU acts, as for ``SteppedGRU``.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        bidirectional: bool,
        activation: str,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        self.ahead = _one_direction(cell, input_size, hidden_size, activation, reset_after)
        self.back = _one_direction(cell, input_size, hidden_size, activation, reset_after) if bidirectional else None

    def forward(
        self, values: Float[Tensor, "batch time width"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time features"]:
        """Encode the real steps, shape (batch, time, width) to (batch, time, hidden × directions)."""
        if self.back is None:
            return _outputs(self.ahead, values, mask)
        reversed_values = reverse_real(values, mask)
        if isinstance(self.back, (ReluLSTM, SteppedGRU)):
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
    bidirectional
        Whether to read backwards too, for all layers or for each.
    dropout
        Share of features set to zero in training, in [0, 1).
    activation, reset_after
        As for ``RecurrentLayer``.
    mask_value
        Skip the real steps at which every input has this value: a state passes over them unchanged. None skips none.

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
        bidirectional: bool | Sequence[bool] = False,
        dropout: float = 0.0,
        activation: str = "tanh",
        mask_value: float | None = None,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        both_ways = [bidirectional] * len(sizes) if isinstance(bidirectional, bool) else list(bidirectional)
        widths = [size * (2 if both else 1) for size, both in zip(sizes, both_ways, strict=True)]
        self.layers = nn.ModuleList(
            RecurrentLayer(cell, width, size, both, activation, reset_after)
            for width, size, both in zip([channels, *widths[:-1]], sizes, both_ways, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.bidirectional = both_ways[-1]
        self.width = widths[-1]
        self.mask_value = mask_value

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch time width"], Bool[Tensor, "batch time"]]:
        """Return features and their mask, shapes (batch, time, width) and (batch, time)."""
        if self.mask_value is None:
            return self._encode(values, mask), mask
        kept = mask & (values != self.mask_value).any(dim=2)
        order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)
        features = self._encode(values.gather(1, order[:, :, None].expand_as(values)), kept.gather(1, order))
        return _at_all_steps(features, kept, self.bidirectional), mask

    def _encode(self, values: Tensor, mask: Tensor) -> Tensor:
        features = values
        for layer in self.layers:
            features = self.dropout(layer(features, mask))
        return features


def _at_all_steps(features: Tensor, kept: Tensor, bidirectional: bool) -> Tensor:
    """Spread the features of the kept steps, which come first, over all steps.

    A skipped step has the features of the kept step read before it, zeros if there is none: of the step to its left,
    and in the second half of bidirectional features of the step to its right.
    """
    before = kept.cumsum(dim=1) - 1
    left = _select_steps(features, before)
    if not bidirectional:
        return left
    after = torch.where(kept, before, before + 1)
    right = _select_steps(features, torch.where(after < kept.sum(dim=1, keepdim=True), after, -1))
    half = features.shape[2] // 2
    return torch.cat([left[:, :, :half], right[:, :, half:]], dim=2)


def _select_steps(features: Tensor, places: Tensor) -> Tensor:
    """Return the features at the given places, shape (batch, time); zeros at places below 0."""
    chosen = features.gather(1, places.clamp(min=0)[:, :, None].expand_as(features))
    return chosen.where(places[:, :, None] >= 0, 0.0)


def _one_direction(cell: str, input_size: int, hidden_size: int, activation: str, reset_after: bool) -> nn.Module:
    if cell == "gru" and (activation == "relu" or not reset_after):
        return SteppedGRU(input_size, hidden_size, activation, reset_after)
    if activation == "relu":
        return ReluLSTM(input_size, hidden_size)
    fused: dict[str, type[nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU}
    layer = fused[cell](input_size, hidden_size, batch_first=True)
    initialise_gates(layer)
    return layer


def _outputs(layer: nn.Module, values: Tensor, mask: Tensor) -> Tensor:
    if isinstance(layer, (ReluLSTM, SteppedGRU)):
        looped: Tensor = layer(values, mask)
        return looped
    return in_halves(layer, values)
