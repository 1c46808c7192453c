"""Keras: copy the weights of a Keras model into a network of the same architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limelight.errors import ModelFolderError, ParameterError, counted, listing
from limelight.nn.network import Network
from limelight.nn.pooling import AdditiveAttention, MetadataAttention
from limelight.parts.encoders import LSTM
from limelight.parts.heads import LinearHead

Weights = Mapping[str, NDArray[Any]]
_Layers = dict[str, dict[str, Any]]


def load_keras_weights(network: Network, weights: Weights) -> Network:
    """Load the weights of a Keras model into a network built from the same parts.

    The Keras layers of each kind must be in this order: an ``Embedding`` for each categorical field; the recurrent
    layers; and the ``Dense`` layers: of the numbers if metadata are fused by ``"repeat"``, the hidden and the scoring
    layer of attention, of the numbers if metadata are fused ``"late"`` only, and of the head. A Keras ``Embedding`` has
    no row for unknown words: its rows become the codes from 1 on, and the row of code 0 is set to zeros. Normalisation
    is set to the identity for values and numbers, as the Keras model has none.

    Parameters
    ----------
    network
        A network with an ``lstm`` encoder, a ``linear`` head and a pooling ``attention``, ``last``, ``mean`` or
        ``max``; metadata, if any, are fused ``"late"`` or by ``"repeat"`` and include neither texts nor side signals.
    weights
        Arrays by path, as returned by ``{w.path: w.numpy() for w in keras_model.weights}``:
        ``"lstm/lstm_cell/kernel"`` (in, 4·units), ``".../recurrent_kernel"`` (units, 4·units), ``".../bias"``
        (4·units,) with the gates in the order input, forget, candidate, output, as in torch;
        ``"embedding/embeddings"`` (words, size); ``"head/kernel"`` (in, out), ``"head/bias"`` (out,).

    Returns
    -------
    Network
        The same network; its outputs match those of the Keras model to 1e-5.

    Raises
    ------
    ParameterError
        If the encoder, the head or the fusion of the network is not supported.
    ModelFolderError
        If a weight is missing, left over, or of a different shape than that of the network.

    Example
    -------
    >>> from limelight.parts.architecture import Architecture
    >>> network = Network(Architecture.of({"name": "lstm", "hidden_size": 1}, "last", "linear"), channels=1, outputs=1)
    >>> weights = {"lstm/lstm_cell/kernel": np.zeros((1, 4)), "lstm/lstm_cell/recurrent_kernel": np.zeros((1, 4)),
    ...            "lstm/lstm_cell/bias": np.zeros(4), "head/kernel": np.zeros((1, 1)), "head/bias": np.array([2.0])}
    >>> load_keras_weights(network, weights).head.bias.item()
    2.0
    """
    architecture = network.architecture
    if (architecture.encoder.name, architecture.head.name) != (LSTM.name, LinearHead.name):
        raise ParameterError(
            f"expected a network with encoder {LSTM.name!r} and head {LinearHead.name!r} to load Keras weights, "
            f"got {architecture.encoder.name!r} and {architecture.head.name!r}"
        )
    _require_known_parts(network)
    embeddings, cells, dense = _split(weights)
    tensors: dict[str, Tensor] = {}
    for field in range(len(network.context_shape.categories) if network.context is not None else 0):
        tensors |= _embedding(f"context.embeddings.{field}", *_next(embeddings, "embedding"))
    for layer, both in enumerate(network.encoder.layers):
        for direction in ("ahead",) if both.back is None else ("ahead", "back"):
            tensors |= _recurrent(f"encoder.layers.{layer}.{direction}", *_next(cells, direction))
    tensors |= _dense_layers(network, dense)
    left_over = [*embeddings, *cells, *dense]
    if left_over:
        raise ModelFolderError(
            f"the Keras model has layers that the network does not have: {listing(left_over)}; "
            "build the network from the same layers"
        )
    _copy(network, tensors)
    for scaling in (network.normalisation, None if network.context is None else network.context.scaling):
        if scaling is not None:
            scaling.set_statistics(torch.zeros_like(scaling.mean), torch.ones_like(scaling.scale))
    return network


def _require_known_parts(network: Network) -> None:
    """Raise if the network has parts that cannot be loaded from Keras."""
    architecture, shape = network.architecture, network.context_shape
    if network.architecture.pooling.sums_steps:
        raise ParameterError(
            "expected the pooling 'attention', 'last', 'mean' or 'max' to load Keras weights, got "
            f"{network.architecture.pooling.name!r}; choose one of them"
        )
    if isinstance(network.pooling, MetadataAttention) or network.film is not None:
        raise ParameterError(
            f"expected a network with fusion 'late' or 'repeat' to load Keras weights, got {architecture.describe()!r}"
        )
    if shape.signals or (architecture.needs_metadata and shape.texts):
        raise ParameterError(
            "expected a network without texts and side signals to load Keras weights, got "
            f"{counted(shape.texts, 'text')} and {counted(len(shape.signals), 'side signal')}; leave them out"
        )


def _dense_layers(network: Network, dense: _Layers) -> dict[str, Tensor]:
    """Convert the dense layers in the order of the forward pass."""
    attention = {"pooling.project": "attention", "pooling.score": "score"}
    wanted = attention if isinstance(network.pooling, AdditiveAttention) else {}
    if network.context is not None and network.context.dense is not None:
        numbers = {"context.dense": "numbers"}
        wanted = {**numbers, **wanted} if "repeat" in network.architecture.fusions else {**wanted, **numbers}
    tensors: dict[str, Tensor] = {}
    for name, description in {**wanted, "head": "head"}.items():
        tensors |= _linear(name, *_next(dense, description))
    tensors.pop("pooling.score.bias", None)  # a constant does not change a softmax
    return tensors


def _split(weights: Weights) -> tuple[_Layers, _Layers, _Layers]:
    """Split the variables by layer, in the given order: embeddings, recurrent cells, dense layers."""
    layers: _Layers = {}
    for path, array in weights.items():
        layer, _, variable = path.rpartition("/")
        layers.setdefault(layer, {})[variable] = array
    embeddings = {name: variables for name, variables in layers.items() if "embeddings" in variables}
    cells = {name: variables for name, variables in layers.items() if "recurrent_kernel" in variables}
    dense = {name: variables for name, variables in layers.items() if name not in embeddings.keys() | cells.keys()}
    return embeddings, cells, dense


def _next(layers: _Layers, wanted: str) -> tuple[str, dict[str, Any]]:
    if not layers:
        raise ModelFolderError(
            f"the Keras weights end before the {wanted!r} layer of the network; "
            "pass the weights of a model with the same layers"
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


def _embedding(prefix: str, layer: str, variables: dict[str, Any]) -> dict[str, Tensor]:
    rows = _tensor(layer, variables, "embeddings")
    return {f"{prefix}.weight": torch.cat([torch.zeros_like(rows[:1]), rows])}


def _linear(prefix: str, layer: str, variables: dict[str, Any]) -> dict[str, Tensor]:
    weight, bias = (_tensor(layer, variables, variable) for variable in ("kernel", "bias"))
    return {f"{prefix}.weight": weight.t(), f"{prefix}.bias": bias}


def _tensor(layer: str, variables: dict[str, Any], variable: str) -> Tensor:
    if variable not in variables:
        raise ModelFolderError(
            f"the Keras layer {layer!r} has no {variable!r}; export a model whose layers have kernel and bias"
        )
    return torch.from_numpy(np.array(variables[variable], dtype=np.float32))


def _copy(network: Network, tensors: dict[str, Tensor]) -> None:
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
