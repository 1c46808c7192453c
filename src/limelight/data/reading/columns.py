"""Read one column of a table as words or numbers; errors name the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.labels import classes_of_column
from limelight.data.reading.missing import EMPTY_WORDS, MISSING_WORDS, OddWords
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.spelling import Spellings, one_form, several_spellings
from limelight.errors import DataError, InputError

NAN_WORDS = ("", "nan", "NaN", "NAN", "NaT", "<NA>")
"""What programs write for an empty cell of words."""
MISSING_CELLS = pa.array(sorted(MISSING_WORDS), pa.large_string())
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
ID_REMEDY = "write the id of the series in every row, or leave the row out"
"""What to do about an empty cell of ids."""
LARGEST_NUMBER = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Words:
    """A dictionary-encoded column of words.

    Parameters
    ----------
    codes
        The index into ``names`` for each row, -1 for an empty cell, shape (rows,).
    names
        The distinct words in order of first appearance, each in its one form.
    spellings
        How words are written in the table, by their one form, unless a word is always written in it.

    Example
    -------
    >>> words = Words(np.array([0, 1, 0]), np.array(["b", "a"]))
    >>> words.at(2), words.decode().tolist()
    ('b', ['b', 'a', 'b'])
    """

    codes: NDArray[np.int64]
    names: NDArray[np.str_]
    spellings: Spellings = field(default_factory=dict)

    def at(self, row: int) -> str:
        """Return the word in one row."""
        return str(self.names[self.codes[row]])

    def decode(self) -> NDArray[np.str_]:
        """Return the word in each row, "" for an empty cell, shape (rows,)."""
        return np.append(self.names, "")[self.codes]


def read_words(source: Source, name: str, option: str, remedy: str, error_class: type[InputError] = DataError) -> Words:
    """Read ids or labels as words in one form: without surrounding blanks, whole numbers without a decimal point.

    Parameters
    ----------
    source, name
        The table and the column.
    option
        The argument that names the column, for messages.
    remedy
        What to do about an empty cell, for messages.
    error_class
        The error to raise for an empty cell.

    Returns
    -------
    Words
        One word for each row.

    Raises
    ------
    InputError
        If the column is missing or a cell is empty.

    Example
    -------
    >>> source = Source(pa.table({"label": [1.0, -1.0, 1.0]}), "the labels table")
    >>> read_words(source, "label", "label", "fill it in").decode().tolist()
    ['1', '-1', '1']
    """
    words = read_optional_words(source, name, option)
    if words.codes.min(initial=0) < 0:
        row = int(np.flatnonzero(words.codes < 0)[0])
        raise error_class(f"expected no empty cell in column {name!r}, got one in {source.location(row)}; {remedy}")
    return words


def read_optional_words(source: Source, name: str, option: str) -> Words:
    """Read a column of words in which cells may be empty or blank, with code -1; DataError if the column is missing.

    Example
    -------
    >>> source = Source(pa.table({"mode": ["idle", None, ""]}), "the series table")
    >>> read_optional_words(source, "mode", "metadata").codes.tolist()
    [0, -1, -1]
    """
    encoded = source.column(name, option).dictionary_encode()
    indices = encoded.indices.fill_null(-1) if encoded.null_count else encoded.indices
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    written = [_word(value) for value in encoded.dictionary.to_pylist()]
    spellings = several_spellings(written)
    names = dict.fromkeys(one_form(word) for word in written)
    for empty in NAN_WORDS:
        names.pop(empty, None)
    if len(names) == len(written):
        return Words(codes, np.array(list(names), dtype=np.str_), spellings)
    code_of = {**dict.fromkeys(NAN_WORDS, -1), **{word: code for code, word in enumerate(names)}}
    recoded = np.array([*(code_of[one_form(word)] for word in written), -1], dtype=np.int64)
    return Words(recoded[codes], np.array(list(names), dtype=np.str_), spellings)


def named_classes(words: Words, column: str) -> Words:
    """Return the labels of a column ``label_x`` that is 0 or 1 as "not x" and "x"; other labels unchanged.

    Example
    -------
    >>> named_classes(Words(np.array([1, 0]), np.array(["0", "1"])), "label_rain").decode().tolist()
    ['rain', 'not rain']
    """
    classes = classes_of_column(column, words.names.tolist())
    return replace(words, names=np.array([classes[word] for word in words.names.tolist()])) if classes else words


def read_numbers(
    source: Source, name: str, *, keep_missing: bool, series_at: Callable[[int], str], odd: OddWords | None = None
) -> NDArray[np.float64]:
    """Read one channel as float64.

    Parameters
    ----------
    source, name
        The table and the column.
    keep_missing
        True reads an empty cell as NaN, False rejects it.
    series_at
        Returns the id of the series in a row, for messages.
    odd
        Collects the words that were read as missing values, unless None.

    Returns
    -------
    NDArray[np.float64]
        Shape (rows,). Words for a missing value, such as "?", are NaN.

    Raises
    ------
    DataError
        If a cell is text, infinite or, unless ``keep_missing``, empty.

    Example
    -------
    >>> source = Source(pa.table({"a": [1.5, None]}), "the series table")
    >>> read_numbers(source, "a", keep_missing=True, series_at=str)
    array([1.5, nan])
    """
    written = column = source.column(name, "channels")
    try:
        column = cleaned(column) if is_text(column.type) else column
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"expected numbers in column {name!r} of {source.name}, got cells of type {column.type}; "
            "leave it out of the channels or convert it to numbers"
        ) from error
    except pa.ArrowInvalid as error:
        row = first_unreadable(column, pa.float64())
        raise DataError(
            f"expected a number in column {name!r}, got {column[row].as_py()!r} in {source.location(row)} "
            f"(series {series_at(row)!r}); correct it, or leave the cell empty if the value is unknown"
        ) from error
    _check_finite(numbers, source, name, keep_missing, series_at)
    if odd is not None and column is not written:
        odd.add(name, _missing_words(written))
    return np.asarray(numbers, dtype=np.float64)


def numbers_or_missing(source: Source, name: str) -> NDArray[np.float64]:
    """Return a column as float64, NaN for every cell that is empty or no number.

    Example
    -------
    >>> numbers_or_missing(Source(pa.table({"a": ["1.5", "fast", ""]}), "the series table"), "a")
    array([1.5, nan, nan])
    """
    column = source.column(name, "channels")
    if is_text(column.type):
        column = cleaned(column)
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:
            column = pc.if_else(pc.match_substring_regex(column, NUMBER), column, pa.scalar(None, column.type))
    numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float64)


def number_words(source: Source, name: str) -> Words:
    """Return the numbers of a column as words in one form, however they are written.

    Example
    -------
    >>> number_words(Source(pa.table({"a": ["1.50", "1.5", "", "2"]}), "the series table"), "a").decode().tolist()
    ['1.5', '1.5', '', '2']
    """
    numbers = pa.table({name: pa.array(numbers_or_missing(source, name), from_pandas=True)})
    return read_optional_words(Source(numbers, source.name), name, "metadata")


def is_number_column(source: Source, name: str) -> bool:
    """Whether a column is a channel by default: it holds numbers, or text that is mostly numbers.

    One stray word among numbers does not make the column text: it is an error to report. A column that holds only words
    for a missing value, such as "-", is text.

    Example
    -------
    >>> source = Source(pa.table({"a": ["1", "2", "fast"], "b": ["x", "y", "3"]}), "the series table")
    >>> is_number_column(source, "a"), is_number_column(source, "b")
    (True, False)
    """
    kind = source.table.schema.field(name).type
    if not is_text(kind):
        types = pa.types
        return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind))
    written = source.column(name, "channels")
    column = cleaned(written)
    try:
        column.cast(pa.float32())
    except pa.ArrowInvalid:
        readable = pc.sum(pc.match_substring_regex(column, NUMBER)).as_py() or 0
        return bool(2 * readable > len(column) - column.null_count)
    return column.null_count < len(column) or {word.lower() for word in _missing_words(written)} <= {*EMPTY_WORDS}


def holds_values(source: Source, name: str) -> bool:
    """Whether a cell of a column is neither empty nor a word for a missing value.

    Example
    -------
    >>> source = Source(pa.table({"a": ["", "n/a"], "b": [None, "fast"]}), "the series table")
    >>> holds_values(source, "a"), holds_values(source, "b")
    (False, True)
    """
    column = source.column(name, "channels")
    missing = column.is_null(nan_is_null=True)
    if is_text(column.type):
        missing = pc.or_(missing, _are_missing(pc.utf8_trim_whitespace(column)))
    return not pc.all(missing).as_py()


def _word(value: Any) -> str:
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def cleaned(column: Any) -> Any:
    """Remove surrounding blanks from text, and replace words for a missing value, such as "NaN" or "?", with null.

    The minus sign of typography becomes that of programs.
    """
    try:
        column.cast(pa.float32())
    except pa.ArrowInvalid:
        trimmed = pc.replace_substring(pc.utf8_trim_whitespace(column), "\u2212", "-")
        return pc.if_else(_are_missing(trimmed), pa.scalar(None, trimmed.type), trimmed)
    return column


def _are_missing(trimmed: Any) -> Any:
    return pc.is_in(pc.utf8_lower(trimmed), value_set=MISSING_CELLS.cast(trimmed.type))


def _missing_words(column: Any) -> dict[str, int]:
    """Count the words of a text column that stand for a missing value."""
    trimmed = pc.utf8_trim_whitespace(column)
    counts = pc.value_counts(trimmed.filter(_are_missing(trimmed)))
    return {str(pair["values"]): int(pair["counts"]) for pair in counts.to_pylist()}


def first_unreadable(column: Any, kind: pa.DataType) -> int:
    """Find the first cell that cannot be cast, by bisection; the length of the column if all can."""
    low, high = 0, len(column)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            column[low:middle].cast(kind)
            low = middle
        except pa.ArrowInvalid:
            if middle == low + 1:
                return low
            high = middle
    return low


def _check_finite(
    numbers: NDArray[Any], source: Source, name: str, keep_missing: bool, series_at: Callable[[int], str]
) -> None:
    largest = np.abs(numbers).max(initial=0.0)  # NaN if a number is missing
    if largest <= LARGEST_NUMBER:
        return
    missing = np.flatnonzero(np.isnan(numbers))
    infinite = np.flatnonzero(np.abs(numbers) > LARGEST_NUMBER)
    if len(infinite):
        row = int(infinite[0])
        raise DataError(
            f"expected a finite number in column {name!r}, got infinity, or a number too large for float32, "
            f"in {source.location(row)} (series {series_at(row)!r}); correct it, or leave that series out"
        )
    if len(missing) and not keep_missing:
        row = int(missing[0])
        raise DataError(
            f"expected a number in every cell of column {name!r}, got {len(missing)} missing, the first in "
            f"{source.location(row)} (series {series_at(row)!r}); fill them in, or set missing='keep' to read "
            "them as missing values"
        )
