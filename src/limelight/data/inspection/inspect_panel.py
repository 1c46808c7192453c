"""Inspection: what a person wants to know about labelled series before a network sees them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.inspection.advice import warnings_about
from limelight.data.inspection.findings import (
    ChannelSummary,
    ClockSummary,
    Duplicates,
    Inspection,
    LabelSummary,
    SharedGroups,
)
from limelight.data.labels import names_of_columns
from limelight.data.panel import Panel
from limelight.data.splitting.splits import PARTS, Split
from limelight.data.statistics import ChannelStatistics, channel_statistics
from limelight.task import is_known
from limelight.types import Rows

WHO = re.compile(
    "subject|patient|person|user|machine|device|unit|recording|session|site|speaker|household", re.IGNORECASE
)
"""Fields that say whose series it is."""


def inspect_panel(panel: Panel, split: Split | None = None, *, group: str | None = None) -> Inspection:
    """Gather the facts about a Panel, and warn of what will make trouble.

    Parameters
    ----------
    panel
        The series, at least one.
    split
        Its parts, to count classes in each and to find copies of a series in two of them.
    group
        The metadata field that the split keeps together, if it does.

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
    statistics = channel_statistics(panel)
    lengths = (int(panel.lengths.min()), float(np.median(panel.lengths)), int(panel.lengths.max()))
    facts = Inspection(
        series=len(panel),
        steps=int(panel.lengths.sum()),
        lengths=lengths,
        channels=tuple(_channel_facts(panel, statistics, place) for place in range(len(panel.channels))),
        time=_time_facts(statistics),
        copies=_copy_facts(panel, split),
        classes=_class_counts(panel, split),
        split=None if split is None else split.describe(),
        step_labels=_step_label_shares(panel),
        signals=_signal_shares(panel),
        notes=panel.notes,
        shared=_shared_facts(panel, split, group),
        labels=_label_facts(panel),
    )
    return replace(facts, warnings=tuple(warnings_about(facts)))


def _channel_facts(panel: Panel, found: ChannelStatistics, place: int) -> ChannelSummary:
    finite = not found.infinite[place] and found.count[place]  # a Panel made of arrays may hold infinity
    numbers = (found.minimum[place], found.mean[place], found.maximum[place], found.deviation[place])
    least, mean, most, deviation = (float(one) if finite else None for one in numbers)
    constant = not found.infinite[place] and (not found.count[place] or numbers[0] == numbers[2])
    gone = int(found.missing[place]), int(found.infinite[place])
    return ChannelSummary(panel.channels[place], least, mean, most, deviation, bool(constant), *gone)


def _time_facts(found: ChannelStatistics) -> ClockSummary:
    clock = found.clock
    if clock is None:
        return ClockSummary("none", None, 0, 0)
    return ClockSummary(clock.kind, clock.typical_step, clock.gaps, clock.series_with_gaps, clock.irregular)


def _label_facts(panel: Panel) -> LabelSummary | None:
    """Count several labels; those of series where there are any, else those of steps."""
    if panel.labels is not None:
        if panel.labels.ndim == 1:
            return None
        matrix = panel.labels.astype(np.float64)
        return _counted_labels([np.where(np.isnan(matrix), -1, matrix)], panel.label_names or (), "series")
    if panel.step_labels is None or len(panel.step_labels.names) == 1:
        return None
    blocks = (block.step_labels.codes for block in panel.blocks() if block.step_labels is not None)
    return _counted_labels(blocks, names_of_columns(panel.step_labels.names), "steps")


def _counted_labels(
    blocks: Iterable[NDArray[Any]], names: tuple[str, ...], unit: Literal["series", "steps"]
) -> LabelSummary:
    """Count labels in matrices of 0, 1 and -1 where not known."""
    known, there = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    sure = others = 0
    for codes in blocks:
        known += (codes >= 0).sum(axis=0)
        there += (codes == 1).sum(axis=0)
        whole = codes[(codes >= 0).all(axis=1)]
        sure, others = sure + len(whole), others + int((whole.sum(axis=1) != 1).sum())
    return LabelSummary(
        dict(zip(names, known.tolist(), strict=True)),
        dict(zip(names, there.tolist(), strict=True)),
        exclusive=len(names) > 1 and sure > 0 and not others,
        unit=unit,
    )


def _step_label_shares(panel: Panel) -> dict[str, dict[str, float]] | None:
    """Give for each label of steps the share of each class over the steps where it is known."""
    if panel.step_labels is None:
        return None
    names, classes = panel.step_labels.names, panel.step_labels.classes
    counts = np.zeros((len(names), len(classes)), dtype=np.int64)
    for block in panel.blocks():
        assert block.step_labels is not None
        for place, codes in enumerate(block.step_labels.codes.T):
            counts[place] += np.bincount(codes[codes >= 0], minlength=len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {name: dict(zip(classes, row.tolist(), strict=True)) for name, row in zip(names, shares, strict=True)}


def _signal_shares(panel: Panel) -> dict[str, dict[str, float]] | None:
    """Give for each signal the share of each word, and of steps where nothing is known, over all steps."""
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


def _shared_facts(panel: Panel, split: Split | None, group: str | None) -> SharedGroups:
    if split is None or not len(split.train) or not len(split.test):
        return SharedGroups()
    windows = 0
    if panel.origin is not None:
        names = panel.origin.recordings
        windows = len(np.intersect1d(names[split.train], names[split.test]))
    if panel.metadata is None:
        return SharedGroups(windows=windows)
    words = {
        name: panel.metadata[name].to_pylist() for name in panel.metadata.column_names if _names(panel.metadata, name)
    }
    if group in panel.metadata.column_names:
        keys = panel.metadata[group].to_pylist()
        naming = tuple(name for name, own in words.items() if name != group and _one_to_one(own, keys))
        return SharedGroups(naming, windows=windows)
    both = {}
    for name, own in words.items():
        values, train, test = (set(own) - {None}, {own[row] for row in split.train}, {own[row] for row in split.test})
        common = values & train & test
        if WHO.search(name) and 2 <= len(values) <= len(panel) / 2 and common:
            both[name] = (len(common), len(values))
    return SharedGroups((), both, windows)


def _names(metadata: pa.Table, field: str) -> bool:
    """Whether a field holds words, or whole numbers that say whose series it is."""
    kind = metadata[field].type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(text or (pa.types.is_integer(kind) and WHO.search(field)))


def _one_to_one(one: list[Any], other: list[Any]) -> bool:
    pairs = set(zip(one, other, strict=True))
    return len(set(one)) == len(set(other)) == len(pairs)


def _copy_facts(panel: Panel, split: Split | None) -> Duplicates:
    part = np.full(len(panel), "all", dtype="<U10")
    if split is not None:
        for name in PARTS:
            part[split.part(name)] = name
    alike: dict[bytes, list[int]] = {}
    first_row = 0
    for block in panel.blocks():
        for row in range(len(block)):
            content = hashlib.blake2b(block.series(row).tobytes(), digest_size=16).digest()
            alike.setdefault(content, []).append(first_row + row)
        first_row += len(block)
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
            if panel.labels is not None and _differ(panel.labels[row], panel.labels[first]):
                contradictory.append(pair)
    return Duplicates(across, inside, contradictory)


def _differ(one: Any, other: Any) -> bool:
    """Say whether two labels, or rows of labels, differ; what is not known differs from nothing."""
    both = is_known(np.atleast_1d(np.asarray(one))) & is_known(np.atleast_1d(np.asarray(other)))
    return bool((np.atleast_1d(one)[both] != np.atleast_1d(other)[both]).any())


def _class_counts(panel: Panel, split: Split | None) -> dict[str, dict[str, int]] | None:
    if panel.labels is None:
        return None
    parts: dict[str, Rows] = {} if split is None else {name: split.part(name) for name in PARTS}
    parts["all"] = np.arange(len(panel))
    if panel.labels.ndim == 2:  # of several labels how often each is there
        there = np.nan_to_num(panel.labels.astype(np.float64)).astype(np.int64)
        named = panel.label_names or ()
        return {part: dict(zip(named, there[rows].sum(axis=0).tolist(), strict=True)) for part, rows in parts.items()}
    known = is_known(panel.labels)
    classes, codes = np.unique(panel.labels[known], return_inverse=True)
    every = np.full(len(panel), len(classes))
    every[known] = codes
    counts = {part: np.bincount(every[rows], minlength=len(classes) + 1)[:-1] for part, rows in parts.items()}
    names = [str(one) for one in classes.tolist()]
    return {part: dict(zip(names, count.tolist(), strict=True)) for part, count in counts.items()}
