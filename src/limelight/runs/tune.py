"""``limelight tune``: tune an experiment without its test set.

trials.journal   every trial in Optuna's format, to resume from
trials.csv       every trial as a table
best.json        the experiment with the best parameters, ready for limelight train
importance.png   parameter importance, once there are enough trials
unfinished/      the files above while they are written; they replace those of an earlier tuning in one step
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from limelight.config.sections import Experiment
from limelight.errors import DataError, LabelError, OutputError, ParameterError, listing
from limelight.files import PARTIAL, locked, remove, room_on_disk, whole_file, write_json
from limelight.model.targets import task_of
from limelight.model_selection.search import JOURNAL, Search, run_trials
from limelight.model_selection.search_space import make_space
from limelight.model_selection.trials import fitted_rows
from limelight.model_selection.tuning import TUNING_FOLDS, by_folds, by_validation_split, require_optuna
from limelight.model_selection.tuning_results import Tuning
from limelight.replacement import MOVES_FILE, UNFINISHED, complete_replacement, replace_files
from limelight.runs.dataset import Dataset
from limelight.runs.development_set import development_panel, development_rows, read_development_set
from limelight.runs.folder import explained_interrupt
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
    on: str | None = None,
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
    trials, minutes, only, score, folds, jobs, on
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
    with locked(folder):
        complete_replacement(folder, held=True)
        require_tuning_folder(folder, resume=resume, overwrite=overwrite)
        with explained_interrupt(lambda: _kept(folder)):
            # the trials are scored on the validation series
            split = experiment.split.model_copy(update={"validation": experiment.split.held_out})
            data = read_development_set(experiment.model_copy(update={"split": split}), log)
            with _new_tuning(folder, resume=resume) as (place, finish):
                search = _search(experiment, data, place, only, score, folds)
                log(f"scored by log loss: {search.rule}")

                def keep(found: Tuning) -> None:
                    write_trials(found, place / TABLE_FILE)
                    write_json(place / BEST_FILE, best_experiment(experiment, found, folder).to_json())

                found = run_trials(search, trials=trials, minutes=minutes, jobs=jobs, on=on, log=log, note=keep)
                if found.importance:
                    with whole_file(place / PICTURE_FILE) as temporary:
                        found.figure().savefig(temporary, format="png", metadata={"Software": None})
                return finish(found)


@contextmanager
def _new_tuning(folder: Path, *, resume: bool) -> Iterator[tuple[Path, Callable[[Tuning], Tuning]]]:
    """Yield the folder to write to, and a function that lets a tuning replace an earlier one in one step.

    One that is interrupted does not replace a finished one: it stays in the subfolder, from where it can be resumed.
    """
    unfinished = folder / UNFINISHED
    place = folder if resume and not (unfinished / JOURNAL).is_file() else unfinished

    def finish(found: Tuning) -> Tuning:
        if place == folder:
            return found
        if found.interrupted and (folder / JOURNAL).is_file():
            return replace(found, notes=(*found.notes, _kept(folder)))
        replace_files(folder, OF_A_TUNING)
        return found

    try:
        with room_on_disk(folder):
            if not resume:
                remove(unfinished)
                unfinished.mkdir()
            yield place, finish
    except (DataError, LabelError, ParameterError):
        if not resume:
            remove(unfinished)
        raise


def _kept(folder: Path) -> str:
    """Return what an interrupted tuning leaves."""
    begun = (folder / UNFINISHED / JOURNAL).is_file()
    earlier = f"the earlier tuning in {str(folder)!r} is unchanged" if (folder / JOURNAL).is_file() else ""
    kept = ", and ".join(part for part in ("the complete trials are kept" if begun else "", earlier) if part)
    return f"{kept or 'nothing was written'}{'; --resume continues the tuning' if begun else ''}"


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
    finished, unfinished = (folder / JOURNAL).is_file(), (folder / UNFINISHED / JOURNAL).is_file()
    if resume and not (finished or unfinished):
        raise OutputError(f"there is no tuning to resume in {str(folder)!r}; tune without --resume")
    if (finished or unfinished) and not (resume or overwrite):
        raise OutputError(
            f"{str(folder)!r} already holds {'a' if finished else 'an unfinished'} tuning; pass --overwrite to replace "
            "it, --resume to continue it, or choose another output"
        )
    there = {one.name for one in folder.iterdir() if not PARTIAL.fullmatch(one.name)} if folder.is_dir() else set()
    if (folder.exists() and not folder.is_dir()) or (there - {UNFINISHED} and not finished):
        raise OutputError(
            f"expected an empty or new folder for the tuning, got {str(folder)!r}, which holds something else; choose "
            "another output"
        )
    strange = {one.name for one in (folder / UNFINISHED).glob("*")} - {*OF_A_TUNING, f"{JOURNAL}.lock", MOVES_FILE}
    if any(not name.startswith(".") for name in strange):
        raise OutputError(
            f"expected {str(folder / UNFINISHED)!r} to hold an unfinished tuning, got {listing(sorted(strange))}; "
            "choose another output"
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
