"""Wide tables whose columns are named by times: dates, times of day, or numbers with or without a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.reading.date_forms import is_date_form, month_of
from limelight.data.reading.sources import Source
from limelight.data.reading.step_names import is_consecutive
from limelight.data.reading.times import read_clock
from limelight.errors import DataError

DATE_NAME = re.compile(r"\s*\d{1,4}[-./:]\d{1,2}([-./:T ].*)?\s*")
DECIMAL_NAME = re.compile(r"\s*\d+\.\d+\s*")
NUMBER_NAME = re.compile(r"\s*(?P<number>-?\d+([.,]\d+)?)\s*(?P<unit>[A-Za-zµ]{0,4})\s*")
FEWEST_TIMES = 5


@dataclass(frozen=True)
class TimedColumns:
    """Columns that are the steps of one channel, in the order of their times.

    Parameters
    ----------
    names
        The columns.
    times
        Their times: dates, or numbers; shape (columns,).
    """

    names: tuple[str, ...]
    times: NDArray[Any]


def find_timed_columns(names: Sequence[str]) -> TimedColumns | None:
    """Find the columns of a wide table that are named by times.

    Parameters
    ----------
    names
        All columns but those with another role.

    Returns
    -------
    TimedColumns or None
        At least 5 columns, and at least half of all, with different times. None if there are none, and for whole
        numbers without a gap, which number the steps, or without a common step.

    Example
    -------
    >>> found = find_timed_columns(["age", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "0.0 s"])
    >>> found.names[0], found.times.tolist()
    ('0.0 s', [0.0, 0.5, 1.0, 1.5, 2.0])
    >>> find_timed_columns(["0", "1", "2", "3", "4"]) is None
    True
    """
    for found in (_dated(names), _named_by_month(names), _numbered(names)):
        if found is not None and len(found.names) >= max(FEWEST_TIMES, len(names) / 2):
            order = np.argsort(found.times, kind="stable")
            times = found.times[order]
            if (times[1:] > times[:-1]).all():
                return TimedColumns(tuple(found.names[place] for place in order), times)
    return None


def _dated(names: Sequence[str]) -> TimedColumns | None:
    dated = [
        name for name in names if is_date_form(name) or (DATE_NAME.fullmatch(name) and not DECIMAL_NAME.fullmatch(name))
    ]
    if not dated:
        return None
    try:
        return TimedColumns(tuple(dated), read_clock(Source(pa.table({"time": dated}), "the header"), "time").times)
    except DataError:
        return None


def _named_by_month(names: Sequence[str]) -> TimedColumns | None:
    """Return the columns named by months without a year, with their numbers."""
    months = {name: month for name in names if (month := month_of(name)) is not None}
    return TimedColumns(tuple(months), np.array([*months.values()], dtype=np.int64)) if months else None


def _numbered(names: Sequence[str]) -> TimedColumns | None:
    """Return the columns named by numbers with the most frequent unit."""
    of_unit: dict[str, dict[str, float]] = {}
    for name in names:
        if match := NUMBER_NAME.fullmatch(name):
            of_unit.setdefault(match["unit"], {})[name] = float(match["number"].replace(",", "."))
    unit, columns = max(of_unit.items(), key=lambda one: len(one[1]), default=("", {}))
    times = np.array(list(columns.values()))
    if not unit and (times == np.floor(times)).all():
        steps = np.diff(np.sort(times))
        if is_consecutive(times.astype(np.int64).tolist()) or not len(steps) or np.ptp(steps):
            return None
    return TimedColumns(tuple(columns), times)
