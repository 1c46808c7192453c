"""A column that names train and test is the split, wherever it stands."""

import json
from pathlib import Path

import numpy as np
import pytest

from support.commands import Commands

PARTS = ["TRAIN"] * 14 + ["TEST"] * 6


def write_tables(folder: Path, place: str) -> Path:
    """Write series, labels and metadata, with a column of parts in one of the three."""
    random = np.random.default_rng(0)
    extra = {name: ",subset" if name == place else "" for name in ("series", "labels", "metadata")}
    words = {name: [f",{part}" if name == place else "" for part in PARTS] for name in extra}
    tables = {
        "series": [
            f"s{row},{step},{random.normal():.3f}{words['series'][row]}" for row in range(20) for step in range(8)
        ],
        "labels": [f"s{row},{'ab'[row % 2]}{words['labels'][row]}" for row in range(20)],
        "metadata": [f"s{row},{row // 2}{words['metadata'][row]}" for row in range(20)],
    }
    headers = {"series": "series_id,time,x", "labels": "series_id,label", "metadata": "series_id,age"}
    folder.mkdir()
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([headers[name] + extra[name], *rows]) + "\n")
    return folder


def split_of(limelight: Commands, folder: Path, *options: str) -> str:
    split: str = json.loads(limelight("inspect", folder, "--json", *options))["split"]
    return split.split(";")[0] + ";" + split.split(";")[1]


@pytest.mark.parametrize("place", ["series", "labels", "metadata"])
def test_a_column_of_parts_is_the_split(limelight: Commands, tmp_path: Path, place: str) -> None:
    folder = write_tables(tmp_path / "data", place)
    assert split_of(limelight, folder) == "split: 14 train, 0 validation, 6 test; as given in column 'subset'"


def test_a_column_of_parts_with_a_kind_does_not_split(limelight: Commands, tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "data", "metadata")
    assert "at random" in split_of(limelight, folder, "--set", "data.fields.subset=ignore")


def test_a_split_table_may_name_its_column_otherwise(limelight: Commands, tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "data", "labels")
    file = folder / "labels.csv"
    assert split_of(limelight, folder / "series.csv", "--labels", file, "--split", file) == (
        f"split: 14 train, 0 validation, 6 test; as given in '{file}'"
    )


def test_a_store_keeps_the_column_of_parts(limelight: Commands, tmp_path: Path) -> None:
    limelight("pack", write_tables(tmp_path / "data", "series"), "-o", tmp_path / "packed")
    assert split_of(limelight, tmp_path / "packed") == "split: 14 train, 0 validation, 6 test; as given in the store"
