"""Read tables that are neither CSV nor Parquet: Excel workbooks, Arrow and Feather files, and ARFF tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather

from limelight.data.reading.arff import arff_table
from limelight.data.reading.formats import format_of, require_library
from limelight.data.reading.workbooks import workbook_table
from limelight.errors import DataError

ARROW_ROWS = 1 << 19


def file_schema(path: Path, name: str) -> pa.Schema:
    """Read the names and types of the columns of a file."""
    if format_of(path).name == "arrow":
        with _arrow(path, name) as content:
            return content.schema
    return _in_memory(path, name)[0].schema


def file_notes(path: Path, name: str) -> tuple[str, ...]:
    """Return notes on what was chosen while reading a file, one sentence each."""
    return () if format_of(path).name == "arrow" else _in_memory(path, name)[1]


def file_chunks(path: Path, name: str, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Stream a file in chunks.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    columns
        The columns to read; None reads all.

    Returns
    -------
    Iterator[pa.Table]
        Chunks of an Arrow file, which is mapped into memory; the whole table for other formats.

    Raises
    ------
    DataError
        If the file is damaged, or the library that reads it is not installed.
    """
    if format_of(path).name != "arrow":
        table = _in_memory(path, name)[0]
        yield table if columns is None else table.select(list(columns))
        return
    with _arrow(path, name) as content:
        chosen = content.schema.names if columns is None else list(columns)
        for batch in _batches(content):
            table = pa.Table.from_batches([batch]).select(chosen)
            for start in range(0, table.num_rows, ARROW_ROWS):
                yield table.slice(start, ARROW_ROWS)


def _in_memory(path: Path, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    found = format_of(path)
    require_library(found, path)
    return workbook_table(path, name) if found.name == "excel" else arff_table(path, name)


def _batches(content: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow file; ArrowInvalid if one has offsets or letters that would end the process."""
    if isinstance(content, pa.Table):
        batches: Iterator[pa.RecordBatch] = iter(content.to_batches())
    elif hasattr(content, "get_batch"):
        batches = map(content.get_batch, range(content.num_record_batches))
    else:
        batches = iter(content)
    for batch in batches:
        batch.validate(full=True)
        yield batch


@contextmanager
def _arrow(path: Path, name: str) -> Iterator[Any]:
    """Open an Arrow file, an Arrow stream or a Feather file of the first version."""
    try:
        with pa.memory_map(str(path)) as file:
            magic = file.read(6)
            file.seek(0)
            if magic.startswith(b"FEA1"):
                content = feather.read_table(path)
            else:
                content = pa.ipc.open_file(file) if magic == b"ARROW1" else pa.ipc.open_stream(file)
            _ = content.schema.names  # names that are not UTF-8 are an error here, and not later
            yield content
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"expected a complete Arrow or Feather file, got {name}, which is damaged or of another type; write it "
            "again"
        ) from error
