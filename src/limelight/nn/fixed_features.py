"""What blocks of fixed convolutions share: the grid of values, channels of kernels, and evidence spread over taps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from limelight.nn.masking import lengths_of

TAPS = 9
"""Weights of a kernel."""
SUMMED_CHANNELS = 8
"""Most channels whose sum a group of competing kernels or of shapelets reads."""
POSITIONS = 8_192
"""A series of twice as many steps is evaluated at every second step, and so on, so that time grows no further."""
PER_DILATION = 2
"""Least positions per dilation: a short pattern is read as often as its kernels are long."""
SHORT_STEPS = 500
"""Up to so many steps, the calls that prepare a single series take longer than what they compute."""


def stride_of(length: int, dilation: int) -> int:
    """Return the distance between the positions at which kernels are evaluated: 1 below 16,384 steps.

    Kernels with a small dilation are evaluated at every step, since short patterns would be missed otherwise.

    Parameters
    ----------
    length
        Number of steps of a typical long series, at least 1.
    dilation
        Distance between the taps of the kernel, in steps.

    Example
    -------
    >>> [stride_of(100_000, dilation) for dilation in (1, 4, 16, 64)], stride_of(16_000, 64)
    ([1, 2, 8, 12], 1)
    """
    return max(1, min(length // POSITIONS, dilation // PER_DILATION))


def is_short_single(values: Float[Tensor, "batch time channels"], strides: Iterable[int]) -> bool:
    """Whether values are those of one short series on a CPU, whose kernels NumPy evaluates at every step at once.

    Example
    -------
    >>> is_short_single(torch.zeros(1, 100, 2), [1, 1]), is_short_single(torch.zeros(2, 100, 2), [1, 1])
    (True, False)
    """
    return len(values) == 1 and values.shape[1] <= SHORT_STEPS and fits_numpy(values, strides)


def fits_numpy(values: Float[Tensor, "batch time channels"], strides: Iterable[int]) -> bool:
    """Whether values are on a CPU, in single precision, and read at every step."""
    return values.device.type == "cpu" and values.dtype == torch.float32 and set(strides) == {1}


def positions_of(lengths: Tensor, stride: int | Tensor) -> Tensor:
    """Return the number of positions 0, stride, 2 · stride ... within series of some lengths; axes are broadcast.

    Example
    -------
    >>> positions_of(torch.tensor([1, 12, 13]), 12).tolist()
    [1, 1, 2]
    """
    return torch.div(lengths + (stride - 1), stride, rounding_mode="floor")


def on_grid(
    values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], bits: int
) -> Float[Tensor, "batch channels time"]:
    """Round values to the grid of their series, with padding 0 and time last.

    Parameters
    ----------
    values, mask
        Values without NaN, shape (batch, time, channels), and their real steps, shape (batch, time).
    bits
        The largest absolute value of a series is below 2 to this power, in steps of its grid.

    Returns
    -------
    Tensor
        Shape (batch, channels, time).

    Example
    -------
    >>> on_grid(torch.tensor([[[0.7], [0.2]]]), torch.tensor([[True, False]]), 2).tolist()
    [[[0.75, 0.0]]]
    """
    real = values.masked_fill(~mask[:, :, None], 0)
    exponents = torch.frexp(real.abs().amax(dim=(1, 2))).exponent.clamp(min=-90)
    step = torch.ldexp(torch.ones_like(real[:, 0, 0]), exponents - bits)[:, None, None]
    return (torch.round(real / step) * step).transpose(1, 2).contiguous()


def powers_of_two(length: int, steps: int) -> list[int]:
    """Return the dilations 1, 2, 4 ... at which a kernel or shapelet of some steps spans at most a length.

    Parameters
    ----------
    length
        Number of steps of a typical long series, at least 1.
    steps
        Of the kernel or shapelet, at least 2.

    Returns
    -------
    list[int]
        At least the dilation 1, in rising order.

    Example
    -------
    >>> powers_of_two(100, 9), powers_of_two(5, 9)
    ([1, 2, 4, 8], [1])
    """
    highest = int(np.log2(max(length - 1, steps - 1) / (steps - 1)))
    return [1 << power for power in range(highest + 1)]


def draw_channels(
    shape: tuple[int, ...], channels: int, most: int, generator: torch.Generator
) -> Bool[Tensor, "*shape channels"]:
    """Draw the channels that each kernel reads: 1 to ``most`` of them; small numbers are more likely.

    Parameters
    ----------
    shape
        Of the kernels.
    channels
        Number of channels, at least 1.
    most
        Maximum number of channels of a kernel, at least 1.
    generator
        Random generator on the CPU.

    Returns
    -------
    Tensor
        Whether each kernel reads each channel, shape (*shape, channels).

    Source
    ------
    Dempster, Schmidt and Webb (2021), the authors' multivariate code of MiniRocket.

    Example
    -------
    >>> draw_channels((2,), 1, 9, torch.Generator().manual_seed(0)).tolist()
    [[True], [True]]
    """
    most = min(channels, most)
    exponents = torch.rand(shape, generator=generator, dtype=torch.float64) * np.log2(most + 1)
    counts = (2**exponents).long().clamp(max=most)
    ranks = torch.rand((*shape, channels), generator=generator, dtype=torch.float32).argsort(dim=-1).argsort(dim=-1)
    chosen: Tensor = ranks < counts[..., None]
    return chosen


def similar_lengths(mask: Bool[Tensor, "batch time"], steps: int) -> Iterator[tuple[Int64[Tensor, " rows"], Tensor]]:
    """Yield blocks of series of similar length, so that little padding is computed.

    Parameters
    ----------
    mask
        True for real steps, which come first, at least one in each row; shape (batch, time).
    steps
        Maximum number of steps of a block, over all its series; a longer series is a block of its own.

    Returns
    -------
    Iterator[tuple[Tensor, Tensor]]
        The rows of each block, shape (rows,), the longest last, and their lengths; every row occurs once.

    Example
    -------
    >>> mask = torch.tensor([[True, True], [True, False], [True, True]])
    >>> [(rows.tolist(), lengths.tolist()) for rows, lengths in similar_lengths(mask, 3)]
    [([1], [1]), ([0], [2]), ([2], [2])]
    """
    lengths = lengths_of(mask)
    order = lengths.argsort(stable=True)
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, steps // int(lengths[order[start]]))]
        rows = rows[: max(1, steps // int(lengths[rows[-1]]))]
        yield rows, lengths[rows]
        start += len(rows)


def series_on_grid(
    values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], bits: int, steps: int
) -> Iterator[tuple[Int64[Tensor, " rows"], Float[Tensor, "rows channels time"], Int64[Tensor, " rows"]]]:
    """Yield series of similar length, with their values on a grid.

    Parameters
    ----------
    values, mask, bits
        As for ``on_grid``.
    steps
        As for ``similar_lengths``.

    Returns
    -------
    Iterator[tuple[Tensor, Tensor, Tensor]]
        The rows of some series, shape (rows,), their values without needless padding, shape (rows, channels, time), and
        their lengths, shape (rows,).

    Example
    -------
    >>> values, mask = torch.tensor([[[0.7], [0.2]]]), torch.tensor([[True, False]])
    >>> [(rows.tolist(), series.tolist()) for rows, series, _ in series_on_grid(values, mask, 2, 100)]
    [([0], [[[0.75]]])]
    """
    for rows, lengths in similar_lengths(mask, steps):
        longest = int(lengths[-1])
        yield rows, on_grid(values[rows, :longest], mask[rows, :longest], bits), lengths


def spread_over_taps(
    total: Float[Tensor, "outputs channels batch time"],
    added: Float[Tensor, "outputs channels batch steps"],
    dilation: int,
    lengths: Int64[Tensor, " batch"],
    stride: int = 1,
) -> None:
    """Share what kernels add at each step equally among the steps under their taps that lie within the series.

    Parameters
    ----------
    total
        The shares are added to this tensor, shape (outputs, channels, batch, time).
    added
        What the kernels of one dilation add, at their centres, shape (outputs, channels, batch, steps); 0 beyond each
        series.
    dilation
        Distance between the taps, in steps.
    lengths
        Number of steps of each series, shape (batch,).
    stride
        Distance between the centres, in steps.

    Example
    -------
    >>> total = torch.zeros(1, 1, 1, 3)
    >>> spread_over_taps(total, torch.tensor([[[[0.0, 0.0, 3.0]]]]), 1, torch.tensor([3]))
    >>> total.tolist()
    [[[[1.0, 1.0, 1.0]]]]
    """
    time, steps = total.shape[-1], added.shape[-1]
    centres = torch.arange(steps, device=added.device) * stride
    before = torch.div(centres, dilation, rounding_mode="floor").clamp(max=TAPS // 2)
    behind = torch.div(lengths[:, None] - 1 - centres, dilation, rounding_mode="floor").clamp(0, TAPS // 2)
    shares = added / (1 + before + behind)
    for tap in range(-(TAPS // 2), TAPS // 2 + 1):
        shift = tap * dilation
        begin, end = max(0, -(shift // stride)), min(steps, -((shift - time) // stride))
        if begin < end:
            own = shares[..., begin:end]
            within = centres[begin:end] + shift < lengths[:, None]
            total[..., begin * stride + shift : (end - 1) * stride + shift + 1 : stride] += own * within


def share_of_channels(reads: Bool[Tensor, "*kernels channels"]) -> Float[Tensor, "*kernels channels"]:
    """Return the share of each channel in what a kernel adds: equal shares of the channels that the kernel reads.

    Example
    -------
    >>> share_of_channels(torch.tensor([[True, False], [True, True]])).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    return reads.float() / reads.sum(dim=-1, keepdim=True)


def share_differences(
    parts: Float[Tensor, "batch outputs steps channels"],
) -> Float[Tensor, "batch outputs time channels"]:
    """Share what each difference adds equally between its two steps.

    Parameters
    ----------
    parts
        What the differences between consecutive steps add, shape (batch, outputs, steps, channels).

    Returns
    -------
    Tensor
        Shape (batch, outputs, steps + 1, channels).

    Example
    -------
    >>> share_differences(torch.tensor([[[[1.0], [3.0]]]])).flatten().tolist()
    [0.5, 2.0, 1.5]
    """
    halves = parts / 2
    return nn.functional.pad(halves, (0, 0, 0, 1)) + nn.functional.pad(halves, (0, 0, 1, 0))


def less_typical(
    parts: Float[Tensor, "batch outputs time channels"],
    mask: Bool[Tensor, "batch time"],
    weights: Float[Tensor, "outputs width"],
    typical: Float[Tensor, " width"],
) -> Float[Tensor, "batch outputs time channels"]:
    """Subtract what typical features add, in equal shares, from all real steps and channels.

    Parameters
    ----------
    parts
        Contributions that sum to ``features @ weights.T``, 0 for padding, shape (batch, outputs, time, channels).
    mask
        True for real steps, shape (batch, time).
    weights
        Weights of a linear head, shape (outputs, width).
    typical
        Features to compare with, shape (width,).

    Returns
    -------
    Tensor
        Contributions that sum to ``(features - typical) @ weights.T``, 0 for padding, of the same shape.

    Example
    -------
    >>> mask, ones = torch.tensor([[True, True, False]]), torch.ones(1, 1)
    >>> less_typical(torch.tensor([[[[3.0], [1.0], [0.0]]]]), mask, ones, ones[0]).flatten().tolist()
    [2.5, 0.5, 0.0]
    """
    totals = weights.double() @ typical.double()
    shares = mask / (mask.sum(dim=1, keepdim=True) * parts.shape[3])
    return parts - totals[None, :, None, None] * shares[:, None, :, None]
