import numpy as np
import pytest

from limelight.errors import LabelError, ModelFolderError, ParameterError
from limelight.task import Task


@pytest.mark.parametrize("labels", [["b", "a", "b"], [2, 1, 2], [True, False, True], np.array(["b", "a", "b"], object)])
def test_encoding_is_reversible(labels: object) -> None:
    task = Task.from_labels(labels)
    np.testing.assert_array_equal(task.decode(task.encode(labels)), labels)


def test_two_classes_need_one_logit_and_three_need_three() -> None:
    assert (Task(("a", "b")).kind, Task(("a", "b")).outputs) == ("binary", 1)
    assert (Task(("a", "b", "c")).kind, Task(("a", "b", "c")).outputs) == ("multiclass", 3)


def test_positive_class_is_the_last_unless_stated() -> None:
    assert Task(("a", "b")).positive_index == 1
    assert Task(("a", "b"), positive="a").positive_index == 0


def test_positive_class_must_be_a_class() -> None:
    with pytest.raises(ParameterError) as error:
        Task(("a", "b"), positive="c")
    assert str(error.value) == "expected one of the classes 'a', 'b' for positive, got 'c'"


def test_unknown_labels_are_named() -> None:
    with pytest.raises(LabelError) as error:
        Task(("a", "b")).encode(["a", "z", "y", "z"])
    assert str(error.value) == (
        "expected labels among the classes 'a', 'b', got 'y', 'z'; "
        "remove these series, or train with series of that class"
    )


@pytest.mark.parametrize(
    "task",
    [
        Task(("a", "b"), positive="a"),
        Task((1, 2, 3)),
        Task((False, True)),
        Task(("rain",), multilabel=True),
        Task(("a", "b"), level="step"),
    ],
)
def test_a_task_survives_json(task: Task) -> None:
    assert Task.from_json(task.to_json()) == task


def test_foreign_json_is_refused() -> None:
    with pytest.raises(ModelFolderError) as error:
        Task.from_json({"level": "recording", "classes": ["a", "b"]})
    assert str(error.value) == (
        "expected a task with a level and a list of classes, got "
        "\"{'level': 'recording', 'classes': ['a', 'b']}\"; the model is damaged or from a newer limelight"
    )


def test_a_matrix_of_labels_is_multilabel() -> None:
    task = Task.from_labels([[1, 0, 1], [0, 0, 1]], names=("rain", "fog", "hail"))
    assert (task.kind, task.outputs, task.classes) == ("multilabel", 3, ("rain", "fog", "hail"))


def test_one_binary_column_may_be_multilabel() -> None:
    assert Task.from_labels([[1], [0]]).classes == ("label_0",)


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        (["b", None, "a"], [1, -1, 0]),
        (["b", "", "a"], [1, -1, 0]),
        ([2.0, np.nan, 1.0], [1, -1, 0]),
        (np.array([2, None, 1], dtype=object), [1, -1, 0]),
        ([[1, np.nan], [0, 1]], [[1, -1], [0, 1]]),
    ],
)
def test_unknown_labels_have_the_code_minus_one(labels: object, codes: list[int]) -> None:
    assert Task.from_labels(labels).encode(labels).tolist() == codes


def test_integer_labels_stay_integers_if_some_are_unknown() -> None:
    assert Task.from_labels([2.0, np.nan, 1.0]).classes == (1, 2)


def test_no_known_label_is_refused() -> None:
    with pytest.raises(LabelError) as error:
        Task.from_labels([None, None])
    assert str(error.value) == (
        "expected labels of at least two classes, got no known label; add labelled examples of other classes"
    )


def test_several_labels_are_zero_and_one() -> None:
    with pytest.raises(LabelError) as error:
        Task(("rain", "fog"), multilabel=True).encode([[1, 0], [2, 0]])
    assert str(error.value) == ("expected 0 or 1 for label 'rain', got 2 in row 1; use NaN for an unknown label")


def test_several_labels_of_another_number_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        Task(("rain", "fog"), multilabel=True).encode([1, 0])
    assert str(error.value) == (
        "expected 0 or 1 for each of 2 labels ('rain', 'fog'), got an array of shape (2,); pass a matrix of shape "
        "(series, 2)"
    )


def test_several_words_for_each_series_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        Task.from_labels([["a", "b"], ["c", "d"]])
    assert str(error.value) == "expected 0 and 1 for multi-label targets, got <U1; convert them to numbers"


def test_a_positive_class_needs_classes() -> None:
    with pytest.raises(ParameterError) as error:
        Task(("rain", "fog"), positive="rain", multilabel=True)
    assert str(error.value) == (
        "expected no positive class for a multi-label task, got positive='rain'; remove it, as each label has a positive "
        "class of its own"
    )


def test_a_task_without_labels_is_refused() -> None:
    with pytest.raises(LabelError) as error:
        Task((), multilabel=True)
    assert str(error.value) == "expected at least one label for a multi-label task, got none; name its columns"
