"""Truth and probabilities as plain arrays, checked against the task."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.errors import DataError, LabelError
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

Probabilities = Doubles


def checked_probabilities(task: Task, probabilities: ArrayLike) -> Doubles:
    """Make sure that there is a probability for each class or label.

    Parameters
    ----------
    task
        What is asked.
    probabilities
        Shape (N, classes), or (N, labels) when multi-label, in [0, 1].

    Returns
    -------
    NDArray[np.float64]
        The same.

    Raises
    ------
    DataError
        If the shape is another one, or a number is no probability.

    Example
    -------
    >>> checked_probabilities(Task(("a", "b")), [[0.25, 0.75]]).tolist()
    [[0.25, 0.75]]
    """
    array, width = np.asarray(probabilities, dtype=np.float64), len(task.classes)
    if array.ndim != 2 or array.shape[1] != width:
        raise DataError(f"expected probabilities of shape (N, {width}), got {array.shape}; give one for each name")
    if len(array) and not (array.min() >= 0 and array.max() <= 1):
        raise DataError("expected probabilities from 0 to 1, got others or NaN; give probabilities, not logits")
    return array


def checked_codes(task: Task, codes: ArrayLike, rows: int) -> Codes:
    """Make sure that the truth fits the answers.

    Parameters
    ----------
    task
        What is asked.
    codes
        The truth, -1 where it is not known, shape (N,), or (N, labels) when multi-label.
    rows
        N, of the answers.

    Returns
    -------
    NDArray[np.int64]
        The same.

    Raises
    ------
    LabelError
        If the shape is another one, or a code stands for no class.

    Example
    -------
    >>> checked_codes(Task(("a", "b")), [1, -1], 2).tolist()
    [1, -1]
    """
    array = np.asarray(codes, dtype=np.int64)
    wanted = (rows, len(task.classes)) if task.multilabel else (rows,)
    if array.shape != wanted:
        raise LabelError(
            f"expected codes of shape {wanted} for {rows} answers, got {array.shape}; "
            "give the truth in the order of the answers"
        )
    highest = 1 if task.multilabel else len(task.classes) - 1
    if array.size and (array.min() < UNKNOWN or array.max() > highest):
        raise LabelError(
            f"expected codes from 0 to {highest}, or -1 where not known, got {array.min()} to {array.max()}; "
            "encode the labels with the task of the answers"
        )
    return array


def one_side(task: Task, place: int, probabilities: Doubles, codes: Codes) -> tuple[NDArray[np.bool_], Doubles]:
    """Say where one class or label is true, and how probable it was thought, wherever the truth is known.

    Parameters
    ----------
    task
        What is asked.
    place
        Of the class or label in ``task.classes``.
    probabilities, codes
        As checked.

    Returns
    -------
    tuple[NDArray, NDArray]
        Truth and probability, each of shape (known,).

    Example
    -------
    >>> truth, chance = one_side(Task(("a", "b")), 0, np.array([[0.3, 0.7], [0.9, 0.1]]), np.array([0, -1]))
    >>> truth.tolist(), chance.tolist()
    ([True], [0.3])
    """
    told = codes[:, place] if task.multilabel else codes
    known = told != UNKNOWN
    right = 1 if task.multilabel else place
    return told[known] == right, probabilities[known, place]
