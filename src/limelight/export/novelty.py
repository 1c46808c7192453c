"""The distance to the training series as nodes of a graph."""

from __future__ import annotations

import numpy as np

from limelight.export.graph import Graph
from limelight.model.novelty import DIMENSIONS, NEAREST_SERIES, NoveltyScore, projection_of

_BITS = 8


def write_novelty(graph: Graph, score: NoveltyScore, features: str) -> str:
    """Write how far series are from the training series.

    Parameters
    ----------
    graph
        The graph.
    score
        The fitted score.
    features
        What the head reads, float32, shape (batch, width).

    Returns
    -------
    str
        Shape (batch,), float64.
    """
    projected = graph.cast(graph.add("MatMul", features, _projection(graph, score)), np.float64)
    reference = graph.cast(graph.constant(score.reference.astype(np.float32)), np.float64)
    differences = graph.add("Sub", graph.unsqueeze(projected, 1), graph.unsqueeze(reference, 0))
    distances = graph.add("Sqrt", graph.sum(graph.add("Mul", differences, differences), 2))
    nearest = graph.integers(min(NEAREST_SERIES, len(score.reference)))
    closest = graph.add_several("TopK", distances, nearest, outputs=2, axis=1, largest=0)[0]
    mean = graph.add("ReduceMean", closest, axes=[1], keepdims=0)
    return graph.add("Div", mean, graph.double(score.unit))


def _projection(graph: Graph, score: NoveltyScore) -> str:
    """Write the projection, shape (width, 32), of which only a size and 32 signs are stored for each feature."""
    projection = projection_of(score.scale).numpy()
    packed = graph.cast(graph.constant(np.packbits(projection > 0, axis=1)), np.int64)
    powers = graph.constant(2 ** np.arange(_BITS - 1, -1, -1), np.int64)
    shifted = graph.add("Div", graph.unsqueeze(packed, 2), powers)
    bits = graph.cast(graph.reshape(graph.add("Mod", shifted, graph.integer(2)), 0, DIMENSIONS), np.float32)
    signs = graph.add("Sub", graph.add("Mul", bits, graph.number(2.0)), graph.number(1.0))
    return graph.add("Mul", signs, graph.constant(np.abs(projection[:, :1])))
