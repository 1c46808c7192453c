"""Titles: short texts for titles and axes of figures."""

from __future__ import annotations

import numpy as np

from limelight.data.panel import Panel
from limelight.model.fitted import Prediction


def series_title(panel: Panel, row: int, prediction: Prediction | None) -> str:
    """Return the title of a series: its id and, if known, its true label and its prediction with probability."""
    parts = [shortened(str(panel.ids[row]))]
    if panel.labels is not None:
        parts.append(f"true: {_true_label(panel, row)}")
    if prediction is not None and not prediction.task.by_step:
        parts.append(f"predicted: {_predicted_label(prediction, row)}")
    return " | ".join(parts)


def _true_label(panel: Panel, row: int) -> str:
    assert panel.labels is not None
    if panel.labels.ndim == 1:
        return shortened(str(panel.labels[row]), 24)
    names = panel.label_names or ()
    present = [str(name) for name, code in zip(names, panel.labels[row], strict=True) if code == 1]
    return shortened(", ".join(present) or "none", 24)


def _predicted_label(prediction: Prediction, row: int) -> str:
    probabilities, classes = prediction.probabilities[row], prediction.task.classes
    if not prediction.task.multilabel:
        code = int(probabilities.argmax())
        return f"{shortened(str(classes[code]), 24)} ({100 * probabilities[code]:.0f} %)"
    decided = prediction.task.decide(probabilities[None], prediction.thresholds)[0]
    predicted = [f"{classes[code]} ({100 * probabilities[code]:.0f} %)" for code in np.flatnonzero(decided)]
    return shortened(", ".join(predicted) or f"none (highest {100 * probabilities.max():.0f} %)", 60)


def shortened(text: str, most: int = 40) -> str:
    """Cut a text that is too long; an ellipsis marks the cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def with_unit(name: str, unit: str | None, most: int = 40) -> str:
    """Add a unit to a name; together they have at most ``most`` letters."""
    if not unit:
        return shortened(name, most)
    ending = f" ({shortened(unit, most // 2)})"
    return shortened(name, most - len(ending)) + ending
