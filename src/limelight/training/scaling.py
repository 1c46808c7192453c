"""Build a network with random weights and the scaling of the training series."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.statistics import ChannelStatistics
from limelight.errors import ParameterError
from limelight.model.batching import shape_of
from limelight.model.vocabulary import EncodedMetadata, Vocabulary
from limelight.nn.network import Network
from limelight.training.preparation import Prepared


def build_network(prepared: Prepared, channels: int, outputs: int, metadata: EncodedMetadata | None) -> Network:
    """Build the network with random weights and fitted scaling; ``metadata`` is that of the training series."""
    network = Network(prepared.architecture, channels, outputs, shape_of(prepared.vocabulary))
    _fit_scaling(network, prepared.statistics, prepared.vocabulary, metadata, prepared.offset)
    return network


def _fit_scaling(
    network: Network,
    statistics: ChannelStatistics,
    vocabulary: Vocabulary | None,
    metadata: EncodedMetadata | None,
    offset: NDArray[np.float64],
) -> None:
    """Set the scaling of values and metadata to the training statistics; channels without values are not scaled."""
    known = statistics.count > 0
    mean, deviation = np.where(known, statistics.mean - offset, 0.0), np.where(known, statistics.deviation, 1.0)
    if network.architecture.needs_clock and statistics.clock is not None:
        mean = np.append(mean, statistics.clock.mean_step)
        deviation = np.append(deviation, statistics.clock.deviation_step)
    network.normalisation.set_statistics(torch.from_numpy(mean).float(), torch.from_numpy(deviation).float())
    if network.context is None or vocabulary is None or metadata is None:
        return
    if network.context_shape.numbers:
        mean, deviation = vocabulary.statistics()
        network.context.set_statistics(torch.from_numpy(mean).float(), torch.from_numpy(deviation).float())
    if network.context.vectors is not None:
        mean, deviation = _statistics_of_texts(vocabulary, metadata)
        network.context.vectors.set_statistics(torch.from_numpy(mean).float(), torch.from_numpy(deviation).float())


def _statistics_of_texts(
    vocabulary: Vocabulary, metadata: EncodedMetadata
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean and standard deviation of the known text vectors, each shape (texts, size)."""
    unknown = np.isnan(metadata.vectors).any(axis=2).all(axis=0)
    if unknown.any():
        texts = [one.name for one in vocabulary.fields if one.kind == "text"]
        raise ParameterError(
            f"expected a text encoder that knows words of metadata {texts[int(unknown.argmax())]!r}, got one that "
            "knows none of them in any training series; use an encoder for their language, or drop it"
        )
    vectors = metadata.vectors.astype(np.float64)
    return np.nanmean(vectors, axis=0), np.nanstd(vectors, axis=0)
