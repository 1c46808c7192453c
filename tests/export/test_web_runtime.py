"""ONNX Runtime Web: from a release or an npm package to one script that is kept."""

import hashlib
import tarfile
from pathlib import Path

import pytest

from limelight.errors import ParameterError
from limelight.export import web_runtime
from limelight.export.web_runtime import CODE, MODULE, RUNTIME_FILE, read_package, write_runtime
from support.errors import message_of

CONTENT = {MODULE: b"export {};", CODE: b"code"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a package whose files have the expected digests."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(web_runtime, "DIGESTS", digests)
    monkeypatch.setattr(web_runtime, "SHIPPED", tmp_path / "not shipped")
    monkeypatch.setenv("LIMELIGHT_CACHE", str(tmp_path / "copies"))
    folder = tmp_path / "node_modules" / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder.parent


def packed(package: Path, file: Path) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        archive.add(package, arcname="package")
    return file


def test_a_folder_and_an_archive_hold_the_same_files(package: Path, tmp_path: Path) -> None:
    folders = (package, package / "dist", tmp_path)
    assert all(read_package(folder) == CONTENT for folder in folders)
    assert read_package(packed(package, tmp_path / "package.tgz")) == CONTENT


def test_the_package_is_fetched_once(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(
        web_runtime, "get_package", lambda folder: calls.append(1) or packed(package, folder / "package.tgz")
    )
    first, second = (write_runtime(tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "copies" / first.name).is_file()
    assert len(calls) == 1


def test_a_release_brings_its_own_script(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_runtime, "SHIPPED", tmp_path / "shipped.js")
    (tmp_path / "shipped.js").write_bytes(web_runtime.runtime_script(CONTENT))
    monkeypatch.setattr(web_runtime, "get_package", None)
    assert write_runtime(tmp_path / "pages").read_bytes() == (tmp_path / "shipped.js").read_bytes()


def test_another_version_is_refused(package: Path, tmp_path: Path) -> None:
    (package / "dist" / CODE).write_bytes(b"other")
    assert message_of(ParameterError, write_runtime, tmp_path / "pages", package) == (
        f"expected '{CODE}' of onnxruntime-web 1.30.0 at '{package}', got another content; get this version with npm pack "
        "onnxruntime-web@1.30.0"
    )
    (package / "dist" / CODE).unlink()
    assert message_of(ParameterError, write_runtime, tmp_path / "pages", package) == (
        f"expected the npm package onnxruntime-web 1.30.0 at '{package}', got one without '{CODE}'; pass its folder or its "
        ".tgz file"
    )


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    assert message_of(ParameterError, write_runtime, tmp_path, tmp_path / "absent.tgz") == (
        f"there is no npm package at '{tmp_path / 'absent.tgz'}'; pass its folder or its .tgz file"
    )


def test_a_named_package_is_read_beside_an_earlier_script(tmp_path: Path) -> None:
    (tmp_path / RUNTIME_FILE).write_text("earlier")
    assert write_runtime(tmp_path).read_text() == "earlier"
    assert message_of(ParameterError, write_runtime, tmp_path, tmp_path / "absent.tgz") == (
        f"there is no npm package at '{tmp_path / 'absent.tgz'}'; pass its folder or its .tgz file"
    )
