"""What a report says, collected as plain facts before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import InternalError
from limelight.model.fitted import Prediction

MOST_PICTURED_CLASSES = 12
MOST_WRONG = 6
MOST_UNCERTAIN = 8


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the page of a run is made from.

    Parameters
    ----------
    title
        Name of the run.
    asked
        What was asked, each in one sentence: for example data, split, task, model, training.
    metrics
        What ``metrics.json`` holds: ``test``, ``baseline``, ``seconds``, ``task``, ``counts``,
        ``localisation``; ``training.best_epoch`` if known.
    history
        A row of numbers for each epoch: ``epoch``, ``train_loss`` and, with validation series,
        ``validation_loss`` and ``validation_f1``.
    prediction
        Answers about the evaluated series.
    panel
        The evaluated series with their labels, in the order of the answers.
    warnings
        Whole sentences for people.
    reproduce
        What it takes to get the same numbers: for example command, seed, versions.
    look
        Gives the weight of each time step of the series in a row, shape (time,), where the prediction has none; None
        if the model has no attention.
    """

    title: str
    asked: Mapping[str, str]
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    prediction: Prediction
    panel: Panel
    warnings: Sequence[str] = ()
    reproduce: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[int], NDArray[np.float32]] | None = None

    @property
    def has_attention(self) -> bool:
        """Whether there is attention to show."""
        return self.prediction.attention is not None or self.look is not None

    def attention_of(self, row: int) -> NDArray[np.float32] | None:
        """Give the weight of each time step of one series, shape (time,), or None."""
        if self.prediction.attention is not None:
            return self.prediction.attention[row]
        return None if self.look is None else self.look(row)

    @property
    def labels(self) -> NDArray[Any]:
        """The truth about the series, shape (n,) or (n, labels)."""
        if self.panel.labels is None:
            raise InternalError("a report was asked for about series without labels")
        return self.panel.labels


@dataclass(frozen=True)
class Answer:
    """What was said about one series, and what would have been right.

    Parameters
    ----------
    row
        Of the panel.
    id, truth, predicted, second
        The series, its label, the most probable and the second most probable class.
    probability, probability_second
        Of ``predicted`` and ``second``, in [0, 1].
    """

    row: int
    id: str
    truth: str
    predicted: str
    second: str
    probability: float
    probability_second: float

    @property
    def correct(self) -> bool:
        """Whether the answer was right."""
        return self.truth == self.predicted


@dataclass(frozen=True)
class Choice:
    """Which series the page shows.

    Parameters
    ----------
    confident
        For each class the correct answer with the highest probability, or None where none was right.
    wrong
        Wrong answers, the most confident first.
    uncertain
        Answers whose two most probable classes are closest, the closest first.
    """

    confident: dict[str, Answer | None]
    wrong: list[Answer]
    uncertain: list[Answer]


def choose_series(facts: ReportFacts) -> Choice:
    """Choose the series that are worth looking at.

    Parameters
    ----------
    facts
        Of the run; ties go to the series that comes first.

    Returns
    -------
    Choice
        Confident ones for up to 12 classes (the commonest), up to 6 wrong ones, up to 8 uncertain ones; none where a
        series has several answers.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series([[1.0], [2.0], [3.0]], ids=["a", "b", "c"], labels=["ok", "ok", "fault"])
    >>> answers = Prediction(panel.ids, Task(("fault", "ok")), np.array([[1.0], [3.0], [2.0]]))
    >>> choice = choose_series(ReportFacts("run", {}, {}, [], answers, panel))
    >>> choice.confident["ok"].id, choice.confident["fault"], choice.wrong[0].id, choice.uncertain[0].id
    ('b', None, 'c', 'a')
    """
    task = facts.prediction.task
    if task.by_step or task.multilabel:  # no single answer to be sure of
        return Choice({}, [], [])
    probabilities = facts.prediction.probabilities
    truth = task.encode(facts.labels)
    predicted = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    by_sureness = np.argsort(-sure, kind="stable")
    ordered_right = [int(row) for row in by_sureness if truth[row] == predicted[row]]
    wrong = [int(row) for row in by_sureness if truth[row] != predicted[row]]
    best: dict[int, int] = {}
    for row in ordered_right:
        best.setdefault(int(truth[row]), row)
    closest = np.argsort(np.ptp(np.partition(probabilities, -2, axis=1)[:, -2:], axis=1), kind="stable")
    return Choice(
        {
            str(task.classes[code]): _answer(facts, best[code], probabilities) if code in best else None
            for code in _commonest(truth, len(task.classes))
        },
        [_answer(facts, row, probabilities) for row in wrong[:MOST_WRONG]],
        [_answer(facts, int(row), probabilities) for row in closest[:MOST_UNCERTAIN]],
    )


def verdict(metrics: Mapping[str, Any]) -> str:
    """Say in plain words how good the model is.

    Parameters
    ----------
    metrics
        What ``metrics.json`` holds.

    Returns
    -------
    str
        Two sentences.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75}
    >>> verdict({"test": test, "baseline": {"accuracy": 0.5}})
    '3 of 4 series were classified correctly (75.0 %). Always giving the commonest label would get 50.0 %
    right.'
    """
    test, baseline = metrics["test"], metrics["baseline"]
    if test["accuracy"] is None:
        return "No series knows all of its labels, so there is no share of answers that are right in all of them."
    right, unit = round(test["accuracy"] * test["n"]), "steps" if test.get("level") == "step" else "series"
    first = f"{right:,} of {test['n']:,} {unit} were classified correctly ({100 * test['accuracy']:.1f} %)."
    always = f"lways giving the commonest label would get {100 * baseline['accuracy']:.1f} % right"
    if test["accuracy"] > baseline["accuracy"]:
        return f"{first} A{always}."
    return f"{first} This is no better than a rule without a model: a{always}."


def headline(metrics: Mapping[str, Any], positive: str | None) -> list[dict[str, Any]]:
    """Pick the numbers that come first.

    Parameters
    ----------
    metrics
        What ``metrics.json`` holds.
    positive
        Name of the positive class, None for more than two classes.

    Returns
    -------
    list[dict[str, Any]]
        For each number its ``title``, its ``value`` and ``baseline`` in [0, 1] or None, and its meaning as
        ``note``.
    """
    about = "mean over the classes" if positive is None else f"of the class {positive!r}"
    titles = {
        "accuracy": ("Accuracy", "share of correct answers"),
        "f1": ("F1", about),
        "balanced_accuracy": ("Balanced accuracy", "mean recall of the classes"),
        "roc_auc": ("ROC AUC", "how well the classes are ranked"),
    }
    test, baseline = metrics["test"], metrics["baseline"]
    return [
        {"title": title, "note": note, "value": test[name], "baseline": baseline[name]}
        for name, (title, note) in titles.items()
    ]


def confusion_rows(confusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the confusion matrix with the share of each cell in its row.

    Parameters
    ----------
    confusion
        ``labels`` and ``counts``, a row for each true class.

    Returns
    -------
    list[dict[str, Any]]
        For each true class its ``label``, ``total`` and ``cells``, each with ``count``, ``share`` in
        [0, 1] and ``right``.

    Example
    -------
    >>> confusion_rows({"labels": ["a", "b"], "counts": [[3, 1], [0, 0]]})[0]["cells"]
    [{'count': 3, 'share': 0.75, 'right': True}, {'count': 1, 'share': 0.25, 'right': False}]
    """
    rows = []
    for place, (label, counts) in enumerate(zip(confusion["labels"], confusion["counts"], strict=True)):
        total = sum(counts)
        cells = [
            {"count": count, "share": count / total if total else 0.0, "right": column == place}
            for column, count in enumerate(counts)
        ]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def _commonest(truth: NDArray[np.int64], classes: int) -> list[int]:
    frequency = np.bincount(truth, minlength=classes)
    chosen = np.argsort(-frequency, kind="stable")[:MOST_PICTURED_CLASSES]
    return sorted(chosen.tolist())


def _answer(facts: ReportFacts, row: int, probabilities: NDArray[np.float64]) -> Answer:
    first, second = np.argsort(-probabilities[row], kind="stable")[:2].tolist()
    classes = facts.prediction.task.classes
    return Answer(
        row,
        str(facts.panel.ids[row]),
        str(facts.labels[row]),
        str(classes[first]),
        str(classes[second]),
        float(probabilities[row, first]),
        float(probabilities[row, second]),
    )
