"""Labelling: labels that were given beside the series, of whatever form, put into their Panel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from limelight.data.facts import StepLabels
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
        Shape (n,); or 0 and 1 for several labels, NaN where not known, shape (n, labels); or of steps, see
        ``as_step_labels``. None takes those of the panel.
    level
        What they are about: ``"series"``, ``"step"``, or ``"auto"``, which takes a list of arrays, and an array of
        three dimensions, for labels of steps.

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
    listed = isinstance(labels, (list, tuple)) and len(labels) > 0 and getattr(labels[0], "ndim", 0) > 0
    if level == "step" or (level == "auto" and (listed or getattr(labels, "ndim", 0) == 3)):
        panel = panel.compact()
        return panel.with_facts(labels=None, step_labels=as_step_labels(labels, panel.lengths))
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1:
        return panel.with_labels(array)
    column = column_or_1d(array, warn=True)
    check_classification_targets(column)
    if len(column) != len(panel):
        raise LabelError(f"expected one label for each of the {len(panel)} series, got {len(column)} labels")
    return panel.with_labels(column)


def _with_own(panel: Panel, level: str) -> Panel:
    if level == "step" and panel.step_labels is not None:
        return panel.with_facts(labels=None)
    if level == "step" or (panel.labels is None and panel.step_labels is None):
        raise LabelError(
            "expected labels, got none: this TimeSeriesClassifier estimator requires y to be passed, but the "
            "target y is None; give y, or a Panel with labels"
        )
    if panel.labels is not None and panel.labels.ndim == 1:
        check_classification_targets(panel.labels[is_known(panel.labels)])
    return panel


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
        If there is not a label for each step of each series.

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
    joined = np.concatenate(arrays)
    if joined.ndim == 1:
        return StepLabels.of(joined)
    task = Task.from_labels(joined)
    names = tuple(str(name) for name in task.classes)
    return StepLabels(task.encode(joined).astype(np.int16), names, ("0", "1"))
