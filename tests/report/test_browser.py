"""The page in a real browser."""

import shutil
import subprocess

import pytest

from limelight.report.page import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--enable-logging=stderr",
]  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on the PATH")


@pytest.fixture(scope="module")
def page(tmp_path_factory, make_facts):
    hostile = "<script>console.error('ran')</script>"
    return write_report(tmp_path_factory.mktemp("run"), make_facts(classes=("ok", hostile)))


def browse(page, folder, *flags):
    command = [BROWSER, *QUIET, f"--user-data-dir={folder}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, complaints


def test_a_complaint_of_the_browser_would_be_seen(tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text("<script>console.error('broken')</script>")
    _, complaints = browse(broken, tmp_path / "profile", "--dump-dom")
    assert len(complaints) == 1


def test_the_browser_finds_every_section_and_complains_about_nothing(page, tmp_path):
    document, complaints = browse(page, tmp_path, "--dump-dom")
    for name in ("scores", "asked", "learning", "classes", "confusion", "attention", "look", "warnings"):
        assert f'<section id="{name}">' in document
    assert complaints == []


@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_can_be_drawn_wide_and_narrow(page, tmp_path, width):
    picture = tmp_path / "page.png"
    _, complaints = browse(page, tmp_path / "profile", f"--screenshot={picture}", f"--window-size={width},2000")
    assert complaints == []
    assert picture.stat().st_size > 20_000
