"""Series in a body that holds a table: CSV, Arrow or Parquet."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from limelight.data.panel import Panel
from limelight.errors import DataError, InputError
from limelight.model.predictor import Predictor
from limelight.model.reading import read_as_trained
from limelight.serving.limits import RequestError, ServerLimits, require_size, require_unpacked
from limelight.serving.unpacked_size import parquet_bytes, unpacked_bytes

ARROW, PARQUET, CSV = "arrow", "parquet", "csv"
TABLE_TYPES = {
    "text/csv": CSV,
    "application/vnd.apache.arrow.stream": ARROW,
    "application/vnd.apache.parquet": PARQUET,
    "application/x-parquet": PARQUET,
}
"""The format of a table for each type of content."""
BATCH_ROWS = 1 << 16


def read_table_body(
    body: bytes, form: str, model: Predictor, reading: Mapping[str, Any], limits: ServerLimits
) -> Panel:
    """Read series from a table, as in training; columns of metadata fields are metadata.

    Parameters
    ----------
    body
        The content of the table.
    form
        ``"csv"``, ``"arrow"`` or ``"parquet"``.
    model, reading
        As for ``read_as_trained``.
    limits
        Of the request.

    Returns
    -------
    Panel
        The series, or their windows if the model was trained on windows.

    Raises
    ------
    RequestError
        400 if the body is no such table, 413 if it is too large.
    DataError, ParameterError
        If it does not hold series, as for ``read_table``.
    """
    if form == CSV:
        return _checked(_from_file(body, model, reading), limits)
    try:
        table = _arrow_table(body, limits) if form == ARROW else _parquet_table(body, limits)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RequestError(400, f"expected a table as {form}, got a body that is none: {str(error)[:200]}") from None
    return _checked(read_as_trained(model, reading, table), limits)


def _checked(panel: Panel, limits: ServerLimits) -> Panel:
    require_size(len(panel), int(panel.lengths.sum()), limits)
    return panel


def _arrow_table(body: bytes, limits: ServerLimits) -> pa.Table:
    require_unpacked(sum(unpacked_bytes(message) for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body))))
    batches, rows, size = [], 0, 0
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        for batch in reader:
            batch.validate(full=True)  # Arrow trusts offsets, and reading wrong ones would end the server
            rows += batch.num_rows
            size += sum(_size_as_text(column) for column in batch.columns)
            require_size(0, rows, limits)
            require_unpacked(size)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


def _parquet_table(body: bytes, limits: ServerLimits) -> pa.Table:
    schema = parquet.read_schema(io.BytesIO(body))
    words = [name for name, kind in zip(schema.names, schema.types, strict=True) if _is_text(kind)]
    # a text that is repeated in many rows stays one text as long as it is read as a dictionary
    file = parquet.ParquetFile(io.BytesIO(body), read_dictionary=words)
    content = file.metadata
    require_size(0, content.num_rows, limits)
    require_unpacked(parquet_bytes(content))
    batches, size = [], 0
    for batch in file.iter_batches(BATCH_ROWS):
        size += sum(_size_as_text(column) for column in batch.columns)
        require_unpacked(size)
        batches.append(batch)
    return pa.Table.from_batches(batches, file.schema_arrow).cast(schema)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _size_as_text(column: pa.Array) -> int:
    """Return the bytes of a column once its texts are repeated in every row."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0)


def _from_file(body: bytes, model: Predictor, reading: Mapping[str, Any]) -> Panel:
    """Read a CSV file as the commands do, separators and decimal signs included."""
    with tempfile.TemporaryDirectory(prefix="limelight-") as folder:
        file = Path(folder) / "series.csv"
        file.write_bytes(body)
        try:
            return read_as_trained(model, reading, str(file))
        except InputError as error:
            raise DataError(str(error).replace(str(file), file.name)) from None
