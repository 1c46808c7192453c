"""Heads: compute logits from one vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from limelight.parts.base import Part, Share, Units


@dataclass
class MLPHead(Part):
    """One hidden layer, followed by a linear layer for the logits.

    Parameters
    ----------
    hidden_size
        Units of the hidden layer, 1 to 8192.
    dropout
        Share of hidden units set to zero in training, in [0, 1).
    """

    name = "mlp"
    hidden_size: Units = 64
    dropout: Share = 0.1


@dataclass
class LinearHead(Part):
    """One linear layer from the pooled features to the logits, as in the networks of the articles."""

    name = "linear"


HEADS: Mapping[str, type[Part]] = MappingProxyType({part.name: part for part in (MLPHead, LinearHead)})
