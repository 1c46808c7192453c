"""Times and durations as text: parse ``"2.5 s"`` to nanoseconds, and format times for ids, notes and messages."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np

from limelight.errors import ParameterError, nearest


def format_time(time: Any) -> str:
    """Format a time without trailing zeros.

    Example
    -------
    >>> format_time(np.datetime64("2024-01-31T12:00:00.500000000")), format_time(np.int64(3))
    ('2024-01-31 12:00:00.5', '3')
    """
    if isinstance(time, np.datetime64):
        text = str(time).replace("T", " ")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{time:.15g}" if isinstance(time, float) else str(time)


UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 6 * 10**10, "h": 36 * 10**11, "d": 864 * 10**11}
"""Nanoseconds in each unit of time."""


def read_duration(text: str) -> int:
    """Parse a duration such as ``"2.5 s"`` to nanoseconds.

    Parameters
    ----------
    text
        A number and a unit: ns, us, ms, s, min, h or d.

    Returns
    -------
    int
        Nanoseconds, from 1 ns to 36500 days.

    Raises
    ------
    ParameterError
        If the text is not a duration, or not a whole number of nanoseconds in this range.

    Example
    -------
    >>> read_duration("500ms"), read_duration("2.5 s")
    (500000000, 2500000000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]+)\s*", text)
    number, unit = match.groups() if match else ("", "")
    if unit not in UNITS:
        raise ParameterError(f"expected a duration with a unit, such as '2.5 s', got {text!r}{nearest(unit, UNITS)}")
    duration = Fraction(number) * UNITS[unit]
    if duration.denominator > 1 or not 1 <= duration <= 36500 * UNITS["d"]:
        raise ParameterError(
            f"expected a duration from 1 ns to 36500 d in whole ns, got {text!r}; use for example '1 s'"
        )
    return int(duration)
