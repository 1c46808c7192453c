"""Atomic writes: write to a temporary name, then rename, so that a file is either complete or absent.

A temporary file or folder is locked while it is written. The next write to the same path removes those that a killed
process left, which nobody locks.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from limelight.errors import ModelFolderError, OutputError, listing, nearest

try:
    import fcntl
except ImportError:  # Windows has no such locks: nothing is locked there, and nothing is swept
    fcntl = None  # type: ignore[assignment]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
"""Errors of the operating system that mean that the output cannot be written."""
MOST_RUNS = 10
"""Runs that a message lists."""
PARTIAL = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.partial", re.DOTALL)


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Open a temporary file next to ``path`` and rename it to ``path`` if the block ends without an error.

    Parameters
    ----------
    path
        The file to write. Its folder is created if needed; an existing file is replaced, and so is the target of a
        symbolic link.
    durable
        Whether to wait until the file is on disk, so that it also survives a power failure.

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
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with whole_file(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [(file.name, file.read_text()) for file in folder.iterdir()]
    [('a.txt', 'whole')]
    """
    target = Path(os.path.realpath(path))
    with _output_errors(path), _partial(target, _create_file) as temporary:
        yield temporary
        if durable:
            flush_to_disk(temporary)
        os.replace(temporary, target)
        if durable:
            flush_to_disk(target.parent)


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
    target = Path(os.path.realpath(path))
    with _output_errors(path), _partial(target, _create_folder) as temporary:
        yield temporary
        flush_tree(temporary)
        if not target.is_dir():
            os.replace(temporary, target)
        elif not _exchange(temporary, target):
            _replace_in_two_steps(temporary, target)
        flush_to_disk(target.parent)


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


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of an output folder, which ends with the process however it ends.

    Parameters
    ----------
    folder
        The folder. It is created if needed, with its parents; what is created and still empty at the end is removed.
    wait
        Whether to wait while another process holds the lock.

    Raises
    ------
    OutputError
        If another process writes to the folder, or it cannot be created.
    """
    with _output_errors(folder):
        created = [one for one in (folder, *folder.parents) if not one.exists()]
        if not folder.exists():
            folder.mkdir(parents=True)
        descriptor = _lock(folder, wait=wait)
    try:
        if descriptor is None:
            raise OutputError(
                f"{str(folder)!r} is being written by another limelight process; wait until it ends, or choose "
                "another output"
            )
        yield
    finally:
        with suppress(OSError):
            for one in created:
                one.rmdir()
        if descriptor is not None:
            os.close(descriptor)


def require_model_folder(folder: Path) -> None:
    """Require that a folder exists and is not one that only holds runs; ModelFolderError, with a hint, if not."""
    if not folder.is_dir():
        siblings = sorted(one.name for one in folder.parent.glob("[!.]*/")) if folder.parent.is_dir() else []
        raise ModelFolderError(f"there is no model folder at {str(folder)!r}{nearest(folder.name, siblings)}")
    inside = sorted(one.parent.name for one in folder.glob("[!.]*/model/"))
    if inside and not any((folder / name).exists() for name in ("model", "model.json")):
        raise ModelFolderError(
            f"expected the folder of one run or model, got {str(folder)!r}, a folder of runs; use one of the runs in "
            f"it: {listing(inside, MOST_RUNS)}"
        )


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left in a folder."""
    for stray in folder.iterdir() if fcntl is not None and folder.is_dir() else ():
        if PARTIAL.fullmatch(stray.name):
            _remove_unlocked(stray)


def flush_tree(folder: Path) -> None:
    """Wait until a folder and everything in it is on disk."""
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            flush_tree(one)
        elif not one.is_symlink():
            flush_to_disk(one)
    flush_to_disk(folder)


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on disk; file systems that cannot wait are ignored."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """Convert errors of the operating system to an OutputError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise OutputError(unwritable(path, error)) from error
    except UnicodeEncodeError as error:
        raise OutputError(
            f"cannot write {str(path)!r}: the file system has no such letters; choose another path"
        ) from error


@contextmanager
def room_on_disk(folder: Path) -> Iterator[None]:
    """Convert errors about a full or read-only disk, from any library, to an OutputError that names a folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise OutputError(unwritable(folder, error)) from error
    except RuntimeError as error:
        if "PytorchStreamWriter" not in str(error):
            raise
        raise OutputError(unwritable(folder, OSError("the disk may be full"))) from error


def unwritable(path: Path, error: OSError) -> str:
    """Return the message for an output that cannot be written."""
    reason = error.strerror or str(error)
    return f"cannot write {str(path)!r}: {reason}; choose another path, or free some space"


@contextmanager
def _partial(target: Path, create: Callable[[Path], None]) -> Iterator[Path]:
    """Create and lock a temporary file or folder for a target; whatever has its name at the end is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    descriptor = None
    while descriptor is None:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        create(temporary)
        descriptor = _lock(temporary)  # None if another process just swept it
    try:
        yield temporary
    finally:
        with suppress(OSError):
            remove(temporary)
        os.close(descriptor)


def _create_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _create_folder(path: Path) -> None:
    path.mkdir()


def _sweep(target: Path) -> None:
    """Remove the temporary files and folders of a target that killed processes left."""
    for stray in target.parent.iterdir() if fcntl is not None else ():
        match = PARTIAL.fullmatch(stray.name)
        if match and match["name"] == target.name:
            _remove_unlocked(stray)


def _remove_unlocked(stray: Path) -> None:
    with suppress(OSError):
        descriptor = _lock(stray)
        if descriptor is not None:
            with suppress(OSError):
                remove(stray)
            os.close(descriptor)


def _lock(path: Path, *, wait: bool = False) -> int | None:
    """Open and lock a file or folder and return its descriptor; None if another process holds or removed it."""
    descriptor = os.open(path, os.O_RDONLY) if fcntl is not None else os.open(os.devnull, os.O_RDONLY)
    if fcntl is None:
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        same = path.exists() and os.path.samestat(os.stat(path), os.fstat(descriptor))
    except BlockingIOError:
        same = False
    except OSError:  # a file system without locks
        same = True
    if not same:
        os.close(descriptor)
        return None
    return descriptor


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one atomic step; False if the system or the file system has no such step."""
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return bool(library.renamex_np(os.fsencode(one), os.fsencode(other), 2) == 0)  # RENAME_SWAP
        here = -100  # AT_FDCWD
        return bool(library.renameat2(here, os.fsencode(one), here, os.fsencode(other), 2) == 0)  # RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):
        return False


def _replace_in_two_steps(temporary: Path, target: Path) -> None:
    """Replace a folder where folders cannot be exchanged: move the old one aside, and back if the second step fails."""
    old = temporary.with_name(f"{temporary.name}.old")
    os.replace(target, old)
    try:
        os.replace(temporary, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
