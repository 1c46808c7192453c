"""Fit models for early answers: one for each number of first steps, and choose the rule on held-out series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from limelight.data.panel import Panel
from limelight.evaluation.early.early_model import EarlyModel
from limelight.evaluation.early.looks import (
    SHARES_SEEN,
    Looks,
    concatenate_looks,
    first_steps,
    look_at,
    require_whole_series,
    steps_of_looks,
)
from limelight.evaluation.early.rule import choose_early_rule
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of, task_of
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import FoldSplit, fold_splits
from limelight.progress import late_bar
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.types import Codes, Integers

FOLDS = 5
"""Folds of the training series, if there are no validation series."""


def fit_early(
    recipe: Recipe,
    panel: Panel,
    task: Task | None = None,
    *,
    seed: int = 0,
    validation: Panel | None = None,
    differ: float | None = None,
    cost_of_delay: float | None = None,
    confidence: float = 0.95,
    shares: Sequence[float] = SHARES_SEEN,
    folds: int | None = None,
) -> EarlyModel:
    """Fit a model for the first steps of a series at each look, and choose when to answer.

    Parameters
    ----------
    recipe
        What to fit, at each look again.
    panel
        Labelled training series.
    task
        The classes or labels; None reads them from the labels.
    seed
        As for ``Recipe.fit``.
    validation
        Held-out series; None splits them off as ``recipe`` states.
    differ, cost_of_delay, confidence
        As for ``choose_early_rule``.
    shares
        Of the median length, after which to look.
    folds
        Choose the rule on out-of-fold predictions: the models of every look are fitted again without each fold of the
        training series, at least 2; groups stay together, as ``recipe`` states. None takes 5 folds if there are no
        validation series, and else the predictions of these.

    Returns
    -------
    EarlyModel
        With the models and the rule.

    Raises
    ------
    ParameterError
        If labels are per step, or there are too few series for the folds; or as of ``choose_early_rule``.
    DataError, LabelError
        As ``Recipe.fit``.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> waves = generate_sine(SineSettings(dataset_size=80, num_points=40))
    >>> recipe = Recipe.of({"encoder": {"name": "rocket", "features": 840}})
    >>> early = fit_early(recipe, waves, cost_of_delay=0.2, shares=(0.25, 0.5))
    >>> early.steps.tolist(), len(early.models)
    ([10, 20], 3)
    """
    fitted = fit_looks(recipe, panel, task, seed=seed, validation=validation, shares=shares, folds=folds)
    rule = choose_early_rule(
        fitted.held_out, fitted.codes, differ=differ, cost_of_delay=cost_of_delay, confidence=confidence
    )
    return EarlyModel(fitted.steps, fitted.models, rule)


@dataclass(frozen=True, eq=False)
class FittedLooks:
    """Models for the first steps of series, with what they predict for held-out series, to choose rules by.

    Parameters
    ----------
    steps, models
        As for ``EarlyModel``.
    held_out
        Predictions for series that the models were not fitted on.
    codes
        Their true codes.
    """

    steps: Integers
    models: tuple[FittedModel, ...]
    held_out: Looks
    codes: Codes


def fit_looks(
    recipe: Recipe,
    panel: Panel,
    task: Task | None = None,
    *,
    seed: int = 0,
    validation: Panel | None = None,
    shares: Sequence[float] = SHARES_SEEN,
    folds: int | None = None,
) -> FittedLooks:
    """Fit a model for each look, without a rule; parameters and errors as for ``fit_early``."""
    task = task_of(panel) if task is None else task
    require_whole_series(task)
    steps = steps_of_looks(panel.lengths, shares)
    if validation is None:
        fitted, held_out = recipe.split(panel, seed)
        panel, validation = panel[fitted], panel[held_out] if len(held_out) else None
    splits = _splits(recipe, panel, task, seed, validation, folds)
    with late_bar("fitting", (len(steps) + 1) * (len(splits) + 1), " models") as bar:
        models = _fit_each_look(recipe, panel, validation, task, seed, steps, bar)
        held, looks = validation, []
        for split in splits:
            part, rest = panel[split.held_out], panel[split.train]
            own = recipe.for_missing_in(part, rest, validation)
            looks.append(look_at(_fit_each_look(own, rest, validation, task, split.seed, steps, bar), steps, part))
    if splits:
        held = panel[np.concatenate([split.held_out for split in splits])]
    assert held is not None
    found = concatenate_looks(looks) if looks else look_at(models, steps, held)
    return FittedLooks(steps, models, found, targets_of(task, held).every())


def _splits(
    recipe: Recipe, panel: Panel, task: Task, seed: int, validation: Panel | None, folds: int | None
) -> tuple[FoldSplit, ...]:
    """Return the folds whose out-of-fold predictions choose the rule; none if validation series do."""
    if folds is None and validation is not None:
        return ()
    hold_out = recipe.hold_out
    made, _ = fold_panel(
        panel,
        task,
        folds=FOLDS if folds is None else folds,
        by=hold_out.by,
        group=hold_out.group,
        stratify=hold_out.stratify,
        seed=seed,
    )
    return fold_splits(made, seed)


def _fit_each_look(
    recipe: Recipe, panel: Panel, validation: Panel | None, task: Task, seed: int, steps: Integers, bar: tqdm[None]
) -> tuple[FittedModel, ...]:
    """Fit a model for the first steps of each look, and one for whole series."""
    models = []
    for count in (*steps.tolist(), None):
        cut, held = panel, validation
        if count is not None:
            cut = first_steps(panel, count)
            held = None if validation is None else first_steps(validation, count)
        models.append(recipe.fit(cut, task, seed=seed, validation=held, progress=False).model)
        bar.update()
    return tuple(models)


def with_measured(early: EarlyModel, panel: Panel) -> EarlyModel:
    """Return the same models and rule with their measurement on labelled test series."""
    return replace(early, measured=early.measure(panel))
