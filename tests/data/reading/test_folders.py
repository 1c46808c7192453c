"""A folder of files, one a recording: ids, labels and metadata from names, class folders or tables."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from limelight.config.reading import read_experiment
from limelight.data.reading.file_names import read_names
from limelight.data.reading.folders import folder_content
from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of


def write_recordings(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"x,y\n{number},1.5\n{number + 0.5},2\n{number},0.25\n")
    return folder


def test_each_file_of_a_folder_is_one_series(tmp_path: Path) -> None:
    panel = read_table(write_recordings(tmp_path, "a.csv", "b.csv"))
    assert (panel.ids.tolist(), panel.lengths.tolist(), panel.channels) == (["a", "b"], [3, 3], ("x", "y"))


def test_labels_and_metadata_are_parsed_from_file_names(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path, "7_ok_p1.csv", "8_worn_p2.csv")
    panel = read_table(folder, names="{machine}_{label}_{id}.csv")
    assert panel.labels is not None
    assert panel.metadata is not None
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["p1", "p2"], ["ok", "worn"])
    assert panel.metadata.to_pydict() == {"machine": ["7", "8"]}
    assert (
        "read 'series_id', 'machine', 'label' from the names of the files, '{machine}_{label}_{id}.csv'"
        in panel.notes[0]
    )


def test_folders_are_classes(tmp_path: Path) -> None:
    panel = read_table(write_recordings(tmp_path, "ok/1.csv", "worn/1.csv", "worn/2.csv"))
    assert panel.labels is not None
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["ok/1", "worn/1", "worn/2"], ["ok", "worn", "worn"])
    assert "took the folders as labels, since nothing else names the labels" in panel.notes


def test_arrays_in_class_folders_have_labels(tmp_path: Path) -> None:
    for name in ("ok", "worn"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"run_{name}.npy", np.arange(6.0).reshape(1, 6))
    panel = read_table(tmp_path)
    assert panel.labels is not None
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["run_ok", "run_worn"], ["ok", "worn"])


@pytest.mark.parametrize("ids", [["a", "b"], ["a.csv", "b.csv"]])
def test_a_labels_table_matches_names_of_files(ids: list[str], tmp_path: Path) -> None:
    folder = write_recordings(tmp_path, "a.csv", "b.csv")
    panel = read_table(folder, labels=pa.table({"file": ids[::-1], "label": ["worn", "ok"]}))
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "worn"]


def test_label_and_metadata_tables_in_a_folder_are_not_series(tmp_path: Path) -> None:
    write_recordings(tmp_path, "a.csv", "b.csv")
    (tmp_path / "labels.csv").write_text("series_id,label\na,ok\nb,worn\n")
    data = read_experiment(tmp_path).data
    assert data.series == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert data.labels == str(tmp_path / "labels.csv")


def test_a_labels_table_overrides_class_folders(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path, "ok/1.csv", "worn/2.csv")
    assert read_experiment(folder).data.names == "{label}/{id}"
    assert read_experiment(folder, {"data.labels": "l.csv"}).data.names is None


def test_arrays_of_training_and_test_are_found_together(tmp_path: Path) -> None:
    for name in ("X_train", "X_test"):
        np.save(tmp_path / f"{name}.npy", np.ones((2, 5)))
        np.save(tmp_path / f"{name.replace('X', 'y')}.npy", [0, 1])
    series = folder_content(tmp_path).series
    assert isinstance(series, list)
    assert [path.name for path in series] == ["X_test.npy", "X_train.npy"]
    assert read_table(series).ids.tolist() == [
        "series_test_0", "series_test_1", "series_train_0", "series_train_1",
    ]  # fmt: skip


def test_several_formats_in_a_folder_are_refused(tmp_path: Path) -> None:
    write_recordings(tmp_path, "a.csv", "b.csv")
    np.save(tmp_path / "X.npy", np.ones((2, 5)))
    assert message_of(DataError, folder_content, tmp_path) == (
        f"expected series in files of one format in {str(tmp_path)!r}, got 2 .csv, 1 .npy; name the series with a "
        f"pattern such as {str(tmp_path / '*.csv')!r}, and other tables with --labels, --metadata or --split"
    )


def test_a_name_of_another_form_is_refused() -> None:
    paths = [Path("ok_1.csv"), Path("notes.csv")]
    assert message_of(DataError, read_names, paths, "{label}_{id}") == (
        "expected file names of the form '{label}_{id}', got 'notes' ('notes.csv'); correct the pattern, or leave the "
        "file out"
    )


def test_an_id_of_two_files_is_refused() -> None:
    paths = [Path("ok_1.csv"), Path("worn_1.csv")]
    assert message_of(DataError, read_names, paths, "{label}_{id}") == (
        "expected each id in the names of the files once, got '1' in 'ok_1.csv' and 'worn_1.csv'; omit {id} from the "
        "pattern, and the name of the file is the id"
    )


@pytest.mark.parametrize(
    ("names", "meaning"),
    [
        (("train.csv", "test.csv"), "{split}"),
        (("train/1.csv", "test/2.csv"), "{split}/{id}"),
        (("Training/ok/1.csv", "Test/worn/1.csv"), "{split}/{label}/{id}"),
    ],
)
def test_files_and_folders_of_parts_name_the_split(names: tuple[str, ...], meaning: str, tmp_path: Path) -> None:
    assert folder_content(write_recordings(tmp_path, *names)).names == meaning


def test_folders_of_parts_are_not_classes(tmp_path: Path) -> None:
    panel = read_table(write_recordings(tmp_path, "train/1.csv", "train/2.csv", "test/3.csv"))
    assert panel.labels is None
    assert panel.metadata is not None
    assert panel.metadata.to_pydict() == {"split": ["test", "train", "train"]}


def test_files_without_rows_are_noted(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path, "a.csv", "b.csv")
    (folder / "c.csv").write_text("x,y\n")
    panel = read_table(folder)
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.notes[-1] == "files without rows are no series: 'c'"


def test_the_suggested_pattern_ignores_hidden_files(tmp_path: Path) -> None:
    for name in (".git/a/b/x.txt", "ok/monday/c/x.csv.gz"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=re.escape(f"with the pattern '{tmp_path}/*/*/*/*.csv.gz', and what")):
        read_table(tmp_path)


def test_files_deeper_than_class_folders_are_named_by_a_pattern(tmp_path: Path) -> None:
    for label in ("ok", "worn"):
        for day in ("monday", "tuesday"):
            (tmp_path / label / day).mkdir(parents=True)
            (tmp_path / label / day / f"{label}_{day}.csv").write_text("time,x\n0,1\n1,2\n")
    pattern = str(tmp_path / "*" / "*" / "*.csv")
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected series in {str(tmp_path)!r} or in the folders in it, got files further inside, such as "
        f"'ok/monday/ok_monday.csv'; name them with the pattern {pattern!r}, and what their folders mean with --names, "
        "such as --names '{label}/{folder_2}/{id}'"
    )
    panel = read_table(pattern, names="{label}/{folder_2}/{id}")
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "ok", "worn", "worn"]
    assert panel.metadata is not None
    assert panel.metadata["folder_2"].to_pylist() == ["monday", "tuesday"] * 2


@pytest.mark.parametrize("ending", [".dat", ".data", ".asc", ".prn", ".tab"])
def test_text_of_other_suffixes_is_read(ending: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}{ending}").write_text("time T[°C]\n0 1.5\n1 2.5\n2 4\n", encoding="utf-8")
    (tmp_path / "acquisition.log").write_text("started\nstopped\n")
    panel = read_table(tmp_path)
    assert (panel.ids.tolist(), panel.channels) == (["a", "b"], ("T[°C]",))
    assert read_experiment(tmp_path / f"a{ending}").data.series == str(tmp_path / f"a{ending}")


def test_a_log_is_read_if_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("time;x\n0;1,5\n1;2,5\n2;4,0\n")
    assert read_table(tmp_path / "a.log").values.ravel().tolist() == [1.5, 2.5, 4]


def test_binary_files_with_text_suffixes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(np.arange(500, dtype="<i2").tobytes())
    assert message_of(DataError, read_table, tmp_path / "a.dat").endswith(
        "; name the header of the WFDB record (.hea), or save a table of text as .csv"
    )
