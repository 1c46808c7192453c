"""The method of the estimator that exports the fitted model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limelight.model.fitted import FittedModel


class Exportable:
    """Adds ``export`` to an estimator with a fitted ``model_``."""

    model_: FittedModel

    def export(self, file: Path | str) -> Path:
        """Write the fitted model as an ONNX file, atomically; return its path.

        The file answers without torch, by ``limelight.runtime`` or any other ONNX runtime: it contains scaling,
        missing values, metadata codes, the network, calibration and thresholds. See ``docs/deploy.md``.

        Parameters
        ----------
        file
            A path ending in ``.onnx``; an existing file is replaced.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ParameterError
            If a part of the network cannot be exported, or the packages of the extra ``onnx`` are not installed.
        OutputError
            If the path has another ending or cannot be written.
        """
        from sklearn.utils.validation import check_is_fitted

        from limelight.export.onnx_file import export_model

        check_is_fitted(self)
        return export_model(self.model_, file)
