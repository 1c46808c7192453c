"""Signals that end a command: each ends it like Ctrl-C, so that nothing half-written stays."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

from typer.core import TyperGroup

REASONS = {"SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
"""Signals that end a command, and the word for each; Windows has no SIGHUP."""


class Terminated(KeyboardInterrupt):
    """Another process ended the command with a signal.

    Parameters
    ----------
    number
        The number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class CommandInterruptedError(Exception):
    """A command was interrupted; typer ends silently at a KeyboardInterrupt, but not at this exception.

    Parameters
    ----------
    interrupt
        The interrupt.
    """

    def __init__(self, interrupt: KeyboardInterrupt) -> None:
        super().__init__()
        self.interrupt = interrupt


class Commands(TyperGroup):
    """The commands, which raise ``CommandInterruptedError`` if they are interrupted."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise CommandInterruptedError(interrupt) from interrupt


def end_like_an_interrupt() -> None:
    """Install handlers that raise ``Terminated``, except for signals that are ignored, as under ``nohup``."""
    for name in REASONS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise Terminated(number)


def describe_interrupt(interrupt: KeyboardInterrupt) -> tuple[str, int]:
    """Return the line to print at an interrupt and the exit code of the command.

    Example
    -------
    >>> describe_interrupt(KeyboardInterrupt("nothing was written"))
    ('limelight: interrupted; nothing was written', 130)
    """
    number = interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT
    reason = REASONS.get(signal.Signals(number).name, "interrupted")
    kept = interrupt.args[0] if interrupt.args else "output that was not complete is discarded"
    return f"limelight: {reason}; {kept}", 128 + int(number)


def prepare_streams() -> None:
    """Configure both output streams to escape what their encoding lacks, such as letters in the C locale."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
