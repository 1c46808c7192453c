"""Tables with one row for each series and lists in their cells: Parquet, Arrow, JSON lines, CSV, data frames."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from limelight.data.reading.compression import open_bytes, read_bytes, unpacking
from limelight.data.reading.csv_files import csv_table
from limelight.data.reading.dialect import DETECT, CsvOptions
from limelight.data.reading.formats import format_of
from limelight.data.reading.names import LIKELY, is_named
from limelight.data.reading.table_files import file_chunks, file_schema
from limelight.errors import DataError, as_sentence, listing

_MOST_AT_ONCE = 1 << 30
"""Bytes of JSON lines that are parsed as one block, which the longest line must fit into."""

_SNIFFED = 1 << 16
"""Bytes of a CSV file in which a list of at least three numbers shows that its cells are lists."""
_NUMBER = rb"[-+]?[\d.][-+\d.eE]*"
_LIST = re.compile(rb"\[\s*\[|[\[(]\s*" + _NUMBER + rb"(?:[,;\s]+" + _NUMBER + rb"){2,}\s*[\])]")
_SEPARATORS = re.compile(r"[,;\s]+")


def is_list(kind: pa.DataType) -> bool:
    """Whether cells of an Arrow type are lists.

    Example
    -------
    >>> is_list(pa.list_(pa.float32())), is_list(pa.string())
    (True, False)
    """
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def has_lists(path: Path) -> bool:
    """Whether a file is read whole, as its cells are lists or objects: JSON lines, or such Parquet, Arrow or CSV."""
    kind = format_of(path).name
    if kind not in ("parquet", "arrow", "csv"):
        return kind == "json"
    status = path.stat()
    return _has_lists(path, kind, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4_096)
def _has_lists(path: Path, kind: str, changed: int, size: int) -> bool:
    if kind == "csv":
        with unpacking(path, repr(str(path))), open_bytes(path) as file:
            return _LIST.search(file.read(_SNIFFED)) is not None
    try:
        schema = parquet.read_schema(path) if kind == "parquet" else file_schema(path, repr(str(path)))
    except (pa.ArrowException, OSError, DataError, UnicodeDecodeError):
        return False  # the reader of these files names what is wrong
    return any(is_list(one) or pa.types.is_struct(one) for one in schema.types)


def nested_table(path: Path, name: str, csv: CsvOptions = DETECT) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a file whose cells are lists as a long table.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    csv
        How a CSV file is written; the rest is detected.

    Returns
    -------
    tuple[pa.Table, tuple[str, ...]]
        As ``unnested`` returns.

    Raises
    ------
    DataError
        If the file is damaged, or as ``unnested``.
    """
    status = path.stat()
    return _cached_table(path, name, csv, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _cached_table(path: Path, name: str, csv: CsvOptions, changed: int, size: int) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a file once although names, types and values of its columns are read one after the other."""
    kind = format_of(path).name
    try:
        if kind == "json":
            with unpacking(path, name):
                content = read_bytes(path)
            table = _read_lines(content)
            table.validate(full=True)  # words that are not UTF-8 are kept as they are
        elif kind == "csv":
            table = _with_lists(csv_table(path, name, (), None, csv)[0])
        elif kind == "parquet":
            table = parquet.read_table(path, partitioning=None)
            table.validate(full=True)
        else:
            table = pa.concat_tables(file_chunks(path, name, None))
        return unnested(table, name)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        what = "one JSON object in each line" if kind == "json" else "a complete file"
        raise DataError(
            f"expected {what} in {name}, got another content: {as_sentence(error)}; write it again"
        ) from error


def _read_lines(content: bytes) -> pa.Table:
    """Read JSON lines by the types that a first reading finds, and dates as text.

    The first reading drops missing values at the start of lists, and takes ids that look like dates for dates.
    """
    options = pyarrow.json.ReadOptions(block_size=min(len(content) + 1, _MOST_AT_ONCE))
    found = pyarrow.json.read_json(pa.BufferReader(content), read_options=options)
    types = [_as_written(one) for one in found.schema.types]
    if types == found.schema.types and not any(pa.types.is_nested(one) for one in types):
        return found
    schema = pa.schema(zip(found.schema.names, types, strict=True))
    parsing = pyarrow.json.ParseOptions(explicit_schema=schema)
    return pyarrow.json.read_json(pa.BufferReader(content), read_options=options, parse_options=parsing)


def _as_written(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column whose dates stay text, at any depth."""
    if pa.types.is_list(kind):
        return pa.list_(_as_written(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_written(field.type)) for field in kind])
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _with_lists(table: pa.Table) -> pa.Table:
    """Convert columns of text whose every cell is a list of numbers in brackets to lists."""
    for place, field in enumerate(table.column_names):
        cells = table[field].to_pylist()
        if cells and all(cell and cell.strip()[:1] in ("[", "(") for cell in cells):
            try:
                table = table.set_column(place, field, pa.array([_parsed_list(cell) for cell in cells]))
            except (ValueError, pa.ArrowException):
                continue
    return table


def _parsed_list(cell: str) -> list[object]:
    """Return the numbers of a list as text, as Python, NumPy and JSON write them; ValueError if it is none."""
    bare = cell.strip()
    if bare.startswith("[["):
        nested: list[object] = json.loads(bare)
        return nested
    if bare[-1] not in "])":
        raise ValueError(cell)
    return [float(word) for word in _SEPARATORS.split(bare[1:-1].strip()) if word]


def unnested(table: pa.Table, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Convert a table with lists in its cells to a long table; other tables are unchanged.

    Objects become one column for each key, named by the key alone if it names an id, a clock or a label. A list of
    objects is one list for each key, and a list of lists one for each channel: (time, channels).

    Parameters
    ----------
    table
        One row for each series.
    name
        The name of the table in messages.

    Returns
    -------
    tuple[pa.Table, tuple[str, ...]]
        One row for each step, with a column ``series_id`` unless there is an id, and ``time`` unless there is a clock;
        and notes on columns that were not read.

    Raises
    ------
    DataError
        If the lists of a row have different lengths, or one is empty.

    Example
    -------
    >>> table, _ = unnested(pa.table({"force": [[1.0, 2.0], [3.0]], "label": ["ok", "worn"]}), "a.parquet")
    >>> table.to_pydict()
    {'series_id': [0, 0, 1], 'time': [0, 1, 0], 'force': [1.0, 2.0, 3.0], 'label': ['ok', 'ok', 'worn']}
    """
    while any(pa.types.is_struct(kind) or _is_list_of_objects(kind) for kind in table.schema.types):
        table = _with_names_of_roles(_with_lists_of_keys(table.flatten()))
    lists = [field.name for field in table.schema if is_list(field.type)]
    if not lists:
        return table, ()
    columns = {field: table[field].combine_chunks() for field in lists}
    lengths = {field: pc.fill_null(pc.list_value_length(one), 0).to_numpy() for field, one in columns.items()}
    numeric = [field for field, one in columns.items() if _is_numeric(one.type)]
    if not numeric:
        raise DataError(f"expected lists of numbers in {name}, got none in {listing(lists)}; add the measurements")
    steps = lengths[numeric[0]]
    _require_equal(lengths, numeric, steps, name)
    notes = [f"read each row of {name} as a series, with its values in lists: {listing(numeric)}"]
    if other := [field for field in lists if field not in numeric and (lengths[field] != steps).any()]:
        notes.append(f"{listing(other)} of {name} not read: lists of other lengths than those of {numeric[0]!r}")
    kept = [field for field in table.column_names if field not in other]
    return _lengthened(table.select(kept), steps, name), tuple(notes)


def _is_list_of_objects(kind: pa.DataType) -> bool:
    return is_list(kind) and pa.types.is_struct(kind.value_type)


def _with_lists_of_keys(table: pa.Table) -> pa.Table:
    """Replace each list of objects by a list for each key, named by it alone if there is one such list."""
    several = sum(map(_is_list_of_objects, table.schema.types)) > 1
    columns: dict[str, pa.Array] = {}
    for field in table.schema:
        column = table[field.name]
        if not _is_list_of_objects(field.type):
            columns[field.name] = column
            continue
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
        objects = pc.list_flatten(column.combine_chunks())
        for key in (one.name for one in field.type.value_type):
            name = f"{field.name}.{key}" if several or key in (*table.column_names, *columns) else key
            columns[name] = pa.LargeListArray.from_arrays(offsets, pc.struct_field(objects, key))
    return pa.table(columns)


def _with_names_of_roles(table: pa.Table) -> pa.Table:
    """Rename keys of objects that name an id, a clock or a label, such as ``data.time``, if one column has this key."""
    keys = [name.rpartition(".")[2] for name in table.column_names]
    names = [
        key if keys.count(key) == 1 and any(is_named(key, role) for role in LIKELY) else name
        for name, key in zip(table.column_names, keys, strict=True)
    ]
    return table.rename_columns(names)


def _lengthened(table: pa.Table, steps: NDArray[np.int64], name: str) -> pa.Table:
    """Return one row for each step: the values of the lists, and the other cells again and again."""
    parent = pa.array(np.repeat(np.arange(len(table)), steps))
    long: dict[str, pa.Array] = {}
    if not _has_id(table):
        long["series_id"] = parent
    if not any(is_named(field.name, "time") for field in table.schema if is_list(field.type)):
        long["time"] = pa.array(np.arange(len(parent)) - np.repeat(np.cumsum(steps) - steps, steps))
    for field in table.schema:
        column = table[field.name]
        if is_list(field.type):
            long |= _values_of(column.combine_chunks(), field.name, name)
        elif field.name not in long:
            long[field.name] = column.take(parent).combine_chunks()
    return pa.table(long)


def _is_numeric(kind: pa.DataType) -> bool:
    inner = kind.value_type
    if is_list(inner):
        return _is_numeric(inner)
    return bool(pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_decimal(inner))


def _require_equal(
    lengths: dict[str, NDArray[np.int64]], fields: list[str], steps: NDArray[np.int64], name: str
) -> None:
    for field in fields:
        if (wrong := np.flatnonzero(lengths[field] != steps)).size:
            row = int(wrong[0])
            raise DataError(
                f"expected lists of one length in each row of {name}, got {steps[row]} values in {fields[0]!r} and "
                f"{lengths[field][row]} in {field!r} in row {row} (the first is 0); give every channel the same steps"
            )
    if (steps == 0).any():
        raise DataError(
            f"expected at least one value in each row of {name}, got none in row {int(np.argmin(steps))} (the first is "
            "0); leave the row out"
        )


def _has_id(table: pa.Table) -> bool:
    """Whether a column names the series: by its name, or as the first one, by words or numbers that occur once."""
    fields = [field for field in table.schema if not is_list(field.type)]
    if any(is_named(field.name, "id") for field in fields):
        return True
    if not fields or is_named(fields[0].name, "label") or len(table.column(fields[0].name).unique()) < len(table):
        return False
    column, kind = table[fields[0].name], fields[0].type
    if pa.types.is_integer(kind):
        numbers = pc.min_max(column).as_py()
        return bool(numbers["max"] - numbers["min"] == len(table) - 1)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _values_of(column: pa.Array, field: str, name: str) -> dict[str, pa.Array]:
    """Return the values of the lists of a column, by the names of their channels."""
    values = pc.list_flatten(column)
    if not is_list(values.type):
        return {field: values}
    widths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    if (widths != widths[0]).any() or not widths[0] or is_list(values.type.value_type):
        raise DataError(
            f"expected lists (time, channels) with the same number of channels at every step in {field!r} of {name}, "
            f"got {widths.min()} to {widths.max()}; give each channel a column, or transpose (channels, time)"
        )
    width = int(widths[0])
    flat = pc.list_flatten(values)
    return {f"{field}_{channel}": flat.take(pa.array(np.arange(channel, len(flat), width))) for channel in range(width)}
