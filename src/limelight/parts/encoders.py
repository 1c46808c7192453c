"""Encoders: what turns a series into features, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from limelight.errors import ParameterError
from limelight.parts.base import Part, Share

Units = Annotated[int, Field(ge=1, le=8192)]
Activation = Literal["tanh", "relu"]


@dataclass
class _Recurrent(Part):
    hidden_size: Units | Annotated[list[Units], Field(max_length=32)] = 64
    num_layers: Annotated[int, Field(ge=1, le=32)] = 1
    bidirectional: bool = False
    dropout: Share = 0.0
    activation: Activation = "tanh"

    @property
    def sizes(self) -> list[int]:
        """The units of every layer, from the first to the last."""
        return self.hidden_size if isinstance(self.hidden_size, list) else [self.hidden_size] * self.num_layers

    def _check_together(self) -> None:
        stated = self.hidden_size
        if isinstance(stated, list) and (not stated or self.num_layers not in (1, len(stated))):
            raise ParameterError(
                f"{self.name!r}: hidden_size={stated} names {len(stated)} layers and num_layers={self.num_layers}; "
                "give one size for all layers, or one size for each and leave num_layers out"
            )


@dataclass
class LSTM(_Recurrent):
    """Stacked long short-term memory, one feature vector for each time step.

    Parameters
    ----------
    hidden_size
        Units of every layer and direction, 1 to 8192; a list gives one size for each layer.
    num_layers
        Layers on top of each other, 1 to 32.
    bidirectional
        Read the series in both directions; features are then twice as wide.
    dropout
        Share of features set to zero behind every layer in training, in [0, 1).
    activation
        Of the candidate and the cell, ``"tanh"`` or ``"relu"``; gates are always sigmoid. ``"relu"`` is what many
        articles print; it runs step by step in Python and is slower.

    Source
    ------
    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997.

    Example
    -------
    >>> LSTM(hidden_size=[100, 50]).sizes
    [100, 50]
    """

    name = "lstm"


@dataclass
class GRU(_Recurrent):
    """Stacked gated recurrent units, one feature vector for each time step.

    Parameters are those of ``LSTM``.

    Source
    ------
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014.

    Example
    -------
    >>> GRU(hidden_size=32, num_layers=2).sizes
    [32, 32]
    """

    name = "gru"


@dataclass
class ConvLSTM(Part):
    """Strided convolution, then an LSTM over its few steps: the fastest of the recurrent encoders.

    Parameters
    ----------
    filters
        Width of the convolutions, 1 to 8192.
    depth
        Convolutions on top of each other, 1 to 8; the first one strides.
    stride
        Time steps for each recurrent step, at least 1; ``"auto"`` takes what leaves about 32 recurrent steps of the
        median training series, or, for a label at each step, at most 512. On the sine waves 32 steps reach a validation
        F1 of 0.977 three times sooner than 64.
    hidden_size, bidirectional
        Of the LSTM, as there.
    dropout
        Share of features set to zero before and behind the LSTM in training, in [0, 1).

    Source
    ------
    The order of parts follows Karim et al., LSTM Fully Convolutional Networks for Time Series Classification, 2018,
    in sequence instead of side by side; the stride is ours.

    Example
    -------
    >>> ConvLSTM().for_length(500).stride
    16
    """

    name = "conv_lstm"
    filters: Units = 64
    depth: Annotated[int, Field(ge=1, le=8)] = 3
    stride: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    hidden_size: Units = 64
    bidirectional: bool = False
    dropout: Share = 0.1

    def for_length(self, typical_length: float, *, by_step: bool = False) -> ConvLSTM:
        """Give the same encoder with ``stride`` settled for series of a typical length in steps."""
        if self.stride != "auto":
            return self
        stride = math.ceil(typical_length / 512) if by_step else max(1, round(typical_length / 32))
        return ConvLSTM(**{**self.get_params(), "stride": stride})


@dataclass
class Rocket(Part):
    """MiniRocket: shares of time in which fixed convolutions are above fitted thresholds, under a linear head.

    Nothing in it is trained step by step: thresholds are quantiles of the training series, and the head is a ridge
    regression in closed form. It pools by itself (``ppv``); metadata can join ``late`` only.

    Parameters
    ----------
    features
        84 to 1,000,000, rounded down to a multiple of 84; ``"auto"`` takes 10,000 up to 1,000 training series and 3,000
        beyond, where the head takes longer than the encoder: in cross-validation 10,000 were no better there than
        5,000, and 3,000 less than one percent worse.
    dilations
        How many different ones at most, 1 to 1,000; ``"auto"`` takes the 32 of the paper, and 16 beyond 1,000 series.
    length
        Steps of a long series, at least 1: the largest dilation spans it; ``"auto"`` takes the longest of the training.

    Source
    ------
    Dempster, Schmidt and Webb, MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series
    Classification, 2021.

    Example
    -------
    >>> Rocket().for_series(5_000, longest=96)
    Rocket(features=3000, dilations=16, length=96)
    """

    name = "rocket"
    features: Annotated[int, Field(ge=84, le=1_000_000)] | Literal["auto"] = "auto"
    dilations: Annotated[int, Field(ge=1, le=1_000)] | Literal["auto"] = "auto"
    length: Annotated[int, Field(ge=1, le=1_000_000_000)] | Literal["auto"] = "auto"

    MANY: ClassVar[int] = 1_000

    def for_series(self, series: int, longest: int) -> Rocket:
        """Give the same encoder with every size settled for so many training series, the longest of so many steps."""
        few = series <= self.MANY
        usual = {"features": 10_000 if few else 3_000, "dilations": 32 if few else 16, "length": longest}
        return Rocket(**{name: usual[name] if size == "auto" else size for name, size in self.get_params().items()})


@dataclass
class Auto(Part):
    """``rocket`` or ``conv_lstm``, whichever answers training series better that were held out; the default.

    Parameters
    ----------
    time_budget
        About how many seconds on two cores may go into training ``conv_lstm`` to compare, at least 0. ``rocket`` is
        solved in a second or so and always tried; below 1,000 series without metadata or side signals nothing else is.
        With them ``conv_lstm`` is tried whatever it takes, as under the linear head of ``rocket`` facts cannot change
        what a series means.

    Source
    ------
    The choice is ours; ``limelight.training.auto`` says how it is made.
    """

    name = "auto"
    time_budget: Annotated[float, Field(ge=0.0)] = 60.0


ENCODERS: Mapping[str, type[Part]] = MappingProxyType({part.name: part for part in (Auto, ConvLSTM, LSTM, GRU, Rocket)})
