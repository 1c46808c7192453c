"""Rows of a split that keeps groups together, or goes by time; ``splits`` puts them into words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, ParameterError, listing
from limelight.types import Rows

DRAWS = 60
"""How many random divisions of the groups are looked at; the most even one is taken."""


def rows_by_group(
    groups: NDArray[np.str_], name: str, shares: dict[str, float], seed: int, codes: Rows
) -> dict[str, Rows]:
    """Draw parts at random so that no group stands in two of them.

    Of 60 draws, the one is taken that leaves the fewest classes out of train, then out of the other parts, and of those
    the one whose sizes and class proportions lie closest to what was asked.

    Parameters
    ----------
    groups
        What keeps series together, shape (n,).
    name
        What messages call a group.
    shares
        The share of the series in each part that is wanted, above 0 and together below 1; the rest stays.
    seed
        The same seed draws the same way.
    codes
        The class of each series, whole numbers from 0, shape (n,); all 0 where classes do not matter.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The rows of each part, in rising order; ``"train"`` is the rest.

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
    draw = np.random.default_rng(seed)
    counts = np.zeros((len(names), int(codes.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (members, codes), 1)
    wanted = {part: share * counts.sum(axis=0) for part, share in shares.items()}
    best: tuple[tuple[int, int, float], Rows] | None = None
    for _ in range(DRAWS):
        part_of = _one_draw(counts, list(wanted.values()), draw)
        cost = _cost(counts, part_of, list(wanted.values()))
        if best is None or cost < best[0]:
            best = cost, part_of
    assert best is not None
    places = best[1][members]
    return {part: np.flatnonzero(places == place) for place, part in enumerate(["train", *shares])}


def rows_by_time(
    times: NDArray[Any], shares: dict[str, float], groups: NDArray[np.str_] | None, name: str
) -> dict[str, Rows]:
    """Put the latest series into the last part, those before them into the one before, and the rest into train.

    Parameters
    ----------
    times
        Time of the first and of the last step of each series, shape (n, 2).
    shares
        The share of each part, from the earlier to the later; the rest, which is earlier, is ``"train"``. A part whose
        share rounds to no series is left out.
    groups
        What keeps series together, shape (n,), ordered by the first time of the group; None for nothing.
    name
        What messages call a group.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        The rows of each part, in rising order.

    Raises
    ------
    ParameterError
        If all begin at the same time, or there are fewer series or groups than parts.
    DataError
        If a time is missing.

    Example
    -------
    >>> rows_by_time(np.array([[0, 3], [9, 12], [4, 6], [7, 8]]), {"test": 0.25}, None, "group")["test"].tolist()
    [1]
    """
    n = len(times)
    wanted = {part: round(share * n) for part, share in shares.items() if round(share * n)}
    members, order = units_by_time(times, groups, name, len(wanted) + 1)
    units = len(order)
    sizes = np.bincount(members, minlength=units)[order]
    after = np.cumsum(sizes[::-1])[::-1]  # series in this unit and all later ones
    part_of, beyond, latest = np.zeros(units, dtype=np.int64), 0, units
    for place, count in reversed(list(enumerate(wanted.values(), start=1))):
        beyond += count
        begin = max(int(np.abs(after[:latest] - beyond).argmin()), place)  # every part and train get a unit
        part_of[order[begin:latest]] = place
        latest = begin
    places = part_of[members]
    return {part: np.flatnonzero(places == place) for place, part in enumerate(["train", *wanted])}


def units_by_time(times: NDArray[Any], groups: NDArray[np.str_] | None, name: str, parts: int) -> tuple[Rows, Rows]:
    """Order series, or groups of them, by when they begin.

    Parameters
    ----------
    times, groups, name
        As for ``rows_by_time``.
    parts
        Into how many parts they are to go.

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.int64]]
        The unit of each series, shape (n,), and the units from the earliest to the latest, shape (units,).

    Raises
    ------
    ParameterError, DataError
        As ``rows_by_time``.

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
    _, first_met = np.unique(members[by_time], return_index=True)
    starts = times[by_time[first_met], 0]
    if parts > 1 and (starts == starts[0]).all():
        raise ParameterError(
            f"expected series that begin at different times to split by time, got {starts[0]} for every one; split at "
            "random, or give times that count from one beginning"
        )
    return members.astype(np.int64), np.argsort(starts, kind="stable")


def _require_times(times: NDArray[Any], parts: int) -> None:
    if len(times) < parts:
        raise ParameterError(
            f"expected at least {parts} series to split by time into {parts} parts, got {len(times)}; use smaller "
            "fractions or more series"
        )
    timeless = np.flatnonzero((times != times).any(axis=1))  # NaN and NaT
    if len(timeless):
        raise DataError(
            "expected the time of the first and of the last step of every series to split by time, got none in rows "
            f"{listing(timeless.tolist())}; leave these series out, or split at random"
        )


def _require_groups(names: NDArray[np.str_], name: str, parts: int) -> None:
    if len(names) < parts:
        raise ParameterError(
            f"expected at least {parts} different values of {name!r} to split by, got {len(names)}: "
            f"{listing(names.tolist())}; take fewer parts, or split by something else"
        )


def _one_draw(counts: Rows, goals: list[NDArray[np.float64]], draw: np.random.Generator) -> Rows:
    """Hand out groups in random order: each part takes groups while they bring it closer to its size."""
    order = draw.permutation(len(counts))
    part_of = np.zeros(len(counts), dtype=np.int64)
    sizes = counts.sum(axis=1)
    start = 0
    for place, goal in enumerate(goals, start=1):
        left = len(goals) - place + 1  # train and the parts after this one need a group each
        filled = np.cumsum(sizes[order[start : len(order) - left]])
        taken = 1 + int(np.abs(filled - goal.sum()).argmin())
        part_of[order[start : start + taken]] = place
        start += taken
    return part_of


def _cost(counts: Rows, part_of: Rows, goals: list[NDArray[np.float64]]) -> tuple[int, int, float]:
    """Count the classes that are not in train and not in the other parts, and say how far these are from the goal."""
    held = np.stack([counts[part_of == place].sum(axis=0) for place in range(len(goals) + 1)])
    absent = ((held == 0) & (held.sum(axis=0) > 0)).sum(axis=1)
    distance = sum(np.abs(part - goal).sum() / max(goal.sum(), 1.0) for part, goal in zip(held[1:], goals, strict=True))
    return int(absent[0]), int(absent[1:].sum()), float(distance)
