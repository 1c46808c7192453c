"""Counts of right and wrong answers: of all together, and of each series in rows that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, hstack

from limelight.errors import ParameterError
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.task import UNKNOWN, Task
from limelight.types import Codes, Doubles

HEADLINE = ("accuracy", "balanced_accuracy", "f1")


def confusion_counts(answers: LabelledPredictions) -> Codes:
    """Count how often each truth met each answer; labels that are not known are left out.

    Parameters
    ----------
    answers
        N of them.

    Returns
    -------
    NDArray[np.int64]
        A row for each true and a column for each answered class, shape (classes, classes); when multi-label one such
        matrix for each label, absent before there, shape (labels, 2, 2).

    Example
    -------
    >>> answers = LabelledPredictions.of(Task(("a", "b")), [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> confusion_counts(answers).tolist()
    [[1, 0], [1, 1]]
    """
    width, known = len(answers.task.classes), answers.codes != UNKNOWN
    if not answers.task.multilabel:
        cells = width * answers.codes[known] + answers.decisions[known]
        return np.bincount(cells, minlength=width * width).reshape(width, width)
    sides = zip(answers.codes.T, answers.decisions.T, known.T, strict=True)
    each = [np.bincount(2 * codes[seen] + given[seen], minlength=4) for codes, given, seen in sides]
    return np.array(each).reshape(width, 2, 2)


@dataclass(frozen=True, eq=False)
class Tally:
    """What the headline scores follow from, in rows that add up: one for each series, or for each kind of series.

    Parameters
    ----------
    task
        What was asked, of K classes or labels.
    rows
        Shape (m, 4 K + 2). For each class, or for each label: how often it was answered rightly, true, answered, and
        known (of labels only); then how many answers are right as a whole, and how many can be judged as a whole.
    times
        How many series each row stands for, shape (m,), at least 1.

    Example
    -------
    >>> answers = LabelledPredictions.of(Task(("a", "b")), [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> tally = Tally.of(answers)
    >>> tally.rows.toarray().astype(int).tolist()
    [[1, 0, 1, 0, 1, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 1, 0, 0, 1, 1]]
    >>> tally.times.tolist(), headline(tally.task, tally.total())["balanced_accuracy"].tolist()
    ([1, 1, 1], [0.75])
    """

    task: Task
    rows: csr_array
    times: Codes

    @classmethod
    def of(cls, answers: LabelledPredictions, lengths: ArrayLike | None = None) -> Tally:
        """Count series by series; ``lengths`` says how many of the steps belong to each, and ParameterError if not."""
        task, width = answers.task, len(answers.task.classes)
        if lengths is None and not (task.multilabel or task.by_step):
            counts = confusion_counts(answers).reshape(-1)
            return cls(task, _meaning(width)[counts.nonzero()[0]], counts[counts > 0])
        rows = rows_of_series(answers, lengths)
        rows = rows[np.diff(rows.indptr) > 0]
        return cls(task, rows, np.ones(rows.shape[0], dtype=np.int64))

    def total(self) -> Doubles:
        """Add all rows up, shape (1, 4 K + 2)."""
        return np.asarray(self.rows.T @ self.times, dtype=np.float64)[None]


def rows_of_series(answers: LabelledPredictions, lengths: ArrayLike | None) -> csr_array:
    """Count what a ``Tally`` does for each of n series in their order, shape (n, 4 K + 2)."""
    width, known = len(answers.task.classes), answers.codes != UNKNOWN
    series = series_of_answers(answers, lengths)
    n = len(answers.codes) if lengths is None else len(np.asarray(lengths))
    if answers.task.multilabel:
        return _rows_of_labels(answers, series, n)
    cells = width * answers.codes[known] + answers.decisions[known]
    return csr_array(_count(series[known], cells, (n, width * width)) @ _meaning(width))


def series_of_answers(answers: LabelledPredictions, lengths: ArrayLike | None) -> Codes:
    """Say to which series each answer belongs, shape (N,); ParameterError if the lengths do not say."""
    n = len(answers.codes)
    if lengths is None:
        if answers.task.by_step:
            raise ParameterError(
                f"expected the lengths of the series that the {n} steps belong to, got none; steps of one series are "
                "alike and must stay together"
            )
        return np.arange(n)
    counts = np.asarray(lengths, dtype=np.int64)
    if counts.ndim != 1 or counts.sum() != n or (counts < 0).any():
        raise ParameterError(
            f"expected lengths that add up to the {n} answers, got {counts.size} with the sum {counts.sum()}; "
            "give the number of steps of each series"
        )
    return np.repeat(np.arange(len(counts)), counts)


def headline(task: Task, totals: Doubles) -> dict[str, Doubles]:
    """Follow the headline scores from counts.

    Parameters
    ----------
    task
        What was asked.
    totals
        Sums of rows of a ``Tally``, shape (B, 4 K + 2).

    Returns
    -------
    dict[str, NDArray[np.float64]]
        ``accuracy``, ``balanced_accuracy`` and ``f1`` as ``score`` defines them, each of shape (B,), NaN where one is
        not defined.
    """
    width = len(task.classes)
    hits, true, given, known = (totals[:, part * width : (part + 1) * width] for part in range(4))
    right, whole = totals[:, -2], totals[:, -1]
    recall, f1 = _share(hits, true), _share(2 * hits, true + given)
    if task.multilabel:
        missing = known - true
        recall = (recall + _share(missing - (given - hits), missing)) / 2
    main = f1[:, task.positive_index] if task.kind == "binary" else _mean_of_defined(f1)
    scores = (_share(right, whole), _mean_of_defined(recall), main)
    return dict(zip(HEADLINE, scores, strict=True))


def _share(part: Doubles, whole: Doubles) -> Doubles:
    share: Doubles = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share


def _mean_of_defined(scores: Doubles) -> Doubles:
    defined = ~np.isnan(scores)
    return _share(np.where(defined, scores, 0.0).sum(axis=1), defined.sum(axis=1).astype(np.float64))


def _count(rows: Codes, columns: Codes, shape: tuple[int, int]) -> csr_array:
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts


def _meaning(width: int) -> csr_array:
    """Say what each cell of a confusion matrix adds to the columns of a tally, shape (K K, 4 K + 2)."""
    cells = np.arange(width * width)
    true, given = cells // width, cells % width
    right = cells[true == given]
    rows = np.concatenate([right, cells, cells, right, cells])
    ends = np.full(len(right), 4 * width), np.full(len(cells), 4 * width + 1)
    columns = np.concatenate([true[right], width + true, 2 * width + given, *ends])
    return _count(rows, columns, (width * width, 4 * width + 2))


def _rows_of_labels(answers: LabelledPredictions, series: Codes, n: int) -> csr_array:
    known = answers.codes != UNKNOWN
    whole = known.all(axis=1)
    right = whole & (answers.codes == answers.decisions).all(axis=1)
    parts = []
    for given in (answers.decisions & (answers.codes == 1), answers.codes == 1, answers.decisions & known, known):
        parts += [csr_array(np.bincount(series, weights=label, minlength=n)[:, None]) for label in given.T]
    ends = [csr_array(np.bincount(series, weights=part, minlength=n)[:, None]) for part in (right, whole)]
    return csr_array(hstack([*parts, *ends]))
