"""Check new series against the profile of the training series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.profile.explanations import explain_shift, swapped_channels
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
from limelight.data.profile.training_profile import HIGH, LOW, TrainingProfile, outside_of_limits
from limelight.errors import listing
from limelight.types import Flags, Rows

MOST_REASONS = 5
"""Reasons that are written for one series."""
KINDS = {
    "empty": "no value in",
    "missing": "more missing values than in training in",
    "frozen": "constant or frozen:",
    "unit": "unit or scale:",
    "swapped": "swapped channels:",
    "level": "level outside training:",
    "range": "range outside training:",
    "noise": "step-to-step changes unlike training:",
    "length": "length outside training",
    "time step": "time step outside training",
    "metadata": "metadata outside training:",
}
"""The kinds of findings and how their lines begin, in the order in which they are reported."""


@dataclass(frozen=True, eq=False)
class Finding:
    """One way in which some series are outside the training data.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    name
        The channel or metadata field; "" for length and time step.
    rows
        Rows of the series.
    detail
        The numbers in words.
    """

    kind: str
    name: str
    rows: Rows
    detail: str

    @property
    def reason(self) -> str:
        """The finding in a few words, for the column of a table."""
        return f"{self.kind} of {self.name}" if self.name else self.kind


@dataclass(frozen=True, eq=False)
class OutsideTraining:
    """The result of checking series against the training profile.

    Parameters
    ----------
    ids
        Names of the series, shape (n,).
    findings
        In the order of ``KINDS``.
    unexpected
        Whether more series are outside than chance explains, given the training series.

    Example
    -------
    >>> from limelight.data.profile.training_profile import fit_training_profile
    >>> rng = np.random.default_rng(0)
    >>> def series(level):
    ...     return Panel.from_series([rng.normal(level, 1, 50) for _ in range(40)], channels=["temperature"])
    >>> found = check_panel(fit_training_profile(series(22)), series(22 * 1.8 + 32))
    >>> found.lines()[1]
    "unit or scale: 'temperature' looks like °F instead of °C, in 40 of 40 series"
    """

    ids: NDArray[np.str_]
    findings: tuple[Finding, ...]
    unexpected: bool = False

    @property
    def rows(self) -> Rows:
        """The rows of all series outside the training data, sorted."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(one.rows for one in self.findings)]))

    @property
    def reasons(self) -> list[str | None]:
        """Why each series is outside the training data, in a few words; None for a series inside."""
        reasons: list[list[str]] = [[] for _ in self.ids]
        for one in self.findings:
            for row in one.rows:
                reasons[row].append(one.reason)
        return [
            "; ".join([*some[:MOST_REASONS], *([f"{len(some) - MOST_REASONS} more"] if some[MOST_REASONS:] else [])])
            or None
            for some in reasons
        ]

    def lines(self) -> list[str]:
        """Describe the findings: one line for the number of series, then one for each kind."""
        if not self.findings:
            return []
        count, n = len(self.rows), len(self.ids)
        ending = ", more than the training data explain" if self.unexpected else ""
        lines = [f"outside the training data: {count} of {n} series{ending}"]
        for kind, beginning in KINDS.items():
            some = sorted((one for one in self.findings if one.kind == kind), key=lambda one: -len(one.rows))
            if not some:
                continue
            first = some[0]
            name = f" {first.name!r}" if first.name else ""
            line = f"{beginning}{name} {first.detail}".rstrip() if first.detail else f"{beginning}{name}"
            more = f"; also in {listing([one.name for one in some[1:]])}" if some[1:] else ""
            lines.append(f"{line}, in {len(first.rows)} of {n} series{more}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Convert the counts to JSON types."""
        return {
            "series": len(self.ids),
            "outside": len(self.rows),
            "unexpected": self.unexpected,
            "findings": [
                {"kind": one.kind, "name": one.name, "series": len(one.rows), "detail": one.detail}
                for one in self.findings
            ],
        }


def check_panel(profile: TrainingProfile, panel: Panel) -> OutsideTraining:
    """Check whether series are like the training series: values, length, clock and metadata.

    Parameters
    ----------
    profile
        Of the training series.
    panel
        New series with the channels of the training in their order.

    Returns
    -------
    OutsideTraining
        The findings for each series. Memory grows by a few numbers for each series and channel, whatever their length.
    """
    statistics = series_statistics(panel)
    wrong = outside_of_limits(profile, statistics)
    findings = [*_channel_findings(profile, panel, statistics, wrong[:, :-2].reshape(statistics.channels.shape))]
    for kind, rows, numbers, usual in (
        ("length", wrong[:, -2], statistics.lengths.astype(np.float64), profile.lengths),
        ("time step", wrong[:, -1], statistics.steps, profile.steps),
    ):
        if rows.any():
            findings.append(Finding(kind, "", rows.nonzero()[0], _compared(numbers[rows], usual, "")))
    findings += [Finding("metadata", name, rows, text) for name, rows, text in profile.metadata.unseen(panel.metadata)]
    order = list(KINDS)
    found = OutsideTraining(panel.ids, tuple(sorted(findings, key=lambda one: order.index(one.kind))))
    return replace(found, unexpected=profile.more_outside_than_expected(len(found.rows), len(panel)))


def _channel_findings(
    profile: TrainingProfile, panel: Panel, statistics: SeriesStatistics, wrong: Flags
) -> Iterator[Finding]:
    swapped = swapped_channels(profile, statistics, wrong)
    for channel, name in enumerate(profile.channel_names):
        own, found = statistics.channels[:, channel], wrong[:, channel].copy()
        unit, before = panel.units.get(panel.channels[channel]), profile.units.get(name)
        if unit and before and unit != before:
            yield Finding("unit", name, np.arange(len(panel)), f"in {unit} instead of {before}")
        if not found.any():
            continue
        empty = (own[:, MISSING] == 1) & found[:, MISSING]
        frozen = ~empty & (found[:, FROZEN] | (found[:, SPREAD] & (own[:, SPREAD] == 0)))
        found[empty | frozen] &= np.arange(len(STATISTICS)) == MISSING
        yield from _named("empty", name, empty)
        yield from _named("missing", name, found[:, MISSING] & ~empty, own[:, MISSING], profile, channel, MISSING)
        yield from _named("frozen", name, frozen)
        shifted: Flags = np.any(found[:, [LEVEL, SPREAD, LOWEST, HIGHEST]], axis=1)
        if channel in swapped:
            other, rows = swapped[channel]
            yield Finding("swapped", name, rows.nonzero()[0], f"looks like {profile.channel_names[other]!r}")
            shifted &= ~rows
        meaning, rows = explain_shift(profile, channel, own, shifted)
        if meaning:
            yield Finding("unit", name, rows.nonzero()[0], f"looks like {meaning}")
            shifted &= ~rows
        level = shifted & found[:, LEVEL]
        yield from _named("level", name, level, own[:, LEVEL], profile, channel, LEVEL)
        rest = shifted & ~level
        which = SPREAD if (found[rest, SPREAD]).any() else LOWEST if found[rest, LOWEST].any() else HIGHEST
        yield from _named("range", name, rest, own[:, which], profile, channel, which)
        rough = found[:, ROUGHNESS] & ~shifted
        yield from _named("noise", name, rough, own[:, ROUGHNESS], profile, channel, ROUGHNESS)


def _named(
    kind: str,
    name: str,
    rows: Flags,
    numbers: NDArray[np.float64] | None = None,
    profile: TrainingProfile | None = None,
    channel: int = 0,
    statistic: int = 0,
) -> Iterator[Finding]:
    """Yield a finding if there are rows, with the numbers next to those in training."""
    if not rows.any():
        return
    detail = ""
    if numbers is not None and profile is not None:
        words = {SPREAD: "standard deviation ", LOWEST: "lowest value ", HIGHEST: "highest value "}
        detail = _compared(numbers[rows], profile.quantiles[channel, statistic], words.get(statistic, ""))
    yield Finding(kind, name, rows.nonzero()[0], detail)


def _compared(numbers: NDArray[np.float64], usual: NDArray[np.float64], what: str) -> str:
    """Describe the range of some numbers next to the usual range in training."""
    found, before = (_span(numbers.min(), numbers.max()), _span(usual[LOW], usual[HIGH]))
    return f"{what}{found}, in training {before}"


def _span(low: float, high: float) -> str:
    first, last = f"{low:.3g}", f"{high:.3g}"
    return first if first == last else f"{first} to {last}"
