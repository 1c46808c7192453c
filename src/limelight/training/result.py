"""Result of a fit: the model, the history of its training, and out-of-sample predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from limelight.data.panel import Panel
from limelight.data.statistics import ChannelStatistics
from limelight.model.fitted import FittedModel
from limelight.model.padding import clock_kind
from limelight.task import Task
from limelight.types import Codes

SOLVED = "solved"
"""The reason to stop of a head solved in closed form."""


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """Predictions of training series by models fitted without them.

    Parameters
    ----------
    rows
        Rows of these training series, shape (m,).
    logits
        Shape (m, outputs).
    loss
        Their log loss, in nats.
    """

    rows: NDArray[np.int64]
    logits: NDArray[np.float64]
    loss: float


@dataclass(frozen=True)
class FitResult:
    """A fitted model and the history of its training.

    Parameters
    ----------
    model
        With the best weights.
    history
        Losses and scores of every epoch; empty if the head was solved in closed form.
    best_epoch
        The epoch of the weights, from 1; the last one without validation series; 0 without epochs.
    stopped
        Why the training ended: ``"all epochs done"``, ``"no better validation loss"``, ``"nothing left to learn"``,
        ``"pruned"``, ``"interrupted"`` or ``"solved"``.
    seconds
        Duration of the training, without reading data.
    notes
        What was chosen automatically, and why.
    choosing
        Seconds spent on other models that were compared with this one.
    out_of_sample
        Leave-one-out predictions if the head was solved in closed form, else None.
    emphasis
        The factor of each standardised input of a head in closed form, shape (inputs,); None for 1, and for networks.
    features
        The inputs of a head in closed form for each training series, without products with metadata, shape (n, width),
        if there are at most 500.
    """

    model: FittedModel
    history: list[dict[str, float]]
    best_epoch: int
    stopped: str
    seconds: float
    notes: tuple[str, ...] = ()
    choosing: float = 0.0
    out_of_sample: OutOfSample | None = None
    emphasis: Tensor | None = None
    features: Tensor | None = None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.stopped == "interrupted"

    @property
    def counts(self) -> dict[str, int]:
        """How many series the model was fitted and validated on, by ``"train"`` and ``"validation"``."""
        info = self.model.fitted_on
        return {"train": info["training_series"], "validation": info["validation_series"]}

    def calibration_data(
        self, panel: Panel, validation: Panel | None, *, honest: bool
    ) -> tuple[Panel | None, NDArray[np.float64] | None]:
        """Return the series on which to calibrate, and their logits if already known.

        Parameters
        ----------
        panel, validation
            As passed to ``fit``.
        honest
            Whether out-of-sample predictions are like those of new series: no other series of their group was fitted.

        Returns
        -------
        tuple
            The validation series, or training series with out-of-sample predictions, or None; and the logits of the
            latter, shape (m, outputs), or None if the model has to predict the series.
        """
        if validation is not None or self.out_of_sample is None or not honest:
            return validation, None
        return panel[self.out_of_sample.rows], self.out_of_sample.logits

    def describe(self) -> str:
        """Describe in one line how long the training took and why it ended."""
        epochs, seconds = len(self.history), f"{self.seconds:.1f} s"
        if self.stopped == SOLVED:
            return f"solved in closed form in {seconds}, {_penalty(self.model.fitted_on['training'])}"
        ending = {
            "interrupted": f"interrupted in epoch {epochs}, the best weights so far are kept",
            "no better validation loss": f"stopped early after epoch {epochs}",
            "nothing left to learn": f"stopped after epoch {epochs}, as the validation loss is almost 0",
            "all epochs done": f"all {epochs} epochs done",
        }[self.stopped]
        return f"trained in {seconds}: {ending}; weights of epoch {self.best_epoch}"


def describe_optimizer(training: Mapping[str, Any]) -> str:
    """Describe in one line how a model was trained.

    Parameters
    ----------
    training
        As in ``metrics.json``: the reason to stop as ``stopped``, and the settings.

    Returns
    -------
    str
        Without the duration, so that it is the same for every run.

    Example
    -------
    >>> describe_optimizer({"stopped": "solved", "penalty": [1.0, 10.0], "chosen_by": "leave-one-out"})
    'ridge regression, solved in closed form, penalty 1 to 10 by leave-one-out'
    """
    if training["stopped"] == SOLVED:
        return f"ridge regression, solved in closed form, {_penalty(training)}"
    return (
        f"AdamW, one cycle up to {training['learning_rate']}, batches of {training['batch_size']}, "
        f"at most {training['max_epochs']} epochs, patience {training['patience']}"
    )


def _penalty(training: Mapping[str, Any]) -> str:
    least, most = min(training["penalty"]), max(training["penalty"])
    penalty = f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
    return f"penalty {penalty} by {training['chosen_by']}"


def fit_info(
    panel: Panel,
    validation: Panel | None,
    task: Task,
    codes: Codes,
    statistics: ChannelStatistics,
    *,
    training: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Collect what a model stores about its training.

    Parameters
    ----------
    panel, validation
        The series.
    task, codes
        The classes or labels, and the targets of the training series.
    statistics
        Of their channels.
    training
        The settings, as plain numbers.
    seed
        Of the training.

    Returns
    -------
    dict
        The content of ``FittedModel.fitted_on``.
    """
    return {
        "training_series": len(panel),
        "validation_series": 0 if validation is None else len(validation),
        "lengths": [int(panel.lengths.min()), int(np.median(panel.lengths)), int(panel.lengths.max())],
        "training": training,
        "seed": seed,
        "clock": clock_kind(panel),
        "shares": task.shares(codes).tolist(),
        "missing_values": int(statistics.missing.sum()),
    }
