"""Integrated gradients: how much each value adds to the answer, counted from the mean of the training."""

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
from limelight.model.batching import batches_by_length, make_batch
from limelight.model.fitted import FittedModel
from limelight.nn.batch import Batch
from limelight.types import Floats

STEPS_AT_ONCE = 32_768
"""Time steps, padding included, that gradients are taken of at once: some hundred MB."""
SERIES_AT_ONCE = 64
POINTS = (64, 256, 1024)
"""Each number of points is tried on the series whose sum still misses."""
MISSED = 0.05
"""By so many log odds, or by a hundredth of what it should be, a sum may miss."""


def explain_gradients(
    model: FittedModel,
    panel: Panel,
    target: Any = None,
    *,
    steps: tuple[int, int] | None = None,
    points: int | None = None,
) -> Explanation:
    """Split the answer about each series over its values.

    The sum over all steps and channels is the log odds of the target, less those of a series that stays at the training
    mean of each channel. What is missing, metadata, signals and clock stay as they are, so they get nothing.

    Parameters
    ----------
    model
        With any encoder but ``rocket``.
    panel
        Series with the channels of the training, n of them.
    target, steps
        As for ``resolve_target``.
    points
        On the line from the mean to the series at which gradients are taken, at least 1; more make the sum more exact.
        None takes 64, and for a series whose sum misses by more than 0.05 and a hundredth, 256 and then 1,024.

    Returns
    -------
    Explanation
        Of each step and channel what it adds to the log odds; ``completeness`` says by how much their sum misses.

    Raises
    ------
    ParameterError
        If a target or ``points`` is impossible, or captum is not installed.
    DataError
        If the channels differ from those of the training, or a value is missing or infinite.

    Source
    ------
    Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks, 2017, as in captum. DeepLift is left out: its
    rules do not know the gates of an LSTM.

    Example
    -------
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "last")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=2, outputs=1), ("x", "y"))
    >>> panel = Panel.from_series([np.ones((4, 2)), np.ones((7, 2))], channels=["x", "y"])
    >>> explanation = explain_gradients(model, panel)
    >>> [one.shape for one in explanation.channels], bool((abs(explanation.completeness) < 1e-4).all())
    ([(4, 2), (7, 2)], True)
    """
    if not has_captum():
        raise ParameterError(
            "expected captum to be installed for method='gradients', it is not; say pip install 'limelight[explain]', "
            "or choose method='occlusion'"
        )
    if model.has_evidence:
        raise ParameterError(
            "expected an encoder whose answers have gradients, got 'rocket', which counts; take method='evidence', "
            "which is exact there, or 'occlusion'"
        )
    if points is not None and points < 1:
        raise ParameterError(f"expected at least 1 point, got points={points}; take more")
    prediction = model.predict(panel)
    question = resolve_target(prediction, target, steps)
    channels: list[Floats] = [np.empty(0)] * len(panel)
    missed = np.zeros(len(panel))
    model.network.eval()
    rows = np.arange(len(panel))
    for number in POINTS if points is None else (points,):
        _explain_rows(model, panel, question, rows, number, channels, missed)
        sums = np.array([channels[row].sum() for row in rows])
        rows = rows[np.abs(missed[rows]) > np.maximum(MISSED, 0.01 * np.abs(sums - missed[rows]))]
        if not len(rows):
            break
    importance: list[Floats] = [one.sum(axis=1) for one in channels]
    return Explanation(panel, prediction, importance, "gradients", question.names, channels, completeness=missed)


def _explain_rows(
    model: FittedModel,
    panel: Panel,
    question: Target,
    rows: NDArray[np.int64],
    points: int,
    channels: list[Floats],
    missed: NDArray[np.float64],
) -> None:
    """Fill in what the values of some series add, and by how much the sum misses."""
    some = panel[rows]
    facts = model.facts_about(some)
    device = next(model.network.parameters()).device
    for own in batches_by_length(some, SERIES_AT_ONCE):
        batch = make_batch(
            some, own, elapsed=model.architecture.needs_clock, missing=model.architecture.takes_missing, facts=facts
        ).to(device)
        parts, gap = _integrate(model, batch, question.at(rows[own]), points)
        missed[rows[own]] = gap.cpu().numpy()
        for row, one in zip(rows[own].tolist(), parts.cpu().numpy(), strict=True):
            channels[row] = one[: panel.lengths[row]].copy()


def has_captum() -> bool:
    """Say whether captum is installed, which comes with limelight[explain]."""
    return find_spec("captum") is not None


def _integrate(model: FittedModel, batch: Batch, question: Target, points: int) -> tuple[Tensor, Tensor]:
    """Give what each value adds, shape (batch, time, channels), and what the sum misses, shape (batch,)."""
    from captum.attr import IntegratedGradients

    values = batch.values
    mean = model.network.normalisation.mean[: values.shape[2]]
    start = torch.where(batch.mask[:, :, None] & ~values.isnan(), mean, values)
    asked = [torch.from_numpy(question.codes).to(values.device), _shares(question, batch)]
    known = (batch.mask, batch.elapsed, batch.categories, batch.numbers, batch.tokens, batch.signals, batch.vectors)
    given = (*known, *asked)
    answer: Callable[..., Tensor] = partial(_answer, model)
    at_once = max(len(batch), STEPS_AT_ONCE // values.shape[1])
    with torch.backends.cudnn.flags(enabled=False):  # its recurrent layers have gradients in training only
        parts = IntegratedGradients(answer).attribute(
            values, start, additional_forward_args=given, n_steps=points, internal_batch_size=at_once
        )
        with torch.no_grad():
            difference = answer(values, *given).double() - answer(start, *given).double()
    parts = parts.detach().double().nan_to_num(0.0)
    return parts, parts.sum(dim=(1, 2)) - difference


def _answer(
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
    shares: Tensor | None,
) -> Tensor:
    """Give the log odds asked about, shape (batch,)."""
    batch = Batch(values, mask, None, elapsed, categories, numbers, tokens, signals, vectors)
    logits = model.network(batch).logits
    if model.decision.temperature is not None:
        logits = logits / torch.from_numpy(model.decision.temperature).to(logits)
    if shares is None:
        return log_odds(logits, codes, model.task)
    each = log_odds(logits, codes[:, None].expand(mask.shape), model.task)
    return (each * shares).sum(dim=1)


def _shares(question: Target, batch: Batch) -> Tensor | None:
    if question.shares is None:
        return None
    shares = torch.zeros(batch.mask.shape)
    for row, one in enumerate(question.shares):
        shares[row, : len(one)] = torch.from_numpy(one)
    return shares.to(batch.values.device)
