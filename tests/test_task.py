import numpy as np
import pytest

from limelight.errors import LabelError, ModelFolderError, ParameterError
from limelight.task import Task


@pytest.mark.parametrize("labels", [["b", "a", "b"], [2, 1, 2], [True, False, True], np.array(["b", "a", "b"], object)])
def test_labels_survive_encoding(labels: object) -> None:
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
    assert str(error.value) == "positive='c' is not one of the classes; they are 'a', 'b'"


def test_unknown_labels_are_named() -> None:
    with pytest.raises(LabelError) as error:
        Task(("a", "b")).encode(["a", "z", "y", "z"])
    assert str(error.value) == (
        "expected labels among the classes 'a', 'b', got 'y', 'z'; "
        "leave these series out, or train with series of that class"
    )


@pytest.mark.parametrize("task", [Task(("a", "b"), positive="a"), Task((1, 2, 3)), Task((False, True))])
def test_json_says_the_whole_task(task: Task) -> None:
    assert Task.from_json(task.to_json()) == task


def test_foreign_json_is_refused() -> None:
    with pytest.raises(ModelFolderError) as error:
        Task.from_json({"level": "step", "classes": ["a", "b"]})
    assert str(error.value) == (
        "expected a task with one label for each series and a list of classes, got "
        "\"{'level': 'step', 'classes': ['a', 'b']}\"; the model is damaged or from a newer limelight"
    )
