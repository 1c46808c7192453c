"""Concatenated files: a header among the data is ignored."""

from pathlib import Path

import pytest

from limelight.data.reading.tables import read_table

HEADER = "id,time,x,label"
NOTE = "further header lines among the data ignored"


def lines(series: str, steps: int = 3) -> list[str]:
    return [f"{series},{step},{step / 2},{'ab'[int(series) % 2]}" for step in range(steps)]


def read(path: Path, *rows: str, ending: str = "\n", encoding: str = "utf-8"):
    path.write_bytes((ending.join(rows) + ending).encode(encoding))
    return read_table(path)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_headers_of_joined_files_are_ignored(tmp_path: Path, ending: str, encoding: str) -> None:
    panel = read(
        tmp_path / "a.csv",
        HEADER,
        *lines("0"),
        HEADER,
        *lines("1"),
        HEADER,
        *lines("2"),
        ending=ending,
        encoding=encoding,
    )
    assert panel.lengths.tolist() == [3, 3, 3]
    assert panel.labels.tolist() == ["a", "b", "a"]
    assert any(NOTE in note for note in panel.notes)


def test_a_header_far_from_the_first_lines_is_found(tmp_path: Path) -> None:
    panel = read(tmp_path / "a.csv", HEADER, *lines("0", 30_000), HEADER, *lines("1", 30_000))
    assert panel.lengths.tolist() == [30_000, 30_000]


def test_a_row_that_only_resembles_the_header_is_kept(tmp_path: Path) -> None:
    panel = read(tmp_path / "a.csv", "id,time,x,label", "id,0,1.0,label", "id,1,2.0,label", "b,0,3.0,c", "b,1,3.0,c")
    assert panel.ids.tolist() == ["id", "b"]
    assert not any(NOTE in note for note in panel.notes)


def test_lines_of_the_file_are_counted_with_headers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"in line 9 of"):
        read(tmp_path / "a.csv", HEADER, *lines("0"), HEADER, *lines("1"), "2,zero,1.0,a")
