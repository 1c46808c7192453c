"""Interrupts that wait until a piece of work is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def held_interrupts() -> Iterator[Any]:
    """Hold back interrupts inside ``with`` of what is yielded, so that a step is answered as a whole or not at all."""
    held = _Held()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    usual = {number: handler for number, handler in before.items() if callable(handler)}
    held.handlers = usual
    for number in usual:
        signal.signal(number, held.receive)
    try:
        yield held
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


class _Held:
    """Passes signals on, but not inside ``with``."""

    def __init__(self) -> None:
        self.handlers: Mapping[int, Any] = {}
        self._inside = False
        self._pending: tuple[int, Any] | None = None

    def receive(self, number: int, frame: Any) -> None:
        """Receive a signal."""
        if self._inside:
            self._pending = (number, frame)
        else:
            self.handlers[number](number, frame)

    def __enter__(self) -> None:
        self._inside = True

    def __exit__(self, *error: object) -> None:
        self._inside = False  # first, so that a signal that comes from here on is not held back
        pending, self._pending = self._pending, None
        if pending is not None:
            self.handlers[pending[0]](*pending)
