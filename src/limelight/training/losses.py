"""Losses: cross-entropy from logits over known targets, with weights for rare classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from limelight.errors import ParameterError, nearest
from limelight.task import UNKNOWN, Task
from limelight.types import Codes

FOCUS = 2.0
MOST_WEIGHT = 100.0


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss of a task.

    Parameters
    ----------
    task
        The classes or labels.
    weights
        Weight of each class, shape (classes,); if binary or multi-label, weight of positive targets relative to
        negative ones, shape (outputs,); None weights all alike.
    focus
        The exponent of the focal loss, which reduces the weight of confident correct predictions; 0 is plain
        cross-entropy.
    smoothing
        The share of each target that is spread evenly over all classes, or over yes and no, in [0, 1). The focal loss
        ignores it.

    Source
    ------
    Lin et al., Focal Loss for Dense Object Detection, 2017. Szegedy et al., Rethinking the Inception Architecture for
    Computer Vision, 2016 (label smoothing).

    Example
    -------
    >>> Loss(Task(("a", "b")))(torch.zeros(2, 1), torch.tensor([1, -1])).item()
    0.6931...
    """

    task: Task
    weights: Tensor | None = None
    focus: float = 0.0
    smoothing: float = 0.0

    def __call__(self, logits: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the mean loss over known targets.

        Parameters
        ----------
        logits
            Shape (batch, outputs), or (batch, time, outputs) for labels per step.
        targets
            Codes, -1 if unknown, shape (batch,) or (batch, time); for multi-label (..., labels).
        sample_weight
            How much each series counts, relative to a mean of 1 over all series, shape (batch,); None weights all
            alike.

        Returns
        -------
        Tensor
            A scalar, in nats; 0 if no target is known.
        """
        summed, total = self.sums(logits, targets, sample_weight)
        return summed / total if isinstance(total, Tensor) or total else summed

    def sums(self, logits: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> tuple[Tensor, Tensor | int]:
        """Compute the sum of the loss over known targets, and what to divide it by for their mean; 0 if there are none.

        Parameters are those of a call.
        """
        known = targets != UNKNOWN
        if self.task.kind == "binary":
            logits = logits[..., 0]
        factors = None
        if sample_weight is not None:
            factors = sample_weight.reshape(-1, *[1] * (targets.ndim - 1)).expand(targets.shape)[known].to(logits)
        if not bool(known.all()):
            logits, targets = logits[known], targets[known]
        if not targets.numel():
            return logits.sum() * 0.0, 0
        if self.task.kind == "multiclass":
            each, total = self._of_classes(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
        else:
            each, total = self._of_labels(logits, targets, known)
        if self.focus:
            each = (1 - torch.exp(-each)) ** self.focus * each
        each = each.reshape(-1)
        return (each if factors is None else each * factors).sum(), total

    def _of_classes(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | int]:
        """Return the loss of each target, and the sum of their weights."""
        if self.focus:
            return functional.cross_entropy(logits, targets, reduction="none"), len(targets)
        weights = None if self.weights is None else self.weights.to(logits)
        each = functional.cross_entropy(
            logits, targets, weight=weights, label_smoothing=self.smoothing, reduction="none"
        )
        return each, len(targets) if weights is None else weights[targets].sum()

    def _of_labels(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, int]:
        """Return the loss of each known target, and their number."""
        truth = targets.to(logits.dtype)
        if self.focus:
            return functional.binary_cross_entropy_with_logits(logits, truth, reduction="none"), targets.numel()
        weights = None if self.weights is None else self.weights.to(logits)
        if weights is not None and self.task.multilabel:
            weights = weights.expand(known.shape)[known].reshape(truth.shape)
        truth = truth * (1 - self.smoothing) + self.smoothing / 2
        each = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weights, reduction="none")
        return each, targets.numel()


def loss_for(task: Task, codes: Codes, imbalance: str | Mapping[str, float]) -> Loss:
    """Build the loss of a training.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        Of the training series, -1 if unknown, shape (N,) or (N, labels).
    imbalance
        ``"weights"`` weights classes inversely to their frequency, up to a hundredfold, and for multi-label positive
        against negative targets. A mapping has the weights of classes or, for multi-label, of positive targets; those
        that are not named have the weight 1. ``"focal"`` is the focal loss. Anything else is plain cross-entropy.

    Returns
    -------
    Loss
        Computed from logits.

    Raises
    ------
    ParameterError
        If the mapping names a class that the task does not have.

    Example
    -------
    >>> loss_for(Task(("a", "b")), np.array([0, 0, 0, 1]), "weights").weights.tolist()
    [3.0]
    """
    if imbalance == "focal":
        return Loss(task, focus=FOCUS)
    if isinstance(imbalance, Mapping):
        return Loss(task, torch.from_numpy(_stated_weights(task, imbalance)).float())
    if imbalance != "weights":
        return Loss(task)
    if task.kind == "multiclass":
        counts = np.bincount(codes[codes != UNKNOWN], minlength=len(task.classes))
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return Loss(task, torch.from_numpy(np.minimum(weights, MOST_WEIGHT)).float())
    there, absent = (np.atleast_1d((codes == code).sum(axis=0)) for code in (1, 0))
    weights = np.clip(absent / np.maximum(there, 1), 1 / MOST_WEIGHT, MOST_WEIGHT)
    return Loss(task, torch.from_numpy(weights).float())


def _stated_weights(task: Task, stated: Mapping[str, float]) -> np.ndarray:
    """Return stated weights in the form of ``Loss``: of classes, or of positive relative to negative targets."""
    names = [str(name) for name in task.classes]
    for name in stated:
        if str(name) not in names:
            raise ParameterError(f"expected a class in imbalance, got {str(name)!r}{nearest(str(name), names)}")
    weights = np.array([float(stated.get(name, 1.0)) for name in names])
    return weights[1:] / weights[:1] if task.kind == "binary" else weights


def loss_of_shares(
    loss: Loss,
    codes: Codes,
    held_out: Codes,
    weights: NDArray[np.float64] | None = None,
    held_out_weights: NDArray[np.float64] | None = None,
) -> float:
    """Compute the loss on held-out targets of predicting the same probabilities for every series.

    The probabilities are the shares of the classes or labels among the training targets, weighted as in the loss: the
    best constant prediction on the training targets, except under the focal loss.

    Parameters
    ----------
    loss
        The loss of the training.
    codes, held_out
        Codes of the training and of the held-out targets, -1 if unknown, shapes (N,) and (M,), or (., labels).
    weights, held_out_weights
        How much each of them counts, shapes (N,) and (M,); None weights all alike.

    Returns
    -------
    float
        In nats: what a network reaches that has learned nothing but how common each class is.

    Example
    -------
    >>> round(loss_of_shares(Loss(Task(("a", "b"))), np.array([0, 0, 0, 1]), np.array([0, 1])), 4)
    0.837
    """
    task = loss.task
    counted = np.ones(len(codes)) if weights is None else weights / weights.mean()
    if task.kind == "multiclass":
        counts = np.array([counted[codes == code].sum() for code in range(len(task.classes))])
        logits = np.log(np.maximum(counts, 0.5) / counts.sum())
    else:
        there, absent = (np.atleast_1d(counted @ (codes == code)) for code in (1, 0))
        logits = np.log(np.maximum(there, 0.5) / np.maximum(absent, 0.5))
    if loss.weights is not None:
        logits = logits + np.log(np.maximum(loss.weights.double().numpy(), 1e-12))
    factors = None if held_out_weights is None else torch.from_numpy(held_out_weights / held_out_weights.mean())
    return float(loss(torch.from_numpy(logits).expand(len(held_out), -1), torch.from_numpy(held_out), factors))


def series_weights(task: Task, codes: Codes, lengths: np.ndarray) -> np.ndarray:
    """Compute sampling probabilities of the series that balance rare and common classes.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        Of the training series, shape (N,) or (N, labels).
    lengths
        Steps of each series, shape (n,); N is their sum for labels per step, else n.

    Returns
    -------
    NDArray[np.float64]
        Shape (n,), summing to 1: a series is weighted by the rarest class or label that it has.

    Example
    -------
    >>> series_weights(Task(("a", "b")), np.array([0, 0, 0, 1]), np.ones(4)).round(3).tolist()
    [0.167, 0.167, 0.167, 0.5]
    """
    n = len(lengths)
    series = np.repeat(np.arange(n), lengths.astype(np.int64)) if task.by_step else np.arange(n)
    classes = range(len(task.classes))
    has = [codes[:, place] == 1 if task.multilabel else codes == place for place in classes]
    met = np.stack([np.bincount(series[one], minlength=n) > 0 for one in has], axis=1)
    if task.multilabel:  # no label at all is a class of its own
        met = np.concatenate([met, ~met.any(axis=1, keepdims=True)], axis=1)
    rarity = 1.0 / np.maximum(met.sum(axis=0), 1)
    weights = (met * rarity).max(axis=1)
    weights[weights == 0] = rarity.min()  # no known label
    probabilities: np.ndarray = weights / weights.sum()
    return probabilities


def signed_targets(task: Task, codes: Codes) -> tuple[Float[Tensor, "n outputs"], Bool[Tensor, "n outputs"]]:
    """Convert codes to targets of -1 and 1, with a mask of the known ones.

    Parameters
    ----------
    task
        With labels per series.
    codes
        -1 if unknown, shape (n,) or (n, labels).

    Returns
    -------
    tuple
        Targets, float64, and which of them are known, both of shape (n, outputs).

    Example
    -------
    >>> signed_targets(Task(("a", "b", "c")), np.array([0, 2]))[0].tolist()
    [[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]]
    >>> signed_targets(Task(("a", "b")), np.array([0, 1]))[0].tolist()
    [[-1.0], [1.0]]
    """
    known = torch.from_numpy(codes != UNKNOWN)
    if not task.multilabel:
        known = known[:, None].expand(-1, task.outputs)
        codes = codes[:, None] == (np.arange(task.outputs) if task.outputs > 1 else 1)
    return torch.from_numpy(np.where(codes == 1, 1.0, -1.0)), known
