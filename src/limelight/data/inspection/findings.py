"""Results of an inspection of labelled series, as plain data and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from limelight.errors import counted
from limelight.text import aligned

SHOWN = 20


@dataclass(frozen=True)
class ChannelSummary:
    """Statistics of one channel over all steps; the numbers are None if every value is missing or one is infinite."""

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
    """The kind of clock, its median step (in seconds for dates), its gaps, and whether its steps are irregular.

    A gap is a step much longer than the median step.
    """

    kind: Literal["none", "numbers", "dates"]
    typical_step: float | None
    gaps: int
    series_with_gaps: int
    irregular: bool = False


@dataclass(frozen=True)
class Duplicates:
    """Series with identical values.

    Parameters
    ----------
    across
        Pairs of ids in different parts of the split.
    inside
        The number of series that repeat another series of the same part.
    contradictory
        Pairs of ids with different labels.
    """

    across: list[tuple[str, str]]
    inside: int
    contradictory: list[tuple[str, str]]


@dataclass(frozen=True)
class SharedGroups:
    """Groups of series, such as subjects or recordings, that are in both train and test.

    Parameters
    ----------
    naming
        Metadata fields that map one to one to the group of the split.
    both
        For each metadata field that identifies a group: the number of its values in both train and test, and the
        number of all its values.
    windows
        The number of recordings with windows in both train and test.
    """

    naming: tuple[str, ...] = ()
    both: dict[str, tuple[int, int]] = field(default_factory=dict)
    windows: int = 0


@dataclass(frozen=True)
class LabelSummary:
    """Counts of multi-label targets.

    Parameters
    ----------
    known, there
        For each label, the number of series or steps for which it is known, and for which it is 1.
    exclusive
        Whether exactly one label is 1 wherever all are known.
    unit
        What has the labels: ``"series"`` or ``"steps"``.
    """

    known: dict[str, int]
    there: dict[str, int]
    exclusive: bool
    unit: Literal["series", "steps"]


@dataclass(frozen=True)
class Inspection:
    """Statistics of a Panel and its split, with warnings of what will cause trouble.

    Parameters
    ----------
    series, steps
        The total numbers of series and steps.
    lengths
        The lengths of the shortest, the median and the longest series, in steps.
    channels, time, copies
        See ``ChannelSummary``, ``ClockSummary`` and ``Duplicates``.
    classes
        For each of ``"train"``, ``"validation"`` and ``"test"``, if there is a split, and for ``"all"``: the number
        of series of each class or, for multi-label, with each label. None if there are no labels of series.
    split
        A description of the split in one line, or None.
    step_labels
        For each per-step label, the share of each class among the steps for which it is known; or None.
    signals
        For each signal, the share of steps with each word, and with no known word as ""; or None.
    notes
        What was guessed or ignored when the series were read, one sentence each.
    shared
        See ``SharedGroups``.
    labels
        See ``LabelSummary``; None unless the series or the steps are multi-label.
    warnings
        What will cause trouble and what to do about it, one sentence each.
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
        """Convert the inspection to plain dicts, lists, strings and numbers."""
        content = asdict(self)
        content["lengths"] = dict(zip(("minimum", "median", "maximum"), self.lengths, strict=True))
        content["channels"] = [dict(channel) for channel in content["channels"]]
        for kind in ("across", "contradictory"):
            content["copies"][kind] = [list(pair) for pair in content["copies"][kind]]
        content["shared"]["naming"] = list(self.shared.naming)
        content["shared"]["both"] = {name: list(counts) for name, counts in self.shared.both.items()}
        return content | {"notes": list(self.notes), "warnings": list(self.warnings)}

    def lines(self) -> list[str]:
        """Format the inspection as lines of text."""
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


def _size_lines(inspection: Inspection) -> list[str]:
    shortest, median, longest = inspection.lengths
    lengths = f"{longest} each" if shortest == longest else f"{shortest} to {longest} each, median {median:g}"
    clock = inspection.time
    if clock.kind == "none":
        time = "no clock, only the order of the steps"
    else:
        unit = " s" if clock.kind == "dates" else ""
        step = "only one step" if clock.typical_step is None else f"typical step {clock.typical_step:g}{unit}"
        gaps = f"{counted(clock.gaps, 'gap')} in {clock.series_with_gaps} series" if clock.gaps else "no gaps"
        time = f"{clock.kind}, {step}, {gaps}{', irregular steps' if clock.irregular else ''}"
    return [f"series: {inspection.series}", f"steps: {inspection.steps}, {lengths}", f"time: {time}"]


def _channel_lines(channels: tuple[ChannelSummary, ...]) -> list[str]:
    rows = [["channel", "min", "mean", "max", "std", "missing"]]
    for channel in channels[:SHOWN]:
        numbers = (channel.minimum, channel.mean, channel.maximum, channel.deviation)
        rows.append([channel.name, *("-" if number is None else f"{number:.4g}" for number in numbers)])
        rows[-1].append(f"{channel.missing}{' (constant)' if channel.constant else ''}")
    return aligned(rows, len(channels) - SHOWN)


def _class_lines(classes: dict[str, dict[str, int]]) -> list[str]:
    names = list(classes["all"])
    rows = [["class", *classes]]
    rows += [[name, *(str(counts[name]) for counts in classes.values())] for name in names[:SHOWN]]
    return aligned(rows, len(names) - SHOWN)


def _step_label_lines(shares: dict[str, dict[str, float]]) -> list[str]:
    names = list(next(iter(shares.values())))
    rows = [["share of steps", *names[:SHOWN]]]
    rows += [
        [label, *(f"{100 * shares_of[name]:.1f} %" for name in names[:SHOWN])] for label, shares_of in shares.items()
    ]
    return aligned(rows)


def _signal_lines(signals: dict[str, dict[str, float]]) -> list[str]:
    rows = [["signal", "share of steps"]]
    for name, shares in signals.items():
        words = sorted(shares, key=lambda word: -shares[word])
        shown = [f"{word or 'unknown'} {100 * shares[word]:.1f} %" for word in words[:SHOWN]]
        rows.append([name, ", ".join(shown) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")])
    return aligned(rows)
