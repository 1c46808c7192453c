"""Targets: the task inferred from the labels, and labels of series and steps as codes."""

import numpy as np
import pytest

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError
from limelight.model.batching import make_batch
from limelight.model.targets import targets_of, task_of
from limelight.task import Task

SERIES = [[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]]


def of_steps(*words: object) -> Panel:
    return Panel.from_series(SERIES, step_labels=StepLabels.of(words))


def of_several(codes: object, names: tuple[str, ...] = ("label_rain", "label_fog")) -> Panel:
    return Panel.from_series(SERIES, step_labels=StepLabels(np.array(codes, dtype=np.int16), names, ("0", "1")))


SEVERAL = [[0, 1], [1, 1], [-1, 0], [0, 0], [1, -1], [0, 1]]


@pytest.mark.parametrize(
    ("panel", "task"),
    [
        (Panel.from_series(SERIES, labels=["b", "a", "b"]), Task(("a", "b"))),
        (Panel.from_series(SERIES, labels=[3, 1, 2]), Task((1, 2, 3))),
        (Panel.from_series(SERIES, labels=["b", None, "a"]), Task(("a", "b"))),
        (
            Panel.from_series(SERIES, labels=[[1, 0], [0, 1], [np.nan, 1]], label_names=("rain", "fog")),
            Task(("rain", "fog"), multilabel=True),
        ),
        (of_steps("b", "a", None, "c", "a", "a"), Task(("a", "b", "c"), level="step")),
        (of_steps(0, 1, None, 0, 0, 0), Task(("0", "1"), level="step")),
        (of_several(SEVERAL), Task(("rain", "fog"), multilabel=True, level="step")),
    ],
    ids=["words", "numbers", "unknown", "several", "steps", "steps of 0 and 1", "several of steps"],
)
def test_the_task_is_inferred_from_the_labels(panel: Panel, task: Task) -> None:
    assert task_of(panel) == task


def test_labels_of_series_take_precedence_over_labels_of_steps() -> None:
    panel = of_steps("b", "a", "a", "a", "a", "a").with_labels(["x", "y", "x"])
    assert task_of(panel) == Task(("x", "y"))


def test_classes_of_steps_are_those_that_occur() -> None:
    panel = of_steps("b", "a", "c", "a", "a", None)
    assert task_of(panel[[0, 2]]).classes == ("a", "b")
    with pytest.raises(LabelError) as error:
        task_of(panel[[1]])
    assert str(error.value) == (
        "expected labels of at least two classes, got one class, 'c'; add labelled examples of other classes"
    )


def test_0_and_1_are_two_classes_if_only_one_occurs() -> None:
    zeros = StepLabels(np.zeros((6, 1), dtype=np.int16), ("label_event",), ("0", "1"))
    assert task_of(Panel.from_series(SERIES, step_labels=zeros)).classes == ("0", "1")


def test_the_positive_class_may_be_stated() -> None:
    assert task_of(of_steps("b", "a", "a", "a", "a", "a"), "a").positive == "a"
    with pytest.raises(ParameterError) as error:
        task_of(of_several(SEVERAL), "rain")
    assert str(error.value) == (
        "expected no positive class for a multi-label task, got positive='rain'; remove it, as each label has a positive "
        "class of its own"
    )


def test_series_without_labels_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        task_of(Panel.from_series(SERIES))
    assert str(error.value) == "expected labelled series, got series without labels; give labels with them"


@pytest.mark.parametrize(
    ("panel", "codes"),
    [
        (Panel.from_series(SERIES, labels=["b", None, "a"]), [1, -1, 0]),
        (Panel.from_series(SERIES, labels=[[1, 0], [0, 1], [np.nan, 1]]), [[1, 0], [0, 1], [-1, 1]]),
        (of_steps("b", "a", None, "c", "a", "a"), [1, 0, -1, 2, 0, 0]),
        (of_several(SEVERAL), SEVERAL),
    ],
    ids=["series", "several", "steps", "several of steps"],
)
def test_unknown_labels_are_encoded_as_minus_one(panel: Panel, codes: list) -> None:
    targets = targets_of(task_of(panel), panel)
    assert targets.every().tolist() == codes
    assert targets.is_multilabel == (np.ndim(codes) == 2)
    order = [2, 0]
    assert targets_of(task_of(panel), panel[order]).every().tolist() == (
        [codes[row] for row in order] if len(codes) == 3 else codes[3:] + codes[:2]
    )


@pytest.mark.parametrize("several", [False, True])
def test_labels_of_padding_are_unknown(several: bool) -> None:
    panel = of_several(SEVERAL) if several else of_steps("b", "a", None, "c", "a", "a")
    targets = targets_of(task_of(panel), panel)
    batch = make_batch(panel, np.array([1, 2, 0]), targets)
    nothing = [-1, -1] if several else -1
    every = targets.every().tolist()
    assert batch.targets.tolist() == [[every[2], nothing, nothing], every[3:], [*every[:2], nothing]]


def test_codes_depend_on_the_task_and_not_the_panel() -> None:
    task = Task(("c", "a", "b"), level="step")
    assert targets_of(task, of_steps("b", "a", None, "a", "a", "a")).every().tolist() == [2, 1, -1, 1, 1, 1]
    numbers = Task((0, 1), level="step")
    assert targets_of(numbers, of_steps(0, 1, None, 0, 0, 1)).every().tolist() == [0, 1, -1, 0, 0, 1]


def test_labels_are_found_by_name() -> None:
    task = Task(("fog", "rain"), multilabel=True, level="step")
    expected = [[fog, rain] for rain, fog in SEVERAL]
    assert targets_of(task, of_several(SEVERAL)).every().tolist() == expected
    with pytest.raises(LabelError) as error:
        targets_of(task, of_several(SEVERAL, ("label_rain", "label_hail")))
    assert str(error.value) == "expected the labels 'fog', 'rain' at each step, 'fog' is missing"


def test_a_class_unseen_in_training_is_named() -> None:
    panel, task = of_steps("b", "a", None, "z", "a", "a"), Task(("a", "b"), level="step")
    with pytest.raises(LabelError) as error:
        targets_of(task, panel)
    assert str(error.value) == (
        "expected labels among the classes 'a', 'b', got 'z'; remove these steps, or train with steps of that class"
    )
    assert targets_of(task, panel[[0, 1]]).every().tolist() == [1, 0, -1]


def test_missing_labels_of_steps_are_refused() -> None:
    with pytest.raises(LabelError) as error:
        targets_of(Task(("a", "b"), level="step"), Panel.from_series(SERIES, labels=["a", "b", "a"]))
    assert str(error.value) == "expected a label at each step, got none; pass per-step labels with the series"
