"""Shapelets: distances of a series to short stretches of the training series; the best match is the feature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limelight.errors import ParameterError
from limelight.nn.fixed_features import (
    SUMMED_CHANNELS,
    draw_channels,
    is_short_single,
    powers_of_two,
    series_on_grid,
    share_of_channels,
    stride_of,
)
from limelight.nn.masking import lengths_of
from limelight.nn.shapelet_matches import FLAT_SPREAD, SHAPES, TOGETHER, ShapeletMatches
from limelight.nn.value_grid import Singles, exponent_of, to_grid

MOST_STEPS, FEWEST_STEPS = 21, 3
"""Steps of a shapelet: half of those of a long series, within these limits."""
PATTERN_BITS = 9
"""The absolute deviations of a shapelet from its mean sum to at most 2 to this power, in whole numbers."""
MATCHED_STEPS = 16_000
"""Number of steps, over all series and groups, processed at once, so that the distances stay in the cache."""


class Stretches(NamedTuple):
    """The stretches of series at every position of some groups, one for all groups if there is a single channel.

    Parameters
    ----------
    values
        Shape (groups or 1, steps of a shapelet, batch · positions).
    mean, spread, half_square
        Mean, standard deviation, and half the mean square of each stretch, shape (groups or 1, 1, batch · positions).
    """

    values: Tensor
    mean: Tensor
    spread: Tensor
    half_square: Tensor


class ShapeletBlock(nn.Module):
    """Encodes a series as its smallest distances to shapelets, which are short stretches of the training series.

    A shapelet has up to 21 steps, some steps apart. The feature is the root of the mean square difference between the
    shapelet and the stretch of the series that matches best. Half of the shapelets compare shapes: stretch and
    shapelet are scaled to mean 0 and standard deviation 1. The others compare the values as they are.

    Values are rounded to a grid and shapelets are whole numbers, so that every product is exact: features are the same
    in every batch, whatever the padding. A series shorter than a shapelet is continued with its last value.

    Series of at least 16,384 steps are read at every second step or fewer, see ``stride_of``.

    Parameters
    ----------
    channels
        Width of the input, at least 1. Each group of shapelets reads the sum of at most 8 channels.
    length
        Number of steps of a typical long series, at least 1: the longest shapelets span it.
    groups
        Number of groups of eight shapelets for each distance between their steps, at least 1.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Source
    ------
    Guillaume, Vrain and Elloumi (2022), Random dilated shapelet transform: a new approach for time series shapelets.
    There, places and numbers of matches are features too; they did not help in cross-validation.

    Example
    -------
    >>> block = ShapeletBlock(channels=1, length=100, groups=4)
    >>> values, mask = torch.randn(5, 100, 1), torch.ones(5, 100, dtype=torch.bool)
    >>> block.fit(values, mask, torch.Generator().manual_seed(0))
    >>> block(values, mask).shape
    torch.Size([5, 96])
    """

    patterns: Tensor
    units: Tensor
    levels: Tensor
    reads: Tensor

    def __init__(self, channels: int, length: int, groups: int = 64) -> None:
        super().__init__()
        for name, given in (("channels", channels), ("length", length), ("groups", groups)):
            if given < 1:
                raise ParameterError(f"expected {name} of at least 1, got {given}; use a larger number")
        self.steps = min(max(length // 2, FEWEST_STEPS), MOST_STEPS)
        self.dilations = powers_of_two(length, self.steps)
        self.strides = [stride_of(length, dilation) for dilation in self.dilations]
        self.groups = groups
        shape = (len(self.dilations), groups, TOGETHER)
        self.width = int(np.prod(shape))
        self.bits = 24 - 1 - PATTERN_BITS - int(np.ceil(np.log2(min(channels, SUMMED_CHANNELS))))
        self.register_buffer("patterns", torch.zeros(*shape, self.steps, dtype=torch.int16))
        self.register_buffer("units", torch.zeros(shape))
        self.register_buffer("levels", torch.zeros(shape))
        self.register_buffer("reads", torch.ones(*shape[:2], channels, dtype=torch.bool))

    @torch.no_grad()
    def fit(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], generator: torch.Generator
    ) -> None:
        """Draw the channels of each group, and the shapelets from the series.

        Parameters
        ----------
        values, mask
            As for ``forward``.
        generator
            Random generator on the CPU; the same seed results in the same shapelets.
        """
        lengths = lengths_of(mask)
        self.reads.copy_(draw_channels(self.reads.shape[:-1], self.reads.shape[-1], SUMMED_CHANNELS, generator))
        for number, dilation in enumerate(self.dilations):
            reach = self._reach(number)
            rows = (lengths > reach).nonzero()[:, 0]
            rows = rows if len(rows) else torch.arange(len(values))
            chosen, where = torch.rand(2, self.groups, TOGETHER, generator=generator, dtype=torch.float64)
            series = rows[(chosen * len(rows)).long()]
            last = lengths[series] - 1
            start = (where * (last - reach + 1).clamp(min=1)).long()
            steps = torch.arange(self.steps) * dilation + start[..., None]
            stretches = values[series[..., None], torch.minimum(steps, last[..., None])].double()
            self._set(number, (stretches * self.reads[number, :, None, None]).sum(dim=-1))

    def _set(self, number: int, stretches: Float[Tensor, "groups shapelets steps"]) -> None:
        """Set the shapelets of one dilation: deviations from their means as multiples of a unit."""
        levels = stretches.mean(dim=-1, keepdim=True)
        deviations = stretches - levels
        total = deviations.abs().sum(dim=-1, keepdim=True)
        scale = torch.where(total > FLAT_SPREAD, (2**PATTERN_BITS - self.steps) / total, 0.0)
        whole = torch.round(deviations * scale)
        whole.scatter_add_(-1, whole.abs().argmax(dim=-1, keepdim=True), -whole.sum(dim=-1, keepdim=True))
        squares = whole.square().sum(dim=-1)
        units = (deviations * whole).sum(dim=-1) / squares.clamp(min=1)
        self.patterns[number] = whole.to(torch.int16)
        self.units[number], self.levels[number] = units.float(), levels[..., 0].float()

    @torch.no_grad()
    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch width"]:
        """Compute the smallest distance to each shapelet.

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
        if is_short_single(values, self.strides):
            return torch.from_numpy(self._features_of_one(values[0, : int(mask.sum())].numpy()))[None]
        features = values.new_empty(len(values), self.width)
        for rows, series, lengths in series_on_grid(values, mask, self.bits, MATCHED_STEPS):
            best = series.new_empty(len(self.dilations), self.groups, TOGETHER, len(rows))
            for place, closeness in self._matches(series, lengths):
                best[place] = closeness.amax(dim=-1)
            features[rows] = self._distances(best, (slice(None), slice(None))).flatten(0, 2).T
        return features

    def matches(self) -> ShapeletMatches:
        """Return what compares a single series with the shapelets on a CPU."""
        patterns, units, levels, reads = (one.numpy() for one in (self.patterns, self.units, self.levels, self.reads))
        return ShapeletMatches(patterns, units, levels, reads, self.dilations)

    def _features_of_one(self, values: Float[Singles, "time channels"]) -> Float[Singles, " width"]:
        shapelets = self.matches()
        on_its_grid = to_grid(values, exponent_of(values), self.bits)
        best = [closeness.max(axis=0) for closeness in shapelets.of_series(on_its_grid)]
        return shapelets.distances(np.maximum.reduce(best))

    @torch.no_grad()
    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> Float[Tensor, "batch outputs time channels"]:
        """Split ``(features - typical) @ weights.T`` exactly into one contribution per time step and channel.

        A distance, relative to the typical one, is shared equally by the steps of the stretch that matches best, and
        by the channels that the shapelet reads. If several stretches match equally well, it belongs to one of them.

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
        shape = (len(self.dilations), self.groups, TOGETHER)
        own, usual = weights.double().view(-1, *shape), typical.double().view(*shape, 1)
        for rows, series, lengths in series_on_grid(values, mask, self.bits, MATCHED_STEPS):
            batch, channels, time = series.shape
            by_step = torch.zeros(channels, batch, time, len(weights), dtype=torch.float64, device=series.device)
            for place, closeness in self._matches(series, lengths):
                best, where = closeness.max(dim=-1)
                differences = self._distances(best, place).double() - usual[place]
                added = torch.einsum("ogk,gkb->gkbo", own[(slice(None), *place)], differences) / self.steps
                first = time * torch.arange(batch, device=series.device)
                steps = self._steps_under(where, place[0], lengths) + first[:, None]
                shares = share_of_channels(self.reads[place]).double()
                for channel in self.reads[place].any(dim=0).nonzero()[:, 0].tolist():
                    some = self.reads[place][:, channel]
                    shared = (added[some] * shares[some, channel, None, None, None])[..., None, :]
                    shared = shared.expand(-1, -1, -1, self.steps, -1).flatten(0, -2)
                    by_step[channel].view(batch * time, -1).index_add_(0, steps[some].flatten(), shared)
            parts[rows, :, :time] = by_step.permute(1, 3, 2, 0)
        return parts

    def _matches(self, series: Tensor, lengths: Tensor) -> Iterator[tuple[tuple[int, slice], Tensor]]:
        """Yield for some groups their place, and how closely each shapelet matches at every position.

        The closeness is higher for smaller distances and -inf beyond the last position of a series, shape (groups,
        shapelets, batch, positions).
        """
        batch, channels, time = series.shape
        places = torch.arange(time + self._reach(-1), device=series.device)
        places = torch.minimum(places, lengths[:, None] - 1)
        continued = series.gather(2, places[:, None].expand(-1, channels, -1))
        for number, stride in enumerate(self.strides):
            reach = self._reach(number)
            read = continued[..., : max(time, reach + 1)]
            count = -((reach - read.shape[2]) // stride)
            last = torch.div((lengths - 1 - reach).clamp(min=0), stride, rounding_mode="floor")
            lacking = torch.arange(count, device=series.device) > last[:, None]
            at_once = max(1, min(self.groups, MATCHED_STEPS // (batch * count)))
            stretches = self._stretches((number, slice(None)), read, count) if channels == 1 else None
            for first in range(0, self.groups, at_once):
                place = number, slice(first, min(first + at_once, self.groups))
                own = self._stretches(place, read, count) if stretches is None else stretches
                closeness = self._closeness(place, own, count)
                if bool(lacking.any()):
                    closeness.masked_fill_(lacking, -torch.inf)
                yield place, closeness

    def _reach(self, number: int) -> int:
        return (self.steps - 1) * self.dilations[number]

    def _closeness(self, place: tuple[int, slice], stretches: Stretches, count: int) -> Tensor:
        """Compute the closeness of some groups to stretches, shape (groups, shapelets, batch, positions)."""
        patterns = self.patterns[place].to(stretches.mean.dtype)
        if len(stretches.values) == 1:
            outputs = (patterns.flatten(0, 1) @ stretches.values[0]).view(len(patterns), TOGETHER, -1)
        else:
            outputs = patterns @ stretches.values
        outputs[:, :SHAPES] /= stretches.spread
        levels = outputs[:, SHAPES:]
        levels *= self.units[place][:, SHAPES:, None] / self.steps
        levels += stretches.mean * self.levels[place][:, SHAPES:, None]
        levels -= stretches.half_square
        return outputs.view(*outputs.shape[:2], -1, count)

    def _stretches(self, place: tuple[int, slice], read: Tensor, count: int) -> Stretches:
        """Return what some groups read at each position of series, shape (batch, channels, time)."""
        dilation, stride = self.dilations[place[0]], self.strides[place[0]]
        several = read.shape[1] > 1
        signals = torch.einsum("gc,bct->gbt", self.reads[place].to(read.dtype), read) if several else read[None, :, 0]
        stop = (count - 1) * stride + 1
        taps = torch.stack([signals[..., tap * dilation :][..., :stop:stride] for tap in range(self.steps)], dim=1)
        exact = taps.flatten(2).double()  # sums of numbers on a grid are exact
        total, squares = exact.sum(dim=1, keepdim=True), exact.square_().sum(dim=1, keepdim=True)
        variance = (self.steps * squares - total.square()) / self.steps**2
        spread = variance.clamp_(min=FLAT_SPREAD**2).sqrt_().float()
        mean, square = (total / self.steps).float(), (squares / self.steps).float()
        return Stretches(taps.flatten(2), mean, spread, square / 2)

    def _distances(self, closeness: Tensor, place: tuple[slice | int, slice]) -> Tensor:
        """Compute the root mean square differences of shapelets, shape (..., shapelets, batch), from the closeness."""
        norms, own = (one[..., None] for one in self.scales(place))
        shapes = 2 - 2 * closeness[..., :SHAPES, :] / norms[..., :SHAPES, :]
        others = own[..., SHAPES:, :] - 2 * closeness[..., SHAPES:, :]
        mean_squares = torch.cat([shapes, others], dim=-2)
        return mean_squares.clamp(min=0).double().sqrt().to(closeness.dtype)  # libraries differ for float32

    def scales(self, place: tuple[slice | int, slice]) -> tuple[Tensor, Tensor]:
        """Return the closeness of a perfect match of shapes, infinite for a flat shapelet, and mean squares."""
        squares = self.patterns[place].double().square().sum(dim=-1)
        norms = (squares * self.steps).sqrt().float()
        mean_squares = self.levels[place].square() + self.units[place].square() * (squares / self.steps).float()
        return torch.where(norms > 0, norms, torch.inf), mean_squares

    def _steps_under(self, where: Tensor, number: int, lengths: Tensor) -> Tensor:
        """Return the steps of the stretches at some positions, shape (groups, shapelets, batch, steps of one)."""
        taps = torch.arange(self.steps, device=where.device) * self.dilations[number]
        return torch.minimum(where[..., None] * self.strides[number] + taps, lengths[:, None] - 1)
