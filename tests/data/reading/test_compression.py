"""Compressed text files are read as the files in them, wherever a table is accepted."""

import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from limelight.config.reading import read_experiment
from limelight.data.reading.compression import COMPRESSIONS
from limelight.data.reading.folders import folder_content
from limelight.data.reading.tables import read_split, read_table
from limelight.errors import DataError, InputError, ParameterError
from support.errors import message_of

TABLE = "series_id,time,x,label\n" + "".join(
    f"s{row},{step},{row + step / 4},{'ab'[row]}\n" for row in (0, 1) for step in range(4)
)


def write(path: Path, text: str | bytes) -> Path:
    content = text.encode() if isinstance(text, str) else text
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem, content)
            archive.writestr(f"__MACOSX/._{path.stem}", b"")
        return path
    packed: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    }
    path.write_bytes(packed.get(path.suffix, bytes)(content))
    return path


CONTENTS = {
    ".csv": TABLE,
    ".tsv": TABLE.replace(",", "\t"),
    ".txt": TABLE.replace(",", " "),
    ".jsonl": '{"x": [0, 0.25, 0.5, 0.75], "label": "a"}\n{"x": [1, 1.25, 1.5, 1.75], "label": "b"}\n',
    ".ts": "@classLabel true a b\n@data\n0,0.25,0.5,0.75:a\n1,1.25,1.5,1.75:b\n",
    ".arff": "@attribute s relational\n@attribute 0 numeric\n@attribute 1 numeric\n@attribute 2 numeric\n"
    "@attribute 3 numeric\n@end s\n@attribute label {a,b}\n@data\n'0,0.25,0.5,0.75',a\n'1,1.25,1.5,1.75',b\n",
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("ending", CONTENTS)
def test_compressed_text_is_read_as_plain_text(ending: str, compression: str, tmp_path: Path) -> None:
    plain = read_table(write(tmp_path / f"s{ending}", CONTENTS[ending]))
    packed = read_table(write(tmp_path / f"s{ending}{compression}", CONTENTS[ending]))
    assert packed.values.tolist() == plain.values.tolist() == [[0], [0.25], [0.5], [0.75], [1], [1.25], [1.5], [1.75]]
    assert packed.ids.tolist() == plain.ids.tolist()
    assert packed.labels is not None
    assert packed.labels.tolist() == ["a", "b"]


def test_a_compressed_ucr_file_has_classes_first(tmp_path: Path) -> None:
    panel = read_table(write(tmp_path / "Pulse.tsv.gz", "1\t0.5\t0.75\n2\t0.25\t1\n"))
    assert panel.labels is not None
    assert panel.labels.tolist() == ["1", "2"]
    assert panel.ids.tolist() == ["Pulse_0", "Pulse_1"]


def test_compressed_csv_with_semicolons_is_read(tmp_path: Path) -> None:
    text = TABLE.replace(",", ";").replace(".", ",")
    assert read_table(write(tmp_path / "a.csv.xz", text)).values[1] == 0.25


def test_compressed_utf_16_is_read(tmp_path: Path) -> None:
    assert read_table(write(tmp_path / "a.csv.bz2", TABLE.encode("utf-16"))).values[1] == 0.25


def test_a_folder_of_compressed_files_names_series_and_tables(tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        write(tmp_path / f"{name}.csv.gz", "time,x\n0,1\n1,2\n2,4\n")
    write(tmp_path / "labels.csv.gz", "file,label\np1.csv.gz,a\np2.csv.gz,b\n")
    write(tmp_path / "split.csv.zip", "series_id,split\np1,train\np2,test\n")
    content = folder_content(tmp_path)
    panel = read_table(tmp_path)
    assert panel.ids.tolist() == ["p1", "p2"]
    assert panel.labels is not None
    assert panel.labels.tolist() == ["a", "b"]
    assert read_split(content.tables["split"], panel.ids).test.tolist() == [1]


def test_names_of_compressed_files_have_no_suffix(tmp_path: Path) -> None:
    for name in ("ok_p1", "worn_p2"):
        write(tmp_path / f"{name}.csv.gz", "time,x\n0,1\n1,2\n2,4\n")
    panel = read_table(tmp_path, names="{label}_{id}")
    assert panel.ids.tolist() == ["p1", "p2"]


def test_an_experiment_of_a_compressed_file_is_named_without_suffix(tmp_path: Path) -> None:
    assert read_experiment(write(tmp_path / "pumps.csv.gz", TABLE)).output == "runs/pumps"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_damaged_compressed_file_is_an_error(compression: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.csv{compression}", TABLE * 50)
    path.write_bytes(path.read_bytes()[:-30])
    message = message_of(DataError, read_table, path)
    assert re.fullmatch(
        rf"expected a complete \{compression} file, got '{re.escape(str(path))}', which is damaged \(.+\); write it again",
        message,
    )


def test_damaged_text_of_another_suffix_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "s.dat.gz"
    path.write_bytes(b"\x1f\x8b junk junk")
    for read in (read_table, read_experiment, folder_content):
        source = tmp_path if read is folder_content else path
        assert message_of(DataError, read, source) == (
            f"expected a complete .gz file, got {str(path)!r}, which is damaged (Unknown compression method); write it "
            "again"
        )


def test_a_file_that_is_only_called_compressed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_text(TABLE)
    assert message_of(DataError, read_table, path) == (
        f"expected a complete .gz file, got '{path}', which is damaged (Not a gzipped file (b'se')); write it again"
    )


def test_unknown_flags_of_a_compressed_file_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    whole = gzip.compress(TABLE.encode())
    path.write_bytes(whole[:3] + b"\x20" + whole[4:])
    assert len(read_table(path)) == 2


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, TABLE)
    assert message_of(DataError, read_table, path) == (
        f"expected one file in '{path}', got 2; unpack it, and pass the folder"
    )


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.zip", TABLE)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert message_of(DataError, read_table, path) == (
        f"expected a .zip file of a common method and without a password, got {str(path)!r}; unpack it, and "
        "pass the folder"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("s.npy.gz", "unpack it with gunzip"),
        ("s.xlsx.bz2", "unpack it with bunzip2"),
        ("s.gz", "unpack it with gunzip"),
        ("s.zip", "unpack it, and pass the folder"),
        ("s.tar.gz", "unpack it, and pass the folder"),
    ],
)
def test_other_compressed_files_are_refused_with_the_remedy(name: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    for error, read in ((DataError, read_table), (ParameterError, read_experiment)):
        message = message_of(error, read, tmp_path / name)
        assert isinstance(message, str)
        assert message.endswith(f"got '{tmp_path / name}'; {remedy}")
    with pytest.raises(InputError, match=re.escape(remedy)):
        folder_content(tmp_path)


def test_late_evidence_in_a_compressed_file_is_found(tmp_path: Path) -> None:
    rows = [f"p{row};{step};1,{100 + step}" for row in range(300) for step in range(20)]
    late = [f"q{row};{step};1234,5" for row in range(300) for step in range(20)]
    text = "\n".join(["id;time;x", *rows, *late]) + "\n"
    plain, packed = read_table(write(tmp_path / "a.csv", text)), read_table(write(tmp_path / "a.csv.gz", text))
    assert packed.values[:3].tolist() == plain.values[:3].tolist()
    assert [note.replace(".gz", "") for note in packed.notes] == [*plain.notes]
