"""Vocabulary: encodes metadata as category codes, numbers and tokens, fitted on the training series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import FiniteFloat, PositiveInt, TypeAdapter, ValidationError

from limelight.data.annotations import StepSignals
from limelight.data.field_kinds import infer_kind, is_identifier, notes_on_words
from limelight.data.metadata import (
    DatePart,
    Values,
    date_parts,
    fields_of,
    read_field,
    reject_cells,
    words_in,
)
from limelight.data.reading.sources import is_text
from limelight.data.splitting.part_words import are_parts
from limelight.errors import DataError, ModelFolderError, ParameterError, counted, listing, nearest
from limelight.model.texts import TextEncoder, read_texts
from limelight.types import FieldKind


@dataclass(frozen=True)
class Field:
    """One metadata field, fitted on the training series.

    Parameters
    ----------
    name, kind
        Name and kind of the field; kind ``"ignore"`` means that the field existed in training and is not used.
    words
        The sorted values of a category or boolean; the code of a value is its position, counted from 1.
    mean, deviation
        Mean and standard deviation of a number over the training series, without missing values; for a date, of its
        years since 2000. The deviation is 1 if all numbers are equal.
    has_missing
        Whether the field is missing for at least one training series.
    parts
        The parts of a date that vary between training series.
    """

    name: str
    kind: FieldKind
    words: tuple[str, ...] = ()
    mean: FiniteFloat = 0.0
    deviation: FiniteFloat = 1.0
    has_missing: bool = False
    parts: tuple[DatePart, ...] = ()

    def scales(self) -> list[tuple[float, float]]:
        """Return mean and deviation of each numeric column of the field; a date has the columns of its parts."""
        own, cyclic = [(self.mean, self.deviation)], [(0.0, 1.0), (0.0, 1.0)]
        dated = [scale for part in self.parts for scale in (own if part == "year" else cyclic)]
        return own if self.kind == "number" else dated


@dataclass(frozen=True)
class Signal:
    """One side signal (a word at each step), fitted on the training series.

    Parameters
    ----------
    name
        Name of the signal.
    words
        The sorted words of the signal; the code of a word is its position, counted from 1.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SignalCodes:
    """Maps the codes of a side signal in a panel to the codes fitted in training.

    Parameters
    ----------
    column
        Index of the signal in the panel; None if the panel does not have the signal.
    codes
        The training code of each panel code, 0 for a word not seen in training, shape (words of the panel + 1,). The
        last entry stands for an unknown word, whose panel code is -1.
    """

    column: int | None
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EncodedMetadata:
    """Metadata and side signals, encoded for a network.

    Parameters
    ----------
    categories
        The code of each category and boolean, 0 if missing or not seen in training, shape (n, C).
    numbers
        Numbers unscaled; for each date the sine and cosine of month, weekday and hour, and the years since 2000; NaN if
        missing, shape (n, N).
    tokens
        The tokens of each text field, 1 to ``buckets``, padded with 0, shape (n, T, L). Empty (T is 0) if texts are
        encoded as ``vectors``.
    vectors
        The vector of each text field from the text encoder; NaN if the text is missing or contains no word that the
        encoder knows, shape (n, T, size). Empty (T is 0) without a text encoder.
    signals
        How to map each side signal from the panel's codes.
    notes
        Sentences about metadata that are missing, not seen in training, or not used.
    """

    categories: NDArray[np.int64]
    numbers: NDArray[np.float32]
    tokens: NDArray[np.int64]
    vectors: NDArray[np.float32]
    signals: tuple[SignalCodes, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """The metadata fields and side signals of the training series, and their encoding; made by ``fit_vocabulary``.

    Parameters
    ----------
    fields
        The metadata fields, in the order of the training table.
    buckets
        Number of hash buckets for the words of texts, at least 1.
    signals
        The side signals.
    notes
        Sentences about fields and signals that are not used; neither saved nor compared.
    text_encoder
        Encodes texts as vectors; None hashes their words.
    """

    fields: tuple[Field, ...]
    buckets: PositiveInt = 2048
    signals: tuple[Signal, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    text_encoder: TextEncoder | None = None

    def sizes(self) -> dict[str, Any]:
        """Return the arguments of ``ContextShape``; categories, numbers and texts are in the order of the fields."""
        return {
            "categories": tuple(len(one.words) + 1 for one in self.fields if one.kind in ("category", "boolean")),
            "numbers": tuple(one.has_missing for one in self.fields for _ in one.scales()),
            "texts": sum(one.kind == "text" for one in self.fields),
            "buckets": self.buckets,
            "vector_size": 0 if self.text_encoder is None else self.text_encoder.size,
            "signals": tuple(len(one.words) + 1 for one in self.signals),
        }

    @property
    def has_metadata(self) -> bool:
        """Whether at least one metadata field of the series is used."""
        return any(one.kind != "ignore" for one in self.fields)

    def statistics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and deviation of each column of ``numbers``, shape (N,) each; 0 and 1 for sines and cosines."""
        mean, deviation = np.array([scale for one in self.fields for scale in one.scales()]).reshape(-1, 2).T
        return mean, deviation

    def encode(self, metadata: pa.Table | None, n: int, signals: StepSignals | None = None) -> EncodedMetadata:
        """Encode metadata and side signals as numbers.

        Parameters
        ----------
        metadata
            One row for each series, or None. A training field that is not in the table is unknown for every series.
        n
            Number of series.
        signals
            The side signals of the series, or None.

        Returns
        -------
        EncodedMetadata
            Arrays with n rows.

        Raises
        ------
        DataError
            If the table does not have n rows, or a number or date cannot be read.

        Example
        -------
        >>> vocabulary = fit_vocabulary(pa.table({"mode": ["idle", "run", "run"], "age": [2.0, 4.0, 6.0]}))
        >>> encoded = vocabulary.encode(pa.table({"mode": ["run", "stop"], "age": [4.0, None]}), 2)
        >>> encoded.categories.tolist(), encoded.numbers.tolist()
        ([[2], [0]], [[4.0], [nan]])
        >>> encoded.notes[0]
        "metadata 'mode' has 1 word not seen in training, in 1 series: 'stop'; treated as unknown"
        """
        if metadata is not None and len(metadata) != n:
            raise DataError(f"expected one row of metadata for each of the {n} series, got {len(metadata)} rows")
        given = fields_of(metadata)
        notes: list[str] = []
        codes, numbers, texts = [np.zeros((n, 0), dtype=np.int64)], [np.zeros((n, 0))], dict[str, Values]()
        for one in self.fields:
            column = given.pop(one.name, pa.nulls(n, pa.string()))
            if one.kind == "ignore":
                continue
            values, missing = read_field(column, one.name, one.kind, notes)
            if missing.any() and (missing.all() or not one.has_missing):
                share = f"all {n}" if missing.all() else f"{missing.sum()} of {n}"
                notes.append(f"metadata {one.name!r} is missing for {share} series: treated as unknown")
            if one.kind == "text":
                texts[one.name] = values
            elif one.kind == "date":
                numbers += [columns for part, columns in date_parts(values).items() if part in one.parts]
            elif one.kind == "number":
                numbers.append(values[:, None])
            else:
                codes.append(_codes(one, values, notes))
        if given and self.fields:
            notes.append(f"metadata fields not present in training are not used: {listing(given)}")
        arrays = np.concatenate(codes, axis=1), np.concatenate(numbers, axis=1).astype(np.float32)
        tokens, vectors = read_texts(texts, n, buckets=self.buckets, encoder=self.text_encoder, notes=notes)
        signal_codes = tuple(_encode_signal(one, signals, notes) for one in self.signals)
        return EncodedMetadata(*arrays, tokens, vectors, signal_codes, tuple(notes))

    def to_json(self) -> dict[str, Any]:
        """Convert the vocabulary to JSON types."""
        excluded = {"notes": True, "text_encoder": {"folder"} if self.text_encoder else True}
        return dict(TypeAdapter(Vocabulary).dump_python(self, mode="json", exclude=excluded))

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Vocabulary:
        """Create a vocabulary from the output of ``to_json``; raise ModelFolderError if the content is invalid."""
        try:
            return TypeAdapter(cls).validate_python(content)
        except ValidationError as error:
            raise ModelFolderError(
                f"expected a vocabulary, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def fit_vocabulary(
    metadata: pa.Table | None,
    *,
    schema: Mapping[str, str] | None = None,
    buckets: int = 2048,
    signals: Mapping[str, Sequence[str]] | None = None,
    text_encoder: TextEncoder | None = None,
) -> Vocabulary:
    """Fit kinds, words and scales on the metadata of the training series.

    The kind of each field is inferred by ``infer_kind``. A field with the same value for every series is not used, nor
    is an identifier (``is_identifier``), unless ``schema`` states its kind.

    Parameters
    ----------
    metadata
        One row for each training series, or None.
    schema
        Overrides the kind of fields, by name; ``"ignore"`` excludes the field or signal.
    buckets
        Number of hash buckets for the words of texts, at least 1.
    signals
        The words of each side signal in the training series, by the name of the signal.
    text_encoder
        Encodes texts as vectors; None hashes their words.

    Returns
    -------
    Vocabulary
        With notes about the fields and signals that are not used.

    Raises
    ------
    ParameterError
        If ``schema`` names an unknown field or kind, or ``buckets`` is below 1.
    DataError
        If the values of a field do not match its kind in ``schema``, or a number is infinite.

    Example
    -------
    >>> vocabulary = fit_vocabulary(pa.table({"machine": ["b", "a", "b"], "age": [2, 4, 6], "site": ["x", "x", "x"]}))
    >>> [(one.name, one.kind, one.words, one.mean) for one in vocabulary.fields]
    [('machine', 'category', ('a', 'b'), 0.0), ('age', 'number', (), 4.0), ('site', 'ignore', (), 0.0)]
    """
    if buckets < 1:
        raise ParameterError(f"expected at least one bucket, got buckets={buckets}; use for example 2048")
    columns, signals, schema, kinds = fields_of(metadata), signals or {}, schema or {}, get_args(FieldKind)
    for name, kind in schema.items():
        names = [*columns, *signals]
        if name not in names:
            raise ParameterError(f"schema: there is no metadata field {name!r}{nearest(name, names)}")
        if kind not in (allowed := kinds if name in columns else ("category", "ignore")):
            raise ParameterError(f"schema: expected a kind for {name!r}, got {kind!r}{nearest(kind, allowed)}")
    notes: list[str] = []
    fields = [_fit_field(name, column, schema.get(name), notes) for name, column in columns.items()]
    empty = [name for name, words in signals.items() if not words]
    if empty:
        notes.append(f"signals are empty in all training series: {listing(empty)}; not used")
    used = [
        Signal(name, tuple(sorted(words)))
        for name, words in signals.items()
        if words and not (name not in columns and schema.get(name) == "ignore")
    ]
    return Vocabulary(tuple(fields), buckets, tuple(used), tuple(notes), text_encoder)


def _encode_signal(one: Signal, signals: StepSignals | None, notes: list[str]) -> SignalCodes:
    if signals is None or one.name not in signals.names:
        notes.append(f"signal {one.name!r} is missing: treated as unknown")
        return SignalCodes(None, np.zeros(1, dtype=np.int64))
    column, place = signals.names.index(one.name), {word: code for code, word in enumerate(one.words, 1)}
    words = signals.classes[column]
    new = [word for word in words if word not in place]
    if new:
        unseen = f"{counted(len(new), 'word')} not seen in training: {listing(new)}"
        notes.append(f"signal {one.name!r} has {unseen}; treated as unknown")
    return SignalCodes(column, np.array([*(place.get(word, 0) for word in words), 0], dtype=np.int64))


def _fit_field(name: str, column: Any, override: Any, notes: list[str]) -> Field:
    kind: FieldKind = override or infer_kind(column, name)
    if is_text(column.type):
        notes.extend(notes_on_words(column, name, kind, inferred=override is None))
    if kind == "ignore":
        return Field(name, kind)
    if override is None and kind in ("category", "text") and is_identifier(words_in(column, name)):
        notes.append(
            f"metadata {name!r} has another word for almost every series, as an identifier has: not used; state its "
            "kind, category or text, to use it"
        )
        return Field(name, "ignore")
    if override is None and kind == "category" and are_parts(words_in(column, name).tolist()):
        notes.append(f"metadata {name!r} names the parts of a split: not used; state its kind, category, to use it")
        return Field(name, "ignore")
    values, missing = read_field(column, name, kind)
    present = np.sort(values[~missing])  # sorted, so that the mean does not depend on the order of the rows
    if kind == "boolean":
        reject_cells(~np.isin(values, ["true", "false", ""]), values, "yes, no, true or false", name)
    fitted = Field(name, kind, has_missing=bool(missing.any()))
    reason = "" if len(present) else "is missing"
    if len(present) and present[0] == present[-1] and not fitted.has_missing:
        reason = "is the same"
    elif kind == "date" and len(present):
        parts = date_parts(present)
        fitted = replace(fitted, parts=tuple(part for part, columns in parts.items() if np.ptp(columns, axis=0).any()))
        present = parts["year"][:, 0]
        reason = "" if fitted.parts else "has the same year, month, weekday and hour"
    if reason:
        notes.append(f"metadata {name!r} {reason} for every series: not used")
        return Field(name, "ignore")
    if kind in ("number", "date"):
        deviation = float(np.ptp(present) and np.std(present)) or 1.0
        return replace(fitted, mean=float(np.mean(present)), deviation=deviation)
    return fitted if kind == "text" else replace(fitted, words=tuple(np.unique(present).tolist()))


def _codes(one: Field, words: Values, notes: list[str]) -> NDArray[np.int64]:
    place = {word: code for code, word in enumerate(one.words, 1)}
    codes = np.array([place.get(word, 0) for word in words], dtype=np.int64)
    unseen = words[(codes == 0) & (words != "")]
    if len(unseen):
        new = np.unique(unseen).tolist()
        description = f"{counted(len(new), 'word')} not seen in training, in {len(unseen)} series: {listing(new)}"
        notes.append(f"metadata {one.name!r} has {description}; treated as unknown")
    return codes[:, None]
