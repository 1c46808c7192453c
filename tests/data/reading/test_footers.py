"""Rows below a table that are not data: sums, means and closing remarks."""

import gzip
from pathlib import Path

import pytest

from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of
from support.workbooks import write_sheets

HEADER = ["id", "time", "x", "label"]
ROWS = [[name, step, step / 4, label] for name, label in (("a", "ok"), ("b", "worn")) for step in range(40)]


def lines(*below: str, separator: str = ",") -> str:
    return "\n".join([separator.join(map(str, row)) for row in [HEADER, *ROWS]] + [*below]) + "\n"


@pytest.mark.parametrize(
    ("below", "words"),
    [
        (["Total,,390.0,"], "'Total'"),
        (["Mean:,,4.9,", "Std,,2.8,"], "'Mean:', 'Std'"),
        (["", "End of measurement"], "'End of measurement'"),
        ([",END,,"], "'END'"),
    ],
)
@pytest.mark.parametrize(("times", "ending"), [(1, ".csv"), (400, ".csv"), (400, ".csv.gz")])
def test_rows_below_a_csv_table_are_ignored_with_a_note(
    below: list[str], words: str, times: int, ending: str, tmp_path: Path
) -> None:
    rows = [",".join(map(str, [f"{row[0]}{copy}", *row[1:]])) for copy in range(times) for row in ROWS]
    path = tmp_path / f"a{ending}"
    content = ("\n".join([",".join(HEADER), *rows, *below]) + "\n").encode()
    path.write_bytes(gzip.compress(content) if ending == ".csv.gz" else content)
    panel = read_table(path)
    assert (len(panel), panel.lengths.tolist()) == (2 * times, [40] * 2 * times)
    assert panel.notes[0] == (
        f"read {str(path)!r} with lines below the table ignored: {words}; change it with csv={{...}} (--set "
        "data.csv.KEY=...)"
    )


def test_text_beside_empty_cells_may_be_an_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(lines("End of measurement,,,"))
    assert message_of(DataError, read_table, path) == (
        f"expected a time in every row of column 'time', got none in line 82 of {str(path)!r}; fill it in, or leave the "
        "row out"
    )


def test_a_mean_below_each_file_of_a_folder_is_ignored(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("time,x\n0,1\n1,2\n2,4\n3,8\n4,1\n5,2\nMean,3.0\n")
    assert read_table(tmp_path).lengths.tolist() == [6, 6]


def test_an_average_below_a_wide_table_is_not_a_series(tmp_path: Path) -> None:
    rows = [f"p{row},{row},2,{row},4,5,ok" for row in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(["id,x_0,x_1,x_2,x_3,x_4,label", *rows, "Average,1,2,3,4,5,"]) + "\n")
    assert len(read_table(tmp_path / "a.csv")) == 6


def test_a_last_row_with_a_label_is_data(tmp_path: Path) -> None:
    rows = ["id,x_0,x_1,x_2,x_3,label", "min,1,2,3,4,ok", "max,2,3,4,5,worn"]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    assert read_table(tmp_path / "a.csv").ids.tolist() == ["min", "max"]


@pytest.mark.parametrize("name", ["mean", "total"])
def test_series_may_be_named_total(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(lines().replace("b,", f"{name},"))
    assert read_table(tmp_path / "a.csv").ids.tolist() == ["a", name]


def test_a_truncated_id_is_a_truncated_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(lines("bench")[:-1].replace("\nb,", "\nbench 7,"))
    assert message_of(DataError, read_table, path) == (
        f"expected 4 cells in every line of {str(path)!r}, got 1 in line 82; complete the line, or remove it if it is no "
        "row of the table"
    )


def test_rows_below_the_table_of_a_workbook_are_ignored(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "s.xlsx", {"Data": [HEADER, *ROWS, [], ["Sum", None, 390.0], ["checked by Ann"]]})
    panel = read_table(path)
    assert (panel.lengths.tolist(), panel.notes[0]) == (
        [40, 40],
        f"ignored 2 rows below the table in {str(path)!r}: 'Sum', 'checked by Ann'",
    )
