"""What a model depends on as a whole: how much worse it gets with the channel, field, signal or stretch of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from limelight.data.panel import Panel
from limelight.errors import LabelError, ParameterError, nearest
from limelight.evaluation.metrics.grouped import balanced_accuracy
from limelight.explanation.perturbation import fields_read, steps_within, with_field_of, with_hidden, with_signal_of
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of
from limelight.task import UNKNOWN
from limelight.types import Codes

STRETCHES = 10


def importance(
    model: FittedModel, panel: Panel, *, by: str = "balanced_accuracy", repeats: int = 5, seed: int = 0
) -> dict[str, Any]:
    """Measure how much worse a model answers when a part of every series is that of another one.

    Parameters
    ----------
    model
        Any.
    panel
        Labelled series, n of them; none of them trained the model.
    by
        ``"balanced_accuracy"`` or ``"log_loss"``. The loss also sees answers that become less sure and stay right.
    repeats
        How often the series change places, at least 1.
    seed
        The same seed permutes the same way.

    Returns
    -------
    dict[str, Any]
        Plain numbers, ready for JSON: ``by``, ``score`` as it is, ``repeats``, and for each of ``channels``,
        ``stretches`` (tenths of each series, by their ends in percent), ``fields`` and ``signals`` the ``mean`` and the
        ``deviation`` over the repeats of how much worse the score gets: accuracy lost, or log loss gained.

    Raises
    ------
    ParameterError
        If there is no such score, or no repeat.
    LabelError
        If fewer than two classes are known among the series.

    Source
    ------
    Breiman, Random Forests, 2001. What two parts both say costs nothing when one of them is lost.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))
    >>> found = importance(model, Panel.from_series(np.ones((4, 20)), labels=list("abab")))
    >>> found["score"], found["channels"], list(found["stretches"])[:2]
    (0.5, {'channel_0': {'mean': 0.0, 'deviation': 0.0}}, ['0-10 %', '10-20 %'])
    """
    scores: dict[str, Callable[[Prediction, Codes], float]] = {"balanced_accuracy": _recall, "log_loss": _loss}
    if by not in scores:
        raise ParameterError(f"expected a score to lose, got by={by!r}{nearest(by, scores)}")
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat, got repeats={repeats}; repeat more")
    panel = panel.compact()
    codes = targets_of(model.task, panel).every()
    whole = scores[by](model.predict(panel), codes)
    if np.isnan(whole):
        raise LabelError("expected series of at least two classes to measure importance on, got one; give others too")
    worse = 1.0 if by == "log_loss" else -1.0
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(panel)) for _ in range(repeats)]

    def lost(change: Callable[[NDArray[np.int64]], Panel]) -> dict[str, float]:
        found = [worse * (scores[by](model.predict(change(order)), codes) - whole) for order in orders]
        return {"mean": float(np.mean(found)), "deviation": float(np.std(found))}

    fields, signals = fields_read(model, panel)
    return {
        "by": by,
        "score": whole,
        "repeats": repeats,
        "channels": {name: lost(partial(_channel_of, panel, place)) for place, name in enumerate(panel.channels)},
        "stretches": {
            f"{100 * tenth // STRETCHES}-{100 * (tenth + 1) // STRETCHES} %": lost(partial(_stretch_of, panel, tenth))
            for tenth in range(STRETCHES)
        },
        "fields": {name: lost(partial(with_field_of, panel, panel, name)) for name in fields},
        "signals": {name: lost(partial(with_signal_of, panel, panel, name)) for name in signals},
    }


def _channel_of(panel: Panel, channel: int, order: NDArray[np.int64]) -> Panel:
    return with_hidden(panel, panel, order, (np.arange(len(panel.channels)) == channel)[None])


def _stretch_of(panel: Panel, tenth: int, order: NDArray[np.int64]) -> Panel:
    share = steps_within(panel) * STRETCHES // np.repeat(panel.lengths, panel.lengths)
    return with_hidden(panel, panel, order, (share == tenth)[:, None])


def _recall(prediction: Prediction, codes: Codes) -> float:
    return balanced_accuracy(codes, prediction.task.decide(prediction.probabilities, prediction.thresholds))


def _loss(prediction: Prediction, codes: Codes) -> float:
    chances, known = prediction.probabilities, codes != UNKNOWN
    if prediction.task.multilabel:
        there = chances[known]
        return float(log_loss(codes[known], np.stack([1 - there, there], axis=1), labels=[0, 1]))
    return float(log_loss(codes[known], chances[known], labels=np.arange(chances.shape[1])))
