"""The pages of the site: every block of the start page runs, and the site builds without a warning."""

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
def test_the_start_page_runs_from_a_csv_to_a_report(
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the site, built without running the examples, and what the build printed as warnings."""
    pytest.importorskip("sphinx", reason="the site is built with the extra docs")
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "examples"):
        ignored = shutil.ignore_patterns("gallery_*", "generated", "data")
        shutil.copytree(DOCS.parent / name, folder / name, ignore=ignored)
    shutil.copy(DOCS.parent / "CHANGELOG.md", folder)
    options = ["-W", "--keep-going", "-q", "-b", "html", "-D", "plot_gallery=0"]
    command = [sys.executable, "-m", "sphinx", *options, str(folder / "docs"), str(folder / "site")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    return folder / "site", built.stderr


@pytest.mark.slow
def test_the_site_builds_without_a_warning(site: tuple[Path, str]) -> None:
    folder, warnings = site
    assert warnings == ""
    pages = (
        "reference/generated/limelight.TimeSeriesClassifier",
        "reference/errors",
        "gallery/heartbeats",
        "guides/deploy",
    )
    assert [page for page in pages if not (folder / f"{page}.html").is_file()] == []


@pytest.mark.slow
def test_the_site_documents_methods(site: tuple[Path, str]) -> None:
    page = (site[0] / "reference/generated/limelight.TimeSeriesClassifier.html").read_text()
    methods = ("fit", "predict", "predict_proba", "explain", "save")
    assert [name for name in methods if f'id="limelight.TimeSeriesClassifier.{name}"' not in page] == []


@pytest.mark.slow
def test_options_on_the_site_can_be_copied(site: tuple[Path, str]) -> None:
    pages = [site[0] / f"reference/{name}.html" for name in ("command_line", "experiment", "errors")]
    assert [page.name for page in pages if re.search(r"\u2013[a-z]|[\u201c\u201d]", page.read_text())] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_rows_of_tables_have_the_columns_of_their_header(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", row) for row in table.splitlines()]
        assert [row for row in rows if len(row) != len(rows[0])] == []


def test_explained_messages_are_messages_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
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
