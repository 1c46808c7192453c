"""A saved model put to use: scored again, or answering series from a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from limelight.config import Experiment, read_experiment
from limelight.data.panel import Panel
from limelight.errors import DataError, LabelError, OutputError, ParameterError
from limelight.evaluation.localisation import score_localisation
from limelight.evaluation.metrics import score_baseline, score_prediction
from limelight.model.bundle import load_model
from limelight.model.fitted import Prediction
from limelight.runs.folder import EXPERIMENT_FILE, write_predictions
from limelight.runs.series import read_panel, split_panel


def score_answers(prediction: Prediction, panel: Panel, train_labels: Any) -> dict[str, Any]:
    """Score a prediction next to the majority class of the training labels; the heart of ``metrics.json``."""
    return {
        "test": score_prediction(prediction, panel.require_labels()),
        "baseline": score_baseline(train_labels, panel.require_labels(), prediction.task),
        "localisation": score_localisation(prediction, panel),
        "task": f"{prediction.task.kind}, one label for each series",
    }


def columns_of_run(source: Path | str) -> dict[str, Any]:
    """Give the columns that a run was trained with, as changes for ``read_experiment``; {} for a bare model."""
    file = Path(source) / EXPERIMENT_FILE
    if not file.is_file():
        return {}
    data = read_experiment(file).data
    roles = {"data.id": data.id, "data.time": data.time, "data.label": data.label}
    return roles if data.channels is None else {**roles, "data.channels": data.channels}


def evaluate_run(source: Path | str, experiment: Experiment | None = None, part: str = "test") -> dict[str, Any]:
    """Score a saved model again, on its own test series or on others.

    Parameters
    ----------
    source
        The folder of a run, or of a model when ``experiment`` is given.
    experiment
        Where other labelled series are; None takes those of the run.
    part
        ``"train"``, ``"validation"``, ``"test"`` or ``"all"``.

    Returns
    -------
    dict
        As in ``metrics.json``.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError, LabelError, ParameterError
        If the series do not fit the model.
    """
    model = load_model(source)
    if experiment is None:
        file = Path(source) / EXPERIMENT_FILE
        if not file.is_file():
            raise ParameterError(
                f"expected the folder of a run, with {EXPERIMENT_FILE!r} in it, got {str(source)!r}; "
                "say which series to evaluate on as second argument"
            )
        experiment = read_experiment(file)
    panel = read_panel(experiment)
    if panel.labels is None:
        raise LabelError("expected labelled series to evaluate on, got series without labels; use predict instead")
    split = split_panel(experiment, panel)
    chosen = panel if part == "all" else panel[split.part(part)]
    if not len(chosen):
        raise DataError(f"expected series in the part {part!r}, got none; choose another part")
    started = time.perf_counter()
    prediction = model.predict(chosen, attention=True)
    seconds = time.perf_counter() - started
    train_labels = panel.labels[split.train] if len(split.train) else panel.labels
    metrics = score_answers(prediction, chosen, train_labels)
    return {**metrics, "seconds": {"evaluate": round(seconds, 3)}, "counts": {part: len(chosen)}}


def predict_file(source: Path | str, experiment: Experiment, output: Path) -> Prediction:
    """Answer unlabelled or labelled series from a file, and write the answers.

    Parameters
    ----------
    source
        The folder of a run or of a model.
    experiment
        Where the series are.
    output
        A file ending in ``.parquet`` or ``.csv``: series_id, prediction and a probability for each class.

    Returns
    -------
    Prediction
        What was written.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError
        If the series do not fit the model.
    OutputError
        If the output is of another kind or cannot be written.
    """
    if output.suffix not in (".parquet", ".csv"):
        raise OutputError(f"expected an output file ending in .parquet or .csv, got {str(output)!r}")
    model = load_model(source)
    prediction = model.predict(read_panel(experiment))
    write_predictions(prediction, output)
    return prediction
