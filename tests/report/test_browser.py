"""The page in a real browser: it opens fast, complains about nothing, zooms, answers the mouse, and prints."""

import shutil

import numpy as np
import pytest

from limelight.report.inputs import StepImportance
from limelight.report.page import write_report
from support.browser import BROWSER, Browser

HOSTILE = "<script>console.error('ran')</script>"
ALL_DRAWN = "document.documentElement.dataset.drawn === 'all'"
FIRST_SERIES = "document.querySelector('#series .plot')"
RANGE = f"{FIRST_SERIES}.layout.xaxis.range"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on the PATH")


@pytest.fixture(scope="module")
def browser():
    one = Browser()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _fresh(request):
    if "browser" in request.fixturenames:
        browser = request.getfixturevalue("browser")
        browser.complaints.clear()
        browser.resize(1280)


@pytest.fixture(scope="module")
def page(tmp_path_factory, make_inputs):
    return write_report(tmp_path_factory.mktemp("run"), make_inputs(classes=("ok", HOSTILE), extras=True))


def spot(browser, share=0.5):
    """Where the first panel of the first series is on the screen."""
    browser.run(f"{FIRST_SERIES}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    browser.wait(f"{FIRST_SERIES}.querySelector('.nsewdrag') !== null")
    box = browser.run(f"JSON.parse(JSON.stringify({FIRST_SERIES}.querySelector('.nsewdrag').getBoundingClientRect()))")
    return box["x"] + share * box["width"], box["y"] + 0.5 * box["height"]


def test_a_complaint_of_the_browser_would_be_seen(browser, tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text("<script>console.error('broken'); absent()</script><img src='nowhere.png'>")
    browser.open(broken)
    assert len(browser.complaints) == 3


@pytest.mark.parametrize("kind", ["series", "labels", "steps", "labels of steps"])
def test_every_figure_is_drawn_and_nothing_is_complained_about(browser, tmp_path, make_inputs, kind):
    inputs = make_inputs(6, ("ok", HOSTILE, "<b>bold</b>"), kind=kind, width=2, extras=True)
    browser.open(write_report(tmp_path, inputs))
    browser.wait(ALL_DRAWN)
    assert browser.complaints == []
    assert browser.run(
        "document.querySelectorAll('.plot').length === document.querySelectorAll('.plot.js-plotly-plot').length"
    )
    assert browser.run("document.querySelectorAll('.plot b, .plot script').length") == 0


def test_a_page_of_ten_thousand_series_opens_within_two_seconds(browser, tmp_path, make_inputs):
    page = write_report(tmp_path, make_inputs(10_000, extras=True))
    seconds = min(
        browser.open(page) for _ in range(5)
    )  # the best of five: what else the machine does is not the page's
    assert seconds < 2.0
    assert browser.run("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 2000


def test_dragging_zooms_and_a_double_click_resets(browser, page):
    browser.open(page)
    (left, y), (right, _) = spot(browser, 0.25), spot(browser, 0.75)
    whole = browser.run(RANGE)
    browser.drag(left, y, right, y)
    browser.wait(f"{RANGE}[0] > {whole[0]}")
    near = browser.run(RANGE)
    assert near[1] - near[0] == pytest.approx((whole[1] - whole[0]) / 2, rel=0.1)
    browser.run(f"void Plotly.relayout({FIRST_SERIES}, {{'xaxis.range': [2, 4]}})")
    assert browser.run(RANGE) == [2, 4]
    browser.double_click(left, y, until=f"{RANGE}[0] === {whole[0]}")


def test_hovering_tells_value_and_attention(browser, page):
    browser.open(page)
    browser.hover(*spot(browser))
    browser.wait(f"{FIRST_SERIES}.querySelector('.hoverlayer').textContent.includes('attention')")


def test_a_class_can_be_taken_out_of_the_curves(browser, page):
    browser.open(page)
    browser.run("document.querySelector('button[data-trace]').click()")
    assert browser.run("[...document.querySelectorAll('.curve')].map((box) => box.data[0].visible)") == [False, False]


def test_the_colour_follows_the_selected_method(browser, tmp_path, make_inputs):
    looks = {
        "occlusion": lambda row, target: StepImportance(np.linspace(-1, 1, 30), target or "ok"),
        "attention": lambda row, target: StepImportance(np.full(30, 1 / 30)),
    }
    browser.open(write_report(tmp_path, make_inputs(4, steps=(30, 31), attention=False, explainers=looks)))
    browser.wait(ALL_DRAWN)
    shown = "[...document.querySelectorAll('#series .plot')].map((box) => box.data.map((one) => one.visible)[0])"
    assert set(browser.run(shown)) == {True}
    browser.run("document.querySelector('button[data-layer=attention]').click()")
    assert set(browser.run(shown)) == {False}
    assert browser.run("[...document.querySelectorAll('li[data-of]')].map((one) => one.hidden)") == [True, False]
    browser.hover(*spot(browser))
    browser.wait(f"{FIRST_SERIES}.querySelector('.hoverlayer').textContent.includes('occlusion')")
    assert browser.complaints == []


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_never_wider_than_the_screen(browser, page, width):
    browser.resize(width)
    browser.open(page)
    browser.wait(ALL_DRAWN)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("[...document.querySelectorAll('.plot')].every((b) => b.scrollWidth <= b.clientWidth + 1)")


def test_nothing_is_asked_of_the_network(browser, page):
    browser.requests.clear()
    browser.open(page)
    browser.wait(ALL_DRAWN)
    asked = [address for address in browser.requests if not address.startswith(("data:", "blob:"))]
    assert asked == [page.as_uri(), page.with_name("plotly.min.js").as_uri()]
    assert browser.run("fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')") == "refused"


def test_a_page_without_its_script_says_what_is_missing(browser, page, tmp_path):
    alone = tmp_path / "index.html"
    shutil.copy(page, alone)
    browser.open(alone)
    assert browser.run("getComputedStyle(document.querySelector('.missing')).display") == "block"
    assert browser.run("document.querySelectorAll('table').length") > 3


def test_printing_draws_every_figure_within_the_paper(browser, page, tmp_path):
    browser.open(page)
    paper = tmp_path / "page.pdf"
    browser.print(paper)
    assert paper.read_bytes().startswith(b"%PDF")
    assert browser.run(ALL_DRAWN)
    assert browser.complaints == []
