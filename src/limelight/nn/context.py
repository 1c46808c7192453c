"""Context: the facts about a series become one vector, and its side signals a vector at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limelight.errors import InternalError
from limelight.nn.batch import Batch
from limelight.nn.normalisation import Standardisation


@dataclass(frozen=True)
class ContextShape:
    """How many facts and side signals there are, and how many values each can take.

    Parameters
    ----------
    categories
        Codes of each categorical field, the 0 for unknown included: a field of 3 words has 4.
    numbers
        For each number whether a mark says where it is missing.
    texts
        Text fields.
    buckets
        Codes of the words of texts, without the 0 of padding.
    signals
        Codes of each side signal, the 0 for unknown included.
    vector_size
        Length of the vectors that texts come as; 0 where they come as words.

    Raises
    ------
    InternalError
        If a size is impossible.

    Example
    -------
    >>> ContextShape(categories=(4,), numbers=(True, False)).has_metadata, ContextShape(signals=(3,)).has_metadata
    (True, False)
    """

    categories: tuple[int, ...] = ()
    numbers: tuple[bool, ...] = ()
    texts: int = 0
    buckets: int = 2048
    signals: tuple[int, ...] = ()
    vector_size: int = 0

    def __post_init__(self) -> None:
        if min(self.texts, self.vector_size) < 0 or min((self.buckets, *self.categories, *self.signals)) < 1:
            raise InternalError(f"no network can have a context of this shape: {self}")

    @property
    def has_metadata(self) -> bool:
        """Whether there is anything to know about a series as a whole."""
        return bool(self.categories or self.numbers or self.texts)

    def to_json(self) -> dict[str, Any]:
        """Return every size."""
        return {name: list(size) if isinstance(size, tuple) else size for name, size in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ContextShape:
        """Read what ``to_json`` wrote."""
        return cls(
            categories=tuple(int(codes) for codes in content["categories"]),
            numbers=tuple(bool(marked) for marked in content["numbers"]),
            texts=int(content["texts"]),
            buckets=int(content["buckets"]),
            signals=tuple(int(codes) for codes in content["signals"]),
            vector_size=int(content["vector_size"]),
        )


class _Facts(nn.Module):
    """What every encoder of facts does: numbers are scaled, and marked where they are missing."""

    def __init__(self, shape: ContextShape) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = 0.0
        self.scaling = Standardisation(len(shape.numbers)) if shape.numbers else None
        self.marked = [place for place, marked in enumerate(shape.numbers) if marked]
        self.vectors: TextVectors | None = None

    def set_statistics(self, mean: Float[Tensor, " numbers"], deviation: Float[Tensor, " numbers"]) -> None:
        """Set the training statistics of numeric columns; a constant column is only shifted.

        Parameters
        ----------
        mean, deviation
            Of the known values of each number, in its own unit, shape (numbers,).
        """
        if self.scaling is not None:
            self.scaling.set_statistics(mean, deviation)

    def _known(self, name: str, facts: Tensor | None, fields: int) -> Tensor:
        given = _require(name, facts, fields, axis=1)
        return _forget(given, self.dropout if self.training else 0.0)

    def _scaled(self, batch: Batch) -> Float[Tensor, "batch columns"]:
        """Return the scaled numbers, 0 if missing, followed by their missingness marks."""
        assert self.scaling is not None
        numbers = self._known("numbers", batch.numbers, len(self.shape.numbers))
        missing = numbers.isnan()
        scaled = self.scaling(numbers[:, None], torch.ones_like(missing[:, :1]))[:, 0].masked_fill(missing, 0.0)
        return torch.cat([scaled, missing[:, self.marked].to(scaled.dtype)], dim=1)


class ContextEncoder(_Facts):
    """The facts about a series as one vector: first its categories, then its numbers, then its texts.

    A category is a learned vector, also an unknown one (code 0), which starts as zeros. A number is scaled; where it is
    missing it becomes 0, the mean of the training, and its mark, if it has one, 1. All scaled numbers and then all
    marks go through one layer if ``number_size`` asks for it. A text is the mean of the vectors of its words, and zeros
    without any; where texts come as vectors, see ``TextVectors``. In training each field of each series is made unknown
    by chance (``dropout``).

    Parameters
    ----------
    part
        A ``ContextEncoding``.
    shape
        With facts.

    Example
    -------
    >>> from limelight.parts.contexts import ContextEncoding
    >>> encoder = ContextEncoder(ContextEncoding(embedding_size=3), ContextShape(categories=(4,), numbers=(True,)))
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> facts = {"categories": torch.tensor([[1], [0]]), "numbers": torch.tensor([[7.0], [torch.nan]])}
    >>> encoder.eval()(Batch(torch.zeros(2, 5, 1), mask, **facts))[:, 3:].tolist()
    [[7.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__(shape)
        self.dropout = part.dropout
        self.embeddings = _embeddings(part, shape.categories)
        numbers = len(shape.numbers) + len(self.marked)
        self.dense = nn.Linear(numbers, part.number_size) if numbers and part.number_size is not None else None
        words, vectors = (shape.texts, 0) if not shape.vector_size else (0, shape.texts)
        self.words = nn.Embedding(shape.buckets + 1, part.text_size, padding_idx=0) if words else None
        self.vectors = TextVectors(vectors, shape.vector_size, part.text_size) if vectors else None
        self.width = sum(part.size_for(codes) for codes in shape.categories) + shape.texts * part.text_size
        self.width += numbers if self.dense is None else self.dense.out_features

    def forward(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Encode the metadata of each series, shape (batch, width)."""
        parts: list[Tensor] = []
        if self.shape.categories:
            parts += _look_up(self.embeddings, self._known("categories", batch.categories, len(self.shape.categories)))
        if self.shape.numbers:
            scaled = self._scaled(batch)
            parts.append(scaled if self.dense is None else self.dense(scaled))
        if self.words is not None:
            tokens = self._known("tokens", batch.tokens, self.shape.texts)
            count = (tokens > 0).sum(dim=2, keepdim=True).clamp(min=1)
            parts.append((self.words(tokens).sum(dim=2) / count).flatten(1))
        if self.vectors is not None:
            parts.append(self.vectors(self._known("vectors", batch.vectors, self.shape.texts)))
        return torch.cat(parts, dim=1)


class TextVectors(nn.Module):
    """The vectors of texts, scaled, through one layer for each field; an unknown text is a learned vector instead.

    That vector starts as zeros.

    Parameters
    ----------
    fields
        Text fields, at least 1.
    size
        Length of the vector of a text, at least 1.
    units
        Of each layer, at least 1.

    Example
    -------
    >>> texts = TextVectors(fields=2, size=3, units=4)
    >>> vectors = torch.ones(1, 2, 3)
    >>> vectors[0, 1] = torch.nan
    >>> texts(vectors)[0, 4:].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, fields: int, size: int, units: int) -> None:
        super().__init__()
        self.scaling = Standardisation(fields * size)
        self.layers = nn.ModuleList(nn.Linear(size, units) for _ in range(fields))
        self.unknown = nn.Parameter(torch.zeros(fields, units))

    def set_statistics(self, mean: Float[Tensor, "texts size"], deviation: Float[Tensor, "texts size"]) -> None:
        """Set mean and standard deviation of the known vectors in training, each shape (texts, size)."""
        self.scaling.set_statistics(mean.flatten(), deviation.flatten())

    def forward(self, vectors: Float[Tensor, "batch texts size"]) -> Float[Tensor, "batch width"]:
        """Encode the texts of each series, shape (batch, texts * units); NaN is unknown."""
        missing = vectors.isnan()
        every = torch.ones_like(missing[:, :1, 0])
        scaled = self.scaling(vectors.flatten(1)[:, None], every)[:, 0].reshape(vectors.shape).masked_fill(missing, 0.0)
        read = torch.stack([layer(scaled[:, place]) for place, layer in enumerate(self.layers)], dim=1)
        return torch.where(missing.any(dim=2, keepdim=True), self.unknown, read).flatten(1)


class SignalEncoder(nn.Module):
    """The side signals at each step as one vector, zeros where padded.

    A word is a learned vector, also an unknown one (code 0), which starts as zeros. In training each signal of each
    series is made unknown as a whole by chance (``dropout``).

    Parameters
    ----------
    part
        A ``ContextEncoding``.
    shape
        With side signals.
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__()
        self.dropout = part.dropout
        self.embeddings = _embeddings(part, shape.signals)
        self.width = sum(part.size_for(codes) for codes in shape.signals)

    def forward(self, batch: Batch) -> Float[Tensor, "batch time width"]:
        """Encode the side signals of each step, shape (batch, time, width)."""
        signals = _require("signals", batch.signals, len(self.embeddings), axis=2)
        signals = _forget(signals.transpose(1, 2), self.dropout if self.training else 0.0).transpose(1, 2)
        return torch.cat(_look_up(self.embeddings, signals), dim=2) * batch.mask[:, :, None]


class OneHotContextEncoder(_Facts):
    """The facts about a series as fixed numbers: first its categories, then its numbers, then its texts.

    A category has a column for each of its words, and the first for an unknown one (code 0). Numbers are scaled and
    marked as by ``ContextEncoder``. A text has ``text_size`` columns, to which the codes of its words are folded: the
    share of its words in each.

    Parameters
    ----------
    part
        A ``OneHotContext`` of ``limelight.parts.contexts``.
    shape
        With facts.

    Example
    -------
    >>> from limelight.parts import contexts
    >>> encoder = OneHotContextEncoder(contexts.OneHotContext(text_size=4), ContextShape(categories=(3,), texts=1))
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> facts = {"categories": torch.tensor([[2]]), "tokens": torch.tensor([[[1, 5, 2, 0]]])}
    >>> encoder(Batch(torch.zeros(1, 5, 1), mask, **facts))[0].tolist()
    [0.0, 0.0, 1.0, 0.666..., 0.333..., 0.0, 0.0]
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__(shape)
        self.text_size = part.text_size
        self.width = sum(shape.categories) + len(shape.numbers) + len(self.marked) + shape.texts * part.text_size

    def forward(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Encode the metadata of each series, shape (batch, width)."""
        parts: list[Tensor] = []
        if self.shape.categories:
            parts.append(
                _one_hot(self._known("categories", batch.categories, len(self.shape.categories)), self.shape.categories)
            )
        if self.shape.numbers:
            parts.append(self._scaled(batch))
        if self.shape.texts:
            tokens = self._known("tokens", batch.tokens, self.shape.texts)
            known = (tokens > 0).to(batch.values.dtype)
            counts = known.new_zeros(*tokens.shape[:2], self.text_size)
            counts.scatter_add_(2, (tokens - 1).clamp(min=0) % self.text_size, known)
            parts.append((counts / known.sum(dim=2, keepdim=True).clamp(min=1)).flatten(1))
        return torch.cat(parts, dim=1)


class OneHotSignals(nn.Module):
    """The side signals at each step as fixed numbers, zeros where padded: a column for each word, first the unknown.

    Parameters
    ----------
    part
        A ``OneHotContext`` of ``limelight.parts.contexts``.
    shape
        With side signals.
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__()
        self.signals = shape.signals
        self.width = sum(shape.signals)

    def forward(self, batch: Batch) -> Float[Tensor, "batch time width"]:
        """Encode the side signals of each step, shape (batch, time, width)."""
        signals = _require("signals", batch.signals, len(self.signals), axis=2)
        return _one_hot(signals, self.signals) * batch.mask[:, :, None]


def _one_hot(codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """Encode codes one-hot, with a column for each code of each field, shape (..., columns)."""
    columns = [functional.one_hot(codes[..., place], size) for place, size in enumerate(sizes)]
    return torch.cat(columns, dim=-1).float()


def _embeddings(part: Any, codes: Sequence[int]) -> nn.ModuleList:
    embeddings = [nn.Embedding(size, part.size_for(size)) for size in codes]
    for one in embeddings:
        nn.init.zeros_(one.weight[0])
    return nn.ModuleList(embeddings)


def _look_up(embeddings: nn.ModuleList, codes: Tensor) -> list[Tensor]:
    return [embedding(codes[..., place]) for place, embedding in enumerate(embeddings)]


def _require(name: str, given: Tensor | None, fields: int, axis: int) -> Tensor:
    if given is None or given.shape[axis] != fields:
        got = "none" if given is None else str(given.shape[axis])
        raise InternalError(f"expected a batch with {fields} {name}, as the network was built for, got {got}")
    return given


def _forget(facts: Tensor, dropout: float) -> Tensor:
    """Mask fields as unknown at random, independently for each series and field, shape (batch, fields, ...)."""
    if not dropout:
        return facts
    drawn = torch.rand(facts.shape[:2], device=facts.device) < dropout
    unknown = torch.nan if facts.is_floating_point() else 0
    return facts.masked_fill(drawn.reshape(*drawn.shape, *(1 for _ in facts.shape[2:])), unknown)
