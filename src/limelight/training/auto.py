"""The ``auto`` encoder: picks blocks or a recurrent network by held-out log loss."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from limelight.data.labels import stratify_by
from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold, make_folds
from limelight.errors import ParameterError
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training.encoder_choice import (
    candidates_of_auto,
    expected_seconds,
    time_budget_of,
    too_few_for_network,
    why_network,
)
from limelight.training.logit_scale import fit_scale
from limelight.training.losses import Loss, signed_targets
from limelight.training.result import FitResult
from limelight.training.settings import TrainingSettings
from limelight.types import Doubles, Rows

Train = Callable[..., FitResult]
"""As ``fit``, with task, settings and seed bound."""
AUTO_FOLDS = (5, 3)
"""Numbers of folds to compare on, the most expensive first."""
LEAST_VALIDATION = 50
"""Validation series needed to compare two models; fewer only stop the training early."""
CLEARLY_WORSE, LEAST_COMPARED = 3.0, 10
"""A comparison ends after some of the folds if the log loss of the network is higher by this many standard errors, on
at least this many series."""
FOLDER_OF_TRAINING = ("history.csv", "checkpoints", "tensorboard")


def fit_auto(
    panel: Panel,
    task: Task,
    architecture: Architecture,
    train: Train,
    *,
    settings: TrainingSettings,
    validation: Panel | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
) -> FitResult:
    """Fit ``blocks``; also train ``conv_lstm`` if it may be worth the time; return the better model.

    Both predict held-out series: the validation series if there are enough, else series in cross-validation on the
    same folds, as many as the time budget allows, which end early if the network is clearly worse. They are compared
    by log loss after the best temperature for each. The log loss depends on every probability, so it separates two
    models on fewer series than accuracy, and a temperature corrects overconfidence.

    Parameters
    ----------
    panel, validation
        As for ``fit``.
    task
        The classes or labels.
    architecture
        With the encoder ``auto``.
    train
        Fits one architecture: called with a panel, ``architecture``, ``validation``, ``folder`` and ``resume``.
    settings
        Training settings of networks.
    seed
        Seed of the folds.
    folder, resume
        As for ``fit``; for a network that is trained on the whole panel.

    Returns
    -------
    FitResult
        The better model, with a note on what was chosen and why.
    """
    started = time.perf_counter()
    network, blocks = candidates_of_auto(architecture)

    def train_network() -> FitResult:
        return train(panel, architecture=network, validation=validation, folder=folder, resume=resume)

    reason = why_network(panel, architecture, settings)
    if reason:
        return _noted(train_network(), f"conv_lstm, {reason}", started)
    solved = train(panel, architecture=blocks, validation=validation)
    if too_few_for_network(panel):
        why = f"as {len(panel)} series are too few for a network to be better"
        return _noted(solved, f"blocks, {why}", started)
    seconds, budget = expected_seconds(panel, settings), time_budget_of(architecture)
    many = validation is not None and len(validation) >= LEAST_VALIDATION
    folds = [] if many else _folds(panel, budget, seconds, seed)
    reason = _why_blocks(budget, seconds, many, folds, panel.weights is not None)
    if reason:
        return _noted(solved, f"blocks, {reason}", started)
    if validation is not None and many:
        trained = train_network()
        losses = [held_out_loss(task, validation, one.model.predict(validation).logits) for one in (solved, trained)]
        if losses[1] < losses[0]:
            return _noted(
                trained, _compared("conv_lstm", "blocks", losses, len(validation), "validation series"), started
            )
        _leave_nothing(folder)
        return _noted(solved, _compared("blocks", "conv_lstm", losses, len(validation), "validation series"), started)
    both = _out_of_fold_logits(panel, task, (blocks, network), train, folds)
    if both is None:
        return _noted(solved, "blocks, as the comparison was interrupted", started)
    rows, done = np.concatenate(both.held_out), len(both.held_out)
    losses = [held_out_loss(task, panel[rows], logits) for logits in both.logits]
    drawn = max(len(folds), AUTO_FOLDS[-1])
    on = f"series in {'' if done == drawn else f'{done} of '}{drawn} folds"
    if losses[1] < losses[0]:
        return _noted(train_network(), _compared("conv_lstm", "blocks", losses, len(rows), on), started)
    return _noted(solved, _compared("blocks", "conv_lstm", losses, len(rows), on), started)


def held_out_loss(task: Task, panel: Panel, logits: Doubles) -> float:
    """Compute the log loss of logits, in nats, after the temperature that is best for them."""
    return float(Loss(task)(*_tempered(task, panel, logits)))


def _why_blocks(budget: float, seconds: float, many: bool, folds: list[Fold], weighted: bool) -> str:
    """Return why no network is trained for comparison; empty if one is."""
    if weighted:
        return "as the series have weights, with which no network is compared"
    if seconds > budget:
        return f"as conv_lstm would train for about {seconds:.0f} s, more than the time_budget of {budget:g} s"
    if not many and not folds:
        return "as there are too few series to hold any out"
    return ""


def _folds(panel: Panel, budget: float, seconds: float, seed: int) -> list[Fold]:
    """Draw folds, and keep as many of them as the budget allows; none if there are too few series."""
    affordable = int(budget / seconds)
    count = next((many for many in AUTO_FOLDS if many <= affordable), AUTO_FOLDS[-1])
    labels = stratify_by(panel.labels)
    assert labels is not None
    try:
        return make_folds(labels, folds=count, seed=seed, groups=panel.groups())[: max(1, affordable)]
    except ParameterError:
        return []


class _OutOfFold(NamedTuple):
    """The rows of each fold that was predicted, and for each of two architectures the logits of all these series."""

    held_out: list[Rows]
    logits: list[Doubles]


def _out_of_fold_logits(
    panel: Panel, task: Task, architectures: tuple[Architecture, Architecture], train: Train, folds: list[Fold]
) -> _OutOfFold | None:
    """Compute out-of-fold logits of two architectures, until the second is clearly worse; None if interrupted."""
    held_out: list[Rows] = []
    logits = [np.empty((0, task.outputs)) for _ in architectures]
    for fold in folds:
        for place, architecture in enumerate(architectures):
            training = train(panel[fold.train], architecture=architecture, validation=None)
            if training.interrupted:
                return None
            predicted = training.model.predict(panel[fold.held_out]).logits
            logits[place] = np.concatenate([logits[place], predicted])
        held_out.append(fold.held_out)
        if _is_clearly_worse(task, panel[np.concatenate(held_out)], logits[1], logits[0]):
            break
    return _OutOfFold(held_out, logits)


def _is_clearly_worse(task: Task, panel: Panel, logits: Doubles, others: Doubles) -> bool:
    """Whether the mean log loss of some logits is higher than that of others by ``CLEARLY_WORSE`` standard errors."""
    gaps = _losses_of_series(task, panel, logits) - _losses_of_series(task, panel, others)
    if len(gaps) < LEAST_COMPARED:
        return False
    return bool(gaps.mean() > CLEARLY_WORSE * gaps.std(ddof=1) / len(gaps) ** 0.5)


def _losses_of_series(task: Task, panel: Panel, logits: Doubles) -> Doubles:
    """Compute the log loss of each series, shape (n,), after the temperature that is best for all of them."""
    (scores, codes), loss = _tempered(task, panel, logits), Loss(task)
    return np.array([float(loss(scores[[row]], codes[[row]])) for row in range(len(codes))])


def _tempered(task: Task, panel: Panel, logits: Doubles) -> tuple[Tensor, Tensor]:
    """Return logits after the temperature that is best for them, and the codes of the targets."""
    codes = targets_of(task, panel).every()
    scores, (targets, known) = torch.from_numpy(logits), signed_targets(task, codes)
    return scores * fit_scale(scores, targets, known, one_of=not task.multilabel), torch.from_numpy(codes)


def _compared(better: str, worse: str, losses: list[float], count: int, on: str) -> str:
    return f"{better}, log loss {min(losses):.3f} against {max(losses):.3f} of {worse} on {count:,} {on}"


def _noted(training: FitResult, choice: str, started: float) -> FitResult:
    choosing = time.perf_counter() - started - training.seconds
    return replace(training, notes=(*training.notes, f"encoder: {choice}"), choosing=choosing)


def _leave_nothing(folder: Path | None) -> None:
    """Remove the files of a network that was not chosen."""
    for place in [] if folder is None else [folder / name for name in FOLDER_OF_TRAINING]:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
