"""Inputs of the report: what the page of a run is made from."""

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
from limelight.explanation.examples import Examples
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
        The logit minus the sum of ``importance`` and ``fields``; None if the importance is
        not a decomposition of the logit.
    resolution
        The fewest steps that the model reads together, at least 1: finer differences say nothing.
    """

    importance: NDArray[np.floating[Any]]
    target: str | None = None
    channels: NDArray[np.floating[Any]] | None = None
    frequencies: NDArray[np.floating[Any]] | None = None
    fields: Mapping[str, float] = field(default_factory=dict)
    base: float | None = None
    resolution: int = 1


Explainer = Callable[[int, str | None], StepImportance]
"""Explains the series in a row of the panel for a class or label; None explains the prediction."""
ExampleFinder = Callable[[Sequence[int]], "tuple[Examples, Panel] | None"]
"""Finds examples for the series in some rows; returns them, and the panel that they come from."""


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
        ``early``, ``groups``, ``metadata``, ``localisation``, ``explanations`` and ``training``.
    history
        One row for each epoch: ``epoch``, ``train_loss`` and, with a validation split, ``validation_loss`` and
        ``validation_f1``.
    prediction
        Predictions for the evaluated series, or for their steps.
    panel
        The evaluated series with their labels, in the order of the predictions.
    warnings
        What the user should look at, in whole sentences.
    notes
        What was assumed when the data were read, in whole sentences.
    reproduce
        What is needed to obtain the same numbers, by topic: for example command, seed, versions.
    explainers
        Explainers by the name of their method; the first is shown first. If there are none, the page shows the
        attention of the prediction, if it has any.
    find_examples
        Finds training series that the series in some rows resemble, of the first of these rows if all would take too
        long; None omits them from the page.
    """

    title: str
    setup: Mapping[str, str]
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    prediction: Prediction
    panel: Panel
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    reproduce: Mapping[str, str] = field(default_factory=dict)
    explainers: Mapping[str, Explainer] = field(default_factory=dict)
    find_examples: ExampleFinder | None = None

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
