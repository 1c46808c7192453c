"""Batch: the tensors of several series, padded to the same length."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


@dataclass
class Batch:
    """Series padded to the length of the longest, with a mask of the real steps.

    The fields for metadata and side signals are None if there are no fields of that kind.

    Parameters
    ----------
    values
        Unscaled values (the network scales them), NaN if missing, zero for padding, shape (batch, time, channels).
    mask
        True for real steps, which come first, at least one in each row; shape (batch, time).
    targets
        True codes, -1 if unknown or padding; None in prediction. The class of each series, shape (batch,), or 0 and 1
        for each label, shape (batch, labels); with per-step labels shape (batch, time) or (batch, time, labels).
    elapsed
        Time since the previous step, 0 at the first step and for padding, in seconds for a clock of dates, else in the
        unit of the clock, shape (batch, time); None if the network does not read the clock.
    categories
        Code of each categorical metadata field, 0 if missing or not seen in training, shape (batch, fields).
    numbers
        Unscaled numbers of the metadata, NaN if missing, shape (batch, numbers).
    tokens
        Codes of the words of each text field, from 1, padded with 0, shape (batch, texts, words).
    signals
        Code of each side signal at each step, 0 if missing, not seen in training, or padding, shape (batch, time,
        signals).
    vectors
        The vector of each text field, used instead of tokens; NaN if the text is missing or contains no known word,
        shape (batch, texts, size).
    weights
        How much each series counts in the loss, shape (batch,); None weights all alike.
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
    weights: Float[Tensor, " batch"] | None = None

    def to(self, device: torch.device) -> Batch:
        """Copy the batch to a device."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: one.to(device) for name, one in tensors.items() if one is not None})

    def __len__(self) -> int:
        return len(self.values)
