"""Streams over a WebSocket: steps in, answers and events out, as by ``limelight stream``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, WebSocket
from fastapi.responses import Response
from starlette.websockets import WebSocketDisconnect

from limelight.errors import InputError, ParameterError, shown
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.registry import ModelRegistry, ServedModel
from limelight.serving.requests import error_content, to_json
from limelight.streaming.messages import SeriesStreams, StreamMessage, StreamSettings

NORMAL, NOT_ALLOWED, TOO_LARGE, TRY_LATER = 1000, 1008, 1009, 1013
"""Codes of RFC 6455 that the server closes a WebSocket with."""


def add_stream(app: FastAPI, registry: ModelRegistry, limits: ServerLimits) -> None:
    """Add the address of streams to an application.

    Parameters
    ----------
    app, registry, limits
        As for ``build_app``.
    """
    opened: set[WebSocket] = set()

    @app.websocket("/v1/models/{name}/stream")
    async def stream_series(websocket: WebSocket, name: str) -> None:
        """Follow series with one model until the client closes; see ``SeriesStreams`` for the messages."""
        try:
            _require_same_origin(websocket)
            if len(opened) >= limits.streams:
                raise RequestError(503, f"expected at most {limits.streams} streams at once, got more; try again")
            served = registry[name]
            streams = await asyncio.to_thread(_begin, served, limits, websocket.query_params)
        except (RequestError, InputError) as error:
            status, content, headers = error_content(error)
            await refuse(websocket, status, content, headers)
            return
        opened.add(websocket)
        registry.metrics.set("limelight_streams", len(opened))
        try:
            await websocket.accept()
            await _follow(websocket, streams, limits)
        except WebSocketDisconnect:
            pass
        finally:
            opened.discard(websocket)
            registry.metrics.set("limelight_streams", len(opened))
            registry.metrics.count("limelight_stream_steps_total", streams.steps, model=name)


async def refuse(websocket: WebSocket, status: int, content: StreamMessage, headers: Mapping[str, str]) -> None:
    """Reject the request for a WebSocket with an error of HTTP; a server that cannot do so closes it."""
    try:
        await websocket.send_denial_response(Response(to_json(content), status, dict(headers), "application/json"))
    except RuntimeError:
        await websocket.close(TRY_LATER if status == 503 else NOT_ALLOWED)


def _begin(served: ServedModel, limits: ServerLimits, query: Mapping[str, str]) -> SeriesStreams:
    numbers = {name: _number(name, query[name], limits) for name in ("window", "every") if name in query}
    settings = StreamSettings.as_trained(served.model, served.reading, **numbers, most_series=limits.series)
    return SeriesStreams(served.model, settings)


def _number(name: str, text: str, limits: ServerLimits) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= limits.steps:
        return int(text)
    raise ParameterError(f"expected {name} as a number from 1 to {limits.steps:,}, got {shown(text)}")


def _require_same_origin(websocket: WebSocket) -> None:
    """Reject pages of other sites, which browsers let open a WebSocket to any address."""
    origin = websocket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != websocket.headers.get("host"):
        raise RequestError(403, "expected a page of this server, got one of another")


async def _follow(websocket: WebSocket, streams: SeriesStreams, limits: ServerLimits) -> None:
    """Process messages until the client closes the connection, or asks for it."""
    heavy = streams.settings.window is not None
    while True:
        event = await websocket.receive()
        if event["type"] == "websocket.disconnect":
            return
        text = event.get("text") or event.get("bytes") or ""
        if len(text) > limits.message_bytes:
            await websocket.close(TOO_LARGE, f"expected messages of at most {limits.message_bytes:,} bytes")
            return
        closes = False
        try:
            message = _parsed(text)
            closes = isinstance(message, dict) and message.get("close") is True
            if closes:
                found = streams.end()
            elif heavy:
                found = await asyncio.to_thread(streams.receive, message)
            else:
                found = streams.receive(message)
        except InputError as error:
            found = [{"error": str(error)[:2_000]}]
        try:
            async with asyncio.timeout(limits.body_seconds):
                for one in found:
                    await websocket.send_text(to_json(one).decode())
        except TimeoutError:  # the client does not read
            with suppress(RuntimeError):
                await websocket.close(TRY_LATER)
            return
        if closes:
            await websocket.close(NORMAL)
            return


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected a JSON object, got a message that is none: {str(error)[:200]}") from None
