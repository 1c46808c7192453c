"""Batch: the tensors of some series, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


@dataclass
class Batch:
    """Series padded to the length of the longest, and which steps are real.

    Parameters
    ----------
    values
        Measurements as they came (the network scales them), NaN where one is missing, zero where padded, shape (batch,
        time, channels).
    mask
        True where a step is real; real steps come first, at least one in each row, shape (batch, time).
    targets
        Class of each series, or None when only predicting, shape (batch,).
    elapsed
        Time since the step before, 0 at the first step and where padded, in seconds for a clock of dates, else in the
        unit of the clock, shape (batch, time); None where the network does without.
    """

    values: Float[Tensor, "batch time channels"]
    mask: Bool[Tensor, "batch time"]
    targets: Int64[Tensor, " batch"] | None = None
    elapsed: Float[Tensor, "batch time"] | None = None

    def to(self, device: torch.device) -> Batch:
        """Give the same batch on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        elapsed = None if self.elapsed is None else self.elapsed.to(device)
        return Batch(self.values.to(device), self.mask.to(device), targets, elapsed)

    def __len__(self) -> int:
        return len(self.values)
