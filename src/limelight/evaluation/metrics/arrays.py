"""Validation of true codes and probabilities against the task."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, LabelError
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles


def checked_probabilities(task: Task, probabilities: ArrayLike) -> Doubles:
    """Check that there is a probability for each class or label.

    Parameters
    ----------
    task
        The classes or labels.
    probabilities
        Shape (N, classes), or (N, labels) if multi-label, in [0, 1].

    Returns
    -------
    NDArray[np.float64]
        The probabilities as an array.

    Raises
    ------
    DataError
        If the shape is wrong, or a value is outside [0, 1] or NaN.

    Example
    -------
    >>> checked_probabilities(Task(("a", "b")), [[0.25, 0.75]]).tolist()
    [[0.25, 0.75]]
    """
    array, width = np.asarray(probabilities, dtype=np.float64), len(task.classes)
    if array.ndim != 2 or array.shape[1] != width:
        raise DataError(f"expected probabilities of shape (N, {width}), got {array.shape}; pass one per class or label")
    if len(array) and not (array.min() >= 0 and array.max() <= 1):
        raise DataError(
            "expected probabilities from 0 to 1, got values outside this range or NaN; pass probabilities, not logits"
        )
    return array


def checked_codes(task: Task, codes: ArrayLike, rows: int) -> Codes:
    """Check that the true codes match the task and the number of predictions.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes, -1 if unknown, shape (N,), or (N, labels) if multi-label.
    rows
        The number of predictions N.

    Returns
    -------
    NDArray[np.int64]
        The codes as an array.

    Raises
    ------
    LabelError
        If the shape is wrong, or a code is not that of a class.

    Example
    -------
    >>> checked_codes(Task(("a", "b")), [1, -1], 2).tolist()
    [1, -1]
    """
    array = np.asarray(codes, dtype=np.int64)
    expected = (rows, len(task.classes)) if task.multilabel else (rows,)
    if array.shape != expected:
        raise LabelError(
            f"expected true codes of shape {expected} for {rows} predictions, got {array.shape}; "
            "pass them in the order of the predictions"
        )
    highest = 1 if task.multilabel else len(task.classes) - 1
    if array.size and (array.min() < UNKNOWN or array.max() > highest):
        raise LabelError(
            f"expected true codes from 0 to {highest}, or -1 if unknown, got {array.min()} to {array.max()}; "
            "encode the labels with the task of the predictions"
        )
    return array


def one_vs_rest(task: Task, index: int, probabilities: Doubles, codes: Codes) -> tuple[NDArray[np.bool_], Doubles]:
    """Select the truth and the probability of one class or label, for known examples only.

    Parameters
    ----------
    task
        The classes or labels.
    index
        Index of the class or label in ``task.classes``.
    probabilities, codes
        As returned by ``checked_probabilities`` and ``checked_codes``.

    Returns
    -------
    tuple[NDArray, NDArray]
        Whether the class or label is true, and its predicted probability, each of shape (known,).

    Example
    -------
    >>> truth, predicted = one_vs_rest(Task(("a", "b")), 0, np.array([[0.3, 0.7], [0.9, 0.1]]), np.array([0, -1]))
    >>> truth.tolist(), predicted.tolist()
    ([True], [0.3])
    """
    truth = codes[:, index] if task.multilabel else codes
    known = truth != UNKNOWN
    positive = 1 if task.multilabel else index
    return truth[known] == positive, probabilities[known, index]
