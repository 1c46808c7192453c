"""Integrated gradients: exact for linear models; for other models, the sum shows the error."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.methods import gradients
from limelight.explanation.methods.gradients import explain_gradients
from limelight.explanation.methods.registry import explain, methods_of
from limelight.model.fitted import FittedModel
from limelight.nn.network import Network, NetworkOutput
from limelight.nn.normalisation import Standardisation
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.linear import linear, noise
from support.models import random_network_model


def test_gradients_of_a_linear_model_are_weight_times_distance():
    panel = noise(5, 9, width=2)
    shown = explain_gradients(linear([[2.0], [-3.0]], mean=0.5), panel, "b")
    for row, parts in enumerate(shown.channels):
        np.testing.assert_allclose(parts, (panel.series(row) - 0.5) * [2.0, -3.0], atol=1e-5)
        np.testing.assert_allclose(shown.importance[row], parts.sum(axis=1))
    np.testing.assert_allclose(shown.completeness, 0, atol=1e-5)


def test_importance_for_one_class_is_against_the_other():
    panel, model = noise(6), linear([[1.0]])
    for one, other in zip(
        explain_gradients(model, panel, "a").importance, explain_gradients(model, panel, "b").importance, strict=True
    ):
        np.testing.assert_allclose(one, -other)


@pytest.mark.parametrize("encoder", ["conv_lstm", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["attention", "last", "mean", "max"])
def test_the_parts_sum_to_the_difference_of_log_odds(encoder, pooling):
    model, panel = random_network_model(encoder, pooling, "abc"), noise(17, 30, 4, width=2)
    shown = explain_gradients(model, panel, "c", points=200)
    mean = Panel.from_series([np.zeros((length, 2)) for length in (17, 30, 4)])

    def odds(panel):
        chance = model.predict(panel).probabilities[:, 2]
        return np.log(chance / (1 - chance))

    difference = odds(panel) - odds(mean)
    sums = np.array([one.sum() for one in shown.importance])
    np.testing.assert_allclose(sums, difference, atol=2e-3)
    np.testing.assert_allclose(sums - difference, shown.completeness, atol=1e-5)


def test_a_relu_lstm_has_gradients_too():
    architecture = Architecture.of({"name": "lstm", "hidden_size": 3, "activation": "relu"}, "last")
    model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("channel_0",))
    assert np.abs(explain_gradients(model, noise(8), points=200).completeness).max() < 1e-2


@pytest.mark.parametrize("encoder", ["conv_lstm", "lstm"])
def test_padding_changes_nothing(encoder):
    model, panel = random_network_model(encoder), noise(9, 30, width=2)
    alone, together = explain_gradients(model, panel[[0]], "a"), explain_gradients(model, panel, "a")
    assert together.channels[0].shape == (9, 2)
    np.testing.assert_allclose(alone.channels[0], together.channels[0], atol=1e-6)


def test_an_ignored_channel_has_no_importance():
    shown = explain_gradients(linear([[1.0], [0.0]]), noise(7, width=2))
    assert (shown.channels[0][:, 1] == 0).all()


def test_one_of_several_labels_is_explained_by_its_own_weights():
    panel = noise(6, width=2)
    shown = explain_gradients(linear([[1.0, 0.0], [0.0, 1.0]], ("rain", "fog"), multilabel=True), panel, "fog")
    np.testing.assert_allclose(shown.channels[0], panel.series(0) * [0, 1], atol=1e-6)
    assert shown.target.tolist() == ["fog"]


def test_predictions_of_steps_are_explained_at_the_requested_steps():
    panel = noise(8, width=1)
    model = linear([[2.0]], level="step")
    shown = explain_gradients(model, panel, "b", steps=(3, 5))
    expected = np.zeros(8)
    expected[3:5] = panel.series(0)[3:5, 0]  # half of twice the value: the mean over two steps
    np.testing.assert_allclose(shown.importance[0], expected, atol=1e-6)


def test_predictions_of_steps_are_explained_at_steps_of_the_class():
    panel = Panel.from_series([[1.0, 3.0, -1.0, 2.0]])
    shown = explain_gradients(linear([[3.0]], level="step"), panel)
    np.testing.assert_allclose(shown.importance[0], [1.0, 3.0, 0.0, 2.0], atol=1e-6)
    assert shown.target.tolist() == ["b"]


@pytest.mark.parametrize("way", ["mask", "last", "linear", "mean"])
def test_a_missing_value_has_no_importance_and_sums_are_exact(way):
    architecture = Architecture.of({"name": "gru", "hidden_size": 4}, "mean", missing=way)
    model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("channel_0",))
    values = np.array([1.0, np.nan, 3.0, -2.0, np.nan])
    shown = explain_gradients(model, Panel.from_series([values]), points=400)
    assert (shown.importance[0][np.isnan(values)] == 0).all()
    assert abs(shown.completeness[0]) < 1e-4


def test_gradients_leave_weights_and_predictions_unchanged():
    model, panel = random_network_model(), noise(9, width=2)
    before = model.predict(panel).logits
    explain_gradients(model, panel)
    np.testing.assert_array_equal(model.predict(panel).logits, before)
    assert all(one.grad is None for one in model.network.parameters())
    assert torch.is_grad_enabled()


def test_without_captum_gradients_name_the_extra(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(gradients, "find_spec", lambda name: None if name == "captum" else real(name))
    model = linear([[1.0]])
    with pytest.raises(ParameterError) as error:
        explain(model, noise(4), "gradients")
    assert str(error.value) == (
        "method='gradients' needs captum, which is not installed; pip install 'limelight[explain]', or choose "
        "method='occlusion'"
    )
    assert methods_of(model) == ["occlusion"]
    assert explain(model, noise(4, 4, 4)).method == "occlusion"


def test_more_points_are_used_until_the_sum_is_exact():
    class Steep(nn.Module):
        """Predict by a smoothed step function, which few integration points miss."""

        def __init__(self):
            super().__init__()
            self.steepness = nn.Parameter(torch.tensor(1000.0))
            self.normalisation = Standardisation(1)

        def forward(self, batch):
            return NetworkOutput(10 * torch.sigmoid(self.steepness * (batch.values.sum(dim=1) - 0.37)), None)

    model = linear([[1.0]])
    model.network = Steep()
    panel = Panel.from_series([[1.0], [0.1]])
    few = explain_gradients(model, panel, "b", points=64)
    assert abs(few.completeness[0]) > 1
    enough = explain_gradients(model, panel, "b")
    assert np.abs(enough.completeness).max() < 0.1
    assert enough.importance[0].sum() == pytest.approx(10, abs=0.1)


def test_zero_points_are_refused():
    with pytest.raises(ParameterError) as error:
        explain_gradients(linear([[1.0]]), noise(4), points=0)
    assert str(error.value) == "expected at least 1 point, got points=0; increase points"
