"""Names that differ only by case, blanks or punctuation, and so probably mean the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SEPARATORS = re.compile(r"(?<![0-9])[\s_.,:;/'\"()-]+|[\s_.,:;/'\"()-]+(?![0-9])")
"""Blanks and punctuation, but not between two digits, where they are part of a number."""


def names_alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Group names that differ only by case, blanks or punctuation, or are the same number.

    Parameters
    ----------
    names
        Distinct names, of classes or of categories.

    Returns
    -------
    list[tuple[str, ...]]
        Groups of at least two names, each in the given order.

    Example
    -------
    >>> names_alike(["a", "B", "b", "-1", "1", "1.0", "step up", "Step_up", "c+", "c-"])
    [('B', 'b'), ('1', '1.0'), ('step up', 'Step_up')]
    """
    groups: dict[str | float, list[str]] = {}
    for name in names:
        groups.setdefault(_normalised(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _normalised(name: str) -> str | float:
    """Return the number that a name states, or the name in lower case without blanks and punctuation."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    try:
        return float(plain) if "_" not in plain and plain not in ("nan", "inf", "infinity") else _bare(plain)
    except ValueError:
        return _bare(plain)


def _bare(plain: str) -> str:
    body, sign = (plain[:-1], plain[-1:]) if plain.endswith(("+", "-")) else (plain, "")
    return SEPARATORS.sub("", body) + sign or plain
