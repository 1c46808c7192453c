"""Columns of text that hold numbers which are not read as such: with a decimal comma, a unit, or several in a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.missing import is_missing
from limelight.data.reading.number_formats import is_number
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.times import are_times
from limelight.errors import DataError

WITH_UNIT = re.compile(r"(?P<before>[$€£¥])?\s*(?P<number>[^A-Za-z%°µ€]*\d)\s*(?P<after>[A-Za-z%°µ€][^\d]{0,9})?$")
JOINING_SIGN = re.compile(r"\s*[,;/|]\s*|\s+")
ONE = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
SEVERAL = re.compile(rf"[(\[]?\s*{ONE}(?:(?:\s*[,;/|]\s*|\s+){ONE})+\s*[)\]]?")
FEWEST_MEASUREMENTS = 5
"""Fewer different numbers, such as sizes, may be words."""


def reject_written_numbers(sample: Source, id: str, names: Sequence[str], channels: Sequence[str]) -> None:
    """Raise DataError if a column of text holds measurements.

    Parameters
    ----------
    sample
        The first rows of a table.
    id
        The id column.
    names
        The columns of text.
    channels
        The columns that are channels, for the message.

    Raises
    ------
    DataError
        If at least 5 different words change within a series, and all are numbers with one unit or a decimal comma, or
        the same number of numbers.
    """
    for name in names:
        if not is_text(sample.table[name].type):
            continue
        words = read_optional_words(sample, name, "channels")
        known = [word for word in words.names.tolist() if not is_missing(word)]
        written = _kind_of(known) if len(known) >= FEWEST_MEASUREMENTS else None
        if written is None or not _changes(sample, id, words.codes):
            continue
        row = int(np.flatnonzero(words.codes == words.names.tolist().index(known[0]))[0])
        others = f", or leave the column out with channels=... (--channels {','.join(channels)})" if channels else ""
        raise DataError(
            f"expected numbers in column {name!r}, got {known[0]!r} in {sample.location(row)}; {written}{others}"
        )


def _kind_of(words: Sequence[str]) -> str | None:
    """Return what to do about words that are all numbers in another form; None if they are not."""
    if all(is_number(word) for word in words):
        return "write a decimal point and no signs between thousands"
    found = [WITH_UNIT.fullmatch(word) for word in words]
    if all(match and is_number(match["number"].strip()) for match in found):
        units = {(match["before"] or match["after"] or "").strip() for match in found if match}
        if len(units) == 1 and "" not in units:
            return f"write the unit {units.pop()!r} in the header, and the number alone in each cell"
    counts = {len(JOINING_SIGN.split(word.strip("()[] "))) for word in words}
    if all(map(SEVERAL.fullmatch, words)) and len(counts) == 1 and not are_times(words):
        return f"write each of the {counts.pop()} numbers in a column of its own"
    return None


def _changes(sample: Source, id: str, codes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    """Whether words change within a series."""
    series = read_optional_words(sample, id, "id").codes
    pairs = len(np.unique(np.stack([series, codes]), axis=1).T)
    return pairs > len(np.unique(series))
