"""Stretches of steps: where they begin and end, how long they last on a clock, which of them are close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from limelight.data.clock import UNITS, read_duration
from limelight.errors import DataError, InternalError, ParameterError
from limelight.types import Doubles, Integers


@dataclass(frozen=True, eq=False)
class StepTimes:
    """The times of all steps, with what it takes to measure a stretch of them in nanoseconds.

    Parameters
    ----------
    times
        Of every step, series after series, shape (steps,): numbers or datetime64.
    unit
        Of a clock of numbers, in ns.
    typical
        The median time from step to step of each series, in ns, shape (n,); 0 for one of a single step.
    slack
        What rounding may do to a difference of times, in ns, shape (n,).
    """

    times: NDArray[Any]
    unit: int
    typical: Doubles
    slack: Doubles

    @classmethod
    def of(cls, times: NDArray[Any], lengths: Integers, unit: str) -> Self:
        """Look at the clock of all series.

        Parameters
        ----------
        times
            As above.
        lengths
            Steps of each series, shape (n,).
        unit
            A name: ns, us, ms, s, min, h or d.

        Returns
        -------
        Clock
            Compares times to a millionth of a typical step.

        Raises
        ------
        ParameterError
            If the unit is another.
        DataError
            If there is not one time for each step, or a clock goes back or has a hole.

        Example
        -------
        >>> StepTimes.of(np.array([0.0, 1.0, 3.0, 4.0]), np.array([3, 1]), "ms").typical.tolist()
        [1500000.0, 0.0]
        """
        if unit not in UNITS:
            raise ParameterError(
                f"expected a clock in {', '.join(UNITS)}, got {unit!r}; state in the units that of time"
            )
        rows = np.repeat(np.arange(len(lengths)), lengths)
        if times.shape != rows.shape:
            raise DataError(f"expected a time for each of {len(rows)} steps, got an array of shape {times.shape}")
        within = rows[1:] == rows[:-1]
        passed = _in_ns(np.diff(times), UNITS[unit])[within]
        wrong = np.append(rows[1:][within][~(passed >= 0)], rows[times != times])
        if len(wrong):
            raise DataError(
                f"expected rising times in every series, got one missing or going back in row {wrong.min()}; sort its "
                "steps"
            )
        typical = _medians(passed, rows[1:][within], len(lengths))
        rounding = np.zeros(len(lengths))
        if times.dtype.kind == "f":
            np.maximum.at(rounding, rows, 8 * UNITS[unit] * np.spacing(np.abs(times)))
        return cls(times, UNITS[unit], typical, 1e-6 * typical + rounding)


def measured(
    size: int | str, start: Integers, stop: Integers, lengths: Integers, clock: StepTimes | None
) -> tuple[Any, Any, int, Any]:
    """Measure stretches in the unit of a size.

    Parameters
    ----------
    size
        Steps, or a time.
    start, stop
        First place, and place after the last, of each stretch among the steps of all series, each shape (m,).
    lengths
        Steps of each series, shape (n,).
    clock
        Needed for a time only.

    Returns
    -------
    tuple[NDArray, NDArray, int, NDArray]
        Begin and end of each stretch in its series, each shape (m,), the size as a number, and what rounding may do,
        shape (m,): all in steps, or all in ns. In time a stretch ends one typical step after its last.

    Raises
    ------
    InternalError
        If the size is a time and there is no clock.

    Example
    -------
    >>> lengths = np.array([4])
    >>> clock = StepTimes.of(np.array([0, 1, 2, 9]), lengths, "s")
    >>> begin, end, size, _ = measured("3 s", np.array([0]), np.array([3]), lengths, clock)
    >>> begin.tolist(), end.tolist(), size
    ([0.0], [3000000000.0], 3000000000)
    """
    if not isinstance(size, str):
        return start, stop, size, np.zeros(len(start))
    if clock is None:
        raise InternalError(f"expected a clock for {size!r}, got none")
    rows = series_of(start, lengths)
    first = clock.times[(np.cumsum(lengths) - lengths)[rows]]
    begin, last = (_in_ns(clock.times[places] - first, clock.unit) for places in (start, stop - 1))
    return begin, last + clock.typical[rows], read_duration(size), clock.slack[rows]


def series_of(places: Integers, lengths: Integers) -> Integers:
    """Give the row of the series that each place among the steps of all series belongs to.

    Example
    -------
    >>> series_of(np.array([0, 2, 3]), np.array([3, 2])).tolist()
    [0, 0, 1]
    """
    return np.searchsorted(np.cumsum(lengths), places, side="right")


def runs(keys: NDArray[Any], lengths: Integers) -> tuple[Integers, Integers, NDArray[Any]]:
    """Part all steps into stretches of one key within one series.

    Parameters
    ----------
    keys
        Of every step, series after series, shape (steps,).
    lengths
        Steps of each series, shape (n,).

    Returns
    -------
    tuple[NDArray, NDArray, NDArray]
        First place, place after the last, and key of each stretch.

    Example
    -------
    >>> [part.tolist() for part in runs(np.array([7, 7, 5, 5, 5]), np.array([3, 2]))]
    [[0, 2, 3], [2, 3, 5], [7, 5, 5]]
    """
    new = np.ones(len(keys), dtype=bool)
    new[1:] = keys[1:] != keys[:-1]
    new[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
    start = np.flatnonzero(new)
    return start, np.append(start, len(keys))[1:], keys[start]


def begun_and_held(column: Doubles, lengths: Integers, on: float, off: float) -> tuple[Integers, Integers]:
    """Find stretches that begin where a probability reaches ``on`` and last until it falls below ``off``.

    Parameters
    ----------
    column
        Probability at every step, series after series, shape (steps,); NaN ends a stretch.
    lengths
        Steps of each series, shape (n,).
    on, off
        In [0, 1], ``off`` at most ``on``.

    Returns
    -------
    tuple[NDArray, NDArray]
        First place, and place after the last, of each.

    Example
    -------
    >>> start, stop = begun_and_held(np.array([0.5, 0.9, 0.5, 0.1, 0.5]), np.array([5]), on=0.8, off=0.4)
    >>> start.tolist(), stop.tolist()
    ([1], [3])
    """
    start, stop, held = runs(column >= off, lengths)
    start, stop = start[held], stop[held]
    high = np.flatnonzero(column >= on)
    first = np.append(high, len(column))[np.searchsorted(high, start)]
    return first[first < stop], stop[first < stop]


def joined(
    start: Integers, stop: Integers, lengths: Integers, gap: int | str, clock: StepTimes | None, silent: Integers
) -> tuple[Integers, Integers]:
    """Make one of stretches with at most a gap between them.

    Parameters
    ----------
    start, stop, lengths, clock
        As for ``measured``; the stretches rising, none touching the next.
    gap
        Steps, or a time.
    silent
        Rising places of steps that no stretch is joined across.

    Returns
    -------
    tuple[NDArray, NDArray]
        First place, and place after the last, of each.

    Example
    -------
    >>> start, stop = np.array([0, 3, 6]), np.array([2, 4, 8])
    >>> [ends.tolist() for ends in joined(start, stop, np.array([8]), 1, None, np.array([]))]
    [[0, 6], [4, 8]]
    """
    if not len(start):
        return start, stop
    rows = series_of(start, lengths)
    begin, end, size, slack = measured(gap, start, stop, lengths, clock)
    apart = begin[1:] - end[:-1] > size + slack[1:]
    apart |= rows[1:] != rows[:-1]
    apart |= np.searchsorted(silent, start[1:]) > np.searchsorted(silent, stop[:-1])
    return start[np.append(True, apart)], stop[np.append(apart, True)]


def peaks(column: Doubles, start: Integers, stop: Integers) -> Doubles:
    """Give the highest number within each stretch; the stretches rising, none touching the next.

    Example
    -------
    >>> peaks(np.array([0.1, 0.7, 0.6, 0.2]), np.array([1, 3]), np.array([3, 4])).tolist()
    [0.7, 0.2]
    """
    ends = np.stack([start, stop], axis=1).reshape(-1)
    highest: Doubles = np.maximum.reduceat(np.append(column, 0.0), ends)[::2] if len(ends) else np.zeros(0)
    return highest


def _in_ns(passed: NDArray[Any], unit: int) -> Doubles:
    if passed.dtype.kind == "m":
        return passed / np.timedelta64(1, "ns")
    return passed.astype(np.float64) * unit


def _medians(values: Doubles, rows: Integers, n: int) -> Doubles:
    """Give the median of the values of each of n rows, which rise; 0 for a row without."""
    counts = np.bincount(rows, minlength=n)
    ordered = np.append(values[np.lexsort((values, rows))], 0.0)
    before = np.cumsum(counts) - counts
    middle = (ordered[before + np.maximum(counts - 1, 0) // 2] + ordered[before + counts // 2]) / 2
    return np.where(counts > 0, middle, 0.0)
