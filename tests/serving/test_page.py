"""The page of the server in a real browser: dropped files, predictions and corrected labels."""

import base64
import gzip
import hashlib
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from limelight.data.reading.tables import read_table
from limelight.model.bundle import save_model
from limelight.serving import dropped_files, limits
from limelight.serving.limits import ServerLimits
from support.browser import BROWSER, Browser
from support.linear import noise
from support.models import random_network_model
from support.server import Client, served

HOSTILE = "<img src=x onerror=console.error('ran')>"
FILES = "application/vnd.limelight.files"
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on the PATH")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("served")
    save_model(random_network_model(classes=("a", "b", HOSTILE)), folder / "model")
    save_model(random_network_model("conv_lstm", "conjunctive"), folder / "summing")
    save_model(random_network_model("lstm", "none", classes=("idle", "run"), level="step"), folder / "steps")
    save_model(random_network_model("lstm", classes=("fog", "rain"), multilabel=True), folder / "labels")
    named = random_network_model()
    named.channels = ("first", "second")
    save_model(named, folder / "named")
    names = ("model", "summing", "steps", "labels", "named")
    with served([folder / name for name in names], ServerLimits(series=500, steps=50_000)) as one:
        yield one


def written(file: Path, panel, separator: str = ";") -> Path:
    """Write a long table as a spreadsheet in another country would."""
    lines = [separator.join(("series_id", "time", "first", "second"))]
    for row, name in enumerate(panel.ids):
        lines += [
            separator.join((str(name), str(step), *(f"{one:.6f}".replace(".", ",") for one in values)))
            for step, values in enumerate(panel.series(row))
        ]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def body_of(**files: bytes) -> bytes:
    head = json.dumps({"files": [{"name": name, "size": len(content)} for name, content in files.items()]}).encode()
    return len(head).to_bytes(4, "little") + head + b"".join(files.values())


def upload(client: Client, body: bytes, model: str = "model"):
    status, response = client.request("POST", f"/v1/models/{model}/files", body, FILES)
    return status, json.loads(response)


def test_the_page_is_self_contained_and_states_its_policy(client: Client) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{client.port}/") as response:
        page, policy = response.read().decode(), response.headers["Content-Security-Policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; connect-src 'self'; ")
    assert f"script-src 'sha256-{digest}'; " in policy
    assert (
        re.findall(r"(?:src|href|action|url)[=(]", page.replace('href="data:,"', "").replace("link.href =", "")) == []
    )


def test_a_dropped_table_is_read_with_its_separators(client: Client, tmp_path: Path) -> None:
    panel = noise(9, 4, 12, width=2)
    status, response = upload(client, body_of(**{"new.csv": written(tmp_path / "new.csv", panel).read_bytes()}))
    own = client.registry["model"].model.predict(panel)
    assert status == 200, response
    found = [list(one["probabilities"].values()) for one in response["predictions"]]
    np.testing.assert_allclose(found, own.probabilities, atol=1e-5)
    assert [one["length"] for one in response["series"]] == [9, 4, 12]
    assert {one["colours"]["name"] for one in response["series"]} == {"attention"}


def test_a_dropped_workbook_is_read(client: Client, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="workbooks are read with the extra excel")
    book = openpyxl.Workbook()
    for row in (["series_id", "first", "second"], *(["a", step / 3, 1.0] for step in range(8))):
        book.active.append(row)
    book.save(tmp_path / "new.xlsx")
    status, response = upload(client, body_of(**{"new.xlsx": (tmp_path / "new.xlsx").read_bytes()}))
    assert (status, [one["id"] for one in response["predictions"]]) == (200, ["a"])


def test_a_dropped_folder_has_one_series_a_file(client: Client) -> None:
    content = b"first,second\n" + b"".join(b"%d,%d\n" % (step, -step) for step in range(8))
    status, response = upload(client, body_of(**{"pump1.csv": content, "pump2.csv": content}))
    assert status == 200, response
    assert [one["id"] for one in response["predictions"]] == ["pump1", "pump2"]


STEPS = b"".join(b"a,%d,%d\n" % (step, -step) for step in range(8))
PACKED = {
    "new.jsonl": b'{"id": "a", "first": [0, 1, 2], "second": [0, -1, -2]}\n',
    "new.csv.gz": gzip.compress(b"id,first,second\n" + STEPS),
}


@pytest.mark.parametrize("name", PACKED)
def test_json_lines_and_packed_text_are_read(client: Client, name: str) -> None:
    status, response = upload(client, body_of(**{name: PACKED[name]}))
    assert (status, [one["id"] for one in response["predictions"]]) == (200, ["a"]), response


def test_packed_text_is_refused_by_its_unpacked_size(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropped_files, "MOST_UNPACKED", 1 << 10)
    monkeypatch.setattr(limits, "MOST_UNPACKED", 1 << 10)
    status, response = upload(client, body_of(**{"new.csv.gz": gzip.compress(bytes(1 << 16))}))
    assert (status, response["error"].split(",")[0]) == (413, "expected a table of at most 1")


def test_two_files_with_series_of_one_id_are_named(client: Client) -> None:
    content = b"id,time,first,second\n" + b"".join(b"a,%d,%d,0\n" % (step, step) for step in range(8))
    status, response = upload(client, body_of(**{"one.csv": content, "two.csv": content}))
    assert (status, response["error"]) == (
        422,
        "expected increasing times within each series, got 0 after 7 in line 2 of 'two.csv' (series 'a'), as where "
        "another recording begins; give each series an id of its own if several files have the same",
    )


def test_files_that_are_not_read_are_not_called_joined(client: Client) -> None:
    content = b"id,first,second\n" + STEPS
    response = upload(client, body_of(**{"series.csv": content, "other.csv": content}))[1]
    assert not any("were joined" in note for note in response["notes"])


def test_files_whose_rows_are_one_series_are_noted(client: Client) -> None:
    content = b"id,first,second\n" + STEPS
    response = upload(client, body_of(**{"one.csv": content, "two.csv": content}))[1]
    assert response["notes"][-1] == "the 2 files hold 1 series: rows of the same id were joined"


def test_a_missing_channel_is_named_without_an_option(client: Client) -> None:
    status, response = upload(client, body_of(**{"new.csv": b"id,first\n" + b"a,1\n" * 8}), "named")
    assert (status, response["error"]) == (
        422,
        "expected a column 'second' in 'new.csv', got none of that name; known are: id, first",
    )


def test_dates_at_the_ends_of_an_axis_are_short(client: Client) -> None:
    lines = [f"a,2024-03-01T08:00:{step:02},{step},{-step}" for step in range(8)]
    status, response = upload(client, body_of(**{"a.csv": "\n".join(["series_id,time,first,second", *lines]).encode()}))
    assert status == 200, response
    assert [response["series"][0][end] for end in ("first", "last")] == ["2024-03-01 08:00", "2024-03-01 08:00:07"]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"nothing", 400, "expected a list of files with their contents, got another body"),
        (body_of(**{"a.csv": b"x"})[:-1], 400, "expected a list of files with their contents, got another body"),
        (b"\xff\xff\xff\xff" + b"{}", 400, "expected a list of files with their contents, got another body"),
        (
            body_of(**{"model.pkl": b"x"}),
            415,
            "expected files ending in .csv, .tsv, .txt, .jsonl, .ndjson, .ts, .arff, .xlsx, .parquet, text also packed as "
            ".gz or .zip, got 'model.pkl'; limelight predict reads further formats",
        ),
        (
            body_of(**{"a/../b?.csv": b"x", "a/../b*.csv": b"x"}),
            400,
            "expected files with distinct names, got two of the same name; rename one",
        ),
    ],
)
def test_bodies_without_files_are_refused(client: Client, body: bytes, status: int, sentence: str) -> None:
    assert upload(client, body) == (status, {"error": sentence})


def test_a_file_name_never_leaves_the_folder(client: Client, tmp_path: Path) -> None:
    name = f"../../../../{tmp_path}/evil.csv"
    status, response = upload(client, body_of(**{name: b"series_id,first,second\na,1,2\na,2,3\n"}))
    assert status == 200, response
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_cannot_be_read_names_no_folder(client: Client) -> None:
    status, response = upload(client, body_of(**{"new.csv": b"a,b\nx,y\n"}))
    assert status == 422
    assert "/tmp" not in response["error"]


def test_a_long_series_is_drawn_with_few_points(client: Client) -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    lines = "\n".join(f"a,{one:.4f},0" for one in values)
    status, response = upload(client, body_of(**{"long.csv": f"series_id,first,second\n{lines}\n".encode()}), "summing")
    (picture,) = response["series"]
    assert status == 200
    assert len(picture["channels"][0]["values"]) <= 1_000
    assert max(picture["channels"][0]["values"]) == pytest.approx(values.max(), abs=1e-4)
    assert len(picture["colours"]["values"][0]) <= 300


def opened(browser: Browser, client: Client, model: str, file: Path) -> None:
    browser.complaints.clear()
    browser.requests.clear()
    browser.resize(1280)
    browser.open(f"http://127.0.0.1:{client.port}/")
    browser.wait("document.querySelectorAll('select.model option').length > 0")
    choose(browser, "select.model", model)
    browser.choose("input.files", file)
    browser.wait("!document.querySelector('.answers').hidden || !document.querySelector('.error').hidden")


def choose(browser: Browser, selector: str, value: str) -> None:
    code = "const box = document.querySelector({}); box.value = {}; box.dispatchEvent(new Event('change'))"
    browser.run("{" + code.format(json.dumps(selector), json.dumps(value)) + "}")


def downloaded(browser: Browser, folder: Path, name: str) -> Path:
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.run("document.querySelector('.export').click()")
    for _ in range(500):
        if (folder / name).is_file():
            return folder / name
        time.sleep(0.02)
    raise TimeoutError(name)


IDS = "[...document.querySelectorAll('.list tbody th')].map((cell) => cell.textContent)"


@needs_browser
def test_predictions_are_sorted_by_uncertainty_and_stay_local(browser, client, tmp_path) -> None:
    panel = noise(*[20] * 12, width=2, ids=[f"{HOSTILE}{row}" for row in range(12)])
    opened(browser, client, "model", written(tmp_path / "new.csv", panel))
    best = np.sort(client.registry["model"].model.predict(panel).probabilities, axis=1)
    order = np.argsort(best[:, -1] - best[:, -2], kind="stable")
    assert browser.run(IDS) == panel.ids[order].tolist()
    assert browser.complaints == []
    assert all(address.startswith((f"http://127.0.0.1:{client.port}/", "data:")) for address in browser.requests)
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.run("document.querySelectorAll('.chart .values').length") == 2


@needs_browser
def test_corrected_labels_are_a_table_that_training_reads(browser, client, tmp_path) -> None:
    panel = noise(*[20] * 6, width=2, ids=[f"pump {row}" for row in range(6)])
    file = written(tmp_path / "new.csv", panel)
    opened(browser, client, "labels", file)
    before = client.registry["labels"].model.predict(panel).labels
    name = browser.run("document.querySelector('.detail h2').textContent")
    browser.run("document.querySelector('.detail input[type=checkbox]').click()")
    labels = downloaded(browser, tmp_path, "labels_corrected.csv")
    found = read_table(str(file), labels=str(labels))
    row = panel.ids.tolist().index(name)
    expected = before.astype(float)
    expected[row, 0] = 1 - expected[row, 0]
    assert found.labels.tolist() == expected.tolist()
    assert found.label_names == ("fog", "rain")
    checked = read_table(str(file), labels=str(labels), mask="known")
    assert np.isnan(checked.labels).all(axis=1).tolist() == (np.arange(6) != row).tolist()


@needs_browser
def test_a_span_marked_by_dragging_labels_its_steps(browser, client, tmp_path) -> None:
    panel = noise(40, width=2, ids=["day"])
    opened(browser, client, "steps", written(tmp_path / "new.csv", panel))
    model = client.registry["steps"].model
    before = model.predict(panel).labels.tolist()
    label = next(name for name in model.task.classes if name != before[10])
    browser.run("document.querySelector('.chart').scrollIntoView({block: 'center'})")
    box = browser.run("JSON.parse(JSON.stringify(document.querySelector('.chart .frame').getBoundingClientRect()))")
    step = box["width"] / 40
    browser.drag(box["x"] + 10.5 * step, box["y"] + 20, box["x"] + 19.5 * step, box["y"] + 20)
    assert browser.run("['from', 'to'].map((name) => document.querySelector(`.detail .${name}`).value)") == ["10", "19"]
    choose(browser, ".detail select.label", label)
    browser.run("document.querySelector('.detail .apply').click()")
    found = read_table(str(downloaded(browser, tmp_path, "series_corrected.csv")))
    assert found.channels == ("first", "second")
    assert found.values == pytest.approx(panel.values, abs=1e-5)
    codes, names = found.step_labels.codes[:, 0], found.step_labels.classes
    assert [names[code] for code in codes] == [label if 10 <= place < 20 else name for place, name in enumerate(before)]
    assert browser.complaints == []


@needs_browser
def test_the_list_is_used_with_the_keyboard(browser, client, tmp_path) -> None:
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[20] * 5, width=2)))
    ids = browser.run(IDS)
    browser.run("document.querySelector('.list tbody tr').focus()")
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert browser.run("document.querySelector('.detail h2').textContent") == ids[2]
    assert browser.run("document.activeElement.querySelector('th').textContent") == ids[2]


@needs_browser
def test_all_series_are_listed_on_demand(browser, client, tmp_path) -> None:
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[4] * 205, width=2)))
    assert browser.run(IDS + ".length") == 200
    browser.run("document.querySelector('.further').click()")
    assert browser.run(IDS + ".length") == 205
    assert browser.run("document.querySelector('.further').hidden")
    assert browser.run("document.activeElement.querySelector('th').textContent") == browser.run(IDS)[200]


@needs_browser
def test_a_search_ends_with_the_next_files(browser, client, tmp_path) -> None:
    file = written(tmp_path / "new.csv", noise(*[20] * 3, width=2))
    opened(browser, client, "summing", file)
    browser.run(
        "{const box = document.querySelector('input[type=search]'); box.value = 'zzz'; box.dispatchEvent(new Event('input'))}"
    )
    assert browser.run("document.querySelector('.count').textContent") == "No series has this id."
    browser.choose("input.files", file)
    browser.wait(IDS + ".length === 3")
    assert browser.run("document.querySelector('.error').hidden")


@needs_browser
def test_predictions_of_earlier_files_are_marked(browser, client, tmp_path) -> None:
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[20] * 3, width=2)))
    (tmp_path / "model.pkl").write_bytes(b"x")
    browser.choose("input.files", tmp_path / "model.pkl")
    browser.wait("!document.querySelector('.error').hidden")
    assert browser.run("document.querySelector('.status').textContent") == (
        "The answers below are those of the earlier files."
    )


@needs_browser
def test_discarding_checked_labels_needs_confirmation(browser, client, tmp_path) -> None:
    file = written(tmp_path / "new.csv", noise(*[20] * 3, width=2))
    opened(browser, client, "summing", file)
    browser.run("window.confirm = (question) => { window.asked = question; return false; }")
    browser.run("document.querySelector('.confirm').click()")
    browser.choose("input.files", file)
    browser.wait("window.asked !== undefined")
    assert browser.run("window.asked") == "1 checked label is not downloaded. Go on without it?"
    choose(browser, "select.model", "model")
    assert browser.run("document.querySelector('select.model').value") == "summing"
    assert browser.run("document.querySelector('.export').textContent") == "Download labels (1 checked)"


@needs_browser
def test_discarding_downloaded_labels_needs_no_confirmation(browser, client, tmp_path) -> None:
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[20] * 3, width=2)))
    browser.run("window.confirm = () => { window.asked = true; return false; }")
    browser.run("document.querySelector('.confirm').click()")
    downloaded(browser, tmp_path, "labels_corrected.csv")
    choose(browser, "select.model", "model")
    assert browser.run("[window.asked, document.querySelector('.answers').hidden]") == [None, True]


@needs_browser
def test_a_drop_without_files_shows_a_message(browser, client) -> None:
    browser.open(f"http://127.0.0.1:{client.port}/")
    browser.wait("document.querySelectorAll('select.model option').length > 0")
    browser.run("dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer() }))")
    browser.wait("!document.querySelector('.error').hidden")
    assert browser.run("document.querySelector('.error').textContent") == (
        "expected files with series, got none, as in an empty folder; choose others"
    )


@needs_browser
def test_colours_of_labels_per_step_have_a_key(browser, client, tmp_path) -> None:
    opened(browser, client, "steps", written(tmp_path / "new.csv", noise(40, width=2, ids=["day"])))
    assert browser.run("[...document.querySelectorAll('.detail .key span')].map((one) => one.textContent)") == [
        "idle",
        "run",
    ]


@needs_browser
def test_several_labels_have_the_certainty_of_the_least_certain(browser, client, tmp_path) -> None:
    panel = noise(20, width=2, ids=["day"])
    opened(browser, client, "labels", written(tmp_path / "new.csv", panel))
    shares = client.registry["labels"].model.predict(panel).probabilities[0]
    assert browser.run("document.querySelectorAll('.list tbody td')[1].textContent") == (
        f"{100 * np.maximum(shares, 1 - shares).min():.1f} %"
    )


@needs_browser
def test_the_list_announces_the_selection_to_screen_readers(browser, client, tmp_path) -> None:
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[20] * 3, width=2)))
    nodes = [one for one in browser.send("Accessibility.getFullAXTree")["nodes"] if not one.get("ignored")]
    names = {(one["role"]["value"], one["name"]["value"]) for one in nodes if "name" in one}
    assert ("grid", "Series") in names
    assert not {role for role, name in names if not name} & {"button", "combobox", "searchbox", "image", "columnheader"}
    selected = [
        one
        for one in nodes
        if any(p["name"] == "selected" and p["value"]["value"] for p in one["properties"] or [])
        and one["role"]["value"] == "row"
    ]
    assert len(selected) == 1


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser, client, tmp_path, scheme) -> None:
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    opened(browser, client, "summing", written(tmp_path / "new.csv", noise(*[20] * 5, width=2)))
    browser.resize(400)
    browser.wait("document.querySelector('.chart').getBoundingClientRect().right <= 400")
    assert browser.run("document.documentElement.scrollWidth") == 400
    background = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 24, 30)"}[scheme]
    assert browser.run("getComputedStyle(document.body).backgroundColor") == background
    browser.send("Emulation.setEmulatedMedia", features=[])


@needs_browser
def test_a_file_that_cannot_be_read_is_named(browser, client, tmp_path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"x")
    opened(browser, client, "model", tmp_path / "model.pkl")
    assert browser.run("document.querySelector('.error').textContent").startswith("expected files ending in .csv")


@needs_browser
def test_the_page_asks_for_the_token_of_the_server(browser, tmp_path) -> None:
    save_model(random_network_model(), tmp_path / "model")
    with served([tmp_path / "model"], token="secret") as client:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{client.port}/v1/models")
        browser.open(f"http://127.0.0.1:{client.port}/")
        browser.wait("!document.querySelector('.token').hidden")
        choose(browser, ".token input", "secret")
        browser.wait("document.querySelectorAll('select.model option').length === 1")
