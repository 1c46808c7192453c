"""Explain values outside the training range: another unit, a factor, an offset, or swapped channels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from limelight.data.profile.conversions import CONVERSIONS, Conversion
from limelight.data.profile.series_statistics import HIGHEST, LEVEL, LOWEST, SPREAD, SeriesStatistics
from limelight.data.profile.training_profile import HIGH, LOW, MIDDLE, TrainingProfile
from limelight.types import Doubles, Flags

VALUES = [LEVEL, SPREAD, LOWEST, HIGHEST]
"""The statistics that a change of unit changes."""
EXPLAINED = 0.9
"""A change of unit explains a channel if it brings this share of the series outside back into the training range."""
FEWEST_EXPLAINED, LEAST_EXPLAINED = 3, 0.1
"""Series outside, and their share, needed to name an explanation, unless all series are."""
LEAST_FACTOR = 1.25
"""A factor closer to 1 is not named."""
MOST_SWAPPED = 40
"""Channels that may be compared with each other."""


def explain_shift(profile: TrainingProfile, channel: int, statistics: Doubles, shifted: Flags) -> tuple[str, Flags]:
    """Find a conversion that brings the values of a channel back into the training range.

    Parameters
    ----------
    profile
        Of the training series.
    channel
        Index of the channel.
    statistics
        Of the channel, shape (n, 7).
    shifted
        Series whose level or range is outside, shape (n,).

    Returns
    -------
    tuple[str, Flags]
        The conversion in words, "" if there is none; and the series that it explains, shape (n,).
    """
    count = int(shifted.sum())
    explained: Flags = np.zeros(len(shifted), dtype=bool)
    if count == 0 or (count < max(FEWEST_EXPLAINED, LEAST_EXPLAINED * len(shifted)) and count < len(shifted)):
        return "", explained
    some = statistics[shifted]
    best: tuple[float, str, Flags] | None = None
    for conversion in CONVERSIONS:
        found = _restored(profile, channel, some, conversion)
        if found is not None and (best is None or found[0] < best[0]):
            best = (found[0], conversion.meaning, found[1])
    if best is None:
        for conversion in _fitted(profile, channel, some):
            found = _restored(profile, channel, some, conversion)
            if found is not None:
                best = (found[0], conversion.meaning, found[1])
                break
    if best is None:
        return "", explained
    explained[shifted] = best[2]
    return best[1], explained


def swapped_channels(
    profile: TrainingProfile, statistics: SeriesStatistics, wrong: Flags
) -> dict[int, tuple[int, Flags]]:
    """Find pairs of channels whose values would be inside the training range if they were swapped.

    Parameters
    ----------
    profile
        Of the training series.
    statistics
        Of n series.
    wrong
        Statistics outside their limits, shape (n, channels, 7).

    Returns
    -------
    dict[int, tuple[int, Flags]]
        For each channel of a pair the other one, and the series that are explained, shape (n,).
    """
    outside: Flags = np.any(wrong[:, :, VALUES], axis=2)
    many = max(FEWEST_EXPLAINED, 0.5 * len(outside)) if len(outside) > 1 else 1
    suspects = (outside.sum(axis=0) >= many).nonzero()[0]
    pairs: dict[int, tuple[int, Flags]] = {}
    if not 2 <= len(suspects) <= MOST_SWAPPED:
        return pairs
    for place, first in enumerate(suspects):
        for second in suspects[place + 1 :]:
            if first in pairs or second in pairs:
                continue
            both = outside[:, first] & outside[:, second]
            own, other = (statistics.channels[:, channel] for channel in (first, second))
            inside: Flags = both & _is_inside(profile, first, other) & _is_inside(profile, second, own)
            if both.sum() >= many and inside.sum() >= EXPLAINED * both.sum():
                pairs[int(first)], pairs[int(second)] = (int(second), inside), (int(first), inside)
    return pairs


def _is_inside(profile: TrainingProfile, channel: int, statistics: Doubles) -> Flags:
    """Whether level and range of series are in the training range of a channel, shape (n,)."""
    cube = np.full((len(statistics), len(profile.channel_names), statistics.shape[1]), np.nan)
    cube[:, channel] = statistics
    scaled, limits = profile.scaled(cube)[:, channel, VALUES], profile.limits
    inside = (scaled >= limits.low[channel, VALUES]) & (scaled <= limits.high[channel, VALUES])
    result: Flags = np.all(inside, axis=1)
    return result


def _restored(
    profile: TrainingProfile, channel: int, statistics: Doubles, conversion: Conversion
) -> tuple[float, Flags] | None:
    """Undo a conversion; return the distance from a typical training series and the series inside, if most are."""
    undone = statistics.copy()
    undone[:, [LEVEL, LOWEST, HIGHEST]] = (undone[:, [LEVEL, LOWEST, HIGHEST]] - conversion.offset) / conversion.factor
    undone[:, SPREAD] /= abs(conversion.factor)
    if conversion.factor < 0:
        undone[:, [LOWEST, HIGHEST]] = undone[:, [HIGHEST, LOWEST]]
    inside = _is_inside(profile, channel, undone)
    if inside.sum() < EXPLAINED * len(inside):
        return None
    usual = profile.quantiles[channel]
    typical = usual[SPREAD, MIDDLE]
    widths = np.maximum(usual[VALUES, HIGH] - usual[VALUES, LOW], 0.1 * typical + 1e-12)
    middle = np.median(undone[inside][:, VALUES], axis=0)
    return float(np.abs((middle - usual[VALUES, MIDDLE]) / widths).sum()), inside


def _fitted(profile: TrainingProfile, channel: int, statistics: Doubles) -> Iterable[Conversion]:
    """Fit an offset alone and a factor alone to the typical series."""
    usual, middle = profile.quantiles[channel, :, MIDDLE], np.nanmedian(statistics, axis=0)
    offset = float(middle[LEVEL] - usual[LEVEL])
    yield Conversion(1.0, offset, f"the values of training shifted by {offset:+.3g}")
    if usual[SPREAD] > 0 and middle[SPREAD] > 0:
        factor = float(middle[SPREAD] / usual[SPREAD])
        if max(factor, 1 / factor) >= LEAST_FACTOR:
            yield Conversion(factor, 0.0, f"the values of training times {factor:.3g}")
