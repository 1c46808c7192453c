"""Arrays and lists of arrays become a Panel; the order of the axes is checked, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError, listing

Layout = Literal["ntc", "nct"]


def as_panel(series: Any, layout: Layout | None = None) -> Panel:
    """Take whatever holds series and give a Panel.

    Parameters
    ----------
    series
        A Panel (given back as it is); an array (n, time, channels) or (n, time); a list of arrays (time, channels)
        or (time,) of any lengths.
    layout
        ``"ntc"`` states that time comes before channels, ``"nct"`` that channels come before time, as aeon and
        PyTorch's convolutions have it. None means ``"ntc"`` and refuses what looks like ``"nct"``.

    Returns
    -------
    Panel
        Without labels, unless a Panel with labels was given.

    Raises
    ------
    DataError
        If the arrays are of the wrong shape, empty, not numbers, or look like (n, channels, time).
    ParameterError
        If ``layout`` is something else.

    Example
    -------
    >>> as_panel(np.zeros((2, 3, 50)), layout="nct")
    Panel(2 series, 50 steps, 3 channels)
    """
    if layout is not None and layout not in get_args(Layout):
        raise ParameterError(f"expected layout='ntc' (time, channels) or 'nct' (channels, time), got {layout!r}")
    if isinstance(series, Panel):
        return series
    if isinstance(series, (list, tuple)) and is_ragged(series):
        arrays = [np.asarray(one) for one in series]
    else:
        array = np.asarray(series)
        if array.ndim not in (2, 3):
            raise DataError(
                f"expected series as an array (n, time, channels) or (n, time), got shape {array.shape}; "
                "give one row for each series"
            )
        arrays = list(array)
    if layout == "nct":
        arrays = [one.T if one.ndim == 2 else one for one in arrays]
    elif layout is None:
        _refuse_channels_first(arrays)
    return Panel.from_series(arrays)


def join_panels(panels: Sequence[Panel]) -> Panel:
    """Put the series of several panels into one.

    Parameters
    ----------
    panels
        With the same channels, all with labels or none, all with times or none, without signals.

    Returns
    -------
    Panel
        The series of the first, of the second, and so on; metadata by the names of its fields.

    Raises
    ------
    DataError
        If the channels differ, a series of the same name is in two of them, or only some have labels, times or
        metadata.

    Example
    -------
    >>> join_panels([Panel.from_series([[1.0]], ids=["a"]), Panel.from_series([[2.0, 3.0]], ids=["b"])])
    Panel(2 series, 1 to 2 steps, 1 channel)
    """
    panels = [panel.compact() for panel in panels]
    first = panels[0]
    for panel in panels[1:]:
        if panel.channels != first.channels:
            raise DataError(
                f"expected the same channels in every file, got {listing(first.channels)} in one and "
                f"{listing(panel.channels)} in another; make the files alike, or say which channels to take"
            )
    ids = np.concatenate([panel.ids for panel in panels])
    names, times = np.unique(ids, return_counts=True)
    if (times > 1).any():
        raise DataError(
            f"expected each id in one file, got {listing(names[times > 1].tolist())} in several; give every series an "
            "id of its own"
        )
    lengths = np.concatenate([panel.lengths for panel in panels])
    has = {name: [getattr(panel, name) is not None for panel in panels] for name in ("labels", "times", "metadata")}
    for name, there in has.items():
        if any(there) and not all(there):
            raise DataError(
                f"expected {name} in every file or in none, got {name} for "
                f"{listing(panels[there.index(True)].ids.tolist())} and not for "
                f"{listing(panels[there.index(False)].ids.tolist())}; make the files alike"
            )
    tables = [panel.metadata for panel in panels if panel.metadata is not None]
    return Panel(
        np.concatenate([panel.values for panel in panels]),
        np.cumsum(lengths) - lengths,
        lengths,
        ids=ids,
        channels=first.channels,
        times=np.concatenate([np.asarray(panel.times) for panel in panels]) if all(has["times"]) else None,
        labels=np.concatenate([panel.require_labels() for panel in panels]) if all(has["labels"]) else None,
        metadata=pa.concat_tables(tables, promote_options="permissive") if tables else None,
        units=first.units,
        notes=list(dict.fromkeys(note for panel in panels for note in panel.notes)),
    )


def is_ragged(series: Sequence[Any]) -> bool:
    """Say whether these are arrays of their own, rather than the rows of one array (n, time)."""
    shapes = {np.shape(one) for one in series}
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


def _refuse_channels_first(arrays: Sequence[NDArray[Any]]) -> None:
    shapes = [one.shape for one in arrays if one.ndim == 2]
    if len(shapes) < len(arrays) or not shapes:
        return
    times, channels = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    transposed = len(times) == 1 and len(channels) > 1
    if transposed or (len(channels) == 1 and max(times) < min(channels)):
        first = shapes[0]
        raise DataError(
            f"expected series of shape (time, channels), got {first[0]} time steps of {first[1]} channels, which looks "
            "like (channels, time); say layout='nct' if it is, or layout='ntc' if there really are so many channels"
        )
