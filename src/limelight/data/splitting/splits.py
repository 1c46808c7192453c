"""Splits: which series train the network, which stop the training, which judge the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.clock import format_time
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
        Rows, each shape (any,); a part may be empty.
    rule
        How the split came about, in words that end a sentence.

    Raises
    ------
    DataError
        If a row stands twice.

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
        rows, times = np.unique(np.concatenate([self.part(name) for name in PARTS]), return_counts=True)
        twice = rows[times > 1].tolist()
        if twice:
            raise DataError(
                f"expected each series once in one part of the split, got rows {listing(twice)} more than "
                "once; a series that trains the network cannot judge it"
            )

    def part(self, name: str) -> Rows:
        """Give the rows of ``"train"``, ``"validation"`` or ``"test"``, shape (any,)."""
        if name not in PARTS:
            raise ParameterError(
                f"expected a part of the split, train, validation or test, got {name!r}{nearest(name, PARTS)}"
            )
        rows: Rows = getattr(self, name)
        return rows

    def require_apart(self, groups: NDArray[np.str_], name: str) -> None:
        """Refuse a split that has one group on two sides, with a DataError.

        Example
        -------
        >>> Split([0], [], [1]).require_apart(np.array(["a", "b"]), "machine")
        """
        part_of: dict[str, str] = {}
        for part in PARTS:
            for group in np.unique(groups[self.part(part)]).tolist():
                other = part_of.setdefault(group, part)
                if other != part:
                    raise DataError(
                        f"expected every {name} in one part of the split, got {group!r} in {other} and in {part}; what "
                        "trains the network cannot judge it"
                    )

    def describe(self) -> str:
        """Say the sizes of the parts and the rule in one line."""
        sizes = ", ".join(f"{len(self.part(name))} {name}" for name in PARTS)
        return f"split: {sizes}; {self.rule}"


def random_split(n: int, *, test: float, validation: float, seed: int, labels: ArrayLike | None = None) -> Split:
    """Draw a test and a validation part, each with the classes in their proportions where labels are given.

    A class with too few series for every part stays in train first, then goes to test; ``describe()`` names
    it.

    Parameters
    ----------
    n
        How many series there are, at least 1.
    test, validation
        The fraction of the series in these parts, from 0 up to less than 1 together. The parts have exactly
        ``round(fraction * n)`` series.
    seed
        At least 0; the same seed gives the same split.
    labels
        One label for each series, shape (n,), or None.

    Returns
    -------
    Split
        Every row in one part, each part in rising order.

    Raises
    ------
    ParameterError
        If a fraction or the seed is out of range, or nothing is left for train.

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
    draw = np.random.default_rng(seed)
    rest, parts, sides = np.arange(n), {}, 1 + sum(count > 0 for count in counts.values())
    for name, count in counts.items():
        rest, parts[name] = _take(rest, codes[rest], count, sides, draw)
        sides -= count > 0
    rule = _rule([rest, *parts.values()], labels, seed)
    return Split(rest, parts["validation"], parts["test"], rule)


def named_split(names: ArrayLike, ids: ArrayLike, where: str) -> Split:
    """Read the split from one word for each series.

    Parameters
    ----------
    names
        ``"train"``, ``"validation"`` or ``"test"`` for each series, shape (n,), in the order of the rows.
    ids
        The name of each series, shape (n,), for messages.
    where
        Where the words were read, for messages, for example ``"'split.csv'"``.

    Returns
    -------
    Split
        Every row in one part.

    Raises
    ------
    DataError
        If a word is none of the three.

    Example
    -------
    >>> named_split(["train", "test", "train"], ["a", "b", "c"], "'split.csv'").train.tolist()
    [0, 2]
    """
    words = np.asarray(names).astype(str)
    unknown = np.flatnonzero(~np.isin(words, PARTS))
    if len(unknown):
        word, series = str(words[unknown[0]]), str(np.asarray(ids)[unknown[0]])
        raise DataError(
            f"expected train, validation or test for every series in {where}, got {word!r} for series "
            f"{series!r}{nearest(word, PARTS)}"
        )
    train, validation, test = (np.flatnonzero(words == name) for name in PARTS)
    return Split(train, validation, test, f"as {where} says")


def carve_validation(train_rows: ArrayLike, labels: ArrayLike | None, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Take a validation part out of the train rows, for a split that has none.

    Parameters
    ----------
    train_rows
        The rows to divide, shape (m,), at least two.
    labels
        The label of each of these rows, shape (m,), or None.
    fraction
        The fraction of them for validation, more than 0 and less than 1; it is at least one series.
    seed
        At least 0; the same seed gives the same rows.

    Returns
    -------
    tuple[Rows, Rows]
        The rows that stay in train and those for validation.

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
            "expected at least 2 series for training, so that one can tell when to stop, "
            f"got {len(rows)}; give more series to train"
        )
    count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
    draw = np.random.default_rng(seed)
    train, validation = _take(np.arange(len(rows)), _codes(labels, len(rows)), count, 2, draw)
    return rows[train], rows[validation]


def _check_fractions(test: float, validation: float, seed: int) -> None:
    for name, fraction in (("test", test), ("validation", validation)):
        if not 0 <= fraction < 1:
            raise ParameterError(
                f"expected a {name} fraction of at least 0 and less than 1, got {fraction}; use for example 0.2"
            )
    if test + validation >= 1:
        raise ParameterError(
            f"expected test and validation to leave something for train, got {test} + {validation} = "
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


def _take(rows: Rows, codes: Rows, count: int, sides: int, draw: np.random.Generator) -> tuple[Rows, Rows]:
    """Divide rows into those that stay and ``count`` that go, class by class."""
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if count == 0:
        return rows, rows[:0]
    shuffled = draw.permutation(len(rows))
    shuffled = shuffled[np.argsort(codes[shuffled], kind="stable")]
    place_in_class = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    goes = np.zeros(len(rows), dtype=bool)
    goes[shuffled] = place_in_class < np.repeat(_quotas(sizes, count, sides, draw), sizes)
    return rows[~goes], rows[goes]


def _quotas(sizes: Rows, count: int, sides: int, draw: np.random.Generator) -> Rows:
    """Say how many series of each class go.

    scikit-learn's stratified splits refuse a class with one series and may leave train without a small
    class; here the quotas are bounded so that every class stays where it can, and goes where it is large
    enough.
    """
    wanted = sizes * (count / sizes.sum()) + draw.uniform(0, 1e-6, len(sizes))  # ties fall by chance
    least = np.where(sizes >= sides, 1, 0)
    if least.sum() > count:
        least = np.zeros_like(sizes)
    bounds: list[Any] = [np.where(sizes >= sides, sizes - (sides - 1), sizes - 1), sizes - 1, sizes]
    most = next(bound for bound in bounds if bound.sum() >= count)
    quotas: Rows = np.clip(np.floor(wanted).astype(np.int64), np.minimum(least, most), most)
    while gap := count - quotas.sum():
        step = np.sign(gap)
        movable = quotas < most if gap > 0 else quotas > least
        quotas[np.argmax(np.where(movable, (wanted - quotas) * step, -np.inf))] += step
    return quotas


def _rule(parts: list[Rows], labels: ArrayLike | None, seed: int) -> str:
    if labels is None:
        return f"at random, seed {seed}"
    return f"at random, stratified by label, seed {seed}" + _too_few("series", _scarce(parts, labels))


def _scarce(parts: list[Rows], labels: ArrayLike) -> list[Any]:
    """Give the classes that do not stand in every part."""
    array = np.asarray(labels)
    present = [np.unique(array[part]) for part in parts if len(part)]
    return [label for label in np.unique(array).tolist() if not all(label in part for part in present)]


def _too_few(what: str, scarce: list[Any]) -> str:
    return f"; too few {what} to put class {listing(scarce)} into every part" if scarce else ""


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
    """Part series by a rule: at random or by time, groups kept together.

    Parameters
    ----------
    n, test, validation, seed, labels
        As for ``random_split``.
    groups, group_name
        What keeps series together, shape (n,), and what messages call it; None for nothing.
    times
        Time of the first and of the last step of each series, shape (n, 2), for ``by="time"``.
    by
        ``"random"``, or ``"time"``: the latest series are the test, those before them the validation.

    Returns
    -------
    Split
        Every row in one part, every group too.

    Raises
    ------
    ParameterError, DataError
        If a fraction is out of range, there are fewer groups than parts, or no clock to go by, or one with holes.

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
            raise ParameterError("expected series with a clock to split by time, got series without; split at random")
        parts = rows_by_time(times, shares, groups, group_name)
        rule = _time_rule(parts, times)
    else:
        assert groups is not None
        parts = rows_by_group(groups, group_name, shares, seed, _codes(labels, n))
        rule = _group_rule(parts, groups, group_name, labels, seed)
    nothing = np.zeros(0, dtype=np.int64)
    split = Split(parts["train"], parts.get("validation", nothing), parts.get("test", nothing), rule)
    if groups is not None:
        split.require_apart(groups, group_name)
    return split


def _group_rule(
    parts: dict[str, Rows], groups: NDArray[np.str_], name: str, labels: ArrayLike | None, seed: int
) -> str:
    counts = {part: len(np.unique(groups[rows])) for part, rows in parts.items()}
    rule = f"at random, no {name} on two sides ({', '.join(f'{count} in {part}' for part, count in counts.items())})"
    if sum(counts.values()) == len(groups):
        rule += f", though every {name} has one series only"
    rule += f", seed {seed}"
    if labels is None:
        return rule
    scarce, array = _scarce([*parts.values()], labels), np.asarray(labels)
    few = [label for label in scarce if len(np.unique(groups[array == label])) < len(parts)]
    missed = [label for label in scarce if label not in few]
    return rule + _too_few("groups", few) + (f"; no draw put class {listing(missed)} into every part" if missed else "")


def _time_rule(parts: dict[str, Rows], times: NDArray[Any]) -> str:
    """Say from when on each part is, and how many earlier series reach into it."""
    rule = "by time"
    later = [part for part in PARTS[1:] if len(parts.get(part, ()))]
    for part in later:
        begin = times[parts[part], 0].min()
        rule += f", {part} from {format_time(begin)} on"
    for part in later:
        earlier = np.concatenate([parts[other] for other in PARTS[: PARTS.index(part)] if other in parts])
        reaching = int((times[earlier, 1] >= times[parts[part], 0].min()).sum())
        if reaching:
            rule += f"; {reaching} earlier series still run when {part} begins"
    return rule
