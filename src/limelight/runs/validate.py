"""``limelight validate``: cross-validation of an experiment without its test set."""

from __future__ import annotations

from pathlib import Path

from limelight.config.sections import Experiment
from limelight.files import write_json
from limelight.model.targets import task_of
from limelight.model_selection.cross_validation import Validation, validate
from limelight.runs.development_set import development_panel, read_development_set
from limelight.runs.folder import require_new_file
from limelight.types import LogLine


def validate_experiment(
    experiment: Experiment,
    file: Path,
    *,
    folds: int = 5,
    repeats: int = 1,
    jobs: int = 1,
    on: str | None = None,
    overwrite: bool = False,
    log: LogLine = lambda line: None,
) -> Validation:
    """Cross-validate an experiment on its training and validation series and write the result.

    Parameters
    ----------
    experiment
        What to fit. Its split decides whether folds go by time and what they keep together; its test set is not used.
    file
        The JSON file to write.
    folds, repeats, jobs, on
        As for ``validate``.
    overwrite
        Replace the file if it exists.
    log
        Called with one line of progress at a time.

    Returns
    -------
    Validation
        The result of ``validate``; the folds so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the file exists already, or cannot be written.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or are too few for so many folds.
    """
    require_new_file(file, overwrite=overwrite)
    data = read_development_set(experiment, log)
    panel, rule = development_panel(data), experiment.split
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
        on=on,
        log=log,
    )
    write_json(file, {**found.to_json(), "left_out": len(data.split.test)})
    return found
