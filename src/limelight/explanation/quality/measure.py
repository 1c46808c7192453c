"""What a run measures of explanations: which of them to trust, and what the model depends on, in a few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import LabelError
from limelight.explanation.methods.registry import methods_of
from limelight.explanation.perturbation import fields_read
from limelight.explanation.quality.faithfulness import faithfulness
from limelight.explanation.quality.permutation_importance import STRETCHES, importance
from limelight.model.fitted import FittedModel

FRACTIONS, DRAWS, ORDERS = 10, 2, 2
MOST_SERIES, REPEATS = 100, 3
LEAST_SERIES = 2
BUDGET = 5_000_000
"""Values that the model reads at most for either measurement: some seconds on two cores, whatever the series."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {"occlusion": {"by_channel": False}, "gradients": {"points": 32}}
"""As for ``faithfulness``: the order of the steps needs neither single channels nor an exact sum."""


def measure_explanations(
    model: FittedModel, panel: Panel, background: Panel, *, series: int = 20, seed: int = 0
) -> dict[str, Any] | None:
    """Measure the explanations of a model on a few of its test series.

    Parameters
    ----------
    model
        Any.
    panel
        Labelled series, n of them; none of them trained the model.
    background
        Series to draw from what stands in for hidden values, such as those of the training.
    series
        How many series the methods are measured on at most, at least 2; fewer of long ones. What the model depends on
        is measured on up to 100.
    seed
        The same seed measures the same.

    Returns
    -------
    dict[str, Any] | None
        As from ``faithfulness``, and as ``importance`` what ``importance`` says with the number of its ``series``, or
        None where fewer than two classes are known or the series are too long. None if there are fewer than two series
        that are short enough.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))
    >>> panel = Panel.from_series(np.ones((6, 20)), labels=list("ababab"))
    >>> found = measure_explanations(model, panel, panel)
    >>> found["series"], found["trusted"], found["importance"]["channels"]
    (6, [], {'channel_0': {'mean': 0.0, 'deviation': 0.0}})
    """
    orders = len(methods_of(model)) + ORDERS
    room = _room(panel, 2 * (FRACTIONS + 1) * DRAWS * orders)
    if min(room, len(panel)) < LEAST_SERIES or not len(background):
        return None
    found = faithfulness(
        model,
        panel,
        background=background,
        series=min(series, room),
        fractions=FRACTIONS,
        draws=DRAWS,
        orders=ORDERS,
        seed=seed,
        settings=SETTINGS,
    )
    return {**found, "importance": _importance(model, panel, seed)}


def _importance(model: FittedModel, panel: Panel, seed: int) -> dict[str, Any] | None:
    parts = len(panel.channels) + STRETCHES + sum(len(names) for names in fields_read(model, panel))
    series = min(MOST_SERIES, _room(panel, parts * REPEATS), len(panel))
    if series < LEAST_SERIES:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(panel))[:series])
    try:
        return {"series": series, **importance(model, panel[rows], repeats=REPEATS, seed=seed)}
    except LabelError:  # of these series one class alone is known
        return None


def _room(panel: Panel, times: int) -> int:
    """Say how many series can be read so many times."""
    values = float(panel.lengths.mean()) * len(panel.channels) if len(panel) else 1.0
    return int(BUDGET / (times * values))
