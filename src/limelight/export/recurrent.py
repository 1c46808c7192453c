"""Recurrent encoders as nodes of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation, translate
from limelight.nn.recurrent import RecurrentEncoder, RecurrentLayer, ReluGRU, ReluLSTM
from limelight.types import Floats

LSTM_GATES, GRU_GATES = (0, 3, 1, 2), (1, 0, 2)
"""torch orders gates as input, forget, cell, output, and reset, update, new; ONNX as iofc, and zrh."""


@register_translation(RecurrentEncoder)
def write_recurrent(graph: Graph, encoder: RecurrentEncoder, steps: Steps) -> Steps:
    """Write stacked recurrent layers."""
    hidden = graph.transpose(steps.values, 1, 0, 2)  # time first
    lengths = graph.cast(steps.lengths, np.int32)
    for layer in encoder.layers:
        hidden = translate(graph, layer, hidden, lengths)
    return Steps(graph.transpose(hidden, 1, 0, 2), steps.mask, steps.lengths)


@register_translation(RecurrentLayer)
def write_recurrent_layer(graph: Graph, layer: RecurrentLayer, values: str, lengths: str) -> str:
    """Write one layer; ONNX reads backwards from the last real step by itself. Time is the first axis."""
    directions: list[Any] = [layer.ahead] if layer.back is None else [layer.ahead, layer.back]
    is_lstm, is_relu = isinstance(layer.ahead, (nn.LSTM, ReluLSTM)), isinstance(layer.ahead, (ReluLSTM, ReluGRU))
    gates = LSTM_GATES if is_lstm else GRU_GATES
    weights = np.stack([_in_order(one.weight_ih_l0, gates) for one in directions])
    recurrent = np.stack([_in_order(one.weight_hh_l0, gates) for one in directions])
    both = [[_in_order(one.bias_ih_l0, gates), _in_order(one.bias_hh_l0, gates)] for one in directions]
    words: dict[str, Any] = {"hidden_size": recurrent.shape[2]}
    words["direction"] = "forward" if layer.back is None else "bidirectional"
    if is_relu:
        words["activations"] = (["Sigmoid", "Relu", "Relu"] if is_lstm else ["Sigmoid", "Relu"]) * len(directions)
    if not is_lstm:
        words["linear_before_reset"] = 1
    constants = [graph.constant(one) for one in (weights, recurrent, np.stack([np.concatenate(one) for one in both]))]
    states = graph.add("LSTM" if is_lstm else "GRU", values, *constants, lengths, **words)
    if layer.back is None:
        return graph.squeeze(states, 1)
    return graph.reshape(graph.transpose(states, 0, 2, 1, 3), 0, 0, 2 * recurrent.shape[2])


def _in_order(weight: Any, gates: tuple[int, ...]) -> Floats:
    parts = np.split(weight.detach().cpu().numpy(), len(gates))
    ordered: Floats = np.concatenate([parts[gate] for gate in gates])
    return ordered
