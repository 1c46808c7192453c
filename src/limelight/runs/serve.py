"""``limelight serve``: answer requests with saved or exported models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limelight.errors import ParameterError
from limelight.serving.limits import ServerLimits
from limelight.serving.registry import Loaded, ModelRegistry

STOP_SECONDS = 30
"""How long requests may take to end after the server is signalled to stop."""
MOST_CONNECTIONS = 1_024
"""More connections at once are answered with 503."""
UNREAD_SECONDS = 60
"""How long a client may leave an answer unread before its connection ends."""


def serve_models(
    sources: Sequence[Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    limits: ServerLimits | None = None,
    reload_seconds: float = 2.0,
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve models until the process is signalled to stop; requests that have begun are answered.

    Parameters
    ----------
    sources
        Run folders, model folders or files written by ``limelight export``, at least one.
    host, port
        Where to listen; port 0 takes a free one.
    token
        What clients must send; None asks for none.
    limits
        Of a request; None is the default.
    reload_seconds
        How often to look for changed models, above 0.
    log
        Called with the address once the server listens.

    Raises
    ------
    ModelFolderError
        If a model cannot be loaded.
    ParameterError
        If two models have the same name, the packages of the extra ``serve`` are not installed, or the port is taken.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
        import websockets  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            f"serving models needs {error.name}, which is not installed; pip install 'limelight[serve]'"
        ) from error
    from limelight.serving.app import build_app

    limits = limits or ServerLimits()
    registry = ModelRegistry(sources, load_served, limits)
    app: Any = build_app(registry, limits, token=token, reload_seconds=reload_seconds)
    config = server_config(app, host, port, limits)
    listening = bound_socket(config)
    address = listening.getsockname()
    names = ", ".join(f"{one.name} ({one.version})" for one in registry.models.values())
    log(f"serving {names} at http://{address[0]}:{address[1]}")
    uvicorn.Server(config).run(sockets=[listening])


def server_config(app: Any, host: str, port: int, limits: ServerLimits) -> Any:
    """Return the configuration of uvicorn.

    Parameters
    ----------
    app, host, port, limits
        As for ``serve_models``.

    Returns
    -------
    uvicorn.Config
        With limits for what comes before a request is read.
    """
    import uvicorn

    from limelight.serving.protocol import TimedProtocol

    return uvicorn.Config(
        app,
        host,
        port,
        http=TimedProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        log_level="warning",
        timeout_graceful_shutdown=STOP_SECONDS,
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,  # a small message would cost more time than it saves
    )


def load_served(source: Path) -> Loaded:
    """Load a model to be served: an exported file without torch, or a folder with it.

    Parameters
    ----------
    source
        A run folder, a model folder, or a file written by ``limelight export``.

    Returns
    -------
    tuple
        The model, and how its training series were read.

    Raises
    ------
    ModelFolderError
        If there is no model.
    """
    if source.suffix == ".onnx":
        from limelight.runtime import open_model

        exported = open_model(source)
        return exported, exported.reading
    from limelight.model.bundle import load_model
    from limelight.runs.export import reading_of_run

    fitted = load_model(source)
    fitted.network.eval()
    return fitted, reading_of_run(source)


def bound_socket(config: Any) -> Any:
    """Return a socket that listens; ParameterError if the port is taken."""
    import socket

    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # asyncio sends small answers at once only if the protocol is stated; else a client waits 40 ms for each of them
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000 * UNREAD_SECONDS)
    try:
        listening.bind((config.host, config.port))
        listening.listen(config.backlog)  # from now on clients may connect
    except OSError as error:
        listening.close()
        raise ParameterError(
            f"cannot listen at {config.host}:{config.port}: {error.strerror}; choose another --port or --host"
        ) from error
    return listening
