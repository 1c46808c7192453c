"""Deletion and insertion: the probability of the target as the most important steps are hidden, or shown, first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.explanation.perturbation import predict_perturbed
from limelight.explanation.target import Target
from limelight.model.fitted import FittedModel
from limelight.types import Floats, Rows

DELETION, INSERTION = 0, 1


def deletion_curves(
    model: FittedModel,
    target: Target,
    panel: Panel,
    source: Panel,
    background_rows: Rows,
    importance: Sequence[Floats],
    fractions: int,
) -> Floats:
    """Compute the probability of the target along deletion and insertion, shape (2, n, fractions + 1)."""
    rows = np.repeat(np.arange(len(panel)), fractions + 1)
    parts = np.tile(np.arange(fractions + 1), len(panel))
    ranks = [_ranks(numbers) for numbers in importance]
    sums = np.zeros((2, len(rows)))
    for curve in (DELETION, INSERTION):

        def mask(chosen: Panel, chunk: slice, insertion: bool = curve == INSERTION) -> NDArray[np.bool_]:
            rank = np.concatenate([ranks[row] for row in rows[chunk]])
            lengths = chosen.lengths
            most_important = rank < np.repeat(np.rint(parts[chunk] * lengths / fractions), lengths)
            return (~most_important if insertion else most_important)[:, None]

        for drawn in background_rows.T:
            for chunk, prediction in predict_perturbed(model, panel, source, rows, drawn[rows], mask):
                sums[curve, chunk] += target.at(rows[chunk]).probability(prediction)
    curves: Floats = sums.reshape(2, len(panel), fractions + 1) / background_rows.shape[1]
    return curves


def areas_under(curves: Floats) -> Floats:
    """Compute the area under each curve, shape (2, n)."""
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[2] - 1), axis=2))


def _ranks(importance: Floats) -> NDArray[np.int64]:
    """Rank the steps from 0, the most important first, shape (time,)."""
    ranks = np.empty(len(importance), dtype=np.int64)
    ranks[np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")] = np.arange(len(importance))
    return ranks
