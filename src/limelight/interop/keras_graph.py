"""Follow the layers of a Keras model from its inputs to its output; name every layer without a counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.errors import ModelFolderError, counted
from limelight.interop.keras_files import KerasLayer, KerasModel
from limelight.interop.keras_layers import HANDLERS, check_settings
from limelight.interop.keras_sketch import LayerError, Sketch, Stack, Value, is_identity

MOST_LAYERS = 300


def follow(model: KerasModel) -> tuple[Sketch, Stack]:
    """Follow a model to its output.

    Parameters
    ----------
    model
        A model with one output.

    Returns
    -------
    tuple
        The sketch of the network up to its head, and the dense layers that are the head.

    Raises
    ------
    ModelFolderError
        If layers have no counterpart in limelight; all of them are named, with the reason.
    """
    if len(model.layers) > MOST_LAYERS:
        raise ModelFolderError(f"expected at most {MOST_LAYERS} layers in the Keras model, got {len(model.layers)}")
    if len(model.outputs) != 1 or model.outputs[0] not in model.layers:
        raise ModelFolderError(
            f"expected a Keras model with one output, got {counted(len(model.outputs), 'output')}; save a model of the "
            "same inputs and the class probabilities alone"
        )
    readers: dict[str, int] = {}
    for layer in model.layers.values():
        for name in layer.inputs:
            readers[name] = readers.get(name, 0) + 1
    sketch, values, reasons = Sketch(readers=readers), dict[str, Value | None](), dict[str, str]()
    for layer in _in_order(model):
        values[layer.name] = _apply(sketch, layer, [values[name] for name in layer.inputs], reasons)
    output = values[model.outputs[0]]
    if not reasons and not (isinstance(output, Stack) and is_identity(output.scale, output.shift)):
        reasons[model.outputs[0]] = "the output is not that of a Dense layer"
    if reasons:
        _raise_unreadable(model, reasons)
    assert isinstance(output, Stack)
    return sketch, output


def _raise_unreadable(model: KerasModel, reasons: Mapping[str, str]) -> None:
    listed = "; ".join(f"{name!r} ({model.layers[name].kind}): {reason}" for name, reason in reasons.items())
    raise ModelFolderError(
        f"{counted(len(reasons), 'layer')} of the Keras model cannot be read: {listed}. Replace or remove what is "
        "named, and save the model again"
    )


def _in_order(model: KerasModel) -> list[KerasLayer]:
    """Return the layers so that each comes after those that it reads."""
    order: dict[str, KerasLayer] = {}
    waiting = list(model.layers.values())
    while waiting:
        ready = [layer for layer in waiting if all(name in order for name in layer.inputs)]
        if not ready:
            raise ModelFolderError("the Keras model is damaged: its layers read each other in a circle")
        order |= {layer.name: layer for layer in ready}
        waiting = [layer for layer in waiting if layer.name not in order]
    return list(order.values())


def _apply(sketch: Sketch, layer: KerasLayer, inputs: list[Any], reasons: dict[str, str]) -> Value | None:
    """Apply a layer to what is known of its inputs; note the reason if it has no counterpart."""
    handler = HANDLERS.get(layer.kind)
    try:
        if handler is None:
            raise LayerError(_why_unknown(layer.kind))
        if layer.calls > 1:
            raise LayerError("it is applied more than once")
        if any(one is None for one in inputs) or (not inputs and layer.kind != "InputLayer"):
            check_settings(layer)
            return None
        return handler(sketch, layer, inputs)
    except LayerError as error:
        reasons[layer.name] = str(error)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reasons[layer.name] = f"its configuration is damaged ({error!r})"
    return None


def _why_unknown(kind: str) -> str:
    if kind == "Lambda":
        return "it holds Python code, which is never run"
    if kind in ("Functional", "Sequential", "Model"):
        return "it is a model within the model"
    return "limelight has no such layer"
