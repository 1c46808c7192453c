"""A limit on the series that are scored bounds the memory of metrics and report."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.data.writing import write_table
from limelight.runs.scored import rows_to_score
from support.commands import Commands

ROCKET = '{"encoder": {"name": "rocket", "features": 84}}'
NOTE = "note: 7 of the 20 labelled series are scored, drawn at random; evaluate.series and evaluate.steps limit their number\n"


@pytest.fixture
def trained(limelight: Commands, tmp_path: Path) -> Path:
    write_table(generate_sine(SineSettings(dataset_size=100, num_points=12)), Path("waves"))
    limelight("train", "waves", "-o", "run", "--set", f"model={ROCKET}", "--set", "evaluate.series=7")
    return tmp_path / "run"


def test_a_run_scores_the_drawn_series(limelight: Commands, trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    assert NOTE in limelight.errors
    assert metrics["counts"] == {"train": 80, "validation": 0, "test": 20, "scored": 7}
    assert metrics["test"]["n"] == parquet.read_table(trained / "predictions.parquet").num_rows == 7
    page = trained / "report" / "index.html"
    written = page.read_text()
    assert "7 of the 20 labelled series are scored" in written
    limelight("report", "run")
    assert page.read_text() == written


def test_evaluate_scores_the_same_series_again(limelight: Commands, trained: Path) -> None:
    scores = json.loads(limelight("evaluate", "run", "--json"))
    assert limelight.errors == NOTE
    assert scores["counts"] == {"test": 20, "scored": 7}
    assert scores["test"] == json.loads((trained / "metrics.json").read_text())["test"]


@pytest.mark.parametrize(("limit", "count"), [(2, 1), (25, 5), (49, 9), (50, 10)])
def test_labels_of_steps_are_limited_by_steps(limit: int, count: int) -> None:
    panel = Panel.from_series(list(np.zeros((10, 5, 1))), step_labels=["ok", "ok", "ok", "ok", "hot"] * 10)
    experiment = Experiment.model_validate({"data": {"sine": {}}, "evaluate": {"series": 2, "steps": limit}})
    rows = rows_to_score(experiment, panel, np.arange(10)[::-1])
    assert len(rows) == len(set(rows.tolist())) == count
    assert (np.diff(rows) < 0).all()
