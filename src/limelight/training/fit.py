"""Fit an architecture to a panel: by gradient descent, in closed form, or the better of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from limelight.data.panel import Panel
from limelight.errors import OutputError
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training.auto import fit_auto
from limelight.training.closed_form import FILL_STRATEGIES, solve_best
from limelight.training.devices import require_device
from limelight.training.metadata_gate import with_useful_metadata
from limelight.training.preparation import prepare
from limelight.training.result import FitResult
from limelight.training.runtime import own_randomness
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
    group: str | None = None,
    should_prune: ShouldPrune | None = None,
) -> FitResult:
    """Fit a network to labelled series, without calibration (see ``Recipe.fit``).

    The global random state of torch, NumPy and Python is restored afterwards. Ctrl-C stops the training after the
    current step and keeps the best weights so far.

    Parameters
    ----------
    panel
        Labelled training series; scaling is fitted on them alone.
    task
        Its classes include every label of both panels.
    architecture
        The parts of the network; sizes that depend on the data are resolved here. With the encoders ``rocket`` and
        ``blocks`` the head is solved in closed form; ``auto`` selects an encoder.
    validation
        Series for early stopping; None trains for all epochs and keeps the last weights.
    settings
        How long and how fast to train; None chooses by the number of series.
    seed
        The same seed gives the same numbers on the same machine, from 0 to 2**31 - 1.
    folder
        Where to write checkpoints, ``history.csv`` and files for TensorBoard; None writes nothing.
    resume
        Resume from the checkpoint in ``folder``.
    progress
        Whether to show a progress bar; None shows one in a terminal.
    fields
        Kinds of metadata fields that should not be inferred from their values: ``"category"``, ``"number"``,
        ``"boolean"``, ``"date"``, ``"text"`` or ``"ignore"``.
    group
        A metadata field, each group of which the out-of-sample predictions of a head in closed form leave out as a
        whole; None leaves out recordings if the series are windows, and else one series at a time.
    should_prune
        Called after each validation with the share of epochs done and the loss; returns whether to prune.

    Returns
    -------
    FitResult
        The fitted model, the history, and why the training ended.

    Raises
    ------
    DataError
        If a value is infinite, or missing with ``missing="error"``; or if there is no clock with ``clock="elapsed"``.
    LabelError
        If a label is not a class of the task.
    OutputError
        If the checkpoint is missing or damaged.
    ParameterError
        If the checkpoint belongs to another training, there are no GPUs for the settings, or the training diverged.
    """
    settings = settings or TrainingSettings()
    require_device(settings)
    checkpoint = checkpoint_to_resume(folder) if resume else None
    if architecture.encoder.automatic:
        return fit_auto(
            panel,
            task,
            architecture,
            partial(fit, task=task, settings=settings, seed=seed, progress=progress, fields=fields, group=group),
            settings=settings,
            validation=validation,
            seed=seed,
            folder=folder,
            resume=resume,
        )
    notes: tuple[str, ...] = ()
    if not architecture.encoder.closed_form:
        with own_randomness(seed):
            architecture, notes = with_useful_metadata(architecture, panel, task, fields, seed)
    prepared = prepare(panel, task, architecture, validation, fields)
    if prepared.architecture.encoder.closed_form:
        undecided = architecture.missing == "auto" and prepared.architecture.takes_missing
        strategies = FILL_STRATEGIES if undecided else (prepared.architecture.missing,)
        with own_randomness(seed):
            return solve_best(
                panel,
                task,
                prepared,
                settings,
                strategies=strategies,
                validation=validation,
                group=group,
                seed=seed,
                progress=progress,
            )
    from limelight.training.gradient_descent import train_by_gradient  # imports Lightning, which takes seconds
    from limelight.training.processes import train_in_processes

    train = train_by_gradient if settings.devices == 1 else train_in_processes
    with own_randomness(seed):
        result = train(
            panel,
            task,
            prepared,
            settings=settings,
            validation=validation,
            seed=seed,
            folder=folder,
            checkpoint=checkpoint,
            progress=progress,
            should_prune=should_prune,
        )
    return replace(result, notes=(*notes, *result.notes))


def checkpoint_to_resume(folder: Path | None) -> Path:
    """Return the checkpoint in the folder of a training; OutputError if it is missing or damaged."""
    file = None if folder is None else folder / CHECKPOINT
    if file is None or not file.is_file():
        raise OutputError(f"there is no checkpoint to resume from at {str(file)!r}; train without resuming")
    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds of error for damaged files
        raise OutputError(
            f"the checkpoint {str(file)!r} is damaged ({type(error).__name__}); train without resuming"
        ) from error
    return file
