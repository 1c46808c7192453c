"""Attach labels passed as arrays to the series of a Panel, whether per series or per step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import StepLabels
from limelight.data.containers.label_cells import kind_of_cell, label_array
from limelight.data.containers.labels import one_hot_codes, plain_labels, without_blanks
from limelight.data.labels import STEP_LABEL
from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError, as_sentence, listing, nearest, shown
from limelight.task import Task, is_known

LEVELS = ("auto", "series", "step")


def attach_labels(
    panel: Panel, labels: Any, level: str = "auto", *, named: bool = False, task: Task | None = None
) -> Panel:
    """Add labels to a panel, with a note on what was assumed.

    Parameters
    ----------
    panel
        The series, n of them.
    labels
        One label per series, shape (n,), None or NaN if unknown; multi-label 0 or 1, NaN if unknown, shape
        (n, labels); one-hot, shape (n, classes); or per-step labels, see ``as_step_labels``. Also as a Series, a frame
        or a dict by id. None keeps the labels of the panel.
    level
        ``"series"``, ``"step"``, or ``"auto"``, which treats as per-step labels a list (or an object array) of arrays,
        an array of three dimensions, and an array with as many columns as every series has steps; and a one-hot matrix
        as one class for each series.
    named
        Whether the index or the ids of the series are those of the user, so that an index of the labels is aligned.
    task
        What a model predicts, if the labels are for its predictions; None while fitting.

    Returns
    -------
    Panel
        The panel with labels of series, or with per-step labels only.

    Raises
    ------
    LabelError
        If there are no labels, or not one for each series or step.
    ParameterError
        If ``level`` is not one of the three.

    Example
    -------
    >>> attach_labels(Panel.from_series([[1.0, 2.0], [3.0]]), ["a", "b"])
    Panel(2 series, 1 to 2 steps, 1 channel, 2 classes)
    """
    if level not in LEVELS:
        raise ParameterError(f"expected level to be one of {listing(LEVELS)}, got {level!r}{nearest(level, LEVELS)}")
    if labels is None:
        return _keep_labels(panel, level)
    plain = plain_labels(labels, panel.ids, named=named)
    panel = panel.replace(notes=(*panel.notes, *plain.notes))
    array = plain.labels
    by_columns = level == "auto" and _has_column_for_each_step(array, panel, task)
    if level == "step" or by_columns or (level == "auto" and _are_per_step(array)):
        panel = panel.compact()
        notes = []
        if by_columns:
            notes.append(
                f"took y of shape {array.shape} as a label for each of the {array.shape[1]} steps; pass level='series' "
                "if its columns are labels of the series"
            )
        steps = as_step_labels(array, panel.lengths)
        return panel.replace(labels=None, step_labels=steps, notes=(*panel.notes, *notes))
    array = np.asarray(array)
    if array.ndim == 2 and array.shape[1] > 1:
        return _with_matrix(panel, array, plain.names, level, task)
    from sklearn.utils.validation import column_or_1d  # slow to import, and wrong arguments need it not

    with _label_errors():
        array = column_or_1d(array, warn=True)
    _check_classes(array)
    if len(array) != len(panel):
        raise LabelError(f"expected one label for each of the {len(panel)} series, got {len(array)} labels")
    array, differing = without_blanks(array, () if task is None else task.classes)
    if differing:
        note = f"labels that differed only by blanks were read as one: {listing(differing)}"
        panel = panel.replace(notes=(*panel.notes, note))
    if task is not None:
        _require_comparable(array, task)
    return panel.with_labels(array)


def _require_comparable(labels: NDArray[Any], task: Task) -> None:
    """Check that labels can be compared with the predictions of a task; LabelError otherwise."""
    known = labels[is_known(labels)].tolist()
    kinds = {kind_of_cell(label) for label in known}
    classes = {kind_of_cell(label) for label in task.classes}
    if task.multilabel or (known and kinds != classes):
        found = "one label for each series" if task.multilabel else f"{kinds.pop()}, such as {shown(known[0])}"
        wanted = "a column for each label" if task.multilabel else "labels"
        raise LabelError(f"expected {wanted} as in training, {listing(task.classes)}, got {found}; convert them")


def _has_column_for_each_step(labels: Any, panel: Panel, task: Task | None) -> bool:
    """Whether an array of two dimensions has as many columns as every series has steps, at least two."""
    shape = np.shape(labels) if isinstance(labels, np.ndarray) else ()
    if len(shape) != 2 or shape[1] < 2 or shape[0] != len(panel) or not (panel.lengths == shape[1]).all():
        return False
    return task is None or task.by_step


def _with_matrix(
    panel: Panel, labels: NDArray[Any], names: tuple[str, ...] | None, level: str, task: Task | None
) -> Panel:
    """Add labels of shape (n, labels): several labels for each series, or one-hot classes."""
    if len(labels) != len(panel):
        raise LabelError(f"expected one label for each of the {len(panel)} series, got {len(labels)} labels")
    codes = one_hot_codes(labels) if level == "auto" and task is None else None
    if task is not None and not task.multilabel and not task.by_step and len(task.classes) == labels.shape[1]:
        codes = np.asarray(labels == 1).argmax(axis=1)
    if codes is not None:
        classes = np.arange(labels.shape[1]) if names is None else np.array(names)
        if task is not None:
            _require_comparable(classes, task)
        note = (
            f"took y of shape {labels.shape} as one-hot: each series has one of {labels.shape[1]} classes; pass "
            "level='series' for labels that exclude each other by chance"
        )
        return panel.with_labels(classes[codes]).replace(notes=(*panel.notes, note))
    if task is not None and not task.multilabel and not task.by_step:
        raise LabelError(
            f"expected one of the classes {listing(task.classes)} for each series, as in training, got labels of shape "
            f"{labels.shape}; pass one label for each series"
        )
    if labels.dtype.kind in "OU":
        labels = _as_numbers(labels)
    empty = np.flatnonzero(np.isnan(labels).all(axis=0)) if labels.dtype.kind == "f" else ()
    if task is None and len(empty):
        unknown = [f"label_{column}" if names is None else names[column] for column in empty]
        raise LabelError(
            f"expected every label to be known for at least one series, got none for {listing(unknown)}; remove such "
            "columns from y"
        )
    return panel.replace(labels=labels, label_names=names)


def _as_numbers(labels: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return np.array([[np.nan if cell is None else float(cell) for cell in row] for row in labels.tolist()])
    except (TypeError, ValueError):
        example = next(cell for cell in labels.ravel().tolist() if cell is not None and not _is_number(cell))
        raise LabelError(
            f"expected 0 and 1 in labels of shape {labels.shape}, a column for each label, or a column for each step, "
            f"got {shown(example)}; pass one label for each series, or one for each step of it"
        ) from None


def _is_number(cell: Any) -> bool:
    return kind_of_cell(cell) in ("numbers", "missing")


def _require_one_type(arrays: list[NDArray[Any]]) -> None:
    """Raise LabelError if some series have numbers as the labels of their steps and others have text."""
    kinds = {"text" if array.dtype.kind == "U" else "numbers" for array in arrays if array.dtype.kind in "Ubiuf"}
    if len(kinds) > 1:
        raise LabelError("expected per-step labels of one type, got numbers and text; write all as text")


def _are_per_step(labels: Any) -> bool:
    """Whether the labels are a sequence of arrays or an array of three dimensions."""
    dimensions = getattr(labels, "ndim", None)
    listed = isinstance(labels, (list, tuple)) or (dimensions == 1 and labels.dtype.kind == "O")
    return dimensions == 3 or (listed and len(labels) > 0 and getattr(labels[0], "ndim", 0) > 0)


def _check_classes(labels: NDArray[Any]) -> None:
    """Raise LabelError if the labels are continuous numbers, not classes."""
    known = labels[is_known(labels)]
    if len(known):
        from sklearn.utils.multiclass import check_classification_targets

        with _label_errors():
            check_classification_targets(np.array(known.tolist()) if known.dtype.kind == "O" else known)


@contextmanager
def _label_errors() -> Iterator[None]:
    """Convert scikit-learn's errors about labels to a LabelError."""
    try:
        yield
    except ValueError as error:
        raise LabelError(as_sentence(error)) from error


def _keep_labels(panel: Panel, level: str) -> Panel:
    if level == "step" and panel.step_labels is not None:
        return panel.replace(labels=None)
    if level == "step" or (panel.labels is None and panel.step_labels is None):
        raise LabelError(
            "expected labels, got none: this TimeSeriesClassifier estimator requires y to be passed, but the "
            "target y is None; pass y, or a Panel with labels"
        )
    if panel.labels is not None and panel.labels.ndim == 1:
        _check_classes(panel.labels)
    return panel


def with_integer_classes(task: Task, labels: Any) -> Task:
    """Convert the classes of per-step labels to integers if the labels were passed as numbers, as for series.

    Parameters
    ----------
    task
        The classification task.
    labels
        The labels as passed, see ``as_step_labels``; None if they came with a Panel, whose classes are text.

    Returns
    -------
    Task
        The same task, with integer classes in ascending order if the labels are numbers.

    Example
    -------
    >>> with_integer_classes(Task(("1", "10", "2"), level="step"), [np.array([1, 2]), np.array([10, 1])]).classes
    (1, 2, 10)
    """
    if labels is None or task.multilabel or not task.by_step:
        return task
    kinds = {np.asarray(array).dtype.kind for array in labels}
    whole = all(isinstance(name, str) and name.removeprefix("-").isdecimal() for name in task.classes)
    if not whole or not kinds <= set("iuf"):
        return task
    return replace(task, classes=tuple(sorted(map(int, task.classes))))


def as_step_labels(labels: Any, lengths: NDArray[np.int64]) -> StepLabels:
    """Build per-step labels from arrays.

    Parameters
    ----------
    labels
        An array (n, time) or (n, time, labels), or a list with one array (time,) or (time, labels) per series. A single
        label per step is text or a number; multi-label is 0 or 1. None or NaN if unknown.
    lengths
        The number of steps of each series, shape (n,).

    Returns
    -------
    StepLabels
        The labels of all steps, series by series.

    Raises
    ------
    LabelError
        If there is not one label for each step of each series, or the number of labels per step differs.

    Example
    -------
    >>> as_step_labels([["a", "b"], ["a"]], np.array([2, 1])).codes[:, 0].tolist()
    [0, 1, 0]
    """
    arrays = [label_array(array) for array in labels]
    label_counts = [len(array) if array.ndim else 0 for array in arrays]
    if label_counts != lengths.tolist():
        raise LabelError(
            f"expected a label for each of the {int(lengths.sum())} steps of {len(lengths)} series, got "
            f"{sum(label_counts)} labels for {len(label_counts)} series; pass an array (time,) or (time, labels) for "
            "each series"
        )
    shapes = sorted({array.shape[1:] for array in arrays})
    if len(shapes) > 1 or len(shapes[0]) > 1:
        got = listing([f"(time{''.join(f', {extent}' for extent in shape)})" for shape in shapes])
        raise LabelError(
            f"expected per-step labels of one shape, (time,) or (time, labels), for every series, got {got}; pass the "
            "same number of labels for each step"
        )
    _require_one_type(arrays)
    joined = np.concatenate(arrays)
    if joined.ndim == 1:
        return StepLabels.of(joined)
    task = Task.from_labels(joined)
    names = tuple(f"{STEP_LABEL}{name}" for name in task.classes)
    return StepLabels(task.encode(joined).astype(np.int16), names, ("0", "1"))
