"""Recognise the changes to and from summer time in local times without a time zone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HOUR = np.timedelta64(1, "h")
END_MONTHS, START_MONTHS = (2, 3, 4, 5, 9, 10, 11), (3, 4, 8, 9, 10, 11)
"""Months in which summer time ends and begins, north and south of the equator."""
NIGHT_ENDS = 4
"""Clocks change before this hour."""


def ends_summer_time(earlier: NDArray[Any], later: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a clock seems to be set back by an hour between two steps, so that an hour comes twice.

    Parameters
    ----------
    earlier, later
        The local times of consecutive steps, datetime64, shape (any,).

    Returns
    -------
    NDArray[np.bool_]
        True if the clock goes back by at most an hour, or stands still, in the night of a Sunday in a month in which
        summer time ends.

    Example
    -------
    >>> times = np.array(["2021-10-31T02:30", "2021-10-31T02:00", "2021-10-31T02:30"], dtype="datetime64[ns]")
    >>> ends_summer_time(times[:-1], times[1:]).tolist()
    [True, False]
    """
    back = (later <= earlier) & (earlier - later < HOUR)
    return np.asarray(back & _at_night_of_sunday(later, END_MONTHS))


def begins_summer_time(earlier: NDArray[Any], later: NDArray[Any], step: float) -> NDArray[np.bool_]:
    """Whether a clock seems to be set forward by an hour between two steps, so that an hour is missing.

    Parameters
    ----------
    earlier, later
        The local times of consecutive steps, datetime64, shape (any,).
    step
        The usual time between two steps, in seconds.

    Returns
    -------
    NDArray[np.bool_]
        True if an hour is missing in the night of a Sunday in a month in which summer time begins.

    Example
    -------
    >>> times = np.array(["2021-03-28T01:30", "2021-03-28T03:00", "2021-03-28T03:30"], dtype="datetime64[ns]")
    >>> begins_summer_time(times[:-1], times[1:], 1800.0).tolist()
    [True, False]
    """
    skipped = ((later - earlier) / np.timedelta64(1, "s")) - step
    forward: NDArray[np.bool_] = np.abs(skipped - 3600) <= 0.05 * step
    return forward & _at_night_of_sunday(later, START_MONTHS)


def _at_night_of_sunday(times: NDArray[Any], months: tuple[int, ...]) -> NDArray[np.bool_]:
    days = times.astype("datetime64[D]")
    sunday = (days.astype(np.int64) + 3) % 7 == 6
    month = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    hours = (times - days) / HOUR
    return np.asarray(sunday & np.isin(month, months) & (hours <= NIGHT_ENDS))
