import datetime

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.reading.row_filter import parse_comparison, row_filter
from limelight.data.reading.tables import read_table
from limelight.errors import DataError, ParameterError
from support.errors import message_of

TABLE = pa.table(
    {
        "n": pa.array([1, 2, 3, None], pa.int32()),
        "word": ["9", "10", "b, c", None],
        "day": pa.array([datetime.date(2024, 5, day) for day in (1, 2, 3, 4)]),
        "at": pa.array([datetime.datetime(2024, 5, day, 12, tzinfo=datetime.UTC) for day in (1, 2, 3, 4)]),
        "on": [True, False, True, None],
        "kind": pa.array(["p", "q", "p", "r"]).dictionary_encode(),
    }
)


@pytest.mark.parametrize(
    ("comparison", "rows"),
    [
        ("n = 2", [1]),
        ("n == 2", [1]),
        ("n != 2", [0, 2]),
        ("n<=2", [0, 1]),
        ("n > 1.5", [1, 2]),
        ("n in (1, 3)", [0, 2]),
        ("n not in 1, 3", [1]),
        ("word > 9", [1]),
        ("word == 9", [0]),
        ('word in "b, c", 9', [0, 2]),
        ("word == 'b, c'", [2]),
        ("word >= b", [2]),
        ("day >= 2024-05-03", [2, 3]),
        ("at < 2024-05-02", [0]),
        ("on == true", [0, 2]),
        ("kind == p", [0, 2]),
        ('"n" == 1', [0]),
    ],
)
def test_a_comparison_selects_rows(comparison, rows):
    assert row_filter(comparison).kept(TABLE, "the table").tolist() == rows


def test_every_comparison_must_hold():
    assert row_filter(["n >= 2", "kind == p"]).kept(TABLE, "the table").tolist() == [2]


def test_an_empty_filter_keeps_every_row():
    assert row_filter([]) is None


def test_a_column_name_may_contain_blanks():
    assert parse_comparison("site name in A, B").column == "site name"


@pytest.mark.parametrize("text", ["", "n", "n is 2", "== 2", "n =="])
def test_an_invalid_comparison_is_refused(text):
    assert message_of(ParameterError, parse_comparison, text) == (
        f"expected a filter such as 'day >= 2024-05-01' or 'site in A, B', got {text!r}; write a column, one of "
        "== != < <= > >= in, not in, and a value"
    )


def test_a_value_of_another_type_is_refused():
    assert message_of(DataError, row_filter("n == many").kept, TABLE, "the table") == (
        "expected a value of type int32 in the filter 'n == many', as in column 'n' of the table, got 'many'; correct "
        "the filter"
    )


def test_a_missing_column_of_a_filter_is_named():
    assert message_of(DataError, row_filter("kin == p").kept, TABLE, "the table") == (
        "expected the column 'kin' of the filter 'kin == p' in the table, got none of that name; did you mean 'kind'?"
    )


def test_a_csv_file_is_filtered_and_lines_stay_right(tmp_path):
    (tmp_path / "a.csv").write_text("series_id,time,x\na,0,1\na,9,2\na,10,x\na,11,4\n")
    assert message_of(DataError, read_table, tmp_path / "a.csv", filter="time >= 9", channels=["x"]) == (
        f"expected a number in column 'x', got 'x' in line 4 of '{tmp_path}/a.csv' (series 'a'); correct it, or leave "
        "the cell empty if the value is unknown"
    )


def test_a_filter_of_a_csv_file_compares_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("series_id,time,x\na,8,1\na,9,2\na,10,3\n")
    panel = read_table(tmp_path / "a.csv", filter="time >= 9")
    assert panel.times.tolist() == [9, 10]
    assert panel.notes == ("only rows with time >= 9 were read",)


def test_a_filter_may_use_the_names_of_files(tmp_path):
    for name in ("ok_a", "bad_b"):
        (tmp_path / f"{name}.csv").write_text("time,x\n0,1\n1,2\n")
    panel = read_table(str(tmp_path / "*.csv"), names="{label}_{id}", filter="label == ok")
    assert panel.ids.tolist() == ["a"]


def test_a_frame_is_filtered():
    table = pa.table({"series_id": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
    assert read_table(table, filter="x > 1").lengths.tolist() == [1, 1]


def test_a_wide_table_is_filtered(tmp_path):
    lines = ["series_id,label,0,1,2", "a,p,1,2,3", "b,q,4,5,6"]
    (tmp_path / "wide.csv").write_text("\n".join(lines) + "\n")
    panel = read_table(tmp_path / "wide.csv", layout="wide", filter="label == q")
    assert np.array_equal(panel.values[:, 0], [4, 5, 6])


def test_a_filter_that_keeps_nothing_is_an_error():
    table = pa.table({"series_id": ["a"], "x": [1.0]})
    assert message_of(DataError, read_table, table, filter="x > 1") == (
        "expected rows with x > 1 in the series table, got none; correct the filter"
    )


def test_a_filter_of_whole_series_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((2, 3)), y=[0, 1])
    assert message_of(ParameterError, read_table, tmp_path / "a.npz", filter="x > 1") == (
        f"expected a table whose rows the filter 'x > 1' can select, got '{tmp_path}/a.npz', which holds whole series; "
        "remove the filter"
    )
