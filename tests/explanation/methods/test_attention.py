"""Attention as explanation, as numbers and as figures."""

import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.explanation.drawing.axes import MOST_SERIES, draw_series
from limelight.explanation.methods.attention import Explanation, explain_attention
from limelight.model.fitted import FittedModel, Prediction
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.figures import svg_of

TASK = Task(("fault", "ok"))


def model(pooling):
    architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, pooling)
    return FittedModel(TASK, architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))


def explanation(n=2, steps=20, width=1, **arguments):
    random = np.random.default_rng(0)
    panel = Panel.from_series([random.normal(size=(steps, width)) for _ in range(n)], **arguments)
    weights = [random.dirichlet(np.ones(steps)) for _ in range(n)]
    return Explanation(panel, Prediction(panel.ids, TASK, np.zeros((n, 1))), weights, "attention")


def test_attention_weights_every_step_and_sums_to_one():
    shown = explain_attention(model("attention"), Panel.from_series([np.ones(5), np.arange(9.0)]))
    assert [weights.shape for weights in shown.importance] == [(5,), (9,)]
    assert [float(weights.sum()) for weights in shown.importance] == pytest.approx([1.0, 1.0])
    assert (len(shown), shown.method) == (2, "attention")


def test_a_model_without_attention_cannot_show_any():
    architecture = "expected a model with attention pooling, got pooling 'last'; train one with pooling='attention'"
    with pytest.raises(ParameterError, match=f"^{re.escape(architecture)}$"):
        explain_attention(model("last"), Panel.from_series([np.ones(5)]))


def test_weights_that_do_not_fit_the_panel_are_refused():
    whole = explanation()
    architecture = (
        "expected one weight for each of the 20 steps of 1 series, got 40 weights for 2 series; "
        "pass the panel that was explained"
    )
    with pytest.raises(DataError, match=f"^{re.escape(architecture)}$"):
        Explanation(whole.panel[[0]], whole.prediction, whole.importance, "attention")


def test_the_table_has_a_row_for_each_step():
    panel = Panel.from_series([[1.0, 2.0], [3.0]], ids=["a", "b"])
    weights = [np.array([0.25, 0.75]), np.array([1.0])]
    shown = Explanation(panel, Prediction(panel.ids, TASK, np.zeros((2, 1))), weights, "attention")
    assert shown.table().to_pydict() == {
        "series_id": ["a", "a", "b"],
        "time": [0, 1, 0],
        "importance": [0.25, 0.75, 1.0],
    }


def test_the_table_keeps_the_clock_of_the_panel():
    shown = explanation(n=1, steps=3)
    shown.panel.times = np.array(["2024-01-01", "2024-01-02", "2024-01-04"], dtype="datetime64[s]")
    assert [time.day for time in shown.table()["time"].to_pylist()] == [1, 2, 4]


def test_a_plot_has_axes_for_each_series():
    figure = explanation(n=3).plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 3


def test_a_plot_of_many_series_shows_the_first():
    assert len(explanation(n=MOST_SERIES + 1, steps=3).plot().axes) == MOST_SERIES


def test_one_series_is_drawn_on_existing_axes():
    ax = Figure().subplots()
    assert explanation(n=1).plot(ax=ax) is ax
    assert len(ax.images) == 1


def test_several_series_on_one_pair_of_axes_are_refused():
    architecture = "expected one series to plot into ax, got 2; select one with explanation[[row]], or omit ax"
    with pytest.raises(ParameterError, match=f"^{re.escape(architecture)}$"):
        explanation(n=2).plot(ax=Figure().subplots())


def test_the_title_has_id_truth_and_prediction_with_probability():
    figure = explanation(n=1, ids=["pump"], labels=["ok"]).plot()
    assert figure.axes[0].get_title(loc="left") == "pump | true: ok | predicted: fault (50 %)"


def test_the_true_interval_is_named_if_known():
    figure = explanation(n=2, intervals=[(3, 9), (-1, -1)]).plot()
    known, unknown = figure.axes
    assert [text.get_text() for text in known.get_legend().get_texts()] == ["true interval"]
    assert unknown.get_legend() is None


def test_up_to_six_channels_are_named():
    assert len(explanation(n=1, width=6).plot().axes[0].get_legend().get_texts()) == 6
    assert explanation(n=1, width=7).plot().axes[0].get_legend() is None


def test_names_are_drawn_as_they_are():
    names = ["_hidden", "$\\alpha$", "<script>"]
    svg = svg_of(explanation(n=1, width=3, channels=names, ids=["$\\broken{$"]).plot())
    assert "<script>" not in svg


def test_channels_of_very_different_size_are_rescaled_with_a_note():
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.array([[0, 0], [1, 5000.0]])]), 0)
    assert ax.get_ylabel() == "2 channels, rescaled"
    assert max(line.get_ydata().max() for line in ax.lines) == 1.0


def test_a_long_series_keeps_its_peaks_in_the_figure():
    values = np.zeros(200_000)
    values[123_456] = 9.0
    weights = np.full(200_000, 1e-6)
    weights[77_777] = 0.8
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([values]), 0, weights)
    (line,) = ax.lines
    assert len(line.get_xdata()) < 2_000
    assert line.get_ydata().max() == 9.0
    assert ax.images[0].get_array().max() == 0.8


def test_uniform_attention_is_drawn_faintly():
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.zeros(10)]), 0, np.full(10, 0.1))
    shade = ax.images[0]
    assert shade.norm(0.1) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2024-01-01", "2024-01-02", "2024-01-09"], dtype="datetime64[ns]"),
        np.array([0.0, 0.5, 7.0]),
        np.array([5.0, 5.0, 1.0]),
    ],
    ids=["dates", "uneven", "not increasing"],
)
def test_any_clock_can_be_drawn(times):
    shown = explanation(n=1, steps=3)
    shown.panel.times = times
    assert "svg" in svg_of(shown.plot())


def test_a_series_of_one_step_can_be_drawn():
    assert "svg" in svg_of(explanation(n=1, steps=1, intervals=[(0, 1)]).plot())


def test_explaining_loads_matplotlib_only_for_drawing():
    code = "import sys, limelight.explanation.methods.attention; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def line_of(values):
    """Draw one series and return its only line; warnings are errors."""
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([values]), 0, np.full(len(values), 1 / len(values)))
    (line,) = ax.lines
    return ax, line


def test_missing_values_are_gaps_and_the_limits_fit_the_rest():
    ax, line = line_of([1.0, 2.0, np.nan, np.nan, 5.0, 3.0])
    np.testing.assert_array_equal(line.get_ydata(), [1.0, 2.0, np.nan, np.nan, 5.0, 3.0])
    assert ax.get_ylim() == pytest.approx((1.0 - 0.14 * 4, 5.0 + 0.08 * 4))
    assert line.get_marker() == "None"


def test_a_value_between_missing_ones_is_a_dot():
    _, line = line_of([1.0, np.nan, 3.0, np.nan, 5.0, 6.0])
    assert (line.get_marker(), line.get_markevery()) == ("o", [0, 2])


def test_a_long_series_shows_gaps_and_peaks():
    values = np.zeros(200_000)
    values[::7] = np.nan
    values[50_000:60_000] = np.nan
    values[123_456] = 9.0
    _, line = line_of(values)
    steps, heights = line.get_data()
    inside = (steps > 51_000) & (steps < 59_000)
    assert np.isnan(heights[inside]).all()
    assert inside.any()
    assert np.isnan(heights[(steps > 1_000) & (steps < 49_000)]).sum() == 0
    assert np.nanmax(heights) == 9.0
    assert len(heights) < 2_000


def test_a_channel_that_is_missing_everywhere_draws_nothing():
    ax = Figure().subplots()
    values = np.array([[1.0, np.nan, 5.0], [2.0, np.nan, 6.0]])
    draw_series(ax, Panel.from_series([values], channels=["a", "b", "c"]), 0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "c"]
    assert len(ax.lines) == 2


def test_a_series_that_is_missing_everywhere_can_be_drawn():
    ax = Figure().subplots()
    draw_series(ax, Panel.from_series([np.full((4, 2), np.nan)]), 0, np.full(4, 0.25))
    assert (len(ax.lines), ax.get_ylim()) == (0, (0.0, 1.0))
    assert "svg" in svg_of(ax.figure)


def test_channels_of_very_different_size_are_rescaled_around_their_gaps():
    ax = Figure().subplots()
    values = np.array([[0, 0], [np.nan, 5000.0], [1, np.nan], [0.5, 2500.0]])
    draw_series(ax, Panel.from_series([values]), 0)
    assert [np.nanmax(line.get_ydata()) for line in ax.lines] == [1.0, 1.0]


SPEED = {"speed": "m/s", "height": "m", "time": "s"}


@pytest.mark.parametrize(
    ("channels", "units", "label"),
    [
        (["speed"], SPEED, "speed (m/s)"),
        (["speed"], {}, "speed"),
        (None, {}, "value"),
        (None, {"channel_0": "V"}, "value (V)"),
        (["speed", "height"], SPEED, "2 channels"),
        (["speed", "height"], {"speed": "m", "height": "m"}, "2 channels (m)"),
    ],
)
def test_the_value_axis_names_channel_and_unit(channels, units, label):
    ax = Figure().subplots()
    width = 1 if channels is None else len(channels)
    draw_series(ax, Panel.from_series([np.arange(4.0 * width).reshape(4, width)], channels=channels, units=units), 0)
    assert ax.get_ylabel() == label


def test_the_legend_keeps_units_of_long_names():
    ax = Figure().subplots()
    channels = ["speed", "height_above_the_sea"]
    units = {"speed": "m/s", "height_above_the_sea": "m"}
    draw_series(ax, Panel.from_series([np.arange(8.0).reshape(4, 2)], channels=channels, units=units), 0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["speed (m/s)", "height_above_… (m)"]


def test_rescaled_channels_have_no_units():
    ax = Figure().subplots()
    panel = Panel.from_series([np.array([[0, 0], [1, 5000.0]])], channels=["speed", "height"], units=SPEED)
    draw_series(ax, panel, 0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["speed", "height"]
    assert ax.get_ylabel() == "2 channels, rescaled"


@pytest.mark.parametrize(
    ("times", "label"),
    [
        (None, "step"),
        ([0.0, 0.5, 2.0], "time (s)"),
        ([0.0, 0.0, 2.0], "step"),
        (np.array(["2024-01-01", "2024-01-02", "2024-01-09"], dtype="datetime64[ns]"), "time"),
    ],
    ids=["no clock", "numbers", "not increasing", "dates"],
)
def test_the_time_axis_names_its_unit(times, label):
    ax = Figure().subplots()
    times = None if times is None else [times]
    draw_series(ax, Panel.from_series([[1.0, 2.0, 3.0]], times=times, units={"time": "s"}), 0)
    assert ax.get_xlabel() == label
