"""Guess the role of columns by their content: blocks of equal values, values that rise, that count, or that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.counters import ROWS_TO_JUDGE, ColumnCourse
from limelight.data.reading.accumulators import WordCodes
from limelight.data.reading.columns import holds_values, is_number_column, numbers_or_missing, read_optional_words
from limelight.data.reading.date_forms import are_whole_months
from limelight.data.reading.dates import compact_dates
from limelight.data.reading.names import is_named_as_row_number
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import NO_ROWS_REMEDY, Source, is_text
from limelight.data.reading.times import read_clock
from limelight.errors import DataError
from limelight.task import UNKNOWN
from limelight.types import Rows

SAMPLE_ROWS = 20_000
"""Rows of the first chunk in which candidates are looked for; the whole table then confirms them."""
FEWEST_BLOCKS = 5
"""Number of blocks of equal values that make a column the id if no clock starts again with each block."""
MOST_GUESSED_CLASSES = 20


Kind = Literal["number", "date", "word"]


@dataclass
class Course:
    """What a column does along the rows of a table and within its series.

    Parameters
    ----------
    numbers
        The course of its numbers, of its times in nanoseconds, or of the codes of its words.
    kind
        ``"number"``, ``"date"`` or ``"word"``.
    words
        The words with their codes, for text.
    dates
        Whether all times are dates; for numbers, whether they are written like 20240131.
    is_empty
        Whether every cell is empty or a word for a missing value.
    """

    kind: Kind
    numbers: ColumnCourse = field(default_factory=ColumnCourse)
    words: WordCodes = field(default_factory=WordCodes)
    dates: bool = True
    is_empty: bool = True

    def add(self, chunk: Source, name: str, series: Rows) -> None:
        """Add the rows of a chunk."""
        self.is_empty = self.is_empty and not holds_values(chunk, name)
        if self.kind == "word":
            codes = self.words.add(read_optional_words(chunk, name, "label"))
            self.numbers.add(np.where(codes < 0, np.nan, codes), series)
            self.dates = False
        elif self.kind == "date":
            self.numbers.add(read_clock(chunk, name).times.astype("datetime64[ns]").astype(np.float64), series)
        else:
            numbers = numbers_or_missing(chunk, name)
            self.numbers.add(numbers, series)
            self.dates = self.dates and _are_dates(numbers)

    @property
    def classes(self) -> int:
        """The number of distinct values, one for each series at most; meaningful for constant columns."""
        known = self.numbers.first[~np.isnan(self.numbers.first)]
        return len(np.unique(known))

    @property
    def may_be_label(self) -> bool:
        """Whether the column is constant within each series and has few values, each in two series or more."""
        course = self.numbers
        if not course.is_constant or course.missing or (self.kind == "number" and not course.whole):
            return False
        counts = np.unique(course.first, return_counts=True)[1]
        return 2 <= len(counts) <= MOST_GUESSED_CLASSES and int(counts.min()) >= 2


def _are_dates(numbers: NDArray[np.float64]) -> bool:
    if not np.all(numbers == np.floor(numbers)):  # also False for NaN
        return False
    return bool(np.abs(numbers).max(initial=0) < 2**53) and compact_dates(numbers.astype(np.int64)) is not None


def kind_of(chunk: Source, name: str) -> Kind | None:
    """Return ``"number"``, ``"date"`` or ``"word"``; None for other types. Months alone are words: they may be ids."""
    kind = chunk.table.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "date"
    if is_number_column(chunk, name):
        return "number"
    if not is_text(kind):
        return "word" if pa.types.is_boolean(kind) or pa.types.is_dictionary(kind) else None
    try:
        times = read_clock(chunk, name).times
    except DataError:
        return "word"
    return "date" if times.dtype.kind == "M" and not are_whole_months(chunk.column(name, "time")) else "word"


def first_rows(sheets: Sheets, columns: Sequence[str]) -> Source:
    """Read the first rows of a table, at most ``SAMPLE_ROWS``, all columns of CSV files as text."""
    chunk = sheets.first_chunk
    if chunk is None:
        raise DataError(f"expected at least one row in {sheets.name}, got none; {NO_ROWS_REMEDY}")
    return chunk.slice(0, SAMPLE_ROWS)


@dataclass
class Courses:
    """The courses of several columns of a table, for a given id column.

    Parameters
    ----------
    id
        The id column.
    columns
        The course of each column.
    """

    id: str
    columns: dict[str, Course]
    vocabulary: WordCodes = field(default_factory=WordCodes)

    def add(self, chunk: Source) -> None:
        """Add the rows of a chunk; rows without an id are skipped."""
        series = self.vocabulary.add(read_optional_words(chunk, self.id, "id"))
        if series.min(initial=0) < 0:
            kept = np.flatnonzero(series >= 0)
            chunk, series = Source(chunk.table.take(kept), chunk.name), series[kept]
        for name, course in self.columns.items():
            course.add(chunk, name, series)


def candidates_in(sample: Source, id: str, names: Sequence[str]) -> dict[str, Course]:
    """Return the course of each column in the first rows of a table; columns of other types are skipped."""
    kinds = {name: kind_of(sample, name) for name in names if name in sample.columns}
    courses = Courses(id, {name: Course(kind) for name, kind in kinds.items() if kind is not None})
    courses.add(sample)
    return courses.columns


def confirmed(sheets: Sheets, id: str, candidates: dict[str, Course]) -> dict[str, Course]:
    """Follow candidates through the whole table; columns that turn out to be of another kind are dropped."""
    if not candidates:
        return {}
    courses = Courses(id, {name: Course(course.kind) for name, course in candidates.items()})
    columns = (id, *candidates)
    for chunk in sheets.chunks(columns, columns, stream=True):
        try:
            courses.add(chunk)
        except DataError:  # a date that cannot be read: the columns are followed one by one
            return {
                name: course
                for one, candidate in candidates.items()
                if len(candidates) > 1
                for name, course in confirmed(sheets, id, {one: candidate}).items()
            }
    return courses.columns


def is_row_number(name: str, course: Course) -> bool:
    """Whether a column of numbers numbers the rows of a table, by its name and content or by its content alone."""
    numbers = course.numbers
    if course.kind != "number" or numbers.missing:
        return False
    if numbers.counts_rows:
        return True
    if not is_named_as_row_number(name) or not numbers.whole:
        return False
    ambiguous = name.strip().lower() in ("index", "row")
    return not ambiguous or numbers.distinct or numbers.rises


@dataclass
class RowBlocks:
    """The blocks of equal values of a column, accumulated over chunks.

    Parameters
    ----------
    single
        Whether every value is in one block only, and blocks have two rows or more on average.
    """

    single: bool = True
    rows: int = 0
    words: WordCodes = field(default_factory=WordCodes)
    begins: list[Rows] = field(default_factory=list)
    _last: int = UNKNOWN

    def add(self, chunk: Source, name: str) -> None:
        """Add the rows of a chunk."""
        codes = self.words.add(read_optional_words(chunk, name, "id"))
        changed = np.flatnonzero(codes != np.append(self._last, codes[:-1]))
        self.begins.append(self.rows + changed)
        self.rows, self._last = self.rows + len(codes), int(codes[-1])
        self.single = (
            codes.min() >= 0
            and sum(map(len, self.begins)) == len(self.words.codes)
            and 2 * len(self.words.codes) <= max(self.rows, ROWS_TO_JUDGE)
        )


def id_candidates(sheets: Sheets, sample: Source, names: Sequence[str]) -> dict[str, Rows]:
    """Find the columns that may be the id: constant within blocks of rows, with each value in one block only.

    Parameters
    ----------
    sheets, sample
        The table and its first rows.
    names
        The columns to consider.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The first row of each block by the name of the candidate, the one with the most blocks first.
    """
    kinds = {name: kind_of(sample, name) for name in names}
    words = [name for name, kind in kinds.items() if kind == "word"]
    words += [name for name, kind in kinds.items() if kind == "number" and _is_whole(sample, name)]
    blocks = {name: RowBlocks() for name in words}
    for chunk in sheets.chunks(words, words, stream=True) if words else ():
        for name in list(blocks):
            blocks[name].add(chunk, name)
            if not blocks[name].single:
                del blocks[name]
        if not blocks:
            break
    found = {name: np.concatenate(one.begins) for name, one in blocks.items() if 2 * len(one.words.codes) <= one.rows}
    several = {name: begins for name, begins in found.items() if len(begins) > 1}
    return dict(sorted(several.items(), key=lambda item: -len(item[1])))


def certain_id(candidates: dict[str, Rows], sheets: Sheets, sample: Source, names: Sequence[str]) -> str | None:
    """Return the candidate that is the id, if that is certain.

    Its blocks divide those of every other candidate, and there are at least five of them or another column rises
    within each block and starts again in the next.

    Parameters
    ----------
    candidates
        From ``id_candidates``.
    sheets, sample
        The table and its first rows.
    names
        The columns that may be a clock.
    """
    best = next(iter(candidates), None)
    if best is None or not all(np.isin(begins, candidates[best]).all() for begins in candidates.values()):
        return None
    if len(candidates[best]) >= FEWEST_BLOCKS:
        return best
    clocks = {name: course for name, course in candidates_in(sample, best, names).items() if course.numbers.rises}
    courses = confirmed(sheets, best, clocks).values()
    return best if any(one.numbers.rises and not one.numbers.increasing for one in courses) else None


def ids_of_clock(sheets: Sheets, sample: Source, names: Sequence[str], clock: str) -> list[str]:
    """Return the columns within whose values a clock rises, although it does not rise from row to row.

    Parameters
    ----------
    sheets, sample
        The table and its first rows.
    names
        The columns to consider: words or whole numbers, each value in two rows or more on average.
    clock
        The clock.
    """
    found = []
    for name in names:
        if 2 * len(read_optional_words(sample, name, "id").names) > sample.rows:
            continue
        candidates = candidates_in(sample, name, [clock])
        if not all(one.numbers.rises for one in candidates.values()):
            continue
        courses = [one.numbers for one in confirmed(sheets, name, candidates).values()]
        if any(one.rises and not one.increasing and 2 * one.series <= one.rows for one in courses):
            found.append(name)
    return found


def _is_whole(sample: Source, name: str) -> bool:
    numbers = numbers_or_missing(sample, name)
    return bool(np.all(numbers == np.floor(numbers)))
