"""Answers as sets of classes that hold the truth as often as was asked: split conformal prediction."""

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


@dataclass(frozen=True, eq=False)
class ConformalSets:
    """From which strangeness on a class is left out of the set of an answer.

    Parameters
    ----------
    target
        The share of answers whose set is to hold the truth, in (0, 1).
    score
        How strange a class is for an example, as in ``fit_conformal``.
    limits
        A class of this strangeness or less is in the set, infinite where too few examples were known; shape
        (1, classes), the same for all classes unless they were calibrated apart; (labels, 2) when multi-label, for
        absent and there.
    by_class
        Whether the target holds for each true class by itself.
    notes
        Where examples were too few, one sentence each.

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

    def sets(self, task: Task, probabilities: ArrayLike) -> Sets:
        """Answer with sets.

        Parameters
        ----------
        task
            What is asked.
        probabilities
            Shape (N, classes) or (N, labels), in [0, 1].

        Returns
        -------
        NDArray[np.bool_]
            Whether each class is in the set, shape (N, classes); when multi-label whether absent, and whether there,
            is in the set of each label, shape (N, labels, 2). A set of ``"lac"`` may be empty: nothing is likely.

        Raises
        ------
        DataError
            If the probabilities do not fit the task, or the task is not the one that was calibrated.
        """
        wanted = _shape_of_limits(task)
        if self.limits.shape != wanted:
            raise DataError(
                f"expected limits of shape {wanted} for this task, got {self.limits.shape}; "
                "calibrate with the task that is predicted"
            )
        inside: Sets = _strangeness(task, checked_probabilities(task, probabilities), self.score) <= self.limits
        return inside if task.multilabel else inside[:, 0]

    def describe(self) -> list[str]:
        """Say in lines of plain text what is promised."""
        each = ", for each true class by itself" if self.by_class else ""
        return [
            f"sets that hold the truth in {100 * self.target:g} % of answers{each} (score {self.score})",
            *self.notes,
        ]

    def to_json(self) -> dict[str, Any]:
        """Say the sets in a form that JSON can hold; a limit that is infinite is null."""
        limits = [[limit if math.isfinite(limit) else None for limit in row] for row in self.limits.tolist()]
        return {
            "target": self.target,
            "score": self.score,
            "limits": limits,
            "by_class": self.by_class,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ConformalSets:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        try:
            rows = [[math.inf if limit is None else float(limit) for limit in row] for row in content["limits"]]
            target, score, limits = float(content["target"]), content["score"], np.array(rows, dtype=np.float64)
            _check_settings(target, score)
            if limits.ndim != 2 or np.isnan(limits).any():
                raise ValueError("limits are a matrix of numbers")
            return cls(target, score, limits, bool(content["by_class"]), tuple(map(str, content["notes"])))
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
) -> ConformalSets:
    """Calibrate prediction sets so that they hold the truth of new data in a stated share of answers.

    The promise is kept on average over calibration sets, whatever the model, if the new examples are exchangeable with
    those that calibrate: drawn alike, and none of them used to fit anything. Examples that belong together, as the
    steps of one series or the windows of one recording do, are not exchangeable one by one; with ``groups`` each
    group counts as one, and the promise is about an example drawn at random from a new group.

    Parameters
    ----------
    task
        What is asked.
    probabilities
        Shape (N, classes) or (N, labels), in [0, 1].
    codes
        The truth, -1 where it is not known (left out), shape (N,) or (N, labels).
    target
        The share, in (0, 1). When multi-label it is promised for each label, not for all of them at once.
    score
        How strange a class is: ``"lac"`` one minus its probability (the smallest sets), ``"aps"`` the total
        probability of the classes more probable than it (sets that grow where the model is in doubt, never empty).
    by_class
        Whether to keep the promise for each true class by itself (Mondrian), which needs enough of each.
    groups
        What each of the N examples belongs to, shape (N,): for steps ``np.repeat(np.arange(n), lengths)``. Needed for
        steps.

    Returns
    -------
    ConformalSets
        With a note where examples were too few, so that a class is in every set.

    Raises
    ------
    ParameterError
        If the target or the score is none of these, or groups are missing for steps.
    DataError, LabelError
        If the arrays do not fit the task.

    Source
    ------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005. Sadinle, Lei and Wasserman, 2019 (lac).
    Romano, Sesia and Candès, Classification with Valid and Adaptive Coverage, 2020 (aps, with the class that crosses
    the limit always in the set in place of a random choice). Angelopoulos and Bates, A Gentle Introduction to Conformal
    Prediction, 2021, section 1. Lee, Barber and Willett, Distribution-Free Inference with Hierarchical Data, 2023
    (groups: each example weighs one part of its group).

    Example
    -------
    >>> chances = np.linspace(0.55, 0.95, 9)
    >>> fitted = fit_conformal(Task(("a", "b")), np.stack([chances, 1 - chances], axis=1), [0] * 9, 0.9)
    >>> round(float(fitted.limits[0, 0]), 2)
    0.45
    """
    _check_settings(target, score)
    chances = checked_probabilities(task, probabilities)
    truth = checked_codes(task, codes, len(chances))
    members = _checked_groups(task, groups, len(chances))
    strange = _strangeness(task, chances, score)
    truth = truth if task.multilabel else truth[:, None]
    limits, notes = np.empty(_shape_of_limits(task)), []
    for place in range(len(limits)):
        name = f" of {str(task.classes[place])!r}" if task.multilabel else ""
        told = truth[:, place]
        choices: list[int | None] = list(range(limits.shape[1])) if by_class else [None]
        for choice in choices:
            rows = (told != UNKNOWN if choice is None else told == choice).nonzero()[0]
            found, count = _limit(strange[rows, place, told[rows]], None if members is None else members[rows], target)
            limits[place, slice(None) if choice is None else choice] = found
            if math.isinf(found):
                notes.append(_too_few(task, name, choice, count, target, grouped=members is not None))
    return ConformalSets(float(target), score, limits, by_class, tuple(notes))


def coverage(task: Task, sets: Sets, codes: ArrayLike, groups: ArrayLike | None = None) -> dict[str, Any]:
    """Measure how often sets hold the truth, and how large they are.

    Parameters
    ----------
    task
        What is asked.
    sets
        As from ``ConformalSets.sets``, shape (N, classes) or (N, labels, 2).
    codes
        The truth, -1 where it is not known (left out), shape (N,) or (N, labels).
    groups
        As for ``fit_conformal``; each group counts as one then, which is what is promised for steps.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``n`` (known), ``coverage``, ``mean_size``, ``empty`` and ``single`` (shares of
        sets of no and of one class), and ``per_class``, by name ``n``, ``coverage`` and ``mean_size`` over the examples
        of that true class. When multi-label, the first four are means over the labels of which something is known, and
        ``per_class`` has all of them for each label, with ``absent`` and ``there`` for its two classes. None where
        nothing is known.

    Raises
    ------
    DataError, LabelError
        If the arrays do not fit the task.

    Example
    -------
    >>> found = coverage(Task(("a", "b")), np.array([[True, True], [True, False]]), [0, 1])
    >>> found["coverage"], found["mean_size"], found["per_class"]["b"]
    (0.5, 1.5, {'n': 1, 'coverage': 0.0, 'mean_size': 1.0})
    """
    width = len(task.classes)
    cube = np.asarray(sets, dtype=bool)
    wanted = (width, 2) if task.multilabel else (width,)
    if cube.shape[1:] != wanted:
        shown = ", ".join(map(str, ("N", *wanted)))
        raise DataError(f"expected sets of shape ({shown}), got {cube.shape}; give what sets() gives")
    truth = checked_codes(task, codes, len(cube))
    members = None if groups is None else _numbered(groups, len(cube))
    if not task.multilabel:
        return _one_coverage(cube, truth, members, [str(name) for name in task.classes])
    per_class = {
        str(name): _one_coverage(cube[:, place], truth[:, place], members, ["absent", "there"])
        for place, name in enumerate(task.classes)
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
        return _numbered(groups, rows)
    if task.by_step:
        raise ParameterError(
            "expected groups for steps, got none: the steps of one series are not exchangeable; "
            "give the number of the series of each step"
        )
    return None


def _numbered(groups: ArrayLike, rows: int) -> Codes:
    """Number groups from 0."""
    array = np.asarray(groups)
    if array.shape != (rows,):
        raise LabelError(
            f"expected a group for each of {rows} answers, got an array of shape {array.shape}; give one each"
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _strangeness(task: Task, probabilities: Doubles, score: str) -> Doubles:
    """Say how strange each class would be, shape (N, 1, classes), or (N, labels, 2) when multi-label."""
    cube = np.stack([1 - probabilities, probabilities], axis=2) if task.multilabel else probabilities[:, None]
    if score == "lac":
        strange: Doubles = 1 - cube
        return strange
    order = np.argsort(-cube, axis=2, kind="stable")
    falling = np.take_along_axis(cube, order, axis=2)
    before = np.cumsum(falling, axis=2) - falling
    strange = np.empty_like(cube)
    np.put_along_axis(strange, order, before, axis=2)
    return strange


def _limit(scores: Doubles, groups: Codes | None, target: float) -> tuple[float, int]:
    """Find the score that enough others are not above, infinite if there are too few; and of how many it is."""
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
    place = int(np.searchsorted(reached, float(share * (n + 1))))
    return float(scores[order[min(place, len(order) - 1)]]), n


def _too_few(task: Task, name: str, choice: int | None, count: int, target: float, *, grouped: bool) -> str:
    """Say why a class is in every set."""
    share = Fraction(repr(float(target)))
    needed = math.ceil(share / (1 - share))
    words = ("absent", "there") if task.multilabel else tuple(map(str, task.classes))
    which = "every class" if choice is None else repr(words[choice])
    of_class = "" if choice is None else f" of {which}"
    things = counted(count, "known group" if grouped else "known example")
    return f"the sets{name} rest on {things}{of_class}, and {target:g} needs {needed}: {which} is in each of them"


def _one_coverage(sets: Sets, codes: Codes, groups: Codes | None, names: list[str]) -> dict[str, Any]:
    """Measure the sets of one answer over its classes."""
    known = (codes != UNKNOWN).nonzero()[0]
    sizes, held = sets[known].sum(axis=1), sets[known, codes[known]]
    members = None if groups is None else groups[known]
    per_class = {}
    for place, name in enumerate(names):
        rows = (codes[known] == place).nonzero()[0]
        weights = _weights(members, rows)
        per_class[name] = {
            "n": len(rows),
            "coverage": _mean(held[rows], weights),
            "mean_size": _mean(sizes[rows], weights),
        }
    weights = _weights(members, np.arange(len(known)))
    return {
        "n": len(known),
        "coverage": _mean(held, weights),
        "mean_size": _mean(sizes, weights),
        "empty": _mean(sizes == 0, weights),
        "single": _mean(sizes == 1, weights),
        "per_class": per_class,
    }


def _weights(groups: Codes | None, rows: NDArray[np.int64]) -> Doubles | None:
    """Weigh rows so that every group among them counts the same."""
    if groups is None:
        return None
    members = groups[rows]
    weights: Doubles = 1 / np.bincount(members)[members]
    return weights


def _mean(values: NDArray[Any], weights: Doubles | None) -> float | None:
    return float(np.average(values, weights=weights)) if len(values) else None
