"""A fitted model as an ONNX file, with everything that the runtime needs to answer as the model does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limelight.errors import OutputError, ParameterError
from limelight.files import whole_file
from limelight.model.fitted import FittedModel
from limelight.model.session import ONNX_FORMAT, ONNX_VERSION, PROPERTY

STEPS_OF_FIXED_FEATURES = 512
"""Fixed features are fastest in ONNX Runtime if their comparisons stay in the cache."""


def export_model(
    model: FittedModel, file: Path | str, reading: Mapping[str, Any] | None = None, *, evidence: bool = False
) -> Path:
    """Write a fitted model as an ONNX file; the file appears only if it answers as the model does.

    Parameters
    ----------
    model
        The fitted model.
    file
        A path ending in ``.onnx``; an existing file is replaced.
    reading
        How the training series were read, which ``ExportedModel.read`` repeats; None is the default of ``read_table``.
    evidence
        Whether ``rocket`` and ``blocks`` also have the outputs ``evidence`` and ``base``; every answer then
        takes two to four times as long.

    Returns
    -------
    Path
        The file. Inputs and outputs are those of ``build_graph``; the entry ``limelight`` of ``metadata_props`` holds,
        as JSON, the task, channels, vocabulary, decision, offset and training profile.

    Raises
    ------
    ParameterError
        If a part of the network cannot be exported, the packages of the extra ``onnx`` are not installed, or evidence
        is wanted from a model that has none.
    OutputError
        If the path has another ending or cannot be written.
    InternalError
        If the exported model does not agree with the model.

    Example
    -------
    >>> import tempfile
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> from limelight.estimator import TimeSeriesClassifier
    >>> waves = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = TimeSeriesClassifier(encoder="rocket", random_state=0).fit(waves).model_
    >>> export_model(model, tempfile.mkdtemp() + "/waves.onnx").name
    'waves.onnx'
    """
    file = Path(file)
    require_onnx_name(file)
    content = graph_content(model, reading, evidence=evidence)
    with whole_file(file) as temporary:
        temporary.write_bytes(content)
    return file


def graph_content(model: FittedModel, reading: Mapping[str, Any] | None = None, *, evidence: bool = False) -> bytes:
    """Return a fitted model as the content of an ONNX file; parameters and errors as for ``export_model``."""
    if evidence and not model.has_evidence:
        raise ParameterError(
            "expected a model with the encoder 'rocket' or 'blocks', or the pooling 'conjunctive', to export evidence, "
            f"got {model.architecture.encoder.name!r} with {model.architecture.pooling.name!r}; export it without "
            "evidence"
        )
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            f"exporting a model needs {error.name}, which is not installed; pip install 'limelight[onnx]'"
        ) from error
    from limelight.export.network import build_graph
    from limelight.export.verification import require_same_answers

    graph = build_graph(model, evidence=evidence)
    proto = graph.model({PROPERTY: json.dumps(describe_model(model, reading), ensure_ascii=False)})
    content: bytes = proto.SerializeToString()
    require_same_answers(model, content)
    return content


def describe_model(model: FittedModel, reading: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the runtime needs beside the graph, as JSON types; parameters as for ``export_model``."""
    architecture = model.architecture
    fixed = architecture.encoder.closed_form
    return {
        "format": ONNX_FORMAT,
        "version": ONNX_VERSION,
        "task": model.task.to_json(),
        "architecture": architecture.to_json(),
        "channels": list(model.channels),
        "reads_clock": model.reads_clock,
        "accepts_missing": model.accepts_missing,
        "steps_per_batch": STEPS_OF_FIXED_FEATURES if fixed else model.steps_per_batch,
        "fitted_on": model.fitted_on,
        "vocabulary": None if model.vocabulary is None else model.vocabulary.to_json(),
        "decision": model.decision.to_json(),
        "offset": None if model.offset is None else model.offset.tolist(),
        "training_profile": None if model.training_profile is None else model.training_profile.to_json(),
        "reading": dict(reading or {}),
    }


def require_onnx_name(file: Path) -> None:
    """Raise OutputError if a file does not end in ``.onnx``."""
    if file.suffix != ".onnx":
        raise OutputError(f"expected an output file ending in .onnx, got {str(file)!r}; rename it")
