"""Result of a comparison: a row for each model, and a recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.errors import ParameterError, nearest
from limelight.evaluation.metrics.paired import MORE, Gain, paired_gain
from limelight.text import aligned

COMPARISON_SCORES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "log_loss": "log loss",
}
"""The scores to compare by, with their titles; the default first."""
MAJORITY, METADATA, SERIES = "majority class", "metadata alone", "series alone"


@dataclass(frozen=True)
class Row:
    """One model of a comparison.

    Parameters
    ----------
    name
        What the model is given.
    scores
        One for each fold.
    seconds
        Of one fit, the median over the folds.
    parameters
        Number of weights of the network; None for a baseline.
    gain
        Over the series alone on the same folds; None for the series alone.
    """

    name: str
    scores: tuple[float, ...]
    seconds: float
    parameters: int | None = None
    gain: Gain | None = None

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(np.mean(self.scores))

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the folds, with n - 1; None for one fold."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Return all fields in a form that JSON can hold."""
        gain = None if self.gain is None else {**self.gain.__dict__, "verdict": self.gain.verdict}
        return {**self.__dict__, "scores": list(self.scores), "mean": self.mean, "sd": self.deviation, "gain": gain}


@dataclass(frozen=True)
class Comparison:
    """Result of ``compare``; ``print`` shows it as a table.

    Parameters
    ----------
    score
        The score that the models are compared by.
    rows
        The models, from the simplest to the richest.
    rule
        How the folds were drawn, in words.
    notes
        What was skipped, and why.
    conclusion
        Which model to use, in one sentence.
    interrupted
        Whether Ctrl-C ended the comparison early.
    """

    score: str
    rows: tuple[Row, ...]
    rule: str
    notes: tuple[str, ...]
    conclusion: str
    interrupted: bool = False

    @property
    def lower_is_better(self) -> bool:
        """Whether the score is a loss."""
        return self.score == "log_loss"

    def row(self, name: str) -> Row:
        """Return the row of a model; ParameterError if there is no such name."""
        for row in self.rows:
            if row.name == name:
                return row
        names = [row.name for row in self.rows]
        raise ParameterError(f"expected the name of a row, got {name!r}{nearest(name, names)}")

    def to_json(self) -> dict[str, Any]:
        """Return all fields in a form that JSON can hold."""
        return {
            **self.__dict__,
            "lower_is_better": self.lower_is_better,
            "rows": [row.to_json() for row in self.rows],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        header = ["", COMPARISON_SCORES[self.score], "sd", "gain", "sd", "95 % interval", "", "seconds", "parameters"]
        table = aligned([header, *(_cells(row) for row in self.rows)])
        title = f"{self.rule}; gain is over {SERIES}" + (", above 0 for a lower loss" if self.lower_is_better else "")
        return "\n".join([title, "", *table, "", *(f"note: {note}" for note in self.notes), self.conclusion])


def conclude(rows: Sequence[Row], held_out_share: float, *, lower_is_better: bool = False) -> str:
    """Recommend the simplest model that no simpler one beats in the mean and no richer one beats beyond the spread.

    Parameters
    ----------
    rows
        From the simplest to the richest.
    held_out_share, lower_is_better
        As for ``paired_gain``.

    Returns
    -------
    str
        The recommendation, in one sentence.

    Example
    -------
    >>> rows = [Row("majority class", (0.5,) * 4, 0.0), Row("series alone", (0.9, 0.8, 0.9, 0.8), 9.0)]
    >>> conclude([*rows, Row("series + late", (0.8, 0.9, 0.9, 0.9), 9.0)], 1 / 3)
    'use series alone: no richer model gains more than the spread over it'
    """
    if not rows or min(len(row.scores) for row in rows) < 2:
        return "too few folds are done for a recommendation"
    first = rows[0]

    def gain(one: Row, over: Row) -> Gain:
        return paired_gain(one.scores, over.scores, held_out_share, lower_is_better=lower_is_better)

    best = first
    for place, row in enumerate(rows):
        behind = any(gain(row, simpler).mean < 0 for simpler in rows[:place])
        beaten = any(gain(richer, row).verdict == MORE for richer in rows[place + 1 :])
        if not behind and not beaten:
            best = row
            break
    if best is first:
        return (
            f"use none of them yet: no model gains more than the spread over {first.name}; more series may show a gain"
        )
    unsure = "" if gain(best, first).verdict == MORE else f"; its own gain over {first.name} is within the spread"
    return f"use {best.name}: no richer model gains more than the spread over it{unsure}"


def _cells(row: Row) -> list[str]:
    gain = row.gain
    cells = [row.name, f"{row.mean:.3f}", _number(row.deviation)]
    cells += (
        ["", "", "", ""]
        if gain is None
        else [f"{gain.mean:+.3f}", _number(gain.deviation), _interval(gain), gain.verdict]
    )
    return [*cells, f"{row.seconds:.2f}", "" if row.parameters is None else f"{row.parameters:,}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(gain: Gain) -> str:
    return "-" if gain.low is None else f"{gain.low:+.3f} to {gain.high:+.3f}"
