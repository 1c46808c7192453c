"""Files that are either whole or not there: write to a temporary name, then rename."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from limelight.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it to ``path`` when the block ends well.

    Parameters
    ----------
    path
        The file to appear; its folder is made if needed, an old file is replaced.

    Returns
    -------
    Iterator[Path]
        The temporary name to write to.

    Raises
    ------
    OutputError
        If the place cannot be written; an old file at ``path`` is then still as it was.

    Example
    -------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with whole_file(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [(file.name, file.read_text()) for file in folder.iterdir()]
    [('a.txt', 'whole')]
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; rename it to ``path`` when the block ends well.

    Parameters
    ----------
    path
        The folder to appear; an old folder there is replaced only after the new one is whole.

    Returns
    -------
    Iterator[Path]
        The temporary folder to fill.

    Raises
    ------
    OutputError
        If the place cannot be written; an old folder at ``path`` is then still as it was.
    """
    path = path.resolve()  # a link stays a link, and what it points to is replaced
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        old = temporary.with_suffix(".old")
        if path.is_dir():
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.is_dir():
                os.replace(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all.

    Parameters
    ----------
    path
        The file to write.
    content
        Anything that JSON can hold; NaN and infinity are refused, they are not JSON.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _unwritable(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot write {str(path)!r}: {reason}; choose another place or make room there"
