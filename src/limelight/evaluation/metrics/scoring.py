"""Scores of predictions, and the same scores for a prior-only baseline."""

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
from limelight.evaluation.metrics.multiclass import score_multiclass
from limelight.evaluation.metrics.multilabel import score_multilabel
from limelight.evaluation.metrics.per_class import average_classes, pooled_cells, score_classes
from limelight.model.fitted import Prediction
from limelight.task import UNKNOWN, Task
from limelight.types import Codes


def score(
    task: Task, codes: ArrayLike, probabilities: ArrayLike, *, thresholds: ArrayLike | None = None
) -> dict[str, Any]:
    """Score predicted probabilities of series or steps against the truth.

    Parameters
    ----------
    task
        The classes or labels.
    codes
        The true codes, shape (N,), or (N, labels) if multi-label; -1 if unknown, which is ignored.
    probabilities
        The predicted probabilities, shape (N, classes) or (N, labels).
    thresholds
        The lowest probability at which the positive class, shape (1,), or each label, shape (labels,), is predicted.
        None predicts the most probable class, and labels from 0.5.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON. An undefined score is None, with the reason under ``undefined``:

        - ``kind`` and ``level`` of the task; ``n``, the number of scored examples; ``unknown``, the number of unknown
          labels;
        - ``accuracy``; if multi-label, the share of examples for which all labels are correct, which is also
          ``subset_accuracy``, and ``hamming_loss``, the share of wrong labels;
        - ``positive``: the positive class if binary, else None;
        - ``precision``, ``recall``, ``f1``: of the positive class if binary, else the macro average;
        - ``roc_auc``, ``average_precision``: of the positive class if binary, else the macro average, of each class
          against the rest or of each label;
        - ``balanced_accuracy``: the mean recall over the classes that occur; if multi-label, the mean recall of
          present and absent, averaged over the labels for which both occur;
        - ``matthews``: the Matthews correlation; if multi-label, its mean over the labels;
        - ``log_loss``, ``brier``: if multi-label, over all known labels. For more than two classes the Brier score is
          summed over the classes, so it ranges to 2;
        - ``macro``, ``micro``, ``weighted`` and, if multi-label, ``samples``: averages of precision, recall and F1
          over the classes (for ``samples``, the examples) that are true or predicted. A precision without predictions
          or a recall without true examples counts as 0; the average is None if that holds for all of them;
        - ``per_class``: the scores of each class or label by name, see ``score_classes``;
        - ``confusion``: ``labels`` and ``counts``, with true classes as rows and predicted classes as columns; if
          multi-label, one such matrix per label, absent before present.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the arrays do not match the task or each other, or no label is known.

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
    (None, "precision is undefined without predictions with label 'fog'")
    """
    every = LabelledPredictions.of(task, codes, probabilities, thresholds)
    predictions = every.known_rows()
    if not len(predictions.codes):
        raise LabelError(f"expected at least one known label to score against, got none; pass labelled {every.unit}")
    counts = confusion_counts(predictions)
    cells = pooled_cells(predictions, counts)
    with _many_classes_allowed():
        per_class = score_classes(predictions, cells)
        averages = average_classes(cells, len(predictions.names))
        if task.multilabel:
            overall = score_multilabel(predictions, counts, averages["macro"], per_class)
        else:
            overall = score_multiclass(predictions, cells, averages["macro"], per_class)
    undefined = overall.pop("undefined")
    return {
        "kind": task.kind,
        "level": task.level,
        "n": len(predictions.codes),
        "unknown": every.unknown,
        "positive": predictions.names[task.positive_index] if task.kind == "binary" else None,
        **overall,
        **averages,
        "per_class": per_class,
        "confusion": {"labels": predictions.names, "counts": counts.tolist()},
        "undefined": undefined,
    }


def baseline(task: Task, train_codes: ArrayLike, codes: ArrayLike) -> dict[str, Any]:
    """Score the prior-only baseline, which predicts the class frequencies of the training set for every example.

    The predicted class is always the most frequent one, the first of the classes if several are equally frequent; a
    label is predicted if its frequency is at least 0.5.

    Parameters
    ----------
    task
        The classes or labels.
    train_codes
        Codes of the training set, -1 if unknown, shape (M,), or (M, labels) if multi-label.
    codes
        The true codes to score against, shape (N,), or (N, labels).

    Returns
    -------
    dict[str, Any]
        As returned by ``score``.

    Raises
    ------
    LabelError
        If no label is known in either set, or, if multi-label, a label is unknown throughout the training set.

    Source
    ------
    ``sklearn.dummy.DummyClassifier`` with ``strategy="prior"`` predicts the same.

    Example
    -------
    >>> scores = baseline(Task(("fault", "ok")), [1, 1, 0], [1, 0, 1, 1])
    >>> scores["accuracy"], scores["recall"], scores["roc_auc"]
    (0.75, 1.0, 0.5)
    """
    training = np.asarray(train_codes, dtype=np.int64)
    _require_known(task, training)
    return score_constant(task, task.shares(training), codes)


def score_constant(task: Task, probabilities: ArrayLike, codes: ArrayLike) -> dict[str, Any]:
    """Score the prediction of the same probabilities, shape (classes,) or (labels,), for every example."""
    truth, constant = np.asarray(codes, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    return score(task, truth, np.broadcast_to(constant, (len(truth), len(constant))))


def mean_accuracy(prediction: Prediction, codes: Codes) -> float:
    """Compute the accuracy over known labels; if multi-label, an example counts if all its known labels are correct."""
    predictions = LabelledPredictions.of(
        prediction.task, codes, prediction.probabilities, prediction.thresholds
    ).known_rows()
    correct = (predictions.decisions == predictions.codes) | (predictions.codes == UNKNOWN)
    return float((correct.all(axis=1) if correct.ndim == 2 else correct).mean())


def score_prediction(
    prediction: Prediction, labels: ArrayLike, *, thresholds: ArrayLike | None = None
) -> dict[str, Any]:
    """Score per-series predictions of a model against true labels.

    Parameters
    ----------
    prediction
        Predictions of n series.
    labels
        The true labels in the order of the predictions, shape (n,), or (n, labels) of 0 and 1 if multi-label; None or
        NaN if unknown.
    thresholds
        As for ``score``.

    Returns
    -------
    dict[str, Any]
        As returned by ``score``, with ``intervals`` added.

    Raises
    ------
    LabelError
        If no label is known, their number differs from n, or one is not a class of the task.
    ParameterError
        If the thresholds do not match the task.

    Example
    -------
    >>> task, ids = Task(("fault", "ok")), np.array(["a", "b", "c"])
    >>> prediction = Prediction(ids, task, np.array([[2.0], [-1.0], [3.0]]))
    >>> scores = score_prediction(prediction, ["ok", "fault", "fault"])
    >>> round(scores["accuracy"], 3), scores["precision"], scores["recall"], scores["roc_auc"]
    (0.667, 0.5, 1.0, 0.5)
    >>> scores["confusion"]
    {'labels': ['fault', 'ok'], 'counts': [[1, 1], [0, 1]]}
    """
    task, truth = prediction.task, prediction.task.encode(labels)
    if len(truth) != len(prediction.logits):
        raise LabelError(
            f"expected one label for each of the {len(prediction.logits)} predictions, got {len(truth)} labels; "
            "pass the labels of the predicted series in their order"
        )
    scores = score(task, truth, prediction.probabilities, thresholds=thresholds)
    return {**scores, "intervals": intervals(task, truth, prediction.probabilities, thresholds=thresholds)}


def score_baseline(train_labels: ArrayLike, labels: ArrayLike, task: Task) -> dict[str, Any]:
    """Score the prior-only baseline, as ``baseline`` does, for labels instead of codes.

    Parameters
    ----------
    train_labels
        Labels of the training series, shape (m,), or (m, labels) of 0 and 1 if multi-label.
    labels
        The true labels to score against, shape (n,), or (n, labels).
    task
        The classes or labels.

    Returns
    -------
    dict[str, Any]
        As returned by ``score``.

    Raises
    ------
    LabelError
        If no label is known in either set, or one is not a class of the task.

    Example
    -------
    >>> scores = score_baseline(["ok", "ok", "fault"], ["ok", "fault", "ok", "ok"], Task(("fault", "ok")))
    >>> scores["accuracy"], scores["recall"], scores["roc_auc"]
    (0.75, 1.0, 0.5)
    """
    return baseline(task, task.encode(train_labels), task.encode(labels))


def _require_known(task: Task, codes: Codes) -> None:
    """Reject training codes that are all unknown, or, if multi-label, unknown for some label."""
    known = codes != UNKNOWN
    if not task.multilabel:
        if not known.any():
            raise LabelError("expected known training labels for the baseline, got none; pass labelled series")
        return
    unknown = [name for name, seen in zip(task.classes, known.T, strict=True) if not seen.any()]
    if unknown:
        raise LabelError(
            f"expected every label to be known for some training series, got none for {listing(unknown)}; "
            "remove these labels"
        )


@contextmanager
def _many_classes_allowed() -> Iterator[None]:
    """Hide scikit-learn's warning that many classes with few examples each look like a regression."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes is greater than")
        yield
