"""One form for words that are typed in several ways: blanks, decimal points of whole numbers, accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

Spellings = Mapping[str, tuple[str, ...]]
"""How words are written in a table, by their one form; only words that are not always written in it."""
BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
SURROUNDINGS = re.compile(r"^[\s\u200b-\u200d\u2060\ufeff]+|[\s\u200b-\u200d\u2060\ufeff]+$")
WHOLE = re.compile(r"([+-]?\d+)\.0*")
SUSPICIOUS = re.compile(r"[^!-~]|\.0*$")


def one_form(word: str) -> str:
    """Return the one form of a word.

    Parameters
    ----------
    word
        A word as written in a table.

    Returns
    -------
    str
        The word in Unicode normal form C, without surrounding blanks, with single spaces for blanks inside, and
        without the decimal point of a whole number. Its case does not change.

    Example
    -------
    >>> one_form(" walk\\u00a0 slowly "), one_form("1.0"), one_form("1.50"), one_form("Walk")
    ('walk slowly', '1', '1.50', 'Walk')
    """
    if not SUSPICIOUS.search(word):
        return word
    plain = BLANKS.sub(" ", SURROUNDINGS.sub("", unicodedata.normalize("NFC", word)))
    whole = WHOLE.fullmatch(plain)
    return whole[1] if whole else plain


def several_spellings(written: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Collect how words are written, by their one form; a word that is always written in its one form is omitted.

    Example
    -------
    >>> several_spellings(["walk", "walk ", "run"])
    {'walk': ('walk', 'walk ')}
    """
    spellings: dict[str, list[str]] = {}
    for word in written:
        spellings.setdefault(one_form(word), []).append(word)
    return {form: tuple(words) for form, words in spellings.items() if form and words != [form]}


def describe_spellings(things: str, column: str, spellings: Spellings) -> list[str]:
    """Return a note if words written in several ways were read as one, or lost a decimal point.

    Parameters
    ----------
    things
        What the words are: ``"labels"``, ``"ids"`` or ``"words"``.
    column
        The name of their column.
    spellings
        How the words are written, by their one form.

    Returns
    -------
    list[str]
        At most one sentence.

    Example
    -------
    >>> describe_spellings("labels", "label", {"walk": ("walk", "walk ")})
    ["labels in column 'label' differed only by blanks: 'walk ' was read as 'walk'"]
    """
    merged = {form: words for form, words in spellings.items() if len(words) > 1}
    pairs = [(word, form) for form, words in merged.items() for word in words if word != form]
    if not pairs:
        whole = [(words[0], form) for form, words in spellings.items() if WHOLE.fullmatch(words[0].strip())]
        return [f"{things} in column {column!r} are read without a decimal point: {_shown(whole)}"] if whole else []
    causes = sorted({_cause(word) for word, _ in pairs})
    return [f"{things} in column {column!r} differed only by {' and '.join(causes)}: {_shown(pairs)}"]


def _shown(pairs: list[tuple[str, str]]) -> str:
    shown = ", ".join(f"{word!r} was read as {form!r}" for word, form in pairs[:3])
    return f"{shown} and {len(pairs) - 3} more" if len(pairs) > 3 else shown


def _cause(word: str) -> str:
    if WHOLE.fullmatch(word.strip()):
        return "a decimal point"
    return "blanks" if unicodedata.is_normalized("NFC", word) else "the encoding of accents"
