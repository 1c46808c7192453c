"""Poolings, FiLM and heads as nodes of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation, translate
from limelight.nn.fusion import Film
from limelight.nn.pooling import AdditiveAttention, ConjunctiveAttention, Last, Max, Mean, MetadataAttention

_Pooled = tuple[str, str | None]


@register_translation(Mean)
def write_mean(graph: Graph, pooling: Mean, steps: Steps, context: str | None) -> _Pooled:
    """Write the mean over the real steps."""
    real = graph.unsqueeze(graph.cast(steps.mask, np.float32), 2)
    total = graph.sum(graph.add("Mul", steps.values, real), 1)
    return graph.add("Div", total, graph.unsqueeze(graph.cast(steps.lengths, np.float32), 1)), None


@register_translation(Max)
def write_max(graph: Graph, pooling: Max, steps: Steps, context: str | None) -> _Pooled:
    """Write the maximum of each feature over the real steps."""
    kept = graph.add("Where", graph.unsqueeze(steps.mask, 2), steps.values, graph.number(-np.inf))
    return graph.add("ReduceMax", kept, axes=[1], keepdims=0), None


@register_translation(Last)
def write_last(graph: Graph, pooling: Last, steps: Steps, context: str | None) -> _Pooled:
    """Write the features of the last real step, and of the first for the backward direction."""
    place = graph.unsqueeze(graph.add("Sub", steps.lengths, graph.integer(1)), 1)
    last = graph.add("GatherND", steps.values, place, batch_dims=1)
    if not pooling.bidirectional:
        return last, None
    first = graph.add("Gather", steps.values, graph.integer(0), axis=1)
    ahead, back = (graph.add_several("Split", one, outputs=2, axis=1) for one in (last, first))
    return graph.concat([ahead[0], back[1]], 1), None


@register_translation(AdditiveAttention, MetadataAttention)
def write_attention(graph: Graph, pooling: Any, steps: Steps, context: str | None) -> _Pooled:
    """Write the weighted mean of the features and the weights."""
    scores = _scores(graph, pooling, steps.values, context)
    masked = graph.add("Where", steps.mask, scores, graph.number(-np.inf))
    weights = graph.add("Softmax", masked, axis=1)
    return graph.squeeze(graph.add("MatMul", graph.unsqueeze(weights, 1), steps.values), 1), weights


@register_translation(ConjunctiveAttention)
def write_conjunctive(graph: Graph, pooling: ConjunctiveAttention, steps: Steps, context: str | None) -> str:
    """Write the factors of the logits of the steps, shape (batch, steps), 0 for padding."""
    gates = graph.add("Sigmoid", _scores(graph, pooling, steps.values, context))
    kept = graph.add("Mul", gates, graph.cast(steps.mask, np.float32))
    return graph.add("Div", kept, graph.unsqueeze(graph.cast(steps.lengths, np.float32), 1))


def _scores(graph: Graph, pooling: Any, features: str, context: str | None) -> str:
    """Write v · tanh(W h + U c + b), shape (batch, steps)."""
    hidden = graph.linear(features, pooling.project)
    ask = getattr(pooling, "ask", None)
    if ask is not None and context is not None:
        hidden = graph.add("Add", hidden, graph.unsqueeze(graph.linear(context, ask), 1))
    return graph.squeeze(graph.linear(graph.add("Tanh", hidden), pooling.score), 2)


@register_translation(Film)
def write_film(graph: Graph, film: Film, features: str, context: str) -> str:
    """Write features that are scaled and shifted by the metadata."""
    projected = graph.unsqueeze(graph.linear(context, film.project), 1)
    scale, shift = graph.add_several("Split", projected, outputs=2, axis=2)
    return graph.add("Add", graph.add("Mul", features, graph.add("Add", scale, graph.number(1.0))), shift)


@register_translation(nn.Linear)
def write_linear_head(graph: Graph, head: nn.Linear, values: str) -> str:
    """Write a linear head."""
    return graph.linear(values, head)


@register_translation(nn.Sequential)
def write_mlp_head(graph: Graph, head: nn.Sequential, values: str) -> str:
    """Write a head with hidden layers."""
    for layer in head:
        values = translate(graph, layer, values)
    return values


@register_translation(nn.ReLU)
def write_relu(graph: Graph, layer: nn.ReLU, values: str) -> str:
    """Write the activation relu."""
    return graph.add("Relu", values)


@register_translation(nn.Tanh)
def write_tanh(graph: Graph, layer: nn.Tanh, values: str) -> str:
    """Write the activation tanh."""
    return graph.add("Tanh", values)


@register_translation(nn.Dropout)
def write_dropout(graph: Graph, layer: nn.Dropout, values: str) -> str:
    """Return the values unchanged: nothing is dropped in prediction."""
    return values
