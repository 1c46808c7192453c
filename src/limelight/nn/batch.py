"""Batch: the tensors of some series, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

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
        The truth, -1 where it is not known or padded, or None when only predicting: the class of each series, shape
        (batch,), or 0 and 1 for each label, shape (batch, labels); of steps (batch, time) or (batch, time, labels).
    elapsed
        Time since the step before, 0 at the first step and where padded, in seconds for a clock of dates, else in the
        unit of the clock, shape (batch, time); None where the network does without.
    categories
        Code of each categorical fact about a series, 0 where it is missing or was not seen in training, shape (batch,
        fields); None where there are none, as for all that follow.
    numbers
        Numbers about a series as they came, NaN where one is missing, shape (batch, numbers).
    tokens
        Codes of the words of each text about a series, from 1, then 0 where padded, shape (batch, texts, words).
    signals
        Code of each side signal at each step, 0 where it is missing, was not seen in training, or is padded, shape
        (batch, time, signals).
    vectors
        The vector of each text about a series, in place of tokens, NaN where it is missing or no word of it is known,
        shape (batch, texts, size).
    """

    values: Float[Tensor, "batch time channels"]
    mask: Bool[Tensor, "batch time"]
    targets: Int64[Tensor, "batch ..."] | None = None
    elapsed: Float[Tensor, "batch time"] | None = None
    categories: Int64[Tensor, "batch fields"] | None = None
    numbers: Float[Tensor, "batch numbers"] | None = None
    tokens: Int64[Tensor, "batch texts words"] | None = None
    signals: Int64[Tensor, "batch time signals"] | None = None
    vectors: Float[Tensor, "batch texts size"] | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on another device."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: one.to(device) for name, one in tensors.items() if one is not None})

    def __len__(self) -> int:
        return len(self.values)
