"""Attention: the weights of the attention pooling on the time axis of every series."""

from __future__ import annotations

from typing import Any

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.model.fitted import FittedModel


def explain_attention(model: FittedModel, panel: Panel, target: Any = None) -> Explanation:
    """Return the attention weights of a model.

    Parameters
    ----------
    model
        A fitted model with attention pooling.
    panel
        Series with the channels used in training.
    target
        Must be None, as attention is the same for every class.

    Returns
    -------
    Explanation
        The attention weights of every series, in the order of the panel.

    Raises
    ------
    ParameterError
        If the pooling of the model has no attention, or a target is given.
    DataError
        If the channels differ from those used in training, or a value is missing or infinite.

    Source
    ------
    The weights of the pooling itself. They show which steps contribute to the prediction, not what the prediction would
    be without them: Jain and Wallace, Attention is not Explanation, 2019.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "attention")
    >>> network = Network(architecture, channels=1, outputs=1)
    >>> model = FittedModel(Task(("a", "b")), architecture, network, ("channel_0",))
    >>> explanation = explain_attention(model, Panel.from_series([np.zeros(4), np.zeros(7)]))
    >>> [weights.shape for weights in explanation.importance]
    [(4,), (7,)]
    """
    if target is not None:
        raise ParameterError(
            f"expected no target for attention, which is the same for every class, got target={target!r}; omit "
            "the target, or choose method='gradients' or 'occlusion'"
        )
    prediction = model.predict(panel, attention=True)
    if prediction.attention is None and len(panel):
        raise ParameterError(
            "expected a model with attention pooling, got pooling "
            f"{model.architecture.pooling.name!r}; train one with pooling='attention'"
        )
    return Explanation(panel, prediction, [*(prediction.attention or [])], "attention")
