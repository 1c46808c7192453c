"""``limelight compare``: compare baselines and networks for an experiment without its test set."""

from __future__ import annotations

from pathlib import Path

from limelight.config.sections import Experiment
from limelight.files import write_json
from limelight.model.targets import task_of
from limelight.model_selection.comparison import compare
from limelight.model_selection.comparison_results import Comparison
from limelight.runs.development_set import development_panel, read_development_set
from limelight.runs.folder import require_new_file
from limelight.types import LogLine


def compare_experiment(
    experiment: Experiment,
    file: Path,
    *,
    score: str = "balanced_accuracy",
    folds: int = 5,
    repeats: int = 1,
    jobs: int = 1,
    on: str | None = None,
    overwrite: bool = False,
    log: LogLine = lambda line: None,
) -> Comparison:
    """Compare models on folds of the training and validation series of an experiment and write the result.

    Parameters
    ----------
    experiment
        What to fit; its test set is not used.
    file
        The JSON file to write.
    score, folds, repeats, jobs, on
        As for ``compare``.
    overwrite
        Replace the file if it exists.
    log
        Called with one line of progress at a time.

    Returns
    -------
    Comparison
        The result of ``compare``; the fits so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the file exists already, or cannot be written.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or are too few for so many folds.
    """
    require_new_file(file, overwrite=overwrite)
    data = read_development_set(experiment, log)
    panel = development_panel(data)
    found = compare(
        panel,
        experiment.model,
        training=experiment.training,
        task=task_of(panel, data.task.positive),
        score=score,
        folds=folds,
        repeats=repeats,
        by=experiment.split.by,
        group=experiment.split.group,
        stratify=experiment.split.stratify,
        validation=experiment.split.validation,
        decision=experiment.decision,
        fields=experiment.data.fields,
        seed=experiment.seed,
        jobs=jobs,
        on=on,
        log=log,
    )
    write_json(file, found.to_json())
    return found
