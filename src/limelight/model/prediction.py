"""Prediction: the answers of a model for the series of a panel. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.model import drawing
from limelight.model.decision import Mixing
from limelight.tabular import Tabular
from limelight.task import Task


@dataclass(frozen=True)
class Prediction(Tabular):
    """The predictions of a model for the series of a panel.

    Parameters
    ----------
    ids
        Names of the series, shape (n,).
    task
        The task of the model, with its classes.
    logits
        Outputs of the network, calibrated if the model is: shape (n, 1) for binary, else (n, classes or labels). With
        per-step labels, the outputs for the steps of all series, concatenated: shape (steps, ...).
    attention
        The attention weights of each series, shape (time,), summing to 1; None if the model has no attention or the
        weights were not requested.
    lengths
        With per-step labels, the number of steps of each series, shape (n,); else None.
    thresholds
        The lowest probability at which the positive class, shape (1,), or each label, shape (labels,), is predicted;
        None predicts the most probable class, or each label with a probability of at least 0.5.
    mixing
        What the probabilities are mixed with after the softmax, as fitted in calibration; None for a model without.
    novelty
        How far each series is from the training series, shape (n,): at most 1 for 95 % of series like them. None for a
        model without this score.
    """

    ids: NDArray[np.str_]
    task: Task
    logits: NDArray[np.float64]
    attention: list[NDArray[np.float32]] | None = None
    lengths: NDArray[np.int64] | None = None
    thresholds: NDArray[np.float64] | None = None
    mixing: Mixing | None = None
    novelty: NDArray[np.float64] | None = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each class or label, in the order of ``task.classes``, shape (n or steps, classes)."""
        probabilities = self._softmax()
        return probabilities if self.mixing is None else self.mixing.apply(probabilities)

    def _softmax(self) -> NDArray[np.float64]:
        if self.task.kind != "multiclass":
            positive: NDArray[np.float64] = 1 / (1 + np.exp(-self.logits.clip(-500, 500)))
            return positive if self.task.multilabel else np.concatenate([1 - positive, positive], axis=1)
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities

    @property
    def labels(self) -> NDArray[Any]:
        """The class of each series or step, shape (n or steps,); for multi-label 0 or 1, shape (..., labels)."""
        return self.task.decode(self.task.decide(self.probabilities, self.thresholds))

    def to_table(self) -> Any:
        """Convert to a ``pyarrow.Table``: id, prediction and probabilities, a row for each series or step."""
        return drawing.prediction_table(self)

    def plot(self) -> Any:
        """Plot the probabilities of the first series as a ``matplotlib.figure.Figure``: cells, or lines over steps."""
        return drawing.prediction_figure(self)

    def _repr_html_(self) -> str:
        return drawing.prediction_html(self)

    def by_series(self, predictions: NDArray[Any]) -> Any:
        """Split per-step predictions into one array per series, stacked if all series have the same length.

        Parameters
        ----------
        predictions
            ``labels`` or ``probabilities``.

        Returns
        -------
        NDArray | list[NDArray]
            Shape (n, time, ...), or n arrays of shape (time, ...); predictions per series are returned unchanged.
        """
        if self.lengths is None:
            return predictions
        parts = np.split(predictions, np.cumsum(self.lengths)[:-1])
        return np.stack(parts) if len(set(self.lengths.tolist())) == 1 else parts
