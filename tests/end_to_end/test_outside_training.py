"""Series unlike the training data, from the command line and from Python."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from limelight.data.panel import Panel
from limelight.data.writing import write_table
from limelight.estimator import TimeSeriesClassifier
from support.commands import Commands

ROCKET = {"name": "rocket", "features": 84}


def rooms(seed: int, scale: float = 1.0, offset: float = 0.0, n: int = 40) -> Panel:
    rng = np.random.default_rng(seed)
    series = [(20 + rng.normal(0, 1, 60) + (row % 2) * np.sin(np.arange(60))) * scale + offset for row in range(n)]
    return Panel.from_series(series, channels=["temperature"], labels=["ok", "fault"] * (n // 2))


MODEL = TimeSeriesClassifier(encoder=ROCKET, random_state=0).fit(rooms(0))
FAHRENHEIT = rooms(1, 1.8, 32.0)
LINES = [
    "outside the training data: 40 of 40 series, more than the training data explain",
    "unit or scale: 'temperature' looks like °F instead of °C, in 40 of 40 series",
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    MODEL.save(tmp_path / "model")
    write_table(FAHRENHEIT, tmp_path / "hot.parquet")
    write_table(rooms(2), tmp_path / "same.parquet")
    return tmp_path


def test_predict_counts_series_outside_and_names_them(limelight: Commands, files: Path) -> None:
    limelight("predict", files / "model", files / "hot.parquet", "-o", files / "out.parquet")
    assert [line for line in limelight.errors.splitlines() if "warning" in line] == [f"warning: {one}" for one in LINES]
    column = parquet.read_table(files / "out.parquet")["outside_training"].to_pylist()
    assert column == ["unit of temperature"] * 40


def test_predict_is_silent_about_series_inside(limelight: Commands, files: Path) -> None:
    limelight("predict", files / "model", files / "same.parquet", "-o", files / "out.parquet", "--strict")
    assert "warning" not in limelight.errors
    assert parquet.read_table(files / "out.parquet")["outside_training"].null_count == 40


def test_strict_predicts_nothing_if_series_are_outside(limelight: Commands, files: Path) -> None:
    message = limelight("predict", files / "model", files / "hot.parquet", "-o", files / "out.csv", "--strict", code=2)
    assert message == (
        "limelight: expected series like those in training, got 40 of 40 outside the training data: '0', '1', '2', '3', "
        "'4' and 35 more; correct them, or predict without --strict\n"
    )
    assert not (files / "out.csv").exists()


def test_strict_needs_a_profile(limelight: Commands, files: Path) -> None:
    (files / "model" / "profile.json").unlink()
    model = files / "model"
    message = limelight("predict", model, files / "hot.parquet", "-o", files / "out.csv", "--strict", code=2)
    assert message == (
        f"limelight: expected a model with a training profile for --strict, got {str(model)!r} without one; train it "
        "again, or drop --strict\n"
    )


def test_the_estimator_warns_and_returns_the_findings() -> None:
    with pytest.warns(UserWarning, match="^outside the training data: 40 of 40 series"):
        MODEL.predict(FAHRENHEIT)
    found = MODEL.check(FAHRENHEIT)
    assert found is not None
    assert found.lines() == LINES
