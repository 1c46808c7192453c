"""Build a Panel from arrays or lists of arrays; the order of the axes is checked, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.precision import shifted
from limelight.errors import DataError, ParameterError, listing

Layout = Literal["ntc", "nct"]


def as_panel(series: Any, layout: Layout | None = None) -> Panel:
    """Convert series in any supported form to a Panel.

    Parameters
    ----------
    series
        A Panel (returned unchanged); an array (n, time, channels) or (n, time); or a list of arrays (time, channels)
        or (time,) of any length.
    layout
        ``"ntc"`` if time comes before channels, ``"nct"`` if channels come before time, as in aeon and PyTorch's
        convolutions. None means ``"ntc"``, and rejects arrays that look like ``"nct"``.

    Returns
    -------
    Panel
        The series, without labels unless they were passed as a labelled Panel.

    Raises
    ------
    DataError
        If the arrays have the wrong shape, are empty, are not numeric, or look like (n, channels, time).
    ParameterError
        If ``layout`` has another value.

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
        arrays = [np.asarray(array) for array in series]
    else:
        array = np.asarray(series)
        if array.ndim not in (2, 3):
            raise DataError(
                f"expected series as an array (n, time, channels) or (n, time), got shape {array.shape}; "
                "pass one row per series"
            )
        arrays = list(array)
    if layout == "nct":
        arrays = [array.T if array.ndim == 2 else array for array in arrays]
    elif layout is None:
        _reject_channels_first(arrays)
    return Panel.from_series(arrays)


def join_panels(panels: Sequence[Panel]) -> Panel:
    """Concatenate the series of several panels.

    Parameters
    ----------
    panels
        Panels with the same channels, all or none with labels, all or none with times, and without signals.

    Returns
    -------
    Panel
        The series in the order of the panels; metadata fields are matched by name.

    Raises
    ------
    DataError
        If the channels differ, two panels have a series with the same id, or only some panels have labels, times or
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
                f"{listing(panel.channels)} in another; make the channels equal, or name the channels to use"
            )
    ids = np.concatenate([panel.ids for panel in panels])
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f"expected each id in one file, got {listing(names[counts > 1].tolist())} in several; give every series a "
            "distinct id"
        )
    lengths = np.concatenate([panel.lengths for panel in panels])
    has = {name: [getattr(panel, name) is not None for panel in panels] for name in ("labels", "times", "metadata")}
    for name, present in has.items():
        if any(present) and not all(present):
            raise DataError(
                f"expected {name} in every file or in none, got {name} for "
                f"{listing(panels[present.index(True)].ids.tolist())} and not for "
                f"{listing(panels[present.index(False)].ids.tolist())}; add {name} to the other files, or remove "
                "them everywhere"
            )
    tables = [panel.metadata for panel in panels if panel.metadata is not None]
    offsets = np.stack([panel.offset for panel in panels])
    offset = offsets[np.abs(offsets).argmax(axis=0), np.arange(offsets.shape[1])]
    return Panel(
        np.concatenate([shifted(panel.values, panel.offset - offset) for panel in panels]),
        np.cumsum(lengths) - lengths,
        lengths,
        ids=ids,
        channels=first.channels,
        times=np.concatenate([np.asarray(panel.times) for panel in panels]) if all(has["times"]) else None,
        labels=np.concatenate([panel.require_labels() for panel in panels]) if all(has["labels"]) else None,
        metadata=pa.concat_tables(tables, promote_options="permissive") if tables else None,
        units=first.units,
        offset=offset,
        notes=list(dict.fromkeys(note for panel in panels for note in panel.notes)),
    )


def is_ragged(series: Sequence[Any]) -> bool:
    """Whether a sequence holds separate series, rather than the rows of one array (n, time)."""
    shapes = {np.shape(array) for array in series}
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes)


def _reject_channels_first(arrays: Sequence[NDArray[Any]]) -> None:
    shapes = [array.shape for array in arrays if array.ndim == 2]
    if len(shapes) < len(arrays) or not shapes:
        return
    times, channels = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    transposed = len(times) == 1 and len(channels) > 1
    if transposed or (len(channels) == 1 and max(times) < min(channels)):
        first = shapes[0]
        raise DataError(
            f"expected series of shape (time, channels), got {first[0]} time steps of {first[1]} channels, which looks "
            "like (channels, time); pass layout='nct' if it is, or layout='ntc' if there really are so many channels"
        )
