"""Bodies that are small until they are unpacked, and clients that are slow."""

import http.client
import io
import socket
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from limelight.export.onnx_file import export_model
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.protocol import TimedProtocol
from limelight.serving.table_body import ARROW, PARQUET, read_table_body
from support.errors import message_of
from support.models import random_network_model
from support.server import served

ROWS = 5_000
TEXT = "x" * 400_000
STEPS = {"series_id": ["a"] * ROWS, "channel_0": np.zeros(ROWS), "channel_1": np.zeros(ROWS)}


def packed(table: pa.Table, form: str) -> bytes:
    sink = io.BytesIO()
    if form == PARQUET:
        parquet.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize("form", [ARROW, PARQUET])
def test_a_text_repeated_in_every_row_is_not_unpacked(form: str) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, np.int32)), pa.array([TEXT]))
    body = packed(pa.table({**STEPS, "note": words}), form)
    assert len(body) < 100_000
    assert message_of(RequestError, read_table_body, body, form, random_network_model(), {}, ServerLimits()) == (
        f"expected a table of at most 1,073,741,824 bytes, got {_expected(form):,}; send several requests"
    )


def _expected(form: str) -> int:
    """The texts of all rows, numbers and ids, and what Arrow adds: offsets, or which values are there."""
    numbers, ids = 2 * 8 * ROWS, ROWS
    added = 2 * ROWS // 8 if form == PARQUET else 4 * ROWS
    return ROWS * len(TEXT) + numbers + ids + added


def test_compressed_buffers_are_measured_before_they_are_unpacked() -> None:
    zeros = np.zeros(1 << 17)
    table = pa.table({f"column_{place}": zeros for place in range(1_100)})
    body = packed(table, ARROW)
    assert len(body) < 1_000_000
    assert message_of(RequestError, read_table_body, body, ARROW, random_network_model(), {}, ServerLimits()) == (
        "expected a table of at most 1,073,741,824 bytes, got 1,153,433,600; send several requests"
    )


@pytest.mark.parametrize("form", [ARROW, PARQUET])
def test_compressed_tables_are_read_like_plain_ones(form: str) -> None:
    table = pa.table({**STEPS, "series_id": ["a", "b"] * (ROWS // 2), "time": np.arange(ROWS)})
    panel = read_table_body(packed(table, form), form, random_network_model(), {}, ServerLimits())
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.lengths.tolist() == [ROWS // 2, ROWS // 2]


def test_slow_headers_end_the_connection(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimedProtocol, "header_seconds", 0.5)
    export_model(random_network_model(), tmp_path / "model.onnx")
    with served([tmp_path / "model.onnx"]) as client:
        address = ("127.0.0.1", client.port)
        with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
            silent.settimeout(10)
            slow.settimeout(10)
            with pytest.raises(OSError):
                for letter in b"GET /healthz HTTP/1.1\r\nX: " + 1_000 * b"x":
                    slow.send(bytes([letter]))
                    time.sleep(0.02)
            assert silent.recv(100).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert silent.recv(100) == b""
        usual = http.client.HTTPConnection(*address, timeout=10)
        for _ in range(2):
            usual.request("GET", "/healthz")
            assert usual.getresponse().read() == b'{"status":"ok"}'
            time.sleep(0.6)
        usual.close()
