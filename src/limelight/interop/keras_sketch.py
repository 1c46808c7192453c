"""The values on the way through a Keras model, and the sketch of the same network in limelight's parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.interop.keras_files import KerasLayer, LayerArrays

Numbers = NDArray[np.float64]


class LayerError(Exception):
    """The reason why a layer has no counterpart; always caught, and listed with those of the other layers."""


@dataclass(frozen=True)
class Columns:
    """The known columns of a tensor, (batch, columns) or (batch, time, columns).

    Parameters
    ----------
    parts
        Where the columns come from, and how many there are of each: ``"values"``, ``"features 1"`` (of the first
        recurrent layer), ``"pooled"``, ``"category machine"``, ``"number age"`` or ``"number layer"``.
    scale, shift
        The columns are these sources, scaled and shifted; shape (columns,).
    steps
        Whether there is a time axis.
    masked
        Whether some steps are skipped.
    """

    parts: tuple[tuple[str, int], ...]
    scale: Numbers
    shift: Numbers
    steps: bool = False
    masked: bool = False

    @classmethod
    def of(cls, source: str, width: int, *, steps: bool = False, masked: bool = False) -> Columns:
        """Return the columns of one source, unchanged."""
        return cls(((source, width),), np.ones(width), np.zeros(width), steps, masked)

    @property
    def width(self) -> int:
        """The number of columns."""
        return sum(width for _, width in self.parts)

    def changed(self, scale: Numbers, shift: Numbers) -> Columns:
        """Return the columns after another scaling and shift."""
        return replace(self, scale=self.scale * scale, shift=self.shift * scale + shift)

    def only(self, kind: str) -> bool:
        """Whether all columns come from sources of one kind, such as ``"number"``."""
        return all(source.startswith(kind) for source, _ in self.parts)


@dataclass(frozen=True)
class MetadataInput:
    """A metadata input of the model: the code of a category, or numbers."""

    name: str
    width: int


@dataclass(frozen=True)
class Dense:
    """The weights of a dense layer, (inputs, units) and (units,), and its activation."""

    kernel: Numbers
    bias: Numbers
    activation: str


@dataclass(frozen=True)
class Stack:
    """Dense layers on top of some columns; ``scale`` and ``shift`` change what the last one returns."""

    base: Columns
    layers: tuple[Dense, ...]
    scale: Numbers
    shift: Numbers
    flat: bool = False


@dataclass(frozen=True)
class StepWeights:
    """Weights of steps that sum to 1; ``form`` names the axes: batch, time, one column (u) or columns (d)."""

    base: Columns
    layers: tuple[Dense, ...]
    form: str


@dataclass(frozen=True)
class Weighted:
    """Features of steps, multiplied by the weights of the steps."""

    weights: StepWeights


Value = Columns | MetadataInput | Stack | StepWeights | Weighted


@dataclass(frozen=True)
class Recurrent:
    """A recurrent layer: its cell, its settings, the columns that it reads, and its arrays by direction."""

    cell: str
    units: int
    activation: str
    reset_after: bool
    reads: Columns
    directions: tuple[LayerArrays, ...]


@dataclass
class Sketch:
    """What has been found on the way from the inputs to the output."""

    channels: int = 0
    steps: int | None = None
    scaling: tuple[Numbers, Numbers] | None = None
    mask_value: float | None = None
    recurrent: list[Recurrent] = field(default_factory=list)
    pooling: str = ""
    attention: StepWeights | None = None
    tables: dict[str, Numbers] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    number_scaling: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    number_layer: tuple[Columns, Dense] | None = None
    dropout: float = 0.0
    head_dropout: float = 0.0
    readers: Mapping[str, int] = field(default_factory=dict)

    def pool(self, base: Columns, kind: str) -> Columns:
        """Pool the features of the last recurrent layer; return the columns of the pooled vector."""
        if len(base.parts) > 1 or base.parts[0][0] != f"features {len(self.recurrent)}" or not self.recurrent:
            raise LayerError("it does not read the output of the last recurrent layer alone")
        if base.masked and kind != "last":
            raise LayerError("it follows a Masking layer")
        if self.pooling:
            raise LayerError("it is a second pooling of the steps")
        self.pooling = kind
        return replace(base, parts=(("pooled", base.width),), steps=False, masked=False)


def is_identity(scale: Numbers, shift: Numbers) -> bool:
    """Whether a scale and a shift change nothing."""
    return bool((scale == 1).all() and (shift == 0).all())


def as_columns(sketch: Sketch, value: Any) -> Columns:
    """Return the columns of a value; a metadata input that no embedding reads holds numbers."""
    if isinstance(value, MetadataInput):
        sketch.numbers[value.name] = value.width
        return Columns.of(f"number {value.name}", value.width)
    if not isinstance(value, Columns):
        raise LayerError("it reads what limelight cannot join: dense layers or weights of steps")
    return value


def shaped(layer: KerasLayer, *shapes: tuple[int, ...]) -> LayerArrays:
    """Return the arrays of a layer; raise LayerError if their shapes are not as stated."""
    found = tuple(array.shape for array in layer.arrays)
    if found != shapes:
        raise LayerError(f"expected weights of shape {list(shapes)}, got {list(found)}")
    return layer.arrays
