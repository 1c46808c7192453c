"""Overview: choose the series worth inspecting and draw a grid of their explanations."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.drawing.axes import INK, draw_series
from limelight.explanation.explanation import Explanation
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN


def rows_to_see(prediction: Prediction, panel: Panel, each: int = 3) -> dict[str, NDArray[np.int64]]:
    """Find the series worth inspecting.

    Parameters
    ----------
    prediction
        Predictions for the n series of the panel.
    panel
        The series. Without labels, no prediction is known to be wrong.
    each
        Number of series of each kind, at least 1.

    Returns
    -------
    dict[str, NDArray[np.int64]]
        Rows by kind: ``"most confident"`` among correct predictions and unlabelled series; ``"most wrong"``, the series
        whose true class is least probable first; and ``"most uncertain"`` among the rest. Unlabelled series are never
        called wrong.

    Raises
    ------
    ParameterError
        If the model does not predict one class for each series.

    Example
    -------
    >>> from limelight.task import Task
    >>> panel = Panel.from_series(np.zeros((4, 3)), labels=["a", "b", "a", "b"])
    >>> prediction = Prediction(panel.ids, Task(("a", "b")), np.array([[-3.0], [-2.0], [0.1], [5.0]]))
    >>> {kind: rows.tolist() for kind, rows in rows_to_see(prediction, panel, each=1).items()}
    {'most confident': [3], 'most wrong': [1], 'most uncertain': [2]}
    """
    task = prediction.task
    if task.by_step or task.multilabel:
        raise ParameterError(
            f"expected predictions of one class for each series, got {task.kind} predictions for each {task.level}; "
            "choose the rows yourself"
        )
    probabilities = prediction.probabilities
    decided = task.decide(probabilities, prediction.thresholds)
    codes = np.full(len(panel), UNKNOWN) if panel.labels is None else targets_of(task, panel).every()
    known = codes != UNKNOWN
    confidence, rows = probabilities.max(axis=1), np.arange(len(panel))
    of_true_class = probabilities[rows, codes]
    order = np.argsort(of_true_class, kind="stable")
    wrong = order[(known & (decided != codes))[order]][:each]
    order = np.argsort(-confidence, kind="stable")
    confident = order[(~known | (decided == codes))[order]][:each]
    order = np.argsort(confidence, kind="stable")
    uncertain = order[~np.isin(order, [*wrong, *confident])][:each]
    return {"most confident": confident, "most wrong": wrong, "most uncertain": uncertain}


def grid(explanation: Explanation, each: int = 3) -> Figure:
    """Draw the most confident, the most wrong and the most uncertain series side by side.

    Parameters
    ----------
    explanation
        Explanation of labelled series of a model that predicts one class for each series.
    each
        Number of series of each kind, at least 1.

    Returns
    -------
    Figure
        A column for each kind; the heading of an empty column ends in "none".

    Raises
    ------
    ParameterError
        If the model does not predict one class for each series.
    """
    kinds = rows_to_see(explanation.prediction, explanation.panel, each)
    n_rows = max(1, *(len(rows) for rows in kinds.values()))
    figure = Figure(figsize=(15.0, 0.6 + 2.3 * n_rows), dpi=100, layout="constrained")
    columns = figure.subfigures(1, len(kinds), squeeze=False, wspace=0.02)[0]
    for column, (kind, rows) in zip(columns, kinds.items(), strict=True):
        column.suptitle(kind if len(rows) else f"{kind}: none", fontsize=11, color=INK)
        axes = column.subplots(n_rows, 1, squeeze=False)[:, 0]
        for place, ax in enumerate(axes):
            if place >= len(rows):
                ax.set_axis_off()
                continue
            row = int(rows[place])
            importance = explanation.importance[row]
            draw_series(ax, explanation.panel, row, importance, explanation.prediction, signed=explanation.signed)
    return figure
