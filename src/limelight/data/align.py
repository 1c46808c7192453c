"""Align: side signals on a clock of their own, brought to the steps of series without looking ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.annotations import StepSignals
from limelight.data.clock import UNITS, format_time, read_duration
from limelight.data.panel import Panel
from limelight.data.reading.columns import (
    ClockColumn,
    Words,
    is_number_column,
    read_clock,
    read_numbers,
    read_optional_words,
    read_words,
)
from limelight.data.reading.sources import Source, is_text, open_source, units_of_fields
from limelight.errors import DataError, ParameterError, counted, listing, nearest
from limelight.task import UNKNOWN
from limelight.types import Integers

Known = NDArray[np.bool_]
ALIGN_METHODS = ("last", "linear")
SINCE_CHANGE = "_since_change"
MOST_SIGNAL_WORDS = 2**15 - 1
EXACT = 2**53  # up to here every whole number is a float64


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
) -> Panel:
    """Bring a signal with a clock of its own, such as a mode or a slow temperature, to the steps of series.

    Parameters
    ----------
    panel
        Series with a clock, in memory.
    signal
        A path to a .csv or .parquet file, or a DataFrame: a row for each sample, in any order. An empty cell says
        nothing: the value before it goes on.
    id, time
        Its columns for the series and the time of a sample, the latter numbers or dates as in the panel.
    columns
        Which others to take, numbers as channels and words as words of steps. None takes all.
    method
        For numbers: ``"last"`` takes the last value at or before the step, ``"linear"`` lies on the line from there
        to the next value. Words are always the last.
    tolerance
        How old that last sample may be: a number from 0 in the unit of the clock (seconds for dates), or a text, see
        ``read_duration``. None is no limit. Decimals are compared but for their rounding.
    since_change
        Whether to add a channel ``<column>_since_change`` for words, and for numbers by ``"last"``: the time since
        the value became another, in seconds for dates, else in the unit of the clock. The first sample is a change.
    future
        Must be True for ``"linear"``, which knows a value before it was measured.

    Returns
    -------
    Panel
        With further channels, NaN where nothing is known, with further ``signals`` for columns of words, and ``notes``
        on how often nothing is known and why.

    Raises
    ------
    DataError
        If the clocks are of two kinds, the panel has none, is mapped from files or holds windows, the table cannot be
        read, has two samples of a series at one time, or has none of any series.
    ParameterError
        If columns, method or tolerance cannot be.

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
    source = open_source(signal, "signal")
    chosen = _chosen(source, id, time, columns)
    names = read_words(source, id, "id", "write the id of the series, or leave the row out")
    clock = read_clock(source, time)
    match = _matched(panel, source, names, clock, time)
    if tolerance is not None:
        match.tolerance, match.limit = tolerance, _ticks(tolerance, match.dated, panel.units.get("time", "s"))
    numbers: list[tuple[str, NDArray[Any]]] = []
    codes: list[NDArray[np.int16]] = []
    words: dict[str, tuple[str, ...]] = {}
    for name in chosen:
        read, classes = _samples(source, name, names, match.rows)
        known = ~np.isnan(read) if classes is None else read != UNKNOWN
        place = match.places(name, known)
        if classes is not None:
            codes.append(np.append(read, np.int16(UNKNOWN)).take(place))
            words[name] = classes
        elif method == "linear":
            numbers.append((name, match.line(name, read, known, place)))
        else:
            numbers.append((name, np.append(read, np.float32(np.nan)).take(place)))
        if since_change and (classes is not None or method == "last"):
            numbers.append((name + SINCE_CHANGE, match.since_change(read, known, place)))
    facts = StepSignals(np.stack(codes, axis=1), tuple(words), tuple(words.values())) if words else None
    return _extended(panel, source, numbers, facts, match)


@dataclass(eq=False)
class _Match:
    """Steps and samples on one clock, each by series and time, and what is to be told about them."""

    panel: Panel
    steps: NDArray[Any]  # the time of each step: float64, or int64, which counts nanoseconds for dates
    series: Integers  # the series of each step
    samples: NDArray[Any]  # the time of each sample, as that of the steps
    owners: Integers  # the series of each sample
    rows: Integers  # the row of each sample in its table
    bounds: Integers  # the first sample of each series and, at last, the number of all, shape (n + 1,)
    last: Integers  # the last sample at or before each step; else the one before the first of its series
    dated: bool
    notes: list[str]
    gaps: dict[str, list[str]] = field(default_factory=dict)
    tolerance: float | str | None = None
    limit: Fraction | None = None  # the tolerance in ticks of the clock

    def places(self, name: str, known: Known) -> Integers:
        """Give the known sample that holds at each step, -1 where there is none."""
        place = self._before(known)
        gap = place < 0
        if gap.any():
            self._note(name, "before the first sample", gap & (np.diff(self.bounds) > 0)[self.series])
        if self.limit is not None:
            age = _apart(self.steps, self.samples[place])
            longest: Any = np.uint64(min(math.floor(self.limit), 2**64 - 1))
            if age.dtype.kind == "f":
                rounding = 4 * np.spacing(np.maximum(np.abs(self.steps), np.abs(self.samples[place])))
                longest = float(self.limit) + rounding
            stale = (place >= 0) & (age > longest)
            self._note(name, f"where the last sample is older than the tolerance of {self.tolerance!r}", stale)
            place[stale] = -1
        return place

    def line(self, name: str, read: NDArray[Any], known: Known, place: Integers) -> NDArray[Any]:
        """Give the value on the line from the sample that holds at each step to the one after."""
        end = len(known)
        following = np.minimum.accumulate(np.where(known, np.arange(end), end)[::-1])[::-1]
        after = np.append(following, end)[self.last + 1]
        followed, age = after < self.bounds[self.series + 1], _apart(self.steps, self.samples[place])
        ended = (place >= 0) & ~followed & (age > 0)
        self._note(name, "after the last sample", ended)
        values = np.append(read, np.nan)[place]
        values[ended] = np.nan
        inside = np.flatnonzero((place >= 0) & followed)
        span = _apart(self.samples[after[inside]], self.samples[place[inside]])
        values[inside] += age[inside] / span * (read[after[inside]] - values[inside])
        self.notes.append(f"{name!r} is drawn between samples, so a step knows a later one (future=True)")
        return values

    def since_change(self, read: NDArray[Any], known: Known, place: Integers) -> NDArray[Any]:
        """Give the time since a known sample last differed from the one before, NaN where ``place`` is -1."""
        rows = np.flatnonzero(known)
        value, owner = read[rows], self.owners[rows]
        changed = np.zeros(len(known), dtype=bool)
        changed[rows[:1]] = True
        changed[rows[1:]] = (value[1:] != value[:-1]) | (owner[1:] != owner[:-1])
        since = _apart(self.steps, self.samples[self._before(changed)]) / (10**9 if self.dated else 1)
        return np.where(place >= 0, since, np.nan)

    def _before(self, known: Known) -> Integers:
        place = self.last
        if not known.all():
            place = np.append(np.maximum.accumulate(np.where(known, np.arange(len(known)), -1)), -1)[place]
        return np.where(place >= self.bounds.take(self.series), place, -1)

    def _note(self, name: str, where: str, gap: Known) -> None:
        if gap.any():
            rows = np.unique(self.series[gap])
            steps = f"{counted(int(gap.sum()), 'step')} of {len(rows)} series"
            self.gaps.setdefault(f"{where}: {steps} ({listing(self.panel.ids[rows].tolist())})", []).append(name)


def _apart(later: NDArray[Any], earlier: NDArray[Any]) -> Any:
    """Give the time between, float64, or uint64, which holds that of any two whole numbers exactly."""
    return later - earlier if later.dtype.kind == "f" else later.view(np.uint64) - earlier.view(np.uint64)


def _require_series(panel: Panel, method: str, future: bool) -> Panel:
    """Give series that stand one after the other in memory; refuse what cannot have a signal."""
    if method not in ALIGN_METHODS:
        raise ParameterError(
            f"expected method to be 'last' or 'linear', got {method!r}{nearest(method, ALIGN_METHODS)}"
        )
    if method == "linear" and not future:
        raise ParameterError(
            "expected method='last', got 'linear', which reads the future: a value between two samples is not known "
            "until the later one came, so a model could not have it in time; say future=True if it may wait"
        )
    if panel.origin is not None:
        raise DataError("expected recordings, got windows of them; align the recordings before cutting")
    if panel.backing is not None:
        raise DataError("expected series in memory, got some mapped from the files of a store; align before packing")
    if panel.times is None:
        raise DataError("expected series with a clock, got series without; give their times, or name the time column")
    if not len(panel):
        raise DataError("expected at least one series to align a signal with, got none; give some")
    names, times = np.unique(panel.ids, return_counts=True)
    if len(twice := names[times > 1].tolist()):
        raise DataError(f"expected each series under its own id, got {listing(twice)} more than once; rename them")
    return panel.compact()


def _chosen(source: Source, id: str, time: str, columns: Sequence[str] | str | None) -> list[str]:
    every = [name for name in source.columns if name not in (id, time)]
    if not every:
        raise DataError(f"expected a column beside {id!r} and {time!r} in {source.name}, got none; add the signal")
    chosen = every if columns is None else [columns] if isinstance(columns, str) else list(columns)
    wrong = [name for name in dict.fromkeys(chosen) if name in (id, time) or chosen.count(name) > 1]
    if wrong or not chosen:
        known = f"expected columns to name columns beside {id!r} and {time!r}, each once"
        raise ParameterError(f"{known}, got {listing(wrong) or 'no name'}; leave columns out to take all")
    for name in chosen:
        source.column(name, "columns")
    return chosen


def _ticks(tolerance: float | str, dated: bool, unit: str) -> Fraction:
    """Give a tolerance in ticks of the clock: nanoseconds for dates, else its unit."""
    if isinstance(tolerance, str):
        if not dated and unit not in UNITS:
            known = f"expected a clock in {', '.join(UNITS)} for a tolerance of {tolerance!r}"
            raise ParameterError(f"{known}, got {unit!r}; give the tolerance as a number")
        return Fraction(read_duration(tolerance), 1 if dated else UNITS[unit])
    if isinstance(tolerance, bool) or not 0 <= tolerance < math.inf:
        known = "expected a tolerance of at least 0, or a time such as '5 min'"
        raise ParameterError(f"{known}, got {tolerance!r}; leave it out for no limit")
    return Fraction(str(tolerance)) * (10**9 if dated else 1)


def _one_clock(panel: Panel, clock: ClockColumn, source: Source, time: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the times of steps and of samples as numbers of one type, exactly as they were."""
    steps, samples = _rising_times(panel), clock.times
    kinds = ClockColumn(steps, panel.units.get("time") == "UTC").kind, clock.kind
    units = panel.units.get("time"), units_of_fields(source.table.schema).get(time)
    if kinds == ("numbers", "numbers") and all(units):
        kinds = f"numbers in {units[0]!r}", f"numbers in {units[1]!r}"
    if kinds[0] != kinds[1]:
        raise DataError(
            f"expected one clock, got {kinds[0]} in the panel and {kinds[1]} in column {time!r} of {source.name}; "
            "write the times of both in one way"
        )
    if samples.dtype.kind == "M":
        return steps.view(np.int64), samples.view(np.int64)
    common = np.result_type(steps, samples)
    if any(times.dtype != common and (times.min() < -EXACT or times.max() > EXACT) for times in (steps, samples)):
        known = "expected whole numbers up to 2^53 where the other clock has decimals"
        raise DataError(f"{known}, got some beyond with column {time!r} of {source.name}; count from a later start")
    return steps.astype(common, copy=False), samples.astype(common, copy=False)


def _rising_times(panel: Panel) -> NDArray[Any]:
    """Give the clock of compact series as int64, float64 or datetime64[ns]; DataError if it does not rise."""
    times = np.asarray(panel.times)
    if times.dtype.kind not in "Mf" and not np.can_cast(times.dtype, np.int64):
        raise DataError(f"expected numbers or dates as clock of the panel, got {times.dtype}; turn them into such")
    kind = {"M": "datetime64[ns]", "f": "float64"}.get(times.dtype.kind, "int64")
    plain: NDArray[Any] = times.astype(kind, copy=False)
    faults = np.append(False, times[1:] < times[:-1])
    faults[panel.starts] = False
    faults |= ~np.isfinite(times)
    if plain.dtype != times.dtype:
        faults |= plain.astype(times.dtype) != times
    if faults.any():
        name = str(panel.ids[np.searchsorted(panel.starts, faults.argmax(), side="right") - 1])
        what = "one missing, going back or, of dates, not from 1678 to 2262 in whole nanoseconds"
        raise DataError(f"expected rising times in series {name!r}, got {what}; correct them, or sort its steps")
    return plain


def _matched(panel: Panel, source: Source, names: Words, clock: ClockColumn, time: str) -> _Match:
    """Find the series of every sample and the last sample of every step."""
    steps, samples = _one_clock(panel, clock, source, time)
    found = pc.index_in(pa.array(names.names.tolist()), value_set=pa.array(panel.ids.tolist())).fill_null(-1)
    place = found.to_numpy(zero_copy_only=False).astype(np.int64)
    unknown = names.names[place < 0].tolist()
    if len(unknown) == len(place):
        known = f"got none of them in {source.name}, which knows {listing(unknown)}"
        raise DataError(f"expected samples of the series, {known}; check the ids on both sides")
    owners = place[names.codes]
    rows = np.flatnonzero(owners >= 0)
    notes = []
    if clock.zones:
        notes.append(f"times in {time!r} have several zones ({', '.join(clock.zones)}); all were turned into UTC")
    if unknown:
        left_out = counted(len(owners) - len(rows), "sample")
        notes.append(f"left out {left_out} of {len(unknown)} unknown series: {listing(unknown)}")
    short = owners[rows].astype(np.uint16 if len(panel) <= 2**16 else np.int64)  # numpy sorts short ones by radix
    rows = rows[np.lexsort((samples[rows], short))]
    samples, owners = samples[rows], owners[rows]
    twice = np.flatnonzero((samples[1:] == samples[:-1]) & (owners[1:] == owners[:-1]))
    if len(twice):
        first, second = rows[twice[0] : twice[0] + 2].tolist()
        raise DataError(
            f"expected each time once in a series, got time {format_time(clock.times[second])} of series "
            f"{names.at(second)!r} again in {source.location(second)}, first in {source.location(first)}; "
            "keep one of the two"
        )
    bounds = np.searchsorted(owners, np.arange(len(panel) + 1))
    silent = np.diff(bounds) == 0
    if silent.any():
        held = counted(int(panel.lengths[silent].sum()), "step")
        notes.append(f"no sample for {silent.sum()} series ({held}): {listing(panel.ids[silent].tolist())}")
    starts = panel.starts[owners]
    first_steps = _first_steps(steps, starts, starts + panel.lengths[owners], samples)
    last = np.bincount(first_steps, minlength=len(steps) + 1)[:-1]
    np.cumsum(last, out=last)
    last -= 1
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    return _Match(panel, steps, series, samples, owners, rows, bounds, last, clock.kind != "numbers", notes)


def _first_steps(steps: NDArray[Any], low: Integers, high: Integers, samples: NDArray[Any]) -> Integers:
    """Give the first step from ``low`` to before ``high`` at or after each sample, ``high`` where there is none.

    All samples are sought at once, in strides that halve, so that no key has to mix series and time.
    """
    for power in reversed(range(int((high - low).max()).bit_length())):
        probe = low + (2**power - 1)
        low = low + 2**power * ((probe < high) & (steps.take(probe, mode="clip") < samples))
    return low


def _samples(source: Source, name: str, names: Words, rows: Integers) -> tuple[Any, tuple[str, ...] | None]:
    """Give what a column says in these rows: numbers and None, or the codes of words and the words in their order."""
    if is_number_column(source, name):
        return read_numbers(source, name, keep_missing=True, series_at=names.at)[rows], None
    kind = source.table.schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind)):
        known = f"expected numbers or words in column {name!r} of {source.name}"
        raise DataError(f"{known}, got cells of type {kind}; leave it out of columns, or turn it into these")
    words = read_optional_words(source, name, "columns")
    codes = words.codes[rows]
    used = np.unique(codes[codes >= 0])
    if len(used) > MOST_SIGNAL_WORDS:
        known = f"expected at most {MOST_SIGNAL_WORDS} different words in column {name!r} of {source.name}"
        raise DataError(f"{known}, got {len(used)}; leave it out of columns, or turn it into numbers")
    classes, place = np.unique(words.names[used], return_inverse=True)
    number = np.full(len(words.names) + 1, UNKNOWN, dtype=np.int16)
    number[used] = place
    return number[codes], tuple(classes.tolist())


def _extended(
    panel: Panel, source: Source, numbers: list[tuple[str, NDArray[Any]]], facts: StepSignals | None, match: _Match
) -> Panel:
    """Give the panel with further channels and signals, and all notes."""
    channels = (*panel.channels, *(name for name, _ in numbers))
    every = (*channels, *(panel.signals.names if panel.signals else ()), *(facts.names if facts else ()))
    twice = [name for name in dict.fromkeys(every) if every.count(name) > 1]
    if twice:
        known = f"expected a new name for each channel and signal, got {listing(twice)} from {source.name}"
        raise DataError(f"{known}, where there is one already; rename the column, or leave it out of columns")
    values = np.empty((len(panel.values), len(channels)), dtype=np.float32)
    for place, channel in enumerate((*panel.values.T, *(new for _, new in numbers))):
        values[:, place] = channel
    stated, time = units_of_fields(source.table.schema), "s" if match.dated else panel.units.get("time")
    units = {name: time if name.endswith(SINCE_CHANGE) else stated.get(name) for name, _ in numbers}
    units = {**panel.units, **{name: unit for name, unit in units.items() if unit}}
    gaps = [f"no value of {listing(names)} {where}" for where, names in match.gaps.items()]
    signals = panel.signals.beside(facts) if panel.signals and facts else facts or panel.signals
    notes = (*panel.notes, *match.notes, *gaps)
    return panel.replace(values=values, channels=channels, units=units, signals=signals, notes=notes)
