"""Infer the kind of a metadata field from its cells."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.metadata import STAMP, Values, describe_odd_words, few_words, parse_cell, words_in
from limelight.data.reading.missing import EMPTY_WORDS, is_missing
from limelight.data.reading.sources import is_text
from limelight.errors import listing
from limelight.types import FieldKind

FEW_WORDS, SHORT = 50, 4  # text with at most 50 distinct values of at most 4 words each is a category
FEWEST_NUMBERS = 3
FEWEST_IDENTIFIERS = 20
YES_AND_NO = ({"yes", "no"}, {"true", "false"})
CODE = re.compile(r"0\d+")
NUMERIC: tuple[Literal["date", "number"], ...] = ("date", "number")


def infer_kind(column: Any, name: str) -> FieldKind:
    """Infer the kind of a metadata field.

    Parameters
    ----------
    column
        The cells of the field, as returned by ``fields_of``.
    name
        The name of the field.

    Returns
    -------
    FieldKind
        ``"boolean"`` for booleans, or text with only yes and no or only true and false; ``"number"`` for numbers, or
        text with at least 3 numbers and no codes such as "007"; ``"date"`` for dates, or text with dates such as
        2024-01-31 or 31.01.2024. Words
        for a missing value, such as "?" or "unknown", do not change these kinds, nor do a few other words among numbers
        or dates (see ``few_words``). Other text is a ``"category"`` if no value has more than 4 words and there are at
        most 50 distinct values, or each value occurs twice on average; else it is ``"text"``.

    Example
    -------
    >>> infer_kind(pa.array(["31", "27", "?", "45"]), "age"), infer_kind(pa.array(["left", "?", "right"]), "side")
    ('number', 'category')
    """
    if not is_text(column.type):
        return "boolean" if column.type == pa.bool_() else "date" if column.type == STAMP else "number"
    words = words_in(column, name)
    words = words[words != ""]
    distinct = set(words.tolist())
    known = {word.lower() for word in distinct if not is_missing(word)}
    if any(known <= pair for pair in YES_AND_NO) and (known or not distinct):
        return "boolean"
    for kind in NUMERIC:
        if _holds(words, kind):
            return kind
    few = len(distinct) <= FEW_WORDS or 2 * len(distinct) <= len(words)
    return "category" if few and all(len(word.split()) <= SHORT for word in distinct) else "text"


def is_identifier(words: Values) -> bool:
    """Whether a field of words tells the series apart in place of describing them.

    Parameters
    ----------
    words
        The words of the field, empty if missing, shape (n,).

    Returns
    -------
    bool
        True if at least 20 are known, none has a space, and at most one in ten is a repetition.

    Example
    -------
    >>> codes = np.array([f"P{number:03}" for number in range(30)], dtype=object)
    >>> is_identifier(codes), is_identifier(np.array(["left", "right"] * 15, dtype=object))
    (True, False)
    """
    known = words[words != ""].tolist()
    distinct = len(set(known))
    return len(known) >= FEWEST_IDENTIFIERS and distinct >= 0.9 * len(known) and not any(" " in word for word in known)


def _holds(words: Values, kind: Literal["date", "number"]) -> bool:
    """Whether a text column holds numbers or dates but for missing values and a few words."""
    cells = [parse_cell(word, kind) for word in words]
    odd = sum(isinstance(cell, str) or (isinstance(cell, float) and math.isinf(cell)) for cell in cells)
    others = sum(cell is not None for cell in cells) - odd
    codes = kind == "number" and any(CODE.fullmatch(word) for word in words)
    return not codes and others >= (FEWEST_NUMBERS if kind == "number" else 1) and few_words(odd, others)


def notes_on_words(column: Any, name: str, kind: FieldKind, *, inferred: bool) -> list[str]:
    """Return a note if a text column has words among numbers, dates or booleans.

    Parameters
    ----------
    column, name
        The cells of the field and its name.
    kind
        The kind of the field.
    inferred
        Whether the kind was inferred.

    Returns
    -------
    list[str]
        At most one sentence.
    """
    words = words_in(column, name)
    if kind in ("number", "date", "boolean"):
        odd = words[words_among_values(words, kind)]
        return [f"{describe_odd_words(name, odd, len(words), kind)}; read as missing values"] if len(odd) else []
    known = [word for word in words if word and not is_missing(word)]
    strays = [word for word in known if isinstance(parse_cell(word, "number"), str)]
    if not inferred or not 0 < 2 * len(strays) < len(known):
        return []
    return [
        f"metadata {name!r} has numbers, but words in {len(strays)} of {len(known)} series: "
        f"{listing(sorted(set(strays)))}; read as {kind}: correct the words, or set the kind of the field"
    ]


def words_among_values(words: Values, kind: str) -> NDArray[np.bool_]:
    """Find the words that are missing values in a field of numbers, dates or booleans.

    Parameters
    ----------
    words
        The cells of the field as text, "" if empty, shape (n,).
    kind
        The kind of the field; other kinds have no such words.

    Returns
    -------
    NDArray[np.bool_]
        Shape (n,); False for empty cells and for usual spellings such as "NaN".

    Example
    -------
    >>> words_among_values(np.array(["31", "?", "", "NA", "old"], dtype=object), "number").tolist()
    [False, True, False, False, True]
    """
    unparsed = [is_missing(word) for word in words]
    for one in NUMERIC:
        if kind == one:
            unparsed = [is_missing(word) or isinstance(parse_cell(word, one), str) for word in words]
    holds_values = kind in (*NUMERIC, "boolean")
    odd = [
        holds_values and wrong and word.lower() not in EMPTY_WORDS for word, wrong in zip(words, unparsed, strict=True)
    ]
    found: NDArray[np.bool_] = np.array(odd, dtype=bool)
    return found
