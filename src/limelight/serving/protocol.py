"""HTTP with a time limit for the headers of a request, which uvicorn itself does not have."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""How long the headers of a request may take to arrive."""
REFUSAL = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TimedProtocol(H11Protocol):
    """Closes a connection whose headers take too long, so that slow clients do not keep it."""

    header_seconds = HEADER_SECONDS
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start a connection and its time limit."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Process data; headers that are complete end the time limit, those of a next request start another one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._header_timer is None and not self.transport.is_closing():
            self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Pass the connection to the WebSocket, which has limits of its own."""
        self._stop()
        super().handle_websocket_upgrade(event)

    def _start(self) -> None:
        self._header_timer = self.loop.call_later(self.header_seconds, self._refuse)

    def _stop(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.write(REFUSAL)
            self.transport.close()
