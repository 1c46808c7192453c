"""The contribution of each position to the logits of an average training series: the baseline of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.types import Doubles

MOST_MEANS = 1 << 20
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
        For each output and each input of the encoder, for the first and the second half of a series, and for each bin
        of distances: the mean contribution of a step times the length of its series, shape (outputs, inputs, 2, bins);
        with many numbers, shape (outputs, 1, 2, bins), the mean over the inputs.

    Example
    -------
    >>> profile = EvidenceProfile(np.array([[[[4.0, 0.0], [0.0, 0.0]]]]))
    >>> profile.baseline(4).tolist()
    [[[0.75], [-0.25], [-0.25], [-0.25]]]
    """

    means: Doubles

    def scaled(self, factors: Doubles) -> EvidenceProfile:
        """Return the profile of logits multiplied by factors, one for all outputs or shape (outputs,)."""
        return EvidenceProfile(self.means * np.broadcast_to(factors, len(self.means))[:, None, None, None])

    def baseline(self, length: int) -> Doubles:
        """Return the contribution of each step and input of an average series of some length.

        Parameters
        ----------
        length
            Number of steps.

        Returns
        -------
        Doubles
            Shape (outputs, length, inputs), with as many inputs as ``means``; the sum for each output is 0.
        """
        half, bins = places_of(length)
        steps = self.means[:, :, half, np.minimum(bins, self.means.shape[3] - 1)] / length
        shared: Doubles = (steps - steps.mean(axis=(1, 2), keepdims=True)).transpose(0, 2, 1)
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
    sums, counts = None, np.zeros(2 * bins)
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            parts = encoder.contributions(model.network.inputs(batch), batch.mask, weights, encoder.typical)
            if sums is None:
                sums = parts.new_zeros(2 * bins, *parts.shape[1::2])
            for row, own in zip(rows.tolist(), parts, strict=True):
                length = int(panel.lengths[row])
                half, place = places_of(length)
                places = half * bins + place
                counts += np.bincount(places, minlength=2 * bins)
                sums.index_add_(0, torch.from_numpy(places), length * own[:, :length].transpose(0, 1))
    assert sums is not None
    totals = sums.reshape(2, bins, *sums.shape[1:]).permute(2, 3, 0, 1).numpy()
    if totals.size > MOST_MEANS:
        totals = totals.mean(axis=1, keepdims=True)
    numbers = counts.reshape(2, bins)
    usual = totals.sum(axis=(2, 3), keepdims=True) / counts.sum()
    means = np.where(numbers > 0, totals / np.maximum(numbers, 1), usual)
    return EvidenceProfile(means.astype(np.float32).astype(np.float64))
