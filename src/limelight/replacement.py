"""Replace several files of a folder in one step, so that a kill at any moment leaves one complete set.

The new files are written to the subfolder ``unfinished``. Renaming it to ``.finished`` is the step that makes them the
current ones. Moving them up is repeated until it succeeds, by whoever opens the folder next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from limelight.errors import OutputError
from limelight.files import flush_to_disk, flush_tree, locked, remove, remove_partial, unwritable, write_json

UNFINISHED, FINISHED = "unfinished", ".finished"
MOVES_FILE = ".moves.json"


def replace_files(folder: Path, names: Sequence[str]) -> None:
    """Replace the current files of a folder, whose lock is held, by those in ``unfinished``.

    Parameters
    ----------
    folder
        The folder; its other files are kept.
    names
        Every file and subfolder that belongs to the set; those without a successor in ``unfinished`` are removed.

    Raises
    ------
    OutputError
        If the folder cannot be written.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "unfinished").mkdir()
    >>> _ = [(folder / name).write_text("old") for name in ("a", "b", "notes")]
    >>> _ = (folder / "unfinished" / "a").write_text("new")
    >>> replace_files(folder, ["a", "b"])
    >>> sorted((file.name, file.read_text()) for file in folder.iterdir())
    [('a', 'new'), ('notes', 'old')]
    """
    unfinished = folder / UNFINISHED
    moved = [name for name in names if (unfinished / name).exists()]
    write_json(unfinished / MOVES_FILE, {"moved": moved, "removed": [name for name in names if name not in moved]})
    flush_tree(unfinished)
    try:
        os.replace(unfinished, folder / FINISHED)
    except OSError as error:
        raise OutputError(unwritable(folder, error)) from error
    flush_to_disk(folder)
    _move_up(folder)


def complete_replacement(folder: Path, *, held: bool = False) -> None:
    """Complete a replacement that a kill has interrupted; wait if another process is completing it.

    Parameters
    ----------
    folder
        Any folder, which need not exist.
    held
        Whether the lock of the folder is held already.

    Raises
    ------
    OutputError
        If there is a replacement to complete and the folder cannot be written.
    """
    if (folder / FINISHED).is_dir():
        with nullcontext() if held else locked(folder, wait=True):
            _move_up(folder)


def _move_up(folder: Path) -> None:
    """Move the finished files up; each step may have been done before."""
    finished = folder / FINISHED
    journal = finished / MOVES_FILE
    if not finished.is_dir():
        return
    try:
        moves = json.loads(journal.read_text(encoding="utf-8")) if journal.is_file() else {"moved": [], "removed": []}
        for name in moves["moved"]:
            if (finished / name).exists():
                remove(folder / name)
                os.replace(finished / name, folder / name)
        for name in moves["removed"]:
            remove(folder / name)
        flush_to_disk(folder)
        journal.unlink(missing_ok=True)  # from here on, nothing of value is in the folder
        remove(finished)
        remove_partial(folder)
    except OSError as error:
        raise OutputError(unwritable(folder, error)) from error
