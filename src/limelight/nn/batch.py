"""Batch: the tensors of some series, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


@dataclass
class Batch:
    """Series padded to the length of the longest, with a mask of the real steps.

    Parameters
    ----------
    values
        Raw measurements (the network scales them), NaN if missing, zero on padding, shape (batch, time, channels).
    mask
        True where a step is real; real steps come first, at least one in each row, shape (batch, time).
    targets
        Targets, -1 if unknown or padding, or None for prediction: the class of each series, shape (batch,), or 0 and 1
        for each label, shape (batch, labels); per step (batch, time) or (batch, time, labels).
    elapsed
        Time since the previous step, 0 at the first step and on padding, in seconds for a clock of dates, else in the
        unit of the clock, shape (batch, time); None if the network does not use the clock.
    categories
        Code of each categorical field, 0 if missing or not seen in training, shape (batch, fields); None if there are
        none, as for all that follow.
    numbers
        Raw numeric metadata, NaN if missing, shape (batch, numbers).
    tokens
        Codes of the words of each text from 1, 0 on padding, shape (batch, texts, words).
    signals
        Code of each side signal at each step, 0 if missing, not seen in training, or padding, shape (batch, time,
        signals).
    vectors
        The vector of each text, instead of tokens, NaN if missing or without a known word, shape (batch, texts, size).
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
