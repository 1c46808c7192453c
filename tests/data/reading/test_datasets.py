import fsspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as datasets
import pyarrow.parquet as parquet
import pytest

from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of
from support.strategies import assert_equal

DAYS = [f"2024-{1 + day // 25:02d}-{1 + day % 25:02d}" for day in range(100)]


def long_table(series, steps=4):
    rows = (np.arange(series * steps, dtype=np.float32) * 7) % 11
    names = np.repeat([f"s{row:03d}" for row in range(series)], steps)
    return pa.table({"series_id": names, "time": np.tile(np.arange(steps), series), "x": rows})


def write_partitions(system, place, days):
    """Write a series of 4 steps to each partition by site (1 and 2) and day."""
    table = long_table(2 * days)
    for row in range(2 * days):
        path = f"{place}/site={1 + row // days}/day={DAYS[row % days]}/part.parquet"
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with system.open(path, "wb") as file:
            parquet.write_table(table.slice(4 * row, 4), file)


@pytest.fixture
def folder(tmp_path):
    write_partitions(fsspec.filesystem("file"), str(tmp_path / "logs"), days=4)
    return tmp_path / "logs"


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMELIGHT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def url(memory):
    write_partitions(memory, "/bucket/logs", days=4)
    return "memory://bucket/logs"


def test_partitions_become_metadata(folder):
    panel = read_table(folder)
    assert len(panel) == 8
    assert panel.channels == ("x",)
    assert panel.metadata.column_names == ["site", "day"]
    assert panel.metadata["day"].to_pylist()[:2] == DAYS[:2]


def test_a_filter_reads_six_of_200_partitions(memory):
    write_partitions(memory, "/bucket/large", days=100)
    panel = read_table("memory://bucket/large", filter=["site == 2", "day >= 2024-04-20"])
    assert panel.ids.tolist() == [f"s{row:03d}" for row in range(194, 200)]
    assert panel.series(0)[:, 0].tolist() == [value * 7 % 11 for value in range(776, 780)]
    assert panel.metadata["site"].to_pylist() == [2] * 6


def test_other_partitions_are_not_opened(url, monkeypatch):
    system, opened = fsspec.filesystem("memory"), set()
    plain = type(system)._open
    monkeypatch.setattr(
        type(system), "_open", lambda self, path, *a, **k: opened.add(path) or plain(self, path, *a, **k)
    )
    read_table(url, filter=f"day == {DAYS[3]}")
    assert {path for path in opened if DAYS[3] not in path} <= {f"/bucket/logs/site=1/day={DAYS[0]}/part.parquet"}


def test_a_url_reads_as_a_folder_does(folder, url):
    assert_equal(read_table(url), read_table(folder))


def test_a_pattern_keeps_the_partitions(folder):
    panel = read_table(str(folder / "site=2" / "*" / "*.parquet"))
    assert panel.metadata["site"].to_pylist() == [2] * 4


def test_a_constant_partition_is_not_a_channel(folder):
    assert read_table(folder, filter="site == 1").channels == ("x",)


def test_labels_lie_next_to_partitions(folder):
    (folder / "labels.csv").write_text("series_id,label\n" + "".join(f"s{row:03d},{row % 2}\n" for row in range(8)))
    assert read_table(folder).labels.tolist()[:2] == ["0", "1"]


def test_labels_lie_next_to_partitions_at_a_url(url):
    lines = "series_id,label\n" + "".join(f"s{row:03d},{row % 2}\n" for row in range(8))
    fsspec.filesystem("memory").pipe("/bucket/logs/labels.csv", lines.encode())
    assert read_table(url).labels.tolist()[:2] == ["0", "1"]


def test_a_file_without_a_column_is_named(folder):
    file = folder / f"site=2/day={DAYS[0]}/part.parquet"
    parquet.write_table(parquet.read_table(file, partitioning=None).drop_columns(["x"]), file)
    assert message_of(DataError, read_table, folder) == (
        f"expected the same columns in every file of '{folder}', got no 'x' in '{file}'; make the columns the same, or "
        "read the files separately"
    )


def test_a_damaged_file_raises_one_sentence(folder):
    (folder / f"site=1/day={DAYS[0]}/part.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        DataError, match=rf"^expected complete Parquet files in '{folder}', got one that is damaged or "
    ):
        read_table(folder)


def test_a_wrong_cell_is_located_in_its_file(folder):
    for day in DAYS[:4]:
        file = folder / f"site=2/day={day}/part.parquet"
        parquet.write_table(long_table(1).set_column(2, "x", pa.array([1.0, np.inf, 2.0, 3.0], pa.float32())), file)
    with pytest.raises(
        DataError,
        match=rf"in row 1 \(the first is 0\) of the rows of '{folder}/site=2/day={DAYS[0]}/part.parquet' where site >= 1 ",
    ):
        read_table(folder, filter="site >= 1", channels=["x"])


def sources():
    duckdb = pytest.importorskip("duckdb", reason="the relation of DuckDB needs it")
    table = long_table(3)
    return {
        "reader": table.to_reader(),
        "batch": table.combine_chunks().to_batches()[0],
        "dataset": datasets.dataset(table),
        "stream": type(
            "Stream", (), {"__arrow_c_stream__": lambda self, schema=None: table.__arrow_c_stream__(schema)}
        )(),
        "lazy": pl.from_arrow(table).lazy(),
        "duckdb": duckdb.connect().from_arrow(table),
    }


@pytest.mark.parametrize("kind", ["reader", "batch", "dataset", "stream", "lazy", "duckdb"])
def test_objects_are_read_as_the_table(kind):
    assert_equal(read_table(sources()[kind]), read_table(long_table(3)))


def test_a_dataset_of_pyarrow_is_filtered(folder):
    dataset = datasets.dataset(folder, partitioning="hive")
    assert len(read_table(dataset, filter="site == 2")) == 4


def test_a_filter_of_pyarrow_is_kept(folder):
    dataset = datasets.dataset(folder, partitioning="hive").filter(datasets.field("site") == 2)
    assert len(read_table(dataset, channels=["x"])) == 4


def test_a_partition_is_the_label_only_by_its_name(tmp_path):
    table = long_table(2)
    for row, label in enumerate(["ok", "bad"]):
        (tmp_path / f"label={label}").mkdir()
        parquet.write_table(table.slice(4 * row, 4), tmp_path / f"label={label}" / "part.parquet")
    assert read_table(tmp_path).labels.tolist() == ["bad", "ok"]


def test_a_wide_dataset_is_read(tmp_path):
    for site in "ab":
        (tmp_path / f"site={site}").mkdir()
        table = pa.table({"series_id": [f"{site}1", f"{site}2"], "0": [1.0, 2.0], "1": [3.0, 4.0], "2": [5.0, 6.0]})
        parquet.write_table(table, tmp_path / f"site={site}" / "part.parquet")
    panel = read_table(tmp_path, layout="wide", filter="site == b")
    assert panel.ids.tolist() == ["b1", "b2"]
    assert panel.series(0)[:, 0].tolist() == [1, 3, 5]
