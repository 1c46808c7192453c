"""Overview: which series to look at, and a grid of their explanations."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.drawing.axes import (
    INK,
    draw_series,
)
from limelight.explanation.explanation import Explanation
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN


def rows_to_see(prediction: Prediction, panel: Panel, each: int = 3) -> dict[str, NDArray[np.int64]]:
    """Find the series that say most about a model.

    Parameters
    ----------
    prediction
        Answers about the n series of the panel.
    panel
        Labelled, or not: then nothing is known to be wrong.
    each
        How many of each kind, at least 1.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        Rows by kind: ``"most confident"`` and right (of unlabelled series just most confident), ``"most wrong"`` with
        the least probable truth first, and ``"most uncertain"``. No series stands twice, none that is not known is
        called wrong.

    Raises
    ------
    ParameterError
        If the answers are not one class for each series.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series(np.zeros((4, 3)), labels=["a", "b", "a", "b"])
    >>> answers = Prediction(panel.ids, Task(("a", "b")), np.array([[-3.0], [-2.0], [0.1], [5.0]]))
    >>> {kind: rows.tolist() for kind, rows in rows_to_see(answers, panel, each=1).items()}
    {'most confident': [3], 'most wrong': [1], 'most uncertain': [2]}
    """
    task = prediction.task
    if task.by_step or task.multilabel:
        raise ParameterError(
            f"expected answers of one class for each series, got {task.kind} answers for each {task.level}; "
            "pick rows yourself"
        )
    chances = prediction.probabilities
    decided = task.decide(chances, prediction.thresholds)
    codes = np.full(len(panel), UNKNOWN) if panel.labels is None else targets_of(task, panel).every()
    known = codes != UNKNOWN
    sure, rows = chances.max(axis=1), np.arange(len(panel))
    of_truth = chances[rows, codes]
    order = np.argsort(of_truth, kind="stable")
    wrong = order[(known & (decided != codes))[order]][:each]
    order = np.argsort(-sure, kind="stable")
    confident = order[(~known | (decided == codes))[order]][:each]
    order = np.argsort(sure, kind="stable")
    uncertain = order[~np.isin(order, [*wrong, *confident])][:each]
    return {"most confident": confident, "most wrong": wrong, "most uncertain": uncertain}


def grid(explanation: Explanation, each: int = 3) -> Figure:
    """Draw the most confident, the most wrong and the most uncertain series side by side.

    Parameters
    ----------
    explanation
        Of labelled series, one class for each.
    each
        How many of each kind, at least 1.

    Returns
    -------
    Figure
        A column for each kind; one that has no series says so.

    Raises
    ------
    ParameterError
        As ``rows_to_see``.
    """
    kinds = rows_to_see(explanation.prediction, explanation.panel, each)
    deep = max(1, *(len(rows) for rows in kinds.values()))
    figure = Figure(figsize=(15.0, 0.6 + 2.3 * deep), dpi=100, layout="constrained")
    parts = figure.subfigures(1, len(kinds), squeeze=False, wspace=0.02)[0]
    for part, (kind, rows) in zip(parts, kinds.items(), strict=True):
        part.suptitle(kind if len(rows) else f"{kind}: none", fontsize=11, color=INK)
        axes = part.subplots(deep, 1, squeeze=False)[:, 0]
        for place, ax in enumerate(axes):
            if place >= len(rows):
                ax.set_axis_off()
                continue
            row = int(rows[place])
            importance = explanation.importance[row]
            draw_series(ax, explanation.panel, row, importance, explanation.prediction, signed=explanation.signed)
    return figure
