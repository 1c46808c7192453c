"""Drift: which channels and metadata fields of new series are distributed unlike those in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, kstwo

from limelight.data.panel import Panel
from limelight.data.profile.series_statistics import STATISTICS, series_statistics
from limelight.data.profile.training_profile import SHARES, TrainingProfile
from limelight.types import Doubles


@dataclass(frozen=True)
class Drift:
    """How far one input of the model has moved.

    Parameters
    ----------
    kind
        ``"channel"``, ``"clock"`` (length and time step), ``"metadata"``, ``"confidence"`` or ``"predictions"``.
    name
        Of the channel, statistic, field or class.
    what
        The statistic that moved most, such as ``"level"``.
    distance
        The largest difference between the cumulative shares in training and now, in [0, 1].
    p
        The p-value, corrected for all tests (Holm).
    before, now
        The median, or share, in training and now; None if undefined.
    """

    kind: str
    name: str
    what: str
    distance: float
    p: float
    before: float | None
    now: float | None

    def to_json(self) -> dict[str, Any]:
        """Convert the numbers to JSON types."""
        return asdict(self)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number.

    Parameters
    ----------
    p_values
        In [0, 1].

    Returns
    -------
    list[float]
        In the same order: the probability that any of the tests is this extreme is at most this.

    Source
    ------
    Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.

    Example
    -------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.maximum.accumulate(np.minimum(1.0, np.asarray(p_values, dtype=np.float64)[order] * factors))
    found = np.empty(len(p_values))
    found[order] = corrected
    return [float(f"{value:.12g}") for value in found]


def compare_with_quantiles(numbers: Doubles, quantiles: Doubles, n: int) -> tuple[float, float]:
    """Test whether numbers have the distribution that quantiles describe (two-sample Kolmogorov-Smirnov).

    Parameters
    ----------
    numbers
        Now, shape (m,), NaN is ignored.
    quantiles
        In training, at ``SHARES``, shape (51,).
    n
        The number of training series.

    Returns
    -------
    tuple[float, float]
        The distance and its p-value; 0 and 1 if either side is undefined.

    Example
    -------
    >>> compare_with_quantiles(np.linspace(0, 1, 101), SHARES, 1000)
    (0.0, 1.0)
    """
    known = np.sort(numbers[~np.isnan(numbers)])
    if not len(known) or np.isnan(quantiles).any():
        return 0.0, 1.0
    tolerance = 1e-9 * max(float(np.abs(quantiles).max()), 1e-12)
    low = np.searchsorted(known, quantiles - tolerance) / len(known)
    high = np.searchsorted(known, quantiles + tolerance, side="right") / len(known)
    first, last = _first_and_last(quantiles, tolerance)
    apart = np.maximum(0.0, np.maximum(low - SHARES[last], SHARES[first] - high))
    distance = float(apart.max())
    size = round(n * len(known) / (n + len(known)))
    return distance, float(kstwo.sf(distance, max(1, size))) if distance > 0 else 1.0


def _first_and_last(quantiles: Doubles, tolerance: float) -> tuple[Any, Any]:
    """Return the first and the last index of the quantiles that equal each quantile, shape (51,) each."""
    first = np.searchsorted(quantiles, quantiles - tolerance)
    last = np.searchsorted(quantiles, quantiles + tolerance, side="right") - 1
    return first, last


def find_drift(profile: TrainingProfile, panel: Panel, more: Sequence[Drift] = ()) -> list[Drift]:
    """Compare every channel, the lengths, the time steps and the metadata of new series with those in training.

    Parameters
    ----------
    profile
        Of the training series.
    panel
        The new series, with the channels of the training in their order.
    more
        Other tests, with uncorrected p-values, such as those of the predictions.

    Returns
    -------
    list[Drift]
        One entry for each channel and field, the most certain first; p-values are corrected for all of them.
    """
    found = [*_of_channels(profile, panel), *_of_metadata(profile, panel), *more]
    corrected = [
        Drift(one.kind, one.name, one.what, one.distance, p, one.before, one.now)
        for one, p in zip(found, holm([one.p for one in found]), strict=True)
    ]
    return sorted(corrected, key=lambda one: (one.p, -one.distance))


def _of_channels(profile: TrainingProfile, panel: Panel) -> Iterator[Drift]:
    statistics = series_statistics(panel)
    for channel, name in enumerate(profile.channel_names):
        tests = [
            (*compare_with_quantiles(statistics.channels[:, channel, place], quantiles, profile.series), place)
            for place, quantiles in enumerate(profile.quantiles[channel])
        ]
        distance, p, place = min(tests, key=lambda one: (one[1], -one[0]))
        now = statistics.channels[:, channel, place]
        before = profile.quantiles[channel, place, len(SHARES) // 2]
        p = min(1.0, p * len(STATISTICS))
        yield Drift("channel", name, STATISTICS[place], distance, p, _number(before), _median(now))
    for name, numbers, quantiles in (
        ("length", statistics.lengths.astype(np.float64), profile.lengths),
        ("time step", statistics.steps, profile.steps),
    ):
        distance, p = compare_with_quantiles(numbers, quantiles, profile.series)
        yield Drift("clock", name, name, distance, p, _number(quantiles[len(SHARES) // 2]), _median(numbers))


def _of_metadata(profile: TrainingProfile, panel: Panel) -> Iterator[Drift]:
    """Yield a test for each field: whether more values are unseen than one in as many series as training had."""
    unseen = {name: len(rows) for name, rows, _ in profile.metadata.unseen(panel.metadata)}
    for one in profile.metadata.fields:
        count = unseen.get(one.name, 0)
        p = binomtest(count, len(panel), 1 / (profile.series + 2), alternative="greater").pvalue if count else 1.0
        yield Drift(
            "metadata", one.name, "values not seen in training", count / len(panel), float(p), 0.0, count / len(panel)
        )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _median(numbers: Doubles) -> float | None:
    known = numbers[~np.isnan(numbers)]
    return float(np.median(known)) if len(known) else None
