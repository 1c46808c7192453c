"""Cross-validation: how good a network is on series held out, and how much that varies with the series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.rule import DecisionRule
from limelight.model.targets import targets_of, task_of
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import (
    FOLD_SCORES,
    FoldResult,
    FoldSplit,
    fit_and_score,
    fold_splits,
    run_parallel,
)
from limelight.parts.architecture import Architecture
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.text import aligned
from limelight.training.fit import require_device
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import HoldOut
from limelight.types import LogLine


@dataclass(frozen=True)
class Validation:
    """What ``validate`` found; ``print`` shows it as a table.

    Parameters
    ----------
    task
        What was asked.
    model
        The network, in words.
    folds
        How each of them went, in order.
    rule
        How the folds came about, in words.
    notes
        What is to be known about it.
    interrupted
        Whether Ctrl-C ended it before all folds were done.
    """

    task: Task
    model: str
    folds: tuple[FoldResult, ...]
    rule: str
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    def mean(self, score: str) -> float | None:
        """Give the mean of a score over the folds where it is defined; ParameterError for a name that is no score."""
        known = self._known(score)
        return float(np.mean(known)) if known else None

    def deviation(self, score: str) -> float | None:
        """Give the standard deviation of a score over the folds, with n - 1; None for fewer than two."""
        known = self._known(score)
        return float(np.std(known, ddof=1)) if len(known) > 1 else None

    def _known(self, score: str) -> list[float]:
        if score not in FOLD_SCORES:
            raise ParameterError(f"expected a score, one of {', '.join(FOLD_SCORES)}, got {score!r}")
        return [value for fold in self.folds if (value := fold.scores[score]) is not None]

    def to_json(self) -> dict[str, Any]:
        """Say everything in a form that JSON can hold."""
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
    log: LogLine = lambda line: None,
) -> Validation:
    """Train and judge a network on several folds. Ctrl-C ends it and keeps what is done.

    Each training takes one thread, so the numbers are the same for any number of jobs.

    Parameters
    ----------
    panel
        Labelled series, without those that are to judge the final model. Windows of one recording stay together.
    model
        The network: a sentence, its words as in an experiment file, or the name of a preset; None takes the default.
    training
        How long and how fast, also as a dict of words; None chooses from the number of series.
    task
        What is asked; None reads it off the labels.
    folds, repeats, by, group, stratify
        As for ``fold_panel``.
    validation
        Share of the training part of each fold that stops the training early, in [0, 1), where that is enough; drawn
        as the folds are. None takes a tenth, or nothing where the head is solved in closed form and series stand alone.
    decision
        What is chosen on these series; None calibrates the probabilities.
    fields
        The kind of metadata fields that should not be read off their values.
    seed
        The same seed gives the same numbers, from 0 to 2**31 - 1.
    jobs
        How many folds to train beside each other, each in a process of its own, at least 1.
    log
        Takes a line for each fold that is done.

    Returns
    -------
    Validation
        The scores of every fold, their mean and their spread.

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
    require_jobs(jobs)
    task = task or task_of(panel)
    recipe = Recipe.of(model, training, decision, HoldOut(validation, by, group, stratify), fields)
    require_device(recipe.training)
    targets_of(task, panel)
    made, rule = fold_panel(panel, task, folds=folds, repeats=repeats, by=by, group=group, stratify=stratify, seed=seed)
    splits = fold_splits(made, seed)
    results, interrupted = _score_all(panel.compact(), splits, task, recipe, jobs, log)
    notes = _notes(results)
    if interrupted:
        notes.append(f"interrupted after {len(results)} of {len(splits)} folds; what was done until then is kept")
    return Validation(task, recipe.architecture.describe(), tuple(results), rule, tuple(notes), interrupted)


def require_jobs(jobs: int) -> None:
    """Refuse fewer than one process, with a ParameterError."""
    if jobs < 1:
        raise ParameterError(f"expected at least 1 job, got {jobs}")


def titles(task: Task) -> list[str]:
    """Give the titles of the scores for a task.

    Example
    -------
    >>> titles(Task(("fault", "ok")))
    ['accuracy', 'balanced accuracy', 'F1 (ok)', 'ROC AUC', 'log loss']
    """
    about = f"F1 ({task.classes[task.positive_index]})" if task.kind == "binary" else "F1 (mean)"
    known = {**FOLD_SCORES, "f1": about, "accuracy": "subset accuracy" if task.multilabel else FOLD_SCORES["accuracy"]}
    return list(known.values())


def _score_all(
    panel: Panel, splits: Sequence[FoldSplit], task: Task, recipe: Recipe, jobs: int, log: LogLine
) -> tuple[list[FoldResult], bool]:
    """Fit and score every split; return the results so far, in order, and whether Ctrl-C ended it."""
    done: dict[str, FoldResult] = {}
    jobs = min(jobs, len(splits))
    try:
        for result in run_parallel(fit_and_score, ((panel, split, task, recipe) for split in splits), jobs):
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
        notes.append("too few series to stop the trainings early by, so all epochs are run")
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
