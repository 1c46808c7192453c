"""Recordings from the command line: windows and their merged predictions, groups, patterns, intervals, stores."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as parquet
import pytest

from limelight.data.reading.tables import read_table
from limelight.data.store.open import open_store
from limelight.model.description import load_description
from support.commands import Commands

ONE_EPOCH = ["--set", "training.max_epochs=1", "--set", "training.batch_size=32"]
SOLVED = ["--set", 'model.encoder={"name": "rocket", "features": 840}']
NETWORK = ["--set", 'model.encoder={"name": "conv_lstm", "filters": 4, "hidden_size": 4}', *ONE_EPOCH]
WINDOWS = ["--set", "windows.length=20", "--set", "windows.stride=10"]


def recordings(count: int = 12, steps: int = 100) -> pa.Table:
    """Machines that run fast in the second half of each recording."""
    random = np.random.default_rng(0)
    fast = np.tile(np.arange(steps) >= steps // 2, count)
    return pa.table(
        {
            "series_id": [f"rec_{number:02d}" for number in range(count) for _ in range(steps)],
            "time": np.tile(np.arange(steps) * 0.1, count),
            "speed": (fast * 2 + random.normal(0, 0.3, count * steps)).astype(np.float32),
            "machine": [f"machine {number % 4}" for number in range(count) for _ in range(steps)],
            "label": np.where(fast, "fast", "slow"),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    parquet.write_table(recordings(), tmp_path / "mine" / "series.parquet")
    return tmp_path / "mine"


def test_windows_of_recordings_train_and_are_merged_again(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", *WINDOWS, *ONE_EPOCH)
    answers = parquet.read_table(tmp_path / "run" / "predictions.parquet")
    assert answers.column_names == [
        "series_id", "recording", "first_step", "steps", "label", "prediction", "probability_fast", "probability_slow", "novelty",
        "outside_training",
    ]  # fmt: skip
    assert set(answers["steps"].to_pylist()) == {20}
    steps = parquet.read_table(tmp_path / "run" / "steps.parquet")
    tested = set(answers["recording"].to_pylist())
    assert set(steps["series_id"].to_pylist()) == tested
    assert steps.num_rows == 100 * len(tested)
    sums = np.array(steps["probability_fast"]) + np.array(steps["probability_slow"])
    np.testing.assert_allclose(sums, 1)


def test_windows_of_one_recording_are_in_one_part(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", *WINDOWS, *SOLVED)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    tested = set(parquet.read_table(tmp_path / "run" / "predictions.parquet")["recording"].to_pylist())
    assert metrics["counts"]["test"] == 9 * len(tested)
    assert sum(metrics["counts"].values()) == 9 * 12


def test_windows_have_a_length_in_seconds(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    seconds = ["--set", "windows.length=2s", "--set", "windows.stride=1s"]
    limelight("train", folder, "-o", "seconds", *seconds, *SOLVED)
    limelight("train", folder, "-o", "steps", *WINDOWS, *SOLVED)
    first, second = (parquet.read_table(tmp_path / name / "predictions.parquet") for name in ("seconds", "steps"))
    assert first.equals(second)


def test_new_recordings_are_cut_as_in_training(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", *WINDOWS, *SOLVED)
    parquet.write_table(recordings(2, steps=50).drop_columns(["label", "machine"]), tmp_path / "new.parquet")
    printed = limelight("predict", "run", "new.parquet", "-o", "answers.csv", "--steps", "steps.csv")
    assert printed == "8 windows predicted; written to answers.csv\n"
    assert pyarrow.csv.read_csv("steps.csv").num_rows == 100


def test_steps_are_for_windows_only(limelight: Commands, folder: Path) -> None:
    limelight("generate", "-o", "waves", "--set", "data.sine.dataset_size=60", "--set", "data.sine.num_points=40")
    limelight("train", "waves", "-o", "run", *SOLVED)
    assert limelight("predict", "run", "waves", "--steps", "steps.csv", code=2) == (
        "limelight: expected a model for windows to merge its predictions onto the recordings, got one for whole series; "
        "drop --steps\n"
    )


def test_labels_of_steps_are_refused_if_labels_are_of_series(limelight: Commands, folder: Path) -> None:
    message = limelight("train", folder, "-o", "run", "--set", "data.level=series", code=2)
    assert message.startswith("limelight: expected one label per series, got 'slow' and then 'fast' in series")
    assert message.endswith("split the series where its label changes, give it one label, or cut it into windows\n")


def test_windows_longer_than_every_recording_are_refused(limelight: Commands, folder: Path) -> None:
    assert limelight("train", folder, "-o", "run", "--set", "windows.length=500", code=2) == (
        "limelight: expected windows no longer than the longest series (100 steps), got a length of 500; "
        "shorten the window or use edge='keep'\n"
    )


def test_a_group_stands_on_one_side(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight(
        "train", folder, "-o", "run", *WINDOWS, *SOLVED, "--set", "split.group=machine", "--set", "split.test=0.25"
    )
    tested = {name: int(name[-2:]) % 4 for name in
              parquet.read_table(tmp_path / "run" / "predictions.parquet")["recording"].to_pylist()}  # fmt: skip
    assert len(set(tested.values())) == 1
    assert len(tested) == 3


def test_a_split_file_names_recordings(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    parts = ["train"] * 9 + ["test"] * 3
    lines = [f"rec_{number:02d},{part}" for number, part in enumerate(parts)]
    (folder / "split.csv").write_text("\n".join(["series_id,split", *lines]) + "\n")
    limelight("train", folder, "-o", "run", *WINDOWS, *SOLVED)
    tested = set(parquet.read_table(tmp_path / "run" / "predictions.parquet")["recording"].to_pylist())
    assert tested == {"rec_09", "rec_10", "rec_11"}


def test_a_store_trains_as_the_table_does(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    printed = limelight("pack", folder, "-o", "mine.store", *WINDOWS)
    assert printed == "12 series, 100 steps, 1 channel, 2 per-step classes packed into mine.store\n"
    limelight("train", "mine.store", "-o", "store", *WINDOWS, *NETWORK)
    limelight("train", folder, "-o", "table", *WINDOWS, *NETWORK)
    first, second = (parquet.read_table(tmp_path / name / "predictions.parquet") for name in ("store", "table"))
    assert first.equals(second)
    limelight("evaluate", "store")
    limelight("predict", "store", "mine.store", "-o", "answers.parquet")


def test_a_store_keeps_its_split_and_its_labels(limelight: Commands, tmp_path: Path) -> None:
    limelight("generate", "-o", "waves", "--set", "data.sine.dataset_size=80", "--set", "data.sine.num_points=40")
    limelight("pack", "waves", "-o", "waves.store")
    limelight("train", "waves.store", "-o", "store", *SOLVED)
    limelight("train", "waves", "-o", "files", *SOLVED)
    first, second = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("store", "files"))
    assert (first["test"], first["localisation"], first["counts"]) == (
        second["test"], second["localisation"], second["counts"],
    )  # fmt: skip


def test_a_store_is_not_replaced_by_accident(limelight: Commands, folder: Path) -> None:
    limelight("pack", folder, "-o", "mine.store", *WINDOWS)
    assert limelight("pack", folder, "-o", "mine.store", *WINDOWS, code=2) == (
        "limelight: 'mine.store' is already a store; pass --overwrite to replace it, or choose another output\n"
    )
    limelight("pack", folder, "-o", "mine.store", *WINDOWS, "--overwrite")


def test_archive_files_bring_their_split_along(limelight: Commands, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "toy").mkdir()
    for part, count in (("TRAIN", 24), ("TEST", 6)):
        lines = [
            f"{','.join(f'{value:.3f}' for value in random.normal(size=20))}:{number % 2}" for number in range(count)
        ]
        head = ["@problemName toy", "@univariate true", "@classLabel true 0 1", "@data"]
        (tmp_path / "toy" / f"toy_{part}.ts").write_text("\n".join([*head, *lines]) + "\n")
    limelight("train", "toy", "-o", "run", *SOLVED)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["counts"] == {
        "train": 24,
        "validation": 0,
        "test": 6,
    }


def test_a_wide_table_is_seen_as_one(limelight: Commands, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lines = [
        f"s{number},{number % 2}," + ",".join(f"{value:.3f}" for value in random.normal(size=20))
        for number in range(30)
    ]
    header = "series_id,label," + ",".join(map(str, range(20)))
    (tmp_path / "wide.csv").write_text("\n".join([header, *lines]) + "\n")
    limelight("train", "wide.csv", "-o", "run", *SOLVED)
    assert parquet.read_table(tmp_path / "run" / "predictions.parquet").num_rows == 6


def test_a_pattern_of_files_is_one_table(limelight: Commands, tmp_path: Path) -> None:
    table = recordings()
    (tmp_path / "logs").mkdir()
    for number in range(12):
        parquet.write_table(
            table.slice(100 * number, 100).drop_columns(["series_id"]), f"logs/rec_{number:02d}.parquet"
        )
    limelight("train", "logs/*.parquet", "-o", "run", *WINDOWS, *SOLVED)
    assert parquet.read_table(tmp_path / "run" / "predictions.parquet").num_rows % 9 == 0


def test_the_folder_of_the_data_may_be_an_option(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    experiment = {"data": {"folder": "somewhere", "series": "series.parquet"}, "windows": {"length": 20}}
    (tmp_path / "e.json").write_text(json.dumps(experiment))
    printed = limelight("inspect", "e.json", "--data", "mine")
    assert "\nseries: 60\nsteps: 1200, 20 each\n" in printed
    assert "pass --set split.group=machine so that the scores hold for new ones" in printed


def test_missing_values_are_trained_with_a_mask(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    table = recordings()
    values = np.array(table["speed"]).copy()
    values[::7] = np.nan
    parquet.write_table(table.set_column(2, "speed", pa.array(values)), folder / "series.parquet")
    limelight("train", folder, "-o", "run", *WINDOWS, *NETWORK)
    assert json.loads((tmp_path / "run" / "model" / "model.json").read_text())["sentence"]["missing"] == "mask"
    assert limelight(
        "train", folder, "-o", "no", *WINDOWS, *NETWORK, "--set", "model.missing=error", code=2
    ).startswith("limelight: expected a number in every cell of column 'speed', got 172 missing, the first in row 0")


def test_missing_values_only_in_test_use_the_training_mean(limelight: Commands, tmp_path: Path) -> None:
    limelight("generate", "-o", "waves", "--set", "data.sine.dataset_size=80", "--set", "data.sine.num_points=40")
    parts = pyarrow.csv.read_csv("waves/split.csv").to_pylist()
    tested = next(row["series_id"] for row in parts if row["split"] == "test")
    table = parquet.read_table("waves/series.parquet")
    values = np.array(table["wave"]).copy()
    values[np.array(table["series_id"]) == tested] = np.nan
    parquet.write_table(
        table.set_column(table.column_names.index("wave"), "wave", pa.array(values)), "waves/series.parquet"
    )
    limelight("train", "waves", "-o", "run", *SOLVED)
    assert json.loads((tmp_path / "run" / "model" / "model.json").read_text())["sentence"]["missing"] == "mean"


def test_workers_sharing_a_store_change_no_prediction(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("pack", folder, "-o", "mine.store", *WINDOWS)
    limelight("train", "mine.store", "-o", "alone", *WINDOWS, *NETWORK)
    limelight("train", "mine.store", "-o", "helped", *WINDOWS, *NETWORK, "--set", "training.workers=2")
    first, second = (parquet.read_table(tmp_path / name / "predictions.parquet") for name in ("alone", "helped"))
    assert first.equals(second)


def test_units_are_on_the_axes_of_pictures(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    units = ["--set", 'data.units={"speed": "m/s", "time": "s"}']
    limelight("train", folder, "-o", "run", *WINDOWS, *SOLVED, *units)
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page)
    drawn = [one for one in figures if "time (s)" in one]
    assert drawn
    assert all("speed (m/s)" in one for one in drawn)


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """Recordings without labels, and a table of the intervals in which a machine runs fast or idles."""
    table = recordings()
    parquet.write_table(table.drop_columns(["label"]), tmp_path / "series.parquet")
    ids = table["series_id"].unique().to_pylist()
    rows = [(one, *bounds) for one in ids for bounds in ((0.5, 4.9, "idle"), (5.0, 9.9, "fast"))]
    names = ["series_id", "start", "end", "label"]
    intervals = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    pyarrow.csv.write_csv(intervals, tmp_path / "intervals.csv")
    return tmp_path


def test_intervals_label_the_steps_of_recordings(limelight: Commands, annotated: Path) -> None:
    limelight("train", "series.parquet", "--labels", "intervals.csv", "-o", "run", *NETWORK)
    assert load_description(annotated / "run").task.classes == ("fast", "idle", "none")
    events = parquet.read_table(annotated / "run" / "events.parquet")
    assert "none" not in events["label"].to_pylist()


def test_intervals_label_windows_of_recordings(limelight: Commands, annotated: Path) -> None:
    limelight("train", "series.parquet", "--labels", "intervals.csv", "-o", "run", *WINDOWS, *SOLVED)
    task = load_description(annotated / "run").task
    assert (task.level, task.classes) == ("series", ("fast", "idle"))


def test_intervals_are_packed_with_the_recordings(limelight: Commands, annotated: Path) -> None:
    limelight("pack", "series.parquet", "--labels", "intervals.csv", "-o", "packed")
    panel, packed = read_table(annotated / "series.parquet", labels=annotated / "intervals.csv"), open_store("packed")
    assert packed.step_labels is not None
    assert panel.step_labels is not None
    assert packed.step_labels.classes == panel.step_labels.classes
    np.testing.assert_array_equal(packed.step_labels.codes, panel.step_labels.codes)


def test_predicted_events_are_labels_of_steps(limelight: Commands, annotated: Path) -> None:
    limelight("train", "series.parquet", "--labels", "intervals.csv", "-o", "run", *NETWORK)
    limelight("predict", "run", "series.parquet", "-o", "steps.parquet", "--events", "events.csv")
    predicted = parquet.read_table(annotated / "steps.parquet")["prediction"].to_pylist()
    labels = read_table(annotated / "series.parquet", labels=annotated / "events.csv", per_step=True).step_labels
    assert labels is not None
    assert [labels.classes[code] for code in labels.codes[:, 0]] == predicted
