"""A limit of false alarms, from the experiment to the events of new recordings."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from limelight.data.writing import write_table
from limelight.model.bundle import load_model
from support import planted
from support.commands import Commands

SMALL = (
    "--set",
    'model.encoder={"name": "gru", "hidden_size": 4}',
    "--set",
    "training.max_epochs=3",
    "--set",
    "training.learning_rate=0.03",
    "--set",
    "explain=false",
    "--set",
    "split.validation=0.3",
)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    write_table(planted.in_a_bump(n=80), tmp_path / "bumps")
    return tmp_path / "bumps"


def test_a_limit_is_chosen_stored_and_measured(limelight: Commands, recordings: Path, tmp_path: Path) -> None:
    limit = 'decision.thresholds={"false_alarms": "20/1000 steps"}'
    limelight("train", "bumps", "-o", "run", *SMALL, "--set", "data.level=step", "--set", limit)
    assert "thresholds for at most 20 false alarms in 1,000 steps, chosen on held-out series" in limelight.errors
    chosen = load_model(tmp_path / "run").decision.provenance["false_alarms"]
    assert chosen["per_label"]["1"]["rate"] <= 20
    alarms = json.loads((tmp_path / "run" / "metrics.json").read_text())["events"]["alarms"]
    assert (alarms["title"], alarms["most"]) == ("1,000 steps", 20)
    assert "false per 1,000 steps" in limelight("evaluate", "run")
    limelight("predict", "run", "bumps", "-o", "p.csv", "--events", "events.parquet")
    found = parquet.read_table(tmp_path / "events.parquet").to_pydict()
    lengths = [end - start + 1 for start, end in zip(found["start_step"], found["end_step"], strict=True)]
    assert min(lengths) >= chosen["min_length"]


def test_evaluate_measures_another_limit_and_keeps_it(limelight: Commands, recordings: Path, tmp_path: Path) -> None:
    limelight("train", "bumps", "-o", "run", *SMALL, "--set", "data.level=step")
    before = load_model(tmp_path / "run").decision
    tried = json.loads(limelight("evaluate", "run", "--false-alarms", "5/1000 steps", "--json"))
    assert tried["events"]["alarms"]["most"] == 5
    assert load_model(tmp_path / "run").decision.thresholds is before.thresholds is None
    limelight("evaluate", "run", "--false-alarms", "5/1000 steps", "--keep")
    assert load_model(tmp_path / "run").decision.provenance["false_alarms"]["rate"] == "5/1000 steps"
    assert json.loads(limelight("evaluate", "run", "--json"))["events"] == tried["events"]


def test_keep_without_a_limit_is_an_error(limelight: Commands, recordings: Path) -> None:
    limelight("train", "bumps", "-o", "run", *SMALL, "--set", "data.level=step")
    assert limelight("evaluate", "run", "--keep", code=2) == (
        "limelight: expected --false-alarms next to --keep, got none; add for example --false-alarms 1/hour\n"
    )


def test_no_validation_series_is_an_error(limelight: Commands, recordings: Path) -> None:
    limelight("train", "bumps", "-o", "run", *SMALL, "--set", "data.level=step", "--set", "split.validation=0")
    assert limelight("evaluate", "run", "--false-alarms", "1/100 steps", code=2) == (
        "limelight: expected validation series to choose thresholds on, got none; name some in the split file, or train "
        "with split.validation=0.2\n"
    )


def test_a_model_of_whole_series_has_no_false_alarms(limelight: Commands) -> None:
    limelight("demo", "--set", "data.sine.dataset_size=60", "--set", "data.sine.num_points=20", "-o", "run", "--set",
              "model.encoder=rocket")  # fmt: skip
    assert limelight("evaluate", "run", "--false-alarms", "1/hour", code=2) == (
        "limelight: expected two classes or several labels at each step to limit false alarms, got labels of whole "
        "series; remove false_alarms\n"
    )
