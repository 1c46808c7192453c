"""ONNX Runtime Web as one script beside an exported page, so that a page opened from a folder fetches nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import limelight
from limelight.data.places import cache_folder
from limelight.errors import OutputError, ParameterError, as_sentence
from limelight.export.npm_package import RUNTIME_PACKAGE, RUNTIME_VERSION, get_package
from limelight.files import whole_file

RUNTIME_FILE = f"{RUNTIME_PACKAGE}-{RUNTIME_VERSION}.js"
SHIPPED = Path(limelight.__file__).parent / "resources" / RUNTIME_FILE
"""The script in an installation from a release, for which ``supply/web_runtime.py`` writes it."""
MODULE, CODE = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
DIGESTS = {
    MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    CODE: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The SHA-256 of the files of the package that a page needs."""
LICENCE = """/*! ONNX Runtime Web {version}

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
*/
"""
FOLDERS = ("", "dist", "package/dist", f"{RUNTIME_PACKAGE}/dist", f"node_modules/{RUNTIME_PACKAGE}/dist")


def write_runtime(folder: Path, package: Path | None = None) -> Path:
    """Write the script of ONNX Runtime Web into a folder, unless it is there and no package is named.

    Parameters
    ----------
    folder
        The folder of the page.
    package
        The npm package onnxruntime-web of the pinned version, as a folder or as the file of ``npm pack``. None takes
        the script of this installation, if it is one of a release, or that in the folder of local copies
        (``LIMELIGHT_CACHE``, or ``~/.cache/limelight``), where it is put on first use, see ``get_package``.

    Returns
    -------
    Path
        The script, named by the version, which several pages share.

    Raises
    ------
    ParameterError
        If the package lacks a file or is of another version, or cannot be had.
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
    """Return the script of this installation, or from the folder of local copies, where it is put on first use."""
    for kept in (SHIPPED, cache_folder() / RUNTIME_FILE):
        if kept.is_file():
            return kept.read_bytes()
    script = fetch_script()
    try:
        with whole_file(kept) as temporary:
            temporary.write_bytes(script)
    except OutputError:  # without a local copy, it is fetched again next time
        return script
    return script


def fetch_script() -> bytes:
    """Return the script from the npm package, which npm or a registry is asked for; ParameterError without it."""
    with tempfile.TemporaryDirectory(prefix="limelight-") as name:
        return runtime_script(read_package(get_package(Path(name))))
