"""Hydra as nodes of a graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limelight.export.graph import Graph
from limelight.export.rocket import write_on_grid, write_positions
from limelight.export.translations import Steps, register_translation
from limelight.nn.fixed_features import TAPS
from limelight.nn.hydra import RIVALS, WEIGHT_BITS, HydraBlock

_END = int(np.iinfo(np.int64).max)


class Contest(NamedTuple):
    """Names of what the kernels of one reading and dilation compute, shape (batch, groups, kernels, positions) each.

    Parameters
    ----------
    won
        The outputs of the kernels that win, else 0, float32.
    loses
        Whether a kernel loses.
    """

    won: str
    loses: str


@register_translation(HydraBlock)
def write_hydra(graph: Graph, block: HydraBlock, steps: Steps) -> str:
    """Write the mean outputs of winners and the shares of losers, shape (batch, width)."""
    parts = []
    for place in places_of_contests(block):
        contest = write_contest(graph, block, place, steps)
        sums = [graph.sum(graph.cast(one, np.float64), 3) for one in contest]
        both = graph.concat([graph.unsqueeze(one, 2) for one in sums], 2)
        flat = graph.reshape(both, 0, block.groups * 2 * RIVALS)
        parts.append(graph.add("Div", flat, write_count(graph, block, place, steps)))
    return graph.cast(graph.concat(parts, 1), np.float32)


def places_of_contests(block: HydraBlock) -> list[tuple[int, int]]:
    """Return the readings (0: values, 1: differences) and dilations in the order of the features."""
    return [(reading, number) for reading in (0, 1) for number in range(len(block.dilations))]


def write_count(graph: Graph, block: HydraBlock, place: tuple[int, int], steps: Steps) -> str:
    """Write the number of positions of each series, float64, shape (batch, 1)."""
    lengths = graph.unsqueeze(steps.lengths, 1)
    return graph.cast(write_positions(graph, lengths, block.strides[place[1]]), np.float64)


def write_contest(graph: Graph, block: HydraBlock, place: tuple[int, int], steps: Steps) -> Contest:
    """Write who wins and who loses at each position, for one reading and dilation."""
    kernels = block.kernels[place].numpy().astype(np.float32) / 2**WEIGHT_BITS
    groups, dilation, stride = block.groups, block.dilations[place[1]], block.strides[place[1]]
    reads = block.reads[place].numpy()
    several = reads.shape[1] > 1
    values, real = _reading(graph, block, place[0], steps)
    if several:
        values = graph.add("MatMul", graph.constant(reads.astype(np.float32)), values)
    outputs = graph.add(
        "Conv",
        values,
        graph.constant(kernels.reshape(groups * RIVALS, 1, TAPS)),
        dilations=[dilation],
        pads=[dilation * (TAPS // 2)] * 2,
        strides=[stride],
        kernel_shape=[TAPS],
        group=groups if several else 1,
    )
    real = graph.slice(real, 2, 0, _END, stride) if stride > 1 else real
    outputs = graph.add("Reshape", outputs, graph.integers(0, groups, RIVALS, -1))
    top = graph.add("ReduceMax", outputs, axes=[2], keepdims=1)
    low = graph.add("ReduceMin", outputs, axes=[2], keepdims=1)
    counts = graph.unsqueeze(real, 1)
    wins = graph.add("And", graph.add("GreaterOrEqual", outputs, top), counts)
    loses = graph.add("And", graph.add("LessOrEqual", outputs, low), counts)
    return Contest(graph.add("Where", wins, outputs, graph.number(0.0)), loses)


def _reading(graph: Graph, block: HydraBlock, reading: int, steps: Steps) -> tuple[str, str]:
    """Write values or differences, 0 beyond the last, shape (batch, channels, time), and which of them are real."""
    values = given = write_on_grid(graph, steps, block.bits)
    if reading:
        later = graph.concat([graph.slice(values, 2, 1, _END), graph.slice(values, 2, -1, _END)], 2)
        given = graph.add("Sub", later, values)
    places = graph.unsqueeze(graph.arange(graph.size(values, 2)), 0)
    last = graph.add("Sub", steps.lengths, graph.integer(reading))
    real = graph.unsqueeze(graph.add("Less", places, graph.unsqueeze(last, 1)), 1)
    return graph.add("Where", real, given, graph.number(0.0)), real
