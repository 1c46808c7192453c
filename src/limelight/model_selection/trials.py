"""Fits that are scored on held-out series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold
from limelight.evaluation.metrics.scoring import score
from limelight.model.fitted import Prediction
from limelight.model.targets import targets_of
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.training.result import FitResult
from limelight.training.runtime import one_thread
from limelight.training.settings import ShouldPrune
from limelight.types import Rows

FOLD_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
}
"""The scores of every fold, with titles."""


@dataclass(frozen=True, eq=False)
class FoldSplit:
    """Rows of one fit and of its evaluation.

    Parameters
    ----------
    name
        The fold, as shown to the user.
    train
        Rows to fit on; the recipe splits its validation series off these.
    held_out
        Rows to score on.
    seed
        Of the fit.
    validates
        Whether the held-out series also stop the training early, as a validation split does; a head in closed form
        needs none and is then fitted without.
    """

    name: str
    train: Rows
    held_out: Rows
    seed: int
    validates: bool = False


@dataclass(frozen=True)
class FoldResult:
    """The scores of one fit on its held-out series.

    Parameters
    ----------
    name
        Of the split.
    scores
        On the held-out series, by the names of ``FOLD_SCORES``; None if undefined.
    undefined
        Why a score is undefined, by the same names.
    counts
        How many series there were for ``train``, ``validation`` and ``held_out``.
    epochs, best_epoch, stopped, seconds
        As of ``FitResult``; the time includes the prediction.
    """

    name: str
    scores: dict[str, float | None]
    undefined: dict[str, str]
    counts: dict[str, int]
    epochs: int
    best_epoch: int
    stopped: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return all fields in a form that JSON can hold."""
        return dict(self.__dict__)


def fold_splits(folds: Iterable[Fold], seed: int) -> tuple[FoldSplit, ...]:
    """Return the split of each fold, with a seed of its own that the estimator accepts."""
    return tuple(
        FoldSplit(fold.name, fold.train, fold.held_out, (seed + place) % (2**31 - 1))
        for place, fold in enumerate(folds)
    )


def fitted_rows(panel: Panel, split: FoldSplit, recipe: Recipe) -> Rows:
    """Return the rows of a split that a recipe fits on: its training rows without the validation series.

    Parameters
    ----------
    panel
        All series.
    split
        One of them.
    recipe
        What to fit.

    Returns
    -------
    Rows
        Positions in the panel.

    Raises
    ------
    DataError, ParameterError
        As ``Recipe.split``.
    """
    if split.validates:
        return split.train
    fitted, _ = recipe.split(panel[split.train], split.seed)
    return split.train[fitted]


def fit_fold(
    panel: Panel, split: FoldSplit, task: Task, recipe: Recipe, should_prune: ShouldPrune | None = None
) -> tuple[FitResult, Prediction]:
    """Fit a recipe on one split, on one thread, and predict the held-out series.

    Parameters
    ----------
    panel
        All series.
    split
        Which of them to fit on and to predict.
    task, recipe
        What to fit.
    should_prune
        As for ``training.fit.fit``.

    Returns
    -------
    tuple[FitResult, Prediction]
        The same on the same machine, whatever runs at the same time.

    Raises
    ------
    DataError, LabelError, ParameterError
        As ``Recipe.fit``.
    KeyboardInterrupt
        If Ctrl-C ended the training early.
    """
    train, held_out = panel[split.train], panel[split.held_out]
    validation: Panel | Literal["auto"] | None = "auto"
    if split.validates:
        validation = None if recipe.is_solved(train) else held_out
    recipe = replace(recipe, training=replace(recipe.training, devices=1))
    recipe = recipe.for_missing_in(held_out, train, validation if isinstance(validation, Panel) else None)
    with one_thread():
        result = recipe.fit(
            train, task, seed=split.seed, validation=validation, progress=False, should_prune=should_prune
        )
        if result.interrupted:
            raise KeyboardInterrupt
        return result, result.model.predict(held_out)


def fit_and_score(
    panel: Panel, split: FoldSplit, task: Task, recipe: Recipe, should_prune: ShouldPrune | None = None
) -> FoldResult:
    """Fit a recipe on one split and score its calibrated predictions of the held-out series.

    Parameters
    ----------
    panel, split, task, recipe, should_prune
        As for ``fit_fold``, whose errors are raised.

    Returns
    -------
    FoldResult
        With every score of ``FOLD_SCORES``.
    """
    result, prediction = fit_fold(panel, split, task, recipe, should_prune)
    codes = targets_of(task, panel[split.held_out]).every()
    scores = score(task, codes, prediction.probabilities, thresholds=prediction.thresholds)
    return FoldResult(
        split.name,
        {name: scores[name] for name in FOLD_SCORES},
        {name: why for name, why in scores["undefined"].items() if name in FOLD_SCORES},
        {**result.counts, "held_out": len(split.held_out)},
        len(result.history),
        result.best_epoch,
        result.stopped,
        result.seconds,
    )
