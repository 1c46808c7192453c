"""Labels passed as arrays next to the series."""

import numpy as np
import pytest

from limelight.data.annotations import StepLabels
from limelight.data.array_labels import as_step_labels, attach_labels, with_integer_classes
from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError
from limelight.task import Task

PANEL = Panel.from_series([[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]])
LENGTHS = PANEL.lengths


def in_object_array(arrays: list) -> np.ndarray:
    return np.array([*arrays, None], dtype=object)[:-1]


@pytest.mark.parametrize("container", [list, tuple, in_object_array])
def test_an_array_for_each_series_holds_step_labels(container: object) -> None:
    panel = attach_labels(PANEL, container([np.array(list(word)) for word in ("ab", "b", "aba")]))
    assert panel.labels is None
    assert panel.step_labels.classes == ("a", "b")
    assert panel.step_labels.codes[:, 0].tolist() == [0, 1, 1, 0, 1, 0]


def test_lists_are_per_step_if_level_is_step() -> None:
    panel = attach_labels(PANEL, [[0, 1], [1], [0, None, 0]], "step")
    assert panel.step_labels.codes[:, 0].tolist() == [0, 1, 1, 0, -1, 0]


def test_three_dimensions_are_step_labels() -> None:
    panel = Panel.from_series(np.zeros((2, 3)))
    labels = np.array([[[0, 1], [1, np.nan], [0, 0]], [[0, 0], [0, 0], [1, 1]]])
    found = attach_labels(panel, labels).step_labels
    assert (found.names, found.classes) == (("label_label_0", "label_label_1"), ("0", "1"))
    assert found.codes.tolist() == [[0, 1], [1, -1], [0, 0], [0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("labels", [np.array([[1, 0], [0, 1], [1, 1]]), [[1, 0], [0, np.nan], [1, 1]]])
def test_a_matrix_holds_several_labels_of_series(labels: object) -> None:
    np.testing.assert_array_equal(attach_labels(PANEL, labels).labels, labels)


@pytest.mark.parametrize("labels", [["a", "b", "a"], [1, 2, 1], [1.0, np.nan, 0.0], ["a", None, "b"]])
def test_a_list_is_one_label_for_each_series(labels: list) -> None:
    np.testing.assert_array_equal(attach_labels(PANEL, labels).labels, np.array(labels))


def test_without_labels_the_panel_keeps_its_own() -> None:
    both = PANEL.replace(labels=["a", "b", "a"], step_labels=StepLabels.of([0, 1, 0, 1, 0, 1]))
    assert attach_labels(both, None).labels.tolist() == ["a", "b", "a"]
    assert attach_labels(both, None, "step").labels is None
    for level in ("auto", "step"):
        with pytest.raises(LabelError) as error:
            attach_labels(PANEL, None, level)
        assert str(error.value) == (
            "expected labels, got none: this TimeSeriesClassifier estimator requires y to be passed, but the "
            "target y is None; pass y, or a Panel with labels"
        )


@pytest.mark.parametrize("labels", [["a", "b"], np.zeros((2, 2))])
def test_labels_for_fewer_series_are_refused(labels: object) -> None:
    with pytest.raises(LabelError) as error:
        attach_labels(PANEL, labels)
    assert str(error.value) == "expected one label for each of the 3 series, got 2 labels"


def test_another_level_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        attach_labels(PANEL, ["a", "b", "a"], "steps")
    assert str(error.value) == (
        "expected level to be one of 'auto', 'series', 'step', got 'steps'; did you mean 'step'?"
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [[0, 1], [1], [0, 1]],
            "expected a label for each of the 6 steps of 3 series, got 5 labels for 3 series; pass an array (time,) or "
            "(time, labels) for each series",
        ),
        (
            [np.zeros((2, 2)), np.zeros((1, 3)), np.zeros((3, 2))],
            "expected per-step labels of one shape, (time,) or (time, labels), for every series, got '(time, 2)', "
            "'(time, 3)'; pass the same number of labels for each step",
        ),
        (
            [np.zeros((2, 2)), np.zeros(1), np.zeros((3, 2))],
            "expected per-step labels of one shape, (time,) or (time, labels), for every series, got '(time)', "
            "'(time, 2)'; pass the same number of labels for each step",
        ),
        (
            [np.full((2, 2), 2), np.zeros((1, 2)), np.zeros((3, 2))],
            "expected 0 or 1 for label 'label_0', got 2.0 in row 0; use NaN for an unknown label",
        ),
    ],
)
def test_labels_of_steps_that_do_not_fit_are_refused(labels: list, message: str) -> None:
    with pytest.raises(LabelError) as error:
        as_step_labels(labels, LENGTHS)
    assert str(error.value) == message


def test_numeric_classes_stay_numbers_in_order() -> None:
    words = Task(("1", "10", "2"), level="step")
    assert with_integer_classes(words, [np.array([1, 2]), np.array([10])]).classes == (1, 2, 10)
    assert with_integer_classes(words, [[1.0, np.nan], [10.0]]).classes == (1, 2, 10)
    for labels in (None, [["1", "2"], ["10"]]):
        assert with_integer_classes(words, labels) == words
    several = Task(("0", "1"), multilabel=True, level="step")
    assert with_integer_classes(several, [np.zeros((2, 2))]) == several
