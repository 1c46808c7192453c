"""Training by gradient descent, with Lightning; ``fit`` imports this module only when it is needed."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.task import Task
from limelight.training.callbacks import (
    BestWeights,
    EpochSeed,
    History,
    LastCheckpoint,
    PatientStopping,
    ProgressBar,
    Prune,
    StopAgain,
    StopOnInterrupt,
)
from limelight.training.lightning_module import TrainedNetwork
from limelight.training.loaders import BatchesOfPanel, training_loader, validation_loader
from limelight.training.losses import loss_for, loss_of_shares, series_weights
from limelight.training.preparation import Prepared, fingerprint
from limelight.training.ranks import ONLY_RANK, Rank, ShareOfBatches, StopOnRequest
from limelight.training.result import FitResult, fit_info
from limelight.training.runtime import denormals_flushed
from limelight.training.scaling import build_network
from limelight.training.settings import CHECKPOINT, LEAST_BATCHES_OF_AN_EPOCH, ShouldPrune, TrainingSettings

PRECISIONS: dict[str, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
"""The name of each precision in Lightning."""


@dataclass
class _Callbacks:
    """The callbacks of one training, by name."""

    seed: EpochSeed
    history: History
    best: BestWeights
    bar: ProgressBar
    interrupt: StopOnInterrupt
    early: PatientStopping | None = None
    prune: Prune | None = None
    others: list[Callback] = field(default_factory=list)

    def all(self) -> list[Callback]:
        early = [] if self.early is None else [self.early, StopAgain(self.early), self.best]
        prune = [] if self.prune is None else [self.prune]
        return [self.seed, *early, *prune, self.history, self.bar, self.interrupt, *self.others]


def train_by_gradient(
    panel: Panel,
    task: Task,
    prepared: Prepared,
    *,
    settings: TrainingSettings,
    validation: Panel | None,
    seed: int,
    folder: Path | None,
    checkpoint: Path | None,
    progress: bool | None,
    should_prune: ShouldPrune | None,
    rank: Rank = ONLY_RANK,
) -> FitResult:
    """Fit a network by gradient descent. The random state of torch, NumPy and Python changes.

    Parameters
    ----------
    panel, task, validation, seed, folder, progress, should_prune
        As for ``fit``.
    prepared
        What was resolved on these series.
    settings
        How long and how fast to train.
    checkpoint
        The checkpoint to resume from, or None.
    rank
        Which of the processes that train together this is.

    Returns
    -------
    FitResult
        The fitted model, the history, and why the training ended.

    Raises
    ------
    ParameterError
        If the checkpoint belongs to another training, or the training diverged.
    """
    architecture, vocabulary = prepared.architecture, prepared.vocabulary
    settings = settings.resolve(len(panel), architecture.encoder)
    targets = targets_of(task, panel)
    batches = BatchesOfPanel(panel, targets, architecture, vocabulary)
    codes = targets.every()
    balanced = settings.imbalance == "balanced"
    loader = training_loader(
        batches if rank.world == 1 else ShareOfBatches(batches, rank),
        settings.batch_size or 1,
        seed,
        LEAST_BATCHES_OF_AN_EPOCH,
        workers=settings.workers,
        weights=series_weights(task, codes, panel.lengths) if balanced else None,
    )
    checks = None
    if validation is not None:
        held_out = BatchesOfPanel(validation, targets_of(task, validation), architecture, vocabulary, panel.offset)
        checks = validation_loader(held_out if rank.world == 1 else ShareOfBatches(held_out, rank))
    started = time.perf_counter()
    with _quiet_lightning(), denormals_flushed():
        network = build_network(prepared, len(panel.channels), task.outputs, batches.metadata)
        epochs = settings.max_epochs or 1
        identity = fingerprint(architecture, settings, task, seed, panel, validation, vocabulary)
        loss = loss_for(task, codes, settings.imbalance)
        module = TrainedNetwork(network, loss, settings, epochs * len(loader), identity)
        guessing = None
        if validation is not None:
            guessing = loss_of_shares(
                loss,
                codes,
                targets_of(task, validation).every(),
                *(_weights_of_targets(task, one) for one in (panel, validation)),
            )
        watch = _watch(settings, seed, folder, progress, should_prune, guessing, rank)
        trainer = _trainer(settings, watch, folder, rank)
        with watch.interrupt:
            try:
                trainer.fit(module, loader, checks, ckpt_path=checkpoint)
            except SystemExit as error:  # Lightning raises this on a second Ctrl-C, and when the process is terminated
                interrupt = error.__context__
                raise (interrupt if isinstance(interrupt, KeyboardInterrupt) else KeyboardInterrupt()) from error
            finally:
                watch.bar.close()
    watch.best.restore(network)
    network.cpu().eval()
    _require_finite_weights(network, settings)
    if architecture.pooling.sums_steps:
        measure_typical_step(network, validation_loader(batches))
    info = fit_info(panel, validation, task, codes, prepared.statistics, training=settings.to_json(), seed=seed)
    model = FittedModel(task, architecture, network, panel.channels, info, vocabulary, offset=prepared.offset)
    return FitResult(
        model,
        watch.history.rows,
        watch.best.epoch or len(watch.history.rows),
        _reason(watch),
        time.perf_counter() - started,
    )


def measure_typical_step(network: Network, batches: Iterable[Batch]) -> None:
    """Set the baseline of evidence of a pooling that sums steps: the mean features of the steps of some series."""
    total, count = torch.zeros_like(network.pooling.typical, dtype=torch.float64), 0
    with torch.inference_mode():
        for batch in batches:
            features, mask, _ = network.encoded(batch)
            total += features[mask].double().sum(dim=0)
            count += int(mask.sum())
    network.pooling.typical.copy_(total / count)


def _require_finite_weights(network: Network, settings: TrainingSettings) -> None:
    if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
        raise ParameterError(
            f"the training diverged with learning_rate={settings.learning_rate}: some weights are not finite; lower "
            "it, or use activation 'tanh' if the encoder has 'relu'"
        )


def _weights_of_targets(task: Task, panel: Panel) -> NDArray[np.float64] | None:
    """Return the weight of each target, that of its series; None if all are alike."""
    return np.repeat(panel.weights, panel.lengths) if task.by_step and panel.weights is not None else panel.weights


def _watch(
    settings: TrainingSettings,
    seed: int,
    folder: Path | None,
    progress: bool | None,
    should_prune: ShouldPrune | None,
    guessing: float | None,
    rank: Rank,
) -> _Callbacks:
    history = History(None if folder is None or rank.number else folder / "history.csv")
    bar = ProgressBar(False if rank.number else progress)
    interrupt = StopOnInterrupt() if rank.stop_file is None else StopOnRequest(rank.stop_file, rank.parent)
    watch = _Callbacks(EpochSeed(seed, rank.number), history, BestWeights(), bar, interrupt)
    watch.prune = None if should_prune is None else Prune(should_prune)
    if guessing is not None:
        watch.early = PatientStopping(settings.patience or 1, guessing)
    if folder is not None:
        watch.others.append(LastCheckpoint(folder / CHECKPOINT, watch.interrupt))
    return watch


def _trainer(settings: TrainingSettings, watch: _Callbacks, folder: Path | None, rank: Rank) -> Trainer:
    logger: Any = False
    if folder is not None and find_spec("tensorboard") is not None:
        from lightning.pytorch.loggers import TensorBoardLogger

        logger = TensorBoardLogger(folder, name=None, version="tensorboard")
    return Trainer(
        accelerator=settings.device,
        devices=rank.world,
        strategy="auto" if rank.world == 1 else _strategy(settings),
        use_distributed_sampler=False,  # each process takes its share of a batch itself
        precision=PRECISIONS[settings.precision],
        max_epochs=settings.max_epochs,
        gradient_clip_val=settings.gradient_clip,
        callbacks=watch.all(),
        logger=logger,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1_000_000,  # log epochs, not steps
    )


def _strategy(settings: TrainingSettings) -> Any:
    from lightning.pytorch.strategies import DDPStrategy

    backend = settings.strategy.removeprefix("ddp").removeprefix("_")
    return DDPStrategy(process_group_backend=backend or None)


def _reason(watch: _Callbacks) -> str:
    if watch.interrupt.interrupted:
        return "interrupted"
    if watch.prune is not None and watch.prune.pruned:
        return "pruned"
    if watch.early is not None and watch.early.stopped_epoch:
        return "nothing left to learn" if watch.early.learned_all else "no better validation loss"
    return "all epochs done"


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence Lightning's log lines and warnings about workers, devices and products."""
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
