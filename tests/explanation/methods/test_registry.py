"""Explanation methods by name: targets, settings, and the returned explanation."""

import numpy as np
import pytest

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.methods.registry import METHODS, explain, methods_of
from limelight.explanation.target import resolve_target
from limelight.model.fitted import FittedModel, Prediction
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.linear import linear, noise


def with_attention():
    architecture = Architecture.of({"name": "gru", "hidden_size": 3}, "attention")
    return FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("channel_0",))


def test_default_methods_depend_on_the_model():
    assert methods_of(with_attention()) == ["attention", "gradients", "occlusion"]
    assert methods_of(linear([[1.0]])) == ["gradients", "occlusion"]
    assert explain(with_attention(), noise(5)).method == "attention"
    assert explain(with_attention(), noise(5), target="a").method == "gradients"
    assert explain(linear([[1.0]]), noise(5)).method == "gradients"


def test_attention_is_nonnegative_and_sums_to_one():
    shown = explain(with_attention(), noise(5, 9), "attention")
    assert all((one >= 0).all() for one in shown.importance)
    np.testing.assert_allclose([one.sum() for one in shown.importance], 1, atol=1e-6)
    assert (shown.target, shown.signed, shown.completeness) == (None, False, None)


def test_a_registered_method_is_available(monkeypatch):
    monkeypatch.setitem(METHODS, "lime", METHODS["occlusion"])
    assert explain(linear([[1.0]]), noise(5, 5), "lime", "a", draws=1).target.tolist() == ["a", "a"]


@pytest.mark.parametrize("method", ["attention", "gradients", "occlusion"])
@pytest.mark.parametrize("settings", [{}, {"level": "step"}])
def test_an_empty_panel_has_an_empty_explanation(method, settings):
    if method == "attention" and settings:
        pytest.skip("predictions of steps have no attention")
    model = with_attention() if method == "attention" else linear([[1.0]], **settings)
    shown = explain(model, noise(5)[[]], method)
    assert (len(shown), shown.table().num_rows) == (0, 0)


@pytest.mark.parametrize("encoder", ["conv_lstm", "lstm"])
@pytest.mark.parametrize("method", ["attention", "gradients", "occlusion"])
def test_every_encoder_is_explained_on_the_steps_of_the_series(encoder, method):
    architecture = Architecture.of(
        {"name": encoder, "hidden_size": 3, **({"stride": 4} if encoder == "conv_lstm" else {})}, "attention"
    )
    model = FittedModel(Task(("a", "b", "c")), architecture, Network(architecture, 2, 3), ("x", "y"))
    shown = explain(model, noise(13, 6, 1, width=2, channels=["x", "y"]), method)
    assert [len(one) for one in shown.importance] == [13, 6, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "gradient"}, "expected an explanation method, got 'gradient'; did you mean 'gradients'?"),
        (
            {"method": "occlusion", "widow": 3},
            "expected a setting of occlusion, got widow=3; did you mean 'window'?",
        ),
        (
            {"method": "attention", "draws": 3},
            "expected a setting of attention, got draws=3; attention has no settings",
        ),
        (
            {"method": "attention", "target": "a"},
            "expected no target for attention, which is the same for every class, got target='a'; omit the target, "
            "or choose method='gradients' or 'occlusion'",
        ),
        (
            {"method": "gradients", "target": "c"},
            "expected a target among the classes 'a', 'b', got 'c'; known are: a, b",
        ),
        (
            {"method": "gradients", "target": ["a", "b", "a"]},
            "expected one target, or one for each of the 2 series, got 3 targets; name a class",
        ),
        (
            {"method": "gradients", "steps": (0, 2)},
            "expected steps only for a model that predicts each step, got steps=(0, 2) for one that predicts whole "
            "series; omit steps",
        ),
    ],
)
def test_impossible_requests_are_refused(arguments, message):
    with pytest.raises(ParameterError) as error:
        explain(with_attention(), noise(5, 5), **arguments)
    assert str(error.value) == message


def test_steps_beyond_a_series_are_refused():
    with pytest.raises(ParameterError) as error:
        explain(linear([[1.0]], level="step"), noise(5, 3), "gradients", steps=(2, 4))
    assert str(error.value) == (
        "expected steps=(first, step after the last) within the 3 steps of every series, got (2, 4); choose longer "
        "series or other steps"
    )


def test_the_predicted_class_is_the_default_target():
    predictions = Prediction(np.array(["x", "y"]), Task(("a", "b", "c")), np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]))
    assert resolve_target(predictions).names.tolist() == ["b", "a"]
    assert resolve_target(predictions, "c").names.tolist() == ["c", "c"]
    assert resolve_target(predictions, ["c", "a"]).names.tolist() == ["c", "a"]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_log_odds_are_those_of_the_probability(kind):
    classes = ("a", "b") if kind == "binary" else ("a", "b", "c")
    task = Task(classes, multilabel=kind == "multilabel")
    random = np.random.default_rng(0)
    predictions = Prediction(np.arange(6).astype(str), task, random.normal(size=(6, task.outputs)))
    for code, name in enumerate(classes):
        chance = predictions.probabilities[:, code]
        resolved = resolve_target(predictions, name)
        np.testing.assert_allclose(resolved.log_odds(predictions), np.log(chance / (1 - chance)))
        np.testing.assert_allclose(resolved.probability(predictions), chance)


def test_the_target_per_step_averages_the_steps_predicted_as_it():
    task = Task(("a", "b"), level="step")
    predictions = Prediction(
        np.array(["x", "y"]), task, np.array([[-1.0], [2.0], [4.0], [-3.0]]), lengths=np.array([3, 1])
    )
    resolved = resolve_target(predictions)
    assert resolved.names.tolist() == ["b", "a"]
    assert resolved.log_odds(predictions).tolist() == [3.0, 3.0]
    assert resolve_target(predictions, "a", (0, 1)).log_odds(predictions).tolist() == [1.0, 3.0]


def test_rows_of_an_explanation_are_an_explanation():
    panel = noise(5, 8, 3, width=2)
    whole = explain(linear([[1.0], [2.0]]), panel, "gradients", "b")
    part = whole[[2, 0]]
    error = np.abs(part.completeness).max()
    assert repr(part) == f"Explanation(2 series, gradients, for 'b', completeness error at most {error:.2g})"
    np.testing.assert_array_equal(part.importance[1], whole.importance[0])
    np.testing.assert_array_equal(part.prediction.logits, whole.prediction.logits[[2, 0]])


def test_rows_of_an_explanation_of_steps_keep_their_predictions():
    whole = explain(linear([[1.0]], level="step"), noise(5, 8, 3), "gradients")
    part = whole[[2, 0]]
    np.testing.assert_array_equal(part.prediction.logits, whole.prediction.logits[[13, 14, 15, 0, 1, 2, 3, 4]])
    assert part.prediction.lengths.tolist() == [3, 5]


def test_the_table_has_target_spread_and_channels():
    panel = Panel.from_series(np.ones((2, 3, 2)), channels=["x", "y"])
    model = linear([[1.0], [2.0]])
    model.channels = ("x", "y")
    table = explain(model, panel, "occlusion", "b").table()
    names = ["series_id", "time", "importance", "target", "spread", "importance_x", "importance_y"]
    assert table.column_names == names
    assert table.num_rows == 6
    assert set(table["target"].to_pylist()) == {"b"}
