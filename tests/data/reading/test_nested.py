"""Tables with one row for each series and lists in their cells are read as long tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of

RNG = np.random.default_rng(0)
SERIES = [RNG.normal(size=4 + row).round(3) for row in range(6)]
COLUMNS = {
    "pump": [f"p{row}" for row in range(6)],
    "force": [one.tolist() for one in SERIES],
    "age": [30, 31, 45, 33, 35, 39],
    "label": ["ok", "worn"] * 3,
}


def assert_read(panel: Panel) -> None:
    assert panel.channels == ("force",)
    assert panel.labels.tolist() == COLUMNS["label"]  # type: ignore[union-attr]
    assert panel.metadata is not None
    assert panel.metadata["age"].to_pylist() == COLUMNS["age"]
    for row, one in enumerate(SERIES):
        np.testing.assert_allclose(panel.series(row)[:, 0], one, rtol=1e-6)


def write(folder: Path, name: str) -> Path:
    table, path = pa.table(COLUMNS), folder / f"a.{name}"
    if name == "parquet":
        pyarrow.parquet.write_table(table, path)
    elif name == "feather":
        pyarrow.feather.write_feather(table, path)
    elif name == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    else:
        table.to_pandas().to_csv(path, index=False, sep=";" if name == "csv" else "\t")
    return path


@pytest.mark.parametrize("name", ["parquet", "feather", "jsonl", "csv", "txt"])
def test_lists_in_the_cells_of_a_file_are_series(name: str, tmp_path: Path) -> None:
    panel = read_table(write(tmp_path, name), id="pump")
    assert_read(panel)
    assert panel.ids.tolist() == COLUMNS["pump"]
    assert any("as a series, with its values in lists: 'force'" in note for note in panel.notes)


@pytest.mark.parametrize("frame", [pa.table, pd.DataFrame, pl.DataFrame])
def test_lists_in_the_cells_of_a_frame_are_series(frame: type) -> None:
    assert_read(read_table(frame(COLUMNS), id="pump"))


def test_rows_without_an_id_are_numbered() -> None:
    panel = read_table(pa.table({"x": COLUMNS["force"], "label": COLUMNS["label"]}))
    assert panel.ids.tolist() == ["0", "1", "2", "3", "4", "5"]


def test_a_list_of_times_is_the_clock() -> None:
    times = [np.cumsum(np.ones(len(one)) * 0.5).tolist() for one in SERIES]
    panel = read_table(pa.table({**COLUMNS, "time": times}), id="pump")
    assert panel.times is not None
    assert panel.times[:3].tolist() == [0.5, 1.0, 1.5]


def test_lists_of_text_are_labels_of_steps() -> None:
    states = [["ok"] * (len(one) - 1) + ["worn"] for one in SERIES]
    panel = read_table(pa.table({"x": COLUMNS["force"], "label": states}))
    assert panel.step_labels is not None
    assert panel.step_labels.classes == ("ok", "worn")


@pytest.mark.parametrize("convert", [lambda one: one.tolist(), lambda one: one])
def test_lists_of_lists_have_a_channel_for_each_column(convert: object) -> None:
    cells = [convert(RNG.normal(size=(5, 2))) for _ in range(4)]  # type: ignore[operator]
    panel = read_table(pd.DataFrame({"x": cells, "label": ["a", "b"] * 2}))
    assert panel.channels == ("x_0", "x_1")
    np.testing.assert_allclose(panel.series(3), np.array(cells[3]), rtol=1e-6)


def test_objects_in_json_lines_become_columns(tmp_path: Path) -> None:
    rows = [{"x": one.tolist(), "machine": {"site": "n", "age": row}} for row, one in enumerate(SERIES)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    panel = read_table(tmp_path / "a.jsonl")
    assert panel.metadata is not None
    assert panel.metadata["machine.age"].to_pylist() == list(range(6))


POINTS = [
    [{"t": step / 2, "x": float(x), "at": {"y": float(-x)}} for step, x in enumerate(one.tolist())] for one in SERIES
]


def test_lists_in_json_may_begin_with_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "series.jsonl"
    path.write_text(
        '{"id": "a", "x": [null, null, 2.0]}\n{"id": "b", "x": [null, 1.5, 3.0]}\n{"id": "c", "x": [4, 5, null]}\n'
    )
    panel = read_table(path)
    assert np.array_equal(panel.values[:, 0], [np.nan, np.nan, 2, np.nan, 1.5, 3, 4, 5, np.nan], equal_nan=True)


def test_ids_in_json_that_look_like_dates_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "series.jsonl"
    path.write_text('{"id": "2024-01-01", "x": [1, 2]}\n{"id": "2024-01-02", "x": [3, 4]}\n')
    assert read_table(path).ids.tolist() == ["2024-01-01", "2024-01-02"]


def test_lists_of_dates_in_json_are_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "series.jsonl"
    path.write_text('{"id": "a", "t": ["2024-01-01 10:00", "2024-01-01 10:05"], "x": [1, 2]}\n')
    assert np.diff(read_table(path).clock(0)) == np.timedelta64(5, "m")


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_lists_of_objects_have_a_channel_for_each_key(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    rows = [{"id": f"s{row}", "points": points} for row, points in enumerate(POINTS)]
    if ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    panel = read_table(path)
    assert (panel.channels, panel.lengths.tolist()) == (("x", "y"), [len(one) for one in SERIES])
    assert panel.times is not None
    assert panel.times[:3].tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(panel.series(2)[:, 1], -np.array(SERIES[2]), rtol=1e-6)


def test_ids_clocks_and_labels_inside_objects_are_found(tmp_path: Path) -> None:
    rows = [
        {
            "meta": {"id": f"p{row}", "class": "ab"[row % 2]},
            "data": {"time": [step / 2 for step in range(len(one))], "x": one.tolist()},
        }
        for row, one in enumerate(SERIES)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    panel = read_table(tmp_path / "a.jsonl")
    assert (panel.ids.tolist()[:2], panel.channels) == (["p0", "p1"], ("data.x",))
    assert panel.times is not None
    assert panel.labels is not None
    assert (panel.times[:3].tolist(), panel.labels.tolist()[:2]) == ([0, 0.5, 1], ["a", "b"])


def test_clocks_of_several_objects_keep_their_names() -> None:
    cells = [{"t": [0.0, 1.0, 2.0], "x": [1.0, 2.0, 4.0]}] * 3
    panel = read_table(
        pa.Table.from_pylist(
            [{"acc": one, "gyro": one, "label": label} for one, label in zip(cells, "aba", strict=True)]
        )
    )
    assert {"acc.x", "gyro.x"} <= {*panel.channels}


def test_keys_named_like_other_columns_keep_their_list() -> None:
    rows = [{"x": float(row), "label": "ab"[row % 2], "points": [{"x": 1.0}, {"x": float(row)}]} for row in range(4)]
    assert "points.x" in read_table(pa.Table.from_pylist(rows)).channels


def test_several_lists_of_objects_keep_their_names() -> None:
    points = [[{"acc": {"x": float(x)}, "gyro": {"x": -float(x)}} for x in one.tolist()] for one in SERIES]
    assert read_table(pa.table({"points": points})).channels == ("acc.x", "gyro.x")


def test_json_lines_may_have_a_row_for_each_step(tmp_path: Path) -> None:
    rows = [{"id": f"s{row}", "time": step, "x": float(step)} for row in range(2) for step in range(3)]
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, rows)))
    assert repr(read_table(tmp_path / "a.ndjson")) == "Panel(2 series, 3 steps, 1 channel)"


def test_lists_of_other_lengths_are_not_read() -> None:
    panel = read_table(pa.table({**COLUMNS, "tags": [["new"]] * 6}), id="pump")
    assert_read(panel)
    assert any("'tags' of the series table not read: lists of other lengths" in note for note in panel.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"y": [[1.0]] * 6},
            "expected lists of one length in each row of the series table, got 4 values in 'force' and 1 in 'y' in row 0 "
            "(the first is 0); give every channel the same steps",
        ),
        (
            {"force": [*COLUMNS["force"][:5], []]},
            "expected at least one value in each row of the series table, got none in row 5 (the first is 0); leave the "
            "row out",
        ),
        (
            {"force": [["a"]] * 6},
            "expected lists of numbers in the series table, got none in 'force'; add the measurements",
        ),
        (
            {"force": [[[1.0, 2.0], [1.0]]] * 6},
            "expected lists (time, channels) with the same number of channels at every step in 'force' of the series "
            "table, got 1 to 2; give each channel a column, or transpose (channels, time)",
        ),
    ],
)
def test_lists_without_series_are_refused(change: dict[str, object], message: str) -> None:
    assert message_of(DataError, read_table, pa.table({**COLUMNS, **change}), id="pump") == message


def test_damaged_json_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": [1, 2]}\n{"x": [1,')
    with pytest.raises(DataError, match="expected one JSON object in each line in .*; write it again"):
        read_table(tmp_path / "a.jsonl")


def test_other_json_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(DataError, match=r"save it as JSON lines \(.jsonl\), one object in each line"):
        read_table(tmp_path / "a.json")
