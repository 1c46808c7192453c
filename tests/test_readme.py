"""The Python and JSON blocks of the README and of the docs are run as a reader would run them."""

import json
import re
from pathlib import Path

import pytest

from limelight.config.reading import check_experiment

HOME = Path(__file__).parent.parent
README = (HOME / "README.md").read_text()
DATA = (HOME / "docs" / "data.md").read_text()
LABELS = (HOME / "docs" / "labels.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.slow
def test_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    score, answers, found = capsys.readouterr().out.splitlines()
    assert float(score) > 0.9
    assert set(answers.strip("[]").split()) <= {"'normal'", "'anomalous'"}
    assert found.startswith("{'encoder__hidden_size'")
    assert (tmp_path / "attention.png").stat().st_size > 10_000


def test_python_blocks_about_data_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks("python", DATA):
        exec(compile(block, "data.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == [
        "Panel(2 series, 3 to 4 steps, 1 channel, 2 classes)",
        "[{'site': 'north'}, {'site': 'south'}]",
        "19 monday[50:150] walk",
        "['majority class', 'metadata alone', 'series alone', 'series + late', 'series + repeat', 'series + film']",
        "(('run', 'service'),) [0, 0, 1, 1, -1, -1, 0]",
        "('pressure', 'mode_since_change') "
        "(\"no value of 'mode' before the first sample: 2 steps of 1 series ('pump 2')\",)",
    ]


def test_python_blocks_about_labels_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks("python", LABELS):
        exec(compile(block, "labels.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == [
        "['label_0' 'label_1'] (60, 2) True",
        "['down' 'none' 'up'] (60, 40) True",
        "[0, 1, -1]",
    ]


@pytest.mark.parametrize("example", sorted((HOME / "examples").glob("*.json")), ids=lambda file: file.stem)
def test_examples_are_valid(example: Path) -> None:
    assert check_experiment(json.loads(example.read_text()), example.name).data.folder == f"data/{example.stem}"


def test_experiment_file_is_valid() -> None:
    (block,) = blocks("json")
    assert check_experiment(json.loads(block), "README.md").model.encoder.name == "lstm"


def test_commands_and_files_that_are_named_exist() -> None:
    from limelight.cli import app

    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    for page, folder in ((README, HOME), (DATA, HOME / "docs"), (LABELS, HOME / "docs")):
        assert set(re.findall(r"^limelight (\w+)", page, flags=re.MULTILINE)) <= commands
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page):
            assert (folder / target).exists(), target
