"""Ranking: how well an explanation ranks the values of a series by what hiding them costs, estimated from masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import ndcg_score

from limelight.data.panel import Panel
from limelight.explanation.perturbation import step_numbers
from limelight.types import Doubles

MEASURED_STRETCHES = 16
"""Number of stretches of a series for which an effect is estimated; occlusion is as fine."""
PENALTY = 1.0
"""Penalty of the estimate, relative to the mean squared size of a mask."""
POWER = 0.5
"""Power of an effect that is its relevance: the highest effects of one place differ widely, and all belong to it."""


def part_numbers(panel: Panel) -> NDArray[np.int64]:
    """Return the number, 0 to 15, of the stretch of its series that each step of a compact panel is in, shape (steps,).

    Example
    -------
    >>> part_numbers(Panel.from_series([[0.0] * 5])).tolist()
    [0, 3, 6, 9, 12]
    """
    return step_numbers(panel) * MEASURED_STRETCHES // np.repeat(panel.lengths, panel.lengths)


def hidden_by_part(panel: Panel, mask: NDArray[np.bool_]) -> Doubles:
    """Compute which share of each stretch of each series a mask hides.

    Parameters
    ----------
    panel
        n series, compact.
    mask
        Whether a value is hidden, shape (steps, channels).

    Returns
    -------
    NDArray[np.float64]
        Shares in [0, 1], shape (n, 16, channels); 0 for a stretch without steps, as series shorter than 16 have.
    """
    places = np.repeat(np.arange(len(panel)), panel.lengths) * MEASURED_STRETCHES + part_numbers(panel)
    first = np.flatnonzero(np.diff(places, prepend=-1))
    shares = np.zeros((len(panel) * MEASURED_STRETCHES, len(panel.channels)))
    counts = np.diff(first, append=len(places))
    shares[places[first]] = np.add.reduceat(mask.astype(np.float64), first, axis=0) / counts[:, None]
    return shares.reshape(len(panel), MEASURED_STRETCHES, -1)


def estimate_effects(hidden: Doubles, drops: Doubles) -> Doubles:
    """Estimate by ridge regression how much hiding each stretch of one series lowers the log odds.

    Parameters
    ----------
    hidden
        Shares that each mask hides, shape (masks, 16, channels).
    drops
        Drop in log odds under each mask, shape (masks,).

    Returns
    -------
    NDArray[np.float64]
        Effects, shape (16, channels).

    Example
    -------
    >>> hidden = np.zeros((3, 16, 1))
    >>> hidden[0, 2], hidden[1, 5] = 1, 1
    >>> effects = estimate_effects(hidden, np.array([4.0, 0.0, 0.0]))
    >>> int(effects[:, 0].argmax())
    2
    """
    shares = hidden.reshape(len(hidden), -1)
    shares = shares - shares.mean(axis=0)
    products = shares @ shares.T
    size = np.trace(products) / len(products)
    if size <= 0:
        return np.zeros(hidden.shape[1:])
    weights = np.linalg.solve(products + PENALTY * size * np.eye(len(products)), drops - drops.mean())
    effects: Doubles = (weights @ shares).reshape(hidden.shape[1:])
    return effects


def rank_by_effect(importance: Doubles, effects: Doubles) -> tuple[float, float]:
    """Compute the NDCG of the importance of the values of one series, whose relevance is the root of their effects.

    Parameters
    ----------
    importance
        Importance of each value; equal values share their ranks.
    effects
        Effect of each value, of the same shape; negative ones count as 0.

    Returns
    -------
    tuple[float, float]
        The NDCG and that of a random order, in [0, 1]; both 0 if no effect is positive or there is one value only.

    Source
    ------
    Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002, as in scikit-learn.

    Example
    -------
    >>> own, chance = rank_by_effect(np.array([3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    >>> round(own, 3), round(chance, 3)
    (0.631, 0.71)
    """
    relevance = effects.reshape(1, -1).clip(min=0) ** POWER
    if relevance.size < 2 or not relevance.any():
        return 0.0, 0.0
    own, chance = (float(ndcg_score(relevance, scores.reshape(1, -1))) for scores in (importance, 0 * relevance))
    return own, chance
