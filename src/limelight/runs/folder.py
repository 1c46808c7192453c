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
metrics.json          scores; written last, so its presence marks a complete run
comparison.json       result of limelight compare, before or after the run
validation.json       result of limelight validate, before or after the run
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limelight import __version__
from limelight.errors import InputError, OutputError

EXPERIMENT_FILE, ENVIRONMENT_FILE, METRICS_FILE = "experiment.json", "environment.json", "metrics.json"
COMPARISON_FILE = "comparison.json"
VALIDATION_FILE = "validation.json"
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
    "report",
)


def require_new_file(file: Path, *, overwrite: bool) -> None:
    """Check that a file does not exist, unless it may be overwritten; OutputError otherwise."""
    if file.exists() and not overwrite:
        raise OutputError(f"{str(file)!r} already exists; pass --overwrite to replace it, or choose another output")


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


def require_run_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a folder is free for a run; OutputError if it holds something else or may not be replaced."""
    there = folder.exists() and (not folder.is_dir() or any(one.name not in BESIDE_A_RUN for one in folder.iterdir()))
    if not there or resume:
        return
    if not is_run(folder):
        raise OutputError(
            f"expected an empty or new folder for the run, got {str(folder)!r}, which holds something else; "
            "choose another output"
        )
    if not overwrite:
        raise OutputError(
            f"{str(folder)!r} already holds a run; pass --overwrite to replace it, --resume to continue it, "
            "or choose another output"
        )


@contextmanager
def fresh_run(folder: Path) -> Iterator[None]:
    """Move an earlier run aside while a new one is written: restore it if that fails, delete it at the end.

    A first run that fails because of bad input leaves nothing. One that is killed leaves what it needs to resume.
    """
    aside = folder / ".earlier"
    if aside.is_dir():  # a run was killed while it replaced this one
        _clear(folder)
    else:
        _move(folder, aside)
    try:
        yield
    except BaseException as error:
        if aside.is_dir():
            _clear(folder)
            _move(aside, folder)
            aside.rmdir()
        elif isinstance(error, InputError) and folder.is_dir():
            _clear(folder)
            if not any(folder.iterdir()):
                folder.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Move the files of a run and nothing else."""
    for name in OF_A_RUN:
        if (source / name).exists():
            target.mkdir(exist_ok=True)
            os.replace(source / name, target / name)


def _clear(folder: Path) -> None:
    """Remove the files of a run and nothing else."""
    for name in OF_A_RUN:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
