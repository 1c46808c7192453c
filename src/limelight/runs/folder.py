"""The folder of a run.

experiment.json       what was asked, every default written out
environment.json      versions, machine, command
history.csv           numbers of every epoch
checkpoints/          the last epoch, to resume from
tensorboard/          the same numbers for TensorBoard, where it is installed
model/                the fitted model
predictions.parquet   the answer for every test series
report/               the page
metrics.json          scores; written last: where it is, the run is whole
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from limelight import __version__
from limelight.errors import OutputError
from limelight.files import whole_file
from limelight.model.fitted import Prediction

EXPERIMENT_FILE, METRICS_FILE = "experiment.json", "metrics.json"
OF_A_RUN = (
    EXPERIMENT_FILE,
    "environment.json",
    "history.csv",
    "checkpoints",
    "tensorboard",
    "model",
    METRICS_FILE,
    "predictions.parquet",
    "report",
)


def write_predictions(prediction: Prediction, file: Path, labels: Any = None) -> None:
    """Write one row for each series: series_id, label where known, prediction, a probability for each class."""
    columns: dict[str, Any] = {"series_id": prediction.ids.tolist()}
    if labels is not None:
        columns["label"] = [str(label) for label in labels]
    columns["prediction"] = [str(label) for label in prediction.labels]
    for place, name in enumerate(prediction.task.classes):
        columns[f"probability_{name}"] = prediction.probabilities[:, place]
    table = pa.table(columns)
    with whole_file(file) as temporary:
        if file.suffix == ".csv":
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary)


def environment() -> dict[str, Any]:
    """Say with what a run was made: versions, machine, command."""
    names = ("torch", "lightning", "scikit-learn", "numpy", "pyarrow")
    return {
        "python": platform.python_version(),
        "versions": {"limelight": __version__, **{name: importlib.metadata.version(name) for name in names}},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": " ".join(["limelight", *sys.argv[1:]]),
    }


def require_room(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something else, or a run that is not to be replaced; OutputError says which."""
    there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if not there or resume:
        return
    if not (folder / EXPERIMENT_FILE).is_file():
        raise OutputError(
            f"expected an empty or new folder for the run, got {str(folder)!r}, which holds something else; "
            "choose another output"
        )
    if not overwrite:
        raise OutputError(
            f"{str(folder)!r} already holds a run; pass --overwrite to replace it, --resume to go on with it, "
            "or choose another output"
        )


def clear_run(folder: Path) -> None:
    """Remove what an earlier run left, and nothing else."""
    for name in OF_A_RUN:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
