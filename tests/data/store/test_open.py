import json
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.annotations import Origin
from limelight.data.panel import Panel
from limelight.data.store import open as store_module
from limelight.data.store.open import is_store, open_store, stored_split
from limelight.data.store.write import write_store
from limelight.errors import DataError, OutputError
from support.errors import message_of
from support.strategies import assert_equal, panels

PANEL = Panel.from_series(
    [[1.0, 2.0, 3.0], [4.0, 5.0]], ids=["a", "b"], times=[[0, 1, 2], [5, 9]], labels=["x", "y"], units={"time": "s"}
)


def open_error(folder):
    return message_of(DataError, open_store, folder)


@given(panel=panels())
@settings(deadline=None, max_examples=60)
def test_a_stored_panel_opens_equal(panel, tmp_path_factory):
    folder = write_store(panel, tmp_path_factory.mktemp("stores") / "store")
    assert_equal(open_store(folder), panel)


@given(panel=panels(), draw=st.data())
@settings(deadline=None, max_examples=40)
def test_rows_of_a_store_are_the_rows_of_its_panel(panel, draw, tmp_path_factory):
    opened = open_store(write_store(panel, tmp_path_factory.mktemp("stores") / "store"))
    rows = np.array(draw.draw(st.lists(st.integers(0, len(panel) - 1), min_size=1, max_size=8)))
    assert_equal(opened[rows], panel[rows])
    blocks = list(opened[rows].blocks(steps=draw.draw(st.integers(1, 9))))
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), panel[rows].compact().values)


def test_values_stay_in_their_file(tmp_path):
    opened = open_store(write_store(PANEL, tmp_path / "store"))
    assert not opened.values.flags.owndata
    assert not opened.values.flags.writeable
    assert np.shares_memory(opened[[1]].values, opened.values)


def test_a_pickled_store_contains_no_values(tmp_path):
    long = Panel.from_series([np.arange(100_000.0)], ids=["a"])
    opened = open_store(write_store(long, tmp_path / "store"))
    content = pickle.dumps(opened)
    assert len(content) < 5_000
    assert_equal(pickle.loads(content), long)


def test_released_pages_are_read_again(tmp_path):
    opened = open_store(write_store(PANEL, tmp_path / "store"))
    before = opened.series(1).copy()
    opened.backing.release()
    np.testing.assert_array_equal(opened.series(1), before)


def test_pages_are_released_after_reading(tmp_path, monkeypatch):
    opened = open_store(write_store(PANEL, tmp_path / "store"))
    released = []
    monkeypatch.setattr(type(opened.backing), "release", lambda self: released.append(True))
    monkeypatch.setattr(store_module, "RELEASE_AFTER", 10 * store_module.PAGE_CLUSTER)
    opened.note_read(np.full(4, 3))
    assert not released
    opened.note_read(np.full(4, 3))
    assert released


def test_the_split_and_the_origin_of_windows_are_kept(tmp_path):
    windows = PANEL.replace(origin=Origin(np.array(["r", "r"]), np.array([0, 3])))
    folder = write_store(windows, tmp_path / "store", split=["train", "test"])
    assert stored_split(folder) == ["train", "test"]
    assert stored_split(write_store(PANEL, tmp_path / "other")) is None
    assert open_store(folder).origin.offsets.tolist() == [0, 3]


def test_a_store_replaces_a_store_and_nothing_else(tmp_path):
    folder = write_store(PANEL, tmp_path / "store")
    write_store(PANEL[[1]], folder)
    assert len(open_store(folder)) == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("four years")
    with pytest.raises(DataError) as error:
        write_store(PANEL, tmp_path / "mine")
    assert str(error.value) == (
        f"'{tmp_path / 'mine'}' already exists and is not a store; choose another name for the store"
    )
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_metadata_named_like_a_store_column_is_rejected(tmp_path):
    with pytest.raises(DataError) as error:
        write_store(PANEL.replace(metadata=pa.table({"split": ["p", "q"]})), tmp_path / "store")
    assert str(error.value) == "expected metadata names other than 'split', which a store uses itself; rename them"
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, signal, sys
import numpy as np
from limelight.data.store.write import write_store
from limelight.data.panel import Panel
from limelight.errors import OutputError
panel = Panel.from_series([np.zeros(1_000_000)])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    write_store(panel, sys.argv[1])
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of file sizes work so on Linux")
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path):
    folder = tmp_path / "store"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, folder], capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write '{folder}': File too large; choose another path, or free some space\n"
    assert not list(tmp_path.iterdir())


@pytest.fixture
def folder(tmp_path):
    return write_store(PANEL, tmp_path / "store")


def test_a_folder_without_a_store_is_refused(tmp_path):
    assert not is_store(tmp_path)
    assert open_error(tmp_path) == (
        f"expected a store in '{tmp_path}', got no 'store.json' there; create one with limelight pack"
    )


@pytest.mark.parametrize("name", ["values.bin", "times.bin", "offsets.bin", "series.parquet"])
def test_a_truncated_file_is_named(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-4])
    assert open_error(folder) == (
        f"the store file '{folder / name}' is damaged: it has {len(whole) - 4} bytes instead of {len(whole)}; "
        "pack it again"
    )


@pytest.mark.parametrize("name", ["values.bin", "times.bin", "offsets.bin", "series.parquet"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert open_error(folder) == f"the store file '{folder / name}' is damaged: it is missing; pack it again"


@pytest.mark.parametrize("name", ["values.bin", "times.bin", "offsets.bin", "series.parquet"])
def test_inconsistent_files_are_refused(folder, name, tmp_path):
    other = write_store(PANEL[[1, 0]].replace(ids=["b", "c"]), tmp_path / "other")
    content = bytearray((folder / name).read_bytes())
    size = len(content)
    shutil.copy(other / name, folder / name)
    if (folder / name).stat().st_size != size:
        content[-9] ^= 1
        (folder / name).write_bytes(content)
    assert open_error(folder) == (
        f"the files of the store '{folder}' do not match: one of them was damaged, changed or replaced; pack it again"
    )


def _change(folder, **entries):
    file = folder / "store.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))


def test_a_newer_version_is_refused(folder):
    _change(folder, version=4)
    assert open_error(folder) == (
        f"'{folder / 'store.json'}' has format version 4, but this version of limelight reads up to 3; update limelight"
    )


def test_a_description_of_another_size_is_refused(folder):
    _change(folder, steps=500)
    assert open_error(folder) == (
        f"the store file '{folder / 'values.bin'}' is damaged: its 20 bytes do not match the shapes in store.json; "
        "pack it again"
    )


@pytest.mark.parametrize("content", ["{", '{"format": "zip"}', '{"format": "limelight-store", "version": 1}', "[]"])
def test_a_damaged_description_is_refused(folder, content):
    (folder / "store.json").write_text(content)
    message = open_error(folder)
    assert message.startswith(
        (f"the store file '{folder / 'store.json'}' is damaged", f"'{folder / 'store.json'}' was")
    )


def test_a_failed_write_keeps_the_older_store(folder, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(OutputError) as error:
        write_store(PANEL[[0]], folder)
    assert str(error.value) == (
        f"cannot write '{folder}': No space left on device; choose another path, or free some space"
    )
    monkeypatch.undo()
    assert_equal(open_store(folder), PANEL)
