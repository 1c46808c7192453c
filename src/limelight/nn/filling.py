"""Missing values of a batch, filled in inside the network, so that training and serving cannot differ."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Filling(nn.Module):
    """Put a number where a value is missing (NaN); padding becomes 0.

    Values come standardised, so that 0 is the mean of the training.

    Parameters
    ----------
    way
        ``"mean"``: 0. ``"last"``: the last known value of the channel, 0 before the first. ``"linear"``: on the line
        between the neighbours that are known, beyond the first and the last of them the nearest, 0 where nothing is
        known. ``"mask"``: 0, and one channel more for each channel, 1 where its value was missing, else 0.
    channels
        Of the series, at least 1.

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

    def __init__(self, way: str, channels: int) -> None:
        super().__init__()
        self.way = way
        self.width = 2 * channels if way == "mask" else channels

    def forward(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        elapsed: Float[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time width"]:
        """Fill values, shape (batch, time, channels), to shape (batch, time, width)."""
        real = mask[:, :, None]
        known = real & ~values.isnan()
        filled = values.where(known, 0.0)
        if self.way == "last":
            filled = _last_known(filled, known)
        elif self.way == "linear":
            filled = _between_neighbours(filled, known, _positions(mask, elapsed))
        filled = filled.where(real, 0.0)
        return torch.cat([filled, (real & ~known).to(filled.dtype)], dim=2) if self.way == "mask" else filled


def _last_known(filled: Tensor, known: Tensor) -> Tensor:
    before = _last_index(known)
    return filled.gather(1, before.clamp(min=0)).where(before >= 0, 0.0)


def _between_neighbours(filled: Tensor, known: Tensor, positions: Tensor) -> Tensor:
    end = known.shape[1] - 1
    before, after = _last_index(known), end - _last_index(known.flip(1)).flip(1)
    has_before, has_after = before >= 0, after <= end
    before = torch.where(has_before, before, after).clamp(max=end)
    after = torch.where(has_after, after, before)
    positions = positions[:, :, None].expand(before.shape)
    start, stop = positions.gather(1, before), positions.gather(1, after)
    share = ((positions - start) / (stop - start).where(stop > start, 1.0)).clamp(0, 1).to(filled.dtype)
    left, right = filled.gather(1, before), filled.gather(1, after)
    # Not left + share * (right - left): a known value must come out as it went in.
    return filled.where(known, (1 - share) * left + share * right)


def _last_index(known: Tensor) -> Tensor:
    """Return for each step the index of the last known step of its channel up to it, -1 if there is none."""
    steps = torch.arange(known.shape[1], device=known.device)[None, :, None]
    return torch.where(known, steps, -1).cummax(dim=1).values


def _positions(mask: Tensor, elapsed: Tensor | None) -> Tensor:
    """Place every step on its clock, or on the step numbers, in float64 where the device has it."""
    steps = torch.ones_like(mask, dtype=torch.float32) if elapsed is None else elapsed
    return steps.to(torch.float32 if mask.device.type == "mps" else torch.float64).cumsum(dim=1)
