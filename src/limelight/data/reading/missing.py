"""Words that stand for a missing value in a column of numbers, dates or booleans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from limelight.errors import counted, listing

EMPTY_WORDS = ("", "na", "n/a", "nan", "null", "none", "nat")
"""Words in lower case that programs write for a missing value; they need no note."""
MISSING_WORDS = frozenset(
    (
        *EMPTY_WORDS,
        *("?", "??", "???", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "/"),
        *("n.a.", "n. a.", "n.a", "n.d.", "nd", "nil", "void", "undefined", "missing", "unknown", "not available"),
        *("k.a.", "k. a.", "k.a", "unbekannt", "fehlt", "leer", "keine angabe", "n.v.", "inconnu", "desconocido"),
        *("<na>", "<null>", "(null)", "[null]", "#null", "\\n", "-nan", "+nan", "1.#qnan", "1.#ind", "-1.#ind"),
        *("#n/a", "#nv", "#n/a n/a", "#na", "#div/0!", "#value!", "#wert!", "#ref!", "#bezug!", "#name?", "#num!"),
        *("#zahl!", "#null!", "bad", "err", "error", "no data", "nodata", "not applicable", "not recorded"),
    )
)
"""Words in lower case that people and spreadsheets write for a missing value."""


def is_missing(word: str) -> bool:
    """Whether a word stands for a missing value, in any case and with any blanks around it.

    Example
    -------
    >>> [is_missing(word) for word in ("?", " N/A", "#DIV/0!", "fast")]
    [True, True, True, False]
    """
    return word.strip().lower() in MISSING_WORDS


@dataclass
class OddWords:
    """The words in columns of numbers that were read as missing values, with their cells counted."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, column: str, words: Mapping[str, int]) -> None:
        """Add the words of a column and their numbers of cells."""
        odd = {word: count for word, count in words.items() if word.strip().lower() not in EMPTY_WORDS}
        if odd:
            self.counts.setdefault(column, Counter()).update(odd)

    def notes(self) -> list[str]:
        """Return at most one note.

        Example
        -------
        >>> words = OddWords()
        >>> words.add("speed", {"?": 2, "": 7})
        >>> words.notes()
        ["words in columns of numbers were read as missing values: '?' in 2 cells of 'speed'"]
        """
        columns: dict[str, list[str]] = {}
        for column, counter in self.counts.items():
            for word in counter:
                columns.setdefault(word, []).append(column)
        if not columns:
            return []
        totals = Counter({word: sum(self.counts[name][word] for name in names) for word, names in columns.items()})
        shown = [
            f"{word!r} in {counted(count, 'cell')} of {listing(columns[word], 3)}"
            for word, count in totals.most_common(5)
        ]
        more = f" and {len(totals) - 5} more" if len(totals) > 5 else ""
        return [f"words in columns of numbers were read as missing values: {', '.join(shown)}{more}"]
