"""``limelight train``: read, fit, evaluate, report, and leave a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limelight.config.sections import Experiment
from limelight.files import write_json
from limelight.markup import html_card
from limelight.recipe import Recipe
from limelight.runs.columns import with_found_columns
from limelight.runs.dataset import Dataset, read_data
from limelight.runs.folder import (
    ENVIRONMENT_FILE,
    EXPERIMENT_FILE,
    environment,
    folder_to_resume,
    new_run,
    run_folder,
)
from limelight.runs.inspect import inspect_data, require_trainable
from limelight.runs.scored import rows_to_score, scored_note
from limelight.types import LogLine

if TYPE_CHECKING:
    from limelight.training.result import FitResult


@dataclass(frozen=True)
class Run:
    """Result of a run.

    Parameters
    ----------
    folder
        The run folder.
    metrics
        The content of ``metrics.json``.
    training
        The fitted model and its history.
    """

    folder: Path
    metrics: dict[str, Any]
    training: FitResult

    def _repr_html_(self) -> str:
        from limelight.evaluation.highlights import highlight_lines

        lines = (
            f"<pre style='background:none;color:inherit'>{escape(chr(10).join(highlight_lines(self.metrics)))}</pre>"
        )
        page = self.folder / "report" / "index.html"
        link = f"<a href='{escape(page.as_posix(), quote=True)}'>report</a>"
        return html_card("Run", str(self.folder), lines, link)


def run_experiment(
    experiment: Experiment,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    log: LogLine = lambda line: None,
) -> Run:
    """Read the series, fit a model, evaluate it on the test set and write a report.

    Parameters
    ----------
    experiment
        What to do; ``output`` is the run folder.
    resume
        Resume a training that was interrupted in that folder.
    overwrite
        Replace an earlier run there.
    progress
        Whether to show a progress bar; None shows one in a terminal.
    log
        Called with one line of progress at a time.

    Returns
    -------
    Run
        The scores and the fitted model.

    Raises
    ------
    OutputError
        If the folder is in use, or there is nothing to resume; an earlier run is kept, as after any error.
    DataError, LabelError, ParameterError
        If the data cannot be used or the training diverges; nothing is written then, and an earlier run is kept.
    """
    folder = Path(experiment.output)
    with run_folder(folder, resume=resume, overwrite=overwrite):
        if resume:
            from limelight.training.fit import checkpoint_to_resume  # loads torch, which reads the checkpoint

            checkpoint_to_resume(folder_to_resume(folder))
        return _run(experiment, folder, resume=resume, progress=progress, log=log)


def _run(experiment: Experiment, folder: Path, *, resume: bool, progress: bool | None, log: LogLine) -> Run:
    """Read the series, fit a model and write a run to a folder whose lock is held."""
    log("reading the series")
    data = read_data(experiment)
    inspection = inspect_data(experiment, data)
    recipe = experiment.recipe()
    require_trainable(recipe, data, inspection)
    recipe = _for_missing_in_test(recipe, data, log)
    experiment = experiment.model_copy(update={"model": recipe.architecture})
    test = data.panel[rows_to_score(experiment, data.panel, data.split.test)]
    for note in (*data.panel.notes, *scored_note(len(test), len(data.split.test))):
        log(f"note: {note}")
    for warning in inspection.warnings:
        log(f"warning: {warning}")
    log(f"{data.panel.describe()}; {data.split.describe()}")
    from limelight.model.bundle import save_model  # these load torch, which no error in the data needs
    from limelight.runs.outcome import evaluate_and_report, log_training

    with new_run(folder, resume=resume) as unfinished:
        complete = {**with_found_columns(experiment).to_json(), "output": str(folder.resolve())}
        write_json(unfinished / EXPERIMENT_FILE, complete)
        write_json(unfinished / ENVIRONMENT_FILE, environment())
        training = recipe.fit(
            data.part("train"),
            data.task,
            seed=experiment.seed,
            validation=data.validation,
            folder=unfinished,
            resume=resume,
            progress=progress,
        )
        log_training(training, log)
        save_model(training.model, unfinished / "model")
        metrics = evaluate_and_report(experiment, data, test, inspection, training, folder, unfinished)
    return Run(folder, metrics, training)


def _for_missing_in_test(recipe: Recipe, data: Dataset, log: LogLine) -> Recipe:
    """Return a recipe that fills missing values with the training mean if only test series have them."""
    changed = recipe.for_missing_in(data.part("test"), data.part("train"), data.validation)
    if changed is not recipe:
        log("note: only test series have missing values; they are filled with the training mean (missing='mean')")
    return changed
