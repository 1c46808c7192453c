"""Cross-validation: scores of a recipe on held-out folds, with their mean and standard deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.model.targets import targets_of, task_of
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import (
    FOLD_SCORES,
    FoldResult,
    FoldSplit,
    fit_and_score,
    fold_splits,
)
from limelight.parallel import require_jobs, run_parallel
from limelight.parts.architecture import Architecture
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.text import aligned
from limelight.training.devices import require_device
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import HoldOut
from limelight.types import LogLine


@dataclass(frozen=True)
class Validation:
    """Result of ``validate``; ``print`` shows it as a table.

    Parameters
    ----------
    task
        The classes or labels.
    model
        The network, in words.
    folds
        The result of each fold, in order.
    rule
        How the folds were drawn, in words.
    notes
        Remarks for the user.
    interrupted
        Whether Ctrl-C ended the cross-validation early.
    """

    task: Task
    model: str
    folds: tuple[FoldResult, ...]
    rule: str
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    def mean(self, score: str) -> float | None:
        """Return the mean of a score over the folds that define it; ParameterError if there is no such score."""
        known = self._known(score)
        return float(np.mean(known)) if known else None

    def deviation(self, score: str) -> float | None:
        """Return the standard deviation of a score over the folds, with n - 1; None for fewer than two."""
        known = self._known(score)
        return float(np.std(known, ddof=1)) if len(known) > 1 else None

    def _known(self, score: str) -> list[float]:
        if score not in FOLD_SCORES:
            raise ParameterError(f"expected a score, one of {', '.join(FOLD_SCORES)}, got {score!r}")
        return [value for fold in self.folds if (value := fold.scores[score]) is not None]

    def to_json(self) -> dict[str, Any]:
        """Return all fields in a form that JSON can hold."""
        return {
            "task": self.task.describe(),
            "model": self.model,
            "rule": self.rule,
            "scores": {name: {"mean": self.mean(name), "sd": self.deviation(name)} for name in FOLD_SCORES},
            "folds": [fold.to_json() for fold in self.folds],
            "notes": list(self.notes),
            "interrupted": self.interrupted,
        }

    def __str__(self) -> str:
        seconds = [fold.seconds for fold in self.folds]
        rows = [
            [fold.name, *map(_number, fold.scores.values()), str(fold.epochs), f"{fold.seconds:.1f}"]
            for fold in self.folds
        ]
        rows.append(["mean", *(_number(self.mean(name)) for name in FOLD_SCORES), "", f"{np.mean(seconds):.1f}"])
        rows.append(["sd", *(_number(self.deviation(name)) for name in FOLD_SCORES), "", ""])
        table = aligned([["", *titles(self.task), "epochs", "seconds"], *rows])
        return "\n".join([f"{self.model}; {self.rule}", "", *table, *(f"note: {note}" for note in self.notes)])


def validate(
    panel: Panel,
    model: Architecture | Mapping[str, Any] | str | None = None,
    *,
    training: TrainingSettings | Mapping[str, Any] | None = None,
    task: Task | None = None,
    folds: int = 5,
    repeats: int = 1,
    by: str = "random",
    group: str | None = None,
    stratify: bool = True,
    validation: float | None = None,
    decision: DecisionRule | Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    seed: int = 0,
    jobs: int = 1,
    on: str | None = None,
    log: LogLine = lambda line: None,
) -> Validation:
    """Fit and score a model by cross-validation. Ctrl-C stops it and keeps the finished folds.

    Each fold is held out, fitted and calibrated as ``train`` would fit it, on one thread, so the scores are the same
    for any number of jobs.

    Parameters
    ----------
    panel
        Labelled series without the test set. Windows of one recording stay together.
    model
        The network: an architecture, its parts as in an experiment file, or the name of a preset; None is the default.
    training
        Settings of the training, or their keywords as a dict; None chooses them by the number of series.
    task
        The classes or labels to predict; None reads them from the labels.
    folds, repeats, by, group, stratify
        As for ``fold_panel``.
    validation
        Share of the training series of each fold to hold out for early stopping and calibration, in [0, 1), split off
        as the folds are; nothing is held out if that would be too few. None takes a tenth, or nothing if the head is
        solved in closed form and leave-one-out predictions calibrate it.
    decision
        How to turn logits into predictions, a rule or its keywords as a dict; None only calibrates the probabilities.
    fields
        Kinds of metadata fields that should not be inferred from their values.
    seed
        The same seed gives the same numbers, from 0 to 2**31 - 1.
    jobs
        Number of folds to fit in parallel, each in a process of its own, at least 1.
    on
        ``"ray"`` or ``"ray://host:port"`` to fit the folds on Ray instead, on all of its processors (extra ``ray``).
    log
        Called with one line after each fold.

    Returns
    -------
    Validation
        The scores of every fold, their mean and standard deviation.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series, labels or settings cannot be used, or are too few for so many folds.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> found = validate(panel, {"encoder": "gru"}, training={"max_epochs": 1}, folds=2)
    >>> [fold.counts["held_out"] for fold in found.folds], 0.3 < found.mean("accuracy") < 1.0
    ([30, 30], True)
    """
    require_jobs(jobs, on)
    task = task or task_of(panel)
    recipe = Recipe.of(model, training, decision, HoldOut(validation, by, group, stratify), fields)
    require_device(recipe.training)
    targets_of(task, panel)
    made, rule = fold_panel(panel, task, folds=folds, repeats=repeats, by=by, group=group, stratify=stratify, seed=seed)
    splits = fold_splits(made, seed)
    results, interrupted = _score_all(panel.compact(), splits, task, recipe, jobs, on, log)
    notes = _notes(results)
    if interrupted:
        notes.append(f"interrupted after {len(results)} of {len(splits)} folds; the results so far are kept")
    return Validation(task, recipe.architecture.describe(), tuple(results), rule, tuple(notes), interrupted)


def titles(task: Task) -> list[str]:
    """Return the titles of the scores for a task.

    Example
    -------
    >>> titles(Task(("fault", "ok")))
    ['accuracy', 'balanced accuracy', 'F1 (ok)', 'ROC AUC', 'log loss']
    """
    about = f"F1 ({task.classes[task.positive_index]})" if task.kind == "binary" else "F1 (mean)"
    known = {**FOLD_SCORES, "f1": about, "accuracy": "subset accuracy" if task.multilabel else FOLD_SCORES["accuracy"]}
    return list(known.values())


def _score_all(
    panel: Panel, splits: Sequence[FoldSplit], task: Task, recipe: Recipe, jobs: int, on: str | None, log: LogLine
) -> tuple[list[FoldResult], bool]:
    """Fit and score every split; return the results so far, in order, and whether Ctrl-C ended it."""
    done: dict[str, FoldResult] = {}
    jobs = min(jobs, len(splits))
    try:
        for result in run_parallel(fit_and_score, ((panel, split, task, recipe) for split in splits), jobs, on=on):
            done[result.name] = result
            scores = ", ".join(
                f"{title} {_number(result.scores[name])}" for name, title in zip(FOLD_SCORES, titles(task), strict=True)
            )
            log(f"{len(done)} of {len(splits)}: {result.name}: {scores}, {result.seconds:.1f} s")
    except KeyboardInterrupt:
        if not done:
            raise
    return [done[split.name] for split in splits if split.name in done], len(done) < len(splits)


def _notes(results: Sequence[FoldResult]) -> list[str]:
    notes = []
    if not any(result.counts["validation"] for result in results) and any(result.epochs for result in results):
        notes.append("too few series for a validation split, so all epochs are run")
    for name, title in FOLD_SCORES.items():
        lacking = [result for result in results if result.scores[name] is None]
        if lacking:
            notes.append(
                f"{title} is the mean of {len(results) - len(lacking)} of {len(results)} folds: "
                f"{lacking[0].undefined.get(name, 'it is not defined')} in {lacking[0].name}"
            )
    return notes


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
