"""Target: the class or label that an explanation is about, and its log odds for each series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limelight.errors import ParameterError, counted, listing, nearest
from limelight.model.fitted import Prediction
from limelight.task import Task
from limelight.types import Codes


@dataclass(frozen=True, eq=False)
class Target:
    """One class or label for each series and, if the model predicts each step, the weights of the steps.

    Parameters
    ----------
    task
        The task of the model.
    codes
        The index of the class or label in ``task.classes``, shape (n,).
    step_weights
        For a per-step task, the weight of each step in the mean over the steps, shape (time,) for each series and
        summing to 1; else None.
    """

    task: Task
    codes: Codes
    step_weights: list[NDArray[np.float64]] | None = None

    @property
    def names(self) -> NDArray[Any]:
        """The class or label of each series, shape (n,)."""
        return np.array(self.task.classes)[self.codes]

    def at(self, rows: NDArray[np.int64]) -> Target:
        """Select the target of some series; a row may occur several times."""
        weights = None if self.step_weights is None else [self.step_weights[row] for row in rows]
        return Target(self.task, self.codes[rows], weights)

    def log_odds(self, prediction: Prediction) -> NDArray[np.float64]:
        """Return the log odds of the target, shape (n,); for a per-step task, their weighted mean over the steps."""
        return self._mean_over_steps(self._log_odds_of_each(prediction))

    def probability(self, prediction: Prediction) -> NDArray[np.float64]:
        """Return the probability of the target in [0, 1], shape (n,), averaged over steps as in ``log_odds``."""
        return self._mean_over_steps(1 / (1 + np.exp(-self._log_odds_of_each(prediction).clip(-500, 500))))

    def _log_odds_of_each(self, prediction: Prediction) -> NDArray[np.float64]:
        codes = (
            self.codes
            if self.step_weights is None
            else np.repeat(self.codes, [len(weights) for weights in self.step_weights])
        )
        odds: NDArray[np.float64] = log_odds(
            torch.from_numpy(prediction.logits), torch.from_numpy(codes), self.task
        ).numpy()
        return odds

    def _mean_over_steps(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.step_weights is None or not len(self.step_weights):
            return values
        lengths = np.array([len(weights) for weights in self.step_weights])
        means: NDArray[np.float64] = np.add.reduceat(
            values * np.concatenate(self.step_weights), np.cumsum(lengths) - lengths
        )
        return means


def log_odds(logits: Tensor, codes: Tensor, task: Task) -> Tensor:
    """Compute the log odds of one class or label, log(p / (1 - p)).

    Parameters
    ----------
    logits
        Outputs of a network, shape (..., outputs).
    codes
        Index of the class or label, int64, shape (...).
    task
        The task that the logits belong to.

    Returns
    -------
    Tensor
        Shape (...). For two classes and for multi-label, the logit or its negative. For more classes, the logit of the
        class minus the log-sum-exp of the other logits.

    Example
    -------
    >>> log_odds(torch.tensor([[2.0], [2.0]]), torch.tensor([1, 0]), Task(("a", "b"))).tolist()
    [2.0, -2.0]
    >>> probabilities = torch.tensor([[0.2, 0.3, 0.5]])
    >>> odds = log_odds(probabilities.log(), torch.tensor([0]), Task(("a", "b", "c"))).exp()
    >>> [round(x, 4) for x in odds.tolist()]
    [0.25]
    """
    if task.kind == "binary":
        return logits[..., 0] * (2 * codes - 1).to(logits.dtype)
    own = logits.gather(-1, codes[..., None])
    if task.multilabel:
        return own[..., 0]
    other_logits = logits.scatter(-1, codes[..., None], float("-inf"))
    return own[..., 0] - other_logits.logsumexp(dim=-1)


def resolve_target(prediction: Prediction, target: Any = None, steps: tuple[int, int] | None = None) -> Target:
    """Resolve the target of each series.

    Parameters
    ----------
    prediction
        Predictions for n series.
    target
        A class or label, or one for each series, shape (n,). None takes the predicted class of each series; for
        multi-label, the most probable label; for a per-step task, the class or label predicted most often.
    steps
        For a per-step task, the first step to explain and the step after the last. None takes the steps at which the
        target is predicted, or all steps if it is predicted nowhere.

    Returns
    -------
    Target
        The target of the n series.

    Raises
    ------
    ParameterError
        If a target is not a class or label, there are too few or too many, or the steps are not within every series.

    Example
    -------
    >>> prediction = Prediction(np.array(["a", "b"]), Task(("fault", "ok")), np.array([[-1.0], [2.0]]))
    >>> resolve_target(prediction).names.tolist(), resolve_target(prediction, "ok").log_odds(prediction).tolist()
    (['fault', 'ok'], [-1.0, 2.0])
    """
    task, lengths = prediction.task, prediction.lengths
    if not task.by_step or lengths is None:
        if steps is not None:
            raise ParameterError(
                f"expected steps only for a model that predicts each step, got steps={steps!r} for one that predicts "
                "whole series; omit steps"
            )
        return Target(task, _target_codes(target, task, len(prediction.ids), _predicted_codes(prediction)))
    starts = np.cumsum(lengths) - lengths
    decided = task.decide(prediction.probabilities, prediction.thresholds)
    is_predicted = decided.astype(bool) if task.multilabel else decided[:, None] == np.arange(len(task.classes))
    votes = prediction.probabilities if task.multilabel else is_predicted.astype(np.float64)
    most_frequent = np.add.reduceat(votes, starts).argmax(axis=1) if len(lengths) else np.zeros(0, dtype=np.int64)
    codes = _target_codes(target, task, len(lengths), most_frequent)
    weights = []
    for start, length, code in zip(starts.tolist(), lengths.tolist(), codes.tolist(), strict=True):
        chosen = _step_mask(steps, length) if steps is not None else is_predicted[start : start + length, code]
        chosen = chosen if chosen.any() else np.ones(length, dtype=bool)
        weights.append(chosen / chosen.sum())
    return Target(task, codes, weights)


def _predicted_codes(prediction: Prediction) -> Codes:
    if prediction.task.multilabel:
        most_probable: Codes = prediction.probabilities.argmax(axis=1)
        return most_probable
    return prediction.task.decide(prediction.probabilities, prediction.thresholds)


def _target_codes(target: Any, task: Task, n: int, default: Codes) -> Codes:
    if target is None:
        return default
    targets = targets_for(target, n)
    code_by_name = {str(name): code for code, name in enumerate(task.classes)}
    names = [str(name) for name in targets.reshape(-1).tolist()]
    unknown = sorted({name for name in names if name not in code_by_name})
    if unknown:
        what = "labels" if task.multilabel else "classes"
        raise ParameterError(
            f"expected a target among the {what} {listing(task.classes, 20)}, got {listing(unknown)}"
            f"{nearest(unknown[0], code_by_name)}"
        )
    codes = np.array([code_by_name[name] for name in names], dtype=np.int64)
    return codes if targets.ndim else np.full(n, codes[0])


def targets_for(target: Any, n: int) -> NDArray[Any]:
    """Return a target as an array of shape () or (n,); ParameterError if there is neither one nor one each.

    Example
    -------
    >>> targets_for("ok", 3).shape, targets_for(["ok", "fault"], 2).shape
    ((), (2,))
    """
    targets = np.asarray(target)
    if targets.ndim and targets.shape != (n,):
        raise ParameterError(
            f"expected one target, or one for each of the {n} series, got {counted(targets.size, 'target')}; "
            "name a class"
        )
    return targets


def _step_mask(steps: tuple[int, int], length: int) -> NDArray[np.bool_]:
    start, stop = steps
    if not 0 <= start < stop <= length:
        raise ParameterError(
            f"expected steps=(first, step after the last) within the {length} steps of every series, got {steps!r}; "
            "choose longer series or other steps"
        )
    mask = np.zeros(length, dtype=bool)
    mask[start:stop] = True
    return mask
