"""Read long tables, with one row per step, in two passes: first an outline of the series, then the values.

Both passes read the table in chunks and accept the rows of different series interleaved in any way. When a table is
streamed, their memory grows with the number of series and not with the number of rows; only the arrays to be filled,
which may be mapped to files, grow with the rows.
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
from limelight.data.reading.accumulators import target_positions
from limelight.data.reading.booleans import read_booleans
from limelight.data.reading.columns import ID_REMEDY, read_numbers, read_optional_words, read_words
from limelight.data.reading.melted import describe_melted
from limelight.data.reading.missing import OddWords
from limelight.data.reading.offsets import choose_table_offsets
from limelight.data.reading.outline import Outline, make_outline
from limelight.data.reading.repeated_hours import RepeatedHours, repeated_hour
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.times import read_clock
from limelight.data.summer_time import ends_summer_time
from limelight.errors import DataError, ParameterError
from limelight.task import UNKNOWN
from limelight.types import Rows

ORDER_STEPS = 1 << 22
FEWEST_BEFORE_RESTART = 2
"""Steps in order before times that begin again; rows in reverse order have none."""


def read_long(sheets: Sheets, roles: Roles, *, missing: str, sort: bool) -> Panel:
    """Read a long table into memory.

    Parameters
    ----------
    sheets, roles
        The table and the roles of its columns.
    missing, sort
        As for ``read_table``.

    Returns
    -------
    Panel
        The series in order of first appearance.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``read_table``.
    """
    require_sortable(sheets, roles, sort=sort)
    sheets = sheets.loaded(roles.text_columns, (*roles.text_columns, *roles.channels))
    outline = make_outline(sheets, roles)
    roles, steps = outline.roles, int(outline.lengths.sum())
    arrays = Arrays(
        np.empty((steps, len(roles.channels)), dtype=np.float32),
        sampled_offset(sheets, outline),
        None if outline.clock is None else np.empty(steps, dtype=outline.clock.times.dtype),
        np.empty((steps, len(roles.step_labels)), dtype=np.int16) if roles.step_labels else None,
        np.empty((steps, len(outline.signals)), dtype=np.int16) if outline.signals else None,
    )
    for _ in fill(sheets, roles, outline, arrays, missing=missing):
        pass
    order_steps(sheets, roles, outline, arrays, sort=sort)
    return Panel(arrays.values, outline.starts, outline.lengths, **panel_arguments(sheets, roles, outline, arrays))


def sampled_offset(sheets: Sheets, outline: Outline) -> NDArray[np.float64]:
    """Choose the offset of each channel from samples of the table, shape (channels,); notes go to the outline."""
    offset, notes = choose_table_offsets(sheets, outline.roles, stream=outline.codes is None)
    outline.notes += notes
    return offset


def require_sortable(sheets: Sheets, roles: Roles, *, sort: bool) -> None:
    """Check that there is a time column if the steps are to be sorted; ParameterError if not."""
    if sort and roles.time is None:
        raise ParameterError(f"expected a time column to sort by, got none in {sheets.name}; omit sort")


@dataclass
class Arrays:
    """The arrays that a long table is read into, in memory or mapped to files.

    Parameters
    ----------
    values
        The measurements relative to the offset, float32, shape (steps, channels).
    offset
        What is subtracted from each channel, shape (channels,).
    times
        The clock, shape (steps,), or None.
    steps
        Codes of the per-step labels, int16, shape (steps, labels), or None.
    signals
        Codes of the signals, int16, shape (steps, signals), or None.
    """

    values: NDArray[np.float32]
    offset: NDArray[np.float64]
    times: NDArray[Any] | None
    steps: NDArray[np.int16] | None
    signals: NDArray[np.int16] | None


def fill(sheets: Sheets, roles: Roles, outline: Outline, arrays: Arrays, *, missing: str) -> Iterator[Source]:
    """Fill the arrays with the values of a long table.

    Parameters
    ----------
    sheets, roles, outline
        The table, the roles of its columns and its series.
    arrays
        The arrays to fill.
    missing
        ``"keep"`` reads a missing number as NaN, ``"error"`` rejects it.

    Returns
    -------
    Iterator[Source]
        Each chunk of the table, after its values have been written.

    Raises
    ------
    DataError
        If a cell of a channel is not a number.
    """
    starts, filled, odd = outline.starts, np.zeros(len(outline.lengths), dtype=np.int64), OddWords()
    code_of = {name: code for code, name in enumerate(outline.names.tolist())}
    columns = (*roles.text_columns, *roles.channels)
    for chunk, codes in _chunks_and_codes(sheets, roles, outline, code_of, columns):
        positions = target_positions(codes, starts, filled)
        names = outline.names

        def series_at(row: int, codes: Rows = codes, names: NDArray[np.str_] = names) -> str:
            return str(names[codes[row]])

        for index, channel in enumerate(roles.channels):
            numbers = read_numbers(chunk, channel, keep_missing=missing == "keep", series_at=series_at, odd=odd)
            offset = arrays.offset[index]
            arrays.values[positions, index] = numbers - offset if offset else numbers
        if arrays.times is not None and roles.time is not None:
            arrays.times[positions] = read_clock(chunk, roles.time, outline.day_order).times
        labels = dict.fromkeys(roles.step_labels, outline.step_words)
        for coded, classes_of in ((arrays.steps, labels), (arrays.signals, outline.signals)):
            if coded is not None:
                for index, (name, classes) in enumerate(classes_of.items()):
                    coded[positions, index] = _codes_of(chunk, name, classes)
        if arrays.steps is not None and roles.mask is not None:
            indices = positions if isinstance(positions, np.ndarray) else np.arange(positions.start, positions.stop)
            arrays.steps[indices[~read_booleans(chunk, roles.mask)]] = UNKNOWN
        yield chunk
    outline.notes += odd.notes()


def _codes_of(chunk: Source, name: str, classes: tuple[str, ...]) -> NDArray[np.int16]:
    """Return the index in ``classes`` of the word in each cell, -1 for an empty cell, shape (rows,)."""
    code_of = {word: code for code, word in enumerate(classes)}
    words = read_optional_words(chunk, name, "label")
    codes = np.array([code_of[word] for word in words.names.tolist()] + [UNKNOWN], dtype=np.int16)
    return codes[words.codes]


def order_steps(
    sheets: Sheets,
    roles: Roles,
    outline: Outline,
    arrays: Arrays,
    *,
    sort: bool,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Check that times increase within each series, after sorting the steps by time if ``sort`` is set.

    Parameters
    ----------
    sheets, roles, outline, arrays
        The table and its filled arrays, which are sorted in place.
    sort
        Whether to sort the steps of each series by time.
    done
        Called after every few million steps.

    Raises
    ------
    DataError
        If times do not increase; the message names the rows.
    """
    if arrays.times is None:
        return
    starts, ends, repeated = outline.starts, np.cumsum(outline.lengths), RepeatedHours()
    is_local = arrays.times.dtype.kind == "M" and outline.clock is not None and not outline.clock.zone
    first = 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + ORDER_STEPS, side="right")))
        steps = slice(int(starts[first]), int(ends[last - 1]))
        series = np.repeat(np.arange(first, last), outline.lengths[first:last])
        if is_local:
            arrays.times[steps] = repeated.undo(arrays.times[steps], series)
        if sort:
            _sort_steps(arrays, steps, series)
        times = arrays.times[steps]
        disordered = np.flatnonzero((times[1:] <= times[:-1]) & (series[1:] == series[:-1]))
        if len(disordered):
            place = steps.start + int(disordered[0])
            raise DataError(_describe_disorder(sheets, roles, outline, arrays, place, sort=sort))
        first = last
        done()
    outline.notes += repeated.notes()


def _sort_steps(arrays: Arrays, steps: slice, series: Rows) -> None:
    """Sort some steps by series and time in place, unless they are sorted."""
    assert arrays.times is not None
    times = arrays.times[steps]
    if not np.any((times[1:] < times[:-1]) & (series[1:] == series[:-1])):
        return
    order = np.lexsort((times, series))
    arrays.times[steps], arrays.values[steps] = times[order], arrays.values[steps][order]
    for codes in (arrays.steps, arrays.signals):
        if codes is not None:
            codes[steps] = codes[steps][order]


def panel_arguments(sheets: Sheets, roles: Roles, outline: Outline, arrays: Arrays) -> dict[str, Any]:
    """Return the keyword arguments of the Panel for this table, beyond its values, starts and lengths."""
    metadata = {name: outline.per_series[name] for name in roles.metadata if name in outline.per_series}
    units = {("time" if name == roles.time else name): unit for name, unit in sheets.units}
    if outline.clock is not None and outline.clock.zone:
        units["time"] = "UTC"
    steps = None if arrays.steps is None else StepLabels(arrays.steps, roles.step_labels, outline.step_classes)
    signals = None
    if arrays.signals is not None:
        signals = StepSignals(arrays.signals, tuple(outline.signals), tuple(outline.signals.values()))
    return {
        "ids": outline.names,
        "channels": roles.channels,
        "times": arrays.times,
        "labels": outline.per_series.get(roles.label) if roles.label else None,
        "step_labels": steps,
        "signals": signals,
        "metadata": pa.table({name: _field(words, name in roles.numbers) for name, words in metadata.items()})
        if metadata
        else None,
        "units": {name: unit for name, unit in units.items() if name in (*roles.channels, "time")},
        "offset": arrays.offset,
        "notes": outline.notes,
    }


def _field(words: NDArray[Any], number: bool) -> pa.Array:
    """Return a field of metadata: whole numbers, numbers or text."""
    column = pa.array(words.tolist(), pa.string())
    if not number:
        return column
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.float64())


def _chunks_and_codes(
    sheets: Sheets, roles: Roles, outline: Outline, code_of: dict[str, int], columns: tuple[str, ...]
) -> Iterator[tuple[Source, Rows]]:
    """Yield each chunk of the table with the series of each of its rows."""
    if outline.codes is not None:
        yield from zip(sheets.chunks(roles.text_columns, columns), outline.codes, strict=True)
        return
    for chunk in sheets.chunks(roles.text_columns, columns, stream=True):
        names = read_words(chunk, roles.id, "id", ID_REMEDY)
        yield chunk, np.array([code_of[name] for name in names.names.tolist()])[names.codes]


def _describe_disorder(
    sheets: Sheets, roles: Roles, outline: Outline, arrays: Arrays, place: int, *, sort: bool
) -> str:
    """Describe the two rows whose times do not increase; they are found by reading the table once more."""
    assert arrays.times is not None
    code = int(np.searchsorted(outline.starts, place, side="right")) - 1
    step, name = place - int(outline.starts[code]), str(outline.names[code])
    previous, current = arrays.times[place], arrays.times[place + 1]
    first, second = _locate_steps(sheets, roles, outline, code, step, current if sort else None)
    if current.dtype.kind == "M" and ends_summer_time(arrays.times[place : place + 1], arrays.times[[place + 1]])[0]:
        return (
            f"expected increasing times within each series, got {format_time(current)} after {format_time(previous)} "
            f"in {second} (series {name!r}): {repeated_hour(current)} seems to occur twice, as when summer time ends; "
            "keep all rows, and write the times in UTC or with their offset (+02:00, then +01:00), or take the order "
            "of the rows as the clock with time=None (--time none)"
        )
    if _names_channels(outline, arrays, code):
        column, words = next(iter(outline.signals.items()))
        return describe_melted(sheets.name, roles.channels[0], column, words)
    if current == previous:
        return (
            f"expected distinct times in each series, got time {format_time(current)} of series {name!r} again in "
            f"{second}, first in {first}, {_compare_steps(arrays, place)}"
        )
    if _passes_midnight(sheets, roles.time, float(previous), float(current)):
        return (
            f"expected increasing times within each series, got {format_time(current)} seconds after midnight after "
            f"{format_time(previous)} in {second} (series {name!r}), as when midnight passes; write the date before "
            "each time, or take the order of the rows as the clock with time=None (--time none)"
        )
    if step >= FEWEST_BEFORE_RESTART and not sort and current <= arrays.times[int(outline.starts[code])]:
        return (
            f"expected increasing times within each series, got {format_time(current)} after {format_time(previous)} "
            f"in {second} (series {name!r}), as where another recording begins; name the column that tells the "
            "recordings apart with id=... (--id), several of them joined into one, or take the order of the rows as "
            "the clock with time=None (--time none)"
        )
    return (
        f"expected increasing times within each series, got {format_time(current)} after {format_time(previous)} in "
        f"{second} (series {name!r}); sort the rows by time with sort=True (--set data.sort=true), or take their order "
        "as the clock with time=None (--time none)"
    )


def _names_channels(outline: Outline, arrays: Arrays, code: int) -> bool:
    """Whether the only signal names the channel of each row: times rise within each word, over most of the series."""
    if arrays.times is None or arrays.signals is None or len(outline.signals) != 1 or arrays.values.shape[1] != 1:
        return False
    steps = slice(int(outline.starts[code]), int(outline.starts[code] + outline.lengths[code]))
    times, codes = arrays.times[steps], arrays.signals[steps, 0]
    words, span = np.unique(codes), times.max() - times.min()
    of_words = [times[codes == word] for word in words]
    rising = all((one[1:] > one[:-1]).all() and 2 * (one[-1] - one[0]) > span for one in of_words)
    return len(words) > 1 and rising


def _passes_midnight(sheets: Sheets, clock: str | None, previous: float, current: float) -> bool:
    """Whether times of day fall by more than half a day, so that sorting them would mix up two days."""
    chunk = sheets.first_chunk
    if clock is None or chunk is None or not 43200 < previous - current < 86400:
        return False
    kind = chunk.table[clock].type
    return pa.types.is_time(kind) or (is_text(kind) and ":" in str(chunk.table[clock][0].as_py()))


def _compare_steps(arrays: Arrays, place: int) -> str:
    """Describe what to do about two steps with the same time, by whether they hold the same values."""
    one, other = slice(place, place + 1), slice(place + 1, place + 2)
    columns = [array for array in (arrays.steps, arrays.signals) if array is not None]
    same = np.array_equal(arrays.values[one], arrays.values[other], equal_nan=True)
    if same and all(np.array_equal(codes[one], codes[other]) for codes in columns):
        return "with the same values; remove the repetition"
    return (
        "with other values; correct the times, name the column that tells the recordings apart with id=... (--id), or "
        "take the order of the rows as the clock with time=None (--time none)"
    )


def _locate_steps(
    sheets: Sheets, roles: Roles, outline: Outline, code: int, step: int, time: Any | None
) -> tuple[str, str]:
    """Return where a step of a series and the next one are in the table; the first two with a given time, if any."""
    locations: list[str] = []
    code_of = {word: index for index, word in enumerate(outline.names.tolist())}
    for chunk, codes in _chunks_and_codes(sheets, roles, outline, code_of, roles.text_columns):
        candidates = codes == code
        if time is not None and roles.time is not None:
            candidates &= read_clock(chunk, roles.time, outline.day_order).times == time
        locations += [chunk.location(int(row)) for row in np.flatnonzero(candidates)[: step + 2 - len(locations)]]
    return (locations[0], locations[1]) if time is not None else (locations[step], locations[step + 1])
