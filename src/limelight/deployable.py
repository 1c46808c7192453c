"""Methods of a fitted classifier that take it to where its answers are needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from limelight.export.onnx_file import export_model
from limelight.model.fitted import FittedModel
from limelight.streaming.base import Stream
from limelight.streaming.stream import open_stream


class Deployable:
    """Adds ``export`` and ``stream`` to a classifier with a fitted ``model_``."""

    model_: FittedModel

    def export(self, file: Path | str, *, evidence: bool = False) -> Path:
        """Write the fitted model as an ONNX file that predicts without torch, atomically; return its path.

        Parameters
        ----------
        file
            A path ending in ``.onnx``, for ``limelight.runtime.open_model``; an existing file is replaced.
        evidence
            As for ``export_model``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ParameterError
            If a part of the network cannot be exported, the packages of the extra ``onnx`` are not installed, or
            evidence is wanted from a model that has none.
        OutputError
            If the path has another ending or cannot be written.
        """
        check_is_fitted(self)
        return export_model(self.model_, file, evidence=evidence)

    def stream(self, *, metadata: Mapping[str, Any] | None = None, window: int | None = None, every: int = 1) -> Stream:
        """Begin a series that arrives step by step; ``step(values)`` of the result returns the answer so far.

        Parameters
        ----------
        metadata, window, every
            As for ``limelight.streaming.stream.open_stream``.

        Returns
        -------
        Stream
            With ``step(values, time)``, ``state()`` and ``restore(state)``.

        Raises
        ------
        ParameterError
            As for ``open_stream``.
        """
        check_is_fitted(self)
        return open_stream(self.model_, metadata=metadata, window=window, every=every)
