"""Inspect labelled series before training: statistics, duplicates, class counts and leakage between train and test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.inspection.alike import compound_names, names_alike
from limelight.data.inspection.fields import FieldUse, find_leaks, summarise_fields
from limelight.data.inspection.findings import (
    ChannelSummary,
    ClockSummary,
    FieldSummary,
    Inspection,
    LabelSummary,
    SharedGroups,
)
from limelight.data.inspection.groups import FEWEST_GROUPS, group_fields
from limelight.data.inspection.scan import scan_channels
from limelight.data.inspection.series_checks import field_sentinels, ids_alike, other_scales, sampling_rates
from limelight.data.inspection.warnings import (
    advice_about,
    alike_warnings,
    compound_warnings,
    counter_warnings,
    empty_label_warnings,
    padding_warnings,
    sentinel_warnings,
)
from limelight.data.labels import count_labelled, names_of_columns
from limelight.data.metadata import fields_of, words_in
from limelight.data.panel import Panel
from limelight.data.splitting.splits import PARTS, Split
from limelight.data.statistics import ChannelStatistics, ClockStatistics, channel_statistics
from limelight.data.summer_time import begins_summer_time
from limelight.task import is_known
from limelight.types import Rows

FEW_STEPS = 64
"""A range of fewer steps of float32 than this may have lost smaller differences."""
COARSE_IF_CONSTANT = 2.0**-5
"""A constant channel may have lost differences if the resolution of float32 near its value is at least this."""


def inspect_panel(
    panel: Panel,
    split: Split | None = None,
    *,
    group: str | None = None,
    uses: Mapping[str, FieldUse] | None = None,
    refusal: str | None = None,
    network: bool = False,
    advance: Callable[[int], object] = int,
) -> Inspection:
    """Summarise a Panel and its split, and warn of what will cause trouble.

    Parameters
    ----------
    panel
        The series, at least one.
    split
        A split of the Panel, to count classes in each part and to find duplicates across parts.
    group
        The metadata field whose values the split keeps together, if any.
    uses
        What training takes the metadata fields for, by name; None shows them by the type of their column.
    refusal
        Why training would refuse the series, if it would.
    network
        Whether training may train a network by gradient descent.
    advance
        Called with the number of steps inspected since the last call.

    Returns
    -------
    Inspection
        The summary; ``print`` it, or convert it with ``to_json()``.

    Example
    -------
    >>> inspection = inspect_panel(Panel.from_series([[1.0, 2.0], [1.0, 2.0]], labels=["a", "b"]))
    >>> inspection.series, inspection.steps, inspection.copies.contradictory
    (2, 4, [('0', '1')])
    >>> inspection.classes
    {'all': {'a': 1, 'b': 1}}
    """
    statistics = channel_statistics(panel)
    uses = uses or {}
    scan = scan_channels(panel, advance)
    lengths = (int(panel.lengths.min()), float(np.median(panel.lengths)), int(panel.lengths.max()))
    fields = summarise_fields(panel.metadata, uses)
    groups = group_fields(panel.metadata, scan.features)
    inspection = Inspection(
        series=len(panel),
        steps=int(panel.lengths.sum()),
        lengths=lengths,
        channels=tuple(
            _summarise_channel(name, float(panel.offset[column]), statistics, column)
            for column, name in enumerate(panel.channels)
        ),
        time=_summarise_clock(panel, statistics),
        copies=scan.copies.duplicates(panel, split),
        classes=_class_counts(panel, split),
        split=None if split is None else split.describe(),
        step_labels=_step_label_shares(panel),
        signals=_signal_shares(panel),
        notes=panel.notes,
        shared=_find_shared_groups(panel, split, group, groups),
        leaks=find_leaks(panel.metadata, panel.labels, {one.name for one in fields if one.kind == "ignore"}),
        labels=_summarise_labels(panel),
        unlabelled=0 if panel.labels is None else len(panel) - count_labelled(panel.labels, len(panel)),
        fields=fields,
        alike=_names_alike(panel, fields),
        compound=tuple(compound_names(_class_names(panel))),
        confined=_confined_classes(panel, {*groups, *([group] if group else [])}),
        sentinels=scan.sentinels,
        counters=scan.counters,
        field_sentinels=tuple(field_sentinels(panel.metadata)),
        empty=tuple(scan.whole.empty),
        padded=scan.whole.padded,
        ids_alike=tuple(ids_alike(panel)),
        rates=sampling_rates(panel),
        scales=tuple(other_scales(scan.features, panel.channels)),
        refusal=refusal,
        network=network,
    )
    return replace(inspection, advice=tuple(sorted(advice_about(inspection), key=lambda one: one.severity)))


def notes_on_arrays(panel: Panel) -> tuple[str, ...]:
    """Return notes on labelled series from Python that need no split: sentinels, counters, and names of classes.

    Parameters
    ----------
    panel
        The series.

    Returns
    -------
    tuple[str, ...]
        One sentence each.

    Example
    -------
    >>> notes_on_arrays(Panel.from_series([[1.0, 2.0, -999.0], [1.5, 1.1, -999.0]], labels=["a", "b"]))
    ("channel 'channel_0' has the value -999 2 times, far from all others (1 to 2); if it stands for a missing value, \
replace it by NaN",)
    """
    scan, labels = scan_channels(panel), _summarise_labels(panel)
    return (
        *counter_warnings(scan.counters, "leave such channels out"),
        *sentinel_warnings(scan.sentinels, "replace it by NaN"),
        *padding_warnings(scan.whole.padded, "pass a list of arrays of their own lengths"),
        *alike_warnings(_names_alike(panel, ())),
        *compound_warnings(compound_names(_class_names(panel))),
        *(() if labels is None else empty_label_warnings(labels)),
    )


def _confined_classes(panel: Panel, groups: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Find the classes that occur in one group only, although there are several: the field and its value by class."""
    if panel.labels is None or panel.labels.ndim == 2 or panel.metadata is None:
        return {}
    labels, found = panel.labels.astype(str), dict[str, tuple[str, str]]()
    columns = fields_of(panel.metadata)
    for name in sorted(set(groups) & set(columns)):
        words = words_in(columns[name], name)
        known = is_known(panel.labels) & (words != "")
        if len(set(words[known].tolist())) < FEWEST_GROUPS:
            continue
        for label in np.unique(labels[known]).tolist():
            within = words[known & (labels == label)]
            if len(within) >= FEWEST_GROUPS and len(set(within.tolist())) == 1:
                found.setdefault(label, (name, str(within[0])))
    return found


def _class_names(panel: Panel) -> list[str]:
    """Return the names of the classes of series or of steps; empty if there are none, or several labels."""
    if panel.labels is not None and panel.labels.ndim == 1:
        return [str(name) for name in np.unique(panel.labels[is_known(panel.labels)].astype(str))]
    if panel.labels is None and panel.step_labels is not None and len(panel.step_labels.names) == 1:
        return list(panel.step_labels.classes)
    return []


def _names_alike(panel: Panel, fields: Iterable[FieldSummary]) -> dict[str, list[tuple[str, ...]]]:
    """Group the names of classes, and the values of categories, that differ only by case, blanks or punctuation."""
    classes = _class_names(panel)
    named: dict[str, Iterable[str]] = {"": classes} if classes else {}
    columns = fields_of(panel.metadata)
    for one in fields:
        if one.kind in ("category", "text"):
            named[one.name] = sorted(set(words_in(columns[one.name], one.name).tolist()) - {""})
    alike = {name: names_alike(words) for name, words in named.items()}
    return {name: groups for name, groups in alike.items() if groups}


def _summarise_channel(name: str, offset: float, statistics: ChannelStatistics, column: int) -> ChannelSummary:
    count, infinite = statistics.count[column], statistics.infinite[column]
    minimum, maximum = statistics.minimum[column], statistics.maximum[column]
    finite = not infinite and count  # a Panel built from arrays may hold infinite values
    return ChannelSummary(
        name=name,
        minimum=float(minimum) if finite else None,
        mean=float(statistics.mean[column]) if finite else None,
        maximum=float(maximum) if finite else None,
        deviation=float(statistics.deviation[column]) if finite else None,
        constant=bool(not infinite and (not count or minimum == maximum)),
        missing=int(statistics.missing[column]),
        infinite=int(infinite),
        resolution=_coarse_resolution(float(minimum - offset), float(maximum - offset)) if finite else None,
    )


def _coarse_resolution(minimum: float, maximum: float) -> float | None:
    """Return the resolution of float32 near values if their range has only a few steps of it, else None.

    The values are those that are stored: relative to the offset of the channel.
    """
    step = float(np.spacing(np.float32(max(abs(minimum), abs(maximum)))))
    constant = minimum == maximum and step < COARSE_IF_CONSTANT
    return step if maximum - minimum < FEW_STEPS * step and not constant else None


def _summarise_clock(panel: Panel, statistics: ChannelStatistics) -> ClockSummary:
    clock = statistics.clock
    if clock is None:
        return ClockSummary("none", None, 0, 0)
    return ClockSummary(
        clock.kind,
        clock.typical_step,
        clock.gaps,
        clock.series_with_gaps,
        clock.irregular,
        _skipped_hours(panel, clock),
    )


def _skipped_hours(panel: Panel, clock: ClockStatistics) -> int:
    """Count the gaps of an hour at the beginning of summer time."""
    if clock.kind == "numbers" or not clock.gaps or clock.typical_step is None or "time" in panel.units:
        return 0  # dates with a time zone are in UTC, the unit of the clock
    count = 0
    for block in panel.blocks():
        assert block.times is not None
        inside = np.ones(len(block.times) - 1, dtype=bool)
        inside[block.starts[1:] - 1] = False
        skipped = begins_summer_time(block.times[:-1], block.times[1:], clock.typical_step)
        count += int((skipped & inside).sum())
    return count


def _summarise_labels(panel: Panel) -> LabelSummary | None:
    """Count multi-label targets of the series or, if the series have no labels, of the steps; None if single-label."""
    if panel.labels is not None:
        if panel.labels.ndim == 1:
            return None
        matrix = panel.labels.astype(np.float64)
        return _count_labels([np.where(np.isnan(matrix), -1, matrix)], panel.label_names or (), "series")
    if panel.step_labels is None or len(panel.step_labels.names) == 1:
        return None
    blocks = (block.step_labels.codes for block in panel.blocks() if block.step_labels is not None)
    return _count_labels(blocks, names_of_columns(panel.step_labels.names), "steps")


def _count_labels(
    blocks: Iterable[NDArray[Any]], names: tuple[str, ...], unit: Literal["series", "steps"]
) -> LabelSummary:
    """Count labels in matrices of 0, 1 and, for an unknown label, -1."""
    known, present = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    complete_rows = not_exclusive = 0
    for codes in blocks:
        known += (codes >= 0).sum(axis=0)
        present += (codes == 1).sum(axis=0)
        complete = codes[(codes >= 0).all(axis=1)]
        complete_rows += len(complete)
        not_exclusive += int((complete.sum(axis=1) != 1).sum())
    return LabelSummary(
        dict(zip(names, known.tolist(), strict=True)),
        dict(zip(names, present.tolist(), strict=True)),
        exclusive=len(names) > 1 and complete_rows > 0 and not not_exclusive,
        unit=unit,
    )


def _step_label_shares(panel: Panel) -> dict[str, dict[str, float]] | None:
    """Compute the share of each class among the steps for which the label is known, for each per-step label."""
    if panel.step_labels is None:
        return None
    names, classes = panel.step_labels.names, panel.step_labels.classes
    counts = np.zeros((len(names), len(classes)), dtype=np.int64)
    for block in panel.blocks():
        assert block.step_labels is not None
        for column, codes in enumerate(block.step_labels.codes.T):
            counts[column] += np.bincount(codes[codes >= 0], minlength=len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {name: dict(zip(classes, row.tolist(), strict=True)) for name, row in zip(names, shares, strict=True)}


def _signal_shares(panel: Panel) -> dict[str, dict[str, float]] | None:
    """Compute the share of each word among all steps, and of steps without a known word as "", for each signal."""
    if panel.signals is None:
        return None
    counts = [np.zeros(len(words) + 1, dtype=np.int64) for words in panel.signals.classes]
    for block in panel.blocks():
        assert block.signals is not None
        for count, codes in zip(counts, block.signals.codes.T, strict=True):
            count += np.bincount(codes.astype(np.int64) + 1, minlength=len(count))
    steps = int(panel.lengths.sum())
    return {
        name: {word: float(one / steps) for word, one in zip(("", *words), count, strict=True) if one}
        for name, words, count in zip(panel.signals.names, panel.signals.classes, counts, strict=True)
    }


def _find_shared_groups(
    panel: Panel, split: Split | None, group: str | None, groups: Mapping[str, NDArray[np.int64]]
) -> SharedGroups:
    """Find groups and recordings in both train and test or, for a grouped split, fields that identify its groups."""
    if split is None or not len(split.train) or not len(split.test):
        return SharedGroups()
    windows = 0
    if panel.origin is not None:
        recordings = panel.origin.recordings
        windows = len(np.intersect1d(recordings[split.train], recordings[split.test]))
    if panel.metadata is None:
        return SharedGroups(windows=windows)
    if group in panel.metadata.column_names:
        keys = panel.metadata[group].to_pylist()
        naming = tuple(
            name
            for name in panel.metadata.column_names
            if name != group
            and _may_identify_group(panel.metadata, name)
            and _one_to_one(panel.metadata[name].to_pylist(), keys)
        )
        return SharedGroups(naming, windows=windows)
    both = {}
    for name, codes in groups.items():
        common = np.setdiff1d(np.intersect1d(codes[split.train], codes[split.test]), [-1])
        if len(common):
            both[name] = (len(common), int(codes.max()) + 1)
    return SharedGroups((), both, windows)


def _may_identify_group(metadata: pa.Table, field: str) -> bool:
    """Whether a field is text or whole numbers."""
    field_type = metadata[field].type
    if pa.types.is_dictionary(field_type):
        field_type = field_type.value_type
    text = pa.types.is_string(field_type) or pa.types.is_large_string(field_type) or pa.types.is_string_view(field_type)
    return bool(text or pa.types.is_integer(field_type))


def _one_to_one(column: list[Any], other: list[Any]) -> bool:
    pairs = set(zip(column, other, strict=True))
    return len(set(column)) == len(set(other)) == len(pairs)


def _class_counts(panel: Panel, split: Split | None) -> dict[str, dict[str, int]] | None:
    """Count the series of each class or with each label, in each part of the split and in all."""
    if panel.labels is None:
        return None
    parts: dict[str, Rows] = {} if split is None else {name: split.part(name) for name in PARTS}
    parts["all"] = np.arange(len(panel))
    if panel.labels.ndim == 2:  # multi-label
        matrix = np.nan_to_num(panel.labels.astype(np.float64)).astype(np.int64)
        names = panel.label_names or ()
        return {part: dict(zip(names, matrix[rows].sum(axis=0).tolist(), strict=True)) for part, rows in parts.items()}
    known = is_known(panel.labels)
    classes, known_codes = np.unique(panel.labels[known], return_inverse=True)
    codes = np.full(len(panel), len(classes))
    codes[known] = known_codes
    counts = {part: np.bincount(codes[rows], minlength=len(classes) + 1)[:-1] for part, rows in parts.items()}
    names = tuple(str(name) for name in classes.tolist())
    return {part: dict(zip(names, count.tolist(), strict=True)) for part, count in counts.items()}
