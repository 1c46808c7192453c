"""Vocabulary: what is known about each series as codes, numbers and tokens, in the words of the training part."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, FiniteFloat, PositiveInt, TypeAdapter, ValidationError

from limelight.data.columns import EMPTY_WORDS, read_some_words
from limelight.data.sources import Source, is_text
from limelight.errors import DataError, ModelFolderError, ParameterError, counted, listing, nearest

Kind = Literal["category", "number", "boolean", "date", "text", "ignore"]
DatePart = Literal["month", "weekday", "hour", "year"]
KINDS: tuple[str, ...] = get_args(Kind)
PERIODS: Mapping[DatePart, int] = {"month": 12, "weekday": 7, "hour": 24}
TRUTHS = {"yes": "true", "true": "true", "1": "true", "no": "false", "false": "false", "0": "false"}
FEW_WORDS = 50
"""A text field of at most so many different values is a category."""
SHORT = 4
"""Words that a value of a category has at most."""
MOST_TOKENS = 256
"""Tokens of a text that are used, the first ones."""
TOKEN = re.compile(r"(?u)\b\w\w+\b")
NUMBERS = (pa.float64(),)
DATES = (pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("ns", "UTC"))
LARGEST = float(np.finfo(np.float32).max)

Floats = NDArray[np.float64]
Strings = NDArray[np.object_]


class Sizes(NamedTuple):
    """What a network has to know of a vocabulary.

    Parameters
    ----------
    categories
        Codes of each category and boolean, 0 included, in the order of the columns of ``categories``.
    numbers
        For each column of ``numbers`` whether it was missing for a training series.
    texts, buckets
        Text fields, and the largest token.
    """

    categories: tuple[int, ...]
    numbers: tuple[bool, ...]
    texts: int
    buckets: int


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

    Example
    -------
    >>> Field("mode", "category", words=("idle", "run")).width
    1
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    kind: Kind
    words: tuple[str, ...] = ()
    mean: FiniteFloat = 0.0
    deviation: FiniteFloat = 1.0
    has_missing: bool = False
    parts: tuple[DatePart, ...] = ()

    @property
    def width(self) -> int:
        """Columns that the field takes: 1; of a date 2 for each part that goes round, 1 for the year."""
        return sum(2 if part in PERIODS else 1 for part in self.parts) if self.kind == "date" else 1


@dataclass(frozen=True, eq=False)
class EncodedFacts:
    """Metadata as a network takes it.

    Parameters
    ----------
    categories
        The word of each category and boolean, 0 where it is missing or was not met in training, shape (n, C).
    numbers
        Numbers less their mean, divided by their deviation; of dates sines and cosines of month, day of the week and
        hour, and the year treated as a number; NaN where missing; shape (n, N).
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
    buckets: int = 2048
    notes: tuple[str, ...] = field(default=(), compare=False)

    def of_kind(self, *kinds: str) -> tuple[Field, ...]:
        """Give the fields of some kinds, in their order, which is that of the columns they make."""
        return tuple(one for one in self.fields if one.kind in kinds)

    def sizes(self) -> Sizes:
        """Say what a network has to know.

        Example
        -------
        >>> fit_vocabulary(pa.table({"mode": ["idle", "run"], "age": [3, None]})).sizes()
        Sizes(categories=(3,), numbers=(True,), texts=0, buckets=2048)
        """
        return Sizes(
            tuple(len(one.words) + 1 for one in self.of_kind("category", "boolean")),
            tuple(one.has_missing for one in self.of_kind("number", "date") for _ in range(one.width)),
            len(self.of_kind("text")),
            self.buckets,
        )

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
        ([[2], [0]], [[0.0], [nan]])
        >>> facts.notes[0]
        "metadata 'mode' has 1 word that training did not have, for 1 of 2 series: 'stop'; treated as unknown"
        """
        columns = _columns(metadata)
        if metadata is not None and len(metadata) != n:
            raise DataError(f"expected one row of metadata for each of the {n} series, got {len(metadata)} rows")
        notes: list[str] = []
        absent = pa.nulls(n, pa.string())
        read = {one.name: columns.get(one.name, absent) for one in self.fields if one.kind != "ignore"}
        codes = [_codes(one, read[one.name], notes) for one in self.of_kind("category", "boolean")]
        numbers = [part for one in self.of_kind("number", "date") for part in _numbers(one, read[one.name], notes)]
        texts = [_tokens(one, read[one.name], self.buckets, notes) for one in self.of_kind("text")]
        known = {one.name for one in self.fields}
        new = [name for name in columns if name not in known]
        if new:
            notes.append(f"{counted(len(new), 'metadata field')} that training did not have, not used: {listing(new)}")
        return EncodedFacts(
            np.stack(codes, axis=1) if codes else np.zeros((n, 0), dtype=np.int64),
            np.stack(numbers, axis=1).astype(np.float32) if numbers else np.zeros((n, 0), dtype=np.float32),
            _padded(texts, n),
            tuple(notes),
        )

    def to_json(self) -> dict[str, Any]:
        """Say the vocabulary in a form that JSON can hold."""
        lists = [{**asdict(one), "words": list(one.words), "parts": list(one.parts)} for one in self.fields]
        return {"fields": lists, "buckets": self.buckets}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Vocabulary:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        try:
            return cls(
                TypeAdapter(tuple[Field, ...]).validate_python(content["fields"]),
                TypeAdapter(PositiveInt).validate_python(content["buckets"]),
            )
        except (ValidationError, KeyError, TypeError) as error:
            raise ModelFolderError(
                f"expected a vocabulary with fields and buckets, got {str(content)[:80]!r}; the model is damaged or "
                "from a newer limelight"
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
        The kind of a field by its name, where another one is wanted: ``"category"``, ``"number"``, ``"boolean"``,
        ``"date"``, ``"text"`` or ``"ignore"``.
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

    Source
    ------
    Tokens are hashed after Weinberger et al. (2009), "Feature hashing for large scale multitask learning".

    Example
    -------
    >>> vocabulary = fit_vocabulary(pa.table({"machine": ["b", "a", "b"], "age": [2, 4, 6], "site": ["x", "x", "x"]}))
    >>> [(one.name, one.kind, one.words, one.mean) for one in vocabulary.fields]
    [('machine', 'category', ('a', 'b'), 0.0), ('age', 'number', (), 4.0), ('site', 'ignore', (), 0.0)]
    >>> vocabulary.notes
    ("metadata 'site' is alike for every series: not used",)
    """
    if buckets < 1:
        raise ParameterError(f"expected at least one bucket, got buckets={buckets}; use for example 2048")
    schema = schema or {}
    columns = _columns(metadata)
    for name, kind in schema.items():
        if name not in columns:
            raise ParameterError(f"schema: there is no metadata field {name!r}{nearest(name, columns)}")
        if kind not in KINDS:
            raise ParameterError(f"schema: expected a kind for {name!r}, got {kind!r}{nearest(kind, KINDS)}")
    notes: list[str] = []
    fields = tuple(_fit_field(name, column, schema.get(name), notes) for name, column in columns.items())
    return Vocabulary(fields, buckets, tuple(notes))


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
        Fields that are the label, as text; and fields of which each value goes with one label only, if at least two
        values are met twice: values met once always do. Missing cells do not count.

    Example
    -------
    >>> determines(pa.table({"station": ["a", "a", "b", "b"], "age": [1, 2, 3, 4]}), ["ok", "ok", "bad", "bad"])
    ['station']
    """
    _, classes = np.unique(np.asarray(labels), return_inverse=True)
    said = _words(pa.array(np.asarray(labels).tolist()), "label")
    return [
        name
        for name, column in _columns(metadata).items()
        if _is_readable(column) and _gives_away(_words(column, name), classes, said)
    ]


def _gives_away(words: Strings, classes: NDArray[np.int64], said: Strings) -> bool:
    known = words != ""
    _, first, place, counts = np.unique(words[known], return_index=True, return_inverse=True, return_counts=True)
    classes = classes[known]
    if len(np.unique(classes)) < 2 or (classes != classes[first][place]).any():
        return False
    return bool((counts >= 2).sum() >= 2 or (words == said)[known].all())


def _fit_field(name: str, column: Any, stated: Any, notes: list[str]) -> Field:
    ignored = Field(name, "ignore")
    if stated == "ignore":
        return ignored
    if stated is None and not _is_readable(column):
        notes.append(f"metadata {name!r} has cells of type {column.type}: not used")
        return ignored
    kind = stated or _kind_of(column, name)
    values = _READ[kind](column, name)
    missing = _missing(values)
    known = np.sort(values[~missing])  # so that the order of the rows changes no digit of the mean
    made = Field(name, kind, has_missing=bool(missing.any()))
    if not len(known) or (known[0] == known[-1] and not made.has_missing):
        notes.append(f"metadata {name!r} is {'alike' if len(known) else 'missing'} for every series: not used")
        return ignored
    if kind in ("category", "boolean"):
        return replace(made, words=tuple(np.unique(known).tolist()))
    if kind == "date":
        parts = _date_parts(known)
        made = replace(made, parts=tuple(part for part, numbers in parts.items() if np.ptp(numbers) > 0))
        if not made.parts:
            notes.append(f"metadata {name!r} is alike for every series in month, weekday, hour and year: not used")
            return ignored
        known = parts["year"]
    if kind in ("number", "date"):
        return replace(made, mean=float(np.mean(known)), deviation=float(np.std(known)) or 1.0)
    return made


def _kind_of(column: Any, name: str) -> Kind:
    types, kind = pa.types, column.type
    if types.is_boolean(kind):
        return "boolean"
    if types.is_timestamp(kind):
        return "date"
    if not is_text(kind):
        return "number"
    words = _words(column, name)
    words = words[words != ""]
    different = set(words.tolist())
    if any({word.lower() for word in different} <= pair for pair in ({"yes", "no"}, {"true", "false"})):
        return "boolean"
    if _parsed(_cleaned(column), DATES) is not None:
        return "date"
    few = len(different) <= FEW_WORDS or 2 * len(different) <= len(words)
    return "category" if few and all(len(word.split()) <= SHORT for word in different) else "text"


def _columns(metadata: pa.Table | None) -> dict[str, Any]:
    """Give each field as one array: of booleans, numbers, timestamps or text, or of a type that cannot be read."""
    if metadata is None:
        return {}
    names = metadata.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"expected each metadata field once, got {listing(twice)} again; rename one of them")
    return {name: _plain(metadata[name].combine_chunks()) for name in names}


def _plain(column: Any) -> Any:
    types = pa.types
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if types.is_null(kind) or types.is_time(kind) or is_text(kind):
        return column.cast(pa.string())
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False)  # in UTC where a zone is known
    if types.is_duration(kind):
        return pc.divide(column.cast(pa.duration("ns")).cast(pa.int64()).cast(pa.float64(), safe=False), 1e9)
    return column.cast(pa.float64()) if types.is_decimal(kind) or types.is_floating(kind) else column


def _is_readable(column: Any) -> bool:
    types, kind = pa.types, column.type
    checks = (types.is_boolean, types.is_integer, types.is_floating, types.is_timestamp, is_text)
    return any(check(kind) for check in checks)


def _words(column: Any, name: str) -> Strings:
    """Give every cell as a word without surrounding spaces, "" where it is missing."""
    if not _is_readable(column):
        raise DataError(f"expected words in metadata {name!r}, got cells of type {column.type}; give one word each")
    if pa.types.is_boolean(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.string())
    words = read_some_words(Source(pa.table({name: column}), "the metadata"), name, "metadata")
    return np.array([*(word.strip() for word in words.names.tolist()), ""], dtype=object)[words.codes]


def _truths(column: Any, name: str) -> Strings:
    words = _words(column, name)
    return np.array([TRUTHS.get(word.lower(), word) for word in words], dtype=object)


def _known_truths(column: Any, name: str) -> Strings:
    truths = _truths(column, name)
    wrong = np.flatnonzero(~np.isin(truths, ["true", "false", ""]))
    if len(wrong):
        raise _unreadable("yes, no, true or false", name, truths[wrong[0]], int(wrong[0]))
    return truths


def _numbers_of(column: Any, name: str) -> Floats:
    numbers = _cells(column, name, NUMBERS, "a number").to_numpy(zero_copy_only=False).astype(np.float64)
    large = np.flatnonzero(np.abs(numbers) > LARGEST)
    if len(large):
        raise _unreadable("a finite number within float32", name, float(numbers[large[0]]), int(large[0]))
    return np.asarray(numbers)


def _stamps_of(column: Any, name: str) -> NDArray[np.datetime64]:
    cells = _cells(column, name, DATES, "a date such as 2024-01-31 or 2024-01-31 12:00:00")
    return np.asarray(cells.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False))


_READ: Mapping[str, Callable[[Any, str], NDArray[Any]]] = {
    "category": _words,
    "text": _words,
    "boolean": _known_truths,
    "number": _numbers_of,
    "date": _stamps_of,
}


def _cells(column: Any, name: str, kinds: Sequence[Any], wanted: str) -> Any:
    """Read text as the first of some types that takes every cell; numbers and dates are not taken for each other."""
    if not is_text(column.type):
        if not _is_readable(column) or pa.types.is_timestamp(column.type) != (kinds is DATES):
            raise DataError(
                f"expected {wanted} in each cell of metadata {name!r}, got cells of type {column.type}; "
                "give it as in training, or train with another kind for it"
            )
        return column if kinds is DATES else column.cast(pa.float64(), safe=False)
    cleaned = _cleaned(column)
    parsed = _parsed(cleaned, kinds)
    if parsed is None:
        row = max(_first_unreadable(cleaned, kind) for kind in kinds)
        raise _unreadable(wanted, name, cleaned[row].as_py(), row)
    return parsed


def _cleaned(column: Any) -> Any:
    trimmed = pc.utf8_trim_whitespace(column)
    empty = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(EMPTY_WORDS, trimmed.type))
    return pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)


def _parsed(cleaned: Any, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        try:
            return cleaned.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _first_unreadable(cleaned: Any, kind: Any) -> int:
    return next(row for row in range(len(cleaned)) if _parsed(cleaned[row : row + 1], (kind,)) is None)


def _unreadable(wanted: str, name: str, cell: Any, row: int) -> DataError:
    return DataError(
        f"expected {wanted} in metadata {name!r}, got {cell!r} in row {row} (the first series is row 0); "
        "correct it, leave the cell empty, or train with another kind for the field"
    )


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(
        values == "" if values.dtype == object else np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    )


def _note_missing(field: Field, missing: NDArray[np.bool_], notes: list[str]) -> None:
    count, n = int(missing.sum()), len(missing)
    if count == n > 0:
        notes.append(f"metadata {field.name!r} is missing for all {n} series: treated as unknown")
    elif count and not field.has_missing:
        notes.append(
            f"metadata {field.name!r} is missing for {count} of {n} series, and for none in training: "
            "treated as unknown"
        )


def _codes(field: Field, column: Any, notes: list[str]) -> NDArray[np.int64]:
    words = (_truths if field.kind == "boolean" else _words)(column, field.name)
    _note_missing(field, words == "", notes)
    place = {word: code for code, word in enumerate(field.words, 1)}
    codes = np.array([place.get(word, 0) for word in words], dtype=np.int64)
    unseen = words[(codes == 0) & (words != "")]
    if len(unseen):
        different = sorted(set(unseen.tolist()))
        notes.append(
            f"metadata {field.name!r} has {counted(len(different), 'word')} that training did not have, for "
            f"{len(unseen)} of {len(words)} series: {listing(different)}; treated as unknown"
        )
    return codes


def _numbers(field: Field, column: Any, notes: list[str]) -> list[Floats]:
    """Give the columns of a number or date, scaled."""
    values = _READ[field.kind](column, field.name)
    missing = _missing(values)
    _note_missing(field, missing, notes)
    if field.kind == "number":
        return [_scaled(field, values)]
    columns: list[Floats] = []
    for part, numbers in _date_parts(values).items():
        numbers[missing] = np.nan
        if part in field.parts and part in PERIODS:
            angles = 2 * np.pi * numbers / PERIODS[part]
            columns += [np.sin(angles), np.cos(angles)]
        elif part in field.parts:
            columns.append(_scaled(field, numbers))
    return columns


def _scaled(field: Field, numbers: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.clip((numbers - field.mean) / field.deviation, -LARGEST, LARGEST)


def _date_parts(stamps: NDArray[np.datetime64]) -> dict[DatePart, Floats]:
    """Give month and weekday (Monday is 0) from 0, the hour, and years since 2000, by the day."""
    days = stamps.astype("datetime64[D]")
    numbers: dict[DatePart, NDArray[Any]] = {
        "month": stamps.astype("datetime64[M]").astype(np.int64) % 12,
        "weekday": (days.astype(np.int64) + 3) % 7,
        "hour": (stamps - days).astype("timedelta64[h]").astype(np.int64),
        "year": (days - np.datetime64("2000-01-01")).astype(np.int64) / 365.2425,
    }
    return {part: values.astype(np.float64) for part, values in numbers.items()}


def _tokens(field: Field, column: Any, buckets: int, notes: list[str]) -> list[list[int]]:
    words = _words(column, field.name)
    _note_missing(field, words == "", notes)
    found = [TOKEN.findall(text.lower()) for text in words]
    long = sum(len(tokens) > MOST_TOKENS for tokens in found)
    if long:
        notes.append(
            f"metadata {field.name!r} has more than {MOST_TOKENS} tokens for {long} of {len(found)} series: "
            f"the first {MOST_TOKENS} are used"
        )
    return [[zlib.crc32(token.encode()) % buckets + 1 for token in tokens[:MOST_TOKENS]] for tokens in found]


def _padded(texts: list[list[list[int]]], n: int) -> NDArray[np.int64]:
    longest = max((len(tokens) for text in texts for tokens in text), default=0)
    padded = np.zeros((n, len(texts), max(1, longest)), dtype=np.int64)
    for place, text in enumerate(texts):
        for row, tokens in enumerate(text):
            padded[row, place, : len(tokens)] = tokens
    return padded
