"""Scale and shift of the logits of a closed-form head: from ridge scores to logits."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor

LARGEST_LOG_SCALE = 7.0


def fit_scale(
    scores: Float[Tensor, "n outputs"],
    targets: Float[Tensor, "n outputs"],
    known: Bool[Tensor, "n outputs"] | None = None,
    *,
    one_of: bool = True,
) -> Float[Tensor, " outputs"]:
    """Fit the factor that turns ridge scores into logits, by the log loss of out-of-sample scores.

    As in Platt scaling, targets are slightly smoothed, as if one more series had been misclassified, so that the factor
    is finite if all are classified correctly. A factor changes no decision.

    Parameters
    ----------
    scores
        Out-of-sample scores, shape (n, outputs), n at least 1.
    targets
        -1 or 1, shape (n, outputs).
    known
        Which targets are known, shape (n, outputs); None if all are.
    one_of
        Whether the outputs are exclusive classes (softmax, one factor for all); else each is a label (sigmoid, one
        factor each).

    Returns
    -------
    Tensor
        Float32, above 0, shape (outputs,).

    Source
    ------
    Platt (1999), Probabilistic outputs for support vector machines, section 2.2; Guo et al. (2017), On calibration of
    modern neural networks, section 4.2 (temperature).

    Example
    -------
    >>> targets = torch.tensor([[-1.0], [-1.0], [1.0], [1.0], [1.0]])
    >>> [round(value, 2) for value in fit_scale(targets * 0.5, targets).tolist()]
    [3.58]
    >>> wrong = torch.tensor([[-0.5], [0.5], [0.5], [0.5], [0.5]])
    >>> fit_scale(wrong, targets).item() < fit_scale(targets * 0.5, targets).item()
    True
    """
    known = torch.ones_like(targets, dtype=torch.bool) if known is None else known
    scores, targets = scores.double(), targets.double()
    if one_of and targets.shape[1] > 1:
        rows = known.all(dim=1)
        factor = _best_factor(scores[rows], targets[rows].argmax(dim=1))
        return torch.full((targets.shape[1],), factor, dtype=torch.float32)
    factors = []
    for output in range(targets.shape[1]):
        rows = known[:, output]
        logits = torch.stack([torch.zeros_like(scores[rows, output]), scores[rows, output]], dim=1)
        factors.append(_best_factor(logits, (targets[rows, output] > 0).long()))
    return torch.tensor(factors, dtype=torch.float32)


def _best_factor(scores: Tensor, codes: Tensor) -> float:
    """Minimise the log loss of softmax(factor · scores) over the factor, with smoothed targets."""
    count, classes = scores.shape
    unsure = 1 / (count + classes)

    def loss(exponent: float) -> float:
        log_probabilities = torch.log_softmax(float(np.exp(exponent)) * scores, dim=1)
        right = log_probabilities.gather(1, codes[:, None]).mean()
        return -float((1 - classes * unsure) * right + unsure * log_probabilities.sum(dim=1).mean())

    found = minimize_scalar(loss, bounds=(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE), method="bounded")
    return float(np.exp(found.x))


def fit_shift(
    logits: Float[Tensor, "n outputs"],
    targets: Float[Tensor, "n outputs"],
    known: Bool[Tensor, "n outputs"],
    weights: Float[Tensor, "n outputs"],
    *,
    one_of: bool = True,
) -> Float[Tensor, " outputs"]:
    """Fit what to add to the logits of each output, by the weighted log loss of out-of-sample logits.

    A rare class has few series to learn from, so that new series of it have lower scores than those that were fitted,
    even if they are weighted. The shift corrects this. Targets are slightly smoothed, as in ``fit_scale``.

    Parameters
    ----------
    logits
        Out-of-sample logits, shape (n, outputs), n at least 1.
    targets, known
        -1 or 1, and which of them are known, each shape (n, outputs).
    weights
        The weight of each series for each output, above 0, shape (n, outputs).
    one_of
        As for ``fit_scale``.

    Returns
    -------
    Tensor
        Float32, shape (outputs,).

    Example
    -------
    >>> logits, targets = torch.tensor([[-3.0], [-2.0], [-1.0]]), torch.tensor([[-1.0], [1.0], [1.0]])
    >>> round(fit_shift(logits, targets, targets != 0, torch.ones(3, 1)).item(), 2)
    2.47
    """
    logits, targets, weights = logits.double(), targets.double(), weights.double() * known
    unsure = 1 / (len(logits) + max(2, logits.shape[1]))
    exclusive = one_of and logits.shape[1] > 1

    def loss(shift: np.ndarray) -> float:
        moved = logits + torch.from_numpy(np.atleast_1d(shift))
        if exclusive:
            log_probabilities = torch.log_softmax(moved, dim=1)
            right = (log_probabilities * (targets > 0)).sum(dim=1)
            losses = -((1 - unsure) * right + unsure * log_probabilities.mean(dim=1))[:, None]
            return float((losses * weights[:, :1]).sum() / weights[:, :1].sum())
        right, wrong = (torch.nn.functional.logsigmoid(sign * moved * targets) for sign in (1, -1))
        losses = -((1 - unsure) * right + unsure * wrong)
        return float(((losses * weights).sum(dim=0) / weights.sum(dim=0)).sum())

    found = minimize(loss, np.zeros(logits.shape[1]), method="L-BFGS-B")
    return torch.from_numpy(np.atleast_1d(found.x)).float()
