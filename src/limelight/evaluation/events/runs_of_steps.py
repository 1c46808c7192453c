"""Runs of consecutive steps: finding, measuring and joining them, in steps or in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from limelight.data.clock import nanoseconds_in, read_duration
from limelight.errors import DataError, InternalError
from limelight.types import Doubles, Integers

LONGEST_GAP = 10
"""Typical steps after which a gap in a clock counts as time that was not observed."""


@dataclass(frozen=True, eq=False)
class StepTimes:
    """The times of all steps of all series, with what is needed to measure runs in nanoseconds.

    Parameters
    ----------
    times
        The time of every step, series after series, shape (steps,): numbers or datetime64.
    unit
        The unit of numeric times, in ns.
    typical
        The median step duration of each series, in ns, shape (n,); 0 for a series of a single step.
    slack
        The largest rounding error of a time difference in each series, in ns, shape (n,).
    """

    times: NDArray[Any]
    unit: int
    typical: Doubles
    slack: Doubles

    @classmethod
    def of(cls, times: NDArray[Any], lengths: Integers, unit: str) -> Self:
        """Check the times of all series and compute their typical step durations.

        Parameters
        ----------
        times
            As for the class.
        lengths
            The number of steps of each series, shape (n,).
        unit
            The unit of numeric times: ns, us, ms, s, min, h or d.

        Returns
        -------
        StepTimes
            With a tolerance of one millionth of a typical step.

        Raises
        ------
        ParameterError
            If the unit is unknown.
        DataError
            If the number of times differs from that of the steps, or a time is missing or lower than the one before.

        Example
        -------
        >>> StepTimes.of(np.array([0.0, 1.0, 3.0, 4.0]), np.array([3, 1]), "ms").typical.tolist()
        [1500000.0, 0.0]
        """
        size = nanoseconds_in(unit)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        if times.shape != rows.shape:
            raise DataError(
                f"expected a time for each of the {len(rows)} steps, got an array of shape {times.shape}; pass one each"
            )
        within = rows[1:] == rows[:-1]
        elapsed = _in_ns(np.diff(times), size)[within]
        wrong = np.append(rows[1:][within][~(elapsed >= 0)], rows[times != times])
        if len(wrong):
            raise DataError(
                f"expected non-decreasing times in every series, got a missing or lower one in row {wrong.min()}; sort "
                "the steps by time"
            )
        typical = _medians(elapsed, rows[1:][within], len(lengths))
        rounding = np.zeros(len(lengths))
        if times.dtype.kind == "f":
            np.maximum.at(rounding, rows, 8 * size * np.spacing(np.abs(times)))
        return cls(times, size, typical, 1e-6 * typical + rounding)

    def step_durations(self, lengths: Integers) -> Doubles:
        """Measure how long each step lasts: until the next one, but at most ten typical steps.

        Parameters
        ----------
        lengths
            The number of steps of each series, shape (n,).

        Returns
        -------
        NDArray[np.float64]
            In ns, shape (steps,); the last step of a series lasts a typical one.

        Example
        -------
        >>> clock = StepTimes.of(np.array([0.0, 1.0, 2.0, 99.0]), np.array([4]), "ns")
        >>> clock.step_durations(np.array([4])).tolist()
        [1.0, 1.0, 10.0, 1.0]
        """
        typical = np.repeat(self.typical, lengths)
        elapsed = np.append(_in_ns(np.diff(self.times), self.unit), 0.0) if len(self.times) else np.zeros(0)
        last = np.cumsum(lengths)[lengths > 0] - 1
        elapsed[last] = typical[last]
        durations: Doubles = np.minimum(elapsed, LONGEST_GAP * typical)
        return durations


def measure_runs(
    size: int | str, start: Integers, stop: Integers, lengths: Integers, clock: StepTimes | None
) -> tuple[Any, Any, int, Any]:
    """Measure runs in the unit of a size, to compare them with it.

    Parameters
    ----------
    size
        A number of steps, or a duration.
    start, stop
        Index of the first step of each run, and one past its last, among the steps of all series, each shape (m,).
    lengths
        The number of steps of each series, shape (n,).
    clock
        The times of the steps; required if ``size`` is a duration.

    Returns
    -------
    tuple[NDArray, NDArray, int, NDArray]
        Begin and end of each run, each shape (m,), the size as a number, and the rounding error of each run, shape
        (m,): all in steps, or all in ns. In time, a run ends one typical step duration after its last step.

    Raises
    ------
    InternalError
        If the size is a duration and there is no clock.

    Example
    -------
    >>> lengths = np.array([4])
    >>> clock = StepTimes.of(np.array([0, 1, 2, 9]), lengths, "s")
    >>> begin, end, size, _ = measure_runs("3 s", np.array([0]), np.array([3]), lengths, clock)
    >>> begin.tolist(), end.tolist(), size
    ([0.0], [3000000000.0], 3000000000)
    """
    if not isinstance(size, str):
        return start, stop, size, np.zeros(len(start))
    if clock is None:
        raise InternalError(f"expected a clock for {size!r}, got none")
    rows = series_of(start, lengths)
    first = clock.times[(np.cumsum(lengths) - lengths)[rows]]
    begin, last = (_in_ns(clock.times[steps] - first, clock.unit) for steps in (start, stop - 1))
    return begin, last + clock.typical[rows], read_duration(size), clock.slack[rows]


def series_of(steps: Integers, lengths: Integers) -> Integers:
    """Find the index of the series that contains each step, given by its index among the steps of all series.

    Example
    -------
    >>> series_of(np.array([0, 2, 3]), np.array([3, 2])).tolist()
    [0, 0, 1]
    """
    return np.searchsorted(np.cumsum(lengths), steps, side="right")


def runs(keys: NDArray[Any], lengths: Integers) -> tuple[Integers, Integers, NDArray[Any]]:
    """Split all steps into runs of one key within one series.

    Parameters
    ----------
    keys
        The key of every step, series after series, shape (steps,).
    lengths
        The number of steps of each series, shape (n,).

    Returns
    -------
    tuple[NDArray, NDArray, NDArray]
        Index of the first step of each run, one past its last, and its key, each shape (m,).

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


def hysteresis_runs(column: Doubles, lengths: Integers, on: float, off: float) -> tuple[Integers, Integers]:
    """Find runs that start when a probability reaches ``on`` and end when it falls below ``off``.

    Parameters
    ----------
    column
        The probability at every step, series after series, shape (steps,); NaN ends a run.
    lengths
        The number of steps of each series, shape (n,).
    on, off
        In [0, 1], ``off`` at most ``on``.

    Returns
    -------
    tuple[NDArray, NDArray]
        Index of the first step of each run, and one past its last, each shape (m,).

    Example
    -------
    >>> start, stop = hysteresis_runs(np.array([0.5, 0.9, 0.5, 0.1, 0.5]), np.array([5]), on=0.8, off=0.4)
    >>> start.tolist(), stop.tolist()
    ([1], [3])
    """
    start, stop, held = runs(column >= off, lengths)
    start, stop = start[held], stop[held]
    high = np.flatnonzero(column >= on)
    first = np.append(high, len(column))[np.searchsorted(high, start)]
    return first[first < stop], stop[first < stop]


def join_runs(
    start: Integers, stop: Integers, lengths: Integers, gap: int | str, clock: StepTimes | None, unpredicted: Integers
) -> tuple[Integers, Integers]:
    """Join runs of one series that are separated by at most a given gap.

    Parameters
    ----------
    start, stop, lengths, clock
        As for ``measure_runs``; the runs are sorted and do not touch.
    gap
        The longest gap to bridge: a number of steps, or a duration.
    unpredicted
        Increasing indices of steps without a prediction, across which no runs are joined.

    Returns
    -------
    tuple[NDArray, NDArray]
        Index of the first step of each joined run, and one past its last.

    Example
    -------
    >>> start, stop = np.array([0, 3, 6]), np.array([2, 4, 8])
    >>> [ends.tolist() for ends in join_runs(start, stop, np.array([8]), 1, None, np.array([]))]
    [[0, 6], [4, 8]]
    """
    if not len(start):
        return start, stop
    rows = series_of(start, lengths)
    begin, end, size, slack = measure_runs(gap, start, stop, lengths, clock)
    apart = begin[1:] - end[:-1] > size + slack[1:]
    apart |= rows[1:] != rows[:-1]
    apart |= np.searchsorted(unpredicted, start[1:]) > np.searchsorted(unpredicted, stop[:-1])
    return start[np.append(True, apart)], stop[np.append(apart, True)]


def peaks(column: Doubles, start: Integers, stop: Integers) -> Doubles:
    """Compute the maximum within each run; the runs are sorted and do not overlap.

    Example
    -------
    >>> peaks(np.array([0.1, 0.7, 0.6, 0.2]), np.array([1, 3]), np.array([3, 4])).tolist()
    [0.7, 0.2]
    """
    ends = np.stack([start, stop], axis=1).reshape(-1)
    highest: Doubles = np.maximum.reduceat(np.append(column, 0.0), ends)[::2] if len(ends) else np.zeros(0)
    return highest


def _in_ns(elapsed: NDArray[Any], unit: int) -> Doubles:
    if elapsed.dtype.kind == "m":
        return elapsed / np.timedelta64(1, "ns")
    return elapsed.astype(np.float64) * unit


def _medians(values: Doubles, rows: Integers, n: int) -> Doubles:
    """Compute the median of the values of each of n rows, given in increasing order; 0 for a row without values."""
    counts = np.bincount(rows, minlength=n)
    ordered = np.append(values[np.lexsort((values, rows))], 0.0)
    before = np.cumsum(counts) - counts
    middle = (ordered[before + np.maximum(counts - 1, 0) // 2] + ordered[before + counts // 2]) / 2
    return np.where(counts > 0, middle, 0.0)
