"""Cross-validation folds: split the same series repeatedly into training and held-out series."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.splitting.grouped import units_by_time
from limelight.errors import ParameterError
from limelight.types import Rows


@dataclass(frozen=True, eq=False)
class Fold:
    """One split into training and held-out series.

    Parameters
    ----------
    name
        The name for display, such as ``"fold 2"`` or ``"fold 2 of repeat 1"``.
    train, held_out
        Disjoint rows, each shape (any,), in ascending order. For folds by time, later series are in neither.
    """

    name: str
    train: Rows
    held_out: Rows


def make_folds(
    labels: ArrayLike,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    groups: NDArray[np.str_] | None = None,
    group_name: str = "group",
    times: NDArray[Any] | None = None,
) -> list[Fold]:
    """Split series into cross-validation folds stratified by label, each fold held out once per repeat.

    Parameters
    ----------
    labels
        One label per series, shape (n,); all equal for no stratification.
    folds
        Number of folds, at least 2 and at most the number of series of the most frequent class.
    repeats
        How many times to split, each time with another seed, at least 1; must be 1 for folds by time.
    seed
        At least 0; the same seed gives the same folds.
    groups
        The group of each series, shape (n,), or None. Series of one group stay together.
    group_name
        The name of a group in messages.
    times
        The first and last time of each series, shape (n, 2), for folds by time: the series, or groups, are sorted by
        their first time and cut into ``folds + 1`` parts, the first of which is used only for training; labels are
        ignored. None for random folds.

    Returns
    -------
    list[Fold]
        ``folds * repeats`` folds, one repeat after the other.

    Raises
    ------
    ParameterError
        If there are too few series or groups for this number of folds, or a fold would train on a single class.
    DataError
        If a time is missing.

    Source
    ------
    scikit-learn's ``StratifiedKFold``, ``StratifiedGroupKFold`` for groups, and ``TimeSeriesSplit`` by time.

    Example
    -------
    >>> [(fold.name, len(fold.train), len(fold.held_out)) for fold in make_folds(list("aabbab"), folds=3)]
    [('fold 1', 4, 2), ('fold 2', 4, 2), ('fold 3', 4, 2)]
    """
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    _require_numbers(folds, repeats, seed)
    result = []
    if times is not None:
        if repeats > 1:
            raise ParameterError(f"expected repeats=1 for folds by time, which are not random, got {repeats}")
        cuts = [_by_time(times, folds, groups, group_name)]
    else:
        _require_enough(codes, folds, groups, group_name)
        cuts = [_at_random(codes, folds, seed + repeat, groups) for repeat in range(repeats)]
    for repeat, cut in enumerate(cuts, start=1):
        for number, (train, held_out) in enumerate(cut, start=1):
            name = f"fold {number}" + (f" of repeat {repeat}" if repeats > 1 else "")
            result.append(Fold(name, np.asarray(train, np.int64), np.asarray(held_out, np.int64)))
    require_classes(result, codes, groups, group_name)
    return result


def _at_random(codes: Rows, folds: int, seed: int, groups: NDArray[np.str_] | None) -> list[tuple[Rows, Rows]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # lazy: slow to import

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The least populated class"
        )  # the rule in the report names such classes
        return list(splitter.split(np.zeros((len(codes), 1)), codes, groups))


def _by_time(times: NDArray[Any], folds: int, groups: NDArray[np.str_] | None, name: str) -> list[tuple[Rows, Rows]]:
    from sklearn.model_selection import TimeSeriesSplit

    members, order = units_by_time(times, groups, name, folds + 1)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ranks = rank[members]
    cuts = TimeSeriesSplit(folds).split(order[:, None])
    return [(np.flatnonzero(np.isin(ranks, early)), np.flatnonzero(np.isin(ranks, late))) for early, late in cuts]


def _require_numbers(folds: int, repeats: int, seed: int) -> None:
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"expected {name} of at least {least}, got {value}")


def require_classes(
    folds: list[Fold], labels: NDArray[Any] | None, groups: NDArray[np.str_] | None, group_name: str
) -> None:
    """Raise ParameterError if a fold has no held-out series, or trains on a single class although there are several."""
    for fold in folds:
        advice = (
            "a different number of folds" if groups is None else f"fewer folds, or smaller groups than {group_name!r}"
        )
        if not len(fold.held_out):
            raise ParameterError(f"expected held-out series in every fold, got none in {fold.name}; use {advice}")
        if labels is not None and len(np.unique(labels)) > 1 and len(np.unique(labels[fold.train])) < 2:
            raise ParameterError(
                f"expected training series of at least two classes in every fold, got one class in {fold.name}; use "
                f"{advice}, or more series"
            )


def _require_enough(codes: Rows, folds: int, groups: NDArray[np.str_] | None, group_name: str) -> None:
    most, classes = int(np.bincount(codes).max(initial=0)), len(np.unique(codes))
    if most < folds:
        wanted, got = ("a class with at least", f"{most} of a class") if classes > 1 else ("at least", str(most))
        raise ParameterError(
            f"expected {wanted} {folds} series for {folds} folds, got at most {got}; use fewer folds, or more series"
        )
    if groups is not None and (distinct := len(np.unique(groups))) < folds:
        raise ParameterError(
            f"expected at least {folds} distinct values of {group_name!r} for {folds} folds, got {distinct}; use fewer "
            "folds, or group by another field"
        )
