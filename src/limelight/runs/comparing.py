"""A comparison of simple and rich models for an experiment, without its test part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from limelight.comparison.results import Comparison
from limelight.comparison.study import compare
from limelight.config.sections import Experiment
from limelight.errors import OutputError
from limelight.files import write_json
from limelight.model.targets import task_of
from limelight.runs.folder import COMPARISON_FILE, require_new_file
from limelight.runs.series import read_data


def comparison_file(experiment: Experiment, output: Path | None) -> Path:
    """Say where a comparison is written to.

    Parameters
    ----------
    experiment
        Its run folder is where the file lies if nothing else is said.
    output
        A file ending in ``.json``, or None.

    Raises
    ------
    OutputError
        If it ends otherwise.
    """
    if output is not None and output.suffix != ".json":
        raise OutputError(f"expected an output file ending in .json, got {str(output)!r}")
    return output or Path(experiment.output) / COMPARISON_FILE


def compare_experiment(
    experiment: Experiment,
    file: Path,
    *,
    score: str = "balanced_accuracy",
    folds: int = 5,
    repeats: int = 1,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Compare models on folds of the training and validation series of an experiment, and write what came out.

    Parameters
    ----------
    experiment
        What was asked; its test part is left alone.
    file
        The JSON file to write.
    score, folds, repeats
        As for ``compare``.
    overwrite
        Replace the file if it is there.
    say
        Takes a line for the user now and then.

    Returns
    -------
    Comparison
        What ``compare`` found; what was done so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the file is there already, or cannot be written.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or are too few for so many folds.
    """
    require_new_file(file, overwrite=overwrite)
    say("reading the series")
    data = read_data(experiment)
    panel = data.panel[np.sort(np.concatenate([data.split.train, data.split.validation]))]
    notes = list(data.panel.notes)
    if experiment.split.by == "time":
        notes.append(
            "the split goes by time, the folds do not: they are drawn at random from what lies before the test part"
        )
    for note in notes:
        say(f"note: {note}")
    say(f"{panel.describe()}; the {len(data.split.test)} series of the test part are left alone")
    found = compare(
        panel,
        experiment.model,
        training=experiment.training,
        task=task_of(panel, data.task.positive),
        score=score,
        folds=folds,
        repeats=repeats,
        group=experiment.split.group,
        validation=experiment.split.validation,
        fields=experiment.data.fields,
        seed=experiment.seed,
        say=say,
    )
    write_json(file, found.to_json())
    return found
