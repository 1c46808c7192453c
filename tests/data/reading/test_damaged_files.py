"""A damaged file is read or refused with one sentence; it never raises an error of a library or ends the process."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.io
import scipy.sparse

from campaigns import coverage_campaign
from campaigns.tally import Tally
from limelight.data.reading.mat_structure import readable_variables
from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of

PLACES = 60
X = np.random.default_rng(0).normal(size=(4, 5))


@pytest.mark.parametrize("name", coverage_campaign.READERS)
def test_the_valid_input_of_the_campaign_is_read(name: str) -> None:
    coverage_campaign.use(name)(coverage_campaign.seeds(name)[0])


@pytest.mark.parametrize("name", coverage_campaign.READERS)
def test_a_damaged_file_is_read_or_refused(name: str) -> None:
    content, read, tally = coverage_campaign.seeds(name)[0], coverage_campaign.use(name), Tally(name)
    for place in np.linspace(0, len(content) - 1, PLACES).astype(int):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        tally.attempt(str(place), lambda: read(bytes(damaged)))  # noqa: B023
    assert tally.faults == []
    assert tally.tried == PLACES


@pytest.mark.skipif(not coverage_campaign.is_available(), reason="atheris is not installed")
def test_a_short_fuzzing_run_finds_no_fault() -> None:
    tally = coverage_campaign.run("csv", 50)
    assert tally.faults == []
    assert tally.tried == 50


def mat_file(folder: Path, **arrays: object) -> Path:
    scipy.io.savemat(folder / "a.mat", arrays)
    return folder / "a.mat"


def test_a_mat_element_of_unknown_type_is_refused(tmp_path: Path) -> None:
    path = mat_file(tmp_path, X=X)
    content = bytearray(path.read_bytes())
    content[content.index(b"\x09\x00\x00\x00\xa0") + 1] = 0x27
    path.write_bytes(content)
    assert message_of(DataError, read_table, path) == (
        f"expected a MATLAB file, got '{path}', which is damaged or of another type; save it again"
    )


def test_sparse_arrays_of_a_mat_file_are_skipped(tmp_path: Path) -> None:
    path = mat_file(tmp_path, X=X, adjacency=scipy.sparse.eye(3).tocsc())
    assert readable_variables(path) == ["X"]
    assert len(read_table(path)) == 4


@pytest.mark.parametrize("compressed", [False, True])
def test_cells_structures_words_and_empty_arrays_are_complete(tmp_path: Path, compressed: bool) -> None:
    cells = np.array([[X, "a"], [np.empty((0, 0)), np.array([1 + 2j])]], dtype=object)
    arrays = {"cells": cells, "record": {"a": 1, "b": "two"}, "words": ["x", "yz"], "flag": True}
    scipy.io.savemat(tmp_path / "a.mat", arrays, do_compression=compressed)
    assert readable_variables(tmp_path / "a.mat") == list(arrays)


def test_offsets_of_an_arrow_file_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    offsets = np.arange(0, 5, dtype=np.int32) * 257
    table = pa.table({"id": ["a" * 257] * 4, "x": X[:, 0]})
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    content = path.read_bytes()
    assert content.count(offsets.tobytes()) == 1
    path.write_bytes(content.replace(offsets.tobytes(), (offsets * -(2**20)).tobytes()))
    assert message_of(DataError, read_table, path) == (
        f"expected a complete Arrow or Feather file, got '{path}', which is damaged or of another type; write it again"
    )


@pytest.mark.parametrize("name", ["parquet", "arrow"])
@pytest.mark.parametrize("place", ["a name", "a cell"])
def test_words_that_are_not_utf_8_are_refused(tmp_path: Path, name: str, place: str) -> None:
    path = tmp_path / f"a.{name}"
    table = pa.table({"series_id": ["pump"] * 4, "tempo": X[:, 0]})
    if name == "parquet":
        pyarrow.parquet.write_table(table, path, compression="none", store_schema=False)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    word = b"tempo" if place == "a name" else b"pump"
    path.write_bytes(path.read_bytes().replace(word, b"\xd0" + word[1:]))
    with pytest.raises(DataError, match=r"expected a complete .* file, got .*, which is damaged or of another type"):
        read_table(path)


def test_a_csv_line_with_few_cells_is_located(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,time,x\na,0,1\na,1,2\nEND\na,2,3\n")
    assert message_of(DataError, read_table, path) == (
        f"expected 3 cells in every line of '{path}', got 1 in line 4; complete the line, or remove it if it is no row of "
        "the table"
    )


def test_other_entries_of_an_npz_file_are_ignored(tmp_path: Path) -> None:
    import zipfile

    np.savez(tmp_path / "a.npz", X=X)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
        file.writestr("README", b"text")
    assert len(read_table(tmp_path / "a.npz")) == 4
