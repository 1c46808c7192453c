"""The npm package of ONNX Runtime Web, from npm or from a registry, compared with a known hash."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from limelight.errors import ParameterError, as_sentence

RUNTIME_PACKAGE, RUNTIME_VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the file of the package, as registries and lock files of npm state it (``npm view PACKAGE dist.integrity``)."""
REGISTRY_VARIABLE = "NPM_CONFIG_REGISTRY"
WANTED = f"{RUNTIME_PACKAGE}@{RUNTIME_VERSION}"
ADVICE = f"or get the package with npm pack {WANTED} on another computer and pass its file with --runtime"
PATIENCE_SECONDS = 300
SILENCE_SECONDS = 30
LARGEST_PACKAGE = 256 << 20
CHUNK = 1 << 20


def get_package(folder: Path) -> Path:
    """Get the package by npm or, without npm, from the registry that its configuration names.

    Parameters
    ----------
    folder
        An empty folder, into which the file is written.

    Returns
    -------
    Path
        The file, of which the hash is that of the pinned version.

    Raises
    ------
    ParameterError
        If there is neither a registry nor npm, no answer, or another file.
    """
    if npm := shutil.which("npm"):
        file = _pack(npm, folder)
    elif registry := registry_of_npm():
        file = _download(registry, folder)
    else:
        raise ParameterError(
            "expected ONNX Runtime Web for the page, got a limelight without it, as it was not installed from a "
            "release, and no npm on this computer; install a release, install Node.js, set "
            f"{REGISTRY_VARIABLE} to the address of an npm registry, {ADVICE}"
        )
    require_integrity(file)
    return file


def registry_of_npm() -> str | None:
    """Return the address of the registry in the configuration of npm; None if it names none.

    It is that of the variable ``NPM_CONFIG_REGISTRY``, in any case, or of the file ``.npmrc`` in the home folder.
    """
    chosen = [value for name, value in os.environ.items() if name.upper() == REGISTRY_VARIABLE and value]
    if chosen:
        return chosen[0]
    try:
        lines = (Path.home() / ".npmrc").read_text(errors="replace").splitlines()
    except (OSError, RuntimeError):
        return None
    settings = [line.partition("=") for line in lines]
    named = [value.strip() for name, _, value in settings if name.strip() == "registry"]
    return named[-1] if named else None


def require_integrity(file: Path) -> None:
    """Check the file of the package against its hash; ParameterError if it is another file."""
    digest = hashlib.sha512()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    found = f"sha512-{base64.b64encode(digest.digest()).decode()}"
    if found != INTEGRITY:
        raise ParameterError(
            f"expected {WANTED} with the hash {INTEGRITY}, got a file with {found}, which the registry or somebody on "
            f"the way has changed; use another registry, {ADVICE}"
        )


def _download(registry: str, folder: Path) -> Path:
    name = f"{RUNTIME_PACKAGE}-{RUNTIME_VERSION}.tgz"
    address = f"{registry.rstrip('/')}/{RUNTIME_PACKAGE}/-/{name}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ParameterError(
            f"expected the address of an npm registry, which begins with https://, got {registry!r}; set "
            f"{REGISTRY_VARIABLE}, {ADVICE}"
        )
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # without a password
    file, size = folder / name, 0
    try:
        with urllib.request.urlopen(address, timeout=SILENCE_SECONDS) as answer, file.open("wb") as target:
            while chunk := answer.read(CHUNK):
                size += target.write(chunk)
                if size > LARGEST_PACKAGE:
                    raise OSError(f"more than {LARGEST_PACKAGE >> 20} MB")
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = as_sentence(OSError(error.reason) if type(error) is urllib.error.URLError else error)
        raise ParameterError(
            f"expected {WANTED} from the registry at {where} for the page, got no package ({reason}); connect to the "
            f"network, set {REGISTRY_VARIABLE} to the address of another registry, {ADVICE}"
        ) from error
    return file


def _pack(npm: str, folder: Path) -> Path:
    try:
        done = subprocess.run(
            [npm, "pack", WANTED, "--pack-destination", str(folder), "--silent"],
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
            f"expected npm to get {WANTED} for the page, got no package ({reason}); connect to the network, {ADVICE}"
        )
    return packed
