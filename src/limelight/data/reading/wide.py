"""Read wide tables, with one row per series and one column per step of each channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.reading.columns import is_number_column, read_numbers, read_words
from limelight.data.reading.missing import OddWords
from limelight.data.reading.names import LIKELY, plain_name
from limelight.data.reading.plain import plain_column
from limelight.data.reading.row_meaning import CLOCK_NAMES, are_called_channels
from limelight.data.reading.sources import Source
from limelight.data.reading.spelling import describe_spellings
from limelight.data.reading.step_names import NAMELESS, is_consecutive, is_step_label, numbered_steps
from limelight.data.reading.timed_columns import find_timed_columns
from limelight.data.reading.wide_columns import find_label, find_row_numbers, guess_label, read_ids
from limelight.errors import DataError, LabelError, ParameterError, listing, nearest

FEWEST_COLUMNS = 5
REMEDY = "write the label, or leave that series out"


def looks_wide(columns: Sequence[str], id: str = "series_id", time: str | None = "time") -> bool:
    """Whether a table appears to have one row per series, judging by its column names only.

    Whether its rows are steps after all is judged by ``rows_are_steps``.

    A table looks wide if at least 5 of its columns, and at least half of them, are numbered steps (see ``read_wide``)
    of one or more channels with the same consecutive numbers, at least 3, or are named by times. A table with both an
    id column and a clock (``time``, ``timestamp``, ``step``, ...) does not look wide: its columns ``lpc01`` to
    ``lpc12`` are channels of a long table, and so are columns called channels, such as ``ch1`` to ``ch8``. A column
    ``date`` does not count as a clock here, because it may be the day of a recording.

    Parameters
    ----------
    columns
        All column names.
    id, time
        The names of the id column and the clock, if they exist; None for no clock.

    Returns
    -------
    bool
        True if the table looks wide.

    Example
    -------
    >>> looks_wide(["series_id", "label", *(f"x_{step}" for step in range(24))])
    True
    >>> looks_wide(["series_id", "time", *(f"lpc{number:02}" for number in range(1, 13))])
    False
    """
    plain = {plain_name(name) for name in columns}
    if (id in columns or plain & {"series_id", *LIKELY["id"]}) and (time in columns or plain & CLOCK_NAMES):
        return False
    if find_timed_columns([name for name in columns if name != id]) is not None:
        return True
    steps: dict[str, set[int]] = {}
    numbered = numbered_steps(name for name in columns if name != id)
    if are_called_channels([name for *_, name in numbered]):
        return False
    for channel, number, _ in numbered:
        steps.setdefault(channel, set()).add(number)
    runs = Counter(frozenset(numbers) for numbers in steps.values() if is_consecutive(numbers))
    step_columns = max((len(numbers) * channels for numbers, channels in runs.items()), default=0)
    return step_columns >= FEWEST_COLUMNS and 2 * step_columns >= len(columns)


def may_be_steps(columns: Sequence[str]) -> bool:
    """Whether columns are numbered like the steps of one channel, at least 3, although too few to look wide.

    Example
    -------
    >>> may_be_steps(["x_0", "x_1", "x_2", "x_3"]), may_be_steps(["x", "y", "z"])
    (True, False)
    """
    numbered = numbered_steps(columns)
    return (
        len(numbered) == len(columns)
        and len({channel for channel, *_ in numbered}) == 1
        and is_consecutive(number for _, number, _ in numbered)
    )


def read_wide(
    source: Source,
    *,
    id: str | None = "series_id",
    label: str | None = "label",
    channels: Sequence[str] | None = None,
) -> Panel:
    """Read a table with one row per series.

    The values are in columns named by a number (``0``, ``1``, ...) or by a channel and a number: ``x0``, ``x_0``,
    ``x.0``, ``x-0``, ``x 0`` or ``x[0]``. The numbers define the order of the steps. Columns that are named by times,
    such as ``2024-01-31``, ``08:15`` or ``0.5 s``, are the steps of one channel, with these times as clock.

    Parameters
    ----------
    source
        The table.
    id, label
        The columns with the id and the label of the series. Without a column ``series_id``, the row number from 0 is
        the id; without a column ``label``, the series have no labels; other common names (``LIKELY``) are accepted
        for both. A column of any other name must exist. None reads no such column, and ignores a column ``label``.
    channels
        The channels to read, in this order; None reads all.

    Returns
    -------
    Panel
        The series in the order of the rows. Trailing steps at which every channel is empty are cut off; other empty
        cells are NaN. Columns that are not steps are metadata.

    Raises
    ------
    DataError
        If there are no steps, the steps of two channels differ, an id is repeated, a series is empty or a cell is not
        a number.
    LabelError
        If a series has no label.
    ParameterError
        If ``channels`` is empty or names a channel twice.

    Example
    -------
    >>> table = pa.table({"series_id": ["a", "b"], "x_0": [1.0, 4.0], "x_1": [2.0, 5.0], "x_2": [3.0, None]})
    >>> panel = read_wide(Source(table, "the series table"))
    >>> panel.channels, panel.lengths.tolist(), panel.notes
    (('x',), [3, 2], ('the last steps of 1 series are empty: read as shorter series',))
    """
    notes = [*source.notes]
    reads_label = label is not None
    label = find_label(source, label, notes)
    id, ids = read_ids(source, id, label, notes)
    row_numbers = find_row_numbers(source, [name for name in source.columns if name not in (id, label)], notes)
    free = [name for name in source.columns if name not in (id, label, *row_numbers)]
    unread = [name for name in free if is_step_label(name)]
    if unread:
        notes.append(f"per-step labels were not read: {listing(unread)}")
    if label is None and "label" in free:
        unread.append("label")
        notes.append("the labels in column 'label' were not read")
    timed = None if channels else find_timed_columns(free)
    if timed is None:
        columns_of_channel = _find_steps(source, free)
    else:
        columns_of_channel = {NAMELESS: dict(enumerate(timed.names))}
        notes.append(f"took the names of the columns as times, from {timed.names[0]!r} to {timed.names[-1]!r}")
    chosen = _choose_channels(columns_of_channel, channels)
    numbers, kept = _common_steps(source, columns_of_channel, chosen, explicit=channels is not None)
    if (np.diff(numbers, n=2) != 0).any():
        notes.append("the numbers of the steps are not evenly spaced: only their order was kept")
    ignored = [
        channel for channel, steps in columns_of_channel.items() if channel not in kept and sorted(steps) == numbers
    ]
    if ignored:
        notes.append(f"channels that were not read: {listing(ignored)}")
    value_columns = [[columns_of_channel[channel][number] for number in numbers] for channel in kept]
    values, lengths = _read_values(source, value_columns, ids, notes)
    used = {column for channel in (*kept, *ignored) for column in columns_of_channel[channel].values()}
    metadata = [name for name in free if name not in used and name not in unread]
    if reads_label and label is None:
        label = guess_label(source, metadata, notes)
        metadata = [name for name in metadata if name != label]
    if metadata:
        notes.append(f"took columns that are not steps as metadata: {listing(metadata)}")
    return Panel(
        values,
        np.cumsum(lengths) - lengths,
        lengths,
        ids=ids,
        channels=kept,
        times=None if timed is None else np.concatenate([timed.times[:length] for length in lengths]),
        labels=_read_labels(source, label, notes),
        metadata=pa.table({name: plain_column(source, name) for name in metadata}) if metadata else None,
        notes=notes,
    )


def _read_labels(source: Source, label: str | None, notes: list[str]) -> NDArray[np.str_] | None:
    if label is None:
        return None
    words = read_words(source, label, "label", REMEDY, LabelError)
    notes += describe_spellings("labels", label, words.spellings)
    return words.decode()


def _find_steps(source: Source, names: list[str]) -> dict[str, dict[int, str]]:
    """Find the step columns; return their names by channel and step number."""
    columns: dict[str, dict[int, str]] = {}
    for channel, number, name in numbered_steps(names):
        earlier = columns.setdefault(channel, {}).setdefault(number, name)
        if earlier != name:
            raise DataError(
                f"expected each step of a channel once in {source.name}, got columns {earlier!r} and {name!r} for step "
                f"{number} of channel {channel!r}; rename one"
            )
    if not columns:
        raise DataError(
            f"expected columns named by step number, such as '0', 'x_0' or 'x[0]', in {source.name}, got "
            f"{listing(names) or 'none'}; rename them, or set layout='long' if each row is a step"
        )
    return columns


def _choose_channels(columns: dict[str, dict[int, str]], channels: Sequence[str] | None) -> list[str]:
    """Check the names of the channels to read; all channels if there are none."""
    if channels is None:
        return list(columns)
    chosen = [channels] if isinstance(channels, str) else list(channels)
    repeated = [name for index, name in enumerate(chosen) if name in chosen[:index]]
    if repeated or not chosen:
        raise ParameterError(
            f"expected channels to name channels of the table, each once, got {listing(repeated) or 'no name'}; omit "
            "channels to take all"
        )
    unknown = [name for name in chosen if name not in columns]
    if unknown:
        raise DataError(
            f"expected channels whose steps are columns, got {listing(unknown)}{nearest(unknown[0], list(columns))}"
        )
    return chosen


def _common_steps(
    source: Source, columns: dict[str, dict[int, str]], chosen: list[str], *, explicit: bool
) -> tuple[list[int], list[str]]:
    """Return the step numbers that all channels share, and the channels to read.

    Unless the channels were named explicitly, columns of text such as 'site2' are not a channel and are skipped.
    """
    first = max(chosen, key=lambda channel: len(columns[channel]))
    kept = []
    for channel in chosen:
        if columns[channel].keys() == columns[first].keys():
            kept.append(channel)
            continue
        if not explicit and not any(is_number_column(source, name) for name in columns[channel].values()):
            continue
        having, lacking = (first, channel) if columns[first].keys() - columns[channel].keys() else (channel, first)
        steps = sorted(columns[having].keys() - columns[lacking].keys())
        raise DataError(
            f"expected the same steps in every channel of {source.name}, got channel {lacking!r} without step "
            f"{listing(steps)}, which channel {having!r} has; add the missing steps, or choose channels with "
            "channels=[...]"
        )
    return sorted(columns[first]), kept


def _read_values(
    source: Source, columns: list[list[str]], ids: NDArray[np.str_], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the values of all channels, shape (steps, channels), and the lengths of the series, shape (n,)."""

    def series_at(row: int) -> str:
        return str(ids[row])

    steps, odd = len(columns[0]), OddWords()
    table = np.empty((steps, len(columns), source.rows))
    for channel, names in enumerate(columns):
        for step, name in enumerate(names):
            table[step, channel] = read_numbers(source, name, keep_missing=True, series_at=series_at, odd=odd)
    notes += odd.notes()
    present: NDArray[np.bool_] = np.any(~np.isnan(table), axis=1)
    if not present.any(axis=0).all():
        row = int(np.argmin(present.any(axis=0)))
        raise DataError(
            f"expected at least one value in every series, got none in {source.location(row)} (series "
            f"{series_at(row)!r}); leave the row out"
        )
    lengths = (steps - np.argmax(present[::-1], axis=0)).astype(np.int64)
    short = int((lengths < steps).sum())
    if short:
        notes.append(f"the last steps of {short} series are empty: read as shorter series")
    return table.transpose(2, 0, 1)[np.arange(steps) < lengths[:, None]], lengths
