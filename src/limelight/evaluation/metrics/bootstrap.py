"""How far the headline scores may be off: bootstrap intervals over series."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.evaluation.metrics.counts import HEADLINE, Tally, headline
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.task import Task
from limelight.types import Doubles

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
DRAWN_SERIES = 20_000_000
"""How many series all draws take together, where each is drawn by itself."""
BOOTSTRAP_BLOCK = 4_000_000
ENDS = (2.5, 97.5)


def intervals(
    task: Task,
    codes: ArrayLike,
    probabilities: ArrayLike,
    lengths: ArrayLike | None = None,
    *,
    thresholds: ArrayLike | None = None,
    seed: int = 0,
) -> dict[str, list[float] | None]:
    """Say between which ends the headline scores would lie with other series of the same kind.

    Series are drawn with replacement, all steps of a series together, and the scores are taken of each draw. The
    interval goes from the 2.5th to the 97.5th percentile. It tells of the choice of the scored series alone, not of
    another training.

    Parameters
    ----------
    task
        What was asked.
    codes
        The truth, -1 where it is not known, shape (N,), or (N, labels) when multi-label.
    probabilities
        Shape (N, classes) or (N, labels).
    lengths
        How many of the N steps belong to each series, shape (n,); needed for steps.
    thresholds
        As for ``score``.
    seed
        The same seed draws the same series.

    Returns
    -------
    dict[str, list[float] | None]
        ``[low, high]`` for ``accuracy``, ``balanced_accuracy`` and ``f1``. None where the draws cannot tell: with fewer
        than two series, where more than half of the draws leave the score undefined, or where all give the same,
        as when every answer is right.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not fit the task or each other.

    Source
    ------
    The percentile method: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. 1000 draws, fewer
    (at least 200) for more than 20,000 series.

    Example
    -------
    >>> right, wrong = [0.9, 0.1], [0.2, 0.8]
    >>> intervals(Task(("a", "b")), [0] * 100, [right] * 80 + [wrong] * 20)["accuracy"]
    [0.72, 0.88]
    """
    return tally_intervals(Tally.of(LabelledPredictions.of(task, codes, probabilities, thresholds), lengths), seed)


def tally_intervals(tally: Tally, seed: int = 0, share: float = 1.0) -> dict[str, list[float] | None]:
    """Give the intervals of ``intervals`` from counts of each series, with a share of the work where they are many."""
    n = int(tally.times.sum())
    if n < 2:
        return dict.fromkeys(HEADLINE)
    draw = np.random.default_rng(seed)
    one_each = len(tally.times) == n
    draws = int(np.clip(share * DRAWN_SERIES // n, FEWEST_DRAWS, MOST_DRAWS)) if one_each else MOST_DRAWS
    at_once = max(1, BOOTSTRAP_BLOCK // len(tally.times))
    blocks = []
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        times = _draw_each(draw, n, count) if one_each else draw.multinomial(n, tally.times / n, size=count)
        blocks.append(headline(tally.task, (tally.rows.T @ times.T.astype(np.float64)).T))
    return {name: _ends(np.concatenate([block[name] for block in blocks])) for name in HEADLINE}


def _draw_each(draw: np.random.Generator, n: int, draws: int) -> NDArray[np.int64]:
    """Draw n series with replacement, and say how often each was drawn, shape (draws, n)."""
    drawn = draw.integers(0, n, size=(draws, n)) + n * np.arange(draws)[:, None]
    return np.bincount(drawn.reshape(-1), minlength=draws * n).reshape(draws, n)


def _ends(scores: Doubles) -> list[float] | None:
    defined = scores[~np.isnan(scores)]
    if 2 * len(defined) < len(scores) or defined.min() == defined.max():
        return None
    low, high = np.percentile(defined, ENDS)
    return [float(low), float(high)]
