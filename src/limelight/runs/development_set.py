"""Training and validation series for model selection, and where to write the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.errors import OutputError
from limelight.runs.dataset import Dataset, read_data
from limelight.runs.inspect import inspect_data
from limelight.types import LogLine


def read_development_set(experiment: Experiment, log: LogLine) -> Dataset:
    """Read the series of an experiment and log warnings, and that its test set is not used."""
    log("reading the series")
    data = read_data(experiment)
    for note in data.panel.notes:
        log(f"note: {note}")
    for warning in inspect_data(experiment, data).warnings:
        log(f"warning: {warning}")
    for note in experiment.recipe().notes_about(data.panel):
        log(f"note: {note}")
    test = len(data.split.test)
    left = f"the {test} test series are not used" if test else "there is no test set"
    log(f"{development_panel(data).describe()}; {left}")
    return data


def development_panel(data: Dataset) -> Panel:
    """Return the training and validation series, in their order."""
    return data.panel[development_rows(data)]


def development_rows(data: Dataset) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the rows of the training and validation series, ascending, shape (n,)."""
    return np.sort(np.concatenate([data.split.train, data.split.validation]))


def json_beside_run(experiment: Experiment, output: Path | None, name: str) -> Path:
    """Return the file to write: ``output``, or ``name`` in the run folder; OutputError if it does not end in .json."""
    if output is not None and output.suffix != ".json":
        raise OutputError(f"expected an output file ending in .json, got {str(output)!r}")
    return output or Path(experiment.output) / name
