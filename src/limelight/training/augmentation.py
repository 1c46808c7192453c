"""Augmentation: random changes of training series that leave their labels as they are, and mixtures of series."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from limelight.nn.batch import Batch
from limelight.nn.normalisation import Standardisation
from limelight.training.settings import AugmentationMethod

AUGMENTATIONS: tuple[AugmentationMethod, ...] = get_args(AugmentationMethod)
OF_WHOLE_SERIES = ("warp", "mixup")
"""Methods that move or mix the steps, so that labels of steps would no longer fit."""
JITTER = 0.05
"""Standard deviation of the noise, relative to that of the channel."""
SCALE = 0.1
"""Standard deviation of the factors around 1."""
WARP = 0.05
"""Standard deviation of the largest shift, relative to the length of the series."""
MIXUP = 0.2
"""Both parameters of the beta distribution of the shares."""


@dataclass(frozen=True)
class Augmented:
    """A batch that was changed at random, and the targets it has.

    Parameters
    ----------
    batch
        The changed series, with the targets of the larger part of each mixture.
    other
        Targets of the smaller part, of the shape of the targets; None if nothing was mixed.
    share
        Share of the larger part, in [0.5, 1].
    other_weights
        Weights of the series of the smaller part, shape (batch,); None weights all alike.
    """

    batch: Batch
    other: Tensor | None = None
    share: float = 1.0
    other_weights: Tensor | None = None


def suitable_methods(
    methods: Collection[AugmentationMethod], *, by_step: bool, metadata: bool, clock: bool
) -> tuple[AugmentationMethod, ...]:
    """Return the methods that suit a task and a network, in the order in which they are applied.

    Parameters
    ----------
    methods
        The methods that are wanted.
    by_step
        Whether each step has a label; steps are then neither moved nor mixed.
    metadata
        Whether the network reads metadata, which cannot be mixed.
    clock
        Whether the network reads the time between steps, which warping would contradict.

    Example
    -------
    >>> suitable_methods(["mixup", "scale", "warp"], by_step=False, metadata=True, clock=False)
    ('scale', 'warp')
    """
    unsuitable = set(OF_WHOLE_SERIES if by_step else ())
    unsuitable |= {"mixup"} if metadata else set()
    unsuitable |= {"warp"} if clock else set()
    return tuple(method for method in AUGMENTATIONS if method in methods and method not in unsuitable)


def augment(batch: Batch, methods: Collection[AugmentationMethod], normalisation: Standardisation) -> Augmented:
    """Change the series of a batch at random, with the random state of torch.

    Parameters
    ----------
    batch
        Series with targets; missing values stay missing, and padding stays 0.
    methods
        ``"jitter"`` adds noise, ``"scale"`` multiplies the distance of a channel from its training mean by a factor,
        ``"warp"`` stretches and compresses time smoothly between both ends, and ``"mixup"`` mixes each series with
        another one of the batch.
    normalisation
        With the training mean and standard deviation of each channel first.

    Returns
    -------
    Augmented
        The changed batch; the given one is unchanged.

    Source
    ------
    Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018. Le Guennec et al., Data Augmentation for Time Series
    Classification using Convolutional Neural Networks, 2016 (warping).
    """
    channels = batch.values.shape[2]
    mean, deviation = normalisation.mean[:channels], normalisation.scale[:channels]
    values = batch.values
    if "scale" in methods:
        factors = 1 + SCALE * torch.randn(len(values), 1, channels, device=values.device)
        values = mean + (values - mean) * factors
    if "jitter" in methods:
        values = values + JITTER * deviation * torch.randn_like(values)
    changed = replace(batch, values=values * batch.mask[:, :, None])
    if "warp" in methods:
        changed = _warp(changed)
    return _mix(changed) if "mixup" in methods else Augmented(changed)


def _warp(batch: Batch) -> Batch:
    """Read each series, and its side signals, at times that are moved smoothly; both ends stay in place."""
    values = batch.values
    last = batch.mask.sum(dim=1, keepdim=True) - 1
    time = (torch.arange(values.shape[1], device=values.device) / last.clamp(min=1)).clamp(max=1)
    size, phase = WARP * torch.randn_like(time[:, :1]), 2 * math.pi * torch.rand_like(time[:, :1])
    moved = time + size * (torch.sin(2 * math.pi * time + phase) - torch.sin(phase))
    places = moved.clamp(0, 1) * last
    low = places.floor().long()
    share = (places - low)[:, :, None]
    below, above = (_at(values, steps) for steps in (low, torch.minimum(low + 1, last)))
    read = torch.where(share == 0, below, below + share * (above - below)) * batch.mask[:, :, None]
    signals = None if batch.signals is None else _at(batch.signals, places.round().long()) * batch.mask[:, :, None]
    return replace(batch, values=read, signals=signals)


def _at(values: Tensor, steps: Tensor) -> Tensor:
    return values.gather(1, steps[:, :, None].expand(-1, -1, values.shape[2]))


def _mix(batch: Batch) -> Augmented:
    """Mix each series with another of the batch, where both have values; elsewhere the series stays as it is."""
    assert batch.targets is not None
    drawn = float(torch.distributions.Beta(MIXUP, MIXUP).sample())
    share, partners = max(drawn, 1 - drawn), torch.randperm(len(batch))
    others = batch.values[partners]
    is_known = batch.mask[partners][:, :, None] & ~others.isnan()
    mixed = torch.where(is_known, share * batch.values + (1 - share) * others, batch.values)
    mixed = mixed * batch.mask[:, :, None]
    weights = None if batch.weights is None else batch.weights[partners]
    return Augmented(replace(batch, values=mixed), batch.targets[partners], share, weights)
