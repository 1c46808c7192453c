"""Hydra: groups of random convolutions that compete at every step; counts of the winners are the features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limelight.errors import ParameterError
from limelight.nn.fixed_features import (
    SUMMED_CHANNELS,
    TAPS,
    draw_channels,
    fits_numpy,
    less_typical,
    positions_of,
    powers_of_two,
    series_on_grid,
    share_differences,
    share_of_channels,
    spread_over_taps,
    stride_of,
)
from limelight.nn.hydra_sums import HydraSums, sum_contests, unrolled_weights
from limelight.nn.masking import lengths_of
from limelight.nn.value_grid import Singles, exponent_of, to_units

RIVALS = 8
"""Kernels of a group."""
WEIGHT_BITS = 6
"""The absolute weights of a kernel sum to at most 2 to this power, in whole numbers."""
EXACT_COUNTS = 1 << 24
"""Ones that float32 sums exactly."""
CONTEST_STEPS = 16_000
"""Number of steps, over all series and groups, processed at once, so that the outputs stay in the cache."""
UNROLLED_CHANNELS = 4
"""On a CPU, kernels of more channels are not unrolled into one matrix for each dilation."""

GroupContest = tuple[tuple[int, int, slice], Tensor, Tensor, Tensor]
"""Some groups of kernels (reading, number of the dilation, groups), who wins and who loses, and the largest outputs."""


class HydraBlock(nn.Module):
    """Encodes a series as the shares of time, and the mean outputs, with which the kernels of each group win.

    At every step, the kernel with the largest output of its group of eight wins, and the one with the smallest output
    loses. The features are, for each kernel, the mean over time of its output where it wins, and the share of steps
    at which it loses. Half of the groups read the values, half of them the differences between steps.

    Values are rounded to a grid and weights are whole numbers, so that every convolution and every sum is exact:
    features are the same in every batch, whatever the padding.

    Series of at least 16,384 steps are read at every second step or fewer, see ``stride_of``.

    Parameters
    ----------
    channels
        Width of the input, at least 1. Each group reads the sum of at most 8 channels.
    length
        Number of steps of a typical long series, at least 1: the largest dilation spans it.
    groups
        Number of groups for each dilation, at least 2; half of them read differences.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Source
    ------
    Dempster, Schmidt and Webb (2023), Hydra: competing convolutional kernels for fast and accurate time series
    classification. There the counts are square-rooted; means over time were as good in cross-validation, and split
    exactly over the steps.

    Example
    -------
    >>> block = HydraBlock(channels=1, length=100)
    >>> values, mask = torch.randn(5, 100, 1), torch.ones(5, 100, dtype=torch.bool)
    >>> block.fit(values, mask, torch.Generator().manual_seed(0))
    >>> block(values, mask).shape
    torch.Size([5, 4096])
    """

    kernels: Tensor
    reads: Tensor

    def __init__(self, channels: int, length: int, groups: int = 64) -> None:
        super().__init__()
        for name, given, least in (("channels", channels, 1), ("length", length, 1), ("groups", groups, 2)):
            if given < least:
                raise ParameterError(f"expected {name} of at least {least}, got {given}; use a larger number")
        self.dilations = powers_of_two(length, TAPS)
        self.strides = [stride_of(length, dilation) for dilation in self.dilations]
        self.groups = groups // 2
        shape = (2, len(self.dilations), self.groups)
        self.width = 2 * len(self.dilations) * self.groups * RIVALS * 2
        self.bits = 24 - 1 - WEIGHT_BITS - int(np.ceil(np.log2(min(channels, SUMMED_CHANNELS))))
        self.register_buffer("kernels", torch.zeros(*shape, RIVALS, TAPS, dtype=torch.int8))
        self.register_buffer("reads", torch.ones(*shape, channels, dtype=torch.bool))

    @torch.no_grad()
    def fit(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], generator: torch.Generator
    ) -> None:
        """Draw the kernels and the channels of each group; the values are not read.

        Parameters
        ----------
        values, mask
            As for ``forward``.
        generator
            Random generator on the CPU; the same seed results in the same kernels.
        """
        drawn = torch.randn(self.kernels.shape, generator=generator, dtype=torch.float64)
        drawn -= drawn.mean(dim=-1, keepdim=True)
        whole = torch.round(drawn * (2**WEIGHT_BITS - TAPS) / drawn.abs().sum(dim=-1, keepdim=True))
        # weights of a kernel sum to 0, so that a constant stretch has the output 0
        whole.scatter_add_(-1, drawn.abs().argmax(dim=-1, keepdim=True), -whole.sum(dim=-1, keepdim=True))
        self.kernels.copy_(whole.to(torch.int8))
        self.reads.copy_(draw_channels(self.reads.shape[:-1], self.reads.shape[-1], SUMMED_CHANNELS, generator))

    @torch.no_grad()
    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch width"]:
        """Compute the mean output where each kernel wins, and the share of steps at which it loses.

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
        features = values.new_empty(len(values), self.width)
        if values.shape[2] <= UNROLLED_CHANNELS and fits_numpy(values, self.strides):
            weights = self.unrolled_weights()
            for row, (one, length) in enumerate(zip(values.numpy(), lengths_of(mask).tolist(), strict=True)):
                features[row] = torch.from_numpy(self._features_of_one(one[:length], weights))
            return features
        for rows, series, lengths in series_on_grid(values, mask, self.bits, CONTEST_STEPS):
            means = self._sums(series, lengths) / self._positions(lengths)[:, None, None, None]
            features[rows] = means.flatten(0, -2).T.to(values.dtype)
        return features

    def unrolled_weights(self) -> Float[Singles, "kernels rows inputs groups"]:
        """Return the weights that ``sum_contests`` takes."""
        return unrolled_weights(self.kernels.numpy(), self.reads.numpy())

    def features_of(self, sums: HydraSums, steps: int, exponent: int) -> Float[Singles, " width"]:
        """Divide the sums over a series of some steps, in units of the grid of an exponent, by the steps."""
        found = np.empty((*sums.wins.shape[1:], 2, RIVALS))
        np.multiply(sums.wins.transpose(1, 2, 0), 2.0 ** (exponent - self.bits - WEIGHT_BITS), out=found[:, :, 0])
        found[:, :, 1] = sums.losses.transpose(1, 2, 0)
        found /= steps
        return found.astype(np.float32).reshape(-1)

    def _features_of_one(self, values: Float[Singles, "time channels"], weights: Singles) -> Float[Singles, " width"]:
        exponent = exponent_of(values)
        sums = sum_contests(to_units(values, exponent, self.bits), weights, self.dilations)
        return self.features_of(sums, len(values), exponent)

    def _sums(self, series: Tensor, lengths: Tensor) -> Float[Tensor, "2 dilations groups 2 kernels batch"]:
        sums = torch.zeros(2, len(self.dilations), self.groups, 2, RIVALS, len(lengths), dtype=torch.float64)
        for place, wins, loses, top in self._contests(series, lengths):
            sums[place][:, 0] = (wins * top[:, None]).sum(dim=-1, dtype=torch.float64)
            sums[place][:, 1] = loses.sum(dim=-1, dtype=torch.float64 if loses.shape[-1] >= EXACT_COUNTS else None)
        return sums

    @torch.no_grad()
    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> Float[Tensor, "batch outputs time channels"]:
        """Split ``(features - typical) @ weights.T`` exactly into one contribution per time step and channel.

        What a kernel adds at a step is shared equally by the steps and the channels that the kernel reads there.

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
            Shape (batch, outputs, time, channels), 0 for padding.
        """
        parts = values.new_zeros(len(values), len(weights), *values.shape[1:], dtype=torch.float64)
        by_group = weights.view(len(weights), 2, len(self.dilations), self.groups, 2, RIVALS)
        for rows, series, lengths in series_on_grid(values, mask, self.bits, CONTEST_STEPS):
            batch, channels, time = series.shape
            shape = (len(weights), channels, batch)
            totals = [series.new_zeros(*shape, time - reading, dtype=torch.float64) for reading in (0, 1)]
            for (reading, number), contests in groupby(self._contests(series, lengths), key=lambda one: one[0][:2]):
                added = self._added(contests, by_group)
                by_channel = added.double().view(*shape, -1) / self._positions(lengths)[number, :, None]
                stride = self.strides[number]
                spread_over_taps(totals[reading], by_channel, self.dilations[number], lengths - reading, stride)
            values_part, differences = (total.permute(2, 0, 3, 1) for total in totals)
            parts[rows, :, :time] = values_part + share_differences(differences)
        return less_typical(parts, mask, weights, typical)

    def _added(self, contests: Iterable[GroupContest], by_group: Tensor) -> Tensor:
        """Sum what the groups of one dilation add at each step, shape (outputs · channels, batch · steps)."""
        added: Tensor | None = None
        for place, wins, loses, top in contests:
            own = by_group[(slice(None), *place)]
            by_row = (own[:, None] * share_of_channels(self.reads[place]).T[:, :, None, None]).flatten(0, 1)
            for end, counted in enumerate((wins.mul_(top[:, None]), loses)):
                of_kernels, at_steps = by_row[:, :, end].flatten(1), counted.flatten(2).flatten(0, 1)
                added = of_kernels @ at_steps if added is None else added.addmm_(of_kernels, at_steps)
        assert added is not None
        return added

    def _positions(self, lengths: Tensor) -> Tensor:
        """Return the number of positions of each dilation in series of some lengths, shape (dilations, batch)."""
        return torch.stack([positions_of(lengths, stride) for stride in self.strides])

    def _contests(self, series: Tensor, lengths: Tensor) -> Iterator[GroupContest]:
        """Yield for some groups their place, who wins and who loses at each step, and the largest outputs.

        Winners and losers have shape (groups, kernels, batch, time), 1 or 0, and the largest outputs have shape
        (groups, batch, time); winners and losers are 0 beyond the end of a series. The next item overwrites them. If
        two outputs are equal, both kernels win or lose.
        """
        for reading, read in enumerate((series, series.diff(dim=2))):
            batch, _, time = read.shape
            if time == 0:
                continue
            within = torch.arange(time, device=series.device) < lengths[:, None] - reading
            ragged = not bool(within.all())
            read = read * within[:, None] if ragged else read
            for number, (dilation, stride) in enumerate(zip(self.dilations, self.strides, strict=True)):
                padded = nn.functional.pad(read, (dilation * (TAPS // 2),) * 2)
                real = within[:, ::stride]
                count = real.shape[1]
                at_once = max(1, min(self.groups, CONTEST_STEPS // (batch * count)))
                buffers = [series.new_empty(at_once, RIVALS, batch * count) for _ in range(3)]
                for first in range(0, self.groups, at_once):
                    some = slice(first, min(first + at_once, self.groups))
                    place = (reading, number, some)
                    outputs, *contest = (buffer[: some.stop - first] for buffer in buffers)
                    self._outputs(place, padded, outputs)
                    top, low = outputs.amax(dim=1, keepdim=True), outputs.amin(dim=1, keepdim=True)
                    torch.ge(outputs, top, out=contest[0])
                    torch.le(outputs, low, out=contest[1])
                    if ragged:
                        contest = [one.mul_(real.flatten()) for one in contest]
                    wins, loses = (one.view(-1, RIVALS, batch, count) for one in contest)
                    yield place, wins, loses, top.view(-1, batch, count)

    def _outputs(self, place: tuple[int, int, slice], padded: Tensor, out: Tensor) -> None:
        """Write the outputs of some groups to ``out``, shape (groups, kernels, batch · positions)."""
        kernels = self.kernels[place].to(padded.dtype) / 2**WEIGHT_BITS
        dilation, several = self.dilations[place[1]], padded.shape[1] > 1
        read = (
            torch.einsum("gc,bct->gbt", self.reads[place].to(padded.dtype), padded) if several else padded[None, :, 0]
        )
        time, stride = padded.shape[2] - (TAPS - 1) * dilation, self.strides[place[1]]
        shifted = torch.stack([read[..., tap * dilation :][..., :time:stride] for tap in range(TAPS)], dim=1)
        if several:
            torch.bmm(kernels, shifted.flatten(2), out=out)
        else:
            torch.mm(kernels.flatten(0, 1), shifted[0].flatten(1), out=out.view(-1, out.shape[2]))
