"""The series of a part that are scored: all of them, or so many that metrics and report take bounded memory."""

from __future__ import annotations

import numpy as np

from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.types import Rows


def rows_to_score(experiment: Experiment, panel: Panel, rows: Rows) -> Rows:
    """Return the rows of the series to score: those given, or a random part of them in the same order.

    Parameters
    ----------
    experiment
        ``evaluate`` limits the number of series, or of steps if they are labelled; ``seed`` draws them.
    panel
        All series.
    rows
        The rows of the series that could be scored, shape (n,).

    Returns
    -------
    Rows
        Shape (m,), at least one if n is; the same rows for the same seed.

    Example
    -------
    >>> from limelight.data.panel import Panel
    >>> limit = {"data": {"sine": {}}, "evaluate": {"series": 2}}
    >>> panel = Panel.from_series(list(np.zeros((9, 4, 1))), labels=["ok", "fault", "ok"] * 3)
    >>> rows_to_score(Experiment.model_validate(limit), panel, np.array([8, 3, 5, 1]))
    array([8, 5])
    """
    order = np.random.default_rng(experiment.seed).permutation(len(rows))
    if panel.step_labels is None:
        kept = order[: experiment.evaluate.series]
    else:
        steps = np.cumsum(panel.lengths[rows[order]])
        kept = order[: max(1, int((steps <= experiment.evaluate.steps).sum()))]
    return rows[np.sort(kept)]


def scored_note(scored: int, of: int) -> list[str]:
    """Return a note that only some of the series are scored, in a list; an empty list if all are.

    Example
    -------
    >>> scored_note(1_000_000, 2_000_000)
    ['1,000,000 of the 2,000,000 labelled series are scored, drawn at random; evaluate.series and evaluate.steps limit
    their number']
    >>> scored_note(3, 3)
    []
    """
    if scored == of:
        return []
    return [
        f"{scored:,} of the {of:,} labelled series are scored, drawn at random; evaluate.series and evaluate.steps "
        "limit their number"
    ]


def with_scored(counts: dict[str, int], scored: int, of: int) -> dict[str, int]:
    """Return the counts of ``metrics.json`` with the number of scored series added, if not all are scored.

    Example
    -------
    >>> with_scored({"test": 5}, 3, 5)
    {'test': 5, 'scored': 3}
    >>> with_scored({"test": 5}, 5, 5)
    {'test': 5}
    """
    return counts if scored == of else {**counts, "scored": scored}
