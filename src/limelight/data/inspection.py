"""Inspection: what a person wants to know about labelled series before a network sees them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.splits import PARTS, Split
from limelight.errors import listing

FEW_SERIES = 10
FEW_IN_A_CLASS = 3
RARE = 0.05
UNEVEN_LENGTHS = 10  # the longest series has this many times the steps of the shortest
GAP = 1.5  # in median steps
SHOWN = 20

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ChannelFacts:
    """One channel over all steps; the numbers are None where every value is missing."""

    name: str
    minimum: float | None
    mean: float | None
    maximum: float | None
    deviation: float | None
    constant: bool
    missing: int


@dataclass(frozen=True)
class TimeFacts:
    """The clock: its kind, its median step (seconds for dates) and the steps much longer than that."""

    kind: Literal["none", "numbers", "dates"]
    typical_step: float | None
    gaps: int
    series_with_gaps: int


@dataclass(frozen=True)
class CopyFacts:
    """Series with exactly the same values: pairs in two parts, copies within a part, pairs of two labels."""

    across: list[tuple[str, str]]
    inside: int
    contradictory: list[tuple[str, str]]


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
        See ``ChannelFacts``, ``TimeFacts`` and ``CopyFacts``.
    classes
        For ``"train"``, ``"validation"`` and ``"test"``, if split, and ``"all"``: how many series each class
        has. None without labels.
    split
        One line, or None.
    warnings
        One sentence each.
    """

    series: int
    steps: int
    lengths: tuple[int, float, int]
    channels: tuple[ChannelFacts, ...]
    time: TimeFacts
    copies: CopyFacts
    classes: dict[str, dict[str, int]] | None
    split: str | None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the facts as plain dicts, lists, strings and numbers."""
        facts = asdict(self)
        facts["lengths"] = dict(zip(("minimum", "median", "maximum"), self.lengths, strict=True))
        facts["channels"] = [dict(channel) for channel in facts["channels"]]
        for kind in ("across", "contradictory"):
            facts["copies"][kind] = [list(pair) for pair in facts["copies"][kind]]
        return facts | {"warnings": list(self.warnings)}

    def lines(self) -> list[str]:
        """Give the summary for people, line by line."""
        return [
            *_size_lines(self),
            *([self.split] if self.split else []),
            "",
            *_channel_lines(self.channels),
            *(["", *_class_lines(self.classes)] if self.classes else []),
            "",
            *([f"warning: {warning}" for warning in self.warnings] or ["no warnings"]),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def inspect_panel(panel: Panel, split: Split | None = None) -> Inspection:
    """Gather the facts about a Panel, and warn of what will make trouble.

    Parameters
    ----------
    panel
        The series, at least one.
    split
        Its parts, to count classes in each and to find copies of a series in two of them.

    Returns
    -------
    Inspection
        ``print`` it, or take ``to_json()``.

    Example
    -------
    >>> facts = inspect_panel(Panel.from_series([[1.0, 2.0], [1.0, 2.0]], labels=["a", "b"]))
    >>> facts.series, facts.steps, facts.copies.contradictory
    (2, 4, [('0', '1')])
    >>> facts.classes
    {'all': {'a': 1, 'b': 1}}
    """
    panel = panel.compact()
    lengths = (int(panel.lengths.min()), float(np.median(panel.lengths)), int(panel.lengths.max()))
    channels = tuple(_channel_facts(name, panel.values[:, place]) for place, name in enumerate(panel.channels))
    facts = Inspection(
        series=len(panel),
        steps=int(panel.lengths.sum()),
        lengths=lengths,
        channels=channels,
        time=_time_facts(panel),
        copies=_copy_facts(panel, split),
        classes=_class_counts(panel, split),
        split=None if split is None else split.describe(),
    )
    return Inspection(**{**facts.__dict__, "warnings": tuple(_warnings(facts))})


def _channel_facts(name: str, values: NDArray[np.float32]) -> ChannelFacts:
    known = values[~np.isnan(values)].astype(np.float64)
    missing = len(values) - len(known)
    if not len(known):
        return ChannelFacts(name, None, None, None, None, True, missing)
    with np.errstate(invalid="ignore"):  # a Panel made of arrays may hold infinity
        numbers = [float(one) for one in (known.min(), known.mean(), known.max(), known.std())]
    least, mean, most, deviation = (one if math.isfinite(one) else None for one in numbers)
    return ChannelFacts(name, least, mean, most, deviation, numbers[0] == numbers[2], missing)


def _time_facts(panel: Panel) -> TimeFacts:
    if panel.times is None:
        return TimeFacts("none", None, 0, 0)
    dates = panel.times.dtype.kind == "M"
    times = panel.times.astype("datetime64[ns]").view(np.int64) if dates else panel.times
    rows = np.repeat(np.arange(len(panel)), panel.lengths)
    same = rows[1:] == rows[:-1]
    steps, rows = np.diff(times)[same], rows[1:][same]
    kind: Literal["numbers", "dates"] = "dates" if dates else "numbers"
    if not len(steps):
        return TimeFacts(kind, None, 0, 0)
    typical = float(np.median(steps))
    gaps = steps > GAP * typical
    return TimeFacts(kind, typical / 1e9 if dates else typical, int(gaps.sum()), len(np.unique(rows[gaps])))


def _copy_facts(panel: Panel, split: Split | None) -> CopyFacts:
    part = np.full(len(panel), "all", dtype="<U10")
    if split is not None:
        for name in PARTS:
            part[split.part(name)] = name
    alike: dict[bytes, list[int]] = {}
    for row in range(len(panel)):
        alike.setdefault(hashlib.blake2b(panel.series(row).tobytes(), digest_size=16).digest(), []).append(row)
    across, inside, contradictory = [], 0, []
    for first, *others in alike.values():
        seen = {str(part[first])}
        for row in others:
            pair = (str(panel.ids[first]), str(panel.ids[row]))
            if str(part[row]) in seen:
                inside += 1
            else:
                seen.add(str(part[row]))
                across.append(pair)
            if panel.labels is not None and panel.labels[row] != panel.labels[first]:
                contradictory.append(pair)
    return CopyFacts(across, inside, contradictory)


def _class_counts(panel: Panel, split: Split | None) -> dict[str, dict[str, int]] | None:
    if panel.labels is None:
        return None
    classes, codes = np.unique(panel.labels, return_inverse=True)
    names = [str(one) for one in classes.tolist()]
    parts: dict[str, Rows] = {} if split is None else {name: split.part(name) for name in PARTS}
    parts["all"] = np.arange(len(panel))
    return {
        part: dict(zip(names, np.bincount(codes[rows], minlength=len(names)).tolist(), strict=True))
        for part, rows in parts.items()
    }


def _warnings(facts: Inspection) -> Iterator[str]:
    if facts.series < FEW_SERIES:
        yield (
            f"there are {facts.series} series only, too few to learn from and to judge the result; "
            f"collect at least {FEW_SERIES}, better some dozens for each class"
        )
    yield from _value_warnings(facts)
    yield from _copy_warnings(facts.copies)
    yield from _class_warnings(facts.classes or {})


def _value_warnings(facts: Inspection) -> Iterator[str]:
    shortest, _, longest = facts.lengths
    if longest >= UNEVEN_LENGTHS * shortest:
        yield (
            f"lengths differ much, from {shortest} to {longest} steps; check that the short series are "
            "whole, or cut the long ones"
        )
    constant = [channel.name for channel in facts.channels if channel.constant]
    if constant:
        yield f"nothing ever changes in {_named_channels(constant)}; leave such channels out"
    gappy = [channel.name for channel in facts.channels if channel.missing]
    if gappy:
        yield (
            f"values are missing in {_named_channels(gappy)}; limelight does not fill gaps: fill them, or "
            "leave out those series"
        )
    if facts.time.gaps:
        yield (
            f"the clock has {_many(facts.time.gaps, 'gap')} in {facts.time.series_with_gaps} series, and the "
            "network sees the order of steps only; fill the gaps, or cut the series there"
        )


def _copy_warnings(copies: CopyFacts) -> Iterator[str]:
    if copies.across:
        yield (
            f"series with exactly the same values stand in two parts of the split, {_pairs(copies.across)}; "
            "keep one of each, or the result will look better than it is"
        )
    if copies.inside:
        yield (
            f"exact copies of another series in the same part: {copies.inside}; keep one of each, unless "
            "they were measured so"
        )
    if copies.contradictory:
        yield (
            f"series with exactly the same values have different labels, {_pairs(copies.contradictory)}; "
            "correct the labels, no model can tell them apart"
        )


def _class_warnings(classes: dict[str, dict[str, int]]) -> Iterator[str]:
    counts = classes.get("all", {})
    for name, count in counts.items():
        if count < FEW_IN_A_CLASS:
            yield (
                f"class {name!r} has {count} series only, too few to train on one and judge on another; "
                "collect more, or leave the class out"
            )
    for part, remedy in (
        ("train", "the network cannot learn it; move some there"),
        ("test", "the result says nothing about it; move some there"),
    ):
        absent = [name for name, count in classes.get(part, {}).items() if count == 0]
        if absent and any(classes[part].values()):
            yield f"class {listing(absent)} has no series in {part}, so {remedy}"
    total = sum(counts.values())
    rare = min(counts, key=lambda name: counts[name], default="")
    if len(counts) > 1 and counts[rare] < RARE * total:
        yield (
            f"class {rare!r} is rare, {counts[rare]} of {total} series; look at F1 and the confusion matrix, "
            "not at accuracy"
        )


def _size_lines(facts: Inspection) -> list[str]:
    shortest, median, longest = facts.lengths
    lengths = f"{longest} each" if shortest == longest else f"{shortest} to {longest} each, median {median:g}"
    clock = facts.time
    if clock.kind == "none":
        time = "no clock, the order of steps only"
    else:
        unit = " s" if clock.kind == "dates" else ""
        step = "one step only" if clock.typical_step is None else f"typical step {clock.typical_step:g}{unit}"
        gaps = f"{_many(clock.gaps, 'gap')} in {clock.series_with_gaps} series" if clock.gaps else "no gaps"
        time = f"{clock.kind}, {step}, {gaps}"
    return [f"series: {facts.series}", f"steps: {facts.steps}, {lengths}", f"time: {time}"]


def _channel_lines(channels: tuple[ChannelFacts, ...]) -> list[str]:
    rows = [["channel", "min", "mean", "max", "std", "missing"]]
    for one in channels[:SHOWN]:
        numbers = (one.minimum, one.mean, one.maximum, one.deviation)
        rows.append([one.name, *("-" if number is None else f"{number:.4g}" for number in numbers)])
        rows[-1].append(f"{one.missing}{' (constant)' if one.constant else ''}")
    return _aligned(rows, len(channels) - SHOWN)


def _class_lines(classes: dict[str, dict[str, int]]) -> list[str]:
    names = list(classes["all"])
    rows = [["class", *classes]]
    rows += [[name, *(str(counts[name]) for counts in classes.values())] for name in names[:SHOWN]]
    return _aligned(rows, len(names) - SHOWN)


def _aligned(rows: list[list[str]], left_out: int) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    ]
    return lines + ([f"and {left_out} more"] if left_out > 0 else [])


def _pairs(pairs: list[tuple[str, str]], limit: int = 3) -> str:
    shown = ", ".join(f"{first!r} and {second!r}" for first, second in pairs[:limit])
    return shown if len(pairs) <= limit else f"{shown}, and {len(pairs) - limit} more pairs"


def _named_channels(names: list[str]) -> str:
    return f"channel{'s' if len(names) > 1 else ''} {listing(names)}"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
