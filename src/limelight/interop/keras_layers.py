"""What each layer of Keras is in limelight's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from limelight.interop.keras_files import KerasLayer
from limelight.interop.keras_sketch import (
    Columns,
    Dense,
    LayerError,
    MetadataInput,
    Numbers,
    Recurrent,
    Sketch,
    Stack,
    StepWeights,
    Value,
    Weighted,
    as_columns,
    is_identity,
    shaped,
)

IDENTITIES = (
    "Dropout", "SpatialDropout1D", "AlphaDropout", "GaussianNoise", "GaussianDropout", "ActivityRegularization",
    "Identity",
)  # fmt: skip
"""Layers that change nothing in prediction."""
KERAS_EPSILON = 1e-7
"""The smallest deviation that the layer ``Normalization`` divides by."""
CELLS = {"LSTM": 4, "GRU": 3}
"""Recurrent layers, and the number of their gates with the candidate."""
FINAL = ("sigmoid", "softmax")
"""Activations of an output layer."""
MUST_BE_OFF = ("return_state", "stateful", "go_backwards", "time_major")
"""Settings of recurrent layers that must be off."""


def _read_input(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    shape = layer.config.get("batch_shape") or layer.config["batch_input_shape"]
    width = shape[-1] if len(shape) > 1 else 1
    if len(shape) not in (1, 2, 3) or type(width) is not int or width < 1:
        raise LayerError(f"its shape is {tuple(shape)}")
    if len(shape) < 3:
        return MetadataInput(layer.name, width)
    if sketch.channels:
        raise LayerError("it is a second series")
    sketch.channels, sketch.steps = width, shape[1]
    return Columns.of("values", width, steps=True)


def _same(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Pass on what a layer for training only reads, and note its rate."""
    rate = layer.config.get("rate")
    if isinstance(rate, float) and 0 < rate < 1 and layer.kind == "Dropout":
        if isinstance(inputs[0], Stack):
            sketch.head_dropout = rate
        elif isinstance(inputs[0], Columns) and sketch.recurrent:
            sketch.dropout = rate
    return inputs[0]


def _mask(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    if not isinstance(value, Columns) or value.parts != (("values", sketch.channels),):
        raise LayerError("only the series itself can be masked")
    if not is_identity(value.scale, value.shift) or sketch.readers[layer.inputs[0]] > 1:
        raise LayerError("another layer reads the series without the mask")
    sketch.mask_value = float(layer.config.get("mask_value", 0.0))
    return replace(value, masked=True)


def _embed(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    if not isinstance(value, MetadataInput) or value.width != 1 or sketch.readers[layer.inputs[0]] > 1:
        raise LayerError("only one code for each series, read by one layer, can be embedded")
    if layer.config.get("mask_zero"):
        raise LayerError("mask_zero is not supported")
    (table,) = shaped(layer, (layer.config["input_dim"], layer.config["output_dim"]))
    sketch.tables[value.name] = table
    return Columns.of(f"category {value.name}", table.shape[1])


def _scale(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Apply the affine map of ``Normalization``, ``Rescaling`` or ``BatchNormalization``."""
    value = inputs[0]
    width = value.width if isinstance(value, (Columns, MetadataInput)) else _units(value)
    scale, shift = _affine(layer, width)
    if isinstance(value, Stack):
        return _scale_stack(value, scale, shift)
    columns = as_columns(sketch, value)
    if columns.masked and layer.kind != "BatchNormalization":
        raise LayerError("it follows a Masking layer")
    first = columns.parts == (("values", columns.width),) and not columns.masked
    single = len(columns.parts) == 1 and columns.only("number ") and columns.parts[0][0] != "number layer"
    if is_identity(columns.scale, columns.shift) and (scale > 0).all() and sketch.readers[layer.inputs[0]] == 1:
        if first and sketch.scaling is None:
            sketch.scaling = (-shift / scale, 1 / scale)
            return columns
        if single and (name := columns.parts[0][0].removeprefix("number ")) not in sketch.number_scaling:
            sketch.number_scaling[name] = (-shift / scale, 1 / scale)
            return columns
    return columns.changed(scale, shift)


def _units(value: Value) -> int:
    if not isinstance(value, Stack):
        raise LayerError("it reads the weights of steps")
    return int(value.layers[-1].kernel.shape[1])


def _scale_stack(stack: Stack, scale: Numbers, shift: Numbers) -> Stack:
    """Fold an affine map into the last dense layer if that is linear; else keep it for the next one."""
    last = stack.layers[-1]
    if last.activation != "linear":
        return replace(stack, scale=stack.scale * scale, shift=stack.shift * scale + shift)
    folded = replace(last, kernel=last.kernel * scale, bias=last.bias * scale + shift)
    return replace(stack, layers=(*stack.layers[:-1], folded))


def _affine(layer: KerasLayer, width: int) -> tuple[Numbers, Numbers]:
    """Return the scale and the shift of a layer that has one of each for every column."""
    config, ones = layer.config, np.ones(width)
    if layer.kind == "Rescaling":
        return ones * np.asarray(config["scale"], float), ones * np.asarray(config.get("offset", 0.0), float)
    axis = np.ravel(config.get("axis", -1))
    if len(axis) != 1 or int(axis[0]) not in (-1, 2) or config.get("invert"):
        raise LayerError("only the last axis can be normalised, and not inverted")
    if layer.kind == "Normalization":
        stored = layer.arrays[:2] if config.get("mean") is None else (config["mean"], config["variance"])
        mean, variance = (np.asarray(one, float).reshape(-1) for one in stored)
        deviation = np.maximum(np.sqrt(variance), KERAS_EPSILON)
        return ones / deviation, ones * -mean / deviation
    arrays = list(layer.arrays)
    gamma = arrays.pop(0) if config.get("scale", True) else ones
    beta = arrays.pop(0) if config.get("center", True) else 0 * ones
    mean, variance = arrays
    factor = ones * gamma / np.sqrt(variance + config.get("epsilon", 1e-3))
    return factor, beta - mean * factor


def _recur(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    kind, settings, activation, reset_after = _cell_of(layer)
    reads = as_columns(sketch, inputs[0])
    last = f"features {len(sketch.recurrent)}" if sketch.recurrent else "values"
    if len(inputs) > 1 or not reads.steps or (reads.parts[0][0] != last and last not in dict(reads.parts)):
        raise LayerError("it does not read the series or the steps of the recurrent layer before it")
    if sketch.recurrent and len(reads.parts) > 1:
        raise LayerError("metadata can be joined to the series, not to the features of a recurrent layer")
    if sketch.recurrent and sketch.recurrent[0].cell != kind.lower():
        raise LayerError("LSTM and GRU layers are mixed")
    if sketch.recurrent and sketch.recurrent[0].activation != activation:
        raise LayerError("the recurrent layers have different activations")
    if sketch.recurrent and sketch.recurrent[0].reset_after != reset_after:
        raise LayerError("the GRU layers differ in reset_after")
    units, directions = int(settings["units"]), 2 if layer.kind == "Bidirectional" else 1
    arrays = _cell_arrays(layer, kind, settings, reads.width, directions)
    sketch.recurrent.append(Recurrent(kind.lower(), units, activation, reset_after, reads, arrays))
    name = f"features {len(sketch.recurrent)}"
    features = Columns.of(name, units * directions, steps=True, masked=reads.masked)
    return features if settings.get("return_sequences") else sketch.pool(features, "last")


def check_settings(layer: KerasLayer) -> None:
    """Raise LayerError if the settings of a recurrent layer have no counterpart, whatever it reads."""
    if layer.kind in (*CELLS, "Bidirectional"):
        _cell_of(layer)


def _cell_of(layer: KerasLayer) -> tuple[str, Mapping[str, Any], str, bool]:
    """Return class, settings, activation and place of the reset gate of the cell of a recurrent layer."""
    config = layer.config
    inner: Any = config["layer"] if layer.kind == "Bidirectional" else {"class_name": layer.kind, "config": config}
    kind, settings = str(inner["class_name"]), inner["config"]
    if kind not in CELLS:
        raise LayerError(f"it wraps a layer of class {kind}")
    if layer.kind == "Bidirectional" and config.get("merge_mode", "concat") != "concat":
        raise LayerError(f"merge_mode is {config['merge_mode']!r}, not 'concat'")
    return kind, settings, *_cell_settings(kind, settings)


def _cell_settings(kind: str, settings: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the activation of a cell, and where its reset gate acts; raise LayerError for other settings."""
    on = [name for name in MUST_BE_OFF if settings.get(name)]
    if on:
        raise LayerError(f"{on[0]} is on")
    gates = _activation(settings.get("recurrent_activation", "sigmoid"))
    activation = _activation(settings.get("activation", "tanh"))
    if gates != "sigmoid":
        raise LayerError(f"recurrent_activation is {gates!r}, not 'sigmoid'")
    if activation not in ("tanh", "relu"):
        raise LayerError(f"activation is {activation!r}, not 'tanh' or 'relu'")
    return activation, bool(settings.get("reset_after", True)) if kind == "GRU" else True


def _cell_arrays(
    layer: KerasLayer, kind: str, settings: Mapping[str, Any], width: int, directions: int
) -> tuple[tuple[Numbers, ...], ...]:
    """Return kernel, recurrent kernel and both biases (units of all gates,) for each direction."""
    units, gates = int(settings["units"]), CELLS[kind] * int(settings["units"])
    two = kind == "GRU" and settings.get("reset_after", True)
    own: list[tuple[int, ...]] = [(width, gates), (units, gates)]
    if settings.get("use_bias", True):
        own.append((2, gates) if two else (gates,))
    arrays = shaped(layer, *own * directions)
    found = []
    for place in range(0, len(arrays), len(own)):
        kernel, recurrent, *biases = arrays[place : place + len(own)]
        bias = biases[0].reshape(-1, gates) if biases else np.zeros((1, gates))
        found.append((kernel, recurrent, bias[0], bias[1] if len(bias) > 1 else np.zeros(gates)))
    return tuple(found)


def _activation(value: Any) -> str:
    """Return the name of an activation, which newer files write as an object if it is no function of Keras."""
    if isinstance(value, Mapping):
        value = value.get("config") if isinstance(value.get("config"), str) else value.get("class_name")
    return "linear" if value is None else str(value)


def _dense(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    activation, units = _activation(layer.config.get("activation")), int(layer.config["units"])
    if activation not in ("linear", "relu", "tanh", *FINAL):
        raise LayerError(f"activation is {activation!r}")
    width = _width(sketch, value)
    shapes: list[tuple[int, ...]] = [(width, units), (units,)]
    arrays = shaped(layer, *shapes[: 1 + bool(layer.config.get("use_bias", True))])
    dense = Dense(arrays[0], arrays[1] if len(arrays) > 1 else np.zeros(units), activation)
    if isinstance(value, Stack):
        if value.flat or value.layers[-1].activation in FINAL:
            raise LayerError("it follows an output layer or flattened steps")
        dense = Dense(dense.kernel * value.scale[:, None], dense.bias + value.shift @ dense.kernel, activation)
        return Stack(value.base, (*value.layers, dense), np.ones(units), np.zeros(units))
    columns = as_columns(sketch, value)
    if columns.only("category "):
        return _embed_again(sketch, columns, dense)
    if columns.only("number ") and not columns.steps:
        return _read_numbers(sketch, columns, dense)
    if not any(source == "pooled" or source.startswith("features") for source, _ in columns.parts):
        raise LayerError("it reads steps before the first recurrent layer, or several kinds of metadata")
    return Stack(columns, (dense,), np.ones(units), np.zeros(units))


def _width(sketch: Sketch, value: Value) -> int:
    if isinstance(value, Stack):
        return int(value.layers[-1].kernel.shape[1])
    return as_columns(sketch, value).width


def _embed_again(sketch: Sketch, columns: Columns, dense: Dense) -> Columns:
    """Fold a dense layer on one embedding into its table."""
    if len(columns.parts) > 1 or dense.activation in FINAL or columns.steps:
        raise LayerError("it reads several categories")
    name = columns.parts[0][0].removeprefix("category ")
    rows = (sketch.tables[name] * columns.scale + columns.shift) @ dense.kernel + dense.bias
    sketch.tables[name] = {"relu": np.maximum(rows, 0.0), "tanh": np.tanh(rows)}.get(dense.activation, rows)
    return Columns.of(f"category {name}", rows.shape[1])


def _read_numbers(sketch: Sketch, columns: Columns, dense: Dense) -> Columns:
    if sketch.number_layer is not None or dense.activation in FINAL or "number layer" in dict(columns.parts):
        raise LayerError("it is a second layer over numbers; one can be read")
    sketch.number_layer = (columns, dense)
    return Columns.of("number layer", len(dense.bias))


def _distribute(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    inner = layer.config["layer"]
    if inner["class_name"] not in ("Dense", "Dropout", "Activation"):
        raise LayerError(f"it wraps a layer of class {inner['class_name']}")
    own = replace(layer, kind=inner["class_name"], config=inner["config"])
    return HANDLERS[own.kind](sketch, own, inputs)


def _activate(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Apply an activation: that of a dense layer, or the softmax over steps that makes weights."""
    value, config = inputs[0], layer.config
    name = _activation(config.get("activation")) if layer.kind == "Activation" else layer.kind.lower()
    if name == "linear":
        return value
    if not isinstance(value, Stack) or value.layers[-1].activation != "linear":
        raise LayerError("it does not follow a linear Dense layer")
    plain = not config.get("negative_slope") and not config.get("threshold") and config.get("max_value") is None
    if name not in ("relu", "tanh", *FINAL) or (layer.kind == "ReLU" and not plain):
        raise LayerError(f"the activation {name!r} with these settings is not supported")
    axis = np.ravel(config.get("axis", -1)).tolist()
    over_steps = value.base.steps and (value.flat or axis in ([1], [-2]))
    if name == "softmax" and over_steps:
        return _step_weights(value)
    if name == "softmax" and axis not in ([-1], [2 if value.base.steps else 1]):
        raise LayerError(f"its axis is {config.get('axis')!r}")
    return replace(value, layers=(*value.layers[:-1], replace(value.layers[-1], activation=name)))


def _step_weights(value: Stack) -> StepWeights:
    """Return the weights of additive attention; raise LayerError for other scores."""
    shapes = [layer.activation for layer in value.layers], value.layers[-1].kernel.shape[1]
    if shapes != (["tanh", "linear"], 1):
        raise LayerError("the scores of the steps are not those of Dense(tanh) followed by Dense(1)")
    return StepWeights(value.base, value.layers, "bt" if value.flat else "btu")


def _flatten(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Drop an axis of length 1: of an embedding, of scores of steps, or of their weights."""
    value = inputs[0]
    if isinstance(value, Stack) and value.base.steps and value.layers[-1].kernel.shape[1] == 1:
        return replace(_with_linear_score(value), flat=True)
    if isinstance(value, StepWeights) and value.form in ("btu", "but"):
        return replace(value, form="bt")
    if isinstance(value, (Columns, MetadataInput)) and not (isinstance(value, Columns) and value.steps):
        return value
    raise LayerError("it flattens the steps")


def _with_linear_score(value: Stack) -> Stack:
    """Return scores tanh(w·h + b) of one unit as a tanh layer of one unit and a linear layer of weight 1."""
    if len(value.layers) == 1 and value.layers[0].activation == "tanh":
        return replace(value, layers=(*value.layers, Dense(np.ones((1, 1)), np.zeros(1), "linear")))
    return value


def _repeat(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    if isinstance(value, StepWeights) and value.form == "bt":
        return replace(value, form="bdt")
    columns = as_columns(sketch, value)
    if columns.steps or "pooled" in dict(columns.parts):
        raise LayerError("it repeats features of the series; only metadata can be repeated")
    return replace(columns, steps=True)


def _permute(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    swaps = (layer.config.get("dims"), layer.config.get("axes"))
    turned = {"bdt": "btd", "btu": "but", "but": "btu"}
    if not isinstance(value, StepWeights) or value.form not in turned or list(filter(None, swaps)) not in (
        [[2, 1]], [[0, 2, 1]]
    ):  # fmt: skip
        raise LayerError("it reorders other axes than those of the weights of steps")
    return replace(value, form=turned[value.form])


def _reshape(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Add or drop an axis of length 1."""
    value, axis = inputs[0], layer.config.get("axis")
    if layer.kind == "Reshape" and len(layer.config["target_shape"]) != 1 and not isinstance(value, Columns):
        raise LayerError("it reshapes scores of steps to more than one axis")
    if isinstance(value, StepWeights) and axis in (-1, 2, [-1], [2]):
        turned = {"Squeeze": {"btu": "bt"}, "ExpandDims": {"bt": "btu"}}.get(layer.kind, {})
        if value.form in turned:
            return replace(value, form=turned[value.form])
    if layer.kind != "ExpandDims":
        return _flatten(sketch, layer, inputs)
    raise LayerError("it adds an axis")


def _multiply(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    weights = [one for one in inputs if isinstance(one, StepWeights)]
    columns = [one for one in inputs if isinstance(one, Columns)]
    if len(inputs) != 2 or len(weights) != 1 or len(columns) != 1:
        raise LayerError("it does not multiply features by the weights of their steps")
    if columns[0] is not weights[0].base or weights[0].form not in ("btu", "btd"):
        raise LayerError("the weights of the steps were computed from other features")
    return Weighted(weights[0])


def _sum(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    if not isinstance(inputs[0], Weighted) or np.ravel(layer.config.get("axis", 0)).tolist() not in ([1], [-2]):
        raise LayerError("it does not sum weighted steps over time")
    return _attend(sketch, inputs[0].weights)


def _dot(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    """Compute the weighted sum of steps as a product of matrices."""
    axes: list[int] = np.ravel(layer.config.get("axes", 1)).tolist()
    forms: tuple[str, ...] = ("btu", "bt")
    if layer.kind == "Matmul":
        axes, forms = [1], ("but",)
    weights = next((one for one in inputs if isinstance(one, StepWeights)), None)
    if weights is None or weights.form not in forms or axes not in ([1], [1, 1]) or layer.config.get("normalize"):
        raise LayerError("it is not the product of features and the weights of their steps over time")
    _multiply(sketch, layer, [one if one is not weights else replace(weights, form="btu") for one in inputs])
    return _attend(sketch, weights)


def _attend(sketch: Sketch, weights: StepWeights) -> Columns:
    sketch.attention = weights
    return sketch.pool(weights.base, "attention")


def _pool(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    value = inputs[0]
    if isinstance(value, Columns) and not value.steps:
        return value  # over the single step of an embedding
    if not isinstance(value, Columns) or layer.config.get("keepdims"):
        raise LayerError("it does not pool the features of a recurrent layer")
    kind = "mean" if layer.kind == "GlobalAveragePooling1D" else "max"
    if kind == "max" and (value.scale <= 0).any():
        raise LayerError("it follows a scaling by numbers that are not positive")
    return sketch.pool(value, kind)


def _concatenate(sketch: Sketch, layer: KerasLayer, inputs: list[Value]) -> Value:
    columns = [as_columns(sketch, one) for one in inputs]
    steps = columns[0].steps
    if any(one.steps != steps for one in columns) or layer.config.get("axis", -1) not in (-1, 2 if steps else 1):
        raise LayerError("it joins values with and without steps, or along another axis than the last")
    if any(one.masked for one in columns):
        raise LayerError("it follows a Masking layer, whose mask it drops")
    parts = tuple(part for one in columns for part in one.parts)
    return Columns(
        parts, np.concatenate([one.scale for one in columns]), np.concatenate([one.shift for one in columns]), steps
    )


HANDLERS: dict[str, Callable[[Sketch, KerasLayer, list[Any]], Value]] = {
    "InputLayer": _read_input,
    "Masking": _mask,
    "Embedding": _embed,
    **dict.fromkeys(IDENTITIES, _same),
    **dict.fromkeys(("Normalization", "Rescaling", "BatchNormalization"), _scale),
    **dict.fromkeys((*CELLS, "Bidirectional"), _recur),
    "Dense": _dense,
    "TimeDistributed": _distribute,
    **dict.fromkeys(("Activation", "Softmax", "ReLU"), _activate),
    "Flatten": _flatten,
    **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), _reshape),
    "RepeatVector": _repeat,
    **dict.fromkeys(("Permute", "Transpose"), _permute),
    "Multiply": _multiply,
    "Sum": _sum,
    **dict.fromkeys(("Dot", "Matmul"), _dot),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalMaxPooling1D"), _pool),
    "Concatenate": _concatenate,
}
"""For each class of layers: what it makes of the values that it reads; LayerError if there is no counterpart."""
