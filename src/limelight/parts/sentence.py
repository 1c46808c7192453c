"""A whole network in words: encoder, pooling, head; and the sentences that have a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from limelight.errors import ParameterError, nearest
from limelight.parts.base import Part, make
from limelight.parts.encoders import ENCODERS, LSTM, ConvLSTM
from limelight.parts.heads import HEADS, LinearHead
from limelight.parts.poolings import POOLINGS, AttentionPooling, LastPooling

WORDS: Mapping[str, Mapping[str, type[Part]]] = MappingProxyType(
    {"encoder": ENCODERS, "pooling": POOLINGS, "head": HEADS}
)


@dataclass(frozen=True)
class Sentence:
    """The parts of one network, checked.

    Parameters
    ----------
    encoder, pooling, head
        One part of each kind.

    Example
    -------
    >>> Sentence.of(encoder="lstm", pooling="last", head="linear").describe()
    'lstm (64), last, linear'
    """

    encoder: Part
    pooling: Part
    head: Part

    @classmethod
    def of(cls, encoder: Any = "conv_lstm", pooling: Any = "attention", head: Any = "mlp") -> Sentence:
        """Make a sentence of names, JSON objects or parts; ParameterError if one of them is wrong."""
        return cls(
            make(encoder, ENCODERS, "encoder"),
            make(pooling, POOLINGS, "pooling"),
            make(head, HEADS, "head"),
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Sentence:
        """Read what ``to_json`` wrote, or a person in an experiment file; parts left out are the defaults."""
        for key in content:
            if key not in WORDS:
                raise ParameterError(f"a model has no part {key!r}{nearest(key, WORDS)}")
        return cls.of(**content)

    def to_json(self) -> dict[str, Any]:
        """Say every part with all its parameters."""
        return {word: getattr(self, word).to_json() for word in WORDS}

    def for_length(self, typical_length: float) -> Sentence:
        """Settle what depends on how long series typically are, in steps."""
        encoder = self.encoder
        if isinstance(encoder, ConvLSTM):
            encoder = encoder.for_length(typical_length)
        return Sentence(encoder, self.pooling, self.head)

    def describe(self) -> str:
        """Say the network in one line."""
        size = self.encoder.get_params().get("hidden_size")
        both = "bidirectional " if self.encoder.get_params().get("bidirectional") else ""
        return f"{both}{self.encoder.name} ({size}), {self.pooling.name}, {self.head.name}"


def _articles_lstm(**parameters: Any) -> Sentence:
    return Sentence(LSTM(activation="relu", **parameters), LastPooling(), LinearHead())


PRESETS: Mapping[str, Callable[[], Sentence]] = MappingProxyType(
    {
        "attention_bilstm": lambda: Sentence(
            LSTM(hidden_size=32, bidirectional=True), AttentionPooling(hidden_size=64), LinearHead()
        ),
        "lstm": lambda: _articles_lstm(hidden_size=50),
        "stacked_lstm": lambda: _articles_lstm(hidden_size=[100, 50], dropout=0.2),
        "bilstm": lambda: _articles_lstm(hidden_size=50, bidirectional=True),
    }
)


def preset(name: str) -> Sentence:
    """Give a network of the articles by name.

    Parameters
    ----------
    name
        ``"attention_bilstm"``, ``"lstm"``, ``"stacked_lstm"`` or ``"bilstm"``.

    Returns
    -------
    Sentence
        Its parts.

    Raises
    ------
    ParameterError
        If there is no such preset.

    Example
    -------
    >>> preset("attention_bilstm").describe()
    'bidirectional lstm (32), attention, linear'
    """
    if name not in PRESETS:
        raise ParameterError(f"there is no preset {name!r}{nearest(name, PRESETS)}")
    return PRESETS[name]()
