"""How numbers are written in text: the decimal sign and the sign between groups of three digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow.compute as pc

_BLANKS = " \u00a0\u2009\u202f"
_MARKS = {" ": _BLANKS, "'": "'\u2019"}
_EXPONENT = r"([eE][+-]?\d+)?"
_SIGN = "[+\\-\u2212]?"
_NUMBERISH = re.compile(rf"{_SIGN}[.,]?\d[\d.,'\u2019{_BLANKS}]*{_EXPONENT}$")
_WHOLE = re.compile(r"[+-]?\d+$")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class NumberFormat:
    """A way of writing numbers.

    Parameters
    ----------
    decimal
        ``"."`` or ``","``.
    thousands
        The sign between groups of three digits: ``","``, ``"."``, ``" "``, ``"'"`` or ``""`` for none.

    Example
    -------
    >>> german = NumberFormat(",", ".")
    >>> german.matches("1.234,5"), german.matches("1.23"), german.is_plain
    (True, False, False)
    """

    decimal: str = "."
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether programs read these numbers as they are."""
        return self.decimal == "." and not self.thousands

    @cached_property
    def pattern(self) -> str:
        """The regular expression of a number in this format, valid for Python and for Arrow."""
        point = re.escape(self.decimal)
        digits = r"\d+"
        if self.thousands:
            marks = f"[{_MARKS.get(self.thousands, self.thousands)}]"
            digits = rf"(\d+|[1-9]\d{{0,2}}({marks}\d{{3}})+)"
        return rf"^{_SIGN}({digits}({point}\d*)?|{point}\d+){_EXPONENT}$"

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def matches(self, cell: str) -> bool:
        """Whether a cell is a number in this format."""
        return self._regex.match(cell) is not None

    def is_grouped(self, cell: str) -> bool:
        """Whether a cell of this format has a sign between groups of digits."""
        return bool(self.thousands) and any(mark in cell for mark in _MARKS.get(self.thousands, self.thousands))

    def plain(self, column: Any) -> Any:
        """Rewrite the numbers in a column of text with a decimal point and without groups; other cells are unchanged.

        Parameters
        ----------
        column
            Arrow strings, shape (rows,).

        Returns
        -------
        pa.ChunkedArray or pa.Array
            Shape (rows,).

        Example
        -------
        >>> import pyarrow as pa
        >>> NumberFormat(",", ".").plain(pa.array(["1.234,5", "fast", None])).to_pylist()
        ['1234.5', 'fast', None]
        """
        trimmed = pc.utf8_trim_whitespace(column)
        numbers = pc.match_substring_regex(trimmed, self.pattern)
        rewritten = pc.replace_substring(trimmed, "\u2212", "-")
        for mark in _MARKS.get(self.thousands, self.thousands):
            rewritten = pc.replace_substring(rewritten, mark, "")
        if self.decimal != ".":
            rewritten = pc.replace_substring(rewritten, self.decimal, ".")
        return pc.if_else(numbers, rewritten, column)


PLAIN = NumberFormat()
_FORMATS = (
    PLAIN,
    NumberFormat(",", ""),
    NumberFormat(",", "."),
    NumberFormat(".", ","),
    NumberFormat(",", " "),
    NumberFormat(".", "'"),
    NumberFormat(".", " "),
    NumberFormat(",", "'"),
)


def is_number(cell: str) -> bool:
    """Whether a cell is a number in some format.

    Example
    -------
    >>> [is_number(cell) for cell in ("-1,5", "1'234.5", "10:30", "01.02.2024")]
    [True, True, False, False]
    """
    return _PLAIN_NUMBER.match(cell) is not None or (
        _NUMBERISH.match(cell) is not None and any(number.matches(cell) for number in _FORMATS)
    )


@dataclass(frozen=True)
class NumberFormats:
    """The formats of numbers in the columns of a table.

    Parameters
    ----------
    main
        The format of most columns.
    columns
        The format of each column; None for a column of words.
    assumption
        What was assumed without evidence, for a note; "" if nothing was.
    """

    main: NumberFormat
    columns: tuple[NumberFormat | None, ...]
    assumption: str = ""


def find_formats(
    columns: Sequence[Sequence[str]], separator: str, decimal: str | None = None, thousands: str | None = None
) -> NumberFormats:
    """Find how numbers are written.

    Parameters
    ----------
    columns
        The stripped, non-empty cells of each column.
    separator
        The separator of the cells, which tells commas of an English from those of a continental table.
    decimal, thousands
        The signs, if they are known.

    Returns
    -------
    NumberFormats
        The format that most cells of the table match; a column that matches another format better has that one.

    Example
    -------
    >>> found = find_formats([["1.234,5", "0,25"], ["7", "8"], ["fast", "slow"]], ";")
    >>> found.main, found.columns[2]
    (NumberFormat(decimal=',', thousands='.'), None)
    """
    candidates = _candidates(decimal, thousands)
    numeric = [_numbers_of(cells) for cells in columns]
    scores = [[sum(map(one.matches, cells)) for one in candidates] for cells in numeric]
    totals = [sum(scores[column][index] for column in range(len(columns))) for index in range(len(candidates))]
    best = [one for one, total in zip(candidates, totals, strict=True) if total == max(totals)]
    main, assumption = _likeliest(best, numeric, separator)
    main_index = candidates.index(main)
    formats: list[NumberFormat | None] = []
    for cells, words, score in zip(numeric, columns, scores, strict=True):
        own = candidates[score.index(max(score))] if max(score) > score[main_index] else main
        formats.append(own if cells or not words else None)
    return NumberFormats(main, tuple(formats), assumption)


def _candidates(decimal: str | None, thousands: str | None) -> list[NumberFormat]:
    found = [
        one
        for one in _FORMATS
        if decimal in (None, one.decimal) and (thousands is None or one.thousands in ("", thousands))
    ]
    if thousands:
        found = [one for one in found if one.thousands == thousands]
    return found or [NumberFormat(decimal or ".", thousands or "")]


def _numbers_of(cells: Sequence[str]) -> list[str]:
    """Return the cells that may be numbers, unless the column is mostly words."""
    numbers = [cell for cell in cells if _NUMBERISH.match(cell)]
    return numbers if 2 * len(numbers) >= len(cells) else []


def _likeliest(
    best: Sequence[NumberFormat], columns: Sequence[Sequence[str]], separator: str
) -> tuple[NumberFormat, str]:
    """Choose among formats that match equally well; the first is the simplest."""
    first = best[0]
    comma, english = NumberFormat(",", ""), NumberFormat(".", ",")
    if first != comma or english not in best:
        return first, _doubt(first, columns, separator)
    with_comma = [cell for cells in columns for cell in cells if "," in cell]
    if not all(map(english.matches, with_comma)):
        return first, ""  # plain numbers of another column fit both
    example = with_comma[0]
    if separator == "," or any(_counts_in_thousands(cells) for cells in columns):
        return english, f"took the comma in {example!r} as a sign between thousands, though it may be a decimal sign"
    return first, f"took the comma in {example!r} as a decimal sign, though it may stand between thousands"


def _doubt(chosen: NumberFormat, columns: Sequence[Sequence[str]], separator: str) -> str:
    """Describe the doubt whether a point between three digits each is a decimal sign; "" if there is none."""
    if not chosen.is_plain or separator != ";":
        return ""
    pointed = [cell for cells in columns for cell in cells if "." in cell]
    groups = NumberFormat(",", ".")
    if not pointed or not all(groups.matches(cell) for cell in pointed):
        return ""
    return f"took the point in {pointed[0]!r} as a decimal sign, though it may stand between thousands"


def _counts_in_thousands(cells: Sequence[str]) -> bool:
    """Whether whole numbers below 1000 stand next to numbers with commas, as in a column of counts."""
    whole = [cell for cell in cells if _WHOLE.match(cell)]
    return len(whole) < len(cells) and len(whole) > 1 and all(len(cell.lstrip("+-")) <= 3 for cell in whole)
