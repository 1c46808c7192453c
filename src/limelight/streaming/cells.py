"""Recurrent layers one step at a time, in NumPy: their state is a value that can be kept, copied and saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from limelight.nn.recurrent import RecurrentEncoder, RecurrentLayer, ReluLSTM, SteppedGRU
from limelight.types import Doubles

States = tuple[Doubles, ...]
"""For each layer the hidden state, and for an LSTM the cell after it."""


class RecurrentCells:
    """Stacked layers of one direction; ``advance`` returns a new state and leaves the given one as it is.

    Parameters
    ----------
    encoder
        An encoder without a backward direction.

    Example
    -------
    >>> cells = RecurrentCells(RecurrentEncoder("lstm", 2, [3]))
    >>> states, features = cells.advance(cells.start(), np.zeros(2))
    >>> len(states), features.shape
    (2, (3,))
    """

    def __init__(self, encoder: RecurrentEncoder) -> None:
        self.layers = [_Layer(layer) for layer in encoder.layers if isinstance(layer, RecurrentLayer)]

    def start(self) -> States:
        """Return the state before the first step."""
        return tuple(np.zeros(layer.units) for layer in self.layers for _ in range(layer.states))

    def advance(self, states: States, inputs: Doubles) -> tuple[States, Doubles]:
        """Return the state after one more step, and the features of the last layer, shape (units,)."""
        new: list[Doubles] = []
        for layer in self.layers:
            own = states[len(new) : len(new) + layer.states]
            new += layer.next(own, inputs)
            inputs = new[-layer.states]
        return tuple(new), inputs


class _Layer:
    """One layer, with the weights of torch in float64."""

    def __init__(self, layer: RecurrentLayer) -> None:
        ahead: Any = layer.ahead
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        self.inputs, self.recurrent, self.bias, self.recurrent_bias = (
            doubles_of(getattr(ahead, name)) for name in names
        )
        self.units = self.recurrent.shape[1]
        self.is_lstm = len(self.bias) == 4 * self.units
        self.states = 2 if self.is_lstm else 1
        relu = isinstance(ahead, ReluLSTM) or (isinstance(ahead, SteppedGRU) and ahead.activation is torch.relu)
        self.activation: Any = _relu if relu else np.tanh
        self.reset_after = bool(getattr(ahead, "reset_after", True))

    def next(self, states: States, inputs: Doubles) -> list[Doubles]:
        """Return the next hidden state, and for an LSTM the next cell."""
        projected = self.inputs @ inputs + self.bias
        return self._next_lstm(states, projected) if self.is_lstm else [self._next_gru(states[0], projected)]

    def _next_lstm(self, states: States, projected: Doubles) -> list[Doubles]:
        hidden, cell = states
        gates = projected + self.recurrent @ hidden + self.recurrent_bias
        into, forget, candidate, out = gates.reshape(4, self.units)
        cell = sigmoid(forget) * cell + sigmoid(into) * self.activation(candidate)
        return [sigmoid(out) * self.activation(cell), cell]

    def _next_gru(self, hidden: Doubles, projected: Doubles) -> Doubles:
        twice = 2 * self.units
        recalled = self.recurrent[:twice] @ hidden + self.recurrent_bias[:twice]
        reset, keep = sigmoid(projected[:twice] + recalled).reshape(2, self.units)
        weight, bias = self.recurrent[twice:], self.recurrent_bias[twice:]
        own = reset * (weight @ hidden + bias) if self.reset_after else weight @ (reset * hidden) + bias
        fresh: Doubles = keep * hidden + (1 - keep) * self.activation(projected[twice:] + own)
        return fresh


def doubles_of(tensor: Any) -> Doubles:
    """Convert a tensor of torch to float64."""
    found: Doubles = tensor.detach().double().cpu().numpy()
    return found


def sigmoid(values: Doubles) -> Doubles:
    """Compute 1 / (1 + exp(-x)) without overflow.

    Example
    -------
    >>> sigmoid(np.array([0.0, -1e4])).tolist()
    [0.5, 0.0]
    """
    found: Doubles = 0.5 * (1 + np.tanh(0.5 * values))
    return found


def _relu(values: Doubles) -> Doubles:
    found: Doubles = np.maximum(values, 0)
    return found
