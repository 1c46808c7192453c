"""Metadata and side signals as nodes of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.nn.functional import one_hot

from limelight.export.graph import Graph
from limelight.export.inputs import ModelInputs, standardised
from limelight.export.translations import register_translation, translate
from limelight.nn.context import (
    ContextEncoder,
    OneHotContextEncoder,
    OneHotSignals,
    ScaledVectors,
    SignalEncoder,
    TextVectors,
)
from limelight.nn.fusion import Products

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh"}


@register_translation(ContextEncoder)
def write_context(graph: Graph, encoder: ContextEncoder, inputs: ModelInputs) -> str:
    """Write embedded categories, scaled numbers and encoded texts, shape (batch, width)."""
    parts: list[str] = []
    if encoder.shape.categories:
        parts += _looked_up(graph, encoder.embeddings, inputs.categories, 1)
    if encoder.shape.numbers:
        scaled = _scaled_numbers(graph, encoder, inputs)
        if encoder.dense is not None:
            scaled = graph.linear(scaled, encoder.dense)
            if encoder.number_activation != "linear":
                scaled = graph.add(ACTIVATIONS[encoder.number_activation], scaled)
        parts.append(scaled)
    if encoder.words is not None:
        vectors = graph.sum(graph.add("Gather", graph.constant(encoder.words.weight), inputs.tokens, axis=0), 2)
        means = graph.add("Div", vectors, graph.cast(_word_counts(graph, inputs.tokens), np.float32))
        parts.append(graph.reshape(means, 0, -1))
    if encoder.vectors is not None:
        parts.append(translate(graph, encoder.vectors, inputs.vectors))
    return graph.concat(parts, 1)


@register_translation(OneHotContextEncoder)
def write_one_hot_context(graph: Graph, encoder: OneHotContextEncoder, inputs: ModelInputs) -> str:
    """Write one-hot categories, scaled numbers, and shares of words, their roots or vectors, shape (batch, width)."""
    parts: list[str] = []
    if encoder.shape.categories:
        parts += _one_hot(graph, inputs.categories, encoder.shape.categories, 1)
    if encoder.shape.numbers:
        parts.append(_scaled_numbers(graph, encoder, inputs))
    if encoder.vectors is not None:
        parts.append(translate(graph, encoder.vectors, inputs.vectors))
    elif encoder.shape.texts:
        tokens, zero = inputs.tokens, graph.integer(0)
        codes = graph.add("Max", graph.add("Sub", tokens, graph.integer(1)), zero)
        codes = graph.add("Mod", codes, graph.integer(encoder.text_size))
        is_word = graph.cast(graph.add("Greater", tokens, zero), np.float32)
        shape = graph.concat([graph.size(tokens, 0), graph.integers(encoder.shape.texts, encoder.text_size)], 0)
        counts = graph.add("Expand", graph.number(0.0), shape)
        counts = graph.add("ScatterElements", counts, codes, is_word, axis=2, reduction="add")
        shares = graph.add("Div", counts, graph.cast(_word_counts(graph, tokens), np.float32))
        shares = graph.add("Sqrt", shares) if encoder.text_weighting == "root" else shares
        parts.append(graph.reshape(shares, 0, -1))
    return graph.concat(parts, 1)


@register_translation(SignalEncoder)
def write_signals(graph: Graph, encoder: SignalEncoder, inputs: ModelInputs) -> str:
    """Write the embedded side signals, shape (batch, time, width)."""
    return graph.concat(_looked_up(graph, encoder.embeddings, inputs.signals, 2), 2)


@register_translation(OneHotSignals)
def write_one_hot_signals(graph: Graph, encoder: OneHotSignals, inputs: ModelInputs) -> str:
    """Write the one-hot codes of the side signals, shape (batch, time, width)."""
    return graph.concat(_one_hot(graph, inputs.signals, encoder.signals, 2), 2)


@register_translation(ScaledVectors)
def write_scaled_vectors(graph: Graph, texts: ScaledVectors, vectors: str) -> str:
    """Write scaled text vectors, 0 if unknown, shape (batch, fields * size)."""
    flat = graph.reshape(vectors, 0, -1)
    scaled = standardised(graph, texts.scaling, flat)
    return graph.add("Where", graph.add("IsNaN", flat), graph.number(0.0), scaled)


@register_translation(TextVectors)
def write_text_vectors(graph: Graph, texts: TextVectors, vectors: str) -> str:
    """Write scaled text vectors under one linear layer per field, shape (batch, fields * units)."""
    fields, size = texts.unknown.shape[0], int(texts.scaling.mean.numel()) // texts.unknown.shape[0]
    missing = graph.add("IsNaN", vectors)
    scaled = graph.reshape(write_scaled_vectors(graph, texts, vectors), 0, fields, size)
    encoded = [
        graph.linear(graph.squeeze(graph.slice(scaled, 1, place, place + 1), 1), layer)
        for place, layer in enumerate(texts.layers)
    ]
    unknown = graph.sum(graph.cast(missing, np.float32), 2, keepdims=True)
    stacked = graph.concat([graph.unsqueeze(one, 1) for one in encoded], 1)
    is_unknown = graph.add("Greater", unknown, graph.number(0.0))
    return graph.reshape(graph.add("Where", is_unknown, graph.constant(texts.unknown), stacked), 0, -1)


def write_for_products(graph: Graph, encoder: OneHotContextEncoder, context: str) -> str:
    """Write what products with the features take of encoded metadata, shape (batch, multiplied)."""
    if encoder.multiplied == encoder.width:
        return context
    return graph.add("MatMul", context, graph.constant(one_hot(encoder.folded_columns(), encoder.multiplied).float()))


@register_translation(Products)
def write_products(graph: Graph, products: Products, features: str, context: str) -> str:
    """Write the products of combined features and metadata, shape (batch, components * context)."""
    centred = graph.add("Sub", graph.cast(features, np.float64), graph.constant(products.centre.double()))
    combined = graph.add("MatMul", centred, graph.cast(graph.constant(products.directions), np.float64))
    relative = graph.add("Sub", graph.cast(context, np.float64), graph.constant(products.typical.double()))
    values = graph.add("Mul", graph.unsqueeze(combined, 2), graph.unsqueeze(relative, 1))
    return graph.reshape(graph.cast(values, np.float32), 0, -1)


def _scaled_numbers(graph: Graph, encoder: Any, inputs: ModelInputs) -> str:
    """Write scaled numbers, 0 if missing, followed by the missing-value marks."""
    missing = graph.add("IsNaN", inputs.numbers)
    scaled = standardised(graph, encoder.scaling, inputs.numbers)
    scaled = graph.add("Where", missing, graph.number(0.0), scaled)
    if not encoder.marked:
        return scaled
    marks = graph.add("Gather", graph.cast(missing, np.float32), graph.integers(*encoder.marked), axis=1)
    return graph.concat([scaled, marks], 1)


def _word_counts(graph: Graph, tokens: str) -> str:
    """Write the number of words of each text, at least 1, shape (batch, texts, 1)."""
    is_word = graph.cast(graph.add("Greater", tokens, graph.integer(0)), np.int64)
    return graph.add("Max", graph.sum(is_word, 2, keepdims=True), graph.integer(1))


def _looked_up(graph: Graph, embeddings: Any, codes: str, axis: int) -> list[str]:
    return [
        graph.add("Gather", graph.constant(one.weight), _code(graph, codes, place, axis), axis=0)
        for place, one in enumerate(embeddings)
    ]


def _one_hot(graph: Graph, codes: str, sizes: Any, axis: int) -> list[str]:
    levels = graph.constant([0.0, 1.0], np.float32)
    return [
        graph.add("OneHot", _code(graph, codes, place, axis), graph.integer(size), levels)
        for place, size in enumerate(sizes)
    ]


def _code(graph: Graph, codes: str, place: int, axis: int) -> str:
    return graph.add("Gather", codes, graph.integer(place), axis=axis)
