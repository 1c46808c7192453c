"""Results of an inspection of labelled series, as plain data and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Literal

from limelight.data.counters import Counting
from limelight.data.inspection.sentinels import Sentinel
from limelight.data.inspection.series_checks import OtherScale, SamplingRates
from limelight.errors import counted
from limelight.text import aligned

SCREEN_LINES, SCREEN_COLUMNS = 40, 100
"""The size of a screen; longer tables are cut so that the summary fits on it."""
ROWS_OF_A_TABLE = (20, 12, 8, 5, 3)
"""Numbers of rows to which tables are cut, the most generous first."""


class Severity(IntEnum):
    """How much a warning matters; the most severe come first."""

    SCORES = 0
    """The scores do not hold for new series."""
    DATA = 1
    """Some of the data are probably wrong."""
    REMARK = 2
    """Worth knowing; nothing is wrong."""


@dataclass(frozen=True)
class Advice:
    """A warning: what will cause trouble, and what to do about it, in one sentence."""

    severity: Severity
    sentence: str

    @property
    def problem(self) -> str:
        """The sentence without what to do."""
        return self.sentence.partition("; ")[0]


@dataclass(frozen=True)
class FieldSummary:
    """One metadata field of the series.

    Parameters
    ----------
    name
        Its name.
    kind
        The kind that training takes it for, such as ``"number"``; ``"ignore"`` if it is not used.
    missing
        The number of series without a value.
    distinct
        The number of distinct values.
    examples
        The three most frequent values or, for numbers and dates, the smallest and the largest.
    why
        Why it is not used; empty if it is used.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    examples: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True)
class Leaks:
    """Metadata fields that give the label away.

    Parameters
    ----------
    values
        Fields whose every value occurs with one label only.
    thresholds
        Numeric fields that separate the classes without exception, although the values of a class differ.
    missing
        Fields that are missing for all series of some classes, and known for all others.
    """

    values: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelSummary:
    """Statistics of one channel over all steps; the numbers are None if every value is missing or one is infinite.

    ``resolution`` is the distance between neighbouring float32 numbers near the values if it is so large, compared with
    the range of the values, that smaller differences may have been lost; else None.
    """

    name: str
    minimum: float | None
    mean: float | None
    maximum: float | None
    deviation: float | None
    constant: bool
    missing: int
    infinite: int = 0
    resolution: float | None = None


@dataclass(frozen=True)
class ClockSummary:
    """The kind of clock, its median step (in seconds for dates), its gaps, and whether its steps are irregular.

    A gap is a step much longer than the median step. ``skipped_hours`` counts the gaps of an hour at the beginning of
    summer time.
    """

    kind: Literal["none", "numbers", "dates"]
    typical_step: float | None
    gaps: int
    series_with_gaps: int
    irregular: bool = False
    skipped_hours: int = 0


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
    shared, leaks
        See ``SharedGroups`` and ``Leaks``.
    labels
        See ``LabelSummary``; None unless the series or the steps are multi-label.
    unlabelled
        The number of series without a known label, if others have one.
    fields
        The metadata fields; see ``FieldSummary``.
    alike
        Groups of names that differ only by case, blanks or punctuation: of classes under ``""``, of the values of a
        metadata field under its name.
    compound
        Names of classes that join several others, as ``walking|standing``.
    sentinels
        Numbers that may stand for a missing value; see ``Sentinel``.
    counters
        Channels that only count; see ``counting_channels``.
    field_sentinels
        Numbers in metadata that may stand for a missing value.
    empty
        The ids of series without any value.
    padded
        The number of series that seem to be padded with zeros.
    ids_alike
        Groups of ids that differ only by case, blanks or punctuation.
    rates
        The sampling rates of the series, if there are several.
    scales
        Channels of which some series seem to be in another unit.
    confined
        The classes that occur in one group only: the metadata field and its value, by class.
    refusal
        Why training would refuse these series; None if it would not, or if this was not checked.
    network
        Whether training may train a network by gradient descent.
    advice
        See ``Advice``; the most severe first.
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
    leaks: Leaks = Leaks()
    unlabelled: int = 0
    fields: tuple[FieldSummary, ...] = ()
    alike: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    compound: tuple[str, ...] = ()
    sentinels: tuple[Sentinel, ...] = ()
    counters: dict[str, Counting] = field(default_factory=dict)
    field_sentinels: tuple[Sentinel, ...] = ()
    empty: tuple[str, ...] = ()
    padded: int = 0
    ids_alike: tuple[tuple[str, ...], ...] = ()
    rates: SamplingRates | None = None
    scales: tuple[OtherScale, ...] = ()
    confined: dict[str, tuple[str, str]] = field(default_factory=dict)
    refusal: str | None = None
    network: bool = False
    advice: tuple[Advice, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per problem, with what to do about it, the most severe first."""
        return tuple(one.sentence for one in self.advice)

    @property
    def verdict(self) -> str:
        """Whether the series are ready for training, and what to fix first, in one line."""
        if self.refusal is not None:
            return f"cannot train: {self.refusal}"
        to_fix = [one.problem for one in self.advice if one.severity < Severity.REMARK]
        if not to_fix:
            return "ready to train"
        others = f", and {len(to_fix) - 1} more" if len(to_fix) > 1 else ""
        return f"trainable, but fix first: {to_fix[0]}{others}"

    def to_json(self) -> dict[str, Any]:
        """Convert the inspection to plain dicts, lists, strings and numbers."""
        content = asdict(self)
        del content["advice"]
        content["lengths"] = dict(zip(("minimum", "median", "maximum"), self.lengths, strict=True))
        content["channels"] = [dict(channel) for channel in content["channels"]]
        for kind in ("across", "contradictory"):
            content["copies"][kind] = [list(pair) for pair in content["copies"][kind]]
        content["shared"]["naming"] = list(self.shared.naming)
        content["shared"]["both"] = {name: list(counts) for name, counts in self.shared.both.items()}
        content["leaks"] = {kind: list(names) for kind, names in content["leaks"].items()}
        content["confined"] = {name: list(place) for name, place in self.confined.items()}
        for kind in ("sentinels", "field_sentinels", "scales"):
            content[kind] = [dict(one) for one in content[kind]]
        for kind in ("empty", "ids_alike"):
            content[kind] = [*content[kind]]
        content["compound"] = list(self.compound)
        content["fields"] = [{**one, "examples": list(one["examples"])} for one in content["fields"]]
        content["alike"] = {name: [list(names) for names in groups] for name, groups in self.alike.items()}
        return content | {"notes": list(self.notes), "verdict": self.verdict, "warnings": list(self.warnings)}

    def lines(self) -> list[str]:
        """Format the inspection as lines of text, with tables cut so that it fits on a screen if possible."""
        for rows in ROWS_OF_A_TABLE:
            lines = self._lines(rows)
            if sum(max(1, -(-len(line) // SCREEN_COLUMNS)) for line in lines) <= SCREEN_LINES:
                break
        return lines

    def _lines(self, rows: int) -> list[str]:
        return [
            self.verdict,
            *(f"warning {number}: {sentence}" for number, sentence in enumerate(self.warnings, start=1)),
            "",
            *_size_lines(self),
            *([self.split] if self.split else []),
            "",
            *_channel_lines(self.channels, rows),
            *(["", *_class_lines(self.classes, rows)] if self.classes else []),
            *(["", *_step_label_lines(self.step_labels, rows)] if self.step_labels else []),
            *(["", *_signal_lines(self.signals, rows)] if self.signals else []),
            *(["", *_field_lines(self.fields, rows)] if self.fields else []),
            *([""] if self.notes else []),
            *(f"note: {note}" for note in self.notes),
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


def _channel_lines(channels: Sequence[ChannelSummary], shown: int) -> list[str]:
    rows = [["channel", "min", "mean", "max", "std", "missing"]]
    for channel in channels[:shown]:
        numbers = (channel.minimum, channel.mean, channel.maximum, channel.deviation)
        rows.append([channel.name, *("-" if number is None else f"{number:.4g}" for number in numbers)])
        rows[-1].append(f"{channel.missing}{' (constant)' if channel.constant else ''}")
    return aligned(rows, len(channels) - shown)


def _class_lines(classes: dict[str, dict[str, int]], shown: int) -> list[str]:
    names = list(classes["all"])
    rows = [["class", *classes]]
    rows += [[name, *(str(counts[name]) for counts in classes.values())] for name in names[:shown]]
    return aligned(rows, len(names) - shown)


def _step_label_lines(shares: dict[str, dict[str, float]], shown: int) -> list[str]:
    names = list(next(iter(shares.values())))
    rows = [["share of steps", *names[:shown]]]
    rows += [
        [label, *(f"{100 * shares_of[name]:.1f} %" for name in names[:shown])] for label, shares_of in shares.items()
    ]
    return aligned(rows)


def _signal_lines(signals: dict[str, dict[str, float]], shown: int) -> list[str]:
    rows = [["signal", "share of steps"]]
    for name, shares in signals.items():
        words = sorted(shares, key=lambda word: -shares[word])
        named = [f"{word or 'unknown'} {100 * shares[word]:.1f} %" for word in words[:shown]]
        rows.append([name, ", ".join(named) + (f" and {len(words) - shown} more" if len(words) > shown else "")])
    return aligned(rows)


def _field_lines(fields: Sequence[FieldSummary], shown: int) -> list[str]:
    rows = [["metadata", "kind", "missing", "values", "examples"]]
    for one in fields[:shown]:
        between = " to " if one.kind in ("number", "date") else ", "
        examples = between.join(_shortened(word) for word in one.examples)
        kind = f"{one.kind}: {one.why}" if one.why else one.kind
        rows.append([one.name, kind, str(one.missing), str(one.distinct), examples])
    return aligned(rows, len(fields) - shown, left=(0, 1, 4))


def _shortened(word: str, limit: int = 16) -> str:
    return word if len(word) <= limit else f"{word[: limit - 3]}..."
