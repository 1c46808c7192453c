"""A server on a free port of this machine, and a client that speaks HTTP to it."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from limelight.runs.serve import load_served, server_config
from limelight.serving.app import build_app
from limelight.serving.limits import ServerLimits
from limelight.serving.registry import ModelRegistry

PATIENCE = 20


class Client:
    """Sends requests over a connection of its own each."""

    def __init__(self, port: int, registry: ModelRegistry) -> None:
        self.port, self.registry = port, registry

    def request(self, method: str, path: str, body=None, kind: str = "application/json", **headers: str):
        """Return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        given = {"Content-Type": kind, **headers} if body is not None else headers
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str):
        return self.request("GET", path, **headers)

    def predict(self, content, model: str = "model", kind: str = "application/json", **headers: str):
        """Return status and content of the response; content that is no bytes is sent as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, response = self.request("POST", f"/v1/models/{model}/predict", body, kind, **headers)
        return status, json.loads(response)


@contextmanager
def served(
    sources: Sequence[Path], limits: ServerLimits | None = None, token: str | None = None, **options
) -> Iterator[Client]:
    """Serve models in a thread."""
    limits = limits or ServerLimits()
    registry = ModelRegistry(sources, load_served, limits)
    app = build_app(registry, limits, token=token, **options)
    config = server_config(app, "127.0.0.1", 0, limits)
    config.log_level, config.timeout_graceful_shutdown = "critical", 2
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    started = time.monotonic()
    while not server.started:
        assert time.monotonic() - started < PATIENCE, "the server did not start"
        time.sleep(0.01)
    try:
        yield Client(server.servers[0].sockets[0].getsockname()[1], registry)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
