"""FittedModel: all that was learned in training and all that prediction needs. The narrow waist of the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.profile.outside import OutsideTraining, check_panel
from limelight.data.profile.training_profile import TrainingProfile
from limelight.errors import DataError, InternalError, listing
from limelight.model import drawing
from limelight.model.batching import batches_by_length, make_batch, require_clock, require_same_clock
from limelight.model.decision import Decision, Mixing
from limelight.model.evidence_profile import EvidenceProfile
from limelight.model.vocabulary import EncodedMetadata, Vocabulary
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.tabular import Tabular
from limelight.task import Task

SERIES_PER_BLOCK = 20_000
STEPS_PER_BLOCK = 1 << 24
"""Maximum number of time steps predicted in one block; their attention weights fill 64 MiB."""


@dataclass(frozen=True)
class Prediction(Tabular):
    """The predictions of a model for the series of a panel.

    Parameters
    ----------
    ids
        Names of the series, shape (n,).
    task
        The task of the model, with its classes.
    logits
        Outputs of the network, calibrated if the model is: shape (n, 1) for binary, else (n, classes or labels). With
        per-step labels, the outputs for the steps of all series, concatenated: shape (steps, ...).
    attention
        The attention weights of each series, shape (time,), summing to 1; None if the model has no attention or the
        weights were not requested.
    lengths
        With per-step labels, the number of steps of each series, shape (n,); else None.
    thresholds
        The lowest probability at which the positive class, shape (1,), or each label, shape (labels,), is predicted;
        None predicts the most probable class, or each label with a probability of at least 0.5.
    mixing
        What the probabilities are mixed with after the softmax, as fitted in calibration; None for a model without.
    """

    ids: NDArray[np.str_]
    task: Task
    logits: NDArray[np.float64]
    attention: list[NDArray[np.float32]] | None = None
    lengths: NDArray[np.int64] | None = None
    thresholds: NDArray[np.float64] | None = None
    mixing: Mixing | None = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each class or label, in the order of ``task.classes``, shape (n or steps, classes)."""
        probabilities = self._softmax()
        return probabilities if self.mixing is None else self.mixing.apply(probabilities)

    def _softmax(self) -> NDArray[np.float64]:
        if self.task.kind != "multiclass":
            positive: NDArray[np.float64] = 1 / (1 + np.exp(-self.logits.clip(-500, 500)))
            return positive if self.task.multilabel else np.concatenate([1 - positive, positive], axis=1)
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities

    @property
    def labels(self) -> NDArray[Any]:
        """The class of each series or step, shape (n or steps,); for multi-label 0 or 1, shape (..., labels)."""
        return self.task.decode(self.task.decide(self.probabilities, self.thresholds))

    def to_table(self) -> Any:
        """Convert to a ``pyarrow.Table``: id, prediction and probabilities, a row for each series or step."""
        return drawing.prediction_table(self)

    def plot(self) -> Any:
        """Plot the probabilities of the first series as a ``matplotlib.figure.Figure``: cells, or lines over steps."""
        return drawing.prediction_figure(self)

    def _repr_html_(self) -> str:
        return drawing.prediction_html(self)

    def by_series(self, predictions: NDArray[Any]) -> Any:
        """Split per-step predictions into one array per series, stacked if all series have the same length.

        Parameters
        ----------
        predictions
            ``labels`` or ``probabilities``.

        Returns
        -------
        NDArray | list[NDArray]
            Shape (n, time, ...), or n arrays of shape (time, ...); predictions per series are returned unchanged.
        """
        if self.lengths is None:
            return predictions
        parts = np.split(predictions, np.cumsum(self.lengths)[:-1])
        return np.stack(parts) if len(set(self.lengths.tolist())) == 1 else parts


@dataclass
class FittedModel:
    """A task, an architecture and the network fitted for them.

    Parameters
    ----------
    task
        What the model predicts.
    architecture
        The parts, with every size resolved.
    network
        The network built from ``architecture``, with fitted weights.
    channels
        Names of the channels, in the order in which the network reads them.
    fitted_on
        A description of the training data and run for the reader: number of series, lengths, seed, versions.
        ``predict`` uses one entry: ``clock``, the kind of clock in training (``"dates"`` or ``"numbers"``), present if
        the network reads the clock.
    vocabulary
        Encodes metadata as the numbers that the network reads; None if the network reads no metadata.
    decision
        Turns logits into calibrated probabilities and predicted classes.
    offset
        What is subtracted from each channel in float64 before the network reads the values, shape (channels,); None
        is 0.
    profile
        The baseline of evidence at each position; None shares it equally.
    training_profile
        Statistics of the training series, which new series are checked against; None for a model without.
    """

    task: Task
    architecture: Architecture
    network: Network
    channels: tuple[str, ...]
    fitted_on: dict[str, Any] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    decision: Decision = field(default_factory=Decision)
    offset: NDArray[np.float64] | None = None
    profile: EvidenceProfile | None = None
    training_profile: TrainingProfile | None = None

    def __post_init__(self) -> None:
        self.offset = np.zeros(len(self.channels)) if self.offset is None else self.offset

    def _repr_html_(self) -> str:
        return drawing.model_html(self.task.describe(), self.architecture.describe(), self.channels, self.fitted_on)

    @property
    def has_attention(self) -> bool:
        """Whether predictions can include attention weights."""
        return self.architecture.pooling.attends

    @property
    def has_evidence(self) -> bool:
        """Whether a logit is a sum of one contribution per time step."""
        return self.architecture.encoder.has_evidence or self.architecture.pooling.sums_steps

    def check(self, panel: Panel) -> OutsideTraining | None:
        """Check whether series are like the training series: values, missing values, length, clock and metadata.

        Parameters
        ----------
        panel
            Series with the same channels as in training.

        Returns
        -------
        OutsideTraining | None
            The series outside the training data, and why. None if the model was saved without a training profile.

        Raises
        ------
        DataError
            If the channels differ from those in training.
        """
        self.require_channels(panel)
        if self.training_profile is None:
            return None
        return check_panel(self.training_profile, self.with_channels(panel))

    def notes_about(self, panel: Panel) -> list[str]:
        """Describe channels and metadata of a panel that are unknown to the model or missing, one sentence each."""
        metadata = self.encoded_metadata(panel)
        return [*self._ignored_channels(panel), *([] if metadata is None else metadata.notes)]

    def _ignored_channels(self, panel: Panel) -> list[str]:
        extra = [name for name in panel.channels if name not in self.channels] if self._by_name(panel) else []
        return [f"ignored channels that the model does not know: {listing(extra)}"] if extra else []

    def encoded_metadata(self, panel: Panel) -> EncodedMetadata | None:
        """Encode the metadata and side signals of a panel; return None if the network reads neither."""
        if self.vocabulary is None:
            return None
        return self.vocabulary.encode(panel.metadata, len(panel), panel.signals)

    def predict(self, panel: Panel, *, attention: bool = False) -> Prediction:
        """Predict every series of a panel. Apart from the predictions, memory does not grow with the panel.

        Parameters
        ----------
        panel
            Series with the same channels as in training, and the same kind of clock if the network reads the clock.
        attention
            Whether to return the attention weights (4 bytes per time step of the panel).

        Returns
        -------
        Prediction
            In the order of the panel.

        Raises
        ------
        DataError
            If the channels or the kind of clock differ from those in training, if a value is infinite, or if a value is
            missing and the model does not accept missing values.
        """
        blocks = list(self.predict_blocks(panel, attention=attention))
        logits = np.concatenate([np.zeros((0, self.task.outputs)), *(block.logits for block in blocks)])
        kept = [weights for block in blocks for weights in block.attention or []]
        return self._prediction(panel, logits, kept or None)

    def predict_blocks(self, panel: Panel, *, attention: bool = False) -> Iterator[Prediction]:
        """Predict a panel block by block, so that predictions can be written out as they are made.

        Parameters
        ----------
        panel, attention
            As for ``predict``, which also lists the errors.

        Returns
        -------
        Iterator[Prediction]
            Predictions for consecutive series in the order of the panel, at most 20,000 series at a time.

        Example
        -------
        >>> architecture = Architecture.of({"name": "gru", "hidden_size": 2}, "last", "linear")
        >>> network = Network(architecture, channels=1, outputs=1)
        >>> model = FittedModel(Task(("a", "b")), architecture, network, ("channel_0",))
        >>> [len(block.ids) for block in model.predict_blocks(Panel.from_series(np.zeros((20_002, 1))))]
        [20000, 2]
        """
        self.require_channels(panel)
        if self.architecture.needs_clock:
            require_clock(panel)
            require_same_clock(self.fitted_on.get("clock"), panel)
        return (self._predict_block(self.with_channels(panel[rows]), attention) for rows in _blocks(panel.lengths))

    def _predict_block(self, panel: Panel, attention: bool) -> Prediction:
        by_step = self.task.by_step
        logits = np.zeros((int(panel.lengths.sum()) if by_step else len(panel), self.task.outputs))
        firsts = np.cumsum(panel.lengths) - panel.lengths
        kept: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(panel)
        has_weights = False
        device = next(self.network.parameters()).device
        self.network.eval()
        with torch.inference_mode():
            for rows, batch in self.batches(panel):
                output = self.network(batch.to(device))
                batch_logits = output.logits.double().cpu().numpy()
                if by_step:
                    mask = batch.mask.numpy()
                    logits[(firsts[rows][:, None] + np.arange(mask.shape[1]))[mask]] = batch_logits[mask]
                else:
                    logits[rows] = batch_logits
                if attention and output.weights is not None:
                    has_weights = True
                    for row, weights in zip(rows, output.weights.cpu().numpy(), strict=True):
                        kept[row] = weights[: panel.lengths[row]].copy()
        if not np.isfinite(logits).all():
            raise InternalError("the network returned a logit that is not finite; please report this with its data")
        return self._prediction(panel, self.decision.apply_temperature(logits), kept if has_weights else None)

    def batches(self, panel: Panel) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield row numbers of a panel with the batch of these series; each row is yielded once."""
        metadata = self.encoded_metadata(panel)
        for rows in batches_by_length(panel):
            elapsed, missing = self.architecture.needs_clock, self.architecture.takes_missing
            yield rows, make_batch(panel, rows, elapsed=elapsed, missing=missing, metadata=metadata, offset=self.offset)

    def _prediction(
        self, panel: Panel, logits: NDArray[np.float64], attention: list[NDArray[np.float32]] | None
    ) -> Prediction:
        lengths = panel.lengths if self.task.by_step else None
        decision = self.decision
        return Prediction(panel.ids, self.task, logits, attention, lengths, decision.thresholds, decision.mixing)

    def require_channels(self, panel: Panel) -> None:
        """Raise DataError, naming the missing channels, if a panel lacks channels of the training.

        Named channels may be in any order, next to others; unnamed ones must be as many as in training.
        """
        if self._by_name(panel):
            missing = [name for name in self.channels if name not in panel.channels]
            if missing:
                raise DataError(
                    f"expected the channels in training ({listing(self.channels, 20)}), got "
                    f"{listing(panel.channels, 20)}, which lacks {listing(missing)}; rename the channels as in "
                    "training, or pass arrays without names in the order of the training"
                )
            return
        if len(panel.channels) != len(self.channels):
            raise DataError(
                f"expected {len(self.channels)} channels as in training ({listing(self.channels)}), got "
                f"{len(panel.channels)} ({listing(panel.channels)})"
            )

    def with_channels(self, panel: Panel) -> Panel:
        """Return a panel with the channels of the training in their order; the same panel if it has them already.

        Parameters
        ----------
        panel
            Series with these channels by name, in any order and next to others; or as many unnamed channels.

        Returns
        -------
        Panel
            With the values in the order of ``channels``.

        Raises
        ------
        DataError
            If a channel is missing, or the number of unnamed channels differs.
        """
        self.require_channels(panel)
        if not self._by_name(panel) or panel.channels == self.channels:
            return panel
        panel = panel.compact()
        order = [panel.channels.index(name) for name in self.channels]
        return panel.replace(values=panel.values[:, order], channels=self.channels, offset=panel.offset[order])

    def _by_name(self, panel: Panel) -> bool:
        """Whether the channels of a panel and of the model both have names of their own."""
        return not (numbered(panel.channels) or numbered(self.channels))


def _blocks(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Cut rows into consecutive blocks within the limits above; a series longer than the limit is its own block."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        within = int(np.searchsorted(ends, before + STEPS_PER_BLOCK, side="right"))
        stop = max(start + 1, min(start + SERIES_PER_BLOCK, within))
        yield slice(start, stop)
        start = stop


def numbered(channels: Sequence[str]) -> bool:
    """Whether all channels have the default names ``channel_0``, ``channel_1``, ..."""
    return all(name == f"channel_{place}" for place, name in enumerate(channels))
