"""``limelight report``: the HTML page of a run, written when the run ends or again from its folder."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limelight.config.reading import read_experiment
from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.evaluation.early.early_model import read_early_file
from limelight.explanation.examples import CHANGES_OF_A_SERIES, Examples, find_examples
from limelight.explanation.methods.registry import explain, methods_of
from limelight.files import locked
from limelight.model.bundle import load_model
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of
from limelight.progress import late_bar
from limelight.replacement import complete_replacement
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import ExampleFinder, Explainer, ReportInputs, StepImportance
from limelight.report.page import write_report
from limelight.runs.dataset import Dataset, read_data
from limelight.runs.folder import EARLY_FOLDER, ENVIRONMENT_FILE, EXPERIMENT_FILE, METRICS_FILE, is_run
from limelight.runs.inspect import inspect_data
from limelight.runs.scored import rows_to_score, scored_note
from limelight.training.result import describe_optimizer

HISTORY_FILE = "history.csv"
STEPS_OF_EXAMPLES = 200_000
"""Most steps that are predicted to find examples, and most steps of the training series that they are chosen from."""


def report_again(folder: Path | str, changes: Mapping[str, Any] | None = None) -> Path:
    """Write the page of a run again from its folder, without training.

    Parameters
    ----------
    folder
        A complete run.
    changes
        Changes to its experiment by dotted key, for example where the data are now.

    Returns
    -------
    Path
        The page. With the same data and versions it is the same, byte for byte.

    Raises
    ------
    ParameterError
        If the folder does not hold a complete run.
    DataError, LabelError
        If the series can no longer be read.
    OutputError
        If the page cannot be written; the old one is then kept.
    """
    run = Path(folder)
    complete_replacement(run)
    if not is_run(run) or not (run / METRICS_FILE).is_file():
        raise ParameterError(
            f"expected the folder of a complete run, with {METRICS_FILE!r} in it, got {str(run)!r}; "
            "train first, or resume with --resume"
        )
    experiment = read_experiment(run / EXPERIMENT_FILE, dict(changes or {}))
    data, model = read_data(experiment), load_model(run)
    metrics = json.loads((run / METRICS_FILE).read_text(encoding="utf-8"))
    if "warnings" not in metrics:  # a run of an earlier version
        metrics["warnings"] = list(inspect_data(experiment, data).warnings)
    if (run / EARLY_FOLDER).is_dir():
        metrics["early"] = read_early_file(run / EARLY_FOLDER)["test"]
    test = data.panel[rows_to_score(experiment, data.panel, data.split.test)]
    prediction = model.predict(test)
    with locked(run):
        return report_run(run, experiment, data, model, test, prediction, metrics, files=run)


def report_run(
    folder: Path,
    experiment: Experiment,
    data: Dataset,
    model: FittedModel,
    test: Panel,
    prediction: Prediction,
    metrics: dict[str, Any],
    *,
    files: Path,
) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    folder
        The run folder, which the page names.
    experiment, data
        The experiment and its series.
    model
        The fitted model.
    test, prediction
        The test series that are scored, and their predictions.
    metrics
        The content of ``metrics.json``.
    files
        Where ``history.csv`` and ``environment.json`` are, and where to write the page: the run folder, or the one in
        which a new run is written.

    Returns
    -------
    Path
        The page.
    """
    with late_bar("explaining", 0, " series") as bar:
        inputs = ReportInputs(
            title=folder.resolve().name,
            setup=_settings_shown(experiment, data, model, metrics["training"]),
            metrics=metrics,
            history=_history(files / HISTORY_FILE),
            prediction=prediction,
            panel=test,
            warnings=metrics["warnings"],
            notes=[*data.panel.notes, *scored_note(len(test), len(data.split.test))],
            reproduce=_reproduce(experiment, folder, files / ENVIRONMENT_FILE),
            explainers=_explainers(model, test, data.part("train"), metrics.get("explanations"), bar.update),
            find_examples=_example_finder(model, test, data.part("train")) if metrics.get("explanations") else None,
        )
        bar.total = len(choose_highlights(inputs).pictured) * len(inputs.explainers)
        return write_report(files, inputs)


def _history(file: Path) -> Sequence[Mapping[str, float | None]]:
    """Read the history of the training, one row for each epoch."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{name: float(text) if text else None for name, text in row.items()} for row in rows]


def _explainers(
    model: FittedModel,
    panel: Panel,
    background: Panel,
    measured: Mapping[str, Any] | None,
    advance: Callable[[], object],
) -> dict[str, Explainer]:
    """Return the methods to show, each as a function of a row: the one built into the model, which is exact.

    If another method is clearly more faithful, it comes first.
    """
    trusted = (measured or {}).get("trusted", [])
    own = [name for name in ("attention", "evidence") if name in methods_of(model)]
    shown = own if not trusted or set(own) & set(trusted) else [trusted[0], *own]
    return {name: _explainer(model, panel, background, name, advance) for name in shown}


def _explainer(
    model: FittedModel, panel: Panel, background: Panel, method: str, advance: Callable[[], object]
) -> Explainer:
    settings: dict[str, Any] = {"background": background, "by_channel": False} if method == "occlusion" else {}

    @functools.cache
    def explain_row(row: int, target: str | None) -> StepImportance:
        found = explain(model, panel[[row]], method, None if method == "attention" else target, **settings)
        advance()
        return StepImportance(
            found.importance[0],
            None if found.target is None else str(found.target[0]),
            channels=None if found.channels is None else found.channels[0],
            frequencies=None if found.frequencies is None else found.frequencies[0],
            fields={name: float(numbers[0]) for name, numbers in found.fields.items()},
            base=None if found.base is None else float(found.base[0]),
            resolution=model.architecture.encoder.resolution,
        )

    return explain_row


def _example_finder(model: FittedModel, panel: Panel, background: Panel) -> ExampleFinder | None:
    """Return what finds examples for some rows within a budget of steps; None if the model has no examples."""
    if model.task.by_step or model.task.multilabel:
        return None

    def find(rows: Sequence[int]) -> tuple[Examples, Panel] | None:
        costs = np.cumsum(CHANGES_OF_A_SERIES * panel.lengths[list(rows)])
        few = list(rows)[: int((costs <= STEPS_OF_EXAMPLES).sum())]
        order = np.random.default_rng(0).permutation(np.flatnonzero(targets_of(model.task, background).every() >= 0))
        chosen = np.sort(order[np.cumsum(background.lengths[order]) <= STEPS_OF_EXAMPLES])
        if not few or len(chosen) < 2:
            return None
        return find_examples(model, panel[few], background[chosen]), background[chosen]

    return find


def _settings_shown(
    experiment: Experiment, data: Dataset, model: FittedModel, training: Mapping[str, Any]
) -> dict[str, str]:
    source = experiment.data.drawn or str(experiment.data.series)
    kind = "series" if data.panel.origin is None else "window"
    return {
        "task": data.task.describe(kind),
        "data": f"{source}: {data.panel.describe()}",
        "split": data.split.describe().removeprefix("split: "),
        "model": model.architecture.describe(),
        **({"choices": "; ".join(training["notes"])} if training["notes"] else {}),
        "training": describe_optimizer(training),
    }


def _reproduce(experiment: Experiment, folder: Path, environment: Path) -> dict[str, str]:
    made_with = json.loads(environment.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in made_with["versions"].items())
    return {
        "command": f"limelight train {folder / EXPERIMENT_FILE} --overwrite",
        "seed": str(experiment.seed),
        "versions": f"Python {made_with['python']}, {versions}",
    }
