"""MiniRocket: features from thousands of fixed convolutions; only the thresholds of the features are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor, nn

from limelight.errors import ParameterError
from limelight.nn.fixed_features import (
    TAPS,
    draw_channels,
    is_short_single,
    less_typical,
    on_grid,
    positions_of,
    series_on_grid,
    share_of_channels,
    spread_over_taps,
    stride_of,
)
from limelight.nn.masking import lengths_of
from limelight.nn.rocket_counts import NEVER, CountPlan
from limelight.nn.value_grid import Singles, exponent_of, to_grid

KERNELS = 84
MAX_CHANNELS = 9
BLOCK = 8_160
"""Number of steps, over all series, processed at once; a longer series is processed in parts."""
COMPARISONS = 1 << 22
"""Maximum number of comparisons of outputs with thresholds at once, one byte each."""
SORTED = 1 << 16
"""Maximum number of convolution outputs sorted at once, unless a single series is longer."""
LANES = 255 * 8
"""Number of booleans that can be summed, packed as eight bytes per word, before a byte overflows."""


class Dilation(NamedTuple):
    """A dilation and the features computed with this dilation.

    Parameters
    ----------
    step
        Distance between the taps of a kernel, in steps.
    thresholds
        Number of thresholds, and so of features, per kernel.
    start
        Index of the first feature.
    stride
        Distance between the positions at which kernels are evaluated, in steps.
    """

    step: int
    thresholds: int
    start: int
    stride: int

    @property
    def reach(self) -> int:
        """Number of steps that a kernel covers on each side of its centre."""
        return self.step * (TAPS // 2)

    @property
    def features(self) -> slice:
        """Indices of the features of this dilation, kernel by kernel."""
        return slice(self.start, self.start + KERNELS * self.thresholds)


def plan_dilations(length: int, features: int, most: int) -> list[Dilation]:
    """Split the features among dilations that grow exponentially up to the length of a series.

    Parameters
    ----------
    length
        Number of steps of the series, at least 1.
    features
        Total number of features, at least 84; rounded down to a multiple of 84.
    most
        Maximum number of distinct dilations, at least 1.

    Returns
    -------
    list[Dilation]
        The dilations in ascending order.

    Source
    ------
    Dempster, Schmidt and Webb (2021), MiniRocket, section 3.1.2 and the authors' code.

    Example
    -------
    >>> [(one.step, one.thresholds) for one in plan_dilations(33, 84 * 6, 32)]
    [(1, 3), (2, 1), (3, 1), (4, 1)]
    """
    each = features // KERNELS
    count = min(each, most)
    highest = max(0.0, float(np.log2(max(length - 1, 1) / (TAPS - 1))))
    steps, times = np.unique((2 ** np.linspace(0, highest, count) + 1e-9).astype(int), return_counts=True)
    thresholds = (times * (each / count)).astype(int)
    thresholds[: each - thresholds.sum()] += 1
    starts = KERNELS * (np.cumsum(thresholds) - thresholds)
    strides = [stride_of(length, int(step)) for step in steps]
    return [Dilation(*map(int, one)) for one in zip(steps, thresholds, starts, strides, strict=True)]


class RocketEncoder(nn.Module):
    """Encodes a series as the shares of time in which fixed convolutions are above fitted thresholds.

    Each of the 84 kernels has nine weights: three are 2, the others -1. Half of the kernels of each dilation count over
    the whole series, with zero padding at both ends; the other half count only the steps at which the kernel lies
    within the series, or all steps if the series is shorter than the kernel. Series of at least 16,384 steps are read
    at every second position or fewer, see ``stride_of``.

    Values are rounded to about a millionth of the largest value of their series (17 to 20 bits), so that every
    convolution is exact in float32. Features are therefore the same on every machine and in every batch, even if a
    convolution output equals a threshold, as in constant stretches.

    Parameters
    ----------
    channels
        Width of the input, at least 1. Each kernel of each dilation reads a subset of at most 9 channels.
    length
        Number of steps of a typical long series, at least 1: the largest dilation spans it. Series may have any length.
    features
        Number of features, at least 84; rounded down to a multiple of 84.
    dilations
        Maximum number of distinct dilations, at least 1.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Attributes
    ----------
    typical
        The mean features of the training series, shape (width,). Set by the code that fits the head; not used in
        predictions.

    Source
    ------
    Dempster, Schmidt and Webb (2021), MiniRocket, and the authors' multivariate code.

    Example
    -------
    >>> encoder = RocketEncoder(channels=1, length=100, features=1_000)
    >>> values, mask = torch.randn(5, 100, 1), torch.ones(5, 100, dtype=torch.bool)
    >>> encoder.fit(values, mask, torch.Generator().manual_seed(0))
    >>> encoder(values, mask).shape
    torch.Size([5, 924])
    """

    thresholds: Tensor
    typical: Tensor
    reads: Tensor
    taps: Tensor
    totals_of: Tensor

    def __init__(self, channels: int, length: int, features: int = 10_000, *, dilations: int = 32) -> None:
        super().__init__()
        for name, given, least in (
            ("channels", channels, 1),
            ("length", length, 1),
            ("features", features, KERNELS),
            ("dilations", dilations, 1),
        ):
            if given < least:
                raise ParameterError(f"expected {name} of at least {least}, got {given}; use a larger number")
        self.plan = plan_dilations(length, features, dilations)
        self.width = features // KERNELS * KERNELS
        self.spans = {"rocket": slice(0, self.width)}
        self._count_plan = CountPlan(self.plan, KERNELS)
        self.bits = int(np.log2(2**24 / (12 * min(channels, MAX_CHANNELS))))
        self.register_buffer("thresholds", torch.zeros(self.width))
        self.register_buffer("typical", torch.zeros(self.width))
        self.register_buffer("reads", torch.ones(len(self.plan), KERNELS, channels, dtype=torch.bool))
        self.register_buffer("taps", _kernel_weights(), persistent=False)
        self.register_buffer("totals_of", _places_of_totals(self.plan), persistent=False)

    @torch.no_grad()
    def fit(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], generator: torch.Generator
    ) -> None:
        """Draw the channels of each kernel, and set thresholds to quantiles of the convolutions of random series.

        Parameters
        ----------
        values
            Standardised training series, or a sample of a few hundred, shape (batch, time, channels).
        mask
            True for real steps, False for padding, shape (batch, time).
        generator
            Random generator on the CPU; the same seed results in the same channels and thresholds.
        """
        self.reads.copy_(draw_channels(self.reads.shape[:-1], self.reads.shape[-1], MAX_CHANNELS, generator))
        quantiles = torch.arange(1, self.width + 1, dtype=torch.float64) * ((5**0.5 + 1) / 2) % 1
        lengths, weights = lengths_of(mask), self._weights()[:, :, :-2]
        series = torch.cat([on_grid(values[i : i + 1], mask[i : i + 1], self.bits) for i in range(len(values))])
        for place, one in enumerate(self.plan):
            wanted = quantiles[one.features].view(KERNELS, -1).to(values.device)
            rows = torch.randint(len(values), (KERNELS,), generator=generator).to(values.device)
            at_once = max(1, min(KERNELS, SORTED // int(lengths[rows].max())))
            for first in range(0, KERNELS, at_once):
                kernels = slice(first, first + at_once)
                some, ends = series[rows[kernels]], lengths[rows[kernels]]
                outputs = _convolve_each(some[:, :, : int(ends.max())], weights[place, kernels], one)
                thresholds = _quantiles(outputs, positions_of(ends, one.stride), wanted[kernels])
                self.thresholds[one.features].view(KERNELS, -1)[kernels] = thresholds.float()

    @torch.no_grad()
    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch width"]:
        """Compute the share of counted steps at which each kernel is above each of its thresholds, in [0, 1].

        Parameters
        ----------
        values
            Standardised values without NaN, shape (batch, time, channels).
        mask
            True for real steps, which come first, at least one in each row; shape (batch, time).

        Returns
        -------
        Tensor
            Shape (batch, width).
        """
        if is_short_single(values, [one.stride for one in self.plan]):
            one = values[0, : int(mask.sum())].numpy()
            totals = self._count_plan.totals(len(one))[self.totals_of.numpy()]
            return torch.from_numpy(self.counts_of_one(one).astype(np.float32) / totals)[None]
        features = values.new_empty(len(values), self.width)
        for rows, series, lengths in series_on_grid(values, mask, self.bits, BLOCK):
            features[rows] = self._shares(self._counts(series, lengths), lengths).T
        return features

    def counts_of_one(self, values: Float[Singles, "time channels"]) -> NDArray[np.int64]:
        """Count the steps of one series at which each kernel is above each of its thresholds, before ``forward``
        divides them; on a CPU, if kernels are evaluated at every step."""
        on_its_grid = to_grid(values, exponent_of(values), self.bits)
        return self._count_plan.count(on_its_grid, self._weights().numpy(), self.thresholds.numpy())

    def _counts(self, series: Tensor, lengths: Tensor) -> Int64[Tensor, "width batch"]:
        counts = torch.zeros(self.width, len(lengths), dtype=torch.int64, device=series.device)
        buffer = np.empty(0, dtype=bool)
        for place, kernels, _, outputs in self._convolutions(series, lengths):
            one = self.plan[place]
            thresholds = self.thresholds[one.features].view(KERNELS, -1)[kernels]
            if buffer.size < thresholds.numel() * outputs[0].numel():
                buffer = np.empty(thresholds.numel() * outputs[0].numel(), dtype=bool)
            above = _count_above(outputs, thresholds, buffer)
            counts[one.features].view(KERNELS, -1, len(lengths))[kernels] += above
        return counts

    @torch.no_grad()
    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> Float[Tensor, "batch outputs time channels"]:
        """Split ``(features - typical) @ weights.T`` exactly into one contribution per time step and channel.

        This is possible because each feature is a mean over time, and the head is linear. What a kernel adds at a step
        is shared equally by the steps and the channels that the kernel reads there.

        Parameters
        ----------
        values, mask
            As for ``forward``.
        weights
            Weights of a linear head on the features, shape (outputs, width).
        typical
            Features to compare with, such as the mean of the training series, shape (width,).

        Returns
        -------
        Tensor
            The contribution of each step and channel to each output; 0 for padding; shape (batch, outputs, time,
            channels), float64.
        """
        parts = values.new_zeros(len(values), len(weights), *values.shape[1:], dtype=torch.float64)
        for rows, series, lengths in series_on_grid(values, mask, self.bits, BLOCK):
            batch, channels, time = series.shape
            total = series.new_zeros(len(weights), channels, batch, time, dtype=torch.float64)
            totals = _totals(self.plan, lengths)
            for place, blocks in groupby(self._convolutions(series, lengths), key=itemgetter(0)):
                one = self.plan[place]
                added = total.new_zeros(2, len(weights), channels, batch, -(-time // one.stride))
                for _, kernels, start, outputs in blocks:
                    own = added[..., start : start + outputs.shape[2]]
                    own += self._added(place, kernels, outputs, weights)[..., : own.shape[-1]]
                by_centre = (added / totals[place][:, None, None, :, None]).sum(dim=0)
                spread_over_taps(total, by_centre, one.step, lengths, one.stride)
            parts[rows, :, :time] = total.permute(2, 0, 3, 1)
        return less_typical(parts, mask, weights, typical)

    def _added(self, place: int, kernels: slice, outputs: Tensor, weights: Tensor) -> Tensor:
        """Sum the weights of the features that count each step, shape (2, outputs, channels, batch, steps).

        The first axis separates kernels that count the whole series and kernels that lie within it, which alternate.
        """
        one = self.plan[place]
        thresholds = self.thresholds[one.features].view(KERNELS, -1)[kernels]
        own = weights[:, one.features].reshape(len(weights), KERNELS, -1)[:, kernels]
        by_row = (own[:, None] * share_of_channels(self.reads[place, kernels]).T[:, :, None]).flatten(0, 1)
        added = weights.new_zeros(2, len(by_row), outputs[0].numel())
        above = torch.empty_like(outputs, dtype=weights.dtype)
        first = (kernels.start + place) % 2
        for rank in range(thresholds.shape[1]):
            torch.gt(outputs, thresholds[:, rank, None, None], out=above)
            for end in (0, 1):
                some = slice((first + end) % 2, None, 2)
                added[end].addmm_(by_row[:, some, rank], above.flatten(1)[some])
        return added.view(2, len(weights), -1, *outputs.shape[1:])

    def _shares(self, counts: Tensor, lengths: Tensor) -> Tensor:
        """Divide the counts of each feature, shape (width, batch), by the number of counted steps."""
        totals = _totals(self.plan, lengths).flatten(0, 1).to(self.thresholds.dtype)
        return counts.to(totals.dtype) / totals[self.totals_of]

    def _weights(self) -> Tensor:
        """Return the kernel weights of each dilation per tap and channel, and for the two rows that mask steps.

        Kernels that count the whole series, and those that count only steps within it, alternate.
        """
        places = torch.arange(len(self.plan), device=self.taps.device)
        ends = (torch.arange(KERNELS, device=self.taps.device) + places[:, None]) % 2
        weights = self.taps[:, :, None] * self.reads[:, :, None, :]
        return torch.cat([weights.flatten(2), nn.functional.one_hot(ends, 2)], dim=2)

    def _convolutions(self, series: Tensor, lengths: Tensor) -> Iterator[tuple[int, slice, int, Tensor]]:
        """Yield the convolution outputs of a few kernels and positions at a time.

        Each item is the index of the dilation, the kernels, the first position, and the outputs, shape (kernels, batch,
        positions), which may extend beyond the last position to a number that ``_count_above`` accepts. Outputs at
        positions that do not count are far below every threshold. The next item overwrites the outputs.
        """
        batch, channels, time = series.shape
        most = min(time, max(1, BLOCK // batch))
        most += -most % _word_steps(most)
        weights, padded = self._weights(), _Padded(series, self.plan[-1], most)
        room, outputs = series.new_empty(TAPS * channels + 2, batch * most), series.new_empty(KERNELS, batch * most)
        counted_of = _counted(self.plan, lengths)[..., None]
        for place, one in enumerate(self.plan):
            counted = counted_of[place]
            positions = -(-time // one.stride)
            for start in range(0, positions, most):
                count = min(most, positions - start)
                count += -count % _word_steps(count)
                inputs = room.flatten()[: len(room) * batch * count].view(-1, batch, count)
                padded.shift(start, one, inputs[:-2])
                places = torch.arange(start, start + count, device=series.device)
                torch.mul(places >= counted[0, 1], NEVER, out=inputs[-2])
                torch.mul((places < counted[1, 0]) | (places >= counted[1, 1]), NEVER, out=inputs[-1])
                at_once = max(1, min(KERNELS, COMPARISONS // (one.thresholds * batch * count)))
                for first in range(0, KERNELS, at_once):
                    kernels = slice(first, min(first + at_once, KERNELS))
                    out = outputs.flatten()[: (kernels.stop - first) * batch * count].view(-1, batch * count)
                    torch.mm(weights[place, kernels], inputs.flatten(1), out=out)
                    yield place, kernels, start, out.view(-1, batch, count)


class _Padded:
    """Series between zeros, from which the inputs of every tap of a kernel are copied at once.

    Parameters
    ----------
    series
        Shape (batch, channels, time).
    largest
        The largest dilation, which has the largest stride.
    extra
        Number of positions beyond the last one that can be read.
    """

    def __init__(self, series: Float[Tensor, "batch channels time"], largest: Dilation, extra: int) -> None:
        self.time = series.shape[2]
        self.margin = min(largest.step, self.time) * (TAPS // 2)
        self.values = nn.functional.pad(series, (self.margin, self.margin + extra * largest.stride))

    def shift(self, start: int, one: Dilation, into: Float[Tensor, "rows batch positions"]) -> None:
        """Write the inputs of every tap for every channel at the positions from ``start`` to ``into``.

        At a dilation of at least the length of the series, every tap but the central one reads zeros.
        """
        batch, channels, width = self.values.shape
        step = min(one.step, self.time)
        first = self.margin + start * one.stride - step * (TAPS // 2)
        sizes, strides = (TAPS, channels, batch, into.shape[2]), (step, width, channels * width, one.stride)
        into.view(sizes).copy_(self.values.as_strided(sizes, strides, first))


def _kernel_weights() -> Tensor:
    """Return the weights of the 84 kernels, shape (84, 9)."""
    weights = np.full((KERNELS, TAPS), -1.0, dtype=np.float32)
    np.put_along_axis(weights, np.array(list(combinations(range(TAPS), 3))), 2.0, axis=1)
    return torch.from_numpy(weights)  # from NumPy, so that they exist on the meta device too: they are not saved


def _places_of_totals(plan: Any) -> Tensor:
    """Return for each feature the row of its number of counted positions among those of all dilations, two each."""
    kernels = np.arange(KERNELS)
    rows = [np.repeat(2 * place + (kernels + place) % 2, one.thresholds) for place, one in enumerate(plan)]
    return torch.from_numpy(np.concatenate(rows))


def _word_steps(steps: int) -> int:
    """Return the number of which ``_count_above`` needs the number of steps of a block to be a multiple."""
    return 8 * -(-steps // LANES)


def _counted(plan: Any, lengths: Int64[Tensor, " batch"]) -> Int64[Tensor, "dilations 2 2 batch"]:
    """Return the first counted position and the one after the last, shape (dilations, 2, 2, batch).

    The second axis has the kernels that count the whole series, and those that lie within it; if a series has no
    position for the latter, they count all of it.
    """
    reach, stride = torch.tensor([(one.reach, one.stride) for one in plan], device=lengths.device).T[..., None]
    every = positions_of(lengths, stride)
    stop = positions_of(lengths - reach, stride)
    first = positions_of(reach, stride).expand_as(stop)
    none, fits = torch.zeros_like(every), stop > first
    within = torch.stack([torch.where(fits, first, none), torch.where(fits, stop, every)], dim=1)
    return torch.stack([torch.stack([none, every], dim=1), within], dim=1)


def _totals(plan: Any, lengths: Int64[Tensor, " batch"]) -> Int64[Tensor, "dilations 2 batch"]:
    """Return the number of counted positions of kernels that count the whole series, and of those within it."""
    counted = _counted(plan, lengths)
    return counted[:, :, 1] - counted[:, :, 0]


def _convolve_each(
    series: Float[Tensor, "kernels channels time"], weights: Float[Tensor, "kernels taps"], one: Dilation
) -> Float[Tensor, "kernels positions"]:
    """Convolve each series with its own kernel, with zeros beyond both ends."""
    count, channels, time = series.shape
    positions = -(-time // one.stride)
    outputs = series.new_empty(count, positions)
    most = max(1, 2 * BLOCK // count)
    padded = _Padded(series, one, 0)
    for start in range(0, positions, most):
        inputs = series.new_empty(TAPS * channels, count, min(most, positions - start))
        padded.shift(start, one, inputs)
        outputs[:, start : start + most] = torch.bmm(weights[:, None], inputs.transpose(0, 1))[:, 0]
    return outputs


def _quantiles(
    outputs: Float[Tensor, "rows time"], ends: Int64[Tensor, " rows"], wanted: Float[Tensor, "rows quantiles"]
) -> Float[Tensor, "rows quantiles"]:
    """Compute quantiles of the first ``ends`` numbers of each row, interpolated linearly, in float64."""
    if bool((ends < outputs.shape[1]).any()):
        outputs[torch.arange(outputs.shape[1], device=outputs.device) >= ends[:, None]] = float("inf")
    by_numpy = outputs.cpu().numpy()
    by_numpy.sort(axis=1)  # torch sorts without vector instructions and is 13 times slower
    ordered = torch.from_numpy(by_numpy).to(outputs.device)
    positions = wanted * (ends[:, None] - 1)
    below = positions.long()
    lower, upper = ordered.gather(1, below), ordered.gather(1, torch.minimum(below + 1, ends[:, None] - 1))
    return lower.double() + (upper.double() - lower.double()) * (positions - below)


def _count_above(
    outputs: Float[Tensor, "kernels batch time"],
    thresholds: Float[Tensor, "kernels thresholds"],
    buffer: NDArray[np.bool_],
) -> Int64[Tensor, "kernels thresholds batch"]:
    """Count the steps above each threshold; ``buffer`` is overwritten.

    On a CPU the comparison uses NumPy, because torch compares without vector instructions, and eight booleans are
    summed at once as one 64-bit word: in bytes up to 255 words, then in 16 bits, enough for 65,535 steps.
    """
    if outputs.device.type != "cpu":
        return _count_by_torch(outputs, thresholds)
    batch, time = outputs.shape[1:]
    above = buffer[: thresholds.numel() * batch * time].reshape(*thresholds.shape, batch * time)
    np.greater(outputs.flatten(1).numpy()[:, None], thresholds.numpy()[:, :, None], out=above)
    block = _word_steps(time)
    words = torch.from_numpy(above.view(np.int64)).view(*thresholds.shape, batch, block // 8, time // block)
    sums = words.sum(dim=-1)
    pairs = ((sums & 0x00FF00FF00FF00FF) + ((sums >> 8) & 0x00FF00FF00FF00FF)).sum(dim=-1)
    counts: Tensor = (pairs * 0x0001000100010001 >> 48) & 0xFFFF
    return counts


def _count_by_torch(outputs: Tensor, thresholds: Tensor) -> Tensor:
    return (outputs[:, None] > thresholds[:, :, None, None]).sum(dim=-1)
