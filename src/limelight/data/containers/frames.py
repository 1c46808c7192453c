"""Frames as series: one frame for each series, or one frame whose cells hold the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from limelight.data.clock import require_increasing
from limelight.data.containers.numbers import as_array, column_array, has_index, is_column, is_frame, opened_frame
from limelight.data.containers.words import checked_words
from limelight.data.reading.names import is_named, is_named_as_row_number
from limelight.errors import DataError, listing, shown

TARGET_NAMES = ("label", "series_id")


@dataclass
class SeriesParts:
    """Series with the names of their channels and their clocks.

    Parameters
    ----------
    arrays
        Arrays of shape (time, channels) or (time,), one for each series.
    channels
        The names of the channels, or None.
    times
        The times of each series, shape (time,) each, or None.
    notes
        What was assumed, one sentence each.
    framed
        Whether the series are frames, whose columns are channels whatever the layout.
    ids
        The name of each series, or None.
    """

    arrays: list[NDArray[Any]]
    channels: tuple[str, ...] | None = None
    times: list[NDArray[Any]] | None = None
    notes: list[str] = field(default_factory=list)
    framed: bool = False
    ids: list[str] | None = None


def read_list(series: Sequence[Any], channels: Sequence[str] = ()) -> SeriesParts:
    """Read a list with one container for each series.

    Parameters
    ----------
    series
        Frames with a column for each channel, columns, arrays or tensors. Frames have the same columns, in any order.
        The index of pandas is the clock if it holds times; a column of dates, or a column ``time`` or the like whose
        numbers increase, is the clock too.
    channels
        The names of the channels in training. If frames have a column for each of them, other columns are ignored.

    Returns
    -------
    SeriesParts
        The series in the given order.

    Raises
    ------
    DataError
        If the columns of two frames differ, or a column holds text or several columns hold dates.

    Example
    -------
    >>> import pyarrow as pa
    >>> parts = read_list([pa.table({"a": [1.0], "b": [2.0]}), pa.table({"b": [4.0], "a": [3.0]})])
    >>> parts.channels, [array.tolist() for array in parts.arrays]
    (('a', 'b'), [[[1.0, 2.0]], [[3.0, 4.0]]])
    """
    if not all(is_frame(one) for one in series):
        if any(is_frame(one) for one in series):
            raise DataError("expected frames or arrays as series, got both in one list; convert all to one of them")
        parts = SeriesParts([as_array(one) for one in series])
        if all(is_column(one) and has_index(one) for one in series):
            parts.times = index_times([one.index for one in series], parts.notes)
        return parts
    return _read_frames(series, channels)


def _read_frames(series: Sequence[Any], trained: Sequence[str]) -> SeriesParts:
    """Read a list of frames; see ``read_list``."""
    frames = [opened_frame(one) for one in series]
    parts = SeriesParts([], framed=True)
    columns = _common_columns(frames)
    known = [name for name in columns if str(name) in trained]
    complete = len(known) == len(trained) > 0
    clock = _clock_column(frames, [name for name in columns if not complete or name not in known], parts.notes)
    channels = [name for name in columns if name != clock]
    if complete:
        ignored = [name for name in channels if name not in known]
        if ignored:
            parts.notes.append(f"ignored columns that are no channels of the model: {listing(ignored)}")
        channels = known
    else:
        channels = _measurements(frames, channels, parts.notes)
    for number, frame in enumerate(frames):
        _require_numbers(frame, channels, number)
        parts.arrays.append(np.column_stack([column_array(frame[name]) for name in channels]))
    if clock is not None:
        parts.times = [_times_of(frame[clock]) for frame in frames]
        require_increasing(parts.times, f"column {str(clock)!r}")
    elif all(has_index(one) for one in series):
        parts.times = index_times([one.index for one in series], parts.notes)
    unnamed = columns == [str(number) for number in range(len(columns))]
    parts.channels = None if unnamed else tuple(str(name) for name in channels)
    return parts


def _measurements(frames: Sequence[Any], columns: Sequence[Any], notes: list[str]) -> list[Any]:
    """Return the columns that are channels: all but row numbers; DataError if one is a label or none is left."""
    targets = [name for name in columns if str(name).lower() in TARGET_NAMES or str(name).startswith("label_")]
    if targets:
        raise DataError(
            f"expected columns of measurements in the frames, got {listing(targets)}; remove them and pass labels as "
            "y, or read one long table with limelight.read_table"
        )
    rows = [name for name in columns if _counts_rows(frames, name)]
    if rows:
        notes.append(f"columns that number the rows were not read: {listing(rows)}")
    channels = [name for name in columns if name not in rows]
    if not channels:
        raise DataError(
            f"expected at least one column of numbers in each frame, got {listing(columns) or 'none'}; add the "
            "measurements"
        )
    return channels


def is_nested(frame: Any) -> bool:
    """Whether the cells of a frame hold series, as in sktime: Series, arrays or lists of numbers.

    Example
    -------
    >>> import pyarrow as pa
    >>> is_nested(pa.table({"dim_0": [[1.0, 2.0], [3.0]]})), is_nested(pa.table({"dim_0": [1.0]}))
    (True, False)
    """
    opened = opened_frame(frame)
    return bool(len(opened)) and any(_holds_series(opened[name]) for name in opened.columns)


def read_nested(frame: Any) -> SeriesParts:
    """Read a frame with one row for each series and one column for each channel, whose cells hold the values.

    Parameters
    ----------
    frame
        The frame; the cells of a row have the same length.

    Returns
    -------
    SeriesParts
        The series in the order of the rows.

    Raises
    ------
    DataError
        If a column holds single values, or the cells of a row differ in length.

    Example
    -------
    >>> import pyarrow as pa
    >>> [array.tolist() for array in read_nested(pa.table({"x": [[1, 2], [3]], "y": [[5, 6], [7]]})).arrays]
    [[[1, 5], [2, 6]], [[3, 7]]]
    """
    opened = opened_frame(frame)
    single = [name for name in opened.columns if not _holds_series(opened[name])]
    if single:
        raise DataError(
            f"expected a series in every cell, as in the other columns, got single values in {listing(single)}; remove "
            "these columns from X"
        )
    cells = {str(name): opened[name].to_list() for name in opened.columns}
    parts = SeriesParts([], tuple(cells), framed=True)
    for row in range(len(opened)):
        arrays = {name: as_array(column[row]) for name, column in cells.items()}
        single = [name for name, array in arrays.items() if array.ndim != 1]
        if single:
            raise DataError(
                f"expected a series of numbers in every cell, got {shown(cells[single[0]][row])} in row {row} of "
                f"column {single[0]!r}; leave out series without values"
            )
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(
                f"expected cells of the same length in row {row}, got lengths {listing(lengths.values())}; resample "
                "the channels to the same steps"
            )
        parts.arrays.append(np.column_stack(list(arrays.values())))
    first = next(iter(cells.values()))
    if all(has_index(cell) for cell in first):
        parts.times = index_times([cell.index for cell in first], parts.notes)
    return parts


def index_times(indices: Sequence[Any], notes: list[str]) -> list[NDArray[Any]] | None:
    """Return the times that the indices of pandas objects hold.

    Parameters
    ----------
    indices
        The index of each series.
    notes
        Receives a sentence if an index of numbers is not taken as times.

    Returns
    -------
    list[NDArray] | None
        Shape (time,) each: datetime64, or numbers (seconds for durations). None if the index of any series does not
        hold times: a default index, text, or row numbers of a common table, which no two series share.

    Raises
    ------
    DataError
        If the times do not increase.

    Example
    -------
    >>> import pandas as pd
    >>> index_times([pd.Index([0.0, 0.5, 2.0])], [])
    [array([0. , 0.5, 2. ])]
    """
    if any(getattr(index, "nlevels", 1) > 1 or type(index).__name__ == "RangeIndex" for index in indices):
        return None
    arrays = [index_array(index) for index in indices]
    if not arrays or any(array is None or array.dtype.kind not in "iufM" for array in arrays):
        return None
    times = [array for array in arrays if array is not None]
    if len({"M" if array.dtype.kind == "M" else "number" for array in times}) > 1:
        raise DataError("expected one kind of time in the index of every series, got dates and numbers; convert them")
    named = all(is_named(str(index.name), "time") for index in indices)
    if not named and all(array.dtype.kind in "iu" for array in times) and _are_row_numbers(times):
        notes.append("the index of the series was not read, as it numbers rows; name it 'time' if it is a clock")
        return None
    require_increasing(times, "the index")
    return times


def ids_of_index(index: Any) -> list[str] | None:
    """Return the names that an index gives to the rows of a frame; None for a default index and for repeated names."""
    if getattr(index, "nlevels", 1) > 1 or is_default_index(index) or not index.is_unique:
        return None
    return checked_words(index, "the index of the series")


def is_default_index(index: Any) -> bool:
    """Whether an index only numbers the rows from 0, as pandas does by itself.

    Example
    -------
    >>> import pandas as pd
    >>> is_default_index(pd.RangeIndex(3)), is_default_index(pd.Index([0, 2, 1]))
    (True, False)
    """
    return type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1


def index_array(index: Any) -> NDArray[Any] | None:
    """Convert an index of pandas to times: datetime64 in UTC, or numbers; None if it holds text or other objects."""
    kind = type(index).__name__
    if kind == "PeriodIndex":
        index = index.to_timestamp()
    if getattr(index, "tz", None) is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    array = np.asarray(index)
    if array.dtype.kind == "M":
        return array.astype("datetime64[ns]")
    if array.dtype.kind == "m":
        return np.asarray(array / np.timedelta64(1, "s"), dtype=np.float64)
    return array if array.dtype.kind in "iuf" else None


def _common_columns(frames: Sequence[Any]) -> list[Any]:
    """Return the columns of the first frame, which all frames must have in any order."""
    first = list(frames[0].columns)
    for number, frame in enumerate(frames):
        for present, required, having, lacking in (
            (frame.columns, first, 0, number),
            (first, frame.columns, number, 0),
        ):
            absent = [name for name in required if name not in present]
            if absent:
                raise DataError(
                    f"expected the same columns in every frame, got {listing(absent)} in frame {having} but not in "
                    f"frame {lacking}; give every frame the same columns"
                )
    return first


def _clock_column(frames: Sequence[Any], columns: Sequence[Any], notes: list[str]) -> Any:
    """Find the column that is the clock: the only one of dates, or one named so whose numbers increase."""
    dates = [name for name in columns if isinstance(frames[0][name].dtype, (nw.Datetime, nw.Date, nw.Duration))]
    if len(dates) > 1:
        raise DataError(
            f"expected one column of dates, the clock, got {listing(dates)}; convert the others to numbers or remove "
            "them"
        )
    named = [name for name in columns if is_named(str(name), "time")]
    numbers = [
        name
        for name in named
        if frames[0][name].dtype.is_numeric() and all(_increases(frame[name]) for frame in frames)
    ]
    clock = next(iter([*dates, *numbers]), None)
    if clock is not None:
        notes.append(f"took column {str(clock)!r} as time")
    return clock


def _increases(column: Any) -> bool:
    return bool((np.diff(column_array(column).astype(np.float64)) > 0).all())


def _counts_rows(frames: Sequence[Any], name: Any) -> bool:
    if not is_named_as_row_number(str(name)) or not frames[0][name].dtype.is_integer():
        return False
    return all((np.diff(column_array(frame[name])) == 1).all() for frame in frames)


def _require_numbers(frame: Any, channels: Sequence[Any], number: int) -> None:
    for name in channels:
        dtype = frame[name].dtype
        if dtype.is_numeric() or dtype == nw.Boolean:
            continue
        array = column_array(frame[name])
        try:
            array.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"expected numbers in column {str(name)!r} of frame {number}, got {dtype}; remove the column, or read "
                "one long table with limelight.read_table, where text is metadata"
            ) from None


def _times_of(column: Any) -> NDArray[Any]:
    if isinstance(column.dtype, nw.Duration):
        return np.asarray(column.to_numpy().astype("timedelta64[ns]") / np.timedelta64(1, "s"), dtype=np.float64)
    if isinstance(column.dtype, nw.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    array = column.to_numpy()
    return array.astype("datetime64[ns]") if array.dtype.kind in "MO" else column_array(column)


def _are_row_numbers(times: Sequence[NDArray[Any]]) -> bool:
    """Whether no two series share a number, as rows selected from one table do not."""
    joined = np.concatenate(list(times))
    return len(times) > 1 and len(np.unique(joined)) == len(joined)


def _holds_series(column: Any) -> bool:
    if isinstance(column.dtype, (nw.List, nw.Array)):
        return True
    if column.dtype != nw.Object:
        return False
    first = next((cell for cell in column.to_list() if cell is not None), None)
    return isinstance(first, (list, tuple)) or (hasattr(first, "__len__") and not isinstance(first, (str, bytes, dict)))
