"""MiniRocket and blocks of fixed features as nodes of a graph."""

from __future__ import annotations

import numpy as np

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation, translate
from limelight.nn.blocks import BlocksEncoder, DifferencesOf
from limelight.nn.fixed_features import TAPS
from limelight.nn.rocket import KERNELS, Dilation, RocketEncoder
from limelight.nn.rocket_counts import NEVER

LOWEST_EXPONENT, HIGHEST_EXPONENT = -90, 128
"""Of the largest value of a series, as ``on_grid`` limits it and float32 does."""


@register_translation(BlocksEncoder)
def write_blocks(graph: Graph, encoder: BlocksEncoder, steps: Steps) -> str:
    """Write the features of every block side by side, shape (batch, width)."""
    return graph.concat([translate(graph, block, steps) for block in encoder.blocks.values()], 1)


@register_translation(DifferencesOf)
def write_differences_of(graph: Graph, module: DifferencesOf, steps: Steps) -> str:
    """Write the features of the differences between steps."""
    features: str = translate(graph, module.block, write_differences(graph, steps))
    return features


def write_differences(graph: Graph, steps: Steps) -> Steps:
    """Write the differences between steps, of which the first is 0."""
    values = steps.values
    earlier = graph.concat([graph.slice(values, 1, 0, 1), graph.slice(values, 1, 0, -1)], 1)
    return steps._replace(values=graph.add("Sub", values, earlier))


def write_on_grid(graph: Graph, steps: Steps, bits: int) -> str:
    """Write values rounded to the grid of their series, padding 0, shape (batch, channels, time)."""
    real = graph.add("Where", graph.unsqueeze(steps.mask, 2), steps.values, graph.number(0.0))
    values = graph.transpose(real, 0, 2, 1)
    largest = graph.add("ReduceMax", graph.add("Abs", values), axes=[1, 2], keepdims=1)
    # the exponent of the largest value is the number of powers of two that are not above it
    exponents = np.arange(LOWEST_EXPONENT, HIGHEST_EXPONENT + 1)
    powers = graph.constant(np.ldexp(1.0, exponents[:-1])[None, None].astype(np.float32))
    reached = graph.cast(graph.add("GreaterOrEqual", largest, powers), np.int64)
    grids = graph.constant(np.ldexp(1.0, exponents - bits).astype(np.float32))
    grid = graph.add("Gather", grids, graph.sum(reached, 2, keepdims=True), axis=0)
    return graph.add("Mul", graph.add("Round", graph.add("Div", values, grid)), grid)


@register_translation(RocketEncoder)
def write_rocket(graph: Graph, encoder: RocketEncoder, steps: Steps) -> str:
    """Write the shares of time in which convolutions are above thresholds, shape (batch, width)."""
    return graph.concat([_dilation(graph, encoder, number, steps) for number in range(len(encoder.plan))], 1)


def write_positions(graph: Graph, lengths: str, stride: int) -> str:
    """Write the number of positions in series of some lengths, as ``positions_of``."""
    if stride == 1:
        return lengths
    return graph.add("Div", graph.add("Add", lengths, graph.integer(stride - 1)), graph.integer(stride))


def _dilation(graph: Graph, encoder: RocketEncoder, number: int, steps: Steps) -> str:
    """Write the features of one dilation, shape (batch, kernels * thresholds)."""
    outputs, totals = write_convolutions(graph, encoder, number, steps)
    # one comparison at a time: memory is that of one convolution
    counts = [
        graph.sum(graph.cast(above, np.float32), 2, keepdims=True)
        for above in write_above(graph, encoder, number, outputs)
    ]
    shares = graph.add("Div", graph.concat(counts, 2), totals)
    return graph.reshape(shares, 0, KERNELS * encoder.plan[number].thresholds)


def write_convolutions(graph: Graph, encoder: RocketEncoder, number: int, steps: Steps) -> tuple[str, str]:
    """Write the outputs of the kernels of one dilation, shape (batch, kernels, positions), and how many count.

    Outputs at positions that do not count are below every threshold; the numbers have shape (batch, kernels, 1).
    """
    one: Dilation = encoder.plan[number]
    values = write_on_grid(graph, steps, encoder.bits)
    lengths = graph.unsqueeze(steps.lengths, 1, 2)
    weights = encoder.taps.numpy()[:, None, :] * encoder.reads[number].numpy()[:, :, None]
    outputs = graph.add(
        "Conv",
        values,
        graph.constant(weights.astype(np.float32)),
        dilations=[one.step],
        pads=[one.reach, one.reach],
        strides=[one.stride],
        kernel_shape=[TAPS],
    )
    within_only = ((np.arange(KERNELS) + number) % 2).astype(np.bool_)[None, :, None]
    places = graph.unsqueeze(graph.arange(graph.size(outputs, 2)), 0, 1)
    every = write_positions(graph, lengths, one.stride)
    shorter = graph.add("Max", graph.add("Sub", lengths, graph.integer(one.reach)), graph.integer(0))
    first = graph.integer(-(-one.reach // one.stride))
    stop = write_positions(graph, shorter, one.stride)
    fits = graph.add("Greater", stop, first)
    first = graph.add("Where", fits, first, graph.integer(0))
    stop = graph.add("Where", fits, stop, every)
    inside = graph.add("Less", places, every)
    within = graph.add("And", graph.add("GreaterOrEqual", places, first), graph.add("Less", places, stop))
    counted = graph.add("And", inside, graph.add("Or", graph.constant(~within_only), within))
    totals = graph.add("Where", graph.constant(within_only), graph.add("Sub", stop, first), every)
    return graph.add("Where", counted, outputs, graph.number(NEVER)), graph.cast(totals, np.float32)


def write_above(graph: Graph, encoder: RocketEncoder, number: int, outputs: str) -> list[str]:
    """Write whether outputs are above each threshold of their kernel, shape (batch, kernels, positions) each."""
    thresholds = encoder.thresholds[encoder.plan[number].features].numpy().reshape(KERNELS, -1)
    return [graph.add("Greater", outputs, graph.constant(rank[None, :, None])) for rank in thresholds.T]
