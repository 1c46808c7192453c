"""Session: runs an exported model by ONNX Runtime. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ModelFolderError, ParameterError
from limelight.model.predictor import Answer

PROPERTY = "limelight"
"""The entry of ``metadata_props`` that describes a model."""
ONNX_FORMAT, ONNX_VERSION = "limelight-onnx", 1


class Session:
    """An ONNX model in ONNX Runtime.

    Parameters
    ----------
    model
        The path of an ONNX file, or its content.
    threads
        Number of threads, at least 1; None leaves it to ONNX Runtime.

    Attributes
    ----------
    properties
        What is stored beside the graph, text by name.

    Raises
    ------
    ParameterError
        If ONNX Runtime is not installed.
    ModelFolderError
        If there is no such file, or it is no ONNX model.
    """

    def __init__(self, model: Path | bytes, threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ParameterError(
                "an exported model needs onnxruntime, which is not installed; pip install 'limelight[onnx]'"
            ) from error
        if isinstance(model, Path) and not model.is_file():
            raise ModelFolderError(f"there is no exported model at {str(model)!r}; write one with limelight export")
        self._model, self._threads = model, threads
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # threads that spin while they wait took 20 ms of processor time for each single series
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        given = str(model) if isinstance(model, Path) else model
        try:
            self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own
            raise ModelFolderError(f"{_name_of(model)} cannot be read as an ONNX model: {error}") from error
        self.properties: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._inputs = {one.name: one.type for one in self._session.get_inputs()}
        self.outputs = [one.name for one in self._session.get_outputs()]

    def __reduce__(self) -> tuple[type[Session], tuple[bytes, int | None]]:
        content = self._model.read_bytes() if isinstance(self._model, Path) else self._model
        return Session, (content, self._threads)  # another process, perhaps without the file, starts its own

    def run(self, arrays: Mapping[str, NDArray[Any]], offset: NDArray[np.float64] | None) -> dict[str, NDArray[Any]]:
        """Compute all outputs for padded series.

        Parameters
        ----------
        arrays
            From ``padded_arrays``.
        offset
            What was subtracted from the values, shape (channels,); None is 0.

        Returns
        -------
        dict[str, NDArray]
            The outputs of the graph by name.
        """
        given: dict[str, NDArray[Any]] = {**arrays, "lengths": arrays["mask"].sum(axis=1)}
        if offset is not None and offset.any():
            given["values"] = given["values"].astype(np.float64) + offset
        feeds = {
            name: given[name].astype(np.float64) if kind == "tensor(double)" else given[name]
            for name, kind in self._inputs.items()
        }
        return dict(zip(self.outputs, self._session.run(self.outputs, feeds), strict=True))

    def answer(self, arrays: Mapping[str, NDArray[Any]], offset: NDArray[np.float64] | None) -> Answer:
        """Compute logits, here after calibration, and attention weights and novelty; parameters as for ``run``."""
        outputs = self.run(arrays, offset)
        return Answer(outputs["logits"], outputs.get("attention"), outputs.get("novelty"))


def _name_of(model: Path | bytes) -> str:
    return repr(str(model)) if isinstance(model, Path) else "the model"
