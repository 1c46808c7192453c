"""Integrated gradients: how much each value adds to the log odds, relative to a baseline at the training mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.target import Target, log_odds, resolve_target
from limelight.model.batching import make_batch
from limelight.model.fitted import FittedModel
from limelight.model.padding import batches_by_length
from limelight.nn.batch import Batch
from limelight.types import Floats

STEPS_AT_ONCE = 32_768
"""Number of time steps, padding included, in one gradient computation: a few hundred MB."""
SERIES_AT_ONCE = 64
POINTS = (64, 256, 1024)
"""Numbers of integration points; each is tried on the series that still fail completeness."""
TOLERANCE = 0.05
"""Completeness may be off by this many log odds, or by one percent of the difference to explain."""


def explain_gradients(
    model: FittedModel,
    panel: Panel,
    target: Any = None,
    *,
    steps: tuple[int, int] | None = None,
    points: int | None = None,
) -> Explanation:
    """Split the log odds of each series over its values.

    The attributions of all steps and channels sum to the log odds of the target minus those of the baseline, a series
    that stays at the training mean of each channel. Missing values, metadata, signals and clock are the same in both,
    so nothing is attributed to them.

    Parameters
    ----------
    model
        A fitted model with any encoder but ``rocket`` and ``blocks``.
    panel
        n series with the channels used in training.
    target, steps
        As for ``resolve_target``.
    points
        Number of integration points on the line from the baseline to the series, at least 1; more points make the sum
        more exact. None takes 64 points; then 256 and 1,024 for series whose sum is off by more than 0.05 log odds and
        more than one percent of the difference to explain.

    Returns
    -------
    Explanation
        What each step and channel adds to the log odds; ``completeness`` is the error of their sum.

    Raises
    ------
    ParameterError
        If a target or ``points`` is invalid, the encoder is ``rocket`` or ``blocks``, or captum is not installed.
    DataError
        If the channels differ from those used in training, or a value is missing or infinite.

    Source
    ------
    Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks, 2017, as in captum. DeepLift is not
    offered: its rules do not cover the gates of an LSTM.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=2, outputs=1), ("x", "y"))
    >>> panel = Panel.from_series([np.ones((4, 2)), np.ones((7, 2))], channels=["x", "y"])
    >>> explanation = explain_gradients(model, panel)
    >>> [one.shape for one in explanation.channels], bool((abs(explanation.completeness) < 0.05).all())
    ([(4, 2), (7, 2)], True)
    """
    if not has_captum():
        raise ParameterError(
            "method='gradients' needs captum, which is not installed; pip install 'limelight[explain]', or choose "
            "method='occlusion'"
        )
    if model.architecture.encoder.closed_form:
        raise ParameterError(
            f"expected an encoder with gradients, got {model.architecture.encoder.name!r}, whose features are fixed; "
            "choose method='evidence', which is exact, or 'occlusion'"
        )
    if points is not None and points < 1:
        raise ParameterError(f"expected at least 1 point, got points={points}; increase points")
    prediction = model.predict(panel)
    resolved = resolve_target(prediction, target, steps)
    channels: list[Floats] = [np.empty(0)] * len(panel)
    errors = np.zeros(len(panel))
    model.network.eval()
    rows = np.arange(len(panel))
    for number in POINTS if points is None else (points,):
        _explain_rows(model, panel, resolved, rows, number, channels, errors)
        sums = np.array([channels[row].sum() for row in rows])
        rows = rows[np.abs(errors[rows]) > np.maximum(TOLERANCE, 0.01 * np.abs(sums - errors[rows]))]
        if not len(rows):
            break
    importance: list[Floats] = [numbers.sum(axis=1) for numbers in channels]
    return Explanation(panel, prediction, importance, "gradients", resolved.names, channels, completeness=errors)


def _explain_rows(
    model: FittedModel,
    panel: Panel,
    target: Target,
    rows: NDArray[np.int64],
    points: int,
    channels: list[Floats],
    errors: NDArray[np.float64],
) -> None:
    """Compute the attributions of some series and the error of their sum, and store both in place."""
    selected = panel[rows]
    metadata = model.encoded_metadata(selected)
    device = next(model.network.parameters()).device
    for places in batches_by_length(selected, SERIES_AT_ONCE):
        batch = make_batch(
            selected,
            places,
            elapsed=model.architecture.needs_clock,
            missing=model.architecture.takes_missing,
            metadata=metadata,
            offset=model.offset,
        ).to(device)
        attributions, error = _integrate(model, batch, target.at(rows[places]), points)
        errors[rows[places]] = error.cpu().numpy()
        for row, numbers in zip(rows[places].tolist(), attributions.cpu().numpy(), strict=True):
            channels[row] = numbers[: panel.lengths[row]].copy()


def has_captum() -> bool:
    """Whether captum, which limelight[explain] installs, is available."""
    return find_spec("captum") is not None


def _integrate(model: FittedModel, batch: Batch, target: Target, points: int) -> tuple[Tensor, Tensor]:
    """Compute the attributions, shape (batch, time, channels), and the error of their sum, shape (batch,)."""
    from captum.attr import IntegratedGradients

    values = batch.values
    mean = model.network.normalisation.mean[: values.shape[2]]
    baseline = torch.where(batch.mask[:, :, None] & ~values.isnan(), mean, values)
    fixed_inputs = (
        batch.mask,
        batch.elapsed,
        batch.categories,
        batch.numbers,
        batch.tokens,
        batch.signals,
        batch.vectors,
        torch.from_numpy(target.codes).to(values.device),
        _step_weights(target, batch),
    )
    forward: Callable[..., Tensor] = partial(_target_log_odds, model)
    at_once = max(len(batch), STEPS_AT_ONCE // values.shape[1])
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN's recurrent layers have gradients in training mode only
        attributions = IntegratedGradients(forward).attribute(
            values, baseline, additional_forward_args=fixed_inputs, n_steps=points, internal_batch_size=at_once
        )
        with torch.no_grad():
            difference = forward(values, *fixed_inputs).double() - forward(baseline, *fixed_inputs).double()
    attributions = attributions.detach().double().nan_to_num(0.0)
    return attributions, attributions.sum(dim=(1, 2)) - difference


def _target_log_odds(
    model: FittedModel,
    values: Tensor,
    mask: Tensor,
    elapsed: Tensor | None,
    categories: Tensor | None,
    numbers: Tensor | None,
    tokens: Tensor | None,
    signals: Tensor | None,
    vectors: Tensor | None,
    codes: Tensor,
    step_weights: Tensor | None,
) -> Tensor:
    """Compute the log odds of the target, shape (batch,)."""
    batch = Batch(values, mask, None, elapsed, categories, numbers, tokens, signals, vectors)
    logits = model.network(batch).logits
    if model.decision.temperature is not None:
        logits = logits / torch.from_numpy(model.decision.temperature).to(logits)
    if step_weights is None:
        return log_odds(logits, codes, model.task)
    by_step = log_odds(logits, codes[:, None].expand(mask.shape), model.task)
    return (by_step * step_weights).sum(dim=1)


def _step_weights(target: Target, batch: Batch) -> Tensor | None:
    if target.step_weights is None:
        return None
    padded = torch.zeros(batch.mask.shape, dtype=torch.float32)
    for row, weights in enumerate(target.step_weights):
        padded[row, : len(weights)] = torch.from_numpy(weights)
    return padded.to(batch.values.device)
