"""Record a run with MLflow: parameters, metrics, report and model. The package is imported on use.

The model is logged as an MLflow pyfunc whose loader is this module, so that nothing is pickled: MLflow keeps the model
folder of limelight as it is, and ``_load_pyfunc`` opens it.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limelight import __version__
from limelight.errors import OutputError, as_sentence
from limelight.evaluation.verdict import verdict
from limelight.model.bundle import load_model
from limelight.model.description import MODEL_FILE
from limelight.model.fitted import FittedModel
from limelight.model.reading import read_as_trained
from limelight.report.rendering import PLOTLY, with_plotly
from limelight.runs.export import reading_of_run
from limelight.runs.folder import ENVIRONMENT_FILE, EXPERIMENT_FILE, METRICS_FILE
from limelight.runs.tables import predictions_table

DEFAULT_PLACE, DEFAULT_EXPERIMENT = "sqlite:///mlflow.db", "limelight"
LONGEST_PARAMETER, PARAMETERS_AT_ONCE = 500, 100
UNTRACKED = ("n", "unknown")
"""Numbers among the scores that are no scores; ``counts`` has the number of series."""


def track_run(folder: Path, place: str) -> str:
    """Record a complete run with MLflow.

    Parameters
    ----------
    folder
        The run folder.
    place
        ``"mlflow"`` for the server of the environment variable MLFLOW_TRACKING_URI, or the file ``mlflow.db`` without
        it; else the URI of a server or database, such as ``sqlite:///mlflow.db``.

    Returns
    -------
    str
        Where the run is, in words.

    Raises
    ------
    OutputError
        If MLflow is not installed or cannot record the run; the run folder is complete.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_PLACE) if place == "mlflow" else place
    try:
        with _quiet():
            name = _record(folder, uri)
    except Exception as error:  # MLflow raises errors of its own, of its database and of its connection
        raise OutputError(
            f"the run in {str(folder)!r} is complete, but MLflow could not record it at {uri!r}: {as_sentence(error)}"
        ) from error
    return f"run {name!r} of experiment {_experiment_name()!r} at {uri}"


def _record(folder: Path, uri: str) -> str:
    import mlflow

    before = mlflow.get_tracking_uri()
    experiment = json.loads((folder / EXPERIMENT_FILE).read_text(encoding="utf-8"))
    metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
    mlflow.set_tracking_uri(uri)
    try:
        mlflow.set_experiment(_experiment_name())
        with mlflow.start_run(run_name=folder.resolve().name, description=verdict(metrics)) as run:
            mlflow.set_tags(_tags(folder))
            parameters = [*parameters_of(experiment).items()]
            for start in range(0, len(parameters), PARAMETERS_AT_ONCE):
                mlflow.log_params(dict(parameters[start : start + PARAMETERS_AT_ONCE]))
            mlflow.log_metrics(metrics_of(metrics))
            for name in (EXPERIMENT_FILE, ENVIRONMENT_FILE, METRICS_FILE):
                mlflow.log_artifact(str(folder / name))
            with tempfile.TemporaryDirectory(prefix="limelight-") as temporary:
                mlflow.log_artifacts(str(_single_file(folder / "report", Path(temporary) / "report")), "report")
                model = Path(temporary) / "run"
                shutil.copytree(folder / "model", model / "model")
                shutil.copy(folder / EXPERIMENT_FILE, model / EXPERIMENT_FILE)
                mlflow.pyfunc.log_model(
                    name="model",
                    loader_module="limelight.runs.tracking",
                    data_path=str(model),
                    pip_requirements=[f"limelight=={__version__}"],
                )
            return str(run.info.run_name)
    finally:
        mlflow.set_tracking_uri(before)


def _tags(folder: Path) -> dict[str, str]:
    """Return the tags of a run, among them the encoder that an experiment with ``auto`` does not name."""
    sentence = json.loads((folder / "model" / MODEL_FILE).read_text(encoding="utf-8"))["sentence"]
    return {
        "limelight.version": __version__,
        "limelight.folder": str(folder.resolve()),
        "limelight.encoder": sentence["encoder"]["name"],
        "mlflow.source.name": "limelight train",
    }


def _single_file(report: Path, into: Path) -> Path:
    """Copy a report; its page then holds Plotly, as MLflow shows a page without the files next to it."""
    shutil.copytree(report, into)
    plotly, page = into / PLOTLY, into / "index.html"
    page.write_text(with_plotly(page.read_text(encoding="utf-8"), plotly.read_text(encoding="utf-8")), encoding="utf-8")
    plotly.unlink()
    return into


def _experiment_name() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME", DEFAULT_EXPERIMENT)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what MLflow and its database log about their own work, errors excepted."""
    importlib.import_module("mlflow")  # sets levels of its own
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def parameters_of(experiment: Mapping[str, Any]) -> dict[str, str]:
    """Return every key of an experiment that has a value, as text, shortened if it is long.

    Example
    -------
    >>> parameters_of({"seed": 0, "data": {"series": "a.csv", "filter": [], "csv": {"decimal": None}}})
    {'seed': '0', 'data.series': 'a.csv'}
    """
    found: dict[str, str] = {}
    for key, value in experiment.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{name}": text for name, text in parameters_of(value).items()}
        elif value is not None and value != []:
            found[key] = (value if isinstance(value, str) else json.dumps(value))[:LONGEST_PARAMETER]
    return found


def metrics_of(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores on the test set, with their intervals, and seconds and counts, by the names in MLflow.

    MLflow draws the metrics with the same word before the slash in one section.

    Example
    -------
    >>> metrics_of({"test": {"accuracy": 0.5, "intervals": {"accuracy": [0.25, 0.75]}}, "counts": {"test": 4}})
    {'test/accuracy': 0.5, 'test/accuracy_low': 0.25, 'test/accuracy_high': 0.75, 'counts/test': 4.0}
    """
    test = metrics.get("test", {})
    ends = {
        name: dict(zip(("low", "high"), pair or (), strict=False)) for name, pair in test.get("intervals", {}).items()
    }
    found: dict[str, float] = {}
    for name, value in test.items():
        if _is_number(value) and name not in UNTRACKED:
            found[f"test/{name}"] = float(value)
            found |= {f"test/{name}_{end}": float(bound) for end, bound in ends.get(name, {}).items()}
    for part in ("counts", "seconds"):
        found |= {f"{part}/{name}": float(value) for name, value in metrics.get(part, {}).items() if _is_number(value)}
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class TrackedModel:
    """What MLflow loads: predicts a table of new series as ``limelight predict`` does.

    Parameters
    ----------
    model
        The fitted model.
    reading
        How the training series were read, as for ``read_as_trained``.
    """

    def __init__(self, model: FittedModel, reading: Mapping[str, Any]) -> None:
        self.model, self.reading = model, {name: value for name, value in reading.items() if name != "events"}

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predict the series of a table with the columns of the training table.

        Parameters
        ----------
        model_input
            A DataFrame: a row for each step, or for each series in a wide table.
        params
            Not used.

        Returns
        -------
        DataFrame
            A row for each series, as ``limelight predict`` writes it.
        """
        panel = read_as_trained(self.model, self.reading, model_input)
        return predictions_table(self.model.predict(panel), panel, self.model.decision).to_pandas()


def _load_pyfunc(folder: str) -> TrackedModel:
    """Load a logged model; MLflow calls this function by its name."""
    return TrackedModel(load_model(folder), reading_of_run(folder))
