"""FittedModel: everything that has been learned, and what it takes to answer. The narrow waist of the package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, InternalError, listing
from limelight.model.batching import batches_by_length, make_batch, require_clock, require_same_clock
from limelight.model.decision import Decision
from limelight.model.vocabulary import EncodedMetadata, Vocabulary
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task

SERIES_PER_BLOCK = 20_000
STEPS_PER_BLOCK = 1 << 24
"""Steps in one block of a prediction: 64 MiB of attention."""


@dataclass(frozen=True)
class Prediction:
    """Predictions of a model for each series of a panel.

    Parameters
    ----------
    ids
        Names of the series, shape (n,).
    task
        The classes or labels.
    logits
        Logits, calibrated if the model is, shape (n, 1) if binary, else (n, classes or labels); with labels per step
        those of every step of all series concatenated, shape (steps, ...).
    attention
        Attention weights of each series, shape (time,), summing to 1; None if the model has no attention or it was not
        requested.
    lengths
        With labels per step the number of steps of each series, shape (n,); else None.
    thresholds
        Probability from which the positive class, shape (1,), or each label, shape (labels,), is predicted; None
        predicts the most probable class, and labels from 0.5.
    """

    ids: NDArray[np.str_]
    task: Task
    logits: NDArray[np.float64]
    attention: list[NDArray[np.float32]] | None = None
    lengths: NDArray[np.int64] | None = None
    thresholds: NDArray[np.float64] | None = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of each class or label in the order of ``task.classes``, shape (n or steps, classes)."""
        if self.task.kind != "multiclass":
            there: NDArray[np.float64] = 1 / (1 + np.exp(-self.logits.clip(-500, 500)))
            return there if self.task.multilabel else np.concatenate([1 - there, there], axis=1)
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities

    @property
    def labels(self) -> NDArray[Any]:
        """The class of each series or step, shape (n or steps,); of several labels 0 and 1, shape (..., labels)."""
        return self.task.decode(self.task.decide(self.probabilities, self.thresholds))

    def by_series(self, answers: NDArray[Any]) -> Any:
        """Split per-step predictions into one array for each series, stacked if all have the same length.

        Parameters
        ----------
        answers
            ``labels`` or ``probabilities``.

        Returns
        -------
        NDArray | list[NDArray]
            Shape (n, time, ...), or n arrays (time, ...); predictions per series unchanged.
        """
        if self.lengths is None:
            return answers
        parts = np.split(answers, np.cumsum(self.lengths)[:-1])
        return np.stack(parts) if len(set(self.lengths.tolist())) == 1 else parts


@dataclass
class FittedModel:
    """A task, an architecture and the network fitted to them.

    Parameters
    ----------
    task
        The classes or labels.
    architecture
        The parts, with every size resolved.
    network
        Built from ``architecture``, with fitted weights.
    channels
        Names of the channels in the order of the network's inputs.
    fitted_on
        Information about the training: number of series, lengths, seed, versions. ``predict`` uses ``clock``, the kind
        of the training's clock (``"dates"`` or ``"numbers"``).
    vocabulary
        Encodes metadata as the numbers that the network reads; None for a network that reads none.
    decision
        How predictions are read off the logits.
    """

    task: Task
    architecture: Architecture
    network: Network
    channels: tuple[str, ...]
    fitted_on: dict[str, Any] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    decision: Decision = field(default_factory=Decision)

    @property
    def has_attention(self) -> bool:
        """Whether predictions can include attention weights."""
        return self.architecture.pooling.attends

    @property
    def has_evidence(self) -> bool:
        """Whether a logit is an exact sum over time steps."""
        return self.architecture.encoder.has_evidence

    def notes_about(self, panel: Panel) -> list[str]:
        """List notes on metadata of some series that are missing or unknown to the model, one sentence each."""
        metadata = self.encoded_metadata(panel)
        return [] if metadata is None else list(metadata.notes)

    def encoded_metadata(self, panel: Panel) -> EncodedMetadata | None:
        """Encode the metadata of some series for the network; None for a network that reads none."""
        if self.vocabulary is None:
            return None
        return self.vocabulary.encode(panel.metadata, len(panel), panel.signals)

    def predict(self, panel: Panel, *, attention: bool = False) -> Prediction:
        """Predict every series of a panel; memory does not grow with the panel except for the predictions.

        Parameters
        ----------
        panel
            Series with the channels of the training, and its kind of clock if the network uses the clock.
        attention
            Whether to keep the attention weights (4 bytes for each step of the panel).

        Returns
        -------
        Prediction
            In the order of the panel.

        Raises
        ------
        DataError
            If the channels or the kind of clock differ from those in training, or a value is infinite, or missing
            although the model does not accept missing values.
        """
        blocks = list(self.predict_blocks(panel, attention=attention))
        logits = np.concatenate([np.zeros((0, self.task.outputs)), *(block.logits for block in blocks)])
        kept = [weights for block in blocks for weights in block.attention or []]
        return self._said(panel, logits, kept or None)

    def predict_blocks(self, panel: Panel, *, attention: bool = False) -> Iterator[Prediction]:
        """Predict a panel block by block, for predictions that are written as they come.

        Parameters
        ----------
        panel, attention
            As for ``predict``, whose errors are raised.

        Returns
        -------
        Iterator[Prediction]
            Predictions of consecutive series in the order of the panel, at most 20,000 at a time.

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
        return (self._answer(panel[rows], attention) for rows in _blocks(panel.lengths))

    def _answer(self, panel: Panel, attention: bool) -> Prediction:
        by_step = self.task.by_step
        logits = np.zeros((int(panel.lengths.sum()) if by_step else len(panel), self.task.outputs))
        firsts = np.cumsum(panel.lengths) - panel.lengths
        kept: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(panel)
        has_weights = False
        device = next(self.network.parameters()).device
        self.network.eval()
        with torch.inference_mode():
            for rows, batch in self.batches(panel):
                answer = self.network(batch.to(device))
                answered = answer.logits.double().cpu().numpy()
                if by_step:
                    mask = batch.mask.numpy()
                    logits[(firsts[rows][:, None] + np.arange(mask.shape[1]))[mask]] = answered[mask]
                else:
                    logits[rows] = answered
                if attention and answer.weights is not None:
                    has_weights = True
                    for row, weights in zip(rows, answer.weights.cpu().numpy(), strict=True):
                        kept[row] = weights[: panel.lengths[row]].copy()
        if not np.isfinite(logits).all():
            raise InternalError("the network gave an answer that is not a number; please report this with its data")
        return self._said(panel, self.decision.apply_temperature(logits), kept if has_weights else None)

    def batches(self, panel: Panel) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield some rows of a panel at a time with their batch; each row occurs once."""
        facts = self.encoded_metadata(panel)
        for rows in batches_by_length(panel):
            elapsed, missing = self.architecture.needs_clock, self.architecture.takes_missing
            yield rows, make_batch(panel, rows, elapsed=elapsed, missing=missing, facts=facts)

    def _said(
        self, panel: Panel, logits: NDArray[np.float64], attention: list[NDArray[np.float32]] | None
    ) -> Prediction:
        lengths = panel.lengths if self.task.by_step else None
        return Prediction(panel.ids, self.task, logits, attention, lengths, self.decision.thresholds)

    def require_channels(self, panel: Panel) -> None:
        """Check that a panel has the channels of the training; DataError names those expected."""
        if len(panel.channels) != len(self.channels):
            raise DataError(
                f"expected {len(self.channels)} channels as in training ({listing(self.channels)}), got "
                f"{len(panel.channels)} ({listing(panel.channels)})"
            )
        named = not (numbered(panel.channels) or numbered(self.channels))
        if named and panel.channels != self.channels:
            raise DataError(
                f"expected the channels of the training in their order ({listing(self.channels, 20)}), got "
                f"{listing(panel.channels, 20)}; pick and order them with channels=[...] when reading"
            )


def _blocks(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Cut rows into consecutive blocks of so many series and steps at most; a longer series is a block of its own."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        within = int(np.searchsorted(ends, before + STEPS_PER_BLOCK, side="right"))
        stop = max(start + 1, min(start + SERIES_PER_BLOCK, within))
        yield slice(start, stop)
        start = stop


def numbered(channels: Sequence[str]) -> bool:
    """Whether channels have default names only."""
    return all(name == f"channel_{place}" for place, name in enumerate(channels))
