"""Whether the rows of a table whose columns are numbered are series or steps, judging by its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.names import LIKELY, is_named, plain_name
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.errors import DataError

CLOCK_NAMES = {"time", *LIKELY["time"]} - {"date", "datum", "fecha"}
"""Names of a clock; a date may be the day of a recording."""
CHANNEL_WORDS = (
    "ch",
    "chan",
    "channel",
    "lead",
    "sensor",
    "electrode",
    "kanal",
    "elektrode",
    "canal",
    "voie",
    "capteur",
)
"""What numbered columns of channels are called."""
MOST_NUMBERED_CHANNELS = 128
"""Above, numbered columns beside an even clock are steps, as of spectra that are measured every hour."""
FEWEST_ROWS = 3
MOST_UNEVEN = 1e-3


def are_called_channels(names: Sequence[str]) -> bool:
    """Whether numbered columns are called channels, and are few enough to be some.

    Example
    -------
    >>> are_called_channels(["Ch1", "Ch2"]), are_called_channels(["x_1", "x_2"])
    (True, False)
    """
    words = {plain_name(name).rstrip("0123456789").rstrip("_") for name in names}
    return len(names) <= MOST_NUMBERED_CHANNELS and words <= {*CHANNEL_WORDS} and bool(words)


def rows_are_steps(sample: Source, id: str, time: str | None) -> bool:
    """Whether the rows are steps: ids repeat, or a clock rises evenly from row to row.

    Parameters
    ----------
    sample
        The first rows of a table that looks wide.
    id, time
        The names of the id column and the clock, if they exist; None for no clock.

    Returns
    -------
    bool
        True if the table is a long one with numbered channels.

    Example
    -------
    >>> import pyarrow as pa
    >>> rows_are_steps(Source(pa.table({"time": [0.0, 0.1, 0.2, 0.0, 0.1, 0.2]}), "x"), "series_id", "time")
    True
    >>> rows_are_steps(Source(pa.table({"time": [3.1, 0.1, 7.4, 0.2]}), "x"), "series_id", "time")
    False
    """
    ids = [name for name in sample.columns if name == id or (id == "series_id" and is_named(name, "id"))]
    if any(len(read_optional_words(sample, name, "id").names) * 2 <= sample.rows for name in ids):
        return True
    clocks = [name for name in sample.columns if name == time or (time == "time" and plain_name(name) in CLOCK_NAMES)]
    return len(sample.columns) <= MOST_NUMBERED_CHANNELS and any(_rises_evenly(sample, name) for name in clocks)


def _rises_evenly(sample: Source, name: str) -> bool:
    """Whether times rise by equal steps, apart from where they start again."""
    try:
        times: Any = read_clock(sample, name).times
    except DataError:
        return False
    steps = np.diff(times.astype(np.float64))
    rising = steps[steps > 0]
    if len(times) < FEWEST_ROWS or 2 * len(rising) < len(steps) or (steps == 0).any():
        return False
    return bool(np.ptp(rising) <= MOST_UNEVEN * np.median(rising) + 1e-9 * np.abs(times.astype(np.float64)).max())
