"""Inputs of the report: what the page of a run is made from, and the sentence that it begins with."""

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
class StepImportance:
    """The importance of each time step of one series.

    Parameters
    ----------
    importance
        Shape (time,). For attention, non-negative weights that sum to 1; for other methods, negative numbers are
        evidence against the target.
    target
        The class or label that is explained; None for attention, which has no target.
    channels
        The importance of each step and channel, shape (time, channels); None if channels are not distinguished.
    frequencies
        The part of the importance that a spectrum adds, shape (frequencies, channels), from 1 cycle per series upwards;
        None if the model reads no spectrum.
    fields
        What each metadata field adds.
    base
        What has to be added to the sum of ``importance`` and ``fields`` to obtain the logit; None if the importance is
        not a decomposition of the logit.
    """

    importance: NDArray[np.floating[Any]]
    target: str | None = None
    channels: NDArray[np.floating[Any]] | None = None
    frequencies: NDArray[np.floating[Any]] | None = None
    fields: Mapping[str, float] = field(default_factory=dict)
    base: float | None = None


Explainer = Callable[[int, str | None], StepImportance]
"""Explains the series in a row of the panel for a class or label; None explains the prediction."""


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the page of a run is made from.

    Parameters
    ----------
    title
        Name of the run.
    setup
        The setup of the run by topic, one sentence each: for example data, split, task, model, training.
    metrics
        The content of ``metrics.json``: ``test`` and ``baseline``; optionally ``seconds``, ``decision``, ``events``,
        ``groups``, ``metadata``, ``localisation``, ``explanations`` and ``training``.
    history
        One row for each epoch: ``epoch``, ``train_loss`` and, with a validation split, ``validation_loss`` and
        ``validation_f1``.
    prediction
        Predictions for the evaluated series, or for their steps.
    panel
        The evaluated series with their labels, in the order of the predictions.
    warnings
        Whole sentences for the reader.
    reproduce
        What is needed to obtain the same numbers, by topic: for example command, seed, versions.
    explainers
        Explainers by the name of their method; the first is shown first. If there are none, the page shows the
        attention of the prediction, if it has any.
    """

    title: str
    setup: Mapping[str, str]
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    prediction: Prediction
    panel: Panel
    warnings: Sequence[str] = ()
    reproduce: Mapping[str, str] = field(default_factory=dict)
    explainers: Mapping[str, Explainer] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """The explanation methods to show, in order."""
        has_attention = self.prediction.attention is not None and not self.prediction.task.by_step
        return list(self.explainers) or (["attention"] if has_attention else [])

    def explain(self, row: int, target: str | None = None) -> dict[str, StepImportance]:
        """Explain one series by each method for a class or label; None explains the prediction."""
        attention = self.prediction.attention
        if self.explainers or attention is None or not self.methods:
            return {name: explainer(row, target) for name, explainer in self.explainers.items()}
        return {"attention": StepImportance(attention[row])}

    @cached_property
    def labelled(self) -> LabelledPredictions:
        """The true and predicted labels of all series, or of all steps one series after the other."""
        panel, prediction = self.panel, self.prediction
        if panel.labels is None and panel.step_labels is None:
            raise InternalError("a report needs labelled series, got series without labels")
        codes = targets_of(prediction.task, panel).every()
        return LabelledPredictions.of(prediction.task, codes, prediction.probabilities, prediction.thresholds)

    @property
    def unit(self) -> str:
        """The noun for what is predicted, in the plural: series, windows or steps."""
        return "steps" if self.prediction.task.by_step else self.row_noun

    @property
    def row_noun(self) -> str:
        """The noun for the rows of the panel, in the plural: series or windows."""
        return "series" if self.panel.origin is None else "windows"

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """The index in ``labelled`` at which each row of the panel begins, and the end of the last row, (n + 1,)."""
        lengths = self.prediction.lengths
        sizes = np.ones(len(self.panel), dtype=np.int64) if lengths is None else lengths
        return np.concatenate([[0], np.cumsum(sizes)])

    def slice_of(self, row: int) -> slice:
        """Return the slice of ``labelled`` that belongs to one row of the panel."""
        return slice(int(self.bounds[row]), int(self.bounds[row + 1]))


def verdict(metrics: Mapping[str, Any], unit: str = "series") -> str:
    """Summarise in plain words how good the model is.

    Parameters
    ----------
    metrics
        The content of ``metrics.json``.
    unit
        The noun for what is predicted, in the plural.

    Returns
    -------
    str
        Two sentences: the share of correct predictions, and whether it exceeds that of the baseline. For multi-label,
        the share of correct single labels.

    Example
    -------
    >>> test = {"n": 4, "accuracy": 0.75}
    >>> verdict({"test": test, "baseline": {"accuracy": 0.5}})
    '3 of 4 series were classified correctly (75.0 %). Always predicting the most frequent class would be correct for
    50.0 %.'
    """
    test, baseline = metrics["test"], metrics["baseline"]
    if "hamming_loss" in test:
        correct, constant = 1 - test["hamming_loss"], 1 - baseline["hamming_loss"]
        return f"{_correct_labels(test, correct, unit)} {_comparison(test, baseline, correct, constant, None)}"
    correct, constant = test["accuracy"], baseline["accuracy"]
    number, n = round(correct * test["n"]), test["n"]
    first = f"{number:,} of {n:,} {unit} were classified correctly ({_percent(correct)})."
    first = f"All {n:,} {unit} were classified correctly." if number == n > 1 else first
    interval = (test.get("intervals") or {}).get("accuracy")
    return f"{first} {_comparison(test, baseline, correct, constant, interval)}"


def _correct_labels(test: Mapping[str, Any], correct: float, unit: str) -> str:
    labels = len(test["per_class"])
    subset = test["accuracy"]  # None if all labels are known for none of the examples
    of_all = "" if labels < 2 or subset is None else f"; all labels are correct for {_percent(subset)} of the {unit}"
    return f"Of the single labels, {_percent(correct)} are correct{of_all}."


def _comparison(
    test: Mapping[str, Any],
    baseline: Mapping[str, Any],
    correct: float,
    constant: float,
    interval: Sequence[float] | None,
) -> str:
    """Describe whether the model is better than a constant prediction."""
    what = "value of each label" if "hamming_loss" in test else "class"
    rule = f"lways predicting the most frequent {what} would be correct for {_percent(constant)}"
    if correct > constant:
        within = interval is not None and interval[0] <= constant
        return f"A{rule}" + (", which lies within the 95 % interval of this model." if within else ".")
    balanced, chance = test.get("balanced_accuracy"), baseline.get("balanced_accuracy")
    if balanced is None or chance is None or balanced <= chance:
        return f"This is no better than a constant prediction: a{rule}."
    return (
        f"A{rule}; but if every class counts equally, the model is better: "
        f"a balanced accuracy of {balanced:.3f} compared with {chance:.3f}."
    )


def _percent(share: float) -> str:
    rounded = f"{100 * share:.1f} %"
    return "more than 99.9 %" if rounded == "100.0 %" and share < 1 else rounded
