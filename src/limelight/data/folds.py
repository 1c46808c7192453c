"""Folds: the same series cut several times into those that train and those that judge."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from limelight.errors import ParameterError

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One way to part series.

    Parameters
    ----------
    name
        For people, such as ``"fold 2"`` or ``"fold 2 of repeat 1"``.
    train, held_out
        Rows, each shape (any,), in rising order; together every row once.
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
) -> list[Fold]:
    """Cut series into folds with the classes in their proportions, each fold held out once in every repeat.

    Parameters
    ----------
    labels
        One for each series, shape (n,).
    folds
        At least 2, and no more than the commonest class has series.
    repeats
        How often to cut, each time in another way, at least 1.
    seed
        At least 0; the same seed cuts the same way.
    groups
        What keeps series together, shape (n,); None for nothing.
    group_name
        What messages call a group.

    Returns
    -------
    list[Fold]
        ``folds * repeats`` of them, repeat after repeat.

    Raises
    ------
    ParameterError
        If there are too few series or groups for so many folds, or a fold would train on one class only.

    Source
    ------
    scikit-learn's ``StratifiedKFold``, and ``StratifiedGroupKFold`` for groups.

    Example
    -------
    >>> [(fold.name, len(fold.train), len(fold.held_out)) for fold in make_folds(list("aabbab"), folds=3)]
    [('fold 1', 4, 2), ('fold 2', 4, 2), ('fold 3', 4, 2)]
    """
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    _require_possible(codes, folds, repeats, seed, groups, group_name)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    made = []
    for repeat in range(repeats):
        splitter = kind(folds, shuffle=True, random_state=seed + repeat)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")  # compare() says it in its words
            cuts = list(splitter.split(np.zeros((len(codes), 1)), codes, groups))
        for place, (train, held_out) in enumerate(cuts, start=1):
            name = f"fold {place}" + (f" of repeat {repeat + 1}" if repeats > 1 else "")
            made.append(Fold(name, np.asarray(train, np.int64), np.asarray(held_out, np.int64)))
    for fold in made:
        if len(np.unique(codes[fold.train])) < 2:
            raise ParameterError(
                f"expected series of two classes to train on in every fold, got one class in {fold.name}; take "
                f"{'other folds' if groups is None else f'fewer folds, or keep together by less than {group_name!r}'}, "
                "or more series"
            )
    return made


def _require_possible(
    codes: Rows, folds: int, repeats: int, seed: int, groups: NDArray[np.str_] | None, group_name: str
) -> None:
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"expected {name} of at least {least}, got {value}")
    most = int(np.bincount(codes).max(initial=0))
    if most < folds:
        raise ParameterError(
            f"expected a class with at least {folds} series for {folds} folds, got at most {most} of a class; take "
            "fewer folds, or give more series"
        )
    if groups is not None and (different := len(np.unique(groups))) < folds:
        raise ParameterError(
            f"expected at least {folds} different values of {group_name!r} for {folds} folds, got {different}; take "
            "fewer folds, or keep together by something else"
        )
