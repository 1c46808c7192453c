"""Scores of the answers, each beside what always giving the commonest label would reach."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
)

from limelight.errors import LabelError
from limelight.model.fitted import Prediction
from limelight.task import Task

Codes = NDArray[np.int64]
Probabilities = NDArray[np.float64]
NAMES = ("precision", "recall", "f1")


def score_prediction(prediction: Prediction, labels: ArrayLike) -> dict[str, Any]:
    """Compare the answers of a model with the true labels.

    Parameters
    ----------
    prediction
        The answers, n of them.
    labels
        The truth, shape (n,), in the order of the answers.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON, never NaN:

        - ``n``, ``accuracy``, ``balanced_accuracy`` (mean recall of the classes that occur), ``log_loss``;
        - ``positive``: the class that the next three are about, None for more than two classes;
        - ``precision``, ``recall``, ``f1``: of the positive class for two classes, macro otherwise;
        - ``roc_auc``: of the positive class for two classes, else the mean of each class against the rest;
          None, with the reason under ``undefined``, where a class does not occur;
        - ``macro``, ``weighted``: averages of precision, recall and F1 over the classes that occur or are
          predicted;
        - ``per_class``: precision, recall, F1, support and ROC AUC of each class by name;
        - ``confusion``: ``labels`` and ``counts``, a row for each true and a column for each predicted class.

        A precision of no answers or a recall of no series counts as 0.

    Raises
    ------
    LabelError
        If there are no labels, not one for each answer, or labels that are not classes of the task.

    Source
    ------
    scikit-learn computes every number.

    Example
    -------
    >>> task, ids = Task(("fault", "ok")), np.array(["a", "b", "c"])
    >>> answers = Prediction(ids, task, np.array([[2.0], [-1.0], [3.0]]))
    >>> scores = score_prediction(answers, ["ok", "fault", "fault"])
    >>> round(scores["accuracy"], 3), scores["precision"], scores["recall"], scores["roc_auc"]
    (0.667, 0.5, 1.0, 0.5)
    >>> scores["confusion"]
    {'labels': ['fault', 'ok'], 'counts': [[1, 1], [0, 1]]}
    """
    truth = _codes(prediction.task, labels)
    if len(truth) != len(prediction.logits):
        raise LabelError(
            f"expected one label for each of the {len(prediction.logits)} answers, got {len(truth)} labels; "
            "give the labels of the predicted series in their order"
        )
    return _score(prediction.task, truth, prediction.probabilities)


def score_baseline(train_labels: ArrayLike, labels: ArrayLike, task: Task) -> dict[str, Any]:
    """Score what knows only how frequent each label is in training, and never looks at a series.

    Its answer is always the commonest training label (of several, the first in the order of the classes); its
    probabilities are the shares of the classes in training.

    Parameters
    ----------
    train_labels
        Labels of the training series, any number.
    labels
        The truth to be scored against, shape (n,).
    task
        The classes.

    Returns
    -------
    dict[str, Any]
        As from ``score_prediction``.

    Raises
    ------
    LabelError
        If there are no labels on either side, or one is not a class of the task.

    Source
    ------
    ``sklearn.dummy.DummyClassifier`` with ``strategy="prior"``.

    Example
    -------
    >>> scores = score_baseline(["ok", "ok", "fault"], ["ok", "fault", "ok", "ok"], Task(("fault", "ok")))
    >>> scores["accuracy"], scores["recall"], scores["roc_auc"]
    (0.75, 1.0, 0.5)
    """
    known, truth = _codes(task, train_labels), _codes(task, labels)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(known), 1)), known)
    shares = np.zeros(len(task.classes))
    shares[dummy.classes_] = dummy.class_prior_
    return _score(task, truth, np.tile(shares, (len(truth), 1)))


def _codes(task: Task, labels: ArrayLike) -> Codes:
    codes = task.encode(labels)
    if not len(codes):
        raise LabelError("expected at least one label to score with, got none; give labelled series")
    return codes


def _score(task: Task, truth: Codes, probabilities: Probabilities) -> dict[str, Any]:
    codes = np.arange(len(task.classes))
    predicted = probabilities.argmax(axis=1)
    present = np.unique(truth)
    with _many_classes_are_fine():
        *each, support = precision_recall_fscore_support(truth, predicted, labels=codes, zero_division=0)
        macro, weighted = (_average(truth, predicted, kind) for kind in ("macro", "weighted"))
        areas = [_area(truth == code, probabilities[:, code]) for code in codes]
        balanced = recall_score(truth, predicted, labels=present, average="macro", zero_division=0)
        counts = confusion_matrix(truth, predicted, labels=codes)
        loss = log_loss(truth, probabilities, labels=codes)
    names = [str(name) for name in task.classes]
    per_class: dict[str, dict[str, Any]] = {
        name: {
            **{score: float(values[code]) for score, values in zip(NAMES, each, strict=True)},
            "support": int(support[code]),
            "roc_auc": areas[code],
        }
        for code, name in enumerate(names)
    }
    binary = task.kind == "binary"
    main = per_class[names[task.positive_index]] if binary else macro
    known_areas = [area for area in areas if area is not None]
    area = areas[task.positive_index] if binary else float(np.mean(known_areas or [0.0]))
    absent = [name for code, name in enumerate(names) if code not in present]
    return {
        "n": len(truth),
        "positive": names[task.positive_index] if binary else None,
        "accuracy": float(accuracy_score(truth, predicted)),
        **{score: main[score] for score in NAMES},
        "balanced_accuracy": float(balanced),
        "roc_auc": None if absent else area,
        "log_loss": float(loss),
        "macro": macro,
        "weighted": weighted,
        "per_class": per_class,
        "confusion": {"labels": names, "counts": counts.tolist()},
        "undefined": {"roc_auc": _why_undefined(absent)} if absent else {},
    }


def _average(truth: Codes, predicted: Codes, kind: str) -> dict[str, float]:
    averages = precision_recall_fscore_support(truth, predicted, average=kind, zero_division=0)
    return {name: float(value) for name, value in zip(NAMES, averages, strict=False)}


def _area(is_class: NDArray[np.bool_], probability: Probabilities) -> float | None:
    return None if is_class.all() or not is_class.any() else float(roc_auc_score(is_class, probability))


def _why_undefined(absent: list[str]) -> str:
    classes = "classes" if len(absent) > 1 else "class"
    named = ", ".join(repr(name) for name in absent[:5]) + (" and others" if len(absent) > 5 else "")
    return f"the ROC AUC needs series of every class, and there are none of {classes} {named}"


@contextmanager
def _many_classes_are_fine() -> Iterator[None]:
    """Two series of each class are few, yet no sign of a regression, which scikit-learn suspects then."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes is greater than")
        yield
