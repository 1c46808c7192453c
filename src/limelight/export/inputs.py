"""The inputs of an exported network: scaled and filled values, clock, side signals and metadata."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from limelight.export.filling import write_filling
from limelight.export.graph import Graph
from limelight.export.translations import Steps, translate
from limelight.nn.network import Network
from limelight.nn.normalisation import Standardisation
from limelight.types import Doubles


class ModelInputs:
    """Declares the inputs that a network reads, and no others.

    Parameters
    ----------
    graph
        The graph.
    network
        The network.
    offset
        What is subtracted from each channel before the values become float32, shape (channels,).
    """

    def __init__(self, graph: Graph, network: Network, offset: Doubles) -> None:
        self.graph, self.network = graph, network
        given = graph.input("values", np.float64, ["batch", "time", network.channels])
        self.lengths = graph.input("lengths", np.int64, ["batch"])
        self.time = graph.size(given, 1)
        steps = graph.unsqueeze(graph.arange(self.time), 0)
        self.mask = graph.add("Less", steps, graph.unsqueeze(self.lengths, 1))
        relative = graph.add("Sub", given, graph.double(offset)) if offset.any() else given
        real = graph.unsqueeze(self.mask, 2)
        self.values = graph.add("Where", real, graph.cast(relative, np.float32), graph.number(0.0))
        self.real = graph.cast(real, np.float32)

    @cached_property
    def elapsed(self) -> str:
        """Time since the previous step, float32, shape (batch, time)."""
        given = self.graph.input("elapsed", np.float64, ["batch", "time"])
        return self.graph.add("Where", self.mask, self.graph.cast(given, np.float32), self.graph.number(0.0))

    @cached_property
    def categories(self) -> str:
        """Codes of the categorical fields, shape (batch, fields)."""
        return self.graph.input("categories", np.int64, ["batch", len(self.network.context_shape.categories)])

    @cached_property
    def numbers(self) -> str:
        """Numbers of the metadata, NaN if missing, float32, shape (batch, numbers)."""
        width = len(self.network.context_shape.numbers)
        return self.graph.cast(self.graph.input("numbers", np.float64, ["batch", width]), np.float32)

    @cached_property
    def tokens(self) -> str:
        """Codes of the words of texts, 0 for none, shape (batch, texts, words)."""
        return self.graph.input("tokens", np.int64, ["batch", self.network.context_shape.texts, "words"])

    @cached_property
    def vectors(self) -> str:
        """Vectors of texts, NaN if unknown, float32, shape (batch, texts, size)."""
        shape = self.network.context_shape
        return self.graph.input("vectors", np.float32, ["batch", shape.texts, shape.vector_size])

    @cached_property
    def signals(self) -> str:
        """Codes of the side signals at each step, shape (batch, time, signals)."""
        return self.graph.input("signals", np.int64, ["batch", "time", len(self.network.context_shape.signals)])

    def context(self) -> str | None:
        """Write the encoded metadata of each series, shape (batch, width); None if the network reads none."""
        return None if self.network.context is None else translate(self.graph, self.network.context, self)

    def encoder_inputs(self, context: str | None) -> Steps:
        """Write what the encoder reads at each step: values, marks, clock, side signals and repeated metadata."""
        graph, network = self.graph, self.network
        parts = self._scaled_parts()
        if network.signals is not None:
            parts.append(graph.add("Mul", translate(graph, network.signals, self), self.real))
        if "repeat" in network.architecture.fusions and context is not None:
            parts.append(graph.add("Mul", graph.unsqueeze(context, 1), self.real))
        return Steps(graph.concat(parts, 2), self.mask, self.lengths)

    def _scaled_parts(self) -> list[str]:
        """Write the scaled values and, if the network reads it, the scaled clock."""
        graph, network = self.graph, self.network
        values, clock = self.values, network.architecture.needs_clock
        if clock:
            values = graph.add("Concat", values, graph.unsqueeze(self.elapsed, 2), axis=2)
        scaled = graph.add("Mul", standardised(graph, network.normalisation, values), self.real)
        if network.filling is None:
            return [scaled]
        own = graph.slice(scaled, 2, 0, network.channels) if clock else scaled
        filled = write_filling(graph, network.filling, own, self.mask, self.elapsed if clock else None)
        return [filled, graph.slice(scaled, 2, network.channels, network.channels + 1)] if clock else [filled]


def standardised(graph: Graph, scaling: Standardisation | Any, values: str) -> str:
    """Write values minus the training mean, divided by the training deviation, over the last axis."""
    return graph.add("Div", graph.add("Sub", values, graph.constant(scaling.mean)), graph.constant(scaling.scale))
