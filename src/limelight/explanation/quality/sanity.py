"""Whether explanations depend on what was learned: they must change when the weights are random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain
from limelight.explanation.target import resolve_target
from limelight.model.fitted import FittedModel
from limelight.nn.network import Network
from limelight.types import Floats

RANDOMISED = 2018
"""Keeps these weights apart from those that a training with the same seed begins with."""


def randomised(model: FittedModel, seed: int = 0) -> FittedModel:
    """Give a model with the same parts and scales, and weights as before any training.

    Parameters
    ----------
    model
        Stays as it is.
    seed
        The same seed draws the same weights.

    Returns
    -------
    FittedModel
        Ready to answer, nothing learned.
    """
    old = model.network
    with torch.random.fork_rng(devices=[]):
        # Not the seed itself: a model trained with it began with these very weights.
        torch.manual_seed(int(np.random.SeedSequence((seed, RANDOMISED)).generate_state(1)[0]))
        network = Network(old.architecture, len(model.channels), model.task.outputs, old.context_shape)
    network.load_state_dict(dict(old.named_buffers()), strict=False)
    return replace(model, network=network.to(next(old.parameters()).device).eval())


def sanity(
    model: FittedModel, panel: Panel, methods: Sequence[str], *, repeats: int = 3, seed: int = 0, **settings: Any
) -> dict[str, Any]:
    """Compare the explanations of a model with those of the same network with random weights.

    Parameters
    ----------
    model
        Any.
    panel
        Series with the channels of the training, at least one with two steps.
    methods
        Names, as for ``explain``.
    repeats
        How many networks with random weights, at least 1.
    seed
        The same seed draws the same weights.
    **settings
        ``background``, for the methods that draw series.

    Returns
    -------
    dict[str, Any]
        For each method ``signed``, the rank correlation over the steps of a series between both explanations, and
        ``absolute``, the same of their sizes: means over series and repeats, in [-1, 1], and ``deviation`` of the first
        over both. Near 0 the explanation is about what was learned; near 1 it shows the series or the architecture.
        None where an explanation is the same at all steps of every series.

    Raises
    ------
    DataError
        If no series has two steps.

    Source
    ------
    Adebayo et al., Sanity Checks for Saliency Maps, 2018.
    """
    if not (panel.lengths > 1).any():
        raise DataError(
            "expected a series of at least two steps to compare explanations along, got none; give longer ones"
        )
    panel = panel[panel.lengths > 1]
    question = resolve_target(model.predict(panel))
    others = [randomised(model, seed + repeat) for repeat in range(repeats)]
    found: dict[str, Any] = {}
    for name in methods:
        target = None if name == "attention" else question.names
        given = settings if name == "occlusion" else {}
        trained = explain(model, panel, name, target, **given)
        pairs = [(trained, explain(other, panel, name, target, **given)) for other in others]
        signed = np.array([one for pair in pairs for one in _correlations(*pair, absolute=False)])
        sizes = np.array([one for pair in pairs for one in _correlations(*pair, absolute=True)])
        found[name] = {
            "signed": float(signed.mean()) if len(signed) else None,
            "deviation": float(signed.std()) if len(signed) else None,
            "absolute": float(sizes.mean()) if len(sizes) else None,
        }
    return found


def _correlations(one: Explanation, other: Explanation, *, absolute: bool) -> list[float]:
    def ready(numbers: Floats) -> Floats:
        return np.abs(numbers) if absolute else numbers

    pairs = [(ready(a), ready(b)) for a, b in zip(one.importance, other.importance, strict=True)]
    return [float(spearmanr(a, b).statistic) for a, b in pairs if np.ptp(a) > 0 and np.ptp(b) > 0]
