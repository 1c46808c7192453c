"""Fit models for early answers: one for each number of first steps, and choose the rule on held-out series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.decision.calibration import to_probabilities
from limelight.evaluation.early.early_model import EarlyModel
from limelight.evaluation.early.looks import (
    SHARES_SEEN,
    Looks,
    early_margins,
    first_steps,
    look_at,
    require_whole_series,
    steps_of_looks,
)
from limelight.evaluation.early.rule import choose_early_rule
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of, task_of
from limelight.progress import late_bar
from limelight.recipe import Recipe
from limelight.task import Task
from limelight.training.result import FitResult
from limelight.types import Codes, Doubles, Integers


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
        Held-out series; None splits them off as ``recipe`` states, or takes leave-one-out predictions of the training
        series if the heads are solved in closed form.
    differ, cost_of_delay, confidence
        As for ``choose_early_rule``.
    shares
        Of the median length, after which to look.

    Returns
    -------
    EarlyModel
        With the models and the rule.

    Raises
    ------
    ParameterError
        If labels are per step, or there are no held-out series; or as of ``choose_early_rule``.
    DataError, LabelError
        As ``Recipe.fit``.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> waves = generate_sine(SineSettings(dataset_size=80, num_points=40))
    >>> early = fit_early(Recipe.of({"encoder": "rocket"}), waves, cost_of_delay=0.2, shares=(0.25, 0.5))
    >>> early.steps.tolist(), len(early.models)
    ([10, 20], 3)
    """
    fitted = fit_looks(recipe, panel, task, seed=seed, validation=validation, shares=shares)
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
) -> FittedLooks:
    """Fit a model for each look, without a rule; parameters and errors as for ``fit_early``."""
    task = task_of(panel) if task is None else task
    require_whole_series(task)
    steps = steps_of_looks(panel.lengths, shares)
    if validation is None:
        fitted, held_out = recipe.split(panel, seed)
        panel, validation = panel[fitted], panel[held_out] if len(held_out) else None
    results = []
    with late_bar("fitting", len(steps) + 1, " looks") as bar:
        for count in (*steps.tolist(), None):
            results.append(_fit_look(recipe, panel, validation, task, seed, count))
            bar.update()
    models = tuple(result.model for result in results)
    held, looks = _held_out(recipe, panel, validation, results, steps)
    return FittedLooks(steps, models, looks, targets_of(task, held).every())


def _fit_look(
    recipe: Recipe, panel: Panel, validation: Panel | None, task: Task, seed: int, count: int | None
) -> FitResult:
    """Fit the model of one look; ``count`` is None for whole series."""
    cut, held = panel, validation
    if count is not None:
        cut = first_steps(panel, count)
        held = None if validation is None else first_steps(validation, count)
    return recipe.fit(cut, task, seed=seed, validation=held, progress=False)


def _held_out(
    recipe: Recipe, panel: Panel, validation: Panel | None, results: list[FitResult], steps: Integers
) -> tuple[Panel, Looks]:
    """Return held-out series, and what is predicted for them at each look by models that were fitted without them."""
    models = [result.model for result in results]
    if validation is not None:
        return validation, look_at(models, steps, validation)
    samples = [result.out_of_sample for result in results]
    if not recipe.is_independent(panel) or any(sample is None for sample in samples):
        raise ParameterError(
            "expected held-out series to choose when to answer early, got none; state a validation share, such as "
            "split.validation=0.2, or use the encoder blocks or rocket"
        )
    known = [sample for sample in samples if sample is not None]
    rows = known[-1].rows
    held = panel[rows]
    pairs = [_out_of_sample_answers(model, sample.logits) for model, sample in zip(models, known, strict=True)]
    margins = np.stack([one for one, _ in pairs])
    decisions = np.stack([one for _, one in pairs])
    return held, Looks(models[-1].task, steps, held.lengths, margins, decisions)


def _out_of_sample_answers(model: FittedModel, logits: Doubles) -> tuple[Doubles, Integers]:
    """Return the margins and decisions for leave-one-out logits of a model, calibrated as its predictions are."""
    decision, task = model.decision, model.task
    probabilities = to_probabilities(task, decision.apply_temperature(logits))
    if decision.mixing is not None:
        probabilities = decision.mixing.apply(probabilities)
    return early_margins(task, probabilities, decision.thresholds), task.decide(probabilities, decision.thresholds)


def with_measured(early: EarlyModel, panel: Panel) -> EarlyModel:
    """Return the same models and rule with their measurement on labelled test series."""
    return replace(early, measured=early.measure(panel))
