"""The encoder ``auto``: rocket or a recurrent network, whichever answers series better that were held out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.labels import stratify_by
from limelight.data.panel import Panel
from limelight.data.splitting.folds import Fold, make_folds
from limelight.errors import InternalError, ParameterError, listing
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import ContextEncoding
from limelight.parts.encoders import Auto, ConvLSTM, Rocket
from limelight.parts.heads import MLPHead
from limelight.parts.poolings import AttentionPooling
from limelight.task import Task, is_known
from limelight.training.logit_scale import fit_scale
from limelight.training.losses import Loss, signed_targets
from limelight.training.result import FitResult
from limelight.training.settings import LEAST_BATCHES_OF_AN_EPOCH, TrainingSettings

Train = Callable[..., FitResult]
"""As ``fit``, with task, settings and seed given."""
AUTO_FOLDS = (5, 3)
"""Ways to hold series out, the more expensive first."""
LEAST_VALIDATION = 50
"""Validation series that can tell two models apart; fewer are left to stop the training by."""
LEAST_KNOWN = 10
MANY = 1_000
"""Series without metadata from which a network is tried at all. In cross-validation on the training parts of six
sets without metadata (28 to 667 series) the log loss of rocket was at most three fifths of that of the network."""
SECONDS_OF_A_STEP, SECONDS_OF_A_PRODUCT = 4e-3, 1.2e-10
"""Measured on two cores, for four sets of the benchmarks: within a quarter."""
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
    """Solve ``rocket``, train ``conv_lstm`` too where that can pay, and keep what answers better.

    Both answer series that they were not fitted on: the validation part if it is large, else each series once in
    cross-validation, the same folds for both. They are compared by log loss after the best temperature for each. Unlike
    accuracy it takes every answer in, sure or not, so that fewer series tell two models apart; and a temperature is all
    that a model whose answers are too sure lacks.

    Parameters
    ----------
    panel, validation
        As for ``fit``.
    task
        What is asked.
    architecture
        With the encoder ``auto``.
    train
        Fits one sentence: called with a panel, ``architecture``, ``validation``, and ``folder`` and ``resume``.
    settings
        Of the training of networks.
    seed
        Cuts the folds.
    folder, resume
        As for ``fit``; for a network that is trained on the whole panel.

    Returns
    -------
    Training
        Of the better one, with a note on what was chosen and why.
    """
    started = time.perf_counter()
    network, rocket = replace(architecture, encoder=ConvLSTM()), replace(architecture, encoder=Rocket())

    def train_network() -> FitResult:
        return train(panel, architecture=network, validation=validation, folder=folder, resume=resume)

    reason = _why_network(panel, architecture, settings)
    if reason:
        return _noted(train_network(), f"conv_lstm, {reason}", started)
    solved = train(panel, architecture=rocket, validation=validation)
    reads = solved.model.architecture.needs_metadata or solved.model.network.signals is not None
    if len(panel) < MANY and not reads:
        why = f"as {len(panel)} series without metadata are too few for a network to be better"
        return _noted(solved, f"rocket, {why}", started)
    seconds = expected_seconds(panel, settings)
    many = validation is not None and len(validation) >= LEAST_VALIDATION
    folds = [] if many else _folds(panel, _budget(architecture), seconds, seed)
    reason = _why_rocket(_budget(architecture), seconds, many, folds, reads)
    if reason:
        return _noted(solved, f"rocket, {reason}", started)
    if validation is not None and many:
        trained = train_network()
        losses = [held_out_loss(task, validation, one.model.predict(validation).logits) for one in (solved, trained)]
        if losses[1] < losses[0]:
            return _noted(
                trained, _compared("conv_lstm", "rocket", losses, len(validation), "validation series"), started
            )
        _leave_nothing(folder)
        return _noted(solved, _compared("rocket", "conv_lstm", losses, len(validation), "validation series"), started)
    both = [_answers_of_folds(panel, task, one, train, folds) for one in (rocket, network)]
    if both[1] is None:
        return _noted(solved, "rocket, as the comparison was interrupted", started)
    losses = [held_out_loss(task, panel, logits) for logits in both if logits is not None]
    on = f"series in {len(folds)} folds"
    if losses[1] < losses[0]:
        return _noted(train_network(), _compared("conv_lstm", "rocket", losses, len(panel), on), started)
    return _noted(solved, _compared("rocket", "conv_lstm", losses, len(panel), on), started)


def is_solved(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> bool:
    """Say whether it is certain, before any training, that ``fit`` will solve a head in closed form.

    Then no series need to be held out: training series left out judge it, one at a time.

    Parameters
    ----------
    panel
        Labelled training series.
    architecture, settings
        As for ``fit``.

    Returns
    -------
    bool
        True for the encoder ``rocket``, and for ``auto`` where no network will be tried.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((30, 40)), labels=["a", "b"] * 15)
    >>> is_solved(panel, Architecture.of(), TrainingSettings()), is_solved(panel, Architecture.of("lstm"), TrainingSettings())
    (True, False)
    """
    if not architecture.encoder.automatic:
        return architecture.encoder.closed_form
    facts = panel.signals is not None or (panel.metadata is not None and architecture.fusion != ())
    return len(panel) < MANY and not facts and not _why_network(panel, architecture, settings)


def held_out_loss(task: Task, panel: Panel, logits: NDArray[np.float64]) -> float:
    """Give the log loss of answers about series, in nats, after the temperature that is best for them."""
    codes = targets_of(task, panel).every()
    answers, (wanted, known) = torch.from_numpy(logits), signed_targets(task, codes)
    scale = fit_scale(answers, wanted, known, one_of=not task.multilabel)
    return float(Loss(task)(answers * scale, torch.from_numpy(codes)))


def expected_seconds(panel: Panel, settings: TrainingSettings) -> float:
    """Say about how long ``conv_lstm`` trains on two cores: by counting, so that the same data give the same choice.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((100, 300)))
    >>> 5 < expected_seconds(panel, TrainingSettings()) < 50
    True
    """
    settings = settings.for_series(len(panel))
    if settings.batch_size is None or settings.max_epochs is None:
        raise InternalError("settings for a number of series leave nothing open")
    batches = max(LEAST_BATCHES_OF_AN_EPOCH, -(-len(panel) // settings.batch_size))
    length, channels = float(np.median(panel.lengths)), len(panel.channels)
    products = 75_000 * min(length, 32.0) + 128 * channels * length
    return settings.max_epochs * batches * (SECONDS_OF_A_STEP + SECONDS_OF_A_PRODUCT * settings.batch_size * products)


def _why_network(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> str:
    """Say why rocket cannot do what is asked; empty if it can."""
    if panel.labels is None:
        return "as each step has a label"
    if settings.imbalance != "none":
        return f"as imbalance={settings.imbalance!r} is for networks that are trained"
    usual = {"pooling": AttentionPooling(), "head": MLPHead(), "context": ContextEncoding()}
    stated = [name for name, part in usual.items() if getattr(architecture, name) != part]
    if architecture.fusion not in ("auto", (), ("late",)):
        stated.append("fusion")
    if stated:
        return f"as {listing(stated)} {'is' if len(stated) == 1 else 'are'} stated, which rocket does not have"
    known = is_known(panel.labels).sum(axis=0)
    if panel.labels.ndim == 2 and int(known.min()) < LEAST_KNOWN:
        return f"as a label is known for {int(known.min())} series only"
    return ""


def _why_rocket(budget: float, seconds: float, many: bool, folds: list[Fold], reads: bool) -> str:
    """Say why no network is trained to compare with; empty if one is. Only a network lets metadata change a meaning."""
    if not many and not folds:
        return "as there are too few series to hold some out"
    seconds *= max(1, len(folds))
    if seconds > budget and not reads:
        return f"as conv_lstm would train for about {seconds:.0f} s and time_budget is {budget:g} s"
    return ""


def _budget(architecture: Architecture) -> float:
    if not isinstance(architecture.encoder, Auto):
        raise InternalError(f"a choice was asked for with the encoder {architecture.encoder.name!r}")
    return architecture.encoder.time_budget


def _folds(panel: Panel, budget: float, seconds: float, seed: int) -> list[Fold]:
    """Cut as many folds as the budget allows, else the fewest; none if there are too few series."""
    count = next((many for many in AUTO_FOLDS if many * seconds <= budget), AUTO_FOLDS[-1])
    labels = stratify_by(panel.labels)
    assert labels is not None
    try:
        return make_folds(labels, folds=count, seed=seed, groups=panel.groups())
    except ParameterError:
        return []


def _answers_of_folds(
    panel: Panel, task: Task, architecture: Architecture, train: Train, folds: list[Fold]
) -> NDArray[np.float64] | None:
    """Give what models say about the series of their fold, fitted on the others, shape (n, outputs).

    None if a training was interrupted.
    """
    logits = np.zeros((len(panel), task.outputs))
    for fold in folds:
        training = train(panel[fold.train], architecture=architecture, validation=None)
        if training.interrupted:
            return None
        logits[fold.held_out] = training.model.predict(panel[fold.held_out]).logits
    return logits


def _compared(better: str, worse: str, losses: list[float], count: int, on: str) -> str:
    return f"{better}, log loss {min(losses):.3f} against {max(losses):.3f} of {worse} on {count:,} {on}"


def _noted(training: FitResult, said: str, started: float) -> FitResult:
    choosing = time.perf_counter() - started - training.seconds
    return replace(training, notes=(*training.notes, f"encoder: {said}"), choosing=choosing)


def _leave_nothing(folder: Path | None) -> None:
    """Take away what the training of a network left that was not chosen."""
    for place in [] if folder is None else [folder / name for name in FOLDER_OF_TRAINING]:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
