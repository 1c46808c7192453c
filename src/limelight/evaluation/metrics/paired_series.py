"""Differences between two models on the same test series, with intervals over the choice of these series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from limelight.types import Doubles

DRAWS, DRAWN_SERIES, FEWEST_RESAMPLES = 1000, 20_000_000, 200
SMALLEST_PROBABILITY = 1e-15
SCORED = ("accuracy", "balanced_accuracy", "log_loss")


@dataclass(frozen=True)
class PairedDifference:
    """How the scores of a model differ from those of another one on the same series.

    Parameters
    ----------
    n
        Number of series.
    differences
        Score of the first minus that of the other, by the name of the score, each with the ends of its 95 % interval.
    only_first, only_other
        Number of series that only one of the two predicts correctly.
    p
        Exact p-value of McNemar's test, that neither is correct more often.
    """

    n: int
    differences: dict[str, tuple[float, float, float]]
    only_first: int
    only_other: int
    p: float


def paired_difference(
    codes: NDArray[np.int64], first: Doubles, other: Doubles, predicted: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> PairedDifference:
    """Compare two models on the same series.

    Parameters
    ----------
    codes
        The true classes, shape (n,), n at least 1.
    first, other
        Probabilities of the two models, shape (n, classes) each.
    predicted
        The classes that the two predict, shape (n,) each.

    Returns
    -------
    PairedDifference
        Intervals are percentiles of a bootstrap over series; they do not cover the variation between trainings.

    Source
    ------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; McNemar, Note on the sampling error of the
    difference between correlated proportions, 1947 (exact form).

    Example
    -------
    >>> codes, sure = np.array([0, 1] * 10), np.eye(2)[[0, 1] * 10]
    >>> found = paired_difference(codes, sure, np.full((20, 2), 0.5), (codes, np.zeros(20, dtype=int)))
    >>> found.differences["accuracy"][0], found.only_first, found.only_other, round(found.p, 4)
    (0.5, 10, 0, 0.002)
    """
    n = len(codes)
    right = [(one == codes).astype(np.float64) for one in predicted]
    losses = [-np.log(np.clip(one[np.arange(n), codes], SMALLEST_PROBABILITY, 1)) for one in (first, other)]
    members = np.eye(int(codes.max()) + 1)[codes]
    gained = right[0] - right[1]

    def balanced(weights: Doubles) -> Doubles:
        support = weights @ members
        recalls = np.divide(
            weights @ (members * gained[:, None]), support, where=support > 0, out=np.zeros_like(support)
        )
        return np.asarray(recalls.sum(axis=1) / (support > 0).sum(axis=1))

    scores: dict[str, Callable[[Doubles], Doubles]] = {
        "accuracy": lambda weights: weights @ gained / n,
        "balanced_accuracy": balanced,
        "log_loss": lambda weights: weights @ (losses[0] - losses[1]) / n,
    }
    drawn = _resamples(n)
    differences = {}
    for name in SCORED:
        found = np.concatenate([scores[name](weights) for weights in drawn])
        low, high = np.percentile(found, (2.5, 97.5))
        differences[name] = (float(scores[name](np.ones((1, n)))[0]), float(low), float(high))
    only_first, only_other = int((gained > 0).sum()), int((gained < 0).sum())
    discordant = only_first + only_other
    p = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return PairedDifference(n, differences, only_first, only_other, p)


def _resamples(n: int, at_once: int = 4_000_000) -> list[Doubles]:
    """Return how often each series is drawn in each resample, in blocks of shape (draws, n)."""
    draws = int(min(DRAWS, max(FEWEST_RESAMPLES, DRAWN_SERIES // n)))
    random, block = np.random.default_rng(0), max(1, at_once // n)
    blocks: list[Doubles] = []
    for start in range(0, draws, block):
        count = min(block, draws - start)
        counts = [np.bincount(random.integers(n, size=n), minlength=n) for _ in range(count)]
        blocks.append(np.stack(counts).astype(np.float64))
    return blocks
