"""Warn of properties of labelled series that will cause trouble, and say what to do about them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from limelight.data.counters import Counting
from limelight.data.inspection.findings import (
    Advice,
    ChannelSummary,
    Duplicates,
    FieldSummary,
    Inspection,
    LabelSummary,
    Leaks,
    Severity,
    SharedGroups,
)
from limelight.data.inspection.sentinels import Sentinel
from limelight.data.inspection.series_checks import OtherScale, SamplingRates
from limelight.data.reading.names import plain_name
from limelight.errors import counted, listing

FEW_SERIES = 10
FEW_IN_A_CLASS = 3
RARE = 0.05
UNEVEN_LENGTHS = 10  # ratio of the longest series to the shortest
LONG_FOR_A_NETWORK = 20_000
ADVISED_WINDOW = 1_000
MOST_RATES = 3
UNIT_NAMES = ("unit", "units", "einheit", "einheiten", "unite", "unites", "unidad", "unidades")
"""Names of metadata that hold the unit of the values of a series."""
UNKNOWN_CLASSES = frozenset(
    (
        *("?", "??", "???", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "/"),
        *("n/a", "n.a.", "#n/a", "missing"),
    )
)
"""Names of classes, in lower case, that more often stand for an unknown label."""


def advice_about(inspection: Inspection) -> Iterator[Advice]:
    """Yield one sentence, with its severity, for each property that will cause trouble."""
    kind = "class" if inspection.labels is None else "label"
    classes = inspection.classes or {}
    for severity, sentences in (
        (Severity.SCORES, _precision_warnings(inspection.channels)),
        (Severity.SCORES, _leak_warnings(inspection.leaks)),
        (Severity.SCORES, _shared_warnings(inspection.shared, inspection.split or "")),
        (Severity.SCORES, _warnings_of_copies_across(inspection.copies)),
        (Severity.SCORES, counter_warnings(inspection.counters)),
        (Severity.SCORES, _leak_warnings_of_rates(inspection.rates)),
        (Severity.DATA, _warnings_of_contradictions(inspection.copies)),
        (Severity.DATA, _value_warnings(inspection)),
        (Severity.DATA, sentinel_warnings(inspection.sentinels)),
        (Severity.DATA, _field_sentinel_warnings(inspection.field_sentinels)),
        (Severity.DATA, _unit_warnings(inspection.fields)),
        (Severity.DATA, _scale_warnings(inspection.scales)),
        (Severity.DATA, _unknown_class_warnings(inspection)),
        (Severity.DATA, _warnings_of_whole_series(inspection)),
        (Severity.DATA, alike_warnings(inspection.alike)),
        (Severity.DATA, compound_warnings(inspection.compound)),
        (Severity.DATA, _absence_warnings(classes, "train", kind, "the network cannot learn it; move some there")),
        (Severity.DATA, _size_warnings(inspection, kind)),
        (Severity.DATA, _confined_warnings(inspection.confined)),
        (Severity.REMARK, _unlabelled_warnings(inspection)),
        (
            Severity.REMARK,
            _absence_warnings(classes, "test", kind, "the test scores do not cover it; move some there"),
        ),
        (Severity.REMARK, _remarks_about_values(inspection)),
        (Severity.REMARK, _remarks_about_long_series(inspection)),
        (Severity.REMARK, _step_counter_remarks(inspection.counters)),
        (Severity.REMARK, _remarks_about_copies(inspection.copies)),
        (Severity.REMARK, _rarity_warnings(inspection)),
        (Severity.REMARK, _naming_remarks(inspection.shared)),
    ):
        yield from (Advice(severity, sentence) for sentence in sentences)


def _leak_warnings(leaks: Leaks) -> Iterator[str]:
    for names, how in (
        (leaks.values, "each of its values occurs with one label only"),
        (leaks.thresholds, "its numbers separate the classes without exception"),
        (leaks.missing, "it is missing for some classes and known for all others"),
    ):
        for name in names:
            remedy = f"pass --set {shlex.quote(f'data.fields.{name}=ignore')}"
            if "." in name:  # which a key of an experiment cannot hold
                remedy = 'set it to "ignore" in data.fields'
            yield f"metadata {name!r} leaks the label: {how}; if it is not known at prediction time, {remedy}"


def alike_warnings(alike: Mapping[str, Sequence[tuple[str, ...]]]) -> Iterator[str]:
    """Yield a question about classes, and about values of each field, that may mean the same."""
    for field, groups in alike.items():
        shown = ", ".join(" and ".join(map(repr, names)) for names in groups[:3])
        shown += f" and {len(groups) - 3} more" if len(groups) > 3 else ""
        what = f"values of metadata {field!r}" if field else "classes"
        yield (
            f"{what} differ only by case, blanks or punctuation, {shown}; if they mean the same, write them in the "
            "same way, otherwise they are learned as different"
        )


def compound_warnings(compound: Sequence[str]) -> Iterator[str]:
    """Yield a question if classes such as ``walking|standing`` combine the names of other classes."""
    if compound:
        verb = "class {} combines" if len(compound) == 1 else "classes {} combine"
        yield (
            f"{verb.format(listing(compound))} the names of other classes, and each combination is learned as a class "
            "of its own; if several labels are meant, write a column label_x of 0 and 1 for each label x"
        )


def _size_warnings(inspection: Inspection, kind: str) -> Iterator[str]:
    if inspection.series < FEW_SERIES:
        yield (
            f"only {inspection.series} series, too few for training and evaluation; "
            f"collect at least {FEW_SERIES}, better some dozens per class"
        )
    for name, count in (inspection.classes or {}).get("all", {}).items():
        unknown = inspection.labels is not None and not inspection.labels.known[name]
        if count < FEW_IN_A_CLASS and not unknown:
            yield (
                f"{kind} {name!r} has only {count} series, too few for both training and evaluation; "
                f"collect more, or leave the {kind} out"
            )


def _absence_warnings(classes: dict[str, dict[str, int]], part: str, kind: str, remedy: str) -> Iterator[str]:
    absent = [name for name, count in classes.get(part, {}).items() if count == 0]
    if absent and any(classes[part].values()):
        yield f"{kind} {listing(absent)} has no series in {part}, so {remedy}"


def _confined_warnings(confined: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for label, (name, value) in confined.items():
        yield (
            f"class {label!r} occurs only with {name!r} {value!r}, so it cannot be separated from that {name!r}; "
            "collect the class elsewhere, too"
        )


def _unlabelled_warnings(inspection: Inspection) -> Iterator[str]:
    if 0 < inspection.unlabelled < inspection.series:
        yield (
            f"{inspection.unlabelled} of {inspection.series} series have no known label; they are neither learned from "
            "nor scored"
        )


def _precision_warnings(channels: Sequence[ChannelSummary]) -> Iterator[str]:
    for channel in channels:
        if channel.resolution is not None and channel.mean is not None:
            yield (
                f"channel {channel.name!r} has values around {channel.mean:.4g}, where float32 only resolves steps of "
                f"{channel.resolution:.2g}; if the measurements are finer, subtract a constant from the channel"
            )


def _value_warnings(inspection: Inspection) -> Iterator[str]:
    infinite = [channel.name for channel in inspection.channels if channel.infinite]
    if infinite:
        count = sum(channel.infinite for channel in inspection.channels)
        yield f"{counted(count, 'infinite value')} in {_named_channels(infinite)}; correct them, training rejects them"
    if inspection.labels is not None:
        yield from empty_label_warnings(inspection.labels)


def empty_label_warnings(labels: LabelSummary) -> Iterator[str]:
    """Yield a warning about the labels that are known for nobody."""
    empty = [name for name, known in labels.known.items() if not known]
    if empty:
        has, it = ("have", "them") if len(empty) > 1 else ("has", "it")
        named = f"label{'s' if len(empty) > 1 else ''} {listing(empty)}"
        yield f"{named} {has} no known value, so nothing can be learned about {it}; fill {it} in, or leave {it} out"


def sentinel_warnings(sentinels: Sequence[Sentinel], remedy: str = "") -> Iterator[str]:
    """Yield a question about each number that may stand for a missing value; ``remedy`` replaces the option to pass."""
    by_value: dict[float, list[Sentinel]] = {}
    for one in sentinels:
        by_value.setdefault(one.value, []).append(one)
    every = ", ".join(f"{value:.7g}" for value in by_value)
    remedy = remedy or f"pass --set 'data.missing_values=[{every}]'"
    for value, found in by_value.items():
        channels, count = [one.channel for one in found], sum(one.count for one in found)
        others = f" ({found[0].low:.4g} to {found[0].high:.4g})" if len(found) == 1 else ""
        verb = "has" if len(found) == 1 else "have"
        yield (
            f"{_named_channels(channels)} {verb} the value {value:.7g} {_times(count)}, far from all others{others}; "
            f"if it stands for a missing value, {remedy}"
        )


def _field_sentinel_warnings(sentinels: Sequence[Sentinel]) -> Iterator[str]:
    for one in sentinels:
        yield (
            f"metadata {one.channel!r} has the value {one.value:.7g} {_times(one.count)}, far from all others "
            f"({one.low:.4g} to {one.high:.4g}); if it stands for a missing value, leave these cells empty"
        )


def _unit_warnings(fields: Sequence[FieldSummary]) -> Iterator[str]:
    for one in fields:
        if plain_name(one.name) in UNIT_NAMES and one.distinct > 1:
            yield (
                f"metadata {one.name!r} names {one.distinct} units, {listing(one.examples)}, but values are not "
                "converted; convert all series to one unit"
            )


def _scale_warnings(scales: Sequence[OtherScale]) -> Iterator[str]:
    for one in scales:
        yield (
            f"channel {one.channel!r} varies about {one.factor:,} times as much in {one.series} series as in the other "
            f"{one.others}, as if they were in another unit; convert all series to one unit"
        )


def _unknown_class_warnings(inspection: Inspection) -> Iterator[str]:
    names = [name for name in (inspection.classes or {}).get("all", {}) if name.strip().lower() in UNKNOWN_CLASSES]
    for name in names if inspection.labels is None else ():
        yield (
            f"class {name!r} is learned like any other, although it may stand for an unknown label; if it does, leave "
            "these labels empty"
        )


def padding_warnings(padded: int, remedy: str = "leave these cells empty") -> Iterator[str]:
    """Yield a warning about ``padded`` series that seem to be padded with zeros to one length; none if it is 0."""
    if padded:
        yield (
            f"{padded} series of the same length end in different numbers of zeros, as if they were padded; if so, "
            f"{remedy}, so that the series are shorter"
        )


def _rates_in_words(rates: SamplingRates) -> str:
    shown = [f"{step:g} in {count} series" for step, count in rates.steps[:MOST_RATES]]
    more = f" and {len(rates.steps) - MOST_RATES} more" if len(rates.steps) > MOST_RATES else ""
    return f"{', '.join(shown)}{more}"


def _leak_warnings_of_rates(rates: SamplingRates | None) -> Iterator[str]:
    if rates is not None and rates.reveals_class:
        yield (
            f"the time step differs between the classes, {_rates_in_words(rates)}, so that a model can infer the label "
            "from the sampling rate; resample all series to one step"
        )


def _warnings_of_whole_series(inspection: Inspection) -> Iterator[str]:
    if inspection.empty:
        has = "has" if len(inspection.empty) == 1 else "have"
        yield f"series {listing(inspection.empty)} {has} no value in any channel; leave such series out"
    yield from padding_warnings(inspection.padded)
    if inspection.ids_alike:
        shown = ", ".join(" and ".join(map(repr, names)) for names in inspection.ids_alike[:3])
        more = f" and {len(inspection.ids_alike) - 3} more" if len(inspection.ids_alike) > 3 else ""
        yield (
            f"ids differ only by case, blanks or punctuation, {shown}{more}; if they name the same series, write them "
            "in the same way"
        )
    rates = inspection.rates
    if rates is not None and not rates.reveals_class:
        yield (
            f"series have different time steps, {_rates_in_words(rates)}, which change the shapes that a model sees; "
            "resample all series to one step"
        )


def counter_warnings(
    counters: Mapping[str, Counting], remedy: str = "leave such channels out with --channels"
) -> Iterator[str]:
    """Yield a warning about the channels that name a series by its place in the table."""
    for counting, what in (
        ("rows", "{} the rows of the whole table"),
        ("on", "{} from one series to the next"),
    ):
        names = [name for name, found in counters.items() if found == counting]
        verb = "count" if counting == "rows" else "continue"
        if names:
            yield (
                f"{_named_channels(names)} {what.format(verb if len(names) > 1 else f'{verb}s')}, so a network can "
                f"read the label off the order of the series; {remedy}"
            )


def _step_counter_remarks(counters: Mapping[str, Counting]) -> Iterator[str]:
    names = [name for name, found in counters.items() if found == "steps"]
    if names:
        verb = "counts" if len(names) == 1 else "count"
        yield f"{_named_channels(names)} only {verb} the steps; leave such channels out with --channels"


def _remarks_about_values(inspection: Inspection) -> Iterator[str]:
    shortest, _, longest = inspection.lengths
    if longest >= UNEVEN_LENGTHS * shortest:
        yield (
            f"lengths differ widely, from {shortest} to {longest} steps; check that the short series are "
            "complete, or cut the long ones"
        )
    constant = [channel.name for channel in inspection.channels if channel.constant and channel.resolution is None]
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
    hours = inspection.time.skipped_hours
    if hours:
        yield (
            f"the clock skips the hour at the beginning of summer time {_times(hours)}, which is no gap in the "
            "measurement; write the times in UTC or with their offset"
        )
    if inspection.time.gaps > hours:
        yield (
            f"the clock has {counted(inspection.time.gaps, 'gap')} in {inspection.time.series_with_gaps} series; the "
            "network gets the elapsed time if the clock of the training series is irregular, and always with "
            "clock='elapsed'"
        )


def _remarks_about_long_series(inspection: Inspection) -> Iterator[str]:
    longest = inspection.lengths[2]
    if inspection.network and longest > LONG_FOR_A_NETWORK:
        remedy = f"cut them into windows with --set windows.length={ADVISED_WINDOW}"
        if inspection.classes is not None:
            remedy += " if every such window shows the class, or use the encoder blocks with --set model.encoder=blocks"
        yield f"series have up to {longest} steps, which a network reads slowly or coarsely; {remedy}"


def _warnings_of_copies_across(duplicates: Duplicates) -> Iterator[str]:
    if duplicates.across:
        yield (
            f"series with identical values are in different parts of the split, {_pairs(duplicates.across)}; "
            "keep one of each, or the scores will be too optimistic"
        )


def _warnings_of_contradictions(duplicates: Duplicates) -> Iterator[str]:
    if duplicates.contradictory:
        yield (
            f"series with identical values have different labels, {_pairs(duplicates.contradictory)}; "
            "correct the labels, no model can separate these series"
        )


def _remarks_about_copies(duplicates: Duplicates) -> Iterator[str]:
    if duplicates.inside:
        yield (
            f"{counted(duplicates.inside, 'exact duplicate')} of another series in the same part of the split; keep "
            "one of each, unless they were measured separately"
        )


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


def _shared_warnings(shared: SharedGroups, split: str) -> Iterator[str]:
    for name, (common, values) in shared.both.items():
        option = shlex.quote(f"split.group={name}")
        remedy = (
            f"pass --set {option}" if "as given in" not in split else "keep them together in the split that is given"
        )
        yield (
            f"series with the same {name!r} are in both train and test ({common} of {values} values); if such series "
            f"are alike, {remedy} so that the scores hold for new ones"
        )
    if shared.windows:
        yield (
            f"windows of {counted(shared.windows, 'recording')} are in both train and test; keep all windows of a "
            "recording in the same part"
        )


def _naming_remarks(shared: SharedGroups) -> Iterator[str]:
    if shared.naming:
        yield (
            f"metadata {listing(shared.naming)} identifies the groups of the split, so a network can only memorise it; "
            "leave it out"
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _pairs(pairs: list[tuple[str, str]], limit: int = 3) -> str:
    shown = ", ".join(f"{first!r} and {second!r}" for first, second in pairs[:limit])
    return shown if len(pairs) <= limit else f"{shown}, and {len(pairs) - limit} more pairs"


def _named_channels(names: list[str]) -> str:
    return f"channel{'s' if len(names) > 1 else ''} {listing(names)}"
