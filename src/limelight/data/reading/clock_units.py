"""The unit that a clock of numbers seems to have, by its name or by its values."""

from __future__ import annotations

import re
from typing import Any

from numpy.typing import NDArray

from limelight.data.clock import canonical_unit

UNIT_IN_NAME = re.compile(
    r"(?:[\[(]|[\s_.-])(ns|us|µs|μs|ms|msec|s|sec|seconds|min|minutes|h|hours|d|days)[\])]?$", re.IGNORECASE
)
EPOCHS = {"ms": 10**3, "us": 10**6, "ns": 10**9}
BEGIN, END = 946_684_800, 4_102_444_800
"""Seconds since 1970 of the years 2000 and 2100."""
FIRST_DAY, LAST_DAY = 36_526, 73_050
"""Days of the same years, as spreadsheets count them from 1900."""
DATED_NAME = re.compile(r"date|datum|fecha|stamp|stempel", re.IGNORECASE)


def notes_on_unit(name: str, times: NDArray[Any]) -> list[str]:
    """Return a note if a clock of numbers seems to count another unit than seconds.

    Parameters
    ----------
    name
        The column of the clock.
    times
        Its times, shape (steps,).

    Returns
    -------
    list[str]
        One sentence; empty for dates, and for a clock that may well be in seconds.

    Example
    -------
    >>> import numpy as np
    >>> notes_on_unit("t", np.array([1704067200000, 1704067260000]))[0][:41]
    "the clock 't' seems to count ms since 197"
    >>> notes_on_unit("time (s)", np.array([0.0, 0.5]))
    []
    """
    if times.dtype.kind not in "iuf" or not len(times):
        return []
    low, high = float(times.min()), float(times.max())
    since = next((unit for unit, per in EPOCHS.items() if BEGIN * per <= low and high < END * per), None)
    named = unit_in_name(name)
    if since is not None:
        unit, what = since, f"{since} since 1970"
    elif named not in (None, "s"):
        unit = what = str(named)
    elif DATED_NAME.search(name) and low >= FIRST_DAY and high < LAST_DAY and times.dtype.kind == "f":
        unit, what = "d", "days since 1900, as spreadsheets do"
    else:
        return []
    return [
        f"the clock {name!r} seems to count {what}, but durations such as '5 s' take its unit as seconds; state it "
        f"with units={{'time': {unit!r}}} (--set data.units.time={unit})"
    ]


def unit_in_name(name: str) -> str | None:
    """Return the unit of time at the end of the name of a column; None if there is none.

    Example
    -------
    >>> unit_in_name("Start [ms]"), unit_in_name("end_sec"), unit_in_name("end")
    ('ms', 's', None)
    """
    found = UNIT_IN_NAME.search(name.strip())
    return None if found is None else canonical_unit(found[1])
