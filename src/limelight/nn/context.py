"""Context: encode the metadata of a series as one vector, and its side signals as one vector per step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limelight.errors import InternalError
from limelight.nn.batch import Batch
from limelight.nn.normalisation import Standardisation

WORDS_IN_PRODUCTS = 64
"""Most columns of a text that are multiplied by features."""


@dataclass(frozen=True)
class ContextShape:
    """The number of metadata fields and side signals, and the number of values of each.

    Parameters
    ----------
    categories
        Number of codes of each categorical field, with code 0 for unknown: a field with 3 words has 4 codes.
    numbers
        For each number, whether an extra column marks missing values.
    texts
        Number of text fields.
    buckets
        Number of codes of the words of texts, without code 0 for padding.
    signals
        Number of codes of each side signal, with code 0 for unknown.
    vector_size
        Length of the vectors of texts; 0 if texts are given as word codes.

    Raises
    ------
    InternalError
        If a size is out of range.

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
            raise InternalError(f"invalid context shape: {self}")

    @property
    def has_metadata(self) -> bool:
        """Whether there is at least one metadata field."""
        return bool(self.categories or self.numbers or self.texts)

    def to_json(self) -> dict[str, Any]:
        """Convert the sizes to JSON types."""
        return {name: list(size) if isinstance(size, tuple) else size for name, size in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ContextShape:
        """Create a shape from the output of ``to_json``."""
        return cls(
            categories=tuple(int(codes) for codes in content["categories"]),
            numbers=tuple(bool(marked) for marked in content["numbers"]),
            texts=int(content["texts"]),
            buckets=int(content["buckets"]),
            signals=tuple(int(codes) for codes in content["signals"]),
            vector_size=int(content["vector_size"]),
        )


class _MetadataEncoder(nn.Module):
    """The base of both metadata encoders: scales numbers and marks missing ones."""

    def __init__(self, shape: ContextShape) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = 0.0
        self.scaling = Standardisation(len(shape.numbers)) if shape.numbers else None
        self.marked = [place for place, marked in enumerate(shape.numbers) if marked]
        self.vectors: ScaledVectors | None = None

    def set_statistics(self, mean: Float[Tensor, " numbers"], deviation: Float[Tensor, " numbers"]) -> None:
        """Set the training statistics of the numbers; a constant number is only shifted.

        Parameters
        ----------
        mean, deviation
            Mean and standard deviation of each number without missing values, in its own unit, shape (numbers,).
        """
        if self.scaling is not None:
            self.scaling.set_statistics(mean, deviation)

    def _with_dropout(self, name: str, metadata: Tensor | None, fields: int) -> Tensor:
        """Check the number of fields, and in training set some fields to unknown."""
        tensor = _require(name, metadata, fields, axis=1)
        return _drop_fields(tensor, self.dropout if self.training else 0.0)

    def _scaled(self, batch: Batch) -> Float[Tensor, "batch columns"]:
        """Return all scaled numbers, 0 if missing, followed by all missing-value marks."""
        assert self.scaling is not None
        numbers = self._with_dropout("numbers", batch.numbers, len(self.shape.numbers))
        missing = numbers.isnan()
        scaled = self.scaling(numbers[:, None], torch.ones_like(missing[:, :1]))[:, 0].masked_fill(missing, 0.0)
        return torch.cat([scaled, missing[:, self.marked].to(scaled.dtype)], dim=1)


class ContextEncoder(_MetadataEncoder):
    """Encodes the metadata of a series as one vector: first categories, then numbers, then texts.

    Each category code is embedded as a learned vector; the vector of an unknown category (code 0) starts at zero.
    Numbers are scaled; a missing number becomes 0, the training mean, and its mark, if it has one, becomes 1. If
    ``number_size`` is set, the scaled numbers and the marks pass through one linear layer and its activation. A text is
    the mean of the vectors of its words, or zeros without words; for texts given as vectors, see ``TextVectors``. In
    training each field of each series is set to unknown with probability ``dropout``.

    Parameters
    ----------
    part
        A ``ContextEncoding``.
    shape
        Sizes of the metadata, with at least one field.

    Example
    -------
    >>> from limelight.parts.contexts import ContextEncoding
    >>> encoder = ContextEncoder(ContextEncoding(embedding_size=3), ContextShape(categories=(4,), numbers=(True,)))
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> metadata = {"categories": torch.tensor([[1], [0]]), "numbers": torch.tensor([[7.0], [torch.nan]])}
    >>> encoder.eval()(Batch(torch.zeros(2, 5, 1), mask, **metadata))[:, 3:].tolist()
    [[7.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__(shape)
        self.dropout = part.dropout
        self.embeddings = _embeddings(part, shape.categories)
        numbers = len(shape.numbers) + len(self.marked)
        self.dense = nn.Linear(numbers, part.number_size) if numbers and part.number_size is not None else None
        self.number_activation = part.number_activation
        words, vectors = (shape.texts, 0) if not shape.vector_size else (0, shape.texts)
        self.words = nn.Embedding(shape.buckets + 1, part.text_size, padding_idx=0) if words else None
        self.vectors = TextVectors(vectors, shape.vector_size, part.text_size) if vectors else None
        self.width = sum(part.size_for(codes) for codes in shape.categories) + shape.texts * part.text_size
        self.width += numbers if self.dense is None else self.dense.out_features

    def forward(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Encode the metadata of each series as shape (batch, width)."""
        parts: list[Tensor] = []
        if self.shape.categories:
            parts += _look_up(
                self.embeddings, self._with_dropout("categories", batch.categories, len(self.shape.categories))
            )
        if self.shape.numbers:
            scaled = self._scaled(batch)
            parts.append(scaled if self.dense is None else self._activated(self.dense(scaled)))
        if self.words is not None:
            tokens = self._with_dropout("tokens", batch.tokens, self.shape.texts)
            count = (tokens > 0).sum(dim=2, keepdim=True).clamp(min=1)
            parts.append((self.words(tokens).sum(dim=2) / count).flatten(1))
        if self.vectors is not None:
            parts.append(self.vectors(self._with_dropout("vectors", batch.vectors, self.shape.texts)))
        return torch.cat(parts, dim=1)

    def _activated(self, units: Tensor) -> Tensor:
        """Apply the activation of the layer over all numbers."""
        if self.number_activation == "linear":
            return units
        return torch.relu(units) if self.number_activation == "relu" else torch.tanh(units)


class ScaledVectors(nn.Module):
    """Scales the vectors of texts; an unknown text becomes zeros, the training mean.

    Parameters
    ----------
    fields
        Number of text fields, at least 1.
    size
        Length of a text vector, at least 1.

    Example
    -------
    >>> texts = ScaledVectors(fields=1, size=2)
    >>> texts.set_statistics(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 1.0]]))
    >>> texts(torch.tensor([[[5.0, 3.0]], [[torch.nan, torch.nan]]])).tolist()
    [[2.0, 3.0], [0.0, 0.0]]
    """

    def __init__(self, fields: int, size: int) -> None:
        super().__init__()
        self.scaling = Standardisation(fields * size)

    def set_statistics(self, mean: Float[Tensor, "texts size"], deviation: Float[Tensor, "texts size"]) -> None:
        """Set mean and standard deviation of the vectors in training (missing ones excluded), shape (texts, size)."""
        self.scaling.set_statistics(mean.flatten(), deviation.flatten())

    def scaled(self, vectors: Float[Tensor, "batch texts size"]) -> Float[Tensor, "batch texts size"]:
        """Scale the text vectors of each series, NaN if unknown."""
        missing = vectors.isnan()
        mask = torch.ones_like(missing[:, :1, 0])
        scaled: Tensor = self.scaling(vectors.flatten(1)[:, None], mask)[:, 0].reshape(vectors.shape)
        return scaled.masked_fill(missing, 0.0)

    def forward(self, vectors: Float[Tensor, "batch texts size"]) -> Float[Tensor, "batch width"]:
        """Encode the text vectors of each series, NaN if unknown; return shape (batch, texts * size)."""
        return self.scaled(vectors).flatten(1)


class TextVectors(ScaledVectors):
    """Scales the vectors of texts and applies one linear layer per field.

    An unknown text is replaced by a learned vector, which starts at zero.

    Parameters
    ----------
    fields
        Number of text fields, at least 1.
    size
        Length of a text vector, at least 1.
    units
        Number of outputs of each layer, at least 1.

    Example
    -------
    >>> texts = TextVectors(fields=2, size=3, units=4)
    >>> vectors = torch.ones(1, 2, 3)
    >>> vectors[0, 1] = torch.nan
    >>> texts(vectors)[0, 4:].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, fields: int, size: int, units: int) -> None:
        super().__init__(fields, size)
        self.layers = nn.ModuleList(nn.Linear(size, units) for _ in range(fields))
        self.unknown = nn.Parameter(torch.zeros(fields, units))

    def forward(self, vectors: Float[Tensor, "batch texts size"]) -> Float[Tensor, "batch width"]:
        """Encode the text vectors of each series, NaN if unknown; return shape (batch, texts * units)."""
        missing, scaled = vectors.isnan(), self.scaled(vectors)
        encoded = torch.stack([layer(scaled[:, place]) for place, layer in enumerate(self.layers)], dim=1)
        return torch.where(missing.any(dim=2, keepdim=True), self.unknown, encoded).flatten(1)


class SignalEncoder(nn.Module):
    """Encodes the side signals of each step as one vector; padding becomes zeros.

    Each word is embedded as a learned vector; the vector of an unknown word (code 0) starts at zero. In training each
    signal is set to unknown for a whole series with probability ``dropout``.

    Parameters
    ----------
    part
        A ``ContextEncoding``.
    shape
        Sizes of the metadata and side signals, with at least one side signal.
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__()
        self.dropout = part.dropout
        self.embeddings = _embeddings(part, shape.signals)
        self.width = sum(part.size_for(codes) for codes in shape.signals)

    def forward(self, batch: Batch) -> Float[Tensor, "batch time width"]:
        """Encode the side signals of each step as shape (batch, time, width)."""
        signals = _require("signals", batch.signals, len(self.embeddings), axis=2)
        signals = _drop_fields(signals.transpose(1, 2), self.dropout if self.training else 0.0).transpose(1, 2)
        return torch.cat(_look_up(self.embeddings, signals), dim=2) * batch.mask[:, :, None]


class OneHotContextEncoder(_MetadataEncoder):
    """Encodes the metadata of a series without learned weights: first categories, then numbers, then texts.

    A category has one column per code; the first column is for unknown (code 0). Numbers are scaled and marked as in
    ``ContextEncoder``. A text has ``text_size`` columns; the codes of its words are taken modulo ``text_size``, and
    each column holds the share of the words with that remainder, or its root, so that the columns of a text have the
    length 1 as a vector (``text_weighting``). A text that is given as a vector has the columns of ``ScaledVectors``.

    Parameters
    ----------
    part
        A ``OneHotContext`` of ``limelight.parts.contexts``.
    shape
        Sizes of the metadata, with at least one field.

    Attributes
    ----------
    typical
        The mean encoding of the training series, shape (width,), relative to which evidence counts.
    first_text
        Number of columns before those of the texts.
    multiplied
        Number of columns that ``for_products`` returns.

    Example
    -------
    >>> from limelight.parts import contexts
    >>> encoder = OneHotContextEncoder(contexts.OneHotContext(text_size=4), ContextShape(categories=(3,), texts=1))
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> metadata = {"categories": torch.tensor([[2]]), "tokens": torch.tensor([[[1, 5, 2, 0]]])}
    >>> encoder(Batch(torch.zeros(1, 5, 1), mask, **metadata))[0].tolist()
    [0.0, 0.0, 1.0, 0.816..., 0.577..., 0.0, 0.0]
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__(shape)
        self.text_size, self.text_weighting = part.text_size, part.text_weighting
        self.first_text = sum(shape.categories) + len(shape.numbers) + len(self.marked)
        self.columns_of_text = shape.vector_size or part.text_size
        self.width = self.first_text + shape.texts * self.columns_of_text
        folds = part.text_weighting == "root" and not shape.vector_size
        self.folded = min(part.text_size, WORDS_IN_PRODUCTS) if folds else self.columns_of_text
        self.vectors = ScaledVectors(shape.texts, shape.vector_size) if shape.texts and shape.vector_size else None
        self.multiplied = self.first_text + shape.texts * self.folded
        self.typical: Tensor
        self.register_buffer("typical", torch.zeros(self.width))

    def columns(self) -> dict[str, list[list[int]]]:
        """Return the columns of each category, number and text, in the order of the fields of each kind.

        Example
        -------
        >>> from limelight.parts import contexts
        >>> shape = ContextShape(categories=(3, 2), numbers=(False, True))
        >>> OneHotContextEncoder(contexts.OneHotContext(), shape).columns()
        {'categories': [[0, 1, 2], [3, 4]], 'numbers': [[5], [6, 7]], 'texts': []}
        """
        shape, sizes = self.shape, [*self.shape.categories, *[self.columns_of_text] * self.shape.texts]
        marks = iter(range(sum(shape.categories) + len(shape.numbers), self.width))
        first = sum(shape.categories)
        numbers = [[first + place, *([next(marks)] if marked else [])] for place, marked in enumerate(shape.numbers)]
        starts = [*accumulate(sizes, initial=0)]
        spans = [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=False)]
        after = len(shape.numbers) + len(self.marked)
        texts = [[column + after for column in span] for span in spans[len(shape.categories) :]]
        return {"categories": spans[: len(shape.categories)], "numbers": numbers, "texts": texts}

    def for_products(self, context: Float[Tensor, "batch width"]) -> Float[Tensor, "batch multiplied"]:
        """Return what products with the features take of encoded metadata: the many columns of a text are added to few.

        Example
        -------
        >>> from limelight.parts import contexts
        >>> shape = ContextShape(categories=(2,), texts=1)
        >>> encoder = OneHotContextEncoder(contexts.OneHotContext(text_size=128), shape)
        >>> encoder.for_products(torch.ones(1, 130))[0].tolist() == [1.0, 1.0] + 64 * [2.0]
        True
        """
        if self.multiplied == self.width:
            return context
        added = context.new_zeros(len(context), self.multiplied)
        return added.index_add_(1, self.folded_columns().to(context.device), context)

    def folded_columns(self) -> Int64[Tensor, " width"]:
        """Return the column of ``for_products`` to which each column of the encoded metadata is added."""
        columns = torch.arange(self.width)
        field, word = (columns - self.first_text) // self.text_size, (columns - self.first_text) % self.text_size
        folded = self.first_text + field * self.folded + word % self.folded
        return torch.where(columns < self.first_text, columns, folded)

    def forward(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """Encode the metadata of each series as shape (batch, width)."""
        parts: list[Tensor] = []
        if self.shape.categories:
            parts.append(
                _one_hot(
                    self._with_dropout("categories", batch.categories, len(self.shape.categories)),
                    self.shape.categories,
                )
            )
        if self.shape.numbers:
            parts.append(self._scaled(batch))
        if self.vectors is not None:
            parts.append(self.vectors(self._with_dropout("vectors", batch.vectors, self.shape.texts)))
        elif self.shape.texts:
            tokens = self._with_dropout("tokens", batch.tokens, self.shape.texts)
            is_word = (tokens > 0).to(batch.values.dtype)
            counts = is_word.new_zeros(*tokens.shape[:2], self.text_size)
            counts.scatter_add_(2, (tokens - 1).clamp(min=0) % self.text_size, is_word)
            shares = counts / is_word.sum(dim=2, keepdim=True).clamp(min=1)
            parts.append((shares.sqrt() if self.text_weighting == "root" else shares).flatten(1))
        return torch.cat(parts, dim=1)


class OneHotSignals(nn.Module):
    """One-hot codes of the side signals at each step; the first column is for unknown, and padding becomes zeros.

    Parameters
    ----------
    part
        A ``OneHotContext`` of ``limelight.parts.contexts``.
    shape
        Sizes of the metadata and side signals, with at least one side signal.
    """

    def __init__(self, part: Any, shape: ContextShape) -> None:
        super().__init__()
        self.signals = shape.signals
        self.width = sum(shape.signals)

    def forward(self, batch: Batch) -> Float[Tensor, "batch time width"]:
        """Encode the side signals of each step as shape (batch, time, width)."""
        signals = _require("signals", batch.signals, len(self.signals), axis=2)
        return _one_hot(signals, self.signals) * batch.mask[:, :, None]


def _one_hot(codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return one column per code of each field, shape (..., columns)."""
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


def _drop_fields(fields: Tensor, dropout: float) -> Tensor:
    """Set random fields to unknown, drawn for each series and field, shape (batch, fields, ...)."""
    if not dropout:
        return fields
    drawn = torch.rand(fields.shape[:2], device=fields.device, dtype=torch.float32) < dropout
    unknown = torch.nan if fields.is_floating_point() else 0
    return fields.masked_fill(drawn.reshape(*drawn.shape, *(1 for _ in fields.shape[2:])), unknown)
