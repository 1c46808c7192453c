"""Output of the command line: hints, lists, a first experiment file, and the lines that a training prints."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limelight.cli import flags, models, options
from limelight.config import reading
from limelight.explanation.methods.registry import METHODS
from limelight.parts.architecture import PRESETS
from support.commands import Commands


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of 60 series whose labels depend on ``force``."""
    rng, folder = np.random.default_rng(0), tmp_path / "presses"
    folder.mkdir()
    with (
        (folder / "series.csv").open("w", newline="") as series,
        (folder / "labels.csv").open("w", newline="") as labels,
    ):
        steps, names = csv.writer(series), csv.writer(labels)
        steps.writerow(["press", "time", "force"])
        names.writerow(["press", "state"])
        for number in range(60):
            names.writerow([f"p{number}", "worn" if number % 2 else "fine"])
            steps.writerows([f"p{number}", step, rng.normal() + number % 2 * 3] for step in range(12))
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "presses", "-o", "taken"], "expected an empty or new folder for the run, got 'taken'"),
        (["predict", "model", "presses", "-o", "p.txt"], "expected an output file ending in .parquet or .csv"),
        (["explain", "model", "presses", "-o", "taken/p.csv"], "'taken/p.csv' already exists"),
        *(
            ([command, "runs"], "there is no model folder at 'runs'")
            for command in ("export", "serve", "report", "early")
        ),
    ],
)
def test_mistakes_are_found_before_torch_is_loaded(data: Path, words: list[str], expected: str) -> None:
    (data.parent / "taken").mkdir()
    (data.parent / "taken" / "p.csv").write_text("x\n1\n")
    (data.parent / "model").mkdir()
    code = (
        "import sys; from limelight.cli.app import main\n"
        "try: main()\nexcept SystemExit as ending: print(ending.code, 'torch' in sys.modules)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=data.parent, capture_output=True, text=True, check=True
    )
    assert completed.stderr.startswith(f"limelight: {expected}")
    assert completed.stdout == "2 False\n"


def test_names_in_the_help_exist() -> None:
    assert tuple(PRESETS) == options.PRESET_NAMES
    assert tuple(METHODS) == models.METHOD_NAMES


@pytest.mark.parametrize("key", [*flags.KEY_OF_FLAG.values(), "data.csv.separator"])
def test_key_of_a_hint_exists(key: str) -> None:
    *path, name = key.split(".")
    if path and path[0] == "model":
        assert name in ("encoder", "fusion", "head", "pooling", "missing", "dropout", "hidden_size")
    else:
        assert name in reading._known_keys(path)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--lr", "; write --set training.learning_rate=VALUE"),
        ("--test_size", "; write --set split.test=VALUE"),
        ("--delimiter", "; write --set data.csv.separator=VALUE"),
        ("--target", "; did you mean '--label'?"),
        ("--epoch", "; did you mean '--epochs'?"),
        ("--lables", "; did you mean '--labels'?"),
    ],
)
def test_unknown_option_suggests_the_nearest(limelight: Commands, data: Path, option: str, hint: str) -> None:
    message = limelight("train", data, option, "1", code=2)
    assert message == f"limelight: there is no option {option} for 'limelight train'{hint}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["trian", "x"], "no such command 'trian'; did you mean 'train'?"),
        (["train"], "missing argument 'source'; limelight train --help lists what there is"),
    ],
)
def test_wrong_values_raise_one_sentence(limelight: Commands, words: list[str], expected: str) -> None:
    assert limelight(*words, code=2) == f"limelight: {expected}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "presses", "--epochs", "many"], "expected --epochs as a whole number, got 'many'"),
        (["train", "presses", "--seed", "1.5"], "expected --seed as a whole number, got '1.5'"),
        (["predict", "run", "presses", "--jobs", "all"], "expected --jobs as a whole number, got 'all'"),
        (["tune", "presses", "--minutes", "long"], "expected --minutes as a number, got 'long'"),
        (["serve", "run", "--port", "99999"], "expected --port of at most 65535, got '99999'"),
    ],
)
def test_options_of_another_type_raise_one_sentence(limelight: Commands, words: list[str], expected: str) -> None:
    assert limelight(*words, code=2) == f"limelight: {expected}; correct it, or see limelight {words[0]} --help\n"


def test_a_kind_for_a_field_that_is_missing_is_refused(limelight: Commands, data: Path) -> None:
    assert limelight("train", data, "--set", "data.fields.shft=category", code=2) == (
        "limelight: expected data.fields to name metadata, got 'shft', which the data do not have; remove it\n"
    )


WRONG = {
    "type": ["train", "series.xyz"],
    "file": ["train", "nothing.csv"],
    "preset": ["train", "series.csv", "--preset", "lstmm"],
    "key": ["train", "series.csv", "--set", "training.max_epoch=3"],
    "option": ["train", "series.csv", "--lr", "3"],
    "labels": ["validate", "series.csv", "--labels", "nothing.csv"],
    "model": ["predict", "nothing", "series.csv"],
    "method": ["explain", ".", "series.csv", "--method", "shap"],
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused_without_torch(data: Path, words: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['limelight', *{words!r}]\n"
        "from limelight.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, *sorted({'torch', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=data, check=True)
    assert done.stdout == "2\n"


def test_training_prints_few_lines_beginning_with_the_verdict(limelight: Commands, data: Path, tmp_path: Path) -> None:
    printed = limelight("train", data, "--out", tmp_path / "run", "--label", "state", "--id", "press").splitlines()
    assert printed[0].startswith(
        "All 12 series were classified correctly. The model is shown to be better than guessing"
    )
    assert len(printed) + len(limelight.errors.splitlines()) <= 25
    run = tmp_path / "run"
    assert printed[-1] == f"report: {run / 'report' / 'index.html'}; all scores: limelight evaluate {run}"


def test_epochs_is_a_key_of_training(limelight: Commands, data: Path, tmp_path: Path) -> None:
    limelight(
        "train",
        data,
        "--out",
        tmp_path / "run",
        "--epochs",
        "1",
        "--set",
        "model.encoder=lstm",
        "--set",
        "explain=false",
    )
    written = json.loads((tmp_path / "run" / "experiment.json").read_text())
    assert written["training"]["max_epochs"] == 1


def test_init_writes_an_experiment_that_trains_the_same(limelight: Commands, data: Path, tmp_path: Path) -> None:
    printed = limelight("init", data)
    file = data / "experiment.json"
    assert printed == (
        f"60 series, 12 steps, 1 channel, 2 classes\nwritten to {file}; edit it, then: limelight train {file}\n"
    )
    text = file.read_text()
    assert "    // Column of the label.\n" in text
    assert json.loads(re.sub(r"(?m)^\s*//.*$", "", text))["data"]["series"] == "series.csv"
    from_file, from_folder = reading.read_experiment(file), reading.read_experiment(data)
    assert (from_file.split, from_file.model, from_file.training) == (
        from_folder.split,
        from_folder.model,
        from_folder.training,
    )
    limelight("train", file, "--out", tmp_path / "run", "--set", "explain=false")


def test_init_keeps_the_stated_data_options(limelight: Commands, tmp_path: Path) -> None:
    for name in ("ok_1", "ok_2", "worn_3"):
        (tmp_path / f"{name}.csv").write_text("".join(f"{step};{step**2 / 8}\n" for step in range(9)))
    typed = ("--names", "{label}_{id}", "--set", 'data.csv.names=["time","x"]', "--set", "data.units.x=bar")
    limelight("init", tmp_path, *typed)
    data = reading.read_experiment(tmp_path / "experiment.json").data
    assert (data.csv.names, data.units, data.names) == (("time", "x"), {"x": "bar"}, "{label}_{id}")


def test_init_overwrites_a_file_only_on_request(limelight: Commands, data: Path) -> None:
    limelight("init", data)
    file = data / "experiment.json"
    assert limelight("init", data, "--out", file, code=2) == (
        f"limelight: {str(file)!r} already exists; pass --overwrite to replace it, or choose another output\n"
    )


def test_comments_do_not_change_line_numbers_of_errors(tmp_path: Path, limelight: Commands) -> None:
    file = tmp_path / "experiment.json"
    file.write_text('// first\n{\n  // second\n  "data": {"sine": {}}\n  "seed": 1\n}\n')
    assert limelight("train", file, code=2).startswith(f"limelight: {file}, line 5, column 3: expected JSON")


def write_run(folder: Path, loss: float | None, encoder: str = "blocks") -> None:
    folder.mkdir(parents=True)
    (folder / "environment.json").write_text("{}")
    (folder / "model").mkdir()
    (folder / "model" / "model.json").write_text(json.dumps({"sentence": {"encoder": {"name": encoder}}}))
    if loss is not None:
        metrics = {"test": {"n": 24, "accuracy": 0.5, "log_loss": loss}, "seconds": {"choose": 1.0, "train": 0.25}}
        (folder / "metrics.json").write_text(json.dumps(metrics))


def test_runs_are_listed_the_best_first(limelight: Commands, tmp_path: Path) -> None:
    runs = Path("runs")
    for name, loss in (("one", 0.4), ("two", 0.1), ("broken", None)):
        write_run(tmp_path / runs / name, loss)
    assert limelight("runs").splitlines() == [
        "run          encoder        test  accuracy  log loss  seconds",
        "runs/two     blocks           24     0.500     0.100      1.2",
        "runs/one     blocks           24     0.500     0.400      1.2",
        "runs/broken  blocks   unfinished",
    ]


def test_folder_without_runs_is_refused(limelight: Commands, tmp_path: Path) -> None:
    assert limelight("runs", tmp_path, code=2) == (
        f"limelight: expected runs in {str(tmp_path)!r}, got none; limelight train writes one\n"
    )


def test_presets_are_listed(limelight: Commands) -> None:
    printed = limelight("presets")
    assert [line.split()[0] for line in printed.splitlines()] == list(PRESETS)
    assert "bilstm              bidirectional lstm (50), last, linear\n" in printed


def test_without_arguments_the_help_is_printed(limelight: Commands) -> None:
    assert "limelight demo" in limelight()
