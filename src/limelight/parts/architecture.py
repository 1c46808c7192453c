"""Architecture of a network: encoder, pooling, head, options and metadata fusion; presets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from limelight.errors import ParameterError, listing, nearest
from limelight.parts.base import Part, make
from limelight.parts.contexts import CONTEXTS, ContextEncoding
from limelight.parts.encoders import ENCODERS, LSTM, Encoder, Inception, TrainingSummary
from limelight.parts.fusions import ATTENTION, read_fusion
from limelight.parts.heads import HEADS, LinearHead
from limelight.parts.poolings import (
    POOLINGS,
    AttentionPooling,
    ConjunctivePooling,
    LastPooling,
    MetadataAttentionPooling,
    NoPooling,
    Pooling,
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
"""Options in addition to the parts, the default first."""
METADATA_OPTIONS = ("fusion", "context")
"""The options that concern metadata."""
_MEANING = {"missing": "a strategy for missing values", "clock": "a use of the clock"}


@dataclass(frozen=True)
class Architecture:
    """The parts of a network and how it treats missing values, the clock and metadata.

    Parameters
    ----------
    encoder, pooling, head
        One part of each kind.
    missing
        How to treat missing values: ``"mean"`` fills in the training mean of the channel; ``"last"`` the last known
        value; ``"linear"`` interpolates between neighbours; ``"mask"`` fills in the mean and adds a channel for each
        channel that marks missing values; ``"error"`` rejects them. ``"auto"`` resolves to ``"mask"`` if values are
        missing in the training series (or ``"last"`` for ``rocket`` and ``blocks``, if that has the lower leave-one-out
        loss), else to ``"error"``.
    clock
        ``"elapsed"`` adds the time since the previous step as a channel; ``"order"`` uses the order of the steps alone.
        ``"auto"`` resolves to ``"elapsed"`` if the clock of the training series is irregular, else to ``"order"``.
    fusion
        Where metadata enter the network, one name or several: ``"repeat"`` concatenates them to the values of every
        step, ``"film"`` scales and shifts the features of the encoder, ``"late"`` concatenates them to the pooled
        vector; ``"attention"`` is replaced by the pooling ``metadata_attention``. Empty ignores metadata. ``"auto"``
        resolves to ``"late"`` if there are metadata that the pooling does not read, with ``"film"`` if the head is
        linear, else to empty.
    context
        How metadata and side signals are encoded as vectors.

    Raises
    ------
    ParameterError
        If ``missing``, ``clock`` or ``fusion`` has another value, or the fusion ``"attention"`` is combined with a
        pooling without attention.

    Example
    -------
    >>> Architecture.of(encoder="lstm", pooling="last", head="linear", missing="mask").describe()
    'lstm (64), last, linear; missing values: mask'
    """

    encoder: Encoder
    pooling: Pooling
    head: Part
    missing: str = "auto"
    clock: str = "auto"
    fusion: tuple[str, ...] | str = "auto"
    context: Part = field(default_factory=ContextEncoding)

    def __post_init__(self) -> None:
        for name, allowed in OPTIONS.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ParameterError(f"expected {_MEANING[name]}, got {name}={value!r}{nearest(value, allowed)}")
        fusions = read_fusion(self.fusion)
        if ATTENTION in fusions:
            object.__setattr__(self, "pooling", _with_metadata(self.pooling))
        fusion = "auto" if fusions == ("auto",) else tuple(one for one in fusions if one != ATTENTION)
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
        """Build an architecture from names, JSON objects or parts; ParameterError if one of them is invalid.

        A context without a name is ``"embedding"``.
        """
        if isinstance(context, Mapping):
            context = {"name": ContextEncoding.name, **context}
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
        """Create an architecture from ``to_json`` output or an experiment file; missing keys have their defaults."""
        keys = [*PART_KINDS, *OPTIONS, *METADATA_OPTIONS]
        for key in content:
            if key not in keys:
                raise ParameterError(f"a model has no part {key!r}{nearest(key, keys)}")
        return cls.of(**content)

    def to_json(self) -> dict[str, Any]:
        """Return every part with all its parameters, and the options."""
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
        """Resolve what depends on the training series.

        Parameters
        ----------
        typical_length
            Typical number of steps of the training series.
        missing
            Whether training values are missing.
        irregular
            Whether the clock of the training series is irregular.
        metadata
            Whether the training series have metadata that can be used.
        by_step
            Whether the labels are per step, in which case there is no pooling.
        series
            Number of training series.
        longest
            Number of steps of the longest training series; None means the typical length.

        Returns
        -------
        Architecture
            Without ``"auto"``. Explicit values are kept, except the pooling with per-step labels and the parts that the
            encoder fixes (``Encoder.fixed_parts``).

        Raises
        ------
        ParameterError
            If the labels are per series and the pooling does not return one vector per series; if the labels are per
            step and the pooling is ``metadata_attention``; or if the encoder does not support per-step labels, the
            fusion or a text encoder.

        Example
        -------
        >>> Architecture.of("gru").resolve(100, missing=True, irregular=False).missing
        'mask'
        >>> Architecture.of("gru").resolve(100, missing=False, irregular=False, metadata=True).fusion
        ('late',)
        """
        strategy = ("mask" if missing else "error") if self.missing == "auto" else self.missing
        clock = ("elapsed" if irregular else "order") if self.clock == "auto" else self.clock
        fusion = self.fusion
        if fusion == "auto":
            late = metadata and not self.needs_metadata and "late" in self.encoder.fusions
            fusion = self._usual_fusion() if late else ()
        resolved = replace(self, missing=strategy, clock=clock, fusion=fusion)
        resolved._require_supported(by_step)
        summary = TrainingSummary(typical_length, longest or round(typical_length), series, by_step)
        resolved = replace(resolved, encoder=self.encoder.resolve(summary), **self._fixed_parts())
        return resolved if self.encoder.pools else replace(resolved, pooling=resolved._pooling_for(by_step))

    def _require_supported(self, by_step: bool) -> None:
        """Raise ParameterError if the encoder does not support the labels or the other parts."""
        encoder = self.encoder
        if by_step and not encoder.answers_steps:
            supported = _encoders_that(lambda other: other.answers_steps)
            raise ParameterError(
                f"expected an encoder that supports per-step labels, got {encoder.name!r}, which predicts one label "
                f"for the whole series; use {supported}"
            )
        if not set(self.every_fusion) <= set(encoder.fusions):
            supported = _one_of(encoder.fusions) if encoder.fusions else "()"
            why = ", where only the head can read metadata" if encoder.fusions == ("late",) else ""
            raise ParameterError(
                f"expected fusion {supported} with the encoder {encoder.name!r}{why}, got "
                f"{listing(self.every_fusion)}; use {supported}, or another encoder"
            )

    def _usual_fusion(self) -> tuple[str, ...]:
        """Return the fusion of ``"auto"``; below a linear head, only products with ``film`` change what steps mean."""
        encoder = self.encoder
        sums = isinstance(self.head, LinearHead) and not encoder.closed_form and "film" in encoder.fusions
        return ("film", "late") if sums else ("late",)

    def _fixed_parts(self) -> dict[str, Any]:
        """Return the parts required by the encoder, keeping the parts of this architecture that already match.

        A context in place of another keeps its text encoder.
        """
        kinds: dict[str, Mapping[str, type[Part]]] = {**PART_KINDS, "context": CONTEXTS}
        current = {kind: getattr(self, kind) for kind in self.encoder.fixed_parts}
        kept = {"context": {"text_encoder": self.context.get_params().get("text_encoder")}}
        return {
            kind: current[kind] if current[kind].name == name else kinds[kind][name](**kept.get(kind, {}))
            for kind, name in self.encoder.fixed_parts.items()
        }

    def _pooling_for(self, by_step: bool) -> Pooling:
        """Return the pooling for labels per series or per step; raise ParameterError if the pooling does not fit."""
        pooling = self.pooling
        if by_step and pooling.reads_metadata:
            raise ParameterError(
                "expected fusion 'late', 'repeat' or 'film' with per-step labels, got attention by metadata, which "
                "predicts one label for the whole series; use one of the three"
            )
        if not by_step and (pooling.answers_steps or pooling.by_encoder):
            owners = [one for one, kind in ENCODERS.items() if kind.fixed_parts.get("pooling") == pooling.name]
            why = "is for per-step labels" if pooling.answers_steps else f"belongs to the encoder {_one_of(owners)}"
            raise ParameterError(
                f"expected a pooling for labels of whole series, got pooling={pooling.name!r}, which {why}; use "
                "'attention', 'conjunctive', 'last', 'mean' or 'max'"
            )
        return NoPooling() if by_step else pooling

    @property
    def takes_missing(self) -> bool:
        """Whether the network accepts missing values."""
        return self.missing not in ("auto", "error")

    @property
    def needs_clock(self) -> bool:
        """Whether the network reads the time between steps."""
        return self.clock == "elapsed"

    @property
    def fusions(self) -> tuple[str, ...]:
        """The fusions of metadata other than in the pooling, in the order in which the network applies them."""
        return () if isinstance(self.fusion, str) else self.fusion

    @property
    def every_fusion(self) -> tuple[str, ...]:
        """All fusions of metadata, including ``"attention"`` if the pooling reads metadata."""
        return (*self.fusions, *([ATTENTION] if self.pooling.reads_metadata else []))

    @property
    def needs_metadata(self) -> bool:
        """Whether the network reads metadata."""
        return bool(self.every_fusion)

    def describe(self) -> str:
        """Describe the network in one line."""
        descriptions = [f"{self.encoder.describe()}, {self.pooling.name}, {self.head.name}"]
        if self.takes_missing:
            descriptions.append(f"missing values: {self.missing}")
        if self.needs_clock:
            descriptions.append(f"clock: {self.clock}")
        if self.fusions:
            descriptions.append(f"fusion: {', '.join(self.fusions)}")
        return "; ".join(descriptions)


def _with_metadata(pooling: Pooling) -> Pooling:
    """Return metadata attention of the same size as the given attention; raise ParameterError for other poolings."""
    attention = pooling.with_metadata()
    if attention is None:
        raise ParameterError(
            f"expected fusion='attention' without another pooling, got pooling={pooling.name!r}: the fusion is short "
            f"for the pooling {MetadataAttentionPooling.name!r}; choose one of the two"
        )
    return attention


def _encoders_that(condition: Callable[[type[Encoder]], bool]) -> str:
    """List the encoders that meet a condition, without those that training replaces by another encoder."""
    return _one_of([name for name, kind in ENCODERS.items() if condition(kind) and not kind.automatic])


def _one_of(names: Sequence[str]) -> str:
    """Join names with commas and a final "or"."""
    *first, last = (repr(name) for name in names)
    return f"{', '.join(first)} or {last}" if first else last


def _articles_lstm(**parameters: Any) -> Architecture:
    return Architecture(LSTM(activation="relu", **parameters), LastPooling(), LinearHead())


def _articles_fusion(*fusion: str, pooling: Pooling | None = None, **context: Any) -> Architecture:
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
        "inception": lambda: Architecture(Inception(), ConjunctivePooling(), LinearHead()),
    }
)


def preset(name: str) -> Architecture:
    """Return a preset network by name.

    Parameters
    ----------
    name
        ``"attention_bilstm"``, ``"lstm"``, ``"stacked_lstm"``, ``"bilstm"`` or ``"inception"``; with metadata
        ``"metadata_repeat"``, ``"metadata_late"`` or ``"metadata_attention"``; for multi-label ``"multilabel_lstm"``;
        for per-step labels ``"step_lstm"``.

    Returns
    -------
    Architecture
        The parts of the preset.

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
