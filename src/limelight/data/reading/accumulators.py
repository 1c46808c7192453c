"""Gathering: over the pieces of a table, words numbered, what a column says about each series, where rows belong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.columns import Words, read_some_words, read_words
from limelight.data.reading.sources import Source
from limelight.errors import LabelError
from limelight.task import UNKNOWN
from limelight.types import Rows

UNSEEN = UNKNOWN - 1
"""Of a series that no piece has brought yet."""
MOST_LISTED_WORDS = 50
"""Of a column of words that change within a series; more of them, such as free text, say nothing to learn from."""


@dataclass
class WordCodes:
    """Numbers words in the order in which they come, over all pieces."""

    places: dict[str, int] = field(default_factory=dict)

    def add(self, words: Words) -> Rows:
        """Give the number of each row's word, -1 for an empty cell."""
        numbers = [self.places.setdefault(word, len(self.places)) for word in words.names.tolist()]
        codes: Rows = np.append(np.array(numbers, dtype=np.int64), UNKNOWN)[words.codes]
        return codes

    def names(self) -> NDArray[np.str_]:
        """Give every word, by number."""
        return np.array(list(self.places), dtype=np.str_)


@dataclass
class OnePerSeries:
    """A column that says one thing for each series, gathered over the pieces.

    Parameters
    ----------
    name
        Of the column.
    label
        Whether it is the label, which must be there and must not change.
    signal
        Whether it is said to be about single steps.
    """

    name: str
    label: bool
    signal: bool = False
    vocabulary: WordCodes = field(default_factory=WordCodes)
    first: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    varies: bool = False

    def __post_init__(self) -> None:
        self.varies = self.signal

    def add(self, piece: Source, rows: Rows, series: int, names: Words) -> None:
        """Take the words of a piece; LabelError if a label is empty or changes."""
        if self.varies and not self.signal and len(self.vocabulary.places) > MOST_LISTED_WORDS:
            return
        if self.label:
            words = read_words(piece, self.name, "label", "write the label in every row of its series", LabelError)
        else:
            words = read_some_words(piece, self.name, "facts")
        codes = self.vocabulary.add(words)
        if self.varies:
            return
        self.first = grown(self.first, series, UNSEEN)
        new = self.first == UNSEEN
        backwards = np.full(series, UNSEEN)
        backwards[rows[::-1]] = codes[::-1]
        self.first[new] = backwards[new]
        faults = np.flatnonzero(self.first[rows] != codes)
        if not len(faults):
            return
        if not self.label:
            self.varies = True
            return
        row, words_of = int(faults[0]), list(self.vocabulary.places)
        raise LabelError(
            f"expected one label for each series, got {words_of[self.first[rows[row]]]!r} and then "
            f"{words_of[codes[row]]!r} in series {names.at(row)!r}, at {piece.place(row)}; cut the series where its "
            "label changes, give it one label, or cut it into windows"
        )

    @property
    def is_signal(self) -> bool:
        """Whether the column says something about single steps, in few words."""
        return self.signal or (self.varies and 0 < len(self.vocabulary.places) <= MOST_LISTED_WORDS)

    def words(self) -> NDArray[Any]:
        """Give the word of each series, None where it is empty, shape (n,)."""
        every = np.array([*self.vocabulary.places, None], dtype=object)
        words: NDArray[Any] = every[self.first]
        return words.astype(np.str_) if self.label else words


def grown(array: Rows, size: int, value: int) -> Rows:
    """Give an array of ``size`` entries that begins as ``array`` and goes on with ``value``."""
    return np.concatenate([array, np.full(size - len(array), value, dtype=np.int64)])


def places_of_rows(codes: Rows, starts: Rows, filled: Rows) -> Rows | slice:
    """Say where the steps of some rows stand, after those that are in place already; ``filled`` counts them."""
    runs = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    series = codes[runs]
    if len(np.unique(series)) < len(series):  # the rows of series are mixed
        order = _stable_order(codes)
        places = np.empty(len(codes), dtype=np.int64)
        sorted_places = places_of_rows(codes[order], starts, filled)
        if isinstance(sorted_places, slice):
            sorted_places = np.arange(sorted_places.start, sorted_places.stop)
        places[order] = sorted_places
        return places
    lengths = np.diff(np.append(runs, len(codes)))
    first = starts[series] + filled[series]
    filled[series] += lengths
    if np.array_equal(first[1:], first[:-1] + lengths[:-1]):
        return slice(int(first[0]), int(first[0]) + len(codes))
    return np.repeat(first - runs, lengths) + np.arange(len(codes))


def _stable_order(codes: Rows) -> Rows:
    small = codes.astype(np.uint16) if codes.max() < 2**16 else codes  # numpy sorts short integers by radix
    return np.argsort(small, kind="stable")
