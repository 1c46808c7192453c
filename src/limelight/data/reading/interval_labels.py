"""Labels of steps from a table of intervals: each step has the label of the interval that it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels
from limelight.data.labels import OUTSIDE, STEP_LABEL
from limelight.data.panel import Panel
from limelight.data.reading.columns import Words, read_optional_words
from limelight.data.reading.id_columns import MatchedIds, find_id_column, require_match
from limelight.data.reading.interval_places import Spans, place_intervals
from limelight.data.reading.interval_tables import IntervalColumns, find_interval_columns, repeated_series
from limelight.data.reading.joins import find_joined_label, further_fields, join_labels, labels_of_rows
from limelight.data.reading.names import STATES, is_named, plain_name
from limelight.data.reading.sources import Source
from limelight.errors import DataError, LabelError, counted, listing
from limelight.task import UNKNOWN
from limelight.types import Rows

MOST_INTERVAL_LABELS = 1_000
"""Labels of intervals; a column with more is a comment."""
MOST_OVERLAP = 0.05
"""Share of the labelled steps in intervals of several labels up to which each step still has one label."""
NOWHERE = -2
"""Marks a step in no interval."""


def join_labels_or_intervals(
    source: Source,
    panel: Panel,
    *,
    id: str,
    label: str,
    mask: str | None,
    series_name: str,
    per_step: bool | None,
    outside: str | None,
) -> dict[str, Any]:
    """Read labels of series or, if the rows of a table are intervals, of steps.

    Parameters
    ----------
    source, panel
        The labels table, and the series.
    id, label, mask, series_name
        As for ``join_labels``.
    per_step
        True requires intervals, False labels of series. None takes rows with a start and an end as intervals if a
        series has several, if a single series has no id, or if all have the same label.
    outside
        As for ``join_intervals``.

    Returns
    -------
    dict[str, Any]
        As from ``join_labels`` or ``join_intervals``.

    Raises
    ------
    DataError, LabelError
        As ``join_labels`` and ``join_intervals``, or if ``per_step`` is True and there are no columns of a start and an
        end.
    """
    columns = None if per_step is False else find_interval_columns(source.columns)
    if per_step and columns is None:
        raise DataError(
            f"expected columns of a start and an end in {source.name} for labels of steps, got "
            f"{listing(source.columns)}; name them 'start' and 'end', or set per_step=None (--set data.level=auto)"
        )
    notes = []
    if columns is not None:
        excluded = (columns.start, columns.end, label, *([mask] if mask else ()))
        if per_step or repeated_series(source, id, panel.ids, excluded) is not None or _has_one_label(source, label):
            return join_intervals(source, columns, panel, id=id, label=label, mask=mask, outside=outside)
        notes.append(
            f"took each row of {source.name} as the label of a whole series; to label only the steps from "
            f"{columns.start!r} to {columns.end!r}, set per_step=True (--set data.level=step)"
        )
    joined = join_labels(source, id, label, panel.ids, panel.lengths, series_name, mask)
    return {**joined, "notes": [*notes, *joined["notes"]]}


def _has_one_label(source: Source, label: str) -> bool:
    """Whether all rows of a table have the same label."""
    named = [name for name in source.columns if name == label or name.startswith(STEP_LABEL)]
    named = named or [name for name in source.columns if is_named(name, "label") or plain_name(name) in STATES]
    return len(named) == 1 and len(read_optional_words(source, named[0], "label").names) == 1


def join_intervals(
    source: Source,
    columns: IntervalColumns,
    panel: Panel,
    *,
    id: str,
    label: str,
    mask: str | None = None,
    outside: str | None = OUTSIDE,
) -> dict[str, Any]:
    """Read labels of steps from a table with one row per interval.

    A step has the label of an interval if its time is from the start to the end, both included; where one interval
    ends at the time at which the next one begins, the step has the label of the next. An interval between two steps
    labels the step before it.

    Parameters
    ----------
    source, columns
        The labels table, and its columns of starts and ends: dates or numbers as in the clock of the series, numbers or
        times of day since the beginning of each series, or numbers of steps if the series have no clock.
    panel
        The series.
    id, label, mask
        As for ``join_labels``. A single series needs no ids. Steps in an interval with a mask of 0 are unknown.
    outside
        The class of the steps in no interval; if all intervals have one label X, the default is "not X". None if these
        steps are unknown.

    Returns
    -------
    dict[str, Any]
        ``step_labels`` and ``notes`` as arguments for ``Panel``: one label per step, or several if intervals of
        different labels overlap or there are several columns that begin with ``label_``; ``fields`` and ``keys`` as in
        ``join_labels``.

    Raises
    ------
    DataError
        If the table has no ids of the series, an interval ends before it starts, the clocks are of different kinds, or
        no interval covers a step.
    LabelError
        If an interval has no label, or there are more than 1,000 labels.

    Example
    -------
    >>> import pyarrow as pa
    >>> panel = Panel.from_series([[1.0, 2.0, 3.0, 4.0]], ids=["a"], times=[[0, 10, 20, 30]])
    >>> table = pa.table({"start": [10, 30], "end": [20, 30], "label": ["run", "stop"]})
    >>> joined = join_intervals(
    ...     Source(table, "the labels table"), IntervalColumns("start", "end"), panel, id="series_id", label="label"
    ... )
    >>> [joined["step_labels"].classes[code] for code in joined["step_labels"].codes[:, 0]]
    ['none', 'run', 'run', 'stop']
    """
    label_columns = [name for name in source.columns if name.startswith(STEP_LABEL)]
    given = [columns.start, columns.end, label, *label_columns, *([mask] if mask else ())]
    ids = _ids_of_rows(source, id, panel, given)
    notes = [] if ids is None else [*ids.notes]
    owners = np.zeros(source.rows, dtype=np.int64) if ids is None else _owners(ids)
    if ids is not None and ids.unknown:
        notes.append(f"intervals of {len(ids.unknown)} unknown series ignored: {listing(ids.unknown)}")
    label = find_joined_label(source, label, (*given[:2], None if ids is None else ids.name, mask), notes)
    labels = _Labels.of(labels_of_rows(source, _words_of(ids, source), label, mask, np.arange(source.rows), notes))
    if len(labels.classes) > MOST_INTERVAL_LABELS:
        raise LabelError(
            f"expected at most {MOST_INTERVAL_LABELS:,} labels in column {label!r} of {source.name}, got "
            f"{len(labels.classes):,}; name the column of the label with label=... (--label)"
        )
    spans = place_intervals(source, columns, panel, owners, notes)
    step_labels = _paint(panel, owners, spans, labels, outside, notes)
    if ids is None:
        return {"step_labels": step_labels, "fields": {}, "keys": {}, "notes": notes}
    used = [name for name in source.columns if name in (*given, label)]
    fields, keys = further_fields(source, ids, (ids.name, *used), None, notes)
    without = panel.ids[ids.rows < 0].tolist()
    if without:
        notes.append(f"{source.name} has no interval of {len(without)} series: {listing(without)}")
    return {"step_labels": step_labels, "fields": fields, "keys": keys, "notes": notes}


def _ids_of_rows(source: Source, id: str, panel: Panel, given: Sequence[str]) -> MatchedIds | None:
    """Find the ids of a table; None if it has none and there is a single series."""
    try:
        ids = find_id_column(source, id, panel.ids, excluded=given)
    except DataError:
        if len(panel) == 1 and id not in source.columns:
            return None
        raise
    require_match(source, ids, panel.ids, "intervals of the series")
    return ids


def _words_of(ids: MatchedIds | None, source: Source) -> Words:
    return Words(np.zeros(source.rows, dtype=np.int64), np.array(["0"])) if ids is None else ids.words


def _owners(ids: MatchedIds) -> Rows:
    """Return the row of the series of each row of a table, -1 if it is unknown."""
    owners = np.full(len(ids.words.names), -1, dtype=np.int64)
    present = np.flatnonzero(ids.rows >= 0)
    owners[ids.words.codes[ids.rows[present]]] = present
    return owners[ids.words.codes]


@dataclass(frozen=True, eq=False)
class _Labels:
    """The labels of intervals: a class each, or several labels that are 0, 1 or unknown, shape (rows, labels)."""

    codes: NDArray[np.int16]
    names: tuple[str, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, read: dict[str, Any]) -> _Labels:
        """Encode what ``labels_of_rows`` returns."""
        labels = read["labels"]
        if labels.ndim == 2:
            codes = np.where(np.isnan(labels), UNKNOWN, np.nan_to_num(labels)).astype(np.int16)
            return cls(codes, tuple(f"{STEP_LABEL}{name}" for name in read["label_names"]), ("0", "1"))
        words = ["" if word is None else str(word) for word in labels.tolist()]
        classes = sorted({*words} - {""})
        places = {"": UNKNOWN, **{word: code for code, word in enumerate(classes)}}
        return cls(np.array([[places[word]] for word in words], dtype=np.int16), ("label",), tuple(classes))

    def of_each_class(self) -> _Labels:
        """Return a label for each class, 1 in the intervals of that class and 0 in others."""
        codes = (self.codes == np.arange(len(self.classes))).astype(np.int16)
        codes[self.codes[:, 0] == UNKNOWN] = UNKNOWN
        return _Labels(codes, tuple(f"{STEP_LABEL}{name}" for name in self.classes), ("0", "1"))


def _paint(
    panel: Panel, owners: Rows, spans: Spans, labels: _Labels, outside: str | None, notes: list[str]
) -> StepLabels:
    """Return the labels of all steps."""
    if labels.codes.shape[1] == 1:
        codes, overlap, first = _one_label(len(panel.values), spans, labels)
        labelled = int((codes != NOWHERE).sum())
        if overlap <= MOST_OVERLAP * labelled:
            if overlap:
                notes.append(
                    f"{_overlapping(panel, owners, spans, labels, overlap, first)}: each step has the label of the "
                    "interval that begins last"
                )
            return _with_outside(codes, labels, outside, notes)
        notes.append(
            f"{_overlapping(panel, owners, spans, labels, overlap, first)}: each step has several labels, one for each "
            "class"
        )
        labels = labels.of_each_class()
    several = np.full((len(panel.values), labels.codes.shape[1]), NOWHERE, dtype=np.int16)
    for row, start, stop in zip(spans.rows, spans.first, spans.stop, strict=True):
        own, there = labels.codes[row], several[start:stop]
        np.copyto(there, np.where(own == UNKNOWN, np.where(there == 1, 1, UNKNOWN), np.maximum(there, own)))
    several[several == NOWHERE] = UNKNOWN if outside is None else 0
    return StepLabels(several, labels.names, labels.classes)


def _one_label(steps: int, spans: Spans, labels: _Labels) -> tuple[NDArray[np.int16], int, int]:
    """Return the class of each step, the number of steps in intervals of several classes, and the first such interval.

    Of several intervals, the one that begins last counts.
    """
    codes, overlap, first = np.full(steps, NOWHERE, dtype=np.int16), 0, -1
    for place, (row, start, stop) in enumerate(zip(spans.rows, spans.first, spans.stop, strict=True)):
        own, there = labels.codes[row, 0], codes[start:stop]
        clash = int(((there >= 0) & (there != own))[int(spans.touching[place]) :].sum())
        first = place if clash and not overlap else first
        overlap += clash
        there[:] = own
    return codes, overlap, first


def _overlapping(panel: Panel, owners: Rows, spans: Spans, labels: _Labels, overlap: int, first: int) -> str:
    row = spans.rows[first]
    name, word = str(panel.ids[owners[row]]), labels.classes[labels.codes[row, 0]]
    return (
        f"{counted(overlap, 'step')} lie in intervals of different labels, the first in one of {word!r} of series "
        f"{name!r}"
    )


def _with_outside(codes: NDArray[np.int16], labels: _Labels, outside: str | None, notes: list[str]) -> StepLabels:
    """Return one label per step, with the class of the steps in no interval."""
    nowhere = codes == NOWHERE
    count = int(nowhere.sum())
    if not count or outside is None:
        codes[nowhere] = UNKNOWN
        return StepLabels(codes[:, None], labels.names, labels.classes)
    name = _opposite(labels.classes) if outside == OUTSIDE else outside
    classes = sorted({*labels.classes, name})
    if len(classes) == 2 and classes[1] == f"not {classes[0]}":
        classes.reverse()
    places = np.array([*(classes.index(word) for word in labels.classes), UNKNOWN], dtype=np.int16)
    codes = np.where(nowhere, classes.index(name), places[codes]).astype(np.int16)
    notes.append(
        f"{count:,} of {len(codes):,} steps lie in no interval: their class is {name!r}; name another with outside=... "
        "(--set data.outside=NAME), or set null if their labels are unknown"
    )
    return StepLabels(codes[:, None], labels.names, tuple(classes))


def _opposite(classes: Sequence[str]) -> str:
    """Return the class of steps in no interval: "not x" if the intervals have the one class x, else "none"."""
    named = [word for word in classes if f"not {word}" in classes or len(classes) == 1]
    return f"not {named[0]}" if named and not named[0].startswith("not ") else OUTSIDE
