"""Metadata from Python as a table of Arrow whose text can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from limelight.data.containers.numbers import is_frame, opened_frame
from limelight.errors import DataError, LimelightError, as_sentence, shown


def plain_metadata(metadata: Any) -> pa.Table:
    """Convert metadata to a table.

    Parameters
    ----------
    metadata
        A table of pyarrow, a frame of any library, or a dict of columns; one row for each series.

    Returns
    -------
    pa.Table
        With the same columns.

    Raises
    ------
    DataError
        If it is no table, or has text that is not UTF-8.

    Example
    -------
    >>> plain_metadata({"age": [3, 4]}).num_rows
    2
    """
    if getattr(metadata, "column_names", None) == []:  # rebuilt without columns, a table would lose its number of rows
        return metadata
    try:
        table = _converted(metadata)
        table.validate(full=True)
        plain = [_plain_column(column) for column in table.columns]
        table = pa.Table.from_arrays(plain, names=table.column_names)
    except LimelightError:
        raise
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DataError(
            f"expected metadata that can be read, got {type(metadata).__name__} with an invalid column: "
            f"{as_sentence(error)}; correct it, or leave it out"
        ) from error
    return table


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert types that Arrow cannot select from or write: to their plain values, or else to text."""
    types, kind = pa.types, column.type
    if types.is_run_end_encoded(kind):
        return pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if types.is_dictionary(kind) and types.is_nested(kind.value_type):
        column = column.cast(kind.value_type)
    elif kind == pa.string_view():
        return column.cast(pa.string())
    elif types.is_timestamp(kind) and kind.unit == "s":
        return column.cast(pa.timestamp("ms", kind.tz))  # an error if it overflows; files hold no seconds
    elif not (types.is_union(kind) or types.is_interval(kind)):
        return column
    return pa.chunked_array([[None if cell is None else str(cell) for cell in column.to_pylist()]], pa.string())


def _converted(metadata: Any) -> pa.Table:
    if isinstance(metadata, pa.Table):
        return metadata
    if is_frame(metadata):
        return opened_frame(metadata).to_arrow().replace_schema_metadata(None)
    if isinstance(metadata, Mapping):
        return pa.table(dict(metadata))
    raise DataError(
        f"expected metadata as a table with one row for each series, got {shown(metadata)}; pass a frame or a dict of "
        "columns"
    )
