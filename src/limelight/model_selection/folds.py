"""Folds of a panel: at random, by group or by time, with the rule in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import RECORDING
from limelight.data.labels import stratify_by
from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold, make_folds, require_classes
from limelight.data.splitting.splits import RULES
from limelight.errors import ParameterError, counted, listing, nearest
from limelight.task import Task


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
    """Split a panel into folds, at random or by time; groups and windows of one recording stay together.

    Parameters
    ----------
    panel
        Labelled series, n of them.
    task
        Whether labels are per series or per step. For multi-label and per-step labels, the rarest label of a series is
        what is stratified by.
    folds, repeats, seed
        As for ``make_folds``.
    by
        ``"random"``, or ``"time"``: each fold is held out from a fit on all series that start earlier.
    group
        A metadata field: series with the same value in it stay together.
    stratify
        Whether the classes keep their proportions in every fold, as far as groups allow.

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
        raise ParameterError("expected series with a clock for folds by time, got series without; fold at random")
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
    require_classes(made, labels, groups, name)
    rule = f"{counted(folds, 'fold')} of {len(panel)} series" + (f", {repeats} times" if repeats > 1 else "")
    rule += ", by time, each held out from a fit on all series that start earlier" if by == "time" else ", at random"
    rule += ", stratified by label" if stratified else ""
    rule += "" if groups is None else f", no {name} in two parts"
    rule += "" if by == "time" else f", seed {seed}"
    return made, rule + _scarce(made, labels) + _reaching(made, times)


def _strata(panel: Panel, task: Task) -> NDArray[Any] | None:
    """Return what to stratify by, shape (n,); for per-step labels the rarest class of each series."""
    if not task.by_step:
        return stratify_by(panel.labels)
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
    return stratify_by(there)


def _scarce(folds: list[Fold], labels: NDArray[Any] | None) -> str:
    """Describe the classes that some fold lacks."""
    if labels is None:
        return ""
    sides = [np.unique(labels[rows]) for fold in folds for rows in (fold.train, fold.held_out)]
    absent = [label.item() for label in np.unique(labels) if not all(label in side for side in sides)]
    return f"; class {listing(absent)} is not on both sides of every fold" if absent else ""


def _reaching(folds: list[Fold], times: NDArray[Any] | None) -> str:
    """Describe how many training series still run when their fold starts."""
    if times is None:
        return ""
    count = sum(int((times[fold.train, 1] >= times[fold.held_out, 0].min()).sum()) for fold in folds)
    return f"; {count} training series still run when their held-out fold starts" if count else ""
