"""TrainingProfile: what the training series look like, small enough to be saved with the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from scipy.special import betaln, gammaln

from limelight.data.panel import Panel
from limelight.data.profile.field_profile import MetadataProfile, fit_metadata_profile
from limelight.data.profile.series_statistics import (
    FROZEN,
    HIGHEST,
    LEVEL,
    LOWEST,
    MISSING,
    ROUGHNESS,
    SPREAD,
    STATISTICS,
    SeriesStatistics,
    series_statistics,
)
from limelight.errors import ModelFolderError
from limelight.types import Doubles, Flags

SHARES = np.linspace(0, 1, 51)
"""The quantiles that are kept of every statistic."""
LOW, MIDDLE, HIGH = 1, 25, 49
"""The quantiles at 2, 50 and 98 %, between which series are usual."""
REACH, REACH_OF_FEW = 2.0, 10
"""Limits lie this many widths (from the middle to 2 or 98 %) beyond the usual series; more for few series."""
MOST_REACH = 3.0
"""Training series further out do not move the limits: they may be faulty themselves."""
LOCATION_FLOOR, LOG_FLOOR, SHARE_FLOOR, STEP_FLOOR = 0.05, 0.1, 0.05, 0.02
"""Least widths: in standard deviations of a typical series, in logarithms, in shares of steps, of the time step."""
CERTAIN = 0.01
"""Series are more often outside than in training if chance would explain their number in less than 1 % of cases."""


@dataclass(frozen=True, eq=False)
class Limits:
    """The range of every statistic in which a series is like the training series.

    Parameters
    ----------
    low, high
        On the scale of ``TrainingProfile.scaled``: shape (channels, 7).
    length, step
        Logarithms of the lowest and highest number of steps and mean time step.
    """

    low: Doubles
    high: Doubles
    length: tuple[float, float]
    step: tuple[float, float]


@dataclass(frozen=True, eq=False)
class TrainingProfile:
    """Quantiles of the statistics of the training series, and the values of their metadata.

    Parameters
    ----------
    channel_names
        Names of the channels.
    series
        Number of training series.
    quantiles
        Of the statistics of each channel, shape (channels, 7, 51); NaN for a statistic that no series has.
    lengths, steps
        Quantiles of the number of steps and of the mean time step, shape (51,); the latter NaN without a clock.
    units
        The unit of each channel, and of a numeric clock as "time", if known.
    metadata
        Values of the metadata fields.
    outside
        Share of training series outside the limits of other training series.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> profile = fit_training_profile(Panel.from_series([rng.normal(20, 1, 50) for _ in range(30)], channels=["t"]))
    >>> profile.quantiles[0, LEVEL, MIDDLE].round(0), profile.outside
    (np.float64(20.0), 0.0)
    """

    channel_names: tuple[str, ...]
    series: int
    quantiles: Doubles
    lengths: Doubles
    steps: Doubles
    units: Mapping[str, str] = field(default_factory=dict)
    metadata: MetadataProfile = field(default_factory=MetadataProfile)
    outside: float = 0.0

    def scaled(self, statistics: Doubles) -> Doubles:
        """Convert spread and roughness to logarithms, shape (n, channels, 7); a spread of 0 stays finite."""
        least = 1e-3 * np.nan_to_num(self.quantiles[:, SPREAD, MIDDLE])
        level = np.abs(np.nan_to_num(self.quantiles[:, LEVEL, MIDDLE]))
        scaled = statistics.copy()
        scaled[..., SPREAD] = np.log(statistics[..., SPREAD] + np.maximum(least, 1e-6 * level + 1e-12))
        scaled[..., ROUGHNESS] = np.log(statistics[..., ROUGHNESS] + 1e-3)
        return scaled

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "limits"}  # computed again when used

    @cached_property
    def limits(self) -> Limits:
        """The limits of every statistic, computed from the quantiles."""
        scaled = self.scaled(np.moveaxis(self.quantiles, 2, 0))
        floor = np.full(self.quantiles.shape[:2], LOG_FLOOR)
        typical = np.nan_to_num(self.quantiles[:, SPREAD, MIDDLE])[:, None]
        floor[:, [LEVEL, LOWEST, HIGHEST]] = LOCATION_FLOOR * typical
        floor[:, [MISSING, FROZEN]] = SHARE_FLOOR
        low, high = _limits(scaled, floor, self.series)
        low[:, [MISSING, FROZEN]] = -np.inf
        with np.errstate(divide="ignore"):
            length = _limits(np.log(self.lengths), np.array(LOG_FLOOR), self.series)
            step = _limits(np.log(np.maximum(self.steps, 1e-12)), np.array(STEP_FLOOR), self.series)
        return Limits(low, high, (float(length[0]), float(length[1])), (float(step[0]), float(step[1])))

    def more_outside_than_expected(self, outside: int, series: int) -> bool:
        """Whether more of some series are outside than the training series were, beyond chance.

        Example
        -------
        >>> profile = fit_training_profile(Panel.from_series(np.random.default_rng(0).normal(size=(50, 20))))
        >>> profile.more_outside_than_expected(1, 40), profile.more_outside_than_expected(6, 40)
        (False, True)
        """
        known = self.outside * self.series
        alpha, beta = known + 0.5, self.series - known + 0.5
        counts = np.arange(outside, series + 1)
        ways = gammaln(series + 1) - gammaln(counts + 1) - gammaln(series - counts + 1)
        chances = ways + betaln(counts + alpha, series - counts + beta) - betaln(alpha, beta)
        return bool(outside) and float(np.exp(chances).sum()) < CERTAIN

    def to_json(self) -> dict[str, Any]:
        """Convert the profile to JSON types, with 15 digits; NaN becomes null."""
        return {
            "channels": list(self.channel_names),
            "series": self.series,
            "shares": len(SHARES),
            "statistics": list(STATISTICS),
            "quantiles": [[_rounded(row) for row in channel] for channel in self.quantiles],
            "lengths": _rounded(self.lengths),
            "steps": _rounded(self.steps),
            "units": dict(self.units),
            "metadata": TypeAdapter(MetadataProfile).dump_python(self.metadata, mode="json"),
            "outside": self.outside,
        }

    @classmethod
    def from_json(cls, content: Any) -> TrainingProfile:
        """Restore a profile from ``to_json``; ModelFolderError if the content is not valid."""
        try:
            channels = tuple(str(name) for name in content["channels"])
            quantiles = np.array(content["quantiles"], dtype=np.float64)
            lengths, steps = (np.array(content[name], dtype=np.float64) for name in ("lengths", "steps"))
            shapes = (quantiles.shape, lengths.shape, steps.shape)
            expected = ((len(channels), len(STATISTICS), len(SHARES)), SHARES.shape, SHARES.shape)
            if shapes != expected or content["statistics"] != list(STATISTICS):
                raise ValueError(f"quantiles of shapes {shapes}, not {expected}")
            metadata = TypeAdapter(MetadataProfile).validate_python(content["metadata"])
            units = {str(name): str(unit) for name, unit in content["units"].items()}
            series, outside = int(content["series"]), float(content["outside"])
            if series < 1 or not 0 <= outside <= 1 or not (lengths >= 1).all():
                raise ValueError(f"{series} series, {outside} of them outside, lengths {lengths}")
            return cls(channels, series, quantiles, lengths, steps, units, metadata, outside)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelFolderError(
                f"expected a training profile, got {str(content)[:80]!r}; the model is damaged or from a newer "
                "limelight"
            ) from error


def fit_training_profile(panel: Panel, ignored: Sequence[str] = ()) -> TrainingProfile:
    """Fit the profile of training series, in one pass over the panel.

    Parameters
    ----------
    panel
        The training series, at least one.
    ignored
        Metadata fields that are not checked, such as the one that groups the split.

    Returns
    -------
    TrainingProfile
        Its share of series outside is measured on each half of the series with the limits of the other half.
    """
    statistics = series_statistics(panel)
    outside = 0
    for half in (0, 1):
        rest, own = slice(1 - half, None, 2), slice(half, None, 2)
        if len(statistics[rest].lengths):
            limits = _summarise(panel, statistics[rest], MetadataProfile(), 0.0)
            outside += int(outside_of_limits(limits, statistics[own]).any(axis=1).sum())
    metadata = fit_metadata_profile(panel.metadata, ignored)
    return _summarise(panel, statistics, metadata, outside / len(panel))


def outside_of_limits(profile: TrainingProfile, statistics: SeriesStatistics) -> Flags:
    """Find the statistics outside the limits, shape (n, channels · 7 + 2): then length and time step."""
    limits, scaled = profile.limits, profile.scaled(statistics.channels)
    wrong = ((scaled < limits.low) | (scaled > limits.high)).reshape(len(scaled), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [(np.log(statistics.lengths), limits.length), (np.log(statistics.steps), limits.step)]
        columns = [(numbers < low) | (numbers > high) for numbers, (low, high) in ends]
    return np.column_stack([wrong, *columns])


def _summarise(
    panel: Panel, statistics: SeriesStatistics, metadata: MetadataProfile, outside: float
) -> TrainingProfile:
    quantiles = np.moveaxis(_quantiles(statistics.channels), 0, 2)
    lengths, steps = _quantiles(statistics.lengths.astype(np.float64)), _quantiles(statistics.steps)
    n = len(statistics.lengths)
    return TrainingProfile(panel.channels, n, quantiles, lengths, steps, panel.units, metadata, outside)


def _quantiles(numbers: Doubles) -> Doubles:
    """Compute quantiles over the first axis without NaN, shape (51, ...); NaN where there is no number."""
    undefined = np.isnan(numbers).all(axis=0)
    filled = np.where(undefined, 0.0, numbers)
    quantiles: Doubles = np.where(undefined, np.nan, np.nanquantile(filled, SHARES, axis=0))
    return quantiles


def _limits(quantiles: Doubles, floor: Doubles, series: int) -> tuple[Doubles, Doubles]:
    """Compute limits from quantiles of shape (51, ...): beyond the usual series, in widths of each side."""
    reach = REACH * (1 + REACH_OF_FEW / series)
    middle = quantiles[MIDDLE]
    ends = []
    for sign, usual, extreme in ((-1, quantiles[LOW], quantiles[0]), (1, quantiles[HIGH], quantiles[-1])):
        width = np.maximum(np.abs(usual - middle), floor)
        least, most = sign * usual + reach * width, sign * usual + MOST_REACH * reach * width
        ends.append(sign * np.minimum(most, np.maximum(sign * extreme, least)))
    return ends[0], ends[1]


def _rounded(numbers: Doubles) -> list[float | None]:
    return [float(f"{number:.15g}") if math.isfinite(number) else None for number in numbers.tolist()]
