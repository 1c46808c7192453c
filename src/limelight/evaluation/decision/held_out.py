"""HeldOut: how certain a model was on held-out series, and how often it was right, to compare new series with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ModelFolderError
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

CONFIDENCE_SHARES = np.linspace(0, 1, 51)
"""The quantiles of the confidence that are kept."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Confidence and accuracy of a model on the series that it was calibrated on.

    Parameters
    ----------
    series
        The number of series.
    accuracy
        The share of correct predictions; if multi-label, of single labels.
    confidence
        The mean probability of what was predicted.
    quantiles
        Of that probability, shape (51,).
    predicted
        The share of each class among the predictions, or of each label, shape (classes or labels,).
    """

    series: int
    accuracy: float
    confidence: float
    quantiles: Doubles
    predicted: Doubles

    @classmethod
    def of(
        cls, task: Task, probabilities: Doubles, codes: Codes, thresholds: NDArray[np.float64] | None, series: int
    ) -> HeldOut:
        """Summarise predictions of ``series`` labelled series, or of their steps."""
        sure, predicted = confidence_of(task, probabilities, thresholds)
        known = codes != UNKNOWN
        decided = task.decide(probabilities, thresholds)
        accuracy = float((decided == codes)[known].mean()) if known.any() else 0.0
        flat = sure.reshape(-1)
        return cls(series, accuracy, float(flat.mean()), np.quantile(flat, CONFIDENCE_SHARES), predicted)

    def to_json(self) -> dict[str, Any]:
        """Convert the summary to JSON types."""
        return {
            "series": self.series,
            "accuracy": self.accuracy,
            "confidence": self.confidence,
            "quantiles": [round(value, 6) for value in self.quantiles.tolist()],
            "predicted": self.predicted.tolist(),
        }

    @classmethod
    def from_json(cls, content: Any) -> HeldOut:
        """Restore a summary from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            quantiles, predicted = (np.array(content[name], dtype=np.float64) for name in ("quantiles", "predicted"))
            if quantiles.shape != CONFIDENCE_SHARES.shape or predicted.ndim != 1:
                raise ValueError("quantiles or shares have a wrong length")
            numbers = (float(content["accuracy"]), float(content["confidence"]))
            return cls(int(content["series"]), *numbers, quantiles, predicted)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected a summary of held-out predictions, got {str(content)[:80]!r}; the model is damaged or from "
                "a newer limelight"
            ) from error


def confidence_of(
    task: Task, probabilities: Doubles, thresholds: NDArray[np.float64] | None = None
) -> tuple[Doubles, Doubles]:
    """Return the probability of what is predicted, and the share of each class among the predictions.

    Parameters
    ----------
    task, probabilities, thresholds
        As for ``score``; N examples.

    Returns
    -------
    tuple
        Shape (N,), or (N, labels) if multi-label; and (classes,) or (labels,).

    Example
    -------
    >>> sure, shares = confidence_of(Task(("a", "b")), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
    >>> sure.tolist(), shares.round(2).tolist()
    ([0.9, 0.8, 0.7], [0.33, 0.67])
    """
    decided = task.decide(probabilities, thresholds)
    if task.multilabel:
        return np.where(decided == 1, probabilities, 1 - probabilities), (decided == 1).mean(axis=0)
    sure = np.take_along_axis(probabilities, decided[:, None], axis=1)[:, 0]
    return sure, np.bincount(decided, minlength=len(task.classes)) / max(1, len(decided))
