"""Metadata fields that identify a group of series, such as the subject or the machine, recognised by their values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.metadata import STAMP, fields_of, words_in
from limelight.data.reading.sources import is_text
from limelight.types import Doubles, Integers

FEWEST_GROUPS, MANY_GROUPS = 3, 10
"""Distinct values that a group field has at least, and from which words alone are evidence enough."""
SOME_GROUPS = 5
"""Distinct values from which other evidence than a code, such as ``M 12``, counts."""
LARGEST_GROUP = 50
"""The largest mean number of series of a group; a field with larger ones is a category."""
LARGEST_FEW = 20
"""The largest mean number of series of a group if there are fewer than five groups."""
SHORT_NAME = 4
"""The largest number of words in the name of a group."""
NUMBERED = re.compile(r"^\D*\d+\D{0,3}$")
"""A number with a prefix, such as ``M12`` or ``Anlage 3``, or with leading zeros."""
UNLIKELY = 1e-3
NEIGHBOURS = 1000
"""Number of series among which nearest neighbours are searched."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A field whose values occur several times: the group of each series, -1 if missing, and the value of each group.

    ``codes`` has shape (n,), ``counts`` shape (groups,).
    """

    name: str
    values: NDArray[np.str_]
    codes: Integers
    counts: Integers
    text: bool


def group_fields(metadata: pa.Table | None, features: Doubles) -> dict[str, NDArray[np.int64]]:
    """Find the metadata fields whose values seem to identify groups of series.

    Parameters
    ----------
    metadata
        One row per series, n of them, or None.
    features
        Numbers that describe each series, such as the mean of its channels, shape (n, any).

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The group of each series by name of the field, -1 if missing. A field whose value follows from that of another
        one, such as the site of a machine, is not listed.

    Example
    -------
    >>> table = pa.table({"Maschine": [f"M{row % 12}" for row in range(48)], "mode": ["slow", "fast", "off"] * 16})
    >>> list(group_fields(table, np.zeros((48, 0))))
    ['Maschine']
    """
    columns = fields_of(metadata)
    every = [one for name, column in columns.items() if (one := _candidate(name, column)) is not None]
    partitions = {
        name: np.unique(words_in(column, name).astype(str), return_inverse=True)[1] for name, column in columns.items()
    }
    accepted = [one for one in every if _is_group(one, partitions, features)]
    accepted = [_named_by_words(one, every) for one in accepted]
    accepted.sort(key=lambda one: (-len(one.values), not one.text))
    found: dict[str, NDArray[np.int64]] = {}
    for one in accepted:
        if not any(_follows(one.codes, codes) for codes in found.values()):
            found[one.name] = one.codes
    return found


def _named_by_words(one: _Candidate, every: list[_Candidate]) -> _Candidate:
    """Return the field of words with the same groups as a field of numbers, such as the machine instead of its year."""
    if one.text:
        return one
    return next(
        (
            other
            for other in every
            if other.text
            and len(other.values) == len(one.values)
            and _follows(one.codes, other.codes)
            and _follows(other.codes, one.codes)
        ),
        one,
    )


def _candidate(name: str, column: Any) -> _Candidate | None:
    """Return a field with several groups of at least two series on average; None for other fields."""
    if column.type in (pa.bool_(), STAMP):
        return None
    words = words_in(column, name).astype(str)
    known = words != ""
    values, members, counts = np.unique(words[known], return_inverse=True, return_counts=True)
    repeated = counts[counts > 1]
    if len(repeated) < FEWEST_GROUPS or repeated.sum() < 0.8 * known.sum() or 2 * len(values) > known.sum():
        return None
    few = len(values) < SOME_GROUPS
    if known.sum() > (LARGEST_FEW if few else LARGEST_GROUP) * len(values):
        return None
    codes = np.full(len(words), -1, dtype=np.int64)
    codes[known] = members
    return _Candidate(name, values, codes, counts, is_text(column.type) and not _are_numbers(values))


def _is_group(one: _Candidate, partitions: dict[str, Integers], features: Doubles) -> bool:
    """Whether there is evidence that a field identifies groups, rather than being a category or a measurement."""
    names, groups = one.values.tolist(), len(one.values)
    if one.text:
        if any(len(name.split()) > SHORT_NAME for name in names):
            return False
        if groups >= MANY_GROUPS or _are_codes(names):
            return True
    elif not _are_whole(one.values):
        return False
    elif groups > SOME_GROUPS and _number_groups(one):
        return True
    if groups < SOME_GROUPS or (not one.text and _is_grid(one.values)):
        return False
    contiguous = one.text and bool(np.count_nonzero(np.diff(one.codes)) == groups - 1)
    return contiguous or _has_constant_fields(one, partitions) or _is_alike(one, features)


def _are_numbers(values: NDArray[np.str_]) -> bool:
    """Whether all values are plain numbers, without the leading zeros of a code."""
    try:
        values.astype(np.float64)
    except ValueError:
        return False
    return not any(re.match(r"0\d", str(value)) for value in values.tolist())


def _are_codes(names: list[str]) -> bool:
    return all(NUMBERED.match(name) for name in names)


def _are_whole(values: NDArray[np.str_]) -> bool:
    numbers = values.astype(np.float64)
    return bool((numbers == np.floor(numbers)).all())


def _is_grid(values: NDArray[np.str_]) -> bool:
    """Whether whole numbers are levels of a setting: evenly spaced by more than 1, or all multiples of 5."""
    numbers = np.sort(values.astype(np.float64))
    steps = np.unique(np.diff(numbers))
    return bool(len(steps) == 1 and steps[0] > 1) or not bool((numbers % 5).any())


def _number_groups(one: _Candidate) -> bool:
    """Whether whole numbers are codes: sparse, or with far more even counts than a measurement has by chance."""
    if _is_grid(one.values):
        return False
    numbers, mean = one.values.astype(np.float64), one.counts.mean()
    sparse = np.ptp(numbers) > 50 * len(numbers)
    even = float(((one.counts - mean) ** 2 / mean).sum()) < 0.3 * (len(numbers) - 1)
    return bool(sparse or (even and len(numbers) >= SOME_GROUPS + 3))


def _has_constant_fields(one: _Candidate, partitions: dict[str, Integers]) -> bool:
    """Whether another field is constant within each group, which is unlikely by chance, as the age of a subject."""
    known = one.codes >= 0
    codes = one.codes[known]
    further = len(codes) - len(one.values)
    for name, every in partitions.items():
        other = every[known]
        shares = np.bincount(other) / len(other)
        chance = float((shares**2).sum()) ** further
        distinct = np.count_nonzero(shares)
        if name != one.name and 2 <= distinct < len(one.values) and chance < UNLIKELY and _follows(other, codes):
            return True
    return False


def _follows(codes: Integers, finer: Integers) -> bool:
    """Whether each group of ``finer`` has series of one group of ``codes`` only."""
    known = (codes >= 0) & (finer >= 0)
    pairs = np.unique(np.stack([finer[known], codes[known]]), axis=1)
    return bool(len(np.unique(pairs[0])) == pairs.shape[1])


def _is_alike(one: _Candidate, features: Doubles) -> bool:
    """Whether the series nearest to most series is of the same group."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(one.values))
    chosen = chosen[np.cumsum(one.counts[chosen]) <= NEIGHBOURS]
    rows = np.flatnonzero(np.isin(one.codes, chosen))
    if features.shape[1] == 0 or len(chosen) < SOME_GROUPS:
        return False
    described, codes = features[rows], one.codes[rows]
    spread = described.std(axis=0)
    described = described[:, spread > 0] / spread[spread > 0]
    squares = (described**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * described @ described.T
    np.fill_diagonal(distances, np.inf)
    same = codes[distances.argmin(axis=1)] == codes
    chance = float(((one.counts[chosen] / len(rows)) ** 2).sum())
    return bool(described.shape[1] and same.mean() > 0.5 + chance / 2)
