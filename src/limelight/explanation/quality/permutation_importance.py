"""Permutation importance: how much a model's score drops when an input is permuted among the series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError, nearest
from limelight.evaluation.metrics.grouped import balanced_accuracy
from limelight.explanation.perturbation import (
    fields_and_signals,
    replace_field,
    replace_masked,
    replace_signal,
    step_numbers,
)
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.other_metadata import OtherMetadata
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN
from limelight.types import Codes

STRETCHES = 10
LEAST_PERMUTED, MOST_VALUES = 100, 200_000
"""Series whose metadata are permuted: at least 100, or with up to this many values."""
REPEATS = 5
SERIES, METADATA, SIGNALS = "series", "metadata", "signals"

Permute = Callable[[NDArray[np.int64]], Panel]
"""Returns the panel in which one input of each series is that of the series given by a permutation, shape (n,)."""


def permutation_importance(
    model: FittedModel, panel: Panel, *, by: str = "balanced_accuracy", repeats: int = REPEATS, seed: int = 0
) -> dict[str, Any]:
    """Measure how much the score drops when each channel, stretch, metadata field or signal is permuted.

    A permuted channel, stretch or signal is stretched to the length of the series that receives it. All inputs are
    permuted with the same permutations.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        n labelled series that were not used for training.
    by
        ``"balanced_accuracy"`` or ``"log_loss"``. The log loss also registers predictions that stay correct but become
        less confident.
    repeats
        Number of permutations, at least 1.
    seed
        The same seed draws the same permutations.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``by``; ``score`` without permutation; ``repeats``; and for each of ``channels``,
        ``stretches`` (tenths of each series, named by their ends in percent), ``fields`` and ``signals`` the ``mean``
        and ``deviation`` over the repeats of how much worse the score becomes: accuracy lost or log loss gained.

    Raises
    ------
    ParameterError
        If the score is unknown or ``repeats`` is below 1.
    LabelError
        If the known labels are of fewer than two classes.

    Source
    ------
    Breiman, Random Forests, 2001. Redundant inputs hide each other's importance: permuting one of them costs little as
    long as the other remains.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> panel = Panel.from_series(np.ones((4, 20)), labels=list("abab"))
    >>> importance = permutation_importance(model, panel)
    >>> importance["score"], importance["channels"], list(importance["stretches"])[:2]
    (0.5, {'channel_0': {'mean': 0.0, 'deviation': 0.0}}, ['0-10 %', '10-20 %'])
    """
    scores: dict[str, Callable[[Prediction, Codes], float]] = {
        "balanced_accuracy": _balanced_accuracy,
        "log_loss": _log_loss,
    }
    if by not in scores:
        raise ParameterError(f"expected by to name a score, got by={by!r}{nearest(by, scores)}")
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat, got repeats={repeats}; increase repeats")
    panel = panel.compact()
    codes = targets_of(model.task, panel).every()
    score = scores[by](model.predict(panel), codes)
    if np.isnan(score):
        raise LabelError(
            "expected series of at least two classes to measure permutation importance, got one class; add series of "
            "another class"
        )
    sign = 1.0 if by == "log_loss" else -1.0
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(panel)) for _ in range(repeats)]

    def worsening(permuted: Panel, predict: Callable[[Panel], Prediction] = model.predict) -> float:
        return sign * (scores[by](predict(permuted), codes) - score)

    def drop(permute: Permute) -> dict[str, float]:
        return _mean_drop(worsening, permute, orders)

    def drop_of_field(permute: Permute) -> dict[str, float]:
        return _mean_drop(partial(worsening, predict=same_series.predict), permute, orders)

    fields, signals = fields_and_signals(model, panel)
    same_series = OtherMetadata(model, panel) if fields else model
    return {
        "by": by,
        "score": score,
        "repeats": repeats,
        "channels": {name: drop(partial(_permute_channel, panel, place)) for place, name in enumerate(panel.channels)},
        "stretches": {
            f"{100 * tenth // STRETCHES}-{100 * (tenth + 1) // STRETCHES} %": drop(
                partial(_permute_stretch, panel, tenth)
            )
            for tenth in range(STRETCHES)
        },
        "fields": {name: drop_of_field(partial(replace_field, panel, panel, name)) for name in fields},
        "signals": {name: drop(partial(replace_signal, panel, panel, name)) for name in signals},
    }


def score_permuted(model: FittedModel, panel: Panel, *, repeats: int = REPEATS, seed: int = 0) -> dict[str, Any] | None:
    """Measure how much the balanced accuracy drops when metadata, signals or the series themselves are permuted.

    The metadata as a whole and each field, all signals together, and the series with the metadata kept in place are
    permuted, each with permutations of its own. A signal keeps its steps: it is cut to the length of the series that
    receives it, or repeated if it is shorter.

    Parameters
    ----------
    model
        A model fitted with metadata or signals.
    panel
        n labelled series with metadata or signals that were not used for training; of many, a sample is used.
    repeats
        Number of permutations of each input, at least 1.
    seed
        The same seed draws the same permutations.

    Returns
    -------
    dict[str, Any] | None
        ``score``, the balanced accuracy without permutation; ``repeats``; and ``drops``: for ``"metadata"``,
        ``"series"``, ``"signals"`` and each field the ``mean`` and ``deviation`` over the repeats of the drop in
        balanced accuracy. None if the model or the panel has neither metadata nor signals, or the labels are of one
        class.

    Source
    ------
    Breiman, Random Forests, 2001; scikit-learn's ``permutation_importance`` does the same for tables. Permuted inputs
    keep their distribution, so a drop measures what the model makes of their link to the label, not what the label
    depends on: of two redundant fields, one can replace the other.
    """
    fields, _ = fields_and_signals(model, panel)
    has_signals = model.vocabulary is not None and model.vocabulary.signals and panel.signals is not None
    if not (fields or has_signals) or not len(panel):
        return None
    limit = max(LEAST_PERMUTED, int(MOST_VALUES / (panel.lengths.mean() * len(panel.channels))))
    panel = panel[np.sort(np.random.default_rng(seed).permutation(len(panel))[:limit])]
    codes = targets_of(model.task, panel).every()
    score = _balanced_accuracy(model.predict(panel), codes)
    if np.isnan(score):
        return None
    permutations: dict[str, Permute] = {}
    if fields:
        permutations[METADATA] = partial(_permute_fields, panel, fields)
    if not model.task.by_step:  # per-step labels cannot be separated from their series
        permutations[SERIES] = lambda order: panel[order].replace(metadata=panel.metadata)
    if has_signals:
        permutations[SIGNALS] = partial(_permute_all_signals, panel)
    permutations |= {name: partial(replace_field, panel, panel, name) for name in fields}
    random = np.random.default_rng(seed)
    same_series = OtherMetadata(model, panel) if fields else model

    def worsening(permuted: Panel, predict: Callable[[Panel], Prediction]) -> float:
        return score - _balanced_accuracy(predict(permuted), codes)

    drops = {
        name: _mean_drop(
            partial(worsening, predict=same_series.predict if name in (METADATA, *fields) else model.predict),
            permute,
            (random.permutation(len(panel)) for _ in range(repeats)),
        )
        for name, permute in permutations.items()
    }
    return {"score": score, "repeats": repeats, "drops": drops}


def _mean_drop(
    worsening: Callable[[Panel], float], permute: Permute, orders: Iterable[NDArray[np.int64]]
) -> dict[str, float]:
    """Compute mean and standard deviation, over some permutations, of how much worse the score becomes."""
    drops = [worsening(permute(order)) for order in orders]
    return {"mean": float(np.mean(drops)), "deviation": float(np.std(drops))}


def _permute_channel(panel: Panel, channel: int, order: NDArray[np.int64]) -> Panel:
    return replace_masked(panel, panel, order, (np.arange(len(panel.channels)) == channel)[None])


def _permute_stretch(panel: Panel, tenth: int, order: NDArray[np.int64]) -> Panel:
    tenths = step_numbers(panel) * STRETCHES // np.repeat(panel.lengths, panel.lengths)
    return replace_masked(panel, panel, order, (tenths == tenth)[:, None])


def _permute_fields(panel: Panel, fields: Iterable[str], order: NDArray[np.int64]) -> Panel:
    """Permute some metadata fields together."""
    return reduce(lambda permuted, name: replace_field(permuted, panel, name, order), fields, panel)


def _permute_all_signals(panel: Panel, order: NDArray[np.int64]) -> Panel:
    """Permute all signals together, step by step: cut to the length of the series, or repeated if they are shorter.

    ``replace_signal``, which ``permutation_importance`` uses, stretches a signal to the same relative positions
    instead. For series of equal length both are the same.
    """
    panel = panel.compact()
    assert panel.signals is not None
    rows = np.repeat(order, panel.lengths)
    return panel.replace(signals=panel.signals.at(panel.starts[rows] + step_numbers(panel) % panel.lengths[rows]))


def _balanced_accuracy(prediction: Prediction, codes: Codes) -> float:
    return balanced_accuracy(codes, prediction.task.decide(prediction.probabilities, prediction.thresholds))


def _log_loss(prediction: Prediction, codes: Codes) -> float:
    probabilities, known = prediction.probabilities, codes != UNKNOWN
    if prediction.task.multilabel:
        positive = probabilities[known]
        return float(log_loss(codes[known], np.stack([1 - positive, positive], axis=1), labels=[0, 1]))
    return float(log_loss(codes[known], probabilities[known], labels=np.arange(probabilities.shape[1])))
