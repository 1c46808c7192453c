"""Occlusion: exact for linear models; hidden values are replaced by those of background series."""

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.occlusion import explain_occlusion
from limelight.explanation.perturbation import matching_steps
from support.linear import linear, noise
from support.panels import bump_panel


def constant(value, steps=3, width=1):
    return Panel.from_series([np.full((steps, width), value)])


def test_occlusion_of_a_linear_model_is_weight_times_distance():
    panel = noise(7, 12, width=2)
    shown = explain_occlusion(
        linear([[2.0], [-1.0]]), panel, "b", background=constant(0.5, width=2), window=1, stride=1, draws=1
    )
    for row, parts in enumerate(shown.channels):
        expected = (panel.series(row) - 0.5) * [2.0, -1.0]
        np.testing.assert_allclose(parts, expected, atol=1e-5)
        np.testing.assert_allclose(shown.importance[row], expected.sum(axis=1), atol=1e-5)


def test_a_step_has_the_mean_of_the_windows_over_it():
    panel = Panel.from_series([[1.0, 2.0, 4.0, 8.0]])
    shown = explain_occlusion(linear([[1.0]]), panel, "b", background=constant(0.0), window=2, stride=1, draws=1)
    np.testing.assert_allclose(shown.importance[0], [3.0, 4.5, 9.0, 12.0], atol=1e-6)


def test_the_last_window_ends_with_the_series():
    panel = Panel.from_series([np.arange(1.0, 6.0)])
    shown = explain_occlusion(linear([[1.0]]), panel, "b", background=constant(0.0), window=2, stride=2, draws=1)
    np.testing.assert_allclose(shown.importance[0], [3.0, 3.0, 7.0, 8.0, 9.0], atol=1e-6)


def test_the_planted_bump_is_found():
    panel = bump_panel(40, num_points=64, noise=0.0)
    panel = panel.replace(metadata=None)
    shown = explain_occlusion(linear([[1.0]]), panel, np.where(panel.labels == "up", "b", "a"))
    for (start, stop), one in zip(panel.intervals, shown.importance, strict=True):
        assert start - 3 <= one.argmax() < stop + 3


def test_an_ignored_channel_has_no_importance():
    shown = explain_occlusion(linear([[1.0], [0.0]]), noise(30, 30, width=2))
    assert (shown.channels[0][:, 1] == 0).all()
    assert (shown.channels[0][:, 0] != 0).all()


def test_the_spread_is_that_of_the_draws():
    background = Panel.from_series([[1.0], [3.0]])
    shown = explain_occlusion(
        linear([[1.0]]), constant(0.0, 1), "b", background=background, window=1, stride=1, draws=400
    )
    assert shown.importance[0][0] == pytest.approx(-2.0, abs=0.15)
    assert shown.spread[0][0] == pytest.approx(1.0, abs=0.02)


def test_occlusion_is_reproducible_and_excludes_the_series_itself():
    panel = Panel.from_series([np.zeros(5), np.ones(5)])
    one, again = (explain_occlusion(linear([[1.0]]), panel, "b") for _ in range(2))
    np.testing.assert_array_equal(one.importance[0], again.importance[0])
    np.testing.assert_allclose(one.importance[0], -1.0)
    np.testing.assert_allclose(one.importance[1], 1.0)


def test_background_values_have_the_same_relative_position():
    panel, background = noise(6, 3).compact(), Panel.from_series([np.arange(3.0), np.arange(12.0)])
    assert matching_steps(panel, background, np.array([0, 1])).tolist() == [0, 0, 1, 1, 2, 2, 5, 9, 13]


def test_padding_changes_nothing():
    panel, background = noise(9, 40, seed=1), noise(20, seed=2)
    model = linear([[1.0]])
    alone, together = (explain_occlusion(model, some, "a", background=background) for some in (panel[[0]], panel))
    assert together.importance[0].shape == (9,)
    np.testing.assert_allclose(alone.importance[0], together.importance[0], atol=1e-6)


def test_occlusion_explains_multilabel_and_step_predictions():
    panel = noise(6, width=2)
    several = linear([[1.0, 0.0], [0.0, 1.0]], ("rain", "fog"), multilabel=True)
    options = {"background": constant(0.0, width=2), "window": 1, "stride": 1, "draws": 1}
    shown = explain_occlusion(several, panel, "fog", **options)
    np.testing.assert_allclose(shown.channels[0], panel.series(0) * [0, 1], atol=1e-6)
    of_steps = linear([[2.0], [0.0]], level="step")
    shown = explain_occlusion(of_steps, panel, "b", steps=(1, 3), **options)
    expected = np.where(np.isin(np.arange(6), [1, 2]), panel.series(0)[:, 0], 0.0)
    np.testing.assert_allclose(shown.importance[0], expected, atol=1e-6)


def model_with_mode(mode_as):
    panel = bump_panel(40, num_points=20, mode_as=mode_as)
    return TimeSeriesClassifier("gru", max_epochs=1, random_state=0, progress=False).fit(panel).model_, panel


def test_a_metadata_field_counts_by_its_effect_on_predictions():
    model, panel = model_with_mode("category")
    early = np.array(panel.metadata["mode"].to_pylist()) == "early"
    background = panel[np.flatnonzero(early)[:1]]
    lost = explain_occlusion(model, panel, "up", background=background).fields["mode"]
    np.testing.assert_allclose(lost[early], 0, atol=1e-6)
    assert (lost[~early] != 0).all()


def test_a_signal_counts_by_its_effect_on_predictions():
    model, panel = model_with_mode("signal")
    first = panel.signals.codes[panel.starts, 0]
    (name,) = panel.signals.names
    background = panel[np.flatnonzero(first == 0)[:1]]
    shown = explain_occlusion(model, panel, "up", background=background)
    np.testing.assert_allclose(shown.fields[name][first == 0], 0, atol=1e-6)
    assert (shown.fields[name][first == 1] != 0).all()
    assert shown.field_table().num_rows == 40


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "expected a window of at least 1 step, got window=0; increase window"),
        (
            {"window": 2, "stride": 3},
            "expected a stride from 1 to the 2 steps of the window, so that the windows cover every step, got "
            "stride=3; decrease stride",
        ),
        ({"draws": 0}, "expected at least 1 draw, got draws=0; increase draws"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ParameterError) as error:
        explain_occlusion(linear([[1.0]]), noise(9, 9), **settings)
    assert str(error.value) == message


def test_one_series_alone_has_no_background():
    with pytest.raises(DataError) as error:
        explain_occlusion(linear([[1.0]]), noise(9))
    assert str(error.value) == (
        "expected a background for a single series, as there are no other series to sample from; pass background=..., "
        "for example the training series"
    )


def test_a_background_with_missing_values_may_be_rejected():
    background = Panel.from_series([[1.0, np.nan]], ids=["pump"])
    with pytest.raises(DataError) as error:
        explain_occlusion(linear([[1.0]]), noise(9), background=background)
    assert str(error.value).startswith(
        "expected a number everywhere, got a missing value (NaN) in series 'pump', step 1"
    )
