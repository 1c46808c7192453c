"""``limelight stream``: answer series while they arrive, line by line."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TextIO

from limelight.errors import InputError, ModelFolderError, ParameterError, counted, shown
from limelight.files import whole_file
from limelight.runs.folder import EARLY_FOLDER
from limelight.runs.interrupts import held_interrupts
from limelight.serving.registry import version_of
from limelight.streaming.base import Stream
from limelight.streaming.lines import read_messages, stream_cells
from limelight.streaming.messages import SeriesStreams, StreamMessage, StreamSettings

SAVE_SECONDS = 5.0
"""How often the state is written while lines arrive."""
STATE = "limelight_stream"
Wanted = Literal["all", "changes", "events"]


def stream_lines(
    source: Path,
    *,
    lines: Iterable[str],
    output: TextIO,
    state: Path | None = None,
    window: int | None = None,
    every: int | None = None,
    only: Wanted = "all",
    early: bool = False,
    log: Callable[[str], None] = lambda line: None,
) -> int:
    """Read steps line by line, and write answers and events as JSON lines as they come.

    Parameters
    ----------
    source
        A run folder, a model folder or an exported file.
    lines
        JSON objects, or CSV with a header; see ``SeriesStreams.receive`` for their content. Columns of a CSV file are
        named as in training.
    output
        Receives the lines.
    state
        A file that the state is read from if it exists, and written to, so that a restart goes on where this process
        ended; None keeps no state, and the series end with the lines.
    window, every
        As for ``StreamSettings.as_trained``.
    only
        ``"changes"`` leaves out answers with the same prediction as before, ``"events"`` all answers.
    early
        Whether to answer each series once, by the rule of ``limelight early`` in the run folder.
    log
        Called with one line on what was done.

    Returns
    -------
    int
        The number of lines that were refused, each with a line ``{"line": ..., "error": ...}`` in the output.

    Raises
    ------
    ModelFolderError
        If there is no model.
    ParameterError
        If the model cannot follow a series, or the state is of another model.
    OutputError
        If the state cannot be written.
    KeyboardInterrupt
        If the process is interrupted, once the state is written.
    """
    from limelight.runs.serve import load_served

    model, reading = load_served(source)
    if only == "events" and not model.task.by_step:
        raise ParameterError(
            "expected a model with labels per step to find events, got one for whole series; drop --only events"
        )
    settings = StreamSettings.as_trained(model, reading, window, every)
    first = _early_stream(source, window, every) if early else None
    if settings.window is not None and first is None:
        log(f"each answer is about the last {settings.window} steps")
    streams = SeriesStreams(model if first is None else first.model, settings, first)
    kept = None if state is None else _StateFile(state, version_of(source))
    if kept is not None and kept.restore(streams):
        log(f"continues {len(streams)} series from {state}")
    following = _Following(streams, output, only)
    try:
        with held_interrupts() as hold:
            for line, message in read_messages(lines, stream_cells(model, settings, reading)):
                with hold:
                    following.answer(line, message)
                    if kept is not None:
                        kept.save(streams, SAVE_SECONDS)
        following.write([] if kept is not None else streams.end())
    except KeyboardInterrupt as interrupt:
        if kept is not None:
            kept.save(streams)
        interrupt.args = (following.summary(state),)
        raise
    if kept is not None:
        kept.save(streams)
    log(following.summary(state))
    return following.refused


def _early_stream(source: Path, window: int | None, every: int | None) -> Stream:
    """Return a stream of early answers by the result of ``limelight early`` in a run folder."""
    from limelight.evaluation.early.early_model import EarlyModel
    from limelight.streaming.early import EarlyStream

    if window is not None or every is not None:
        raise ParameterError("expected no --window and no --every next to --early, got one; drop it")
    return EarlyStream(EarlyModel.load(source / EARLY_FOLDER))


class _Following:
    """Answers messages and writes the answers."""

    def __init__(self, streams: SeriesStreams, output: TextIO, only: Wanted) -> None:
        self.streams, self.output, self.only = streams, output, only
        self.refused = 0
        self._last: dict[Any, Any] = {}

    def answer(self, line: int, message: Any) -> None:
        """Write the answer to one line, or write why it is refused."""
        try:
            if isinstance(message, InputError):
                raise message
            found = self.streams.receive(message)
        except InputError as error:
            self.refused += 1
            found = [{"line": line, "error": str(error)}]
        self.write(found)

    def write(self, messages: Iterable[StreamMessage]) -> None:
        """Write messages that are wanted, each in a line, and pass them on at once."""
        for message in messages:
            if self._is_wanted(message):
                self.output.write(json.dumps(message, ensure_ascii=False) + "\n")
        self.output.flush()

    def _is_wanted(self, message: StreamMessage) -> bool:
        if self.only == "all" or "prediction" not in message:
            return True
        if self.only == "events":
            return False
        before = self._last.get(message.get("id"), self)
        self._last[message.get("id")] = message["prediction"]
        return bool(before != message["prediction"])

    def summary(self, state: Path | None) -> str:
        """Describe what was done, in one line."""
        parts = [f"{counted(self.streams.steps, 'step')} answered"]
        parts += [f"{counted(self.refused, 'line')} refused"] if self.refused else []
        if self.streams.skipped:
            parts.append(f"{counted(self.streams.skipped, 'step')} skipped that were answered before")
        parts += [f"the state is in {state}"] if state is not None else []
        return ", ".join(parts)


class _StateFile:
    """The file of a state, of one version of a model."""

    def __init__(self, path: Path, version: str) -> None:
        self.path, self.version = path, version
        self._saved = time.monotonic()

    def restore(self, streams: SeriesStreams) -> bool:
        """Continue from the file; False if it does not exist."""
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return False
        try:
            with safe_open(self.path, framework="numpy") as file:
                content = json.loads((file.metadata() or {})[STATE])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
            raise ModelFolderError(
                f"expected the state of a stream in {shown(str(self.path))}, got another file; choose another --state, "
                "or remove the file to begin anew"
            ) from error
        if content["version"] != self.version:
            raise ModelFolderError(
                f"expected a state of version {self.version} of the model in {shown(str(self.path))}, got one of "
                f"version {content['version']}; remove the file to begin anew"
            )
        streams.restore(arrays, content["streams"])
        return True

    def save(self, streams: SeriesStreams, seconds: float = 0.0) -> None:
        """Write the state atomically if it was last written so many seconds ago."""
        from safetensors.numpy import save_file

        if time.monotonic() - self._saved < seconds:
            return
        arrays, description = streams.state()
        content = json.dumps({"version": self.version, "streams": description})
        with whole_file(self.path) as temporary:
            save_file(arrays, temporary, {STATE: content})
        self._saved = time.monotonic()


def standard_input() -> TextIO:
    """Return standard input as text in UTF-8, whatever the locale."""
    return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="\n")


def drop_output() -> None:
    """Redirect standard output to nowhere once its reader has gone, so that nothing fails at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
