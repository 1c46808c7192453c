"""Split series into training, validation and test parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.clock import format_time
from limelight.data.drawing import split_html
from limelight.data.splitting.grouped import rows_by_group, rows_by_time
from limelight.errors import DataError, InternalError, ParameterError, listing, nearest
from limelight.types import Rows

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")
RULES = ("random", "time")


@dataclass(frozen=True, eq=False)
class Split:
    """The rows of the series in each part; no series is in two parts.

    Parameters
    ----------
    train, validation, test
        The rows of each part, shape (any,); a part may be empty.
    rule
        How the split was made, as the tail of a sentence.

    Raises
    ------
    DataError
        If a row occurs more than once.

    Example
    -------
    >>> split = Split([0, 2], [], [1])
    >>> split.describe()
    'split: 2 train, 0 validation, 1 test; as given'
    >>> split.part("test")
    array([1])
    """

    train: Rows
    validation: Rows
    test: Rows
    rule: str = "as given"

    def __post_init__(self) -> None:
        for name in PARTS:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64).reshape(-1))
        rows, counts = np.unique(np.concatenate([self.part(name) for name in PARTS]), return_counts=True)
        repeated = rows[counts > 1].tolist()
        if repeated:
            raise DataError(
                f"expected each series once in one part of the split, got rows {listing(repeated)} more than "
                "once; a model must not be tested on its training series"
            )

    def part(self, name: str) -> Rows:
        """Return the rows of ``"train"``, ``"validation"`` or ``"test"``, shape (any,)."""
        if name not in PARTS:
            raise ParameterError(
                f"expected a part of the split, train, validation or test, got {name!r}{nearest(name, PARTS)}"
            )
        rows: Rows = getattr(self, name)
        return rows

    def _repr_html_(self) -> str:
        return split_html({name: len(self.part(name)) for name in PARTS}, self.rule)

    def require_disjoint_groups(self, groups: NDArray[np.str_], name: str) -> None:
        """Raise DataError if a group has series in two parts.

        Example
        -------
        >>> Split([0], [], [1]).require_disjoint_groups(np.array(["a", "b"]), "machine")
        """
        part_of: dict[str, str] = {}
        for part in PARTS:
            for group in np.unique(groups[self.part(part)]).tolist():
                first = part_of.setdefault(group, part)
                if first != part:
                    raise DataError(
                        f"expected every {name} in one part of the split, got {group!r} in {first} and in {part}; a "
                        f"model must not be tested on a {name} that it was trained on"
                    )

    def describe(self) -> str:
        """Describe the sizes of the parts and the rule in one line."""
        sizes = ", ".join(f"{len(self.part(name))} {name}" for name in PARTS)
        return f"split: {sizes}; {self.rule}"


def random_split(n: int, *, test: float, validation: float, seed: int, labels: ArrayLike | None = None) -> Split:
    """Sample a test and a validation part at random, stratified by label if labels are given.

    A class with too few series for every part is kept in train first, then in test; ``describe()`` names the class.

    Parameters
    ----------
    n
        Number of series, at least 1.
    test, validation
        Fractions of the series in these parts, at least 0 and summing to less than 1. Each part has exactly
        ``round(fraction * n)`` series.
    seed
        At least 0; the same seed gives the same split.
    labels
        One label per series, shape (n,), or None for no stratification.

    Returns
    -------
    Split
        Every row in exactly one part, each part in ascending order.

    Raises
    ------
    ParameterError
        If a fraction or the seed is out of range, or no series is left for train.

    Example
    -------
    >>> split = random_split(10, test=0.2, validation=0.2, seed=0, labels=list("aaaaabbbbb"))
    >>> split.describe()
    'split: 6 train, 2 validation, 2 test; at random, stratified by label, seed 0'
    >>> len(split.train)
    6
    """
    _check_fractions(test, validation, seed)
    counts = {"test": round(test * n), "validation": round(validation * n)}
    if n - sum(counts.values()) < 1:
        raise ParameterError(
            f"expected at least one series for train, got {n} series with test={test} and "
            f"validation={validation}, which leave none; use smaller fractions or more series"
        )
    codes = _codes(labels, n)
    rng = np.random.default_rng(seed)
    rest, parts, open_parts = np.arange(n), {}, 1 + sum(count > 0 for count in counts.values())
    for name, count in counts.items():
        rest, parts[name] = _draw_part(rest, codes[rest], count, open_parts, rng)
        open_parts -= count > 0
    rule = _random_rule([rest, *parts.values()], labels, seed)
    return Split(rest, parts["validation"], parts["test"], rule)


def named_split(names: ArrayLike, ids: ArrayLike, where: str) -> Split:
    """Build a split from the name of the part of each series.

    Parameters
    ----------
    names
        ``"train"``, ``"validation"`` or ``"test"`` for each series, shape (n,), in the order of the rows.
    ids
        The name of each series, shape (n,), for messages.
    where
        The source of the names, for messages, for example ``"'split.csv'"``.

    Returns
    -------
    Split
        Every row in exactly one part.

    Raises
    ------
    DataError
        If a name is not one of the three parts.

    Example
    -------
    >>> named_split(["train", "test", "train"], ["a", "b", "c"], "'split.csv'").train.tolist()
    [0, 2]
    """
    part_names = np.asarray(names).astype(str)
    unknown = np.flatnonzero(~np.isin(part_names, PARTS))
    if len(unknown):
        name, series = str(part_names[unknown[0]]), str(np.asarray(ids)[unknown[0]])
        raise DataError(
            f"expected train, validation or test for every series in {where}, got {name!r} for series "
            f"{series!r}{nearest(name, PARTS)}"
        )
    train, validation, test = (np.flatnonzero(part_names == part) for part in PARTS)
    return Split(train, validation, test, f"as given in {where}")


def carve_validation(train_rows: ArrayLike, labels: ArrayLike | None, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Split a validation part off the training rows.

    Parameters
    ----------
    train_rows
        The rows to divide, shape (m,), at least two.
    labels
        The label of each of these rows, shape (m,), to stratify by, or None.
    fraction
        The fraction of these rows for validation, in (0, 1), rounded to at least one series.
    seed
        At least 0; the same seed gives the same rows.

    Returns
    -------
    tuple[Rows, Rows]
        The rows that stay in train and the rows for validation.

    Raises
    ------
    ParameterError
        If the fraction or the seed is out of range.
    DataError
        If there are fewer than two rows.

    Example
    -------
    >>> train, validation = carve_validation([3, 5, 7, 9], list("aabb"), 0.5, seed=0)
    >>> len(train), len(validation)
    (2, 2)
    """
    rows = np.asarray(train_rows, dtype=np.int64)
    _check_fractions(0.0, fraction, seed)
    if fraction == 0:
        raise ParameterError("expected a validation fraction of more than 0, got 0; use for example 0.1")
    if len(rows) < 2:
        raise DataError(
            f"expected at least 2 training series, so that one can be held out for validation, got {len(rows)}; add "
            "training series"
        )
    count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
    rng = np.random.default_rng(seed)
    train, validation = _draw_part(np.arange(len(rows)), _codes(labels, len(rows)), count, 2, rng)
    return rows[train], rows[validation]


def _check_fractions(test: float, validation: float, seed: int) -> None:
    for name, fraction in (("test", test), ("validation", validation)):
        if not 0 <= fraction < 1:
            raise ParameterError(
                f"expected a {name} fraction of at least 0 and less than 1, got {fraction}; use for example 0.2"
            )
    if test + validation >= 1:
        raise ParameterError(
            f"expected test and validation to leave series for train, got {test} + {validation} = "
            f"{test + validation:g}; use for example 0.2 and 0.1"
        )
    if seed < 0:
        raise ParameterError(f"expected a seed of at least 0, got {seed}; use for example 0")


def _codes(labels: ArrayLike | None, n: int) -> Rows:
    if labels is None:
        return np.zeros(n, dtype=np.int64)
    array = np.asarray(labels)
    if array.shape != (n,):
        raise InternalError(f"expected one label for each of {n} rows, got an array of shape {array.shape}")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _draw_part(rows: Rows, codes: Rows, count: int, open_parts: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw ``count`` rows, stratified by class; return the remaining rows and the drawn ones."""
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if count == 0:
        return rows, rows[:0]
    shuffled = rng.permutation(len(rows))
    shuffled = shuffled[np.argsort(codes[shuffled], kind="stable")]
    rank_in_class = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    drawn = np.zeros(len(rows), dtype=bool)
    drawn[shuffled] = rank_in_class < np.repeat(_quotas(sizes, count, open_parts, rng), sizes)
    return rows[~drawn], rows[drawn]


def _quotas(sizes: Rows, count: int, open_parts: int, rng: np.random.Generator) -> Rows:
    """Compute how many series of each class to draw.

    scikit-learn's stratified splits reject a class with a single series and may leave train without a small class.
    Here the quotas are bounded, so that each class keeps a series for every part still to be filled
    (``open_parts``, this one included) if it is large enough, and otherwise at least one for train if possible.
    """
    ideal = sizes * (count / sizes.sum()) + rng.uniform(0, 1e-6, len(sizes))  # breaks ties at random
    least = np.where(sizes >= open_parts, 1, 0)
    if least.sum() > count:
        least = np.zeros_like(sizes)
    bounds: list[Any] = [np.where(sizes >= open_parts, sizes - (open_parts - 1), sizes - 1), sizes - 1, sizes]
    most = next(bound for bound in bounds if bound.sum() >= count)
    quotas: Rows = np.clip(np.floor(ideal).astype(np.int64), np.minimum(least, most), most)
    while gap := count - quotas.sum():
        step = np.sign(gap)
        movable = quotas < most if gap > 0 else quotas > least
        quotas[np.argmax(np.where(movable, (ideal - quotas) * step, -np.inf))] += step
    return quotas


def _random_rule(parts: list[Rows], labels: ArrayLike | None, seed: int) -> str:
    if labels is None:
        return f"at random, seed {seed}"
    return f"at random, stratified by label, seed {seed}" + _too_few("series", _incomplete_classes(parts, labels))


def _incomplete_classes(parts: list[Rows], labels: ArrayLike) -> list[Any]:
    """List the classes that are missing from a part."""
    array = np.asarray(labels)
    present = [np.unique(array[part]) for part in parts if len(part)]
    return [label for label in np.unique(array).tolist() if not all(label in part for part in present)]


def _too_few(units: str, classes: list[Any]) -> str:
    return f"; too few {units} to put class {listing(classes)} into every part" if classes else ""


def make_split(
    n: int,
    *,
    test: float,
    validation: float,
    seed: int,
    labels: ArrayLike | None = None,
    groups: NDArray[np.str_] | None = None,
    group_name: str = "group",
    times: NDArray[Any] | None = None,
    by: str = "random",
) -> Split:
    """Split series at random or by time, keeping groups together.

    Parameters
    ----------
    n, test, validation, seed, labels
        As for ``random_split``.
    groups, group_name
        The group of each series, shape (n,), or None; and the name of such a group in messages. Series of one group
        stay together.
    times
        The first and last time of each series, shape (n, 2), for ``by="time"``.
    by
        ``"random"``, or ``"time"``: the latest series form the test part, those before them the validation part.

    Returns
    -------
    Split
        Every row, and every group, in exactly one part.

    Raises
    ------
    ParameterError
        If a fraction is out of range, there are fewer groups than parts, or there are no times to split by.
    DataError
        If a time is missing.

    Example
    -------
    >>> times = np.array([[0, 3], [9, 12], [4, 6], [7, 8]])
    >>> make_split(4, test=0.25, validation=0, seed=0, times=times, by="time").describe()
    'split: 3 train, 0 validation, 1 test; by time, test from 9 on'
    """
    _check_fractions(test, validation, seed)
    if by not in RULES:
        raise ParameterError(f"expected a split by {' or '.join(map(repr, RULES))}, got {by!r}{nearest(by, RULES)}")
    if by == "random" and groups is None:
        return random_split(n, test=test, validation=validation, seed=seed, labels=labels)
    shares = {name: share for name, share in (("validation", validation), ("test", test)) if share}
    if by == "time":
        if times is None:
            raise ParameterError("expected series with times to split by time, got series without; split at random")
        parts = rows_by_time(times, shares, groups, group_name)
        rule = _time_rule(parts, times)
    else:
        assert groups is not None
        parts = rows_by_group(groups, group_name, shares, seed, _codes(labels, n))
        rule = _group_rule(parts, groups, group_name, labels, seed)
    no_rows = np.zeros(0, dtype=np.int64)
    split = Split(parts["train"], parts.get("validation", no_rows), parts.get("test", no_rows), rule)
    if groups is not None:
        split.require_disjoint_groups(groups, group_name)
    return split


def _group_rule(
    parts: dict[str, Rows], groups: NDArray[np.str_], name: str, labels: ArrayLike | None, seed: int
) -> str:
    counts = {part: len(np.unique(groups[rows])) for part, rows in parts.items()}
    rule = f"at random, no {name} in two parts ({', '.join(f'{count} in {part}' for part, count in counts.items())})"
    if sum(counts.values()) == len(groups):
        rule += f", though every {name} has only one series"
    rule += f", seed {seed}"
    if labels is None:
        return rule
    incomplete, array = _incomplete_classes([*parts.values()], labels), np.asarray(labels)
    rare = [label for label in incomplete if len(np.unique(groups[array == label])) < len(parts)]
    missed = [label for label in incomplete if label not in rare]
    return (
        rule + _too_few("groups", rare) + (f"; no draw put class {listing(missed)} into every part" if missed else "")
    )


def _time_rule(parts: dict[str, Rows], times: NDArray[Any]) -> str:
    """Describe when each part begins, and how many earlier series extend into it."""
    rule = "by time"
    later = [part for part in PARTS[1:] if len(parts.get(part, ()))]
    for part in later:
        begin = times[parts[part], 0].min()
        rule += f", {part} from {format_time(begin)} on"
    for part in later:
        earlier = np.concatenate([parts[name] for name in PARTS[: PARTS.index(part)] if name in parts])
        overlapping = int((times[earlier, 1] >= times[parts[part], 0].min()).sum())
        if overlapping:
            rule += f"; {overlapping} earlier series still running when {part} begins"
    return rule
