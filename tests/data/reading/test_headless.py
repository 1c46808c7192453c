"""CSV files without a header, whose columns are named by the user."""

from pathlib import Path

import numpy as np
import pytest

from limelight.data.reading.tables import read_table
from limelight.errors import DataError, ParameterError
from support.errors import message_of

NAMES = {"names": ["time", "x", "y"]}


def write(path: Path, separator: str = ",", header: str = "") -> Path:
    lines = [separator.join((f"{step / 10}", f"{step**2 / 8}", f"{step % 3}.5")) for step in range(30)]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_named_columns_lose_no_row(tmp_path: Path, separator: str) -> None:
    panel = read_table(write(tmp_path / "run.csv", separator), csv=NAMES)
    assert (panel.channels, panel.lengths.tolist()) == (("x", "y"), [30])
    np.testing.assert_allclose(panel.values[:, 0], np.arange(30) ** 2 / 8)
    assert panel.times is not None
    assert panel.times[:2].tolist() == [0.0, 0.1]


def test_a_header_overrides_stated_names(tmp_path: Path) -> None:
    panel = read_table(write(tmp_path / "run.csv", header="t,a,b"), csv=NAMES)
    assert (panel.channels, panel.lengths.tolist()) == (("a", "b"), [30])


def test_names_are_those_of_series_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.csv")
    (tmp_path / "labels.csv").write_text("series_id,label\na,ok\nb,worn\n")
    panel = read_table(tmp_path, csv=NAMES)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "worn"]


def test_a_missing_header_is_refused_with_the_key_to_set(tmp_path: Path) -> None:
    path = write(tmp_path / "run.csv")
    assert message_of(DataError, read_table, path) == (
        f"expected the names of the columns in the first line of {str(path)!r}, got data: '0.0', '0.0', '0.5'; write a "
        "line of names above them, such as series_id,time,value, or pass the names with csv={'names': ['time', 'value']} "
        '(--set \'data.csv.names=["time","value"]\')'
    )


def test_another_number_of_names_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "run.csv")
    assert message_of(ParameterError, read_table, path, csv={"names": ["time", "x"]}) == (
        f"expected a name for each of the 3 columns of {str(path)!r} (set by csv), got 2: 'time', 'x'; name every column"
    )


@pytest.mark.parametrize("names", ["time,x", [], [1, 2]])
def test_names_that_are_not_a_list_of_text_are_refused(tmp_path: Path, names: object) -> None:
    assert message_of(ParameterError, read_table, write(tmp_path / "run.csv"), csv={"names": names}) == (
        f"expected csv names as a list such as ['time', 'x'], got {names!r}"
    )


@pytest.mark.parametrize("name", ["run.txt", "run.tsv"])
def test_rows_of_steps_are_not_series_of_the_archive(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, "\t")
    assert message_of(DataError, read_table, path) == (
        f"expected the class of a series at the beginning of each line of {str(path)!r}, as in the UCR archive, got "
        "'0', '0.1', '0.2', '0.3' and 26 more; if the lines are steps, write a line with the names of the columns above "
        "them"
    )


def test_stated_column_names_are_not_file_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.csv", header="time,x,y")
    assert message_of(ParameterError, read_table, tmp_path, names="time,x,y") == (
        "expected names of files as a pattern with fields such as '{label}_{id}', each once, got 'time,x,y'; for the names "
        "of columns, pass csv={'names': [...]} (--set data.csv.names=[...])"
    )
