"""Callbacks of a training: history, best weights, progress bar, early stopping, pruning, Ctrl-C."""

from __future__ import annotations

import csv
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor
from tqdm.auto import tqdm

from limelight.files import whole_file
from limelight.training.settings import ShouldPrune

EpochRow = dict[str, float]
LEAST_LEARNED = 0.02
"""Share of the loss of guessing by which a network that has learned something is better."""
LEARNED = 0.001
"""Validation loss, in nats, below which nothing is left to learn."""


class EpochSeed(Callback):
    """Seed the order of batches and the dropout of each epoch from the seed and the epoch number alone.

    Parameters
    ----------
    seed
        An integer below 2**31.
    rank
        The number of this process: each draws its own dropout.
    """

    def __init__(self, seed: int, rank: int = 0) -> None:
        self.seed, self.rank = seed, rank

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Seed the epoch that starts."""
        trainer.train_dataloader.sampler.epoch = trainer.current_epoch  # type: ignore[union-attr]
        torch.manual_seed(self.seed * 10_007 + trainer.current_epoch + self.rank * 1_000_003)


class History(Callback):
    """Losses and scores of every epoch, also written as ``history.csv``.

    Parameters
    ----------
    file
        Where to write, or None.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rows: list[EpochRow] = []
        self._started = 0.0

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start timing the epoch."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Record the epoch and rewrite the file."""
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append(
            {
                "epoch": trainer.current_epoch + 1,
                **dict(sorted(measured.items())),
                "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
                "seconds": time.perf_counter() - self._started,
            }
        )
        if self.file is not None:
            with whole_file(self.file, durable=False) as temporary, temporary.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, fieldnames=list(self.rows[0]))
                writer.writeheader()
                writer.writerows(self.rows)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows from a checkpoint."""
        self.rows = state_dict["rows"]


class BestWeights(Callback):
    """The weights with the lowest validation loss so far; stored in checkpoints too."""

    def __init__(self) -> None:
        self.loss = float("inf")
        self.epoch = 0
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Copy the weights if they are the best so far."""
        loss = float(trainer.callback_metrics["validation_loss"])
        if loss < self.loss:
            self.loss, self.epoch = loss, trainer.current_epoch + 1
            self.weights = {
                name: tensor.clone() for name, tensor in module.get_submodule("network").state_dict().items()
            }

    def restore(self, network: torch.nn.Module) -> None:
        """Restore the best weights, if there are any."""
        if self.weights:
            network.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best weights for the checkpoint."""
        return {"loss": self.loss, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best weights from a checkpoint."""
        self.loss, self.epoch, self.weights = state_dict["loss"], state_dict["epoch"], state_dict["weights"]


class ProgressBar(Callback):
    """One progress bar over all epochs, with the validation loss; hidden if standard error is no terminal.

    Parameters
    ----------
    wanted
        True, False, or None to show it in a terminal only.
    """

    def __init__(self, wanted: bool | None) -> None:
        self.hidden = not (sys.stderr.isatty() if wanted is None else wanted)
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Draw the empty bar."""
        epochs, batches = trainer.max_epochs or 0, int(trainer.num_training_batches)
        self.bar = tqdm(
            total=epochs * batches,
            initial=trainer.current_epoch * batches,
            desc="training",
            unit="step",
            disable=self.hidden,
            dynamic_ncols=True,
        )

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *args: Any) -> None:
        """Update the bar by one step."""
        self.bar.update()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Show the scores of the epoch."""
        shown = {name.replace("validation", "val"): f"{float(v):.4f}" for name, v in trainer.callback_metrics.items()}
        self.bar.set_description(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}")
        self.bar.set_postfix({name: shown[name] for name in ("val_loss", "val_f1") if name in shown})

    def close(self) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()


class PatientStopping(EarlyStopping):
    """Early stopping that waits while a network has learned nothing yet, and ends once nothing is left to learn.

    The label may depend on several things together, such as the series and a metadata field, and on none alone. The
    loss of the network then stays at that of guessing for many epochs before it falls.

    Parameters
    ----------
    patience
        Epochs without a better validation loss, once it is below that of guessing.
    guessing
        The validation loss of predicting the shares of the classes.
    """

    def __init__(self, patience: int, guessing: float) -> None:
        super().__init__(
            "validation_loss",
            patience=patience,
            check_finite=True,
            stopping_threshold=LEARNED,
            check_on_train_epoch_end=False,
        )
        self.guessing = guessing

    @property
    def learned_all(self) -> bool:
        """Whether nothing is left to learn."""
        return float(self.best_score) < LEARNED

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Count an epoch without a better loss, unless the network has learned nothing yet."""
        if self.best_score > (1 - LEAST_LEARNED) * self.guessing:
            self.wait_count = -1  # the epoch that ends becomes 0
        super().on_validation_end(trainer, module)
        self.best_score = torch.fmin(self.best_score, trainer.callback_metrics["validation_loss"].cpu())


class StopAgain(Callback):
    """Stop a resumed training at once if it had already stopped early, which Lightning does not remember.

    Parameters
    ----------
    early
        The early stopping; its count of epochs without improvement is in the checkpoint.
    """

    def __init__(self, early: PatientStopping) -> None:
        self.early = early

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Stop if the patience is exhausted, or nothing is left to learn."""
        if self.early.wait_count >= self.early.patience or self.early.learned_all:
            trainer.should_stop = True


class Prune(Callback):
    """Stop a training after an epoch if it falls behind other trials.

    Parameters
    ----------
    should_prune
        Called after each validation with the share of epochs done and the validation loss.
    """

    def __init__(self, should_prune: ShouldPrune) -> None:
        self.should_prune = should_prune
        self.pruned = False

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Stop if the trial should be pruned."""
        done = (trainer.current_epoch + 1) / (trainer.max_epochs or 1)
        if self.should_prune(done, float(trainer.callback_metrics["validation_loss"])):
            self.pruned = trainer.should_stop = True


class StopOnInterrupt(Callback):
    """Stop after the current step on the first Ctrl-C, with a last validation; raise on the second."""

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *args: Any) -> None:
        """Stop after an interrupt."""
        if self.interrupted:
            trainer.should_stop = True


class LastCheckpoint(ModelCheckpoint):
    """A checkpoint of the last complete epoch; resuming from an interrupted one would skip its rest.

    Parameters
    ----------
    file
        Where to write.
    interrupt
        The callback that handles Ctrl-C.
    """

    def __init__(self, file: Path, interrupt: StopOnInterrupt) -> None:
        super().__init__(file.parent, filename=file.stem, save_on_train_epoch_end=True, enable_version_counter=False)
        self._stop = interrupt

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the checkpoint of a complete epoch."""
        if not self._stop.interrupted:
            super().on_train_epoch_end(trainer, module)
