"""``limelight export``: write a saved model as an ONNX file or as a page for browsers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limelight.config.reading import read_experiment
from limelight.errors import ParameterError
from limelight.export.onnx_file import export_model, require_onnx_name
from limelight.model.bundle import load_model
from limelight.runs.folder import EXPERIMENT_FILE, require_new_file


def export_run(
    source: Path | str,
    output: Path,
    *,
    to: str = "onnx",
    runtime: Path | None = None,
    evidence: bool = False,
    overwrite: bool = False,
) -> Path:
    """Export the model of a run, with how its series were read.

    Parameters
    ----------
    source
        A run folder or a model folder.
    output
        A file ending in ``.onnx`` or, for a page, in ``.html``.
    to
        ``"onnx"`` or ``"html"``.
    runtime
        The npm package onnxruntime-web for a page, see ``write_runtime``; None takes that of the installation.
    evidence
        As for ``export_model``.
    overwrite
        Whether to replace an existing file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelFolderError
        If there is no model.
    ParameterError
        If a part of the network cannot be exported, the packages of the extra ``onnx`` are not installed, or a page
        cannot read the series of the model or lacks ONNX Runtime Web.
    OutputError
        If the output has another ending, exists already, or cannot be written.
    """
    if to == "html":
        from limelight.export.web_page import export_page, require_html_name  # reads what recognises columns

        require_html_name(output)
        require_new_file(output, overwrite=overwrite)
        return export_page(load_model(source), output, reading_of_run(source), runtime=runtime, evidence=evidence)
    if runtime is not None:
        raise ParameterError("expected --runtime with --to html, got it with --to onnx; drop --runtime")
    require_onnx_name(output)
    require_new_file(output, overwrite=overwrite)
    return export_model(load_model(source), output, reading_of_run(source), evidence=evidence)


def reading_of_run(source: Path | str) -> dict[str, Any]:
    """Return how the series of a run were read: keywords of ``read_table``, windows, side signal and events.

    Parameters
    ----------
    source
        A run folder or a model folder, after ``load_model``.

    Returns
    -------
    dict
        As JSON types; {} for a model alone.
    """
    file = Path(source) / EXPERIMENT_FILE
    if not file.is_file():
        return {}
    experiment = read_experiment(file)
    content = experiment.model_dump(mode="json")
    data = content["data"]
    names = ("id", "time", "channels", "mask", "units", "layout", "missing_values", "sort", "csv")
    reading: dict[str, Any] = {name: data[name] for name in names}
    if len(data["signals"]) == 1:
        reading["signals"] = {name: value for name, value in data["signals"][0].items() if name != "table"}
    if content.get("windows") is not None:
        reading["windows"] = content["windows"]
    reading["events"] = content["events"]
    return reading
