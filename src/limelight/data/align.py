"""Align signals that have a clock of their own with the steps of series, without looking ahead."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.annotations import StepSignals
from limelight.data.clock import format_time, nanoseconds_in, read_duration
from limelight.data.panel import Panel
from limelight.data.precision import choose_offset, relative_to
from limelight.data.reading.clock_columns import find_clock_columns
from limelight.data.reading.columns import (
    ID_REMEDY,
    Words,
    is_number_column,
    read_numbers,
    read_optional_words,
    read_words,
)
from limelight.data.reading.dialect import CsvOptions, csv_options
from limelight.data.reading.guesses import SAMPLE_ROWS
from limelight.data.reading.id_columns import find_id_column
from limelight.data.reading.ids import match_ids
from limelight.data.reading.missing import OddWords
from limelight.data.reading.names import is_named
from limelight.data.reading.sources import Source, is_text, open_source, units_of_fields
from limelight.data.reading.times import ClockColumn, common_order, read_clock
from limelight.errors import DataError, ParameterError, counted, listing, nearest
from limelight.task import UNKNOWN
from limelight.types import Integers

Known = NDArray[np.bool_]
ALIGN_METHODS = ("last", "linear")
SINCE_CHANGE = "_since_change"
MOST_SIGNAL_WORDS = 2**15 - 1
EXACT = 2**53  # every integer up to this one is exact in float64


def align(
    panel: Panel,
    signal: Any,
    *,
    id: str = "series_id",
    time: str = "time",
    columns: Sequence[str] | str | None = None,
    method: str = "last",
    tolerance: float | str | None = None,
    since_change: bool = False,
    future: bool = False,
    csv: Mapping[str, Any] | CsvOptions | None = None,
) -> Panel:
    """Align a signal with a clock of its own, such as a mode or a slow temperature, with the steps of series.

    Parameters
    ----------
    panel
        Series with times, in memory.
    signal
        A path to a .csv or .parquet file, or a DataFrame, with one row per sample, in any order. An empty cell does
        not change the value: the previous value continues to hold.
    id, time
        The columns of the series id and of the time of a sample; times are numbers or dates, as in the panel. Without a
        name of its own, the clock may have several columns, such as a date and a time of day.
    columns
        The columns to align: numeric columns become channels, text columns become ``signals``. None selects all other
        columns.
    method
        For numeric columns: ``"last"`` takes the last value at or before the step, ``"linear"`` interpolates between
        that value and the next one. Text columns always take the last value.
    tolerance
        The maximum age of the last sample: a number, at least 0, in the unit of the clock (seconds for dates), or a
        duration such as ``"5 min"``, see ``read_duration``. None for no limit. Floats are compared up to rounding.
    since_change
        Whether to add a channel ``<column>_since_change`` for text columns, and for numeric columns with ``"last"``:
        the time since the value last changed, in seconds for dates, else in the unit of the clock. The first sample
        counts as a change.
    future
        Must be True for ``"linear"``, which uses a value before it was measured.
    csv
        As for ``read_table``.

    Returns
    -------
    Panel
        The panel with additional channels (NaN where no value is known), additional ``signals`` for text columns, and
        ``notes`` on how many values are unknown and why.

    Raises
    ------
    DataError
        If the panel has no times, other kinds of times than the signal, memory-mapped values, or windows; or if the
        table cannot be read, has two samples of a series at the same time, or has no samples of any series.
    ParameterError
        If columns, method or tolerance are invalid.

    Source
    ------
    The "as of" join of kdb+ (``aj``) and pandas (``merge_asof``).

    Example
    -------
    >>> panel = Panel.from_series([np.zeros((4, 1))], ids=["a"], times=[[0, 10, 20, 30]])
    >>> modes = pa.table({"series_id": ["a", "a"], "time": [5, 20], "mode": ["run", "service"]})
    >>> aligned = align(panel, modes, since_change=True)
    >>> aligned.signals.classes, aligned.signals.codes[:, 0].tolist()
    ((('run', 'service'),), [-1, 0, 1, 1])
    >>> aligned.channels, aligned.values[:, 1].tolist()
    (('channel_0', 'mode_since_change'), [nan, 5.0, 0.0, 10.0])
    """
    panel = _require_series(panel, method, future)
    source = open_source(signal, "signal", csv_options(csv))
    found: list[str] = []
    if time == "time":
        source, time = _with_joined_clock(
            source, (id, *([columns] if isinstance(columns, str) else columns or ())), found
        )
    id, time = _find_columns(panel, source, id, time, found)
    selected = _selected_columns(source, id, time, columns)
    names = read_words(source, id, "id", ID_REMEDY)
    clock = read_clock(source, time)
    common_order([clock.order], time, source.name, found)
    match = _match_samples(panel, source, names, clock, time)
    match.notes[:0] = [*source.notes, *found]
    if tolerance is not None:
        match.tolerance, match.limit = tolerance, _in_ticks(tolerance, match.dated, panel.units.get("time", "s"))
    numbers: list[tuple[str, NDArray[Any]]] = []
    codes: list[NDArray[np.int16]] = []
    words: dict[str, tuple[str, ...]] = {}
    odd = OddWords()
    for name in selected:
        samples, classes = _read_samples(source, name, names, match.rows, odd)
        known = ~np.isnan(samples) if classes is None else samples != UNKNOWN
        latest = match.latest(name, known)
        if classes is not None:
            codes.append(np.append(samples, np.int16(UNKNOWN)).take(latest))
            words[name] = classes
        elif method == "linear":
            numbers.append((name, match.interpolate(name, samples, known, latest)))
        else:
            numbers.append((name, np.append(samples, np.nan).take(latest)))
        if since_change and (classes is not None or method == "last"):
            numbers.append((name + SINCE_CHANGE, match.since_change(samples, known, latest)))
    match.notes += odd.notes()
    signals = StepSignals(np.stack(codes, axis=1), tuple(words), tuple(words.values())) if words else None
    return _extended(panel, source, numbers, signals, match)


@dataclass(eq=False)
class _Match:
    """Steps and samples on one clock, both sorted by series and time, and the notes and gaps found so far."""

    panel: Panel
    steps: NDArray[Any]  # the time of each step: float64, or int64, which is nanoseconds for dates
    series: Integers  # the series of each step
    samples: NDArray[Any]  # the time of each sample, in the same type as the steps
    owners: Integers  # the series of each sample
    rows: Integers  # the row of each sample in its table
    bounds: Integers  # the first sample of each series, then the number of samples, shape (n + 1,)
    last: Integers  # the last sample at or before each step; if none, the sample before the first of its series
    dated: bool
    notes: list[str]
    gaps: dict[str, list[str]] = field(default_factory=dict)  # columns without a value, by the reason
    tolerance: float | str | None = None
    limit: Fraction | None = None  # the tolerance in ticks of the clock

    def latest(self, name: str, known: Known) -> Integers:
        """Return the latest known sample at each step, -1 if there is none within the tolerance."""
        latest = self._before(known)
        gap = latest < 0
        if gap.any():
            self._note(name, "before the first sample", gap & (np.diff(self.bounds) > 0)[self.series])
        if self.limit is not None:
            age = _difference(self.steps, self.samples[latest])
            longest: Any = np.uint64(min(math.floor(self.limit), 2**64 - 1))
            if age.dtype.kind == "f":
                rounding = 4 * np.spacing(np.maximum(np.abs(self.steps), np.abs(self.samples[latest])))
                longest = float(self.limit) + rounding
            stale = (latest >= 0) & (age > longest)
            self._note(name, f"where the last sample is older than the tolerance of {self.tolerance!r}", stale)
            latest[stale] = -1
        return latest

    def interpolate(self, name: str, values: NDArray[Any], known: Known, latest: Integers) -> NDArray[Any]:
        """Interpolate linearly between the latest known sample at each step and the next one."""
        end = len(known)
        following = np.minimum.accumulate(np.where(known, np.arange(end), end)[::-1])[::-1]
        after = np.append(following, end)[self.last + 1]
        followed, age = after < self.bounds[self.series + 1], _difference(self.steps, self.samples[latest])
        ended = (latest >= 0) & ~followed & (age > 0)
        self._note(name, "after the last sample", ended)
        interpolated = np.append(values, np.nan)[latest]
        interpolated[ended] = np.nan
        inside = np.flatnonzero((latest >= 0) & followed)
        span = _difference(self.samples[after[inside]], self.samples[latest[inside]])
        interpolated[inside] += age[inside] / span * (values[after[inside]] - interpolated[inside])
        self.notes.append(f"{name!r} is interpolated, so each step depends on a later sample (future=True)")
        return interpolated

    def since_change(self, values: NDArray[Any], known: Known, latest: Integers) -> NDArray[Any]:
        """Compute the time since the value of the known samples last changed, NaN where ``latest`` is -1."""
        rows = np.flatnonzero(known)
        value, owner = values[rows], self.owners[rows]
        changed = np.zeros(len(known), dtype=bool)
        changed[rows[:1]] = True
        changed[rows[1:]] = (value[1:] != value[:-1]) | (owner[1:] != owner[:-1])
        since = _difference(self.steps, self.samples[self._before(changed)]) / (10**9 if self.dated else 1)
        return np.where(latest >= 0, since, np.nan)

    def _before(self, known: Known) -> Integers:
        sample = self.last
        if not known.all():
            sample = np.append(np.maximum.accumulate(np.where(known, np.arange(len(known)), -1)), -1)[sample]
        return np.where(sample >= self.bounds.take(self.series), sample, -1)

    def _note(self, name: str, reason: str, gap: Known) -> None:
        if gap.any():
            rows = np.unique(self.series[gap])
            steps = f"{counted(int(gap.sum()), 'step')} of {len(rows)} series"
            self.gaps.setdefault(f"{reason}: {steps} ({listing(self.panel.ids[rows].tolist())})", []).append(name)


def _difference(later: NDArray[Any], earlier: NDArray[Any]) -> Any:
    """Return ``later - earlier`` as float64, or for integers as uint64, which is exact for any two int64."""
    return later - earlier if later.dtype.kind == "f" else later.view(np.uint64) - earlier.view(np.uint64)


def _require_series(panel: Panel, method: str, future: bool) -> Panel:
    """Return the panel compacted; raise an error if no signal can be aligned with it, or not by this method."""
    if method not in ALIGN_METHODS:
        raise ParameterError(
            f"expected method to be 'last' or 'linear', got {method!r}{nearest(method, ALIGN_METHODS)}"
        )
    if method == "linear" and not future:
        raise ParameterError(
            "expected method='last', got 'linear', which looks into the future: a value between two samples is known "
            "only after the later sample, too late for a model in live use; pass future=True if it may wait"
        )
    if panel.origin is not None:
        raise DataError("expected recordings, got windows; align the recordings before cutting them")
    if panel.backing is not None:
        raise DataError("expected series in memory, got series memory-mapped from a store; align them before packing")
    if panel.times is None:
        raise DataError("expected series with times, got series without; pass their times, or name the time column")
    if not len(panel):
        raise DataError("expected at least one series to align a signal with, got none; pass at least one")
    names, counts = np.unique(panel.ids, return_counts=True)
    if len(repeated := names[counts > 1].tolist()):
        raise DataError(f"expected distinct ids of series, got {listing(repeated)} more than once; rename them")
    return panel.compact()


def _with_joined_clock(source: Source, excluded: Collection[str], notes: list[str]) -> tuple[Source, str]:
    """Join columns that together are the clock of a signal, with a note; return the name of the clock."""
    clock = find_clock_columns(source.slice(0, SAMPLE_ROWS), excluded) if source.rows else None
    if clock is None:
        return source, "time"
    notes.append(f"took columns {listing(clock.parts, 6)} of {source.name} together as time")
    return replace(source, table=clock.joined(source.table)), clock.name


def _find_columns(panel: Panel, source: Source, id: str, time: str, notes: list[str]) -> tuple[str, str]:
    """Find the id and the time of a signal: the given columns, or else those with common names or with ids."""
    if time == "time" and time not in source.columns:
        named = [name for name in source.columns if is_named(name, "time")]
        if len(named) == 1:
            notes.append(f"took column {named[0]!r} of {source.name} as time")
            time = named[0]
    if id not in source.columns:
        id = find_id_column(source, id, panel.ids, excluded=(time,)).name
        notes.append(f"took column {id!r} of {source.name} as id")
    return id, time


def _selected_columns(source: Source, id: str, time: str, columns: Sequence[str] | str | None) -> list[str]:
    signals = [name for name in source.columns if name not in (id, time)]
    if not signals:
        raise DataError(f"expected a column besides {id!r} and {time!r} in {source.name}, got none; add the signal")
    selected = signals if columns is None else [columns] if isinstance(columns, str) else list(columns)
    wrong = [name for name in dict.fromkeys(selected) if name in (id, time) or selected.count(name) > 1]
    if wrong or not selected:
        raise ParameterError(
            f"expected columns to name columns other than {id!r} and {time!r}, each once, got "
            f"{listing(wrong) or 'no name'}; leave columns out to use all"
        )
    for name in selected:
        source.column(name, "columns")
    return selected


def _in_ticks(tolerance: float | str, dated: bool, unit: str) -> Fraction:
    """Convert a tolerance to ticks of the clock: nanoseconds for dates, else the unit of the clock."""
    if isinstance(tolerance, str):
        tick = 1 if dated else nanoseconds_in(unit, f"give the tolerance of {tolerance!r} as a number")
        return Fraction(read_duration(tolerance), tick)
    if isinstance(tolerance, bool) or not 0 <= tolerance < math.inf:
        raise ParameterError(
            f"expected a tolerance of at least 0, or a duration such as '5 min', got {tolerance!r}; leave it out for "
            "no limit"
        )
    return Fraction(str(tolerance)) * (10**9 if dated else 1)


def _one_clock(panel: Panel, clock: ClockColumn, source: Source, time: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Convert the times of steps and of samples to numbers of one type, without rounding."""
    steps, samples = _rising_times(panel), clock.times
    kinds = ClockColumn(steps, panel.units.get("time") == "UTC").kind, clock.kind
    units = panel.units.get("time"), units_of_fields(source.table.schema).get(time)
    if kinds == ("numbers", "numbers") and all(units):
        kinds = f"numbers in {units[0]!r}", f"numbers in {units[1]!r}"
    if kinds[0] != kinds[1]:
        raise DataError(
            f"expected times of one kind, got {kinds[0]} in the panel and {kinds[1]} in column {time!r} of "
            f"{source.name}; convert one of them"
        )
    if samples.dtype.kind == "M":
        return steps.view(np.int64), samples.view(np.int64)
    common = np.result_type(steps, samples)
    if any(times.dtype != common and (times.min() < -EXACT or times.max() > EXACT) for times in (steps, samples)):
        raise DataError(
            "expected integer times up to 2^53 if the other times are decimals, got larger ones in the panel or in "
            f"column {time!r} of {source.name}; count from a later start"
        )
    return steps.astype(common, copy=False), samples.astype(common, copy=False)


def _rising_times(panel: Panel) -> NDArray[Any]:
    """Return the times of compact series as int64, float64 or datetime64[ns]; raise DataError if they decrease."""
    times = np.asarray(panel.times)
    if times.dtype.kind not in "Mf" and not np.can_cast(times.dtype, np.int64):
        raise DataError(f"expected numbers or dates as times of the panel, got {times.dtype}; convert them")
    kind = {"M": "datetime64[ns]", "f": "float64"}.get(times.dtype.kind, "int64")
    plain: NDArray[Any] = times.astype(kind, copy=False)
    faults = np.append(False, times[1:] < times[:-1])
    faults[panel.starts] = False
    faults |= ~np.isfinite(times)
    if plain.dtype != times.dtype:
        faults |= plain.astype(times.dtype) != times
    if faults.any():
        name = str(panel.ids[np.searchsorted(panel.starts, faults.argmax(), side="right") - 1])
        raise DataError(
            f"expected rising times in series {name!r}, got a time that is missing, decreases or, for dates, is not "
            "between 1678 and 2262 in whole nanoseconds; correct the times, or sort the steps"
        )
    return plain


def _match_samples(panel: Panel, source: Source, names: Words, clock: ClockColumn, time: str) -> _Match:
    """Match samples to series by id, and each step to the last sample at or before it."""
    steps, samples = _one_clock(panel, clock, source, time)
    series_of_name, note = match_ids(names.names, panel.ids, "the series")
    unknown = names.names[series_of_name < 0].tolist()
    if len(unknown) == len(series_of_name):
        raise DataError(
            f"expected samples of the series, got none in {source.name}, which has samples of {listing(unknown)}; "
            "check the ids in both"
        )
    owners = series_of_name[names.codes]
    rows = np.flatnonzero(owners >= 0)
    notes = [note] if note else []
    if clock.zones:
        notes.append(f"times in {time!r} have several time zones ({', '.join(clock.zones)}); all were converted to UTC")
    if unknown:
        dropped = counted(len(owners) - len(rows), "sample")
        notes.append(f"dropped {dropped} of {len(unknown)} unknown series: {listing(unknown)}")
    short = owners[rows].astype(np.uint16 if len(panel) <= 2**16 else np.int64)  # NumPy sorts short integers by radix
    rows = rows[np.lexsort((samples[rows], short))]
    samples, owners = samples[rows], owners[rows]
    repeated = np.flatnonzero((samples[1:] == samples[:-1]) & (owners[1:] == owners[:-1]))
    if len(repeated):
        first, second = rows[repeated[0] : repeated[0] + 2].tolist()
        raise DataError(
            f"expected distinct times in each series, got time {format_time(clock.times[second])} of series "
            f"{names.at(second)!r} again in {source.location(second)}, first in {source.location(first)}; "
            "keep one of the two"
        )
    bounds = np.searchsorted(owners, np.arange(len(panel) + 1))
    unsampled = np.diff(bounds) == 0
    if unsampled.any():
        steps_without = counted(int(panel.lengths[unsampled].sum()), "step")
        ids = listing(panel.ids[unsampled].tolist())
        notes.append(f"no sample for {unsampled.sum()} series ({steps_without}): {ids}")
    starts = panel.starts[owners]
    first_steps = _first_steps(steps, starts, starts + panel.lengths[owners], samples)
    last = np.bincount(first_steps, minlength=len(steps) + 1)[:-1]
    np.cumsum(last, out=last)
    last -= 1
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    return _Match(panel, steps, series, samples, owners, rows, bounds, last, clock.kind != "numbers", notes)


def _first_steps(steps: NDArray[Any], low: Integers, high: Integers, samples: NDArray[Any]) -> Integers:
    """Find the first step in ``low`` to ``high - 1`` at or after each sample, or ``high`` if there is none.

    A binary search for all samples at once, so that no combined key of series and time is needed.
    """
    for power in reversed(range(int((high - low).max()).bit_length())):
        probe = low + (2**power - 1)
        low = low + 2**power * ((probe < high) & (steps.take(probe, mode="clip") < samples))
    return low


def _read_samples(
    source: Source, name: str, names: Words, rows: Integers, odd: OddWords
) -> tuple[Any, tuple[str, ...] | None]:
    """Return the values of a column in some rows: numbers and None, or category codes and the sorted categories."""
    if is_number_column(source, name):
        return read_numbers(source, name, keep_missing=True, series_at=names.at, odd=odd)[rows], None
    kind = source.table.schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind)):
        raise DataError(
            f"expected numbers or text in column {name!r} of {source.name}, got cells of type {kind}; leave it out of "
            "columns, or convert it"
        )
    words = read_optional_words(source, name, "columns")
    codes = words.codes[rows]
    used = np.unique(codes[codes >= 0])
    if len(used) > MOST_SIGNAL_WORDS:
        raise DataError(
            f"expected at most {MOST_SIGNAL_WORDS} distinct words in column {name!r} of {source.name}, got "
            f"{len(used)}; leave it out of columns, or convert it to numbers"
        )
    classes, sorted_codes = np.unique(words.names[used], return_inverse=True)
    recoded = np.full(len(words.names) + 1, UNKNOWN, dtype=np.int16)
    recoded[used] = sorted_codes
    return recoded[codes], tuple(classes.tolist())


def _extended(
    panel: Panel, source: Source, numbers: list[tuple[str, NDArray[Any]]], new: StepSignals | None, match: _Match
) -> Panel:
    """Add the aligned channels, signals and notes to the panel."""
    channels = (*panel.channels, *(name for name, _ in numbers))
    names = (*channels, *(panel.signals.names if panel.signals else ()), *(new.names if new else ()))
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"expected new names for channels and signals, got {listing(repeated)} from {source.name}, which the "
            "panel has already; rename the column, or leave it out of columns"
        )
    offset = np.array([*panel.offset, *(choose_offset(aligned) for _, aligned in numbers)])
    values = np.empty((len(panel.values), len(channels)), dtype=np.float32)
    values[:, : len(panel.channels)] = panel.values
    for column, (_, aligned) in enumerate(numbers, start=len(panel.channels)):
        values[:, column] = relative_to(aligned, offset[[column]])
    stated, time = units_of_fields(source.table.schema), "s" if match.dated else panel.units.get("time")
    units = {name: time if name.endswith(SINCE_CHANGE) else stated.get(name) for name, _ in numbers}
    units = {**panel.units, **{name: unit for name, unit in units.items() if unit}}
    gaps = [f"no value of {listing(columns)} {reason}" for reason, columns in match.gaps.items()]
    signals = panel.signals.concatenate(new) if panel.signals and new else new or panel.signals
    notes = (*panel.notes, *match.notes, *gaps)
    return panel.replace(values=values, channels=channels, units=units, offset=offset, signals=signals, notes=notes)
