"""Scores of the answers, each beside what is reached by knowing only how frequent each label is."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from limelight.errors import LabelError, listing
from limelight.evaluation.metrics.bootstrap import intervals
from limelight.evaluation.metrics.counts import confusion_counts
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.evaluation.metrics.multiclass import score_one_of
from limelight.evaluation.metrics.multilabel import score_several
from limelight.evaluation.metrics.per_class import average_classes, pooled_cells, score_classes
from limelight.model.fitted import Prediction
from limelight.task import UNKNOWN, Task
from limelight.types import Codes


def score(
    task: Task, codes: ArrayLike, probabilities: ArrayLike, *, thresholds: ArrayLike | None = None
) -> dict[str, Any]:
    """Compare answers with the truth; of series or of steps, with one right class or several labels.

    Parameters
    ----------
    task
        What was asked.
    codes
        The truth, shape (N,), or (N, labels) when multi-label; -1 where it is not known, which is left out.
    probabilities
        The answers, shape (N, classes) or (N, labels).
    thresholds
        The probability from which the positive class, shape (1,), or each label, shape (labels,), is answered. None
        answers the most probable class, and labels from 0.5.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON. What is not defined is None, with the reason under ``undefined``:

        - ``kind`` and ``level`` of the task; ``n``, how many answers were scored; ``unknown``, how many labels were
          left out;
        - ``accuracy``; of several labels the share of answers that are right in all of them, also called
          ``subset_accuracy``, and ``hamming_loss``, the share of wrong labels;
        - ``positive``: the class that the next five are about, None unless there are two;
        - ``precision``, ``recall``, ``f1``: of the positive class for two classes, macro otherwise;
        - ``roc_auc``, ``average_precision``: of the positive class for two classes, else the mean of each class
          against the rest, or of the labels;
        - ``balanced_accuracy``: mean recall of the classes that occur; of several labels the mean recall of there and
          not there, over the labels that know both;
        - ``matthews``: the Matthews correlation; of several labels their mean;
        - ``log_loss``, ``brier``: of several labels over all that are known. For more than two classes the Brier score
          adds up the classes and goes to 2;
        - ``macro``, ``micro``, ``weighted``, and ``samples`` of several labels: averages of precision, recall and F1
          over the classes (answers) that occur or are predicted. A precision of no answers or a recall of no truth
          counts as 0 in them, and they are None where all are so;
        - ``per_class``: of each class or label by name, see ``score_classes``;
        - ``confusion``: ``labels`` and ``counts``, a row for each true and a column for each predicted class; of
          several labels one such matrix each, absent before there.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not fit the task or each other, or nothing is known.

    Source
    ------
    scikit-learn computes every number.

    Example
    -------
    >>> task = Task(("rain", "fog"), multilabel=True)
    >>> scores = score(task, [[1, 0], [0, 1], [1, -1]], [[0.9, 0.2], [0.3, 0.4], [0.8, 0.6]])
    >>> scores["n"], scores["unknown"], scores["subset_accuracy"], scores["hamming_loss"], scores["f1"]
    (3, 1, 0.5, 0.2, 0.5)
    >>> scores["per_class"]["fog"]["precision"], scores["per_class"]["fog"]["undefined"]["precision"]
    (None, "the precision needs answers with label 'fog', and there are none")
    """
    given = LabelledPredictions.of(task, codes, probabilities, thresholds)
    answers = given.known_rows()
    if not len(answers.codes):
        raise LabelError(f"expected at least one label to score with, got none; give labelled {given.unit}")
    counts = confusion_counts(answers)
    cells = pooled_cells(answers, counts)
    with _many_classes_are_fine():
        per_class = score_classes(answers, cells)
        averages = average_classes(cells, len(answers.names))
        if task.multilabel:
            overall = score_several(answers, counts, averages["macro"], per_class)
        else:
            overall = score_one_of(answers, cells, averages["macro"], per_class)
    undefined = overall.pop("undefined")
    return {
        "kind": task.kind,
        "level": task.level,
        "n": len(answers.codes),
        "unknown": given.unknown,
        "positive": answers.names[task.positive_index] if task.kind == "binary" else None,
        **overall,
        **averages,
        "per_class": per_class,
        "confusion": {"labels": answers.names, "counts": counts.tolist()},
        "undefined": undefined,
    }


def baseline(task: Task, train_codes: ArrayLike, codes: ArrayLike) -> dict[str, Any]:
    """Score what knows only how frequent each class or label is in training, and never looks at a series.

    Its probabilities are the shares of the classes, or of each label, in training; its answer is always the commonest
    class (of several, the first in the order of the classes), or the labels that are there at least half of the time.

    Parameters
    ----------
    task
        What is asked.
    train_codes
        Of the training, -1 where not known, shape (M,), or (M, labels) when multi-label.
    codes
        The truth to be scored against, shape (N,), or (N, labels).

    Returns
    -------
    dict[str, Any]
        As from ``score``.

    Raises
    ------
    LabelError
        If nothing is known on either side, or of a label in training.

    Source
    ------
    ``sklearn.dummy.DummyClassifier`` with ``strategy="prior"`` answers the same.

    Example
    -------
    >>> scores = baseline(Task(("fault", "ok")), [1, 1, 0], [1, 0, 1, 1])
    >>> scores["accuracy"], scores["recall"], scores["roc_auc"]
    (0.75, 1.0, 0.5)
    """
    known = np.asarray(train_codes, dtype=np.int64)
    _require_known(task, known)
    return score_shares(task, task.shares(known), codes)


def score_shares(task: Task, shares: ArrayLike, codes: ArrayLike) -> dict[str, Any]:
    """Score always giving the same probabilities, shape (classes or labels,); ``baseline`` for known shares."""
    truth, always = np.asarray(codes, dtype=np.int64), np.asarray(shares, dtype=np.float64)
    return score(task, truth, np.broadcast_to(always, (len(truth), len(always))))


def share_of_right(prediction: Prediction, codes: Codes) -> float:
    """Give the share of right answers over what is known; of several labels only those that are right in all count."""
    answers = LabelledPredictions.of(
        prediction.task, codes, prediction.probabilities, prediction.thresholds
    ).known_rows()
    right = (answers.decisions == answers.codes) | (answers.codes == UNKNOWN)
    return float((right.all(axis=1) if right.ndim == 2 else right).mean())


def score_prediction(
    prediction: Prediction, labels: ArrayLike, *, thresholds: ArrayLike | None = None
) -> dict[str, Any]:
    """Compare the answers of a model about series with the true labels.

    Parameters
    ----------
    prediction
        The answers, n of them.
    labels
        The truth in the order of the answers, shape (n,), or (n, labels) of 0 and 1 when multi-label; None or NaN
        where one is not known.
    thresholds
        As for ``score``.

    Returns
    -------
    dict[str, Any]
        As from ``score``, and ``intervals`` as from ``intervals``.

    Raises
    ------
    LabelError
        If there are no labels, not one for each answer, or labels that are not classes of the task.
    ParameterError
        If the thresholds do not fit the task.

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
    task, truth = prediction.task, prediction.task.encode(labels)
    if len(truth) != len(prediction.logits):
        raise LabelError(
            f"expected one label for each of the {len(prediction.logits)} answers, got {len(truth)} labels; "
            "give the labels of the predicted series in their order"
        )
    scores = score(task, truth, prediction.probabilities, thresholds=thresholds)
    return {**scores, "intervals": intervals(task, truth, prediction.probabilities, thresholds=thresholds)}


def score_baseline(train_labels: ArrayLike, labels: ArrayLike, task: Task) -> dict[str, Any]:
    """Score what knows only how frequent each label is in training; ``baseline`` for labels in words.

    Parameters
    ----------
    train_labels
        Labels of the training series, shape (m,), or (m, labels) of 0 and 1 when multi-label.
    labels
        The truth to be scored against, shape (n,), or (n, labels).
    task
        The classes.

    Returns
    -------
    dict[str, Any]
        As from ``score``.

    Raises
    ------
    LabelError
        If there are no labels on either side, or one is not a class of the task.

    Example
    -------
    >>> scores = score_baseline(["ok", "ok", "fault"], ["ok", "fault", "ok", "ok"], Task(("fault", "ok")))
    >>> scores["accuracy"], scores["recall"], scores["roc_auc"]
    (0.75, 1.0, 0.5)
    """
    return baseline(task, task.encode(train_labels), task.encode(labels))


def _require_known(task: Task, codes: Codes) -> None:
    """Refuse a training of which nothing is known, or nothing about one of its labels."""
    known = codes != UNKNOWN
    if not task.multilabel:
        if not known.any():
            raise LabelError("expected labels of the training for the baseline, got none; give labelled series")
        return
    nowhere = [name for name, seen in zip(task.classes, known.T, strict=True) if not seen.any()]
    if nowhere:
        raise LabelError(
            f"expected every label to be known somewhere in the training, got nothing about {listing(nowhere)}; "
            "leave such labels out"
        )


@contextmanager
def _many_classes_are_fine() -> Iterator[None]:
    """Two series of each class are few, yet no sign of a regression, which scikit-learn suspects then."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes is greater than")
        yield
