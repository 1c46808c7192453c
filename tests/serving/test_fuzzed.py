"""Every request gets predictions or one sentence, never a server error."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limelight.export.onnx_file import export_model
from limelight.serving.limits import ServerLimits
from support.models import described_model
from support.server import Client, served

numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5)
anything = st.recursive(
    numbers, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one), max_leaves=8
)
steps = st.lists(st.lists(st.floats(width=32) | st.none() | anything, min_size=2, max_size=2) | anything, max_size=4)
series = st.fixed_dictionaries(
    {"values": steps},
    optional={
        "id": anything,
        "times": st.lists(st.floats() | st.text(max_size=12), max_size=4) | anything,
        "metadata": st.dictionaries(st.sampled_from(["machine", "age", "built", "note", "x"]), anything) | anything,
        "signals": st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3), max_size=4)) | anything,
    },
)
requests = st.fixed_dictionaries(
    {"series": st.lists(series | anything, max_size=3) | anything},
    optional={
        "channels": anything,
        "explain": st.sampled_from(["attention", "evidence"]) | anything,
        "target": anything,
    },
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("fuzzed")
    export_model(described_model("embedding"), folder / "model.onnx")
    with served([folder / "model.onnx"], ServerLimits(body_bytes=50_000)) as one:
        yield one


def assert_response(status: int, response: dict) -> None:
    assert status == 200 or (400 <= status < 500 and set(response) == {"error"}), (status, response)


quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(content=requests | anything)
def test_any_json_gets_predictions_or_one_sentence(client: Client, content) -> None:
    assert_response(*client.predict(json.dumps(content).encode()))


@quick
@given(
    body=st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
    kind=st.sampled_from(
        ["application/json", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream", ""]
    ),
)
def test_any_bytes_get_predictions_or_one_sentence(client: Client, body: bytes, kind: str) -> None:
    assert_response(*client.predict(body, kind=kind))


def test_a_table_with_wrong_offsets_is_refused(client: Client) -> None:
    offsets, sink = np.arange(5, dtype=np.int32) * 257, io.BytesIO()
    table = pa.table({"series_id": ["a" * 257] * 4, "force": [1.0, 2.0, 3.0, 4.0]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert sink.getvalue().count(offsets.tobytes()) == 1
    body = sink.getvalue().replace(offsets.tobytes(), (offsets * -(2**20)).tobytes())
    status, response = client.predict(body, kind="application/vnd.apache.arrow.stream")
    assert status == 400
    assert response["error"].startswith("expected a table as arrow, got a body that is none: ")


@quick
@given(
    name=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20),
    rest=st.sampled_from(["", "/predict", "/../.."]),
)
def test_any_address_gets_a_response_or_one_sentence(client: Client, name: str, rest: str) -> None:
    from urllib.parse import quote

    status, _ = client.get(f"/v1/models/{quote(name, safe='./')}{rest}")
    assert status < 500
