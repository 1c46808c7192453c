"""The encoder ``dilated``: its parameters, and what limelight needs to know about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from limelight.parts.base import Share, Units
from limelight.parts.encoders import Encoder, SearchSpace, TrainingSummary, register_encoder
from limelight.parts.ranges import Range


@register_encoder
@dataclass
class Dilated(Encoder):
    """Causal convolutions whose taps are further apart from layer to layer.

    Parameters
    ----------
    filters
        Width of every convolution, 1 to 8192.
    depth
        Number of convolutions, 1 to 16.
    kernel_size
        Taps of a convolution, 2 to 32.
    growth
        Factor between the distances of the taps in consecutive layers, 1 to 64; ``"auto"`` takes the smallest with
        which the last layer sees a whole training series of typical length.
    dropout
        Share of features set to zero after each convolution in training, in [0, 1).

    Example
    -------
    >>> Dilated().resolve(TrainingSummary(typical_length=100, longest=120)).growth
    7
    """

    name = "dilated"
    network = "outside.dilated_network:DilatedEncoder"
    filters: Units = 32
    depth: Annotated[int, Field(ge=1, le=16)] = 3
    kernel_size: Annotated[int, Field(ge=2, le=32)] = 3
    growth: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    dropout: Share = 0.1

    def resolve(self, summary: TrainingSummary) -> Dilated:
        """Return the same encoder with ``growth`` derived from the typical length of a series."""
        if self.growth != "auto":
            return self
        seen = ((growth, self._steps_seen(growth)) for growth in range(1, 65))
        return replace(self, growth=next((growth for growth, steps in seen if steps >= summary.typical_length), 64))

    def _steps_seen(self, growth: int) -> int:
        distances: list[int] = [growth**layer for layer in range(self.depth)]
        return 1 + (self.kernel_size - 1) * sum(distances)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Return what ``tune`` may vary; the kernel size is a parameter of this encoder alone."""
        return {"units": "filters", "layers": "depth", "dropout": "dropout", "kernel_size": Range(2, 8, whole=True)}
