"""Filling of missing values inside the network, so that training and serving cannot differ."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Filling(nn.Module):
    """Fill missing values (NaN) with numbers; padding becomes 0.

    The values are standardised before, so 0 is the training mean.

    Parameters
    ----------
    strategy
        ``"mean"``: 0. ``"last"``: the last observed value of the channel, 0 before the first. ``"linear"``: linear
        interpolation between the neighbouring observed values, the nearest observed value at both ends, 0 if the
        channel has none. ``"mask"``: 0, and one extra channel per channel, 1 if the value is missing, else 0.
    channels
        Number of channels of the series, at least 1.

    Source
    ------
    Lipton, Kale and Wetzel, Modeling Missing Data in Clinical Time Series with RNNs, 2016 (mask). Che et al., Recurrent
    Neural Networks for Multivariate Time Series with Missing Values (GRU-D), 2018 (mean, last).

    Example
    -------
    >>> values = torch.tensor([[[1.0], [torch.nan], [4.0]]])
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> Filling("last", 1)(values, mask).flatten().tolist()
    [1.0, 1.0, 4.0]
    >>> Filling("linear", 1)(values, mask).flatten().tolist()
    [1.0, 2.5, 4.0]
    >>> Filling("linear", 1)(values, mask, torch.tensor([[0.0, 1.0, 2.0]])).flatten().tolist()
    [1.0, 2.0, 4.0]
    >>> Filling("mask", 1)(values, mask).tolist()
    [[[1.0, 0.0], [0.0, 1.0], [4.0, 0.0]]]
    """

    def __init__(self, strategy: str, channels: int) -> None:
        super().__init__()
        self.strategy = strategy
        self.width = 2 * channels if strategy == "mask" else channels

    def forward(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        elapsed: Float[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time width"]:
        """Fill values of shape (batch, time, channels); return shape (batch, time, width)."""
        real = mask[:, :, None]
        observed = real & ~values.isnan()
        filled = values.where(observed, 0.0)
        if self.strategy == "last":
            filled = _fill_forward(filled, observed)
        elif self.strategy == "linear":
            filled = _interpolate(filled, observed, _positions(mask, elapsed))
        filled = filled.where(real, 0.0)
        return torch.cat([filled, (real & ~observed).to(filled.dtype)], dim=2) if self.strategy == "mask" else filled


def _fill_forward(filled: Tensor, observed: Tensor) -> Tensor:
    before = _last_observed(observed)
    return filled.gather(1, before.clamp(min=0)).where(before >= 0, 0.0)


def _interpolate(filled: Tensor, observed: Tensor, positions: Tensor) -> Tensor:
    end = observed.shape[1] - 1
    before, after = _last_observed(observed), end - _last_observed(observed.flip(1)).flip(1)
    has_before, has_after = before >= 0, after <= end
    before = torch.where(has_before, before, after).clamp(max=end)
    after = torch.where(has_after, after, before)
    positions = positions[:, :, None].expand(before.shape)
    start, stop = positions.gather(1, before), positions.gather(1, after)
    share = ((positions - start) / (stop - start).where(stop > start, 1.0)).clamp(0, 1).to(filled.dtype)
    left, right = filled.gather(1, before), filled.gather(1, after)
    # Not left + share * (right - left), which for a share of 1 can differ from right by rounding.
    return filled.where(observed, (1 - share) * left + share * right)


def _last_observed(observed: Tensor) -> Tensor:
    """Return for each step and channel the index of the last observed step so far, or -1 if there is none."""
    steps = torch.arange(observed.shape[1], device=observed.device)[None, :, None]
    return torch.where(observed, steps, -1).cummax(dim=1).values


def _positions(mask: Tensor, elapsed: Tensor | None) -> Tensor:
    """Return the time of every step, or its number without a clock, in float64 if the device supports it."""
    steps = torch.ones_like(mask, dtype=torch.float32) if elapsed is None else elapsed
    return steps.to(torch.float32 if mask.device.type == "mps" else torch.float64).cumsum(dim=1)
