"""Figures of explanations: axes, colours, titles and bands."""

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.drawing.axes import DIVERGING, GLOW, draw_series
from limelight.explanation.drawing.figures import bands
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain
from limelight.explanation.overview import grid, rows_to_see
from limelight.model.fitted import Prediction
from limelight.task import Task
from support.figures import svg_of
from support.linear import linear, noise


def main_axes(figure):
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def test_signed_colours_are_white_at_zero_and_symmetric():
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.zeros(4)]), 0, np.array([0.0, -3.0, 1.0, 0.0]), signed=True)
    (image,) = ax.images
    assert image.get_clim() == (-3.0, 3.0)
    assert image.get_cmap() is DIVERGING
    assert DIVERGING(0.5)[:3] == pytest.approx((1.0, 1.0, 1.0), abs=0.02)


def test_weights_keep_their_colours():
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.zeros(4)]), 0, np.full(4, 0.25))
    assert ax.images[0].get_cmap() is GLOW


def test_a_long_series_keeps_negative_importance():
    against = np.zeros(100_000)
    against[777] = -2.0
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.zeros(100_000)]), 0, against, signed=True)
    assert ax.images[0].get_array().min() == -2.0


def test_each_channel_has_axes_and_the_last_shows_time():
    panel = noise(
        20, width=3, channels=["speed", "height", "load"], units={"speed": "m/s", "time": "s"}, times=[np.arange(20.0)]
    )
    model = linear([[1.0], [0.0], [2.0]])
    model.channels = panel.channels
    figure = explain(model, panel, "gradients", "b").plot()
    axes = main_axes(figure)
    assert [ax.get_ylabel() for ax in axes] == ["speed (m/s)", "height", "load"]
    assert [ax.get_xlabel() for ax in axes] == ["", "", "time (s)"]
    assert len({ax.images[0].get_clim() for ax in axes}) == 1
    (bar,) = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
    assert bar.get_ylabel() == "log odds of\nb"
    assert "svg" in svg_of(figure)


def test_metadata_are_listed_with_their_evidence():
    panel = noise(9, 9, metadata=pa.table({"mode": ["late", "early"]}))
    whole = explain(linear([[1.0]]), panel, "gradients", "b")
    fields = {"mode": np.array([1.25, -0.5])}
    shown = Explanation(panel, whole.prediction, whole.importance, "occlusion", whole.target, fields=fields)
    assert [ax.get_title(loc="right") for ax in main_axes(shown.plot())] == [
        "mode = late (+1.25)",
        "mode = early (-0.50)",
    ]


def test_the_most_important_of_many_channels_are_shown():
    weights = np.zeros((20, 1))
    weights[13] = 1.0
    axes = main_axes(explain(linear(weights.tolist()), noise(9, width=20), "gradients", "b").plot())
    assert len(axes) == 12
    assert "channel_13" in [ax.get_ylabel() for ax in axes]


def test_highlights_are_confident_then_wrong_then_uncertain():
    panel = Panel.from_series(np.zeros((6, 3)), labels=["a", "b", "a", "b", None, "a"])
    predictions = Prediction(panel.ids, Task(("a", "b")), np.array([[-3.0], [-2.0], [0.1], [5.0], [0.0], [9.0]]))
    kinds = {kind: rows.tolist() for kind, rows in rows_to_see(predictions, panel, each=2).items()}
    assert kinds == {"most confident": [3, 0], "most wrong": [5, 1], "most uncertain": [4, 2]}


def test_the_grid_has_a_column_for_each_kind():
    panel = noise(*[20] * 8, labels=list("abababab"))
    figure = grid(explain(linear([[1.0]]), panel, "gradients"), each=2)
    assert [part.get_suptitle() for part in figure.subfigs] == ["most confident", "most wrong", "most uncertain"]
    assert "svg" in svg_of(figure)


def test_a_kind_without_series_is_stated():
    panel = Panel.from_series([np.full(4, -1.0)], labels=["a"])
    figure = grid(explain(linear([[1.0]]), panel, "gradients"), each=1)
    assert [part.get_suptitle() for part in figure.subfigs] == [
        "most confident",
        "most wrong: none",
        "most uncertain: none",
    ]


def test_several_labels_have_no_grid():
    with pytest.raises(ParameterError) as error:
        grid(explain(linear([[1.0, 1.0]], multilabel=True), noise(5, 5), "gradients"))
    assert str(error.value) == (
        "expected predictions of one class for each series, got multilabel predictions for each series; choose the rows "
        "yourself"
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_predicted_steps_are_bands_below_the_truth(kind):
    outputs = {"binary": 1, "multiclass": 3, "multilabel": 2}[kind]
    classes = ("a", "b", "c") if kind == "multiclass" else ("a", "b")
    several = kind == "multilabel"
    random = np.random.default_rng(0)
    if several:
        labels = StepLabels(random.integers(-1, 2, (30, 2)).astype(np.int16), ("label_a", "label_b"), ("0", "1"))
    else:
        labels = StepLabels.of([None, *np.array(classes)[random.integers(0, len(classes), 29)]])
    panel = noise(10, 20, step_labels=labels)
    model = linear([[1.0, -1.0, 0.5][:outputs]], classes, level="step", multilabel=several)
    figure = bands(panel, 1, model.predict(panel), np.zeros(20))
    top, middle, bottom = figure.axes
    names = ["true a", "predicted a", "true b", "predicted b"] if several else ["true", "predicted"]
    assert [text.get_text() for text in middle.get_yticklabels()] == names
    assert len(bottom.lines) == {"binary": 1, "multiclass": 3, "multilabel": 2}[kind]
    assert bottom.get_xlabel() == "step"
    assert len(top.images) == 1
    assert "svg" in svg_of(figure)


def test_predictions_of_series_have_no_bands():
    panel = noise(5)
    with pytest.raises(ParameterError) as error:
        bands(panel, 0, linear([[1.0]]).predict(panel))
    assert str(error.value) == (
        "expected per-step predictions to draw bands, got predictions for whole series; use plot"
    )


def test_titles_name_the_present_labels():
    panel = noise(5, labels=[[1, 0]], label_names=["rain", "fog"])
    figure = explain(linear([[0.0, 0.0]], ("rain", "fog"), multilabel=True), panel, "gradients").plot()
    assert main_axes(figure)[0].get_title(loc="left") == "0 | true: rain | predicted: rain (50 %), fog (50 %)"
