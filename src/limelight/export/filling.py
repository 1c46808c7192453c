"""Filling of missing values as nodes of a graph."""

from __future__ import annotations

import numpy as np

from limelight.export.graph import Graph
from limelight.nn.filling import Filling


def write_filling(graph: Graph, filling: Filling, scaled: str, mask: str, elapsed: str | None) -> str:
    """Write the filled values of ``Filling``.

    Parameters
    ----------
    graph
        The graph.
    filling
        The strategy.
    scaled
        Scaled values, NaN if missing, shape (batch, time, channels).
    mask
        Whether a step is real, shape (batch, time).
    elapsed
        Time since the previous step, shape (batch, time); None counts steps.

    Returns
    -------
    str
        Shape (batch, time, width).
    """
    real = graph.unsqueeze(mask, 2)
    observed = graph.add("And", graph.add("Not", graph.add("IsNaN", scaled)), real)
    filled = graph.add("Where", observed, scaled, graph.number(0.0))
    if filling.strategy == "last":
        before = _last_observed(graph, observed)
        found = _take(graph, filled, graph.add("Max", before, graph.integer(0)))
        filled = graph.add("Where", graph.add("GreaterOrEqual", before, graph.integer(0)), found, graph.number(0.0))
    elif filling.strategy == "linear":
        filled = _interpolated(graph, filled, observed, _positions(graph, mask, elapsed))
    filled = graph.add("Where", real, filled, graph.number(0.0))
    if filling.strategy != "mask":
        return filled
    marks = graph.add("And", real, graph.add("Not", observed))
    return graph.concat([filled, graph.cast(marks, np.float32)], 2)


def _take(graph: Graph, values: str, steps: str) -> str:
    return graph.add("GatherElements", values, steps, axis=1)


def _last_observed(graph: Graph, observed: str) -> str:
    """Write for each step and channel the index of the last observed step so far, -1 if there is none."""
    steps = graph.unsqueeze(graph.arange(graph.size(observed, 1)), 0, 2)
    marked = graph.add("Where", observed, steps, graph.integer(-1))
    latest = graph.running_maximum(graph.transpose(marked, 1, 0, 2))
    return graph.transpose(latest, 1, 0, 2)


def _reversed(graph: Graph, values: str) -> str:
    end = int(np.iinfo(np.int64).min) + 1
    return graph.add("Slice", values, graph.integers(-1), graph.integers(end), graph.integers(1), graph.integers(-1))


def _positions(graph: Graph, mask: str, elapsed: str | None) -> str:
    """Write the time of every step, or its number without a clock, float64, shape (batch, time)."""
    if elapsed is not None:
        return graph.add("CumSum", graph.cast(elapsed, np.float64), graph.integer(1))
    steps = graph.unsqueeze(graph.cast(graph.arange(graph.size(mask, 1)), np.float64), 0)
    return graph.add("Expand", steps, graph.add("Shape", mask))


def _interpolated(graph: Graph, filled: str, observed: str, positions: str) -> str:
    end = graph.add("Sub", graph.size(observed, 1), graph.integers(1))
    before = _last_observed(graph, observed)
    flipped = graph.cast(_reversed(graph, graph.cast(observed, np.float32)), np.bool_)
    after = graph.add("Sub", end, _reversed(graph, _last_observed(graph, flipped)))
    has_before = graph.add("GreaterOrEqual", before, graph.integer(0))
    start = graph.add("Min", graph.add("Where", has_before, before, after), end)
    stop = graph.add("Where", graph.add("LessOrEqual", after, end), after, start)
    place = graph.add("Expand", graph.unsqueeze(positions, 2), graph.add("Shape", start))
    low, high = _take(graph, place, start), _take(graph, place, stop)
    gap = graph.add("Sub", high, low)
    gap = graph.add("Where", graph.add("Greater", gap, graph.double(0.0)), gap, graph.double(1.0))
    share = graph.add("Div", graph.add("Sub", place, low), gap)
    share = graph.cast(graph.add("Clip", share, graph.double(0.0), graph.double(1.0)), np.float32)
    left = graph.add("Mul", graph.add("Sub", graph.number(1.0), share), _take(graph, filled, start))
    right = graph.add("Mul", share, _take(graph, filled, stop))
    return graph.add("Where", observed, filled, graph.add("Add", left, right))
