"""The page in a real browser: opening time, errors, zooming, mouse and printing."""

import csv
import shutil
import time

import numpy as np
import pytest

from limelight.report.inputs import StepImportance
from limelight.report.page import write_report
from support.browser import BROWSER

HOSTILE = "<script>console.error('ran')</script>"
ALL_DRAWN = "document.documentElement.dataset.drawn === 'all'"
FIRST_SERIES = "document.querySelector('#series .plot')"
RANGE = f"{FIRST_SERIES}.layout.xaxis.range"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on the PATH")


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


def test_errors_in_the_browser_are_recorded(browser, tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text("<script>console.error('broken'); absent()</script><img src='nowhere.png'>")
    browser.open(broken)
    assert len(browser.complaints) == 3


@pytest.mark.parametrize("kind", ["series", "labels", "steps", "labels of steps"])
def test_every_figure_is_drawn_without_browser_errors(browser, tmp_path, make_inputs, kind):
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


def test_hovering_shows_value_and_attention(browser, page):
    browser.open(page)
    browser.hover(*spot(browser))
    browser.wait(f"{FIRST_SERIES}.querySelector('.hoverlayer').textContent.includes('attention')")


def test_a_class_can_be_hidden_in_the_curves(browser, page):
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


def test_no_column_of_a_table_is_lost_on_a_phone(browser, page):
    browser.resize(400)
    browser.open(page)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    lost = browser.run(
        "[...document.querySelectorAll('table td, table th[scope=row]')].filter((cell) => cell.textContent.trim()"
        " && cell.getBoundingClientRect().right > 400).map((cell) => cell.textContent)"
    )
    assert lost == []


def prefer(browser, scheme):
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LINE = f"{FIRST_SERIES}.data.find((trace) => trace.type === 'scatter').line.color"


def test_the_page_and_its_figures_follow_the_system_and_button(browser, page):
    prefer(browser, "dark")
    browser.open(page)
    browser.wait(ALL_DRAWN)
    assert browser.run(BACKGROUND) == "rgb(18, 24, 30)"
    assert browser.run(LINE) == "rgb(228, 234, 238)"
    browser.run("document.querySelector('button.theme').click()")
    assert browser.run(BACKGROUND) == "rgb(255, 255, 255)"
    assert browser.run(LINE) == "rgb(27, 39, 51)"
    browser.run("localStorage.clear()")
    prefer(browser, "light")
    assert browser.complaints == []


def test_the_printed_page_is_light(browser, page, tmp_path):
    prefer(browser, "dark")
    browser.open(page)
    browser.wait(ALL_DRAWN)
    browser.run(
        f"addEventListener('afterprint', () => 0); dispatchEvent(new Event('beforeprint')); window.ink = {LINE}"
    )
    assert browser.run("window.ink") == "rgb(27, 39, 51)"
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run(LINE) == "rgb(228, 234, 238)"
    prefer(browser, "light")


ROWS = (
    "[...document.querySelectorAll('.found tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))"
)


def test_a_series_is_found_by_its_id(browser, page):
    browser.open(page)
    search = (
        "const box = document.querySelector('.finder input'); box.value = '{}'; box.dispatchEvent(new Event('input'))"
    )
    browser.run(search.format("29"))
    ((name, *_),) = browser.run(ROWS)
    assert name == "29"
    browser.run("{" + search.format("nothing") + "}")
    assert browser.run("document.querySelector('.found').textContent") == "No series matches."


def test_a_cell_of_the_confusion_matrix_links_to_its_series(browser, tmp_path, make_inputs):
    inputs = make_inputs(60, ("a", "b", "c"), sharp=0.8)
    browser.open(write_report(tmp_path, inputs))
    browser.run("document.querySelector('.matrix tbody tr:nth-child(2) td:nth-child(2) a').click()")
    expected = (inputs.panel.labels == "b") & (inputs.prediction.labels == "a")
    found = browser.run(ROWS)
    assert {row[0] for row in found} == set(inputs.panel.ids[expected].tolist())
    assert browser.run("document.querySelector('.filter').textContent") == "true b, predicted aShow all"
    assert browser.run("location.hash") == "#find"


def test_wrong_series_are_downloaded_as_a_safe_table(browser, tmp_path, make_inputs):
    ids = [f"=cmd|{row}" if row % 2 else f'a "b", {row}' for row in range(60)]
    inputs = make_inputs(60, sharp=0.5, ids=ids)
    browser.open(write_report(tmp_path, inputs))
    folder = tmp_path / "downloads"
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.run("document.querySelector('.finder .export').click()")
    wait_until(lambda: (folder / "bearing_relabel.csv").is_file())
    with (folder / "bearing_relabel.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["series_id", "label", "prediction", "probability", "state"]
    wrong = inputs.panel.ids[inputs.prediction.labels != inputs.panel.labels].tolist()
    assert {row[0].lstrip("'") for row in rows if row[4] == "wrong"} == set(wrong)
    assert not any(row[0].startswith("=") for row in rows)


def wait_until(is_true):
    for _ in range(500):
        if is_true():
            return
        time.sleep(0.02)
    raise TimeoutError


def test_the_page_sends_no_network_request(browser, page):
    browser.requests.clear()
    browser.open(page)
    browser.wait(ALL_DRAWN)
    requested = [address for address in browser.requests if not address.startswith(("data:", "blob:"))]
    assert requested == [page.as_uri(), page.with_name("plotly.min.js").as_uri()]
    assert browser.run("fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')") == "refused"


def test_a_page_without_its_script_names_the_missing_file(browser, page, tmp_path):
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
