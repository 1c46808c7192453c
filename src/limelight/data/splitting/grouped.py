"""Choose the rows of splits that keep groups together or go by time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, ParameterError, listing
from limelight.task import is_known
from limelight.types import Rows

DRAWS = 60
"""Number of random divisions of the groups from which the most even one is chosen."""


def can_leave_groups_out(labels: NDArray[Any], groups: NDArray[np.str_]) -> bool:
    """Whether every class remains if any one group of series is left out.

    Parameters
    ----------
    labels
        Of each series, shape (n,), or 0, 1 or NaN for each label, shape (n, labels); None, NaN and "" are unknown.
    groups
        The group of each series, shape (n,).

    Returns
    -------
    bool
        Whether each class, and for several labels each 0 and each 1, is known in at least two groups, or in none.

    Example
    -------
    >>> groups = np.array(["r1", "r1", "r2", "r2"])
    >>> [can_leave_groups_out(np.array(labels), groups) for labels in (["a", "b", "a", "b"], ["a", "a", "a", "b"])]
    [True, False]
    """
    columns = labels[:, None] if labels.ndim == 1 else labels
    codes = np.unique(groups, return_inverse=True)[1]
    for column in columns.T:
        known = is_known(column)
        classes = np.unique(column[known].astype(str), return_inverse=True)[1]
        pairs = np.unique(np.stack([classes, codes[known]]), axis=1)
        if (np.bincount(pairs[0]) < 2).any():
            return False
    return True


def rows_by_group(
    groups: NDArray[np.str_], name: str, shares: dict[str, float], seed: int, codes: Rows
) -> dict[str, Rows]:
    """Sample parts at random so that no group is in two of them.

    Out of 60 draws, choose the one with the fewest classes missing from train, then the fewest missing from the other
    parts, then the sizes and class proportions closest to the requested ones.

    Parameters
    ----------
    groups
        The group of each series, shape (n,).
    name
        The name of a group in messages.
    shares
        The share of the series for each part, each above 0, summing to less than 1; the rest goes to train.
    seed
        Seed of the draws; the same seed gives the same parts.
    codes
        The class of each series, integers from 0, shape (n,); all 0 for no stratification.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The rows of each part, in ascending order; ``"train"`` is the rest.

    Raises
    ------
    ParameterError
        If there are fewer groups than parts.

    Example
    -------
    >>> groups = np.array(["a", "a", "b", "b", "c", "c"])
    >>> parts = rows_by_group(groups, "machine", {"test": 0.3}, 0, np.zeros(6, dtype=np.int64))
    >>> len(parts["test"]), len(set(groups[parts["test"]]) & set(groups[parts["train"]]))
    (2, 0)
    """
    names, members = np.unique(groups, return_inverse=True)
    _require_groups(names, name, len(shares) + 1)
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(names), int(codes.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (members, codes), 1)
    goals = [share * counts.sum(axis=0) for share in shares.values()]
    best: tuple[tuple[int, int, float], Rows] | None = None
    for _ in range(DRAWS):
        part_of = _draw_parts(counts, goals, rng)
        cost = _cost(counts, part_of, goals)
        if best is None or cost < best[0]:
            best = cost, part_of
    assert best is not None
    part_of_series = best[1][members]
    return {part: np.flatnonzero(part_of_series == number) for number, part in enumerate(["train", *shares])}


def rows_by_time(
    times: NDArray[Any], shares: dict[str, float], groups: NDArray[np.str_] | None, name: str
) -> dict[str, Rows]:
    """Assign the latest series to the last part, earlier ones to the part before, and the earliest to train.

    Parameters
    ----------
    times
        The first and last time of each series, shape (n, 2).
    shares
        The share of the series for each part, the earliest part first; the rest, which is earlier still, is
        ``"train"``. A part whose share rounds to no series is omitted.
    groups
        The group of each series, shape (n,), or None. Groups stay together, ordered by their first time.
    name
        The name of a group in messages.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The rows of each part, in ascending order.

    Raises
    ------
    ParameterError
        If all series begin at the same time, or there are fewer series or groups than parts.
    DataError
        If a time is missing.

    Example
    -------
    >>> rows_by_time(np.array([[0, 3], [9, 12], [4, 6], [7, 8]]), {"test": 0.25}, None, "group")["test"].tolist()
    [1]
    """
    n = len(times)
    goals = {part: round(share * n) for part, share in shares.items() if round(share * n)}
    members, order = units_by_time(times, groups, name, len(goals) + 1)
    units = len(order)
    sizes = np.bincount(members, minlength=units)[order]
    after = np.cumsum(sizes[::-1])[::-1]  # number of series in this unit and all later ones
    part_of, later_series, end = np.zeros(units, dtype=np.int64), 0, units
    for number, count in reversed(list(enumerate(goals.values(), start=1))):
        later_series += count
        begin = max(int(np.abs(after[:end] - later_series).argmin()), number)  # every part and train get a unit
        part_of[order[begin:end]] = number
        end = begin
    part_of_series = part_of[members]
    return {part: np.flatnonzero(part_of_series == number) for number, part in enumerate(["train", *goals])}


def units_by_time(times: NDArray[Any], groups: NDArray[np.str_] | None, name: str, parts: int) -> tuple[Rows, Rows]:
    """Sort series, or groups of series, by their first time.

    Parameters
    ----------
    times, groups, name
        As for ``rows_by_time``.
    parts
        The number of parts that the units are to be split into.

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.int64]]
        The unit (series or group) of each series, shape (n,), and the units sorted by time, shape (units,).

    Raises
    ------
    ParameterError, DataError
        As for ``rows_by_time``.

    Example
    -------
    >>> members, order = units_by_time(np.array([[5, 6], [0, 3], [7, 8]]), np.array(["a", "b", "a"]), "machine", 2)
    >>> members.tolist(), order.tolist()
    ([0, 1, 0], [1, 0])
    """
    members = np.arange(len(times)) if groups is None else np.unique(groups, return_inverse=True)[1]
    if groups is not None:
        _require_groups(np.unique(groups), name, parts)
    _require_times(times, parts)
    by_time = np.argsort(times[:, 0], kind="stable")
    _, first = np.unique(members[by_time], return_index=True)
    starts = times[by_time[first], 0]
    if parts > 1 and (starts == starts[0]).all():
        raise ParameterError(
            f"expected series that begin at different times to split by time, got {starts[0]} for all; split at "
            "random, or give times that count from a common beginning"
        )
    return members.astype(np.int64), np.argsort(starts, kind="stable")


def _require_times(times: NDArray[Any], parts: int) -> None:
    if len(times) < parts:
        raise ParameterError(
            f"expected at least {parts} series to split by time into {parts} parts, got {len(times)}; use smaller "
            "fractions or more series"
        )
    without_time = np.flatnonzero((times != times).any(axis=1))  # NaN and NaT
    if len(without_time):
        raise DataError(
            "expected the time of the first and of the last step of every series to split by time, got none in rows "
            f"{listing(without_time.tolist())}; leave these series out, or split at random"
        )


def _require_groups(names: NDArray[np.str_], name: str, parts: int) -> None:
    if len(names) < parts:
        raise ParameterError(
            f"expected at least {parts} distinct values of {name!r} to split by, got {len(names)}: "
            f"{listing(names.tolist())}; use fewer parts, or split by another field"
        )


def _draw_parts(counts: Rows, goals: list[NDArray[np.float64]], rng: np.random.Generator) -> Rows:
    """Assign groups to parts in random order; each part gets groups as long as they bring it closer to its size."""
    order = rng.permutation(len(counts))
    part_of = np.zeros(len(counts), dtype=np.int64)
    sizes = counts.sum(axis=1)
    start = 0
    for number, goal in enumerate(goals, start=1):
        reserved = len(goals) - number + 1  # train and each later part need a group
        filled = np.cumsum(sizes[order[start : len(order) - reserved]])
        taken = 1 + int(np.abs(filled - goal.sum()).argmin())
        part_of[order[start : start + taken]] = number
        start += taken
    return part_of


def _cost(counts: Rows, part_of: Rows, goals: list[NDArray[np.float64]]) -> tuple[int, int, float]:
    """Compute the cost of a draw: classes missing from train, classes missing elsewhere, distance to the goals."""
    sums = np.stack([counts[part_of == number].sum(axis=0) for number in range(len(goals) + 1)])
    absent = ((sums == 0) & (sums.sum(axis=0) > 0)).sum(axis=1)
    distance = sum(np.abs(part - goal).sum() / max(goal.sum(), 1.0) for part, goal in zip(sums[1:], goals, strict=True))
    return int(absent[0]), int(absent[1:].sum()), float(distance)
