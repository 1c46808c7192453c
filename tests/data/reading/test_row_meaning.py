"""Tables with numbered columns: recordings of many channels, or one series in each row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import limelight as ll
from limelight.data.reading.layout import find_layout

VALUES = np.round(np.random.default_rng(0).normal(size=(30, 8)), 3)


def channels(name: str) -> dict[str, np.ndarray]:
    return {f"{name}{place}": VALUES[:, place] for place in range(8)}


def write_files(folder: Path, columns: dict[str, np.ndarray]) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("a", "b"):
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    "columns",
    [
        {"time": np.arange(30) / 10, **channels("acc")},
        {"time": np.arange(30) % 15, **channels("acc")},
        {"series_id": np.repeat(["a", "b"], 15), **channels("acc")},
        channels("ch"),
        channels("Channel "),
    ],
    ids=["even clock", "clock that starts again", "repeated ids", "ch", "Channel"],
)
def test_numbered_channels_of_steps_are_long(columns: dict[str, np.ndarray]) -> None:
    assert find_layout(pa.table(columns)).kind == "long"


@pytest.mark.parametrize(
    "columns",
    [
        {"time": np.random.default_rng(1).random(30), **channels("acc")},
        {"series_id": np.arange(30), **channels("acc")},
        {"time": np.arange(30), **{f"f{place}": VALUES[:, 0] for place in range(150)}},
        {"time": np.full(30, 7), **channels("acc")},
    ],
    ids=["uneven times", "distinct ids", "many columns", "one time"],
)
def test_numbered_steps_of_series_are_wide(columns: dict[str, np.ndarray]) -> None:
    assert find_layout(pa.table(columns)).kind == "wide"


def test_each_file_of_many_channels_is_one_series(tmp_path: Path) -> None:
    panel = ll.read_table(write_files(tmp_path / "data", {"time": np.arange(30) / 10, **channels("eeg_")}))
    assert panel.ids.tolist() == ["a", "b"]
    np.testing.assert_allclose(panel.series(1), VALUES, atol=1e-6)


def test_labels_of_files_show_that_each_file_is_one_series(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "data", channels("acc"))
    panel = ll.read_table(folder, labels=pa.table({"file": ["a.csv", "b.csv"], "label": ["ok", "worn"]}))
    assert (len(panel), len(panel.channels)) == (2, 8)


def test_named_channels_are_not_steps(tmp_path: Path) -> None:
    panel = ll.read_table(write_files(tmp_path / "data", channels("acc")), channels=["acc1", "acc0"])
    assert (panel.ids.tolist(), panel.channels) == (["a", "b"], ("acc1", "acc0"))


def test_few_columns_that_may_be_channels_are_noted() -> None:
    assert ll.read_table(pa.table(channels("acc"))).notes[-1] == (
        "read each row as a series of 8 steps, by the numbers in the names of the columns; if these are channels and each "
        "row is a step, set layout='long' (--set data.layout=long)"
    )


def test_a_file_of_only_numbers_is_one_series(tmp_path: Path) -> None:
    panel = ll.read_table(write_files(tmp_path / "data", channels("ch")) / "a.csv", label=None)
    assert panel.ids.tolist() == ["a"]
    assert panel.notes == ("no column 'series_id': the file is one series, named by its file",)
