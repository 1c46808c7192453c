"""Tuning: many trainings with other numbers, judged on validation series, the hopeless ones given up early."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.model.targets import task_of
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.search import JOURNAL, Search, carry_out_trials
from limelight.model_selection.search_space import make_space
from limelight.model_selection.trials import Asked, Cut, Say
from limelight.model_selection.tuning_results import Tuning
from limelight.parts.architecture import Sentence
from limelight.task import Task
from limelight.training.settings import TrainingSettings, enough_to_validate

FOLDS = 5


def tune(
    panel: Panel,
    model: Sentence | Mapping[str, Any] | str | None = None,
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
    fields: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
    seed: int = 0,
    jobs: int = 1,
    say: Say = lambda line: None,
) -> Tuning:
    """Search for better numbers with Optuna; the first trial is the network as it is. Ctrl-C keeps what is done.

    Trials are compared by their log loss on validation series: it sees every probability, and so tells networks apart
    that give the same answers, where accuracy moves in steps of one series.

    Parameters
    ----------
    panel
        Labelled series, without those that are to judge the final model.
    model, training, task, fields
        Where to begin, as for ``validate``.
    trials
        How many, with those that a folder holds already, at least 1.
    minutes
        After so many nothing new begins, and a running trial is cut off at its next epoch; the first trial is always
        carried out. None for no limit.
    only
        What to change, of ``"encoder"``, ``"units"``, ``"layers"``, ``"dropout"``, ``"learning_rate"``,
        ``"batch_size"``, ``"fusion"``, ``"embedding_size"``; None changes all that the series and the network have.
    score
        What to tell beside the log loss: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"`` or ``"roc_auc"``.
    validation
        Share of the series that judges the trials, in (0, 1).
    folds
        How many folds judge the trials instead, at least 2, which takes as many times as long. None takes 5 where the
        validation part would be too small.
    by, group, stratify
        How to draw validation part or folds, as for ``fold_panel``.
    folder
        Where the trials are kept; a tuning that was ended there goes on. None keeps nothing.
    seed
        The same seed gives the same trials, with one job; from 0 to 2**31 - 1.
    jobs
        How many trials to carry out beside each other, each in a process and on a thread of its own, at least 1.
    say
        Takes a line for each trial that has ended.

    Returns
    -------
    Tuning
        All trials, the best of them, and what mattered.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series, labels or settings cannot be used, or Optuna is not installed.
    OutputError
        If the folder keeps another tuning.

    Source
    ------
    Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, 2019. Bergstra et al., Algorithms
    for Hyper-Parameter Optimization, 2011 (TPE). Trials are given up by the median rule.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=200, num_points=30))
    >>> found = tune(panel, {"encoder": "gru"}, training={"max_epochs": 1}, trials=2, only=["learning_rate"])
    >>> found.trials[0].parameters, found.best.log_loss <= found.first.log_loss
    ({'learning_rate': 0.004}, True)
    """
    require_optuna()
    asked = Asked.of(task or task_of(panel), model, training, fields)
    drawn: dict[str, Any] = {"by": by, "group": group, "stratify": stratify, "seed": seed}
    n, classes = len(panel), len(asked.task.classes)
    if not 0 < validation < 1:
        raise ParameterError(f"expected a validation share above 0 and below 1, got {validation}")
    if folds is None and enough_to_validate(round(validation * n), classes):
        split = panel.make_split(test=0.0, validation=validation, **drawn)
        cuts = judged_by_part(split.train, split.validation, seed)
        rule = f"{len(split.validation)} validation series; {split.rule}"
    else:
        cuts, rule = judged_by_folds(panel, asked.task, folds or FOLDS, **drawn)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) if folder is None else Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        space = make_space(panel[cuts[0].fitted], asked, only)
        search = Search(panel.compact(), cuts, rule, asked, space, score, home / JOURNAL, seed)
        return carry_out_trials(search, trials=trials, minutes=minutes, jobs=jobs, say=say)


def require_optuna() -> None:
    """Refuse to tune without Optuna; ParameterError says how to get it."""
    if find_spec("optuna") is None:
        raise ParameterError(
            "expected Optuna, which tuning needs, got an installation without; pip install 'limelight[tune]'"
        )


def judged_by_part(train: Any, validation: Any, seed: int) -> tuple[Cut, ...]:
    """Train on some rows, and stop early and judge by others."""
    return (Cut("validation part", train, validation, validation, seed),)


def judged_by_folds(
    panel: Panel, task: Task, folds: int, *, by: str, group: str | None, stratify: bool, seed: int
) -> tuple[tuple[Cut, ...], str]:
    """Train and judge on folds; give them, and the rule in words. Raises as ``fold_panel``."""
    made, rule = fold_panel(panel, task, folds=folds, by=by, group=group, stratify=stratify, seed=seed)
    drawn: dict[str, Any] = {"share": 0.1, "by": by, "group": group, "stratify": stratify}
    return tuple(Cut.of_fold(panel, fold, task, **drawn, seed=seed + place) for place, fold in enumerate(made)), rule
