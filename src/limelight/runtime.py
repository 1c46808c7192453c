"""Predict with an exported model, without torch: NumPy and ONNX Runtime are enough.

The file is written by ``limelight export`` or ``TimeSeriesClassifier.export``. Metadata tables need pydantic and
pyarrow, and the check against the training series needs SciPy; both are imported on use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ModelFolderError, ParameterError
from limelight.model.decision import Decision
from limelight.model.padding import STEPS_PER_BATCH
from limelight.model.prediction import Prediction
from limelight.model.predictor import Answer, Predictor
from limelight.model.reading import read_as_trained
from limelight.model.session import ONNX_FORMAT, ONNX_VERSION, PROPERTY, Session
from limelight.task import Task

if TYPE_CHECKING:
    from limelight.data.profile.training_profile import TrainingProfile
    from limelight.model.vocabulary import Vocabulary


@dataclass
class ExportedModel(Predictor):
    """A model from an ONNX file, with the predictions of the exported model; built by ``open_model``.

    Parameters
    ----------
    session
        Runs the graph.
    task, channels, fitted_on, vocabulary, decision, offset
        As for ``FittedModel``.
    reads_clock
        Whether the model reads the time between steps.
    accepts_missing
        Whether values may be missing.
    profile_content
        Statistics of the training series as JSON types, see ``training_profile``.
    steps_per_batch
        Maximum number of time steps that are predicted at once.
    reading
        How the training series were read: keywords of ``read_table``, and the windows.
    """

    session: Session
    task: Task
    channels: tuple[str, ...]
    reads_clock: bool = False
    accepts_missing: bool = False
    fitted_on: dict[str, Any] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    decision: Decision = field(default_factory=Decision)
    offset: NDArray[np.float64] | None = None
    profile_content: Mapping[str, Any] | None = None
    steps_per_batch: int = STEPS_PER_BATCH
    reading: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def training_profile(self) -> TrainingProfile | None:  # type: ignore[override]
        """Statistics of the training series, which new series are checked against; None if there are none."""
        if self.profile_content is None:
            return None
        from limelight.data.profile.training_profile import TrainingProfile

        return TrainingProfile.from_json(dict(self.profile_content))

    def answer(self, arrays: dict[str, NDArray[Any]]) -> Answer:
        """Compute the logits of padded series before calibration, attention weights and novelty if there are any."""
        answer = self.session.answer(arrays, self.offset)
        return answer._replace(logits=self.decision.undo_temperature(answer.logits))

    def predict(self, series: Any, *, attention: bool = False, jobs: int = 1, on: str | None = None) -> Prediction:
        """Predict series as ``FittedModel.predict`` and ``TimeSeriesClassifier.predict`` do.

        Parameters
        ----------
        series
            A Panel, for example from ``read``; an array (n, time, channels) or (n, time); or a list of arrays (time,
            channels) of any lengths.
        attention
            Whether to return the attention weights.
        jobs, on
            As for ``Predictor.predict``.

        Returns
        -------
        Prediction
            With ``probabilities`` and ``labels``.

        Raises
        ------
        DataError
            If the channels or the kind of clock differ from those in training, a value is infinite, or missing although
            none was missing in training.
        """
        return super().predict(self.panel_of(series), attention=attention, jobs=jobs, on=on)

    def evidence(self, series: Any) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Split the logits over the time steps, for a file that has evidence.

        Parameters
        ----------
        series
            As for ``predict``.

        Returns
        -------
        tuple
            For each series the contribution of each step to each logit, shape (outputs, time), relative to a typical
            step with the pooling ``conjunctive``, and to the same position of an average training series with
            ``rocket`` and ``blocks``; and the logits of such series with the metadata of each, shape (n, outputs). Both
            sum to the logits.

        Raises
        ------
        ParameterError
            If the file has no evidence.
        """
        if "evidence" not in self.session.outputs:
            raise ParameterError(
                "expected an exported model with the output 'evidence', got one without; export a model with the "
                "encoder 'rocket' or 'blocks' with --evidence, or explain the model itself with limelight explain"
            )
        panel = self.with_channels(self.panel_of(series))
        steps: list[NDArray[np.float64]] = [np.empty(0)] * len(panel)
        base = np.zeros((len(panel), self.task.outputs))
        for rows, arrays in self.arrays(panel):
            outputs = self.session.run(arrays, self.offset)
            base[rows] = outputs["base"]
            for row, own in zip(rows.tolist(), outputs["evidence"], strict=True):
                steps[row] = own[:, : int(panel.lengths[row])]
        return steps, base

    def panel_of(self, series: Any) -> Panel:
        """Convert arrays to a Panel, as the estimator does; a Panel is returned unchanged."""
        if isinstance(series, Panel):
            return series
        from limelight.data.arrays import Trained, as_panel

        shortest = self.fitted_on.get("lengths", [2])[0]
        return as_panel(series, self.fitted_on.get("layout"), Trained(self.channels, shortest))

    def read(self, series: Any, *, metadata: Any = None, signals: Any = None, **columns: Any) -> Panel:
        """Read series and metadata as in training: the same columns, side signals and windows.

        Parameters
        ----------
        series, metadata
            As for ``limelight.read_table``.
        signals
            The table of the side signal, if the model was trained with one.
        **columns
            Keywords of ``read_table`` that differ from those in training, such as ``id="machine"``.

        Returns
        -------
        Panel
            To be predicted; its ``notes`` list what was guessed or ignored.

        Raises
        ------
        DataError, ParameterError
            As for ``read_table``, ``align`` and ``cut_windows``.
        """
        return read_as_trained(self, self.reading, series, metadata=metadata, signals=signals, **columns)


def open_model(
    file: Path | str, *, threads: int | None = None, text_encoder: Path | str | None = None
) -> ExportedModel:
    """Open an exported model.

    Parameters
    ----------
    file
        An ONNX file written by limelight.
    threads
        Number of threads, at least 1; None leaves it to ONNX Runtime.
    text_encoder
        Folder of the sentence encoder, for a model that was trained with one.

    Returns
    -------
    ExportedModel
        Ready to predict.

    Raises
    ------
    ModelFolderError
        If the file is missing or damaged, was not written by limelight or by a newer version, or if its sentence
        encoder is missing.
    ParameterError
        If ONNX Runtime is not installed.

    Example
    -------
    >>> import tempfile
    >>> from limelight import SineSettings, TimeSeriesClassifier, generate_sine
    >>> waves = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> classifier = TimeSeriesClassifier(encoder="rocket", random_state=0).fit(waves)
    >>> model = open_model(classifier.export(tempfile.mkdtemp() + "/waves.onnx"))
    >>> bool(np.abs(model.predict(waves).probabilities - classifier.predict_proba(waves)).max() < 1e-5)
    True
    """
    file = Path(file)
    session = Session(file, threads)
    content = _description(session, file)
    try:
        task = Task.from_json(content["task"])
        channels = tuple(str(name) for name in content["channels"])
        offset = None if content["offset"] is None else np.array(content["offset"], dtype=np.float64)
        return ExportedModel(
            session,
            task,
            channels,
            bool(content["reads_clock"]),
            bool(content["accepts_missing"]),
            dict(content["fitted_on"]),
            _vocabulary(content["vocabulary"], text_encoder, file),
            Decision.from_json(content["decision"], task),
            offset,
            content["training_profile"],
            int(content["steps_per_batch"]),
            dict(content["reading"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ModelFolderError(f"{str(file)!r} is damaged: {error}; export the model again") from error


def _description(session: Session, file: Path) -> dict[str, Any]:
    """Return the description of the model in the file; ModelFolderError if limelight did not write it."""
    try:
        content = json.loads(session.properties.get(PROPERTY, "null"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != ONNX_FORMAT:
        raise ModelFolderError(
            f"{str(file)!r} was not written by limelight: it does not describe a model; export one with limelight "
            "export"
        )
    if content.get("version") != ONNX_VERSION:
        raise ModelFolderError(
            f"{str(file)!r} has format version {content.get('version')!r}, but this limelight reads version "
            f"{ONNX_VERSION}; update limelight"
        )
    return content


def _vocabulary(content: Any, text_encoder: Path | str | None, file: Path) -> Vocabulary | None:
    if content is None:
        return None
    from limelight.model.vocabulary import Vocabulary

    vocabulary = Vocabulary.from_json(content)
    if vocabulary.text_encoder is None:
        return vocabulary
    if text_encoder is None:
        raise ModelFolderError(
            f"{str(file)!r} encodes texts with a sentence encoder, which is not part of the file; pass its folder as "
            "text_encoder"
        )
    return replace(vocabulary, text_encoder=vocabulary.text_encoder.at(Path(text_encoder)))
