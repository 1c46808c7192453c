"""Long tables, one row for each step: first who is in them, then every value to its place, in memory or on disk.

Both passes go piece by piece and accept the rows of series mixed in any way. What they hold grows with the number of
series, never with the number of rows; only the arrays that are filled do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels, StepSignals
from limelight.data.clock import format_time
from limelight.data.panel import Panel
from limelight.data.reading.accumulators import MOST_LISTED_WORDS, OnePerSeries, WordCodes, grown, places_of_rows
from limelight.data.reading.booleans import read_truths
from limelight.data.reading.columns import ClockColumn, read_clock, read_numbers, read_some_words, read_words
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source
from limelight.errors import DataError, ParameterError, listing
from limelight.task import UNKNOWN
from limelight.types import Rows

ORDER_STEPS = 1 << 22


@dataclass
class Outline:
    """Who is in a long table: all that must be known before the first value can be put in its place.

    Parameters
    ----------
    names
        Of the series in the order in which they first appear, shape (n,).
    lengths
        Rows of each, shape (n,).
    clock
        The type of the times and whether dates have a zone, or None.
    per_series
        For each column that says one thing for a series, that word, None where it is empty, shape (n,).
    step_classes
        The words of the step labels.
    signals
        For each column of words that change within a series those words, sorted.
    notes
        What was left out.
    codes
        The series of each row, piece by piece, where the table is read as a whole; None where it is streamed.
    """

    names: NDArray[np.str_]
    lengths: Rows
    clock: ClockColumn | None
    per_series: dict[str, NDArray[Any]]
    step_classes: tuple[str, ...]
    signals: dict[str, tuple[str, ...]]
    notes: list[str]
    codes: list[Rows] | None

    @property
    def starts(self) -> Rows:
        """Where each series begins, shape (n,)."""
        starts: Rows = np.cumsum(self.lengths) - self.lengths
        return starts


def read_long(sheets: Sheets, roles: Roles, *, missing: str, sort: bool) -> Panel:
    """Read a long table into memory.

    Parameters
    ----------
    sheets, roles
        The table and what its columns are for.
    missing, sort
        As for ``read_table``.

    Returns
    -------
    Panel
        Its series in the order in which they first appear.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``read_table``.
    """
    require_sortable(sheets, roles, sort=sort)
    sheets = sheets.loaded(roles.words)
    outline = make_outline(sheets, roles)
    steps = int(outline.lengths.sum())
    arrays = Arrays(
        np.empty((steps, len(roles.channels)), dtype=np.float32),
        None if outline.clock is None else np.empty(steps, dtype=outline.clock.times.dtype),
        np.empty((steps, len(roles.step_labels)), dtype=np.int16) if roles.step_labels else None,
        np.empty((steps, len(outline.signals)), dtype=np.int16) if outline.signals else None,
    )
    for _ in fill(sheets, roles, outline, arrays, missing=missing):
        pass
    put_in_order(sheets, roles, outline, arrays, sort=sort)
    return Panel(arrays.values, outline.starts, outline.lengths, **panel_arguments(sheets, roles, outline, arrays))


def require_sortable(sheets: Sheets, roles: Roles, *, sort: bool) -> None:
    """Refuse to sort by a clock that is not there, with a ParameterError."""
    if sort and roles.time is None:
        raise ParameterError(f"expected a time column to sort by, got none in {sheets.name}; leave sort out")


def make_outline(sheets: Sheets, roles: Roles, *, stream: bool = False) -> Outline:
    """Read ids, clock, labels and facts of a long table.

    Parameters
    ----------
    sheets, roles
        The table and what its columns are for.
    stream
        Whether to read some megabytes at a time and to keep nothing of them.

    Returns
    -------
    Outline
        Who is in it.

    Raises
    ------
    DataError
        If an id or a time cannot be read, or the clock is of two kinds.
    LabelError
        If a series has two labels.
    """
    vocabulary, lengths, codes = WordCodes(), np.zeros(0, dtype=np.int64), []
    words = (*roles.per_series, *roles.signals)
    columns = {name: OnePerSeries(name, name == roles.label, name in roles.signals) for name in words}
    clock: tuple[ClockColumn, str] | None = None
    zones: set[str] = set()
    classes: dict[str, None] = {}
    for piece in sheets.pieces(roles.words, roles.words, stream=stream):
        names = read_words(piece, roles.id, "id", "write the id of the series, or leave the row out")
        rows = vocabulary.add(names)
        lengths = np.bincount(rows, minlength=len(vocabulary.places)) + grown(lengths, len(vocabulary.places), 0)
        if roles.time is not None:
            times = read_clock(piece, roles.time)
            zones |= set(times.zones)
            clock = _same_clock(clock, times, piece)
        for column in columns.values():
            column.add(piece, rows, len(vocabulary.places), names)
        for name in roles.step_labels:
            classes.update(dict.fromkeys(read_some_words(piece, name, "label").names.tolist()))
        if not stream:
            codes.append(rows)
    notes = [*roles.notes]
    if zones:
        notes.append(
            f"times in {roles.time!r} have several zones ({', '.join(sorted(zones))}); all were turned into UTC"
        )
    signals = {name: tuple(sorted(column.vocabulary.places)) for name, column in columns.items() if column.is_signal}
    if signals:
        notes.append(f"took words that change within a series as signals: {listing(signals)}")
    dropped = [name for name, column in columns.items() if column.varies and not column.is_signal]
    if dropped:
        notes.append(
            f"columns of more than {MOST_LISTED_WORDS} words that change within a series were left out: {listing(dropped)}"
        )
    facts = {name: column.words() for name, column in columns.items() if not column.varies}
    kept = None if stream else codes
    found = None if clock is None else clock[0]
    binary = set(classes) <= {"0", "1"}  # both are classes, also where only one is met
    known = ("0", "1") if binary else tuple(sorted(classes))
    return Outline(vocabulary.names(), lengths, found, facts, known, signals, notes, kept)


@dataclass
class Arrays:
    """What a long table is read into; in memory, or mapped to files.

    Parameters
    ----------
    values
        Float32, shape (steps, channels).
    times
        Shape (steps,), or None.
    steps
        Codes of the step labels, int16, shape (steps, labels), or None.
    signals
        Codes of the signals, int16, shape (steps, signals), or None.
    """

    values: NDArray[np.float32]
    times: NDArray[Any] | None
    steps: NDArray[np.int16] | None
    signals: NDArray[np.int16] | None


def fill(sheets: Sheets, roles: Roles, outline: Outline, arrays: Arrays, *, missing: str) -> Iterator[Source]:
    """Put every value of a long table in its place.

    Parameters
    ----------
    sheets, roles, outline
        The table and who is in it.
    arrays
        To be filled.
    missing
        ``"keep"`` gives NaN for a missing number, ``"error"`` refuses it.

    Returns
    -------
    Iterator[Source]
        Each piece once it is in place.

    Raises
    ------
    DataError
        If a cell is no number.
    """
    starts, filled = outline.starts, np.zeros(len(outline.lengths), dtype=np.int64)
    number = {name: place for place, name in enumerate(outline.names.tolist())}
    chosen = (*roles.words, *roles.channels)
    for piece, codes in _pieces_and_codes(sheets, roles, outline, number, chosen):
        places = places_of_rows(codes, starts, filled)
        names = outline.names

        def series_at(row: int, codes: Rows = codes, names: NDArray[np.str_] = names) -> str:
            return str(names[codes[row]])

        for place, channel in enumerate(roles.channels):
            numbers = read_numbers(piece, channel, keep_missing=missing == "keep", series_at=series_at)
            arrays.values[places, place] = numbers
        if arrays.times is not None and roles.time is not None:
            arrays.times[places] = read_clock(piece, roles.time).times
        labels = dict.fromkeys(roles.step_labels, outline.step_classes)
        for coded, columns in ((arrays.steps, labels), (arrays.signals, outline.signals)):
            if coded is not None:
                for place, (name, classes) in enumerate(columns.items()):
                    coded[places, place] = _codes_of(piece, name, classes)
        if arrays.steps is not None and roles.mask is not None:
            every = places if isinstance(places, np.ndarray) else np.arange(places.start, places.stop)
            arrays.steps[every[~read_truths(piece, roles.mask)]] = UNKNOWN
        yield piece


def _codes_of(piece: Source, name: str, classes: tuple[str, ...]) -> NDArray[np.int16]:
    """Give the place of each cell's word in ``classes``, -1 for an empty one."""
    number = {word: place for place, word in enumerate(classes)}
    words = read_some_words(piece, name, "label")
    known = np.array([number[word] for word in words.names.tolist()] + [UNKNOWN], dtype=np.int16)
    return known[words.codes]


def put_in_order(
    sheets: Sheets,
    roles: Roles,
    outline: Outline,
    arrays: Arrays,
    *,
    sort: bool,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Check that times rise within each series, or sort the steps by them.

    Parameters
    ----------
    sheets, roles, outline, arrays
        As filled.
    sort
        Whether to sort.
    done
        Called each time some millions of steps are in order.

    Raises
    ------
    DataError
        If times do not rise, naming the rows.
    """
    if arrays.times is None:
        return
    starts, ends = outline.starts, np.cumsum(outline.lengths)
    first = 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + ORDER_STEPS, side="right")))
        steps = slice(int(starts[first]), int(ends[last - 1]))
        series = np.repeat(np.arange(first, last), outline.lengths[first:last])
        times = arrays.times[steps]
        same = series[1:] == series[:-1]
        if sort and np.any((times[1:] < times[:-1]) & same):
            order = np.lexsort((times, series))
            times = times[order]
            arrays.times[steps], arrays.values[steps] = times, arrays.values[steps][order]
            for codes in (arrays.steps, arrays.signals):
                if codes is not None:
                    codes[steps] = codes[steps][order]
        faults = np.flatnonzero((times[1:] <= times[:-1]) & same)
        if len(faults):
            place = int(faults[0])
            code = int(series[place])
            step = steps.start + place - int(starts[code])
            raise DataError(_clock_fault(sheets, roles, outline, code, step, times[place : place + 2], sort))
        first = last
        done()


def panel_arguments(sheets: Sheets, roles: Roles, outline: Outline, arrays: Arrays) -> dict[str, Any]:
    """Give what else a Panel of this table has, as its keyword arguments."""
    facts = {name: outline.per_series[name] for name in roles.facts if name in outline.per_series}
    units = {("time" if name == roles.time else name): unit for name, unit in sheets.units}
    if outline.clock is not None and outline.clock.zone:
        units["time"] = "UTC"
    steps = None if arrays.steps is None else StepLabels(arrays.steps, roles.step_labels, outline.step_classes)
    told = tuple(outline.signals), tuple(outline.signals.values())
    return {
        "ids": outline.names,
        "channels": roles.channels,
        "times": arrays.times,
        "labels": outline.per_series.get(roles.label) if roles.label else None,
        "step_labels": steps,
        "signals": None if arrays.signals is None else StepSignals(arrays.signals, *told),
        "metadata": pa.table({name: pa.array(words.tolist(), pa.string()) for name, words in facts.items()})
        if facts
        else None,
        "units": {name: unit for name, unit in units.items() if name in (*roles.channels, "time")},
        "notes": outline.notes,
    }


def _same_clock(known: tuple[ClockColumn, str] | None, times: ClockColumn, piece: Source) -> tuple[ClockColumn, str]:
    """Keep the type that holds the times of all pieces; DataError if they are of two kinds."""
    empty = ClockColumn(times.times[:0], times.zone)
    if known is None:
        return empty, piece.name
    before, where = known
    if before.kind != times.kind:
        raise DataError(
            f"expected one clock in all files, got {before.kind} in {where} and {times.kind} in {piece.place(0)}; "
            "write all times in one way"
        )
    kind = np.result_type(before.times, times.times)
    return ClockColumn(np.empty(0, kind), times.zone), where


def _pieces_and_codes(
    sheets: Sheets, roles: Roles, outline: Outline, number: dict[str, int], columns: tuple[str, ...]
) -> Iterator[tuple[Source, Rows]]:
    if outline.codes is not None:
        yield from zip(sheets.pieces(roles.words, columns), outline.codes, strict=True)
        return
    for piece in sheets.pieces(roles.words, columns, stream=True):
        names = read_words(piece, roles.id, "id", "write the id of the series, or leave the row out")
        yield piece, np.array([number[name] for name in names.names.tolist()])[names.codes]


def _clock_fault(
    sheets: Sheets, roles: Roles, outline: Outline, code: int, step: int, times: NDArray[Any], sort: bool
) -> str:
    """Find the two rows whose times do not rise, by going through the table once more."""
    name = str(outline.names[code])
    before, now = times[0], times[1]
    places: list[str] = []
    number = {word: place for place, word in enumerate(outline.names.tolist())}
    for piece, codes in _pieces_and_codes(sheets, roles, outline, number, roles.words):
        own = codes == code
        if sort:
            assert roles.time is not None
            own &= read_clock(piece, roles.time).times == now
        places += [piece.place(int(row)) for row in np.flatnonzero(own)[: step + 2 - len(places)]]
    first, second = (places[0], places[1]) if sort else (places[step], places[step + 1])
    if now == before:
        return (
            f"expected each time once in a series, got time {format_time(now)} of series {name!r} again in "
            f"{second}, first in {first}; keep one of the two rows"
        )
    return (
        f"expected times that rise within each series, got {format_time(now)} after {format_time(before)} in {second} "
        f"(series {name!r}); sort the rows by time, or say sort=True "
        '("sort": true in an experiment file)'
    )
