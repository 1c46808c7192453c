"""Confidence intervals of the headline scores: Wilson intervals, and a bootstrap over series."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.evaluation.metrics.counts import HEADLINE, Tally, headline
from limelight.evaluation.metrics.exact_intervals import degenerate_intervals, wilson_interval
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.task import Task
from limelight.types import Doubles

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
DRAWN_SERIES = 20_000_000
"""The most series in all resamples together, if each series is drawn by itself."""
BOOTSTRAP_BLOCK = 4_000_000
"""The most counts of resamples in memory at once."""
PERCENTILES = (2.5, 97.5)


def intervals(
    task: Task,
    codes: ArrayLike,
    probabilities: ArrayLike,
    lengths: ArrayLike | None = None,
    *,
    thresholds: ArrayLike | None = None,
    seed: int = 0,
) -> dict[str, list[float] | None]:
    """Estimate 95 % confidence intervals of the headline scores.

    The accuracy of one prediction per series has the Wilson score interval. Other scores are bootstrapped: series are
    drawn with replacement, all steps of a series together, and the interval reaches from the 2.5th to the 97.5th
    percentile of the scores. If every class is always or never predicted correctly, the interval is exact, as all draws
    are then alike. Intervals cover the choice of the scored series, not the variation between trainings.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes, -1 if unknown, shape (N,), or (N, labels) if multi-label.
    probabilities
        The predicted probabilities, shape (N, classes) or (N, labels).
    lengths
        The number of steps of each series, shape (n,), summing to N; required for per-step tasks.
    thresholds
        As for ``score``.
    seed
        Seed of the resampling.

    Returns
    -------
    dict[str, list[float] | None]
        ``[low, high]`` for ``accuracy``, ``balanced_accuracy`` and ``f1``. None if the interval cannot be estimated: if
        the score is undefined in more than half of the resamples, or is the same in all of them but neither 0 nor 1.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not match the task or each other.

    Source
    ------
    The percentile method: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. There are 1000
    resamples, or fewer (at least 200) for more than 20,000 series. Wilson, 1927; Clopper and Pearson, 1934.

    Example
    -------
    >>> right, wrong = [0.9, 0.1], [0.2, 0.8]
    >>> [round(end, 3) for end in intervals(Task(("a", "b")), [0] * 100, [right] * 80 + [wrong] * 20)["accuracy"]]
    [0.711, 0.867]
    """
    return tally_intervals(Tally.of(LabelledPredictions.of(task, codes, probabilities, thresholds), lengths), seed)


def tally_intervals(tally: Tally, seed: int = 0, share: float = 1.0) -> dict[str, list[float] | None]:
    """Estimate ``intervals`` from counts; ``share``, in (0, 1], reduces the resamples if there are many series."""
    n = int(tally.times.sum())
    if not n:
        return dict.fromkeys(HEADLINE)
    exact = degenerate_intervals(tally)
    if not (tally.task.by_step or tally.task.multilabel):
        exact["accuracy"] = wilson_interval(round(tally.total()[0, -2]), n)
    random = np.random.default_rng(seed)
    one_each = len(tally.times) == n
    draws = int(np.clip(share * DRAWN_SERIES // n, FEWEST_DRAWS, MOST_DRAWS)) if one_each else MOST_DRAWS
    at_once = max(1, BOOTSTRAP_BLOCK // len(tally.times))
    blocks = []
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        times = _resample(random, n, count) if one_each else random.multinomial(n, tally.times / n, size=count)
        blocks.append(headline(tally.task, (tally.rows.T @ times.T.astype(np.float64)).T))
    drawn = {name: _interval(np.concatenate([block[name] for block in blocks])) for name in HEADLINE}
    return {name: drawn[name] if exact[name] is None else exact[name] for name in HEADLINE}


def _resample(random: np.random.Generator, n: int, draws: int) -> NDArray[np.int64]:
    """Sample n series with replacement and count how often each was drawn, shape (draws, n)."""
    drawn = random.integers(0, n, size=(draws, n)) + n * np.arange(draws)[:, None]
    return np.bincount(drawn.reshape(-1), minlength=draws * n).reshape(draws, n)


def _interval(scores: Doubles) -> list[float] | None:
    defined = scores[~np.isnan(scores)]
    if 2 * len(defined) < len(scores) or defined.min() == defined.max():
        return None
    low, high = np.percentile(defined, PERCENTILES)
    return [float(low), float(high)]
