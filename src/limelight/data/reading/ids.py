"""Match the ids of two tables that are not written in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.spelling import one_form
from limelight.errors import listing
from limelight.types import Rows

MOST_PAIRS = 3
EXTENSION = re.compile(r"(\.[A-Za-z][A-Za-z0-9]{0,9}(\.gz|\.zip|\.bz2|\.xz|\.zst)?|\.(mp3|mp4|7z))$", re.IGNORECASE)
ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
SIGNS = re.compile(r"[\s_\-]+")
ONE_NUMBER = re.compile(r"(\D*)(\d+)(\D*)")


def _without_extension(word: str) -> str:
    return EXTENSION.sub("", word) or word


def _without_folder(word: str) -> str:
    return re.split(r"[\\/]", word.rstrip("\\/"))[-1]


def _without_zeros(word: str) -> str:
    return ZEROS.sub("", word)


def _plain(word: str) -> str:
    return SIGNS.sub("_", _without_zeros(_without_extension(one_form(word)).casefold()))


FORMS: tuple[Callable[[str], str], ...] = (
    one_form,
    _without_extension,
    lambda word: _without_extension(_without_folder(word)),
    str.casefold,
    _without_zeros,
    _plain,
    lambda word: _plain(_without_folder(one_form(word))),
)
"""What is disregarded to match ids, from little to much."""


def match_ids(
    ids: Sequence[str] | NDArray[np.str_],
    others: Sequence[str] | NDArray[np.str_],
    place: str = "the table",
    *,
    by_number: bool = True,
) -> tuple[Rows, str | None]:
    """Match each id to the id of another table that means the same.

    Ids match if they are equal. If some do not match, file extensions and folders, case, leading zeros and the sort of
    blanks, hyphens and underscores are disregarded as far as necessary, and at last all but the number in ids such as
    "s7" and "7", provided that ids remain distinct within each table.

    Parameters
    ----------
    ids, others
        The ids of the two tables, shapes (n,) and (m,).
    place
        The name of the other table, for the note.
    by_number
        Whether ids such as "s7" and "7" match.

    Returns
    -------
    tuple[NDArray[np.int64], str or None]
        The first position in ``others`` of each id, -1 if there is none, shape (n,); and a note if ids are written
        differently.

    Example
    -------
    >>> match_ids(["s7", "s8"], ["S08.csv", "S07.csv"], "'labels.csv'")
    (array([1, 0]), "matched ids that are written differently in 'labels.csv': 's7' is 'S07.csv', 's8' is 'S08.csv'")
    """
    ids, others = [str(one) for one in ids], [str(one) for one in others]
    rows = _positions(ids, others)
    if len(ids) and (rows < 0).any() and len(set(others)) > len(set(rows[rows >= 0].tolist())):
        for form in FORMS if _may_match(ids, others) else ():
            found = _matched_by(form, ids, others)
            rows = rows if (found >= 0).sum() <= (rows >= 0).sum() else found
            if (rows >= 0).all():
                break
        else:
            rows = rows if (rows >= 0).any() or not by_number else _matched_by_number(ids, others)
    different = [
        (one, others[row]) for one, row in zip(ids, rows.tolist(), strict=True) if row >= 0 and one != others[row]
    ]
    return rows, _describe_matches(list(dict.fromkeys(different)), place)


def show_both(ids: Sequence[str] | NDArray[np.str_], others: Sequence[str] | NDArray[np.str_]) -> str:
    """Describe ids that do not match, for an error.

    Example
    -------
    >>> show_both(["a"], ["b", "c"])
    "its ids are 'b', 'c', while the series are 'a'"
    """
    first, second = [listing(dict.fromkeys(map(str, words)), MOST_PAIRS) for words in (others, ids)]
    return f"its ids are {first}, while the series are {second}"


def _positions(ids: Sequence[str], others: Sequence[str]) -> Rows:
    place: dict[str, int] = {}
    for position, word in enumerate(others):
        place.setdefault(word, position)
    return np.array([place.get(one, -1) for one in ids], dtype=np.int64)


def _may_match(ids: list[str], others: list[str]) -> bool:
    """Whether the last form, which disregards most, lets any ids match."""
    return not {FORMS[-1](one) for one in ids}.isdisjoint(FORMS[-1](one) for one in others)


def _matched_by(form: Callable[[str], str], ids: list[str], others: list[str]) -> Rows:
    """Match ids by a form of theirs; none match unless distinct ids have distinct forms."""
    forms, other_forms = [form(one) for one in ids], [form(one) for one in others]
    if len(set(forms)) < len(set(ids)) or len(set(other_forms)) < len(set(others)):
        return np.full(len(ids), -1, dtype=np.int64)
    return _positions(forms, other_forms)


def _matched_by_number(ids: list[str], others: list[str]) -> Rows:
    """Match ids such as "s7" and "7" by their number, if all ids of each table differ in their number only."""
    numbers, unmatched = [], np.full(len(ids), -1, dtype=np.int64)
    for words in (ids, others):
        parts = [ONE_NUMBER.fullmatch(_plain(_without_folder(word))) for word in words]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts) or len({(part[1], part[3]) for part in found}) > 1:
            return unmatched
        numbers.append([part[2] for part in found])
    rows = _positions(*numbers)
    distinct = all(len(set(some)) == len(set(words)) for some, words in zip(numbers, (ids, others), strict=True))
    return rows if distinct and (rows >= 0).all() else unmatched


def _describe_matches(pairs: list[tuple[str, str]], place: str) -> str | None:
    if not pairs:
        return None
    shown = ", ".join(f"{one!r} is {other!r}" for one, other in pairs[:MOST_PAIRS])
    more = f" and {len(pairs) - MOST_PAIRS} more" if len(pairs) > MOST_PAIRS else ""
    return f"matched ids that are written differently in {place}: {shown}{more}"
