"""False alarms: predicted events that announce no true event, in an hour or a day, and the share that is detected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.clock import UNITS, read_duration
from limelight.evaluation.events.alarm_rate import (
    STEPS,
    WITHOUT_CLOCK,
    AlarmRate,
    poisson_interval,
)
from limelight.evaluation.events.detection import Events, checked_step_codes
from limelight.evaluation.events.rule import EventRule, event_labels
from limelight.evaluation.events.runs_of_steps import StepTimes
from limelight.task import UNKNOWN, Task
from limelight.text import aligned
from limelight.types import Codes, Doubles, Flags, Integers


class AlarmCounts(NamedTuple):
    """How often a label was announced, rightly or not.

    Parameters
    ----------
    alarms
        Predicted events with a known step.
    false
        Those of them that announce no true event: no true event overlaps them, or they begin earlier than the first
        true event in them by more than its length.
    true
        True events.
    overlap
        Intersection over union of all predicted and true steps, in [0, 1]; 0 without any.
    delays
        From the first step of each detected true event until the alarm is raised, in steps, shape (detected,).
    rows
        The series of each detected event, shape (detected,).
    """

    alarms: int
    false: int
    true: int
    overlap: float
    delays: Integers
    rows: Integers

    @property
    def detected(self) -> float | None:
        """The share of true events that an alarm announces; None if there are none."""
        return len(self.delays) / self.true if self.true else None


def count_alarms(
    predicted: Events, true: Events, label: int, codes: Codes, lengths: Integers, least: Integers
) -> AlarmCounts:
    """Count the alarms of one label, and the true events that they detect.

    Parameters
    ----------
    predicted, true
        The events of all labels, as for ``score_events``.
    label
        The index of the label in ``task.classes``.
    codes
        Whether it is true at each step: 1, 0, or -1 if unknown, shape (steps,).
    lengths
        The number of steps of each series, shape (n,).
    least
        The minimum length of an event in each series, in steps, shape (n,): an alarm is raised when its event has it.

    Returns
    -------
    AlarmCounts
        Of this label.

    Example
    -------
    >>> lengths, codes = np.array([8]), np.array([0, 0, 0, 1, 1, 1, 0, 0])
    >>> predicted = Events(np.array([0, 0]), np.array([0, 0]), np.array([0, 4]), np.array([1, 7]))
    >>> true = Events(np.array([0]), np.array([0]), np.array([3]), np.array([6]))
    >>> counts = count_alarms(predicted, true, 0, codes, lengths, np.array([1]))
    >>> counts.alarms, counts.false, counts.detected, counts.delays.tolist()
    (2, 1, 1.0, [1])
    """
    begins = np.cumsum(lengths) - lengths
    of_predicted, of_true = (_global_runs(events, label, begins) for events in (predicted, true))
    known = np.append(0, np.cumsum(codes != UNKNOWN))
    counted = known[of_predicted.stop] > known[of_predicted.start]
    first, touched = _first_overlapping(of_predicted, of_true)
    early = of_true.start[first[touched]] - of_predicted.start[touched]
    right = touched.copy()
    right[touched] = early <= (of_true.stop - of_true.start)[first[touched]]
    announcing = _Runs(*(part[right] for part in of_predicted))
    first, found = _first_overlapping(of_true, announcing)
    first, rows = first[found], of_true.rows[found]
    raised = np.minimum(announcing.start[first] + least[rows], announcing.stop[first]) - 1
    delays = np.maximum(raised - of_true.start[found], 0)
    overlap = _overlap(of_predicted, codes, known)
    return AlarmCounts(int(counted.sum()), int((counted & ~right).sum()), len(found), overlap, delays, rows)


def _first_overlapping(runs: _Runs, others: _Runs) -> tuple[Integers, Flags]:
    """Return the first of the other runs that overlaps each run, if any does, and whether one does."""
    first = np.searchsorted(others.stop, runs.start, side="right")
    return first, np.searchsorted(others.start, runs.stop, side="left") > first


def _overlap(predicted: _Runs, codes: Codes, known: Integers) -> float:
    true = np.append(0, np.cumsum(codes > 0))
    both = int((true[predicted.stop] - true[predicted.start]).sum())
    either = int((known[predicted.stop] - known[predicted.start]).sum() + true[-1]) - both
    return both / either if either else 0.0


class _Runs(NamedTuple):
    start: Integers
    stop: Integers
    rows: Integers


def _global_runs(events: Events, label: int, begins: Integers) -> _Runs:
    """Return the events of one label in their order, indexed among the steps of all series."""
    chosen = np.flatnonzero(events.label == label)
    chosen = chosen[np.lexsort((events.start[chosen], events.series[chosen]))]
    rows = events.series[chosen]
    return _Runs(events.start[chosen] + begins[rows], events.stop[chosen] + begins[rows], rows)


def codes_of_label(task: Task, codes: Codes, label: int) -> Codes:
    """Return whether a label is true at each step: 1, 0, or -1 if unknown, shape (steps,)."""
    if task.multilabel:
        return codes[:, label]
    return np.where(codes == UNKNOWN, UNKNOWN, (codes == label).astype(np.int64))


def least_steps(rule: EventRule, lengths: Integers, clock: StepTimes | None) -> Integers:
    """Return the minimum length of an event in each series, in steps, shape (n,); durations by the typical step."""
    if not isinstance(rule.min_length, str) or clock is None:
        return np.full(len(lengths), rule.min_length if isinstance(rule.min_length, int) else 1)
    steps = np.ceil(read_duration(rule.min_length) / np.maximum(clock.typical, 1.0) - 1e-6)
    return np.maximum(steps, 1).astype(np.int64)


def score_alarms(
    predicted: Events,
    true: Events,
    task: Task,
    lengths: ArrayLike,
    codes: ArrayLike,
    rule: EventRule,
    times: NDArray[Any] | None = None,
    time_unit: str = "s",
    rate: AlarmRate | None = None,
) -> dict[str, Any]:
    """Measure false alarms in time, the share of true events that are detected, and how late.

    Parameters
    ----------
    predicted, true, task, lengths, codes
        As for ``score_events``.
    rule
        The rule that the events were found by.
    times, time_unit
        As for ``find_events``; None counts in steps.
    rate
        The accepted rate, whose unit is used; None reports in hours, or without times in 1,000 steps.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``unit`` (``"h"``, ``"1,000 steps"``, ...), ``title``, ``delay_unit`` (``"s"``
        or ``"steps"``), ``most`` (the accepted rate or None), and ``per_label``: by name ``alarms``, ``false``,
        ``observed`` (for how long, in units), ``rate`` (false alarms in a unit) with its exact 95 % ``interval``,
        ``true``, ``detected`` (share) and ``delay`` (median, until the alarm is raised); None if undefined.

    Example
    -------
    >>> from limelight.evaluation.events.detection import true_events
    >>> task, codes = Task(("rest", "run"), level="step"), [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> true, predicted = true_events(task, codes, [10]), true_events(task, [0, 0, 1, 1, 0, 0, 0, 1, 0, 0], [10])
    >>> found = score_alarms(predicted, true, task, [10], codes, EventRule(), np.arange(10) * 6.0, "min")
    >>> [found["per_label"]["run"][name] for name in ("false", "observed", "rate", "detected", "delay")]
    [1, 1.0, 1.0, 1.0, 360.0]
    """
    truth, steps = checked_step_codes(task, codes, lengths)
    clock = None if times is None else StepTimes.of(times, steps, time_unit)
    rate = None if rate is None or (rate.needs_clock and clock is None) else rate
    default = AlarmRate(1.0, STEPS, WITHOUT_CLOCK) if clock is None else AlarmRate(1.0, "h")
    shown = default if rate is None else rate
    least, per_label = least_steps(rule, steps, clock), {}
    for label in event_labels(task, rule.background):
        column = codes_of_label(task, truth, label)
        found = count_alarms(predicted, true, label, column, steps, least)
        observed = shown.observed(column, steps, clock)
        per_label[str(task.classes[label])] = {
            "alarms": found.alarms,
            "false": found.false,
            "observed": observed,
            "rate": found.false / observed if observed else None,
            "interval": poisson_interval(found.false, observed) if observed else None,
            "true": found.true,
            "detected": found.detected,
            "delay": float(np.median(_delays(found, clock))) if len(found.delays) else None,
        }
    return {
        "unit": shown.title if shown.unit == STEPS else shown.unit,
        "title": shown.title,
        "delay_unit": "steps" if clock is None else "s",
        "most": None if rate is None else rate.most,
        "per_label": per_label,
    }


def _delays(found: AlarmCounts, clock: StepTimes | None) -> Doubles:
    """Return the delays in seconds, by the typical step of each series, or in steps without a clock."""
    steps = found.delays.astype(np.float64)
    return steps if clock is None else steps * clock.typical[found.rows] / UNITS["s"]


def delay_text(delay: float | None, unit: str) -> str:
    """Format a delay in steps, or in seconds as the unit of time in which it has few digits.

    Example
    -------
    >>> delay_text(2.5, "s"), delay_text(5400.0, "s"), delay_text(3.0, "steps"), delay_text(None, "s")
    ('2.5 s', '1.5 h', '3 steps', '-')
    """
    if delay is None:
        return "-"
    for longer in ("d", "h", "min"):
        if unit == "s" and delay >= (size := UNITS[longer] / UNITS["s"]):
            return f"{delay / size:.3g} {longer}"
    return f"{delay:.3g} {unit}"


def alarm_lines(alarms: Mapping[str, Any]) -> list[str]:
    """Format false alarms as a table for a terminal.

    Parameters
    ----------
    alarms
        As returned by ``score_alarms``.

    Returns
    -------
    list[str]
        Lines without line breaks, a row for each label.

    Example
    -------
    >>> one = {"alarms": 5, "false": 1, "observed": 4.0, "rate": 0.25, "interval": [0.006, 1.4], "true": 4,
    ...        "detected": 1.0, "delay": 2.5}
    >>> print("\\n".join(alarm_lines({"title": "hour", "unit": "h", "delay_unit": "s", "per_label": {"leak": one}})))
    label  alarms  false  observed  false per hour    95 % interval  detected   delay
    leak        5      1       4 h            0.25  0.006 to 1.4        1.000   2.5 s
    """
    head = [
        "label",
        "alarms",
        "false",
        "observed",
        f"false per {alarms['title']}",
        "95 % interval",
        "detected",
        "delay",
    ]
    of_steps = alarms["unit"].endswith(STEPS)
    rows = []
    for label, one in alarms["per_label"].items():
        low, high = one["interval"] or (None, None)
        rows.append(
            [
                label,
                f"{one['alarms']:,}",
                f"{one['false']:,}",
                f"{one['observed']:.4g} x {alarms['unit']}" if of_steps else f"{one['observed']:.4g} {alarms['unit']}",
                "-" if one["rate"] is None else f"{one['rate']:.3g}",
                "-" if low is None else f"{low:.2g} to {high:.3g}",
                "-" if one["detected"] is None else f"{one['detected']:.3f}",
                delay_text(one["delay"], alarms["delay_unit"]),
            ]
        )
    return aligned([head, *rows])
