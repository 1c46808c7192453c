"""Find the steps that intervals cover: bounds as dates, as numbers on the clock, since the beginning, or as steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.clock import UNITS, canonical_unit, format_time
from limelight.data.panel import Panel
from limelight.data.reading.clock_units import unit_in_name
from limelight.data.reading.interval_tables import IntervalColumns
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.times import ClockColumn, common_order, read_clock
from limelight.errors import DataError
from limelight.types import Flags, Rows

INTERVALS = "intervals whose steps have a label"
LAST_PLACES = 4
"""Units in the last place by which a bound and the time of a step may differ, as 0.1 + 0.2 and 0.3 do."""


@dataclass(frozen=True, eq=False)
class Spans:
    """The steps that intervals cover.

    Parameters
    ----------
    rows
        The row of each interval in its table, by series and start, shape (intervals,).
    first, stop
        The first step of each interval and the step after its last, as rows of the values of the panel, shape
        (intervals,).
    touching
        Whether an interval starts at the time at which the one before it ends, shape (intervals,).
    """

    rows: Rows
    first: Rows
    stop: Rows
    touching: Flags


@dataclass(frozen=True, eq=False)
class _Reading:
    """Starts and ends on the clock of the series or as steps, shape (rows,), and how they were read."""

    starts: NDArray[Any]
    ends: NDArray[Any]
    note: str


def place_intervals(source: Source, columns: IntervalColumns, panel: Panel, owners: Rows, notes: list[str]) -> Spans:
    """Find the steps of each interval.

    Parameters
    ----------
    source, columns
        The table, and its columns of bounds.
    panel
        The series.
    owners
        The row of the series of each interval, -1 if it is unknown, shape (rows,).
    notes
        Sentences on how the bounds were read are appended.

    Returns
    -------
    Spans
        The intervals that cover a step. An interval between two steps covers the step before it.

    Raises
    ------
    DataError
        If a bound cannot be read, an interval ends before it starts, the clocks are of different kinds, or no interval
        covers a step.

    Example
    -------
    >>> panel = Panel.from_series([[1.0, 2.0, 3.0]], times=[[0, 10, 20]])
    >>> source = Source(pa.table({"start": [5], "end": [20]}), "the labels table")
    >>> spans = place_intervals(source, IntervalColumns("start", "end"), panel, np.array([0]), [])
    >>> spans.first.tolist(), spans.stop.tolist()
    ([1], [3])
    """
    start, end = _read_bounds(source, columns, notes)
    of_steps = columns.of_steps or panel.times is None
    if of_steps:
        readings = [_as_steps(source, columns, start, end)]
    elif panel.times is not None and panel.times.dtype.kind == "M":
        readings = _on_dates(source, columns, panel, owners, start, end)
    else:
        readings = _on_numbers(source, columns, panel, owners, start, end)
    placed = [_steps_of(reading, panel, owners, of_steps=of_steps) for reading in readings]
    covering = [int((stop > first).sum()) for first, stop in placed]
    enough = [place for place, count in enumerate(covering) if 2 * count >= (owners >= 0).sum()]
    best = enough[0] if enough else int(np.argmax(covering))
    reading, (first, stop) = readings[best], placed[best]
    known = np.flatnonzero(owners >= 0)
    lost = known[stop[known] <= first[known]]
    if len(lost):
        row, owner = int(lost[0]), int(owners[lost[0]])
        shown = f"{format_time(start.times[row])} to {format_time(end.times[row])} of series {str(panel.ids[owner])!r}"
        if not covering[best]:
            raise DataError(
                f"expected intervals within the series in {source.name}, got none that covers a step: the first is "
                f"{shown}, {_extent(panel, owner, of_steps=of_steps)}; correct the clock or the unit of "
                f"{columns.start!r} and {columns.end!r}"
            )
        notes.append(f"{len(lost)} of {len(known)} intervals of {source.name} cover no step, the first is {shown}")
    notes.append(reading.note)
    rows = known[np.lexsort((reading.ends[known], reading.starts[known], owners[known]))]
    rows = rows[stop[rows] > first[rows]]
    touching = np.zeros(len(rows), dtype=bool)
    before, after = rows[:-1], rows[1:]
    touching[1:] = (owners[after] == owners[before]) & (reading.starts[after] == reading.ends[before])
    begin = panel.starts[owners[rows]]
    return Spans(rows, begin + first[rows], begin + stop[rows], touching)


def _read_bounds(source: Source, columns: IntervalColumns, notes: list[str]) -> tuple[ClockColumn, ClockColumn]:
    """Read the columns of bounds with one order of day and month; DataError if an interval ends before it starts."""
    names = (columns.start, columns.end)
    start, end = (read_clock(source, name) for name in names)
    orders = {str(one.order) for one in (start, end) if one.order is not None}
    if orders:
        order = common_order(orders, columns.start, source.name, notes)
        start, end = (read_clock(source, name, order) for name in names)
    if start.kind != end.kind and not columns.has_duration:
        raise DataError(
            f"expected bounds of one kind in {source.name}, got {start.kind} in column {columns.start!r} and "
            f"{end.kind} in {columns.end!r}; write both in the same way"
        )
    if columns.has_duration and end.kind != "numbers":
        raise DataError(
            f"expected durations in column {columns.end!r} of {source.name}, got {end.kind}; write numbers, or name "
            "the column of ends 'end'"
        )
    least = np.zeros(len(end.times)) if columns.has_duration else start.times
    wrong = np.flatnonzero(end.times < least)
    if len(wrong):
        row = int(wrong[0])
        got = f"{format_time(start.times[row])} to {format_time(end.times[row])}"
        if columns.has_duration:
            got = f"a duration of {format_time(end.times[row])}"
        raise DataError(f"expected an end at or after its start in {source.location(row)}, got {got}; correct it")
    return start, end


def _as_steps(source: Source, columns: IntervalColumns, start: ClockColumn, end: ClockColumn) -> _Reading:
    """Read bounds as numbers of steps, both included."""
    if start.kind != "numbers":
        raise DataError(
            f"expected numbers of steps in columns {columns.start!r} and {columns.end!r} of {source.name}, as the "
            f"series have no clock, got {start.kind}; name the time column of the series with time=... (--time)"
        )
    ends = start.times + end.times - 1 if columns.has_duration else end.times
    return _Reading(np.ceil(start.times), np.floor(ends), _note(source, columns, "numbers of steps, counted from 0"))


def _on_dates(
    source: Source, columns: IntervalColumns, panel: Panel, owners: Rows, start: ClockColumn, end: ClockColumn
) -> list[_Reading]:
    """Return the ways to read bounds if the clock of the series has dates."""
    assert panel.times is not None
    if start.kind != "numbers":
        kind = ClockColumn(panel.times, panel.units.get("time") == "UTC").kind
        if start.kind != kind or (end.kind != kind and not columns.has_duration):
            raise DataError(
                f"expected times of one kind, got {kind} in the series and {start.kind} in column {columns.start!r} of "
                f"{source.name}; convert one of them"
            )
        ends = start.times + _nanoseconds(source, columns.end, end) if columns.has_duration else end.times
        return [_Reading(start.times, ends, _note(source, columns, INTERVALS))]
    begins = panel.times[panel.starts][owners]
    unit = _unit(source, columns.start) or "s"
    since = _nanoseconds(source, columns.start, start)
    until = _nanoseconds(source, columns.end, end, unit)
    until = since + until if columns.has_duration else until
    note = _note(source, columns, f"{unit} since the beginning of each series")
    readings = [_Reading(begins + since, begins + until, note)]
    if _is_time_of_day(source, columns.start):
        midnight = begins.astype("datetime64[D]").astype(begins.dtype)
        note = _note(source, columns, "times of day on the day on which each series begins")
        readings.insert(0, _Reading(midnight + since, midnight + until, note))
    return readings


def _on_numbers(
    source: Source, columns: IntervalColumns, panel: Panel, owners: Rows, start: ClockColumn, end: ClockColumn
) -> list[_Reading]:
    """Return the ways to read bounds if the clock of the series has numbers."""
    assert panel.times is not None
    if start.kind != "numbers":
        raise DataError(
            f"expected numbers in column {columns.start!r} of {source.name}, as in the clock of the series, got "
            f"{start.kind}; convert one of them"
        )
    own = panel.units.get("time")
    units = [_unit(source, columns.start), _unit(source, columns.end)]
    units[1] = units[1] or units[0]
    factors = [
        UNITS[canonical_unit(unit)] / UNITS[canonical_unit(own)]
        if unit and own and canonical_unit(own) in UNITS and canonical_unit(unit) in UNITS
        else 1.0
        for unit in units
    ]
    since, until = start.times * factors[0], end.times * factors[1]
    until = since + until if columns.has_duration else until
    begins = panel.times[panel.starts][owners]
    readings = [_Reading(since, until, _note(source, columns, INTERVALS))]
    note = _note(source, columns, "times since the beginning of each series")
    return [*readings, _Reading(begins + since, begins + until, note)]


def _steps_of(reading: _Reading, panel: Panel, owners: Rows, *, of_steps: bool) -> tuple[Rows, Rows]:
    """Return the first step and the step after the last of each interval within its series, shape (rows,) each."""
    first, stop = np.zeros((2, len(owners)), dtype=np.int64)
    order = np.argsort(owners, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(owners[order])) + 1):
        row = int(owners[rows[0]]) if len(rows) else -1
        if row < 0:
            continue
        length = int(panel.lengths[row])
        starts, ends = reading.starts[rows], reading.ends[rows]
        if of_steps:
            first[rows] = np.clip(starts, 0, length).astype(np.int64)
            stop[rows] = np.clip(ends + 1, 0, length).astype(np.int64)
            continue
        assert panel.times is not None
        times = panel.times[panel.starts[row] : panel.starts[row] + length]
        slack = LAST_PLACES * np.spacing(np.abs(times).max()) if times.dtype.kind == "f" else 0
        first[rows] = np.searchsorted(times, starts - slack, "left")
        stop[rows] = np.searchsorted(times, ends + slack, "right")
        between = rows[(stop[rows] <= first[rows]) & (first[rows] > 0) & (first[rows] < length)]
        first[between] -= 1
        stop[between] = first[between] + 1
    return first, stop


def _note(source: Source, columns: IntervalColumns, what: str) -> str:
    return f"took {columns.start!r} and {columns.end!r} of {source.name} as {what}"


def _extent(panel: Panel, row: int, *, of_steps: bool) -> str:
    """Return where the steps of a series lie, for a message."""
    if of_steps or panel.times is None:
        return f"which has {panel.lengths[row]} steps"
    times = panel.times[panel.starts[row] : panel.starts[row] + panel.lengths[row]]
    return f"whose steps are from {format_time(times[0])} to {format_time(times[-1])}"


def _nanoseconds(source: Source, name: str, clock: ClockColumn, unit: str = "s") -> NDArray[Any]:
    """Convert a column of numbers to durations."""
    factor = UNITS[canonical_unit(_unit(source, name) or unit)]
    return np.round(clock.times * float(factor)).astype("timedelta64[ns]")


def _unit(source: Source, name: str) -> str | None:
    """Return the unit of a column of numbers: that in its name, s for times of day and durations, else None."""
    column = source.table.schema.field(name).type
    if pa.types.is_duration(column) or pa.types.is_time(column) or _is_time_of_day(source, name):
        return "s"
    unit = unit_in_name(name)
    return unit if unit is not None and canonical_unit(unit) in UNITS else None


def _is_time_of_day(source: Source, name: str) -> bool:
    """Whether the cells of a column are written as times of day, such as 08:05:00."""
    column = source.table[name]
    if pa.types.is_time(column.type):
        return True
    return is_text(column.type) and any(":" in word for word in column.slice(0, 1).to_pylist() if word)
