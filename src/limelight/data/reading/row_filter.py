"""Filters of rows: comparisons of columns with values, such as ``"day >= 2024-05-01"``, all of which must hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.errors import DataError, ParameterError, nearest

COMPARISON = re.compile(
    r"""\s*(?:"(?P<quoted>[^"]+)"|(?P<plain>[^<>=!"]+?))\s*"""
    r"(?:(?P<sign>==|!=|<=|>=|=(?!=)|<|>)|(?<=\s)(?P<word>not\s+in|in)(?=\s))\s*(?P<value>.+?)\s*",
    re.DOTALL | re.IGNORECASE,
)
QUOTED_VALUE = re.compile(r"""\s*("[^"]*"|'[^']*'|[^,]+)""")
NUMBER_CELL = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
ORDER = {"<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


@dataclass(frozen=True)
class RowComparison:
    """A comparison of a column with a value, or with several if the sign is ``in`` or ``not in``.

    Parameters
    ----------
    column
        The column.
    sign
        ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` or ``not in``.
    values
        The values as written, without quotes.
    text
        The comparison as written, for messages.

    Example
    -------
    >>> parse_comparison("site in A, 'B'")
    RowComparison(column='site', sign='in', values=('A', 'B'), text="site in A, 'B'")
    """

    column: str
    sign: str
    values: tuple[str, ...]
    text: str


def parse_comparison(text: str) -> RowComparison:
    """Read a comparison as written; ParameterError if it is none."""
    match = COMPARISON.fullmatch(text)
    if match is None:
        raise ParameterError(
            f"expected a filter such as 'day >= 2024-05-01' or 'site in A, B', got {text!r}; write a column, one of "
            "== != < <= > >= in, not in, and a value"
        )
    sign = " ".join((match["sign"] or match["word"]).lower().split())
    sign = "==" if sign == "=" else sign
    value = match["value"]
    if sign in ("in", "not in"):
        value = value[1:-1] if value[0] + value[-1] in ("()", "[]") else value
        values = tuple(_bare(cell) for cell in QUOTED_VALUE.findall(value))
    else:
        values = (_bare(value),)
    return RowComparison((match["quoted"] or match["plain"]).strip(), sign, values, text.strip())


@dataclass(frozen=True)
class RowFilter:
    """Which rows of a table are read: those for which every comparison holds. An empty cell matches nothing.

    Parameters
    ----------
    comparisons
        At least one.

    Example
    -------
    >>> rows = row_filter(["x > 1", "site != B"])
    >>> rows.kept(pa.table({"x": ["0", "2", "30"], "site": ["A", "A", "B"]}), "the table").tolist()
    [1]
    """

    comparisons: tuple[RowComparison, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared, each once."""
        return tuple(dict.fromkeys(one.column for one in self.comparisons))

    def __str__(self) -> str:
        return " and ".join(one.text for one in self.comparisons)

    def expression(self, schema: pa.Schema, table: str) -> Any:
        """Return the filter as an Arrow expression on a table.

        Parameters
        ----------
        schema
            The columns and their types; text columns are compared as numbers with ``<`` and so on if the value is one.
        table
            The name of the table in messages.

        Raises
        ------
        DataError
            If there is no such column, or a value is not of its type.
        """
        return reduce(and_, [_expression(one, schema, table) for one in self.comparisons])

    def kept(self, table: pa.Table, name: str) -> NDArray[np.int64]:
        """Return the rows of a table in memory that are kept, shape (kept,); errors as of ``expression``."""
        import pyarrow.dataset as datasets

        compared = table.select(list(self.columns)) if set(self.columns) <= set(table.column_names) else table
        expression = self.expression(table.schema, name)
        found = datasets.dataset(compared).to_table(columns={"kept": expression})["kept"]
        return np.flatnonzero(found.fill_null(False).to_numpy())


def row_filter(given: str | Sequence[str] | RowFilter | None) -> RowFilter | None:
    """Return comparisons as a filter; None if there are none. ParameterError if one cannot be read."""
    if given is None or isinstance(given, RowFilter):
        return given
    texts = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(text, str) for text in texts):
        raise ParameterError(f"expected a filter as text such as 'day >= 2024-05-01', or a list of such, got {given!r}")
    return RowFilter(tuple(map(parse_comparison, texts))) if texts else None


def _expression(one: RowComparison, schema: pa.Schema, table: str) -> Any:
    if one.column not in schema.names:
        raise DataError(
            f"expected the column {one.column!r} of the filter {one.text!r} in {table}, got none of that name"
            f"{nearest(one.column, schema.names)}"
        )
    kind, cells = schema.field(one.column).type, pc.field(one.column)
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        cells = cells.cast(kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        cells = cells.cast(pa.large_string())
        if one.sign in ORDER and _is_number(one.values[0]):
            numbers = pc.if_else(
                pc.match_substring_regex(cells, NUMBER_CELL), cells, pa.scalar(None, pa.large_string())
            )
            return ORDER[one.sign](pc.utf8_trim_whitespace(numbers).cast(pa.float64()), float(one.values[0]))
        kind = pa.large_string()
    values = [_scalar(word, kind, one, table) for word in one.values]
    if one.sign in ORDER:
        return ORDER[one.sign](cells, values[0])
    found = reduce(lambda left, right: left | right, [cells == value for value in values])
    return ~found if one.sign in ("!=", "not in") else found


def _bare(word: str) -> str:
    """Return a value without blanks and quotes around it."""
    word = word.strip()
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def _is_number(word: str) -> bool:
    return re.match(NUMBER_CELL, word) is not None


def _scalar(word: str, kind: pa.DataType, one: RowComparison, table: str) -> Any:
    """Return a value as written in the type of its column."""
    try:
        if pa.types.is_integer(kind) and _is_number(word):
            number = float(word)
            return pa.scalar(int(word) if re.fullmatch(r"[+-]?\d+", word.strip()) else number)
        if pa.types.is_decimal(kind):
            return pa.scalar(word.strip(), pa.large_string()).cast(pa.decimal128(38, 9))
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            return pa.scalar(word).cast(pa.timestamp(kind.unit)).cast(kind)
        if pa.types.is_boolean(kind):
            return pa.scalar(word.strip().lower()).cast(kind)
        return pa.scalar(word).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise DataError(
            f"expected a value of type {kind} in the filter {one.text!r}, as in column {one.column!r} of {table}, got "
            f"{word!r}; correct the filter"
        ) from error
