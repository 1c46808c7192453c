"""Abstention: answer only if the prediction is certain enough, at an error or a coverage chosen on held-out series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ModelFolderError
from limelight.evaluation.decision.decision_rule import checked_goal
from limelight.evaluation.metrics.exact_intervals import wilson_interval
from limelight.model.prediction import Prediction
from limelight.task import UNKNOWN
from limelight.types import Codes, Doubles, Flags

CURVE_POINTS = 101
BEYOND = 1.25
"""Series this much further from training than the furthest calibration series are not answered."""


@dataclass(frozen=True)
class Abstention:
    """The least probability, and the highest novelty, at which a model answers.

    Parameters
    ----------
    goal, value
        The goal: ``"error"``, the highest share of wrong answers, or ``"coverage"``, the share of series to
        answer, in (0, 1).
    least_probability
        Of the predicted class; above 1 if no series may be answered.
    most_novelty
        As in ``Prediction.novelty``: series further from training are not answered; None for a model without this
        score.
    coverage, error
        The share of held-out series answered, and the share of these answers that are wrong; None without answers.

    Example
    -------
    >>> rule = fit_abstention({"coverage": 0.5}, np.array([0.6, 0.7, 0.8, 0.9]), np.array([False, True, True, True]))
    >>> rule.least_probability, rule.coverage, rule.error
    (0.8, 0.5, 0.0)
    """

    goal: str
    value: float
    least_probability: float
    most_novelty: float | None = None
    coverage: float = 0.0
    error: float | None = None

    def abstains(self, prediction: Prediction) -> Flags:
        """Return which series are not answered, shape (n,)."""
        unsure: Flags = prediction.probabilities.max(axis=1) < self.least_probability
        if prediction.novelty is not None and self.most_novelty is not None:
            unsure = unsure | (prediction.novelty > self.most_novelty)
        return unsure

    def describe(self) -> list[str]:
        """Describe the rule in lines of plain text."""
        what = "an error of at most" if self.goal == "error" else "a coverage of"
        if self.error is None:
            return [f"abstains always: no probability reaches {what} {self.value:g} on held-out series"]
        return [
            f"abstains below a probability of {self.least_probability:.3g}, for {what} {self.value:g}: answers "
            f"{100 * self.coverage:.1f} % of the held-out series, of which {100 * self.error:.1f} % are wrong"
        ]

    def score(self, prediction: Prediction, codes: Codes) -> dict[str, Any]:
        """Measure the rule on labelled series.

        Parameters
        ----------
        prediction, codes
            Predictions and true codes of n series, -1 if unknown (ignored).

        Returns
        -------
        dict[str, Any]
            ``goal``, ``value`` and ``least_probability``; ``n`` known series; ``coverage``, the share answered;
            ``error``, the share of the answers that are wrong, with its 95 % ``interval``, None without answers;
            ``error_of_all``; and ``curve``, the error of the most certain series as a function of their share.
        """
        known = codes != UNKNOWN
        answered = ~self.abstains(prediction)[known]
        wrong = (prediction.task.decide(prediction.probabilities, prediction.thresholds) != codes)[known]
        count, failures = int(answered.sum()), int(wrong[answered].sum())
        return {
            "goal": self.goal,
            "value": self.value,
            "least_probability": self.least_probability,
            "n": int(known.sum()),
            "coverage": float(answered.mean()) if len(answered) else None,
            "error": failures / count if count else None,
            "interval": wilson_interval(failures, count) if count else None,
            "error_of_all": float(wrong.mean()) if len(wrong) else None,
            "curve": risk_coverage(prediction.probabilities.max(axis=1)[known], ~wrong),
        }

    def to_json(self) -> dict[str, Any]:
        """Convert the rule to JSON types."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, content: Any) -> Abstention:
        """Restore a rule from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            novelty, error = content["most_novelty"], content["error"]
            return cls(
                str(content["goal"]),
                float(content["value"]),
                float(content["least_probability"]),
                None if novelty is None else float(novelty),
                float(content["coverage"]),
                None if error is None else float(error),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise ModelFolderError(
                f"expected a rule for abstention, got {str(content)[:80]!r}; the model is damaged or from a newer "
                "limelight"
            ) from problem


def fit_abstention(
    rule: Mapping[str, float], confidence: Doubles, correct: NDArray[np.bool_], furthest: float | None = None
) -> Abstention:
    """Choose the least probability at which a model answers.

    Parameters
    ----------
    rule
        ``{"error": e}`` or ``{"coverage": c}``.
    confidence, correct
        The probability of the predicted class of held-out series, and whether it is correct, shape (n,).
    furthest
        The novelty of the calibration series that is furthest from training; None for a model without this score.

    Returns
    -------
    Abstention
        For an error, the one that answers most series such that one more wrong answer would still keep the error.

    Source
    ------
    Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, 2017. The additional error is that of
    conformal risk control: Angelopoulos et al., 2022.
    """
    goal, value = checked_goal(rule)
    most_novelty = None if furthest is None else BEYOND * furthest
    order = np.argsort(-confidence, kind="stable")
    falling, n = confidence[order], len(confidence)
    counts = np.arange(1, n + 1)
    last_of_ties = np.append(falling[1:] < falling[:-1], True) if n else np.zeros(0, dtype=bool)
    wrong = np.cumsum(~correct[order])
    if goal == "error":
        possible = np.flatnonzero(last_of_ties & ((wrong + 1) / (counts + 1) <= value))
        answered = int(counts[possible[-1]]) if len(possible) else 0
    else:
        possible = np.flatnonzero(last_of_ties & (counts >= value * n))
        answered = int(counts[possible[0]]) if len(possible) else 0
    if not answered:
        return Abstention(goal, value, 2.0, most_novelty)
    share = float(wrong[answered - 1] / answered)
    return Abstention(goal, value, float(falling[answered - 1]), most_novelty, answered / n, share)


def risk_coverage(confidence: Doubles, correct: NDArray[np.bool_]) -> list[list[float]]:
    """Compute the share of wrong answers among the most certain series, for up to 101 shares of series.

    Example
    -------
    >>> risk_coverage(np.array([0.9, 0.6, 0.8, 0.7]), np.array([True, False, True, True]))
    [[0.25, 0.0], [0.5, 0.0], [0.75, 0.0], [1.0, 0.25]]
    """
    n = len(confidence)
    if not n:
        return []
    risk = np.cumsum(~correct[np.argsort(-confidence, kind="stable")]) / np.arange(1, n + 1)
    places = np.unique(np.linspace(0, n - 1, min(n, CURVE_POINTS)).round().astype(int))
    return [[float((place + 1) / n), float(risk[place])] for place in places]
