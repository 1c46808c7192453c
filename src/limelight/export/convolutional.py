"""Convolutional encoders as nodes of a graph: ``conv_lstm`` and ``inception``."""

from __future__ import annotations

from typing import Any

import numpy as np

from limelight.export.graph import Graph
from limelight.export.translations import Steps, register_translation, translate
from limelight.nn.convolutional import ConvLSTMEncoder, StridedConvolution
from limelight.nn.inception import InceptionEncoder, ParallelKernels, ResidualBlock
from limelight.nn.normalisation import EPSILON, MaskedBatchNorm


@register_translation(ConvLSTMEncoder)
def write_conv_lstm(graph: Graph, encoder: ConvLSTMEncoder, steps: Steps) -> Steps:
    """Write strided convolutions followed by an LSTM."""
    shorter: Steps = translate(graph, encoder.convolution, steps)
    states: Steps = translate(graph, encoder.recurrence, shorter)
    return states


@register_translation(StridedConvolution)
def write_strided_convolution(graph: Graph, module: StridedConvolution, steps: Steps) -> Steps:
    """Write convolutions of which the first has a stride."""
    count, mask, lengths = _every(graph, steps, module.stride)
    keep = graph.unsqueeze(graph.cast(mask, np.float32), 1)
    values = graph.transpose(steps.values, 0, 2, 1)
    before = (module.kernel_size - module.stride) // 2
    features = _strided(graph, module.first, values, module.stride, before, count)
    features = graph.add("Mul", graph.add("Relu", features), keep)
    for convolution in module.rest:
        features = graph.add("Mul", graph.add("Relu", _same(graph, convolution, features)), keep)
    return Steps(graph.transpose(features, 0, 2, 1), mask, lengths)


@register_translation(InceptionEncoder)
def write_inception(graph: Graph, encoder: InceptionEncoder, steps: Steps) -> Steps:
    """Write parallel kernels on values and differences, then residual blocks."""
    count, mask, lengths = _every(graph, steps, encoder.stride)
    real = graph.unsqueeze(graph.cast(steps.mask, np.float32), 1)
    keep = graph.unsqueeze(graph.cast(mask, np.float32), 1)
    inputs = graph.add("Mul", graph.transpose(steps.values, 0, 2, 1), real)
    earlier = graph.concat([graph.slice(inputs, 2, 0, 1), graph.slice(inputs, 2, 0, -1)], 2)
    differences = translate(graph, encoder.scale_differences, graph.add("Sub", inputs, earlier), real)
    features = translate(graph, encoder.first, graph.concat([inputs, differences], 1), count)
    features = graph.add("Relu", translate(graph, encoder.normalise, features, keep))
    for block in encoder.blocks:
        features = translate(graph, block, features, keep)
    return Steps(graph.transpose(features, 0, 2, 1), mask, lengths)


@register_translation(ParallelKernels)
def write_parallel_kernels(graph: Graph, module: ParallelKernels, values: str, count: str) -> str:
    """Write kernels of several sizes side by side, shape (batch, filters, steps)."""
    outputs = [
        _strided(graph, kernel, values, module.stride, (size - module.stride) // 2, count)
        for kernel, size in zip(module.kernels, module.sizes, strict=True)
    ]
    return graph.concat(outputs, 1)


@register_translation(ResidualBlock)
def write_residual_block(graph: Graph, block: ResidualBlock, features: str, keep: str) -> str:
    """Write two dilated convolutions added to their input."""
    inner = translate(graph, block.normalise_first, _same(graph, block.first, features), keep)
    outer = translate(graph, block.normalise_second, _same(graph, block.second, graph.add("Relu", inner)), keep)
    return graph.add("Relu", graph.add("Add", features, outer))


@register_translation(MaskedBatchNorm)
def write_batch_norm(graph: Graph, module: MaskedBatchNorm, features: str, keep: str) -> str:
    """Write normalisation by the running statistics, 0 for padding, shape (batch, features, steps)."""
    factor = (module.variance + EPSILON).rsqrt()
    factor = factor if module.scale is None else factor * module.scale
    shift = -module.mean * factor if module.shift is None else module.shift - module.mean * factor
    scaled = graph.add("Mul", features, graph.constant(factor[:, None]))
    return graph.add("Mul", graph.add("Add", scaled, graph.constant(shift[:, None])), keep)


def _every(graph: Graph, steps: Steps, stride: int) -> tuple[str, str, str]:
    """Write the number of strided steps, their mask and their number for each series."""
    if stride == 1:
        return graph.size(steps.values, 1), steps.mask, steps.lengths
    count = graph.add(
        "Div", graph.add("Add", graph.size(steps.values, 1), graph.integers(stride - 1)), graph.integers(stride)
    )
    lengths = graph.add("Div", graph.add("Add", steps.lengths, graph.integer(stride - 1)), graph.integer(stride))
    mask = graph.add("Less", graph.unsqueeze(graph.arange(count), 0), graph.unsqueeze(lengths, 1))
    return count, mask, lengths


def _strided(graph: Graph, convolution: Any, values: str, stride: int, before: int, count: str) -> str:
    """Write a convolution with a stride; behind the end enough zeros are added for any number of steps."""
    size = convolution.kernel_size[0]
    wide = _convolved(graph, convolution, values, strides=[stride], pads=[before, size])
    return graph.slice(wide, 2, 0, count)


def _same(graph: Graph, convolution: Any, values: str) -> str:
    """Write a convolution whose output is as long as its input."""
    dilation, size = convolution.dilation[0], convolution.kernel_size[0]
    total = dilation * (size - 1)
    pads = [total // 2, total - total // 2]
    return _convolved(graph, convolution, values, dilations=[dilation], pads=pads)


def _convolved(graph: Graph, convolution: Any, values: str, **words: Any) -> str:
    weights = [graph.constant(one) for one in (convolution.weight, convolution.bias) if one is not None]
    return graph.add("Conv", values, *weights, kernel_shape=[convolution.kernel_size[0]], **words)
