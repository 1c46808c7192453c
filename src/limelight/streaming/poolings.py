"""Poolings over the steps so far, in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight.errors import ParameterError
from limelight.nn.pooling import AdditiveAttention, ConjunctiveAttention, Last, Max, Mean, MetadataAttention
from limelight.streaming.cells import doubles_of, sigmoid
from limelight.types import Doubles

Sums = tuple[Doubles, ...]


class RunningLogits:
    """The logits of the steps so far; ``add`` returns new sums and leaves the given ones as they are.

    Parameters
    ----------
    network
        The network.
    context
        The encoded metadata of the series, shape (context,), which may be empty.
    """

    def __init__(self, network: Any, context: Doubles) -> None:
        self.head = [
            _layer_of(layer) for layer in (network.head if hasattr(network.head, "__iter__") else [network.head])
        ]
        self.late = context if "late" in network.architecture.fusions else np.zeros(0)
        self.scale, self.shift = np.ones(1), np.zeros(1)
        if network.film is not None:
            scale, shift = _layer_of(network.film.project)(context).reshape(2, -1)
            self.scale, self.shift = 1 + scale, shift
        self.pooling = network.pooling
        self.width, self.outputs = network.encoder.width, int(doubles_of(_last_of(network.head).bias).shape[0])
        if isinstance(self.pooling, (AdditiveAttention, MetadataAttention, ConjunctiveAttention)):
            self.project, self.score = _layer_of(self.pooling.project), _layer_of(self.pooling.score)
            ask = getattr(self.pooling, "ask", None)
            self.query = 0.0 if ask is None else _layer_of(ask)(context)
        elif self.pooling is not None and not isinstance(self.pooling, (Last, Max, Mean)):
            raise ParameterError(
                f"expected a pooling that can follow a stream, got {type(self.pooling).__name__}; pass window= to "
                "predict the last steps again and again"
            )

    def start(self) -> Sums:
        """Return the sums before the first step."""
        if isinstance(self.pooling, Max):
            return (np.full(self.width, -np.inf),)
        if isinstance(self.pooling, ConjunctiveAttention):
            return (np.zeros(self.outputs), np.zeros(1))
        if isinstance(self.pooling, (AdditiveAttention, MetadataAttention)):
            return (np.zeros(self.width), np.zeros(1), np.full(1, -np.inf))
        return (np.zeros(self.width), np.zeros(1))

    def add(self, sums: Sums, features: Doubles) -> Sums:
        """Return the sums with one more step."""
        features = features * self.scale + self.shift
        if isinstance(self.pooling, Max):
            return (np.maximum(sums[0], features),)
        if isinstance(self.pooling, Mean):
            return (sums[0] + features, sums[1] + 1)
        if self.pooling is None or isinstance(self.pooling, Last):
            return (features, sums[1] + 1)
        score = self.score(np.tanh(self.project(features) + self.query))
        if isinstance(self.pooling, ConjunctiveAttention):
            return (sums[0] + sigmoid(score) * self._head_of(features), sums[1] + 1)
        # a softmax over the steps so far: everything is relative to the largest score
        top = np.maximum(sums[2], score)
        before, now = np.exp(sums[2] - top), np.exp(score - top)
        return (sums[0] * before + now * features, sums[1] * before + now, top)

    def logits(self, sums: Sums) -> Doubles:
        """Return the logits of the steps so far, or of the last step with labels per step, shape (outputs,)."""
        if isinstance(self.pooling, ConjunctiveAttention):
            return sums[0] / sums[1]
        divided = isinstance(self.pooling, (Mean, AdditiveAttention, MetadataAttention))
        return self._head_of(sums[0] / sums[1] if divided else sums[0])

    def _head_of(self, features: Doubles) -> Doubles:
        values = np.concatenate([features, self.late]) if len(self.late) else features
        for layer in self.head:
            values = layer(values)
        return values


def _last_of(head: Any) -> Any:
    return head if hasattr(head, "bias") else head[-1]


def _layer_of(layer: Any) -> Callable[[Doubles], Doubles]:
    """Return a layer of a head as a function of NumPy arrays."""
    name = type(layer).__name__
    if name == "Dropout":
        return lambda values: values
    if name in ("ReLU", "Tanh"):
        return np.tanh if name == "Tanh" else lambda values: np.maximum(values, 0)
    weight, bias = doubles_of(layer.weight), 0.0 if layer.bias is None else doubles_of(layer.bias)
    return lambda values: weight @ values + bias
