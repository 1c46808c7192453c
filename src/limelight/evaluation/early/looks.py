"""Looks: the probabilities of series after so many steps, and what a threshold of the margin makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.fitted import FittedModel
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles, Flags, Integers

SHARES_SEEN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the typical length of a series, after which the model looks, before the series ends."""


class EarlyAnswers(NamedTuple):
    """The answer to each series under a rule.

    Parameters
    ----------
    looks
        The look at which each series is answered, shape (n,); the last one is the whole series.
    decisions
        Predicted codes, shape (n,) or (n, labels).
    seen
        The share of its steps that had arrived, in (0, 1], shape (n,).
    early
        Whether the answer came before the end, shape (n,).
    """

    looks: Integers
    decisions: Codes
    seen: Doubles
    early: Flags


@dataclass(frozen=True, eq=False)
class Looks:
    """What a model answers for each of n series after each of k numbers of steps, and at the end.

    Parameters
    ----------
    task
        Of whole series.
    steps
        The numbers of steps of the first k looks, increasing, shape (k,).
    lengths
        The length of each series, shape (n,).
    margins
        How certain each answer is, in [0, 1], shape (k + 1, n): see ``early_margins``.
    decisions
        Predicted codes, shape (k + 1, n) or (k + 1, n, labels).

    Example
    -------
    >>> looks = Looks(Task(("a", "b")), np.array([5]), np.array([10, 10, 4]), np.array([[0.9, 0.2, 0.9], [1.0] * 3]),
    ...               np.array([[1, 0, 0], [1, 1, 0]]))
    >>> found = looks.answer(0.5)
    >>> found.decisions.tolist(), found.seen.tolist(), found.early.tolist()
    ([1, 1, 0], [0.5, 1.0, 1.0], [True, False, False])
    """

    task: Task
    steps: Integers
    lengths: Integers
    margins: Doubles
    decisions: Codes

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def before_end(self) -> Flags:
        """Whether a look is before the end of a series, shape (k, n)."""
        before: Flags = self.steps[:, None] < self.lengths[None, :]
        return before

    def answer(self, margin: float) -> EarlyAnswers:
        """Decide each series at the first look with at least this margin, or at its end."""
        ready = (self.margins[:-1] >= margin) & self.before_end
        every = np.concatenate([ready, np.ones((1, len(self)), dtype=bool)])
        looks = every.argmax(axis=0)
        early = looks < len(self.steps)
        seen = np.ones(len(self))
        seen[early] = self.steps[looks[early]] / self.lengths[early]
        return EarlyAnswers(looks, self.decisions[looks, np.arange(len(self))], seen, early)

    def differing(self, answers: EarlyAnswers) -> Flags:
        """Whether each answer differs from that for the whole series, in any label, shape (n,)."""
        different: Flags = answers.decisions != self.decisions[-1]
        return np.asarray(different.any(axis=1)) if self.task.multilabel else different

    def at(self, rows: NDArray[np.int64] | Flags) -> Looks:
        """Select series."""
        return Looks(self.task, self.steps, self.lengths[rows], self.margins[:, rows], self.decisions[:, rows])


def concatenate_looks(parts: Sequence[Looks]) -> Looks:
    """Concatenate looks at different series after the same numbers of steps.

    Example
    -------
    >>> one = Looks(Task(("a", "b")), np.array([5]), np.array([10]), np.array([[0.9], [1.0]]), np.array([[1], [1]]))
    >>> len(concatenate_looks([one, one]))
    2
    """
    first = parts[0]
    return Looks(
        first.task,
        first.steps,
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.margins for part in parts], axis=1),
        np.concatenate([part.decisions for part in parts], axis=1),
    )


def early_margins(task: Task, probabilities: Doubles, thresholds: Doubles | None = None) -> Doubles:
    """Compute how certain answers are.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        Shape (n, classes or labels).
    thresholds
        Of the positive class or of the labels, as in ``Decision``; None is 0.5.

    Returns
    -------
    NDArray[np.float64]
        In [0, 1], shape (n,). For several classes the probability of the most probable class minus that of the second;
        for two, the distance to the threshold in shares of the way to 0 or 1; for several labels the least of these.

    Example
    -------
    >>> early_margins(Task(("a", "b", "c")), np.array([[0.7, 0.2, 0.1]])).round(2).tolist()
    [0.5]
    >>> early_margins(Task(("a", "b")), np.array([[0.1, 0.9], [0.6, 0.4]])).round(2).tolist()
    [0.8, 0.2]
    """
    if task.kind == "multiclass":
        ordered = np.sort(probabilities, axis=1)
        top: Doubles = ordered[:, -1] - ordered[:, -2]
        return top
    columns = probabilities if task.multilabel else probabilities[:, [task.positive_index]]
    cuts = np.full(columns.shape[1], 0.5) if thresholds is None else np.clip(thresholds, 1e-9, 1 - 1e-9)
    margins = np.where(columns >= cuts, (columns - cuts) / (1 - cuts), (cuts - columns) / cuts)
    least: Doubles = margins.min(axis=1)
    return least


def look_at(models: Sequence[FittedModel], steps: Integers, panel: Panel) -> Looks:
    """Predict series after each number of steps, and at their end.

    Parameters
    ----------
    models
        A model for each number of steps, and one for whole series, k + 1 in all.
    steps
        Increasing numbers of steps, shape (k,).
    panel
        n series.

    Returns
    -------
    Looks
        A series that is no longer than a look is not predicted there.

    Raises
    ------
    ParameterError
        If the models have labels per step.
    DataError
        If there are other models than looks, or the series do not fit them.
    """
    task = models[-1].task
    require_whole_series(task)
    if len(models) != len(steps) + 1:
        raise DataError(
            f"expected {len(steps) + 1} models for {len(steps)} looks, got {len(models)}; pass one for each"
        )
    shape = (len(models), len(panel), len(task.classes)) if task.multilabel else (len(models), len(panel))
    margins, decisions = np.zeros(shape[:2]), np.full(shape, UNKNOWN, dtype=np.int64)
    for look, model in enumerate(models):
        last = look == len(steps)
        rows = np.arange(len(panel)) if last else np.flatnonzero(panel.lengths > steps[look])
        if not len(rows):
            continue
        part = panel[rows] if last else first_steps(panel[rows], int(steps[look]))
        prediction = model.predict(part)
        margins[look, rows] = early_margins(task, prediction.probabilities, prediction.thresholds)
        decisions[look, rows] = task.decide(prediction.probabilities, prediction.thresholds)
    return Looks(task, np.asarray(steps), panel.lengths, margins, decisions)


def first_steps(panel: Panel, steps: int) -> Panel:
    """Cut every series after so many steps, without copying values.

    Example
    -------
    >>> first_steps(Panel.from_series([[1.0, 2.0, 3.0], [4.0]]), 2).lengths.tolist()
    [2, 1]
    """
    lengths = np.minimum(panel.lengths, steps)
    intervals = None if panel.intervals is None else np.where(panel.intervals[:, 1:] <= steps, panel.intervals, -1)
    return panel.replace(lengths=lengths, intervals=intervals)


def steps_of_looks(lengths: Integers, shares: Sequence[float] = SHARES_SEEN) -> Integers:
    """Return the numbers of steps at which to look.

    Parameters
    ----------
    lengths
        The lengths of the training series, shape (n,).
    shares
        Of the median length, each in (0, 1).

    Returns
    -------
    NDArray[np.int64]
        Increasing, shape (at most the number of shares,).

    Raises
    ------
    ParameterError
        If there is no share, or one is not between 0 and 1.

    Example
    -------
    >>> steps_of_looks(np.array([24, 24]), (0.1, 0.5)).tolist()
    [3, 12]
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise ParameterError(f"expected shares of the length between 0 and 1, got {shares!r}; use for example 0.2")
    typical = float(np.median(lengths))
    return np.unique(np.ceil(np.array(shares) * typical - 1e-9).astype(np.int64))


def require_whole_series(task: Task) -> None:
    """Require one answer for each series; ParameterError for labels per step."""
    if task.by_step:
        raise ParameterError(
            "expected labels of whole series to answer early, got labels per step, which are answered at every step"
        )
