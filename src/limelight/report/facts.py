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
from limelight.evaluation.answers import Answers
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of


@dataclass(frozen=True)
class ReportFacts:
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
    look
        Gives the weight of each time step of the series in a row, shape (time,), where the prediction has none; None
        if the model has no attention.
    """

    title: str
    asked: Mapping[str, str]
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    prediction: Prediction
    panel: Panel
    warnings: Sequence[str] = ()
    reproduce: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[int], NDArray[np.float32]] | None = None

    @property
    def has_attention(self) -> bool:
        """Whether there is attention to show."""
        return self.prediction.attention is not None or self.look is not None

    def attention_of(self, row: int) -> NDArray[np.float32] | None:
        """Give the weight of each time step of one series, shape (time,), or None."""
        if self.prediction.attention is not None:
            return self.prediction.attention[row]
        return None if self.look is None else self.look(row)

    @cached_property
    def answers(self) -> Answers:
        """What was true and what was answered, of every series or step, one after the other."""
        panel, said = self.panel, self.prediction
        if panel.labels is None and panel.step_labels is None:
            raise InternalError("a report was asked for about series without labels")
        return Answers.of(said.task, targets_of(said.task, panel).every(), said.probabilities, said.thresholds)

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
