"""Headers of several rows: merged cells of spreadsheets, and levels of columns in pandas."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of
from support.workbooks import write_sheets

Row = Sequence[object]


def table(width: int = 4) -> list[Row]:
    return [
        [name, step, *(step + place / 8 for place in range(width)), label]
        for name, label in (("a", "ok"), ("b", "worn"))
        for step in range(20)
    ]


MERGED: list[Row] = [
    ["run", "time", "motor 1", None, "motor 2", None, "state"],
    [None, None, "speed", "heat", "speed", "heat", None],
]
NAMES = ("motor 1 speed", "motor 1 heat", "motor 2 speed", "motor 2 heat")


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_merged_header_cells_are_applied_to_their_columns(ending: str, tmp_path: Path) -> None:
    rows = [*MERGED, *table()]
    path = tmp_path / f"s{ending}"
    panel = read_table(write_csv(path, rows) if ending == ".csv" else write_sheets(path, {"Data": rows}))
    assert (panel.channels, panel.ids.tolist()) == (NAMES, ["a", "b"])
    np.testing.assert_array_equal(panel.series(0)[1], [1, 1.125, 1.25, 1.375])
    assert panel.notes[0] == (
        f"read {str(path)!r} with a header of 2 rows; change it with csv={{...}} (--set data.csv.KEY=...)"
        if ending == ".csv"
        else f"joined the 2 rows of the header in {str(path)!r}: 'motor 2 speed', 'motor 2 heat', 'state'"
    )


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_units_may_follow_two_header_rows(ending: str, tmp_path: Path) -> None:
    rows = [*MERGED, [None, "s", "1/min", "K", "1/min", "K", None], *table()]
    path = tmp_path / f"s{ending}"
    panel = read_table(write_csv(path, rows) if ending == ".csv" else write_sheets(path, {"Data": rows}))
    assert panel.channels == NAMES
    assert panel.units == {"time": "s", **dict(zip(NAMES, ["1/min", "K"] * 2, strict=True))}


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_few_groups_below_a_title_are_found(ending: str, tmp_path: Path) -> None:
    rows: list[Row] = [["Bench 7"], [None] * 2 + ["acc", None, "gyro", None, None], ["id", "time", *"xyxy", "label"]]
    path = tmp_path / f"s{ending}"
    every = [*rows, *table()]
    panel = read_table(write_csv(path, every) if ending == ".csv" else write_sheets(path, {"Data": every}))
    assert panel.channels == ("acc x", "acc y", "gyro x", "gyro y")
    assert panel.labels is not None


def test_complete_names_get_no_group(tmp_path: Path) -> None:
    rows: list[Row] = [[None, None, "acc", "acc", None], ["id", "time", "x", "y", "label"], *table(2)]
    assert read_table(write_csv(tmp_path / "s.csv", rows)).channels == ("x", "y")


UNNAMED: list[Row] = [
    ["time", "x", None],
    ["s", "bar", "V"],
    *([step, step / 4, step / 8] for step in range(20)),
]


def test_units_above_a_column_without_a_name_are_units(tmp_path: Path) -> None:
    panel = read_table(write_sheets(tmp_path / "s.xlsx", {"Data": UNNAMED}))
    assert (panel.channels[0], panel.units["time"], panel.units["x"]) == ("x", "s", "bar")


def test_units_of_csv_files_need_a_name_above(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "s.csv", UNNAMED)
    assert message_of(DataError, read_table, path) == (
        "expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column 'time', got 's' in line 2 of "
        f"{str(path)!r}; write all times in one of these formats"
    )


def test_levels_of_pandas_columns_are_joined(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_product([["a", "b"], range(20)], names=["id", "time"])
    columns = pd.MultiIndex.from_product([["acc", "gyro"], ["x", "y"]])
    pd.DataFrame(np.arange(160.0).reshape(40, 4), index=index, columns=columns).to_csv(tmp_path / "s.csv")
    panel = read_table(tmp_path / "s.csv")
    assert panel.channels == ("acc x", "acc y", "gyro x", "gyro y")
    np.testing.assert_array_equal(panel.series(1)[0], [80, 81, 82, 83])


@pytest.mark.parametrize("first", [["a", None, None, "n/a"], ["a", 0, "n/a", "n/a"]])
def test_a_first_row_with_empty_cells_is_data(first: Row, tmp_path: Path) -> None:
    rows: list[Row] = [
        ["id", "step", "x", "y"],
        first,
        *([name, step, 1.5, 2.5] for name in "ab" for step in range(1, 9)),
    ]
    panel = read_table(write_csv(tmp_path / "s.csv", rows), time=None)
    assert panel.lengths.tolist() == [9, 8]
