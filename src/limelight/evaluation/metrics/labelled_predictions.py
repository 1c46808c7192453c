"""True codes with the predictions for them, validated once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Probabilities


@dataclass(frozen=True, eq=False)
class LabelledPredictions:
    """True codes, predicted probabilities and predicted codes of N examples: series, or steps.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes, -1 if unknown, shape (N,), or (N, labels) if multi-label.
    probabilities
        The predicted probabilities, shape (N, classes) or (N, labels).
    decisions
        The predicted codes, of the shape of ``codes``, never -1.

    Example
    -------
    >>> predictions = LabelledPredictions.of(Task(("a", "b")), [0, -1], [[0.4, 0.6], [0.9, 0.1]])
    >>> predictions.decisions.tolist(), predictions.unknown, len(predictions.known_rows().codes)
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
        """Check the arrays and apply the thresholds; DataError, LabelError or ParameterError if the task differs."""
        predicted = checked_probabilities(task, probabilities)
        truth = checked_codes(task, codes, len(predicted))
        return cls(task, truth, predicted, task.decide(predicted, thresholds))

    @property
    def unknown(self) -> int:
        """The number of unknown labels."""
        return int(np.count_nonzero(self.codes == UNKNOWN))

    @property
    def unit(self) -> str:
        """The noun for the examples, in the plural: ``"series"`` or ``"steps"``."""
        return "steps" if self.task.by_step else "series"

    @property
    def names(self) -> list[str]:
        """The names of the classes or labels, as strings."""
        return [str(name) for name in self.task.classes]

    def known_rows(self) -> LabelledPredictions:
        """Select the examples with at least one known label."""
        known = self.codes != UNKNOWN
        return self.at(known.any(axis=1) if self.task.multilabel else known)

    def at(self, rows: NDArray[np.bool_]) -> LabelledPredictions:
        """Select examples by a boolean mask; if all are selected, nothing is copied."""
        if rows.all():
            return self
        return LabelledPredictions(self.task, self.codes[rows], self.probabilities[rows], self.decisions[rows])

    def one_vs_rest(self, index: int) -> tuple[NDArray[np.bool_], Probabilities]:
        """Select the truth and the probability of one class or label; if multi-label, for known examples only."""
        if not self.task.multilabel:
            return self.codes == index, self.probabilities[:, index]
        known = self.codes[:, index] != UNKNOWN
        return self.codes[known, index] == 1, self.probabilities[known, index]
