"""Warn of properties of labelled series that will cause trouble, and say what to do about them."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.data.inspection.findings import Duplicates, Inspection, SharedGroups
from limelight.errors import counted, listing

FEW_SERIES = 10
FEW_IN_A_CLASS = 3
RARE = 0.05
UNEVEN_LENGTHS = 10  # ratio of the longest series to the shortest


def warnings_about(inspection: Inspection) -> Iterator[str]:
    """Yield one sentence for each property that will cause trouble."""
    if inspection.series < FEW_SERIES:
        yield (
            f"only {inspection.series} series, too few for training and evaluation; "
            f"collect at least {FEW_SERIES}, better some dozens per class"
        )
    yield from _value_warnings(inspection)
    yield from _duplicate_warnings(inspection.copies)
    yield from _class_warnings(inspection.classes or {}, "class" if inspection.labels is None else "label")
    yield from _rarity_warnings(inspection)
    yield from _shared_warnings(inspection.shared)


def _value_warnings(inspection: Inspection) -> Iterator[str]:
    shortest, _, longest = inspection.lengths
    if longest >= UNEVEN_LENGTHS * shortest:
        yield (
            f"lengths differ widely, from {shortest} to {longest} steps; check that the short series are "
            "complete, or cut the long ones"
        )
    constant = [channel.name for channel in inspection.channels if channel.constant]
    if constant:
        verb = "is" if len(constant) == 1 else "are"
        yield f"{_named_channels(constant)} {verb} constant; leave constant channels out"
    gappy = [channel.name for channel in inspection.channels if channel.missing]
    if gappy:
        count = sum(channel.missing for channel in inspection.channels)
        yield (
            f"{counted(count, 'missing value')} in {_named_channels(gappy)}; by default the network gets a mask of "
            "missing values (missing='mask'), or choose last, linear, mean or error"
        )
    infinite = [channel.name for channel in inspection.channels if channel.infinite]
    if infinite:
        count = sum(channel.infinite for channel in inspection.channels)
        yield f"{counted(count, 'infinite value')} in {_named_channels(infinite)}; correct them, training rejects them"
    if inspection.time.gaps:
        yield (
            f"the clock has {counted(inspection.time.gaps, 'gap')} in {inspection.time.series_with_gaps} series; the "
            "network gets the elapsed time if the clock of the training series is irregular, and always with "
            "clock='elapsed'"
        )


def _duplicate_warnings(duplicates: Duplicates) -> Iterator[str]:
    if duplicates.across:
        yield (
            f"series with identical values are in different parts of the split, {_pairs(duplicates.across)}; "
            "keep one of each, or the scores will be too optimistic"
        )
    if duplicates.inside:
        yield (
            f"{counted(duplicates.inside, 'exact duplicate')} of another series in the same part of the split; keep "
            "one of each, unless they were measured separately"
        )
    if duplicates.contradictory:
        yield (
            f"series with identical values have different labels, {_pairs(duplicates.contradictory)}; "
            "correct the labels, no model can separate these series"
        )


def _class_warnings(classes: dict[str, dict[str, int]], kind: str) -> Iterator[str]:
    for name, count in classes.get("all", {}).items():
        if count < FEW_IN_A_CLASS:
            yield (
                f"{kind} {name!r} has only {count} series, too few for both training and evaluation; "
                f"collect more, or leave the {kind} out"
            )
    for part, remedy in (
        ("train", "the network cannot learn it; move some there"),
        ("test", "the test scores do not cover it; move some there"),
    ):
        absent = [name for name, count in classes.get(part, {}).items() if count == 0]
        if absent and any(classes[part].values()):
            yield f"{kind} {listing(absent)} has no series in {part}, so {remedy}"


def _rarity_warnings(inspection: Inspection) -> Iterator[str]:
    """Warn of labels and classes so rare that a model that never predicts them has a high accuracy."""
    remedy = "training.imbalance='weights' gives it more weight"
    if inspection.labels is not None:
        labels, unit = inspection.labels, inspection.labels.unit
        rare = {name: count for name, count in labels.there.items() if 0 < count < RARE * labels.known[name]}
        if rare:
            shares = [f"{name!r} in {count} of {labels.known[name]} {unit}" for name, count in rare.items()]
            yield f"labels are rare, {', '.join(shares)}; look at the F1 of each, not at accuracy; {remedy}"
        if labels.exclusive:
            yield (
                f"each {'series' if unit == 'series' else 'step'} has exactly one of the labels, so they are exclusive "
                "classes; use one label column, so that their probabilities add up to 1"
            )
        return
    counts = (inspection.classes or {}).get("all", {})
    total, name = sum(counts.values()), min(counts, key=lambda one: counts[one], default="")
    if len(counts) > 1 and counts[name] < RARE * total:
        yield (
            f"class {name!r} is rare, {counts[name]} of {total} series; look at F1 and the confusion matrix, "
            f"not at accuracy; {remedy}"
        )
    step_shares = next(iter((inspection.step_labels or {}).values()), {}) if inspection.classes is None else {}
    name = min((one for one in step_shares if step_shares[one]), key=lambda one: step_shares[one], default="")
    if len(step_shares) > 1 and step_shares.get(name, 1) < RARE:
        yield (
            f"class {name!r} is rare, {100 * step_shares[name]:.2g} % of the steps; look at F1, events and the "
            f"confusion matrix, not at accuracy; {remedy}"
        )


def _shared_warnings(shared: SharedGroups) -> Iterator[str]:
    if shared.naming:
        yield (
            f"metadata {listing(shared.naming)} identifies the groups of the split, so a network can only memorise it; "
            "leave it out"
        )
    for name, (common, values) in shared.both.items():
        yield (
            f"series with the same {name!r} are in both train and test ({common} of {values} values); if such series "
            f"are alike, set split.group={name!r} so that the scores hold for new ones"
        )
    if shared.windows:
        yield (
            f"windows of {counted(shared.windows, 'recording')} are in both train and test; keep all windows of a "
            "recording in the same part"
        )


def _pairs(pairs: list[tuple[str, str]], limit: int = 3) -> str:
    shown = ", ".join(f"{first!r} and {second!r}" for first, second in pairs[:limit])
    return shown if len(pairs) <= limit else f"{shown}, and {len(pairs) - limit} more pairs"


def _named_channels(names: list[str]) -> str:
    return f"channel{'s' if len(names) > 1 else ''} {listing(names)}"
