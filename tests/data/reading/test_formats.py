"""Every format is read as the same set of series; each file is written by the library of its format."""

import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest
import scipy.io

from limelight.data.reading.formats import ELSEWHERE, FORMAT_OF, FORMATS, describe_suffixes, format_of
from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.workbooks import write_sheets

X = np.array([[[0.5, 4], [1.25, 5], [-2, 6], [3, 7]], [[1, 8], [2, 9], [0.25, 1], [4, 2]]])
Y = ["a", "b"]
LONG = pa.table(
    {
        "series_id": ["s0"] * 4 + ["s1"] * 4,
        "time": [0, 1, 2, 3] * 2,
        "u": X[:, :, 0].ravel(),
        "v": X[:, :, 1].ravel(),
        "label": ["a"] * 4 + ["b"] * 4,
    }
)


def write_workbook(path: Path, rows: list[list[object]], title: str = "Data") -> Path:
    return write_sheets(path, {title: rows})


def write_excel(folder: Path) -> Path:
    rows = [LONG.column_names, *(list(row.values()) for row in LONG.to_pylist())]
    return write_workbook(folder / "s.xlsx", rows)


def write_parquet(folder: Path) -> Path:
    parquet.write_table(LONG, folder / "s.parquet")
    return folder / "s.parquet"


def write_csv(folder: Path) -> Path:
    arrow_csv.write_csv(LONG, folder / "s.csv")
    return folder / "s.csv"


def write_json_lines(folder: Path) -> Path:
    rows = [{"u": one[:, 0].tolist(), "v": one[:, 1].tolist(), "label": y} for one, y in zip(X, Y, strict=True)]
    (folder / "s.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "s.jsonl"


def write_feather(folder: Path) -> Path:
    feather.write_feather(LONG, folder / "s.feather")
    return folder / "s.feather"


def write_ts(folder: Path) -> Path:
    lines = [":".join([*(",".join(map(str, one.T[c])) for c in range(2)), y]) for one, y in zip(X, Y, strict=True)]
    (folder / "s.ts").write_text("\n".join(["@dimensions 2", "@classLabel true a b", "@data", *lines]))
    return folder / "s.ts"


def write_arff(folder: Path) -> Path:
    rows = [
        "'" + "\\n".join(",".join(map(str, one.T[c])) for c in range(2)) + f"',{y}" for one, y in zip(X, Y, strict=True)
    ]
    steps = [f"@attribute att{step} numeric" for step in range(4)]
    head = ["@relation s", "@attribute s relational", *steps, "@end s", "@attribute class {a,b}", "@data"]
    (folder / "s.arff").write_text("\n".join([*head, *rows]) + "\n")
    return folder / "s.arff"


def write_npy(folder: Path) -> Path:
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", Y)
    return folder / "X.npy"


def write_npz(folder: Path) -> Path:
    np.savez(folder / "s.npz", X=X, y=Y, channels=["u", "v"])
    return folder / "s.npz"


def write_mat(folder: Path) -> Path:
    scipy.io.savemat(folder / "s.mat", {"X": X, "y": np.array(Y, dtype=object)})
    return folder / "s.mat"


def write_wfdb(folder: Path) -> list[Path]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses functions that pandas is about to remove
        import wfdb

        for number, (one, y) in enumerate(zip(X, Y, strict=True)):
            wfdb.wrsamp(
                f"s{number}", fs=1, units=["mV", "V"], sig_name=["u", "v"], p_signal=one, fmt=["16", "16"],
                comments=[f"label: {y}", "age: 40"], write_dir=str(folder), adc_gain=[1000.0, 1000.0], baseline=[0, 0],
            )  # fmt: skip
    return [folder / "s0.hea", folder / "s1.hea"]


WRITERS = {
    "csv": write_csv, "parquet": write_parquet, "excel": write_excel, "arrow": write_feather, "ts": write_ts,
    "json": write_json_lines,
    "arff": write_arff, "npy": write_npy, "npz": write_npz, "mat": write_mat, "wfdb": write_wfdb,
}  # fmt: skip


def test_every_format_has_a_writer_here() -> None:
    assert {one.name for one in FORMATS} - {"ucr"} == set(WRITERS)  # the ucr format has one channel: tested below


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_series(name: str, tmp_path: Path) -> None:
    panel = read_table(WRITERS[name](tmp_path))
    np.testing.assert_array_equal([panel.series(row) for row in range(2)], X)
    assert panel.labels is not None
    assert panel.labels.tolist() == Y


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_read_without_labels(name: str, tmp_path: Path) -> None:
    assert read_table(WRITERS[name](tmp_path), label=None).labels is None


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_joined_to_a_labels_table(name: str, tmp_path: Path) -> None:
    files = WRITERS[name](tmp_path)
    ids = read_table(files).ids.tolist()
    panel = read_table(files, labels=pa.table({"series_id": ids[::-1], "label": ["x", "y"]}))
    assert panel.labels is not None
    assert panel.labels.tolist() == ["y", "x"]


@pytest.mark.parametrize("ending", [".xls", ".h5", ".pkl", ".json", ".sqlite", ".edf", ".rds", ".sav"])
def test_other_formats_are_refused_with_a_conversion(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"s{ending}"
    path.touch()
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value) == f"expected {describe_suffixes()}, got {str(path)!r}; {ELSEWHERE[ending]}"


def test_a_missing_library_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_excel(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value) == (
        f"expected openpyxl, which reads .xlsx files, to read {str(path)!r}, but it is not installed; install it with "
        "pip install 'limelight[excel]'"
    )


def test_supported_suffixes_are_not_refused() -> None:
    assert not set(FORMAT_OF) & set(ELSEWHERE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1\t0.5\t0.7\n2\t0.1\t0.2\n", "series"),
        ("walk\t0.5\t0.7\n", "series"),
        ("label\t0\t1\t2\n1\t0.5\t0.7\t0.1\n", "table"),
        ("series_id\ttime\tx\nA\t0\t1\n", "table"),
        ("label\tx_0\tx_1\na\t1\t2\n", "table"),
        ("  1.0000000e+00  -5.1e-01  2.0e+00\n", "series"),
        ("# logger 3\n1\t2\n", "table"),
        ("time x label\n0 1 a\n", "table"),
    ],
)
def test_tables_in_text_files_are_recognised_by_content(text: str, kind: str, tmp_path: Path) -> None:
    for ending in (".tsv", ".txt"):
        path = tmp_path / f"s{ending}"
        path.write_text(text)
        assert format_of(path).kind == kind


@pytest.mark.parametrize("text", ["1\t0.5\t0.25\n-1\t0.75\t1\n", "  1.0e+00  5.0e-01  2.5e-01\n -1.0e+00  7.5e-01 1\n"])
def test_txt_files_of_the_archive_are_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "A_TRAIN.txt").write_text(text)
    panel = read_table(tmp_path / "A_TRAIN.txt")
    assert panel.labels is not None
    assert (panel.values.ravel().tolist(), panel.labels.tolist()) == ([0.5, 0.25, 0.75, 1], ["1", "-1"])


def test_arff_agrees_with_scipy(tmp_path: Path) -> None:
    panel = read_table(write_arff(tmp_path))
    data, _ = scipy.io.arff.loadarff(tmp_path / "s.arff")
    theirs = [np.array([list(row) for row in one]).T for one in data["s"]]
    np.testing.assert_allclose([panel.series(row) for row in range(2)], theirs)
    assert panel.labels is not None
    assert panel.labels.tolist() == [word.decode() for word in data["class"]]


def test_arff_of_one_channel_is_a_wide_table(tmp_path: Path) -> None:
    (tmp_path / "s.arff").write_text(
        "% a comment\n@RELATION s\n\n@attribute att1 numeric\n@attribute att2 real\n@attribute att3 numeric\n"
        "@attribute att4 numeric\n@attribute att5 numeric\n@attribute target {1, '2 x'}\n@DATA\n1,2,?,4,5,1\n6,7,8,9,0,'2 x'\n"
    )
    panel = read_table(tmp_path / "s.arff")
    assert panel.labels is not None
    assert panel.labels.tolist() == ["1", "2 x"]
    np.testing.assert_array_equal(panel.values[:, 0], [1, 2, np.nan, 4, 5, 6, 7, 8, 9, 0])


def test_a_workbook_with_titles_and_empty_rows_is_read(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Measurements of May"],
        [],
        ["series_id", "x", "label"],
        ["a", 1, "k"],
        [],
        ["b", 2.5, "m"],
    ]
    path = write_workbook(tmp_path / "s.xlsx", rows)
    panel = read_table(path)
    assert (panel.ids.tolist(), panel.values.ravel().tolist()) == (["a", "b"], [1, 2.5])
    assert panel.notes == (f"skipped 1 row above the header in {str(path)!r}",)


@pytest.mark.parametrize("of_words", [None, "-", "[-]"])
def test_units_below_the_header_of_a_workbook_are_kept(tmp_path: Path, of_words: str | None) -> None:
    rows: list[list[object]] = [["Bench 7"], ["series_id", "time", "x", "y"], [of_words, "s", "[bar]", None]]
    rows += [[name, step, step / 8, 1.5] for name in "ab" for step in range(3)]
    path = write_workbook(tmp_path / "s.xlsx", rows)
    panel = read_table(path)
    assert (panel.lengths.tolist(), panel.units) == ([3, 3], {"time": "s", "x": "bar"})
    assert panel.notes[1] == f"took the row below the header in {str(path)!r} as units"


@pytest.mark.parametrize("first", [["a", 0, "n/a"], ["a", "?", 1.5], ["a", 0, 1.5]])
def test_a_row_of_data_holds_no_units(tmp_path: Path, first: list[object]) -> None:
    rows = [["series_id", "step", "x"], first, ["a", 1, 2.5], ["b", 0, 3.5]]
    assert read_table(write_workbook(tmp_path / "s.xlsx", rows), time=None).lengths.tolist() == [2, 1]


def test_the_first_sheet_with_a_table_is_read_and_named(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "s.xlsx",
        {
            "About": [["written by hand"]],
            "May": [["series_id", "x"], ["a", 1], ["b", 2]],
            "Sites": [["series_id", "site"], ["a", "north"], ["b", "south"]],
        },
    )
    assert read_table(path).notes == (
        f"read sheet 'May' of {str(path)!r} and not 'About', 'Sites'; save another sheet as its own file to read it",
    )


def test_dates_of_a_workbook_are_the_clock(tmp_path: Path) -> None:
    import datetime as dt

    rows: list[list[object]] = [["series_id", "time", "x"]]
    rows += [["a", dt.datetime(2024, 1, 31, 12, minute), minute] for minute in range(3)]
    times = read_table(write_workbook(tmp_path / "s.xlsx", rows)).times
    assert times is not None
    assert np.diff(times.astype("M8[ns]").astype(int)).tolist() == [60 * 10**9] * 2


def test_cells_of_mixed_kinds_become_words(tmp_path: Path) -> None:
    rows: list[list[object]] = [["series_id", "x"], [7, 1], ["7b", "n/a"], [8.0, 3]]
    panel = read_table(write_workbook(tmp_path / "s.xlsx", rows))
    np.testing.assert_array_equal(panel.values.ravel(), [1, np.nan, 3])
    assert panel.ids.tolist() == ["7", "7b", "8"]


def test_ids_of_split_arrays_contain_the_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", X_train=X, y_train=[1.0, 2.0], X_test=X[:1], y_test=[2.0])
    panel = read_table(tmp_path / "s.npz")
    assert panel.ids.tolist() == ["s_train_0", "s_train_1", "s_test_0"]
    assert panel.labels is not None
    assert panel.labels.tolist() == ["1", "2", "2"]


def test_series_of_different_lengths_in_cells(tmp_path: Path) -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([[7.0, 8], [9, 1], [2, 3], [4, 5]])]
    scipy.io.savemat(tmp_path / "s.mat", {"data": cells, "labels": np.array([[1], [2]])})
    panel = read_table(tmp_path / "s.mat")
    assert panel.lengths.tolist() == [3, 4]
    assert panel.labels is not None
    assert panel.labels.tolist() == ["1", "2"]


def test_one_hot_labels_are_classes_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    np.savez(path, X=X, y=[[0, 1.0], [1, 0]])
    panel = read_table(path)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["1", "0"]
    assert (
        f"took y of {str(path)!r} as one-hot: the class of a series is the number of its column, from 0" in panel.notes
    )


def test_stated_lengths_remove_padding(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", X=X, y=Y, lengths=[2, 4])
    assert read_table(tmp_path / "s.npz").lengths.tolist() == [2, 4]


def test_channels_first_arrays_are_refused_with_the_remedy(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.zeros((5, 2, 30)))
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "X.npy")
    assert str(error.value) == (
        f"expected series of shape (time, channels) in {str(tmp_path / 'X.npy')!r}, got 2 time steps of 30 channels, "
        "which looks like (channels, time); save X.transpose(0, 2, 1), or pass X to the estimator with layout='nct'"
    )


def test_objects_in_arrays_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.array([[1], [1, 2]], dtype=object))
    with pytest.raises(DataError, match=r"got Python objects, which may run code when they are loaded"):
        read_table(tmp_path / "X.npy")


def test_records_keep_names_units_and_clock(tmp_path: Path) -> None:
    panel = read_table(write_wfdb(tmp_path))
    assert (panel.channels, panel.units) == (("u", "v"), {"u": "mV", "v": "V", "time": "s"})
    assert panel.ids.tolist() == ["s0", "s1"]
    assert panel.times is not None
    assert panel.times[:4].tolist() == [0, 1, 2, 3]
    assert panel.metadata is not None
    assert panel.metadata.to_pydict() == {"age": ["40", "40"]}


@pytest.mark.parametrize("ending", [".xlsx", ".feather", ".npy", ".npz", ".mat", ".parquet"])
def test_a_damaged_file_is_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"X{ending}"
    path.write_bytes(b"nothing of the kind, but long enough to look at")
    with (
        pytest.raises(DataError, match=rf"got '.*X\{ending}', which is damaged or of another"),
    ):
        read_table(path)


def test_arrow_streams_are_read_too(tmp_path: Path) -> None:
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as file, pa.ipc.new_stream(file, LONG.schema) as writer:
        writer.write_table(LONG)
    assert read_table(tmp_path / "s.arrow").ids.tolist() == ["s0", "s1"]


def test_formulas_that_were_never_calculated_are_refused(tmp_path: Path) -> None:
    rows = [["series_id", "time", "x"], *([name, step, f"={step}*2"] for name in ("a", "b") for step in range(3))]
    path = write_workbook(tmp_path / "a.xlsx", rows)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value) == (
        f"expected the results of formulas in '{path}', got none, first in cell C2: the workbook was never "
        "calculated; open it in Excel or LibreOffice and save it again"
    )
