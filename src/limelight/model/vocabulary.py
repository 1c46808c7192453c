"""Vocabulary: what is known about each series as codes, numbers and tokens, in the words of the training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import FiniteFloat, PositiveInt, TypeAdapter, ValidationError

from limelight.data.annotations import StepSignals
from limelight.data.metadata import (
    STAMP,
    DatePart,
    FieldKind,
    Values,
    date_parts,
    fields_of,
    parse_cell,
    read_field,
    reject_cells,
    words_in,
)
from limelight.data.reading.sources import is_text
from limelight.errors import DataError, ModelFolderError, ParameterError, counted, listing, nearest
from limelight.model.texts import TextEncoder, read_texts

FEW_WORDS, SHORT = 50, 4  # text of at most so many values, each of at most so many words, is a category


@dataclass(frozen=True)
class Field:
    """One metadata field, as the training part has it.

    Parameters
    ----------
    name, kind
        ``"ignore"`` is a field that is known and not used.
    words
        Of a category or boolean, sorted; the code of each is its place, from 1.
    mean, deviation
        Of the known training numbers; of a date, of its years since 2000. The deviation is 1 where all are alike.
    has_missing
        Whether the field is missing for a training series.
    parts
        Of a date, those that vary.
    """

    name: str
    kind: FieldKind
    words: tuple[str, ...] = ()
    mean: FiniteFloat = 0.0
    deviation: FiniteFloat = 1.0
    has_missing: bool = False
    parts: tuple[DatePart, ...] = ()

    def scales(self) -> list[tuple[float, float]]:
        """Return mean and standard deviation of each numeric column of the field; for a date in the order of its
        parts."""
        own, cyclic = [(self.mean, self.deviation)], [(0.0, 1.0), (0.0, 1.0)]
        dated = [scale for part in self.parts for scale in (own if part == "year" else cyclic)]
        return own if self.kind == "number" else dated


@dataclass(frozen=True)
class Signal:
    """One signal of single steps, as the training part has it.

    Parameters
    ----------
    name
        Of the signal.
    words
        Sorted; the code of each is its place, from 1.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SignalCodes:
    """How the signal of a panel becomes that of the training.

    Parameters
    ----------
    column
        Its place among the signals of the panel; None where the panel has it not.
    codes
        For each code of the panel that of the training, 0 where the word is not of training; the last is for an unknown
        one (-1), shape (words of the panel + 1,).
    """

    column: int | None
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EncodedMetadata:
    """Metadata as a network takes it.

    Parameters
    ----------
    categories
        The code of each category and boolean, 0 where it is missing or not of training, shape (n, C).
    numbers
        Numbers as they are, and of each date sine and cosine of month, weekday and hour, and years since 2000; NaN
        where missing, shape (n, N).
    tokens
        The tokens of each text field, 1 to ``buckets``, padded with 0, shape (n, T, L).
    vectors
        The vector of each text field where there is a text encoder, which leaves no tokens; NaN where the text is
        missing or no word of it is known, shape (n, T, size).
    signals
        How each signal of the training comes out of those of the panel.
    notes
        What is missing, was not met in training, or is not used.
    """

    categories: NDArray[np.int64]
    numbers: NDArray[np.float32]
    tokens: NDArray[np.int64]
    vectors: NDArray[np.float32]
    signals: tuple[SignalCodes, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """The fields of the training part, and how metadata becomes numbers; made by ``fit_vocabulary``.

    Parameters
    ----------
    fields
        In the order of the training table.
    buckets
        How many different tokens there are, at least 1.
    signals
        Of single steps.
    notes
        What was left out in training; not saved and not compared.
    text_encoder
        Makes the vectors of texts; None hashes their words.
    """

    fields: tuple[Field, ...]
    buckets: PositiveInt = 2048
    signals: tuple[Signal, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    text_encoder: TextEncoder | None = None

    def sizes(self) -> dict[str, Any]:
        """Return the arguments of ``ContextShape``; categories, numbers and texts in the order of the fields."""
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
        """Whether there is anything to know about a series as a whole."""
        return any(one.kind != "ignore" for one in self.fields)

    def statistics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of each column of ``numbers``, each shape (N,); 0 and 1 for sines and
        cosines."""
        mean, deviation = np.array([scale for one in self.fields for scale in one.scales()]).reshape(-1, 2).T
        return mean, deviation

    def encode(self, metadata: pa.Table | None, n: int, signals: StepSignals | None = None) -> EncodedMetadata:
        """Encode metadata as numbers.

        Parameters
        ----------
        metadata
            One row for each series, or None. A training field that is not there is unknown for every series.
        n
            Number of series.
        signals
            Of their steps, or None.

        Returns
        -------
        EncodedFacts
            Arrays of n rows.

        Raises
        ------
        DataError
            If there are not n rows, or a number or date cannot be read.

        Example
        -------
        >>> vocabulary = fit_vocabulary(pa.table({"mode": ["idle", "run", "run"], "age": [2.0, 4.0, 6.0]}))
        >>> facts = vocabulary.encode(pa.table({"mode": ["run", "stop"], "age": [4.0, None]}), 2)
        >>> facts.categories.tolist(), facts.numbers.tolist()
        ([[2], [0]], [[4.0], [nan]])
        >>> facts.notes[0]
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
            values, missing = read_field(column, one.name, one.kind)
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
            notes.append(f"metadata that training did not have is not used: {listing(given)}")
        arrays = np.concatenate(codes, axis=1), np.concatenate(numbers, axis=1).astype(np.float32)
        read = read_texts(texts, n, buckets=self.buckets, encoder=self.text_encoder, notes=notes)
        encoded = tuple(_encoded_signal(one, signals, notes) for one in self.signals)
        return EncodedMetadata(*arrays, *read, encoded, tuple(notes))

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary in a form that JSON can hold."""
        left_out = {"notes": True, "text_encoder": {"folder"} if self.text_encoder else True}
        return dict(TypeAdapter(Vocabulary).dump_python(self, mode="json", exclude=left_out))

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Vocabulary:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
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
    """Read kinds, words and scales off the metadata of the training series.

    Booleans, and text of yes and no or of true and false, are booleans; numbers are numbers; dates, and text of ISO
    dates alone, are dates. Other text is a category if no value has more than 4 words, and there are at most 50 values
    or each is met twice on average; else it is text. A field that is alike for every series is left out.

    Parameters
    ----------
    metadata
        One row for each training series, or None.
    schema
        The kind of a field by its name, where another one is wanted; ``"ignore"`` leaves the field, or signal, out.
    buckets
        How many different tokens texts are hashed to, at least 1.
    signals
        The words that each signal says in the training series, by its name.
    text_encoder
        Makes the vectors of texts; None hashes their words.

    Returns
    -------
    Vocabulary
        With notes on what is left out.

    Raises
    ------
    ParameterError
        If ``schema`` names an unknown field or kind, or there is no bucket.
    DataError
        If a field does not hold what ``schema`` says, or a number is infinite.

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
        known = [*columns, *signals]
        if name not in known:
            raise ParameterError(f"schema: there is no metadata field {name!r}{nearest(name, known)}")
        if kind not in (allowed := kinds if name in columns else ("category", "ignore")):
            raise ParameterError(f"schema: expected a kind for {name!r}, got {kind!r}{nearest(kind, allowed)}")
    notes: list[str] = []
    fields = [_fit_field(name, column, schema.get(name), notes) for name, column in columns.items()]
    silent = [name for name, words in signals.items() if not words]
    if silent:
        notes.append(f"signals say nothing in the training series: {listing(silent)}; not used")
    used = [
        Signal(name, tuple(sorted(words)))
        for name, words in signals.items()
        if words and not (name not in columns and schema.get(name) == "ignore")
    ]
    return Vocabulary(tuple(fields), buckets, tuple(used), tuple(notes), text_encoder)


def _encoded_signal(one: Signal, signals: StepSignals | None, notes: list[str]) -> SignalCodes:
    if signals is None or one.name not in signals.names:
        notes.append(f"signal {one.name!r} is missing: treated as unknown")
        return SignalCodes(None, np.zeros(1, dtype=np.int64))
    column, place = signals.names.index(one.name), {word: code for code, word in enumerate(one.words, 1)}
    words = signals.classes[column]
    new = [word for word in words if word not in place]
    if new:
        said = f"{counted(len(new), 'word')} not seen in training: {listing(new)}"
        notes.append(f"signal {one.name!r} has {said}; treated as unknown")
    return SignalCodes(column, np.array([*(place.get(word, 0) for word in words), 0], dtype=np.int64))


def _fit_field(name: str, column: Any, stated: Any, notes: list[str]) -> Field:
    kind: FieldKind = stated or _kind_of(column, name)
    if stated is None and kind in ("category", "text"):
        notes.extend(_stray_words(column, name, kind))
    if kind == "ignore":
        return Field(name, kind)
    values, missing = read_field(column, name, kind)
    known = np.sort(values[~missing])  # so that the order of the rows changes no digit of the mean
    if kind == "boolean":
        reject_cells(~np.isin(values, ["true", "false", ""]), values, "yes, no, true or false", name)
    made = Field(name, kind, has_missing=bool(missing.any()))
    said = "" if len(known) else "missing"
    if len(known) and known[0] == known[-1] and not made.has_missing:
        said = "alike"
    elif kind == "date" and len(known):
        parts = date_parts(known)
        made = replace(made, parts=tuple(part for part, columns in parts.items() if np.ptp(columns, axis=0).any()))
        known, said = parts["year"][:, 0], "" if made.parts else "alike in year, month, weekday and hour"
    if said:
        notes.append(f"metadata {name!r} is {said} for every series: not used")
        return Field(name, "ignore")
    if kind in ("number", "date"):
        return replace(made, mean=float(np.mean(known)), deviation=float(np.ptp(known) and np.std(known)) or 1.0)
    return made if kind == "text" else replace(made, words=tuple(np.unique(known).tolist()))


def _stray_words(column: Any, name: str, kind: FieldKind) -> list[str]:
    """Warn of a few words among numbers, which make a field of numbers one of words."""
    words = [word for word in words_in(column, name) if word]
    strays = [word for word in words if isinstance(parse_cell(word, "number"), str)]
    if not 0 < 2 * len(strays) < len(words):
        return []
    return [
        f"metadata {name!r} holds numbers, but words in {len(strays)} of {len(words)} series: "
        f"{listing(sorted(set(strays)))}; taken as {kind}: correct them, or say what the field is"
    ]


def _kind_of(column: Any, name: str) -> FieldKind:
    if not is_text(column.type):
        return "boolean" if column.type == pa.bool_() else "date" if column.type == STAMP else "number"
    words = [word for word in words_in(column, name) if word]
    different = set(words)
    if any({word.lower() for word in different} <= pair for pair in ({"yes", "no"}, {"true", "false"})):
        return "boolean"
    if not any(isinstance(parse_cell(word, "date"), str) for word in different):
        return "date"
    few = len(different) <= FEW_WORDS or 2 * len(different) <= len(words)
    return "category" if few and all(len(word.split()) <= SHORT for word in different) else "text"


def _codes(one: Field, words: Values, notes: list[str]) -> NDArray[np.int64]:
    place = {word: code for code, word in enumerate(one.words, 1)}
    codes = np.array([place.get(word, 0) for word in words], dtype=np.int64)
    unseen = words[(codes == 0) & (words != "")]
    if len(unseen):
        new = np.unique(unseen).tolist()
        said = f"{counted(len(new), 'word')} not seen in training, in {len(unseen)} series: {listing(new)}"
        notes.append(f"metadata {one.name!r} has {said}; treated as unknown")
    return codes[:, None]
