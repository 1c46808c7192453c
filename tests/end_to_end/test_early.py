"""Early predictions of a run: chosen, measured, reported and streamed."""

import io
import json
import sys
from pathlib import Path

import pytest

from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.data.writing import write_table
from support.commands import Commands

SMALL = ("--set", 'model.encoder={"name": "rocket"}', "--set", "explain=false")


@pytest.fixture
def run(limelight: Commands, tmp_path: Path) -> Path:
    write_table(generate_sine(SineSettings(dataset_size=100, num_points=40)), tmp_path / "waves")
    limelight("train", "waves", "-o", "run", *SMALL)
    return tmp_path / "run"


def test_a_run_predicts_early(run: Path, limelight: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(limelight("early", "run", "--cost-of-delay", "0.3", "--json"))
    assert found["n"] == 20
    assert "Early answers" in (run / "report" / "index.html").read_text()
    assert limelight("early", "run", code=2) == (
        f"limelight: {str(Path('run') / 'early')!r} already exists; pass --overwrite to replace it\n"
    )
    lines = "".join(json.dumps({"id": one, "values": [step / 40]}) + "\n" for one in "ab" for step in range(40))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    predictions = [json.loads(line) for line in limelight("stream", "run", "--early").splitlines()]
    assert sorted(one["id"] for one in predictions) == ["a", "b"]
    assert all(one["steps"] <= 40 for one in predictions)


def test_a_stream_without_a_rule_is_an_error(run: Path, limelight: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert limelight("stream", "run", "--early", code=2) == (
        "limelight: expected a folder with the file 'early.json', got 'run/early' without that file; run limelight early "
        "on the run first\n"
    )
