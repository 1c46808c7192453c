"""Events while a series arrives: each is announced when it begins and when it has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.clock import nanoseconds_in, read_duration
from limelight.errors import DataError, ParameterError
from limelight.evaluation.events.rule import EventRule, event_limits
from limelight.streaming.base import require_same_names
from limelight.task import Task
from limelight.types import Doubles

BEGIN, END = "begin", "end"
RECENT = 255
"""Durations of steps whose median is the typical one."""


class EventMessage(NamedTuple):
    """An event that has begun or ended.

    Parameters
    ----------
    kind
        ``"begin"`` or ``"end"``.
    label
        Index of its label in ``task.classes``.
    start
        Its first step, counted from 0.
    stop
        One past its last step; for an event that has begun, one past its last step so far.
    start_time, last_time
        The times of its first and its last step, NaN without times.
    peak
        The highest probability of the label in the event so far.
    """

    kind: str
    label: int
    start: int
    stop: int
    start_time: float
    last_time: float
    peak: float


@dataclass
class _Open:
    """A run of steps of one label that may still be joined with the next one."""

    start: int
    stop: int
    start_time: float
    last_time: float
    peak: float
    gap_peak: float = 0.0  # of the steps after it
    in_run: bool = True
    announced: bool = False


class EventTracker:
    """Turns per-step probabilities into events as they arrive, by the rule that ``find_events`` applies to all steps.

    An event is announced as soon as it has its minimum length, and its end as soon as no later step can be joined to
    it. The events that have ended are those of ``find_events``, with one exception: durations are measured with the
    median of the last 255 step durations instead of that of all steps, which are not known yet.

    Parameters
    ----------
    task
        The classes or labels, per step.
    rule
        When an event starts and ends, which gaps it bridges, and its minimum length.
    thresholds
        As for ``find_events``.
    time_unit
        The unit of the times: ns, us, ms, s, min, h or d.

    Raises
    ------
    ParameterError
        If the rule does not match the task or the thresholds, or the task has no labels per step.

    Attributes
    ----------
    needs_times
        Whether the rule has durations.

    Example
    -------
    >>> tracker = EventTracker(Task(("rain",), multilabel=True, level="step"), EventRule(on=0.8, off=0.5, min_length=2))
    >>> messages = [tracker.step([probability]) for probability in (0.1, 0.9, 0.6, 0.2, 0.7)]
    >>> [[(one.kind, one.start, one.stop) for one in found] for found in messages]
    [[], [], [('begin', 1, 3)], [('end', 1, 3)], []]
    """

    def __init__(self, task: Task, rule: EventRule, thresholds: ArrayLike | None = None, time_unit: str = "s") -> None:
        if not task.by_step:
            raise ParameterError(
                "expected a model with labels per step to find events, got one for whole series; follow its answers"
            )
        self.task, self.rule, self.steps = task, rule, 0
        self._limits = event_limits(task, rule, thresholds)
        self._unit = nanoseconds_in(time_unit)
        self.needs_times = isinstance(rule.min_length, str) or isinstance(rule.join_gap, str)
        self._least, self._gap = (
            read_duration(size) if isinstance(size, str) else size for size in (rule.min_length, rule.join_gap)
        )
        self._open: dict[int, _Open] = {}
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._typical, self._time = 0.0, np.nan

    def step(self, probabilities: ArrayLike, time: float | None = None) -> list[EventMessage]:
        """Add one step, and return what is known to have begun or ended.

        Parameters
        ----------
        probabilities
            Of each class or label, shape (classes,), in [0, 1]; NaN for a step without a prediction.
        time
            The time of the step; needed if the rule has durations.

        Returns
        -------
        list[EventMessage]
            Ends before beginnings, by label.

        Raises
        ------
        DataError
            If the rule has durations and there is no time.
        """
        values = np.asarray(probabilities, dtype=np.float64)
        now = np.nan if time is None else float(time)
        if self.needs_times and np.isnan(now):
            raise DataError("expected the time of the step, as the event rule has durations, got none; pass time=")
        if now > self._time:
            self._durations.append(now - self._time)
            self._typical = float(np.median(self._durations))
        self._time = now
        ended: list[EventMessage] = []
        begun: list[EventMessage] = []
        for label, limits in self._limits.items():
            self._step_label(label, limits, values, ended, begun)
        self.steps += 1
        return ended + begun

    def finish(self) -> list[EventMessage]:
        """End the series, and return the ends of the events that were open."""
        found = [message for label in sorted(self._open) for message in self._closed(label)]
        self._open.clear()
        return found

    def _step_label(
        self,
        label: int,
        limits: tuple[float, float] | None,
        values: Doubles,
        ended: list[EventMessage],
        begun: list[EventMessage],
    ) -> None:
        value, one = float(values[label]), self._open.get(label)
        unpredicted = bool(np.isnan(value) if limits else np.isnan(values).any())
        if limits is None:
            starts = holds = not unpredicted and int(values.argmax()) == label
        else:
            starts, holds = value >= limits[0], value >= limits[1]
        if one is not None and one.in_run and not holds:
            one.in_run = False
        inside = one is not None and one.in_run
        if one is not None and not inside and (unpredicted or self._is_apart(one, starts)):
            ended += self._closed(label)
            del self._open[label]
            one = None
        if inside or starts:
            self._extend(label, one, value)
            begun += self._begun(label)
        elif one is not None:
            one.gap_peak = max(one.gap_peak, value)

    def _is_apart(self, one: _Open, starts: bool) -> bool:
        """Whether no run that starts now, or if none does at a later step, is joined to an earlier one."""
        if isinstance(self.rule.join_gap, str):
            elapsed = (self._time - one.last_time - self._typical) * self._unit
            return elapsed > self._gap + self._slack()
        return self.steps + (0 if starts else 1) - one.stop > self._gap

    def _extend(self, label: int, one: _Open | None, value: float) -> None:
        if one is None:
            self._open[label] = _Open(self.steps, self.steps + 1, self._time, self._time, value)
            return
        one.peak = max(one.peak, one.gap_peak, value)
        one.stop, one.last_time, one.gap_peak, one.in_run = self.steps + 1, self._time, 0.0, True

    def _begun(self, label: int) -> list[EventMessage]:
        one = self._open[label]
        if one.announced or not self._is_long_enough(one):
            return []
        one.announced = True
        return [_message(BEGIN, label, one)]

    def _closed(self, label: int) -> list[EventMessage]:
        one = self._open[label]
        begun = self._begun(label)
        return [*begun, _message(END, label, one)] if one.announced else []

    def _is_long_enough(self, one: _Open) -> bool:
        if isinstance(self.rule.min_length, str):
            length = (one.last_time - one.start_time + self._typical) * self._unit
            return length >= self._least - self._slack()
        return one.stop - one.start >= self._least

    def _slack(self) -> float:
        """Return the largest rounding error of a time difference, in ns, as ``StepTimes`` has it."""
        return self._unit * (1e-6 * self._typical + 8 * float(np.spacing(abs(self._time))))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that ``restore`` needs to continue, as arrays by name."""
        rows = [[label, *vars(one).values()] for label, one in sorted(self._open.items())]
        return {
            "steps": np.array([self.steps]),
            "clock": np.array([self._time, self._typical]),
            "durations": np.array(self._durations, dtype=np.float64),
            "open": np.array(rows, dtype=np.float64).reshape(len(rows), 1 + len(fields(_Open))),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state of a tracker with the same rule; ParameterError if it is of another kind."""
        require_same_names(self.state(), state)
        self.steps = int(state["steps"][0])
        self._time, self._typical = (float(one) for one in state["clock"])
        self._durations = deque(state["durations"].tolist(), maxlen=RECENT)
        self._open = {int(row[0]): _open_of(row[1:]) for row in state["open"].tolist()}


def _open_of(row: Sequence[float]) -> _Open:
    start, stop, start_time, last_time, peak, gap_peak, in_run, announced = row
    return _Open(int(start), int(stop), start_time, last_time, peak, gap_peak, bool(in_run), bool(announced))


def _message(kind: str, label: int, one: _Open) -> EventMessage:
    return EventMessage(kind, label, one.start, one.stop, one.start_time, one.last_time, one.peak)
