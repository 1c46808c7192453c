"""Whether a probability of 0.8 is right in 80 of 100 cases, and one number that brings it closer: the temperature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError, counted, nearest
from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities, one_vs_rest
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

Strategy = Literal["uniform", "quantile"]
STRATEGIES = ("uniform", "quantile")
HIGHEST = 20.0
"""Temperatures are sought from 1 / 20 to 20."""
FEWEST = 20
"""Known examples below which no temperature is fitted."""


@dataclass(frozen=True, eq=False)
class Temperature:
    """What logits are divided by before they become probabilities: above 1 makes them more cautious.

    Parameters
    ----------
    values
        Above 0, shape (1,) for two or more classes, (labels,) when multi-label.
    notes
        Why a temperature stayed 1, or went to the end of the range, one sentence each.

    Example
    -------
    >>> Temperature(np.array([2.0])).apply([[4.0], [-1.0]]).tolist()
    [[2.0], [-0.5]]
    """

    values: Doubles
    notes: tuple[str, ...] = ()

    def apply(self, logits: ArrayLike) -> Doubles:
        """Divide logits, shape (N, outputs), by the temperature."""
        return np.asarray(logits, dtype=np.float64) / self.values

    def describe(self) -> list[str]:
        """Say the temperature in lines of plain text."""
        return [f"temperature {', '.join(f'{value:.3g}' for value in self.values)}", *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Say the temperature in a form that JSON can hold."""
        return {"values": self.values.tolist(), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Temperature:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else."""
        try:
            values = np.array(content["values"], dtype=np.float64)
            if values.ndim != 1 or not (np.isfinite(values) & (values > 0)).all():
                raise ValueError("temperatures are finite and above 0")
            return cls(values, tuple(map(str, content["notes"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected a temperature, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def to_probabilities(task: Task, logits: ArrayLike) -> Doubles:
    """Turn logits into probabilities.

    Parameters
    ----------
    task
        What is asked.
    logits
        Shape (N, 1) for two classes, of the second, else (N, classes) or (N, labels).

    Returns
    -------
    NDArray[np.float64]
        Shape (N, classes), each row summing to 1, or (N, labels), independent of each other.

    Raises
    ------
    DataError
        If the shape is another one, or a logit is not finite.

    Example
    -------
    >>> to_probabilities(Task(("a", "b")), [[0.0]]).tolist()
    [[0.5, 0.5]]
    """
    numbers = _checked_logits(task, logits)
    if task.kind == "binary":
        probabilities: Doubles = expit(numbers * np.array([-1.0, 1.0]))
    else:
        probabilities = expit(numbers) if task.multilabel else softmax(numbers, axis=1)
    return probabilities


def fit_temperature(task: Task, logits: ArrayLike, codes: ArrayLike) -> Temperature:
    """Find the temperature with the least log loss on validation data.

    The most probable class, and what is answered from 0.5 on, stay the same. Other thresholds and prediction sets
    belong to the probabilities that they were fitted on: fit them after the temperature.

    Parameters
    ----------
    task
        What is asked.
    logits
        Shape (N, 1) for two classes, else (N, classes) or (N, labels).
    codes
        The truth, -1 where it is not known (left out), shape (N,) or (N, labels).

    Returns
    -------
    Temperature
        One for all classes, or one for each label, in [1 / 20, 20]. It is 1, with a note, where fewer than 20 examples
        are known, all are alike, or all are answered rightly (the sharper the better then, without end).

    Raises
    ------
    DataError, LabelError
        If the arrays do not fit the task.

    Source
    ------
    Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2. ``CalibratedClassifierCV`` of scikit-learn
    with ``method="temperature"`` finds the same for classes.

    Example
    -------
    >>> logits = np.array([[3.0], [3.0], [3.0], [-3.0]] * 10)
    >>> codes = np.array([1, 1, 0, 0] * 10)
    >>> found = fit_temperature(Task(("a", "b")), logits, codes)
    >>> round(float(found.values[0]), 3), to_probabilities(Task(("a", "b")), found.apply(logits))[0].round(2).tolist()
    (2.731, [0.25, 0.75])
    """
    numbers = _checked_logits(task, logits)
    truth = checked_codes(task, codes, len(numbers))
    if task.kind == "multiclass":
        fits = [_fit_one(numbers, truth, "")]
    elif task.kind == "binary":
        fits = [_fit_one(_two_columns(numbers[:, 0]), truth, "")]
    else:
        columns = zip(task.classes, numbers.T, truth.T, strict=True)
        fits = [_fit_one(_two_columns(one), told, f" of {str(label)!r}") for label, one, told in columns]
    return Temperature(np.array([value for value, _ in fits]), tuple(note for _, note in fits if note))


def reliability(
    task: Task, probabilities: ArrayLike, codes: ArrayLike, bins: int = 15, strategy: Strategy = "uniform"
) -> dict[str, Any]:
    """Compare how probable answers were thought with how often they were right.

    Parameters
    ----------
    task
        What is asked.
    probabilities
        Shape (N, classes) or (N, labels), in [0, 1].
    codes
        The truth, -1 where it is not known (left out), shape (N,) or (N, labels).
    bins
        Into how many ranges of probability, 2 to 1000.
    strategy
        ``"uniform"`` makes ranges of the same width, ``"quantile"`` of about as many examples.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON:

        - ``n``: examples with a known truth; ``bins``, ``strategy``;
        - ``expected_calibration_error``: of the probability of the answered class; when multi-label the mean over the
          labels of which something is known; in [0, 1], the lower the better;
        - ``brier``: mean squared distance to the truth, in [0, 1] for two classes (of the positive one) and for labels
          (their mean), in [0, 2] for more classes (their sum);
        - ``per_class``: by name ``n``, ``expected_calibration_error``, ``brier`` and ``curve``, a point for each range
          that is not empty: ``predicted`` (mean probability), ``observed`` (share in which it was true), ``count``.
          The two scores are None where nothing is known of a label.

    Raises
    ------
    ParameterError
        If the number of bins or the strategy is none of these.
    LabelError
        If no truth is known, or the codes do not fit the task.
    DataError
        If the probabilities do not fit the task.

    Source
    ------
    Guo et al., 2017, equations 2, 3 and 5. The ranges are those of ``sklearn.calibration.calibration_curve``, the
    Brier score is that of ``sklearn.metrics.brier_score_loss``.

    Example
    -------
    >>> found = reliability(Task(("a", "b")), [[0.2, 0.8]] * 4, [1, 1, 1, 0], bins=10)
    >>> round(found["expected_calibration_error"], 3), found["per_class"]["b"]["curve"]
    (0.05, [{'predicted': 0.8, 'observed': 0.75, 'count': 4}])
    """
    _check_bins(bins, strategy)
    chances = checked_probabilities(task, probabilities)
    truth = checked_codes(task, codes, len(chances))
    known = truth != UNKNOWN
    n = int(known.any(axis=1).sum()) if task.multilabel else int(known.sum())
    if not n:
        raise LabelError("expected at least one known label to compare probabilities with, got none; give labels")
    per_class = {}
    for place, name in enumerate(task.classes):
        present, chance = one_vs_rest(task, place, chances, truth)
        per_class[str(name)] = _one_curve(present, chance, bins, strategy)
    sides = [one for one in per_class.values() if one["n"]]
    brier = float(np.mean([one["brier"] for one in sides]))
    if task.multilabel:
        error = float(np.mean([one["expected_calibration_error"] for one in sides]))
    else:
        rows = chances[known]
        right = rows.argmax(axis=1) == truth[known]
        error = _one_curve(right, rows.max(axis=1), bins, strategy)["expected_calibration_error"]
        brier = brier if task.kind == "binary" else brier * len(sides)
    return {
        "n": n,
        "bins": bins,
        "strategy": strategy,
        "expected_calibration_error": error,
        "brier": brier,
        "per_class": per_class,
    }


def compare_calibration(
    task: Task,
    logits: ArrayLike,
    codes: ArrayLike,
    temperature: Temperature,
    bins: int = 15,
    strategy: Strategy = "uniform",
) -> dict[str, Any]:
    """Say how reliable probabilities are before and after the temperature, on data that it was not fitted on.

    Parameters
    ----------
    task, logits, codes
        As for ``fit_temperature``, of other data.
    temperature
        As fitted.
    bins, strategy
        As for ``reliability``.

    Returns
    -------
    dict[str, Any]
        ``temperature`` as its ``to_json``, and ``before`` and ``after``, each as from ``reliability`` with ``log_loss``
        (mean over all known labels) added.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``reliability``.

    Example
    -------
    >>> logits, codes = [[3.0], [3.0], [3.0], [-3.0]], [1, 1, 0, 0]
    >>> found = compare_calibration(Task(("a", "b")), logits, codes, Temperature(np.array([2.7])))
    >>> [round(found[name]["log_loss"], 3) for name in ("before", "after")]
    [0.799, 0.562]
    """
    numbers = _checked_logits(task, logits)
    truth = checked_codes(task, codes, len(numbers))
    found: dict[str, Any] = {"temperature": temperature.to_json()}
    for name, scaled in (("before", numbers), ("after", temperature.apply(numbers))):
        scores = reliability(task, to_probabilities(task, scaled), truth, bins, strategy)
        found[name] = {**scores, "log_loss": _log_loss(task, scaled, truth)}
    return found


def before_and_after(calibration: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give what ``compare_calibration`` found by its name for people: as trained, and calibrated if that changed it.

    Example
    -------
    >>> list(before_and_after({"before": {"log_loss": 0.2}, "after": {"log_loss": 0.2}}))
    ['as trained']
    """
    before, after = calibration["before"], calibration["after"]
    return {"as trained": before} if before == after else {"as trained": before, "calibrated": after}


def _checked_logits(task: Task, logits: ArrayLike) -> Doubles:
    array = np.asarray(logits, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != task.outputs:
        raise DataError(
            f"expected logits of shape (N, {task.outputs}) for a {task.kind} task, got {array.shape}; give what the "
            "network gives"
        )
    if not np.isfinite(array).all():
        raise DataError("expected finite logits, got NaN or infinity; look for what made the network diverge")
    return array


def _two_columns(logits: Doubles) -> Doubles:
    """Give one logit as those of two classes, of which the first has 0."""
    return np.stack([np.zeros_like(logits), logits], axis=1)


def _ahead(logits: Doubles, codes: Codes) -> Doubles:
    """Say how far each class is ahead of the true one, shape (known, classes)."""
    known = codes != UNKNOWN
    kept = logits if known.all() else logits[known]
    return kept - np.take_along_axis(kept, codes[known][:, None], axis=1)


def _fit_one(logits: Doubles, codes: Codes, whose: str) -> tuple[float, str]:
    """Find one temperature over classes, and what there is to say of it."""
    ahead = _ahead(logits, codes)
    classes = np.unique(codes[codes != UNKNOWN])
    stays = f"the temperature{whose} stays 1: "
    if len(ahead) < FEWEST:
        return 1.0, f"{stays}{counted(len(ahead), 'known example')}, and {FEWEST} are needed"
    if len(classes) < 2:
        return 1.0, f"{stays}all {len(ahead)} known examples are alike"
    highest = ahead.max(axis=1)
    if not highest.any():
        return 1.0, f"{stays}all {len(ahead)} known examples are answered rightly, so none limits how sure to be"
    ahead -= highest[:, None]
    mean, room = float(highest.mean()), np.empty_like(ahead)

    def loss(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)
        np.multiply(ahead, sharpness, out=room)
        np.exp(room, out=room)
        return float(np.log(room.sum(axis=1)).mean() + mean * sharpness)

    end = float(np.log(HIGHEST))
    found = float(minimize_scalar(loss, bounds=(-end, end), method="bounded", options={"xatol": 1e-6}).x)
    at_end = end - abs(found) < 1e-3
    note = f"the temperature{whose} is at the end of the range from {1 / HIGHEST:g} to {HIGHEST:g}" if at_end else ""
    return float(np.exp(found)), note


def _log_loss(task: Task, logits: Doubles, codes: Codes) -> float:
    """Give the mean log loss over all known labels."""
    if task.kind != "multiclass":
        signed = np.where(codes == 1, logits.reshape(codes.shape), -logits.reshape(codes.shape))
        return float(np.logaddexp(0, -signed[codes != UNKNOWN]).mean())
    ahead = _ahead(logits, codes)
    highest = ahead.max(axis=1)
    return float((np.log(np.exp(ahead - highest[:, None]).sum(axis=1)) + highest).mean())


def _check_bins(bins: int, strategy: str) -> None:
    if strategy not in STRATEGIES:
        raise ParameterError(f"expected strategy uniform or quantile, got {strategy!r}{nearest(strategy, STRATEGIES)}")
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or not 2 <= bins <= 1000:
        raise ParameterError(f"expected 2 to 1000 bins, got {bins!r}; use for example 15")


def _one_curve(present: NDArray[np.bool_], chance: Doubles, bins: int, strategy: str) -> dict[str, Any]:
    """Give the curve of one probability, and the two scores that follow from it."""
    n = len(chance)
    if not n:
        return {"n": 0, "expected_calibration_error": None, "brier": None, "curve": []}
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    edges = shares if strategy == "uniform" else np.quantile(chance, shares)
    places = np.searchsorted(edges, chance)  # an edge belongs to the range below it
    counts = np.bincount(places, minlength=bins)
    predicted, observed = np.bincount(places, chance, bins), np.bincount(places, present, bins)
    filled = counts.nonzero()[0]
    points = zip(predicted[filled] / counts[filled], observed[filled] / counts[filled], counts[filled], strict=True)
    return {
        "n": n,
        "expected_calibration_error": float(np.abs(predicted - observed).sum() / n),
        "brier": float(np.mean((chance - present) ** 2)),
        "curve": [{"predicted": float(mean), "observed": float(share), "count": int(k)} for mean, share, k in points],
    }
