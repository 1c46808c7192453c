"""The Python and JSON blocks of the README and of the docs run."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from limelight.config.reading import check_experiment

HOME = Path(__file__).parents[2]
README = (HOME / "README.md").read_text()
PAGES = {page.stem: page for page in (HOME / "docs").rglob("*.md") if page.stem != "index"}
OPTIONAL_PACKAGES = ("wordllama",)
"""Blocks that read files of these packages run where they are installed."""
PRINTED = {  # by the Python blocks of a page, run one after the other
    "data": [
        "Panel(2 series, 3 to 4 steps, 1 channel, 2 classes)",
        "[{'site': 'north'}, {'site': 'south'}]",
    ],
    "metadata": [
        "['majority class', 'metadata alone', 'series alone', 'series + late', 'series + repeat', 'series + film']",
        "(('run', 'service'),) [0, 0, 1, 1, -1, -1, 0]",
        "('pressure', 'mode_since_change') "
        "(\"no value of 'mode' before the first sample: 2 steps of 1 series ('pump 2')\",)",
    ],
    "recordings": ["19 monday[50:150] walk"],
    "large": [
        "[2, 2] ('only rows with time >= 1 were read',)",
        "Panel(200 series, 100 steps, 1 channel, 2 classes) True",
        "200",
    ],
    "reading_explanations": [
        "['amplitude', 'channel', 'class_places', 'distractor', 'exclusive_or', 'frequency', 'held_wave', 'metadata', 'missing_stretch', 'nothing', 'order', 'peak', 'trend_break', 'unequal_lengths']",
        "Panel(120 series, 48 steps, 1 channel, 2 classes) 6 decisive values in the first series",
        "['evidence']",
        "['series_id', 'predicted', 'class', 'nearest', 'distance', 'start', 'stop', 'probability']",
    ],
    "small": ["encoder: blocks, as 60 series are too few for a network to be better", "True"],
    "deploy": ["True 60", "True 40"],
    "early": ["True True", "True"],
    "events": ["True"],
    "labels": [
        "['label_0' 'label_1'] (60, 2) True",
        "['down' 'none' 'up'] (60, 40) True",
        "[0, 1, -1]",
    ],
    "model_selection": ["3 True True", "True"],
    "semicolons": [
        "Panel(2 series, 2 steps, 1 channel, 2 classes)",
        "[[3.0199999809265137], [2.9700000286102295]] bar ['ok', 'verschlissen']",
    ],
    "one_file_each": ["['1', '2', '3'] ['ok', 'ok', 'worn'] ['saw', 'saw', 'drill']"],
    "labels_per_step": ["(10, 60) True", "('not leak', 'leak') [0, 1, 1, 1, 0]"],
    "few_labels": ["[10, 40] True"],
    "rare_class": ["True"],
    "which_channels": ["1"],
    "python": [
        "Panel(120 series, 60 steps, 1 channel, 2 classes)",
        "encoder: blocks, as 90 series are too few for a network to be better",
        "True",
        "(2, 2)",
        "Explanation(30 series, evidence, for 'anomalous')",
        "True",
        "True",
        "(2,)",
    ],
    "explanation": [
        "Explanation(36 series, attention)",
        "Explanation(36 series, occlusion, for 'anomalous') ['series_id', 'time', 'importance', 'target', 'spread']",
        "Explanation(36 series, evidence, for 'anomalous')",
        "['attention', 'gradients', 'occlusion', 'random']",
        "['attention', 'gradients', 'occlusion']",
        "['wave'] ['0-10 %', '10-20 %', '20-30 %']",
    ],
}


def blocks(language: str, page: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.slow
def test_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python", README):
        exec(compile(block, "README.md", "exec"), names)
    score, predictions = capsys.readouterr().out.splitlines()
    assert float(score) > 0.9
    assert set(predictions.strip("[]").split()) <= {"'normal'", "'anomalous'"}
    assert (tmp_path / "explanation.png").stat().st_size > 10_000


@pytest.mark.parametrize("page", sorted(PRINTED))
def test_python_blocks_of_a_page_run_one_after_the_other(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = blocks("python", PAGES[page].read_text())
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in found:
        if any(package in block and find_spec(package) is None for package in OPTIONAL_PACKAGES):
            continue
        exec(compile(block, f"{page}.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == PRINTED[page]


def test_every_python_block_of_the_docs_is_run() -> None:
    pages = {name for name, page in PAGES.items() if blocks("python", page.read_text())}
    assert pages == {*PRINTED, "start"}, "start is run by test_docs"


@pytest.mark.parametrize("example", sorted((HOME / "examples").glob("*.json")), ids=lambda file: file.stem)
def test_examples_are_valid(example: Path) -> None:
    assert check_experiment(json.loads(example.read_text()), example.name).data.folder == f"data/{example.stem}"


def test_experiment_file_is_valid() -> None:
    (block,) = blocks("json", PAGES["experiment"].read_text())
    assert check_experiment(json.loads(block), "experiment.md").model.encoder.name == "lstm"


def test_commands_and_files_that_are_named_exist() -> None:
    from typer.main import get_command

    from limelight.cli.app import app

    commands = set(get_command(app).commands)
    for file in (HOME / "README.md", *(HOME / "docs").rglob("*.md")):
        page = file.read_text()
        assert set(re.findall(r"^limelight (\w+)", "\n".join(blocks("sh", page)), flags=re.MULTILINE)) <= commands
        for target in re.findall(r"\]\((?!http|../gallery/)([^)#]+)\)", page):  # the site writes the gallery
            assert (file.parent / target).exists(), f"{file.name}: {target}"
