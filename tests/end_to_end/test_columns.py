"""Tables with column names of their own, named on the command line or guessed."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
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
NAMES = ("--id", "run", "--time", "at", "--label", "state", "--channels", "force")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Recordings under names that no guess knows: two numbers a step, and a state."""
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
    limelight("predict", "trained", table, "-o", "answers.csv")
    assert arrow_csv.read_csv(tmp_path / "answers.csv")["series_id"].to_pylist() == list(range(20))
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
