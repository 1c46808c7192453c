"""The pages of the site: every block of the start page is run as a newcomer would, and the site builds without a warning."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import limelight as package
from support.commands import Commands

DOCS = Path(__file__).parents[2] / "docs"
START = DOCS / "tutorials" / "start.md"


@pytest.mark.slow
def test_the_start_page_leads_from_a_csv_to_a_report(
    limelight: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", START.read_text(), flags=re.DOTALL):
        if language == "python":
            exec(compile(block, "start.md", "exec"), names)
            printed = capsys.readouterr().out
            continue
        for line in block.splitlines():
            program, *words = shlex.split(line, comments=True)
            assert program == "limelight"
            limelight(*words)
    assert (tmp_path / "runs" / "pumps" / "report" / "index.html").is_file()
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 121
    assert int(printed.split("%")[0]) >= 90


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the site is built with the extra docs")
    for name in ("docs", "examples"):
        shutil.copytree(
            DOCS.parent / name, tmp_path / name, ignore=shutil.ignore_patterns("gallery_*", "generated", "data")
        )
    shutil.copy(DOCS.parent / "CHANGELOG.md", tmp_path)
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-D",
        "plot_gallery=0",
        tmp_path / "docs",
        site,
    ]
    built = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    pages = (
        "reference/generated/limelight.TimeSeriesClassifier",
        "reference/errors",
        "gallery/heartbeats",
        "guides/deploy",
    )
    assert [page for page in pages if not (site / f"{page}.html").is_file()] == []


def test_messages_that_are_explained_are_messages_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "extensions")
    messages_in = import_module("reference_tables").messages_in
    source = Path(package.__file__).parent
    messages = "\n".join(
        message for file in source.rglob("*.py") for message in messages_in(ast.parse(file.read_text()))
    )
    explained = (DOCS / "guides" / "troubleshooting.md").read_text().partition("## Results that surprise")[0]
    headings = re.findall(r"^### (.*)", explained, flags=re.MULTILINE)
    patterns = [".*".join(re.escape(piece.strip(" ,")) for piece in heading.split("…")) for heading in headings]
    assert len(patterns) > 8
    assert [pattern for pattern in patterns if not re.search(pattern, messages)] == []
