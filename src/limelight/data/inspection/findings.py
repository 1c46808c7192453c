"""Findings: the facts about labelled series, as plain data and as lines for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from limelight.errors import counted
from limelight.text import aligned

SHOWN = 20


@dataclass(frozen=True)
class ChannelSummary:
    """One channel over all steps; the numbers are None where every value is missing."""

    name: str
    minimum: float | None
    mean: float | None
    maximum: float | None
    deviation: float | None
    constant: bool
    missing: int
    infinite: int = 0


@dataclass(frozen=True)
class ClockSummary:
    """The clock: its kind, its median step (seconds for dates), steps much longer than that, and if steps differ."""

    kind: Literal["none", "numbers", "dates"]
    typical_step: float | None
    gaps: int
    series_with_gaps: int
    irregular: bool = False


@dataclass(frozen=True)
class Duplicates:
    """Series with exactly the same values: pairs in two parts, copies within a part, pairs of two labels."""

    across: list[tuple[str, str]]
    inside: int
    contradictory: list[tuple[str, str]]


@dataclass(frozen=True)
class SharedGroups:
    """What train and test share, or would tell apart: fields that name the group, values and recordings on both sides.

    Parameters
    ----------
    naming
        Metadata fields that go one to one with the group of the split.
    both
        For each field that says whose series it is: how many of its values stand on both sides, and how many there are.
    windows
        Recordings with windows on both sides.
    """

    naming: tuple[str, ...] = ()
    both: dict[str, tuple[int, int]] = field(default_factory=dict)
    windows: int = 0


@dataclass(frozen=True)
class LabelSummary:
    """Several labels of series or of steps: of how many each is known, and whether there is always exactly one.

    Parameters
    ----------
    known, there
        By name how many series or steps have a known label, and how many have it.
    exclusive
        Whether exactly one is there wherever all are known.
    unit
        ``"series"`` or ``"steps"``.
    """

    known: dict[str, int]
    there: dict[str, int]
    exclusive: bool
    unit: Literal["series", "steps"]


@dataclass(frozen=True)
class Inspection:
    """The facts about a Panel and its split, and what to do about those that will make trouble.

    Parameters
    ----------
    series, steps
        How many there are in all.
    lengths
        Steps of the shortest, the median and the longest series.
    channels, time, copies
        See ``ChannelSummary``, ``ClockSummary`` and ``Duplicates``.
    classes
        For ``"train"``, ``"validation"`` and ``"test"``, if split, and ``"all"``: how many series each class
        has, of several labels how many have it. None without labels.
    split
        One line, or None.
    step_labels
        For each label of steps the share of each class, or None.
    signals
        For each signal the share of steps of each word, and of those where nothing is known as "", or None.
    notes
        What was guessed or left out on the way in, one sentence each.
    shared
        See ``SharedGroups``.
    labels
        Of several labels of series or steps; None where there is one or none.
    warnings
        One sentence each.
    """

    series: int
    steps: int
    lengths: tuple[int, float, int]
    channels: tuple[ChannelSummary, ...]
    time: ClockSummary
    copies: Duplicates
    classes: dict[str, dict[str, int]] | None
    split: str | None
    step_labels: dict[str, dict[str, float]] | None = None
    signals: dict[str, dict[str, float]] | None = None
    notes: tuple[str, ...] = ()
    shared: SharedGroups = SharedGroups()
    labels: LabelSummary | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the facts as plain dicts, lists, strings and numbers."""
        facts = asdict(self)
        facts["lengths"] = dict(zip(("minimum", "median", "maximum"), self.lengths, strict=True))
        facts["channels"] = [dict(channel) for channel in facts["channels"]]
        for kind in ("across", "contradictory"):
            facts["copies"][kind] = [list(pair) for pair in facts["copies"][kind]]
        facts["shared"]["naming"] = list(self.shared.naming)
        facts["shared"]["both"] = {name: list(counts) for name, counts in self.shared.both.items()}
        return facts | {"notes": list(self.notes), "warnings": list(self.warnings)}

    def lines(self) -> list[str]:
        """Give the summary for people, line by line."""
        return [
            *_size_lines(self),
            *([self.split] if self.split else []),
            "",
            *_channel_lines(self.channels),
            *(["", *_class_lines(self.classes)] if self.classes else []),
            *(["", *_step_label_lines(self.step_labels)] if self.step_labels else []),
            *(["", *_signal_lines(self.signals)] if self.signals else []),
            "",
            *(f"note: {note}" for note in self.notes),
            *([f"warning: {warning}" for warning in self.warnings] or ["no warnings"]),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _size_lines(facts: Inspection) -> list[str]:
    shortest, median, longest = facts.lengths
    lengths = f"{longest} each" if shortest == longest else f"{shortest} to {longest} each, median {median:g}"
    clock = facts.time
    if clock.kind == "none":
        time = "no clock, the order of steps only"
    else:
        unit = " s" if clock.kind == "dates" else ""
        step = "one step only" if clock.typical_step is None else f"typical step {clock.typical_step:g}{unit}"
        gaps = f"{counted(clock.gaps, 'gap')} in {clock.series_with_gaps} series" if clock.gaps else "no gaps"
        time = f"{clock.kind}, {step}, {gaps}{', steps of different length' if clock.irregular else ''}"
    return [f"series: {facts.series}", f"steps: {facts.steps}, {lengths}", f"time: {time}"]


def _channel_lines(channels: tuple[ChannelSummary, ...]) -> list[str]:
    rows = [["channel", "min", "mean", "max", "std", "missing"]]
    for one in channels[:SHOWN]:
        numbers = (one.minimum, one.mean, one.maximum, one.deviation)
        rows.append([one.name, *("-" if number is None else f"{number:.4g}" for number in numbers)])
        rows[-1].append(f"{one.missing}{' (constant)' if one.constant else ''}")
    return aligned(rows, len(channels) - SHOWN)


def _class_lines(classes: dict[str, dict[str, int]]) -> list[str]:
    names = list(classes["all"])
    rows = [["class", *classes]]
    rows += [[name, *(str(counts[name]) for counts in classes.values())] for name in names[:SHOWN]]
    return aligned(rows, len(names) - SHOWN)


def _step_label_lines(shares: dict[str, dict[str, float]]) -> list[str]:
    names = list(next(iter(shares.values())))
    rows = [["share of steps", *names[:SHOWN]]]
    rows += [[label, *(f"{100 * of[name]:.1f} %" for name in names[:SHOWN])] for label, of in shares.items()]
    return aligned(rows)


def _signal_lines(signals: dict[str, dict[str, float]]) -> list[str]:
    rows = [["signal", "share of steps"]]
    for name, shares in signals.items():
        most = sorted(shares, key=lambda word: -shares[word])
        said = [f"{word or 'unknown'} {100 * shares[word]:.1f} %" for word in most[:SHOWN]]
        rows.append([name, ", ".join(said) + (f" and {len(most) - SHOWN} more" if len(most) > SHOWN else "")])
    return aligned(rows)
