"""Evidence of fixed features as nodes of a graph: what each step adds to each logit under a linear head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from limelight.export.context import write_for_products
from limelight.export.graph import Graph
from limelight.export.hydra import places_of_contests, write_contest, write_count
from limelight.export.quantiles import SortedLevel, write_levels, write_means, write_ranks
from limelight.export.rocket import write_above, write_convolutions, write_differences
from limelight.export.shapelets import write_best_stretches
from limelight.export.translations import Steps
from limelight.model.evidence_profile import PER_OCTAVE, EvidenceProfile
from limelight.model.fitted import FittedModel
from limelight.nn.blocks import BlocksEncoder, DifferencesOf
from limelight.nn.fixed_features import TAPS
from limelight.nn.fusion import Products
from limelight.nn.hydra import RIVALS, HydraBlock
from limelight.nn.network import Network
from limelight.nn.quantiles import QuantileBlock
from limelight.nn.rocket import KERNELS, RocketEncoder
from limelight.nn.shapelets import ShapeletBlock

_END = int(np.iinfo(np.int64).max)


class Linear(NamedTuple):
    """What a linear head reads and how, as names in a graph.

    Parameters
    ----------
    features
        Float32, shape (batch, width).
    weights
        Float64, shape (1 or batch, outputs, width); of each series if metadata change them.
    typical
        Mean features of the training series, float64, shape (width, 1).
    outputs
        Number of outputs.
    """

    features: str
    weights: str
    typical: str
    outputs: int

    def part(self, graph: Graph, span: slice) -> Linear:
        """Select some of the features."""
        features, weights, typical = (
            graph.slice(value, axis, span.start, span.stop)
            for value, axis in ((self.features, 1), (self.weights, 2), (self.typical, 0))
        )
        return Linear(features, weights, typical, self.outputs)

    def usual(self, graph: Graph) -> str:
        """Write what typical features add, shape (1 or batch, outputs, 1)."""
        return graph.add("MatMul", self.weights, self.typical)


def write_evidence_of_features(
    graph: Graph, model: FittedModel, steps: Steps, features: str, context: str | None
) -> tuple[str, str]:
    """Write what each step adds to the logits of a model on fixed features, before calibration.

    Parameters
    ----------
    graph
        The graph, to which nodes are added.
    model
        Whose encoder has fixed features.
    steps
        What the encoder reads.
    features
        Its features, shape (batch, width).
    context
        The encoded metadata, shape (batch, width), or None.

    Returns
    -------
    tuple[str, str]
        As ``explain_evidence``, float64: relative to the same position of an average training series, 0 for padding,
        shape (batch, outputs, time); and the logits of an average series with the metadata of each series, shape
        (batch, outputs). Both sum to the logits.
    """
    network = model.network
    encoder, outputs = network.encoder, model.task.outputs
    head = graph.transpose(_head_weights(graph, network), 1, 0)
    own = graph.unsqueeze(_rounded(graph, graph.slice(head, 1, 0, encoder.width)), 0)
    typical = graph.unsqueeze(graph.cast(graph.constant(encoder.typical.float()), np.float64), 1)
    base = graph.add("Add", Linear(features, own, typical, outputs).usual(graph), _bias(graph, network))
    base = graph.squeeze(base, 2)
    weights = own
    if context is not None and network.context is not None:
        width = network.context.width
        of_context = graph.slice(head, 1, encoder.width, encoder.width + width)
        metadata = graph.cast(context, np.float64)
        base = graph.add("Add", base, graph.add("MatMul", metadata, graph.transpose(of_context, 1, 0)))
        if network.products is not None:
            of_products = graph.slice(head, 1, encoder.width + width, _END)
            multiplied = graph.cast(write_for_products(graph, network.context, context), np.float64)
            added = _under_metadata(graph, network.products, of_products, multiplied, outputs)
            weights = graph.add("Add", own, _rounded(graph, added))
    else:
        batch = graph.size(steps.lengths, 0)
        base = graph.add("Expand", base, graph.concat([batch, graph.integers(outputs)], 0))
    parts = write_contributions(graph, encoder, steps, Linear(features, weights, typical, outputs))
    if model.profile is not None:
        usual = write_baseline(graph, model.profile, network.input_width, steps)
        parts = graph.add("Sub", parts, graph.transpose(usual, 1, 0, 2))
    return graph.add("Where", graph.unsqueeze(steps.mask, 1), parts, graph.double(0.0)), base


def _head_weights(graph: Graph, network: Network) -> str:
    """Write the weights of the head as it applies them, float64, shape (inputs, outputs)."""
    return graph.constant(network.head.weight.detach().double().T)


def _bias(graph: Graph, network: Network) -> str:
    return graph.unsqueeze(graph.constant(network.head.bias.detach().double()), 1)


def _rounded(graph: Graph, weights: str) -> str:
    """Round weights to float32, as ``explain_evidence`` does."""
    return graph.cast(graph.cast(weights, np.float32), np.float64)


def _under_metadata(graph: Graph, products: Products, weights: str, metadata: str, outputs: int) -> str:
    """Write what products with the metadata add to the weights of the features, shape (batch, outputs, width)."""
    width, components = products.directions.shape[0], products.directions.shape[1]
    relative = graph.add("Sub", metadata, graph.constant(products.typical.double()))
    by_field = graph.reshape(weights, outputs * components, -1)
    by_component = graph.add("MatMul", relative, graph.transpose(by_field, 1, 0))
    directions = graph.transpose(graph.cast(graph.constant(products.directions), np.float64), 1, 0)
    flat = graph.add("MatMul", graph.reshape(by_component, -1, components), directions)
    return graph.reshape(flat, -1, outputs, width)


def write_contributions(graph: Graph, module: nn.Module, steps: Steps, head: Linear) -> str:
    """Write what each step adds to each output, relative to typical features.

    Parameters
    ----------
    graph
        The graph, to which nodes are added.
    module
        An encoder or block of fixed features.
    steps
        What it reads.
    head
        Of the features of this module.

    Returns
    -------
    str
        Float64, shape (batch, outputs, time), 0 for padding; as ``contributions`` of the module, summed over channels.
    """
    return _WRITERS[type(module)](graph, module, steps, head)


def write_baseline(graph: Graph, profile: EvidenceProfile, inputs: int, steps: Steps) -> str:
    """Write the contribution of each position of an average series, shape (outputs, batch, time).

    Parameters
    ----------
    graph
        The graph, to which nodes are added.
    profile
        Of the logits before calibration.
    inputs
        How many inputs of the encoder share it.
    steps
        For the lengths.

    Returns
    -------
    str
        As ``EvidenceProfile.baseline``, summed over the inputs; not defined beyond the end of a series.
    """
    means = profile.means.sum(axis=1) * (inputs / profile.means.shape[1])
    bins = means.shape[2]
    places, lengths = _places(graph, steps), graph.unsqueeze(steps.lengths, 1)
    one = graph.integer(1)
    to_end = graph.add("Sub", graph.add("Sub", lengths, one), places)
    distance = graph.add("Max", graph.add("Min", places, to_end), graph.integer(0))
    octaves = graph.add("Log", graph.cast(graph.add("Add", distance, one), np.float64))
    scaled = graph.add("Mul", octaves, graph.double(PER_OCTAVE / np.log(2)))
    place = graph.cast(graph.add("Floor", graph.add("Add", scaled, graph.double(1e-9))), np.int64)
    doubled = graph.add("Mul", places, graph.integer(2))
    half = graph.cast(graph.add("GreaterOrEqual", doubled, graph.add("Add", lengths, one)), np.int64)
    index = graph.add(
        "Add", graph.add("Mul", half, graph.integer(bins)), graph.add("Min", place, graph.integer(bins - 1))
    )
    shares = graph.add("Gather", graph.double(means.reshape(len(means), -1)), index, axis=1)
    real = graph.cast(graph.unsqueeze(steps.mask, 0), np.float64)
    count = graph.unsqueeze(graph.cast(lengths, np.float64), 0)
    total = graph.sum(graph.add("Mul", shares, real), 2, keepdims=True)
    return graph.add("Div", graph.add("Sub", shares, graph.add("Div", total, count)), count)


def _blocks(graph: Graph, encoder: BlocksEncoder, steps: Steps, head: Linear) -> str:
    """Sum what the blocks add."""
    parts = [
        write_contributions(graph, block, steps, head.part(graph, span))
        for span, block in zip(encoder.spans.values(), encoder.blocks.values(), strict=True)
    ]
    return graph.add("Sum", *parts)


def _rocket(graph: Graph, encoder: RocketEncoder, steps: Steps, head: Linear) -> str:
    """Share the weights of the features that count a step among the steps under the taps of their kernels."""
    parts, time = [], graph.size(steps.values, 1)
    for number, one in enumerate(encoder.plan):
        outputs, totals = write_convolutions(graph, encoder, number, steps)
        share = graph.add("Div", graph.double(1.0), graph.cast(totals, np.float64))
        weights = graph.slice(head.weights, 2, one.features.start, one.features.stop)
        by_rank = graph.reshape(weights, 0, head.outputs, KERNELS, one.thresholds)
        added = [
            graph.add(
                "MatMul",
                graph.add("Gather", by_rank, graph.integer(rank), axis=3),
                graph.add("Where", above, share, graph.double(0.0)),
            )
            for rank, above in enumerate(write_above(graph, encoder, number, outputs))
        ]
        parts.append(_over_taps(graph, graph.add("Sum", *added), one.step, one.stride, time, steps.lengths))
    return _less_typical(graph, graph.add("Sum", *parts), steps, head)


def _differences_of(graph: Graph, module: DifferencesOf, steps: Steps, head: Linear) -> str:
    """Share what each difference adds between its two steps; the first one, which is 0, belongs to the first step."""
    parts = write_contributions(graph, module.block, write_differences(graph, steps), head)
    halves = graph.add("Mul", parts, graph.double(0.5))
    first = graph.add("Equal", _places(graph, steps), graph.integer(0))
    again = graph.add("Where", first, halves, graph.double(0.0))
    return graph.add("Sum", halves, again, _moved(graph, halves, -1))


def _hydra(graph: Graph, block: HydraBlock, steps: Steps, head: Linear) -> str:
    """Share what winners and losers add among the steps under their taps, and differences between their two steps."""
    width, time = block.groups * 2 * RIVALS, graph.size(steps.values, 1)
    read: tuple[list[str], list[str]] = ([], [])
    for number, place in enumerate(places_of_contests(block)):
        contest = write_contest(graph, block, place, steps)
        weights = graph.slice(head.weights, 2, number * width, (number + 1) * width)
        by_kind = graph.reshape(weights, 0, head.outputs, block.groups, 2, RIVALS)
        added = []
        for kind, outcome in enumerate(contest):
            own = graph.add("Gather", by_kind, graph.integer(kind), axis=3)
            flat = graph.reshape(graph.cast(outcome, np.float64), 0, block.groups * RIVALS, -1)
            added.append(graph.add("MatMul", graph.reshape(own, 0, head.outputs, block.groups * RIVALS), flat))
        ends = graph.add("Sub", steps.lengths, graph.integer(place[0]))
        count = graph.unsqueeze(write_count(graph, block, place, steps), 2)
        means = graph.add("Div", graph.add("Sum", *added), count)
        dilation, stride = block.dilations[place[1]], block.strides[place[1]]
        read[place[0]].append(_over_taps(graph, means, dilation, stride, time, ends))
    shared = _between_steps(graph, graph.add("Sum", *read[1]))
    return _less_typical(graph, graph.add("Sum", *read[0], shared), steps, head)


def _shapelets(graph: Graph, block: ShapeletBlock, steps: Steps, head: Linear) -> str:
    """Share each distance, relative to the typical one, among the steps of the stretch that matches best."""
    features = graph.transpose(graph.unsqueeze(graph.cast(head.features, np.float64), 2), 0, 2, 1)
    differences = graph.add("Sub", features, graph.transpose(head.typical, 1, 0))
    shares = graph.add("Mul", head.weights, graph.add("Div", differences, graph.double(block.steps)))
    stretches = write_best_stretches(graph, block, steps)
    batch, outputs = graph.size(stretches, 0), graph.integers(head.outputs)
    shape = graph.concat([batch, graph.integers(block.width, block.steps), outputs], 0)
    amounts, places = (
        graph.add("Reshape", graph.add("Expand", one, shape), graph.concat([graph.integers(0, -1), outputs], 0))
        for one in (graph.unsqueeze(graph.transpose(shares, 0, 2, 1), 2), graph.unsqueeze(stretches, 3))
    )
    return _scattered(graph, amounts, places, steps)


def _scattered(graph: Graph, amounts: str, places: str, steps: Steps) -> str:
    """Add amounts to steps, both of shape (batch, numbers, outputs), to the shape (batch, outputs, time)."""
    shape = graph.concat([graph.size(steps.values, 0), graph.size(steps.values, 1), graph.size(amounts, 2)], 0)
    empty = graph.add("Expand", graph.double(0.0), shape)
    return graph.transpose(graph.add("ScatterElements", empty, places, amounts, axis=1, reduction="add"), 0, 2, 1)


def _quantiles(graph: Graph, block: QuantileBlock, steps: Steps, head: Linear) -> str:
    """Trace quantiles back to the steps that they interpolate; what belongs to none is shared equally."""
    features = graph.unsqueeze(graph.cast(head.features, np.float64), 2)
    everything = graph.add("MatMul", head.weights, graph.add("Sub", features, head.typical))
    lengths = graph.unsqueeze(graph.cast(steps.lengths, np.float64), 1, 2)
    real = graph.unsqueeze(steps.mask, 1)
    if block.reading == "spectrum":
        return graph.add("Where", real, graph.add("Div", everything, lengths), graph.double(0.0))
    by_step = _traced(graph, block, steps, head)
    if block.reading == "differences":
        by_step = _between_steps(graph, by_step)
    by_step = graph.add("Where", real, by_step, graph.double(0.0))
    rest = graph.add("Sub", everything, graph.sum(by_step, 2, keepdims=True))
    return graph.add("Where", real, graph.add("Add", by_step, graph.add("Div", rest, lengths)), graph.double(0.0))


def _traced(graph: Graph, block: QuantileBlock, steps: Steps, head: Linear) -> str:
    """Add what each number that is read adds, in every interval, to its step, shape (batch, outputs, time)."""
    levels = write_levels(graph, block, steps)
    found = [_amounts(graph, block, level, head) for level in levels]
    amounts, places = (graph.concat(list(values), 1) for values in zip(*found, strict=True))
    shape = graph.concat([graph.size(places, 0), graph.size(places, 1), graph.integers(head.outputs)], 0)
    return _scattered(graph, amounts, graph.add("Expand", graph.unsqueeze(places, 2), shape), steps)


def _amounts(graph: Graph, block: QuantileBlock, level: SortedLevel, head: Linear) -> tuple[str, str]:
    """Write what each sorted number adds, shape (batch, numbers, outputs), and its step, shape (batch, numbers)."""
    quantiles, channels = level.intervals[0].quantiles, block.channels
    count = len(level.intervals)
    span = slice(level.intervals[0].first * channels, (level.intervals[-1].first + quantiles) * channels)
    own = head.part(graph, span)
    shape = (0, head.outputs, count, quantiles, channels)
    weights = graph.transpose(graph.reshape(own.weights, *shape), 0, 2, 4, 3, 1)  # (1, i, channels, quantiles, outputs)
    usual = graph.reshape(own.typical, 1, count, quantiles, channels)
    usual = graph.unsqueeze(graph.transpose(usual, 0, 1, 3, 2), 4)
    at_ranks = _coefficients(graph, level, quantiles)  # (batch, i, 1, widest, quantiles)
    relative = graph.add("Mul", at_ranks, graph.double(np.arange(quantiles) % 2))
    factors = graph.add("MatMul", at_ranks, weights)  # (batch, i, channels, widest, outputs)
    typical_level = graph.add("MatMul", at_ranks, graph.add("Mul", weights, usual))
    means = graph.unsqueeze(graph.transpose(write_means(graph, level), 0, 1, 3, 2), 4)
    levels = graph.add("Add", typical_level, graph.add("Mul", graph.add("MatMul", relative, weights), means))
    numbers = graph.add("Where", level.inside, level.ordered, graph.double(0.0))
    numbers = graph.unsqueeze(graph.transpose(numbers, 0, 1, 3, 2), 4)
    amounts = graph.add("Sub", graph.add("Mul", factors, numbers), levels)
    steps = graph.add("Add", level.order, graph.unsqueeze(level.start, 2, 3))
    steps = graph.add("Where", level.inside, steps, graph.integer(0))
    flat = graph.concat([graph.integers(0, -1), graph.integers(head.outputs)], 0)
    return graph.add("Reshape", amounts, flat), graph.reshape(graph.transpose(steps, 0, 1, 3, 2), 0, -1)


def _coefficients(graph: Graph, level: SortedLevel, quantiles: int) -> str:
    """Write the share of each sorted number in each quantile, 0 beyond the last number, with an axis for channels."""
    below, above, share = (graph.unsqueeze(one, 2) for one in write_ranks(graph, level.size, quantiles))
    ranks = graph.unsqueeze(graph.arange(graph.size(level.ordered, 2)), 0, 1, 3)
    low = graph.add(
        "Where", graph.add("Equal", ranks, below), graph.add("Sub", graph.double(1.0), share), graph.double(0.0)
    )
    high = graph.add("Where", graph.add("Equal", ranks, above), share, graph.double(0.0))
    return graph.unsqueeze(graph.add("Add", low, high), 2)


def _over_taps(graph: Graph, added: str, dilation: int, stride: int, time: str, lengths: str) -> str:
    """Share what kernels add at their positions among the steps under their taps, as ``spread_over_taps``."""
    reach, ends = TAPS // 2, graph.unsqueeze(lengths, 1, 2)
    positions = graph.unsqueeze(graph.arange(graph.size(added, 2)), 0, 1)
    centres = graph.add("Mul", positions, graph.integer(stride))
    most, distance = graph.integer(reach), graph.integer(dilation)
    before = graph.add("Min", graph.add("Div", centres, distance), most)
    to_end = graph.add("Sub", graph.add("Sub", ends, graph.integer(1)), centres)
    behind = graph.add("Clip", graph.add("Div", to_end, distance), graph.integer(0), most)
    taps = graph.add("Add", graph.add("Add", before, behind), graph.integer(1))
    shares = graph.add("Div", added, graph.cast(taps, np.float64))
    if stride > 1:  # zeros between the positions
        apart = graph.integers(0, 0, 0, 0, 0, 0, 0, stride - 1)
        shares = graph.reshape(graph.add("Pad", graph.unsqueeze(shares, 3), apart, graph.double(0.0)), 0, 0, -1)
        shares = graph.slice(shares, 2, 0, time)
    margin = reach * dilation
    padded = graph.add("Pad", shares, graph.integers(0, 0, margin, 0, 0, margin), graph.double(0.0))
    moved = [
        graph.slice(padded, 2, tap * dilation, (tap - 2 * reach) * dilation if tap < 2 * reach else _END)
        for tap in range(TAPS)
    ]
    steps = graph.unsqueeze(graph.arange(time), 0, 1)
    return graph.add("Where", graph.add("Less", steps, ends), graph.add("Sum", *moved), graph.double(0.0))


def _between_steps(graph: Graph, parts: str) -> str:
    """Share what each difference adds equally between its step and the next."""
    halves = graph.add("Mul", parts, graph.double(0.5))
    return graph.add("Add", halves, _moved(graph, halves, 1))


def _moved(graph: Graph, values: str, steps: int) -> str:
    """Move values along the last axis of three by one step, forward or back, with 0 for the one that is lacking."""
    if steps > 0:
        padded = graph.add("Pad", values, graph.integers(0, 0, 1, 0, 0, 0), graph.double(0.0))
        return graph.slice(padded, 2, 0, -1)
    padded = graph.add("Pad", values, graph.integers(0, 0, 0, 0, 0, 1), graph.double(0.0))
    return graph.slice(padded, 2, 1, _END)


def _less_typical(graph: Graph, parts: str, steps: Steps, head: Linear) -> str:
    """Subtract what typical features add, in equal shares, from all real steps."""
    lengths = graph.unsqueeze(graph.cast(steps.lengths, np.float64), 1, 2)
    relative = graph.add("Sub", parts, graph.add("Div", head.usual(graph), lengths))
    return graph.add("Where", graph.unsqueeze(steps.mask, 1), relative, graph.double(0.0))


def _places(graph: Graph, steps: Steps) -> str:
    """Write the number of each step, shape (1, time)."""
    return graph.unsqueeze(graph.arange(graph.size(steps.values, 1)), 0)


_WRITERS: dict[type[nn.Module], Callable[[Graph, Any, Steps, Linear], str]] = {
    BlocksEncoder: _blocks,
    RocketEncoder: _rocket,
    DifferencesOf: _differences_of,
    HydraBlock: _hydra,
    ShapeletBlock: _shapelets,
    QuantileBlock: _quantiles,
}
