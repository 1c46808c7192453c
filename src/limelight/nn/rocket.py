"""MiniRocket: features from thousands of fixed convolutions; only the thresholds of the features are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor, nn

from limelight.errors import ParameterError
from limelight.nn.masking import lengths_of

TAPS = 9
KERNELS = 84
MAX_CHANNELS = 9
NEVER = -1e30
"""Added to the convolution outputs at steps that do not count, so that they are below every threshold."""
BLOCK = 20_000
"""Number of steps, over all series, processed at once, so that the convolution outputs stay in the cache."""
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
    """

    step: int
    thresholds: int
    start: int

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
    return [Dilation(*map(int, one)) for one in zip(steps, thresholds, starts, strict=True)]


class RocketEncoder(nn.Module):
    """Encodes a series as the shares of time in which fixed convolutions are above fitted thresholds.

    Each of the 84 kernels has nine weights: three are 2, the others -1. Half of the kernels of each dilation count over
    the whole series, with zero padding at both ends; the other half count only the steps at which the kernel lies
    within the series, or all steps if the series is shorter than the kernel.

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
        self.bits = int(np.log2(2**24 / (12 * min(channels, MAX_CHANNELS))))
        self.register_buffer("thresholds", torch.zeros(self.width))
        self.register_buffer("typical", torch.zeros(self.width))
        self.register_buffer("reads", torch.ones(len(self.plan), KERNELS, channels, dtype=torch.bool))
        self.register_buffer("taps", _kernel_weights(), persistent=False)

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
        self.reads.copy_(self._draw_channels(generator))
        quantiles = torch.arange(1, self.width + 1, dtype=torch.float64) * ((5**0.5 + 1) / 2) % 1
        lengths = lengths_of(mask)
        for place, one in enumerate(self.plan):
            rows = torch.randint(len(values), (KERNELS,), generator=generator).to(values.device)
            ends = lengths[rows]
            real = mask[rows, : int(ends.max())]
            series = self._prepare(values[rows, : int(ends.max())], real)
            weights = self._weights(place)[:, :-2]
            shifted = series.new_empty(weights.shape[1], *real.shape)
            _shift(series, one.step, shifted)
            outputs = torch.stack([weights[kernel] @ shifted[:, kernel] for kernel in range(KERNELS)])
            padded = outputs.masked_fill(~real, float("inf")).cpu().numpy()
            by_numpy = np.sort(padded, axis=1)  # torch sorts without vector instructions and is 13 times slower
            ordered = torch.from_numpy(by_numpy).to(values.device).double()
            positions = quantiles[one.features].view(KERNELS, -1).to(values.device) * (ends[:, None] - 1)
            below = positions.long()
            lower, upper = ordered.gather(1, below), ordered.gather(1, torch.minimum(below + 1, ends[:, None] - 1))
            thresholds = lower + (upper - lower) * (positions - below)
            self.thresholds[one.features] = thresholds.flatten().float()

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
        features = values.new_empty(len(values), self.width)
        buffer = np.empty(0, dtype=bool)
        for rows, series, lengths in self._blocks(values, mask):
            part = values.new_empty(self.width, len(rows))
            for place, kernels, outputs, totals in self._convolutions(series, lengths):
                one = self.plan[place]
                thresholds = self.thresholds[one.features].view(KERNELS, -1)[kernels]
                if buffer.size < thresholds.numel() * outputs[0].numel():
                    buffer = np.empty(thresholds.numel() * outputs[0].numel(), dtype=bool)
                shares = _count_above(outputs, thresholds, buffer) / totals[self._ends(place)][kernels, None]
                start = one.start + kernels.start * one.thresholds
                part[start : start + thresholds.numel()] = shares.flatten(0, 1)
            features[rows] = part.T
        return features

    @torch.no_grad()
    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
    ) -> Float[Tensor, "batch outputs time"]:
        """Split ``features @ weights.T`` into one contribution per time step.

        This is exact: each feature is a mean over time, and the head is linear.

        Parameters
        ----------
        values, mask
            As for ``forward``.
        weights
            Weights of a linear head on the features, shape (outputs, width).

        Returns
        -------
        Tensor
            The contribution of each step, at the centre of the kernels, to each output; 0 for padding; shape (batch,
            outputs, time). The sum over time is the logit without its intercept.
        """
        parts = values.new_zeros(len(values), len(weights), values.shape[1])
        for rows, series, lengths in self._blocks(values, mask):
            total = values.new_zeros(len(weights), len(rows), series.shape[2])
            for place, kernels, outputs, totals in self._convolutions(series, lengths):
                features = self.plan[place].features
                thresholds = self.thresholds[features].view(KERNELS, -1)[kernels]
                own = weights[:, features].reshape(len(weights), KERNELS, -1)[:, kernels]
                by_end = torch.stack([own * (self._ends(place)[kernels, None] == end) for end in (0, 1)]).flatten(0, 1)
                added = values.new_zeros(len(by_end), outputs[0].numel())
                above = torch.empty_like(outputs)
                for rank in range(thresholds.shape[1]):
                    torch.gt(outputs, thresholds[:, rank, None, None], out=above)
                    added.addmm_(by_end[:, :, rank], above.flatten(1))
                total += (added.view(2, *total.shape) / totals[:, None, :, None]).sum(dim=0)
            time = min(series.shape[2], values.shape[1])
            parts[rows, :, :time] = total.transpose(0, 1)[:, :, :time]
        return parts

    def _draw_channels(self, generator: torch.Generator) -> Tensor:
        """Draw 1 to 9 channels for each kernel of each dilation; small numbers are more likely."""
        channels = self.reads.shape[2]
        most = min(channels, MAX_CHANNELS)
        exponents = torch.rand(self.reads.shape[:2], generator=generator, dtype=torch.float64) * np.log2(most + 1)
        counts = (2**exponents).long().clamp(max=most)
        ranks = torch.rand(self.reads.shape, generator=generator, dtype=torch.float32).argsort(dim=-1).argsort(dim=-1)
        chosen: Tensor = ranks < counts[..., None]
        return chosen

    def _prepare(self, values: Tensor, mask: Tensor) -> Tensor:
        """Round values to the grid of their series, with padding 0 and time last, shape (batch, channels, time)."""
        real = values.masked_fill(~mask[:, :, None], 0)
        exponents = torch.frexp(real.abs().amax(dim=(1, 2))).exponent.clamp(min=-90)
        step = torch.ldexp(torch.ones_like(real[:, 0, 0]), exponents - self.bits)[:, None, None]
        return (torch.round(real / step) * step).transpose(1, 2).contiguous()

    def _blocks(self, values: Tensor, mask: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield blocks of series of similar length: row numbers, values and lengths.

        Time is cut or padded to a length that ``_count_above`` accepts.
        """
        lengths = lengths_of(mask)
        order = lengths.argsort(stable=True)
        start = 0
        while start < len(order):
            rows = order[start : start + max(1, BLOCK // int(lengths[order[start]]))]
            rows = rows[: max(1, BLOCK // int(lengths[rows[-1]]))]
            steps = int(lengths[rows[-1]])
            series = self._prepare(values[rows, :steps], mask[rows, :steps])
            yield rows, nn.functional.pad(series, (0, -steps % _word_steps(steps))), lengths[rows]
            start += len(rows)

    def _ends(self, place: int) -> Tensor:
        """Return for each kernel of a dilation 1 if it counts only steps within the series, else 0, alternating."""
        return (torch.arange(KERNELS, device=self.taps.device) + place) % 2

    def _weights(self, place: int) -> Tensor:
        """Return the kernel weights of a dilation per tap and channel, and for the two rows that mask steps."""
        weights = self.taps[:, :, None] * self.reads[place][:, None, :]
        return torch.cat([weights.flatten(1), nn.functional.one_hot(self._ends(place), 2)], dim=1)

    def _convolutions(self, series: Tensor, lengths: Tensor) -> Iterator[tuple[int, slice, Tensor, Tensor]]:
        """Yield the convolution outputs of a few kernels at a time, dilation by dilation.

        Each item is the index of the dilation, the kernels, their outputs, shape (kernels, batch, time), and the number
        of counted steps, shape (2, batch). Outputs at steps that do not count are far below every threshold. The next
        item overwrites the outputs.
        """
        batch, channels, time = series.shape
        steps = torch.arange(time, device=series.device)
        shifted = series.new_empty(TAPS * channels + 2, batch, time)
        shifted[-2] = NEVER * (steps >= lengths[:, None])
        at_once = max(1, min(KERNELS, KERNELS * BLOCK // (batch * time)))
        buffer = series.new_empty(at_once, batch * time)
        for place, one in enumerate(self.plan):
            _shift(series, one.step, shifted[:-2])
            reach = torch.where(lengths > one.reach * 2, one.reach, 0)
            shifted[-1] = NEVER * ((steps < reach[:, None]) | (steps >= (lengths - reach)[:, None]))
            totals = torch.stack([lengths, lengths - 2 * reach])
            weights, inputs = self._weights(place), shifted.flatten(1)
            for start in range(0, KERNELS, at_once):
                kernels = slice(start, min(start + at_once, KERNELS))
                outputs = torch.mm(weights[kernels], inputs, out=buffer[: kernels.stop - start])
                yield place, kernels, outputs.view(-1, batch, time), totals


def _kernel_weights() -> Tensor:
    """Return the weights of the 84 kernels, shape (84, 9)."""
    weights = np.full((KERNELS, TAPS), -1.0, dtype=np.float32)
    np.put_along_axis(weights, np.array(list(combinations(range(TAPS), 3))), 2.0, axis=1)
    return torch.from_numpy(weights)  # from NumPy, so that they exist on the meta device too: they are not saved


def _word_steps(steps: int) -> int:
    """Return the number of which ``_count_above`` needs the number of steps of a block to be a multiple."""
    return 8 * -(-steps // LANES)


def _shift(series: Float[Tensor, "batch channels time"], step: int, into: Float[Tensor, "rows batch time"]) -> None:
    """Write the inputs of every tap for every channel to ``into``, shape (9 · channels, batch, time)."""
    time = series.shape[2]
    reach = step * (TAPS // 2)
    padded = nn.functional.pad(series, (reach, reach)).transpose(0, 1)
    for tap, rows in enumerate(into.view(TAPS, -1, *into.shape[1:])):
        rows.copy_(padded[:, :, tap * step : tap * step + time])


def _count_above(
    outputs: Float[Tensor, "kernels batch time"],
    thresholds: Float[Tensor, "kernels thresholds"],
    buffer: NDArray[np.bool_],
) -> Int64[Tensor, "kernels thresholds batch"]:
    """Count the steps above each threshold; ``buffer`` is overwritten.

    On a CPU the comparison uses NumPy, because torch compares without vector instructions, and eight booleans are
    summed at once as one 64-bit word.
    """
    if outputs.device.type != "cpu":
        return _count_by_torch(outputs, thresholds)
    batch, time = outputs.shape[1:]
    above = buffer[: thresholds.numel() * batch * time].reshape(*thresholds.shape, batch * time)
    np.greater(outputs.flatten(1).numpy()[:, None], thresholds.numpy()[:, :, None], out=above)
    block = _word_steps(time)
    words = torch.from_numpy(above.view(np.int64)).view(*thresholds.shape, batch, block // 8, time // block)
    sums = words.sum(dim=-1)
    pairs = (sums & 0x00FF00FF00FF00FF) + ((sums >> 8) & 0x00FF00FF00FF00FF)
    counts: Tensor = (pairs * 0x0001000100010001) >> 48
    return counts.sum(dim=-1)


def _count_by_torch(outputs: Tensor, thresholds: Tensor) -> Tensor:
    return (outputs[:, None] > thresholds[:, :, None, None]).sum(dim=-1)
