"""What a training leaves: the fitted model, how it went, and facts about it for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.statistics import ChannelStatistics
from limelight.model.batching import clock_kind
from limelight.model.fitted import FittedModel
from limelight.task import Task
from limelight.types import Codes

SOLVED = "solved"
"""Why a training ended whose head was solved in closed form."""


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """What models fitted without some training series say about these.

    Parameters
    ----------
    rows
        Of the training series, shape (m,).
    logits
        Shape (m, outputs).
    loss
        The log loss of these answers, in nats.
    """

    rows: NDArray[np.int64]
    logits: NDArray[np.float64]
    loss: float


@dataclass(frozen=True)
class FitResult:
    """A fitted model and how the training went.

    Parameters
    ----------
    model
        With the best weights.
    history
        One row of numbers for each epoch; none where the head was solved in closed form.
    best_epoch
        From which epoch the weights are, from 1; the last one where there were no validation series; 0 where there are
        no epochs.
    stopped
        Why the training ended: ``"all epochs done"``, ``"no better validation loss"``, ``"pruned"``,
        ``"interrupted"`` or ``"solved"``.
    seconds
        Of training, without reading data.
    notes
        For people: what was chosen, and why.
    choosing
        Seconds that went into others, to choose this one.
    out_of_sample
        Answers about training series left out, where the head was solved in closed form; else None.
    """

    model: FittedModel
    history: list[dict[str, float]]
    best_epoch: int
    stopped: str
    seconds: float
    notes: tuple[str, ...] = ()
    choosing: float = 0.0
    out_of_sample: OutOfSample | None = None

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
        self, panel: Panel, validation: Panel | None, *, independent: bool
    ) -> tuple[Panel | None, NDArray[np.float64] | None]:
        """Give labelled series that a decision may be chosen on.

        Parameters
        ----------
        panel, validation
            As they were given to ``fit``.
        independent
            Whether a series may be judged by a model that has seen all others, as ``Panel.is_independent`` says.

        Returns
        -------
        tuple
            The validation series, or training series left out, or None where there are neither; and what was said
            about those left out, shape (m, outputs), None for the validation series, which the model is to answer.
        """
        if validation is not None or self.out_of_sample is None or not independent:
            return validation, None
        return panel[self.out_of_sample.rows], self.out_of_sample.logits

    def describe(self) -> str:
        """Say in one line how long the training took and why it ended."""
        epochs, seconds = len(self.history), f"{self.seconds:.1f} s"
        if self.stopped == SOLVED:
            return f"solved in closed form in {seconds}, {_penalty(self.model.fitted_on['training'])}"
        ending = {
            "interrupted": f"interrupted in epoch {epochs}, keeping the best weights so far",
            "no better validation loss": f"stopped after epoch {epochs}, the validation loss got no better",
            "all epochs done": f"all {epochs} epochs done",
        }[self.stopped]
        return f"trained in {seconds}: {ending}; weights of epoch {self.best_epoch}"


def describe_optimizer(training: Mapping[str, Any]) -> str:
    """Say in one line by which way a model was trained.

    Parameters
    ----------
    training
        As in ``metrics.json``: why it ended as ``stopped``, and its settings.

    Returns
    -------
    str
        Without how long it took, so that it is the same each time.

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
    """Gather what a model says about its training.

    Parameters
    ----------
    panel, validation
        The series.
    task, codes
        What was asked, and the truth about the training series.
    statistics
        Of their channels.
    training
        How it was done, as plain numbers.
    seed
        Of the training.

    Returns
    -------
    dict
        As ``FittedModel.fitted_on``.
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
