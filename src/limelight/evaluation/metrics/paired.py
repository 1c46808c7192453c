"""The difference in score between two models on the same folds, with a corrected t interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t

MORE, WITHIN, WORSE, TOO_FEW_FOLDS = "more than the spread", "within the spread", "worse", "too few folds to say"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """The improvement of one model over another.

    Parameters
    ----------
    mean
        Mean of the differences over the folds; above 0 is better.
    deviation
        Standard deviation of the differences, with n - 1; None for one fold.
    low, high
        Ends of the 95 % confidence interval of the mean; None for one fold.
    """

    mean: float
    deviation: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the interval lies above 0 ("more than the spread"), below 0 ("worse") or contains 0."""
        if self.low is None or self.high is None:
            return TOO_FEW_FOLDS
        return MORE if self.low > 0 else WORSE if self.high < 0 else WITHIN


def paired_gain(scores: ArrayLike, base: ArrayLike, held_out_share: float, *, lower_is_better: bool = False) -> Gain:
    """Compare two models that were trained and scored on the same folds.

    The training sets of folds overlap, so the differences are not independent and the plain t interval is too narrow.
    The correction adds the ratio of held-out to training series to the variance of the mean.

    Parameters
    ----------
    scores, base
        Scores of the two models, fold by fold, shape (folds,) each; if one model has more folds, they are ignored.
    held_out_share
        Held-out series per training series, such as 0.25 for 5 folds.
    lower_is_better
        Whether a lower score is an improvement, as for a loss.

    Returns
    -------
    Gain
        The improvement of the first model over the second.

    Source
    ------
    Nadeau and Bengio, Inference for the Generalization Error, 2003 (the corrected resampled t test). Bouckaert and
    Frank, Evaluating the Replicability of Significance Tests, 2004, for repeated folds.

    Example
    -------
    >>> gain = paired_gain([0.9, 0.8, 0.9, 0.8], [0.7, 0.7, 0.6, 0.6], 1 / 3)
    >>> f"{gain.mean:.2f} ({gain.low:.2f} to {gain.high:.2f}), {gain.verdict}"
    '0.20 (0.00 to 0.40), more than the spread'
    """
    differences = np.array([one - other for one, other in zip(np.asarray(scores), np.asarray(base), strict=False)])
    differences = -differences if lower_is_better else differences
    folds, mean = len(differences), float(differences.mean())
    if folds < 2:
        return Gain(mean)
    deviation = float(differences.std(ddof=1))
    half = float(t.ppf((1 + CONFIDENCE) / 2, folds - 1)) * deviation * float(np.sqrt(1 / folds + held_out_share))
    return Gain(mean, deviation, mean - half, mean + half)
