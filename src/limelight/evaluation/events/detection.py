"""Events, runs of consecutive steps with one label: detection in predictions and in the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, ParameterError, listing
from limelight.evaluation.events.rule import EventRule, event_labels, event_limits
from limelight.evaluation.events.runs_of_steps import (
    StepTimes,
    hysteresis_runs,
    join_runs,
    measure_runs,
    peaks,
    runs,
)
from limelight.task import UNKNOWN, Label, Task
from limelight.types import Doubles, Integers


@dataclass(frozen=True, eq=False)
class Events:
    """Runs of consecutive steps with one label, sorted by series, then first step, then label.

    Parameters
    ----------
    series
        Index of the series of each event, shape (m,).
    label
        Index of its label in ``task.classes``, shape (m,).
    start, stop
        Its first step and one past its last, counted from 0 within the series, each shape (m,).
    peak
        The highest probability of the label in the event, shape (m,); None for true events.

    Raises
    ------
    DataError
        If the shapes differ, or an event has no step.

    Example
    -------
    >>> events = Events(np.array([0]), np.array([1]), np.array([2]), np.array([5]))
    >>> len(events), (events.stop - events.start).tolist()
    (1, [3])
    """

    series: Integers
    label: Integers
    start: Integers
    stop: Integers
    peak: Doubles | None = None

    def __post_init__(self) -> None:
        arrays = (self.series, self.label, self.start, self.stop, *(() if self.peak is None else (self.peak,)))
        if any(array.shape != (len(self),) for array in arrays):
            raise DataError(
                "expected one series, label, start, stop and peak for each event, got shapes "
                f"{', '.join(str(array.shape) for array in arrays)}; pass arrays of equal length"
            )
        if wrong := np.flatnonzero((self.start < 0) | (self.stop <= self.start)).tolist():
            raise DataError(
                f"expected 0 <= start < stop for each event, got other values for event {listing(wrong)}; stop is one "
                "past the last step"
            )

    def __len__(self) -> int:
        return len(self.series)

    def to_table(
        self,
        ids: ArrayLike,
        names: Sequence[object],
        times: NDArray[Any] | None = None,
        starts: Integers | None = None,
    ) -> pa.Table:
        """Convert the events to a table.

        Parameters
        ----------
        ids
            Names of the series, shape (n,).
        names
            Names of the labels: ``task.classes``.
        times, starts
            The times of all steps and the index of the first step of each series, as in the panel; None if the series
            have no times.

        Returns
        -------
        pyarrow.Table
            A row for each event: ``series_id``, ``label``, ``start`` and ``end`` (times of the first and the last
            step, or their numbers without times), ``start_step`` and ``end_step`` (numbers of the same steps in
            their series, from 0) and ``peak_probability`` (null for true events).

        Example
        -------
        >>> events = Events(np.array([0]), np.array([1]), np.array([2]), np.array([5]), np.array([0.9]))
        >>> table = events.to_table(["r"], ["rain", "fog"], np.arange(0.0, 60.0, 10.0), np.array([0]))
        >>> list(table.to_pylist()[0].values())
        ['r', 'fog', 20.0, 40.0, 2, 4, 0.9]
        """
        first, last = self.start, self.stop - 1
        shift = None if starts is None else starts[self.series]
        clock = [first, last] if times is None or shift is None else [times[shift + first], times[shift + last]]
        none = pa.nulls(len(self), pa.float64())
        return pa.table(
            {
                "series_id": pa.array(np.asarray(ids).astype(str)[self.series].tolist(), pa.string()),
                "label": pa.array(np.array([str(name) for name in names])[self.label].tolist(), pa.string()),
                "start": pa.array(clock[0]),
                "end": pa.array(clock[1]),
                "start_step": pa.array(first),
                "end_step": pa.array(last),
                "peak_probability": none if self.peak is None else pa.array(self.peak),
            }
        )


def find_events(
    task: Task,
    probabilities: ArrayLike,
    lengths: ArrayLike,
    rule: EventRule,
    thresholds: ArrayLike | None = None,
    times: NDArray[Any] | None = None,
    time_unit: str = "s",
) -> Events:
    """Find events in per-step probabilities: of each label, of the positive class, or of each class if multi-class.

    An event starts when the probability reaches ``rule.on`` and ends when it falls below ``rule.off``. If multi-class,
    each run of steps with the same most probable class is an event, except for ``rule.background``; joining two events
    of a class leaves events of other classes between them unchanged. For durations, an event ends one typical (median)
    step duration after its last step, and times are compared with a tolerance of a millionth of this duration.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        For all steps of all series, one series after the other, shape (steps, classes or labels), in [0, 1]; NaN for a
        step without a prediction, at which events end and across which none are joined.
    lengths
        The number of steps of each series, shape (n,).
    rule
        When an event starts and ends, which gaps it bridges, and its minimum length.
    thresholds
        Probabilities at which the model predicts the positive class, shape (1,), or each label, shape (labels,); None
        is 0.5.
    times
        The time of every step, shape (steps,): numbers or datetime64. Required if the rule has durations.
    time_unit
        The unit of numeric times: ns, us, ms, s, min, h or d.

    Returns
    -------
    Events
        The predicted events, with ``peak``.

    Raises
    ------
    ParameterError
        If the rule does not match the task or the thresholds, or has durations and there are no times.
    DataError
        If the shapes do not match, a probability is outside [0, 1], or times decrease within a series.

    Example
    -------
    >>> rain = np.array([0.1, 0.9, 0.6, 0.2, 0.7, 0.1])
    >>> rule = EventRule(on=0.8, off=0.5)
    >>> events = find_events(Task(("rain",), multilabel=True, level="step"), rain[:, None], [6], rule)
    >>> events.start.tolist(), events.stop.tolist(), events.peak.tolist()
    ([1], [3], [0.9])
    """
    predicted, steps = np.asarray(probabilities, dtype=np.float64), np.asarray(lengths, dtype=np.int64)
    if predicted.shape != (total := int(steps.sum()), len(task.classes)):
        raise DataError(
            f"expected probabilities of shape ({total}, {len(task.classes)}), with a row for each step and a column "
            f"for each of {listing(task.classes)}, got {predicted.shape}; pass the predictions of all steps"
        )
    if ((predicted < 0) | (predicted > 1)).any():
        raise DataError(
            "expected probabilities from 0 to 1, got values outside this range; pass probabilities, not logits"
        )
    clock = None
    if durations := [size for size in (rule.min_length, rule.join_gap) if isinstance(size, str)]:
        if times is None:
            raise ParameterError(
                f"expected times for an event rule with a duration ({durations[0]!r}), got series without times; use a "
                "number of steps"
            )
        clock = StepTimes.of(times, steps, time_unit)
    found = []
    for label, start, stop, unpredicted in _candidates(task, predicted, steps, rule, thresholds):
        start, stop = join_runs(start, stop, steps, rule.join_gap, clock, unpredicted)
        begin, end, size, slack = measure_runs(rule.min_length, start, stop, steps, clock)
        kept = end - begin >= size - slack
        start, stop = start[kept], stop[kept]
        found.append((label, start, stop, peaks(predicted[:, label], start, stop)))
    return _sorted_events(found, steps)


def true_events(task: Task, codes: ArrayLike, lengths: ArrayLike, background: Label | None = None) -> Events:
    """Find the true events: runs of steps with one true label.

    Steps with an unknown label neither belong to an event nor interrupt it: an event continues through them, but starts
    and ends with a known step.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes of all steps, shape (steps,), or (steps, labels) if multi-label; -1 if unknown.
    lengths
        The number of steps of each series, shape (n,).
    background
        As for ``EventRule``.

    Returns
    -------
    Events
        The true events, without ``peak``.

    Raises
    ------
    ParameterError
        If ``background`` does not match the task.
    DataError
        If the shapes do not match.

    Example
    -------
    >>> task = Task(("rest", "run"), level="step")
    >>> events = true_events(task, [0, 1, 1, -1, 1, 0], [6])
    >>> events.start.tolist(), events.stop.tolist()
    ([1], [5])
    """
    truth, steps = checked_step_codes(task, codes, lengths)
    found = []
    for label in event_labels(task, background):
        column, code = (truth[:, label], 1) if task.multilabel else (truth, label)
        known = np.flatnonzero(column != UNKNOWN)
        known_lengths = np.diff(np.searchsorted(known, np.append(0, np.cumsum(steps))))
        start, stop, keys = runs(column[known], known_lengths)
        found.append((label, known[start[keys == code]], known[stop[keys == code] - 1] + 1, None))
    return _sorted_events(found, steps)


def checked_step_codes(task: Task, codes: ArrayLike, lengths: ArrayLike) -> tuple[Integers, Integers]:
    """Check true codes of steps against the lengths of the series; DataError if their shapes do not match."""
    truth, steps = np.asarray(codes, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    expected = (int(steps.sum()), *([len(task.classes)] if task.multilabel else []))
    if truth.shape != expected:
        raise DataError(
            f"expected true codes of shape {expected} for the steps of {len(steps)} series, got {truth.shape}; "
            "pass the codes of all steps, one series after the other"
        )
    return truth, steps


def _candidates(
    task: Task, predicted: Doubles, lengths: Integers, rule: EventRule, thresholds: ArrayLike | None
) -> Iterator[tuple[int, Integers, Integers, Integers]]:
    """Yield for each label its runs before any is joined or removed, and the steps without a prediction."""
    limits = event_limits(task, rule, thresholds)
    if task.kind == "multiclass":
        codes = np.where(np.isnan(predicted).any(axis=1), UNKNOWN, predicted.argmax(axis=1))
        unpredicted = np.flatnonzero(codes == UNKNOWN)
        start, stop, keys = runs(codes, lengths)
        yield from ((label, start[keys == label], stop[keys == label], unpredicted) for label in limits)
        return
    for label, pair in limits.items():
        column, (on, off) = predicted[:, label], pair or (0.5, 0.5)
        yield label, *hysteresis_runs(column, lengths, on, off), np.flatnonzero(np.isnan(column))


def _sorted_events(found: Sequence[tuple[int, Integers, Integers, Doubles | None]], lengths: Integers) -> Events:
    """Collect the runs of all labels, indexed among all steps, into events sorted by series, first step and label."""
    label = np.concatenate([np.full(len(start), index) for index, start, _, _ in found])
    start, stop = (np.concatenate([one[part] for one in found]) for part in (1, 2))
    peaks_of_labels = [peak for *_, peak in found if peak is not None]
    ends = np.cumsum(lengths)
    series = np.searchsorted(ends, start, side="right")
    order = np.lexsort((label, start, series))
    shift = (ends - lengths)[series]
    peak = np.concatenate(peaks_of_labels)[order] if peaks_of_labels else None
    return Events(series[order], label[order], (start - shift)[order], (stop - shift)[order], peak)
