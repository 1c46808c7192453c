"""The README's Python and JSON blocks are run as a reader would run them."""

import json
import re
from pathlib import Path

import pytest

from limelight.config import check_experiment

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


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


def test_experiment_file_is_valid() -> None:
    (block,) = blocks("json")
    assert check_experiment(json.loads(block), "README.md").model.encoder.name == "lstm"


def test_commands_and_files_that_are_named_exist() -> None:
    from limelight.cli import app

    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"^limelight (\w+)", README, flags=re.MULTILINE)) <= commands
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (Path(__file__).parent.parent / target).exists(), target
