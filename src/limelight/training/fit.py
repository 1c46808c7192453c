"""fit(): from a panel and a sentence to a fitted model."""

from __future__ import annotations

import logging
import random
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from limelight.data.panel import Panel
from limelight.errors import OutputError, ParameterError
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.nn.network import Network
from limelight.parts.encoders import Auto, Rocket
from limelight.parts.sentence import Sentence
from limelight.task import Task
from limelight.training.callbacks import (
    BestWeights,
    EpochSeed,
    GiveUp,
    History,
    Hopeless,
    LastCheckpoint,
    ProgressBar,
    StopAgain,
    StopOnInterrupt,
)
from limelight.training.choosing import choose
from limelight.training.closed_form import WAYS_TO_FILL, solve_best
from limelight.training.loaders import BatchesOfPanel, training_loader, validation_loader
from limelight.training.losses import loss_for, series_weights
from limelight.training.module import TrainedNetwork
from limelight.training.outcome import Training, facts_of_training
from limelight.training.preparation import Prepared, fingerprint, prepare
from limelight.training.settings import LEAST_BATCHES_OF_AN_EPOCH, TrainingSettings

CHECKPOINT = Path("checkpoints") / "last.ckpt"


@dataclass
class _Watch:
    """The callbacks of one training by name."""

    seed: EpochSeed
    history: History
    best: BestWeights
    bar: ProgressBar
    interrupt: StopOnInterrupt
    early: EarlyStopping | None = None
    hopeless: GiveUp | None = None
    others: list[Callback] = field(default_factory=list)

    def all(self) -> list[Callback]:
        early = [] if self.early is None else [self.early, StopAgain(self.early), self.best]
        given_up = [] if self.hopeless is None else [self.hopeless]
        return [self.seed, *early, *given_up, self.history, self.bar, self.interrupt, *self.others]


def fit(
    panel: Panel,
    task: Task,
    sentence: Sentence,
    *,
    validation: Panel | None = None,
    settings: TrainingSettings | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
    fields: Mapping[str, str] | None = None,
    hopeless: Hopeless | None = None,
) -> Training:
    """Fit a network to labelled series: step by step, in closed form, or whichever of both is better.

    The global random state of torch, NumPy and Python is the same afterwards as before. Ctrl-C ends the training
    after the current step and keeps the best weights so far.

    Parameters
    ----------
    panel
        Training series with labels; scaling is fitted on them alone.
    task
        What is asked; its classes hold every label of both panels.
    sentence
        The parts of the network; sizes that depend on the length of series are settled here. With the encoder
        ``rocket`` the head is solved, with ``auto`` one of two is chosen.
    validation
        Series to stop early and to choose the best weights by; None trains for all epochs and keeps the last weights.
    settings
        How long and how fast; None chooses from the number of series.
    seed
        The same seed gives the same numbers on the same machine, from 0 to 2**31 - 1.
    folder
        Where to leave checkpoints, ``history.csv`` and TensorBoard's files; None writes nothing.
    resume
        Go on from the checkpoint in ``folder``.
    progress
        Whether to show a bar; None shows it in a terminal.
    fields
        The kind of metadata fields that should not be read off their values: ``"category"``, ``"number"``,
        ``"boolean"``, ``"date"``, ``"text"`` or ``"ignore"``.
    hopeless
        Asked after each validation, with the share of the epochs that is done and the loss, whether to give up.

    Returns
    -------
    Training
        The fitted model, the history, and why the training ended.

    Raises
    ------
    DataError
        If a value is infinite, or missing where the sentence refuses that; or if there is no clock where the sentence
        uses it.
    LabelError
        If a label is not a class of the task.
    OutputError
        If there is nothing to resume from, or it is damaged.
    ParameterError
        If the training to resume was another one, there is no GPU that was asked for, or the training diverged.
    """
    settings = settings or TrainingSettings()
    require_device(settings)
    checkpoint = checkpoint_to_resume(folder) if resume else None
    if isinstance(sentence.encoder, Auto):
        return choose(
            panel,
            task,
            sentence,
            partial(fit, task=task, settings=settings, seed=seed, progress=progress, fields=fields),
            settings=settings,
            validation=validation,
            seed=seed,
            folder=folder,
            resume=resume,
        )
    prepared = prepare(panel, task, sentence, validation, fields)
    if isinstance(prepared.sentence.encoder, Rocket):
        open_yet = sentence.missing == "auto" and prepared.sentence.takes_missing
        ways = WAYS_TO_FILL if open_yet else (prepared.sentence.missing,)
        with _own_randomness(seed):
            return solve_best(panel, task, prepared, settings, ways=ways, validation=validation, seed=seed).training
    return _train(
        panel,
        task,
        prepared,
        settings,
        validation,
        seed=seed,
        folder=folder,
        checkpoint=checkpoint,
        progress=progress,
        hopeless=hopeless,
    )


def _train(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    settings: TrainingSettings,
    validation: Panel | None,
    *,
    seed: int,
    folder: Path | None,
    checkpoint: Path | None,
    progress: bool | None,
    hopeless: Hopeless | None,
) -> Training:
    """Fit a network step by step."""
    sentence, vocabulary = prepared.sentence, prepared.vocabulary
    settings = settings.for_series(len(panel))
    batches = BatchesOfPanel(panel, targets_of(task, panel), sentence, vocabulary)
    codes = batches.targets.every()
    balanced = settings.imbalance == "balanced"
    loader = training_loader(
        batches,
        settings.batch_size or 1,
        seed,
        LEAST_BATCHES_OF_AN_EPOCH,
        workers=settings.workers,
        weights=series_weights(task, codes, panel.lengths) if balanced else None,
    )
    checks = None
    if validation is not None:
        checks = validation_loader(BatchesOfPanel(validation, targets_of(task, validation), sentence, vocabulary))
    started = time.perf_counter()
    with _own_randomness(seed), _quiet_lightning():
        network = prepared.network(len(panel.channels), task.outputs, batches.facts)
        epochs = settings.max_epochs or 1
        asked = fingerprint(sentence, settings, task, seed, panel, validation, vocabulary)
        loss = loss_for(task, codes, settings.imbalance)
        module = TrainedNetwork(network, loss, settings, epochs * len(loader), asked)
        watch = _watch(settings, seed, folder, progress, hopeless, checks is not None)
        trainer = _trainer(settings, watch, folder)
        with watch.interrupt:
            try:
                trainer.fit(module, loader, checks, ckpt_path=checkpoint)
            except SystemExit as error:  # what Lightning makes of a second Ctrl-C
                raise KeyboardInterrupt from error
            finally:
                watch.bar.close()
    watch.best.restore(network)
    network.cpu().eval()
    _require_finite_weights(network, settings)
    facts = facts_of_training(
        panel, validation, task, codes, prepared.statistics, training=settings.to_json(), seed=seed
    )
    model = FittedModel(task, sentence, network, panel.channels, facts, vocabulary)
    return Training(
        model,
        watch.history.rows,
        watch.best.epoch or len(watch.history.rows),
        _reason(watch),
        time.perf_counter() - started,
    )


def _require_finite_weights(network: Network, settings: TrainingSettings) -> None:
    if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
        raise ParameterError(
            f"expected a training that settles, got weights that are not numbers with learning_rate="
            f"{settings.learning_rate}; lower it, or use activation 'tanh' if the encoder has 'relu'"
        )


def require_device(settings: TrainingSettings) -> None:
    """Refuse ``device="gpu"`` where there is none; ParameterError says what to do."""
    if settings.device == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        raise ParameterError("expected a GPU for device='gpu', got a machine without one; say 'auto' or 'cpu'")


def _watch(
    settings: TrainingSettings,
    seed: int,
    folder: Path | None,
    progress: bool | None,
    hopeless: Hopeless | None,
    validated: bool,
) -> _Watch:
    history = History(None if folder is None else folder / "history.csv")
    watch = _Watch(EpochSeed(seed), history, BestWeights(), ProgressBar(progress), StopOnInterrupt())
    watch.hopeless = None if hopeless is None else GiveUp(hopeless)
    if validated:
        watch.early = EarlyStopping("validation_loss", patience=settings.patience or 1, check_finite=True)
    if folder is not None:
        watch.others.append(LastCheckpoint(folder / CHECKPOINT, watch.interrupt))
    return watch


def _trainer(settings: TrainingSettings, watch: _Watch, folder: Path | None) -> Trainer:
    logger: Any = False
    if folder is not None and find_spec("tensorboard") is not None:
        from lightning.pytorch.loggers import TensorBoardLogger

        logger = TensorBoardLogger(folder, name=None, version="tensorboard")
    return Trainer(
        accelerator=settings.device,
        devices=1,
        max_epochs=settings.max_epochs,
        gradient_clip_val=settings.gradient_clip,
        callbacks=watch.all(),
        logger=logger,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1_000_000,  # epochs are logged, single steps are not
    )


def checkpoint_to_resume(folder: Path | None) -> Path:
    """Give the checkpoint in the folder of a training; OutputError if there is none."""
    file = None if folder is None else folder / CHECKPOINT
    if file is None or not file.is_file():
        raise OutputError(
            f"expected a checkpoint to resume from at {str(file)!r}, there is none; train without resuming"
        )
    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damage leads to
        raise OutputError(
            f"the checkpoint {str(file)!r} is damaged ({type(error).__name__}); train without resuming"
        ) from error
    return file


def _reason(watch: _Watch) -> str:
    if watch.interrupt.asked:
        return "interrupted"
    if watch.hopeless is not None and watch.hopeless.asked:
        return "given up"
    if watch.early is not None and watch.early.stopped_epoch:
        return "no better validation loss"
    return "all epochs done"


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed torch inside, and put the states of torch, NumPy and Python back afterwards; Lightning draws from them."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice about workers, devices and products away from people who did not ask."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*lightning.*")
            warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)  # of workers
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
