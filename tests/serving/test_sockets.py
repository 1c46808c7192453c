"""Streams over a WebSocket, with a client of another library."""

import json
from contextlib import ExitStack

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from limelight.data.panel import Panel
from limelight.export.onnx_file import export_model
from limelight.model.bundle import save_model
from limelight.serving.limits import ServerLimits
from support.models import random_network_model
from support.server import Client, served

MODELS = {
    "followed": random_network_model("gru", "mean"),
    "steps": random_network_model("gru", "none", level="step"),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("streamed")
    for name, model in MODELS.items():
        save_model(model, folder / name)
    export_model(MODELS["followed"], folder / "exported.onnx")
    limits = ServerLimits(streams=2, series=3, message_bytes=1_000)
    with served([folder / "followed", folder / "steps", folder / "exported.onnx"], limits, token="secret") as one:
        yield one


def opened(client: Client, model: str = "followed", query: str = "", **headers: str):
    given = {"Authorization": "Bearer secret", **headers}
    return connect(f"ws://127.0.0.1:{client.port}/v1/models/{model}/stream{query}", additional_headers=given)


@pytest.mark.parametrize(("name", "query"), [("followed", ""), ("exported", "?window=20"), ("steps", "")])
def test_predictions_over_a_socket_equal_those_of_predict(client: Client, name: str, query: str) -> None:
    model = MODELS.get(name, MODELS["followed"])
    values, found = np.random.default_rng(0).normal(size=(20, 2)), []
    with opened(client, name, query) as socket:
        for row in values:
            socket.send(json.dumps({"id": "pump 7", "values": row.tolist()}))
        socket.send('{"close": true}')
        found = [json.loads(text) for text in socket]
        assert socket.close_code == 1000
    answers = [list(one["probabilities"].values()) for one in found if "prediction" in one]
    assert len(answers) == 20
    np.testing.assert_allclose(answers[-1], model.predict(Panel.from_series([values])).probabilities[-1], atol=1e-5)
    events = [one["event"] for one in found if "event" in one]
    assert events.count("begin") == events.count("end")
    assert name == "steps" or not events


def test_a_bad_message_gets_an_error_and_the_stream_continues(client: Client) -> None:
    with opened(client) as socket:
        for text in ("{", '{"values": [1]}', b'{"values": [1, 2]}'):
            socket.send(text)
        found = [json.loads(socket.recv()) for _ in range(3)]
    assert found[0]["error"].startswith("expected a JSON object, got a message that is none: ")
    assert found[1] == {"error": "expected a number for each of 2 channels ('channel_0', 'channel_1'), got 1"}
    assert found[2]["steps"] == 1


def test_too_large_messages_close_the_stream(client: Client) -> None:
    with opened(client) as socket:
        socket.send(json.dumps({"values": [0] * 1_000}))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    ("model", "query", "headers", "status", "sentence"),
    [
        ("followd", "", {}, 404, "there is no model 'followd'; did you mean 'followed'?"),
        ("followed", "?window=0", {}, 422, "expected window as a number from 1 to 1,048,576, got '0'"),
        (
            "exported",
            "",
            {},
            422,
            "expected a model folder to carry the state of a network, got an exported model; pass window= to predict the "
            "last steps again and again",
        ),
        ("followed", "", {"Origin": "http://evil.example"}, 403, "expected a page of this server, got one of another"),
        (
            "followed",
            "",
            {"Authorization": "Bearer wrong"},
            401,
            "expected the token of this server as Authorization: Bearer TOKEN",
        ),
    ],
)
def test_streams_that_cannot_begin_are_refused(
    client: Client, model: str, query: str, headers: dict, status: int, sentence: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(client, model, query, **headers):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body) == {"error": sentence}


def test_no_more_streams_than_allowed_are_open(client: Client) -> None:
    with opened(client), opened(client):
        with pytest.raises(InvalidStatus) as refused, opened(client):
            pass
        assert refused.value.response.status_code == 503
        assert b"limelight_streams 2" in client.get("/metrics", Authorization="Bearer secret")[1]


def test_a_stopped_server_closes_its_streams(tmp_path) -> None:
    save_model(MODELS["followed"], tmp_path / "followed")
    with ExitStack() as stack:
        server = served([tmp_path / "followed"])
        socket = stack.enter_context(opened(server.__enter__()))
        socket.send('{"values": [1, 2]}')
        assert json.loads(socket.recv())["steps"] == 1
        server.__exit__(None, None, None)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
    assert closed.value.rcvd.code == 1012
