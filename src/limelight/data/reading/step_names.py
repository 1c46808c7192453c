"""Names of columns that are steps, such as 0, x_0 or x[0]."""

from __future__ import annotations

import re
from collections.abc import Iterable

from limelight.data.labels import STEP_LABEL

STEP = re.compile(r"(?P<channel>.*?)(?:\[(?P<inside>\d+)\]|[_.\- ]?(?P<number>\d+))")
PURE = re.compile(r"(?P<number>\d+)(?:\.0+)?")
NAMELESS = "channel_0"
"""The channel of columns that are named by numbers alone."""
FEWEST_STEPS = 3


def parse_step(name: str) -> tuple[str, int] | None:
    """Parse a column name into channel and step number; None if it is not of this form.

    Example
    -------
    >>> parse_step("x_07"), parse_step("3"), parse_step("speed")
    (('x', 7), ('channel_0', 3), None)
    """
    if pure := PURE.fullmatch(name.strip()):
        return NAMELESS, int(pure["number"])
    if step := STEP.fullmatch(name.strip()):
        return step["channel"] or NAMELESS, int(step["number"] or step["inside"])
    return None


def is_step_label(name: str) -> bool:
    """Whether a column holds the labels of one step."""
    parsed = parse_step(name)
    return name.startswith(STEP_LABEL) or (parsed is not None and parsed[0] == "label")


def numbered_steps(names: Iterable[str]) -> list[tuple[str, int, str]]:
    """Return channel, step number and name of each column that is a step."""
    parsed_names = ((parse_step(name), name) for name in names if not is_step_label(name))
    return [(*parsed, name) for parsed, name in parsed_names if parsed is not None]


def is_consecutive(steps: Iterable[int]) -> bool:
    """Whether there are at least 3 numbers, without a gap."""
    numbers = sorted(steps)
    return len(numbers) >= FEWEST_STEPS and numbers[-1] - numbers[0] == len(numbers) - 1


def steps_of_channels(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns that are steps, by the name of their channel: at least 3, without a gap.

    Example
    -------
    >>> steps_of_channels(["id", "x_0", "x_1", "x_2", "y_7"])
    {'x': ['x_0', 'x_1', 'x_2']}
    """
    steps: dict[str, dict[int, str]] = {}
    for channel, number, name in numbered_steps(names):
        steps.setdefault(channel, {})[number] = name
    return {channel: list(columns.values()) for channel, columns in steps.items() if is_consecutive(columns)}
