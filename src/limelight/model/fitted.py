"""FittedModel: everything that has been learned, and what it takes to answer. The narrow waist of the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, InternalError, listing
from limelight.model.batching import batches_by_length, make_batch
from limelight.nn.network import Network
from limelight.parts.sentence import Sentence
from limelight.task import Task


@dataclass(frozen=True)
class Prediction:
    """What a model answers about each series of a panel.

    Parameters
    ----------
    ids
        Names of the series, shape (n,).
    task
        The classes that were to choose from.
    logits
        Raw outputs of the network, shape (n, 1) when binary, else (n, classes).
    attention
        For each series how much each of its time steps counted, shape (time,), summing to 1; None where the model has
        no attention or it was not asked for.
    """

    ids: NDArray[np.str_]
    task: Task
    logits: NDArray[np.float64]
    attention: list[NDArray[np.float32]] | None = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of each class in the order of ``task.classes``, shape (n, classes)."""
        if self.task.kind == "binary":
            second = 1 / (1 + np.exp(-self.logits[:, 0].clip(-500, 500)))
            return np.stack([1 - second, second], axis=1)
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities

    @property
    def labels(self) -> NDArray[Any]:
        """The most probable class of each series, shape (n,)."""
        return self.task.decode(self.probabilities.argmax(axis=1))


@dataclass
class FittedModel:
    """A task, a sentence of parts and the network fitted to them.

    Parameters
    ----------
    task
        What is asked.
    sentence
        The parts, every size settled.
    network
        Built from ``sentence``, weights fitted.
    channels
        Names of the channels in the order in which the network wants them.
    fitted_on
        Facts about the training for people: number of series, lengths, seed, versions.
    """

    task: Task
    sentence: Sentence
    network: Network
    channels: tuple[str, ...]
    fitted_on: dict[str, Any] = field(default_factory=dict)

    def predict(self, panel: Panel, *, attention: bool = False) -> Prediction:
        """Answer every series of a panel.

        Parameters
        ----------
        panel
            Series with the channels of the training.
        attention
            Whether to keep how much each time step counted (4 bytes for each step of the panel).

        Returns
        -------
        Prediction
            In the order of the panel.

        Raises
        ------
        DataError
            If the channels differ from those of the training, or a value is missing or infinite.
        """
        self.require_channels(panel)
        logits = np.zeros((len(panel), self.task.outputs))
        kept: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(panel)
        has_weights = False
        device = next(self.network.parameters()).device
        self.network.eval()
        with torch.inference_mode():
            for rows in batches_by_length(panel):
                answer = self.network(make_batch(panel, rows).to(device))
                logits[rows] = answer.logits.double().cpu().numpy()
                if attention and answer.weights is not None:
                    has_weights = True
                    for row, weights in zip(rows, answer.weights.cpu().numpy(), strict=True):
                        kept[row] = weights[: panel.lengths[row]].copy()
        if not np.isfinite(logits).all():
            raise InternalError("the network gave an answer that is not a number; please report this with its data")
        return Prediction(panel.ids, self.task, logits, kept if has_weights else None)

    def require_channels(self, panel: Panel) -> None:
        """Refuse a panel whose channels are not those of the training; DataError says which were expected."""
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


def numbered(channels: Sequence[str]) -> bool:
    """Say whether channels were given no names of their own."""
    return all(name == f"channel_{place}" for place, name in enumerate(channels))
