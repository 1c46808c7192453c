"""What the encoder reads of one step: scaled values, filled gaps, clock, side signals and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError, listing
from limelight.model.fitted import FittedModel
from limelight.streaming.cells import doubles_of
from limelight.types import Doubles


class StreamInputs:
    """Converts the values of a step to the inputs of the encoder, as the network does.

    Parameters
    ----------
    model
        A fitted model; its missing values are not filled by looking ahead.
    metadata
        The metadata of the series, by field; None is unknown.

    Raises
    ------
    ParameterError
        If missing values are filled by looking ahead.
    """

    def __init__(self, model: FittedModel, metadata: Mapping[str, Any] | None) -> None:
        if model.architecture.missing == "linear":
            raise ParameterError(
                "expected missing values that are filled from the past, got missing='linear', which looks ahead; train "
                "with missing='last' or 'mask', or pass window="
            )
        self.model = model
        scaling = model.network.normalisation
        self.mean, self.scale = (one.cpu().numpy() for one in (scaling.mean, scaling.scale))
        self.offset = np.zeros(len(model.channels)) if model.offset is None else model.offset
        self.context = _context_of(model, metadata)
        self.repeated = self.context if "repeat" in model.architecture.fusions else np.zeros(0)
        words = () if model.vocabulary is None else model.vocabulary.signals
        self.words = {one.name: {word: code for code, word in enumerate(one.words, 1)} for one in words}

    def start(self) -> Doubles:
        """Return the last known values before the first step, which are unknown."""
        return np.full(len(self.model.channels), np.nan)

    def of_step(
        self, values: Doubles, elapsed: float, known: Doubles, signals: Mapping[str, str | None] | None
    ) -> tuple[Doubles, Doubles]:
        """Return the inputs of the encoder, and the scaled values that are known after this step.

        Parameters
        ----------
        values
            In the unit of the training series, NaN if missing, shape (channels,).
        elapsed
            Time since the previous step.
        known
            The last known scaled values.
        signals
            The words of the side signals.
        """
        channels = len(values)
        plain = (values - self.offset).astype(np.float32)
        scaled = (plain - self.mean[:channels]) / self.scale[:channels]
        missing = np.isnan(scaled)
        known = np.where(missing, known, scaled)
        strategy = self.model.architecture.missing
        filled = np.nan_to_num(known, nan=0.0) if strategy == "last" else np.where(missing, 0.0, scaled)
        parts = [filled]
        if strategy == "mask":
            parts.append(missing.astype(np.float64))
        if self.model.reads_clock:
            parts.append((np.array([elapsed], dtype=np.float32) - self.mean[channels:]) / self.scale[channels:])
        if self.words:
            parts.append(self._signals(signals or {}))
        parts.append(self.repeated)
        return np.concatenate(parts, dtype=np.float64), known.astype(np.float64)

    def _signals(self, signals: Mapping[str, str | None]) -> Doubles:
        """Return the encoded words of the side signals."""
        unknown = sorted(set(signals) - set(self.words))
        if unknown:
            raise DataError(f"expected the side signals in training ({listing(self.words)}), got {listing(unknown)}")
        encoder: Any = self.model.network.signals
        parts = []
        for place, (name, codes) in enumerate(self.words.items()):
            code = codes.get(signals.get(name) or "", 0)
            if hasattr(encoder, "embeddings"):
                parts.append(doubles_of(encoder.embeddings[place].weight[code]))
            else:
                parts.append(np.eye(encoder.signals[place])[code])
        return np.concatenate(parts)


def _context_of(model: FittedModel, metadata: Mapping[str, Any] | None) -> Doubles:
    """Return the encoded metadata of one series, shape (context,)."""
    if model.network.context is None:
        return np.zeros(0)
    table = None if not metadata else pa.table({name: [value] for name, value in metadata.items()})
    values, times = [np.zeros((1, len(model.channels)))], [np.zeros(1)]
    panel = Panel.from_series(values, channels=model.channels, times=times, metadata=table)
    _, batch = next(model.batches(panel))
    device = next(model.network.parameters()).device
    with torch.inference_mode():
        return doubles_of(model.network.eval().context_vector(batch.to(device))[0])
