"""The encoder ``blocks``: several blocks of fixed features under one head in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from limelight.errors import ParameterError
from limelight.parts.encoders.base import Encoder, TrainingSummary, register_encoder

BlockName = Literal[
    "rocket", "rocket_differences", "hydra", "shapelets", "quantiles", "quantiles_differences", "spectrum"
]
BLOCK_NAMES: tuple[BlockName, ...] = get_args(BlockName)


@register_encoder
@dataclass
class Blocks(Encoder):
    """MiniRocket, Hydra, shapelets, quantiles and spectrum side by side, weighted by leave-one-out, one linear head.

    Nothing in it is trained step by step: the weight of each block and the head are chosen in closed form, by
    leave-one-out on the training series. Every feature belongs to steps, so that every prediction is a sum over them.
    It pools by itself (``ppv``); metadata can join ``late`` only.

    Parameters
    ----------
    blocks
        Names of the blocks to choose from, at least one: ``"rocket"`` (MiniRocket) and ``"rocket_differences"``,
        ``"hydra"``, ``"shapelets"`` (distances to stretches of training series), ``"quantiles"`` and
        ``"quantiles_differences"``, ``"spectrum"``; ``"auto"`` takes all. The fitted model has those with a weight
        above 0.
    features
        Features of MiniRocket, on the values and again on the differences between steps, 84 to 1,000,000, rounded down
        to a multiple of 84; ``"auto"`` takes 10,000 up to 1,000 training series and 2,000 beyond.
    groups
        Groups of competing kernels for each dilation of Hydra, 2 to 1,000; ``"auto"`` takes 64 up to 1,000 training
        series and 16 beyond.
    shapelets
        Groups of eight shapelets for each distance between their steps, 1 to 1,000; ``"auto"`` takes 64 up to 1,000
        training series and 16 beyond. The model contains these stretches, each of up to 21 values of a training series.
    depth
        Levels of dyadic intervals, 1 to 12.
    length
        Steps of a long series, at least 1: the largest dilation spans it; ``"auto"`` takes the longest of the training.

    Source
    ------
    Dempster, Schmidt and Webb: MiniRocket, 2021; Hydra, 2023; QUANT, 2024. Guillaume, Vrain and Elloumi: RDST, 2022.

    Example
    -------
    >>> Blocks(blocks=["hydra"]).resolve(TrainingSummary(typical_length=80, longest=96, series=5_000))
    Blocks(blocks=['hydra'], features=2000, groups=16, shapelets=16, depth=6, length=96)
    """

    name = "blocks"
    network = "limelight.nn.blocks:BlocksEncoder"
    closed_form = True
    pools = True
    answers_steps = False
    has_evidence = True
    fusions = ("late",)
    fixed_parts = MappingProxyType({"pooling": "ppv", "head": "linear", "context": "one_hot"})
    blocks: Annotated[list[BlockName], Field(min_length=1)] | Literal["auto"] = "auto"
    features: Annotated[int, Field(ge=84, le=1_000_000)] | Literal["auto"] = "auto"
    groups: Annotated[int, Field(ge=2, le=1_000)] | Literal["auto"] = "auto"
    shapelets: Annotated[int, Field(ge=1, le=1_000)] | Literal["auto"] = "auto"
    depth: Annotated[int, Field(ge=1, le=12)] = 6
    length: Annotated[int, Field(ge=1, le=1_000_000_000)] | Literal["auto"] = "auto"

    MANY: ClassVar[int] = 1_000

    @property
    def resolution(self) -> int:
        """The length of the convolutions at the smallest dilation."""
        return 9

    def resolve(self, summary: TrainingSummary) -> Blocks:
        """Return the same encoder with every size derived from the number and the length of the training series."""
        few = summary.series <= self.MANY
        usual: dict[str, Any] = {
            "blocks": list(BLOCK_NAMES),
            "features": 10_000 if few else 2_000,
            "groups": 64 if few else 16,
            "shapelets": 64 if few else 16,
            "length": summary.longest,
        }
        return Blocks(**{name: usual[name] if size == "auto" else size for name, size in self.get_params().items()})

    def network_arguments(self) -> dict[str, Any]:
        """Return the keywords that build the network; all blocks if none are named."""
        arguments = {**self.get_params(), "blocks": list(BLOCK_NAMES) if self.blocks == "auto" else self.blocks}
        if "shapelets" not in arguments["blocks"]:  # models from before there were any have no number of them
            del arguments["shapelets"]
        return arguments

    def with_blocks(self, names: Sequence[str]) -> Blocks:
        """Return the same encoder with some of its blocks only."""
        return replace(self, blocks=list(names))  # type: ignore[arg-type]

    def describe(self) -> str:
        """Describe the encoder in a few words: its name and its blocks."""
        return f"{self.name} ({self.blocks if isinstance(self.blocks, str) else ', '.join(self.blocks)})"

    def _check_together(self) -> None:
        if len(set(self.blocks)) < len(self.blocks) and self.blocks != "auto":
            raise ParameterError(
                f"{self.name!r}: expected blocks without repetition, got {self.blocks}; name each block once"
            )
