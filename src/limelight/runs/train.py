"""One run: read, train, evaluate, report."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limelight.config.sections import Experiment
from limelight.data.statistics import channel_statistics
from limelight.errors import ParameterError
from limelight.evaluation.decision.rule import decide_on, decision_lines
from limelight.explanation.quality.measure import measure_explanations
from limelight.explanation.quality.permutation_importance import score_permuted
from limelight.files import write_json
from limelight.model.bundle import save_model
from limelight.model.targets import targets_of
from limelight.runs.dataset import Dataset, independent_series, needs_no_validation, read_data
from limelight.runs.folder import (
    ENVIRONMENT_FILE,
    EXPERIMENT_FILE,
    METRICS_FILE,
    environment,
    fresh_run,
    require_run_folder,
)
from limelight.runs.report import report_run
from limelight.runs.scores import events_of, score_answers
from limelight.runs.tables import write_events, write_predictions, write_steps
from limelight.training.fit import checkpoint_to_resume, fit, require_device
from limelight.training.result import FitResult
from limelight.types import LogLine


@dataclass(frozen=True)
class Run:
    """What a run has found.

    Parameters
    ----------
    folder
        Where everything is.
    metrics
        The content of ``metrics.json``.
    training
        The fitted model and its history.
    """

    folder: Path
    metrics: dict[str, Any]
    training: FitResult


def run_experiment(
    experiment: Experiment,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    log: LogLine = lambda line: None,
) -> Run:
    """Read, train, evaluate, report.

    Parameters
    ----------
    experiment
        What was asked; ``output`` is the folder of the run.
    resume
        Go on with a training that was killed in that folder.
    overwrite
        Replace an earlier run there.
    progress
        Whether to show a bar; None shows it in a terminal.
    log
        Takes a line for the user now and then.

    Returns
    -------
    Run
        The scores and the fitted model.

    Raises
    ------
    OutputError
        If the folder is taken, or there is nothing to resume.
    DataError, LabelError, ParameterError
        If the data cannot be used or the training diverges; nothing is left behind then, and an earlier run stays.
    """
    folder = Path(experiment.output)
    require_run_folder(folder, resume=resume, overwrite=overwrite)
    if resume:
        checkpoint_to_resume(folder)
    log("reading the series")
    data = read_data(experiment)
    if not len(data.split.test):
        raise ParameterError("expected series to test with, got none; set split.test above 0 or name some in the split")
    targets_of(data.task, data.part("test"))  # a class that only the test has is better said now
    require_device(experiment.training)
    if not needs_no_validation(experiment, data.part("train")):
        experiment.decision.require_series(data.validation)
    experiment = _ready_for_holes(experiment, data, log)
    for note in data.panel.notes:
        log(f"note: {note}")
    log(f"{data.panel.describe()}; {data.split.describe()}")
    if resume:
        return _train_and_evaluate(experiment, data, folder, resume=True, progress=progress, log=log)
    with fresh_run(folder):
        write_json(folder / EXPERIMENT_FILE, {**experiment.to_json(), "output": str(folder.resolve())})
        write_json(folder / ENVIRONMENT_FILE, environment())
        return _train_and_evaluate(experiment, data, folder, resume=False, progress=progress, log=log)


def _ready_for_holes(experiment: Experiment, data: Dataset, log: LogLine) -> Experiment:
    """Choose the training mean where only the test part has missing values, which training alone would refuse."""
    architecture = experiment.model
    if architecture.missing != "auto" or not channel_statistics(data.part("test")).missing.any():
        return experiment
    if any(channel_statistics(data.part(name)).missing.any() for name in ("train", "validation")):
        return experiment
    log("note: values are missing in the test part alone; the training mean stands for them (missing='mean')")
    return experiment.model_copy(update={"model": replace(architecture, missing="mean")})


def _train_and_evaluate(
    experiment: Experiment, data: Dataset, folder: Path, *, resume: bool, progress: bool | None, log: LogLine
) -> Run:
    train, validation = data.part("train"), data.validation
    training = fit(
        train,
        data.task,
        experiment.model,
        validation=validation,
        settings=experiment.training,
        seed=experiment.seed,
        folder=folder,
        resume=resume,
        progress=progress,
        fields=experiment.data.fields,
    )
    for note in () if training.model.vocabulary is None else training.model.vocabulary.notes:
        log(f"note: {note}")
    for note in training.notes:
        log(f"note: {note}")
    log(training.describe())
    calibration_data, logits = training.calibration_data(
        train, validation, independent=independent_series(experiment, train)
    )
    training = replace(training, model=decide_on(training.model, calibration_data, experiment.decision, logits))
    for line in decision_lines(training.model):
        log(line)
    save_model(training.model, folder / "model")
    return Run(folder, _evaluate_and_report(experiment, data, training, folder), training)


def _evaluate_and_report(experiment: Experiment, data: Dataset, training: FitResult, folder: Path) -> dict[str, Any]:
    started = time.perf_counter()
    test, model = data.part("test"), training.model
    prediction = model.predict(test)
    scores = score_answers(model, prediction, test, experiment.events)
    evaluating = time.perf_counter() - started
    started = time.perf_counter()
    asked = experiment.explain
    explanations = (
        measure_explanations(model, test, data.part("train"), series=asked.series, seed=experiment.seed)
        if asked
        else None
    )
    explaining = time.perf_counter() - started
    metrics = {
        **scores,
        "metadata": score_permuted(model, test, seed=experiment.seed),
        "explanations": explanations,
        "seconds": {
            **({"choose": round(training.choosing, 3)} if training.choosing else {}),
            "train": round(training.seconds, 3),
            "evaluate": round(evaluating, 3),
            **({"explain": round(explaining, 3)} if explanations else {}),
        },
        "counts": {name: len(getattr(data.split, name)) for name in ("train", "validation", "test")},
        "training": {
            "epochs": len(training.history),
            "best_epoch": training.best_epoch,
            "stopped": training.stopped,
            "notes": list(training.notes),
            **model.fitted_on["training"],
        },
    }
    write_predictions([prediction], test, folder / "predictions.parquet", model.decision)
    if prediction.lengths is not None:
        write_events(events_of(prediction, test, experiment.events), prediction, test, folder / "events.parquet")
    if test.origin is not None and prediction.lengths is None:
        write_steps(prediction, test, data.recordings, folder / "steps.parquet")
    report_run(folder, experiment, data, model, prediction, metrics)
    write_json(folder / METRICS_FILE, metrics)  # the last file: where it is, the run is whole
    return metrics
