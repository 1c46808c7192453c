"""``limelight validate`` and ``limelight tune`` on small series."""

import csv
import json
from pathlib import Path

import pytest

from limelight.config.reading import read_experiment
from limelight.model_selection import optuna_engine as engine
from limelight.model_selection import search
from limelight.runs.dataset import read_data
from support.commands import Commands

pytestmark = pytest.mark.usefixtures("short_epochs")

MODEL = {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "last", "head": "linear"}
ONLY = ("--only", "learning_rate, fusion")


@pytest.fixture
def bump_experiment(limelight: Commands) -> Path:
    """An experiment with metadata whose validation part is large enough to judge by."""
    return write_experiment(Path("bumps.json"), {"bumps": {"dataset_size": 240, "num_points": 20}})


def write_experiment(file: Path, data: dict[str, object], **more: object) -> Path:
    content = {"data": data, "model": MODEL, "training": {"max_epochs": 1}, "output": "run", **more}
    file.write_text(json.dumps(content))
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_validate_prints_a_table_and_writes_json(limelight: Commands, bump_experiment: Path) -> None:
    printed = limelight("validate", bump_experiment, "--folds", 2)
    found = json.loads(Path("run/validation.json").read_text())
    assert found["left_out"] == 48
    assert [fold["counts"]["held_out"] for fold in found["folds"]] == [96, 96]
    (mean,) = [line for line in printed.splitlines() if line.startswith("mean")]
    assert f"{found['scores']['log_loss']['mean']:.3f}" in mean
    assert "written to run/validation.json" in printed
    assert "192 series, 20 steps, 1 channel, 2 classes; the 48 test series are not used" in limelight.errors
    assert "1 of 2: fold 1: accuracy " in limelight.errors


def test_validation_in_a_folder_does_not_prevent_training(limelight: Commands, bump_experiment: Path) -> None:
    limelight("validate", bump_experiment, "--folds", 2)
    limelight("train", bump_experiment)
    assert Path("run/metrics.json").is_file()
    assert limelight("validate", bump_experiment, code=2) == (
        "limelight: 'run/validation.json' already exists; pass --overwrite to replace it, or choose another output\n"
    )


def test_validate_uses_the_split_of_the_experiment(limelight: Commands, tmp_path: Path) -> None:
    rows = [
        [f"s{row}", 10 * row + step, step % 3, "ab"[row % 2], f"m{row // 4}"] for row in range(40) for step in range(5)
    ]
    table = tmp_path / "series.csv"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([["series_id", "time", "force", "label", "machine"], *rows])
    grouped = write_experiment(tmp_path / "e.json", {"series": "series.csv"}, split={"test": 0.2, "group": "machine"})
    assert "no machine in two parts" in limelight("validate", grouped, "--folds", 2)
    assert "by time, each held out from a fit on all series that start earlier" in limelight(
        "validate", grouped, "--folds", 2, "-o", "time.json", "--set", 'split={"test": 0.2, "by": "time"}'
    )


def test_tune_writes_a_trainable_experiment_and_a_table(limelight: Commands, bump_experiment: Path) -> None:
    printed = limelight("tune", bump_experiment, "--trials", 3, *ONLY)
    home = Path("run-tuning")
    assert printed.splitlines()[-1] == "train it: limelight train run-tuning/best.json"
    assert sorted(file.name for file in home.iterdir()) == ["best.json", "trials.csv", "trials.journal"]
    trials = rows_of(home / "trials.csv")
    assert list(trials[0]) == [
        "trial", "state", "log_loss", "balanced_accuracy", "seconds", "learning_rate", "fusion", "why",
    ]  # fmt: skip
    assert (trials[0]["learning_rate"], trials[0]["fusion"]) == ("0.004", "late")
    lowest = min((trial for trial in trials if trial["log_loss"]), key=lambda trial: float(trial["log_loss"]))
    best = read_experiment(home / "best.json")
    assert best.training.learning_rate == float(lowest["learning_rate"])
    assert best.data == read_experiment(bump_experiment).data
    limelight("train", home / "best.json")
    assert (home / "best" / "metrics.json").is_file()


def test_tune_continues_an_earlier_tuning(limelight: Commands, bump_experiment: Path) -> None:
    limelight("tune", bump_experiment, "--trials", 2, *ONLY)
    before = rows_of(Path("run-tuning/trials.csv"))
    assert limelight("tune", bump_experiment, "--trials", 3, *ONLY, code=2) == (
        "limelight: 'run-tuning' already holds a tuning; pass --overwrite to replace it, --resume to continue it, or "
        "choose another output\n"
    )
    limelight("tune", bump_experiment, "--trials", 3, *ONLY, "--resume")
    after = rows_of(Path("run-tuning/trials.csv"))
    assert after[:2] == before
    assert len(after) == 3
    limelight("tune", bump_experiment, "--trials", 1, *ONLY, "--overwrite")
    assert len(rows_of(Path("run-tuning/trials.csv"))) == 1


def test_tune_uses_no_test_series(limelight: Commands, bump_experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, panels = search.fit_and_score, []

    def watched(panel, split, task, recipe, should_prune):  # type: ignore[no-untyped-def]
        panels.append(set(panel.ids[split.train]) | set(panel.ids[split.held_out]))
        return real(panel, split, task, recipe, should_prune)

    monkeypatch.setattr(search, "fit_and_score", watched)
    limelight("tune", bump_experiment, "--trials", 2, *ONLY)
    data = read_data(read_experiment(bump_experiment))
    assert len(panels) == 2
    for seen in panels:
        assert not seen & set(data.part("test").ids)
        assert len(seen) == len(data.split.train) + len(data.split.validation)


def test_a_figure_shows_the_importance_of_parameters(
    limelight: Commands, bump_experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FEWEST_TO_WEIGH", 4)
    assert "parameter importance: " in limelight("tune", bump_experiment, "--trials", 5, *ONLY)
    assert Path("run-tuning/importance.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_resume_and_foreign_folders_are_refused(
    limelight: Commands, bump_experiment: Path, tmp_path: Path
) -> None:
    assert limelight("tune", bump_experiment, "--resume", code=2) == (
        "limelight: there is no tuning to resume in 'run-tuning'; tune without --resume\n"
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert limelight("tune", bump_experiment, "-o", "mine", "--overwrite", code=2) == (
        "limelight: expected an empty or new folder for the tuning, got 'mine', which holds something else; choose "
        "another output\n"
    )
    assert limelight("validate", bump_experiment, "-o", "mine.csv", code=2) == (
        "limelight: expected an output file ending in .json, got 'mine.csv'\n"
    )


def test_invalid_tuning_keeps_an_earlier_one(limelight: Commands, bump_experiment: Path) -> None:
    limelight("tune", bump_experiment, "--trials", 1, *ONLY)
    before = Path("run-tuning/trials.csv").read_bytes()
    assert limelight("tune", bump_experiment, "--only", "unitz", "--overwrite", code=2) == (
        "limelight: expected the name of a parameter to tune, got 'unitz'; did you mean 'units'?\n"
    )
    assert Path("run-tuning/trials.csv").read_bytes() == before
