"""The scripts in ``examples``, on excerpts of their data and for a few epochs, and the start of the benchmarks."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest
from matplotlib import pyplot

import limelight as ll

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SCRIPTS = ROOT / "examples"
BENCHMARKS = sorted(file.stem for file in (ROOT / "benchmarks" / "run").glob("[!_]*.py"))
Script = Callable[..., list[str]]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    def run(name: str, *arguments: object) -> list[str]:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
        pyplot.close("all")
        return capsys.readouterr().out.splitlines()

    return run


def test_the_script_of_heart_beats_runs(script: Script, tmp_path: Path) -> None:
    lines = script("ecg", TESTS / "samples" / "ecg200", "--into", tmp_path)
    assert lines[:2] == [
        "train Panel(40 series, 96 steps, 1 channel, 2 classes)",
        "test  Panel(20 series, 96 steps, 1 channel, 2 classes)",
    ]
    assert float(lines[3].removeprefix("accuracy ").split(",")[0]) >= 0.7
    recalls = [int(line.split(": ")[1].split("%")[0]) for line in lines if line.startswith("threshold 0.")]
    assert recalls == sorted(recalls), "a lower threshold finds more"
    assert (tmp_path / "beats.png").stat().st_size > 10_000
    assert ll.load(tmp_path / "model").classes_.tolist() == ["abnormal", "normal"]


def test_the_script_of_vowels_runs(script: Script, tmp_path: Path) -> None:
    lines = script("vowels", TESTS / "samples" / "japanese_vowels", "--into", tmp_path, "--epochs", 2)
    accuracy = {line.split(":")[0]: float(line.split()[2]) for line in lines if ": accuracy " in line}
    assert accuracy.keys() == {"auto", "conv_lstm"}
    assert accuracy["auto"] >= 0.8
    thirds = [line.split()[0] for line in lines if "in the first third" in line]
    assert thirds == ["evidence:", "attention:"]
    assert all((tmp_path / f"{encoder}.png").stat().st_size > 10_000 for encoder in accuracy)


@pytest.fixture
def months(tmp_path: Path) -> Path:
    """Months of five cities with the columns of the real data; it rains, or is foggy, if it is humid."""
    random, days, labels = np.random.default_rng(0), 30, ("fog", "hail", "rain", "snow", "thunderstorm")
    names = [(city, month) for city in ("auckland", "chicago", "mumbai", "beijing", "lima") for month in range(1, 25)]
    ids = [f"{city}_{month:02d}" for city, month in names]
    spells = random.normal(size=(len(ids), days, 1)).repeat(6, axis=1)[:, :days]
    kinds = ("temp", "dewpt", "humidity", "pressure", "visibility")
    channels = [f"{how}_{kind}" for kind in kinds for how in ("high", "avg", "low")]
    channels += ["high_wind", "avg_wind", "gust_wind"]
    values = {name: spells + random.normal(scale=0.3, size=spells.shape) for name in channels}
    events = {label: spells > 0.5 + index / 4 for index, label in enumerate(labels)}
    columns = {
        "series_id": np.repeat(ids, days),
        "time": np.tile(np.arange(days) + np.datetime64("2016-01-01"), len(ids)),
    }
    columns |= {name: one.ravel().astype(np.float32) for name, one in values.items()}
    columns |= {f"label_{name}": one.ravel().astype(np.int8) for name, one in events.items()}
    folder = tmp_path / "months"
    folder.mkdir()
    parquet.write_table(pa.table(columns), folder / "series.parquet")
    cities, numbers = zip(*names, strict=True)
    csv.write_csv(pa.table({"series_id": ids, "city": cities, "month": numbers}), folder / "metadata.csv")
    parts = ["test" if city in ("beijing", "lima") else "train" for city in cities]
    csv.write_csv(pa.table({"series_id": ids, "split": parts}), folder / "split.csv")
    return folder


def test_the_script_of_weather_runs(script: Script, months: Path, tmp_path: Path) -> None:
    lines = script("weather", months, "--into", tmp_path / "run", "--epochs", 2)
    scores = {line.split()[0]: line.split()[1:] for line in lines[lines.index(next(filter(is_head, lines))) + 1 :][:5]}
    assert scores.keys() == {"fog", "hail", "rain", "snow", "thunderstorm"}
    assert any(line.split()[1:3] == ["true", "events,"] for line in lines)
    assert parquet.read_table(tmp_path / "run" / "events.parquet").column_names[:2] == ["series_id", "label"]
    assert (tmp_path / "run" / "report" / "index.html").exists()


def is_head(line: str) -> bool:
    return line.split()[:2] == ["label", "days"]


@pytest.mark.parametrize("name", ["ecg", "vowels", "weather"])
def test_examples_are_short(name: str) -> None:
    assert len((SCRIPTS / f"{name}.py").read_text().splitlines()) <= 60


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``benchmarks`` importable, as it is for ``python -m`` in the root of the repository."""
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks_start(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    monkeypatch.delitem(sys.modules, f"benchmarks.run.{name}", raising=False)  # a page may have imported it
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(f"benchmarks.run.{name}", run_name="__main__")
    assert f"python -m benchmarks.run.{name}" in capsys.readouterr().out


@pytest.mark.usefixtures("repository")
def test_page_of_deploying_is_up_to_date() -> None:
    from benchmarks.pages.deploy import DEPLOY_PAGE, render_deploy_page

    assert render_deploy_page() == DEPLOY_PAGE.read_text(), "run python -m benchmarks.pages.deploy"


@pytest.mark.usefixtures("repository")
def test_page_of_early_answers_is_up_to_date() -> None:
    from benchmarks.pages.early import EARLY_PAGE, render_early_page

    assert render_early_page() == EARLY_PAGE.read_text(), "run python -m benchmarks.pages.early"


@pytest.mark.usefixtures("repository")
def test_page_of_events_is_up_to_date() -> None:
    from benchmarks.pages.false_alarms import EVENTS_PAGE, render_events_page

    assert render_events_page() == EVENTS_PAGE.read_text(), "run python -m benchmarks.pages.false_alarms"


@pytest.mark.usefixtures("repository")
def test_page_of_large_data_is_up_to_date() -> None:
    from benchmarks.pages.scale import LARGE_PAGE, render_large_page

    assert render_large_page() == LARGE_PAGE.read_text(), "run python -m benchmarks.pages.scale"


@pytest.mark.usefixtures("repository")
def test_page_of_results_is_up_to_date() -> None:
    from benchmarks.pages.results import PAGE, render_page

    assert render_page() == PAGE.read_text(), "run python -m benchmarks.pages.results"


@pytest.mark.usefixtures("repository")
def test_page_of_campaigns_is_up_to_date() -> None:
    from benchmarks.pages.campaigns import PAGE, render_campaigns_page

    assert render_campaigns_page() == PAGE.read_text(), "run python -m benchmarks.pages.campaigns"


def test_page_of_extremes_is_up_to_date() -> None:
    from benchmarks.pages.extremes import PAGE, render_extremes_page

    assert render_extremes_page() == PAGE.read_text(), "run python -m benchmarks.pages.extremes"
