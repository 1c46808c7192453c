"""Accumulators over chunks of a table: category codes, per-series constants and target positions of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.columns import Words, number_words, read_optional_words, read_words
from limelight.data.reading.sources import Source
from limelight.errors import LabelError
from limelight.task import UNKNOWN
from limelight.types import Rows

UNSEEN = UNKNOWN - 1
"""The code of a series that has not yet appeared in any chunk."""
MOST_LISTED_WORDS = 50
"""The most distinct words that a signal may have; a column with more, such as free text, is of no use for training."""


@dataclass
class WordCodes:
    """Codes for distinct words, numbered in order of first appearance over all chunks, and their spellings."""

    codes: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, words: Words) -> Rows:
        """Return the code of the word in each row, -1 for an empty cell, shape (rows,)."""
        self._add_spellings(words)
        chunk_codes = [self.codes.setdefault(word, len(self.codes)) for word in words.names.tolist()]
        if chunk_codes == [*range(len(chunk_codes))]:  # as in the first chunk, and in a table of one chunk
            return words.codes
        row_codes: Rows = np.append(np.array(chunk_codes, dtype=np.int64), UNKNOWN)[words.codes]
        return row_codes

    def _add_spellings(self, words: Words) -> None:
        for form in (
            self.spellings.keys() & set(words.names.tolist()) - words.spellings.keys() if self.spellings else ()
        ):
            self.spellings[form] = tuple(dict.fromkeys((*self.spellings[form], form)))
        for form, written in words.spellings.items():
            earlier = self.spellings.get(form, (form,) if form in self.codes else ())
            self.spellings[form] = tuple(dict.fromkeys((*earlier, *written)))

    def names(self) -> NDArray[np.str_]:
        """Return every word, indexed by its code."""
        return np.array(list(self.codes), dtype=np.str_)


@dataclass
class SeriesColumn:
    """A column with one word per series, such as its label, accumulated over chunks.

    Parameters
    ----------
    name
        The name of the column.
    label
        Whether the column is the label, which must not be empty and must not change within a series.
    signal
        Whether the column is declared as a signal, whose words may change from step to step.
    number
        Whether the column holds numbers.
    auto
        Whether the label may change within a series, and is then read as the labels of steps.
    changing
        The series within which the label changes.
    first_change
        Where the label changes first.
    """

    name: str
    label: bool
    signal: bool = False
    number: bool = False
    auto: bool = False
    vocabulary: WordCodes = field(default_factory=WordCodes)
    first: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    varies: bool = False
    empty: LabelError | None = None
    changes: LabelError | None = None
    changing: set[int] = field(default_factory=set)
    first_change: str = ""

    def __post_init__(self) -> None:
        self.varies = self.signal

    def add(self, chunk: Source, rows: Rows, series: int, names: Words) -> None:
        """Add the words of one chunk.

        Parameters
        ----------
        chunk
            The rows to add.
        rows
            The series that each row belongs to, shape (rows,).
        series
            The number of series so far, including those of this chunk.
        names
            The id column of the chunk, for messages.

        Raises
        ------
        LabelError
            If a label is empty or changes within a series.
        """
        if self.varies and not self.signal and len(self.vocabulary.codes) > MOST_LISTED_WORDS:
            return
        codes = self.vocabulary.add(self._words_of(chunk))
        if self.varies and not self.label:
            return
        row = self._first_change(rows, series, codes)
        if row is None or self.varies:
            return
        if self.label:
            self.first_change = chunk.location(row)
            labels = list(self.vocabulary.codes)
            self.changes = LabelError(
                f"expected one label per series, got {labels[self.first[rows[row]]]!r} and then "
                f"{labels[codes[row]]!r} in series {names.at(row)!r}, at {chunk.location(row)}; split the series where "
                "its label changes, give it one label, or cut it into windows"
            )
            if not self.auto:
                raise self.changes
        self.varies = True

    def _words_of(self, chunk: Source) -> Words:
        if self.number:
            return number_words(chunk, self.name)
        words = read_optional_words(chunk, self.name, "label" if self.label else "metadata")
        if self.label and self.empty is None and words.codes.min(initial=0) < 0:
            try:
                read_words(chunk, self.name, "label", "write the label in every row of its series", LabelError)
            except LabelError as error:
                if not self.auto:
                    raise
                self.empty = error
        return words

    def _first_change(self, rows: Rows, series: int, codes: Rows) -> int | None:
        """Return the first row whose word differs from the first of its series; empty labels are skipped."""
        self.first = extended(self.first, series, UNSEEN)
        known = np.flatnonzero(codes >= 0) if self.label and codes.min(initial=0) < 0 else None
        if known is not None:
            rows, codes = rows[known], codes[known]
        new = self.first == UNSEEN
        first_in_chunk = np.full(series, UNSEEN)
        begins = np.flatnonzero(np.append(True, rows[1:] != rows[:-1])[: len(rows)])[::-1]
        first_in_chunk[rows[begins]] = codes[begins]  # the last assignment wins: the first row comes last
        self.first[new] = first_in_chunk[new]
        changed = self.first[rows] != codes
        if not changed.any():
            return None
        if self.label:
            self.changing.update(np.unique(rows[changed]).tolist())
        row = int(changed.argmax())
        return row if known is None else int(known[row])

    def require_label(self) -> None:
        """Check that a label is one of series or of steps; LabelError if a cell is empty or it has many words."""
        if self.varies and self.changes is not None and len(self.vocabulary.codes) > MOST_LISTED_WORDS:
            raise self.changes
        if not self.varies and self.empty is not None:
            raise self.empty

    @property
    def is_signal(self) -> bool:
        """Whether the column holds per-step words, few enough to learn from."""
        return self.signal or (self.varies and not self.label and 0 < len(self.vocabulary.codes) <= MOST_LISTED_WORDS)

    def words(self) -> NDArray[Any]:
        """Return the word of each series, None if its cells are empty, shape (n,)."""
        vocabulary = np.array([*self.vocabulary.codes, None], dtype=object)
        words: NDArray[Any] = vocabulary[self.first]
        return words.astype(np.str_) if self.label else words


def extended(array: Rows, size: int, value: int) -> Rows:
    """Return a copy of an array, padded at the end with ``value`` to ``size`` entries."""
    return np.concatenate([array, np.full(size - len(array), value, dtype=np.int64)])


def target_positions(codes: Rows, starts: Rows, filled: Rows) -> Rows | slice:
    """Compute where the rows of a chunk go in the arrays of all steps.

    Parameters
    ----------
    codes
        The series of each row, shape (rows,).
    starts
        The first position of each series, shape (n,).
    filled
        The number of steps of each series that earlier chunks have filled, shape (n,); updated in place.

    Returns
    -------
    NDArray[np.int64] or slice
        The position of each row, shape (rows,); a slice if the positions are consecutive.
    """
    run_starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    series = codes[run_starts]
    if len(np.unique(series)) < len(series):  # the rows of different series are interleaved
        order = _stable_order(codes)
        positions = np.empty(len(codes), dtype=np.int64)
        sorted_positions = target_positions(codes[order], starts, filled)
        if isinstance(sorted_positions, slice):
            sorted_positions = np.arange(sorted_positions.start, sorted_positions.stop)
        positions[order] = sorted_positions
        return positions
    lengths = np.diff(np.append(run_starts, len(codes)))
    first = starts[series] + filled[series]
    filled[series] += lengths
    if np.array_equal(first[1:], first[:-1] + lengths[:-1]):
        return slice(int(first[0]), int(first[0]) + len(codes))
    return np.repeat(first - run_starts, lengths) + np.arange(len(codes))


def _stable_order(codes: Rows) -> Rows:
    small = codes.astype(np.uint16) if codes.max() < 2**16 else codes  # numpy sorts short integers by radix
    return np.argsort(small, kind="stable")
