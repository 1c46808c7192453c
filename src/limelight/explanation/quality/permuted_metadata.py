"""What metadata brings to a fitted model: how much worse it gets when they, or the series, are another one's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.evaluation.metrics.grouped import balanced_accuracy
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of

SERIES, METADATA, SIGNALS = "series", "metadata", "signals"
REPEATS = 5


def score_permuted(model: FittedModel, panel: Panel, *, repeats: int = REPEATS, seed: int = 0) -> dict[str, Any] | None:
    """Score a model on series that were given the metadata of others, and on metadata given other series.

    Parameters
    ----------
    model
        Fitted with metadata or signals.
    panel
        Labelled series with them, n of them; none of them trained the model.
    repeats
        How often to permute, at least 1.
    seed
        The same seed permutes the same way.

    Returns
    -------
    dict[str, Any] | None
        ``score``, the balanced accuracy as it is, and ``drops``: for ``"metadata"`` as a whole, for ``"series"``,
        ``"signals"``, and each field, ``mean`` and ``deviation`` over the repeats of how much the balanced accuracy
        falls. None for a model or a panel without either, and where the labels are of one class.

    Source
    ------
    Breiman, Random Forests, 2001; scikit-learn's ``permutation_importance`` does the same for tables. What is
    permuted keeps its own values, so a drop says what the model makes of the connection with the label, not what the
    label depends on: two fields that say the same stand in for each other.
    """
    fields = [] if model.vocabulary is None else [one.name for one in model.vocabulary.fields if one.kind != "ignore"]
    known = [] if panel.metadata is None else panel.metadata.column_names
    fields = [name for name in fields if name in known]
    signals = model.vocabulary is not None and model.vocabulary.signals and panel.signals is not None
    if not (fields or signals) or not len(panel):
        return None
    draw = np.random.default_rng(seed)
    codes = targets_of(model.task, panel).every()

    def score(changed: Panel) -> float:
        prediction = model.predict(changed)
        return balanced_accuracy(codes, model.task.decide(prediction.probabilities, prediction.thresholds))

    whole = score(panel)
    if np.isnan(whole):
        return None
    ways: dict[str, Callable[[NDArray[np.int64]], Panel]] = {}
    if fields:
        ways[METADATA] = partial(_with_reordered, panel, tuple(fields))
    if not model.task.by_step:  # labels of steps belong to their own series
        ways[SERIES] = lambda order: panel[order].replace(metadata=panel.metadata)
    if signals:
        ways[SIGNALS] = partial(_with_signals_of, panel)
    for name in fields:
        ways[name] = partial(_with_reordered, panel, (name,))
    drops = {}
    for name, change in ways.items():
        fallen = [whole - score(change(draw.permutation(len(panel)))) for _ in range(repeats)]
        drops[name] = {"mean": float(np.mean(fallen)), "deviation": float(np.std(fallen))}
    return {"score": whole, "repeats": repeats, "drops": drops}


def _with_reordered(panel: Panel, fields: tuple[str, ...], order: NDArray[np.int64]) -> Panel:
    """Give the panel with some metadata fields in another order."""
    table = panel.metadata
    assert table is not None
    for name in fields:
        table = table.set_column(table.column_names.index(name), name, table[name].take(order))
    return panel.replace(metadata=table)


def _with_signals_of(panel: Panel, order: NDArray[np.int64]) -> Panel:
    """Give the panel with the signals of other series from their first step on, begun again where they are shorter."""
    panel = panel.compact()
    assert panel.signals is not None
    steps = np.arange(len(panel.values)) - np.repeat(panel.starts, panel.lengths)
    others = np.repeat(order, panel.lengths)
    return panel.replace(signals=panel.signals.at(panel.starts[others] + steps % panel.lengths[others]))
