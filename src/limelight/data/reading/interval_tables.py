"""Tables of intervals: rows with a start, an end or a duration, and a label, several for one series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limelight.data.labels import INTERVAL
from limelight.data.reading.id_columns import find_id_column
from limelight.data.reading.names import plain_name
from limelight.data.reading.sources import Source
from limelight.errors import DataError

STARTS = (
    "start", "begin", "from", "onset", "start_time", "begin_time", "starttime", "t_start", "tstart", "t0", "tmin",
    "start_date", "start_datetime", "start_timestamp", "onset_time",
    "von", "beginn", "anfang", "startzeit", "debut", "inicio", "desde",
)  # fmt: skip
ENDS = (
    "end", "stop", "to", "until", "offset", "end_time", "stop_time", "endtime", "t_end", "tend", "t_stop", "t1", "tmax",
    "end_date", "end_datetime", "end_timestamp", "stop_date", "offset_time",
    "bis", "ende", "endzeit", "fin", "hasta",
)  # fmt: skip
DURATIONS = ("duration", "length", "dauer", "duree", "duracion")
FIRST_STEPS = ("start_step", "first_step", "start_index", "start_sample", "start_frame", "first_index", "first_sample")
LAST_STEPS = ("end_step", "last_step", "stop_step", "end_index", "end_sample", "end_frame", "last_index", "last_sample")
"""Names of the columns, as ``plain_name`` writes them."""
INTERVALS_REMEDY = "move it to another folder, and pass it with --labels"


@dataclass(frozen=True)
class IntervalColumns:
    """The columns that hold the bounds of intervals.

    Parameters
    ----------
    start, end
        The names of the columns of the first and of the last time, or of the first and of the last step.
    has_duration
        Whether ``end`` holds durations.
    of_steps
        Whether the bounds are numbers of steps, counted from 0.
    """

    start: str
    end: str
    has_duration: bool = False
    of_steps: bool = False


def find_interval_columns(columns: Sequence[str]) -> IntervalColumns | None:
    """Find the columns of the start and of the end or the duration of intervals.

    Parameters
    ----------
    columns
        The columns of a table.

    Returns
    -------
    IntervalColumns or None
        Times come before numbers of steps, and an end before a duration; None unless there is one column of each.
        ``interval_start`` and ``interval_stop``, which state where the label of a series is visible, are none.

    Example
    -------
    >>> find_interval_columns(["recording", "Start [s]", "End [s]", "activity"])
    IntervalColumns(start='Start [s]', end='End [s]', has_duration=False, of_steps=False)
    """
    named = {name: plain_name(name) for name in columns if name not in INTERVAL}
    for starts, ends in ((STARTS, ENDS), (STARTS, DURATIONS), (FIRST_STEPS, LAST_STEPS), (FIRST_STEPS, DURATIONS)):
        found = [[name for name, plain in named.items() if plain in known] for known in (starts, ends)]
        if len(found[0]) == len(found[1]) == 1:
            return IntervalColumns(found[0][0], found[1][0], ends is DURATIONS, starts is FIRST_STEPS)
    return None


def repeated_series(source: Source, id: str, ids: NDArray[np.str_], excluded: Sequence[str] = ()) -> str | None:
    """Return the series with most rows in a table; None if no series has several.

    Without ids, it is "" if the table has more rows than there are series, or there is a single series.

    Parameters
    ----------
    source, id, ids, excluded
        As for ``find_id_column``.

    Example
    -------
    >>> import pyarrow as pa
    >>> table = pa.table({"series_id": ["a", "b", "b"], "start": [0, 0, 5], "end": [4, 2, 9]})
    >>> repeated_series(Source(table, "the labels table"), "series_id", np.array(["a", "b"]))
    'b'
    """
    try:
        words = find_id_column(source, id, ids, excluded=excluded).words
    except DataError:
        return "" if source.rows > len(ids) or len(ids) == 1 else None
    if len(words.names) == source.rows:
        return None
    return words.at(int(np.argmax(np.bincount(words.codes)[words.codes])))
