"""``limelight early``: models and a rule that answer before the end of a series, chosen without the test series."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limelight.config.sections import Experiment
from limelight.errors import DataError, OutputError
from limelight.evaluation.early.early_model import EarlyModel
from limelight.evaluation.early.looks import require_whole_series
from limelight.evaluation.early.measure import early_lines
from limelight.files import locked
from limelight.model_selection.early_fit import fit_early, with_measured
from limelight.runs.dataset import read_data
from limelight.runs.folder import EARLY_FOLDER, METRICS_FILE
from limelight.runs.report import report_again
from limelight.types import LogLine


def early_run(
    run: Path,
    experiment: Experiment,
    *,
    differ: float | None = None,
    cost_of_delay: float | None = None,
    confidence: float = 0.95,
    folds: int | None = None,
    overwrite: bool = False,
    changes: Mapping[str, Any] | None = None,
    log: LogLine = lambda line: None,
) -> EarlyModel:
    """Fit models for early answers with the recipe of a run, choose the rule, and measure it on the test series.

    Parameters
    ----------
    run
        The folder of a complete run; the result is its subfolder ``early``, and its report has a section on it.
    experiment
        Of the run.
    differ, cost_of_delay, confidence
        As for ``choose_early_rule``.
    folds
        As for ``fit_early``.
    overwrite
        Whether to replace an earlier result.
    changes
        As for ``report_again``.
    log
        Called with one line of progress at a time.

    Returns
    -------
    EarlyModel
        What was written, with its measurement.

    Raises
    ------
    OutputError
        If there is an earlier result and ``overwrite`` is False.
    DataError, LabelError, ParameterError
        As of ``fit_early``; or if there are no test series.
    """
    folder = run / EARLY_FOLDER
    if folder.exists() and not overwrite:
        raise OutputError(f"{str(folder)!r} already exists; pass --overwrite to replace it")
    data = read_data(experiment)
    require_whole_series(data.task)
    if not len(data.split.test):
        raise DataError("expected test series to measure early answers on, got none; name some in the split file")
    recipe = experiment.recipe().for_missing_in(data.part("test"), data.part("train"), data.validation)
    log("fitting a model for each look")
    early = fit_early(
        recipe,
        data.part("train"),
        data.task,
        seed=experiment.seed,
        validation=data.validation,
        differ=differ,
        cost_of_delay=cost_of_delay,
        confidence=confidence,
        folds=folds,
    )
    for line in early.rule.describe():
        log(line)
    early = with_measured(early, data.part("test"))
    with locked(run):
        early.save(folder)
    if (run / METRICS_FILE).is_file():
        report_again(run, changes)
    return early


def early_text(early: EarlyModel) -> str:
    """Return the measurement of early answers as text."""
    return "\n".join(early_lines(early.measured or {}))
