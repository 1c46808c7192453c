"""URLs of object stores: what is at a URL, local copies of it, and folders written there.

Local paths need none of this. fsspec, which torch brings, is imported on use; the package for each kind of URL is an
extra of limelight. What cannot be read in parts, such as a store or a CSV file, is copied to a cache of limited size.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from limelight.errors import DataError, OutputError, as_sentence, listing, nearest
from limelight.files import whole_folder
from limelight.progress import late_bar

URL = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/{1,3}(?P<rest>[^/].*)$", re.DOTALL)
"""A Path joins the two slashes of a URL into one; a drive of Windows has a single letter."""
PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3")),
    **dict.fromkeys(("gs", "gcs"), ("gcsfs", "gcs")),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), ("adlfs", "azure")),
}
"""The package that reads the URLs of each scheme, and the extra of limelight that installs it."""
SCHEMES = ("s3", "gs", "abfs", "https", "file", "memory")
CACHE_FOLDER, CACHE_LIMIT = "LIMELIGHT_CACHE", "LIMELIGHT_CACHE_GB"
"""Environment variables: the folder of local copies, and the most gigabytes that they may take."""
DEFAULT_LIMIT_GB = 20.0
LARGEST_NAME = 120
PATTERN_SIGNS = "*?["
USED = ".used"


def url_of(place: Any) -> str | None:
    """Return the URL of a place that is not on this machine's file system; None for paths and other objects.

    Example
    -------
    >>> url_of("s3://bucket/logs.parquet"), url_of(Path("s3://bucket/logs.parquet")), url_of("logs.parquet")
    ('s3://bucket/logs.parquet', 's3://bucket/logs.parquet', None)
    """
    match = URL.match(str(place)) if isinstance(place, str | Path) else None
    if match is None or match["scheme"].lower() in ("file", "local"):
        return None
    return f"{match['scheme'].lower()}://{match['rest']}"


def local_path(place: str | Path) -> Path:
    """Return a local path; the URL of a local file becomes its path.

    Example
    -------
    >>> local_path("file:///data/a.csv").as_posix(), local_path("a.csv").as_posix()
    ('/data/a.csv', 'a.csv')
    """
    match = URL.match(str(place))
    if match is not None and match["scheme"].lower() in ("file", "local"):
        return Path("/" + match["rest"])
    return Path(place)


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, as fsspec has it, and the path there.

    Parameters
    ----------
    url
        Such as ``"s3://bucket/logs"``. Credentials are found as the package of the file system documents.

    Raises
    ------
    DataError
        If no package is known for the scheme, or it is not installed.
    """
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        package, extra = PACKAGES.get(scheme, (None, None))
        if package is None:
            raise DataError(f"cannot read {url!r}: {as_sentence(error)}") from error
        raise DataError(
            f"expected {package}, which reads {scheme}:// URLs, to read {url!r}, but it is not installed; install it "
            f"with pip install 'limelight[{extra}]'"
        ) from error
    except ValueError as error:
        raise DataError(
            f"expected a path or a URL such as s3://bucket/logs.parquet, got {url!r}, whose scheme {scheme!r} is not "
            f"known{nearest(scheme, SCHEMES)}"
        ) from error
    return system, path


def list_place(url: str) -> list[str]:
    """List the files at a URL: itself, those that match a pattern, or all below a folder.

    Parameters
    ----------
    url
        A file, a folder, or a pattern with ``*``, ``?`` or ``[``.

    Returns
    -------
    list[str]
        URLs, sorted, without hidden files and those that begin with an underscore.

    Raises
    ------
    DataError
        If there is nothing at the URL, or it cannot be read.
    """
    system, path = file_system(url)
    with reading(url):
        is_pattern = any(sign in path for sign in PATTERN_SIGNS)
        found = [one for one in system.glob(path) if system.isfile(one)] if is_pattern else system.find(path)
    kept = [one for one in found if not PurePosixPath(one).name.startswith((".", "_"))]
    if not kept:
        raise DataError(f"expected files at {url!r}, got none{_beside(system, path)}")
    return sorted(_with_scheme(url, one) for one in kept)


def is_file_there(url: str, inside: str | None = None) -> bool:
    """Whether there is a file at a URL, or in the folder there; errors as of ``list_place``."""
    system, path = file_system(url)
    with reading(url):
        return bool(system.isfile(path if inside is None else f"{path.rstrip('/')}/{inside}"))


def local_copy(url: str) -> Path:
    """Return a local copy of a file or folder, which is read again only if it has changed.

    The folder of local copies is that of the environment variable LIMELIGHT_CACHE, or ``~/.cache/limelight``. Together,
    the copies take at most LIMELIGHT_CACHE_GB gigabytes, 20 by default: those that were not used for longest make room.

    Parameters
    ----------
    url
        A file or a folder.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    DataError
        If there is nothing at the URL, it cannot be read, or it is larger than the limit.
    OutputError
        If the folder of local copies cannot be written.
    """
    system, path = file_system(url)
    with reading(url):
        found = {one: system.info(one) for one in system.find(path)}
    if not found:
        raise DataError(f"expected a file or a folder at {url!r}, got none{_beside(system, path)}")
    content = "\n".join([url, *(f"{one} {system.ukey(one)}" for one in sorted(found))])
    copy = cache_folder() / hashlib.sha256(content.encode()).hexdigest()[:16]
    if not copy.exists():
        size = sum(int(info.get("size") or 0) for info in found.values())
        _make_room(cache_folder(), size, url)
        with whole_folder(copy) as folder, late_bar(f"copying {url}", size, "B") as bar:
            target = folder / _safe(url)
            for one in sorted(found):
                inside = target if one == path else target / PurePosixPath(one).relative_to(PurePosixPath(path))
                inside.parent.mkdir(parents=True, exist_ok=True)
                with reading(url):
                    system.get_file(one, str(inside))
                bar.update(int(found[one].get("size") or 0))
    with suppress(OSError):
        (copy / USED).touch()
    return copy / _safe(url)


def write_place(folder: Path, url: str, *, last: str) -> None:
    """Write a local folder to a URL.

    Parameters
    ----------
    folder
        The folder.
    url
        Where to write its files.
    last
        The file that is written last and removed first, by which a reader knows that the others are complete.

    Raises
    ------
    OutputError
        If the URL cannot be written.
    DataError
        As ``file_system``.
    """
    system, path = file_system(url)
    names = sorted((one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()), key=last.__eq__)
    try:
        if system.exists(f"{path}/{last}"):
            system.rm_file(f"{path}/{last}")
        for name in names:
            system.makedirs(f"{path}/{name}".rpartition("/")[0], exist_ok=True)
            system.put_file(str(folder / name), f"{path}/{name}")
    except Exception as error:  # each file system raises errors of its own
        raise OutputError(f"cannot write {url!r}: {as_sentence(error)}") from error


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Convert the errors of a file system to a DataError that names the URL."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"expected a file or a folder at {url!r}, got none; check the URL") from error
    except Exception as error:  # each file system raises errors of its own
        raise DataError(f"cannot read {url!r}: {as_sentence(error)}; check the URL and your credentials") from error


def _with_scheme(url: str, path: str) -> str:
    return f"{url.partition('://')[0]}://{path.partition('://')[2] or path.lstrip('/')}"


def _beside(system: Any, path: str) -> str:
    """Describe what is next to a path at which there is nothing."""
    folder = PurePosixPath(path).parent
    try:
        names = sorted(PurePosixPath(one).name for one in system.ls(str(folder), detail=False))
    except Exception:  # what is there only helps
        names = []
    if not names:
        return "; check the URL"
    near = nearest(PurePosixPath(path).name, names)
    return near if 0 < len(near) < 200 else f"; the folder above holds {listing(names)}"


def cache_folder() -> Path:
    """Return the folder of local copies: LIMELIGHT_CACHE, or ``~/.cache/limelight``."""
    chosen = os.environ.get(CACHE_FOLDER)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limelight"


def _safe(url: str) -> str:
    """Return a URL as the path of its copy, which messages name."""
    parts: Sequence[str] = [part for part in url.replace("://", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(re.sub(r"[^\w.=+-]", "_", part)[-LARGEST_NAME:] for part in parts)


def _make_room(cache: Path, size: int, url: str) -> None:
    """Remove the copies that were not used for longest until there is room for some bytes more."""
    try:
        limit = float(os.environ.get(CACHE_LIMIT) or DEFAULT_LIMIT_GB) * 1e9
    except ValueError:
        raise DataError(f"expected a number of gigabytes in {CACHE_LIMIT}, got {os.environ[CACHE_LIMIT]!r}") from None
    if size > limit:
        raise DataError(
            f"{url!r} has {size / 1e9:.1f} GB, but local copies may take {limit / 1e9:g} GB; set {CACHE_LIMIT} to "
            "more, or copy it yourself"
        )
    copies = [one for one in cache.iterdir() if one.is_dir() and not one.name.startswith(".")] if cache.is_dir() else []
    sizes = {one: sum(file.stat().st_size for file in one.rglob("*") if file.is_file()) for one in copies}
    for one in sorted(copies, key=_last_used):
        if sum(sizes.values()) + size <= limit:
            return
        shutil.rmtree(one, ignore_errors=True)
        del sizes[one]


def _last_used(copy: Path) -> float:
    try:
        return (copy / USED).stat().st_mtime
    except OSError:
        return time.time()  # it is being written
