"""Read numbers such as -999, which stand for a missing value, as missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.data.panel import Panel
from limelight.data.precision import absolute
from limelight.errors import DataError, ParameterError, listing


def mark_missing(panel: Panel, numbers: Sequence[float], *, in_place: bool = False) -> Panel:
    """Replace numbers that stand for a missing value by NaN, in every channel.

    Parameters
    ----------
    panel
        The series.
    numbers
        The numbers, compared as float32.
    in_place
        Whether to change the values of the panel, such as those of a store that is being written, instead of a copy.

    Returns
    -------
    Panel
        The series, with a note on what was replaced; the same panel if none of the numbers occurs.

    Raises
    ------
    ParameterError
        If the panel is a store and one of the numbers occurs in it; stores cannot be changed.

    Example
    -------
    >>> marked = mark_missing(Panel.from_series([[1.0, -999.0]], channels=["flow"]), [-999])
    >>> marked.series(0).ravel().tolist(), marked.notes
    ([1.0, nan], ("-999 is read as a missing value, 1 time in 'flow'",))
    """
    sought = np.asarray(numbers, dtype=np.float32)
    counts = np.zeros((len(sought), len(panel.channels)), dtype=np.int64)
    for block in panel.blocks():
        for row, number in enumerate(sought):
            counts[row] += (absolute(block.values, block.offset) == number).sum(axis=0)
    if not counts.any():
        return panel
    if panel.backing is not None:
        raise ParameterError(
            f"expected a store without the values {listing(numbers)}, got one with them; pack it again with "
            "data.missing_values, as stores cannot be changed"
        )
    values = panel.values if in_place else panel.values.copy()
    for begin in range(0, len(values), 1 << 20):
        part = values[begin : begin + (1 << 20)]
        part[np.isin(absolute(part, panel.offset), sought)] = np.nan
    notes = [
        f"{number:.7g} is read as a missing value, {total} {'time' if total == 1 else 'times'} in "
        f"{listing(name for name, count in zip(panel.channels, by_channel, strict=True) if count)}"
        for number, by_channel in zip(sought.tolist(), counts.tolist(), strict=True)
        if (total := sum(by_channel))
    ]
    return panel.replace(values=values, notes=(*panel.notes, *notes))


def require_complete(panel: Panel) -> None:
    """Check that no value is missing; DataError names the first that is."""
    for row in range(len(panel)):
        missing = np.argwhere(np.isnan(panel.series(row)))
        if len(missing):
            step, channel = missing[0]
            raise DataError(
                f"expected no missing values, got one in series {str(panel.ids[row])!r}, step {step}, "
                f"channel {panel.channels[channel]!r}; fill it in, or set missing='keep' to read it as NaN"
            )
