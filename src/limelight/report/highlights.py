"""Highlights: choose the series that the report shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.report.inputs import ReportInputs
from limelight.task import UNKNOWN
from limelight.types import Doubles, Rows

MOST_PICTURED_CLASSES = 12
MOST_WRONG = 6
MOST_UNCERTAIN = 6
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Highlights:
    """The series that the page shows, by their rows in the panel.

    Parameters
    ----------
    confident
        For each class or label, the row of the correct prediction with the highest probability; for per-step tasks, the
        row with the highest mean probability over the true steps of the class. None if the class is never correctly
        predicted.
    wrong
        Rows of wrong predictions, the most confident first; for per-step tasks, the rows with the most wrong steps.
    uncertain
        Of the remaining rows, those closest to a different prediction, the closest first; for per-step tasks, averaged
        over the steps.
    wrong_total
        Number of rows with a wrong prediction.
    """

    confident: dict[str, int | None]
    wrong: list[int]
    uncertain: list[int]
    wrong_total: int

    @property
    def pictured(self) -> list[int]:
        """All rows to draw, without duplicates."""
        best = [row for row in self.confident.values() if row is not None]
        return list(dict.fromkeys([*best, *self.wrong, *self.uncertain]))


def choose_highlights(inputs: ReportInputs) -> Highlights:
    """Choose the most confident, the most wrong and the most uncertain series.

    Parameters
    ----------
    inputs
        The inputs of the report. Among equals, the first series wins; series without known labels are never chosen.

    Returns
    -------
    Highlights
        Confident series for the 12 most frequent classes, up to 6 wrong series and up to 6 uncertain series.

    Example
    -------
    >>> from limelight.data.panel import Panel
    >>> from limelight.model.fitted import Prediction
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0], [2.0], [3.0]], ids=["a", "b", "c"], labels=["ok", "ok", "fault"])
    >>> prediction = Prediction(panel.ids, Task(("fault", "ok")), np.array([[1.0], [3.0], [2.0]]))
    >>> choose_highlights(ReportInputs("run", {}, {}, [], prediction, panel))
    Highlights(confident={'fault': None, 'ok': 1}, wrong=[2], uncertain=[0], wrong_total=1)
    """
    labelled = inputs.labelled
    truth, decided = _as_columns(labelled.codes), _as_columns(labelled.decisions)
    probabilities = labelled.probabilities
    known = truth != UNKNOWN
    wrong = known & (truth != decided)
    if labelled.task.multilabel:
        confidence = np.where(decided == 1, probabilities, 1 - probabilities)
    else:
        confidence = np.take_along_axis(probabilities, labelled.decisions[:, None], axis=1)
    margin = margins_of(labelled, inputs.prediction.thresholds)
    n = len(inputs.panel)
    rows = np.repeat(np.arange(n), np.diff(inputs.bounds))
    if labelled.task.by_step:
        badness = _sum_by_row(wrong.sum(axis=1), rows, n)
        distance = _mean_by_row(margin.mean(axis=1), known.any(axis=1), rows, n)
    else:
        badness = np.where(wrong, confidence, 0.0).max(axis=1, initial=0.0)
        distance = np.where(known, margin, np.inf).min(axis=1, initial=np.inf)
    row_is_wrong = _sum_by_row(wrong.any(axis=1), rows, n) > 0
    by_badness = np.argsort(-badness, kind="stable")
    by_distance = np.argsort(distance, kind="stable")
    best = {labelled.names[place]: _best_row(labelled, place, rows, n) for place in _most_frequent(labelled)}
    worst = [int(row) for row in by_badness[:MOST_WRONG] if row_is_wrong[row]]
    chosen = {*best.values(), *worst}
    uncertain = [int(row) for row in by_distance if int(row) not in chosen and np.isfinite(distance[row])]
    return Highlights(best, worst, uncertain[:MOST_UNCERTAIN], int(row_is_wrong.sum()))


def threshold_of(labelled: LabelledPredictions, thresholds: Doubles | None, place: int) -> float:
    """Return the probability from which a class of a binary task, or a label, is predicted."""
    if thresholds is None:
        return DEFAULT_THRESHOLD
    if labelled.task.multilabel:
        return float(thresholds[place])
    positive = float(thresholds[0])
    return positive if place == labelled.task.positive_index else 1 - positive


def _as_columns(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Reshape codes to one column for each label, or to a single column."""
    return codes if codes.ndim == 2 else codes[:, None]


def margins_of(labelled: LabelledPredictions, thresholds: Doubles | None) -> Doubles:
    """Compute how far each prediction is from a different one, in probability, shape (N, 1) or (N, labels)."""
    probabilities = labelled.probabilities
    if labelled.task.multilabel:
        return np.abs(probabilities - (DEFAULT_THRESHOLD if thresholds is None else thresholds))
    if thresholds is not None:
        positive = labelled.task.positive_index
        return np.abs(probabilities[:, [positive]] - thresholds)
    two_highest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return two_highest[:, 1:] - two_highest[:, :1]


def _best_row(labelled: LabelledPredictions, place: int, rows: Rows, n: int) -> int | None:
    """Find the row that shows a class or label best, None if it is never correctly predicted."""
    multilabel = labelled.task.multilabel
    code = 1 if multilabel else place
    truth = labelled.codes[:, place] if multilabel else labelled.codes
    decided = labelled.decisions[:, place] if multilabel else labelled.decisions
    probability, is_true = labelled.probabilities[:, place], truth == code
    is_found = is_true & (decided == code)
    if labelled.task.by_step:
        score = _mean_by_row(probability, is_true, rows, n)
        score[_sum_by_row(is_found, rows, n) == 0] = np.inf
        score = np.where(np.isfinite(score), score, -np.inf)
    else:
        score = np.where(is_found, probability, -np.inf)
    row = int(score.argmax()) if len(score) else 0
    return row if len(score) and np.isfinite(score[row]) else None


def _most_frequent(labelled: LabelledPredictions) -> list[int]:
    """Return the indices of the most frequent classes or labels, in ascending order."""
    codes = labelled.codes
    if labelled.task.by_step and labelled.task.kind == "binary":  # the negative class is the normal state
        return [labelled.task.positive_index]
    if labelled.task.multilabel:
        counts = (codes == 1).sum(axis=0)
    else:
        counts = np.bincount(codes[codes != UNKNOWN], minlength=len(labelled.names))
    return sorted(np.argsort(-counts, kind="stable")[:MOST_PICTURED_CLASSES].tolist())


def _sum_by_row(values: NDArray[np.generic], rows: Rows, n: int) -> Doubles:
    total: Doubles = np.bincount(rows, weights=values.astype(np.float64), minlength=n).astype(np.float64)
    return total


def _mean_by_row(values: Doubles, mask: NDArray[np.bool_], rows: Rows, n: int) -> Doubles:
    """Compute the mean of the masked values of each row, infinity for a row without any."""
    total, count = _sum_by_row(np.where(mask, values, 0.0), rows, n), _sum_by_row(mask, rows, n)
    means: Doubles = np.divide(total, count, out=np.full(n, np.inf), where=count > 0)
    return means
