"""Advice: what in the facts about labelled series will make trouble, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.data.inspection.findings import Duplicates, Inspection, SharedGroups
from limelight.errors import counted, listing

FEW_SERIES = 10
FEW_IN_A_CLASS = 3
RARE = 0.05
UNEVEN_LENGTHS = 10  # the longest series has this many times the steps of the shortest


def warnings_about(facts: Inspection) -> Iterator[str]:
    """Give a sentence for each thing that will make trouble."""
    if facts.series < FEW_SERIES:
        yield (
            f"there are {facts.series} series only, too few to learn from and to judge the result; "
            f"collect at least {FEW_SERIES}, better some dozens for each class"
        )
    yield from _value_warnings(facts)
    yield from _copy_warnings(facts.copies)
    yield from _class_warnings(facts.classes or {}, "class" if facts.labels is None else "label")
    yield from _rarity_warnings(facts)
    yield from _shared_warnings(facts.shared)


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
        count = sum(channel.missing for channel in facts.channels)
        yield (
            f"{counted(count, 'missing value')} in {_named_channels(gappy)}; the network is told where "
            "(missing='mask') unless the model says another way: last, linear, mean, or error"
        )
    endless = [channel.name for channel in facts.channels if channel.infinite]
    if endless:
        count = sum(channel.infinite for channel in facts.channels)
        yield f"{counted(count, 'infinite value')} in {_named_channels(endless)}; training refuses them: correct them"
    if facts.time.gaps:
        yield (
            f"the clock has {counted(facts.time.gaps, 'gap')} in {facts.time.series_with_gaps} series; where the clock "
            "of training is irregular, the network is given the elapsed time, and clock='elapsed' always gives it"
        )


def _copy_warnings(copies: Duplicates) -> Iterator[str]:
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


def _class_warnings(classes: dict[str, dict[str, int]], kind: str) -> Iterator[str]:
    for name, count in classes.get("all", {}).items():
        if count < FEW_IN_A_CLASS:
            yield (
                f"{kind} {name!r} has {count} series only, too few to train on one and judge on another; "
                f"collect more, or leave the {kind} out"
            )
    for part, remedy in (
        ("train", "the network cannot learn it; move some there"),
        ("test", "the result says nothing about it; move some there"),
    ):
        absent = [name for name, count in classes.get(part, {}).items() if count == 0]
        if absent and any(classes[part].values()):
            yield f"{kind} {listing(absent)} has no series in {part}, so {remedy}"


def _rarity_warnings(facts: Inspection) -> Iterator[str]:
    """Warn of what is so rare that always answering something else looks good."""
    remedy = "training.imbalance='weights' makes it count"
    if facts.labels is not None:
        several, unit = facts.labels, facts.labels.unit
        rare = {name: count for name, count in several.there.items() if 0 < count < RARE * several.known[name]}
        if rare:
            said = [f"{name!r} in {count} of {several.known[name]} {unit}" for name, count in rare.items()]
            yield f"labels are rare, {', '.join(said)}; look at the F1 of each, not at accuracy; {remedy}"
        if several.exclusive:
            yield (
                f"each {'series' if unit == 'series' else 'step'} has exactly one of the labels: exclusive classes; "
                "give one label column, so that their probabilities add up to 1"
            )
        return
    counts = (facts.classes or {}).get("all", {})
    total, name = sum(counts.values()), min(counts, key=lambda one: counts[one], default="")
    if len(counts) > 1 and counts[name] < RARE * total:
        yield (
            f"class {name!r} is rare, {counts[name]} of {total} series; look at F1 and the confusion matrix, "
            f"not at accuracy; {remedy}"
        )
    shares = next(iter((facts.step_labels or {}).values()), {}) if facts.classes is None else {}
    name = min((one for one in shares if shares[one]), key=lambda one: shares[one], default="")
    if len(shares) > 1 and shares.get(name, 1) < RARE:
        yield (
            f"class {name!r} is rare, {100 * shares[name]:.2g} % of the steps; look at F1, events and the confusion "
            f"matrix, not at accuracy; {remedy}"
        )


def _shared_warnings(shared: SharedGroups) -> Iterator[str]:
    if shared.naming:
        yield (
            f"metadata {listing(shared.naming)} names the group that the split keeps together, so a network could only "
            "learn it by heart; leave it out"
        )
    for name, (common, values) in shared.both.items():
        yield (
            f"series of the same {name!r} stand in train and in test ({common} of {values} values); if they are alike, "
            f"say split.group={name!r} so that the result holds for new ones"
        )
    if shared.windows:
        yield (
            f"windows of {counted(shared.windows, 'recording')} stand in train and in test; keep each "
            "recording on one side"
        )


def _pairs(pairs: list[tuple[str, str]], limit: int = 3) -> str:
    shown = ", ".join(f"{first!r} and {second!r}" for first, second in pairs[:limit])
    return shown if len(pairs) <= limit else f"{shown}, and {len(pairs) - limit} more pairs"


def _named_channels(names: list[str]) -> str:
    return f"channel{'s' if len(names) > 1 else ''} {listing(names)}"
