"""Objects in a notebook: their HTML, and their conversion to frames and figures."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

import limelight as ll
from limelight.config.reading import read_experiment
from limelight.data.splitting.splits import Split
from limelight.errors import ParameterError
from limelight.markup import coloured_line, sparkline
from limelight.runs.train import run_experiment
from support.errors import message_of

HOSTILE = "<script>alert('x')</script>&\"'"


def hostile_panel(classes: int = 2) -> ll.Panel:
    rng = np.random.default_rng(0)
    names = [f"{HOSTILE} {number % classes}" for number in range(30)]
    return ll.Panel.from_series(
        [rng.normal(number % classes * 3, 1, (300, 2)) for number in range(30)],
        ids=[f"{HOSTILE}{number}" for number in range(30)],
        labels=names,
        channels=[HOSTILE, "speed"],
        metadata=pa.table({HOSTILE: ["a", "b"] * 15}),
    )


PANEL = hostile_panel()
MODEL = ll.TimeSeriesClassifier(ll.Rocket(features=84), random_state=0).fit(PANEL)
OBJECTS = {
    "panel": PANEL,
    "split": Split([0, 2], [], [1], HOSTILE),
    "prediction": MODEL.model_.predict(PANEL),
    "explanation": MODEL.explain(PANEL),
    "model": MODEL.model_,
}


class Tags(HTMLParser):
    """Collects elements, attributes and text; an element that is not closed is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= dict(attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def tags_of(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


@pytest.mark.parametrize("name", OBJECTS)
def test_html_is_escaped_and_needs_no_script(name: str) -> None:
    tags = tags_of(OBJECTS[name]._repr_html_())
    assert "script" not in tags.names
    assert not any(key.startswith("on") for key in tags.attributes)
    assert HOSTILE.split("&")[0] in tags.text


@pytest.mark.parametrize("name", OBJECTS)
def test_html_has_the_colours_of_the_page(name: str) -> None:
    html = OBJECTS[name]._repr_html_()
    assert "#" not in html.replace("&#", "")
    assert "background:" not in html.replace("background:none", "")


def test_panel_shows_classes_and_a_line_per_channel() -> None:
    tags = tags_of(PANEL._repr_html_())
    assert "30 series, 300 steps, 2 channels, 2 classes" in tags.text
    assert "and 28 more series" in tags.text
    assert tags.names.count("path") == 4


def test_panel_shows_how_many_steps_each_class_has() -> None:
    labels = ll.StepLabels.of(["calm"] * 7 + ["burst"] * 2 + [None])
    text = tags_of(ll.Panel.from_series([np.arange(10.0)], step_labels=labels)._repr_html_()).text
    assert "classsharesteps" in text
    assert "calm7burst2" in text


def test_empty_panel_has_html() -> None:
    assert "0 series" in tags_of(PANEL[:0]._repr_html_()).text


def test_explained_series_name_their_numbers_under_the_pointer() -> None:
    svg = coloured_line([1.0, np.nan, 3.0], [0.5, 0.0, -1.0], "a < b")
    tags = tags_of(svg)
    assert tags.names.count("rect") == 3
    for text in ("step 0: +0.5, value 1", "step 1: +0, missing", "step 2: -1, value 3"):
        assert text in tags.text
    assert "a &lt; b" in svg
    assert len(coloured_line(np.arange(100_000.0), np.arange(100_000.0))) < 30_000


def test_sparkline_of_a_long_series_is_short() -> None:
    line = sparkline(np.sin(np.arange(100_000)))
    assert len(line) < 4000
    assert sparkline([1.0, np.nan, 2.0]).count("M") == 2


def test_line_of_missing_values_is_empty() -> None:
    assert 'd=""' in sparkline([np.nan, np.nan])


def test_run_shows_the_verdict_and_links_the_report(tmp_path: Path) -> None:
    changes = {
        "data.sine.dataset_size": 60,
        "data.sine.num_points": 40,
        "explain": False,
        "output": str(tmp_path / "run"),
    }
    file = tmp_path / "sine.json"
    file.write_text('{"data": {"sine": {}}}')
    run = run_experiment(read_experiment(file, changes))
    tags = tags_of(run._repr_html_())
    assert "series were classified correctly" in tags.text
    assert tags.attributes["href"] == (tmp_path / "run" / "report" / "index.html").as_posix()


def test_panel_is_plotted_by_class() -> None:
    figure = PANEL.plot()
    assert isinstance(figure, Figure)
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]
    assert len(PANEL.plot([3, 4, 5]).axes) == 3


@pytest.mark.parametrize(("rows", "got"), [([], "0 rows"), ([30], "row 30 of 30 series"), (list(range(13)), "13 rows")])
def test_rows_that_cannot_be_plotted_are_refused(rows: list[int], got: str) -> None:
    message = message_of(ParameterError, PANEL.plot, rows)
    assert message == f"expected 1 to 12 rows of the panel to plot, got {got}; choose others"


def test_prediction_is_plotted_as_probabilities() -> None:
    prediction = OBJECTS["prediction"]
    (image,) = prediction.plot().axes[0].images
    np.testing.assert_array_equal(image.get_array(), prediction.probabilities)


def test_panel_becomes_a_long_frame() -> None:
    frame = PANEL.to_pandas()
    assert frame.columns.tolist() == ["series_id", HOSTILE, "speed", "label"]
    assert len(frame) == 30 * 300
    np.testing.assert_allclose(frame["speed"].to_numpy()[300:600], PANEL.series(1)[:, 1])
    assert PANEL.to_polars().equals(pl.from_pandas(frame))


def test_selected_rows_become_a_frame() -> None:
    assert PANEL[[4, 2]].to_polars()["series_id"].unique(maintain_order=True).to_list() == PANEL.ids[[4, 2]].tolist()


def test_prediction_becomes_a_frame() -> None:
    prediction = OBJECTS["prediction"]
    frame = prediction.to_polars()
    probabilities = [f"probability_{name}" for name in MODEL.classes_]
    assert frame.columns == ["series_id", "prediction", *probabilities, "novelty"]
    assert frame["prediction"].to_list() == prediction.labels.tolist()


def test_prediction_of_steps_has_a_row_for_each_step() -> None:
    labels = [np.arange(12) % 2 for _ in range(8)]
    values = [np.c_[label, label] + 0.0 for label in labels]
    model = ll.TimeSeriesClassifier("gru", max_epochs=1, random_state=0).fit(values, labels)
    prediction = model.model_.predict(ll.Panel.from_series(values))
    frame = prediction.to_pandas()
    assert frame["step"].tolist() == list(range(12)) * 8
    assert len(prediction.plot().axes) == 8
    assert "8 series" in tags_of(prediction._repr_html_()).text


def test_explanation_becomes_a_frame() -> None:
    explanation = OBJECTS["explanation"]
    assert explanation.to_polars().shape[0] == 30 * 300
    assert explanation.to_pandas()["importance"].tolist()[:3] == explanation.table()["importance"].to_pylist()[:3]
