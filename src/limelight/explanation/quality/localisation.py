"""Whether the attention went where the label shows, beside what attention spread evenly would reach."""

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
    """Measure how much attention falls into the stretches where the labels are known to show.

    Parameters
    ----------
    prediction
        Answers with attention, n of them.
    panel
        The same n series; ``intervals`` say where the label of a series shows, if known.

    Returns
    -------
    dict[str, Any] | None
        Plain numbers, ready for JSON; None without attention or without any known stretch:

        - ``series``: how many series have a known stretch;
        - ``attention_inside``: mean share of the attention inside, in [0, 1];
        - ``attention_inside_uniform``: the same for attention spread evenly, the mean of
          stretch length / series length;
        - ``peak_inside``: share of series whose highest attention is inside; equal peaks count in parts;
        - ``peak_inside_uniform``: what a peak placed at random would reach, the same mean;
        - ``correct``: the same five over the series that were classified correctly; None for an unlabelled
          panel, its means None where there is no such series.

    Raises
    ------
    DataError
        If the answers are not those of the panel.

    Source
    ------
    The share inside is the relevance mass accuracy, the peak the pointing game: Arras, Osman and Samek,
    CLEVR-XAI, 2022; Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016.

    Example
    -------
    >>> from limelight.task import Task
    >>> labels, intervals = ["flat", "ok"], [[1, 3], [-1, -1]]
    >>> panel = Panel.from_series([np.zeros(4), np.zeros(4)], labels=labels, intervals=intervals)
    >>> attention = [np.array([0.1, 0.5, 0.3, 0.1]), np.full(4, 0.25)]
    >>> answers = Prediction(panel.ids, Task(("flat", "ok")), np.array([[-1.0], [1.0]]), attention)
    >>> scores = score_localisation(answers, panel)
    >>> scores["series"], round(scores["attention_inside"], 3), scores["attention_inside_uniform"]
    (1, 0.8, 0.5)
    """
    return summarise_localisation([localise(prediction, panel)])


Localised = tuple[NDArray[np.float64], NDArray[np.bool_] | None]


def localise(prediction: Prediction, panel: Panel) -> Localised | None:
    """Measure each series with a known stretch: attention inside, peak inside, share of the stretch, and if right.

    Parameters
    ----------
    prediction, panel
        As for ``score_localisation``; one block of many.

    Returns
    -------
    tuple[NDArray, NDArray | None] | None
        Three numbers for each such series, shape (m, 3), and whether it was classified correctly, shape (m,), None
        without labels. None without attention or without any known stretch.

    Raises
    ------
    DataError
        If the answers are not those of the panel.
    """
    if len(prediction.ids) != len(panel):
        raise DataError(
            f"expected answers about the {len(panel)} series of the panel, got {len(prediction.ids)} "
            "answers; give the panel that was predicted"
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
    """Average what ``localise`` measured over all blocks; returns as ``score_localisation``."""
    found = [block for block in blocks if block is not None]
    if not found:
        return None
    scores = np.concatenate([numbers for numbers, _ in found])
    right = [block_right for _, block_right in found if block_right is not None]
    correct = _means(scores[np.concatenate(right)]) if right else None
    return {**_means(scores), "correct": correct}


def _known_intervals(panel: Panel) -> dict[int, tuple[int, int]]:
    """Give first step and step after the last of each stretch that is known, by row, within the series."""
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
