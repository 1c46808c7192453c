import os
import re
from pathlib import Path

import pytest

from limelight.errors import OutputError
from limelight.files import whole_file, whole_folder, write_json


def test_failed_writing_leaves_the_old_file_and_no_temporary_files(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError, match="^midway$"), whole_file(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError("midway")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_failed_writing_leaves_the_old_folder_and_no_temporary_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("old")
    with pytest.raises(RuntimeError, match="^midway$"), whole_folder(folder) as temporary:
        (temporary / "a").write_text("half")
        raise RuntimeError("midway")
    assert (folder / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_new_folder_replaces_the_old_one_entirely(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").touch()
    with whole_folder(folder) as temporary:
        (temporary / "new").touch()
    assert [file.name for file in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_unwritable_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "inside.json"
    with pytest.raises(OutputError) as error:
        write_json(target, {})
    assert str(error.value) == (f"cannot write {str(target)!r}: File exists; choose another path, or free some space")


def test_invalid_json_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_new_folders_and_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with whole_folder(tmp_path / "folder") as temporary:
            (temporary / "a").touch()
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("folder", "a.json")] == ["0o750", "0o640"]


def test_only_the_written_file_and_its_folder_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "other" / "deep" / "large.bin").write_bytes(b"x")
    flushed = []
    monkeypatch.setattr("limelight.files.flush_to_disk", lambda path: flushed.append(path.name))
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    with whole_folder(tmp_path / "b") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "c.txt").write_text("whole")
    assert [re.sub(r"\.[0-9a-f]{8}\.partial", "", name) for name in flushed] == [
        ".a.txt", tmp_path.name, "c.txt", "inner", ".b", tmp_path.name,
    ]  # fmt: skip
