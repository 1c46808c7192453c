"""A whole network in words: encoder, pooling, head; and the sentences that have a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from limelight.errors import ParameterError, listing, nearest
from limelight.parts.base import Part, make
from limelight.parts.contexts import CONTEXTS, ContextEncoding, OneHotContext
from limelight.parts.encoders import ENCODERS, LSTM, ConvLSTM, Rocket
from limelight.parts.fusions import ATTENTION, read_fusion
from limelight.parts.heads import HEADS, LinearHead
from limelight.parts.poolings import (
    POOLINGS,
    AttentionPooling,
    LastPooling,
    MetadataAttentionPooling,
    NoPooling,
    ProportionPooling,
)

PART_KINDS: Mapping[str, Mapping[str, type[Part]]] = MappingProxyType(
    {"encoder": ENCODERS, "pooling": POOLINGS, "head": HEADS}
)
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "missing": ("auto", "error", "mask", "last", "linear", "mean"),
        "clock": ("auto", "order", "elapsed"),
    }
)
"""Plain words beside the parts, the default first."""
METADATA_OPTIONS = ("fusion", "context")
"""The words about metadata."""
_MEANING = {"missing": "a way to treat missing values", "clock": "a way to use the clock"}


@dataclass(frozen=True)
class Architecture:
    """The parts of one network and how it takes missing values, the clock and metadata, checked.

    Parameters
    ----------
    encoder, pooling, head
        One part of each kind.
    missing
        What stands for a missing value: ``"mean"`` the mean of its channel in training; ``"last"`` the last known value
        of the channel; ``"linear"`` what lies between its neighbours; ``"mask"`` the mean, and a channel more for each
        channel that says where values were missing; ``"error"`` refuses missing values. ``"auto"`` becomes ``"mask"``
        if values are missing in the training part (or ``"last"`` for ``rocket``, if that is better for series left
        out), else ``"error"``, which a network takes it for until it is settled.
    clock
        ``"elapsed"`` gives the network the time since the step before as a channel more; ``"order"`` lets it see the
        order of the steps alone. ``"auto"`` becomes ``"elapsed"`` if the clock of the training part is irregular, else
        ``"order"``, which a network takes it for until it is settled.
    fusion
        Where metadata join the network, one word or several: ``"repeat"`` beside the values of every step, ``"film"``
        scaling and shifting the features of the encoder, ``"late"`` beside the pooled vector; ``"attention"`` stands
        for the pooling ``metadata_attention`` and becomes it, so it is no longer among the words afterwards. Empty:
        nowhere. ``"auto"`` becomes ``"late"`` if there are metadata and the pooling does not read them, else empty,
        which a network takes it for until it is settled.
    context
        What turns metadata and side signals into vectors.

    Raises
    ------
    ParameterError
        If ``missing``, ``clock`` or ``fusion`` is another word, or the fusion ``"attention"`` comes with a pooling that
        is no attention.

    Example
    -------
    >>> Architecture.of(encoder="lstm", pooling="last", head="linear", missing="mask").describe()
    'lstm (64), last, linear; missing values: mask'
    """

    encoder: Part
    pooling: Part
    head: Part
    missing: str = "auto"
    clock: str = "auto"
    fusion: tuple[str, ...] | str = "auto"
    context: Part = field(default_factory=ContextEncoding)

    def __post_init__(self) -> None:
        for name, known in OPTIONS.items():
            word = getattr(self, name)
            if word not in known:
                raise ParameterError(f"expected {_MEANING[name]}, got {name}={word!r}{nearest(word, known)}")
        words = read_fusion(self.fusion)
        if ATTENTION in words:
            object.__setattr__(self, "pooling", _reading_metadata(self.pooling))
        fusion = "auto" if words == ("auto",) else tuple(word for word in words if word != ATTENTION)
        object.__setattr__(self, "fusion", fusion)

    @classmethod
    def of(
        cls,
        encoder: Any = "auto",
        pooling: Any = "attention",
        head: Any = "mlp",
        missing: str = "auto",
        clock: str = "auto",
        fusion: Any = "auto",
        context: Any = "embedding",
    ) -> Architecture:
        """Make a sentence of names, JSON objects or parts; ParameterError if one of them is wrong."""
        return cls(
            make(encoder, ENCODERS, "encoder"),
            make(pooling, POOLINGS, "pooling"),
            make(head, HEADS, "head"),
            missing,
            clock,
            fusion,
            make(context, CONTEXTS, "context"),
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Architecture:
        """Read what ``to_json`` wrote, or a person in an experiment file; what is left out is the default."""
        words = [*PART_KINDS, *OPTIONS, *METADATA_OPTIONS]
        for key in content:
            if key not in words:
                raise ParameterError(f"a model has no part {key!r}{nearest(key, words)}")
        return cls.of(**content)

    def to_json(self) -> dict[str, Any]:
        """Say every part with all its parameters, and the plain words."""
        return {
            **{word: getattr(self, word).to_json() for word in PART_KINDS},
            **{name: getattr(self, name) for name in OPTIONS},
            "fusion": self.fusion if isinstance(self.fusion, str) else list(self.fusion),
            "context": self.context.to_json(),
        }

    def resolve(
        self,
        typical_length: float,
        *,
        missing: bool,
        irregular: bool,
        metadata: bool = False,
        by_step: bool = False,
        series: int = 1,
        longest: int | None = None,
    ) -> Architecture:
        """Settle what depends on the training part.

        Parameters
        ----------
        typical_length
            How long its series typically are, in steps.
        missing
            Whether values are missing in it.
        irregular
            Whether its clock is irregular.
        metadata
            Whether it has metadata to learn from.
        by_step
            Whether each step is answered by itself, which leaves no place for a pooling.
        series
            How many series it has.
        longest
            Steps of the longest of them; None takes the typical length.

        Returns
        -------
        Sentence
            Without ``"auto"``; what was stated stays, but for the pooling of a network that answers each step, and for
            pooling, head and context of ``rocket``, which has its own.

        Raises
        ------
        ParameterError
            If there is no pooling for answers about whole series, or the pooling is ``metadata_attention`` in a network
            that answers each step; or if ``rocket`` is to answer each step, or to take metadata but ``late``.

        Example
        -------
        >>> Architecture.of("gru").resolve(100, missing=True, irregular=False).missing
        'mask'
        >>> Architecture.of("gru").resolve(100, missing=False, irregular=False, metadata=True).fusion
        ('late',)
        """
        treated = ("mask" if missing else "error") if self.missing == "auto" else self.missing
        clock = ("elapsed" if irregular else "order") if self.clock == "auto" else self.clock
        fusion = self.fusion
        if fusion == "auto":
            fusion = ("late",) if metadata and not self.needs_metadata else ()
        said = replace(self, missing=treated, clock=clock, fusion=fusion)
        if isinstance(self.encoder, Rocket):
            return said._around_rocket(self.encoder.for_series(series, longest or round(typical_length)), by_step)
        if isinstance(self.encoder, ConvLSTM):
            said = replace(said, encoder=self.encoder.for_length(typical_length, by_step=by_step))
        return replace(said, pooling=self._settled_pooling(by_step))

    def _around_rocket(self, encoder: Rocket, by_step: bool) -> Architecture:
        """Give the only pooling, head and context that go with a head in closed form."""
        if by_step:
            raise ParameterError(
                "expected an encoder that answers each step where each step has a label, got 'rocket', which answers "
                "for the whole series; take 'conv_lstm', 'lstm' or 'gru'"
            )
        told = [*self.fusions, *([ATTENTION] if isinstance(self.pooling, MetadataAttentionPooling) else [])]
        if told not in ([], ["late"]):
            raise ParameterError(
                f"expected fusion 'late' with the encoder 'rocket', whose head alone can read metadata, got "
                f"{listing(told)}; take 'late', or another encoder"
            )
        if isinstance(self.context, ContextEncoding) and self.context.text_encoder is not None:
            raise ParameterError(
                "expected texts as words with the encoder 'rocket', whose head counts them, got a text encoder; leave "
                "it out, or take 'conv_lstm', 'lstm' or 'gru'"
            )
        context = self.context if isinstance(self.context, OneHotContext) else OneHotContext()
        return replace(self, encoder=encoder, pooling=ProportionPooling(), head=LinearHead(), context=context)

    def _settled_pooling(self, by_step: bool) -> Part:
        if by_step and isinstance(self.pooling, MetadataAttentionPooling):
            raise ParameterError(
                "expected fusion 'late', 'repeat' or 'film' where each step has a label, got attention by metadata, "
                "which gives one answer for the whole series; take one of the three"
            )
        if not by_step and isinstance(self.pooling, (NoPooling, ProportionPooling)):
            why = "answers each step" if isinstance(self.pooling, NoPooling) else "is that of the encoder 'rocket'"
            raise ParameterError(
                f"expected a pooling for labels of whole series, got pooling={self.pooling.name!r}, which {why}; take "
                "'attention', 'last', 'mean' or 'max'"
            )
        return NoPooling() if by_step else self.pooling

    @property
    def takes_missing(self) -> bool:
        """Whether the network takes missing values."""
        return self.missing not in ("auto", "error")

    @property
    def needs_clock(self) -> bool:
        """Whether the network sees the time between steps."""
        return self.clock == "elapsed"

    @property
    def fusions(self) -> tuple[str, ...]:
        """Where metadata join the network besides its pooling, in the order in which a series meets them."""
        return () if isinstance(self.fusion, str) else self.fusion

    @property
    def needs_metadata(self) -> bool:
        """Whether the network answers by metadata too."""
        return bool(self.fusions) or isinstance(self.pooling, MetadataAttentionPooling)

    def describe(self) -> str:
        """Say the network in one line."""
        sizes = self.encoder.get_params()
        size = sizes.get("hidden_size", sizes.get("features"))
        both = "bidirectional " if sizes.get("bidirectional") else ""
        encoder = f"{both}{self.encoder.name}" + ("" if size is None else f" ({size})")
        said = [f"{encoder}, {self.pooling.name}, {self.head.name}"]
        if self.takes_missing:
            said.append(f"missing values: {self.missing}")
        if self.needs_clock:
            said.append(f"clock: {self.clock}")
        if self.fusions:
            said.append(f"fusion: {', '.join(self.fusions)}")
        return "; ".join(said)


def _reading_metadata(pooling: Part) -> Part:
    """Give the pooling that the fusion "attention" stands for, of the size that was asked of plain attention."""
    if isinstance(pooling, MetadataAttentionPooling):
        return pooling
    if not isinstance(pooling, AttentionPooling):
        raise ParameterError(
            f"expected fusion='attention' without another pooling, got pooling={pooling.name!r}: the fusion stands for "
            f"the pooling {MetadataAttentionPooling.name!r}; name one of the two"
        )
    return MetadataAttentionPooling(hidden_size=pooling.hidden_size)


def _articles_lstm(**parameters: Any) -> Architecture:
    return Architecture(LSTM(activation="relu", **parameters), LastPooling(), LinearHead())


def _articles_fusion(*fusion: str, pooling: Part | None = None, **context: Any) -> Architecture:
    return Architecture(
        LSTM(hidden_size=64),
        pooling or LastPooling(),
        LinearHead(),
        fusion=fusion,
        context=ContextEncoding(dropout=0.0, **context),
    )


PRESETS: Mapping[str, Callable[[], Architecture]] = MappingProxyType(
    {
        "attention_bilstm": lambda: Architecture(
            LSTM(hidden_size=32, bidirectional=True), AttentionPooling(hidden_size=64), LinearHead()
        ),
        "lstm": lambda: _articles_lstm(hidden_size=50),
        "stacked_lstm": lambda: _articles_lstm(hidden_size=[100, 50], dropout=0.2),
        "bilstm": lambda: _articles_lstm(hidden_size=50, bidirectional=True),
        "metadata_repeat": lambda: _articles_fusion("repeat", embedding_size=10),
        "metadata_late": lambda: _articles_fusion("late", embedding_size=10, number_size=32),
        "multilabel_lstm": lambda: Architecture(LSTM(hidden_size=64), LastPooling(), LinearHead()),
        "step_lstm": lambda: Architecture(LSTM(hidden_size=64), NoPooling(), LinearHead()),
        "metadata_attention": lambda: _articles_fusion(pooling=MetadataAttentionPooling()),
    }
)


def preset(name: str) -> Architecture:
    """Give a network of the articles by name.

    Parameters
    ----------
    name
        ``"attention_bilstm"``, ``"lstm"``, ``"stacked_lstm"`` or ``"bilstm"``; with metadata ``"metadata_repeat"``,
        ``"metadata_late"`` or ``"metadata_attention"``; for several labels ``"multilabel_lstm"``; for labels of steps
        ``"step_lstm"``.

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
