"""Monitor: estimate the accuracy of a model on series without labels, and find what has drifted since training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError, listing, nearest
from limelight.evaluation.decision.held_out import CONFIDENCE_SHARES, HeldOut, confidence_of
from limelight.evaluation.monitoring.drift import Drift, compare_with_quantiles, find_drift
from limelight.model.fitted import FittedModel, Prediction
from limelight.task import Task
from limelight.types import Doubles, Flags

CERTAIN_DRIFT = 0.01
"""A drift is reported if chance would show one like it, among all tests, in less than 1 % of cases."""
LOST_BY_NOVELTY, LOST_OUTSIDE = 1.0, 1.0
"""How much the log odds of a correct prediction fall for each doubling of the novelty beyond 1.25, and for a series
whose values, length or clock are outside the training data.

Chosen on made shifts of held-out training series; ``docs/background/decisions.md`` has the numbers."""
NOVEL = 1.25
"""Series with a novelty up to this count as those in training."""
MONITOR_LIMITS = ("least_accuracy", "most_drop", "most_outside")
MOST_PRINTED_DRIFTS = 10


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What is known about new series without labels.

    Parameters
    ----------
    series
        Their number.
    accuracy
        The estimated share of correct predictions, in [0, 1]; if multi-label, of single labels.
    interval
        Its 95 % interval from the number of series; it does not cover what the estimate cannot see.
    held_out
        The accuracy on the series that the model was calibrated on.
    confidence, held_out_confidence
        The mean probability of what is predicted, now and on those series.
    outside
        The share of series outside the training data, as ``FittedModel.check``; None without a profile.
    outside_lines
        What is outside, in lines of plain text.
    novelty
        The median of ``Prediction.novelty``, and the share above 1; None without the score.
    drifts
        All tests, the most certain first.
    limits
        The limits that were stated, by name.
    passed
        One sentence for each limit that is passed.
    """

    series: int
    accuracy: float
    interval: tuple[float, float]
    held_out: float
    confidence: float
    held_out_confidence: float
    outside: float | None
    outside_lines: tuple[str, ...]
    novelty: tuple[float, float] | None
    drifts: tuple[Drift, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    passed: tuple[str, ...] = ()

    @property
    def drifted(self) -> list[Drift]:
        """The drifts that chance does not explain."""
        return [one for one in self.drifts if one.p < CERTAIN_DRIFT]

    def lines(self) -> list[str]:
        """Describe the result in lines of plain text."""
        low, high = self.interval
        lines = [
            f"estimated accuracy without labels: {self.accuracy:.3f} ({low:.3f} to {high:.3f}); on held-out series it "
            f"was {self.held_out:.3f}",
            *self.outside_lines,
        ]
        if self.novelty is not None:
            lines.append(
                f"novelty: median {self.novelty[0]:.2f}; {100 * self.novelty[1]:.0f} % of the series are further from "
                "training than 95 % of the training series"
            )
        found = self.drifted
        lines.append(f"drift: {len(found)} of {len(self.drifts)} tests" + (", most of all:" if found else ""))
        lines += [f"  {describe_drift(one)}" for one in found[:MOST_PRINTED_DRIFTS]]
        return [*lines, *(f"limit passed: {sentence}" for sentence in self.passed)]

    def to_json(self) -> dict[str, Any]:
        """Convert the result to JSON types."""
        return {
            "series": self.series,
            "accuracy": {"estimate": self.accuracy, "interval": list(self.interval), "held_out": self.held_out},
            "confidence": {"mean": self.confidence, "held_out": self.held_out_confidence},
            "outside_training": {"share": self.outside, "findings": list(self.outside_lines)},
            "novelty": None if self.novelty is None else {"median": self.novelty[0], "above_1": self.novelty[1]},
            "drift": [{**one.to_json(), "drifted": one.p < CERTAIN_DRIFT} for one in self.drifts],
            "limits": dict(self.limits),
            "passed": list(self.passed),
        }


def describe_drift(drift: Drift) -> str:
    """Describe a drift in one line of plain text, each word once.

    Example
    -------
    >>> describe_drift(Drift("confidence", "confidence", "confidence", 0.25, 0.001, 0.9, 0.8))
    'confidence, 0.9 -> 0.8 (distance 0.25, p = 0.001)'
    """
    numbers = "" if drift.before is None or drift.now is None else f", {drift.before:.3g} -> {drift.now:.3g}"
    what = drift.what if drift.what == drift.name else f"{drift.name}: {drift.what}"
    what = what if drift.kind == drift.name else f"{drift.kind} {what}"
    return f"{what}{numbers} (distance {drift.distance:.2f}, p = {drift.p:.1g})"


def monitor_model(model: FittedModel, panel: Panel, limits: Mapping[str, float] | None = None) -> Monitoring:
    """Estimate the accuracy on series without labels, and test what has drifted since training.

    Parameters
    ----------
    model
        A model that was calibrated on held-out series.
    panel
        The new series, at least one.
    limits
        ``"least_accuracy"``, the lowest estimated accuracy; ``"most_drop"``, the highest drop of it below that on
        held-out series; ``"most_outside"``, the highest share of series outside the training data; each in [0, 1].

    Returns
    -------
    Monitoring
        With a sentence for each limit that is passed.

    Raises
    ------
    ParameterError
        If the model has no training profile or was not calibrated on held-out series, or a limit is unknown or out of
        range.
    DataError
        If there are no series, or they do not fit the model.

    Source
    ------
    Without a shift, the mean confidence of a calibrated model estimates its accuracy; how confidence and accuracy
    differed on held-out series is added: Guillory et al., Predicting with Confidence on Unseen Distributions, 2021.
    """
    stated = _checked_limits(limits or {})
    found = model.decision.provenance.get("held_out")
    if model.training_profile is None or found is None:
        raise ParameterError(
            "expected a model with a training profile that was calibrated on held-out series, got one without; train "
            "it again, with more series or a larger validation split"
        )
    if not len(panel):
        raise DataError("expected at least one series to monitor, got none")
    held_out, profile = HeldOut.from_json(found), model.training_profile
    panel = model.with_channels(panel)
    prediction, outside = model.predict(panel), model.check(panel)
    assert outside is not None
    sure, _ = confidence_of(model.task, prediction.probabilities, prediction.thresholds)
    unlike = np.zeros(len(panel), dtype=bool)
    for one in outside.findings:
        unlike[one.rows] |= one.kind != "metadata"
    chances = chance_of_correct(model.task, sure, prediction, unlike, held_out.confidence)
    correct = np.clip(chances + held_out.accuracy - held_out.confidence, 0, 1)
    accuracy = float(correct.mean())
    drifts = find_drift(profile, panel, [_drift_of_confidence(held_out, sure, len(panel))])
    novelty = None
    if prediction.novelty is not None:
        novelty = (float(np.median(prediction.novelty)), float((prediction.novelty > 1).mean()))
    share = len(outside.rows) / len(panel)
    return Monitoring(
        series=len(panel),
        accuracy=accuracy,
        interval=_interval(accuracy, held_out, len(panel)),
        held_out=held_out.accuracy,
        confidence=float(sure.mean()),
        held_out_confidence=held_out.confidence,
        outside=share,
        outside_lines=tuple(outside.lines()),
        novelty=novelty,
        drifts=tuple(drifts),
        limits=stated,
        passed=tuple(_passed(stated, accuracy, held_out.accuracy, share)),
    )


def chance_of_correct(task: Task, sure: Doubles, prediction: Prediction, unlike: Flags, usual: float) -> Doubles:
    """Estimate the probability that each prediction is correct.

    Parameters
    ----------
    task
        The classes or labels.
    sure
        The calibrated probability of what is predicted, shape (N,) or (N, labels).
    prediction
        The predictions of n series, whose novelty lowers the probability, down to that of guessing.
    unlike
        Which series are outside the training data, shape (n,), which lowers it too.
    usual
        The mean of ``sure`` on held-out series: nothing above it is believed for novel series or series outside.

    Returns
    -------
    NDArray[np.float64]
        Of the shape of ``sure``, in [0, 1].

    Example
    -------
    >>> def chance(novelty, outside):
    ...     prediction = Prediction(np.array(["a"]), Task(("a", "b")), np.zeros((1, 1)), novelty=np.array([novelty]))
    ...     found = chance_of_correct(prediction.task, np.array([0.9]), prediction, np.array([outside]), 0.8)
    ...     return round(float(found[0]), 2)
    >>> chance(1.0, False), chance(1.0, True), chance(16.0, True)
    (0.9, 0.6, 0.5)
    """
    lost = LOST_OUTSIDE * unlike
    if prediction.novelty is not None:
        lost = lost + LOST_BY_NOVELTY * np.log2(np.maximum(1.0, prediction.novelty / NOVEL))
    if prediction.lengths is not None:
        lost = np.repeat(lost, prediction.lengths)
    lost = lost[:, None] if sure.ndim == 2 else lost
    floor = 0.5 if task.multilabel else 1 / len(task.classes)
    lowered = expit(logit(np.clip(np.minimum(sure, usual), 1e-6, 1 - 1e-6)) - lost)
    chances: Doubles = np.where(lost > 0, np.minimum(sure, np.maximum(lowered, floor)), sure)
    return chances


def _drift_of_confidence(held_out: HeldOut, sure: Doubles, series: int) -> Drift:
    """Test the confidence; steps and labels of a series count as one, since they depend on each other."""
    flat = sure.reshape(-1)
    some = np.quantile(flat, np.linspace(0, 1, series)) if len(flat) > series else flat
    distance, p = compare_with_quantiles(some, held_out.quantiles, held_out.series)
    before, now = float(held_out.quantiles[len(CONFIDENCE_SHARES) // 2]), float(np.median(flat))
    return Drift("confidence", "confidence", "confidence", distance, p, before, now)


def _interval(accuracy: float, held_out: HeldOut, series: int) -> tuple[float, float]:
    """Compute the 95 % interval from the numbers of new series and of calibration series."""
    variance = accuracy * (1 - accuracy) / series + held_out.accuracy * (1 - held_out.accuracy) / held_out.series
    half = float(norm.ppf(0.975) * np.sqrt(variance + 1 / (4 * min(series, held_out.series) ** 2)))
    return max(0.0, accuracy - half), min(1.0, accuracy + half)


def _checked_limits(limits: Mapping[str, float]) -> dict[str, float]:
    for name, value in limits.items():
        if name not in MONITOR_LIMITS:
            raise ParameterError(
                f"expected the limits {listing(MONITOR_LIMITS)}, got {name!r}{nearest(name, MONITOR_LIMITS)}"
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ParameterError(f"expected {name} from 0 to 1, got {value!r}; use for example 0.8")
    return dict(limits)


def _passed(limits: Mapping[str, float], accuracy: float, held_out: float, outside: float) -> list[str]:
    found = {
        "least_accuracy": (
            accuracy < limits.get("least_accuracy", 0.0),
            f"the estimated accuracy is {accuracy:.3f}, below",
        ),
        "most_drop": (
            held_out - accuracy > limits.get("most_drop", 1.0),
            f"the estimated accuracy is {held_out - accuracy:.3f} below that on held-out series, more than",
        ),
        "most_outside": (
            outside > limits.get("most_outside", 1.0),
            f"the share of series outside the training data is {outside:.3f}, above",
        ),
    }
    return [f"{text} {limits[name]:g}" for name, (beyond, text) in found.items() if name in limits and beyond]
