"""Tables of intervals: rows with a start, an end and a label, several for one series."""

from __future__ import annotations

from collections.abc import Sequence

from limelight.data.labels import INTERVAL
from limelight.data.reading.names import plain_name

STARTS = (
    "start", "begin", "from", "onset", "start_time", "begin_time", "t_start", "start_step", "start_index",
    "start_sample", "von", "beginn", "anfang", "startzeit", "debut", "inicio", "desde",
)  # fmt: skip
ENDS = (
    "end", "stop", "to", "until", "offset", "end_time", "stop_time", "t_end", "end_step", "end_index", "end_sample",
    "duration", "bis", "ende", "endzeit", "dauer", "fin", "duree", "hasta", "duracion",
)  # fmt: skip
"""Names of the columns, as ``plain_name`` writes them."""
INTERVALS_REMEDY = (
    "give each step its label, in a column of the series table, as merge_asof of pandas does; see 'My labels belong to "
    "steps' in the documentation"
)


def find_interval_columns(columns: Sequence[str]) -> tuple[str, str] | None:
    """Find the columns of the start and of the end or the duration of intervals.

    Parameters
    ----------
    columns
        The columns of a table.

    Returns
    -------
    tuple[str, str] or None
        Both columns; None unless there is one of each. ``interval_start`` and ``interval_stop``, which state where the
        label of a series is visible, are none.

    Example
    -------
    >>> find_interval_columns(["recording", "Start [s]", "End [s]", "activity"])
    ('Start [s]', 'End [s]')
    """
    named = {name: plain_name(name) for name in columns if name not in INTERVAL}
    starts = [name for name, plain in named.items() if plain in STARTS]
    ends = [name for name, plain in named.items() if plain in ENDS]
    return (starts[0], ends[0]) if len(starts) == len(ends) == 1 else None
