"""Comparison: baselines and networks with each fusion of metadata, fitted and scored on the same folds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.metadata import observed_categories
from limelight.data.panel import Panel
from limelight.errors import ParameterError, nearest
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.metrics.paired import Gain, paired_gain
from limelight.evaluation.metrics.scoring import score as every_score
from limelight.model.padding import require_finite
from limelight.model.targets import targets_of, task_of
from limelight.model.vocabulary import fit_vocabulary
from limelight.model_selection.comparison_results import (
    COMPARISON_SCORES,
    MAJORITY,
    METADATA,
    SERIES,
    Comparison,
    Row,
    conclude,
)
from limelight.model_selection.folds import fold_panel
from limelight.model_selection.trials import FoldSplit, fit_fold, fitted_rows, fold_splits
from limelight.parallel import require_jobs, run_parallel
from limelight.parts.architecture import Architecture
from limelight.parts.fusions import ATTENTION, FUSIONS
from limelight.recipe import Recipe
from limelight.task import UNKNOWN, Task
from limelight.training.baselines import boost_metadata, majority
from limelight.training.devices import require_device
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import HoldOut
from limelight.types import Codes, LogLine


class _Score(NamedTuple):
    """What one model reached on one fold."""

    score: float
    seconds: float
    parameters: int | None = None


def compare(
    panel: Panel,
    model: Architecture | Mapping[str, Any] | str | None = None,
    *,
    training: TrainingSettings | Mapping[str, Any] | None = None,
    task: Task | None = None,
    score: str = "balanced_accuracy",
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
) -> Comparison:
    """Compare models from the simplest to the richest by cross-validation on the same folds.

    The models are the majority class, gradient-boosted trees on the metadata, the network on the series, and the
    network with each fusion of metadata. Networks are held out, fitted and calibrated as ``train`` would fit them;
    thresholds and prediction sets are not fitted.
    Ctrl-C stops the comparison and keeps the finished fits. Each fit takes one thread, so the numbers are the
    same for any number of jobs.

    Parameters
    ----------
    panel
        Labelled series without the test set. Windows of one recording stay together.
    model
        The network: an architecture, its parts as in an experiment file, or the name of a preset; None is the default.
    training
        Settings of the training, or their keywords as a dict; None chooses them by the number of series.
    task
        The classes to predict; None reads them from the labels.
    score
        ``"balanced_accuracy"``, ``"accuracy"``, ``"f1_macro"`` or ``"log_loss"``.
    folds, repeats
        How many folds, at least 2, and how often to repeat them with another seed, at least 1.
    by, group, stratify
        As for ``fold_panel``.
    validation, decision, fields
        As for ``validate``.
    seed
        The same seed gives the same numbers, from 0 to 2**31 - 1.
    jobs
        How many fits to run in parallel, each in a process of its own, at least 1.
    on
        As for ``validate``.
    log
        Called with one line after each fit.

    Returns
    -------
    Comparison
        A row for each model. The gain is the mean difference to the series alone, with the corrected 95 % interval of
        Nadeau and Bengio (see ``paired_gain``): "more than the spread" if all of it is above 0.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series, labels or settings cannot be used, or are too few for so many folds.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> found = compare(panel, {"encoder": "gru"}, training={"max_epochs": 1}, folds=2)
    >>> [row.name for row in found.rows], found.row("majority class").scores
    (['majority class', 'series alone'], (0.5, 0.5))
    >>> found.notes
    ('there are no metadata to fuse',)
    """
    if score not in COMPARISON_SCORES:
        raise ParameterError(f"expected a score to compare by, got {score!r}{nearest(score, COMPARISON_SCORES)}")
    require_jobs(jobs, on)
    decision = DecisionRule.of(decision).calibration_only()
    recipe = Recipe.of(model, training, decision, HoldOut(validation, by, group, stratify), fields)
    require_device(recipe.training)
    task = task or task_of(panel)
    if task.kind == "multilabel" or task.by_step:
        raise ParameterError(
            f"expected one label for each series to compare by, got a task that is {task.describe()}; cut the "
            "recordings into windows, or name one label"
        )
    codes = targets_of(task, panel).every()
    known = codes != UNKNOWN
    notes = [] if known.all() else [f"{(~known).sum()} series without a label are dropped"]
    codes = codes[known]
    panel = panel[known].with_labels(task.decode(codes))
    require_finite(panel, missing=recipe.architecture.missing != "error")
    made, rule = fold_panel(panel, task, folds=folds, repeats=repeats, by=by, group=group, stratify=stratify, seed=seed)
    study = _Study(panel.compact(), codes, task, recipe, score, fold_splits(made, seed))
    return _compare(study, rule, notes, jobs, on, log)


def score_of(task: Task, codes: Codes, probabilities: NDArray[np.float64], name: str) -> float:
    """Compute one of ``COMPARISON_SCORES``.

    Parameters
    ----------
    task
        The classes.
    codes
        True classes, shape (n,).
    probabilities
        Predictions, shape (n, classes).
    name
        Of the score.

    Returns
    -------
    float
        As computed by ``evaluation.metrics.scoring.score``.

    Example
    -------
    >>> score_of(Task(("a", "b")), np.array([0, 0, 1]), np.array([[0.9, 0.1]] * 3), "balanced_accuracy")
    0.5
    """
    found = every_score(task, codes, probabilities)
    return float(found["macro"]["f1"] if name == "f1_macro" else found[name])


@dataclass(frozen=True, eq=False)
class _Study:
    """Everything that the fits of a comparison share."""

    panel: Panel
    codes: Codes
    task: Task
    recipe: Recipe
    metric: str
    splits: tuple[FoldSplit, ...]

    def models(self) -> tuple[dict[str, Architecture | None], list[str]]:
        """Return the models from the simplest to the richest, baselines as None, with notes on those skipped."""
        architecture, notes = self.recipe.architecture, []
        pooling, own = architecture.pooling.without_metadata(), architecture.every_fusion
        plain = replace(architecture, pooling=pooling, fusion=())
        if self.panel.signals is not None:
            notes.append("side signals count as part of the series here: every network reads them")
        why = self._why_no_metadata(replace(self.recipe, architecture=plain))
        if why:
            return {MAJORITY: None, SERIES: plain}, [*notes, why]
        fusions: list[tuple[str, ...]] = [(word,) for word in FUSIONS]
        if pooling.attends:
            fusions.append((ATTENTION,))
        else:
            notes.append(f"fusion {ATTENTION!r} is skipped: the pooling {pooling.name!r} has no attention")
        if len(own) > 1:
            fusions.append(own)
        networks = {f"series + {' + '.join(words)}": replace(plain, fusion=words) for words in fusions}
        return {MAJORITY: None, METADATA: None, SERIES: plain, **networks}, notes

    def _why_no_metadata(self, recipe: Recipe) -> str:
        """Return why metadata cannot be fused on every fold, by the rows that a recipe fits on; "" if they can."""
        metadata = self.panel.metadata
        if metadata is None:
            return "there are no metadata to fuse"
        for split in self.splits:
            rows = fitted_rows(self.panel, split, recipe)
            if not fit_vocabulary(metadata.take(rows), schema=self._fields).has_metadata:
                return f"all metadata are constant over the training series of {split.name}, so none are used"
        return ""

    @property
    def _fields(self) -> dict[str, str]:
        """The stated kinds of metadata fields, without those of signals."""
        signals = observed_categories(self.panel)
        return {name: kind for name, kind in self.recipe.kinds(self.panel).items() if name not in signals}

    def score(self, split: FoldSplit, name: str, architecture: Architecture | None) -> tuple[str, str, _Score]:
        """Fit one model on one fold and score it; return the names of both with the score."""
        started, parameters = time.perf_counter(), None
        train, held_out = split.train, split.held_out
        if architecture is not None:
            result, prediction = fit_fold(self.panel, split, self.task, replace(self.recipe, architecture=architecture))
            parameters = sum(weight.numel() for weight in result.model.network.parameters())
            probabilities, seconds = prediction.probabilities, result.seconds
        else:
            codes, classes = self.codes[train], len(self.task.classes)
            if name == MAJORITY:
                probabilities = majority(codes, classes, len(held_out))
            else:
                probabilities = boost_metadata(
                    self.panel[train], codes, classes, self.panel[held_out], fields=self._fields, seed=split.seed
                )
            seconds = time.perf_counter() - started
        reached = score_of(self.task, self.codes[held_out], probabilities, self.metric)
        return split.name, name, _Score(reached, seconds, parameters)


def _compare(study: _Study, rule: str, notes: list[str], jobs: int, on: str | None, log: LogLine) -> Comparison:
    """Fit every model on every fold, fold after fold, so that a comparison ended by Ctrl-C is still one."""
    models, skipped = study.models()
    notes = [*notes, *skipped]
    calls = [(split, name, architecture) for split in study.splits for name, architecture in models.items()]
    done: dict[tuple[str, str], _Score] = {}
    try:
        for fold, name, reached in run_parallel(study.score, calls, min(jobs, len(calls)), on=on):
            done[fold, name] = reached
            line = f"{COMPARISON_SCORES[study.metric]} {reached.score:.3f} in {reached.seconds:.1f} s"
            log(f"{len(done)} of {len(calls)}: {fold}, {name}: {line}")
    except KeyboardInterrupt:
        if not done:
            raise
        notes.append(f"interrupted after {len(done)} of {len(calls)} fits; the results so far are kept")
    share = float(np.mean([len(split.held_out) / len(split.train) for split in study.splits]))
    lower_is_better = study.metric == "log_loss"
    gain = partial(_gain_over_series, study.splits, done, share, lower_is_better)
    rows = []
    for name in models:
        found = [done[split.name, name] for split in study.splits if (split.name, name) in done]
        if found:
            sizes = [one.parameters for one in found if one.parameters is not None]
            seconds, parameters = median(one.seconds for one in found), int(median(sizes)) if sizes else None
            rows.append(Row(name, tuple(one.score for one in found), seconds, parameters, gain(name)))
    conclusion = conclude(rows, share, lower_is_better=lower_is_better)
    return Comparison(study.metric, tuple(rows), rule, tuple(notes), conclusion, len(done) < len(calls))


def _gain_over_series(
    splits: tuple[FoldSplit, ...],
    done: Mapping[tuple[str, str], _Score],
    share: float,
    lower_is_better: bool,
    name: str,
) -> Gain | None:
    """Compare a model with the series alone on the folds that both were fitted on; None if there are none."""
    both = [split.name for split in splits if (split.name, name) in done and (split.name, SERIES) in done]
    if name == SERIES or not both:
        return None
    scores, plain = ([done[fold, one].score for fold in both] for one in (name, SERIES))
    return paired_gain(scores, plain, share, lower_is_better=lower_is_better)
