"""The folder of a run.

experiment.json       what was asked, every default written out
environment.json      versions, machine, command
history.csv           numbers of every epoch
checkpoints/          the last epoch, to resume from
tensorboard/          the same numbers for TensorBoard, where it is installed
model/                the fitted model
predictions.parquet   the answer for every test series
steps.parquet         of windows: their answers laid back on the steps of the recordings
report/               the page
metrics.json          scores; written last: where it is, the run is whole
comparison.json       simple and rich models on folds; of limelight compare, before or after the run
validation.json       scores on folds; of limelight validate, before or after the run
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
    """Refuse to replace a file unless asked to; OutputError says how to ask."""
    if file.exists() and not overwrite:
        raise OutputError(f"{str(file)!r} is already there; pass --overwrite to replace it, or choose another output")


def environment() -> dict[str, Any]:
    """Say with what a run was made: versions, machine, command."""
    names = ("torch", "lightning", "scikit-learn", "numpy", "pyarrow")
    return {
        "python": platform.python_version(),
        "versions": {"limelight": __version__, **{name: importlib.metadata.version(name) for name in names}},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": " ".join(["limelight", *sys.argv[1:]]),
    }


def is_run(folder: Path) -> bool:
    """Say whether a folder was made by a run; an experiment file alone, which people write, does not make it one."""
    return (folder / EXPERIMENT_FILE).is_file() and (folder / ENVIRONMENT_FILE).is_file()


def require_run_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something else, or a run that is not to be replaced; OutputError says which."""
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
            f"{str(folder)!r} already holds a run; pass --overwrite to replace it, --resume to go on with it, "
            "or choose another output"
        )


@contextmanager
def fresh_run(folder: Path) -> Iterator[None]:
    """Put an earlier run aside while another one is made in its folder: back if that fails, away when it is whole.

    A first run that fails by the user's mistake leaves nothing. One that is killed leaves what it takes to resume.
    """
    aside = folder / ".earlier"
    if aside.is_dir():  # the run before was killed while it replaced this one
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
    """Move what belongs to a run, and nothing else."""
    for name in OF_A_RUN:
        if (source / name).exists():
            target.mkdir(exist_ok=True)
            os.replace(source / name, target / name)


def _clear(folder: Path) -> None:
    """Remove what belongs to a run, and nothing else."""
    for name in OF_A_RUN:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
