"""Decision: how logits become predictions, saved as JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.errors import ModelFolderError
from limelight.model.decision import Decision, Mixing
from limelight.model.fitted import Prediction
from limelight.task import Task

LABELS, TWO, THREE = Task(("rain", "fog"), multilabel=True), Task(("a", "b")), Task(("a", "b", "c"))
numbers = st.none() | st.lists(st.floats(0.05, 20), min_size=2, max_size=2).map(np.array)


@given(temperature=numbers, thresholds=numbers)
@settings(deadline=None, max_examples=50)
def test_decision_survives_json(temperature: np.ndarray | None, thresholds: np.ndarray | None) -> None:
    content = Decision(temperature, thresholds, {"sets": {"target": 0.9}}).to_json()
    assert Decision.from_json(json.loads(json.dumps(content, allow_nan=False)), LABELS).to_json() == content


def test_a_temperature_for_each_label_divides_its_logits() -> None:
    decision = Decision(temperature=np.array([2.0, 0.5]))
    apply_temperature = decision.apply_temperature(np.array([[4.0, 4.0], [-1.0, 0.0]]))
    assert apply_temperature.tolist() == [[2.0, 8.0], [-0.5, 0.0]]
    assert decision.undo_temperature(apply_temperature).tolist() == [[4.0, 4.0], [-1.0, 0.0]]


def test_logits_are_unchanged_without_a_temperature() -> None:
    logits = np.array([[4.0]])
    assert Decision().apply_temperature(logits) is logits
    assert Decision().undo_temperature(logits) is logits


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"temperature": None, "thresholds": None},
        {"temperature": [0.0], "thresholds": None, "told": {}},
        {"temperature": [-1.0], "thresholds": None, "told": {}},
        {"temperature": [float("nan")], "thresholds": None, "told": {}},
        {"temperature": ["warm"], "thresholds": None, "told": {}},
        {"temperature": None, "thresholds": [float("nan")], "told": {}},
        {"temperature": None, "thresholds": {"rain": 0.5}, "told": {}},
        {"temperature": None, "thresholds": None, "told": 3},
        {"temperature": [1.0, 1.0, 1.0], "thresholds": None, "told": {}},
        {"temperature": None, "thresholds": [0.5], "told": {}},
    ],
    ids=str,
)
def test_damaged_json_is_refused(content: object) -> None:
    with pytest.raises(ModelFolderError) as error:
        Decision.from_json(content, LABELS)
    assert str(error.value) == (
        f"expected a decision, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
    )


@pytest.mark.parametrize(("task", "values"), [(TWO, [0.5, 0.5]), (THREE, [0.5]), (THREE, [0.5, 0.5, 0.5])])
def test_thresholds_that_do_not_fit_the_task_are_refused(task: Task, values: list[float]) -> None:
    content = {"temperature": None, "thresholds": values, "told": {}}
    with pytest.raises(ModelFolderError) as error:
        Decision.from_json(content, task)
    assert str(error.value).startswith(f"expected a decision, got {str(content)[:80]!r}; the model is damaged")


def test_a_mixture_is_kept_as_json() -> None:
    content = Decision(mixing=Mixing(0.02, np.array([0.7, 0.2, 0.1]))).to_json()
    assert Decision.from_json(json.loads(json.dumps(content)), THREE).to_json() == content


def test_decisions_of_earlier_versions_have_no_mixture() -> None:
    assert Decision.from_json({"temperature": None, "thresholds": None, "told": {}}, TWO).mixing is None


@pytest.mark.parametrize(
    "mixing",
    [3, {}, {"weight": 0.0, "shares": [0.5, 0.5]}, {"weight": 0.1, "shares": [1.0]}, {"weight": 0.1, "shares": [1, 0]}],
    ids=str,
)
def test_a_damaged_mixture_is_refused(mixing: object) -> None:
    content = {"temperature": None, "thresholds": None, "told": {}, "mixing": mixing}
    with pytest.raises(ModelFolderError) as error:
        Decision.from_json(content, TWO)
    assert str(error.value) == (
        f"expected a decision, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
    )


def test_probabilities_are_mixed_after_the_softmax() -> None:
    logits = np.array([[3.0, -1.0, 0.5]])
    plain = Prediction(np.array(["a"]), THREE, logits)
    mixed = Prediction(np.array(["a"]), THREE, logits, mixing=Mixing(0.1, np.array([0.5, 0.3, 0.2])))
    np.testing.assert_allclose(mixed.probabilities, 0.9 * plain.probabilities + [[0.05, 0.03, 0.02]])
    assert mixed.logits is logits
