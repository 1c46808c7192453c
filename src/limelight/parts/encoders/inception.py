"""The encoder ``inception``: parallel kernels, then dilated residual convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from limelight.parts.base import Share, Units
from limelight.parts.encoders.base import Encoder, SearchSpace, TrainingSummary, register_encoder

KernelSize = Annotated[int, Field(ge=1, le=64)]


@register_encoder
@dataclass
class Inception(Encoder):
    """Parallel kernels of several sizes on the values and their differences, then dilated residual convolutions.

    Batch normalisation counts real steps only, so that padding never changes an answer.

    Parameters
    ----------
    filters
        Width of every layer, 1 to 8192.
    depth
        Residual blocks, 0 to 8, of two convolutions each; the distance between the taps doubles from block to block.
    kernel_sizes
        Taps of the parallel kernels of the first layer, 1 to 64 each, multiplied by ``stride``.
    block_kernel_size
        Taps of the convolutions of a block, 1 to 64.
    stride
        Time steps for each step of features, at least 1; ``"auto"`` takes what leaves about 128 steps of the median
        training series, or, for a label at each step, at most 512.
    dropout
        Share of features set to zero behind the last block in training, in [0, 1).

    Source
    ------
    Ismail Fawaz et al., InceptionTime, 2020; Ismail-Fawaz et al., LITE, 2023, which also needs parallel kernels in the
    first layer only.

    Example
    -------
    >>> Inception().resolve(TrainingSummary(typical_length=500, longest=900)).stride
    4
    """

    name = "inception"
    network = "limelight.nn.inception:InceptionEncoder"
    training_defaults = MappingProxyType({"augmentation": ["scale", "warp", "mixup"], "label_smoothing": 0.1})
    filters: Units = 64
    depth: Annotated[int, Field(ge=0, le=8)] = 3
    kernel_sizes: Annotated[list[KernelSize], Field(min_length=1, max_length=8)] = field(
        default_factory=lambda: [3, 5, 9]
    )
    block_kernel_size: KernelSize = 5
    stride: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    dropout: Share = 0.1

    @property
    def resolution(self) -> int:
        """The smallest kernel of the first layer."""
        return min(self.kernel_sizes) * (1 if self.stride == "auto" else self.stride)

    def resolve(self, summary: TrainingSummary) -> Inception:
        """Return the same encoder with ``stride`` derived from the typical length of a series."""
        if self.stride != "auto":
            return self
        length = summary.typical_length
        stride = math.ceil(length / 512) if summary.by_step else max(1, round(length / 128))
        return replace(self, stride=stride)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Return what ``tune`` may vary: layers are residual blocks."""
        return {"units": "filters", "layers": "depth", "dropout": "dropout"}
