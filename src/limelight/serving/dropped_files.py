"""Files that a person dropped on the page: one body with their names and contents, read as the commands read them."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyarrow import parquet

from limelight.data.panel import Panel
from limelight.data.reading.compression import open_bytes, suffix_of
from limelight.errors import DataError, InputError
from limelight.model.predictor import Predictor
from limelight.model.reading import read_as_trained
from limelight.serving.limits import MOST_UNPACKED, RequestError, ServerLimits, require_size, require_unpacked
from limelight.serving.page_words import advice_for_page
from limelight.serving.unpacked_size import parquet_bytes

FILES_TYPE = "application/vnd.limelight.files"
MOST_FILES, LONGEST_FILE_NAME, DEEPEST = 2_000, 120, 3
TEXTS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".ts", ".arff")
ACCEPTED = (*TEXTS, ".xlsx", ".parquet")
PACKED = (".gz", ".zip")
"""Second endings of text; others may ask for more memory than the text needs."""
PACKED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BLOCK_BYTES = 1 << 20
RESTART = "as where another recording begins; "
UNSAFE = re.compile(r"[^\w .()+-]|^[. ]+")


def read_files(body: bytes, model: Predictor, reading: Mapping[str, Any], limits: ServerLimits) -> Panel:
    """Read series from the files of a body, as ``limelight predict`` does.

    Parameters
    ----------
    body
        4 bytes with the length of a JSON object, little-endian; this object, ``{"files": [{"name": ..., "size":
        ...}]}``; then the contents of the files. Names may have up to three folders.
    model, reading
        As for ``read_as_trained``.
    limits
        Of the request.

    Returns
    -------
    Panel
        The series, or their windows if the model was trained on windows. Several files are read as a folder: one
        series each, with a table ``metadata`` and side signals beside them.

    Raises
    ------
    RequestError
        400 if the body is no such list, 413 if it exceeds a limit, 415 if a file has another format.
    DataError, ParameterError
        If the files do not hold series.
    """
    files = _files_of(body)
    with tempfile.TemporaryDirectory(prefix="limelight-") as name:
        folder = Path(name)
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            _require_small(file)
        try:
            panel = _read(folder, [folder / path for path in files], model, reading)
        except InputError as error:
            message = advice_for_page(str(error).replace(f"{folder}/", ""))
            begin, restart, _ = message.partition(RESTART)
            if restart and len(files) > 1:
                message = f"{begin}{RESTART}give each series an id of its own if several files have the same"
            raise DataError(message) from None
    require_size(len(panel), int(panel.lengths.sum()), limits)
    return panel


def _read(folder: Path, files: list[Path], model: Predictor, reading: Mapping[str, Any]) -> Panel:
    if len(files) == 1:
        return read_as_trained(model, reading, str(files[0]))
    from limelight.data.reading.folders import folder_content  # imports many formats

    content = folder_content(folder)
    series = [str(one) for one in content.series] if isinstance(content.series, list) else str(content.series)
    tables = {key: str(path) for key, path in content.tables.items() if key in ("metadata", "signals")}
    names = {} if content.names is None else {"names": content.names}
    panel = read_as_trained(model, reading, series, **tables, **names)
    holding = len(series) if isinstance(series, list) else 1
    if len(panel) >= holding:
        return panel
    note = f"the {holding} files hold {len(panel)} series: rows of the same id were joined"
    return panel.replace(notes=(*panel.notes, note))


def _files_of(body: bytes) -> dict[str, bytes]:
    """Return the content of each file by a name without anything that leads elsewhere."""
    try:
        start = 4 + int.from_bytes(body[:4], "little")
        listed = json.loads(body[4:start])["files"]
        sizes = [(str(one["name"]), int(one["size"])) for one in listed]
        if not sizes or min(size for _, size in sizes) < 0 or start + sum(size for _, size in sizes) != len(body):
            raise ValueError
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise RequestError(400, "expected a list of files with their contents, got another body") from None
    if len(sizes) > MOST_FILES:
        raise RequestError(413, f"expected at most {MOST_FILES:,} files, got {len(sizes):,}; drop fewer at once")
    files: dict[str, bytes] = {}
    for name, size in sizes:
        files[_safe_name(name)] = body[start : start + size]
        start += size
    if len(files) < len(sizes):
        raise RequestError(400, "expected files with distinct names, got two of the same name; rename one")
    return files


def _safe_name(name: str) -> str:
    parts = [UNSAFE.sub("_", part)[-LONGEST_FILE_NAME:] or "_" for part in name.split("/")[-DEEPEST:]]
    if not _is_accepted(Path(parts[-1])):
        raise RequestError(
            415,
            f"expected files ending in {', '.join(ACCEPTED)}, text also packed as {' or '.join(PACKED)}, got "
            f"{name[:LONGEST_FILE_NAME]!r}; limelight predict reads further formats",
        )
    return "/".join(parts)


def _is_accepted(file: Path) -> bool:
    if file.suffix.lower() in PACKED:
        return suffix_of(file) in TEXTS
    return file.suffix.lower() in ACCEPTED


def _unpacked_text(file: Path) -> int:
    """Return the size of packed text once unpacked, as far as it is allowed."""
    if file.suffix.lower() == ".zip":
        with zipfile.ZipFile(file) as archive:
            if any(one.compress_type not in PACKED_METHODS for one in archive.infolist()):
                raise RequestError(
                    415, f"expected a zip file packed by deflate, got another in {file.name!r}; unpack it"
                )
    size = 0
    with open_bytes(file) as content:
        while size <= MOST_UNPACKED and (block := content.read(BLOCK_BYTES)):
            size += len(block)
    return size


def _require_small(file: Path) -> None:
    """Raise a RequestError with status 413 if a compressed file unpacks to more than a server can hold."""
    unpacked = 0
    try:
        if file.suffix.lower() in PACKED:
            unpacked = _unpacked_text(file)
        if file.suffix.lower() == ".xlsx":
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(one.file_size for one in archive.infolist())
        elif file.suffix.lower() == ".parquet":
            unpacked = parquet_bytes(parquet.read_metadata(file))
    except RequestError:
        raise
    except Exception:  # a damaged file: reading it names the damage
        return
    require_unpacked(unpacked)
