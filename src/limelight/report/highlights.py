"""Which series are worth looking at."""

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
EVEN = 0.5


@dataclass(frozen=True)
class Highlights:
    """Which series the page shows, by their rows in the panel.

    Parameters
    ----------
    confident
        For each class or label the row that was right with the highest probability; of labels of steps the one whose
        true steps of that class were thought most probable. None where there is none.
    wrong
        Wrong answers, the most confident first; of labels of steps the rows with the most wrong ones.
    uncertain
        Of the others those whose answers were nearest to being other ones, the nearest first; of labels of steps in the
        mean.
    wrong_total
        How many rows have a wrong answer.
    """

    confident: dict[str, int | None]
    wrong: list[int]
    uncertain: list[int]
    wrong_total: int

    @property
    def pictured(self) -> list[int]:
        """All rows to draw, each once."""
        best = [row for row in self.confident.values() if row is not None]
        return list(dict.fromkeys([*best, *self.wrong, *self.uncertain]))


def choose_series(facts: ReportInputs) -> Highlights:
    """Choose the series that are worth looking at.

    Parameters
    ----------
    facts
        Of the run; ties go to the series that comes first, and where nothing is known nothing is chosen.

    Returns
    -------
    Choice
        Confident ones for up to 12 classes (the commonest), up to 6 wrong ones, up to 6 uncertain ones.

    Example
    -------
    >>> from limelight.data.panel import Panel
    >>> from limelight.model.fitted import Prediction
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0], [2.0], [3.0]], ids=["a", "b", "c"], labels=["ok", "ok", "fault"])
    >>> answers = Prediction(panel.ids, Task(("fault", "ok")), np.array([[1.0], [3.0], [2.0]]))
    >>> choose_series(ReportInputs("run", {}, {}, [], answers, panel))
    Highlights(confident={'fault': None, 'ok': 1}, wrong=[2], uncertain=[0], wrong_total=1)
    """
    answers = facts.answers
    truth, decided, chances = (_by_label(answers, each) for each in (answers.codes, answers.decisions, None))
    known = truth != UNKNOWN
    wrong = known & (truth != decided)
    sureness = np.where(decided == 1, chances, 1 - chances) if answers.task.multilabel else _sureness(answers)
    gap = _gap(answers, facts.prediction.thresholds)
    whose = np.repeat(np.arange(len(facts.panel)), np.diff(facts.bounds))
    n = len(facts.panel)
    if answers.task.by_step:
        badness = _sum(wrong.sum(axis=1), whose, n)
        distance = _mean(gap.mean(axis=1), known.any(axis=1), whose, n)
    else:
        badness = np.where(wrong, sureness, 0.0).max(axis=1, initial=0.0)
        distance = np.where(known, gap, np.inf).min(axis=1, initial=np.inf)
    rows_wrong = _sum(wrong.any(axis=1), whose, n) > 0
    by_badness = np.argsort(-badness, kind="stable")
    by_distance = np.argsort(distance, kind="stable")
    best = {answers.names[place]: _best(answers, place, whose, n) for place in _commonest(answers)}
    worst = [int(row) for row in by_badness[:MOST_WRONG] if rows_wrong[row]]
    shown = {*best.values(), *worst}
    uncertain = [int(row) for row in by_distance if int(row) not in shown and np.isfinite(distance[row])]
    return Highlights(best, worst, uncertain[:MOST_UNCERTAIN], int(rows_wrong.sum()))


def threshold_of(answers: LabelledPredictions, thresholds: Doubles | None, place: int) -> float:
    """Give the probability from which a class of two, or one of several labels, is answered."""
    if thresholds is None:
        return EVEN
    if answers.task.multilabel:
        return float(thresholds[place])
    positive = float(thresholds[0])
    return positive if place == answers.task.positive_index else 1 - positive


def _by_label(answers: LabelledPredictions, given: NDArray[np.int64] | None) -> NDArray[np.int64] | Doubles:
    """Give codes with a column for each of several labels, or a single one; or else the probabilities."""
    if given is None:
        return answers.probabilities
    return given if given.ndim == 2 else given[:, None]


def _sureness(answers: LabelledPredictions) -> Doubles:
    """Give the probability of each answer, shape (N, 1)."""
    sure: Doubles = np.take_along_axis(answers.probabilities, answers.decisions[:, None], axis=1)
    return sure


def _gap(answers: LabelledPredictions, thresholds: Doubles | None) -> Doubles:
    """Say how far each answer is from another one, shape (N, 1) or (N, labels)."""
    chances = answers.probabilities
    if answers.task.multilabel:
        return np.abs(chances - (EVEN if thresholds is None else thresholds))
    if thresholds is not None:
        positive = answers.task.positive_index
        return np.abs(chances[:, [positive]] - thresholds)
    closest = np.partition(chances, -2, axis=1)[:, -2:]
    return closest[:, 1:] - closest[:, :1]


def _best(answers: LabelledPredictions, place: int, whose: Rows, n: int) -> int | None:
    """Find the row that shows a class or label best."""
    several = answers.task.multilabel
    code = 1 if several else place
    truth, decided = (each[:, place] if several else each for each in (answers.codes, answers.decisions))
    chance, there = answers.probabilities[:, place], truth == code
    if answers.task.by_step:
        score = _mean(chance, there, whose, n)
        found = there & (decided == code)
        score[_sum(found, whose, n) == 0] = np.inf
        score = np.where(np.isfinite(score), score, -np.inf)
    else:
        score = np.where(there & (decided == code), chance, -np.inf)
    row = int(score.argmax()) if len(score) else 0
    return row if len(score) and np.isfinite(score[row]) else None


def _commonest(answers: LabelledPredictions) -> list[int]:
    """Give the places of the classes or labels that occur most often, in their order."""
    several, places = answers.task.multilabel, len(answers.names)
    codes = answers.codes
    if answers.task.by_step and answers.task.kind == "binary":  # the other one is the ground that it stands on
        return [answers.task.positive_index]
    counts = (codes == 1).sum(axis=0) if several else np.bincount(codes[codes != UNKNOWN], minlength=places)
    return sorted(np.argsort(-counts, kind="stable")[:MOST_PICTURED_CLASSES].tolist())


def _sum(of_each: NDArray[np.generic], whose: Rows, n: int) -> Doubles:
    total: Doubles = np.bincount(whose, weights=of_each.astype(np.float64), minlength=n).astype(np.float64)
    return total


def _mean(of_each: Doubles, counted: NDArray[np.bool_], whose: Rows, n: int) -> Doubles:
    """Give the mean of what is counted in each row; infinity where nothing is."""
    total, count = _sum(np.where(counted, of_each, 0.0), whose, n), _sum(counted, whose, n)
    means: Doubles = np.divide(total, count, out=np.full(n, np.inf), where=count > 0)
    return means
