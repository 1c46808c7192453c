"""Calibration: reliability of predicted probabilities, and temperature scaling to improve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from limelight.errors import DataError, LabelError, ModelFolderError, ParameterError, counted, nearest
from limelight.evaluation.metrics.arrays import checked_codes, checked_probabilities, one_vs_rest
from limelight.model.decision import Mixing
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

Strategy = Literal["uniform", "quantile"]
STRATEGIES = ("uniform", "quantile")
HIGHEST = 20.0
"""The search range of temperatures is 1 / 20 to 20."""
FEWEST = 20
"""The fewest known examples to fit a temperature on."""


@dataclass(frozen=True, eq=False)
class Temperature:
    """A divisor of the logits; a temperature above 1 makes probabilities less extreme.

    Parameters
    ----------
    values
        Above 0, shape (1,) if binary or multi-class, (labels,) if multi-label.
    notes
        Why a temperature was left at 1, or ended at a bound of the search range, one sentence each.

    Example
    -------
    >>> Temperature(np.array([2.0])).apply([[4.0], [-1.0]]).tolist()
    [[2.0], [-0.5]]
    """

    values: Doubles
    notes: tuple[str, ...] = ()

    def apply(self, logits: ArrayLike) -> Doubles:
        """Scale logits, shape (N, outputs), by dividing them by the temperature."""
        return np.asarray(logits, dtype=np.float64) / self.values

    def describe(self) -> list[str]:
        """Describe the temperature and its notes, in lines of plain text."""
        return [f"temperature: {', '.join(f'{value:.3g}' for value in self.values)}", *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Convert the temperature to plain values for JSON."""
        return {"values": self.values.tolist(), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Temperature:
        """Restore a temperature from ``to_json``; ModelFolderError if the content is not valid."""
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
    """Convert logits to probabilities.

    Parameters
    ----------
    task
        The classes or labels.
    logits
        Shape (N, 1) for the second class if binary, else (N, classes) or (N, labels).

    Returns
    -------
    NDArray[np.float64]
        Shape (N, classes), each row summing to 1; or, if multi-label, (N, labels), independent of each other.

    Raises
    ------
    DataError
        If the shape is wrong, or a logit is not finite.

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


def fit_mixing(task: Task, codes: ArrayLike, units: int) -> Mixing:
    """Fit the mixture with class shares that bounds the certainty of predictions by the number of calibration series.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes of the calibration series, -1 if unknown (ignored), shape (N,) or (N, labels).
    units
        The number of independent series, or of groups of them, n.

    Returns
    -------
    Mixing
        With the weight 1 / (n + 2). To each class one example is added, so that no share is 0.

    Example
    -------
    >>> mixing = fit_mixing(Task(("a", "b")), [0, 0, 1], 98)
    >>> mixing.weight, mixing.shares.tolist()
    (0.01, [0.6, 0.4])
    """
    truth = np.asarray(codes)
    if task.multilabel:
        known = (truth != UNKNOWN).sum(axis=0)
        shares = ((truth == 1).sum(axis=0) + 1) / (known + 2)
    else:
        counts = np.bincount(truth[truth != UNKNOWN], minlength=len(task.classes)) + 1
        shares = counts / counts.sum()
    return Mixing(1 / (units + 2), shares)


def fit_temperature(
    task: Task,
    logits: ArrayLike,
    codes: ArrayLike,
    *,
    mixing: Mixing | None = None,
    units: int | None = None,
    prior: float = 0.0,
) -> Temperature:
    """Fit the temperature that minimises the log loss on held-out data.

    Scaling by a temperature changes neither the most probable class nor the labels predicted at a threshold of 0.5.
    Other thresholds and prediction sets depend on the scale of the probabilities, so fit them after the temperature.

    Parameters
    ----------
    task
        The classes or labels.
    logits
        Shape (N, 1) if binary, else (N, classes) or (N, labels).
    codes
        The true codes, -1 if unknown (ignored), shape (N,) or (N, labels).
    mixing
        What the probabilities will be mixed with, which the log loss then takes into account.
    units
        The number of independent series or groups that the examples come from; None if all are independent.
    prior
        Precision of a normal prior on the logarithm of the temperature, with mean 0: few examples then change little;
        0 is no prior.

    Returns
    -------
    Temperature
        One for all classes, or one per label, in [1 / 20, 20]. It is 1, with a note, if all known examples are of one
        class; and without a prior also if fewer than 20 examples are known, or if all are predicted correctly, as the
        log loss then has no minimum.

    Raises
    ------
    DataError, LabelError
        If the arrays do not match the task.

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
    shares = np.zeros(len(task.classes)) if mixing is None else mixing.weight * mixing.shares
    kept = 1.0 if mixing is None else 1 - mixing.weight
    weight = 1.0 if units is None else units / max(1, len(numbers))
    if not task.multilabel:
        columns = numbers if task.kind == "multiclass" else _two_columns(numbers[:, 0])
        fits = [_fit_one(columns, truth, "", _Penalty(kept, shares, weight, prior))]
    else:
        pairs = np.stack([1 - kept - shares, shares], axis=1)
        fits = [
            _fit_one(_two_columns(column), true, f" of {str(label)!r}", _Penalty(kept, pair, weight, prior))
            for label, column, true, pair in zip(task.classes, numbers.T, truth.T, pairs, strict=True)
        ]
    return Temperature(np.array([value for value, _ in fits]), tuple(note for _, note in fits if note))


def reliability(
    task: Task, probabilities: ArrayLike, codes: ArrayLike, bins: int = 15, strategy: Strategy = "uniform"
) -> dict[str, Any]:
    """Measure calibration: compare predicted probabilities with observed frequencies.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        Shape (N, classes) or (N, labels), in [0, 1].
    codes
        The true codes, -1 if unknown (ignored), shape (N,) or (N, labels).
    bins
        The number of bins of probability, 2 to 1000.
    strategy
        ``"uniform"`` for bins of equal width, ``"quantile"`` for bins with about equally many examples.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON:

        - ``n``: the number of examples with a known label; ``bins``, ``strategy``;
        - ``expected_calibration_error``: for the probability of the predicted class; if multi-label, the mean over the
          labels that are known for some example; in [0, 1], lower is better;
        - ``brier``: mean squared error of the probabilities, in [0, 1] if binary (of the positive class) or
          multi-label (mean over labels), in [0, 2] if multi-class (sum over classes);
        - ``per_class``: by name ``n``, ``expected_calibration_error``, ``brier`` and ``curve``, with a point for each
          bin that is not empty: ``predicted`` (mean probability), ``observed`` (relative frequency), ``count``. The
          two scores are None for a label that is known nowhere.

    Raises
    ------
    ParameterError
        If ``bins`` is out of range or ``strategy`` is unknown.
    LabelError
        If no label is known, or the codes do not match the task.
    DataError
        If the probabilities do not match the task.

    Source
    ------
    Guo et al., 2017, equations 2, 3 and 5. The bins are those of ``sklearn.calibration.calibration_curve``, the
    Brier score is that of ``sklearn.metrics.brier_score_loss``.

    Example
    -------
    >>> found = reliability(Task(("a", "b")), [[0.2, 0.8]] * 4, [1, 1, 1, 0], bins=10)
    >>> round(found["expected_calibration_error"], 3), found["per_class"]["b"]["curve"]
    (0.05, [{'predicted': 0.8, 'observed': 0.75, 'count': 4}])
    """
    _check_bins(bins, strategy)
    predicted = checked_probabilities(task, probabilities)
    true_codes = checked_codes(task, codes, len(predicted))
    known = true_codes != UNKNOWN
    n = int(known.any(axis=1).sum()) if task.multilabel else int(known.sum())
    if not n:
        raise LabelError("expected at least one known label to compare probabilities with, got none; pass labels")
    per_class = {}
    for index, name in enumerate(task.classes):
        truth, probability = one_vs_rest(task, index, predicted, true_codes)
        per_class[str(name)] = _reliability_curve(truth, probability, bins, strategy)
    scored = [one for one in per_class.values() if one["n"]]
    brier = float(np.mean([one["brier"] for one in scored]))
    if task.multilabel:
        error = float(np.mean([one["expected_calibration_error"] for one in scored]))
    else:
        rows = predicted[known]
        correct = rows.argmax(axis=1) == true_codes[known]
        error = _reliability_curve(correct, rows.max(axis=1), bins, strategy)["expected_calibration_error"]
        brier = brier if task.kind == "binary" else brier * len(scored)
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
    mixing: Mixing | None = None,
    bins: int = 15,
    strategy: Strategy = "uniform",
) -> dict[str, Any]:
    """Compare calibration before and after temperature and mixing, on data that they were not fitted on.

    Parameters
    ----------
    task, logits, codes
        As for ``fit_temperature``, but of data that the temperature was not fitted on.
    temperature, mixing
        As fitted.
    bins, strategy
        As for ``reliability``.

    Returns
    -------
    dict[str, Any]
        ``temperature`` as converted by its ``to_json``; ``before`` and ``after``, each as returned by ``reliability``
        with ``log_loss`` (the mean over all known labels) added.

    Raises
    ------
    DataError, LabelError, ParameterError
        As for ``reliability``.

    Example
    -------
    >>> logits, codes = [[3.0], [3.0], [3.0], [-3.0]], [1, 1, 0, 0]
    >>> found = compare_calibration(Task(("a", "b")), logits, codes, Temperature(np.array([2.7])))
    >>> [round(found[name]["log_loss"], 3) for name in ("before", "after")]
    [0.799, 0.562]
    """
    numbers = _checked_logits(task, logits)
    truth = checked_codes(task, codes, len(numbers))
    comparison: dict[str, Any] = {"temperature": temperature.to_json()}
    for name, scaled, mixed in (("before", numbers, None), ("after", temperature.apply(numbers), mixing)):
        probabilities = to_probabilities(task, scaled) if mixed is None else mixed.apply(to_probabilities(task, scaled))
        scores = reliability(task, probabilities, truth, bins, strategy)
        loss = _log_loss(task, scaled, truth) if mixed is None else _mixed_log_loss(task, probabilities, truth)
        comparison[name] = {**scores, "log_loss": loss}
    return comparison


def before_and_after(calibration: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Label the results of ``compare_calibration`` for display: as trained, and calibrated unless both are equal.

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
            f"expected logits of shape (N, {task.outputs}) for a {task.kind} task, got {array.shape}; pass the output "
            "of the network"
        )
    if not np.isfinite(array).all():
        raise DataError("expected finite logits, got NaN or infinity; check why the training diverged")
    return array


def _two_columns(logits: Doubles) -> Doubles:
    """Stack a logit of 0 for the first class before that of the second, shape (N, 2)."""
    return np.stack([np.zeros_like(logits), logits], axis=1)


def _margins(logits: Doubles, codes: Codes) -> Doubles:
    """Compute the logit of each class minus that of the true class, shape (known, classes)."""
    known = codes != UNKNOWN
    kept = logits if known.all() else logits[known]
    return kept - np.take_along_axis(kept, codes[known][:, None], axis=1)


class _Penalty(NamedTuple):
    """What shrinks a temperature: the mixture, the weight of an example, and the precision of the prior."""

    kept: float
    shares: Doubles
    weight: float
    prior: float


def _fit_one(logits: Doubles, codes: Codes, of_label: str, penalty: _Penalty) -> tuple[float, str]:
    """Fit one temperature to logits of shape (N, classes); return it with a note, which may be empty."""
    margins = _margins(logits, codes)
    classes = np.unique(codes[codes != UNKNOWN])
    left = f"the temperature{of_label} is left at 1: "
    if len(margins) < (1 if penalty.prior else FEWEST):
        return (
            1.0,
            f"{left}{counted(len(margins), 'known example')}, at least {1 if penalty.prior else FEWEST} are needed",
        )
    if len(classes) < 2:
        return 1.0, f"{left}all {len(margins)} known examples have the same label"
    highest = margins.max(axis=1)
    if not highest.any() and not penalty.prior:
        return 1.0, f"{left}all {len(margins)} known examples are predicted correctly, so the log loss has no minimum"
    margins -= highest[:, None]
    buffer, floor = np.empty_like(margins), penalty.shares[codes[codes != UNKNOWN]]
    examples = penalty.weight * len(margins)

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        np.multiply(margins, inverse, out=buffer)
        np.exp(buffer, out=buffer)
        losses = np.log(buffer.sum(axis=1)) + highest * inverse
        if penalty.kept < 1:
            losses = -np.log(penalty.kept * np.exp(-losses) + floor)
        return float(losses.mean() + 0.5 * penalty.prior * log_temperature**2 / examples)

    bound = float(np.log(HIGHEST))
    best = float(minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6}).x)
    at_bound = bound - abs(best) < 1e-3
    note = f"the temperature{of_label} is at a bound of its range, {1 / HIGHEST:g} to {HIGHEST:g}" if at_bound else ""
    return float(np.exp(best)), note


def _log_loss(task: Task, logits: Doubles, codes: Codes) -> float:
    """Compute the mean log loss over all known labels."""
    if task.kind != "multiclass":
        signed = np.where(codes == 1, logits.reshape(codes.shape), -logits.reshape(codes.shape))
        return float(np.logaddexp(0, -signed[codes != UNKNOWN]).mean())
    margins = _margins(logits, codes)
    highest = margins.max(axis=1)
    return float((np.log(np.exp(margins - highest[:, None]).sum(axis=1)) + highest).mean())


def _mixed_log_loss(task: Task, probabilities: Doubles, codes: Codes) -> float:
    """Compute the mean log loss over all known labels from probabilities above 0."""
    known = codes != UNKNOWN
    if task.multilabel:
        right = np.where(codes == 1, probabilities, 1 - probabilities)[known]
    else:
        right = probabilities[known, codes[known]]
    return float(-np.log(right).mean())


def _check_bins(bins: int, strategy: str) -> None:
    if strategy not in STRATEGIES:
        raise ParameterError(f"expected strategy uniform or quantile, got {strategy!r}{nearest(strategy, STRATEGIES)}")
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or not 2 <= bins <= 1000:
        raise ParameterError(f"expected 2 to 1000 bins, got {bins!r}; use for example 15")


def _reliability_curve(truth: NDArray[np.bool_], probability: Doubles, bins: int, strategy: str) -> dict[str, Any]:
    """Compute the reliability curve of one class or label, its calibration error and its Brier score."""
    n = len(probability)
    if not n:
        return {"n": 0, "expected_calibration_error": None, "brier": None, "curve": []}
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    edges = shares if strategy == "uniform" else np.quantile(probability, shares)
    bin_of = np.searchsorted(edges, probability)  # an edge belongs to the bin below it
    counts = np.bincount(bin_of, minlength=bins)
    predicted, observed = np.bincount(bin_of, probability, bins), np.bincount(bin_of, truth, bins)
    filled = counts.nonzero()[0]
    points = zip(predicted[filled] / counts[filled], observed[filled] / counts[filled], counts[filled], strict=True)
    return {
        "n": n,
        "expected_calibration_error": float(np.abs(predicted - observed).sum() / n),
        "brier": float(np.mean((probability - truth) ** 2)),
        "curve": [{"predicted": float(mean), "observed": float(share), "count": int(k)} for mean, share, k in points],
    }
