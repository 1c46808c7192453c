"""Build the fitted model of a sketch: architecture, vocabulary of the metadata, and a network with the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from limelight.errors import ModelFolderError, ParameterError, listing, nearest
from limelight.interop.keras_files import KerasModel
from limelight.interop.keras_sketch import Columns, Dense, Numbers, Sketch, Stack
from limelight.model.batching import shape_of
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import Field, Vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Label, Level, Task

ColumnOrder = list[tuple[str, int]]
"""The sources of some columns in limelight's order, with the number of columns of each."""


def build_model(
    model: KerasModel,
    sketch: Sketch,
    head: Stack,
    *,
    classes: Sequence[Label] | None = None,
    channels: Sequence[str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
) -> FittedModel:
    """Build the fitted model of a sketch.

    Parameters
    ----------
    model
        The Keras model.
    sketch, head
        The network up to its head, and the head, from ``follow``.
    classes, channels, words
        As for ``from_keras``.

    Returns
    -------
    FittedModel
        Its probabilities are those of the Keras model, up to rounding.

    Raises
    ------
    ModelFolderError
        If the output is not one of probabilities, or the hidden layers of the head have no counterpart.
    ParameterError
        If the number of classes, channels or words does not match the model.
    """
    layers = _without_linear_layers(head.layers)
    task, output = _task_of(layers[-1], model, by_step=not sketch.pooling, classes=classes)
    layers = [*layers[:-1], output]
    names = _channel_names(sketch.channels, channels)
    vocabulary = _vocabulary(sketch, words or {})
    architecture = _architecture(sketch, head.base, layers)
    network = Network(architecture, sketch.channels, task.outputs, shape_of(vocabulary)).eval()
    state = {**network.state_dict(), **_weights(sketch, head.base, layers, network)}
    network.load_state_dict(state)
    fitted_on: dict[str, Any] = {"source": f"Keras {model.version}".strip()}
    if sketch.steps is not None:
        fitted_on["lengths"] = [sketch.steps, sketch.steps]
    return FittedModel(task, architecture, network, names, fitted_on, vocabulary)


def _without_linear_layers(layers: Sequence[Dense]) -> list[Dense]:
    """Multiply hidden layers without activation into the layer behind them."""
    kept: list[Dense] = []
    for layer in layers:
        if kept and kept[-1].activation == "linear":
            before = kept.pop()
            layer = Dense(before.kernel @ layer.kernel, before.bias @ layer.kernel + layer.bias, layer.activation)
        kept.append(layer)
    return kept


def _task_of(output: Dense, model: KerasModel, *, by_step: bool, classes: Sequence[Label] | None) -> tuple[Task, Dense]:
    """Return the task of an output layer, and the layer with limelight's logits, classes in sorted order."""
    units, activation = len(output.bias), output.activation
    if activation == "linear" and model.gives_logits:
        activation = "sigmoid" if units == 1 else "softmax"
    if activation not in ("sigmoid", "softmax") or (activation == "softmax" and units == 1):
        raise ModelFolderError(
            f"expected a Keras model whose output layer has the activation sigmoid, or softmax over two classes or "
            f"more, got {model.outputs[0]!r} with {activation} and {units} units; add the activation of your loss"
        )
    level: Level = "step" if by_step else "series"
    is_multilabel = activation == "sigmoid" and units > 1
    count = max(2, units)
    default: list[Label] = [f"label_{place}" for place in range(count)] if is_multilabel else list(range(count))
    names = _class_names(default, classes)
    if is_multilabel:
        return Task(tuple(names), multilabel=True, level=level), output
    order = sorted(range(count), key=lambda place: names[place])
    task = Task(tuple(names[place] for place in order), level=level)
    if units == 1:
        sign = 1.0 if order == [0, 1] else -1.0
        return task, Dense(sign * output.kernel, sign * output.bias, activation)
    kernel, bias = output.kernel[:, order], output.bias[order]
    if units == 2:
        return task, Dense(kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1], activation)
    return task, Dense(kernel, bias, activation)


def _class_names(default: list[Label], classes: Sequence[Label] | None) -> list[Label]:
    if classes is None:
        return default
    names = np.asarray(classes).tolist()
    kinds = {type(name) for name in names} if isinstance(names, list) else {object}
    if not kinds <= {str, int, float, bool} or len(kinds) > 1 or len(set(names)) != len(default):
        raise ParameterError(
            f"expected {len(default)} different classes of one type, as the model predicts, got {classes!r}; name them "
            "in the order of the Keras model"
        )
    return list(names)


def _channel_names(count: int, channels: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(f"channel_{place}" for place in range(count)) if channels is None else tuple(map(str, channels))
    if len(names) != count or len(set(names)) < count:
        raise ParameterError(
            f"expected different names for {count} channels, as the model reads, got {listing(names)}; name them in "
            "the order of the Keras model"
        )
    return names


def _vocabulary(sketch: Sketch, words: Mapping[str, Sequence[str]]) -> Vocabulary | None:
    """Return the metadata fields: a category for each embedding, and a number for each column of numbers."""
    for name in words:
        if name not in sketch.tables:
            near = nearest(name, sketch.tables) if sketch.tables else "; the model embeds no metadata"
            raise ParameterError(f"words: there is no embedded input {name!r}{near}")
    fields = []
    for name, table in sketch.tables.items():
        own = tuple(map(str, words.get(name, range(len(table)))))
        if len(set(own)) != len(table) or len(own) != len(table):
            raise ParameterError(
                f"expected {len(table)} different words for {name!r}, one for each row of its embedding, got "
                f"{len(own)}; name them in the order of their codes"
            )
        fields.append(Field(name, "category", words=own))
    fields += [Field(name, "number") for name in _number_fields(sketch)]
    return Vocabulary(tuple(fields)) if fields else None


def _number_fields(sketch: Sketch) -> list[str]:
    return [
        name if width == 1 else f"{name}_{place}" for name, width in sketch.numbers.items() for place in range(width)
    ]


def _architecture(sketch: Sketch, base: Columns, layers: Sequence[Dense]) -> Architecture:
    first = sketch.recurrent[0]
    both = [len(one.directions) == 2 for one in sketch.recurrent]
    units = [one.units for one in sketch.recurrent]
    encoder: dict[str, Any] = {
        "name": first.cell,
        "hidden_size": units if len(units) > 1 else units[0],
        "bidirectional": both[0] if len(set(both)) == 1 else both,
        "activation": first.activation,
        "dropout": sketch.dropout,
        "mask_value": sketch.mask_value,
        **({} if first.reset_after else {"reset_after": False}),
    }
    pooling: Any = sketch.pooling or "none"
    if sketch.attention is not None:
        pooling = {"name": "attention", "hidden_size": sketch.attention.layers[0].kernel.shape[1]}
    head: Any = "linear"
    if hidden := layers[:-1]:
        if len({layer.activation for layer in hidden}) > 1:
            raise ModelFolderError(
                f"expected the same activation in all hidden Dense layers of the Keras model, got "
                f"{listing([layer.activation for layer in hidden])}; build the model with one of them"
            )
        sizes = [len(layer.bias) for layer in hidden]
        head = {
            "name": "mlp",
            "hidden_size": sizes if len(sizes) > 1 else sizes[0],
            "dropout": sketch.head_dropout,
            "activation": hidden[0].activation,
        }
    fusion = ["repeat"] if len(first.reads.parts) > 1 else []
    fusion += ["late"] if len(base.parts) > 1 else []
    context: dict[str, Any] = {"name": "embedding", "dropout": 0.0}
    if sketch.tables:
        context["embedding_size"] = max(table.shape[1] for table in sketch.tables.values())
    if sketch.number_layer is not None:
        dense = sketch.number_layer[1]
        context |= {"number_size": len(dense.bias), "number_activation": dense.activation}
    return Architecture.of(encoder, pooling, head, "error", "order", fusion, context)


def _context_layout(sketch: Sketch) -> ColumnOrder:
    """Return the columns of the encoded metadata: categories of equal width, then numbers or the layer over them."""
    widest = max((table.shape[1] for table in sketch.tables.values()), default=0)
    categories = [(f"category {name}", widest) for name in sketch.tables]
    if sketch.number_layer is not None:
        return [*categories, ("number layer", len(sketch.number_layer[1].bias))]
    return [*categories, *((f"number {name}", width) for name, width in sketch.numbers.items())]


def _arranged(dense: Dense, columns: Columns, layout: ColumnOrder) -> Dense:
    """Return a dense layer that reads the same columns in another order; columns that it does not read count 0.

    What scales and shifts the columns becomes part of the layer.
    """
    kernel = np.zeros((sum(width for _, width in layout), dense.kernel.shape[1]))
    starts, place = {}, 0
    for source, width in layout:
        starts[source] = place
        place += width
    unknown = [source for source, _ in columns.parts if source not in starts]
    if unknown:
        raise ModelFolderError(
            f"expected the Keras model to read numbers either as they are or through one Dense layer, got both: "
            f"{listing(unknown)}; remove one"
        )
    scaled, place = dense.kernel * columns.scale[:, None], 0
    for source, width in columns.parts:
        kernel[starts[source] : starts[source] + width] += scaled[place : place + width]
        place += width
    return Dense(kernel, dense.bias + columns.shift @ dense.kernel, dense.activation)


def _weights(sketch: Sketch, base: Columns, layers: Sequence[Dense], network: Network) -> dict[str, Tensor]:
    """Return the weights of the network by name."""
    context = _context_layout(sketch)
    state = _recurrent_weights(sketch, context)
    if sketch.scaling is not None:
        state |= {"normalisation.mean": sketch.scaling[0], "normalisation.scale": sketch.scaling[1]}
    if sketch.attention is not None:
        hidden, score = sketch.attention.layers
        reads = sketch.attention.base
        state |= _linear("pooling.project", _arranged(hidden, reads, list(reads.parts)))
        state["pooling.score.weight"] = score.kernel.T
    if network.context is not None:
        state |= _context_weights(sketch)
    last = "pooled" if sketch.pooling else f"features {len(sketch.recurrent)}"
    pooled = (last, network.encoder.width)
    is_late = "late" in network.architecture.fusions
    first = _arranged(layers[0], base, [pooled, *(context if is_late else [])])
    for place, layer in enumerate([first, *layers[1:]]):
        name = "head" if len(layers) == 1 else f"head.{3 * place}"
        state |= _linear(name, layer)
    return {name: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for name, array in state.items()}


def _recurrent_weights(sketch: Sketch, context: ColumnOrder) -> dict[str, Numbers]:
    state = {}
    for place, layer in enumerate(sketch.recurrent):
        is_joined = place == 0 and len(layer.reads.parts) > 1
        layout = [("values", sketch.channels), *context] if is_joined else list(layer.reads.parts)
        for direction, (kernel, recurrent, bias, recurrent_bias) in zip(
            ("ahead", "back"), layer.directions, strict=False
        ):
            own = _arranged(Dense(kernel, bias, "linear"), layer.reads, layout)
            tensors = {
                "weight_ih_l0": own.kernel.T,
                "weight_hh_l0": recurrent.T,
                "bias_ih_l0": own.bias,
                "bias_hh_l0": recurrent_bias,
            }
            for name, tensor in tensors.items():
                rows = _reset_first(tensor) if layer.cell == "gru" else tensor
                state[f"encoder.layers.{place}.{direction}.{name}"] = rows
    return state


def _reset_first(rows: Numbers) -> Numbers:
    """Reorder the gates of a GRU: Keras keeps update, reset, candidate; torch keeps reset, update, candidate."""
    update, reset, candidate = np.split(rows, 3)
    return np.concatenate([reset, update, candidate])


def _context_weights(sketch: Sketch) -> dict[str, Numbers]:
    """Return tables with a first row of zeros for an unknown word and equal widths, and the weights of numbers."""
    state: dict[str, Numbers] = {}
    widest = max((table.shape[1] for table in sketch.tables.values()), default=0)
    for place, table in enumerate(sketch.tables.values()):
        rows = np.zeros((len(table) + 1, widest))
        rows[1:, : table.shape[1]] = table
        state[f"context.embeddings.{place}.weight"] = rows
    if sketch.numbers:
        scales = [
            sketch.number_scaling.get(name, (np.zeros(width), np.ones(width))) for name, width in sketch.numbers.items()
        ]
        state["context.scaling.mean"] = np.concatenate([mean for mean, _ in scales])
        state["context.scaling.scale"] = np.concatenate([scale for _, scale in scales])
    if sketch.number_layer is not None:
        columns, dense = sketch.number_layer
        layout = [(f"number {name}", width) for name, width in sketch.numbers.items()]
        state |= _linear("context.dense", _arranged(dense, columns, layout))
    return state


def _linear(name: str, layer: Dense) -> dict[str, Numbers]:
    return {f"{name}.weight": layer.kernel.T, f"{name}.bias": layer.bias}
