"""Tables with column names of their own, named on the command line or guessed."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
import pytest

from limelight.cli.options import changes_from
from support.commands import Commands

READING_COMMANDS = (
    "inspect",
    "train",
    "validate",
    "compare",
    "tune",
    "pack",
    "evaluate",
    "predict",
    "explain",
    "report",
)
CHEAP = ("--set", 'model.encoder={"name": "rocket", "features": 420}', "--set", "explain=false")
NAMES = ("--id", "run", "--time", "at", "--label", "state", "--channels", "force")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Recordings with column names that cannot be inferred: two numbers and a state at each step."""
    random = np.random.default_rng(0)
    rows = ["run,at,force,load,state"]
    for run in range(20):
        rows += [f"{run},{step},{random.normal() + run % 2:.3f},{step},{'ab'[run % 2]}" for step in range(12)]
    file = tmp_path / "own.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


def test_options_name_the_columns_of_every_command(limelight: Commands, table: Path, tmp_path: Path) -> None:
    limelight("train", table, *NAMES, "-o", "trained")
    data = json.loads((tmp_path / "trained" / "experiment.json").read_text())["data"]
    assert [data[key] for key in ("id", "time", "label", "channels")] == ["run", "at", "state", ["force"]]
    shown = json.loads(limelight("inspect", table, *NAMES, "--json"))
    assert shown["series"] == 20
    limelight("pack", table, *NAMES, "-o", "packed")
    limelight("predict", "trained", table, "-o", "predictions.csv")
    assert arrow_csv.read_csv(tmp_path / "predictions.csv")["series_id"].to_pylist() == list(range(20))
    limelight("evaluate", "trained", table, *NAMES)
    limelight("explain", "trained", table, *NAMES, "--series", "3")
    limelight("report", "trained", "--label", "state")


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_help_of_every_reading_command_shows_column_options(limelight: Commands, command: str) -> None:
    shown = limelight(command, "--help")
    assert all(option in shown for option in ("--id", "--time", "--label", "--channels", "--names"))


def test_channels_are_separated_by_commas() -> None:
    assert changes_from(None, channels='force, "speed, left"') == {"data.channels": ["force", "speed, left"]}


def test_the_order_of_the_rows_is_the_clock_on_request(limelight: Commands, table: Path) -> None:
    assert "no clock, only the order of the steps" in limelight(
        "inspect", table, *NAMES[:2], "--time", "none", *NAMES[4:]
    )
    assert changes_from(None, time="none") == {"data.time": None}


def steps_of(table: Path, column: str, words: tuple[object, object]) -> Path:
    """Write the recordings again with labels that change within each of them, in a column of any name."""
    header, *rows = table.read_text().splitlines()
    labels = [words[int(row.split(",")[1]) >= 6] for row in rows]
    names = header.replace("run,at,force,load,state", f"series_id,time,force,load,{column}")
    lines = [f"{row.rsplit(',', 1)[0]},{label}" for row, label in zip(rows, labels, strict=True)]
    file = table.with_name("steps.csv")
    file.write_text("\n".join([names, *lines]) + "\n")
    return file


def test_classes_are_named_to_the_last_output(limelight: Commands, table: Path, tmp_path: Path) -> None:
    file = steps_of(table, "label_cavitation", (0, 1))
    quick = ("--channels", "force", "--preset", "step_lstm", "--set", "training.max_epochs=1", "--set", "explain=false")
    printed = limelight("train", file, "-o", "trained", *quick)
    assert "F1 (cavitation)" in printed
    limelight("predict", "trained", file, "-o", "predictions.parquet")
    predictions = parquet.read_table(tmp_path / "predictions.parquet")
    assert set(predictions["prediction"].to_pylist()) <= {"cavitation", "not cavitation"}
    assert {"probability_cavitation", "probability_not cavitation"} <= {*predictions.column_names}


def test_classes_are_named_through_windows(limelight: Commands, table: Path, tmp_path: Path) -> None:
    file = steps_of(table, "label_cavitation", (0, 1))
    cut = ("--channels", "force", "--set", "windows.length=4", "--set", "windows.label=any", "--set", "explain=false")
    assert "F1 (cavitation)" in limelight("train", file, "-o", "trained", *cut)
    assert json.loads(limelight("inspect", file, *cut, "--json"))["classes"]["all"].keys() == {
        "cavitation",
        "not cavitation",
    }


def test_a_label_that_changes_within_series_is_one_of_steps(limelight: Commands, table: Path) -> None:
    file = steps_of(table, "label", ("dry", "wet"))
    shown = limelight("inspect", file)
    assert "the labels in column 'label' change within 20 of 20 series, first in line 8 of" in shown
    quick = ("--preset", "step_lstm", "--set", "training.max_epochs=1", "--set", "explain=false")
    limelight("train", file, "-o", "trained", *quick)
    file.write_text(file.read_text().replace("wet", "dry"))
    assert json.loads(limelight("evaluate", "trained", file, "--json"))["part"] == "all"
    assert limelight("train", file, "--set", "data.level=series", code=2).startswith("limelight: expected labels of")


def test_a_single_series_may_have_numeric_metadata(limelight: Commands, table: Path, tmp_path: Path) -> None:
    header, *rows = table.read_text().splitlines()
    ages = [f"{row},{20 + 3 * int(row.split(',')[0])}" for row in rows]
    table.write_text("\n".join([f"{header},age", *ages]) + "\n")
    limelight("train", table, *NAMES[:6], "-o", "trained", *CHEAP)
    one = table.with_name("one.csv")
    one.write_text("\n".join([f"{header},age", *ages[:12]]) + "\n")
    limelight("predict", "trained", one, "-o", "predictions.csv")
    assert "missing" not in limelight.errors


def test_inferred_columns_are_kept_for_one_new_series(limelight: Commands, table: Path, tmp_path: Path) -> None:
    guessed = table.read_text().replace("run,at,force,load,state", "Lauf,Zeit,force,load,Sorte")
    table.write_text(guessed)
    limelight("train", table, "--channels", "force", "-o", "trained", "--set", "explain=false")
    one = tmp_path / "one.csv"
    one.write_text("\n".join(guessed.splitlines()[:13]) + "\n")
    limelight("predict", "trained", one, "-o", "predictions.csv")
    assert arrow_csv.read_csv(tmp_path / "predictions.csv")["series_id"].to_pylist() == [0]
    assert "Sorte" not in limelight.errors
    one.write_text(one.read_text().replace("Lauf,Zeit", "series_id,time"))
    limelight("predict", "trained", one, "-o", "predictions.csv", "--overwrite")


def test_a_single_new_series_may_have_fields_and_signals(limelight: Commands, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    header, rows = "series_id,time,x,mode,site,label", []
    for run in range(20):
        rows += [
            f"{run},{step},{random.normal() + run % 2:.3f},{'on' if step % 3 else 'off'},{'ns'[run % 2]},{'ab'[run % 2]}"
            for step in range(12)
        ]
    (tmp_path / "all.csv").write_text("\n".join([header, *rows]) + "\n")
    limelight(
        "train", "all.csv", "-o", "trained", "--epochs", "1", "--set", "model.encoder=gru", "--set", "explain=false"
    )
    single = [",".join(row.split(",")[1:5]) for row in rows[:12]]
    (tmp_path / "pump.csv").write_text("\n".join(["time,x,mode,site", *single]) + "\n")
    limelight("predict", "trained", "pump.csv", "-o", "predictions.csv")
    assert arrow_csv.read_csv(tmp_path / "predictions.csv")["series_id"].to_pylist() == ["pump"]
