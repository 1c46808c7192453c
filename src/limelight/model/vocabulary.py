"""Vocabulary: what is known about each series as codes, numbers and tokens, in the words of the training part."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pydantic import FiniteFloat, PositiveInt, TypeAdapter, ValidationError

from limelight.data.columns import EMPTY_WORDS, read_some_words
from limelight.data.sources import Source, is_text
from limelight.errors import DataError, ModelFolderError, ParameterError, counted, listing, nearest

Kind = Literal["category", "number", "boolean", "date", "text", "ignore"]
DatePart = Literal["month", "weekday", "hour", "year"]
TRUTHS = {"yes": "true", "true": "true", "1": "true", "no": "false", "false": "false", "0": "false"}
FEW_WORDS, SHORT = 50, 4  # text of at most so many values, each of at most so many words, is a category
STAMP = pa.timestamp("us")
Values = NDArray[Any]  # words, "" where missing; numbers, NaN where missing; or dates, NaT where missing


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
    kind: Kind
    words: tuple[str, ...] = ()
    mean: FiniteFloat = 0.0
    deviation: FiniteFloat = 1.0
    has_missing: bool = False
    parts: tuple[DatePart, ...] = ()

    def scales(self) -> list[tuple[float, float]]:
        """Give mean and deviation of each column of numbers that the field makes; those of a date follow its parts."""
        own, cyclic = [(self.mean, self.deviation)], [(0.0, 1.0), (0.0, 1.0)]
        dated = [scale for part in self.parts for scale in (own if part == "year" else cyclic)]
        return own if self.kind == "number" else dated


@dataclass(frozen=True, eq=False)
class EncodedFacts:
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
    notes
        What is missing, was not met in training, or is not used.
    """

    categories: NDArray[np.int64]
    numbers: NDArray[np.float32]
    tokens: NDArray[np.int64]
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
    notes
        What was left out in training; not saved and not compared.
    """

    fields: tuple[Field, ...]
    buckets: PositiveInt = 2048
    notes: tuple[str, ...] = field(default=(), compare=False)

    def sizes(self) -> dict[str, Any]:
        """Give the sizes that ``ContextShape`` asks for; categories, numbers and texts in the order of the fields."""
        return {
            "categories": tuple(len(one.words) + 1 for one in self.fields if one.kind in ("category", "boolean")),
            "numbers": tuple(one.has_missing for one in self.fields for _ in one.scales()),
            "texts": sum(one.kind == "text" for one in self.fields),
            "buckets": self.buckets,
        }

    def statistics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give mean and deviation of each column of ``numbers``, each shape (N,); 0 and 1 for sines and cosines."""
        mean, deviation = np.array([scale for one in self.fields for scale in one.scales()]).reshape(-1, 2).T
        return mean, deviation

    def encode(self, metadata: pa.Table | None, n: int) -> EncodedFacts:
        """Turn metadata into numbers.

        Parameters
        ----------
        metadata
            One row for each series, or None. A training field that is not there is unknown for every series.
        n
            Number of series.

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
        given = _columns(metadata)
        notes: list[str] = []
        codes, numbers, texts = [np.zeros((n, 0), dtype=np.int64)], [np.zeros((n, 0))], []
        for one in self.fields:
            column = given.pop(one.name, pa.nulls(n, pa.string()))
            if one.kind == "ignore":
                continue
            values, missing = _read(column, one.name, one.kind)
            if missing.any() and (missing.all() or not one.has_missing):
                share = f"all {n}" if missing.all() else f"{missing.sum()} of {n}"
                notes.append(f"metadata {one.name!r} is missing for {share} series: treated as unknown")
            if one.kind == "text":
                texts.append([re.findall(r"\b\w\w+\b", text.lower()) for text in values])
            elif one.kind == "date":
                numbers += [columns for part, columns in _date_parts(values).items() if part in one.parts]
            elif one.kind == "number":
                numbers.append(values[:, None])
            else:
                codes.append(_codes(one, values, notes))
        if given:
            notes.append(f"metadata that training did not have is not used: {listing(given)}")
        arrays = np.concatenate(codes, axis=1), np.concatenate(numbers, axis=1).astype(np.float32)
        return EncodedFacts(*arrays, _hashed(texts, n, self.buckets), tuple(notes))

    def to_json(self) -> dict[str, Any]:
        """Say the vocabulary in a form that JSON can hold."""
        return dict(TypeAdapter(Vocabulary).dump_python(self, mode="json", exclude={"notes"}))

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Vocabulary:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        try:
            return TypeAdapter(cls).validate_python(content)
        except ValidationError as error:
            raise ModelFolderError(
                f"expected a vocabulary, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def fit_vocabulary(metadata: pa.Table, *, schema: Mapping[str, str] | None = None, buckets: int = 2048) -> Vocabulary:
    """Read kinds, words and scales off the metadata of the training series.

    Booleans, and text of yes and no or of true and false, are booleans; numbers are numbers; dates, and text of ISO
    dates alone, are dates. Other text is a category if no value has more than 4 words, and there are at most 50 values
    or each is met twice on average; else it is text. A field that is alike for every series is left out.

    Parameters
    ----------
    metadata
        One row for each training series.
    schema
        The kind of a field by its name, where another one is wanted; ``"ignore"`` leaves the field out.
    buckets
        How many different tokens texts are hashed to, at least 1.

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
    columns, kinds = _columns(metadata), get_args(Kind)
    for name, kind in (schema or {}).items():
        if name not in columns:
            raise ParameterError(f"schema: there is no metadata field {name!r}{nearest(name, columns)}")
        if kind not in kinds:
            raise ParameterError(f"schema: expected a kind for {name!r}, got {kind!r}{nearest(kind, kinds)}")
    notes: list[str] = []
    fields = [_fit_field(name, column, (schema or {}).get(name), notes) for name, column in columns.items()]
    return Vocabulary(tuple(fields), buckets, tuple(notes))


def determines(metadata: pa.Table, labels: ArrayLike) -> list[str]:
    """Name the fields that give the label away.

    Parameters
    ----------
    metadata
        One row for each series.
    labels
        Shape (n,).

    Returns
    -------
    list[str]
        Fields that are the label, as text; and fields of which each known value goes with one label only, if at least
        two values are met twice.

    Example
    -------
    >>> determines(pa.table({"station": ["a", "a", "b", "b"], "age": [1, 2, 3, 4]}), ["ok", "ok", "bad", "bad"])
    ['station']
    """
    said = _words(pa.array(np.asarray(labels).tolist()), "label")
    return [name for name, column in _columns(metadata).items() if _gives_away(_words(column, name), said)]


def _gives_away(words: Values, labels: Values) -> bool:
    known = words != ""
    words, labels = words[known], labels[known]
    _, first, place, counts = np.unique(words, return_index=True, return_inverse=True, return_counts=True)
    told = len(np.unique(labels)) > 1 and (labels == labels[first][place]).all()
    return bool(told and ((counts >= 2).sum() >= 2 or (words == labels).all()))


def _fit_field(name: str, column: Any, stated: Any, notes: list[str]) -> Field:
    kind: Kind = stated or _kind_of(column, name)
    if kind == "ignore":
        return Field(name, kind)
    values, missing = _read(column, name, kind)
    known = np.sort(values[~missing])  # so that the order of the rows changes no digit of the mean
    if kind == "boolean":
        _refuse(~np.isin(values, ["true", "false", ""]), values, "yes, no, true or false", name)
    made = Field(name, kind, has_missing=bool(missing.any()))
    said = "" if len(known) else "missing"
    if len(known) and known[0] == known[-1] and not made.has_missing:
        said = "alike"
    elif kind == "date" and len(known):
        parts = _date_parts(known)
        made = replace(made, parts=tuple(part for part, columns in parts.items() if np.ptp(columns, axis=0).any()))
        known, said = parts["year"][:, 0], "" if made.parts else "alike in year, month, weekday and hour"
    if said:
        notes.append(f"metadata {name!r} is {said} for every series: not used")
        return Field(name, "ignore")
    if kind in ("number", "date"):
        return replace(made, mean=float(np.mean(known)), deviation=float(np.ptp(known) and np.std(known)) or 1.0)
    return made if kind == "text" else replace(made, words=tuple(np.unique(known).tolist()))


def _kind_of(column: Any, name: str) -> Kind:
    if not is_text(column.type):
        return "boolean" if column.type == pa.bool_() else "date" if column.type == STAMP else "number"
    words = [word for word in _words(column, name) if word]
    different = set(words)
    if any({word.lower() for word in different} <= pair for pair in ({"yes", "no"}, {"true", "false"})):
        return "boolean"
    if not any(isinstance(_parsed(word, "date"), str) for word in different):
        return "date"
    few = len(different) <= FEW_WORDS or 2 * len(different) <= len(words)
    return "category" if few and all(len(word.split()) <= SHORT for word in different) else "text"


def _columns(metadata: pa.Table | None) -> dict[str, Any]:
    names = [] if metadata is None else metadata.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"expected each metadata field once, got {listing(twice)} again; rename one of them")
    return {} if metadata is None else {name: _plain(metadata[name].combine_chunks()) for name in names}


def _plain(column: Any) -> Any:
    """Give booleans, numbers, timestamps in UTC where a zone is known, and all else as text."""
    types = pa.types
    column = column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
    kind = column.type
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.cast(STAMP, safe=False)
    if types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False).cast(pa.int64())
    if types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pa.float64())
    if types.is_boolean(kind) or types.is_integer(kind) or kind == pa.string():
        return column
    return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())


def _words(column: Any, name: str) -> Values:
    column = column.cast(pa.string()) if column.type in (pa.bool_(), STAMP) else column
    words = read_some_words(Source(pa.table({name: column}), "the metadata"), name, "metadata")
    return np.array([*(word.strip() for word in words.names.tolist()), ""], dtype=object)[words.codes]


def _read(column: Any, name: str, kind: Kind) -> tuple[Values, NDArray[np.bool_]]:
    """Give the cells as a field of that kind has them, and where they are missing."""
    if kind not in ("number", "date"):
        words = _words(column, name)
        words = np.array([TRUTHS.get(word.lower(), word) for word in words], object) if kind == "boolean" else words
        return words, words == ""
    if is_text(column.type) or (column.type == STAMP) != (kind == "date"):
        words = _words(column, name)
        cells = [_parsed(word, kind) for word in words]
        wanted = "a date such as 2024-01-31" if kind == "date" else "a number"
        _refuse(np.array([isinstance(cell, str) for cell in cells], dtype=bool), words, wanted, name)
        column = pa.array(cells, pa.timestamp("us", "UTC") if kind == "date" else pa.float64())
    column = column.cast(STAMP if kind == "date" else pa.float64(), safe=False)
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if kind == "number":
        _refuse(np.abs(values) > np.finfo(np.float32).max, values, "a finite number within float32", name)
    return values, np.isnan(values)


def _parsed(word: str, kind: Kind) -> Any:
    """Read a number or a date; None where it is missing, the word itself where it is neither."""
    try:
        return None if word.lower() in EMPTY_WORDS else datetime.fromisoformat(word) if kind == "date" else float(word)
    except ValueError:
        return word


def _refuse(wrong: NDArray[np.bool_], values: Values, wanted: str, name: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"expected {wanted} in metadata {name!r}, got {values.tolist()[row]!r} in row {row} (the first series is "
            "row 0); correct it, leave the cell empty, or train with another kind for the field"
        )


def _codes(one: Field, words: Values, notes: list[str]) -> NDArray[np.int64]:
    place = {word: code for code, word in enumerate(one.words, 1)}
    codes = np.array([place.get(word, 0) for word in words], dtype=np.int64)
    unseen = words[(codes == 0) & (words != "")]
    if len(unseen):
        new = np.unique(unseen).tolist()
        said = f"{counted(len(new), 'word')} not seen in training, in {len(unseen)} series: {listing(new)}"
        notes.append(f"metadata {one.name!r} has {said}; treated as unknown")
    return codes[:, None]


def _date_parts(dates: Values) -> dict[DatePart, NDArray[np.float64]]:
    """Give sine and cosine of month, weekday and hour, and years since 2000 by the day, each shape (n, 2) or (n, 1)."""
    days = dates.astype("datetime64[D]")
    turns: dict[DatePart, Values] = {
        "month": dates.astype("datetime64[M]").astype(np.int64) % 12 / 12,
        "weekday": (days.astype(np.int64) + 3) % 7 / 7,  # from Monday
        "hour": (dates - days).astype("timedelta64[h]").astype(np.int64) / 24,
    }
    parts = {part: np.stack([np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)], 1) for part, turn in turns.items()}
    parts["year"] = (days - np.datetime64("2000-01-01")).astype(np.int64)[:, None] / 365.2425
    return {part: np.where(np.isnat(dates)[:, None], np.nan, columns) for part, columns in parts.items()}


def _hashed(texts: list[list[list[str]]], n: int, buckets: int) -> NDArray[np.int64]:
    longest = max((len(tokens) for text in texts for tokens in text), default=0)
    hashed = np.zeros((n, len(texts), max(1, longest)), dtype=np.int64)
    for row, place in np.ndindex(n, len(texts)):
        codes = [zlib.crc32(token.encode()) % buckets + 1 for token in texts[place][row]]
        hashed[row, place, : len(codes)] = codes
    return hashed
