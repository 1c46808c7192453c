"""The folder of a run.

experiment.json       the experiment with every default written out
environment.json      versions, machine, command
history.csv           losses and scores of every epoch
checkpoints/          the last epoch, to resume from
tensorboard/          the same for TensorBoard, if it is installed
model/                the fitted model
predictions.parquet   the prediction of every test series
steps.parquet         for windows: their predictions merged onto the steps of the recordings
report/               the HTML page
events.parquet        for labels per step: the events in the predictions
early/                models and rule of limelight early, if it was run
metrics.json          scores; written last, so its presence marks a complete run
unfinished/           the files above while they are written; they replace those of an earlier run in one step
comparison.json       result of limelight compare, before or after the run
validation.json       result of limelight validate, before or after the run
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limelight import __version__
from limelight.errors import DataError, LabelError, OutputError, ParameterError
from limelight.files import PARTIAL, locked, remove, room_on_disk
from limelight.replacement import UNFINISHED, complete_replacement, replace_files
from limelight.training.settings import CHECKPOINT

EXPERIMENT_FILE, ENVIRONMENT_FILE, METRICS_FILE = "experiment.json", "environment.json", "metrics.json"
COMPARISON_FILE = "comparison.json"
VALIDATION_FILE = "validation.json"
EARLY_FOLDER = "early"
ENDINGS = (".parquet", ".csv")
"""Of the tables that a command writes."""
BESIDE_A_RUN = (COMPARISON_FILE, VALIDATION_FILE)
OF_A_RUN = (
    EXPERIMENT_FILE,
    ENVIRONMENT_FILE,
    "history.csv",
    "checkpoints",
    "tensorboard",
    "model",
    METRICS_FILE,
    "predictions.parquet",
    "steps.parquet",
    "events.parquet",
    "report",
    EARLY_FOLDER,
)
TO_RESUME = ("history.csv", "checkpoints", "tensorboard")
"""What a resumed training continues."""


def require_new_file(file: Path, *, overwrite: bool) -> None:
    """Check that a file does not exist, unless it may be overwritten; OutputError otherwise."""
    if file.exists() and not overwrite:
        raise OutputError(f"{str(file)!r} already exists; pass --overwrite to replace it, or choose another output")


def require_table_name(file: Path) -> None:
    """Check that an output is Parquet or CSV by its ending; OutputError otherwise."""
    if file.suffix not in ENDINGS:
        raise OutputError(f"expected an output file ending in .parquet or .csv, got {str(file)!r}")


def require_free(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a run could be written to a folder, before anything slow is imported; errors as of ``run_folder``."""
    try:
        exists = folder.is_dir()
    except OSError:  # such as a name that is too long: the run explains what cannot be written
        return
    if exists:
        with locked(folder):
            complete_replacement(folder, held=True)
            _require_free(folder, resume=resume, overwrite=overwrite)


def environment() -> dict[str, Any]:
    """Return what a run was made with: versions, machine, command."""
    names = ("torch", "lightning", "scikit-learn", "numpy", "pyarrow")
    return {
        "python": platform.python_version(),
        "versions": {"limelight": __version__, **{name: importlib.metadata.version(name) for name in names}},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": " ".join(["limelight", *sys.argv[1:]]),
    }


def is_run(folder: Path) -> bool:
    """Whether a folder was written by a run; an experiment file alone, which people write, does not make one."""
    return (folder / EXPERIMENT_FILE).is_file() and (folder / ENVIRONMENT_FILE).is_file()


@contextmanager
def run_folder(folder: Path, *, resume: bool, overwrite: bool) -> Iterator[None]:
    """Hold the lock of a folder for a run, and complete what a killed run left half done.

    Parameters
    ----------
    folder
        The folder of the run, which may be new.
    resume
        Whether a training in the folder is to be resumed.
    overwrite
        Whether a run in the folder may be replaced.

    Raises
    ------
    OutputError
        If another process writes to the folder, or it holds something else, or a run that may not be replaced.
    """
    with locked(folder):
        complete_replacement(folder, held=True)
        _require_free(folder, resume=resume, overwrite=overwrite)
        with explained_interrupt(lambda: _kept(folder)):
            yield


@contextmanager
def explained_interrupt(kept: Callable[[], str]) -> Iterator[None]:
    """Add to an interrupt what is kept and what can be resumed, which the command line prints.

    Parameters
    ----------
    kept
        Called at an interrupt; returns the sentence.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.args = (kept(),)
        raise


def _kept(folder: Path) -> str:
    """Return what an interrupted run leaves."""
    training = "the training is kept up to its last complete epoch" if _has_checkpoint(folder / UNFINISHED) else ""
    earlier = f"the earlier run in {str(folder)!r} is unchanged" if is_run(folder) else ""
    kept = ", and ".join(part for part in (training, earlier) if part)
    return f"{kept or 'nothing was written'}{'; --resume continues the training' if training else ''}"


@contextmanager
def new_run(folder: Path, *, resume: bool) -> Iterator[Path]:
    """Write a run to a subfolder; if the block succeeds, its files replace those of an earlier run in one step.

    A run that fails because of its input leaves nothing. One that is interrupted or killed leaves its checkpoint.

    Parameters
    ----------
    folder
        The folder of the run, whose lock is held.
    resume
        Whether to start from the checkpoint in the folder.

    Returns
    -------
    Iterator[Path]
        The folder to write to.

    Raises
    ------
    OutputError
        If the folder cannot be written, or the disk is full.
    """
    unfinished = folder / UNFINISHED
    created = not (resume and _has_checkpoint(unfinished))
    try:
        with room_on_disk(folder):
            if created:
                _start(folder, unfinished, resume=resume)
            yield unfinished
            replace_files(folder, OF_A_RUN)
    except BaseException as error:
        of_input = isinstance(error, DataError | LabelError | ParameterError)
        if created and (of_input or not _has_checkpoint(unfinished)):
            shutil.rmtree(unfinished, ignore_errors=True)
        raise


def folder_to_resume(folder: Path) -> Path:
    """Return the folder with the checkpoint to resume from: that of the unfinished run, or else that of the run."""
    unfinished = folder / UNFINISHED
    return unfinished if _has_checkpoint(unfinished) else folder


def _has_checkpoint(folder: Path) -> bool:
    return (folder / CHECKPOINT).is_file()


def _start(folder: Path, unfinished: Path, *, resume: bool) -> None:
    """Create the subfolder of a new run, with the training to resume."""
    remove(unfinished)
    unfinished.mkdir()
    for name in TO_RESUME if resume else ():
        source, target = folder / name, unfinished / name
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            shutil.copy2(source, target)


def _require_free(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a folder is free for a run; OutputError if it holds something else or may not be replaced."""
    if folder.is_dir():
        unfinished = folder / UNFINISHED
        there = {one.name for one in folder.iterdir()} - {
            *BESIDE_A_RUN,
            *([UNFINISHED] if _is_ours(unfinished) else []),
        }
        there = {name for name in there if not PARTIAL.fullmatch(name)}
    if not folder.is_dir() or (there and not resume and not is_run(folder)):
        raise OutputError(
            f"expected an empty or new folder for the run, got {str(folder)!r}, which holds something else; "
            "choose another output"
        )
    if resume or overwrite or not (there or _has_checkpoint(unfinished)):
        return
    kind = "a run" if there else "an unfinished run"
    raise OutputError(
        f"{str(folder)!r} already holds {kind}; pass --overwrite to replace it, --resume to continue it, "
        "or choose another output"
    )


def _is_ours(unfinished: Path) -> bool:
    """Whether a folder holds files of a run and nothing else."""
    names = [one.name for one in unfinished.iterdir()] if unfinished.is_dir() else ["none"]
    return all(name in OF_A_RUN or name.startswith(".") for name in names)
