import os
import time

import fsspec
import numpy as np
import pytest

from limelight.data import places
from limelight.data.panel import Panel
from limelight.data.reading.tables import read_split, read_table
from limelight.data.store.open import open_store
from limelight.data.store.write import write_store
from limelight.errors import DataError, OutputError
from support.errors import message_of

TABLE = b"series_id,time,x\na,0,1\na,1,2\nb,0,5\nb,1,7\n"


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMELIGHT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/logs.csv", TABLE)
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def copies(tmp_path):
    return [one.name for one in (tmp_path / "cache").iterdir()]


def test_a_table_at_a_url_is_read(memory):
    panel = read_table("memory://bucket/logs.csv")
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.series(1)[:, 0].tolist() == [5, 7]


def test_a_path_object_of_a_url_is_that_url(memory):
    from pathlib import Path

    assert len(read_table(Path("memory://bucket/logs.csv"))) == 2


def test_a_url_of_a_local_file_is_its_path(tmp_path):
    (tmp_path / "logs.csv").write_bytes(TABLE)
    assert len(read_table(f"file://{tmp_path}/logs.csv")) == 2


def test_a_folder_at_a_url_brings_its_labels(memory):
    memory.pipe("/bucket/data/series.csv", TABLE)
    memory.pipe("/bucket/data/labels.csv", b"series_id,label\na,ok\nb,bad\n")
    assert read_table("memory://bucket/data").labels.tolist() == ["ok", "bad"]


def test_labels_may_be_at_another_url(memory):
    memory.pipe("/other/labels.csv", b"series_id,label\na,ok\nb,bad\n")
    panel = read_table("memory://bucket/logs.csv", labels="memory://other/labels.csv")
    assert panel.labels.tolist() == ["ok", "bad"]


def test_a_split_may_be_at_a_url(memory):
    memory.pipe("/bucket/split.csv", b"series_id,split\na,test\nb,train\n")
    assert read_split("memory://bucket/split.csv", ["a", "b"]).test.tolist() == [0]


def test_files_match_a_pattern_at_a_url(memory):
    memory.pipe("/bucket/more/c.csv", b"series_id,time,x\nc,0,1\n")
    memory.pipe("/bucket/more/d.csv", b"series_id,time,x\nd,0,1\n")
    assert read_table("memory://bucket/more/*.csv").ids.tolist() == ["c", "d"]


def test_a_missing_file_at_a_url_names_its_neighbour(memory):
    assert message_of(DataError, read_table, "memory://bucket/log.csv") == (
        "expected files at 'memory://bucket/log.csv', got none; did you mean 'logs.csv'?"
    )


def test_a_missing_package_is_named(monkeypatch):
    def missing(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    assert message_of(DataError, read_table, "s3://bucket/logs.csv") == (
        "expected s3fs, which reads s3:// URLs, to read 's3://bucket/logs.csv', but it is not installed; install it "
        "with pip install 'limelight[s3]'"
    )


def test_an_unknown_scheme_is_refused():
    assert message_of(DataError, read_table, "s4://bucket/logs.csv") == (
        "expected a path or a URL such as s3://bucket/logs.parquet, got 's4://bucket/logs.csv', whose scheme 's4' is "
        "not known; known are: s3, gs, abfs, https, file, memory"
    )


def test_errors_of_a_file_system_become_one_sentence(memory, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(memory), "find", refuse)
    assert message_of(DataError, places.list_place, "memory://bucket/logs.csv") == (
        "cannot read 'memory://bucket/logs.csv': Access Denied; check the URL and your credentials"
    )


def test_a_copy_is_made_once(memory, monkeypatch):
    first = places.local_copy("memory://bucket/logs.csv")
    monkeypatch.setattr(type(memory), "get_file", None)
    assert places.local_copy("memory://bucket/logs.csv") == first


def test_a_changed_file_is_copied_again(memory):
    places.local_copy("memory://bucket/logs.csv")
    memory.pipe("/bucket/logs.csv", TABLE.replace(b"7", b"8"))
    assert places.local_copy("memory://bucket/logs.csv").read_bytes().endswith(b"8\n")


def test_the_least_recently_used_copies_are_removed(memory, tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        memory.pipe(f"/bucket/{name}", bytes(400))
    monkeypatch.setenv("LIMELIGHT_CACHE_GB", "1e-6")
    old, kept = (places.local_copy(f"memory://bucket/{name}") for name in ("a", "b"))
    os.utime(old.parents[2] / ".used", (time.time() - 60,) * 2)
    places.local_copy("memory://bucket/c")
    assert not old.exists()
    assert kept.exists()


def test_a_copy_larger_than_the_limit_is_refused(memory, tmp_path, monkeypatch):
    memory.pipe("/bucket/large", bytes(2000))
    monkeypatch.setenv("LIMELIGHT_CACHE_GB", "1e-6")
    assert message_of(DataError, places.local_copy, "memory://bucket/large") == (
        "'memory://bucket/large' has 0.0 GB, but local copies may take 1e-06 GB; set LIMELIGHT_CACHE_GB to more, or "
        "copy it yourself"
    )


def test_a_broken_copy_leaves_nothing(memory, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ConnectionError("reset")

    monkeypatch.setattr(type(memory), "get_file", broken)
    with pytest.raises(DataError, match=r"^cannot read 'memory://bucket/logs.csv': reset; check the URL and your cred"):
        places.local_copy("memory://bucket/logs.csv")
    assert copies(tmp_path) == []


def test_a_store_is_written_to_and_opened_from_a_url(memory):
    panel = Panel.from_series([[1.0, 2.0], [3.0]], labels=["a", "b"])
    write_store(panel, "memory://bucket/waves.store")
    stored = open_store("memory://bucket/waves.store")
    assert stored.series(1).tolist() == [[3.0]]
    assert stored.labels.tolist() == ["a", "b"]
    assert np.array_equal(read_table("memory://bucket/waves.store").values, panel.values)


def test_the_description_of_a_store_is_written_last(memory, monkeypatch):
    written = []
    monkeypatch.setattr(type(memory), "put_file", lambda self, local, remote, **_: written.append(remote))
    write_store(Panel.from_series([[1.0]]), "memory://bucket/waves.store")
    assert written[-1].endswith("/waves.store/store.json")
    assert len(written) == 4


def test_an_unwritable_url_raises_one_sentence(memory, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(memory), "put_file", refuse)
    assert message_of(OutputError, write_store, Panel.from_series([[1.0]]), "memory://bucket/waves.store") == (
        "cannot write 'memory://bucket/waves.store': Access Denied"
    )
