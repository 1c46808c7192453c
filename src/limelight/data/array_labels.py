"""Labelling: labels that were given beside the series, of whatever form, put into their Panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from limelight.data.annotations import StepLabels
from limelight.data.labels import STEP_LABEL
from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError, listing, nearest
from limelight.task import Task, is_known

LEVELS = ("auto", "series", "step")


def with_given_labels(panel: Panel, labels: Any, level: str = "auto") -> Panel:
    """Give the panel with labels.

    Parameters
    ----------
    panel
        The series, n of them.
    labels
        Shape (n,), None or NaN where not known; or 0 and 1 for several labels, NaN where not known, shape (n, labels);
        or of steps, see ``as_step_labels``. None takes those of the panel.
    level
        What they are about: ``"series"``, ``"step"``, or ``"auto"``, which takes a list (or an array of type object) of
        arrays, and an array of three dimensions, for labels of steps.

    Returns
    -------
    Panel
        With labels of series, or of steps alone.

    Raises
    ------
    LabelError
        If there are none, or not one for each series or step.
    ParameterError
        If ``level`` is another word.

    Example
    -------
    >>> with_given_labels(Panel.from_series([[1.0, 2.0], [3.0]]), ["a", "b"])
    Panel(2 series, 1 to 2 steps, 1 channel, 2 classes)
    """
    if level not in LEVELS:
        raise ParameterError(f"expected level to be one of {listing(LEVELS)}, got {level!r}{nearest(level, LEVELS)}")
    if labels is None:
        return _with_own(panel, level)
    if level == "step" or (level == "auto" and _of_steps(labels)):
        panel = panel.compact()
        return panel.replace(labels=None, step_labels=as_step_labels(labels, panel.lengths))
    array = np.asarray(labels)
    if array.ndim != 2 or array.shape[1] == 1:
        array = column_or_1d(array, warn=True)
        _check_classes(array)
    if len(array) != len(panel):
        raise LabelError(f"expected one label for each of the {len(panel)} series, got {len(array)} labels")
    return panel.with_labels(array)


def _of_steps(labels: Any) -> bool:
    """Say whether labels are one array for each series, or a block of them."""
    dimensions = getattr(labels, "ndim", None)
    listed = isinstance(labels, (list, tuple)) or (dimensions == 1 and labels.dtype.kind == "O")
    return dimensions == 3 or (listed and len(labels) > 0 and getattr(labels[0], "ndim", 0) > 0)


def _check_classes(labels: NDArray[Any]) -> None:
    """Refuse numbers that are no classes, with scikit-learn's error."""
    known = labels[is_known(labels)]
    if len(known):
        check_classification_targets(np.array(known.tolist()) if known.dtype.kind == "O" else known)


def _with_own(panel: Panel, level: str) -> Panel:
    if level == "step" and panel.step_labels is not None:
        return panel.replace(labels=None)
    if level == "step" or (panel.labels is None and panel.step_labels is None):
        raise LabelError(
            "expected labels, got none: this TimeSeriesClassifier estimator requires y to be passed, but the "
            "target y is None; give y, or a Panel with labels"
        )
    if panel.labels is not None and panel.labels.ndim == 1:
        _check_classes(panel.labels)
    return panel


def task_in_numbers(task: Task, labels: Any) -> Task:
    """Name the classes of steps by whole numbers where they were given so, as those of series are.

    Parameters
    ----------
    task
        What is asked.
    labels
        As given, see ``as_step_labels``; None where they came in a Panel, which names classes by words.

    Returns
    -------
    Task
        The same, its classes numbers in their order.

    Example
    -------
    >>> task_in_numbers(Task(("1", "10", "2"), level="step"), [np.array([1, 2]), np.array([10, 1])]).classes
    (1, 2, 10)
    """
    if labels is None or task.multilabel or not task.by_step:
        return task
    kinds = {np.asarray(one).dtype.kind for one in labels}
    whole = all(isinstance(name, str) and name.removeprefix("-").isdecimal() for name in task.classes)
    if not whole or not kinds <= set("iuf"):
        return task
    return replace(task, classes=tuple(sorted(map(int, task.classes))))


def as_step_labels(labels: Any, lengths: NDArray[np.int64]) -> StepLabels:
    """Make labels of single steps from arrays.

    Parameters
    ----------
    labels
        An array (n, time) or (n, time, labels), or a list with an array (time,) or (time, labels) for each series. One
        label for each step is a word or a number; several are 0 and 1. None or NaN where one is not known.
    lengths
        Steps of each series, shape (n,).

    Returns
    -------
    StepLabels
        Of all steps of all series one after the other.

    Raises
    ------
    LabelError
        If there is not a label for each step of each series, or not as many labels at each.

    Example
    -------
    >>> as_step_labels([["a", "b"], ["a"]], np.array([2, 1])).codes[:, 0].tolist()
    [0, 1, 0]
    """
    arrays = [np.asarray(one) for one in labels]
    given = [len(one) if one.ndim else 0 for one in arrays]
    if given != lengths.tolist():
        raise LabelError(
            f"expected a label for each of the {int(lengths.sum())} steps of {len(lengths)} series, got {sum(given)} "
            f"labels for {len(given)} series; give an array (time,) or (time, labels) for each"
        )
    shapes = sorted({one.shape[1:] for one in arrays})
    if len(shapes) > 1 or len(shapes[0]) > 1:
        said = listing([f"(time{''.join(f', {extent}' for extent in shape)})" for shape in shapes])
        raise LabelError(
            f"expected labels of steps of one shape, (time,) or (time, labels), for every series, got {said}; give "
            "each step as many labels"
        )
    joined = np.concatenate(arrays)
    if joined.ndim == 1:
        return StepLabels.of(joined)
    task = Task.from_labels(joined)
    names = tuple(f"{STEP_LABEL}{name}" for name in task.classes)
    return StepLabels(task.encode(joined).astype(np.int16), names, ("0", "1"))
