"""The rule that turns per-step probabilities into events, and the labels that have events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict, Field

from limelight.data.clock import read_duration
from limelight.data.labels import OUTSIDE
from limelight.errors import DataError, ParameterError, nearest
from limelight.task import Label, Task

Threshold = Annotated[float, Field(gt=0.0, le=1.0)]


@dataclass(frozen=True)
class EventRule:
    """When an event starts and ends, which gaps it bridges, and its minimum length.

    Gaps are bridged first; events that are still too short are then removed.

    Parameters
    ----------
    on
        Probability at which an event starts, above 0, at most 1; None uses the thresholds of the model.
    off
        Probability below which an event ends, above 0, at most ``on``; None is ``on``.
    min_length
        Minimum length of an event: in steps, at least 1, or as a duration, such as ``"10 s"``.
    join_gap
        Longest gap at which two events of one label are joined: in steps, at least 0, or as a duration.
    background
        The class of a multi-class task that is not an event, such as ``"rest"``; None is the class ``"none"``, that of
        steps in no interval of a table of labels, if there is one, and else every class is an event.

    Raises
    ------
    ParameterError
        If a number is out of range, ``off`` is above ``on``, or a duration cannot be parsed.

    Source
    ------
    Two thresholds: Canny, A Computational Approach to Edge Detection, 1986, here forward in time only.

    Example
    -------
    >>> EventRule(on=0.8, off=0.4, min_length="10 s").join_gap
    0
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    on: Threshold | None = None
    off: Threshold | None = None
    min_length: int | str = 1
    join_gap: int | str = 0
    background: Label | None = None

    def __post_init__(self) -> None:
        for name, value in (("on", self.on), ("off", self.off)):
            if value is not None and not 0 < value <= 1:
                raise ParameterError(
                    f"expected a probability above 0 and at most 1 for {name}, got {value!r}; use for example 0.5"
                )
        if self.on is not None and self.off is not None and self.off > self.on:
            raise ParameterError(
                f"expected off to be at most on, got on={self.on} and off={self.off}; lower off, or raise on"
            )
        for name, size, least in (("min_length", self.min_length, 1), ("join_gap", self.join_gap, 0)):
            if isinstance(size, str):
                read_duration(size)
            elif isinstance(size, bool) or not isinstance(size, int | np.integer) or size < least:
                raise ParameterError(
                    f"expected {name} as a number of steps, at least {least}, or as a duration, got {size!r}; use 3 or "
                    "'2.5 s'"
                )


def event_labels(task: Task, background: Label | None = None) -> list[int]:
    """Return the indices of the labels that have events: all labels, the positive class, or all but the background.

    Parameters
    ----------
    task
        The classes or labels.
    background
        As for ``EventRule``.

    Returns
    -------
    list[int]
        Increasing indices into ``task.classes``.

    Raises
    ------
    ParameterError
        If the task is not multi-class but has a ``background``, or ``background`` is not one of the classes.

    Example
    -------
    >>> event_labels(Task(("rest", "run", "walk"), level="step"), "rest")
    [1, 2]
    """
    if background is None:
        if task.kind == "binary":
            return [task.positive_index]
        return [index for index, name in enumerate(task.classes) if task.multilabel or name != OUTSIDE]
    if task.kind != "multiclass":
        raise ParameterError(
            f"expected no background class for a {task.kind} task, got {background!r}; remove it, as steps without "
            f"{'a label' if task.multilabel else 'the positive class'} are background anyway"
        )
    if background not in task.classes:
        raise ParameterError(
            f"expected one of the classes as background, got {background!r}"
            f"{nearest(str(background), map(str, task.classes))}"
        )
    return [index for index, name in enumerate(task.classes) if name != background]


def event_limits(
    task: Task, rule: EventRule, thresholds: ArrayLike | None = None
) -> dict[int, tuple[float, float] | None]:
    """Return for each label that has events where they start and end.

    Parameters
    ----------
    task
        The classes or labels.
    rule
        When an event starts and ends.
    thresholds
        Probabilities at which the model predicts the positive class, shape (1,), or each label, shape (labels,); None
        is 0.5.

    Returns
    -------
    dict[int, tuple[float, float] | None]
        By increasing index into ``task.classes``: the probability at which an event starts, and that below which it
        ends; None for a class of several, whose events consist of the steps at which it is the most probable one.

    Raises
    ------
    ParameterError
        If the rule does not match the task or the thresholds.
    DataError
        If the thresholds have another shape.

    Example
    -------
    >>> event_limits(Task(("off", "on"), level="step"), EventRule(off=0.3), [0.6])
    {1: (0.6, 0.3)}
    """
    labels = event_labels(task, rule.background)
    if task.kind == "multiclass":
        if rule.on is not None or rule.off is not None or thresholds is not None:
            raise ParameterError(
                f"expected no thresholds (on, off) for events of {len(task.classes)} classes, got some; remove them, "
                "as the most probable class is predicted"
            )
        return dict.fromkeys(labels)
    values = np.full(len(labels), 0.5) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if values.shape != (len(labels),):
        raise DataError(
            f"expected thresholds of shape ({len(labels)},) for a {task.kind} task, got {values.shape}; pass those of "
            "the model"
        )
    limits: dict[int, tuple[float, float] | None] = {}
    for label, threshold in zip(labels, values.tolist(), strict=True):
        on = threshold if rule.on is None else rule.on
        off = on if rule.off is None else rule.off
        if off > on:
            raise ParameterError(
                f"expected off to be at most the threshold, got off={off} and a threshold of {on:g} for "
                f"{task.classes[label]!r}; lower off, or set on"
            )
        limits[label] = (on, off)
    return limits
