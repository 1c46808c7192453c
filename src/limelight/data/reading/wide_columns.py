"""Find the id, the label and row numbers among the columns of a wide table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limelight.data.counters import ROWS_TO_JUDGE
from limelight.data.reading.columns import (
    ID_REMEDY,
    is_number_column,
    numbers_or_missing,
    read_optional_words,
    read_words,
)
from limelight.data.reading.guesses import MOST_GUESSED_CLASSES
from limelight.data.reading.names import STATES, is_named, is_named_as_row_number, plain_name
from limelight.data.reading.sources import Source
from limelight.errors import DataError, listing

_NUMBERS_OF_ROWS = ("nr", "#", "lfd_nr", "laufende_nr", "laufende_nummer", "zeile", "line")


def find_label(source: Source, label: str | None, notes: list[str]) -> str | None:
    """Find the label column by its name or, for the name "label", by other common names; None if missing."""
    if label is None or label in source.columns:
        return label
    if label != "label":
        source.column(label, "label")
    candidates = [name for name in source.columns if is_named(name, "label")]
    if len(candidates) > 1:
        raise DataError(
            f"expected one label column in {source.name}, got {listing(candidates)}; choose one with label=... "
            '("label" in the data section of an experiment file, --label on the command line)'
        )
    if not candidates:
        return None
    notes.append(f"took column {candidates[0]!r} as label")
    return candidates[0]


def read_ids(
    source: Source, id: str | None, label: str | None, notes: list[str]
) -> tuple[str | None, NDArray[np.str_]]:
    """Read the ids of the series; return the name of their column, None if there is none, and the ids."""
    if id is not None and (id in source.columns or id != "series_id"):
        words = read_words(source, id, "id", ID_REMEDY)
        if len(words.names) < source.rows:
            row = int(np.setdiff1d(np.arange(source.rows), np.unique(words.codes, return_index=True)[1])[0])
            first = int(np.flatnonzero(words.codes == words.codes[row])[0])
            raise DataError(
                f"expected one row per series in {source.name}, got series {words.at(row)!r} again in "
                f"{source.location(row)}, first in {source.location(first)}; keep one of the two, or set layout='long' "
                "if each row is a step"
            )
        return id, words.decode()
    for name in source.columns if id is not None else ():
        if name != label and (is_named(name, "id") or _is_index_of_words(source, name)):
            candidate = read_optional_words(source, name, "id")
            if len(candidate.names) == source.rows:
                notes.append(f"took column {name!r} as id")
                return name, candidate.decode()
    if id is not None:
        notes.append(f"no column {id!r}: the series are named by their row, from 0")
    return None, np.arange(source.rows).astype(str)


def _is_index_of_words(source: Source, name: str) -> bool:
    return is_named_as_row_number(name) and not is_number_column(source, name)


def find_row_numbers(source: Source, names: Sequence[str], notes: list[str]) -> list[str]:
    """Find columns that number the rows: by their name and whole numbers, or because they count from row to row."""
    found = [name for name in names if _numbers_rows(source, name)]
    if found:
        notes.append(f"ignored row numbers in column {listing(found)}")
    return found


def _numbers_rows(source: Source, name: str) -> bool:
    if not is_number_column(source, name):
        return False
    numbers = numbers_or_missing(source, name)
    counts = source.rows >= ROWS_TO_JUDGE and bool(np.all(np.diff(numbers) == 1))
    whole = bool(np.all(numbers == np.floor(numbers))) and len(np.unique(numbers)) == len(numbers)
    named = is_named_as_row_number(name) or plain_name(name).strip("_") in _NUMBERS_OF_ROWS
    return counts or (whole and named)


def guess_label(source: Source, names: Sequence[str], notes: list[str]) -> str | None:
    """Return the only column with few values, each in two rows or more; None if there is none, or several.

    Parameters
    ----------
    source, names
        The table and the columns that are neither steps nor ids.
    notes
        A note on the label, or on the candidates, is appended.
    """
    candidates = [name for name in names if _may_be_label(source, name)]
    candidates = [name for name in candidates if plain_name(name) in STATES] or candidates
    if len(candidates) == 1:
        notes.append(
            f"took column {candidates[0]!r} as label: it has few values; name another with label=... (--label)"
        )
        return candidates[0]
    if candidates:
        notes.append(f"no label was read: candidates are {listing(candidates)}; name one with label=... (--label)")
    return None


def _may_be_label(source: Source, name: str) -> bool:
    if is_number_column(source, name):
        numbers = numbers_or_missing(source, name)
        if not np.all(numbers == np.floor(numbers)):
            return False
    codes = read_optional_words(source, name, "label").codes
    counts = np.unique(codes, return_counts=True)[1]
    return bool(codes.min() >= 0 and 2 <= len(counts) <= MOST_GUESSED_CLASSES and counts.min() >= 2)
