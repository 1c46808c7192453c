"""Recurrent encoders as nodes of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation, translate
from limelight.nn.recurrent import RecurrentEncoder, RecurrentLayer, ReluLSTM, SteppedGRU
from limelight.types import Floats

LSTM_LAYERS = (nn.LSTM, ReluLSTM)
LSTM_GATES, GRU_GATES = (0, 3, 1, 2), (1, 0, 2)
"""torch orders gates as input, forget, cell, output, and reset, update, new; ONNX as iofc, and zrh."""


@register_translation(RecurrentEncoder)
def write_recurrent(graph: Graph, encoder: RecurrentEncoder, steps: Steps) -> Steps:
    """Write stacked recurrent layers."""
    if encoder.mask_value is None:
        return steps._replace(values=_stacked(graph, encoder, steps.values, steps.lengths))
    differs = graph.add("Not", graph.add("Equal", steps.values, graph.number(encoder.mask_value)))
    some = graph.add("Greater", graph.sum(graph.cast(differs, np.int64), 2), graph.integer(0))
    kept = graph.add("And", steps.mask, some)
    count = graph.sum(graph.cast(kept, np.int64), 1, keepdims=True)
    # the kept steps come first, in order, then the others
    before, others = (_running_count(graph, one) for one in (kept, graph.add("Not", kept)))
    place = graph.add("Where", kept, before, graph.add("Add", count, others))
    spread = graph.add("Expand", graph.unsqueeze(place, 2), graph.add("Shape", steps.values))
    first = graph.add("ScatterElements", steps.values, spread, steps.values, axis=1)
    features = _stacked(graph, encoder, first, graph.squeeze(count, 1))
    return steps._replace(values=_at_all_steps(graph, features, kept, before, count, encoder.bidirectional))


def _stacked(graph: Graph, encoder: RecurrentEncoder, values: str, lengths: str) -> str:
    """Write the layers; time is the second axis of the values, and the first inside."""
    hidden = graph.transpose(values, 1, 0, 2)
    for layer in encoder.layers:
        hidden = translate(graph, layer, hidden, graph.cast(lengths, np.int32))
    return graph.transpose(hidden, 1, 0, 2)


def _running_count(graph: Graph, flags: str) -> str:
    """Write how many flags are set before each step, and at it the same number if it is set itself."""
    counts = graph.add("CumSum", graph.cast(flags, np.int64), graph.integer(1))
    return graph.add("Sub", counts, graph.integer(1))


def _at_all_steps(graph: Graph, features: str, kept: str, before: str, count: str, bidirectional: bool) -> str:
    """Write the features of the kept steps at all steps, as ``limelight.nn.recurrent`` does."""
    left = _selected(graph, features, before)
    if not bidirectional:
        return left
    after = graph.add("Where", kept, before, graph.add("Add", before, graph.integer(1)))
    after = graph.add("Where", graph.add("Less", after, count), after, graph.integer(-1))
    right = _selected(graph, features, after)
    halves = [graph.add_several("Split", one, outputs=2, axis=2) for one in (left, right)]
    return graph.concat([halves[0][0], halves[1][1]], 2)


def _selected(graph: Graph, features: str, places: str) -> str:
    """Write the features at places, zeros at places below 0."""
    chosen = graph.unsqueeze(graph.add("Max", places, graph.integer(0)), 2)
    found = graph.add("GatherND", features, chosen, batch_dims=1)
    is_there = graph.unsqueeze(graph.add("GreaterOrEqual", places, graph.integer(0)), 2)
    return graph.add("Where", is_there, found, graph.number(0.0))


@register_translation(RecurrentLayer)
def write_recurrent_layer(graph: Graph, layer: RecurrentLayer, values: str, lengths: str) -> str:
    """Write one layer; ONNX reads backwards from the last real step by itself. Time is the first axis."""
    directions: list[Any] = [layer.ahead] if layer.back is None else [layer.ahead, layer.back]
    is_lstm, candidate = isinstance(layer.ahead, LSTM_LAYERS), _activation_of(layer.ahead)
    gates = LSTM_GATES if is_lstm else GRU_GATES
    weights = np.stack([_in_order(one.weight_ih_l0, gates) for one in directions])
    recurrent = np.stack([_in_order(one.weight_hh_l0, gates) for one in directions])
    both = [[_in_order(one.bias_ih_l0, gates), _in_order(one.bias_hh_l0, gates)] for one in directions]
    words: dict[str, Any] = {"hidden_size": recurrent.shape[2]}
    words["direction"] = "forward" if layer.back is None else "bidirectional"
    words["activations"] = ["Sigmoid", *[candidate] * (2 if is_lstm else 1)] * len(directions)
    if not is_lstm:
        words["linear_before_reset"] = int(getattr(layer.ahead, "reset_after", True))
    constants = [graph.constant(one) for one in (weights, recurrent, np.stack([np.concatenate(one) for one in both]))]
    states = graph.add("LSTM" if is_lstm else "GRU", values, *constants, lengths, **words)
    if layer.back is None:
        return graph.squeeze(states, 1)
    return graph.reshape(graph.transpose(states, 0, 2, 1, 3), 0, 0, 2 * recurrent.shape[2])


def _activation_of(direction: Any) -> str:
    """Return the activation of candidate and cell in the words of ONNX."""
    if isinstance(direction, SteppedGRU):
        return "Relu" if direction.activation is torch.relu else "Tanh"
    return "Relu" if isinstance(direction, ReluLSTM) else "Tanh"


def _in_order(weight: Any, gates: tuple[int, ...]) -> Floats:
    parts = np.split(weight.detach().cpu().numpy(), len(gates))
    ordered: Floats = np.concatenate([parts[gate] for gate in gates])
    return ordered
