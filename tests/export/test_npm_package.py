"""The npm package of ONNX Runtime Web, from npm or from a registry on this machine."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from limelight.errors import ParameterError
from limelight.export import npm_package
from limelight.export.npm_package import get_package, registry_of_npm
from support.errors import message_of

CONTENT = b"a package"
HASH = f"sha512-{base64.b64encode(hashlib.sha512(CONTENT).digest()).decode()}"
PATH_OF_PACKAGE = "/npm/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"
ELSEWHERE = (
    "or get the package with npm pack onnxruntime-web@1.30.0 on another computer and pass its file with --runtime"
)


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == PATH_OF_PACKAGE
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(CONTENT if found else b"")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder on a computer without npm, without its configuration and without a proxy."""
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(npm_package, "INTEGRITY", HASH)
    return tmp_path


@pytest.fixture
def registry(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{address}/npm/")
    yield address
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("registry")
def test_a_registry_is_read_without_npm(bare: Path) -> None:
    assert get_package(bare).read_bytes() == CONTENT


@pytest.mark.usefixtures("registry")
def test_a_package_with_another_hash_is_refused(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm_package, "INTEGRITY", "sha512-other")
    assert message_of(ParameterError, get_package, bare) == (
        f"expected onnxruntime-web@1.30.0 with the hash sha512-other, got a file with {HASH}, which the registry or "
        f"somebody on the way has changed; use another registry, {ELSEWHERE}"
    )


def test_a_registry_without_the_package_is_named(registry: str, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{registry}/other")
    assert message_of(ParameterError, get_package, bare) == (
        f"expected onnxruntime-web@1.30.0 from the registry at {registry} for the page, got no package (HTTP Error 404: "
        f"Not Found); connect to the network, set NPM_CONFIG_REGISTRY to the address of another registry, {ELSEWHERE}"
    )


def test_without_a_network_the_registry_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1")
    assert message_of(ParameterError, get_package, bare) == (
        "expected onnxruntime-web@1.30.0 from the registry at http://127.0.0.1:1 for the page, got no package ([Errno 111] "
        "Connection refused); connect to the network, set NPM_CONFIG_REGISTRY to the address of another registry, "
        f"{ELSEWHERE}"
    )


def test_only_web_addresses_are_registries(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "file:///srv")
    assert message_of(ParameterError, get_package, bare) == (
        "expected the address of an npm registry, which begins with https://, got 'file:///srv'; set NPM_CONFIG_REGISTRY, "
        f"{ELSEWHERE}"
    )


def test_a_larger_file_is_not_a_package(registry: str, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm_package, "LARGEST_PACKAGE", 5)
    assert message_of(ParameterError, get_package, bare) == (
        f"expected onnxruntime-web@1.30.0 from the registry at {registry} for the page, got no package (more than 0 MB); "
        f"connect to the network, set NPM_CONFIG_REGISTRY to the address of another registry, {ELSEWHERE}"
    )


def test_the_configuration_of_npm_names_the_registry(bare: Path) -> None:
    assert registry_of_npm() is None
    (bare / ".npmrc").write_text("fund=false\nregistry = https://packages.example/npm/\n")
    assert registry_of_npm() == "https://packages.example/npm/"


def test_without_npm_the_error_names_the_alternatives(bare: Path) -> None:
    assert message_of(ParameterError, get_package, bare) == (
        "expected ONNX Runtime Web for the page, got a limelight without it, as it was not installed from a release, and no "
        "npm on this computer; install a release, install Node.js, set NPM_CONFIG_REGISTRY to the address of an npm "
        f"registry, {ELSEWHERE}"
    )


def npm_that(bare: Path, does: str) -> None:
    (bare / "npm").write_text(f"#!/bin/sh\n{does}\n")
    (bare / "npm").chmod(0o755)


def test_npm_is_preferred_and_its_package_checked(bare: Path) -> None:
    npm_that(bare, "echo other > onnxruntime-web-1.30.0.tgz")
    assert message_of(ParameterError, get_package, bare).startswith(
        f"expected onnxruntime-web@1.30.0 with the hash {HASH}, got a file with sha512-"
    )


def test_a_failure_of_npm_is_named(bare: Path) -> None:
    npm_that(bare, "echo no network >&2; exit 1")
    assert message_of(ParameterError, get_package, bare) == (
        "expected npm to get onnxruntime-web@1.30.0 for the page, got no package (no network); connect to the network, "
        f"{ELSEWHERE}"
    )
