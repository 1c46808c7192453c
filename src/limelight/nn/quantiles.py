"""Quantiles of the values, the differences or the spectrum of a series in dyadic intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from limelight.errors import ParameterError
from limelight.nn.interval_ranks import IntervalRanks
from limelight.nn.masking import lengths_of

Reading = Literal["values", "differences", "spectrum"]
STEPS_PER_QUANTILE = 4
MOST_QUANTILES = 16
"""Of one interval and channel; with 8 to 16, leave-one-out log losses were as low as with all."""
MOST_FEATURES = 10_000
VALUES_AT_ONCE = 1 << 17
"""Number of values, over all series and channels, that are sorted at once."""

Alike = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The steps of intervals with equally many, shape (intervals, steps), and their features, (intervals, quantiles)."""


class Interval(NamedTuple):
    """An interval of a series and the quantiles that are its features.

    Parameters
    ----------
    start, stop
        Where it begins and ends, as shares of the length of a series.
    quantiles
        Number of quantiles; 1 is the median, more are evenly spaced from the minimum to the maximum.
    first
        Index of its first feature.
    """

    start: float
    stop: float
    quantiles: int
    first: int

    def steps(self, length: int) -> slice:
        """Return the steps of the interval in a series of some length, at least one."""
        start = min(int(self.start * length + 1e-9), length - 1)
        return slice(start, max(start + 1, int(self.stop * length + 1e-9)))


def plan_intervals(length: int, depth: int, most: int) -> list[Interval]:
    """Halve a series again and again, with intervals shifted by half their length in between.

    Parameters
    ----------
    length
        Number of steps of a typical long series, at least 1.
    depth
        Number of levels, at least 1; the last has intervals of at least one step.
    most
        Maximum number of quantiles of an interval, at least 1.

    Returns
    -------
    list[Interval]
        From the whole series to the shortest intervals.

    Example
    -------
    >>> [(one.start, one.stop, one.quantiles) for one in plan_intervals(8, 2, 16)]
    [(0.0, 1.0, 2), (0.0, 0.5, 1), (0.5, 1.0, 1), (0.25, 0.75, 1)]
    """
    intervals: list[Interval] = []
    first = 0
    for level in range(max(1, min(depth, int(np.log2(max(length, 2)))))):
        parts = 2**level
        starts = [part / parts for part in range(parts)] + [(part + 0.5) / parts for part in range(parts - 1)]
        quantiles = min(most, 1 + (max(1, length // parts) - 1) // STEPS_PER_QUANTILE)
        for start in starts:
            intervals.append(Interval(start, start + 1 / parts, quantiles, first))
            first += quantiles
    return intervals


class QuantileBlock(nn.Module):
    """Encodes a series as quantiles in dyadic intervals of its values, its differences or its spectrum.

    Every second quantile is relative to the mean of its interval.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    length
        Number of steps of a typical long series, at least 1; it sets the number of features. Series may have any
        length: the intervals are shares of it.
    reading
        ``"values"``, ``"differences"`` between steps, or ``"spectrum"``: the magnitude of each frequency above
        0, divided by the square root of the length.
    depth
        Number of levels of intervals, at least 1.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Source
    ------
    Dempster, Schmidt and Webb (2024), QUANT: a minimalist interval method for time series classification.

    Example
    -------
    >>> block = QuantileBlock(channels=1, length=8, depth=1)
    >>> values = torch.tensor([[[3.0], [1.0], [4.0], [1.0], [5.0], [9.0], [2.0], [6.0]]])
    >>> block(values, torch.ones(1, 8, dtype=torch.bool)).tolist()
    [[1.0, 5.125]]
    """

    def __init__(self, channels: int, length: int, reading: Reading = "values", depth: int = 6) -> None:
        super().__init__()
        for name, given in (("channels", channels), ("length", length), ("depth", depth)):
            if given < 1:
                raise ParameterError(f"expected {name} of at least 1, got {given}; use a larger number")
        self.reading = reading
        self.channels = channels
        read_length = {"values": length, "differences": length - 1, "spectrum": length // 2}[reading]
        most = MOST_QUANTILES
        intervals = plan_intervals(max(1, read_length), depth, most)
        while most > 1 and _width(intervals) * channels > MOST_FEATURES:
            most //= 2
            intervals = plan_intervals(max(1, read_length), depth, most)
        self.intervals = intervals
        self.width = _width(intervals) * channels
        starts, stops, quantiles, _ = zip(*intervals, strict=True)
        self._ranks = IntervalRanks(starts, stops, quantiles)

    def fit(self, values: Tensor, mask: Tensor, generator: torch.Generator) -> None:
        """Do nothing: the features have no parameters that depend on data or chance."""

    @torch.no_grad()
    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch width"]:
        """Compute the quantiles of each interval and channel.

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
        features = np.empty((len(values), _width(self.intervals), self.channels), dtype=np.float32)
        for rows, series in self._blocks(values, mask):
            read = self._read(series)
            features[rows] = self._ranks.quantiles(read).swapaxes(1, 2)
        return torch.from_numpy(features.reshape(len(values), -1)).to(values.device)

    @torch.no_grad()
    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> Float[Tensor, "batch outputs time channels"]:
        """Split ``(features - typical) @ weights.T`` exactly into one contribution per time step and channel.

        A quantile, relative to the typical one, belongs to the steps whose values it interpolates, and a difference in
        equal shares to its two steps. A frequency belongs to all steps equally; ``by_frequency`` tells frequencies
        apart. So does the rounding of features to float32, which large weights make visible.

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
        parts = np.zeros((len(values), len(weights), *values.shape[1:]))
        for rows, series, amounts, rounding in self._amounts(values, mask, weights, typical):
            length = series.shape[-1]
            by_step = np.zeros((len(weights), *series.shape)) + rounding[..., None] / length
            if self.reading == "values":
                by_step += amounts
            elif self.reading == "differences" and length > 1:
                by_step[..., 1:] += amounts / 2
                by_step[..., :-1] += amounts / 2
            else:
                by_step += amounts.sum(axis=-1, keepdims=True) / length
            parts[rows, :, :length] = by_step.transpose(1, 0, 3, 2)
        return torch.from_numpy(parts).to(values.device)

    @torch.no_grad()
    def by_frequency(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> list[Float[Tensor, "outputs frequencies channels"]]:
        """Split what the spectrum adds by frequency instead of time step; parameters as for ``contributions``.

        Returns
        -------
        list[Tensor]
            For each series of T steps, shape (outputs, T // 2, channels), float64; entry k is the frequency of k + 1
            cycles per series.
        """
        found = [torch.empty(0)] * len(values)
        for rows, _, amounts, _ in self._amounts(values, mask, weights, typical):
            for place, row in enumerate(rows.tolist()):
                found[row] = torch.from_numpy(amounts[:, place].transpose(0, 2, 1))
        return found

    def _amounts(self, values: Tensor, mask: Tensor, weights: Tensor, typical: Tensor) -> Iterator[tuple[Any, ...]]:
        """Split ``(features - typical) @ weights.T`` among the read numbers whose quantiles are the features.

        Yields row numbers, their values (batch, channels, time), the amounts (outputs, batch, channels, read), and what
        the rounding of the features to float32 adds (outputs, batch, channels).
        """
        by_quantile, usual = (
            numbers.double().cpu().numpy().reshape(-1, _width(self.intervals), self.channels)
            for numbers in (weights, typical)
        )
        for rows, series in self._blocks(values, mask):
            read = self._read(series)
            factors, levels = np.zeros((2, len(weights), *read.shape))
            rounding = np.zeros((len(weights), *read.shape[:2]))
            for one in self.intervals:
                steps, some = one.steps(read.shape[-1]), slice(one.first, one.first + one.quantiles)
                order = np.argsort(read[..., steps], axis=-1, kind="stable")
                own, at_ranks = by_quantile[:, some], _coefficients(one.quantiles, order.shape[-1])
                relative = at_ranks * (np.arange(one.quantiles) % 2)
                means = read[..., steps].mean(axis=-1, keepdims=True)
                typical_level = np.einsum("rq,oqc->ocr", at_ranks, own * usual[:, some])
                level = typical_level[:, None] + np.einsum("rq,oqc->ocr", relative, own)[:, None] * means
                _add_at(factors[..., steps], order, np.einsum("rq,oqc->ocr", at_ranks, own)[:, None])
                _add_at(levels[..., steps], order, level)
                found = _quantiles(read[..., steps], one.quantiles)
                rounding += np.einsum("bcq,oqc->obc", found.astype(np.float32) - found, own)
            yield rows, series, factors * read - levels, rounding

    def _blocks(self, values: Tensor, mask: Tensor) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield series of equal length: row numbers, and values of shape (batch, channels, time)."""
        lengths = lengths_of(mask).cpu().numpy()
        for length in np.unique(lengths).tolist():
            same = np.flatnonzero(lengths == length)
            at_once = max(1, VALUES_AT_ONCE // (length * self.channels))
            for start in range(0, len(same), at_once):
                rows = same[start : start + at_once]
                some = values[torch.from_numpy(rows).to(values.device), :length].transpose(1, 2)
                yield rows, some.double().cpu().contiguous().numpy()

    def alike(self, length: int) -> Sequence[Alike]:
        """Return the intervals of a series of some length, together if they are alike, so that few calls sort all."""
        groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for one in self.intervals:
            steps = one.steps(length)
            groups.setdefault((steps.stop - steps.start, one.quantiles), []).append((steps.start, one.first))
        found = []
        for (count, quantiles), places in groups.items():
            starts, firsts = np.array(places).T[..., None]
            found.append((starts + np.arange(count), firsts + np.arange(quantiles)))
        return found

    def _read(self, series: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values, differences or spectrum of series, shape (batch, channels, read steps)."""
        length = series.shape[-1]
        if self.reading == "values":
            return series
        if self.reading == "differences":
            return np.diff(series, axis=-1) if length > 1 else np.zeros_like(series)
        found = np.abs(np.fft.rfft(series, axis=-1)[..., 1:]) / np.sqrt(length)
        magnitudes: NDArray[np.float64] = found if found.shape[-1] else np.zeros((*series.shape[:-1], 1))
        return magnitudes


def _add_at(steps: Any, order: NDArray[np.int64], of_ranks: NDArray[np.float64]) -> None:
    """Add numbers of ranks, shape (outputs, 1 or batch, channels, ranks), to the steps with these ranks."""
    own = np.zeros((len(of_ranks), *order.shape))
    np.put_along_axis(own, order[None], np.broadcast_to(of_ranks, own.shape), axis=-1)
    steps += own


def _width(intervals: list[Interval]) -> int:
    return intervals[-1].first + intervals[-1].quantiles


def _quantiles(read: NDArray[np.float64], quantiles: int) -> NDArray[np.float64]:
    """Return evenly spaced quantiles over the last axis, every second relative to the mean; one is the median."""
    ordered = np.sort(read, axis=-1)
    below, above, share = quantile_ranks(quantiles, ordered.shape[-1])
    found = ordered[..., below] * (1 - share) + ordered[..., above] * share
    if quantiles > 1:
        found[..., 1::2] -= np.add.reduce(ordered, axis=-1, keepdims=True) / ordered.shape[-1]
    return np.asarray(found)


@lru_cache(maxsize=1024)
def quantile_ranks(quantiles: int, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the ranks of the sorted values around each quantile, and the share of the upper one."""
    positions = np.linspace(0, 1, quantiles) * (steps - 1) if quantiles > 1 else np.array([0.5 * (steps - 1)])
    below = positions.astype(np.int64)
    return below, np.minimum(below + 1, steps - 1), positions - below


def _coefficients(quantiles: int, steps: int) -> NDArray[np.float64]:
    """Return the matrix that turns sorted values into quantiles, shape (steps, quantiles); each column sums to 1."""
    below, above, share = quantile_ranks(quantiles, steps)
    matrix = np.zeros((steps, quantiles))
    columns = np.arange(quantiles)
    np.add.at(matrix, (below, columns), 1 - share)
    np.add.at(matrix, (above, columns), share)
    return matrix
