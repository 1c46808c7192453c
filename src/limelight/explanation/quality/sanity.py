"""Sanity check: explanations must change if the weights of the model are randomised."""

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

RANDOMISED = 2018
"""Makes these weights differ from the initial weights of a training with the same seed."""


def randomised(model: FittedModel, seed: int = 0) -> FittedModel:
    """Return a copy of a model with the same parts and scaling but random, untrained weights.

    Parameters
    ----------
    model
        The fitted model; it is not changed.
    seed
        The same seed draws the same weights.

    Returns
    -------
    FittedModel
        A model that can predict but has learned nothing.
    """
    old = model.network
    with torch.random.fork_rng(devices=[]):
        # The seed itself would reproduce the initial weights of a model trained with it.
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
        Any fitted model.
    panel
        Series with the channels used in training, at least one of two or more steps.
    methods
        Names of methods, as for ``explain``.
    repeats
        Number of networks with random weights, at least 1.
    seed
        The same seed draws the same weights.
    **settings
        Settings of occlusion, such as ``background``.

    Returns
    -------
    dict[str, Any]
        For each method, ``signed``, the rank correlation between both explanations over the steps of a series, and
        ``absolute``, the same for absolute values: means over series and repeats, in [-1, 1]; and ``deviation``, the
        standard deviation of the signed correlations. Near 0, the explanation depends on what was learned; near 1, it
        reflects the series or the architecture. None if an explanation is constant over the steps of every series.

    Raises
    ------
    DataError
        If no series has two or more steps.

    Source
    ------
    Adebayo et al., Sanity Checks for Saliency Maps, 2018.
    """
    if not (panel.lengths > 1).any():
        raise DataError(
            "expected a series of at least two steps to compare explanations, got none; choose longer series"
        )
    panel = panel[panel.lengths > 1]
    resolved = resolve_target(model.predict(panel))
    randomised_models = [randomised(model, seed + repeat) for repeat in range(repeats)]
    correlations: dict[str, Any] = {}
    for name in methods:
        target = None if name == "attention" else resolved.names
        options = settings if name == "occlusion" else {}
        trained = explain(model, panel, name, target, **options)
        pairs = [(trained, explain(other, panel, name, target, **options)) for other in randomised_models]
        signed = np.array([one for pair in pairs for one in _correlations(*pair, absolute=False)])
        absolute = np.array([one for pair in pairs for one in _correlations(*pair, absolute=True)])
        correlations[name] = {
            "signed": float(signed.mean()) if len(signed) else None,
            "deviation": float(signed.std()) if len(signed) else None,
            "absolute": float(absolute.mean()) if len(absolute) else None,
        }
    return correlations


def _correlations(one: Explanation, other: Explanation, *, absolute: bool) -> list[float]:
    """Compute the rank correlation of each series for which neither explanation is constant."""
    sign_free = np.abs if absolute else np.asarray
    pairs = [(sign_free(a), sign_free(b)) for a, b in zip(one.importance, other.importance, strict=True)]
    return [float(spearmanr(a, b).statistic) for a, b in pairs if np.ptp(a) > 0 and np.ptp(b) > 0]
