"""Folds: the same series cut several times into those that train and those that judge."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.grouped_splits import units_by_time
from limelight.data.labels import strata
from limelight.data.panel import RECORDING, Panel
from limelight.data.splits import RULES
from limelight.errors import ParameterError, counted, listing, nearest
from limelight.task import Task

Rows = NDArray[np.int64]


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


def fold_panel(
    panel: Panel,
    task: Task,
    *,
    folds: int = 5,
    repeats: int = 1,
    by: str = "random",
    group: str | None = None,
    stratify: bool = True,
    seed: int = 0,
) -> tuple[list[Fold], str]:
    """Cut a panel into folds: at random or by time, groups and windows of one recording kept together.

    Parameters
    ----------
    panel
        Labelled series, n of them.
    task
        Says whether labels are of series or of steps; of several labels, and of steps, the rarest that a series has is
        what is kept in proportion.
    folds, repeats, seed
        As for ``make_folds``.
    by
        ``"random"``, or ``"time"``: each fold is held out from a training on all that begins earlier.
    group
        A metadata field: series with the same value in it stay together.
    stratify
        Whether every fold gets the classes in their proportions, as far as groups allow.

    Returns
    -------
    tuple[list[Fold], str]
        The folds, and the rule in words.

    Raises
    ------
    ParameterError, DataError
        As ``make_folds``, or if there is no such field or clock.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((10, 5)), labels=list("ababababab"))
    >>> fold_panel(panel, Task(("a", "b")), folds=5)[1]
    '5 folds of 10 series, at random, stratified by label, seed 0'
    """
    if by not in RULES:
        raise ParameterError(f"expected folds by {' or '.join(map(repr, RULES))}, got {by!r}{nearest(by, RULES)}")
    times = None if by == "random" else panel.first_and_last_times()
    if by == "time" and times is None:
        raise ParameterError("expected series with a clock for folds by time, got series without; cut at random")
    labels = _strata(panel, task)
    stratified = stratify and by == "random" and labels is not None
    groups, name = panel.groups(group), group or RECORDING
    made = make_folds(
        labels if stratified and labels is not None else np.zeros(len(panel), dtype=np.int64),
        folds=folds,
        repeats=repeats,
        seed=seed,
        groups=groups,
        group_name=name,
        times=times,
    )
    _require_classes(made, labels, groups, name)
    rule = f"{counted(folds, 'fold')} of {len(panel)} series" + (f", {repeats} times" if repeats > 1 else "")
    rule += ", by time, each after a training on all that begins earlier" if by == "time" else ", at random"
    rule += ", stratified by label" if stratified else ""
    rule += "" if groups is None else f", no {name} on two sides"
    rule += "" if by == "time" else f", seed {seed}"
    return made, rule + _scarce(made, labels) + _reaching(made, times)


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
    _require_classes(made, codes, groups, group_name)
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


def _strata(panel: Panel, task: Task) -> NDArray[Any] | None:
    """Give what to keep in proportion, shape (n,); of steps the rarest class that a series has."""
    if not task.by_step:
        return strata(panel.labels)
    if panel.step_labels is None:
        return None
    several = len(panel.step_labels.names) > 1
    width = len(panel.step_labels.names if several else panel.step_labels.classes)
    there = np.zeros((len(panel), width))
    start = 0
    for block in panel.blocks():
        assert block.step_labels is not None
        codes = block.step_labels.codes
        steps, places = np.nonzero(codes == 1) if several else (np.flatnonzero(codes[:, 0] >= 0), None)
        rows = np.repeat(np.arange(start, start + len(block)), block.lengths)[steps]
        there[rows, codes[steps, 0] if places is None else places] = 1
        start += len(block)
    return strata(there)


def _scarce(folds: list[Fold], labels: NDArray[Any] | None) -> str:
    """Name the classes that are not in every fold."""
    if labels is None:
        return ""
    sides = [np.unique(labels[rows]) for fold in folds for rows in (fold.train, fold.held_out)]
    absent = [label.item() for label in np.unique(labels) if not all(label in side for side in sides)]
    return f"; class {listing(absent)} is not on both sides of every fold" if absent else ""


def _reaching(folds: list[Fold], times: NDArray[Any] | None) -> str:
    """Say how many earlier series reach into the time of the fold that they train for."""
    if times is None:
        return ""
    count = sum(int((times[fold.train, 1] >= times[fold.held_out, 0].min()).sum()) for fold in folds)
    return f"; {count} earlier series still run when the fold begins that they train for" if count else ""


def _require_numbers(folds: int, repeats: int, seed: int) -> None:
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"expected {name} of at least {least}, got {value}")


def _require_classes(
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
