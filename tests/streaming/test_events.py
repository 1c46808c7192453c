"""Events of a stream equal those of the complete series."""

import numpy as np
import pytest

from limelight.errors import DataError, ParameterError
from limelight.evaluation.events.detection import find_events
from limelight.evaluation.events.rule import EventRule
from limelight.streaming.events import BEGIN, END, EventTracker
from limelight.task import Task
from support.errors import message_of

TASKS = {
    "binary": Task(("off", "on"), level="step"),
    "multilabel": Task(("rain", "fog"), multilabel=True, level="step"),
    "multiclass": Task(("rest", "walk", "run"), level="step"),
}
RULES = {
    "plain": EventRule(),
    "hysteresis": EventRule(on=0.7, off=0.4),
    "long": EventRule(on=0.6, off=0.3, min_length=4),
    "joined": EventRule(on=0.7, off=0.6, min_length=3, join_gap=2),
    "in time": EventRule(on=0.7, off=0.5, min_length="1.5 s", join_gap="1 s"),
}


def draw(task: Task, seed: int, steps: int = 150) -> np.ndarray:
    """Smooth probabilities with some steps without a prediction."""
    random = np.random.default_rng(seed)
    logits = np.apply_along_axis(
        np.convolve, 0, random.normal(size=(steps + 2, len(task.classes))), np.ones(3), "valid"
    )
    if task.multilabel:
        found = 1 / (1 + np.exp(-logits))
    else:
        found = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)
    found[random.random(steps) < 0.04] = np.nan
    return found


def rule_for(task: Task, name: str) -> EventRule:
    rule = RULES[name]
    if task.kind != "multiclass":
        return rule
    return EventRule(min_length=rule.min_length, join_gap=rule.join_gap, background="rest")


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", TASKS)
def test_ended_events_are_those_of_the_whole_series(kind: str, name: str) -> None:
    task, times = TASKS[kind], 0.5 * np.arange(150)
    rule = rule_for(task, name)
    for seed in range(20):
        probabilities = draw(task, seed)
        tracker = EventTracker(task, rule)
        found = [one for row, now in zip(probabilities, times, strict=True) for one in tracker.step(row, now)]
        found += tracker.finish()
        ended = sorted((one for one in found if one.kind == END), key=lambda one: (one.start, one.label))
        expected = find_events(task, probabilities, [150], rule, times=times)
        assert [(one.label, one.start, one.stop) for one in ended] == list(
            zip(expected.label.tolist(), expected.start.tolist(), expected.stop.tolist(), strict=True)
        )
        np.testing.assert_array_equal([one.peak for one in ended], expected.peak)
        begun = sorted((one.start, one.label) for one in found if one.kind == BEGIN)
        assert begun == [(one.start, one.label) for one in ended]


def test_an_event_is_announced_once_it_is_long_enough() -> None:
    tracker = EventTracker(TASKS["binary"], EventRule(on=0.8, off=0.4, min_length=3, join_gap=1))
    positive = [0.9, 0.5, 0.1, 0.9, 0.1, 0.1, 0.9]
    found = [[(one.kind, one.start, one.stop) for one in tracker.step([1 - p, p])] for p in positive]
    assert found == [[], [], [], [("begin", 0, 4)], [], [("end", 0, 4)], []]
    assert tracker.finish() == []


def test_a_restored_tracker_continues_as_an_uninterrupted_one(tmp_path) -> None:
    task, rule, times = TASKS["multilabel"], RULES["in time"], 0.5 * np.arange(150)
    probabilities = draw(task, 3)
    whole = EventTracker(task, rule)
    expected = [whole.step(row, now) for row, now in zip(probabilities, times, strict=True)]
    tracker = EventTracker(task, rule)
    for place, (row, now) in enumerate(zip(probabilities, times, strict=True)):
        if place % 10 == 0:
            state = tracker.state()
            tracker = EventTracker(task, rule)
            tracker.restore(state)
        assert tracker.step(row, now) == expected[place]


def test_a_task_without_events_is_refused() -> None:
    assert message_of(ParameterError, EventTracker, Task(("a", "b")), EventRule()) == (
        "expected a model with labels per step to find events, got one for whole series; follow its answers"
    )
    tracker = EventTracker(TASKS["binary"], EventRule(min_length="2 s"))
    assert message_of(DataError, tracker.step, [0.5, 0.5]) == (
        "expected the time of the step, as the event rule has durations, got none; pass time="
    )
