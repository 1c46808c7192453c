"""Heads: compute logits from one vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from limelight.parts.base import Part, Share, Units


@dataclass
class MLPHead(Part):
    """Hidden layers, one by default, followed by a linear layer for the logits.

    Parameters
    ----------
    hidden_size
        Units of the hidden layer, 1 to 8192; a list gives one size for each of up to 8 layers.
    dropout
        Share of hidden units set to zero in training, in [0, 1).
    activation
        Activation of the hidden layers, ``"relu"`` or ``"tanh"``.

    Example
    -------
    >>> MLPHead(hidden_size=[32, 16]).sizes
    [32, 16]
    """

    name = "mlp"
    hidden_size: Units | Annotated[list[Units], Field(min_length=1, max_length=8)] = 64
    dropout: Share = 0.1
    activation: Literal["relu", "tanh"] = "relu"

    @property
    def sizes(self) -> list[int]:
        """The units of every hidden layer, from the first to the last."""
        return self.hidden_size if isinstance(self.hidden_size, list) else [self.hidden_size]


@dataclass
class LinearHead(Part):
    """One linear layer from the pooled features to the logits, as in the networks of the articles."""

    name = "linear"


HEADS: Mapping[str, type[Part]] = MappingProxyType({part.name: part for part in (MLPHead, LinearHead)})
