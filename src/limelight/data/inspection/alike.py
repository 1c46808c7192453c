"""Names of classes that are no classes of their own: those that probably mean the same, and several in one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

SEPARATORS = re.compile(r"(?<![0-9])[\s_.,:;/'\"()-]+|[\s_.,:;/'\"()-]+(?![0-9])")
"""Blanks and punctuation, but not between two digits, where they are part of a number."""


JOINING = ("|", ";", ",", "+", "&", "/")


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


def compound_names(names: Iterable[str]) -> list[str]:
    """Find names that join several others by a sign such as ``|``, as cells with several labels do.

    Parameters
    ----------
    names
        Distinct names of classes.

    Returns
    -------
    list[str]
        The names whose parts are all names too, or parts of another such name; empty if there is none.

    Example
    -------
    >>> compound_names(["walking|standing", "walking", "sitting|walking", "standing|sitting", "km/h"])
    ['walking|standing', 'sitting|walking', 'standing|sitting']
    """
    known = [*names]
    for sign in JOINING:
        parts_of = {name: [part.strip() for part in name.split(sign)] for name in known if sign in name}
        counts = Counter(part for parts in parts_of.values() for part in {*parts})
        found = [
            name
            for name, parts in parts_of.items()
            if all(parts) and all(part in known or counts[part] > 1 for part in parts)
        ]
        if found:
            return found
    return []


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
