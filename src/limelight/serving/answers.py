"""Predictions as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.model.prediction import Prediction


def describe_prediction(
    prediction: Prediction,
    *,
    abstains: Sequence[bool] | None = None,
    outside: Sequence[str | None] | None = None,
    explanations: Sequence[Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Return one object for each series, with JSON types and without NaN.

    Parameters
    ----------
    prediction
        Predictions of n series.
    abstains
        Whether the model does not answer for a series; None if it always does.
    outside
        Why each series is outside the training data, None if it is not; None if that is not known.
    explanations
        Further keys for each series.

    Returns
    -------
    list[dict]
        ``id``, ``prediction`` and ``probabilities`` by class; with labels per step, both hold a list with one entry for
        each step; with several labels, ``prediction`` holds 0 or 1 by label.
        ``novelty`` is the distance to the training series, and ``prediction`` is None if the model abstains.

    Example
    -------
    >>> from limelight.task import Task
    >>> prediction = Prediction(np.array(["a"]), Task(("off", "on")), np.array([[0.0]]))
    >>> describe_prediction(prediction)
    [{'id': 'a', 'prediction': 'off', 'probabilities': {'off': 0.5, 'on': 0.5}}]
    """
    classes = [str(name) for name in prediction.task.classes]
    labels, probabilities = prediction.labels, prediction.probabilities
    found = []
    ends = None if prediction.lengths is None else np.cumsum(prediction.lengths)
    for row, name in enumerate(prediction.ids.tolist()):
        own = row if ends is None else slice(int(ends[row - 1]) if row else 0, int(ends[row]))
        one: dict[str, Any] = {"id": name}
        one["prediction"] = _by_class(labels[own], classes) if prediction.task.multilabel else labels[own].tolist()
        one["probabilities"] = _by_class(probabilities[own], classes)
        if abstains is not None:
            one["abstained"] = bool(abstains[row])
            one["prediction"] = None if abstains[row] else one["prediction"]
        if prediction.novelty is not None:
            one["novelty"] = float(prediction.novelty[row])
        if prediction.attention is not None:
            one["attention"] = without_nan(prediction.attention[row])
        if outside is not None:
            one["outside_training"] = outside[row]
        found.append(one if explanations is None else {**one, **explanations[row]})
    return found


def without_nan(numbers: NDArray[Any]) -> list[Any]:
    """Return numbers as nested lists, in which None stands for NaN and infinity.

    Example
    -------
    >>> without_nan(np.array([1.0, np.nan]))
    [1.0, None]
    """
    if np.isfinite(numbers).all():
        found: list[Any] = numbers.tolist()
        return found
    return [_number(one) for one in numbers.tolist()]


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(one) for one in value]
    return value if math.isfinite(value) else None


def _by_class(numbers: NDArray[Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return the last axis as an object with one entry for each class."""
    return dict(zip(classes, np.moveaxis(numbers, -1, 0).tolist(), strict=True))
