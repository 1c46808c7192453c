"""Folds: the same series cut several times into those that train and those that judge."""

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
    """One way to part series.

    Parameters
    ----------
    name
        For people, such as ``"fold 2"`` or ``"fold 2 of repeat 1"``.
    train, held_out
        Rows, each shape (any,), in rising order, none in both; by time what is later is in neither.
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
    """Cut series into folds with the classes in their proportions, each fold held out once in every repeat.

    Parameters
    ----------
    labels
        One for each series, shape (n,); all the same if they do not matter.
    folds
        At least 2, and no more than the commonest class has series.
    repeats
        How often to cut, each time in another way, at least 1; once by time.
    seed
        At least 0; the same seed cuts the same way.
    groups
        What keeps series together, shape (n,); None for nothing.
    group_name
        What messages call a group.
    times
        Time of the first and of the last step of each series, shape (n, 2): the series, or groups, are cut by when they
        begin into one part more than there are folds; the first only trains, and labels are not looked at. None cuts at
        random.

    Returns
    -------
    list[Fold]
        ``folds * repeats`` of them, repeat after repeat.

    Raises
    ------
    ParameterError
        If there are too few series or groups for so many folds, or a fold would train on one class only.
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
    made = []
    if times is not None:
        if repeats > 1:
            raise ParameterError(f"expected repeats=1 for folds by time, which go one way only, got {repeats}")
        cuts = [_by_time(times, folds, groups, group_name)]
    else:
        _require_enough(codes, folds, groups, group_name)
        cuts = [_at_random(codes, folds, seed + repeat, groups) for repeat in range(repeats)]
    for repeat, cut in enumerate(cuts, start=1):
        for place, (train, held_out) in enumerate(cut, start=1):
            name = f"fold {place}" + (f" of repeat {repeat}" if repeats > 1 else "")
            made.append(Fold(name, np.asarray(train, np.int64), np.asarray(held_out, np.int64)))
    require_classes(made, codes, groups, group_name)
    return made


def _at_random(codes: Rows, folds: int, seed: int, groups: NDArray[np.str_] | None) -> list[tuple[Rows, Rows]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # not for those who only import folds

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # the rule says it in its words
        return list(splitter.split(np.zeros((len(codes), 1)), codes, groups))


def _by_time(times: NDArray[Any], folds: int, groups: NDArray[np.str_] | None, name: str) -> list[tuple[Rows, Rows]]:
    from sklearn.model_selection import TimeSeriesSplit

    members, order = units_by_time(times, groups, name, folds + 1)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    place = rank[members]
    cuts = TimeSeriesSplit(folds).split(order[:, None])
    return [(np.flatnonzero(np.isin(place, early)), np.flatnonzero(np.isin(place, late))) for early, late in cuts]


def _require_numbers(folds: int, repeats: int, seed: int) -> None:
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"expected {name} of at least {least}, got {value}")


def require_classes(
    folds: list[Fold], labels: NDArray[Any] | None, groups: NDArray[np.str_] | None, group_name: str
) -> None:
    """Refuse folds of which one trains on one class only, where there are several, or judges by nothing."""
    for fold in folds:
        other = "other folds" if groups is None else f"fewer folds, or keep together by less than {group_name!r}"
        if not len(fold.held_out):
            raise ParameterError(f"expected series to judge by in every fold, got none in {fold.name}; take {other}")
        if labels is not None and len(np.unique(labels)) > 1 and len(np.unique(labels[fold.train])) < 2:
            raise ParameterError(
                f"expected series of two classes to train on in every fold, got one class in {fold.name}; take "
                f"{other}, or more series"
            )


def _require_enough(codes: Rows, folds: int, groups: NDArray[np.str_] | None, group_name: str) -> None:
    most, classes = int(np.bincount(codes).max(initial=0)), len(np.unique(codes))
    if most < folds:
        what, got = ("a class with at least", f"{most} of a class") if classes > 1 else ("at least", str(most))
        raise ParameterError(
            f"expected {what} {folds} series for {folds} folds, got at most {got}; take "
            "fewer folds, or give more series"
        )
    if groups is not None and (different := len(np.unique(groups))) < folds:
        raise ParameterError(
            f"expected at least {folds} different values of {group_name!r} for {folds} folds, got {different}; take "
            "fewer folds, or keep together by something else"
        )
