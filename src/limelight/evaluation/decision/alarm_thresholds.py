"""Thresholds of events by the number of false alarms that is accepted, chosen on held-out recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ParameterError
from limelight.evaluation.decision.thresholds import (
    ABOVE_ONE,
    Thresholds,
    checked_alarm_goal,
    threshold_row,
)
from limelight.evaluation.events.alarm_rate import AlarmRate, poisson_limit, read_alarm_rate
from limelight.evaluation.events.detection import Events, checked_step_codes, find_events, true_events
from limelight.evaluation.events.false_alarms import AlarmCounts, codes_of_label, count_alarms, least_steps
from limelight.evaluation.events.rule import EventRule, event_labels
from limelight.evaluation.events.runs_of_steps import StepTimes
from limelight.evaluation.metrics.arrays import one_vs_rest
from limelight.task import Task
from limelight.types import Codes, Doubles, Integers

LENGTHS = (1, 2, 3, 5, 8, 13)
"""Minimum lengths of an event that are tried, in steps, if the rule states none."""
CUTS = 200
"""The most thresholds that are tried, at quantiles of the probabilities; the 50 highest probabilities are tried too."""
HIGHEST_CUTS = 50
FALSE_ALARMS = "false_alarms"


@dataclass(frozen=True, eq=False)
class AlarmThresholds:
    """Thresholds and the minimum length of events that keep a rate of false alarms on held-out recordings.

    Parameters
    ----------
    thresholds
        The thresholds, with notes and a table of the scores of single steps.
    min_length
        The minimum length of an event: in steps, or the duration that the rule stated.
    chosen
        For JSON: ``rate`` (as stated), ``confidence`` (None without a bound), ``min_length``, and ``per_label``: by
        name ``false``, ``observed`` (in units of the rate), ``rate``, ``upper`` (of the rate, None without a
        bound), ``true`` and ``detected`` (share of the true events).
    """

    thresholds: Thresholds
    min_length: int | str
    chosen: dict[str, Any]


class _Held(NamedTuple):
    """One label at the held-out steps."""

    name: str
    task: Task
    column: Doubles
    codes: Codes
    true: Events
    observed: float


class _Found(NamedTuple):
    threshold: float
    counts: AlarmCounts


def choose_alarm_thresholds(
    task: Task,
    probabilities: Doubles,
    codes: Codes,
    lengths: Integers,
    goal: Any,
    rule: EventRule,
    times: NDArray[Any] | None = None,
    time_unit: str = "s",
) -> AlarmThresholds:
    """Choose the threshold of each label, and the minimum length of events, so that few false alarms are raised.

    A false alarm is a predicted event that no true event overlaps, or that begins earlier than the first true event in
    it by more than its length. Among thresholds at which, and above which, the rate is kept, the one that detects most
    true events is chosen, and of these the one whose events overlap the true ones best; minimum lengths likewise.

    Parameters
    ----------
    task
        A binary task, or labels, per step.
    probabilities, codes, lengths
        Of held-out recordings, as for ``find_events`` and ``true_events``.
    goal
        The rate for each label, such as ``"1/hour"``; or ``{"rate": "1/hour", "confidence": 0.95}``, so that the upper
        limit of the rate with this confidence is kept, if alarms come independently of each other (Poisson).
    rule
        What else makes an event; its ``on`` is chosen, and its minimum length too if it is 1.
    times, time_unit
        As for ``find_events``; needed for a rate in time.

    Returns
    -------
    AlarmThresholds
        A label whose rate cannot be kept at any threshold has one above 1, with a note: it raises no alarm.

    Raises
    ------
    ParameterError
        If the task has more than two classes or no labels per step, the goal is not valid, the rule states ``on``, or
        there are no times for a rate in time.

    Source
    ------
    Thresholds are tested from the highest down until one fails, which needs no correction for their number:
    Angelopoulos et al., Learn then Test, 2021. The confidence is shared by the minimum lengths (Bonferroni).

    Example
    -------
    >>> task = Task(("leak",), multilabel=True, level="step")
    >>> leak = np.array([0.1, 0.6, 0.1, 0.2, 0.8, 0.9, 0.1, 0.1])
    >>> codes = np.array([0, 0, 0, 0, 1, 1, 0, 0])[:, None]
    >>> found = choose_alarm_thresholds(task, leak[:, None], codes, np.array([8]), "0.1/8 steps", EventRule())
    >>> found.thresholds.values.round(2).tolist(), found.chosen["per_label"]["leak"]["detected"]
    ([0.7], 1.0)
    """
    rate, confidence = require_alarm_goal(task, goal, rule)
    truth, steps = checked_step_codes(task, codes, lengths)
    if rate.needs_clock and times is None:
        raise ParameterError(
            f"expected series with times for false alarms per {rate.title}, got none; name the column of the clock, or "
            "state a rate in steps, such as '1/1000 steps'"
        )
    clock = None if times is None else StepTimes.of(times, steps, time_unit)
    sizes = LENGTHS if rule.min_length == 1 else (rule.min_length,)
    level = None if confidence is None else 1 - (1 - confidence) / len(sizes)
    held = [_held(task, label, probabilities, truth, steps, rate, clock) for label in event_labels(task)]
    tried: dict[int | str, list[_Found]] = {}
    for size in sizes:
        sized = replace(rule, min_length=size)
        tried[size] = [_best_cut_of(one, sized, steps, rate, level, clock, times, time_unit) for one in held]
    best = max(sizes, key=lambda size: (_merit(tried[size]), -sizes.index(size)))
    return _collected(task, probabilities, truth, goal, best, held, tried[best], rate, level)


def require_alarm_goal(task: Task, goal: Any, rule: EventRule) -> tuple[AlarmRate, float | None]:
    """Return rate and confidence of a goal; ParameterError if they do not fit the task or the rule for events."""
    text, confidence = checked_alarm_goal(goal)
    if not task.by_step or task.kind == "multiclass":
        found = f"{len(task.classes)} classes" if task.by_step else "labels of whole series"
        raise ParameterError(
            f"expected two classes or several labels at each step to limit false alarms, got {found}; remove "
            "false_alarms"
        )
    if rule.on is not None:
        raise ParameterError(
            f"expected no threshold for events (on) next to a limit of false alarms, which chooses it, got {rule.on}; "
            "remove one of them"
        )
    return read_alarm_rate(text), confidence


def _held(
    task: Task,
    label: int,
    probabilities: Doubles,
    truth: Codes,
    lengths: Integers,
    rate: AlarmRate,
    clock: StepTimes | None,
) -> _Held:
    name = str(task.classes[label])
    codes = codes_of_label(task, truth, label)
    alone = Task((name,), multilabel=True, level="step")
    true = true_events(alone, codes[:, None], lengths)
    return _Held(name, alone, probabilities[:, label], codes, true, rate.observed(codes, lengths, clock))


def _best_cut_of(
    held: _Held,
    rule: EventRule,
    lengths: Integers,
    rate: AlarmRate,
    level: float | None,
    clock: StepTimes | None,
    times: NDArray[Any] | None,
    time_unit: str,
) -> _Found:
    """Find the best of the thresholds that keep the rate together with all higher ones."""
    least = least_steps(rule, lengths, clock)
    none = np.zeros(0, dtype=np.int64)
    best = _Found(ABOVE_ONE, AlarmCounts(0, 0, len(held.true), 0.0, none, none))
    for cut in _cuts(held.column, 0.0 if rule.off is None else rule.off):
        sized = replace(rule, on=cut)
        events = find_events(held.task, held.column[:, None], lengths, sized, None, times, time_unit)
        counts = count_alarms(events, held.true, 0, held.codes, lengths, least)
        if not _is_kept(counts.false, held.observed, rate, level):
            break
        best = max(best, _Found(cut, counts), key=lambda one: _merit([one]))
    return best


def _cuts(column: Doubles, off: float) -> list[float]:
    """Return thresholds to try, falling: midpoints of quantiles of the probabilities and of the highest of them."""
    values = np.unique(column)[::-1]
    places = np.unique(np.append(np.linspace(0, len(values) - 1, CUTS).astype(int), np.arange(HIGHEST_CUTS)))
    places = places[places < len(values)]
    below = np.append(values[1:], 0.0)[places]
    cuts = below + (values[places] - below) / 2
    cuts = np.where(cuts > below, cuts, values[places])
    return [float(cut) for cut in cuts if cut > 0 and cut >= off]


def _is_kept(false: int, observed: float, rate: AlarmRate, level: float | None) -> bool:
    if not observed:
        return False
    return (false / observed if level is None else poisson_limit(false, observed, level)) <= rate.most


def _merit(found: list[_Found]) -> tuple[float, float]:
    """Return the share of true events that are detected, then the overlap of the steps, as means over labels."""
    shares = [one.counts.detected for one in found]
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else 0.0, float(np.mean([one.counts.overlap for one in found]))


def _collected(
    task: Task,
    probabilities: Doubles,
    truth: Codes,
    goal: Any,
    size: int | str,
    held: list[_Held],
    found: list[_Found],
    rate: AlarmRate,
    level: float | None,
) -> AlarmThresholds:
    notes, table, per_label = [], [], {}
    for label, one, (threshold, counts) in zip(event_labels(task), held, found, strict=True):
        if threshold >= ABOVE_ONE:
            notes.append(_why_silent(one, rate, level))
        is_true, probability = one_vs_rest(task, label, probabilities, truth)
        table.append(threshold_row(one.name, is_true, probability, threshold))
        per_label[one.name] = {
            "false": counts.false,
            "observed": one.observed,
            "rate": counts.false / one.observed if one.observed else None,
            "upper": poisson_limit(counts.false, one.observed, level) if level and one.observed else None,
            "true": counts.true,
            "detected": counts.detected,
        }
    text, confidence = checked_alarm_goal(goal)
    chosen = {"rate": text, "confidence": confidence, "min_length": size, "per_label": per_label}
    values = np.array([threshold for threshold, _ in found])
    rule = {FALSE_ALARMS: text if confidence is None else {"rate": text, "confidence": confidence}}
    return AlarmThresholds(Thresholds(values, rule, tuple(notes), tuple(table)), size, chosen)


def _why_silent(held: _Held, rate: AlarmRate, level: float | None) -> str:
    if level is not None and poisson_limit(0, max(held.observed, 1e-300), level) > rate.most:
        needed = poisson_limit(0, 1.0, level) / rate.most
        return (
            f"{held.name!r} raises no alarm: {held.observed:.3g} x {rate.title} of held-out recordings cannot show "
            f"{rate.describe()} with this confidence; at least {needed:.3g} are needed"
        )
    return f"{held.name!r} raises no alarm: no threshold keeps {rate.describe()} on the held-out recordings"


def with_chosen_length(rule: EventRule, provenance: Mapping[str, Any]) -> EventRule:
    """Return the rule for events with the minimum length that was chosen with the thresholds, unless it states one.

    Parameters
    ----------
    rule
        When an event starts and ends.
    provenance
        Of the decision of the model.

    Returns
    -------
    EventRule
        The same rule if the thresholds were not chosen by false alarms.

    Example
    -------
    >>> with_chosen_length(EventRule(off=0.2), {"false_alarms": {"min_length": 3}}).min_length
    3
    """
    chosen = provenance.get(FALSE_ALARMS)
    if chosen is None or rule.min_length != 1:
        return rule
    return replace(rule, min_length=chosen["min_length"])


def alarm_rate_of(provenance: Mapping[str, Any]) -> AlarmRate | None:
    """Return the accepted rate of false alarms of a decision; None if it has none."""
    chosen = provenance.get(FALSE_ALARMS)
    return None if chosen is None else read_alarm_rate(chosen["rate"])


def chosen_alarm_lines(chosen: Mapping[str, Any]) -> list[str]:
    """Describe in one line for each label what the chosen thresholds do on the held-out recordings."""
    rate, lines = read_alarm_rate(chosen["rate"]), []
    for name, one in chosen["per_label"].items():
        upper = "" if one["upper"] is None else f" (upper limit {one['upper']:.3g})"
        share = "-" if one["detected"] is None else f"{100 * one['detected']:.0f} %"
        lines.append(
            f"{name}: {one['false']:,} false alarms, {one['rate'] or 0:.3g} per {rate.title}{upper}, and {share} of "
            f"{one['true']:,} true events detected on held-out recordings; events of at least {chosen['min_length']}"
            f"{'' if isinstance(chosen['min_length'], str) else ' steps'}"
        )
    return lines
