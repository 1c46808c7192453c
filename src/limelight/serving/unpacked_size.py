"""The size that a compressed Arrow stream or Parquet file has once unpacked, read before anything is unpacked."""

from __future__ import annotations

import struct
from typing import Any

COMPRESSED_FIELD = 3
"""The place of ``compression`` in the flatbuffer table of a record batch."""


def unpacked_bytes(message: Any) -> int:
    """Return the size of the buffers of a message once they are unpacked.

    Parameters
    ----------
    message
        A ``pyarrow.ipc.Message``.

    Returns
    -------
    int
        The size of its body if it is not compressed; else the sum of the sizes that its buffers begin with, which the
        reader of Arrow unpacks to and no further.

    Raises
    ------
    ValueError
        If the message is damaged.

    Source
    ------
    The columnar format of Arrow, "Serialization and Interprocess Communication": a compressed buffer begins with its
    unpacked length as a 64-bit integer, or with -1 if it is not compressed.

    Example
    -------
    >>> import pyarrow as pa
    >>> batch, sink = pa.record_batch({"x": pa.array([0.0] * 10_000)}), pa.BufferOutputStream()
    >>> with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
    ...     writer.write_batch(batch)
    >>> [unpacked_bytes(one) for one in pa.ipc.MessageReader.open_stream(sink.getvalue())]
    [0, 80000]
    """
    body = message.body
    size = 0 if body is None else body.size
    batch = _table(message.metadata.to_pybytes(), message.type)
    if batch is None or body is None:
        return size
    data, place = batch
    if not _field(data, place, COMPRESSED_FIELD):
        return size
    vector = _follow(data, _field(data, place, 2))
    (count,) = _unpacked("<I", data, vector)
    raw, total = memoryview(body), 0
    for number in range(count):
        offset, length = _unpacked("<qq", data, vector + 4 + 16 * number)
        if length >= 8:
            (own,) = _unpacked("<q", raw, offset)
            total += length if own < 0 else own
    return total


def parquet_bytes(content: Any) -> int:
    """Return the size of all columns of a Parquet file once they are unpacked.

    Parameters
    ----------
    content
        A ``pyarrow.parquet.FileMetaData``.

    Returns
    -------
    int
        The sum over the row groups.

    Example
    -------
    >>> import pyarrow as pa
    >>> from pyarrow import parquet
    >>> sink = pa.BufferOutputStream()
    >>> parquet.write_table(pa.table({"x": range(1_000)}), sink, use_dictionary=False)
    >>> parquet_bytes(parquet.read_metadata(pa.BufferReader(sink.getvalue()))) >= 8_000
    True
    """
    return sum(content.row_group(place).total_byte_size for place in range(content.num_row_groups))


def _table(data: bytes, kind: str) -> tuple[bytes, int] | None:
    """Return where the table of a record batch begins; None for another message."""
    root = _follow(data, 0)
    header = _field(data, root, 2)
    if kind not in ("record batch", "dictionary") or not header:
        return None
    place = _follow(data, header)
    if kind == "dictionary":  # holds a record batch
        place = _follow(data, _field(data, place, 1))
    return data, place


def _follow(data: bytes, place: int) -> int:
    (offset,) = _unpacked("<I", data, place)
    return place + int(offset)


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a field of a flatbuffer table is; 0 if it is not there."""
    (back,) = _unpacked("<i", data, table)
    vtable = table - back
    (size,) = _unpacked("<H", data, vtable)
    if 4 + 2 * number >= size:
        return 0
    (offset,) = _unpacked("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else 0


def _unpacked(form: str, data: Any, place: int) -> tuple[Any, ...]:
    if place < 0:
        raise ValueError("the message points outside itself")
    try:
        return struct.unpack_from(form, data, place)
    except struct.error:
        raise ValueError("the message points outside itself") from None
