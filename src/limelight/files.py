"""Atomic writes: write to a temporary name, then rename, so that a file is either complete or absent."""

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
    """Open a temporary file next to ``path`` and rename it to ``path`` if the block ends without an error.

    Parameters
    ----------
    path
        The file to write. Its folder is created if needed; an existing file is replaced.

    Returns
    -------
    Iterator[Path]
        The temporary path to write to.

    Raises
    ------
    OutputError
        If ``path`` cannot be written; an existing file there is then unchanged.

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
    """Create a temporary folder next to ``path`` and rename it to ``path`` if the block ends without an error.

    Parameters
    ----------
    path
        The folder to write; an existing folder there is replaced only once the new one is complete.

    Returns
    -------
    Iterator[Path]
        The temporary folder to write into.

    Raises
    ------
    OutputError
        If ``path`` cannot be written; an existing folder there is then unchanged.
    """
    path = path.resolve()  # replace the target of a symbolic link, not the link
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
    """Write ``content`` as indented JSON, atomically.

    Parameters
    ----------
    path
        The file to write.
    content
        Any JSON-serialisable object without NaN or infinity, which JSON does not have.

    Raises
    ------
    OutputError
        If ``path`` cannot be written.
    ValueError
        If ``content`` contains NaN or infinity.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _unwritable(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot write {str(path)!r}: {reason}; choose another path, or free some space"
