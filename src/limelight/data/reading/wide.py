"""Wide tables, one row for each series and one column for each step of each channel, to a Panel."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.labels import STEP_LABEL
from limelight.data.panel import Panel
from limelight.data.reading.columns import is_number_column, read_numbers, read_some_words, read_words
from limelight.data.reading.joins import plain_column
from limelight.data.reading.roles import LIKELY
from limelight.data.reading.sources import Source
from limelight.errors import DataError, LabelError, ParameterError, listing, nearest

STEP = re.compile(r"(?P<channel>.*?)(?:\[(?P<inside>\d+)\]|[_.\- ]?(?P<number>\d+))")
PURE = re.compile(r"(?P<number>\d+)(?:\.0+)?")
CLOCK_NAMES = {"time", *LIKELY["time"]} - {"date"}
NAMELESS = "channel_0"
FEWEST_COLUMNS = 5
FEWEST_STEPS = 3
REMEDY = "write the label, or leave that series out"


def looks_wide(columns: Sequence[str], id: str = "series_id", time: str = "time") -> bool:
    """Say whether a table looks like one row for each series, by the names of its columns alone.

    It does if at least 5 columns, and at least half of all, are numbered steps (see ``read_wide``) of one or more
    channels that have the same numbers, at least 3 without a gap. It does not if there are both a column that names
    the series and a clock (``time``, ``timestamp``, ``step``, ...): then ``lpc01`` to ``lpc12`` are channels of a long
    table. A ``date`` is no clock here, because it may be the day of a recording.

    Parameters
    ----------
    columns
        The names of all columns.
    id, time
        The columns that name the series and have the clock, where they are there.

    Returns
    -------
    bool
        Whether the table looks wide.

    Example
    -------
    >>> looks_wide(["series_id", "label", *(f"x_{step}" for step in range(24))])
    True
    >>> looks_wide(["series_id", "time", *(f"lpc{number:02}" for number in range(1, 13))])
    False
    """
    small = {name.strip().lower() for name in columns}
    if (id in columns or small & {"series_id", *LIKELY["id"]}) and (time in columns or small & CLOCK_NAMES):
        return False
    steps: dict[str, set[int]] = {}
    for channel, number, _ in _numbered(name for name in columns if name != id):
        steps.setdefault(channel, set()).add(number)
    runs = Counter(frozenset(numbers) for numbers in steps.values() if _is_run(numbers))
    most = max((len(numbers) * channels for numbers, channels in runs.items()), default=0)
    return most >= FEWEST_COLUMNS and 2 * most >= len(columns)


def read_wide(
    source: Source,
    *,
    id: str | None = "series_id",
    label: str | None = "label",
    channels: Sequence[str] | None = None,
) -> Panel:
    """Read a table with one row for each series.

    Values stand in columns that are named by a number (``0``, ``1``, ...), or by a channel and a number: ``x0``,
    ``x_0``, ``x.0``, ``x-0``, ``x 0`` or ``x[0]``. The numbers say the order of the steps.

    Parameters
    ----------
    source
        The table.
    id, label
        The columns that name the series and give their label. Without ``series_id`` the series are named by their
        row from 0, and without ``label`` there are none; either may have another usual name (``LIKELY``). Any other
        name must be there. None reads no such column, and leaves a column ``label`` out.
    channels
        The channels to take, in this order; None takes all.

    Returns
    -------
    Panel
        The series in the order of the rows. Steps at the end at which every channel is empty are cut off; other
        empty cells are NaN. Columns that are no steps are metadata.

    Raises
    ------
    DataError
        If there are no steps, the steps of two channels differ, an id stands twice, a series is empty or a cell is no
        number.
    LabelError
        If a series has no label.
    ParameterError
        If ``channels`` is empty or names one twice.

    Example
    -------
    >>> table = pa.table({"series_id": ["a", "b"], "x_0": [1.0, 4.0], "x_1": [2.0, 5.0], "x_2": [3.0, None]})
    >>> panel = read_wide(Source(table, "the series table"))
    >>> panel.channels, panel.lengths.tolist(), panel.notes
    (('x',), [3, 2], ('the last steps of 1 series are empty: they were read as shorter series',))
    """
    notes: list[str] = []
    label = _find_label(source, label, notes)
    id, ids = _read_ids(source, id, label, notes)
    free = [name for name in source.columns if name not in (id, label)]
    unread = [name for name in free if _is_step_label(name)]
    if unread:
        notes.append(f"labels of single steps were not read: {listing(unread)}")
    if label is None and "label" in free:
        unread.append("label")
        notes.append("the labels in column 'label' were not read")
    every = _steps(source, free)
    chosen = _chosen(every, channels)
    numbers, kept = _common_steps(source, every, chosen, stated=channels is not None)
    if (np.diff(numbers, n=2) != 0).any():
        notes.append("the numbers of the steps are not evenly spaced: only their order was kept")
    left_out = [channel for channel in every if channel not in kept and sorted(every[channel]) == numbers]
    if left_out:
        notes.append(f"channels left out: {listing(left_out)}")
    values, lengths = _read_values(source, [[every[one][number] for number in numbers] for one in kept], ids, notes)
    used = {column for channel in (*kept, *left_out) for column in every[channel].values()}
    facts = [name for name in free if name not in used and name not in unread]
    if facts:
        notes.append(f"columns that are no steps were taken as metadata: {listing(facts)}")
    return Panel(
        values,
        np.cumsum(lengths) - lengths,
        lengths,
        ids=ids,
        channels=kept,
        labels=None if label is None else read_words(source, label, "label", REMEDY, LabelError).every(),
        metadata=pa.table({name: plain_column(source, name) for name in facts}) if facts else None,
        notes=notes,
    )


def _parsed(name: str) -> tuple[str, int] | None:
    """Give the channel and the number of the step that a column is named by; None if it is not named so."""
    if pure := PURE.fullmatch(name.strip()):
        return NAMELESS, int(pure["number"])
    if step := STEP.fullmatch(name.strip()):
        return step["channel"] or NAMELESS, int(step["number"] or step["inside"])
    return None


def _is_step_label(name: str) -> bool:
    parsed = _parsed(name)
    return name.startswith(STEP_LABEL) or (parsed is not None and parsed[0] == "label")


def _numbered(names: Iterable[str]) -> list[tuple[str, int, str]]:
    """Give channel, number and name of the columns that are steps."""
    every = ((_parsed(name), name) for name in names if not _is_step_label(name))
    return [(*parsed, name) for parsed, name in every if parsed is not None]


def _is_run(steps: Iterable[int]) -> bool:
    numbers = sorted(steps)
    return len(numbers) >= FEWEST_STEPS and numbers[-1] - numbers[0] == len(numbers) - 1


def _find_label(source: Source, stated: str | None, notes: list[str]) -> str | None:
    if stated is None or stated in source.columns:
        return stated
    if stated != "label":
        source.column(stated, "label")
    alike = [name for name in source.columns if name.strip().lower() in ("label", *LIKELY["label"])]
    if len(alike) > 1:
        raise DataError(
            f"expected one label column in {source.name}, got {listing(alike)}; say which it is with label=... "
            '("label" in the data of an experiment file)'
        )
    if not alike:
        return None
    notes.append(f"took column {alike[0]!r} as label")
    return alike[0]


def _read_ids(
    source: Source, stated: str | None, label: str | None, notes: list[str]
) -> tuple[str | None, NDArray[np.str_]]:
    """Give the column that names the series, if there is one, and the names."""
    if stated is not None and (stated in source.columns or stated != "series_id"):
        words = read_words(source, stated, "id", "write the id of the series, or leave the row out")
        if len(words.names) < source.rows:
            row = int(np.setdiff1d(np.arange(source.rows), np.unique(words.codes, return_index=True)[1])[0])
            first = int(np.flatnonzero(words.codes == words.codes[row])[0])
            raise DataError(
                f"expected one row for each series in {source.name}, got series {words.at(row)!r} again in "
                f"{source.place(row)}, first in {source.place(first)}; keep one of the two, or say layout='long' if "
                "each row is a step"
            )
        return stated, words.every()
    near = () if stated is None else ("series_id", *LIKELY["id"])
    for name in source.columns:
        if name != label and name.strip().lower() in near:
            some = read_some_words(source, name, "id")
            if len(some.names) == source.rows:
                notes.append(f"took column {name!r} as id")
                return name, some.every()
    if stated is not None:
        notes.append(f"there is no column {stated!r}: the series are named by their row, from 0")
    return None, np.arange(source.rows).astype(str)


def _steps(source: Source, names: list[str]) -> dict[str, dict[int, str]]:
    """Give the columns of each channel by the number of the step."""
    every: dict[str, dict[int, str]] = {}
    for channel, number, name in _numbered(names):
        before = every.setdefault(channel, {}).setdefault(number, name)
        if before != name:
            raise DataError(
                f"expected each step of a channel once in {source.name}, got columns {before!r} and {name!r} for step "
                f"{number} of channel {channel!r}; rename one"
            )
    if not every:
        raise DataError(
            f"expected columns named by the number of a step, such as '0', 'x_0' or 'x[0]', in {source.name}, got "
            f"{listing(names) or 'none'}; name them so, or say layout='long' if each row is a step"
        )
    return every


def _chosen(every: dict[str, dict[int, str]], stated: Sequence[str] | None) -> list[str]:
    if stated is None:
        return list(every)
    chosen = [stated] if isinstance(stated, str) else list(stated)
    twice = [name for place, name in enumerate(chosen) if name in chosen[:place]]
    if twice or not chosen:
        raise ParameterError(
            f"expected channels to name channels of the table, each once, got {listing(twice) or 'no name'}; leave "
            "channels out to take all"
        )
    unknown = [name for name in chosen if name not in every]
    if unknown:
        raise DataError(
            f"expected channels whose steps are columns, got {listing(unknown)}{nearest(unknown[0], list(every))}"
        )
    return chosen


def _common_steps(
    source: Source, every: dict[str, dict[int, str]], chosen: list[str], *, stated: bool
) -> tuple[list[int], list[str]]:
    """Give the numbers of the steps, and the channels that have them; words such as in 'site2' are no channel."""
    first = max(chosen, key=lambda channel: len(every[channel]))
    kept = []
    for channel in chosen:
        if every[channel].keys() == every[first].keys():
            kept.append(channel)
            continue
        if not stated and not any(is_number_column(source, name) for name in every[channel].values()):
            continue
        having, lacking = (first, channel) if every[first].keys() - every[channel].keys() else (channel, first)
        steps = sorted(every[having].keys() - every[lacking].keys())
        raise DataError(
            f"expected the same steps of every channel in {source.name}, got channel {lacking!r} without step "
            f"{listing(steps)}, which channel {having!r} has; add what is lacking, or name the channels to take with "
            "channels=[...]"
        )
    return sorted(every[first]), kept


def _read_values(
    source: Source, columns: list[list[str]], ids: NDArray[np.str_], notes: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read the values of all channels, shape (steps, channels), and how many steps each series has, shape (n,)."""

    def series_at(row: int) -> str:
        return str(ids[row])

    steps = len(columns[0])
    table = np.empty((steps, len(columns), source.rows), dtype=np.float32)
    for place, names in enumerate(columns):
        for step, name in enumerate(names):
            table[step, place] = read_numbers(source, name, keep_missing=True, series_at=series_at)
    known: NDArray[np.bool_] = np.any(~np.isnan(table), axis=1)
    if not known.any(axis=0).all():
        row = int(np.argmin(known.any(axis=0)))
        raise DataError(
            f"expected at least one value in every series, got none in {source.place(row)} (series "
            f"{series_at(row)!r}); leave the row out"
        )
    lengths = (steps - np.argmax(known[::-1], axis=0)).astype(np.int64)
    short = int((lengths < steps).sum())
    if short:
        notes.append(f"the last steps of {short} series are empty: they were read as shorter series")
    return table.transpose(2, 0, 1)[np.arange(steps) < lengths[:, None]], lengths
