"""Features of fixed convolutions and quantiles over the last steps of a stream, carried from step to step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from limelight.nn.blocks import DifferencesOf
from limelight.nn.hydra import HydraBlock
from limelight.nn.quantiles import QuantileBlock
from limelight.nn.rocket import RocketEncoder
from limelight.nn.shapelets import ShapeletBlock
from limelight.nn.value_grid import Singles
from limelight.streaming.computed_anew import ComputedAnew
from limelight.streaming.sliding_hydra import SlidingHydra
from limelight.streaming.sliding_quantiles import SlidingQuantiles
from limelight.streaming.sliding_rocket import SlidingRocket
from limelight.streaming.sliding_shapelets import SlidingShapelets

MOST_SLIDING_CHANNELS = 64
"""Kernels of more channels are not unrolled into one matrix for each dilation."""


class SlidingFeatures(Protocol):
    """Features of the last steps of a stream."""

    def another(self) -> SlidingFeatures:
        """Return the same features for another stream; what does not change with the steps is shared."""

    def restart(self, steps: Singles) -> None:
        """Compute what is carried from all steps of the window, shape (steps, channels)."""

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Update what is carried for a window whose last step is new, and whose first was dropped if ``dropped``."""

    def features(self, steps: Singles) -> Singles:
        """Return the features of the window, shape (width,)."""


def sliding_features(block: Any, window: int) -> SlidingFeatures:
    """Build what carries the features of a block over a window.

    Parameters
    ----------
    block
        A block of fixed features. Those of ``SLIDING`` are carried, and quantiles of few channels that do not read the
        spectrum; others compute their features anew at every step.
    window
        The most steps in the window, at least 2.
    """
    if isinstance(block, QuantileBlock):
        carried = block.reading != "spectrum" and block.channels <= MOST_SLIDING_CHANNELS
        return SlidingQuantiles(block, window) if carried else ComputedAnew(block)
    build = SLIDING.get(type(block))
    return ComputedAnew(block) if build is None else build(block, window)


def can_slide(block: Any) -> bool:
    """Whether a block, if its features are carried, evaluates kernels at every step and reads few channels."""
    own = getattr(block, "block", block)  # what reads the differences between steps
    if type(own) not in SLIDING:
        return True
    strides = own.strides if hasattr(own, "strides") else [one.stride for one in own.plan]
    return own.reads.shape[-1] <= MOST_SLIDING_CHANNELS and set(strides) == {1}


SLIDING: Mapping[type, Callable[[Any, int], SlidingFeatures]] = MappingProxyType(
    {
        RocketEncoder: SlidingRocket,
        DifferencesOf: lambda block, window: SlidingRocket(block.block, window, differences=True),
        HydraBlock: SlidingHydra,
        ShapeletBlock: SlidingShapelets,
    }
)
"""How the features of a block of kernels are carried, by its class."""
