"""Explanation quality in a run: faithfulness and permutation importance on a few test series, within seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import LabelError
from limelight.explanation.methods.registry import methods_of
from limelight.explanation.perturbation import fields_and_signals
from limelight.explanation.quality.agreement import MASKS
from limelight.explanation.quality.faithfulness import faithfulness
from limelight.explanation.quality.permutation_importance import STRETCHES, permutation_importance
from limelight.model.fitted import FittedModel

FRACTIONS, DRAWS, ORDERS = 10, 2, 2
MOST_SERIES, REPEATS = 100, 3
LEAST_SERIES = 2
BUDGET = 5_000_000
"""Maximum number of values that the model reads for either measurement: a few seconds on two cores."""
BUDGET_OF_FEATURES = 5_000_000_000
"""For an encoder that pools, the same times the number of its features, of which each reads every value."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {"occlusion": {"by_channel": False}, "gradients": {"points": 32}}
"""Settings for ``faithfulness``, which ranks steps and so needs neither separate channels nor an exact sum."""


def measure_explanations(
    model: FittedModel, panel: Panel, background: Panel, *, series: int = 20, seed: int = 0
) -> dict[str, Any] | None:
    """Measure the quality of explanations and the permutation importance on a few test series.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        n labelled series that were not used for training.
    background
        Series to sample replacement values from, for example the training series.
    series
        Maximum number of series for faithfulness, at least 2; fewer are used if they are long. Permutation importance
        uses up to 100.
    seed
        The same seed gives the same result.

    Returns
    -------
    dict[str, Any] | None
        The result of ``faithfulness``; its further key ``importance`` has the result of ``permutation_importance`` and
        the number of its ``series``, or None if the known labels are of one class or the series are too long. None if
        the series are too few or too long to measure two of them.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> panel = Panel.from_series(np.ones((6, 20)), labels=list("ababab"))
    >>> found = measure_explanations(model, panel, panel)
    >>> found["series"], found["trusted"], found["importance"]["channels"]
    (6, [], {'channel_0': {'mean': 0.0, 'deviation': 0.0}})
    """
    orders = len(methods_of(model)) + ORDERS
    affordable = _affordable_series(model, panel, 2 * (FRACTIONS + 1) * DRAWS * orders + 2 * MASKS)
    if min(affordable, len(panel)) < LEAST_SERIES or not len(background):
        return None
    found = faithfulness(
        model,
        panel,
        background=background,
        series=min(series, affordable),
        fractions=FRACTIONS,
        draws=DRAWS,
        orders=ORDERS,
        seed=seed,
        settings=SETTINGS,
    )
    return {**found, "importance": _importance(model, panel, seed)}


def _importance(model: FittedModel, panel: Panel, seed: int) -> dict[str, Any] | None:
    inputs = len(panel.channels) + STRETCHES + sum(len(names) for names in fields_and_signals(model, panel))
    series = min(MOST_SERIES, _affordable_series(model, panel, inputs * REPEATS), len(panel))
    if series < LEAST_SERIES:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(panel))[:series])
    try:
        return {"series": series, **permutation_importance(model, panel[rows], repeats=REPEATS, seed=seed)}
    except LabelError:  # the known labels of these series are of one class
        return None


def _affordable_series(model: FittedModel, panel: Panel, times: int) -> int:
    """Return how many series the model can read this many times within the budget."""
    values = float(panel.lengths.mean()) * len(panel.channels) if len(panel) else 1.0
    features = int(model.network.encoder.width) if model.architecture.encoder.pools else 1
    return int(min(BUDGET, BUDGET_OF_FEATURES / features) / (times * values))
