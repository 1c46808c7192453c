"""Prediction sets with a guaranteed coverage of the true class: split conformal prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError, counted, nearest
from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

Score = Literal["lac", "aps"]
CONFORMAL_SCORES = ("lac", "aps")
Sets = NDArray[np.bool_]
"""Whether each class is in the set, as returned by ``ConformalSets.sets``."""


@dataclass(frozen=True, eq=False)
class ConformalSets:
    """The highest nonconformity score at which a class is included in a prediction set.

    Parameters
    ----------
    target
        The target coverage: the share of sets that contain the true class, in (0, 1).
    score
        The nonconformity score, as in ``fit_conformal``.
    limits
        A class whose score is at most its limit is included; infinite if there were too few known examples. Shape
        (1, classes), equal for all classes unless calibrated by class; (labels, 2) if multi-label, for absent and
        present.
    by_class
        Whether the coverage holds for each true class separately.
    notes
        Which classes are always included because there were too few examples, one sentence each.
    with_predicted
        Whether the most probable class is always included, as it is if the limits are those of too few groups.

    Example
    -------
    >>> fitted = ConformalSets(0.9, "lac", np.array([[0.7, 0.7]]))
    >>> fitted.sets(Task(("a", "b")), [[0.6, 0.4], [0.9, 0.1]]).tolist()
    [[True, True], [True, False]]
    """

    target: float
    score: Score
    limits: Doubles
    by_class: bool = False
    notes: tuple[str, ...] = ()
    with_predicted: bool = False

    def sets(self, task: Task, probabilities: ArrayLike) -> Sets:
        """Predict sets.

        Parameters
        ----------
        task
            The classes or labels.
        probabilities
            Shape (N, classes) or (N, labels), in [0, 1].

        Returns
        -------
        NDArray[np.bool_]
            Whether each class is in the set, shape (N, classes); if multi-label, whether absent and present are in the
            set of each label, shape (N, labels, 2). A set of ``"lac"`` may be empty if no class is probable.

        Raises
        ------
        DataError
            If the probabilities do not match the task, or the sets were calibrated for a different task.
        """
        expected = _shape_of_limits(task)
        if self.limits.shape != expected:
            raise DataError(
                f"expected limits of shape {expected} for this task, got {self.limits.shape}; "
                "calibrate the sets with the task of the predictions"
            )
        scores = _nonconformity(task, checked_probabilities(task, probabilities), self.score)
        inside: Sets = scores <= self.limits
        if self.with_predicted:
            inside |= scores == scores.min(axis=2, keepdims=True)
        return inside if task.multilabel else inside[:, 0]

    def describe(self) -> list[str]:
        """Describe the target coverage and the notes, in lines of plain text."""
        each = " of each true class" if self.by_class else ""
        return [f"prediction sets at {100 * self.target:g} % coverage{each} (score {self.score})", *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Convert the sets to plain values for JSON; an infinite limit becomes null."""
        limits = [[limit if math.isfinite(limit) else None for limit in row] for row in self.limits.tolist()]
        return {
            "target": self.target,
            "score": self.score,
            "limits": limits,
            "by_class": self.by_class,
            "notes": list(self.notes),
            "with_predicted": self.with_predicted,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ConformalSets:
        """Restore sets from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            rows = [[math.inf if limit is None else float(limit) for limit in row] for row in content["limits"]]
            target, score, limits = float(content["target"]), content["score"], np.array(rows, dtype=np.float64)
            _check_settings(target, score)
            if limits.ndim != 2 or np.isnan(limits).any():
                raise ValueError("limits are a matrix of numbers")
            notes, predicted = tuple(map(str, content["notes"])), bool(content.get("with_predicted", False))
            return cls(target, score, limits, bool(content["by_class"]), notes, predicted)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected prediction sets, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def fit_conformal(
    task: Task,
    probabilities: ArrayLike,
    codes: ArrayLike,
    target: float = 0.9,
    *,
    score: Score = "lac",
    by_class: bool = False,
    groups: ArrayLike | None = None,
    widest: bool = False,
) -> ConformalSets:
    """Fit prediction sets that contain the true class of new examples with a given probability.

    The coverage is guaranteed for any model, on average over calibration sets, if new examples are exchangeable with
    the calibration examples: drawn from the same distribution, and not used to fit the model. Examples of one group,
    such as the steps of a series or the windows of a recording, are not exchangeable individually. With ``groups``
    each group has the same total weight, and the guarantee is for an example drawn at random from a new group.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        Shape (N, classes) or (N, labels), in [0, 1].
    codes
        The true codes, -1 if unknown (ignored), shape (N,) or (N, labels).
    target
        The target coverage, in (0, 1). If multi-label, it holds for each label, not for all labels jointly.
    score
        The nonconformity score of a class: ``"lac"``, one minus its probability (the smallest sets), or ``"aps"``, the
        total probability of the more probable classes (never empty, and larger for uncertain predictions).
    by_class
        Whether to guarantee the coverage for each true class separately (Mondrian), which needs enough examples of
        each.
    groups
        The group of each of the N examples, shape (N,), such as ``np.repeat(np.arange(n), lengths)`` for steps.
        Required for per-step tasks.
    widest
        With too few groups for the guarantee, take the limit at which the target is reached in every group, and include
        the most probable class, instead of including every class.

    Returns
    -------
    ConformalSets
        With a note for each class that is in every set because there are too few examples, or whose limit is the widest
        of too few groups.

    Raises
    ------
    ParameterError
        If the target is out of range, the score is unknown, or groups are missing for a per-step task.
    DataError, LabelError
        If the arrays do not match the task.

    Source
    ------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005. Sadinle, Lei and Wasserman, 2019 (lac).
    Romano, Sesia and Candès, Classification with Valid and Adaptive Coverage, 2020 (aps, but the class that crosses
    the limit is always included, not at random). Angelopoulos and Bates, A Gentle Introduction to Conformal
    Prediction, 2021, section 1. Lee, Barber and Willett, Distribution-Free Inference with Hierarchical Data, 2023
    (groups: each example is weighted by one over the size of its group).

    Example
    -------
    >>> first = np.linspace(0.55, 0.95, 9)
    >>> fitted = fit_conformal(Task(("a", "b")), np.stack([first, 1 - first], axis=1), [0] * 9, 0.9)
    >>> round(float(fitted.limits[0, 0]), 2)
    0.45
    """
    _check_settings(target, score)
    predicted = checked_probabilities(task, probabilities)
    true_codes = checked_codes(task, codes, len(predicted))
    members = _checked_groups(task, groups, len(predicted))
    scores = _nonconformity(task, predicted, score)
    true_codes = true_codes if task.multilabel else true_codes[:, None]
    limits, notes, with_predicted = np.empty(_shape_of_limits(task)), [], False
    for index in range(len(limits)):
        name = f" of {str(task.classes[index])!r}" if task.multilabel else ""
        truth = true_codes[:, index]
        categories: list[int | None] = list(range(limits.shape[1])) if by_class else [None]
        for category in categories:
            rows = (truth != UNKNOWN if category is None else truth == category).nonzero()[0]
            own, of_groups = scores[rows, index, truth[rows]], None if members is None else members[rows]
            limit, count = _limit(own, of_groups, target)
            few = math.isinf(limit)
            use_widest = few and widest and of_groups is not None and count > 0
            if use_widest and of_groups is not None:
                with_predicted = True
                limit = max(_own_quantile(own[of_groups == one], target) for one in np.unique(of_groups))
            limits[index, slice(None) if category is None else category] = limit
            if few:
                notes.append(
                    _too_few(task, name, category, count, target, grouped=members is not None, widest=use_widest)
                )
    return ConformalSets(float(target), score, limits, by_class, tuple(notes), with_predicted)


def coverage(task: Task, sets: Sets, codes: ArrayLike, groups: ArrayLike | None = None) -> dict[str, Any]:
    """Measure the coverage and the size of prediction sets.

    Parameters
    ----------
    task
        The classes or labels.
    sets
        As returned by ``ConformalSets.sets``, shape (N, classes) or (N, labels, 2).
    codes
        The true codes, -1 if unknown (ignored), shape (N,) or (N, labels).
    groups
        As for ``fit_conformal``; each group then has the same total weight, as in the guarantee for per-step tasks.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``n`` (known examples), ``coverage``, ``mean_size``, ``empty`` and ``single``
        (shares of sets with no class and with one), and ``per_class`` with ``n``, ``coverage`` and ``mean_size`` over
        the examples of each true class. If multi-label, the scores are means over the labels that are known for some
        example, and ``per_class`` has all of them for each label, with ``absent`` and ``there`` for its two classes.
        None without known examples.

    Raises
    ------
    DataError, LabelError
        If the arrays do not match the task.

    Example
    -------
    >>> scores = coverage(Task(("a", "b")), np.array([[True, True], [True, False]]), [0, 1])
    >>> scores["coverage"], scores["mean_size"], scores["per_class"]["b"]
    (0.5, 1.5, {'n': 1, 'coverage': 0.0, 'mean_size': 1.0})
    """
    width = len(task.classes)
    cube = np.asarray(sets, dtype=bool)
    expected = (width, 2) if task.multilabel else (width,)
    if cube.shape[1:] != expected:
        shape = ", ".join(map(str, ("N", *expected)))
        raise DataError(f"expected sets of shape ({shape}), got {cube.shape}; pass the result of ConformalSets.sets")
    truth = checked_codes(task, codes, len(cube))
    members = None if groups is None else _group_indices(groups, len(cube))
    if not task.multilabel:
        return _coverage_of_classes(cube, truth, members, [str(name) for name in task.classes])
    per_class = {
        str(name): _coverage_of_classes(cube[:, index], truth[:, index], members, ["absent", "there"])
        for index, name in enumerate(task.classes)
    }
    for one in per_class.values():
        one.update(one.pop("per_class"))
    known = [one for one in per_class.values() if one["n"]]
    means = {
        name: float(np.mean([one[name] for one in known])) if known else None
        for name in ("coverage", "mean_size", "empty", "single")
    }
    return {"n": int((truth != UNKNOWN).any(axis=1).sum()), **means, "per_class": per_class}


def _shape_of_limits(task: Task) -> tuple[int, int]:
    return (len(task.classes), 2) if task.multilabel else (1, len(task.classes))


def _check_settings(target: float, score: str) -> None:
    if isinstance(target, bool) or not isinstance(target, (int, float)) or not 0 < target < 1:
        raise ParameterError(f"expected a target above 0 and below 1, got {target!r}; use for example 0.9")
    if score not in CONFORMAL_SCORES:
        raise ParameterError(f"expected score lac or aps, got {score!r}{nearest(str(score), CONFORMAL_SCORES)}")


def _checked_groups(task: Task, groups: ArrayLike | None, rows: int) -> Codes | None:
    if groups is not None:
        return _group_indices(groups, rows)
    if task.by_step:
        raise ParameterError(
            "expected groups for a per-step task, got none; pass the index of the series of each step, as the steps of "
            "a series are not exchangeable"
        )
    return None


def _group_indices(groups: ArrayLike, rows: int) -> Codes:
    """Convert group names to indices from 0."""
    array = np.asarray(groups)
    if array.shape != (rows,):
        raise LabelError(
            f"expected a group for each of {rows} predictions, got an array of shape {array.shape}; pass one each"
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _nonconformity(task: Task, probabilities: Doubles, score: str) -> Doubles:
    """Compute the nonconformity score of each class, shape (N, 1, classes), or (N, labels, 2) if multi-label."""
    cube = np.stack([1 - probabilities, probabilities], axis=2) if task.multilabel else probabilities[:, None]
    if score == "lac":
        scores: Doubles = 1 - cube
        return scores
    order = np.argsort(-cube, axis=2, kind="stable")
    falling = np.take_along_axis(cube, order, axis=2)
    before = np.cumsum(falling, axis=2) - falling
    scores = np.empty_like(cube)
    np.put_along_axis(scores, order, before, axis=2)
    return scores


def _limit(scores: Doubles, groups: Codes | None, target: float) -> tuple[float, int]:
    """Compute the conformal quantile, infinite if there are too few scores, and the number of scores or groups."""
    share = Fraction(repr(float(target)))
    if groups is None:
        n = len(scores)
        rank = math.ceil(share * (n + 1))
        return (math.inf if rank > n else float(np.partition(scores, rank - 1)[rank - 1])), n
    sizes = np.bincount(groups)
    n, order = int(np.count_nonzero(sizes)), np.argsort(scores, kind="stable")
    if share * (n + 1) > n:
        return math.inf, n
    reached = np.cumsum(1 / sizes[groups[order]])
    position = int(np.searchsorted(reached, float(share * (n + 1))))
    return float(scores[order[min(position, len(order) - 1)]]), n


def _own_quantile(scores: Doubles, target: float) -> float:
    """Compute the score that a share ``target`` of the scores of one group does not exceed."""
    return float(np.sort(scores)[max(0, math.ceil(Fraction(repr(float(target))) * len(scores)) - 1)])


def _too_few(
    task: Task, name: str, category: int | None, count: int, target: float, *, grouped: bool, widest: bool
) -> str:
    """Explain that a class is in every set, or has the widest limit, because there are too few examples."""
    share = Fraction(repr(float(target)))
    needed = math.ceil(share / (1 - share))
    names = ("absent", "there") if task.multilabel else tuple(map(str, task.classes))
    which = "every class" if category is None else repr(names[category])
    of_class = "" if category is None else f" of {which}"
    examples = counted(count, "known group" if grouped else "known example")
    if widest:
        return (
            f"the coverage of the prediction sets{name} is not guaranteed: {examples}{of_class}, at least {needed} are "
            f"needed for a coverage of {target:g}; every known group reaches it"
        )
    return (
        f"the prediction sets{name} always contain {which}: {examples}{of_class}, at least {needed} are needed for a "
        f"coverage of {target:g}"
    )


def _coverage_of_classes(sets: Sets, codes: Codes, groups: Codes | None, names: list[str]) -> dict[str, Any]:
    """Measure sets of mutually exclusive classes, overall and per true class."""
    known = (codes != UNKNOWN).nonzero()[0]
    sizes, covered = sets[known].sum(axis=1), sets[known, codes[known]]
    members = None if groups is None else groups[known]
    per_class = {}
    for index, name in enumerate(names):
        rows = (codes[known] == index).nonzero()[0]
        weights = _weights(members, rows)
        per_class[name] = {
            "n": len(rows),
            "coverage": _mean(covered[rows], weights),
            "mean_size": _mean(sizes[rows], weights),
        }
    weights = _weights(members, np.arange(len(known)))
    return {
        "n": len(known),
        "coverage": _mean(covered, weights),
        "mean_size": _mean(sizes, weights),
        "empty": _mean(sizes == 0, weights),
        "single": _mean(sizes == 1, weights),
        "per_class": per_class,
    }


def _weights(groups: Codes | None, rows: NDArray[np.int64]) -> Doubles | None:
    """Compute row weights that give every group the same total; None without groups."""
    if groups is None:
        return None
    members = groups[rows]
    weights: Doubles = 1 / np.bincount(members)[members]
    return weights


def _mean(values: NDArray[Any], weights: Doubles | None) -> float | None:
    return float(np.average(values, weights=weights)) if len(values) else None
