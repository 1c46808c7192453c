"""``limelight predict``: predict series from a file with a saved model."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.config.reading import read_experiment
from limelight.config.sections import Experiment
from limelight.data.align import SINCE_CHANGE
from limelight.data.reading.locating import local_file
from limelight.data.reading.sources import columns_of
from limelight.errors import DataError, ParameterError, listing
from limelight.model.description import ModelDescription, load_description
from limelight.model.prediction import Prediction
from limelight.model.predictor import numbered
from limelight.parallel import require_jobs
from limelight.progress import late_bar
from limelight.replacement import complete_replacement
from limelight.runs.dataset import cut, read_recordings
from limelight.runs.folder import EXPERIMENT_FILE, require_new_file, require_table_name

if TYPE_CHECKING:
    from limelight.data.profile.outside import OutsideTraining
    from limelight.evaluation.events.detection import Events
    from limelight.model.fitted import FittedModel

MOST_OF_THE_STEPS = 0.5
"""A class with a larger share of the steps is probably the state between events."""


def columns_of_run(source: Path | str) -> dict[str, Any]:
    """Return the columns that a run was trained with, as changes for ``read_experiment``; {} for a model alone."""
    file = _experiment_file(source)
    if not file.is_file():
        return {}
    experiment = read_experiment(file)
    data = experiment.data
    names = ("id", "time", "label", "level", "mask", "sort", "layout", "units", "missing_values")
    roles = {f"data.{name}": getattr(data, name) for name in names}
    roles["data.csv"] = asdict(data.csv)
    roles["events"] = asdict(experiment.events)
    if experiment.windows is not None:
        roles["windows"] = experiment.windows.model_dump()
    return roles if data.channels is None else {**roles, "data.channels": data.channels}


def with_signals_of_run(experiment: Experiment, source: Path | str) -> Experiment:
    """Return the experiment with the settings of the run for its side signal, if both have exactly one."""
    file, signals = Path(source) / EXPERIMENT_FILE, experiment.data.signals
    if not file.is_file() or len(signals) != 1:
        return experiment
    trained = read_experiment(file).data.signals
    if len(trained) != 1:
        return experiment
    data = experiment.data.model_copy(update={"signals": [trained[0].model_copy(update={"table": signals[0].table})]})
    return experiment.model_copy(update={"data": data})


def experiment_of_run(source: Path | str, changes: dict[str, Any]) -> Experiment:
    """Read the experiment file of a run; ParameterError if the folder holds a model alone."""
    file = _experiment_file(source)
    if not file.is_file():
        raise ParameterError(
            f"expected the folder of a run, with {EXPERIMENT_FILE!r} in it, got {str(source)!r}; "
            "name the series to evaluate on as second argument"
        )
    return read_experiment(file, changes)


def _experiment_file(run: Path | str) -> Path:
    """Return the path of the experiment file of a run, once a replacement that was killed is complete."""
    complete_replacement(Path(run))
    return Path(run) / EXPERIMENT_FILE


def predict_file(
    source: Path | str,
    experiment: Experiment,
    output: Path,
    *,
    steps: Path | None = None,
    events: Path | None = None,
    strict: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    on: str | None = None,
    escape_formulas: bool = False,
    log: Callable[[str], None] = lambda line: None,
) -> int:
    """Predict series from a file and write a table of predictions; labels are not read.

    Parameters
    ----------
    source
        The folder of a run or of a model.
    experiment
        Where the series are, and how to cut them if the model was trained on windows.
    output
        A file ending in ``.parquet`` or ``.csv``: series_id, prediction and a probability for each class.
    steps
        A second file, for window predictions merged onto the recordings; None writes none.
    events
        A file for the events found in per-step predictions by the rule of the experiment; None writes none.
    strict
        Predict nothing if a series is outside the training data.
    overwrite
        Replace existing files, but never one that the series are read from.
    jobs, on
        As for ``Predictor.predict``.
    escape_formulas
        In CSV output, put an apostrophe before text that a spreadsheet takes for a formula.
    log
        Called with one line for each note: what was dropped, or what the model has not seen in training.

    Returns
    -------
    int
        Number of series or windows predicted.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError
        If the series do not fit the model, or if one is outside the training data and ``strict`` is True.
    OutputError
        If an output has another ending, exists already, or cannot be written.
    ParameterError
        If ``steps`` is given for a model of whole series, or ``events`` for a model without per-step predictions.
    """
    require_jobs(jobs, on)
    for file in (output, *([steps] if steps else []), *([events] if events else [])):
        require_table_name(file)
        require_new_file(file, overwrite=overwrite and not is_read(experiment, file))
    if steps is not None and experiment.windows is None:
        raise ParameterError(
            "expected a model for windows to merge its predictions onto the recordings, got one for whole series; "
            "drop --steps"
        )
    described = load_description(source)
    if events is not None and not described.task.by_step:
        raise ParameterError(
            "expected a model with labels per step to find events, got one for whole series; drop --events"
        )
    experiment = with_channels_of(described, experiment)
    recordings = read_recordings(experiment, labelled=False)
    panel = cut(experiment, recordings)
    from limelight.model.bundle import load_model  # these load torch, which no error in the table needs
    from limelight.runs.scores import events_of
    from limelight.runs.tables import write_events, write_predictions, write_steps

    model = load_model(source)
    for note in (*panel.notes, *model.notes_about(panel)):
        log(f"note: {note}")
    outside = model.check(panel)
    for line in [] if outside is None else outside.lines():
        log(f"warning: {line}")
    if strict:
        _require_inside(outside, source)
    reasons = None if outside is None else outside.reasons
    if steps is None and events is None:
        blocks = _with_progress(model.predict_blocks(panel, jobs=jobs, on=on), len(panel))
        return write_predictions(blocks, panel, output, model.decision, reasons, escape_formulas=escape_formulas)
    prediction = model.predict(panel, jobs=jobs, on=on)
    if steps is not None:
        write_steps(prediction, panel, recordings, steps, escape_formulas=escape_formulas)
    if events is not None:
        found = events_of(model, prediction, panel, experiment.events)
        _note_background(found, experiment, prediction, log)
        write_events(found, prediction, panel, events, escape_formulas=escape_formulas)
    return write_predictions([prediction], panel, output, model.decision, reasons, escape_formulas=escape_formulas)


def _with_progress(blocks: Iterator[Prediction], series: int) -> Iterator[Prediction]:
    with late_bar("predicting", series, " series") as bar:
        for block in blocks:
            yield block
            bar.update(len(block.ids))


def _note_background(found: Events, experiment: Experiment, prediction: Prediction, log: Callable[[str], None]) -> None:
    """Note a class that has most of the steps but counts as an event, as no background is named."""
    if prediction.task.kind != "multiclass" or experiment.events.background is not None:
        return
    steps = np.bincount(found.label, found.stop - found.start, len(prediction.task.classes))
    share = steps.max() / len(prediction.probabilities)
    if share > MOST_OF_THE_STEPS:
        name = prediction.task.classes[int(steps.argmax())]
        log(
            f"note: {name!r} has {share:.0%} of the steps and counts as an event; "
            f"if it is the state between events, pass --set events.background={shlex.quote(str(name))}"
        )


def _require_inside(outside: OutsideTraining | None, source: Path | str) -> None:
    """Raise DataError if a series is outside the training data, or if the model cannot tell."""
    if outside is None:
        raise ParameterError(
            f"expected a model with a training profile for --strict, got {str(source)!r} without one; train it again, "
            "or drop --strict"
        )
    if len(outside.rows):
        raise DataError(
            f"expected series like those in training, got {len(outside.rows)} of {len(outside.ids)} outside the "
            f"training data: {listing(outside.ids[outside.rows].tolist())}; correct them, or predict without --strict"
        )


def with_columns_of(model: FittedModel | ModelDescription, experiment: Experiment) -> Experiment:
    """Return the experiment with the metadata fields of the model, and with labels per step if the model has them."""
    data = experiment.data
    known = {} if model.vocabulary is None else {one.name: one.kind for one in model.vocabulary.fields}
    of_steps = model.task.by_step and data.level == "auto" and data.labels is None
    changes = {"fields": {**known, **data.fields}, "level": "step" if of_steps else data.level}
    return experiment.model_copy(update={"data": data.model_copy(update=changes)})


def with_channels_of(model: FittedModel | ModelDescription, experiment: Experiment) -> Experiment:
    """Return the experiment with the channels of the model, unless it names its own or the model has no names."""
    experiment = with_columns_of(model, experiment)
    if experiment.data.channels is not None or numbered(model.channels):
        return experiment
    columns = experiment.data.model_copy(update={"channels": _channels_of_series(experiment, model)})
    return experiment.model_copy(update={"data": columns})


def _channels_of_series(experiment: Experiment, model: FittedModel | ModelDescription) -> list[str]:
    """Return the channels of a model that the series table holds, without those of side signals."""
    signals = [
        name
        for one in experiment.data.signals
        for name in one.columns or columns_of(local_file(one.table), experiment.data.csv)
    ]
    derived = {*signals, *(name + SINCE_CHANGE for name in signals)}
    return [name for name in model.channels if name not in derived]


def is_read(experiment: Experiment, file: Path) -> bool:
    """Whether a file is one that the series are read from."""
    series = experiment.data.series
    read = [] if series is None else series if isinstance(series, list) else [series]
    return file.resolve() in [Path(one).resolve() for one in read]
