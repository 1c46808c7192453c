"""Which encoder a fit uses, as decided before anything is fitted; needs no torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import InternalError, listing
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import ContextEncoding
from limelight.parts.encoders import Auto, Blocks, ConvLSTM
from limelight.parts.heads import MLPHead
from limelight.parts.poolings import AttentionPooling
from limelight.task import is_known
from limelight.training.settings import LEAST_BATCHES_OF_AN_EPOCH, TrainingSettings

LEAST_KNOWN = 10
MOST_AT_ONCE = 4_000
"""Series whose features all fit in memory; beyond, a head in closed form is fitted in one streamed pass."""
MANY = 1_000
"""Series from which a network is tried at all, unless there are side signals. In cross-validation on the training sets
of six data sets without metadata (28 to 667 series) the log loss of ``rocket`` was at most three fifths of that of the
network; ``docs/background/decisions.md`` has what was measured with metadata."""
SECONDS_OF_A_STEP, SECONDS_OF_A_PRODUCT = 4e-3, 1.2e-10
"""Measured on two cores for four of the benchmark data sets, accurate within a quarter."""


def fitted_first(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> Architecture:
    """Return the architecture that ``fit`` fits first.

    Parameters
    ----------
    panel
        Labelled training series.
    architecture, settings
        As for ``fit``.

    Returns
    -------
    Architecture
        With an encoder that is not ``auto``: ``blocks``, if it takes the labels, the settings and the other parts,
        else ``conv_lstm``; an explicit encoder is kept.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((30, 40)), labels=["a", "b"] * 15)
    >>> fitted_first(panel, Architecture.of("auto"), TrainingSettings()).encoder.name
    'blocks'
    """
    if not architecture.encoder.automatic:
        return architecture
    network, blocks = candidates_of_auto(architecture)
    return network if why_network(panel, architecture, settings) else blocks


def is_solved(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> bool:
    """Whether ``fit`` is certain to solve a head in closed form.

    Then no series need to be held out: leave-one-out predictions calibrate the model.

    Parameters
    ----------
    panel
        Labelled training series.
    architecture, settings
        As for ``fit``.

    Returns
    -------
    bool
        True for the encoders ``rocket`` and ``blocks``, and for ``auto`` if no network is going to be tried.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((30, 40)), labels=["a", "b"] * 15)
    >>> [is_solved(panel, Architecture.of(encoder), TrainingSettings()) for encoder in ("auto", "lstm")]
    [True, False]
    """
    if not architecture.encoder.automatic:
        return architecture.encoder.closed_form
    alone = panel.weights is not None or too_few_for_network(panel)
    return alone and not why_network(panel, architecture, settings)


def may_train_network(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> bool:
    """Whether ``fit`` trains a network by gradient descent, or may do so to compare it with ``blocks``.

    Parameters
    ----------
    panel, architecture, settings
        As for ``is_solved``.

    Returns
    -------
    bool
        False if only a head is solved in closed form.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((30, 40)), labels=["a", "b"] * 15)
    >>> [may_train_network(panel, Architecture.of(encoder), TrainingSettings()) for encoder in ("auto", "lstm")]
    [False, True]
    """
    if is_solved(panel, architecture, settings):
        return False
    compared = architecture.encoder.automatic and not why_network(panel, architecture, settings)
    if not compared:
        return True
    return expected_seconds(panel, settings) <= time_budget_of(architecture)


def expected_seconds(panel: Panel, settings: TrainingSettings) -> float:
    """Estimate how long ``conv_lstm`` trains on two cores, by counting operations so that the choice is reproducible.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((100, 300)))
    >>> 5 < expected_seconds(panel, TrainingSettings()) < 50
    True
    """
    settings = settings.resolve(len(panel), ConvLSTM())
    if settings.batch_size is None or settings.max_epochs is None:
        raise InternalError("settings resolved for a number of series have no None")
    batches = max(LEAST_BATCHES_OF_AN_EPOCH, -(-len(panel) // settings.batch_size))
    length, channels = float(np.median(panel.lengths)), len(panel.channels)
    products = 75_000 * min(length, 32.0) + 128 * channels * length
    return settings.max_epochs * batches * (SECONDS_OF_A_STEP + SECONDS_OF_A_PRODUCT * settings.batch_size * products)


def candidates_of_auto(architecture: Architecture) -> tuple[Architecture, Architecture]:
    """Return the two architectures that ``auto`` compares: with ``conv_lstm``, and with ``blocks``."""
    return replace(architecture, encoder=ConvLSTM()), replace(architecture, encoder=Blocks())


def too_few_for_network(panel: Panel) -> bool:
    """Whether no network is tried, as it would hardly be better."""
    return len(panel) < MANY and panel.signals is None


def why_network(panel: Panel, architecture: Architecture, settings: TrainingSettings) -> str:
    """Return why blocks cannot be used; empty if it can."""
    if panel.labels is None:
        return "as labels are per step"
    if settings.imbalance == "focal":
        return "as imbalance='focal' needs training by gradient descent"
    text_encoder = architecture.context.get_params().get("text_encoder")
    usual = {"pooling": AttentionPooling(), "head": MLPHead(), "context": ContextEncoding(text_encoder=text_encoder)}
    stated = [name for name, part in usual.items() if getattr(architecture, name) != part]
    if architecture.fusion not in ("auto", (), ("late",)):
        stated.append("fusion")
    if stated:
        return f"as {listing(stated)} {'is' if len(stated) == 1 else 'are'} set, which blocks does not have"
    known = is_known(panel.labels).sum(axis=0)
    if panel.labels.ndim == 2 and int(known.min()) < LEAST_KNOWN:
        return f"as a label is known for only {int(known.min())} series"
    return ""


def time_budget_of(architecture: Architecture) -> float:
    """Return the seconds that the encoder ``auto`` may train a network for."""
    if not isinstance(architecture.encoder, Auto):
        raise InternalError(f"fit_auto was called with the encoder {architecture.encoder.name!r}")
    return architecture.encoder.time_budget
