"""Confusion counts, overall and per series, from which the headline scores follow."""

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


def confusion_counts(predictions: LabelledPredictions) -> Codes:
    """Count each pair of true and predicted class; unknown labels are ignored.

    Parameters
    ----------
    predictions
        N predictions with their true codes.

    Returns
    -------
    NDArray[np.int64]
        The confusion matrix, with true classes as rows and predicted classes as columns, shape (classes, classes); if
        multi-label, one matrix per label with absent before present, shape (labels, 2, 2).

    Example
    -------
    >>> predictions = LabelledPredictions.of(Task(("a", "b")), [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> confusion_counts(predictions).tolist()
    [[1, 0], [1, 1]]
    """
    width, known = len(predictions.task.classes), predictions.codes != UNKNOWN
    if not predictions.task.multilabel:
        cells = width * predictions.codes[known] + predictions.decisions[known]
        return np.bincount(cells, minlength=width * width).reshape(width, width)
    columns = zip(predictions.codes.T, predictions.decisions.T, known.T, strict=True)
    counts = [np.bincount(2 * true[seen] + predicted[seen], minlength=4) for true, predicted, seen in columns]
    return np.array(counts).reshape(width, 2, 2)


@dataclass(frozen=True, eq=False)
class Tally:
    """Additive counts from which the headline scores follow: a row per series, or per distinct outcome of a series.

    Parameters
    ----------
    task
        The K classes or labels.
    rows
        Counts, shape (m, 4 K + 2). For each class or label: correct predictions of it, its true examples, its
        predictions, and, for labels only, its known examples. Then the examples that are entirely correct, and those
        that are entirely known.
    times
        The number of series with the counts of each row, shape (m,), at least 1.

    Example
    -------
    >>> predictions = LabelledPredictions.of(Task(("a", "b")), [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> tally = Tally.of(predictions)
    >>> tally.rows.toarray().astype(int).tolist()
    [[1, 0, 1, 0, 1, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 1, 0, 0, 1, 1]]
    >>> tally.times.tolist(), headline(tally.task, tally.total())["balanced_accuracy"].tolist()
    ([1, 1, 1], [0.75])
    """

    task: Task
    rows: csr_array
    times: Codes

    @classmethod
    def of(cls, predictions: LabelledPredictions, lengths: ArrayLike | None = None) -> Tally:
        """Count per series; ParameterError if ``lengths``, the number of steps per series, does not match the steps."""
        task, width = predictions.task, len(predictions.task.classes)
        if lengths is None and not (task.multilabel or task.by_step):
            counts = confusion_counts(predictions).reshape(-1)
            return cls(task, _counts_of_cells(width)[counts.nonzero()[0]], counts[counts > 0])
        rows = rows_of_series(predictions, lengths)
        rows = rows[np.diff(rows.indptr) > 0]
        return cls(task, rows, np.ones(rows.shape[0], dtype=np.int64))

    def total(self) -> Doubles:
        """Compute the sum over all series, shape (1, 4 K + 2)."""
        return np.asarray(self.rows.T @ self.times, dtype=np.float64)[None]


def rows_of_series(predictions: LabelledPredictions, lengths: ArrayLike | None) -> csr_array:
    """Count for each of n series, in their order, what a row of a ``Tally`` holds, shape (n, 4 K + 2)."""
    width, known = len(predictions.task.classes), predictions.codes != UNKNOWN
    series = series_of_examples(predictions, lengths)
    n = len(predictions.codes) if lengths is None else len(np.asarray(lengths))
    if predictions.task.multilabel:
        return _rows_of_labels(predictions, series, n)
    cells = width * predictions.codes[known] + predictions.decisions[known]
    return csr_array(_count(series[known], cells, (n, width * width)) @ _counts_of_cells(width))


def series_of_examples(predictions: LabelledPredictions, lengths: ArrayLike | None) -> Codes:
    """Compute the index of the series of each example, shape (N,); ParameterError if the lengths do not match."""
    n = len(predictions.codes)
    if lengths is None:
        if predictions.task.by_step:
            raise ParameterError(
                f"expected the lengths of the series of the {n} steps, got none; pass them, as the steps of a series "
                "are correlated and must stay together"
            )
        return np.arange(n)
    counts = np.asarray(lengths, dtype=np.int64)
    if counts.ndim != 1 or counts.sum() != n or (counts < 0).any():
        raise ParameterError(
            f"expected lengths that add up to the {n} predictions, got {counts.size} with the sum {counts.sum()}; "
            "pass the number of steps of each series"
        )
    return np.repeat(np.arange(len(counts)), counts)


def headline(task: Task, totals: Doubles) -> dict[str, Doubles]:
    """Compute the headline scores from counts.

    Parameters
    ----------
    task
        The K classes or labels.
    totals
        Sums of rows of a ``Tally``, shape (B, 4 K + 2).

    Returns
    -------
    dict[str, NDArray[np.float64]]
        ``accuracy``, ``balanced_accuracy`` and ``f1`` as defined by ``score``, each of shape (B,), NaN if undefined.
    """
    width = len(task.classes)
    hits, true, predicted, known = (totals[:, part * width : (part + 1) * width] for part in range(4))
    correct, complete = totals[:, -2], totals[:, -1]
    recall, f1 = _ratio(hits, true), _ratio(2 * hits, true + predicted)
    if task.multilabel:
        absent = known - true
        recall = (recall + _ratio(absent - (predicted - hits), absent)) / 2
    main = f1[:, task.positive_index] if task.kind == "binary" else _mean_of_defined(f1)
    scores = (_ratio(correct, complete), _mean_of_defined(recall), main)
    return dict(zip(HEADLINE, scores, strict=True))


def _ratio(part: Doubles, whole: Doubles) -> Doubles:
    ratio: Doubles = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _mean_of_defined(scores: Doubles) -> Doubles:
    defined = ~np.isnan(scores)
    return _ratio(np.where(defined, scores, 0.0).sum(axis=1), defined.sum(axis=1).astype(np.float64))


def _count(rows: Codes, columns: Codes, shape: tuple[int, int]) -> csr_array:
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts


def _counts_of_cells(width: int) -> csr_array:
    """Build the map from the cells of a confusion matrix to the columns of a tally, shape (K K, 4 K + 2)."""
    cells = np.arange(width * width)
    true, predicted = cells // width, cells % width
    diagonal = cells[true == predicted]
    rows = np.concatenate([diagonal, cells, cells, diagonal, cells])
    ends = np.full(len(diagonal), 4 * width), np.full(len(cells), 4 * width + 1)
    columns = np.concatenate([true[diagonal], width + true, 2 * width + predicted, *ends])
    return _count(rows, columns, (width * width, 4 * width + 2))


def _rows_of_labels(predictions: LabelledPredictions, series: Codes, n: int) -> csr_array:
    known, present = predictions.codes != UNKNOWN, predictions.codes == 1
    complete = known.all(axis=1)
    correct = complete & (predictions.codes == predictions.decisions).all(axis=1)
    parts = []
    for flags in (predictions.decisions & present, present, predictions.decisions & known, known):
        parts += [csr_array(np.bincount(series, weights=label, minlength=n)[:, None]) for label in flags.T]
    ends = [csr_array(np.bincount(series, weights=part, minlength=n)[:, None]) for part in (correct, complete)]
    return csr_array(hstack([*parts, *ends]))
