"""Blocks of fixed features side by side: every feature belongs to steps of a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limelight.nn.fixed_features import share_differences
from limelight.nn.hydra import HydraBlock
from limelight.nn.quantiles import QuantileBlock, Reading
from limelight.nn.rocket import RocketEncoder
from limelight.nn.shapelets import ShapeletBlock


class DifferencesOf(nn.Module):
    """Computes the features of another block on the differences between steps; the first difference is 0.

    Parameters
    ----------
    block
        The block, with ``fit``, ``forward``, ``contributions`` and ``width`` as ``RocketEncoder``.
    """

    def __init__(self, block: RocketEncoder) -> None:
        super().__init__()
        self.block = block
        self.width = block.width

    def fit(self, values: Tensor, mask: Tensor, generator: torch.Generator) -> None:
        """Fit the block to the differences; parameters as for ``RocketEncoder.fit``."""
        self.block.fit(_differences(values), mask, generator)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Compute the features of the differences; parameters as for ``RocketEncoder.forward``."""
        features: Tensor = self.block(_differences(values), mask)
        return features

    def contributions(self, values: Tensor, mask: Tensor, weights: Tensor, typical: Tensor) -> Tensor:
        """Split the logits as ``RocketEncoder.contributions``; the two steps of a difference share it equally."""
        parts = self.block.contributions(_differences(values), mask, weights, typical)
        shared = share_differences(parts[:, :, 1:])
        shared[:, :, 0] += parts[:, :, 0]
        return shared


def _differences(values: Float[Tensor, "batch time channels"]) -> Float[Tensor, "batch time channels"]:
    return nn.functional.pad(values.diff(dim=1), (0, 0, 1, 0))


class Sizes(NamedTuple):
    """Sizes of the blocks of a ``BlocksEncoder``, which describes them."""

    channels: int
    length: int
    features: int
    groups: int
    depth: int
    shapelets: int

    def rocket(self) -> RocketEncoder:
        """Build MiniRocket."""
        return RocketEncoder(self.channels, self.length, self.features)

    def quantiles(self, reading: Reading) -> QuantileBlock:
        """Build the quantiles of values, differences or the spectrum."""
        return QuantileBlock(self.channels, self.length, reading, self.depth)


BLOCKS: Mapping[str, Callable[[Sizes], Any]] = {
    "rocket": lambda sizes: sizes.rocket(),
    "rocket_differences": lambda sizes: DifferencesOf(sizes.rocket()),
    "hydra": lambda sizes: HydraBlock(sizes.channels, sizes.length, sizes.groups),
    "shapelets": lambda sizes: ShapeletBlock(sizes.channels, sizes.length, sizes.shapelets),
    "quantiles": lambda sizes: sizes.quantiles("values"),
    "quantiles_differences": lambda sizes: sizes.quantiles("differences"),
    "spectrum": lambda sizes: sizes.quantiles("spectrum"),
}
"""How each block is built, by name."""


class BlocksEncoder(nn.Module):
    """Encodes a series by several blocks of fixed features, side by side.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    length
        Number of steps of a typical long series, at least 1. Series may have any length.
    blocks
        Names of the blocks, see ``BLOCKS``.
    features
        Number of features of each ``rocket`` block, at least 84.
    groups
        Number of groups of the ``hydra`` block for each dilation, at least 2.
    depth
        Number of levels of the intervals of the ``quantiles`` blocks and the ``spectrum``, at least 1.
    shapelets
        Number of groups of eight shapelets of the ``shapelets`` block for each dilation, at least 1.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Attributes
    ----------
    spans
        The columns of each block among the features, by name.
    typical
        The mean features of the training series, shape (width,). Set by the code that fits the head; not used in
        predictions.

    Example
    -------
    >>> encoder = BlocksEncoder(channels=1, length=100, blocks=("rocket", "spectrum"), features=840)
    >>> encoder.spans
    {'rocket': slice(0, 840, None), 'spectrum': slice(840, 956, None)}
    """

    typical: Tensor

    def __init__(
        self,
        channels: int,
        length: int,
        blocks: Sequence[str] = tuple(BLOCKS),
        features: int = 10_000,
        groups: int = 64,
        depth: int = 6,
        shapelets: int = 64,
    ) -> None:
        super().__init__()
        sizes = Sizes(channels, length, features, groups, depth, shapelets)
        built = {name: BLOCKS[name](sizes) for name in blocks}
        self.blocks = nn.ModuleDict(built)
        self.spans: dict[str, slice] = {}
        self.width = 0
        for name, block in built.items():
            self.spans[name] = slice(self.width, self.width + block.width)
            self.width += block.width
        self.register_buffer("typical", torch.zeros(self.width))

    def fit(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"], generator: torch.Generator
    ) -> None:
        """Fit what the blocks draw or choose; parameters as for ``RocketEncoder.fit``."""
        for block in self._modules_of_blocks():
            block.fit(values, mask, generator)

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch width"]:
        """Compute the features of every block.

        Parameters
        ----------
        values
            Standardised values without NaN, shape (batch, time, channels).
        mask
            True for real steps, which come first, at least one in each row; shape (batch, time).

        Returns
        -------
        Tensor
            Shape (batch, width).
        """
        return torch.cat([block(values, mask) for block in self._modules_of_blocks()], dim=1)

    def contributions(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> Float[Tensor, "batch outputs time channels"]:
        """Split ``(features - typical) @ weights.T`` exactly into one contribution per time step and channel.

        Parameters
        ----------
        values, mask
            As for ``forward``.
        weights
            Weights of a linear head on the features, shape (outputs, width).
        typical
            Features to compare with, such as the mean of the training series, shape (width,).

        Returns
        -------
        Tensor
            Shape (batch, outputs, time, channels), 0 for padding.
        """
        parts = values.new_zeros(len(values), len(weights), *values.shape[1:], dtype=torch.float64)
        for span, block in zip(self.spans.values(), self._modules_of_blocks(), strict=True):
            parts += block.contributions(values, mask, weights[:, span].contiguous(), typical[span])
        return parts

    @torch.no_grad()
    def by_frequency(
        self,
        values: Float[Tensor, "batch time channels"],
        mask: Bool[Tensor, "batch time"],
        weights: Float[Tensor, "outputs width"],
        typical: Float[Tensor, " width"],
    ) -> list[Float[Tensor, "outputs frequencies channels"]] | None:
        """Split what the block ``spectrum`` adds by frequency; None without this block.

        Parameters and returns as for ``QuantileBlock.by_frequency``.
        """
        if "spectrum" not in self.spans:
            return None
        span, block = self.spans["spectrum"], self.blocks["spectrum"]
        found: list[Tensor] = block.by_frequency(values, mask, weights[:, span].contiguous(), typical[span])  # type: ignore[operator]
        return found

    def _modules_of_blocks(self) -> list[Any]:
        return list(self.blocks.values())
