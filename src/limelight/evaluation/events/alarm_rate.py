"""The most false alarms that are accepted, as a number in a time or in a number of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from limelight.data.clock import UNITS
from limelight.errors import ParameterError, nearest
from limelight.evaluation.events.runs_of_steps import StepTimes
from limelight.task import UNKNOWN
from limelight.types import Codes, Integers

WORDS_OF_TIME = {
    "second": "s", "minute": "min", "hour": "h", "day": "d", "s": "s", "min": "min", "h": "h", "d": "d",
}  # fmt: skip
"""The unit of time that each word stands for."""
TITLES_OF_TIME = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
STEPS = "steps"
WITHOUT_CLOCK = 1_000
"""Steps in the unit in which alarms of series without a clock are reported."""


@dataclass(frozen=True)
class AlarmRate:
    """A number of false alarms in an hour, a day, another unit of time, or a number of steps.

    Parameters
    ----------
    most
        The number, above 0.
    unit
        ``"s"``, ``"min"``, ``"h"``, ``"d"`` or ``"steps"``.
    steps
        With the unit ``"steps"``, in how many steps, at least 1.

    Example
    -------
    >>> AlarmRate(2.0, "h").title, AlarmRate(1.0, "steps", 500).title
    ('hour', '500 steps')
    """

    most: float
    unit: str
    steps: int = 1

    @property
    def title(self) -> str:
        """The unit in words."""
        return f"{self.steps:,} steps" if self.unit == STEPS else TITLES_OF_TIME[self.unit]

    @property
    def needs_clock(self) -> bool:
        """Whether series need times."""
        return self.unit != STEPS

    def describe(self) -> str:
        """Describe the rate in words, such as "at most 2 false alarms a day"."""
        article = "in" if self.unit == STEPS else "an" if self.unit == "h" else "a"
        return f"at most {self.most:g} false {'alarm' if self.most == 1 else 'alarms'} {article} {self.title}"

    def observed(self, codes: Codes, lengths: Integers, clock: StepTimes | None) -> float:
        """Measure for how long a label was known, in the unit of the rate.

        Parameters
        ----------
        codes
            The true codes of the label at all steps, -1 if unknown, shape (steps,).
        lengths
            The number of steps of each series, shape (n,).
        clock
            Their times; needed if the unit is one of time.

        Returns
        -------
        float
            At least 0. A gap in the clock of more than ten typical steps counts as ten.

        Example
        -------
        >>> import numpy as np
        >>> AlarmRate(1.0, "steps", 2).observed(np.array([0, 1, -1, 0]), np.array([4]), None)
        1.5
        """
        known = codes != UNKNOWN
        if clock is None or self.unit == STEPS:
            return float(known.sum()) / self.steps
        return float(clock.step_durations(lengths)[known].sum()) / UNITS[self.unit]


def read_alarm_rate(text: Any) -> AlarmRate:
    """Parse a rate of false alarms.

    Parameters
    ----------
    text
        A number and a unit, such as ``"1/hour"``, ``"0.5/day"`` or ``"2/1000 steps"``.

    Returns
    -------
    AlarmRate
        The rate.

    Raises
    ------
    ParameterError
        If the text is no such rate.

    Example
    -------
    >>> read_alarm_rate("2/day"), read_alarm_rate("1/500 steps").steps
    (AlarmRate(most=2.0, unit='d', steps=1), 500)
    """
    match = re.fullmatch(
        r"\s*(\d+(?:\.\d+)?|\.\d+)\s*/\s*(?:(\d+)\s*)?([A-Za-z]+)\s*", text if isinstance(text, str) else ""
    )
    number, count, word = match.groups() if match else ("0", None, "")
    word = word.lower()
    if word in ("step", STEPS) and float(number) > 0 and count != "0":
        return AlarmRate(float(number), STEPS, int(count or 1))
    unit = WORDS_OF_TIME.get(word) or WORDS_OF_TIME.get(word.removesuffix("s"))
    if unit is None or count is not None or not float(number) > 0:
        raise ParameterError(
            f"expected a rate of false alarms above 0, such as '1/hour', '2/day' or '1/1000 steps', got {text!r}"
            f"{nearest(word, (*WORDS_OF_TIME, STEPS)) if word and unit is None and word not in ('step', STEPS) else ''}"
        )
    return AlarmRate(float(number), unit)


def poisson_interval(count: int, observed: float, level: float = 0.95) -> list[float]:
    """Compute the exact interval of a Poisson rate.

    Parameters
    ----------
    count
        The number of events, at least 0.
    observed
        For how long they were counted, above 0.
    level
        The confidence of the two-sided interval, in (0, 1).

    Returns
    -------
    list[float]
        ``[low, high]``, in events for each unit of ``observed``.

    Source
    ------
    Garwood, Fiducial Limits for the Poisson Distribution, 1936.

    Example
    -------
    >>> [round(end, 2) for end in poisson_interval(0, 1.0)], [round(end, 2) for end in poisson_interval(3, 2.0)]
    ([0.0, 3.69], [0.31, 4.38])
    """
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else poisson_limit(count - 1, observed, tail)
    return [low, poisson_limit(count, observed, 1 - tail)]


def poisson_limit(count: int, observed: float, confidence: float) -> float:
    """Compute the upper limit of a Poisson rate with a one-sided confidence, in (0, 1); count and unit as above.

    Example
    -------
    >>> round(poisson_limit(0, 1.0, 0.95), 3)
    2.996
    """
    from scipy.stats import chi2  # a slow import

    return float(chi2.ppf(confidence, 2 * (count + 1)) / 2 / observed)
