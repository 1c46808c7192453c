"""FittedModel: all that was learned in training and all that prediction needs. The narrow waist of the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.data.profile.training_profile import TrainingProfile
from limelight.model import drawing
from limelight.model.decision import Decision
from limelight.model.evidence_profile import EvidenceProfile
from limelight.model.novelty import NoveltyScore
from limelight.model.prediction import Prediction as Prediction
from limelight.model.predictor import Answer, Predictor
from limelight.model.predictor import numbered as numbered
from limelight.model.vocabulary import Vocabulary
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task


@dataclass
class FittedModel(Predictor):
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
    novelty
        Computes how far a series is from the training series; None for a model without.
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
    novelty: NoveltyScore | None = None

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

    @property
    def reads_clock(self) -> bool:
        """Whether the network reads the time between steps."""
        return self.architecture.needs_clock

    @property
    def accepts_missing(self) -> bool:
        """Whether the network accepts missing values."""
        return self.architecture.takes_missing

    def answer(self, arrays: dict[str, NDArray[Any]]) -> Answer:
        """Compute the logits of padded series before calibration, attention weights and novelty if there are any."""
        device = next(self.network.parameters()).device
        self.network.eval()
        with torch.inference_mode():
            output = self.network(_tensors(arrays).to(device))
        weights = None if output.weights is None else output.weights.cpu().numpy()
        novelty = None
        if self.novelty is not None and output.features is not None:
            novelty = self.novelty.of_features(output.features)
        return Answer(output.logits.double().cpu().numpy(), weights, novelty)

    def batches(self, panel: Panel) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield row numbers of a panel with the batch of these series; each row is yielded once."""
        for rows, arrays in self.arrays(panel):
            yield rows, _tensors(arrays)


def _tensors(arrays: dict[str, NDArray[Any]]) -> Batch:
    return Batch(**{name: torch.from_numpy(array) for name, array in arrays.items()})
