"""Convert containers of numbers to NumPy: tensors, masked arrays, frames and columns with missing values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, DataTypeError, LimelightError, as_sentence


def is_frame(container: Any) -> bool:
    """Whether a container is a DataFrame of pandas, polars or another library, or a table of pyarrow."""
    return not isinstance(container, np.ndarray) and bool(nw.dependencies.is_into_dataframe(container))


def is_column(container: Any) -> bool:
    """Whether a container is a Series of pandas or polars, or a column of pyarrow."""
    return not isinstance(container, np.ndarray) and bool(nw.dependencies.is_into_series(container))


def has_index(container: Any) -> bool:
    """Whether a container is a frame or a column of pandas, which has an index."""
    return bool(nw.dependencies.is_pandas_dataframe(container) or nw.dependencies.is_pandas_series(container))


def as_array(container: Any) -> NDArray[Any]:
    """Convert a container to an array; masked and missing cells become NaN.

    Parameters
    ----------
    container
        An array, a masked array, a tensor of torch, a DataArray of xarray, a frame, a column, or nested lists.

    Returns
    -------
    NDArray
        Of the shape of the container. Numbers keep their type, unless some are missing.

    Raises
    ------
    DataError
        If the rows of nested lists differ in length, or two columns of a frame have the same name.

    Example
    -------
    >>> as_array(np.ma.masked_array([1, 2], mask=[False, True]))
    array([ 1., nan])
    """
    with foreign_errors(container):
        return _as_array(container)


def _as_array(container: Any) -> NDArray[Any]:
    if isinstance(container, np.ma.MaskedArray):
        return _filled(container)
    if is_sparse(container):
        raise DataTypeError(f"expected dense arrays, got {type(container).__name__}, which is sparse; pass X.toarray()")
    if hasattr(container, "detach"):  # a tensor of torch, which may need a gradient or be on a GPU
        tensor = container.detach().cpu()
        return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy())
    if is_frame(container):
        return _frame_array(container)
    if is_column(container):
        return column_array(nw.from_native(container, series_only=True))
    if isinstance(container, (list, tuple)) and any(is_special(one) for one in container):
        return np.stack([as_array(one) for one in container])
    try:
        return np.asarray(container)
    except ValueError as error:  # nested lists of different lengths
        raise DataError(
            f"expected an array of numbers, got nested lists that do not form one: {error}; pass a list with one array "
            "(time, channels) for each series"
        ) from error


@contextmanager
def foreign_errors(container: Any = None) -> Iterator[None]:
    """Convert errors of other libraries to a DataError of one sentence, which names the type of a container."""
    try:
        yield
    except LimelightError:
        raise
    except (TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        kind = DataTypeError if isinstance(error, TypeError) else DataError
        if container is None:
            raise kind(as_sentence(error)) from error
        raise kind(
            f"expected series or labels as arrays, got {type(container).__name__} that cannot be used: "
            f"{as_sentence(error)}; pass NumPy arrays of numbers"
        ) from error


def is_sparse(container: Any) -> bool:
    """Whether a container is a sparse matrix or array of SciPy."""
    return hasattr(container, "tocsr") and hasattr(container, "nnz")


def is_special(container: Any) -> bool:
    """Whether a container says more than its numbers, or needs a conversion: a frame, a column, a tensor or a mask."""
    special = isinstance(container, np.ma.MaskedArray) or hasattr(container, "detach")
    return special or is_frame(container) or is_column(container)


def column_names(frame: Any) -> list[str]:
    """Return the column names of a frame of any library as text.

    Example
    -------
    >>> import pyarrow as pa
    >>> column_names(pa.table({"x": [1], "y": [2]}))
    ['x', 'y']
    """
    names = frame.column_names if nw.dependencies.is_pyarrow_table(frame) else frame.columns
    return [str(name) for name in names]


def opened_frame(frame: Any) -> Any:
    """Wrap a frame of any library for narwhals, column names as text; DataError if two are the same."""
    try:
        if has_index(frame) and not all(isinstance(name, str) for name in frame.columns):
            frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        wrapped = nw.from_native(frame)
        return wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped
    except (nw.exceptions.NarwhalsError, UnicodeEncodeError) as error:
        raise DataError(
            f"expected a frame with distinct column names, got one that cannot be read: {as_sentence(error)}; "
            "rename its columns"
        ) from error


def column_array(column: Any) -> NDArray[Any]:
    """Convert one column to an array; missing numbers become NaN, other missing cells None.

    Parameters
    ----------
    column
        A Series of narwhals.

    Returns
    -------
    NDArray
        Shape (rows,).
    """
    if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        return np.asarray(column.to_numpy())
    if not column.is_null().any():
        return np.asarray(column.to_numpy())
    return np.asarray(column.cast(nw.Float64).to_numpy(), dtype=np.float64)


def _filled(array: Any) -> NDArray[Any]:
    if not np.ma.is_masked(array):
        return np.asarray(array.data)
    kind = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(array.astype(kind).filled(np.nan))


def _frame_array(frame: Any) -> NDArray[Any]:
    """Convert a frame to an array of shape (rows, columns)."""
    arrays = [column_array(column) for column in opened_frame(frame).iter_columns()]
    return np.column_stack(arrays) if arrays else np.empty((len(frame), 0))
