"""Tuning of an experiment, without its test part.

trials.journal   every trial as Optuna keeps it, to resume from
trials.csv       the same for people
best.json        the experiment with the best numbers, ready for limelight train
importance.png   what mattered, once there are enough trials
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limelight.config.sections import Experiment
from limelight.errors import OutputError
from limelight.files import whole_file, write_json
from limelight.model.targets import task_of
from limelight.model_selection.search import JOURNAL, Search, run_trials
from limelight.model_selection.search_space import make_space
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
    """Search for better numbers for an experiment on its training and validation series.

    Parameters
    ----------
    experiment
        Where to begin. Its validation part judges the trials, or folds where that is too small; its test part is left
        out.
    folder
        Where to write; see above.
    trials, minutes, only, score, folds, jobs
        As for ``tune``.
    resume
        Go on with the tuning in that folder.
    overwrite
        Replace an earlier tuning there.
    log
        Takes a line for the user now and then.

    Returns
    -------
    Tuning
        What was found; what was done so far if Ctrl-C ended it.

    Raises
    ------
    OutputError
        If the folder is taken, there is nothing to resume, or it was another tuning.
    DataError, LabelError, ParameterError
        If the series or settings cannot be used, or Optuna is not installed.
    """
    require_optuna()
    require_tuning_folder(folder, resume=resume, overwrite=overwrite)
    split = experiment.split.model_copy(update={"validation": experiment.split.held_out})  # it judges the trials
    data = read_development_set(experiment.model_copy(update={"split": split}), log)
    search = _search(experiment, data, folder, only, score, folds)
    log(f"judged by log loss: {search.rule}")
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
    """Give the experiment with the numbers of the best trial; its run goes to ``best`` in the folder."""
    best = found.best
    changes = {"model": best.architecture, "training": best.settings, "output": str((folder / "best").resolve())}
    return experiment.model_copy(update=changes)


def write_trials(found: Tuning, file: Path) -> None:
    """Write every trial as a row of a CSV table, whole or not at all; OutputError if the place cannot be written."""
    names = list(found.trials[0].parameters)
    with whole_file(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial", "state", "log_loss", found.score, "seconds", *names, "why"])
        for trial in found.trials:
            numbers = [trial.parameters[name] for name in names]
            seconds = round(trial.seconds, 3)
            writer.writerow([trial.number, trial.state, trial.log_loss, trial.score, seconds, *numbers, trial.why])


def require_tuning_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something else, or a tuning that is not to be replaced; OutputError says which."""
    kept = (folder / JOURNAL).is_file()
    if resume and not kept:
        raise OutputError(f"expected a tuning to resume in {str(folder)!r}, there is none; tune without resuming")
    if kept and not (resume or overwrite):
        raise OutputError(
            f"{str(folder)!r} already holds a tuning; pass --overwrite to replace it, --resume to go on with it, or "
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
    if folds is None and len(data.split.validation) and enough_series(panel, len(data.split.validation)):
        train, validation = (np.searchsorted(rows, part) for part in (data.split.train, data.split.validation))
        splits, rule = by_validation_split(train, validation, experiment.seed), _rule(data)
    else:
        splits, rule = by_folds(panel, task, recipe, folds or TUNING_FOLDS, experiment.seed)
    space = make_space(panel[splits[0].train], task, recipe, only)
    return Search(panel, splits, rule, task, recipe, space, score, folder / JOURNAL, experiment.seed)


def _rule(data: Dataset) -> str:
    return f"{len(data.split.validation)} validation series; {data.split.rule}"
