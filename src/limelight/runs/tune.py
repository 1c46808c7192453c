"""``limelight tune``: tune an experiment without its test set.

trials.journal   every trial in Optuna's format, to resume from
trials.csv       every trial as a table
best.json        the experiment with the best parameters, ready for limelight train
importance.png   parameter importance, once there are enough trials
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from limelight.config.sections import Experiment
from limelight.errors import OutputError
from limelight.files import whole_file, write_json
from limelight.model.targets import task_of
from limelight.model_selection.search import JOURNAL, Search, run_trials
from limelight.model_selection.search_space import make_space
from limelight.model_selection.trials import fitted_rows
from limelight.model_selection.tuning import TUNING_FOLDS, by_folds, by_validation_split, require_optuna
from limelight.model_selection.tuning_results import Tuning
from limelight.runs.dataset import Dataset
from limelight.runs.development_set import development_panel, development_rows, read_development_set
from limelight.training.validation_split import enough_series
from limelight.types import LogLine

BEST_FILE, TABLE_FILE, PICTURE_FILE = "best.json", "trials.csv", "importance.png"
OF_A_TUNING = (JOURNAL, TABLE_FILE, BEST_FILE, PICTURE_FILE)


def tune_experiment(
    experiment: Experiment,
    folder: Path,
    *,
    trials: int = 30,
    minutes: float | None = None,
    only: Sequence[str] | None = None,
    score: str = "balanced_accuracy",
    folds: int | None = None,
    jobs: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    log: LogLine = lambda line: None,
) -> Tuning:
    """Search for better hyperparameters of an experiment on its training and validation series.

    Parameters
    ----------
    experiment
        The starting point. Trials are scored on its validation series, or on folds if these would be too few; its test
        set is not used.
    folder
        Where to write the files listed above.
    trials, minutes, only, score, folds, jobs
        As for ``tune``.
    resume
        Resume the tuning in that folder.
    overwrite
        Replace an earlier tuning there.
    log
        Called with one line of progress at a time.

    Returns
    -------
    Tuning
        The result; the trials so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the folder is in use, there is nothing to resume, or the folder holds another tuning.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or Optuna is not installed.
    """
    require_optuna()
    require_tuning_folder(folder, resume=resume, overwrite=overwrite)
    split = experiment.split.model_copy(update={"validation": experiment.split.held_out})  # the trials are scored on it
    data = read_development_set(experiment.model_copy(update={"split": split}), log)
    search = _search(experiment, data, folder, only, score, folds)
    log(f"scored by log loss: {search.rule}")
    if not resume:
        for name in OF_A_TUNING:
            (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)

    def keep(found: Tuning) -> None:
        write_trials(found, folder / TABLE_FILE)
        write_json(folder / BEST_FILE, best_experiment(experiment, found, folder).to_json())

    found = run_trials(search, trials=trials, minutes=minutes, jobs=jobs, log=log, note=keep)
    if found.importance:
        with whole_file(folder / PICTURE_FILE) as temporary:
            found.figure().savefig(temporary, format="png", metadata={"Software": None})
    return found


def best_experiment(experiment: Experiment, found: Tuning, folder: Path) -> Experiment:
    """Return the experiment with the parameters of the best trial; its output is ``best`` in the folder."""
    best = found.best
    changes = {"model": best.architecture, "training": best.settings, "output": str((folder / "best").resolve())}
    return experiment.model_copy(update=changes)


def write_trials(found: Tuning, file: Path) -> None:
    """Write every trial as a row of a CSV file, atomically; OutputError if the file cannot be written."""
    names = list(found.trials[0].parameters)
    with whole_file(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial", "state", "log_loss", found.score, "seconds", *names, "why"])
        for trial in found.trials:
            numbers = [trial.parameters[name] for name in names]
            seconds = round(trial.seconds, 3)
            writer.writerow([trial.number, trial.state, trial.log_loss, trial.score, seconds, *numbers, trial.why])


def require_tuning_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a folder is free for a tuning; OutputError if it holds something else or may not be replaced."""
    kept = (folder / JOURNAL).is_file()
    if resume and not kept:
        raise OutputError(f"there is no tuning to resume in {str(folder)!r}; tune without --resume")
    if kept and not (resume or overwrite):
        raise OutputError(
            f"{str(folder)!r} already holds a tuning; pass --overwrite to replace it, --resume to continue it, or "
            "choose another output"
        )
    if not kept and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(
            f"expected an empty or new folder for the tuning, got {str(folder)!r}, which holds something else; choose "
            "another output"
        )


def _search(
    experiment: Experiment, data: Dataset, folder: Path, only: Sequence[str] | None, score: str, folds: int | None
) -> Search:
    """Build the search: which series the trials are fitted and scored on, and what they vary."""
    rows, panel = development_rows(data), development_panel(data).compact()
    task, recipe = task_of(panel, data.task.positive), experiment.recipe()
    recipe = replace(recipe, decision=recipe.decision.calibration_only())
    if folds is None and len(data.split.validation) and enough_series(panel, len(data.split.validation)):
        train, validation = (np.searchsorted(rows, part) for part in (data.split.train, data.split.validation))
        splits, rule = by_validation_split(train, validation, experiment.seed), _rule(data)
    else:
        splits, rule = by_folds(panel, task, recipe, folds or TUNING_FOLDS, experiment.seed)
    space = make_space(panel[fitted_rows(panel, splits[0], recipe)], task, recipe, only)
    return Search(panel, splits, rule, task, recipe, space, score, folder / JOURNAL, experiment.seed)


def _rule(data: Dataset) -> str:
    return f"{len(data.split.validation)} validation series; {data.split.rule}"
