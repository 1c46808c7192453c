"""Names from Python as words that can be saved: text, numbers or dates, but no lone surrogates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, as_sentence, shown


def has_surrogates(words: NDArray[Any]) -> NDArray[np.bool_]:
    """Find words with a lone surrogate, which no file can hold.

    Parameters
    ----------
    words
        Text of type ``U``, any shape.

    Returns
    -------
    NDArray[np.bool_]
        Shape (words.size,).

    Example
    -------
    >>> has_surrogates(np.array(["pump", "pump\\ud800"])).tolist()
    [False, True]
    """
    if not words.size or not words.dtype.itemsize:
        return np.zeros(words.size, dtype=bool)
    plain = np.ascontiguousarray(words.astype(words.dtype.newbyteorder("="), copy=False)).reshape(-1)
    codes = plain.view(np.uint32).reshape(len(plain), -1)
    return np.asarray(((codes >= 0xD800) & (codes <= 0xDFFF)).any(axis=1))


def encodable(word: str) -> bool:
    """Whether text can be written to a file: it has no lone surrogate."""
    return word.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in word)


def decoded(word: bytes, what: str) -> str:
    """Decode bytes as UTF-8; DataError if they are not text.

    Example
    -------
    >>> decoded("größe".encode(), "id")
    'größe'
    """
    try:
        return word.decode()
    except UnicodeDecodeError:
        raise DataError(f"expected text as {what}, got bytes that are not UTF-8, {shown(word)}; decode them") from None


def checked_words(names: Iterable[Any], what: str) -> list[str]:
    """Convert names to text that can be saved.

    Parameters
    ----------
    names
        Text, bytes in UTF-8, or anything with a text of its own, such as numbers and dates.
    what
        What they name, for the message, such as "id".

    Returns
    -------
    list[str]
        In the same order.

    Raises
    ------
    DataError
        If a name has no text, or its text has a lone surrogate.

    Example
    -------
    >>> checked_words(["pump", 7, b"fan"], "id")
    ['pump', '7', 'fan']
    """
    words = [_word(name, what) for name in names]
    for word in words:
        if not encodable(word):
            raise DataError(
                f"expected text that can be saved as {what}, got {shown(word)}, which has half of a surrogate pair; "
                "remove it, or decode the text again"
            )
    return words


def _word(name: Any, what: str) -> str:
    if isinstance(name, str):
        return str(name)
    if isinstance(name, bytes):
        return decoded(name, what)
    if isinstance(name, (Sequence, set, frozenset, dict)) or getattr(name, "ndim", 0) != 0:
        raise DataError(f"expected text or a number as {what}, got {shown(name)}; pass one for each")
    try:
        return str(name)
    except Exception as error:
        raise DataError(
            f"expected text or a number as {what}, got an object of type {type(name).__name__} without a text: "
            f"{as_sentence(error)}; pass text"
        ) from error


def checked_ids(ids: Any, n: int) -> NDArray[np.str_]:
    """Check the ids of series.

    Parameters
    ----------
    ids
        Text or numbers, n of them.
    n
        Number of series.

    Returns
    -------
    NDArray[np.str_]
        Shape (n,).

    Raises
    ------
    DataError
        If they are not one for each series, or cannot be saved.

    Example
    -------
    >>> checked_ids([7, 8], 2).tolist()
    ['7', '8']
    """
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "U" and ids.ndim == 1:
        wrong = has_surrogates(ids)
        if not wrong.any():
            return ids
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) != 1:
        raise DataError(f"expected a list of {n} ids, one for each series, got {shown(ids)}; pass a list of text")
    words = checked_words(ids.tolist() if hasattr(ids, "tolist") else ids, "the id of a series")
    return np.array(words, dtype=str) if words else np.empty(0, dtype="U1")


def is_date(cell: Any) -> bool:
    """Whether a cell holds a date of Python, pandas or NumPy."""
    return isinstance(cell, (date, np.datetime64))
