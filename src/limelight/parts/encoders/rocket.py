"""The encoder ``rocket``: fixed convolutions under a head in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from limelight.parts.encoders.base import Encoder, TrainingSummary, register_encoder


@register_encoder
@dataclass
class Rocket(Encoder):
    """MiniRocket: shares of time in which fixed convolutions are above fitted thresholds, under a linear head.

    Nothing in it is trained step by step: thresholds are quantiles of the training series, and the head is a ridge
    regression in closed form. It pools by itself (``ppv``); metadata can join ``late`` only.

    Parameters
    ----------
    features
        Number of features, 84 to 1,000,000, rounded down to a multiple of 84; ``"auto"`` takes 10,000 up to 1,000
        training series and 3,000 beyond, where the head takes longer than the encoder: in cross-validation 10,000 were
        no better there than 5,000, and 3,000 less than one percent worse.
    dilations
        Maximum number of different dilations, 1 to 1,000; ``"auto"`` takes the 32 of the paper, and 16 beyond 1,000
        series.
    length
        Steps of a long series, at least 1: the largest dilation spans it; ``"auto"`` takes the longest of the training.

    Source
    ------
    Dempster, Schmidt and Webb, MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series
    Classification, 2021.

    Example
    -------
    >>> Rocket().resolve(TrainingSummary(typical_length=80, longest=96, series=5_000))
    Rocket(features=3000, dilations=16, length=96)
    """

    name = "rocket"
    network = "limelight.nn.rocket:RocketEncoder"
    closed_form = True
    pools = True
    answers_steps = False
    has_evidence = True
    fusions = ("late",)
    fixed_parts = MappingProxyType({"pooling": "ppv", "head": "linear", "context": "one_hot"})
    features: Annotated[int, Field(ge=84, le=1_000_000)] | Literal["auto"] = "auto"
    dilations: Annotated[int, Field(ge=1, le=1_000)] | Literal["auto"] = "auto"
    length: Annotated[int, Field(ge=1, le=1_000_000_000)] | Literal["auto"] = "auto"

    MANY: ClassVar[int] = 1_000

    @property
    def resolution(self) -> int:
        """The length of the convolutions at the smallest dilation."""
        return 9

    def resolve(self, summary: TrainingSummary) -> Rocket:
        """Return the same encoder with every size derived from the number and the length of the training series."""
        few = summary.series <= self.MANY
        usual = {"features": 10_000 if few else 3_000, "dilations": 32 if few else 16, "length": summary.longest}
        return Rocket(**{name: usual[name] if size == "auto" else size for name, size in self.get_params().items()})

    def describe(self) -> str:
        """Describe the encoder in a few words: its name and the number of its features."""
        return f"{self.name} ({self.features})"
