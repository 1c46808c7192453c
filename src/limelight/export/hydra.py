"""Hydra as nodes of a graph."""

from __future__ import annotations

import numpy as np

from limelight.export.graph import Graph
from limelight.export.rocket import write_on_grid, write_positions
from limelight.export.translations import Steps, register_translation
from limelight.nn.fixed_features import TAPS
from limelight.nn.hydra import RIVALS, WEIGHT_BITS, HydraBlock


@register_translation(HydraBlock)
def write_hydra(graph: Graph, block: HydraBlock, steps: Steps) -> str:
    """Write the mean outputs of winners and the shares of losers, shape (batch, width)."""
    values = write_on_grid(graph, steps, block.bits)
    later = graph.concat([graph.slice(values, 2, 1, _END), graph.slice(values, 2, -1, _END)], 2)
    read = [values, graph.add("Sub", later, values)]
    places = graph.unsqueeze(graph.arange(graph.size(values, 2)), 0)
    lengths = graph.unsqueeze(steps.lengths, 1)
    positions = [graph.cast(write_positions(graph, lengths, stride), np.float64) for stride in block.strides]
    parts = []
    for reading, given in enumerate(read):
        last = graph.add("Sub", steps.lengths, graph.integer(reading))
        real = graph.unsqueeze(graph.add("Less", places, graph.unsqueeze(last, 1)), 1)
        masked = graph.add("Where", real, given, graph.number(0.0))
        for number, count in enumerate(positions):
            parts.append(graph.add("Div", _contest(graph, block, (reading, number), masked, real), count))
    return graph.cast(graph.concat(parts, 1), np.float32)


_END = int(np.iinfo(np.int64).max)


def _contest(graph: Graph, block: HydraBlock, place: tuple[int, int], values: str, real: str) -> str:
    """Write the sums of one reading and dilation: groups, then winners and losers, then kernels."""
    kernels = block.kernels[place].numpy().astype(np.float32) / 2**WEIGHT_BITS
    groups, dilation, stride = block.groups, block.dilations[place[1]], block.strides[place[1]]
    reads = block.reads[place].numpy()
    several = reads.shape[1] > 1
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
    won = graph.sum(graph.cast(graph.add("Where", wins, outputs, graph.number(0.0)), np.float64), 3)
    lost = graph.sum(graph.cast(loses, np.float64), 3)
    both = graph.concat([graph.unsqueeze(won, 2), graph.unsqueeze(lost, 2)], 2)
    return graph.reshape(both, 0, groups * 2 * RIVALS)
