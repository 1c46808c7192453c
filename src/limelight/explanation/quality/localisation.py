"""Localisation: how much attention falls inside the annotated interval, compared with uniform attention."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.model.fitted import Prediction

Attention = list[NDArray[np.float32]]


def score_localisation(prediction: Prediction, panel: Panel) -> dict[str, Any] | None:
    """Measure how much attention falls inside the annotated intervals.

    Parameters
    ----------
    prediction
        Predictions with attention for n series.
    panel
        The same n series; ``intervals`` has the steps that determine the label of each series, if known.

    Returns
    -------
    dict[str, Any] | None
        Plain numbers, ready for JSON; None without attention or if no interval is known:

        - ``series``: number of series with a known interval;
        - ``attention_inside``: mean share of the attention inside the interval, in [0, 1];
        - ``attention_inside_uniform``: the same for uniform attention, the mean of interval length / series length;
        - ``peak_inside``: share of series whose highest attention is inside; tied peaks count proportionally;
        - ``peak_inside_uniform``: the expected value for a random peak, the same mean;
        - ``correct``: the same five scores over correctly classified series; None for an unlabelled panel; the means
          are None if no series is correct.

    Raises
    ------
    DataError
        If the predictions are not those of the panel.

    Source
    ------
    The share inside is the relevance mass accuracy, the peak inside the pointing game: Arras, Osman and Samek,
    CLEVR-XAI, 2022; Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016.

    Example
    -------
    >>> from limelight.task import Task
    >>> labels, intervals = ["flat", "ok"], [[1, 3], [-1, -1]]
    >>> panel = Panel.from_series([np.zeros(4), np.zeros(4)], labels=labels, intervals=intervals)
    >>> attention = [np.array([0.1, 0.5, 0.3, 0.1]), np.full(4, 0.25)]
    >>> prediction = Prediction(panel.ids, Task(("flat", "ok")), np.array([[-1.0], [1.0]]), attention)
    >>> scores = score_localisation(prediction, panel)
    >>> scores["series"], round(scores["attention_inside"], 3), scores["attention_inside_uniform"]
    (1, 0.8, 0.5)
    """
    return summarise_localisation([localise(prediction, panel)])


Localised = tuple[NDArray[np.float64], NDArray[np.bool_] | None]


def localise(prediction: Prediction, panel: Panel) -> Localised | None:
    """Score the attention of each series that has a known interval.

    Parameters
    ----------
    prediction, panel
        As for ``score_localisation``; possibly one block of many.

    Returns
    -------
    tuple[NDArray, NDArray | None] | None
        For each of the m series with a known interval: attention inside, peak inside and length of the interval as a
        share of the series, shape (m, 3); and whether the series is correctly classified, shape (m,), None without
        labels. None without attention or if no interval is known.

    Raises
    ------
    DataError
        If the predictions are not those of the panel.
    """
    if len(prediction.ids) != len(panel):
        raise DataError(
            f"expected predictions for the {len(panel)} series of the panel, got predictions for "
            f"{len(prediction.ids)}; pass the panel that was predicted"
        )
    intervals = _known_intervals(panel)
    rows = np.array(list(intervals), dtype=np.int64)
    if prediction.attention is None or not intervals:
        return None
    scores = np.array([_score_one(prediction.attention[row], *ends) for row, ends in intervals.items()])
    if panel.labels is None:
        return scores, None
    right = prediction.labels[rows] == panel.labels[rows]
    return scores, right.all(axis=1) if right.ndim == 2 else right


def summarise_localisation(blocks: Iterable[Localised | None]) -> dict[str, Any] | None:
    """Compute the means over the blocks that ``localise`` scored; the result is that of ``score_localisation``."""
    found = [block for block in blocks if block is not None]
    if not found:
        return None
    scores = np.concatenate([numbers for numbers, _ in found])
    right = [block_right for _, block_right in found if block_right is not None]
    correct = _means(scores[np.concatenate(right)]) if right else None
    return {**_means(scores), "correct": correct}


def _known_intervals(panel: Panel) -> dict[int, tuple[int, int]]:
    """Return the first step and the step after the last of each known interval, by row, clipped to the series."""
    if panel.intervals is None:
        return {}
    ends = zip(panel.intervals.tolist(), panel.lengths.tolist(), strict=True)
    return {
        row: (start, min(stop, length))
        for row, ((start, stop), length) in enumerate(ends)
        if 0 <= start < min(stop, length)
    }


def _score_one(attention: NDArray[np.float32], start: int, stop: int) -> tuple[float, float, float]:
    peaks = attention == attention.max()
    return (
        float(attention[start:stop].sum(dtype=np.float64)),
        float(peaks[start:stop].sum() / peaks.sum()),
        (stop - start) / len(attention),
    )


def _means(scores: NDArray[np.float64]) -> dict[str, Any]:
    inside, peak, uniform = scores.mean(axis=0).tolist() if len(scores) else (None, None, None)
    return {
        "series": len(scores),
        "attention_inside": inside,
        "attention_inside_uniform": uniform,
        "peak_inside": peak,
        "peak_inside_uniform": uniform,
    }
