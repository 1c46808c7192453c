"""Load the weights of a Keras model into a network of the same architecture."""

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

    Keras' layers of a kind must come in the order of the architecture: an ``Embedding`` for each categorical field;
    recurrent layers; the ``Dense`` of numeric metadata if metadata are repeated, for attention the hidden and the scoring
    ``Dense``, the ``Dense`` of numeric metadata if they are fused only late, then the ``Dense`` of the head. An
    ``Embedding`` has no row for unknown words: its rows become the codes from 1 on, and code 0 becomes zeros.
    Normalisation is set to pass values and numbers unchanged, as Keras' network has none.

    Parameters
    ----------
    network
        With an ``lstm`` encoder, a ``linear`` head, any pooling but ``metadata_attention``, and metadata, if any,
        fused ``"late"`` or by ``"repeat"``, without texts and side signals.
    weights
        Arrays by path, as from ``{w.path: w.numpy() for w in keras_model.weights}``:
        ``"lstm/lstm_cell/kernel"`` (in, 4·units), ``".../recurrent_kernel"`` (units, 4·units), ``".../bias"``
        (4·units,) with the gates in the order input, forget, candidate, output, which is also torch's;
        ``"embedding/embeddings"`` (words, size); ``"head/kernel"`` (in, out), ``"head/bias"`` (out,).

    Returns
    -------
    Network
        The same network; its outputs equal those of the Keras model within about 1e-6.

    Raises
    ------
    ParameterError
        If Keras weights cannot be loaded for the encoder, the head or the fusion.
    ModelFolderError
        If a weight is missing, unused, or has another shape than in the network.

    Example
    -------
    >>> from limelight.parts.architecture import Architecture
    >>> network = Network(Architecture.of({"name": "lstm", "hidden_size": 1}, "last", "linear"), channels=1, outputs=1)
    >>> weights = {"lstm/lstm_cell/kernel": np.zeros((1, 4)), "lstm/lstm_cell/recurrent_kernel": np.zeros((1, 4)),
    ...            "lstm/lstm_cell/bias": np.zeros(4), "head/kernel": np.zeros((1, 1)), "head/bias": np.array([2.0])}
    >>> load_keras_weights(network, weights).head.bias.item()
    2.0
    """
    words = network.architecture
    if (words.encoder.name, words.head.name) != (LSTM.name, LinearHead.name):
        raise ParameterError(
            f"expected a network with encoder {LSTM.name!r} and head {LinearHead.name!r} to put Keras weights into, "
            f"got {words.encoder.name!r} and {words.head.name!r}"
        )
    _require_plain_metadata(network)
    embeddings, cells, dense = _split(weights)
    into: dict[str, Tensor] = {}
    for field in range(len(network.context_shape.categories) if network.context is not None else 0):
        into |= _embedding(f"context.embeddings.{field}", *_next(embeddings, "embedding"))
    directions = ("ahead", "back") if network.encoder.bidirectional else ("ahead",)
    for layer in range(len(network.encoder.layers)):
        for direction in directions:
            into |= _recurrent(f"encoder.layers.{layer}.{direction}", *_next(cells, direction))
    into |= _dense_layers(network, dense)
    left = [*embeddings, *cells, *dense]
    if left:
        raise ModelFolderError(
            f"the Keras model has layers that the network has not: {listing(left)}; "
            "build the network from the same layers"
        )
    _put(network, into)
    for scaling in (network.normalisation, None if network.context is None else network.context.scaling):
        if scaling is not None:
            scaling.set_statistics(torch.zeros_like(scaling.mean), torch.ones_like(scaling.scale))
    return network


def _require_plain_metadata(network: Network) -> None:
    """Reject parts for metadata that have no counterpart in Keras."""
    words, shape = network.architecture, network.context_shape
    if isinstance(network.pooling, MetadataAttention) or network.film is not None:
        raise ParameterError(
            "expected a network whose metadata join by fusion 'late' or 'repeat' to put Keras weights into, got "
            f"{words.describe()!r}"
        )
    if shape.signals or (words.needs_metadata and shape.texts):
        raise ParameterError(
            "expected a network without texts and side signals to put Keras weights into, got "
            f"{counted(shape.texts, 'text')} and {counted(len(shape.signals), 'side signal')}; leave them out"
        )


def _dense_layers(network: Network, dense: _Layers) -> dict[str, Tensor]:
    """Collect the dense layers in the order of the forward pass."""
    attention = {"pooling.project": "attention", "pooling.score": "score"}
    wanted = attention if isinstance(network.pooling, AdditiveAttention) else {}
    if network.context is not None and network.context.dense is not None:
        numbers = {"context.dense": "numbers"}
        wanted = {**numbers, **wanted} if "repeat" in network.architecture.fusions else {**wanted, **numbers}
    into: dict[str, Tensor] = {}
    for name, said in {**wanted, "head": "head"}.items():
        into |= _linear(name, *_next(dense, said))
    into.pop("pooling.score.bias", None)  # it cannot change a softmax
    return into


def _split(weights: Weights) -> tuple[_Layers, _Layers, _Layers]:
    """Group the variables by layer, in their order: embeddings, recurrent cells, dense layers."""
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
