"""Cross-validation of an experiment, without its test part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from limelight.choosing.validation import Validation, validate
from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.errors import OutputError
from limelight.files import write_json
from limelight.model.targets import task_of
from limelight.runs.folder import VALIDATION_FILE, require_new_file
from limelight.runs.series import Data, read_data

Say = Callable[[str], None]


def validation_file(experiment: Experiment, output: Path | None) -> Path:
    """Say where a validation is written to: ``output``, or beside the run; OutputError if it does not end in .json."""
    if output is not None and output.suffix != ".json":
        raise OutputError(f"expected an output file ending in .json, got {str(output)!r}")
    return output or Path(experiment.output) / VALIDATION_FILE


def validate_experiment(
    experiment: Experiment,
    file: Path,
    *,
    folds: int = 5,
    repeats: int = 1,
    jobs: int = 1,
    overwrite: bool = False,
    say: Say = lambda line: None,
) -> Validation:
    """Train and judge an experiment on folds of its training and validation series, and write what came out.

    Parameters
    ----------
    experiment
        What was asked. Its split says whether folds go by time and what they keep together; its test part is left out.
    file
        The JSON file to write.
    folds, repeats, jobs
        As for ``validate``.
    overwrite
        Replace the file if it is there.
    say
        Takes a line for the user now and then.

    Returns
    -------
    Validation
        What ``validate`` found; what was done so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the file is there already, or cannot be written.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or are too few for so many folds.
    """
    require_new_file(file, overwrite=overwrite)
    data = read_for_choosing(experiment, say)
    panel, rule = without_test(data), experiment.split
    found = validate(
        panel,
        experiment.model,
        training=experiment.training,
        task=task_of(panel, data.task.positive),
        folds=folds,
        repeats=repeats,
        by=rule.by,
        group=rule.group,
        stratify=rule.stratify,
        validation=rule.validation,
        decision=experiment.decision,
        fields=experiment.data.fields,
        seed=experiment.seed,
        jobs=jobs,
        say=say,
    )
    write_json(file, {**found.to_json(), "left_out": len(data.split.test)})
    return found


def read_for_choosing(experiment: Experiment, say: Say) -> Data:
    """Read the series of an experiment, and say that its test part is left out."""
    say("reading the series")
    data = read_data(experiment)
    for note in data.panel.notes:
        say(f"note: {note}")
    test = len(data.split.test)
    left = f"the {test} series of the test part are left out" if test else "there is no test part"
    say(f"{without_test(data).describe()}; {left}")
    return data


def without_test(data: Data) -> Panel:
    """Give the training and validation series, in their order."""
    return data.panel[rows_without_test(data)]


def rows_without_test(data: Data) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Give the rows of the training and validation series, in rising order."""
    return np.sort(np.concatenate([data.split.train, data.split.validation]))
