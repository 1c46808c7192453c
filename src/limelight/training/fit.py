"""fit(): from a panel and a sentence to a fitted model."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

from limelight.data.panel import Panel
from limelight.errors import OutputError, ParameterError
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training.auto import fit_auto
from limelight.training.closed_form import FILL_STRATEGIES, solve_best
from limelight.training.preparation import prepare
from limelight.training.result import FitResult
from limelight.training.settings import CHECKPOINT, ShouldPrune, TrainingSettings


def fit(
    panel: Panel,
    task: Task,
    architecture: Architecture,
    *,
    validation: Panel | None = None,
    settings: TrainingSettings | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
    fields: Mapping[str, str] | None = None,
    should_prune: ShouldPrune | None = None,
) -> FitResult:
    """Fit a network to labelled series: step by step, in closed form, or whichever of both is better.

    The global random state of torch, NumPy and Python is the same afterwards as before. Ctrl-C ends the training
    after the current step and keeps the best weights so far.

    Parameters
    ----------
    panel
        Training series with labels; scaling is fitted on them alone.
    task
        What is asked; its classes hold every label of both panels.
    architecture
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
    should_prune
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
    if architecture.encoder.automatic:
        return fit_auto(
            panel,
            task,
            architecture,
            partial(fit, task=task, settings=settings, seed=seed, progress=progress, fields=fields),
            settings=settings,
            validation=validation,
            seed=seed,
            folder=folder,
            resume=resume,
        )
    prepared = prepare(panel, task, architecture, validation, fields)
    if prepared.architecture.encoder.closed_form:
        open_yet = architecture.missing == "auto" and prepared.architecture.takes_missing
        ways = FILL_STRATEGIES if open_yet else (prepared.architecture.missing,)
        with _own_randomness(seed):
            return solve_best(panel, task, prepared, settings, ways=ways, validation=validation, seed=seed)
    from limelight.training.gradient_descent import train_by_gradient  # brings Lightning, which takes seconds to load

    with _own_randomness(seed):
        return train_by_gradient(
            panel,
            task,
            prepared,
            settings,
            validation,
            seed=seed,
            folder=folder,
            checkpoint=checkpoint,
            progress=progress,
            should_prune=should_prune,
        )


def require_device(settings: TrainingSettings) -> None:
    """Refuse ``device="gpu"`` where there is none; ParameterError says what to do."""
    if settings.device == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        raise ParameterError("expected a GPU for device='gpu', got a machine without one; say 'auto' or 'cpu'")


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
