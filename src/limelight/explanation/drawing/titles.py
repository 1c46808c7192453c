"""Titles: what is said beside a picture, in few letters."""

from __future__ import annotations

import numpy as np

from limelight.data.panel import Panel
from limelight.model.fitted import Prediction


def series_title(panel: Panel, row: int, prediction: Prediction | None) -> str:
    """Name a series, its truth and its answer with probability, as far as they are known."""
    known = []
    if panel.labels is not None:
        known.append(f"truly {_truth(panel, row)}")
    if prediction is not None and not prediction.task.by_step:
        known.append(f"predicted {_answer(prediction, row)}")
    name = shortened(str(panel.ids[row]))
    return f"{name}: {', '.join(known)}" if known else name


def _truth(panel: Panel, row: int) -> str:
    assert panel.labels is not None
    if panel.labels.ndim == 1:
        return shortened(str(panel.labels[row]), 24)
    names = panel.label_names or ()
    there = [str(name) for name, one in zip(names, panel.labels[row], strict=True) if one == 1]
    return shortened(", ".join(there) or "none", 24)


def _answer(prediction: Prediction, row: int) -> str:
    probabilities, classes = prediction.probabilities[row], prediction.task.classes
    if not prediction.task.multilabel:
        code = int(probabilities.argmax())
        return f"{shortened(str(classes[code]), 24)} ({100 * probabilities[code]:.0f} %)"
    decided = prediction.task.decide(probabilities[None], prediction.thresholds)[0]
    there = [f"{classes[code]} ({100 * probabilities[code]:.0f} %)" for code in np.flatnonzero(decided)]
    return shortened(", ".join(there) or f"none (highest {100 * probabilities.max():.0f} %)", 60)


def shortened(text: str, most: int = 40) -> str:
    """Cut a text that is too long, and show that it was."""
    return text if len(text) <= most else text[: most - 1] + "…"


def with_unit(name: str, unit: str | None, most: int = 40) -> str:
    """Add a unit to a name, both in so many letters at most."""
    if not unit:
        return shortened(name, most)
    ending = f" ({shortened(unit, most // 2)})"
    return shortened(name, most - len(ending)) + ending
