"""The contribution of each position to the logits of an average training series: the baseline of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.types import Doubles

PER_OCTAVE = 4
"""Bins in which the distance to the nearer end doubles."""


@dataclass(frozen=True, eq=False)
class EvidenceProfile:
    """Mean contributions of the steps of the training series, by their distance to the nearer end.

    The ends of a series contribute in another way than its middle, whatever the class: kernels reach beyond them. A
    baseline that is the same at every step would show this as evidence.

    Parameters
    ----------
    means
        For each output, for the first and the second half of a series, and for each bin of distances: the mean
        contribution of a step times the length of its series, shape (outputs, 2, bins).
    inputs
        For each output and each input of the encoder, the mean contribution of a series, shape (outputs, inputs).

    Example
    -------
    >>> profile = EvidenceProfile(np.array([[[4.0, 0.0], [0.0, 0.0]]]), np.array([[0.5, -0.5]]))
    >>> profile.baseline(4).sum(axis=2).tolist()
    [[0.75, -0.25, -0.25, -0.25]]
    >>> profile.baseline(4).sum(axis=1).tolist()
    [[0.5, -0.5]]
    """

    means: Doubles
    inputs: Doubles

    def scaled(self, factors: Doubles) -> EvidenceProfile:
        """Return the profile of logits multiplied by factors, one for all outputs or shape (outputs,)."""
        factors = np.broadcast_to(factors, len(self.means))
        return EvidenceProfile(self.means * factors[:, None, None], self.inputs * factors[:, None])

    def baseline(self, length: int) -> Doubles:
        """Return the contribution of each step and input of an average series of some length.

        Parameters
        ----------
        length
            Number of steps.

        Returns
        -------
        Doubles
            Shape (outputs, length, inputs); the sum for each output is 0.
        """
        half, bins = places_of(length)
        steps = self.means[:, half, np.minimum(bins, self.means.shape[2] - 1)] / length
        steps = steps - steps.mean(axis=1, keepdims=True)
        inputs = self.inputs - self.inputs.mean(axis=1, keepdims=True)
        shared: Doubles = steps[:, :, None] / inputs.shape[1] + inputs[:, None] / length
        return shared


def places_of(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each step the half of the series in which it lies, and the bin of its distance to that end.

    Example
    -------
    >>> half, bins = places_of(5)
    >>> half.tolist(), bins.tolist()
    ([0, 0, 0, 1, 1], [0, 4, 6, 4, 0])
    """
    steps = np.arange(length)
    distance = np.minimum(steps, length - 1 - steps)
    bins = np.floor(PER_OCTAVE * np.log2(distance + 1.0) + 1e-9).astype(np.int64)
    return (2 * steps >= length + 1).astype(np.int64), bins


def measure_profile(model: Any, panel: Panel) -> EvidenceProfile:
    """Average the contributions of the steps of some series, by their position.

    Parameters
    ----------
    model
        A ``FittedModel`` whose encoder has ``contributions``, before calibration.
    panel
        Training series, at least one.

    Returns
    -------
    EvidenceProfile
        For the logits before calibration.
    """
    encoder, head = model.network.encoder, model.network.head
    weights = head.weight[:, : encoder.width].detach().float().contiguous()
    bins = int(places_of(int(panel.lengths.max()))[1].max()) + 1
    sums, counts = np.zeros((len(weights), 2, bins)), np.zeros((2, bins))
    of_inputs = []
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            parts = encoder.contributions(model.network.inputs(batch), batch.mask, weights, encoder.typical)
            of_inputs.append(parts.sum(dim=2).numpy())
            for row, own in zip(rows.tolist(), parts.sum(dim=3).numpy(), strict=True):
                length = int(panel.lengths[row])
                half, place = places_of(length)
                np.add.at(counts, (half, place), 1)
                for output in range(len(weights)):
                    np.add.at(sums[output], (half, place), length * own[output, :length])
    means = sums.sum(axis=(1, 2), keepdims=True) / counts.sum()
    means = np.where(counts > 0, sums / np.maximum(counts, 1), means)
    return EvidenceProfile(means, np.concatenate(of_inputs).mean(axis=0))
