"""Question: which number of a model is explained, the log odds of one class or label for each series."""

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
    """One class or label for each series, and, for answers about steps, which steps are asked about.

    Parameters
    ----------
    task
        Of the model.
    codes
        The place of the class or label in ``task.classes``, shape (n,).
    shares
        For a task of steps the weight of each step in the mean, summing to 1 for each series, shape (time,) each; else
        None.
    """

    task: Task
    codes: Codes
    shares: list[NDArray[np.float64]] | None = None

    @property
    def names(self) -> NDArray[Any]:
        """The class or label of each series, shape (n,)."""
        return np.array(self.task.classes)[self.codes]

    def at(self, rows: NDArray[np.int64]) -> Target:
        """Give the question about some series, which may come several times."""
        shares = None if self.shares is None else [self.shares[row] for row in rows]
        return Target(self.task, self.codes[rows], shares)

    def log_odds(self, prediction: Prediction) -> NDArray[np.float64]:
        """Answer the question: the log odds, of steps their mean over those asked about, shape (n,)."""
        return self._mean(self._of_each(prediction))

    def probability(self, prediction: Prediction) -> NDArray[np.float64]:
        """Answer the question as a probability in [0, 1], of steps the mean over those asked about, shape (n,)."""
        return self._mean(1 / (1 + np.exp(-self._of_each(prediction).clip(-500, 500))))

    def _of_each(self, prediction: Prediction) -> NDArray[np.float64]:
        codes = self.codes if self.shares is None else np.repeat(self.codes, [len(one) for one in self.shares])
        found: NDArray[np.float64] = log_odds(
            torch.from_numpy(prediction.logits), torch.from_numpy(codes), self.task
        ).numpy()
        return found

    def _mean(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.shares is None or not len(self.shares):
            return found
        lengths = np.array([len(one) for one in self.shares])
        means: NDArray[np.float64] = np.add.reduceat(found * np.concatenate(self.shares), np.cumsum(lengths) - lengths)
        return means


def log_odds(logits: Tensor, codes: Tensor, task: Task) -> Tensor:
    """Give the log odds of one class or label, log(p / (1 - p)).

    Parameters
    ----------
    logits
        Of a network, shape (..., outputs).
    codes
        Which class or label, int64, shape (...).
    task
        What the logits are of.

    Returns
    -------
    Tensor
        Shape (...). Of two classes, and of each of several labels, it is the logit or its negative; of more classes the
        logit of the class less the logarithm of the sum of the exponentials of the others.

    Example
    -------
    >>> log_odds(torch.tensor([[2.0], [2.0]]), torch.tensor([1, 0]), Task(("a", "b"))).tolist()
    [2.0, -2.0]
    >>> chances = torch.tensor([[0.2, 0.3, 0.5]])
    >>> [round(x, 4) for x in log_odds(chances.log(), torch.tensor([0]), Task(("a", "b", "c"))).exp().tolist()]
    [0.25]
    """
    if task.kind == "binary":
        return logits[..., 0] * (2 * codes - 1).to(logits.dtype)
    own = logits.gather(-1, codes[..., None])
    if task.multilabel:
        return own[..., 0]
    others = logits.scatter(-1, codes[..., None], float("-inf"))
    return own[..., 0] - others.logsumexp(dim=-1)


def resolve_target(prediction: Prediction, target: Any = None, steps: tuple[int, int] | None = None) -> Target:
    """Settle what is asked about each series.

    Parameters
    ----------
    prediction
        What the model answered about n series.
    target
        A class or label, or one for each series, shape (n,). None takes what was answered: the class; of several labels
        the most probable one; of steps the class or label that was answered most.
    steps
        For a task of steps: the first step asked about and the step after the last. None takes the steps at which the
        target was answered, or all where it was answered nowhere.

    Returns
    -------
    Question
        About the n series.

    Raises
    ------
    ParameterError
        If a target is not a class or label, there are too few or many, or the steps are not in every series.

    Example
    -------
    >>> answers = Prediction(np.array(["a", "b"]), Task(("fault", "ok")), np.array([[-1.0], [2.0]]))
    >>> resolve_target(answers).names.tolist(), resolve_target(answers, "ok").log_odds(answers).tolist()
    (['fault', 'ok'], [-1.0, 2.0])
    """
    task, lengths = prediction.task, prediction.lengths
    if not task.by_step or lengths is None:
        if steps is not None:
            raise ParameterError(
                f"expected steps only for a model that answers each step, got steps={steps!r} for one that answers "
                "whole series; leave them out"
            )
        return Target(task, _codes_of(target, task, len(prediction.ids), _answered(prediction)))
    starts = np.cumsum(lengths) - lengths
    decided = task.decide(prediction.probabilities, prediction.thresholds)
    places = np.arange(len(task.classes))
    said = decided.astype(bool) if task.multilabel else decided[:, None] == places
    tallied = prediction.probabilities if task.multilabel else said.astype(np.float64)
    usual = np.add.reduceat(tallied, starts).argmax(axis=1) if len(lengths) else np.zeros(0, dtype=np.int64)
    codes = _codes_of(target, task, len(lengths), usual)
    shares = []
    for start, length, code in zip(starts.tolist(), lengths.tolist(), codes.tolist(), strict=True):
        asked = _chosen(steps, length) if steps is not None else said[start : start + length, code]
        asked = asked if asked.any() else np.ones(length, dtype=bool)
        shares.append(asked / asked.sum())
    return Target(task, codes, shares)


def _answered(prediction: Prediction) -> Codes:
    if prediction.task.multilabel:
        most: Codes = prediction.probabilities.argmax(axis=1)
        return most
    return prediction.task.decide(prediction.probabilities, prediction.thresholds)


def _codes_of(target: Any, task: Task, n: int, answered: Codes) -> Codes:
    if target is None:
        return answered
    given = np.asarray(target)
    if given.ndim and given.shape != (n,):
        raise ParameterError(
            f"expected one target, or one for each of the {n} series, got {counted(given.size, 'target')}; "
            "give a class by its name"
        )
    known = {str(name): code for code, name in enumerate(task.classes)}
    names = [str(name) for name in given.reshape(-1).tolist()]
    strange = sorted({name for name in names if name not in known})
    if strange:
        what = "labels" if task.multilabel else "classes"
        raise ParameterError(
            f"expected a target among the {what} {listing(task.classes, 20)}, got {listing(strange)}"
            f"{nearest(strange[0], known)}"
        )
    codes = np.array([known[name] for name in names], dtype=np.int64)
    return codes if given.ndim else np.full(n, codes[0])


def _chosen(steps: tuple[int, int], length: int) -> NDArray[np.bool_]:
    start, stop = steps
    if not 0 <= start < stop <= length:
        raise ParameterError(
            f"expected steps=(first, step after the last) within the {length} steps of every series, got {steps!r}; "
            "explain longer series, or other steps"
        )
    chosen = np.zeros(length, dtype=bool)
    chosen[start:stop] = True
    return chosen
