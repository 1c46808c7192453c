"""The list of all series with their predictions: compact, searched on the page, and exported for relabelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.report.highlights import Highlights, margins_of
from limelight.report.inputs import ReportInputs
from limelight.report.plotting import packed
from limelight.task import UNKNOWN

MOST_LISTED = 20_000
MOST_OF_CELL = 20
"""The most series that a cell of the confusion matrix of steps leads to."""
DOUBTFUL_MARGIN = 0.2
"""A prediction is doubtful if the two highest probabilities differ by less, or half of it lies to a threshold."""
FINE, WRONG_STATE, DOUBTFUL = 0, 1, 2


def list_series(inputs: ReportInputs, highlights: Highlights) -> dict[str, Any]:
    """List the series with their true and predicted labels.

    Parameters
    ----------
    inputs
        The inputs of the report.
    highlights
        The series that the page shows.

    Returns
    -------
    dict[str, Any]
        ``ids``, and by position in it: ``state`` (0 fine, 1 wrong, 2 doubtful) and ``probability`` of the prediction in
        units of 1/65535; ``truth`` and ``predicted``, places in ``names``, each with a text and its codes; for labels
        per step instead ``wrong`` and ``known`` numbers of labels, and in ``cells`` by cell of the confusion matrices
        the series with most of its steps. ``drawn`` holds the places of series with a figure and their rows.
        Numbers are encoded as by ``packed``. Of more than 20,000 series, wrong ones come first, then doubtful ones;
        ``omitted`` is the number of others.
    """
    found = _of_steps(inputs) if inputs.prediction.task.by_step else _of_series(inputs)
    n = len(inputs.panel)
    state = found["state"]
    kept = np.arange(n)
    if n > MOST_LISTED:
        order = np.argsort(np.array([2, 0, 1])[state], kind="stable")
        kept = np.sort(order[:MOST_LISTED])
    place_of = {int(row): place for place, row in enumerate(kept.tolist())}
    listed: dict[str, Any] = {
        "ids": [str(name) for name in inputs.panel.ids[kept]],
        "names": found.get("names", []),
        "labels": inputs.labelled.names if inputs.prediction.task.multilabel else [],
        "cells": {
            key: [place_of[row] for row in rows if row in place_of] for key, rows in found.get("cells", {}).items()
        },
        "drawn": [[place_of[row], row] for row in highlights.pictured if row in place_of],
        "omitted": n - len(kept),
        "total": n,
        "wrong_total": int((state == WRONG_STATE).sum()),
        "doubtful_total": int((state == DOUBTFUL).sum()),
        "by_step": inputs.prediction.task.by_step,
    }
    for name, kind in (("state", "u1"), ("truth", "u2"), ("predicted", "u2"), ("probability", "u2"), ("wrong", "u4"),
                       ("known", "u4")):  # fmt: skip
        listed[name] = packed(found[name][kept], kind) if name in found else None
    return listed


def _of_series(inputs: ReportInputs) -> dict[str, Any]:
    labelled, thresholds = inputs.labelled, inputs.prediction.thresholds
    task, n = labelled.task, len(inputs.panel)
    codes, decisions = (array.reshape(n, -1) for array in (labelled.codes, labelled.decisions))
    combinations, whose = np.unique(np.concatenate([codes, decisions]), axis=0, return_inverse=True)
    whose = whose.reshape(-1)
    narrow = DOUBTFUL_MARGIN if thresholds is None and not task.multilabel else DOUBTFUL_MARGIN / 2
    doubtful = (margins_of(labelled, thresholds) < narrow).any(axis=1)
    wrong = ((codes != UNKNOWN) & (codes != decisions)).any(axis=1)
    if task.multilabel:
        probability = np.where(decisions == 1, labelled.probabilities, 1 - labelled.probabilities).min(axis=1)
    else:
        probability = np.take_along_axis(labelled.probabilities, decisions, axis=1)[:, 0]
    return {
        "names": [[_text(row, labelled.names, task.multilabel), row] for row in combinations.tolist()],
        "truth": whose[:n],
        "predicted": whose[n:],
        "probability": np.round(65_535 * probability),
        "state": np.where(wrong, WRONG_STATE, np.where(doubtful, DOUBTFUL, FINE)),
    }


def _text(codes: list[int], names: list[str], multilabel: bool) -> str:
    if multilabel:
        return ", ".join(name for name, code in zip(names, codes, strict=True) if code == 1) or "none"
    return "unknown" if codes[0] == UNKNOWN else names[codes[0]]


def _of_steps(inputs: ReportInputs) -> dict[str, Any]:
    labelled, n = inputs.labelled, len(inputs.panel)
    rows = np.repeat(np.arange(n), np.diff(inputs.bounds))
    codes, decisions = (array.reshape(len(rows), -1) for array in (labelled.codes, labelled.decisions))
    known = codes != UNKNOWN
    wrong = _sums((known & (codes != decisions)).sum(axis=1), rows, n)
    return {
        "wrong": wrong,
        "known": _sums(known.sum(axis=1), rows, n),
        "state": np.where(wrong > 0, WRONG_STATE, FINE),
        "cells": _cells(codes, decisions, rows, n, labelled.task.multilabel),
    }


def _cells(
    codes: NDArray[np.int64], decisions: NDArray[np.int64], rows: NDArray[np.int64], n: int, multilabel: bool
) -> Mapping[str, list[int]]:
    """Return for each cell of the confusion matrices the series with most of its steps."""
    cells = {}
    for label in range(codes.shape[1]):
        truth, decided = codes[:, label], decisions[:, label]
        pairs = np.unique(np.stack([truth, decided], axis=1)[truth != UNKNOWN], axis=0)
        for true, predicted in pairs.tolist():
            counts = _sums((truth == true) & (decided == predicted), rows, n)
            most = np.argsort(-counts, kind="stable")[:MOST_OF_CELL]
            key = f"{label},{true},{predicted}" if multilabel else f"{true},{predicted}"
            cells[key] = [int(row) for row in most if counts[row]]
    return cells


def _sums(values: NDArray[Any], rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.bincount(rows, weights=values, minlength=n).astype(np.int64)
    return total
