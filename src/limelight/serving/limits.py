"""What a server accepts of one request, and how it refuses more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST_UNPACKED = 1 << 30
"""Bytes of an unpacked table."""


@dataclass(frozen=True)
class ServerLimits:
    """The limits of one request and of the queue.

    Parameters
    ----------
    body_bytes
        Largest body, at least 1.
    series, steps
        Most series of a request, and most steps of all its series together, at least 1.
    body_seconds
        Longest time for a body to arrive, above 0.
    waiting
        Most requests that wait for a pass of a model, at least 1.
    streams
        Most WebSockets at once, at least 0.
    message_bytes
        Largest message of a WebSocket, at least 1.
    """

    body_bytes: int = 16 << 20
    series: int = 1_024
    steps: int = 1 << 20
    body_seconds: float = 30.0
    waiting: int = 64
    streams: int = 64
    message_bytes: int = 1 << 16


class RequestError(Exception):
    """A request that is not answered, with the status and the sentence that the client gets.

    Parameters
    ----------
    status
        Of HTTP, 400 to 599.
    message
        What was expected, what was found, and what to do.
    headers
        Further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def require_unpacked(unpacked: int) -> None:
    """Raise a RequestError with status 413 if a table is too large once it is unpacked."""
    if unpacked > MOST_UNPACKED:
        raise RequestError(
            413, f"expected a table of at most {MOST_UNPACKED:,} bytes, got {unpacked:,}; send several requests"
        )


def require_size(series: int, steps: int, limits: ServerLimits) -> None:
    """Raise a RequestError with status 413 if a request has too many series or steps."""
    for count, most, name in ((series, limits.series, "series"), (steps, limits.steps, "steps")):
        if count > most:
            raise RequestError(
                413, f"expected at most {most:,} {name} in a request, got {count:,}; send several requests"
            )
