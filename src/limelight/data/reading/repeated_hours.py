"""Undo the end of summer time in local times, when an hour occurs twice, if the order of the rows shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.summer_time import HOUR, ends_summer_time
from limelight.types import Rows

LONGEST_STEP = 2
"""A step over the change of the clock is at most this many usual steps long, once the hour is added."""
MOST_NIGHTS = 3
"""Nights named in the note."""


@dataclass
class RepeatedHours:
    """The hours that came twice and were undone, with the number of series, accumulated over blocks of series."""

    hours: dict[str, None] = field(default_factory=dict)
    series: int = 0

    def undo(self, times: NDArray[Any], series: Rows) -> NDArray[Any]:
        """Return times that go on increasing over the end of summer time.

        Parameters
        ----------
        times
            Local times without a time zone, datetime64[ns], shape (steps,).
        series
            The series of each step, in ascending order, shape (steps,).

        Returns
        -------
        NDArray
            Shape (steps,). In a series whose times go back by at most an hour in a night in which summer time ends,
            and only there, all later times are an hour later; other series are unchanged.

        Example
        -------
        >>> minutes = np.array([90, 120, 150, 120, 150, 180], dtype="timedelta64[m]")
        >>> repeated = RepeatedHours()
        >>> str(repeated.undo(np.datetime64("2021-10-31T00:00", "ns") + minutes, np.zeros(6, dtype=int))[-1])
        '2021-10-31T04:00:00.000000000'
        >>> list(repeated.hours)
        ['the hour from 02:00 to 03:00 on 2021-10-31']
        """
        back = np.append(False, (times[1:] <= times[:-1]) & (series[1:] == series[:-1]))
        if not back.any():
            return times
        changed = times.copy()
        for one in np.unique(series[back]).tolist():
            steps = slice(int(np.searchsorted(series, one)), int(np.searchsorted(series, one, side="right")))
            increasing = _moved(times[steps], back[steps])
            if increasing is not None:
                changed[steps] = increasing
                self.series += 1
                self.hours.update(dict.fromkeys(repeated_hour(time) for time in times[steps][back[steps]]))
        return changed

    def notes(self) -> list[str]:
        """Return at most one note."""
        if not self.hours:
            return []
        named = " and ".join(list(self.hours)[:MOST_NIGHTS])
        more = f" and {len(self.hours) - MOST_NIGHTS} more" if len(self.hours) > MOST_NIGHTS else ""
        return [
            f"{named}{more} occurs twice in {self.series} series, as when summer time ends: the times after it were "
            "moved by one hour; to avoid this, write the times in UTC or with their offset, or take the order of the "
            "rows as the clock with time=None (--time none)"
        ]


def repeated_hour(time: Any) -> str:
    """Describe the hour that a local time lies in.

    Example
    -------
    >>> repeated_hour(np.datetime64("2021-10-31T02:10"))
    'the hour from 02:00 to 03:00 on 2021-10-31'
    """
    begin = time.astype("datetime64[h]")
    hours = [str(one.astype("datetime64[m]"))[-5:] for one in (begin, begin + HOUR)]
    return f"the hour from {hours[0]} to {hours[1]} on {begin.astype('datetime64[D]')}"


def _moved(times: NDArray[Any], back: NDArray[np.bool_]) -> NDArray[Any] | None:
    """Return the times of a series, an hour later after each end of summer time; None if that is not certain."""
    at = np.flatnonzero(back)
    nights = times[at].astype("datetime64[D]")
    if not ends_summer_time(times[at - 1], times[at]).all() or len(np.unique(nights)) < len(nights):
        return None
    steps = np.diff(times)
    usual = np.median(steps[~back[1:]].astype(np.int64)) if not back[1:].all() else 0
    moved: NDArray[Any] = times + np.cumsum(back) * HOUR
    over = (moved[at] - moved[at - 1]).astype("timedelta64[ns]").astype(np.int64)
    certain = (np.diff(moved) > np.timedelta64(0)).all() and (over <= LONGEST_STEP * usual).all()
    return moved if certain else None
