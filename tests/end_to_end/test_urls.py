"""Commands that read from and write to URLs and partitioned folders."""

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.dataset as datasets
import pytest

from limelight.data.store.open import open_store
from support.commands import Commands


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """A partitioned folder of 60 series of two sites, with a label that depends on ``x``, and its copy at a URL."""
    monkeypatch.setenv("LIMELIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    rng, rows = np.random.default_rng(0), np.repeat(np.arange(60), 12)
    table = pa.table(
        {
            "series_id": [f"p{row}" for row in rows],
            "time": np.tile(np.arange(12), 60),
            "x": rng.normal(size=720) + rows % 2 * 3,
            "label": np.where(rows % 2, "worn", "fine"),
            "site": np.where(rows < 40, "A", "B"),
        }
    )
    folder, partitions = tmp_path / "logs", datasets.partitioning(pa.schema([("site", pa.string())]), flavor="hive")
    datasets.write_dataset(table, folder, format="parquet", partitioning=partitions)
    system = fsspec.filesystem("memory")
    system.put(str(folder), "/bucket/logs", recursive=True)
    yield folder
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def command(monkeypatch, capsys):
    return Commands(monkeypatch, capsys)


def test_inspect_reads_rows_of_a_url_that_a_filter_keeps(command, logs):
    printed = command("inspect", "memory://bucket/logs", "--filter", "site == A")
    assert "series: 40" in printed
    assert "only rows with site == A were read" in printed


def test_pack_writes_a_store_to_a_url(command, logs):
    printed = command("pack", logs, "--output", "memory://bucket/logs.store")
    assert printed.endswith("packed into memory://bucket/logs.store\n")
    assert len(open_store("memory://bucket/logs.store")) == 60


def test_pack_replaces_a_store_at_a_url_only_on_request(command, logs):
    command("pack", logs, "--output", "memory://bucket/logs.store")
    assert command("pack", logs, "--output", "memory://bucket/logs.store", code=2) == (
        "limelight: 'memory://bucket/logs.store' is already a store; pass --overwrite to replace it, or choose another "
        "output\n"
    )


def test_a_model_is_trained_and_used_on_urls(command, logs, tmp_path):
    command(
        "train", "memory://bucket/logs", "--output", "run", "--set", "model.encoder=rocket", "--set", "explain=false"
    )
    printed = command("predict", "run", "memory://bucket/logs", "--filter", "site == B")
    assert printed == "20 series predicted; written to predictions.parquet\n"


def test_a_run_folder_at_a_url_is_refused(command, logs):
    assert command("train", logs, "--output", "s3://bucket/run", code=2) == (
        "limelight: expected a path on this machine as output, got 's3://bucket/run'; write it here and copy it (only "
        "limelight pack writes to a URL)\n"
    )


def test_a_missing_url_raises_one_sentence(command, logs):
    assert command("inspect", "memory://bucket/log", code=2) == (
        "limelight: expected files at 'memory://bucket/log', got none; did you mean 'logs'?\n"
    )
