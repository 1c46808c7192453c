"""What the page of a run is made from, and what it says first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import InternalError
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of


@dataclass(frozen=True, eq=False)
class Counted:
    """How much each time step of one series counted.

    Parameters
    ----------
    importance
        Shape (time,): of attention a weight, at least 0 and summing to 1; of other methods below 0 where a step speaks
        against the target.
    target
        The class or label that the numbers are about; None of attention, which is about none.
    """

    importance: NDArray[np.floating[Any]]
    target: str | None = None


Look = Callable[[int, str | None], Counted]
"""Says of the series in a row how much each time step counted for a class or label, or else for what was answered."""


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the page of a run is made from.

    Parameters
    ----------
    title
        Name of the run.
    asked
        What was asked, each in one sentence: for example data, split, task, model, training.
    metrics
        What ``metrics.json`` holds: ``test`` and ``baseline``; where known ``seconds``, ``decision``, ``events``,
        ``groups``, ``metadata``, ``localisation``, ``explanations``, ``training``.
    history
        A row of numbers for each epoch: ``epoch``, ``train_loss`` and, with validation series, ``validation_loss`` and
        ``validation_f1``.
    prediction
        Answers about the evaluated series, or about their steps.
    panel
        The evaluated series with their labels, in the order of the answers.
    warnings
        Whole sentences for people.
    reproduce
        What it takes to get the same numbers: for example command, seed, versions.
    looks
        By the name of a method what counted in a series, the one to show first; none takes the attention that the
        prediction brings, where it has any.
    """

    title: str
    asked: Mapping[str, str]
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    prediction: Prediction
    panel: Panel
    warnings: Sequence[str] = ()
    reproduce: Mapping[str, str] = field(default_factory=dict)
    looks: Mapping[str, Look] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """The methods whose numbers are shown behind the series, the one to show first."""
        there = self.prediction.attention is not None and not self.prediction.task.by_step
        return list(self.looks) or (["attention"] if there else [])

    def counted_in(self, row: int, target: str | None = None) -> dict[str, Counted]:
        """Say by each method what counted in one series for a class or label; None for what was answered."""
        given = self.prediction.attention
        if self.looks or given is None or not self.methods:
            return {name: look(row, target) for name, look in self.looks.items()}
        return {"attention": Counted(given[row])}

    @cached_property
    def answers(self) -> LabelledPredictions:
        """What was true and what was answered, of every series or step, one after the other."""
        panel, said = self.panel, self.prediction
        if panel.labels is None and panel.step_labels is None:
            raise InternalError("a report was asked for about series without labels")
        return LabelledPredictions.of(
            said.task, targets_of(said.task, panel).every(), said.probabilities, said.thresholds
        )

    @property
    def unit(self) -> str:
        """What the answers are about, in the plural."""
        return "steps" if self.prediction.task.by_step else self.rows

    @property
    def rows(self) -> str:
        """What the rows of the panel are, in the plural."""
        return "series" if self.panel.origin is None else "windows"

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where the answers about each row begin, and where the last ones end, shape (n + 1,)."""
        lengths = self.prediction.lengths
        each = np.ones(len(self.panel), dtype=np.int64) if lengths is None else lengths
        return np.concatenate([[0], np.cumsum(each)])

    def answers_of(self, row: int) -> slice:
        """Say which of the answers are about one row of the panel."""
        return slice(int(self.bounds[row]), int(self.bounds[row + 1]))


def verdict(metrics: Mapping[str, Any], unit: str = "series") -> str:
    """Say in plain words how good the model is.

    Parameters
    ----------
    metrics
        What ``metrics.json`` holds.
    unit
        What was answered, in the plural.

    Returns
    -------
    str
        Two sentences: the share of right answers, and whether that is more than without a model. Of several labels it
        is the share of single labels that are right.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75}
    >>> verdict({"test": test, "baseline": {"accuracy": 0.5}})
    '3 of 4 series were classified correctly (75.0 %). Always giving the commonest label would get 50.0 %
    right.'
    """
    test, baseline = metrics["test"], metrics["baseline"]
    if "hamming_loss" in test:
        right, always = 1 - test["hamming_loss"], 1 - baseline["hamming_loss"]
        return f"{_right_labels(test, right, unit)} {_beside(test, baseline, right, always, None)}"
    right, always = test["accuracy"], baseline["accuracy"]
    number, n = round(right * test["n"]), test["n"]
    first = f"{number:,} of {n:,} {unit} were classified correctly ({_percent(right)})."
    first = f"All {n:,} {unit} were classified correctly." if number == n > 1 else first
    ends = (test.get("intervals") or {}).get("accuracy")
    return f"{first} {_beside(test, baseline, right, always, ends)}"


def _right_labels(test: Mapping[str, Any], right: float, unit: str) -> str:
    labels = len(test["per_class"])
    share = test["accuracy"]  # None where nothing knows all of its labels
    of_all = "" if labels < 2 or share is None else f", and all of them in {_percent(share)} of the {unit}"
    return f"Of the single labels {_percent(right)} are right{of_all}."


def _beside(
    test: Mapping[str, Any], baseline: Mapping[str, Any], right: float, always: float, ends: Sequence[float] | None
) -> str:
    """Say whether answers are better than always the same one."""
    what = "answer" if "hamming_loss" in test else "label"
    rule = f"lways giving the commonest {what} would get {_percent(always)} right"
    if right > always:
        near = ends is not None and ends[0] <= always
        return f"A{rule}" + (", which lies within the 95 % interval of this model." if near else ".")
    balanced, even = test.get("balanced_accuracy"), baseline.get("balanced_accuracy")
    if balanced is None or even is None or balanced <= even:
        return f"This is no better than a rule without a model: a{rule}."
    return (
        f"A{rule}; yet where every class counts the same, the model is better: "
        f"a balanced accuracy of {balanced:.3f} against {even:.3f}."
    )


def _percent(share: float) -> str:
    rounded = f"{100 * share:.1f} %"
    return "more than 99.9 %" if rounded == "100.0 %" and share < 1 else rounded
