"""The server and its HTTP interface."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import uvicorn
from pyarrow import parquet

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.methods.evidence import explain_evidence
from limelight.export.onnx_file import export_model
from limelight.model.bundle import save_model
from limelight.model.fitted import FittedModel
from limelight.runs.serve import bound_socket, serve_models
from limelight.serving.limits import ServerLimits
from support.architectures import ARCHITECTURES
from support.errors import message_of
from support.exported import model_of
from support.linear import noise
from support.models import METADATA, described_model, random_network_model
from support.server import Client, served

LENGTHS = (9, 4, 1, 7, 12)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return random_network_model(classes=("a", "b", "c"))


@pytest.fixture(scope="module")
def client(model: FittedModel, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("served")
    save_model(model, folder / "model")
    described = described_model("embedding")
    save_model(described, folder / "described")
    export_model(described, folder / "exported.onnx")
    save_model(random_network_model("conv_lstm", "conjunctive"), folder / "summing")
    save_model(described_model("one_hot", level="step", multilabel=True), folder / "steps")
    export_model(model_of(ARCHITECTURES["rocket, ppv, linear"]), folder / "counting.onnx", evidence=True)
    names = ("model", "described", "exported.onnx", "summing", "steps", "counting.onnx")
    limits = ServerLimits(body_bytes=200_000, series=50, steps=2_000, body_seconds=0.5)
    with served([folder / name for name in names], limits) as one:
        yield one


def series_of(panel: Panel) -> list[dict]:
    return [{"id": str(panel.ids[row]), "values": panel.series(row).tolist()} for row in range(len(panel))]


def probabilities_in(response: dict) -> np.ndarray:
    return np.array([list(one["probabilities"].values()) for one in response["predictions"]])


def test_predictions_for_ragged_series_equal_those_of_predict(client: Client, model: FittedModel) -> None:
    panel = noise(*LENGTHS, width=2)
    status, response = client.predict({"series": series_of(panel)})
    own = model.predict(panel)
    assert status == 200
    np.testing.assert_allclose(probabilities_in(response), own.probabilities, atol=1e-6)
    assert [one["prediction"] for one in response["predictions"]] == own.labels.tolist()
    assert [one["id"] for one in response["predictions"]] == panel.ids.tolist()


@pytest.mark.parametrize("name", ["described", "exported"])
def test_metadata_in_json_are_read_as_by_predict(client: Client, name: str) -> None:
    panel = noise(*LENGTHS, width=2, metadata=METADATA)
    series = [{**one, "metadata": row} for one, row in zip(series_of(panel), METADATA.to_pylist(), strict=True)]
    status, response = client.predict({"series": series}, name)
    original = client.registry["described"].model
    assert status == 200
    np.testing.assert_allclose(probabilities_in(response), original.predict(panel).probabilities, atol=1e-5)
    assert response["notes"] == original.notes_about(panel)


def test_labels_of_steps_are_lists(client: Client) -> None:
    status, response = client.predict({"series": [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]}, "steps")
    (one,) = response["predictions"]
    assert status == 200
    assert set(one["prediction"]) == set(one["probabilities"]) == {"a", "b"}
    assert [len(steps) for steps in one["probabilities"].values()] == [3, 3]


def as_table(panel: Panel) -> pa.Table:
    ids, values = np.repeat(panel.ids, panel.lengths), panel.values
    steps = np.concatenate([np.arange(length) for length in panel.lengths])
    return pa.table({"series_id": ids, "time": steps, "first": values[:, 0], "second": values[:, 1]})


def written(table: pa.Table, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == "text/csv":
        pyarrow.csv.write_csv(table, sink)
    elif kind == "application/vnd.apache.parquet":
        parquet.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"])
def test_tables_are_read_as_by_predict(client: Client, model: FittedModel, kind: str) -> None:
    panel = noise(9, 4, 7, width=2)
    status, response = client.predict(written(as_table(panel), kind), kind=kind)
    assert status == 200, response
    np.testing.assert_allclose(probabilities_in(response), model.predict(panel).probabilities, atol=1e-6)


def test_metadata_columns_of_a_table_are_metadata(client: Client) -> None:
    panel = noise(9, 4, width=2, metadata=pa.table({"machine": ["a", "b"], "age": [3.0, 4.0]}))
    table = as_table(panel)
    for name in ("machine", "age"):
        table = table.append_column(name, pa.array(np.repeat(panel.metadata[name].to_pylist(), panel.lengths)))
    status, response = client.predict(written(table, "text/csv"), "described", "text/csv")
    expected = client.registry["described"].model.predict(panel).probabilities
    assert status == 200, response
    np.testing.assert_allclose(probabilities_in(response), expected, atol=1e-6)


def test_attention_and_evidence_are_returned_on_request(client: Client) -> None:
    panel, model = noise(9, 4, width=2), client.registry["summing"].model
    _, response = client.predict({"series": series_of(panel), "explain": "evidence", "target": "a"}, "summing")
    expected = explain_evidence(model, panel, "a")
    for one, own in zip(response["predictions"], expected.importance, strict=True):
        np.testing.assert_allclose(one["evidence"]["a"], own, atol=1e-6)
    _, response = client.predict({"series": series_of(panel), "explain": "attention"}, "summing")
    for one, own in zip(response["predictions"], model.predict(panel, attention=True).attention, strict=True):
        np.testing.assert_allclose(one["attention"], own, atol=1e-6)


def test_an_exported_model_returns_evidence(client: Client) -> None:
    model, panel = model_of(ARCHITECTURES["rocket, ppv, linear"]), noise(9, 4, width=2)
    _, response = client.predict({"series": series_of(panel), "explain": "evidence"}, "counting")
    for name in model.task.classes:
        expected = explain_evidence(model, panel, name)
        for place, one in enumerate(response["predictions"]):
            np.testing.assert_allclose(one["evidence"][name], expected.importance[place], atol=1e-5)
            np.testing.assert_allclose(one["base"][name], expected.base[place], atol=1e-5)


def test_concurrent_clients_get_their_own_predictions(client: Client, model: FittedModel) -> None:
    panels = [noise(*LENGTHS[: 1 + seed % 5], width=2, seed=seed) for seed in range(40)]
    responses: list = [None] * len(panels)

    def request(place: int) -> None:
        responses[place] = client.predict({"series": series_of(panels[place])})

    threads = [threading.Thread(target=request, args=(place,)) for place in range(len(panels))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for panel, (status, response) in zip(panels, responses, strict=True):
        assert status == 200
        np.testing.assert_allclose(probabilities_in(response), model.predict(panel).probabilities, atol=1e-6)


REFUSED = {
    "no json": (b"{", 400, "expected a JSON object, got a body that is not JSON: Expecting property name"),
    "nested": (b"[" * 100_000, 400, "expected a JSON object, got one that is nested too deeply"),
    "empty": (b"", 400, "expected a body with series, got an empty one"),
    "infinity": (b'{"series": [[Infinity]]}', 400, "expected a JSON object, got a body that is not JSON: Infinity is"),
    "overflow": (b'{"series": [[[1e999, 1]]]}', 422, "expected numbers of at most 3.4e+38 as values of series 0, got a larger one"),
    "huge digits": (b'{"series": [[' + b"1" * 5_000 + b"]]}", 400, "expected a JSON object, got a body that is not"),
    "missing": (b'{"series": [[[NaN, 1]]]}', 422, "expected a number everywhere, got a missing value (NaN) in series"),
    "ragged": (b'{"series": [[[1, 2], [3]]]}', 422, "expected as many numbers in every step of series 0, got different"),
    "words": (b'{"series": [["a", "b"]]}', 422, "expected numbers as values of series 0, got 'a'"),
    "a word among numbers": (b'{"series": [[1, "x"]]}', 422, "expected numbers as values of series 0, got 'x'"),
    "numbers as words": (b'{"series": [[["1", null]]]}', 422, "expected numbers or null as values of series 0, got '1'"),
    "truths": (b'{"series": [[true, false]]}', 422, "expected numbers as values of series 0, got True"),
    "no series": (b'{"series": []}', 422, "expected a JSON object with a list of series, such as"),
    "no steps": (b'{"series": [[]]}', 422, "expected a list of numbers, or of lists of one number for each channel"),
    "a path": (b'{"series": [[1]], "model": "/etc/passwd"}', 422, "expected only 'series', 'channels', 'explain', 'target'"),
    "channels": (b'{"series": [[1, 2]]}', 422, "expected 2 channels as in training ('channel_0', 'channel_1'), got 1"),
    "many series": (b'{"series": [' + b"[1]," * 50 + b"[1]]}", 413, "expected at most 50 series in a request, got 51;"),
    "many steps": (b'{"series": [[' + b"1," * 2_000 + b"1]]}", 413, "expected at most 2,000 steps in a request, got 2,001"),
    "many bytes": (b" " * 300_000, 413, "expected a body of at most 200,000 bytes, got more; send several requests"),
    "explain": (b'{"series": [[[1, 2]]], "explain": "magic"}', 422, "expected one of 'attention' for explain, got 'magic'"),
    "times": (b'{"series": [{"values": [[1, 2]], "times": [1, 2]}]}', 422, "expected a time for each of the 1 steps"),
    "metadata": (b'{"series": [{"values": [[1, 2]], "metadata": {"a": [1]}}]}', 422, "expected text or a number as metadata"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_requests_are_refused_in_one_sentence(client: Client, case: str) -> None:
    body, status, sentence = REFUSED[case]
    got, response = client.predict(body)
    assert (got, response["error"][: len(sentence)]) == (status, sentence)
    assert len(json.dumps(response)) < 1_000


@pytest.mark.parametrize("kind", ["application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"])
def test_a_broken_table_is_refused(client: Client, kind: str) -> None:
    status, response = client.predict(b"no table at all", kind=kind)
    assert status == 400
    assert response["error"].startswith(
        f"expected a table as {kind.rpartition('.')[2].replace('stream', 'arrow')}, got"
    )


def test_an_error_in_a_csv_body_names_no_path(client: Client) -> None:
    status, response = client.predict(b"series_id,time,x\n1,0,a\n1,1,b\n", kind="text/csv")
    assert status == 422
    assert "/" not in response["error"]


def test_an_unknown_type_is_refused(client: Client) -> None:
    status, response = client.predict(b"x", kind="application/x-pickle")
    assert (status, response["error"].rpartition(", got ")[2]) == (
        415,
        "'application/x-pickle'; state the type in the header Content-Type, as in curl -H 'Content-Type: text/csv' "
        "--data-binary @new.csv",
    )


def test_unknown_models_and_addresses_are_named(client: Client) -> None:
    status, response = client.predict({"series": [[1]]}, "modell")
    assert (status, response) == (404, {"error": "there is no model 'modell'; did you mean 'model'?"})
    remedy = "predictions are at POST /v1/models/NAME/predict, and /openapi.json describes all addresses"
    for address, status, problem in (
        ("/etc/passwd", 404, "there is nothing at this address"),
        ("/v1/models/model/predict", 405, "this address takes another method"),
    ):
        answered, content = client.get(address)
        assert (answered, json.loads(content)) == (status, {"error": f"{problem}; {remedy}"})


def test_an_endless_body_is_refused(client: Client) -> None:
    head = b"POST /v1/models/model/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(head + b"1\r\n{\r\n")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(head + chunk * 4)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 413 ")


def test_an_invalid_request_in_a_shared_pass_fails_alone(tmp_path: Path) -> None:
    save_model(random_network_model(), tmp_path / "model")
    good, bad = {"series": [[[1.0, 2.0]]]}, b'{"series": [[[1e999, 2.0]]]}'
    with served([tmp_path / "model"]) as one:
        passes = one.registry.passes["model"]
        blocker = passes.executor.submit(time.sleep, 0.5)
        statuses: list = [None] * 4
        contents = [good, bad, good, good]
        threads = [
            threading.Thread(target=lambda place=place: statuses.__setitem__(place, one.predict(contents[place])[0]))
            for place in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        blocker.result()
    assert statuses == [200, 422, 200, 200]


def test_a_full_queue_is_refused(tmp_path: Path) -> None:
    save_model(random_network_model(), tmp_path / "model")
    with served([tmp_path / "model"], ServerLimits(waiting=1)) as one:
        one.registry.passes["model"].executor.submit(time.sleep, 1.0)
        statuses: list = []
        threads = [
            threading.Thread(target=lambda: statuses.append(one.predict({"series": [[[1.0, 2.0]]]})[0]))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200, 503}


def test_every_address_but_health_needs_the_token(tmp_path: Path) -> None:
    save_model(random_network_model(), tmp_path / "model")
    with served([tmp_path / "model"], token="secret") as one:
        status, response = one.predict({"series": [[[1.0, 2.0]]]})
        assert (status, response["error"]) == (401, "expected the token of this server as Authorization: Bearer TOKEN")
        assert one.predict({"series": [[[1.0, 2.0]]]}, Authorization="Bearer wrong")[0] == 401
        assert one.predict({"series": [[[1.0, 2.0]]]}, Authorization="Bearer secret")[0] == 200
        assert [one.get(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 401]


def test_a_replaced_model_is_served_without_a_lost_request(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_model(random_network_model(classes=("a", "b")), folder)
    with served([folder], reload_seconds=0.05) as one:
        first = one.registry["model"].version
        statuses, stop = [], threading.Event()

        def request() -> None:
            while not stop.is_set():
                statuses.append(one.predict({"series": [[[1.0, 2.0]]]})[0])

        thread = threading.Thread(target=request)
        thread.start()
        save_model(random_network_model("gru", classes=("x", "y", "z")), folder)
        started = time.monotonic()
        while one.registry["model"].version == first and time.monotonic() - started < 20:
            time.sleep(0.02)
        stop.set()
        thread.join()
        _, response = one.predict({"series": [[[1.0, 2.0]]]})
        assert list(response["predictions"][0]["probabilities"]) == ["x", "y", "z"]
        assert set(statuses) == {200}
        (folder / "model.json").write_text("broken")
        while 'result="failed"' not in one.get("/metrics")[1].decode() and time.monotonic() - started < 40:
            time.sleep(0.02)
        assert one.predict({"series": [[[1.0, 2.0]]]})[0] == 200


def test_values_that_make_a_network_overflow_are_refused(tmp_path: Path) -> None:
    model = random_network_model()
    model.network.normalisation.scale.fill_(1e-30)
    for weight in model.network.head.parameters():
        weight.data.fill_(float("inf"))
    save_model(model, tmp_path / "model")
    with served([tmp_path / "model"]) as one:
        status, response = one.predict({"series": [[[1e10, 2.0]]]})
        assert one.predict({"series": [[[1.0, 2.0]]]})[0] == 422
    assert (status, response["error"]) == (
        422,
        "expected finite logits, got one that is not finite for series '0'; its values or the weights of the model are "
        "too large for float32; check the values, or save the model again",
    )


def test_models_are_described_and_counted(client: Client) -> None:
    content = json.loads(client.get("/v1/models")[1])["models"]
    assert [one["name"] for one in content] == ["model", "described", "exported", "summing", "steps", "counting"]
    assert json.loads(client.get("/v1/models/described")[1])["metadata"]["age"] == "number"
    client.predict({"series": [[[1.0, 2.0]]]})
    metrics = client.get("/metrics")[1].decode()
    assert 'limelight_requests_total{path="/v1/models/{name}/predict",status="200"}' in metrics
    assert 'limelight_series_total{model="model"}' in metrics
    assert "limelight_request_seconds_bucket" in metrics


def test_the_description_has_the_types_and_an_example(client: Client) -> None:
    content = json.loads(client.get("/openapi.json")[1])
    post = content["paths"]["/v1/models/{name}/predict"]["post"]
    kinds = post["requestBody"]["content"]
    assert {"application/json", "text/csv", "application/vnd.apache.parquet"} <= set(kinds)
    assert "series" in kinds["application/json"]["example"]


def test_the_description_names_the_models(client: Client) -> None:
    paths = json.loads(client.get("/openapi.json")[1])["paths"]
    found = paths["/v1/models/{name}"]["get"]
    assert found["parameters"][0]["schema"]["enum"] == [
        "model",
        "described",
        "exported",
        "summing",
        "steps",
        "counting",
    ]
    assert sorted(found["responses"]) == ["200", "404"]


def test_series_outside_the_training_data_are_named(tmp_path: Path) -> None:
    from limelight.estimator import TimeSeriesClassifier

    random = np.random.default_rng(0)
    values = random.normal(size=(40, 30, 1))
    classifier = TimeSeriesClassifier(encoder="rocket", random_state=0).fit(values, np.arange(40) % 2)
    classifier.save(tmp_path / "model")
    with served([tmp_path / "model"]) as one:
        _, response = one.predict({"series": [values[0].tolist(), (values[1] * 1e4).tolist()]})
    reasons = [found["outside_training"] for found in response["predictions"]]
    assert reasons[0] is None
    assert reasons[1] is not None
    assert response["warnings"]


def test_the_command_serves_without_torch_and_finishes_open_requests(tmp_path: Path) -> None:
    export_model(model_of(ARCHITECTURES["rocket, ppv, linear"]), tmp_path / "model.onnx")
    code = """
import sys
sys.modules["torch"] = None  # whoever imports it fails
sys.argv = ["limelight", "serve", "model.onnx", "--port", "0"]
from limelight.cli.app import main
main()
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving model (")
            port = int(line.rpartition(":")[2])
            assert response_across_a_stop(port, process.pid).startswith(b"HTTP/1.1 200 OK")
            assert process.wait(20) == 128 + signal.SIGTERM
            assert process.stderr is not None
            assert process.stderr.read() == "limelight: terminated; requests that had begun were answered\n"
        finally:
            process.kill()


def response_across_a_stop(port: int, process: int) -> bytes:
    """Send the beginning of a request, ask the process to stop, send the rest, and return the response."""
    body = json.dumps({"series": [[[1.0, 2.0]] * 20]}).encode()
    head = f"POST /v1/models/model/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + body[:5])
        time.sleep(0.5)
        os.kill(process, signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[5:])
        response = b""
        while piece := connection.recv(10_000):
            response += piece
    return response


def test_small_responses_are_sent_without_delay() -> None:
    listening = bound_socket(uvicorn.Config("app", "127.0.0.1", 0))
    with listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # what asyncio asks for before it sets TCP_NODELAY


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    for parent in ("one", "two"):
        save_model(random_network_model(), tmp_path / parent / "model")
    sources = [tmp_path / "one" / "model", tmp_path / "two" / "model"]
    assert message_of(ParameterError, serve_models, sources) == (
        "expected models with distinct names, got 'model' twice; rename a folder"
    )


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    save_model(random_network_model(), tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = message_of(ParameterError, serve_models, [tmp_path / "model"], port=port)
    assert message == f"cannot listen at 127.0.0.1:{port}: Address already in use; choose another --port or --host"


def test_without_fastapi_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    message = message_of(ParameterError, serve_models, [tmp_path])
    assert message == "serving models needs fastapi, which is not installed; pip install 'limelight[serve]'"
