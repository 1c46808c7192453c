"""Build a Panel from arrays or lists of arrays; the order of the axes is checked, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels
from limelight.data.containers.frames import SeriesParts, ids_of_index, index_array, is_nested, read_list, read_nested
from limelight.data.containers.numbers import (
    as_array,
    column_names,
    has_index,
    is_column,
    is_frame,
    is_sparse,
    is_special,
    opened_frame,
)
from limelight.data.containers.words import checked_words
from limelight.data.panel import NO_NUMBERS, Panel
from limelight.data.precision import shifted
from limelight.data.reading.names import is_named, is_named_as_row_number
from limelight.data.reading.step_names import steps_of_channels
from limelight.errors import DataError, DataTypeError, ParameterError, listing, shown

Layout = Literal["ntc", "nct"]


@dataclass(frozen=True)
class Trained:
    """What a fitted model knows of its series, which decides between two readings of a shape.

    Parameters
    ----------
    channels
        The names of its channels.
    shortest
        The number of steps of the shortest training series, at least 1.
    """

    channels: tuple[str, ...]
    shortest: int = 2


def as_panel(series: Any, layout: Layout | None = None, trained: Trained | None = None) -> Panel:
    """Convert series in any supported form to a Panel.

    Parameters
    ----------
    series
        A Panel (returned unchanged); an array (n, time, channels) or (n, time); a list of arrays or frames
        (time, channels) or (time,) of any length, or a dict of them by id; or a frame whose cells hold series. Masked
        values are missing; tensors are converted.
    layout
        ``"ntc"`` if time comes before channels, ``"nct"`` if channels come before time, as in aeon and PyTorch's
        convolutions. None means ``"ntc"``, and rejects arrays that look like ``"nct"``. The columns of frames are
        channels, whatever the layout.
    trained
        What the model knows of its series: a single series (time, channels) is then accepted too.

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
    >>> as_panel(np.zeros((50, 3)), trained=Trained(("x", "y", "z")))
    Panel(1 series, 50 steps, 3 channels)
    """
    if layout is not None and layout not in get_args(Layout):
        raise ParameterError(f"expected layout='ntc' (time, channels) or 'nct' (channels, time), got {layout!r}")
    if isinstance(series, Panel):
        return series
    require_series(series)
    parts = _parts_of(series, layout, trained)
    arrays = parts.arrays
    if layout == "nct" and not parts.framed:
        arrays = [array.T if array.ndim == 2 else array for array in arrays]
    elif layout is None and not parts.framed:
        _reject_channels_first(arrays, trained)
    return Panel.from_series(arrays, ids=parts.ids, channels=parts.channels, times=parts.times, notes=parts.notes)


def require_series(series: Any) -> None:
    """Check that an object is a container of series, not what the conversion to arrays would find in it.

    Parameters
    ----------
    series
        As for ``as_panel``.

    Raises
    ------
    DataError
        If it is no container, holds no series, or holds complex numbers, dates or records.

    Example
    -------
    >>> require_series("series.csv")
    Traceback (most recent call last):
    limelight.errors.DataError: expected series as a Panel, an array, a list of arrays or a frame, got 'series.csv'; \
read files with limelight.read_table
    """
    if isinstance(series, Panel) or is_special(series):
        return
    if is_sparse(series):
        raise DataTypeError(f"expected dense arrays, got {type(series).__name__}, which is sparse; pass X.toarray()")
    if isinstance(series, np.ndarray) and series.dtype.kind in NO_NUMBERS:
        raise DataError(f"expected numbers as series, got {NO_NUMBERS[series.dtype.kind]}; convert them")
    container = hasattr(series, "__array__") or (hasattr(series, "__len__") and hasattr(series, "__getitem__"))
    if isinstance(series, (str, bytes)) or not container:
        advice = "read files with limelight.read_table" if isinstance(series, (str, PathLike)) else "pass arrays"
        raise DataError(
            f"expected series as a Panel, an array, a list of arrays or a frame, got {shown(series)}; {advice}"
        )
    if isinstance(series, (list, tuple, Mapping)) and not len(series):
        raise DataError(
            "expected series as an array (n, time, channels) or (n, time), got shape (0,); pass one row per series"
        )
    for one in series.values() if is_dict(series) else series if isinstance(series, (list, tuple)) else ():
        if one is None or isinstance(one, (str, bytes, Mapping, set)):
            raise DataError(
                f"expected an array of numbers for each series, got {shown(one)}; convert it, or leave it out"
            )


def _parts_of(series: Any, layout: Layout | None, trained: Trained | None) -> SeriesParts:
    """Split a container into one array for each series, with what it says besides."""
    channels = () if trained is None else trained.channels
    if is_dict(series):
        parts = read_list(list(series.values()), channels)
        parts.ids = checked_words(series, "the id of a series")
        return parts
    if is_single_series(series, layout, trained):
        return read_list([series], channels)
    if is_frame(series):
        if is_nested(series):
            return read_nested(series)
        return table_parts(series, as_array(series))
    if is_separate(series):
        return read_list(list(series), channels)
    array = as_array(series)
    if array.ndim not in (2, 3):
        raise DataError(
            f"expected series as an array (n, time, channels) or (n, time), got shape {array.shape}; "
            "pass one row per series"
        )
    return SeriesParts(list(array))


def table_parts(table: Any, array: NDArray[Any]) -> SeriesParts:
    """Read a table with one row for each series, shape (n, time), whose values are already converted.

    Parameters
    ----------
    table
        The table. The row index of a pandas frame names the series; column names that are dates are the clock.
    array
        Its values, shape (n, time).

    Returns
    -------
    SeriesParts
        One array of shape (time,) for each row.

    Example
    -------
    >>> import pandas as pd
    >>> frame = pd.DataFrame([[1.0, 2.0]], index=["pump"])
    >>> table_parts(frame, frame.to_numpy()).ids
    ['pump']
    """
    parts = SeriesParts(list(array))
    if is_frame(table) and has_index(table):
        parts.ids = ids_of_index(table.index)
        times = index_array(table.columns)
        if times is not None and times.dtype.kind == "M" and (times[1:] > times[:-1]).all():
            parts.times = [times] * len(parts.arrays)
    return parts


def is_dict(series: Any) -> bool:
    """Whether a container maps ids to series; sparse matrices of SciPy that are dicts do not."""
    return isinstance(series, Mapping) and not hasattr(series, "shape")


def is_wide_table(series: Any, layout: Layout | None, trained: Trained | None) -> bool:
    """Whether a container is a table (n, time), rather than an array of three dimensions or separate series.

    Parameters
    ----------
    series
        As for ``as_panel``.
    layout, trained
        As for ``is_single_series``.

    Example
    -------
    >>> is_wide_table(np.zeros((2, 3)), None, None), is_wide_table(np.zeros((2, 3, 1)), None, None)
    (True, False)
    """
    if is_dict(series) or is_single_series(series, layout, trained) or is_separate(series):
        return False
    return not is_nested(series) if is_frame(series) else getattr(series, "ndim", 2) != 3


def panel_of_table(table: Any, array: NDArray[Any]) -> Panel:
    """Build a Panel from a table (n, time) whose values are already converted; parameters as for ``table_parts``."""
    parts = table_parts(table, array)
    return Panel.from_series(parts.arrays, ids=parts.ids, times=parts.times)


def has_names(series: Any) -> bool:
    """Whether series have ids or an index of their own, by which labels with an index are aligned.

    Example
    -------
    >>> has_names(np.zeros((2, 3))), has_names({"pump": [1.0, 2.0]})
    (False, True)
    """
    if isinstance(series, Panel) or is_dict(series):
        return True
    return bool(is_frame(series) and has_index(series) and series.index.nlevels == 1 and series.index.is_unique)


def plain_table(table: Any, *, fitting: bool) -> Any:
    """Return a table (n, time) as scikit-learn reads it: masked values are NaN, tensors are arrays.

    Raises
    ------
    DataError
        If the table has one row for each step, as ``read_table`` reads it; or, in a fit, columns besides the steps of
        one channel.

    Example
    -------
    >>> plain_table(np.ma.masked_equal([[1.0, -9.0]], -9.0), fitting=True)
    array([[ 1., nan]])
    """
    if is_frame(table):
        _reject_long(table)
        if fitting:
            _reject_other_columns(column_names(table))
        return table
    return as_array(table) if is_special(table) or isinstance(table, (list, tuple)) else table


def _reject_long(table: Any) -> None:
    """Raise DataError if a table has one row for each step: rows of a multi-index, or an id column that repeats."""
    levels = table.index.nlevels if has_index(table) else 1
    ids = [name for name in column_names(table) if is_named(name, "id")]
    found = "an index of several levels" if levels > 1 else ""
    if not found and ids:
        opened = opened_frame(table)
        repeated = [name for name in ids if opened[name].n_unique() < len(opened)]
        found = f"a column {repeated[0]!r} that repeats" if repeated else ""
    if found:
        raise DataError(
            f"expected one row for each series, got {found}, as in a table with one row for each step; read it with "
            "limelight.read_table(frame), which returns series with their labels, and pass these as X"
        )


def _reject_other_columns(names: Sequence[str]) -> None:
    """Raise DataError if the columns of a frame (n, time) are not the steps of one channel alone."""
    steps = steps_of_channels(names)
    numbered = {name for columns in steps.values() for name in columns}
    others = [name for name in names if name not in numbered]
    roles = [name for name in others if name in ("label", "series_id", "time") or is_named_as_row_number(name)]
    if roles or (others and 2 * len(numbered) >= len(names)):
        beside = f" beside steps such as {next(name for name in names if name in numbered)!r}" if numbered else ""
        raise DataError(
            f"expected a column for each step in a frame with one row for each series, got "
            f"{listing(others if numbered else roles)}{beside}; leave these columns out and pass labels as y, or read "
            "the frame with limelight.read_table(frame), and pass the result as X"
        )
    if len(steps) > 1 and not others and len({len(columns) for columns in steps.values()}) == 1:
        raise DataError(
            f"expected the steps of one channel in a frame with one row for each series, got those of "
            f"{listing(steps)}; read it with limelight.read_table(frame), and pass the result as X"
        )


def is_single_series(series: Any, layout: Layout | None, trained: Trained | None) -> bool:
    """Whether a container is one series (time, channels) or (time,), given the channels of the model.

    Parameters
    ----------
    series
        The series; a table (n, time) is the alternative if the model has one channel.
    layout
        As for ``as_panel``.
    trained
        What the model knows of its series; None for a fit, where one series is never accepted.

    Returns
    -------
    bool
        False for any container of several series.

    Raises
    ------
    DataError
        If a column of numbers may be one series, or several series of one step.

    Example
    -------
    >>> model = Trained(("channel_0",))
    >>> is_single_series(np.zeros((30, 1)), None, model), is_single_series(np.zeros((1, 30)), None, model)
    (True, False)
    """
    if trained is None or (isinstance(series, Panel) or is_dict(series)):
        return False
    names, width = trained.channels, len(trained.channels)
    if is_frame(series):
        columns = column_names(series)
        if is_nested(series):
            return False
        if set(names) <= {*columns} or (width > 1 and len(columns) == width):
            return True
        return width == len(columns) == 1 and _is_one_column(tuple(series.shape), trained)
    if is_separate(series):
        return False
    shape = tuple(getattr(series, "shape", None) or _shape_of(series))
    if len(shape) == 1:
        return width == 1 and shape[0] > 0
    if len(shape) != 2:
        return False
    if width > 1:
        return bool(shape[0 if layout == "nct" else 1] == width)
    return _is_one_column(shape, trained)


def _is_one_column(shape: tuple[int, ...], trained: Trained) -> bool:
    """Whether a table of one column is one series of one channel; DataError if its rows may be series, too."""
    if shape[1] != 1 or shape[0] == 1:
        return False
    if trained.shortest == 1:
        raise DataError(
            f"expected series of shape (n, time, channels), got shape {shape}, which is one series of {shape[0]} steps "
            f"or {shape[0]} series of one step, as in training; pass X[None] for one series, or X[:, None] for several"
        )
    return True


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
    optional = {"labels": "labels", "labels of steps": "step_labels", "times": "times", "metadata": "metadata"}
    has = {name: [getattr(panel, one) is not None for panel in panels] for name, one in optional.items()}
    for name, present in has.items():
        if any(present) and not all(present):
            raise DataError(
                f"expected {name} in every file or in none, got {name} for "
                f"{listing(panels[present.index(True)].ids.tolist())} and not for "
                f"{listing(panels[present.index(False)].ids.tolist())}; add {name} to the other files, or remove "
                "them everywhere"
            )
    tables = [panel.metadata for panel in panels if panel.metadata is not None]
    steps = [panel.step_labels for panel in panels]
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
        step_labels=StepLabels.joined([one for one in steps if one is not None])
        if all(has["labels of steps"])
        else None,
        metadata=pa.concat_tables(tables, promote_options="permissive") if tables else None,
        units=first.units,
        offset=offset,
        notes=list(dict.fromkeys(note for panel in panels for note in panel.notes)),
    )


def is_separate(series: Any) -> bool:
    """Whether a container holds separate series, rather than the rows of one array (n, time).

    Example
    -------
    >>> is_separate([[1.0, 2.0], [3.0]]), is_separate([[1.0, 2.0], [3.0, 4.0]])
    (True, False)
    """
    if is_column(series) or isinstance(series, np.ndarray):
        return series.ndim == 1 and str(series.dtype) == "object" and len(series) > 0
    if not isinstance(series, (list, tuple)):
        return False
    shapes = {_shape_of(array) for array in series}
    return len(shapes) > 1 or any(len(shape) == 2 for shape in shapes) or any(is_special(one) for one in series)


def _shape_of(array: Any) -> tuple[int, ...]:
    """Return the shape of an array or of nested lists; (-1,) if these have no shape."""
    try:
        return tuple(np.shape(array))
    except (TypeError, ValueError, RuntimeError):
        return (-1,)


def _reject_channels_first(arrays: Sequence[NDArray[Any]], trained: Trained | None) -> None:
    shapes = [array.shape for array in arrays if array.ndim == 2]
    if len(shapes) < len(arrays) or not shapes:
        return
    times, channels = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    if trained is not None and channels == {len(trained.channels)}:
        return
    transposed = len(times) == 1 and len(channels) > 1
    if transposed or (len(channels) == 1 and max(times) < min(channels)):
        first = shapes[0]
        raise DataError(
            f"expected series of shape (time, channels), got {first[0]} time steps of {first[1]} channels, which looks "
            "like (channels, time); pass layout='nct' if it is, or layout='ntc' if there really are so many channels"
        )
