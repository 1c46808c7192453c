"""The series of an experiment without its test part, and the file beside its run that says what they told."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.errors import OutputError
from limelight.runs.dataset import Dataset, read_data
from limelight.types import LogLine


def read_development_set(experiment: Experiment, log: LogLine) -> Dataset:
    """Read the series of an experiment, and say that its test part is left out."""
    log("reading the series")
    data = read_data(experiment)
    for note in data.panel.notes:
        log(f"note: {note}")
    test = len(data.split.test)
    left = f"the {test} series of the test part are left out" if test else "there is no test part"
    log(f"{development_panel(data).describe()}; {left}")
    return data


def development_panel(data: Dataset) -> Panel:
    """Give the training and validation series, in their order."""
    return data.panel[development_rows(data)]


def development_rows(data: Dataset) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Give the rows of the training and validation series, in rising order, shape (n,)."""
    return np.sort(np.concatenate([data.split.train, data.split.validation]))


def json_beside_run(experiment: Experiment, output: Path | None, name: str) -> Path:
    """Say where to write: ``output``, or ``name`` beside the run; OutputError if it does not end in ``.json``."""
    if output is not None and output.suffix != ".json":
        raise OutputError(f"expected an output file ending in .json, got {str(output)!r}")
    return output or Path(experiment.output) / name
