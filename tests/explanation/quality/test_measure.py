"""Measures of explanations: faithfulness, randomised weights, and permutation importance."""

import json

import numpy as np
import pytest
import torch

from limelight.data.panel import Panel
from limelight.errors import DataError, LabelError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import METHODS
from limelight.explanation.quality.faithfulness import faithfulness, overlap
from limelight.explanation.quality.measure import measure_explanations
from limelight.explanation.quality.permutation_importance import permutation_importance
from limelight.explanation.quality.sanity import randomised, sanity
from limelight.model.fitted import Prediction
from limelight.task import Task
from support.linear import linear, noise
from support.models import random_network_model
from support.panels import bump_panel


@pytest.fixture
def blind(monkeypatch):
    """A method that calls what it likes important, whatever the weights."""

    def backwards(model, panel, target=None):
        shown = METHODS["gradients"](model, panel, target)
        return Explanation(panel, shown.prediction, [-one for one in shown.importance], "backwards", shown.target)

    def picture(model, panel, target=None):
        sizes = [np.abs(panel.series(row)).sum(axis=1) for row in range(len(panel))]
        return Explanation(panel, model.predict(panel), sizes, "picture", shown_target(model, panel))

    def shown_target(model, panel):
        return np.array(model.task.classes)[np.zeros(len(panel), dtype=int)]

    monkeypatch.setitem(METHODS, "backwards", backwards)
    monkeypatch.setitem(METHODS, "picture", picture)


def test_faithful_orders_beat_random_and_wrong_ones_lose(blind):
    found = faithfulness(linear([[1.0]]), noise(*[40] * 60), ["gradients", "backwards"])
    methods = found["methods"]
    assert methods["gradients"]["gain"] > 0.3
    assert methods["backwards"]["gain"] < -0.3
    agreement = methods["gradients"]["agreement"]
    assert found["verdict"] == (
        "Trust gradients most for this model: what it calls important agrees with what hiding stretches does to the "
        f"prediction (correlation {agreement['score']:.2f}, NDCG {agreement['ndcg']:.2f}, by chance "
        f"{agreement['ndcg_by_chance']:.2f}; 50 series); backwards is no better than chance."
    )
    assert (found["trusted"], found["chance"]) == (["gradients"], ["backwards"])
    assert json.loads(json.dumps(found))["series"] == 50


def test_curves_go_from_series_to_background_and_back():
    model, panel = linear([[1.0]]), noise(30, 30, 30)
    background = Panel.from_series([np.full(5, 0.1)])
    found = faithfulness(model, panel, ["gradients"], target="b", background=background, fractions=6)
    own, other = (
        model.predict(some).probabilities[:, 1].mean() for some in (panel, Panel.from_series([np.full(30, 0.1)]))
    )
    for name in ("gradients", "random"):
        curves = found["methods"][name]["curves"]
        assert len(curves["deletion"]) == 7
        assert [curves["deletion"][0], curves["insertion"][-1]] == pytest.approx([own, own], abs=1e-6)
        assert [curves["deletion"][-1], curves["insertion"][0]] == pytest.approx([other, other], abs=1e-6)


def test_predictions_of_steps_and_several_labels_are_measured():
    for task in ({"level": "step"}, {"multilabel": True}):
        found = faithfulness(
            linear([[1.0]] if "level" in task else [[1.0, -1.0]], **task), noise(*[20] * 6), ["gradients"]
        )
        assert 0 <= found["methods"]["gradients"]["deletion"] <= 1


def test_overlap_counts_positive_importance_inside_the_interval():
    panel = Panel.from_series(np.zeros((3, 4)), intervals=[(1, 3), (0, 1), (-1, -1)])
    predictions = Prediction(panel.ids, Task(("a", "b")), np.zeros((3, 1)))
    given = [np.array([1.0, 2.0, 1.0, -9.0]), np.array([-1.0, -1.0, -1.0, -1.0]), np.zeros(4)]
    found = overlap(Explanation(panel, predictions, given, "gradients", np.array(["a", "a", "a"])))
    assert found == {"series": 2, "inside": 0.5, "peak_inside": 0.625, "inside_uniform": 0.375}


@pytest.mark.parametrize("name", ["series", "fractions", "orders", "masks"])
def test_too_little_to_measure_is_refused(name):
    least = {"series": 2, "masks": 3}.get(name, 1)
    with pytest.raises(ParameterError) as error:
        faithfulness(linear([[1.0]]), noise(9, 9), **{name: 0})
    assert str(error.value) == f"expected {name} of at least {least}, got {name}=0; increase {name}"


def test_one_series_alone_is_refused():
    with pytest.raises(DataError) as error:
        faithfulness(linear([[1.0]]), noise(9))
    assert str(error.value) == "expected at least two series to measure explanations on, got 1; add more series"


def test_random_weights_keep_the_scaling_and_change_the_predictions():
    model, panel = random_network_model(channels=1), noise(20, 20)
    model.network.normalisation.mean.fill_(3.0)
    other = randomised(model)
    assert other.network.normalisation.mean.tolist() == [3.0]
    assert (other.predict(panel).logits != model.predict(panel).logits).all()
    np.testing.assert_array_equal(other.predict(panel).logits, randomised(model).predict(panel).logits)


def test_random_weights_differ_from_the_initial_weights():
    torch.manual_seed(5)
    model, panel = random_network_model(channels=1), noise(20)
    assert (randomised(model, 5).predict(panel).logits != model.predict(panel).logits).all()


def test_random_weights_change_explanations_but_not_series(blind):
    panel = halves(200)
    model = TimeSeriesClassifier("gru", max_epochs=4, random_state=0, progress=False).fit(panel).model_
    found = sanity(model, panel[:20], ["attention", "gradients", "occlusion", "picture"])
    assert found["picture"]["signed"] == pytest.approx(1.0)
    for name in ("attention", "gradients", "occlusion"):
        assert abs(found[name]["signed"]) < 0.6


def test_series_of_one_step_have_no_rank_correlation():
    with pytest.raises(DataError) as error:
        sanity(random_network_model(channels=1), noise(1, 1), ["gradients"])
    assert str(error.value) == (
        "expected a series of at least two steps to compare explanations, got none; choose longer series"
    )


def halves(n=60):
    """Series whose label is the sign of the first half of channel 0."""
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], n)
    values = 0.1 * random.normal(size=(n, 20, 2))
    values[:, :10, 0] += signs[:, None]
    return Panel.from_series(values, labels=np.where(signs > 0, "b", "a"))


@pytest.mark.parametrize("by", ["balanced_accuracy", "log_loss"])
def test_importance_is_high_where_the_label_is_determined(by):
    found = permutation_importance(linear([[0.2], [0.0]]), halves(), by=by)
    assert found["channels"]["channel_0"]["mean"] > 0.3
    assert found["channels"]["channel_1"] == {"mean": 0.0, "deviation": 0.0}
    late = [found["stretches"][name]["mean"] for name in ("50-60 %", "90-100 %")]
    assert abs(np.array(late)).max() < 0.01
    assert json.loads(json.dumps(found)) == found
    if by == "log_loss":
        assert found["stretches"]["0-10 %"]["mean"] > 0.01


def test_importance_names_fields_and_signals():
    panel = bump_panel(40, num_points=20)
    model = TimeSeriesClassifier("gru", max_epochs=1, random_state=0, progress=False).fit(panel).model_
    assert list(permutation_importance(model, panel, repeats=1)["fields"]) == ["mode"]


def test_importance_of_several_labels_and_of_steps():
    several = Panel.from_series(np.random.default_rng(0).normal(size=(8, 9)), labels=[[0, 1], [1, 0]] * 4)
    for by in ("balanced_accuracy", "log_loss"):
        assert (
            "channel_0"
            in permutation_importance(linear([[1.0, -1.0]], ("x", "y"), multilabel=True), several, by=by)["channels"]
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "accuracy"}, "expected by to name a score, got by='accuracy'; did you mean 'balanced_accuracy'?"),
        ({"repeats": 0}, "expected at least 1 repeat, got repeats=0; increase repeats"),
    ],
)
def test_impossible_importance_is_refused(arguments, message):
    with pytest.raises(ParameterError) as error:
        permutation_importance(linear([[1.0], [0.0]]), halves(), **arguments)
    assert str(error.value) == message


def test_importance_needs_two_classes():
    with pytest.raises(LabelError) as error:
        permutation_importance(linear([[1.0]]), noise(5, 5, labels=["a", "a"]))
    assert str(error.value) == (
        "expected series of at least two classes to measure permutation importance, got one class; add "
        "series of another class"
    )


def test_a_run_measures_both_on_few_series():
    panel = noise(*[20] * 150).replace(labels=np.array(list("ab") * 75))
    found = measure_explanations(linear([[1.0]]), panel, panel, series=10)
    assert found == measure_explanations(linear([[1.0]]), panel, panel, series=10)
    assert (found["series"], found["importance"]["series"]) == (10, 100)
    assert set(found["methods"]) == {"gradients", "occlusion", "random"}
    assert json.loads(json.dumps(found)) == found


def test_long_series_are_measured_less_or_not_at_all():
    for length, series in ((5_000, 3), (40_000, None)):
        panel = noise(*[length] * 8).replace(labels=np.array(list("ab") * 4))
        found = measure_explanations(linear([[1.0]]), panel, panel)
        assert found is None if series is None else found["series"] == series


def test_a_run_with_one_known_class_measures_no_importance():
    panel = noise(20, 20, 20).replace(labels=np.array(list("aaa")))
    assert measure_explanations(linear([[1.0]]), panel, panel)["importance"] is None
