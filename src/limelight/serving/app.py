"""The web application: its addresses, and the description of them as OpenAPI."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from limelight import __version__
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.page import add_page
from limelight.serving.registry import ModelRegistry
from limelight.serving.requests import answer_request, error_content, read_body, to_json
from limelight.serving.sockets import add_stream, refuse
from limelight.serving.table_body import TABLE_TYPES

Message = MutableMapping[str, Any]
OPEN_PATHS = ("/", "/healthz", "/readyz")
"""Addresses that need no token."""
VALUE_SCHEMA = {"type": ["number", "null"]}
"""A value; null is missing."""
SERIES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["values"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "maxLength": 200},
        "values": {
            "type": "array",
            "minItems": 1,
            "anyOf": [{"items": VALUE_SCHEMA}, {"items": {"type": "array", "minItems": 1, "items": VALUE_SCHEMA}}],
        },
        "times": {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "string"}]}},
        "metadata": {"type": "object"},
        "signals": {"type": "object"},
    },
}
REQUEST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["series"],
    "additionalProperties": False,
    "properties": {
        "series": {"type": "array", "minItems": 1, "items": SERIES_SCHEMA},
        "channels": {"type": "array", "items": {"type": "string"}},
        "explain": {"type": "string", "enum": ["evidence", "attention"]},
        "target": {"type": "string"},
    },
}
REQUEST_EXAMPLE = {"series": [{"id": "pump 7", "values": [1.5, None, 1.7], "metadata": {"maker": "Alba"}}]}
ANSWER_EXAMPLE = {
    "model": "pumps",
    "version": "0f3a5c9e1b2d",
    "predictions": [
        {
            "id": "pump 7",
            "prediction": "ok",
            "probabilities": {"ok": 0.93, "worn": 0.07},
            "outside_training": None,
        }
    ],
    "warnings": [],
    "notes": [],
}
ERROR_EXAMPLE = {"error": "expected numbers or null as values of series 0, got 'a'"}
DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": REQUEST_SCHEMA, "example": REQUEST_EXAMPLE},
            **{name: {"schema": {"type": "string", "format": "binary"}} for name in TABLE_TYPES},
        },
    },
    "responses": {
        "200": {"description": "Predictions", "content": {"application/json": {"example": ANSWER_EXAMPLE}}},
        **{
            status: {"description": meaning, "content": {"application/json": {"example": ERROR_EXAMPLE}}}
            for status, meaning in {
                "400": "The body cannot be read.",
                "401": "The token is missing or wrong.",
                "404": "There is no such model.",
                "408": "The body took too long to arrive.",
                "413": "The body, the series or the steps exceed a limit.",
                "415": "The type of the content is not known.",
                "422": "The series do not fit the model.",
                "503": "Too many requests wait.",
            }.items()
        },
    },
}
TOKEN_WANTED = {"error": "expected the token of this server as Authorization: Bearer TOKEN"}
log = logging.getLogger("limelight.serving")


def build_app(
    registry: ModelRegistry, limits: ServerLimits, *, token: str | None = None, reload_seconds: float = 2.0
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    registry
        The models.
    limits
        Of a request.
    token
        What clients must send as ``Authorization: Bearer ...``; None asks for none.
    reload_seconds
        How often to look for changed models, above 0.

    Returns
    -------
    FastAPI
        An ASGI application.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(registry.watch(reload_seconds))
        app.state.ready = True
        yield
        app.state.ready = False
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        registry.close()

    # the pages that FastAPI offers for its description load scripts from elsewhere
    app = FastAPI(title="limelight", version=__version__, lifespan=life, docs_url=None, redoc_url=None)
    app.state.ready = False
    _add_models(app, registry, limits)
    add_stream(app, registry, limits)
    add_page(app, registry, limits)
    _add_health(app, registry)
    _describe_names(app.openapi()["paths"], list(registry.models))
    for kind in (RequestError, Exception):
        app.add_exception_handler(kind, _failed)
    app.add_exception_handler(HTTPException, _no_such_address)
    app.add_middleware(_Guard, registry=registry, token=token)
    return app


def _add_models(app: FastAPI, registry: ModelRegistry, limits: ServerLimits) -> None:
    @app.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """List the models with their versions, classes and channels."""
        return {"models": [one.describe() for one in registry.models.values()]}

    @app.get("/v1/models/{name}", responses={404: DESCRIPTION["responses"]["404"]})
    async def describe_served_model(name: str) -> dict[str, Any]:
        """Describe one model."""
        return registry[name].describe()

    @app.post("/v1/models/{name}/predict", openapi_extra=DESCRIPTION)
    async def predict_series(name: str, request: Request) -> Response:
        """Predict series, given as JSON or as a table: CSV, Arrow or Parquet."""
        served = registry[name]
        body = await read_body(request.stream(), limits)
        kind = request.headers.get("content-type", "")
        try:
            answer = await answer_request(served, registry.passes[name], kind, body, limits)
        except Exception as error:
            return _failed(request, error)
        registry.metrics.count("limelight_series_total", len(answer["predictions"]), model=name)
        return Response(to_json(answer), media_type="application/json")


def _describe_names(paths: dict[str, Any], names: list[str]) -> None:
    """Add the names of the models to the addresses of an OpenAPI description; other names are not found."""
    for operation in (one for path in paths if "{name}" in path for one in paths[path].values()):
        operation["parameters"][0]["schema"] = {"type": "string", "enum": names}
    del paths["/v1/models/{name}"]["get"]["responses"]["422"]


def _add_health(app: FastAPI, registry: ModelRegistry) -> None:
    @app.get("/healthz")
    async def is_alive() -> dict[str, str]:
        """Return 200 while the process runs."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def is_ready() -> Response:
        """Return 200 if requests are answered, else 503."""
        status = 200 if app.state.ready else 503
        return Response(to_json({"ready": app.state.ready}), status, media_type="application/json")

    @app.get("/metrics", response_class=PlainTextResponse)
    async def show_metrics() -> PlainTextResponse:
        """Return the counters of the server in the text format of Prometheus."""
        return PlainTextResponse(registry.metrics.render(), media_type="text/plain; version=0.0.4")


def _failed(request: Request, error: Exception) -> Response:
    status, content, headers = error_content(error)
    if status == 500:
        log.error("a request to %s failed", request.url.path, exc_info=error)
    return Response(to_json(content), status, dict(headers), media_type="application/json")


def _no_such_address(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    problem = "there is nothing at this address" if status == 404 else "this address takes another method"
    message = f"{problem}; predictions are at POST /v1/models/NAME/predict, and /openapi.json describes all addresses"
    headers = dict(getattr(error, "headers", None) or {})
    return Response(to_json({"error": message}), status, headers, media_type="application/json")


class _Guard:
    """Counts and times requests, and checks the token; a plain ASGI middleware, which copies no body."""

    def __init__(self, app: Any, registry: ModelRegistry, token: str | None) -> None:
        self.app, self.registry = app, registry
        self.token = None if token is None else f"Bearer {token}".encode()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket" and not self._is_allowed(scope):
                await refuse(WebSocket(scope, receive, send), 401, TOKEN_WANTED, {"WWW-Authenticate": "Bearer"})
            else:
                await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            if self._is_allowed(scope):
                await self.app(scope, receive, send_counted)
            else:
                refusal = Response(
                    to_json(TOKEN_WANTED), 401, {"WWW-Authenticate": "Bearer"}, media_type="application/json"
                )
                await refusal(scope, receive, send_counted)
        finally:
            self.registry.metrics.observe("limelight_request_seconds", time.perf_counter() - started)
            path = getattr(scope.get("route"), "path", "other")  # not as requested, which could be anything
            self.registry.metrics.count("limelight_requests_total", path=path, status=str(status))

    def _is_allowed(self, scope: Message) -> bool:
        if self.token is None or scope["path"] in OPEN_PATHS:
            return True
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self.token)
