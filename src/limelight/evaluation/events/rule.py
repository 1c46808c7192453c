"""When an answer about steps begins an event and when it ends, and which labels have events at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from limelight.data.clock import read_duration
from limelight.errors import ParameterError, nearest
from limelight.task import Label, Task

Threshold = Annotated[float, Field(gt=0.0, le=1.0)]


@dataclass(frozen=True)
class EventRule:
    """When an event begins and ends, which short gaps it bridges, and how long it must be.

    Short gaps are bridged first; then events that are still too short are left out.

    Parameters
    ----------
    on
        Probability at which an event begins, above 0, at most 1; None takes the thresholds of the model.
    off
        Probability below which it ends, above 0, at most ``on``; None for ``on``.
    min_length
        Of an event: in steps, at least 1, or in time, such as ``"10 s"``.
    join_gap
        Two events of one label with a gap of at most this between them are one: in steps, at least 0, or in time.
    background
        The class of several that is no event, such as ``"rest"``; None if every class is one.

    Raises
    ------
    ParameterError
        If a number is out of range, ``off`` is above ``on``, or a time cannot be read.

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
                f"expected an event to end at or below where it begins, got on={self.on} and off={self.off}; lower off"
            )
        for name, size, least in (("min_length", self.min_length, 1), ("join_gap", self.join_gap, 0)):
            if isinstance(size, str):
                read_duration(size)
            elif isinstance(size, bool) or not isinstance(size, int | np.integer) or size < least:
                raise ParameterError(
                    f"expected {name} in whole steps, at least {least}, or as a time, got {size!r}; use 3 or '2.5 s'"
                )


def event_labels(task: Task, background: Label | None = None) -> list[int]:
    """Give the places of the labels that have events: all labels, the positive class, or all classes but one.

    Parameters
    ----------
    task
        The classes or labels.
    background
        As for ``EventRule``.

    Returns
    -------
    list[int]
        Rising places in ``task.classes``.

    Raises
    ------
    ParameterError
        If ``background`` does not fit the task.

    Example
    -------
    >>> event_labels(Task(("rest", "run", "walk"), level="step"), "rest")
    [1, 2]
    """
    if background is None:
        return [task.positive_index] if task.kind == "binary" else list(range(len(task.classes)))
    if task.kind != "multiclass":
        raise ParameterError(
            f"expected no background class for a {task.kind} task, got {background!r}: steps without "
            f"{'a label' if task.multilabel else 'the positive class'} are no event already; leave it out"
        )
    if background not in task.classes:
        raise ParameterError(
            f"expected a class as background, got {background!r}{nearest(str(background), map(str, task.classes))}"
        )
    return [place for place, name in enumerate(task.classes) if name != background]
