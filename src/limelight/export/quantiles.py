"""Quantiles in intervals of values, differences and spectra as nodes of a graph."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import numpy as np

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation
from limelight.nn.quantiles import Interval, QuantileBlock

_ROUNDING = 1e-9
_END = int(np.iinfo(np.int64).max)


class SortedLevel(NamedTuple):
    """Names of the sorted numbers in the intervals of one level.

    Parameters
    ----------
    intervals
        The intervals, i of them.
    ordered
        Their numbers in rising order, infinite beyond the last, float64, shape (batch, i, widest, channels).
    order
        Their places before they were sorted, relative to the first, shape (batch, i, widest, channels).
    windows
        The same numbers before they were sorted.
    inside
        Which of them are real, shape (batch, i, widest, 1).
    start, size
        Where each interval begins among what is read, and how many numbers it has, shape (batch, i) each.
    """

    intervals: list[Interval]
    ordered: str
    order: str
    windows: str
    inside: str
    start: str
    size: str


@register_translation(QuantileBlock)
def write_quantiles(graph: Graph, block: QuantileBlock, steps: Steps) -> str:
    """Write quantiles in dyadic intervals, shape (batch, width)."""
    parts = [_quantiles_of(graph, level) for level in write_levels(graph, block, steps)]
    return graph.cast(graph.reshape(graph.concat(parts, 1), 0, block.width), np.float32)


def write_levels(graph: Graph, block: QuantileBlock, steps: Steps) -> list[SortedLevel]:
    """Sort the numbers that a block reads in each of its intervals."""
    real = graph.unsqueeze(steps.mask, 2)
    masked = graph.add("Where", real, steps.values, graph.number(0.0))
    read, lengths = _read(graph, block, graph.cast(masked, np.float64), steps)
    levels = groupby(block.intervals, key=lambda one: round(-np.log2(one.stop - one.start)))
    return [_level(graph, read, lengths, list(intervals)) for _, intervals in levels]


def _read(graph: Graph, block: QuantileBlock, values: str, steps: Steps) -> tuple[str, str]:
    """Write values, differences or magnitudes, shape (batch, read steps, channels), and how many a series has."""
    if block.reading == "values":
        return values, steps.lengths
    one = graph.integer(1)
    if block.reading == "differences":
        later = graph.concat([graph.slice(values, 1, 1, _END), graph.slice(values, 1, -1, _END)], 1)
        fewer = graph.add("Sub", steps.lengths, one)
        places = graph.unsqueeze(graph.arange(graph.size(values, 1)), 0)
        counted = graph.unsqueeze(graph.add("Less", places, graph.unsqueeze(fewer, 1)), 2)
        differences = graph.add("Where", counted, graph.add("Sub", later, values), graph.double(0.0))
        return differences, graph.add("Max", fewer, one)
    halves = graph.add("Div", steps.lengths, graph.integer(2))
    return _spectrum(graph, values, steps.lengths), graph.add("Max", halves, one)


def _spectrum(graph: Graph, values: str, lengths: str) -> str:
    """Write the magnitude of each frequency above 0, shape (batch, frequencies, channels), 0 beyond the last.

    A transform has one length for all series of a batch, so each series has its own.
    """
    most = graph.add("Max", graph.add("Div", graph.size(values, 1), graph.integers(2)), graph.integers(1))
    body, index = Graph(graph), graph.fresh()
    series = body.add("Gather", values, index, axis=0)  # (time, channels)
    length = body.add("Gather", lengths, index, axis=0)
    by_channel = body.unsqueeze(body.transpose(series, 1, 0), 2)
    transformed = body.add("DFT", by_channel, length, axis=1, onesided=1)  # (channels, length // 2 + 1, 2)
    square = body.sum(body.add("Mul", transformed, transformed), 2)
    root = body.add("Sqrt", body.cast(length, np.float64))
    magnitudes = body.slice(body.add("Div", body.add("Sqrt", square), root), 1, 1, _END)
    lacking = body.add("Sub", most, body.size(magnitudes, 1))
    pads = body.concat([body.integers(0, 0, 0), lacking], 0)
    result = body.transpose(body.add("Pad", magnitudes, pads, body.double(0.0)), 1, 0)
    return graph.loop(graph.size(values, 0), body, index, result, np.float64, 2)


def _level(graph: Graph, read: str, lengths: str, intervals: list[Interval]) -> SortedLevel:
    """Sort the numbers in the intervals of one level."""
    start, size = _places(graph, lengths, intervals)
    widest = graph.add("ReduceMax", graph.reshape(size, -1), axes=[0], keepdims=1)
    offsets = graph.unsqueeze(graph.arange(widest), 0, 1)
    inside = graph.add("Less", offsets, graph.unsqueeze(size, 2))
    steps = graph.add("Add", graph.unsqueeze(start, 2), graph.add("Where", inside, offsets, graph.integer(0)))
    count = graph.integers(len(intervals))
    flat = graph.unsqueeze(graph.reshape(steps, 0, -1), 2)
    windows = graph.add("GatherND", read, flat, batch_dims=1)
    shape = graph.concat([graph.integers(0), count, widest, graph.size(read, 2)], 0)
    windows = graph.add("Reshape", windows, shape)  # (batch, intervals, steps, channels)
    inside = graph.unsqueeze(inside, 3)
    beyond = graph.add("Where", inside, windows, graph.double(np.inf))
    ordered, order = graph.add_several("TopK", beyond, widest, outputs=2, axis=2, largest=0)
    return SortedLevel(intervals, ordered, order, windows, inside, start, size)


def write_means(graph: Graph, level: SortedLevel) -> str:
    """Write the mean of each interval, shape (batch, i, 1, channels)."""
    totals = graph.sum(graph.add("Where", level.inside, level.windows, graph.double(0.0)), 2, keepdims=True)
    return graph.add("Div", totals, graph.unsqueeze(graph.cast(level.size, np.float64), 2, 3))


def _quantiles_of(graph: Graph, level: SortedLevel) -> str:
    """Write the quantiles of intervals of one level, shape (batch, intervals * quantiles, channels)."""
    quantiles = level.intervals[0].quantiles
    below, above, share = write_ranks(graph, level.size, quantiles)
    low, high = (
        graph.add("GatherND", level.ordered, graph.unsqueeze(rank, 3), batch_dims=2) for rank in (below, above)
    )
    share = graph.unsqueeze(share, 3)
    left = graph.add("Mul", low, graph.add("Sub", graph.double(1.0), share))
    found = graph.add("Add", left, graph.add("Mul", high, share))
    if quantiles > 1:
        relative = (np.arange(quantiles) % 2).astype(np.float64)[None, None, :, None]
        found = graph.add("Sub", found, graph.add("Mul", write_means(graph, level), graph.double(relative)))
    flat_shape = graph.concat([graph.integers(0, len(level.intervals) * quantiles), graph.size(level.ordered, 3)], 0)
    return graph.add("Reshape", found, flat_shape)


def _places(graph: Graph, lengths: str, intervals: list[Interval]) -> tuple[str, str]:
    """Write where each interval begins and how many steps it has, shape (batch, intervals) each."""
    given = graph.unsqueeze(lengths, 1)
    exact = graph.cast(given, np.float64)

    def step_at(shares: list[float]) -> str:
        product = graph.add("Mul", exact, graph.double(np.array([shares])))
        return graph.cast(graph.add("Add", product, graph.double(_ROUNDING)), np.int64)

    one = graph.integer(1)
    start = graph.add("Min", step_at([each.start for each in intervals]), graph.add("Sub", given, one))
    stop = graph.add("Max", graph.add("Add", start, one), step_at([each.stop for each in intervals]))
    return start, graph.add("Sub", stop, start)


def write_ranks(graph: Graph, size: str, quantiles: int) -> tuple[str, str, str]:
    """Write the ranks around evenly spaced quantiles, and the share of the upper, shape (batch, i, quantiles) each."""
    shares = np.linspace(0, 1, quantiles) if quantiles > 1 else np.array([0.5])
    highest = graph.unsqueeze(graph.add("Sub", size, graph.integer(1)), 2)
    positions = graph.add("Mul", graph.cast(highest, np.float64), graph.double(shares[None, None]))
    below = graph.cast(positions, np.int64)
    above = graph.add("Min", graph.add("Add", below, graph.integer(1)), highest)
    return below, above, graph.add("Sub", positions, graph.cast(below, np.float64))
