"""Tuning: search for better hyperparameters on held-out series, pruning trials that fall behind."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.model.targets import task_of
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.search import JOURNAL, Search, run_trials
from limelight.model_selection.search_space import make_space
from limelight.model_selection.trials import FoldSplit, fitted_rows, fold_splits
from limelight.model_selection.tuning_results import Tuning
from limelight.parts.architecture import Architecture
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import HoldOut, enough_of
from limelight.types import LogLine, Rows

TUNING_FOLDS = 5


def tune(
    panel: Panel,
    model: Architecture | Mapping[str, Any] | str | None = None,
    *,
    training: TrainingSettings | Mapping[str, Any] | None = None,
    task: Task | None = None,
    trials: int = 30,
    minutes: float | None = None,
    only: Sequence[str] | None = None,
    score: str = "balanced_accuracy",
    validation: float = 0.2,
    folds: int | None = None,
    by: str = "random",
    group: str | None = None,
    stratify: bool = True,
    decision: DecisionRule | Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
    seed: int = 0,
    jobs: int = 1,
    on: str | None = None,
    log: LogLine = lambda line: None,
) -> Tuning:
    """Search for better hyperparameters with Optuna, starting from the unchanged network. Ctrl-C keeps the results.

    Trials are compared by the log loss of their calibrated predictions of held-out series. The log loss depends on
    every probability, so it separates networks that predict the same classes; accuracy only moves in steps of one
    series. On a validation split, networks are also stopped early and calibrated on the series that they are scored on,
    so the losses are slightly optimistic, for every trial alike. Thresholds and prediction sets are not fitted.

    Parameters
    ----------
    panel
        Labelled series without the test set.
    model, training, task, decision, fields
        The starting point, as for ``validate``.
    trials
        Number of trials, including those that ``folder`` already holds, at least 1.
    minutes
        Time budget: no trial starts after it, and a running one ends at its next epoch. The first trial always runs.
        None for no limit.
    only
        Names of parameters to tune, for example ``"encoder"``, ``"units"``, ``"layers"``, ``"dropout"``,
        ``"learning_rate"``, ``"batch_size"``, ``"fusion"``, ``"embedding_size"``; None tunes all that apply to the
        series and the network.
    score
        A score to report next to the log loss: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"`` or ``"roc_auc"``.
    validation
        Share of the series that the trials are scored on, in (0, 1).
    folds
        Score the trials by cross-validation on this many folds instead, at least 2, which takes as many times as long.
        None takes 5 if the validation split would be too small.
    by, group, stratify
        How to split, as for ``fold_panel``.
    folder
        Where to keep the trials; an earlier tuning there is resumed. None keeps nothing.
    seed
        The same seed gives the same trials, with one job; from 0 to 2**31 - 1.
    jobs
        Number of trials to run in parallel, each in a process of its own with one thread, at least 1.
    on
        As for ``validate``. On a cluster, ``folder`` must be one that all of its machines share.
    log
        Called with one line after each trial.

    Returns
    -------
    Tuning
        All trials, the best of them, and the importance of the parameters.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series, labels or settings cannot be used, or Optuna is not installed.
    OutputError
        If the folder holds another tuning.

    Source
    ------
    Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, 2019. Bergstra et al., Algorithms
    for Hyper-Parameter Optimization, 2011 (TPE). Trials are pruned by the median rule.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=200, num_points=30))
    >>> found = tune(panel, {"encoder": "gru"}, training={"max_epochs": 1}, trials=2, only=["learning_rate"])
    >>> found.trials[0].parameters, found.best.log_loss <= found.first.log_loss
    ({'learning_rate': 0.004}, True)
    """
    require_optuna()
    if not 0 < validation < 1:
        raise ParameterError(f"expected a validation share above 0 and below 1, got {validation}")
    task = task or task_of(panel)
    decision = DecisionRule.of(decision).calibration_only()
    recipe = Recipe.of(model, training, decision, HoldOut(None, by, group, stratify), fields)
    if folds is None and enough_of(panel, validation):
        split = panel.make_split(test=0.0, validation=validation, seed=seed, group=group, by=by, stratify=stratify)
        splits = by_validation_split(split.train, split.validation, seed)
        rule = f"{len(split.validation)} validation series; {split.rule}"
    else:
        splits, rule = by_folds(panel, task, recipe, folds or TUNING_FOLDS, seed)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) if folder is None else Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        space = make_space(panel[fitted_rows(panel, splits[0], recipe)], task, recipe, only)
        search = Search(panel.compact(), splits, rule, task, recipe, space, score, home / JOURNAL, seed)
        return run_trials(search, trials=trials, minutes=minutes, jobs=jobs, on=on, log=log)


def require_optuna() -> None:
    """Check that Optuna is installed; ParameterError says how to install it."""
    if find_spec("optuna") is None:
        raise ParameterError("tuning needs Optuna, which is not installed; pip install 'limelight[tune]'")


def by_validation_split(train: Rows, validation: Rows, seed: int) -> tuple[FoldSplit, ...]:
    """Return the split that fits every trial on some rows, and stops and scores it on others."""
    return (FoldSplit("validation split", train, validation, seed, validates=True),)


def by_folds(panel: Panel, task: Task, recipe: Recipe, folds: int, seed: int) -> tuple[tuple[FoldSplit, ...], str]:
    """Return the splits that fit and score every trial on folds, and the rule in words; errors as of ``fold_panel``."""
    rule = recipe.hold_out
    made, words = fold_panel(panel, task, folds=folds, by=rule.by, group=rule.group, stratify=rule.stratify, seed=seed)
    return fold_splits(made, seed), words
