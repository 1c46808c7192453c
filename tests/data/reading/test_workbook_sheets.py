"""Workbooks with several sheets of the same columns: a sheet for each recording, class, part or month."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from limelight.data.reading.tables import read_table
from limelight.data.reading.workbooks import workbook_table
from limelight.errors import DataError
from support.errors import message_of
from support.workbooks import write_sheets

HEADER = ["time", "x"]


def steps(first: int = 0, *before: object) -> list[Sequence[object]]:
    return [[*before, first + step, step + first / 4] for step in range(4)]


def test_each_sheet_is_one_series_named_by_its_sheet(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "s.xlsx", {"pump 1": [HEADER, *steps()], "pump 2": [HEADER, *steps()]})
    panel = read_table(path)
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (["pump 1", "pump 2"], [4, 4])
    assert panel.notes == (
        f"read 2 sheets of {str(path)!r} with the same columns as one table: 'pump 1', 'pump 2'",
        "no column 'series_id': each of the 2 sheets is one series, named by its sheet",
    )


def test_an_unnamed_index_does_not_change_the_header(tmp_path: Path) -> None:
    rows = [[None, *HEADER], *([row, *step] for row, step in enumerate(steps()))]
    assert read_table(write_sheets(tmp_path / "s.xlsx", {"a": rows, "b": rows})).ids.tolist() == ["a", "b"]


def test_columns_are_matched_by_their_names(tmp_path: Path) -> None:
    other = [["x", "time"], *(row[::-1] for row in steps())]
    panel = read_table(write_sheets(tmp_path / "s.xlsx", {"a": [HEADER, *steps()], "b": other}))
    assert panel.series(0).tolist() == panel.series(1).tolist()


def test_sheets_of_series_with_ids_are_classes(tmp_path: Path) -> None:
    sheets = {
        name: [["id", *HEADER], *steps(0, f"{name}1"), *steps(0, f"{name}2"), *steps(0, f"{name}3")]
        for name in ("ok", "worn")
    }
    panel = read_table(write_sheets(tmp_path / "s.xlsx", sheets))
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok"] * 3 + ["worn"] * 3
    assert "took column 'sheet' as label: it is constant within each series; name another with label=... (--label)" in (
        panel.notes
    )


def test_rows_of_wide_sheets_are_series_of_classes(tmp_path: Path) -> None:
    wide = [[f"x_{step}" for step in range(6)], [1, 2, 3, 4, 5, 6], [3, 1, 2, 2, 1, 3]]
    panel = read_table(write_sheets(tmp_path / "s.xlsx", {"ok": wide, "worn": wide}))
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "ok", "worn", "worn"]


def test_a_series_may_continue_in_the_next_sheet(tmp_path: Path) -> None:
    header = ["id", *HEADER]
    sheets = {"May": [header, *steps(0, "a")], "June": [header, *steps(4, "a")]}
    assert read_table(write_sheets(tmp_path / "s.xlsx", sheets)).lengths.tolist() == [8]


def test_an_overview_before_the_sheets_of_series_is_not_read(tmp_path: Path) -> None:
    overview = [["pump", "state"], ["a", "ok"], ["b", "worn"]]
    path = write_sheets(tmp_path / "s.xlsx", {"About": overview, "a": [HEADER, *steps()], "b": [HEADER, *steps()]})
    panel = read_table(path)
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.notes[0] == (
        f"read 2 sheets of {str(path)!r} with the same columns as one table: 'a', 'b' and not 'About'; save another "
        "sheet as its own file to read it"
    )


def test_another_column_holds_sheets_if_one_has_this_name(tmp_path: Path) -> None:
    rows = [["time", "sheet", "x"], *([step, "front", x] for step, x in steps())]
    panel = read_table(write_sheets(tmp_path / "s.xlsx", {"a": rows, "b": rows}))
    assert panel.ids.tolist() == ["a", "b"]


def test_sheets_in_different_units_are_refused(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "s.xlsx",
        {"a": [HEADER, ["s", "bar"], *steps()], "b": [HEADER, ["s", "mbar"], *steps()]},
    )
    assert message_of(DataError, read_table, path) == (
        f"expected one unit for column 'x' in all sheets of {str(path)!r}, got 'bar' and, in sheet 'b', 'mbar'; convert "
        "one of them, or write the same unit"
    )


def test_units_above_a_column_without_a_name_are_read(tmp_path: Path) -> None:
    rows = [["id", *HEADER], ["[-]", "[s]", "[bar]", "[V]"], *(["a", step, x, 2 * x] for step, x in steps())]
    table, _ = workbook_table(write_sheets(tmp_path / "s.xlsx", {"a": rows, "b": rows}), "'s.xlsx'")
    assert table.field("Unnamed: 3").metadata == {b"unit": b"V"}


def test_columns_without_a_name_are_kept_in_another_order(tmp_path: Path) -> None:
    rows = [HEADER, *([step, x, 2 * x] for step, x in steps())]
    turned = [HEADER[::-1], *([x, step, 2 * x] for step, x in steps())]
    table, _ = workbook_table(write_sheets(tmp_path / "s.xlsx", {"a": rows, "b": turned}), "'s.xlsx'")
    assert table["Unnamed: 2"].to_pylist() == [2 * x for _, x in steps()] * 2


def test_formulas_of_every_sheet_must_be_calculated(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "s.xlsx", {"a": [HEADER, *steps()], "b": [HEADER, [0, "=1+1"], [1, "=2+2"]]})
    assert message_of(DataError, read_table, path) == (
        f"expected the results of formulas in {str(path)!r}, got none, first in cell B2: the workbook was never "
        "calculated; open it in Excel or LibreOffice and save it again"
    )


def test_several_workbooks_of_sheets_need_an_id(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_sheets(tmp_path / name, {"1": [HEADER, *steps()], "2": [HEADER, *steps()]})
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected a column for id in {str(tmp_path)!r}, whose workbooks have several sheets of the same columns, got "
        "'time', 'x', 'sheet'; add a column 'series_id', or save each sheet as its own file"
    )


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_files_in_different_units_are_refused(ending: str, tmp_path: Path) -> None:
    for name, unit in (("a", "bar"), ("b", "mbar")):
        rows = [HEADER, ["s", unit], *steps()]
        if ending == ".csv":
            (tmp_path / f"{name}.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
        else:
            write_sheets(tmp_path / f"{name}.xlsx", {"Data": rows})
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected one unit for column 'x' in every file, got 'bar' in '{tmp_path / f'a{ending}'}' and 'mbar' in "
        f"'{tmp_path / f'b{ending}'}'; convert one of them, or write the same unit"
    )


def test_units_of_a_later_file_are_those_of_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,1\n1,2\n")
    (tmp_path / "b.csv").write_text("time,x\ns,bar\n0,1\n1,2\n")
    assert read_table(tmp_path).units == {"time": "s", "x": "bar"}


def write_edited(folder: Path, edit: Callable[[bytes], bytes]) -> Path:
    """Write a workbook with two rows whose sheet was edited as bytes."""
    whole = write_sheets(folder / "whole.xlsx", {"a": [["id", "x"], ["a", 1], ["a", 777]]})
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(folder / "s.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, edit(old.read(name)) if name.endswith("sheet1.xml") else old.read(name))
    return folder / "s.xlsx"


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_beyond_the_largest_float_is_infinite(sign: str, tmp_path: Path) -> None:
    path = write_edited(tmp_path, lambda sheet: sheet.replace(b"777", f"{sign}{'9' * 400}".encode()))
    table, _ = workbook_table(path, "s.xlsx")
    assert table["x"].to_pylist() == [1.0, float(f"{sign}inf")]


def test_a_workbook_with_a_damaged_sheet_is_named(tmp_path: Path) -> None:
    path = write_edited(tmp_path, lambda sheet: sheet[: len(sheet) // 2])
    assert message_of(DataError, workbook_table, path, "s.xlsx") == (
        "expected an Excel workbook, got s.xlsx, which is damaged or of another type; save it as .xlsx again"
    )
