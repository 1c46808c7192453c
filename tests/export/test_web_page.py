"""The exported page, opened from a file in a browser: it predicts as the model does, without a server or a network."""

import csv
import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.outline import smooth
from limelight.data.panel import Panel
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.data.windowing.windows import cut_windows
from limelight.errors import InputError, OutputError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.decision.abstention import Abstention
from limelight.explanation.methods.evidence import explain_evidence
from limelight.explanation.methods.occlusion import explain_occlusion
from limelight.export import web_runtime
from limelight.export.web_page import export_page
from limelight.model.batching import shape_of
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from limelight.model.reading import read_as_trained
from limelight.model.vocabulary import fit_vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training.fit import fit
from limelight.types import Floats
from support.browser import Browser
from support.errors import message_of
from support.linear import noise
from support.models import METADATA, random_network_model

FEW_BLOCKS = {"name": "blocks", "features": 840, "groups": 4}
SHOWN = "!document.querySelector('.answers').hidden || !document.querySelector('.error').hidden"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the pages, with the script of ONNX Runtime Web in it."""
    folder = tmp_path_factory.mktemp("pages")
    try:
        web_runtime.write_runtime(folder)
    except InputError as error:
        pytest.skip(f"no ONNX Runtime Web: {error}")
    return folder


def answered(browser: Browser, page: Path, *files: Path) -> str:
    """Return the error that the page shows for files, "" if it predicts."""
    browser.complaints.clear()
    browser.requests.clear()
    browser.resize(1280)
    browser.open(page)
    browser.choose("input.files", *files)
    browser.wait(SHOWN)
    return browser.run("document.querySelector('.error').hidden ? '' : document.querySelector('.error').textContent")


def downloaded(browser: Browser, folder: Path) -> list[dict[str, str]]:
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.run("document.querySelector('.predictions').click()")
    for _ in range(500):
        if (folder / "predictions.csv").is_file():
            with (folder / "predictions.csv").open(newline="", encoding="utf-8") as stream:
                return list(csv.DictReader(stream))
        time.sleep(0.02)
    raise TimeoutError("predictions.csv")


def require_same(rows: list[dict[str, str]], model: FittedModel, panel: Panel) -> None:
    """Compare a downloaded table with what the model predicts."""
    own = model.predict(panel)
    names = [str(name) for name in model.task.classes]
    ids = own.ids if own.lengths is None else np.repeat(own.ids, own.lengths)
    assert [row["series_id"] for row in rows] == ids.tolist()
    found = np.array([[float(row[f"probability_{name}"]) for name in names] for row in rows])
    np.testing.assert_allclose(found, own.probabilities, atol=1e-4)
    if model.task.multilabel:
        labels = np.array([[int(row[f"prediction_{name}"]) for name in names] for row in rows])
        np.testing.assert_array_equal(labels, own.labels)
    else:
        assert [row["prediction"] for row in rows] == own.labels.astype(str).tolist()


def written(
    file: Path, panel: Panel, separator: str = ",", decimal: str = ".", extra: dict[str, list] | None = None
) -> Path:
    """Write a long table; NaN is an empty cell, and extra columns are constant within each series."""
    extra = extra or {}
    lines = [separator.join(("series_id", "time", *panel.channels, *extra))]
    for row, name in enumerate(panel.ids):
        fixed = [str(cells[row]) for cells in extra.values()]
        for step, values in enumerate(panel.series(row)):
            cells = ["" if np.isnan(one) else f"{one:.6f}".replace(".", decimal) for one in values]
            lines.append(separator.join((str(name), str(step), *cells, *fixed)))
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def with_gaps(panel: Panel) -> Panel:
    values = panel.values.copy()
    values[::7, 0] = np.nan
    return panel.replace(values=values)


ENCODERS = {"rocket": {"name": "rocket", "features": 840}, "blocks": "blocks"}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_closed_form_model_predicts_in_the_browser(browser, runtime, tmp_path, encoder) -> None:
    waves = generate_sine(SineSettings(dataset_size=24, num_points=30))
    model = TimeSeriesClassifier(encoder=ENCODERS[encoder], random_state=0).fit(waves).model_
    page = export_page(model, runtime / f"{encoder}.html")
    file = written(tmp_path / "new.csv", waves)
    assert answered(browser, page, file) == ""
    require_same(downloaded(browser, tmp_path), model, read_as_trained(model, {}, str(file)))
    assert page.stat().st_size < 2 << 20


def described_conv_lstm() -> FittedModel:
    """Return a model with random weights that reads gaps and metadata of every kind."""
    vocabulary = fit_vocabulary(METADATA[:4], schema={"note": "text"}, buckets=32)
    architecture = Architecture.of(
        {"name": "conv_lstm", "stride": 2, "hidden_size": 6}, "attention", fusion="late", missing="mask"
    )
    task = Task(("a", "b", "c"))
    network = Network(architecture, 2, task.outputs, shape_of(vocabulary))
    return FittedModel(task, architecture, network, ("first", "second"), vocabulary=vocabulary)


def test_gaps_and_metadata_in_a_table_with_commas_are_read(browser, runtime, tmp_path) -> None:
    model = described_conv_lstm()
    page = export_page(model, runtime / "described.html")
    panel = with_gaps(noise(9, 24, 12, 17, 8, width=2).replace(channels=("first", "second")))
    extra = {
        name: ["" if cell is None else cell for cell in METADATA[name].to_pylist()] for name in METADATA.column_names
    }
    file = written(tmp_path / "new.csv", panel, ";", ",", extra)
    assert answered(browser, page, file) == ""
    require_same(downloaded(browser, tmp_path), model, read_as_trained(model, {}, str(file)))
    assert browser.run("document.querySelectorAll('.chart .for').length") > 0
    assert browser.complaints == []
    assert {address.split(":")[0] for address in browser.requests} <= {"file", "blob", "data"}


def test_each_step_has_a_prediction_and_spans_have_colours(browser, runtime, tmp_path) -> None:
    model = random_network_model("lstm", "none", classes=("idle", "run"), level="step")
    panel = noise(30, 12, width=2)
    model.decision = Decision(thresholds=np.array([np.median(model.predict(panel).probabilities[:, 1])]))
    page = export_page(model, runtime / "steps.html")
    file = written(tmp_path / "new.csv", panel)
    assert answered(browser, page, file) == ""
    require_same(downloaded(browser, tmp_path), model, read_as_trained(model, {}, str(file)))
    spans = browser.run("[...document.querySelectorAll('.spans tbody tr')].map((row) => row.children[2].textContent)")
    assert len(set(spans)) > 1
    assert len(spans) == browser.run("document.querySelectorAll('.chart .span').length")
    assert browser.complaints == []


def test_importance_is_that_of_occlusion(browser, runtime, tmp_path) -> None:
    model = random_network_model("lstm", "last", channels=1)
    panel = noise(40, 40, ids=["a", "b"])  # each is the background of the other
    page = export_page(model, runtime / "last.html")
    assert answered(browser, page, written(tmp_path / "new.csv", panel)) == ""
    require_colours(browser, panel, explain_occlusion(model, panel, draws=1).importance)


def test_evidence_of_fixed_features_is_drawn(browser, runtime, tmp_path) -> None:
    panel = noise(*[40] * 12)
    model = fit(panel.with_labels(np.array(["a", "b"] * 6)), Task(("a", "b")), Architecture.of(FEW_BLOCKS)).model
    page = export_page(model, runtime / "blocks.html", evidence=True)
    assert answered(browser, page, written(tmp_path / "new.csv", panel)) == ""
    evidence = explain_evidence(model, panel, model.predict(panel).labels.tolist())
    assert browser.run("document.querySelector('.detail').textContent").count("evidence")
    width = min(model.architecture.encoder.resolution, 40 // 8)
    require_colours(browser, panel, [smooth(one[:, None], width)[:, 0] for one in evidence.importance])


def require_colours(browser: Browser, panel: Panel, of_series: list[Floats]) -> None:
    """Require that the series that is shown has the colours of its importance."""
    browser.wait("document.querySelectorAll('.chart .for').length > 0")
    name = browser.run("document.querySelector('.detail h2').textContent")
    code = "[...document.querySelectorAll('.chart .{}')].map((one) => [+one.getAttribute('x'), +one.getAttribute('fill-opacity')])"
    found = dict(browser.run(code.format("for")))
    found |= {place: -share for place, share in browser.run(code.format("against"))}
    row = panel.ids.tolist().index(name)
    importance = of_series[row]
    peak = max(np.abs(importance).max(), 3 * np.abs(importance).mean())
    expected = [share for share in 0.85 * importance / peak if abs(share) >= 0.0085]
    np.testing.assert_allclose([found[place] for place in sorted(found)], expected, atol=1e-3)


def test_dated_windows_with_a_table_of_metadata_are_read(browser, runtime, tmp_path) -> None:
    vocabulary = fit_vocabulary(pa.table({"maker": ["Alba", "Borg"], "built": [2001, 2005]}))
    architecture = Architecture.of({"name": "gru", "hidden_size": 4}, "conjunctive", fusion="late", clock="elapsed")
    network = Network(architecture, 1, 1, shape_of(vocabulary))
    rule = Abstention("coverage", 0.5, 0.55)
    model = FittedModel(
        Task(("ok", "worn")), architecture, network, ("x",), {"clock": "dates"}, vocabulary,
        decision=Decision(provenance={"abstain": rule.to_json()}),
    )  # fmt: skip
    reading = {"id": "pump", "windows": {"length": "4 s", "stride": "2 s"}}
    page = export_page(model, runtime / "windows.html", reading)
    numbers = [f"{step % 5 / 3:.4f}".replace(".", ",") for step in range(11)]
    lines = [f"{name};31.01.2024 10:00:{step:02};{one}" for name in "78" for step, one in enumerate(numbers)]
    (tmp_path / "new.csv").write_text("\n".join(["pump;time;x", *lines]))
    (tmp_path / "pumps.csv").write_text("pump,maker,built\n8,Borg,2003\n7,Alba,\n")
    assert answered(browser, page, tmp_path / "new.csv", tmp_path / "pumps.csv") == ""
    panel = read_as_trained(model, reading, str(tmp_path / "new.csv"), metadata=str(tmp_path / "pumps.csv"))
    rows, own = downloaded(browser, tmp_path), model.predict(panel)
    assert [row["series_id"] for row in rows] == panel.ids.tolist()
    found = [float(row["probability_worn"]) for row in rows]
    np.testing.assert_allclose(found, own.probabilities[:, 1], atol=1e-4)
    assert [row["abstained"] == "true" for row in rows] == rule.abstains(own).tolist()
    assert {row["maker"] for row in rows} == {"Alba", "Borg"}


def test_several_labels_follow_their_thresholds_in_a_wide_table(browser, runtime, tmp_path) -> None:
    model = random_network_model("gru", classes=("fog", "rain"), multilabel=True, channels=1)
    panel = noise(*[12] * 6)
    middle = np.median(model.predict(panel).probabilities, axis=0)
    model.decision = Decision(thresholds=middle)
    page = export_page(model, runtime / "labels.html")
    lines = [",".join(("id", *map(str, range(12))))]
    lines += [
        ",".join((name, *(f"{one:.6f}" for one in panel.series(row)[:, 0]))) for row, name in enumerate(panel.ids)
    ]
    (tmp_path / "new.csv").write_text("\n".join(lines))
    assert answered(browser, page, tmp_path / "new.csv") == ""
    require_same(downloaded(browser, tmp_path), model, read_as_trained(model, {}, str(tmp_path / "new.csv")))


# What a page does before the model starts needs no runtime: these tests have an empty one.
@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare")
    (folder / web_runtime.RUNTIME_FILE).write_text("globalThis.limelightRuntime = {};")
    export_page(described_conv_lstm(), folder / "described.html")
    export_page(random_network_model("conv_lstm"), folder / "numbered.html", {"missing_values": [-999.0]})
    return folder


WRONG = {
    "": "expected a header and at least one row in 'new.csv', got an empty file; write the table again",
    "id,first\na,1\n": "expected the channels in training ('first', 'second'), got 'id', 'first' in 'new.csv', which lacks "
    "'second'; rename the columns as in training",
    "id,first,second\na,1,2\na,fast,2\n": "expected a number in column 'first', got 'fast' in line 3 of 'new.csv' (series "
    "'a'); correct it, or leave the cell empty if the value is unknown",
    "id,time,first,second\na,2,1,1\na,1,1,1\n": "expected increasing times within each series, got '1' after '2' in line 3 "
    "of 'new.csv' (series 'a'); sort the rows",
    "id,first,second\na,1,2\na,1\n": "expected 3 cells in line 3 of 'new.csv', got 2; complete the line, or remove it "
    "if it is no row of the table",
    "id,first,second\na,1,2\n,1,2\n": "expected no empty cell in column 'id', got one in line 3 of 'new.csv'; write the id "
    "of the series in every row, or leave the row out",
    "id,first,first\na,1,2\n": "expected distinct column names in 'new.csv', got 'first' twice; rename one of the columns",
    "machine,first,second\na,2,2\na,1,2\nb,3,1\nb,1,1\n": "expected a column for id in 'new.csv', got 'machine', 'first', "
    "'second'; name it series_id",
}


@pytest.mark.parametrize("content", WRONG)
def test_a_table_that_cannot_be_read_is_named(browser, bare, tmp_path, content) -> None:
    (tmp_path / "new.csv").write_text(content)
    assert answered(browser, bare / "described.html", tmp_path / "new.csv") == WRONG[content]


def test_a_dropped_file_is_predicted(browser, bare) -> None:
    browser.open(bare / "described.html")
    file = "new File(['id,first\\na,1\\n'], 'dropped.csv')"
    event = "new DragEvent('drop', { dataTransfer: data, bubbles: true })"
    browser.run(
        f"{{ const data = new DataTransfer(); data.items.add({file}); document.querySelector('.drop').dispatchEvent({event}); }}"
    )
    browser.wait(SHOWN)
    assert "in 'dropped.csv', which lacks 'second'" in browser.run("document.querySelector('.error').textContent")


def test_an_unexpected_missing_value_is_named(browser, bare, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("id;x;y\na;1,5;2\na;-999;2\n")
    assert answered(browser, bare / "numbered.html", tmp_path / "new.csv") == (
        "expected a number everywhere, as in training, got an empty cell in column 'x' in line 3 of 'new.csv' (series 'a'); "
        "fill it in, or leave the series out"
    )


RULES = [
    {"length": 7, "stride": 3},
    {"length": 7, "stride": 3, "edge": "keep"},
    {"length": 7, "edge": "shift"},
    {"length": "2 s", "stride": "500 ms"},
    {"length": "2 s", "stride": "1.5 s", "edge": "keep"},
    {"length": "1 s", "edge": "shift"},
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_windows_are_those_of_training(browser, bare, rule) -> None:
    random = np.random.default_rng(0)
    times = [np.cumsum(random.choice([0.25, 0.5, 4.0], size=size, p=[0.6, 0.3, 0.1])) for size in (9, 30, 23)]
    panel = Panel.from_series([np.zeros(len(one)) for one in times], times=times, ids=["a", "b", "c"])
    series = [
        {"id": name, "length": len(one), "values": [], "times": one.tolist(), "shown": [], "signals": []}
        for name, one in zip("abc", times, strict=True)
    ]
    browser.open(bare / "numbered.html")
    given = f"{json.dumps(series)}.map((one) => ({{ ...one, signals: new Map() }}))"
    found = browser.run(f"windows.cut({given}, {json.dumps(rule)}, 's', 'numbers')[0].map((one) => one.id)")
    assert found == cut_windows(panel, **rule).ids.tolist()


TIMES = [
    ["2024-01-31", "2024-02-01"],
    ["2024-01-31T12:00:00.250Z", "2024-01-31 14:00:00+01:30"],
    ["31.1.2024 14:05", "1.2.2024 0:00:07,5"],
    ["1/31/2024 12:05 PM", "2/1/2024 2:05 AM"],
    ["1/2/24 10:00", "3/4/24 10:00"],
    ["00:00:01.5", "01:00:00"],
    ["31-Jan-2024", "1 February 2024 2:05 PM"],
    ["Wed Jan 31 12:00:00 2024", "Feb. 1st, 2024 at 9:00"],
    ["31JAN2024:12:00:00.5 UTC", "Wed, 31 Jan 2024 14:00:00 +0130"],
    ["2024-01-31 14:00:00 UTC", "2024-01-31 14:00:00 GMT+02:00"],
    ["Jan 2024", "2024-02", "3/2024"],
    ["20240131T1200", "20240131T120001", "20240131 12:02"],
]


@pytest.mark.parametrize("cells", TIMES, ids=str)
def test_times_are_read_as_in_training(browser, bare, cells) -> None:
    own = read_clock(Source(pa.table({"time": cells}), "the series table"), "time").times
    seconds = own.astype("datetime64[ns]").astype(np.int64) / 1e9 if own.dtype.kind == "M" else own
    browser.open(bare / "numbered.html")
    found = browser.run(f"[...clock.read({json.dumps(cells)}, [undefined]).times]")
    np.testing.assert_allclose(found, seconds, rtol=0, atol=1e-6)


def test_columns_without_a_header_have_the_stated_names(browser, bare) -> None:
    browser.open(bare / "numbered.html")
    model = "{ reading: { csv: { names: ['time', 'x'] } }, words: { missing: [''] } }"
    read = f"tables.read(new TextEncoder().encode('0.1,2\\n0.2,3\\n'), 'a.csv', {model})"
    assert browser.run(f"(({{names, rows}}) => [names, rows])({read})") == [["time", "x"], 2]


def test_a_page_without_its_runtime_names_the_file(browser, bare, tmp_path) -> None:
    (tmp_path / "alone.html").write_bytes((bare / "numbered.html").read_bytes())
    browser.open(tmp_path / "alone.html")
    browser.wait("!document.querySelector('.error').hidden")
    assert browser.run("document.querySelector('.error').textContent") == (
        "expected the file 'onnxruntime-web-1.30.0.js' beside this page, got none; copy it into the same folder"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser, bare, scheme) -> None:
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(bare / "described.html")
    browser.resize(400)
    assert browser.run("document.documentElement.scrollWidth") == 400
    background = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 24, 30)"}[scheme]
    assert browser.run("getComputedStyle(document.body).backgroundColor") == background
    browser.send("Emulation.setEmulatedMedia", features=[])


def test_hostile_names_are_text(browser, bare, tmp_path) -> None:
    name = "</script><img src=x onerror=console.error('ran')>"
    (tmp_path / web_runtime.RUNTIME_FILE).write_bytes((bare / web_runtime.RUNTIME_FILE).read_bytes())
    page = export_page(random_network_model(classes=("a", "<!--<script>", name)), tmp_path / "page.html", name=name)
    browser.complaints.clear()
    browser.open(page)
    assert name in browser.run("document.querySelector('.about').textContent")
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.complaints == []


def test_models_that_need_more_than_one_table_are_refused(tmp_path) -> None:
    model = random_network_model()
    reading = {"signals": {"columns": ["mode"]}}
    assert message_of(ParameterError, export_page, model, tmp_path / "page.html", reading) == (
        "expected a model whose series a page can read, got one trained with a side signal in a table of its own; use "
        "limelight serve"
    )
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path) -> None:
    assert message_of(OutputError, export_page, random_network_model(), "model.htm") == (
        "expected an output file ending in .html, got 'model.htm'; rename it"
    )
