"""Weights of a Keras model, put into a network of the same sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limelight.errors import ModelFolderError, ParameterError, listing
from limelight.nn.network import Network
from limelight.nn.pooling import AdditiveAttention
from limelight.parts.encoders import LSTM
from limelight.parts.heads import LinearHead

Weights = Mapping[str, NDArray[Any]]


def load_keras_weights(network: Network, weights: Weights) -> Network:
    """Put the weights of a Keras model into a network built from the same parts.

    Keras' layers must come in the order of the sentence: recurrent layers, then for attention the hidden and the
    scoring ``Dense``, then the ``Dense`` of the head. Normalisation is set to pass values unchanged, as Keras'
    network has none.

    Parameters
    ----------
    network
        With an ``lstm`` encoder, any pooling and a ``linear`` head.
    weights
        Arrays by path, as ``{w.path: w.numpy() for w in keras_model.weights}`` gives them:
        ``"lstm/lstm_cell/kernel"`` (in, 4·units), ``".../recurrent_kernel"`` (units, 4·units), ``".../bias"``
        (4·units,) with the gates in the order input, forget, candidate, output, which is also torch's;
        ``"head/kernel"`` (in, out), ``"head/bias"`` (out,).

    Returns
    -------
    Network
        The same network, its outputs those of the Keras model to about 1e-6.

    Raises
    ------
    ParameterError
        If the encoder or head is of a kind that Keras' weights cannot go into.
    ModelFolderError
        If a weight is missing, left over, or of another shape than the network's.

    Example
    -------
    >>> from limelight.parts.sentence import Sentence
    >>> network = Network(Sentence.of({"name": "lstm", "hidden_size": 1}, "last", "linear"), channels=1, outputs=1)
    >>> weights = {"lstm/lstm_cell/kernel": np.zeros((1, 4)), "lstm/lstm_cell/recurrent_kernel": np.zeros((1, 4)),
    ...            "lstm/lstm_cell/bias": np.zeros(4), "head/kernel": np.zeros((1, 1)), "head/bias": np.array([2.0])}
    >>> load_keras_weights(network, weights).head.bias.item()
    2.0
    """
    words = network.sentence
    if (words.encoder.name, words.head.name) != (LSTM.name, LinearHead.name):
        raise ParameterError(
            f"expected a network with encoder {LSTM.name!r} and head {LinearHead.name!r} to put Keras weights into, "
            f"got {words.encoder.name!r} and {words.head.name!r}"
        )
    cells, dense = _split(weights)
    into: dict[str, Tensor] = {}
    directions = ("ahead", "back") if network.encoder.bidirectional else ("ahead",)
    for layer in range(len(network.encoder.layers)):
        for direction in directions:
            into |= _recurrent(f"encoder.layers.{layer}.{direction}", *_next(cells, direction))
    if isinstance(network.pooling, AdditiveAttention):
        into |= _linear("pooling.project", *_next(dense, "attention"))
        score = _linear("pooling.score", *_next(dense, "score"))
        into |= {"pooling.score.weight": score["pooling.score.weight"]}  # its bias cannot change a softmax
    into |= _linear("head", *_next(dense, "head"))
    if cells or dense:
        raise ModelFolderError(
            f"the Keras model has layers that the network has not: {listing([*cells, *dense])}; "
            "build the network from the same layers"
        )
    _put(network, into)
    channels = network.normalisation.mean.shape[0]
    network.normalisation.set_statistics(torch.zeros(channels), torch.ones(channels))
    return network


def _split(weights: Weights) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Gather variables by layer, recurrent cells apart from dense layers, in the order given."""
    layers: dict[str, dict[str, Any]] = {}
    for path, array in weights.items():
        layer, _, variable = path.rpartition("/")
        layers.setdefault(layer, {})[variable] = array
    cells = {name: variables for name, variables in layers.items() if "recurrent_kernel" in variables}
    return cells, {name: variables for name, variables in layers.items() if name not in cells}


def _next(layers: dict[str, dict[str, Any]], wanted: str) -> tuple[str, dict[str, Any]]:
    if not layers:
        raise ModelFolderError(
            f"the Keras weights end before the {wanted!r} layer of the network; "
            "give the weights of a model with the same layers"
        )
    name = next(iter(layers))
    return name, layers.pop(name)


def _recurrent(prefix: str, layer: str, variables: dict[str, Any]) -> dict[str, Tensor]:
    bias = _tensor(layer, variables, "bias")
    return {
        f"{prefix}.weight_ih_l0": _tensor(layer, variables, "kernel").t(),
        f"{prefix}.weight_hh_l0": _tensor(layer, variables, "recurrent_kernel").t(),
        f"{prefix}.bias_ih_l0": bias,
        f"{prefix}.bias_hh_l0": torch.zeros_like(bias),  # torch adds two biases where Keras has one
    }


def _linear(prefix: str, layer: str, variables: dict[str, Any]) -> dict[str, Tensor]:
    weight, bias = (_tensor(layer, variables, variable) for variable in ("kernel", "bias"))
    return {f"{prefix}.weight": weight.t(), f"{prefix}.bias": bias}


def _tensor(layer: str, variables: dict[str, Any], variable: str) -> Tensor:
    if variable not in variables:
        raise ModelFolderError(
            f"the Keras layer {layer!r} has no {variable!r}; export a model whose layers have kernel and bias"
        )
    return torch.from_numpy(np.array(variables[variable], dtype=np.float32))


def _put(network: Network, tensors: dict[str, Tensor]) -> None:
    own = dict(network.named_parameters())
    for name, tensor in tensors.items():
        if own[name].shape != tensor.shape:
            raise ModelFolderError(
                f"expected {name} of shape {tuple(own[name].shape)}, got {tuple(tensor.shape)} from Keras; "
                "build the network with the same channels and units"
            )
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
