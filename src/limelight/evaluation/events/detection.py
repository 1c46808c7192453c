"""Events: stretches of steps with one label, found in the answers of a model or in the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, ParameterError, listing
from limelight.evaluation.events.rule import EventRule, event_labels
from limelight.evaluation.events.runs_of_steps import StepTimes, begun_and_held, joined, measured, peaks, runs
from limelight.task import UNKNOWN, Label, Task
from limelight.types import Doubles, Integers


@dataclass(frozen=True, eq=False)
class Events:
    """Stretches of steps with one label, in the order of their series, then of their first step, then of their label.

    Parameters
    ----------
    series
        The row of the series of each event, shape (m,).
    label
        Its place in ``task.classes``, shape (m,).
    start, stop
        Its first step, and the step after its last, counted in its series from 0, each shape (m,).
    peak
        The highest probability of the label inside, shape (m,); None for the truth.

    Raises
    ------
    DataError
        If the shapes do not fit together, or an event has no step.

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
        every = (self.series, self.label, self.start, self.stop, *(() if self.peak is None else (self.peak,)))
        if any(array.shape != (len(self),) for array in every):
            raise DataError(
                "expected one series, label, start, stop and peak for each event, got shapes "
                f"{', '.join(str(array.shape) for array in every)}; give arrays of one length"
            )
        if wrong := np.flatnonzero((self.start < 0) | (self.stop <= self.start)).tolist():
            raise DataError(
                f"expected events with a first step and a later stop, got something else for event {listing(wrong)}; "
                "stop is the step after the last"
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
        """Give the events as a table.

        Parameters
        ----------
        ids
            Names of the series, shape (n,).
        names
            Of the labels: ``task.classes``.
        times, starts
            The clock and where each series begins in it: those of the panel. None where only the order is known.

        Returns
        -------
        pyarrow.Table
            A row for each event: ``series_id``, ``label``, ``start`` and ``end`` (times of the first and of the last
            step inside; their numbers without a clock), ``start_step`` and ``end_step`` (numbers of the same two steps
            in their series, from 0) and ``peak_probability`` (null for the truth).

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
    """Make events of the answers about steps: of each label, of the positive class, or of each class of several.

    An event begins where the probability reaches ``rule.on`` and lasts until it falls below ``rule.off``. Of several
    classes each stretch with one most probable class is an event, but for ``rule.background``; joining two events of a
    class leaves those of others between them as they are. In time, each step counts as one typical (median) step of its
    series: an event ends one such step after its last. Times are compared to a millionth of it.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        For all steps of all series, one series after the other, shape (steps, classes or labels), in [0, 1]; NaN where
        there is no answer: an event ends there, and none is joined across.
    lengths
        How many steps belong to each series, shape (n,).
    rule
        What makes an event.
    thresholds
        Where the model answers yes: of the positive class, shape (1,), or of each label, shape (labels,); None for 0.5.
    times
        The clock of every step, shape (steps,): numbers or datetime64. Needed for a rule in time only.
    time_unit
        Of a clock of numbers: ns, us, ms, s, min, h or d.

    Returns
    -------
    Events
        All of them, with ``peak``.

    Raises
    ------
    ParameterError
        If the rule does not fit the task, its thresholds or the clock.
    DataError
        If the shapes do not fit together, a probability is outside [0, 1], or a clock goes back.

    Example
    -------
    >>> answers = np.array([0.1, 0.9, 0.6, 0.2, 0.7, 0.1])
    >>> rule = EventRule(on=0.8, off=0.5)
    >>> events = find_events(Task(("rain",), multilabel=True, level="step"), answers[:, None], [6], rule)
    >>> events.start.tolist(), events.stop.tolist(), events.peak.tolist()
    ([1], [3], [0.9])
    """
    answers, steps = np.asarray(probabilities, dtype=np.float64), np.asarray(lengths, dtype=np.int64)
    if answers.shape != (total := int(steps.sum()), len(task.classes)):
        raise DataError(
            f"expected probabilities of shape ({total}, {len(task.classes)}), a row for each step of the series and a "
            f"column for each of {listing(task.classes)}, got {answers.shape}; give the answers about all steps"
        )
    if ((answers < 0) | (answers > 1)).any():
        raise DataError("expected probabilities from 0 to 1, got others; give probabilities, not logits")
    clock = None
    if timed := [size for size in (rule.min_length, rule.join_gap) if isinstance(size, str)]:
        if times is None:
            raise ParameterError(
                f"expected a clock for a rule in time ({timed[0]!r}), got series without; give it in steps"
            )
        clock = StepTimes.of(times, steps, time_unit)
    found = []
    for place, start, stop, silent in _begun(task, answers, steps, rule, thresholds):
        start, stop = joined(start, stop, steps, rule.join_gap, clock, silent)
        begin, end, size, slack = measured(rule.min_length, start, stop, steps, clock)
        kept = end - begin >= size - slack
        start, stop = start[kept], stop[kept]
        found.append((place, start, stop, peaks(answers[:, place], start, stop)))
    return _gathered(found, steps)


def true_events(task: Task, codes: ArrayLike, lengths: ArrayLike, background: Label | None = None) -> Events:
    """Give the events of the truth: the stretches of known steps with one label.

    Steps that are not known count neither as event nor as gap: an event lasts through those inside it, begins with its
    first known step and ends with its last.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The truth about all steps, shape (steps,), or (steps, labels) for several labels; -1 where not known.
    lengths
        How many steps belong to each series, shape (n,).
    background
        As for ``EventRule``.

    Returns
    -------
    Events
        All of them, without ``peak``.

    Raises
    ------
    ParameterError
        If ``background`` does not fit the task.
    DataError
        If the shapes do not fit together.

    Example
    -------
    >>> task = Task(("rest", "run"), level="step")
    >>> events = true_events(task, [0, 1, 1, -1, 1, 0], [6])
    >>> events.start.tolist(), events.stop.tolist()
    ([1], [5])
    """
    truth, steps = checked_step_codes(task, codes, lengths)
    found = []
    for place in event_labels(task, background):
        column, code = (truth[:, place], 1) if task.multilabel else (truth, place)
        known = np.flatnonzero(column != UNKNOWN)
        lasting = np.diff(np.searchsorted(known, np.append(0, np.cumsum(steps))))
        start, stop, which = runs(column[known], lasting)
        found.append((place, known[start[which == code]], known[stop[which == code] - 1] + 1, None))
    return _gathered(found, steps)


def checked_step_codes(task: Task, codes: ArrayLike, lengths: ArrayLike) -> tuple[Integers, Integers]:
    """Give the truth about steps and the lengths as arrays; DataError if their shapes do not fit together."""
    truth, steps = np.asarray(codes, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    expected = (int(steps.sum()), *([len(task.classes)] if task.multilabel else []))
    if truth.shape != expected:
        raise DataError(
            f"expected a truth of shape {expected} about the steps of {len(steps)} series, got {truth.shape}; "
            "give the codes of all steps, one series after the other"
        )
    return truth, steps


def _begun(
    task: Task, answers: Doubles, lengths: Integers, rule: EventRule, thresholds: ArrayLike | None
) -> Iterator[tuple[int, Integers, Integers, Integers]]:
    """Give for each label its events before any is joined or left out, and the steps without an answer."""
    places = event_labels(task, rule.background)
    if task.kind == "multiclass":
        if rule.on is not None or rule.off is not None or thresholds is not None:
            raise ParameterError(
                f"expected no thresholds (on, off) for events of {len(task.classes)} classes, of which the most "
                "probable is answered, got some; leave them out"
            )
        decided = np.where(np.isnan(answers).any(axis=1), UNKNOWN, answers.argmax(axis=1))
        silent = np.flatnonzero(decided == UNKNOWN)
        start, stop, which = runs(decided, lengths)
        yield from ((place, start[which == place], stop[which == place], silent) for place in places)
        return
    for place, (on, off) in zip(places, _limits(task, rule, thresholds, places), strict=True):
        column = answers[:, place]
        yield place, *begun_and_held(column, lengths, on, off), np.flatnonzero(np.isnan(column))


def _limits(
    task: Task, rule: EventRule, thresholds: ArrayLike | None, places: Sequence[int]
) -> list[tuple[float, float]]:
    """Give the probabilities at which an event of each label begins and below which it ends."""
    given = np.full(len(places), 0.5) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if given.shape != (len(places),):
        raise DataError(
            f"expected thresholds of shape ({len(places)},) for a {task.kind} task, got {given.shape}; give those of "
            "the model"
        )
    limits = []
    for place, threshold in zip(places, given.tolist(), strict=True):
        on = threshold if rule.on is None else rule.on
        off = on if rule.off is None else rule.off
        if off > on:
            raise ParameterError(
                f"expected an event to end at or below where it begins, got off={off} and a threshold of {on:g} for "
                f"{task.classes[place]!r}; lower off, or state on"
            )
        limits.append((on, off))
    return limits


def _gathered(found: Sequence[tuple[int, Integers, Integers, Doubles | None]], lengths: Integers) -> Events:
    """Make events of one label after the other, by their places among all steps, events in their order."""
    label = np.concatenate([np.full(len(start), place) for place, start, _, _ in found])
    start, stop = (np.concatenate([one[part] for one in found]) for part in (1, 2))
    known = [peak for *_, peak in found if peak is not None]
    ends = np.cumsum(lengths)
    series = np.searchsorted(ends, start, side="right")
    order = np.lexsort((label, start, series))
    shift = (ends - lengths)[series]
    peak = np.concatenate(known)[order] if known else None
    return Events(series[order], label[order], (start - shift)[order], (stop - shift)[order], peak)
