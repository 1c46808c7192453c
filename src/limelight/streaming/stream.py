"""Begin a stream: the answer of a model after each step of a series that is still arriving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.errors import ParameterError
from limelight.model.predictor import Predictor
from limelight.streaming.base import Stream
from limelight.streaming.windows import WindowStream


def open_stream(
    model: Predictor,
    *,
    metadata: Mapping[str, Any] | None = None,
    window: int | None = None,
    every: int = 1,
) -> Stream:
    """Begin a stream.

    Parameters
    ----------
    model
        A fitted model, or an exported one, which needs a ``window``.
    metadata
        The metadata of the series, by field; missing fields are unknown.
    window
        None carries the state of the network from step to step, which needs the encoder ``lstm``, ``gru`` or
        ``conv_lstm`` of one direction. A number predicts from this number of last steps, with any model.
    every
        With a window, the number of steps between predictions.

    Returns
    -------
    Stream
        Before its first step.

    Raises
    ------
    ParameterError
        If the model cannot carry a state, or window or every is below 1.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.data.panel import Panel
    >>> from limelight.model.fitted import FittedModel
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "gru", "hidden_size": 4}, "attention", "linear", missing="error")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("x",))
    >>> stream, series = open_stream(model), np.sin(np.arange(30.0))
    >>> answers = [stream.step([value]) for value in series]
    >>> expected = model.predict(Panel.from_series([series], channels=["x"])).probabilities[0]
    >>> bool(np.abs(answers[-1].probabilities - expected).max() < 1e-6)
    True
    """
    if window is not None:
        return _window_stream(model, window, every, metadata)
    if not hasattr(model, "network"):
        raise ParameterError(
            "expected a model folder to carry the state of a network, got an exported model; pass window= to predict "
            "the last steps again and again"
        )
    from limelight.streaming.carried import CarriedStream  # needs torch, which an exported model does not

    return CarriedStream(model, metadata)  # type: ignore[arg-type]


def _window_stream(model: Predictor, window: int, every: int, metadata: Mapping[str, Any] | None) -> Stream:
    """Return a stream that carries counts of the window, or else one that predicts the window again."""
    if hasattr(model, "network"):
        from limelight.streaming.counted import CountedStream, can_count  # needs torch

        if can_count(model, window, every):
            return CountedStream(model, window, metadata)  # type: ignore[arg-type]
    return WindowStream(model, window, every, metadata)


def can_carry(model: Predictor) -> bool:
    """Whether a stream can carry the state of a model from step to step, so that it needs no window."""
    if not hasattr(model, "network"):
        return False
    try:
        open_stream(model)
    except ParameterError:
        return False
    return True
