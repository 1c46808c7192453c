"""Shapelets as nodes of a graph."""

from __future__ import annotations

import numpy as np

from limelight.export.graph import Graph
from limelight.export.rocket import write_on_grid
from limelight.export.translations import Steps, register_translation
from limelight.nn.shapelet_matches import FLAT_SPREAD, SHAPES, TOGETHER
from limelight.nn.shapelets import ShapeletBlock

_END = int(np.iinfo(np.int64).max)


@register_translation(ShapeletBlock)
def write_shapelets(graph: Graph, block: ShapeletBlock, steps: Steps) -> str:
    """Write the smallest distance to each shapelet, shape (batch, width)."""
    continued = _continued(graph, block, steps)
    parts = []
    for number in range(len(block.dilations)):
        closeness = write_closeness(graph, block, number, continued, steps)
        best = graph.add("ReduceMax", closeness, axes=[3], keepdims=0)
        parts.append(graph.reshape(_distances(graph, block, number, best), 0, block.groups * TOGETHER))
    return graph.concat(parts, 1)


def write_best_stretches(graph: Graph, block: ShapeletBlock, steps: Steps) -> str:
    """Write the steps of the stretch that matches each shapelet best, shape (batch, width, steps of a shapelet)."""
    continued = _continued(graph, block, steps)
    last = graph.unsqueeze(graph.add("Sub", steps.lengths, graph.integer(1)), 1, 2)
    parts = []
    for number, (dilation, stride) in enumerate(zip(block.dilations, block.strides, strict=True)):
        closeness = write_closeness(graph, block, number, continued, steps)
        where = graph.reshape(graph.add("ArgMax", closeness, axis=3, keepdims=0), 0, block.groups * TOGETHER, 1)
        taps = graph.constant(np.arange(block.steps, dtype=np.int64) * dilation)
        under = graph.add("Add", graph.add("Mul", where, graph.integer(stride)), taps)
        parts.append(graph.add("Min", under, last))
    return graph.concat(parts, 1)


def write_closeness(graph: Graph, block: ShapeletBlock, number: int, continued: str, steps: Steps) -> str:
    """Write how closely the shapelets of one dilation match, shape (batch, groups, shapelets, positions)."""
    dilation, stride = block.dilations[number], block.strides[number]
    reach = (block.steps - 1) * dilation
    needed = graph.add("Max", graph.size(steps.values, 1), graph.integers(reach + 1))
    read = graph.slice(continued, 2, 0, needed)
    several = block.reads.shape[-1] > 1
    if several:
        read = graph.add("MatMul", graph.constant(block.reads[number].numpy().astype(np.float32)), read)
    outputs = graph.add(
        "Conv",
        read,
        graph.constant(block.patterns[number].numpy().astype(np.float32).reshape(-1, 1, block.steps)),
        dilations=[dilation],
        strides=[stride],
        kernel_shape=[block.steps],
        group=block.groups if several else 1,
    )
    outputs = graph.add("Reshape", outputs, graph.integers(0, block.groups, TOGETHER, -1))
    mean, spread, square = (graph.unsqueeze(one, 2) for one in _moments(graph, read, block.steps, dilation, stride))
    units, levels = (one[number][:, SHAPES:, None].numpy()[None] for one in (block.units, block.levels))
    shapes = graph.add("Div", graph.slice(outputs, 2, 0, SHAPES), spread)
    others = graph.slice(outputs, 2, SHAPES, TOGETHER)
    others = graph.add("Mul", others, graph.constant(units / np.float32(block.steps)))
    others = graph.add("Add", others, graph.add("Mul", mean, graph.constant(levels)))
    others = graph.add("Sub", others, graph.add("Div", square, graph.number(2.0)))
    closeness = graph.concat([shapes, others], 2)
    farthest = graph.add("Sub", steps.lengths, graph.integer(1 + reach))
    farthest = graph.add("Div", graph.add("Max", farthest, graph.integer(0)), graph.integer(stride))
    places = graph.unsqueeze(graph.arange(graph.size(closeness, 3)), 0, 1, 2)
    lacking = graph.add("Greater", places, graph.unsqueeze(farthest, 1, 2, 3))
    return graph.add("Where", lacking, graph.number(-np.inf), closeness)


def _continued(graph: Graph, block: ShapeletBlock, steps: Steps) -> str:
    """Write values on their grid, continued with the last one, shape (batch, channels, time + longest shapelet)."""
    longest = graph.integers((block.steps - 1) * block.dilations[-1])
    places = graph.unsqueeze(graph.arange(graph.add("Add", graph.size(steps.values, 1), longest)), 0)
    last = graph.unsqueeze(graph.add("Sub", steps.lengths, graph.integer(1)), 1)
    values = graph.transpose(write_on_grid(graph, steps, block.bits), 0, 2, 1)
    index = graph.unsqueeze(graph.add("Min", places, last), 2)
    return graph.transpose(graph.add("GatherND", values, index, batch_dims=1), 0, 2, 1)


def _moments(graph: Graph, read: str, steps: int, dilation: int, stride: int) -> list[str]:
    """Write mean, standard deviation and mean square of each stretch, as ``ShapeletBlock`` computes them."""
    numbers = graph.cast(read, np.float64)
    reach = (steps - 1) * dilation
    starts = [tap * dilation for tap in range(steps)]
    taps = [graph.slice(numbers, 2, start, start - reach if start < reach else _END, stride) for start in starts]
    total = graph.add("Sum", *taps)
    squares = graph.add("Sum", *[graph.add("Mul", tap, tap) for tap in taps])
    count = graph.double(steps)
    variance = graph.add("Sub", graph.add("Mul", count, squares), graph.add("Mul", total, total))
    variance = graph.add("Div", variance, graph.double(steps**2))
    spread = graph.add("Sqrt", graph.add("Max", variance, graph.double(FLAT_SPREAD**2)))
    found = (graph.add("Div", total, count), spread, graph.add("Div", squares, count))
    return [graph.cast(one, np.float32) for one in found]


def _distances(graph: Graph, block: ShapeletBlock, number: int, closeness: str) -> str:
    """Write the distances of the best matches, shape (batch, groups, shapelets)."""
    norms, own = (one.numpy()[None] for one in block.scales((number, slice(None))))
    twice = graph.add("Mul", closeness, graph.number(2.0))
    shapes = graph.add("Sub", graph.number(2.0), graph.add("Div", twice, graph.constant(norms)))
    others = graph.add("Sub", graph.constant(own), twice)
    comparing_shapes = graph.constant(np.arange(TOGETHER) < SHAPES)
    squares = graph.add("Where", comparing_shapes, shapes, others)
    root = graph.add("Sqrt", graph.cast(graph.add("Max", squares, graph.number(0.0)), np.float64))
    return graph.cast(root, np.float32)
