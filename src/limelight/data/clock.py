"""Times and durations as text: parse ``"2.5 s"`` to nanoseconds, and format times for ids, notes and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, ParameterError, as_sentence, nearest, shown


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
SPELLINGS = {
    **dict.fromkeys(("nsec", "nanosecond", "nanoseconds"), "ns"),
    **dict.fromkeys(("µs", "μs", "usec", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("msec", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}
"""Other spellings of these units; both are read in upper or lower case."""


def nanoseconds_in(unit: str, remedy: str = "state the unit of 'time'") -> int:
    """Return the nanoseconds in a unit of time.

    Parameters
    ----------
    unit
        A unit of ``UNITS`` or a spelling of ``SPELLINGS``, in upper or lower case.
    remedy
        What to do about an unknown unit, for the message.

    Returns
    -------
    int
        From 1, of ``"ns"``, to 86,400,000,000,000, of ``"d"``.

    Raises
    ------
    ParameterError
        If the unit is unknown.

    Example
    -------
    >>> nanoseconds_in("ms"), nanoseconds_in("Seconds")
    (1000000, 1000000000)
    """
    found = canonical_unit(unit)
    if found in UNITS:
        return UNITS[found]
    spelt = _hint_at_spelling(unit)
    raise ParameterError(f"expected a clock in {', '.join(UNITS)}, got {unit!r}{spelt or f'; {remedy}'}")


def canonical_unit(word: str) -> str:
    """Return the unit that a spelling stands for, such as ``"min"`` for ``"Minutes"``; other words in lower case."""
    return SPELLINGS.get(word.lower(), word.lower())


def _hint_at_spelling(unit: str) -> str:
    """Return a hint at the closest unit or spelling, "; did you mean 'ms'?"; "" if none is close."""
    hint = nearest(unit, (*UNITS, *SPELLINGS))
    return hint if "did you mean" in hint else ""


def read_duration(text: str) -> int:
    """Parse a duration such as ``"2.5 s"`` to nanoseconds.

    Parameters
    ----------
    text
        A number and a unit: ns, us, ms, s, min, h or d, or a spelling of it, such as seconds.

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
    >>> read_duration("500ms"), read_duration("2.5 seconds")
    (500000000, 2500000000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-zµμ]+)\s*", text)
    number, unit = match.groups() if match else ("", "")
    if canonical_unit(unit) not in UNITS:
        hint = _hint_at_spelling(unit) or nearest("", UNITS)
        raise ParameterError(f"expected a duration with a unit, such as '2.5 s', got {text!r}{hint}")
    duration = Fraction(number) * UNITS[canonical_unit(unit)]
    if duration.denominator > 1 or not 1 <= duration <= 36500 * UNITS["d"]:
        raise ParameterError(
            f"expected a duration from 1 ns to 36500 d in whole ns, got {text!r}; use for example '1 s'"
        )
    return int(duration)


def clock_of(times: Any, lengths: Sequence[int]) -> NDArray[Any]:
    """Join the times of all series.

    Parameters
    ----------
    times
        The times of each series, shape (time,) each: numbers or dates.
    lengths
        The number of steps of each series.

    Returns
    -------
    NDArray
        Shape (total steps,): numbers, or datetime64 in UTC. Durations become seconds.

    Raises
    ------
    DataError
        If there is not one time for each step, or a time is neither a number nor a date.

    Example
    -------
    >>> clock_of([[0.0, 0.5], [0.0]], [2, 1]).tolist()
    [0.0, 0.5, 0.0]
    """
    if isinstance(times, (str, bytes)) or not isinstance(times, Iterable):
        raise DataError(f"expected the times of each series, shape (time,) each, got {shown(times)}; pass a list")
    arrays = [_times(array, number) for number, array in enumerate(times)]
    shapes = [array.shape for array in arrays]
    wanted = [(length,) for length in lengths]
    if shapes != wanted:
        pairs = enumerate(zip(shapes, wanted, strict=False))
        number = next((number for number, (found, needed) in pairs if found != needed), None)
        got = (
            f"{len(shapes)} arrays for {len(wanted)} series"
            if number is None
            else f"shape {shapes[number]} for the {wanted[number][0]} steps of series {number}"
        )
        raise DataError(f"expected a time for each step of each series, got {got}; pass one array for each series")
    if len({array.dtype.kind == "M" for array in arrays}) > 1:
        raise DataError("expected one kind of time in every series, got dates and numbers; convert them")
    return np.concatenate(arrays)


def require_increasing(times: Sequence[NDArray[Any]], where: str) -> None:
    """Check that the times of each series increase; DataError otherwise.

    Parameters
    ----------
    times
        The times of each series, shape (time,) each.
    where
        Where they are from, for the message.
    """
    for number, array in enumerate(times):
        wrong = np.flatnonzero(~(array[1:] > array[:-1]))
        if len(wrong):
            step = int(wrong[0])
            raise DataError(
                f"expected increasing times in {where} of series {number}, got {array[step + 1]} after {array[step]} "
                f"at step {step + 1}; sort each series by time, and keep one row for each time"
            )


def _times(times: Any, number: int) -> NDArray[Any]:
    """Convert the times of one series to numbers or datetime64."""
    array: NDArray[Any]
    try:
        array = np.asarray(np.ma.filled(np.ma.asarray(times, np.float64), np.nan) if np.ma.is_masked(times) else times)
        if array.dtype.kind == "O" and all(
            hasattr(one, "isoformat") or isinstance(one, np.datetime64) for one in array
        ):
            array = np.array([_without_zone(one) for one in array], dtype="datetime64[us]")
        if array.dtype.kind == "m":
            return array.astype("timedelta64[ns]").astype(np.float64) / 1e9
        if array.dtype.kind == "M" and array.dtype != "datetime64[ns]":
            nanoseconds = array.astype("datetime64[ns]")
            same = np.array_equal(nanoseconds.astype(array.dtype), array, equal_nan=True)
            if not (np.abs(array[~np.isnat(array)].astype("datetime64[Y]").astype(np.int64)) < 10**6).all():
                raise ValueError("years with more than six digits")
            array = nanoseconds if same else array.astype("datetime64[s]")  # before 1678 or after 2262
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(
            f"expected numbers or dates as the times of series {number}, got something else: {as_sentence(error)}; "
            "convert them, for example with pandas.to_datetime"
        ) from error
    if array.dtype.kind not in "iufM":
        raise DataError(
            f"expected numbers or dates as the times of series {number}, got {array.dtype}; convert them, for example "
            "with pandas.to_datetime"
        )
    return array


def _without_zone(time: Any) -> Any:
    return time.astimezone(UTC).replace(tzinfo=None) if getattr(time, "tzinfo", None) is not None else time
