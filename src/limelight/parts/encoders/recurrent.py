"""The encoders ``lstm`` and ``gru``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from limelight.errors import ParameterError
from limelight.parts.base import Share, Units
from limelight.parts.encoders.base import Encoder, SearchSpace, register_encoder

Activation = Literal["tanh", "relu"]


@dataclass
class _Recurrent(Encoder):
    network = "limelight.nn.recurrent:RecurrentEncoder"
    hidden_size: Units | Annotated[list[Units], Field(max_length=32)] = 64
    num_layers: Annotated[int, Field(ge=1, le=32)] = 1
    bidirectional: bool | Annotated[list[bool], Field(max_length=32)] = False
    dropout: Share = 0.0
    activation: Activation = "tanh"
    mask_value: FiniteFloat | None = None

    @property
    def sizes(self) -> list[int]:
        """The units of every layer, from the first to the last."""
        return self.hidden_size if isinstance(self.hidden_size, list) else [self.hidden_size] * self.num_layers

    def network_arguments(self) -> dict[str, Any]:
        """Return the cell, the sizes of all layers and the remaining parameters."""
        return {
            "cell": self.name,
            "sizes": self.sizes,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "activation": self.activation,
            "mask_value": self.mask_value,
        }

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Return what ``tune`` may vary: layers are recurrent ones."""
        return {"units": "hidden_size", "layers": "num_layers", "dropout": "dropout"}

    def _check_together(self) -> None:
        stated = self.hidden_size
        if isinstance(stated, list) and (not stated or self.num_layers not in (1, len(stated))):
            raise ParameterError(
                f"{self.name!r}: hidden_size={stated} names {len(stated)} layers and num_layers={self.num_layers}; "
                "give one size for all layers, or one size for each and leave num_layers out"
            )
        if isinstance(self.bidirectional, list) and len(self.bidirectional) != len(self.sizes):
            raise ParameterError(
                f"{self.name!r}: expected bidirectional as true, false or one of them for each of {len(self.sizes)} "
                f"layers, got {len(self.bidirectional)} of them; state one for each layer"
            )


@register_encoder
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
        Whether to read the series in both directions; features are then twice as wide. A list has a value per layer.
    dropout
        Share of features set to zero behind every layer in training, in [0, 1).
    activation
        Activation of the candidate and the cell, ``"tanh"`` or ``"relu"``; gates are always sigmoid. ``"relu"``, as in
        many articles, runs step by step in Python and is slower.
    mask_value
        Skip the steps whose inputs all have this value after scaling, as the layer ``Masking`` of Keras does; None
        skips none.

    Source
    ------
    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997.

    Example
    -------
    >>> LSTM(hidden_size=[100, 50]).sizes
    [100, 50]
    """

    name = "lstm"


@register_encoder
@dataclass
class GRU(_Recurrent):
    """Stacked gated recurrent units, one feature vector for each time step.

    Parameters
    ----------
    hidden_size, num_layers, bidirectional, dropout, activation, mask_value
        As for ``LSTM``.
    reset_after
        Whether the reset gate scales the recurrent part of the candidate after the matrix product, as in torch, or the
        state before it, as in the article; the latter runs step by step in Python and is slower.

    Source
    ------
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014.

    Example
    -------
    >>> GRU(hidden_size=32, num_layers=2).sizes
    [32, 32]
    """

    name = "gru"
    reset_after: bool = True

    def network_arguments(self) -> dict[str, Any]:
        """Return the arguments shared with ``LSTM``, and where the reset gate acts."""
        return {**super().network_arguments(), "reset_after": self.reset_after}
