"""Read files that may be compressed: their names without the ending of the compression, and their content."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from limelight.errors import DataError, LimelightError

COMPRESSIONS = {
    ".gz": "unpack it with gunzip",
    ".bz2": "unpack it with bunzip2",
    ".xz": "unpack it with unxz",
    ".zst": "unpack it with unzstd",
    ".zip": "unpack it, and pass the folder",
}
"""Endings of compressed files, and what to do with those whose content is not read."""
ADDED_BY_SYSTEMS = ("__MACOSX/", ".")
"""Beginnings of the names of files that operating systems add to an archive."""
COMPRESSION_ERRORS = (OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, EOFError)
"""Errors of damaged files."""


def compression_of(path: Path) -> str:
    """Return the ending of a compressed file in lower case; "" for other files.

    Example
    -------
    >>> compression_of(Path("pump.csv.GZ")), compression_of(Path("pump.csv"))
    ('.gz', '')
    """
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSIONS else ""


def suffix_of(path: Path) -> str:
    """Return the ending of a file in lower case, without that of its compression.

    Example
    -------
    >>> suffix_of(Path("pump.CSV.gz")), suffix_of(Path("pump.csv")), suffix_of(Path("pump.gz"))
    ('.csv', '.csv', '')
    """
    return (path.with_suffix("") if compression_of(path) else path).suffix.lower()


def stem_of(path: Path) -> str:
    """Return the name of a file without its ending and that of its compression.

    Example
    -------
    >>> stem_of(Path("runs/pump.csv.gz")), stem_of(Path("runs/pump.csv"))
    ('pump', 'pump')
    """
    return (path.with_suffix("") if compression_of(path) and suffix_of(path) else path).stem


def open_bytes(path: Path) -> IO[bytes]:
    """Open the content of a file, which is unpacked while it is read.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    IO[bytes]
        Its bytes, from the first one on; those of a compressed file cannot be sought.

    Raises
    ------
    DataError
        If a zip archive does not hold one file.
    OSError, zipfile.BadZipFile
        If the file cannot be read, or as the compression raises: see ``unpacking``.
    """
    kind = compression_of(path)
    if kind == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if kind == ".bz2":
        return bz2.open(path, "rb")
    if kind == ".xz":
        return lzma.open(path, "rb")
    if kind == ".zst":
        import pyarrow as pa  # which the help would wait for

        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return _only_member(path) if kind == ".zip" else path.open("rb")


def _only_member(path: Path) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:
        members = [
            one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith(ADDED_BY_SYSTEMS)
        ]
        if len(members) != 1:
            raise DataError(f"expected one file in {str(path)!r}, got {len(members)}; {COMPRESSIONS['.zip']}")
        return archive.open(members[0])


def read_bytes(path: Path) -> bytes:
    """Return the whole content of a file, unpacked; raises as ``open_bytes``."""
    with open_bytes(path) as file:
        return file.read()


def read_text(path: Path, name: str) -> tuple[str, bool]:
    """Read the whole text of a file with simple line ends.

    Parameters
    ----------
    path, name
        The file, and its name in messages.

    Returns
    -------
    tuple[str, bool]
        The text, and whether it is UTF-8; other text is read as Latin-1.

    Raises
    ------
    DataError
        If a compressed file is damaged.
    OSError
        If the file cannot be read.
    """
    with unpacking(path, name):
        content = read_bytes(path)
    try:
        text, is_unicode = content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        text, is_unicode = content.decode("latin-1"), False
    return text.replace("\r\n", "\n").replace("\r", "\n"), is_unicode


@contextmanager
def unpacking(path: Path, name: str) -> Iterator[None]:
    """Convert errors of decompression to a DataError that names the file."""
    try:
        yield
    except RuntimeError as error:  # zipfile raises it for a password, and NotImplementedError for other methods
        if compression_of(path) != ".zip" or isinstance(error, LimelightError):
            raise
        raise DataError(
            f"expected a .zip file of a common method and without a password, got {name}; {COMPRESSIONS['.zip']}"
        ) from error
    except COMPRESSION_ERRORS as error:
        of_system = isinstance(error, OSError) and error.errno is not None
        if of_system or not compression_of(path):
            raise
        raise DataError(
            f"expected a complete {compression_of(path)} file, got {name}, which is damaged ({error}); write it again"
        ) from error
