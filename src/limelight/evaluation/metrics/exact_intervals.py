"""Confidence intervals of shares, also if everything is right or everything is wrong, where a bootstrap has none."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from limelight.evaluation.metrics.counts import Tally, headline
from limelight.types import Doubles

LEVEL_OF_INTERVALS = 0.95


def wilson_interval(correct: int, n: int, level: float = LEVEL_OF_INTERVALS) -> list[float]:
    """Compute the Wilson score interval of a share.

    Parameters
    ----------
    correct, n
        How many of n independent examples are correct, n at least 1.
    level
        The confidence, in (0, 1).

    Returns
    -------
    list[float]
        ``[low, high]``, in [0, 1].

    Source
    ------
    Wilson, Probable inference, the law of succession, and statistical inference, 1927. Brown, Cai and DasGupta,
    Interval Estimation for a Binomial Proportion, 2001, recommend it for small n.

    Example
    -------
    >>> [round(end, 3) for end in wilson_interval(40, 40)], [round(end, 3) for end in wilson_interval(39, 40)]
    ([0.912, 1.0], [0.871, 0.996])
    """
    z = float(norm.ppf(0.5 + level / 2))
    share, wide = correct / n, z * z / n
    middle = (share + wide / 2) / (1 + wide)
    half = z * float(np.sqrt(share * (1 - share) / n + wide / (4 * n))) / (1 + wide)
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    return [low, 1.0 if correct == n else min(1.0, middle + half)]


def exact_upper_limit(count: int, n: int, confidence: float = LEVEL_OF_INTERVALS) -> float:
    """Compute the exact upper limit of a share.

    Parameters
    ----------
    count, n
        How many of n independent examples have a property, n at least 1.
    confidence
        One-sided, in (0, 1).

    Returns
    -------
    float
        In (0, 1]: with a higher share, at most ``count`` of n would have a probability of less than 1 - confidence.

    Source
    ------
    Clopper and Pearson, The use of confidence or fiducial limits, 1934.

    Example
    -------
    >>> round(exact_upper_limit(0, 59), 4), round(exact_upper_limit(1, 59), 4)
    (0.0495, 0.0779)
    """
    from scipy.stats import beta  # a slow import

    return 1.0 if count >= n else float(beta.ppf(confidence, count + 1, n - count))


def exact_interval(count: int, n: int, level: float = LEVEL_OF_INTERVALS) -> list[float]:
    """Compute the two-sided interval of Clopper and Pearson, ``[low, high]``; arguments as above.

    Example
    -------
    >>> [round(end, 3) for end in exact_interval(1, 20)]
    [0.001, 0.249]
    """
    side = 0.5 + level / 2
    return [1 - exact_upper_limit(n - count, n, side), exact_upper_limit(count, n, side)]


def least_mean_share(counts: Doubles, level: float = LEVEL_OF_INTERVALS) -> float:
    """Compute the lower limit of the mean of several shares if every example of each is correct.

    Parameters
    ----------
    counts
        The number of examples of each share, at least 1, shape (k,).
    level
        The confidence of the two-sided interval, in (0, 1).

    Returns
    -------
    float
        The lowest mean of shares with which all examples are correct in at least (1 - level) / 2 of cases.

    Source
    ------
    The interval of Clopper and Pearson, The use of confidence or fiducial limits, 1934, for k = 1. For more shares p_i,
    the mean is minimised under the sum of n_i log p_i >= log((1 - level) / 2); the minimum has p_i = min(1, c n_i).

    Example
    -------
    >>> round(least_mean_share(np.array([40.0])), 3), round(least_mean_share(np.array([20.0, 20.0])), 3)
    (0.912, 0.912)
    """
    ordered = np.sort(counts)
    logs, bound = np.log(ordered), np.log((1 - level) / 2)
    for free in range(1, len(ordered) + 1):
        n = ordered[:free]
        scale = (bound - float((n * logs[:free]).sum())) / float(n.sum())
        if free == len(ordered) or scale + logs[free] >= 0:
            break
    shares = np.ones(len(ordered))
    shares[:free] = np.minimum(1.0, np.exp(scale + logs[:free]))
    return float(shares.mean())


def degenerate_intervals(tally: Tally) -> dict[str, list[float] | None]:
    """Compute exact 95 % intervals of the headline scores in which every recall is 0 or 1.

    Parameters
    ----------
    tally
        The counts of n series.

    Returns
    -------
    dict[str, list[float] | None]
        ``[low, high]`` for ``accuracy``, ``balanced_accuracy`` and ``f1``; None for a score that is neither.
    """
    width, totals = len(tally.task.classes), tally.total()
    score = {name: float(values[0]) for name, values in headline(tally.task, totals).items()}
    hits, true, predicted, known = (totals[0, part * width : (part + 1) * width] for part in range(4))
    present = _series_with(tally, slice(width, 2 * width))
    right, units = hits, present
    if tally.task.multilabel:
        absent = known - true
        right = np.concatenate([hits, absent - (predicted - hits)])
        true = np.concatenate([true, absent])
        units = np.concatenate([present, _series_with(tally, slice(3 * width, 4 * width))])
    occurs = true > 0
    found: dict[str, list[float] | None] = {"accuracy": None, "balanced_accuracy": None, "f1": None}
    n = int(_series_with(tally, slice(-1, None))[0])
    if n and score["accuracy"] in (0.0, 1.0):
        found["accuracy"] = wilson_interval(n if score["accuracy"] else 0, n)
    share = right[occurs] / true[occurs]
    if not occurs.any() or not np.isin(share, (0.0, 1.0)).all():
        return found
    found["balanced_accuracy"] = _mean_of_extremes(share, units[occurs])
    if score["f1"] == 1.0:
        of_score = [tally.task.positive_index] if tally.task.kind == "binary" else np.flatnonzero(present)
        found["f1"] = [least_mean_share(present[of_score]), 1.0]
    return found


def _mean_of_extremes(share: Doubles, units: Doubles) -> list[float]:
    """Compute the interval of the mean of shares that are each 0 or 1."""
    ends, k = [], len(share)
    for side in (1.0, 0.0):
        some = units[share == side]
        lost = (1 - least_mean_share(some)) * len(some) / k if len(some) else 0.0
        ends.append(float(share.mean()) - lost if side else float(share.mean()) + lost)
    return ends


def _series_with(tally: Tally, columns: slice) -> Doubles:
    """Count the series with an example in each of some columns of the tally."""
    counts = (tally.rows[:, list(range(tally.rows.shape[1]))[columns]] > 0).astype(np.float64)
    return np.asarray(counts.T @ tally.times, dtype=np.float64)
