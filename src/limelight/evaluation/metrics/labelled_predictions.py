"""Truth, probabilities and decisions that belong together, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Probabilities


@dataclass(frozen=True, eq=False)
class LabelledPredictions:
    """What was true, how probable it was thought, and what was answered.

    Parameters
    ----------
    task
        What was asked.
    codes
        The truth, -1 where it is not known, shape (N,), or (N, labels) when multi-label.
    probabilities
        Shape (N, classes) or (N, labels).
    decisions
        The answers, of the shape of ``codes``, never -1.

    Example
    -------
    >>> answers = LabelledPredictions.of(Task(("a", "b")), [0, -1], [[0.4, 0.6], [0.9, 0.1]])
    >>> answers.decisions.tolist(), answers.unknown, len(answers.known_rows().codes)
    ([1, 0], 1, 1)
    """

    task: Task
    codes: Codes
    probabilities: Probabilities
    decisions: Codes

    @classmethod
    def of(
        cls, task: Task, codes: ArrayLike, probabilities: ArrayLike, thresholds: ArrayLike | None = None
    ) -> LabelledPredictions:
        """Check the arrays and decide; DataError, LabelError or ParameterError where they do not fit the task."""
        chances = checked_probabilities(task, probabilities)
        truth = checked_codes(task, codes, len(chances))
        return cls(task, truth, chances, task.decide(chances, thresholds))

    @property
    def unknown(self) -> int:
        """How many labels are not known."""
        return int(np.count_nonzero(self.codes == UNKNOWN))

    @property
    def unit(self) -> str:
        """What the answers are about, in the plural."""
        return "steps" if self.task.by_step else "series"

    @property
    def names(self) -> list[str]:
        """The classes or labels in words."""
        return [str(name) for name in self.task.classes]

    def known_rows(self) -> LabelledPredictions:
        """Leave out what nothing is known about."""
        known = self.codes != UNKNOWN
        return self.at(known.any(axis=1) if self.task.multilabel else known)

    def at(self, rows: NDArray[np.bool_]) -> LabelledPredictions:
        """Give some of the answers, all of them without copying."""
        if rows.all():
            return self
        return LabelledPredictions(self.task, self.codes[rows], self.probabilities[rows], self.decisions[rows])

    def side(self, place: int) -> tuple[NDArray[np.bool_], Probabilities]:
        """Say where one class or label is true, and how probable it was thought, over all that is known of it."""
        if not self.task.multilabel:
            return self.codes == place, self.probabilities[:, place]
        known = self.codes[:, place] != UNKNOWN
        return self.codes[known, place] == 1, self.probabilities[known, place]
